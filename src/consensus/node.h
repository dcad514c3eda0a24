/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * The only place that speaks libraft: starts the core over guard and disk,
 * batches commands into raft entries, applies them to the machine, answers
 * linearizable reads, takes snapshots, hands leadership over.
 *
 * Everything runs on the loop thread. Callbacks follow one contract: a call
 * that returns 0 has its callback fired exactly once, later, never from inside
 * the call; a call that fails never fires it. Callbacks may call any node_*
 * function except node_free().
 *
 * Errors of the disk are fatal: the node says why and ends the process.
 */
#pragma once

#include <stdbool.h>

#include "consensus/disk_writer.h"
#include "consensus/identity.h"
#include "consensus/link.h"
#include "store/chunk_store.h"
#include "util/list.h"
#include "wire/backup_state.h"

struct backup_intakes;
struct backup_store;
struct metrics;
struct node;
struct stage_sample;
struct uv_loop_s;

enum node_role { NODE_FOLLOWER = 0, NODE_CANDIDATE = 1, NODE_LEADER = 2 };

struct node_options {
    struct uv_loop_s *loop;
    const struct identity *identity; /* outlives the node */
    const char *dir;                 /* data directory, locked by the caller */
    const char *listen_peer;         /* "host:port"; NULL: own peer address */
    uint32_t election_timeout_ms;    /* 0: ELECTION_TIMEOUT_MS */
    uint32_t heartbeat_ms;           /* 0: HEARTBEAT_MS */
    uint32_t snapshot_entries;       /* 0: SNAPSHOT_ENTRIES */
    uint64_t snapshot_bytes_min;     /* 0: SNAPSHOT_BYTES_MIN */
    uint64_t low_space_bytes; /* less free is reported as low; 0: never */
    uint64_t reserve_bytes;   /* of the reserve file; 0: none */
    enum disk_writer wal_writer;
    uint64_t cache_bytes;   /* of chunks that readers have asked for */
    uint64_t scrub_bytes;   /* of chunk files read again in a second; 0: none */
    uint64_t fetch_bytes;   /* of chunks fetched in a second; 0: no limit */
    const char *backup_dir; /* NULL: BACKUP_DIR_NAME in dir */
    /* Proposed once to a cluster that has no such settings yet. */
    uint64_t backup_interval_ms; /* 0: none by themselves */
    uint64_t max_saved_backups;  /* 0: BACKUPS_SAVED */
    /* Once in the life of a process: when this node leads it freezes the logs
     * before it serves a write. */
    bool frozen;
    /* Role, term, leader or readiness to serve changed. May be NULL. */
    void (*on_state)(void *data);
    /* A raft entry was applied, or a snapshot installed: the machine has moved.
     * At most once a loop turn, after the callbacks of the submits in it. */
    void (*on_applied)(void *data);
    /* Rule J and "Integrity" (docs/consensus.md): the node must start again on
     * what is on its disk: the owner calls node_stop() in it, and loads the
     * directory with a new process. NULL: the process ends with an error. */
    void (*on_restart)(void *data);
    void *data;
};

/* Loads what is on disk and starts. The process must ignore SIGPIPE: a peer may
 * go away while it is written to. A start that fails runs the loop for a moment
 * to close what it had opened. QL_INVALID, QL_IO, QL_CORRUPT, QL_INTERNAL. */
int node_start(struct node **ret_node, const struct node_options *options,
               struct err *err);
struct machine *node_machine(struct node *node);
/* What it counts. Until node_free(). */
struct metrics *node_metrics(struct node *node);
/* Where the bytes of sealed chunks are. Until node_close(). */
struct chunk_store *node_chunks(struct node *node);

/* ---- Writing ---- */

struct node_submit;
/* @status 0: committed and applied, @outcome says with what result (borrowed,
 * valid during the callback). QL_OUTCOME_UNKNOWN: leadership was lost or the
 * node stops after it was sent; it may still be applied. QL_NOT_LEADER: it was
 * never sent, nothing happened. @outcome is NULL then. */
typedef void (*node_submit_cb)(struct node_submit *submit, int status,
                               const struct outcome *outcome);
/* The caller's, embedded; the node's from the call to its callback. */
struct node_submit {
    struct list link;
    enum command_kind kind;
    size_t len; /* of the params */
    uint32_t offset;
    node_submit_cb cb;
    void *data;       /* the caller's */
    uint64_t read_ns; /* the caller's: when its bytes were read, which makes it
                         one that may be timed (stages.h); 0: not */
    struct stage_sample *sample; /* NULL: it is not timed. The callback may take
                                    it into a list of its own */
};
/* Copies @params into the open batch, which leaves at the end of this loop turn,
 * or when it has BATCH_BYTES, but no more than BATCHES_IN_FLIGHT at once.
 * QL_NOT_LEADER; QL_NO_LEADER (leads, but is not ready: a retry soon helps);
 * QL_BUSY above SUBMIT_BYTES_MAX; QL_SHUTTING_DOWN. */
int node_submit(struct node *node, struct node_submit *submit,
                enum command_kind kind, struct bytes params, node_submit_cb cb);

/* ---- Reading ---- */

struct node_read;
/* @status 0: the machine now holds everything acknowledged before the call.
 * QL_NOT_LEADER, QL_SHUTTING_DOWN otherwise. */
typedef void (*node_read_cb)(struct node_read *read, int status);
struct node_read {
    struct list link;
    uint64_t index; /* to be applied first */
    uint64_t round; /* to be confirmed first */
    node_read_cb cb;
    void *data; /* the caller's */
};
/* 0: what the machine holds may be told, stale as it may be. QL_NOT_LEADER: this
 * node's state may be another one than that of the others. */
