/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * Who this node is: the file `identity` in its data directory, written once by
 * `quorlogd init` and never changed. Text, one `key = value` a line, the last
 * line a CRC-32C of all bytes before it (docs/formats.md, "Identity").
 *
 * A directory without this file is uninitialised: it never votes, never serves
 * and has no peer link.
 */
#pragma once

#include <stdbool.h>

#include "util/err.h"
#include "util/limits.h"
#include "util/text.h"

/* In the data directory: the file that is locked (file_lock()) by whoever uses
 * the directory, and the directories of the raft log and of the chunks. */
#define DIR_LOCK_NAME "lock"
#define RAFT_DIR_NAME "raft"
#define CHUNKS_DIR_NAME "chunks"
#define QUARANTINE_DIR_NAME "quarantine" /* in that of the chunks */
#define CLUSTER_ID_LEN 16u               /* as bytes */

struct member {
    uint64_t id;
    char peer_address[ADDRESS_MAX];   /* host:port */
    char client_address[ADDRESS_MAX]; /* host:port as clients reach it */
};

struct identity {
    char cluster[ID_TEXT_LEN + 1];  /* the same on all nodes */
    char instance[ID_TEXT_LEN + 1]; /* this directory's own */
    uint64_t node;                  /* this node's id, 1.. */
    uint8_t secret[SECRET_LEN];     /* the same on all nodes */
    size_t members_count;
    struct member members[MEMBERS_MAX]; /* by rising id; all are voters */
    /* Clusters whose logs this one went on with (`quorlogd recover`), the last one
     * first; their backups are its own. */
    size_t ancestors_count;
    char ancestors[LINEAGE_MAX][ID_TEXT_LEN + 1];
};

/* "1=PEER/CLIENT,2=PEER/CLIENT,..."; QL_INVALID with a sentence for bad ids,
 * addresses, duplicates, too many. Sorted by id. */
int members_parse(const char *text, struct member *ret_members,
                  size_t *ret_count, struct err *err);
const struct member *identity_member(const struct identity *identity,
                                     uint64_t id);
/* The smallest majority of the voters. */
size_t identity_quorum(const struct identity *identity);
/* The digits of the cluster's id, as files of the chunk store have them. */
void identity_cluster_bytes(const struct identity *identity,
                            uint8_t ret[CLUSTER_ID_LEN]);
/* The same of the ancestor at @index. */
void identity_ancestor_bytes(const struct identity *identity, size_t index,
                             uint8_t ret[CLUSTER_ID_LEN]);
/* Is it the cluster's own id, or one of its ancestors'? */
bool identity_is_of(const struct identity *identity,
                    const uint8_t cluster[CLUSTER_ID_LEN]);
/* Was its id derived from what a recovery took? Then no member may ever begin with
 * an empty log (docs/consensus.md, "Recovery of a lost quorum"). */
bool identity_is_recovered(const struct identity *identity);
/* The text of an id; ID_TEXT_LEN + 1 bytes. */
void identity_id_text(const uint8_t id[CLUSTER_ID_LEN], char *ret_text);
/* Hex XXH3-128 over cluster and members: equal on nodes initialised alike. */
void identity_members_digest(const struct identity *identity,
                             char ret_text[33]);

/* Makes DIR an initialised node directory: lock, DIR/raft with the first
 * configuration, and last the identity file. QL_EXISTS when DIR is initialised
 * already, QL_INVALID when it holds anything else or the cluster is a recovered one, QL_BUSY
 * when another process has it locked. Takes the lock itself and gives it back; an init that was cut
 * off may simply be repeated. */
int identity_init(const struct identity *identity, const char *dir,
                  struct err *err);
/* The same with what @make puts there, which also takes away what an earlier call
 * that was cut off has left. */
typedef int (*identity_make_fn)(void *data, const struct identity *identity,
                                const char *dir, struct err *err);
int identity_make(const struct identity *identity, const char *dir,
                  identity_make_fn make, void *data, struct err *err);
/* QL_NOT_FOUND: not initialised (the text says what to run). QL_CORRUPT. */
int identity_load(struct identity *ret, const char *dir, struct err *err);
/* The same, changing nothing: not even the rest of an init that was cut off. */
int identity_read(struct identity *ret, const char *dir, struct err *err);
