/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* Processes of the products that are compared, and their addresses. */
#pragma once

#include "compare/peer.h"

#include <stddef.h>
#include <sys/types.h>

#include "util/limits.h"

#define SERVERS_START_SECONDS 60
#define SERVERS_LOOK_US 20000u

#define SERVERS_PORTS_MAX 3u /* of each */

/* Where one of the servers has what is its own. */
struct server {
    char name[8];                      /* "n1" */
    char dir[PATH_LEN_MAX];            /* of its data; empty */
    char output[PATH_LEN_MAX];         /* what it prints */
    char configuration[PATH_LEN_MAX];  /* for a file; not made */
    unsigned ports[SERVERS_PORTS_MAX]; /* of loopback, free now; the first is
                                          that of its clients */
};

/* Places all PEER_SERVERS below @dir. */
void servers_place(struct server *servers, const char *dir);
/* The server of which @leads says so, asked at its clients' port; waits for one.
 * Without one it fails. */
size_t servers_find_leader(struct peer *peer, const struct server *servers,
                           bool (*leads)(unsigned port, char *ret_version));
/* Runs @words (NULL ends them) in the background; what it says goes to the file
 * @output. It ends with this process at the latest. */
pid_t server_start(const char *const *words, const char *output);
/* Did one of them end? Then says the last words in @output and fails. */
void server_check(pid_t pid, const char *output);
/* Ends them at once and waits until they are gone. */
void servers_kill(pid_t *pids, size_t count);
/* The first line that `program word` prints, without its end. */
void server_version(const char *program, const char *word, char *ret_line,
                    size_t room);