int node_may_read(const struct node *node);
/* Waits until a majority has confirmed, after the call, that this node leads, and
 * all that was committed at the call is applied; writes nothing (read_index.h).
 * Errors as node_submit(); QL_BUSY above READS_WAITING_MAX. */
int node_read(struct node *node, struct node_read *read, node_read_cb cb);

/* ---- Leadership ---- */

struct node_transfer;
/* @status 0: a new term has begun or another node leads. QL_TIMEOUT: this node
 * still leads (no other voter could take over). */
typedef void (*node_transfer_cb)(struct node_transfer *transfer, int status);
struct node_transfer {
    node_transfer_cb cb;
    void *data; /* the caller's */
};
/* Stops taking writes, lets those in flight end, transfers to node @to (0: the
 * best voter). QL_NOT_LEADER, QL_INVALID (no such voter, or this node),
 * QL_NOT_FOUND (there is no other voter), QL_BUSY (one is under way). */
int node_transfer(struct node *node, struct node_transfer *transfer,
                  uint64_t to, node_transfer_cb cb);
/* Ends this node's term, whatever the others do: what is in flight gets time to
 * end, then the best voter that answers is asked to take over, and if that has not
 * helped after an election timeout the core is told of a higher term. @cb with 0
 * when there is a new term, QL_SHUTTING_DOWN when the node closed first. The node
 * does this by itself once a commit or an undo was applied and its callback was
 * given. QL_NOT_LEADER, QL_BUSY (a step down is under way), QL_SHUTTING_DOWN. */
int node_step_down(struct node *node, struct node_transfer *transfer,
                   node_transfer_cb cb);

/* It was started frozen and has not led since. */
bool node_will_freeze(const struct node *node);

/* ---- Backups ---- */

/* This node's backup directory. Until node_close(). */
struct backup_store *node_backups(struct node *node);
/* The disk that it is on, for works off the loop: those that are under way when the
 * node closes are waited for, and called back. */
struct disk *node_backup_disk(struct node *node);
/* The streams that this node is taking in, over the same directory. As above. */
struct backup_intakes *node_intakes(struct node *node);

/* What a member says that it has of a backup. */
struct node_backup_holder {
    uint64_t node;
    enum backup_state state;
    uint64_t verified_at_ms; /* 0: never */
};
/* Of backup @id, in the order of the members, this node first among equals; who
 * has said nothing lately is left out. Returns how many. */
size_t node_backup_holders(const struct node *node, uint64_t id,
                           struct node_backup_holder ret[MEMBERS_MAX]);

/* Hands leadership over if there is another voter, ends what is in flight,
 * ends the core; then @cb. New submits get QL_SHUTTING_DOWN from now on. The
 * machine and its chunks can still be read. */
void node_stop(struct node *node, void (*cb)(void *data), void *data);
/* After node_stop()'s callback, when no load of a chunk is under way and none will
 * be begun; @cb when it is closed. */
void node_close(struct node *node, void (*cb)(void *data), void *data);
/* After node_close()'s callback. */
void node_free(struct node *node);

/* ---- What it knows ---- */

struct node_peer_status {
    bool known;     /* this node leads: the next two are meaningful */
    bool reachable; /* heard from within the election timeout */
    uint64_t match_index;
    bool space_known; /* the rest is what that node said last */
    bool space_low;
    uint64_t free_bytes; /* where its raft log is */
    uint64_t total_bytes;
    uint64_t digest_index; /* the newest at which its state is compared with
                              ours; 0: none */
    bool digest_same;
};

/* What snapshots have cost, since the start. */
struct node_snapshots {
    uint64_t taken;
    uint64_t index;   /* of the last one that is stored; 0: none */
    uint64_t bytes;   /* of it, as it is written */
    uint64_t loop_ns; /* of the loop's time, all parts together */
    uint64_t loop_ns_max;
    uint64_t wall_ns; /* from its freezing until it was stored */
    uint64_t wall_ns_max;
};

/* The snapshot of another node that this one is filling up to, or was last. */
struct node_install {
    uint64_t index; /* 0: none since the start */
    uint64_t chunks;
    uint64_t chunks_missing;
    uint64_t bytes_fetched;
    uint64_t fetch_ms;
};

/* Of this node's backup directory. */
struct node_backups_status {
    uint64_t
        last_success_ms; /* when a backup was last written here; 0: never */
    uint64_t last_verified_ms; /* the oldest check of the newest whole one */
    uint64_t failures;         /* since the start */
    uint64_t saved;            /* backups that are whole here */
    const char *problem; /* a sentence, or ""; valid until the next turn */
};

struct node_status {
    enum node_role role;
    bool ready; /* leads and may serve */
    uint64_t term;
    uint64_t leader; /* node id, 0: none known */
    uint64_t last_index;
    uint64_t commit_index;
    uint64_t applied_index;
    uint64_t snapshot_index;
    const char *disk_writer; /* see raft_io_real_writer(); static storage */
    const char *integrity;   /* a word: see cluster.status; static storage */
    uint64_t agreed_index;   /* the highest at which a majority has our state */
    uint64_t mend_attempts;  /* to be like the others again, ever */
    struct link_counts link; /* since the start; 0 when it stops */
    struct chunk_store_status store;
    struct node_snapshots snapshots;
    struct node_install install;
    struct node_backups_status backups;
    struct node_peer_status peers[MEMBERS_MAX]; /* as identity->members */
};
void node_status(const struct node *node, struct node_status *ret);
