/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* Processes of the products that are compared, and their addresses. */
#pragma once

#include <stddef.h>
#include <sys/types.h>

#define SERVERS_START_SECONDS 60
#define SERVERS_LOOK_US 20000u

/* Ports of loopback that are free now, all different. */
void servers_find_ports(unsigned *ret_ports, size_t count);
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
