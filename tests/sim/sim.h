/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * A cluster in memory: real libraft behind the real guard, on simulated disks
 * and links and a virtual clock. One thread, one source of randomness: a seed
 * gives the same run again, event by event.
 *
 * sim.c      clock, events, randomness, what happens in a run (faults, load)
 * sim_node.c a server's life: boot, crash, state machine, client calls
 * sim_disk.c what survives a crash, and what was under way
 * sim_net.c  messages on their way
 * sim_oracle.c what must hold at every moment
 */
#pragma once

#include <raft.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "consensus/guard.h"
#include "util/list.h"

#define SIM_NODES_MAX 5
#define SIM_LOG_MAX 16384
#define SIM_TERMS_MAX 16384
#define SIM_VALUES_MAX 65536
#define SIM_VIOLATION_MAX 400
#define SIM_TEXT_MAX 450

struct sim;
struct sim_node;
typedef void (*sim_fire)(struct sim *sim, struct sim_node *node, void *data);

/* ---- Disk ---- */

struct sim_bytes {
    void *base;
    size_t len;
};

struct sim_entry {
    raft_term term;
    unsigned short type;
    struct sim_bytes bytes;
};

struct sim_snapshot {
    raft_index index; /* 0: none */
    raft_term term;
    raft_index configuration_index;
    struct sim_bytes configuration; /* encoded */
    struct sim_bytes data;
};

/* What a crash leaves. */
struct sim_disk {
    raft_term term;
    raft_id vote;
    struct sim_snapshot snapshot;
    raft_index first; /* entries first..last */
    raft_index last;
    struct sim_entry entries[SIM_LOG_MAX];
};

enum sim_disk_op_kind {
    DISK_APPEND,
    DISK_TRUNCATE,
    DISK_INSTALL,
    DISK_SNAPSHOT
};

/* A write under way. Appends, truncations and installs keep their order; the
 * server's own snapshot goes beside them. */
struct sim_disk_op {
    struct list link;
    enum sim_disk_op_kind kind;
    raft_index index; /* first appended, or first truncated */
    unsigned count;
    struct sim_entry *entries;
    unsigned trailing;
    struct sim_snapshot snapshot;
    struct raft_io_append *append;
    raft_io_append_cb append_cb;
    struct raft_io_snapshot_put *put;
    raft_io_snapshot_put_cb put_cb;
    struct raft_buffer *installed_bufs; /* the core forgets them at close */
};

/* ---- Node ---- */

struct sim_node {
    struct sim *sim;
    raft_id id; /* 1.. */
    char address[8];
    bool up;
    bool doomed; /* its guard said stop: crashes when the event is over */
    bool was_write_error;
    unsigned incarnation;

    struct raft raft;
    struct raft_fsm fsm;
    struct raft_io disk_io; /* the guard's inner raft_io */
    struct guard *guard;
    raft_io_tick_cb tick;
    raft_io_recv_cb recv;
    unsigned tick_ms;

    struct sim_disk disk;
    struct list writes; /* of struct sim_disk_op */
    struct sim_disk_op *snapshot_op;
    raft_index append_next;
    uint64_t disk_free_at;

    uint64_t state; /* the state machine: a hash over all commands */
    bool was_leader;
    raft_index checked; /* commit oracle: compared up to here */
    raft_index commit_max;
    struct raft_transfer *transfer; /* freed as soon as its callback fires */
};

/* ---- Run ---- */

struct sim_event {
    uint64_t at;
    uint64_t sequence;
    struct sim_node *node; /* NULL: the world's */
    unsigned incarnation;
    sim_fire fire;
    void *data;
};

/* Drawn from the seed: each run is another cluster. */
struct sim_knobs {
    unsigned nodes;
    double drop;        /* of messages */
    double write_error; /* of disk writes */
    unsigned latency_min_ms;
    unsigned latency_span_ms;
    unsigned disk_ms;
    unsigned snapshot_ms;
    unsigned drain_ms; /* a message may wait in its socket that long */
    unsigned fault_every_ms;
    unsigned client_every_ms;
    unsigned transfer_every_ms; /* 0: never */
    unsigned snapshot_threshold;
    unsigned snapshot_trailing;
    unsigned install_timeout_ms;
    unsigned message_entries_max;
    size_t send_bytes_max;
    bool reorders; /* links deliver out of order and outlive a restart */
    bool crashes, partitions, one_way_cuts, slow_disks;
};

struct sim_committed {
    raft_term term;
    unsigned short type;
    uint64_t value;    /* hash of the bytes; 0 for a barrier */
    uint64_t state;    /* of the state machine after it */
    raft_term in_term; /* of the server that committed it first */
};

struct sim_written {
    struct sim_written *next;
    raft_term term;
    raft_term prev_term;
    uint64_t value;
};

struct sim_totals {
    uint64_t events, crashes, elections, acks, snapshots, installs, transfers;
    struct guard_counts guard;
};

struct sim_options {
    uint64_t seed;
    uint64_t duration_ms; /* of faults; then all heals */
    unsigned rules;
    bool trace;
    bool abandon; /* after a violation: free nothing, the process ends */
};

struct sim {
    struct sim_options options;
    struct sim_knobs knobs;
    struct sim_totals totals;
    uint64_t random_state[2];
    uint64_t now;
    uint64_t sequence;
    struct sim_event *events;
    size_t event_count, event_room;
    struct list chunks; /* sim_alloc() */
    struct sim_node nodes[SIM_NODES_MAX];
    bool cut[SIM_NODES_MAX][SIM_NODES_MAX]; /* from, to */
    uint64_t link_free_at[SIM_NODES_MAX][SIM_NODES_MAX];
    bool healed;
    uint64_t heal_value; /* a command given after that */
    raft_index heal_index;
    uint64_t next_value;
    char violation[SIM_VIOLATION_MAX]; /* "": none */

    struct sim_committed committed[SIM_LOG_MAX];
    raft_index committed_last;
    struct sim_written *written[SIM_LOG_MAX];
    raft_id leader_of[SIM_TERMS_MAX];
    bool acked[SIM_VALUES_MAX];
};

/* Runs one seed. Returns false and fills @ret_text on a violation. */
bool sim_run(const struct sim_options *options, struct sim_totals *totals,
             char ret_text[SIM_TEXT_MAX]);
void sim_at(struct sim *sim, uint64_t at, struct sim_node *node, sim_fire fire,
            void *data);
uint64_t sim_random(struct sim *sim, uint64_t below); /* 0 for 0 */
bool sim_chance(struct sim *sim, double probability);
/* Zeroed, until the run ends. */
void *sim_alloc(struct sim *sim, size_t len);
struct sim_bytes sim_copy(struct sim *sim, const void *base, size_t len);
void sim_trace(struct sim *sim, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/* The first violation counts; the run ends with the event. */
void sim_fail(struct sim *sim, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
uint64_t sim_hash(const void *base, size_t len);

void sim_node_init(struct sim *sim, struct sim_node *node, unsigned position);
void sim_node_boot(struct sim_node *node);
void sim_node_crash(struct sim_node *node);
void sim_node_submit(struct sim_node *node);
void sim_node_transfer(struct sim_node *node, raft_id to);

void sim_disk_fill_io(struct raft_io *io);
void sim_disk_bootstrap(struct sim_node *node, struct sim_bytes configuration);
void sim_disk_open(struct sim_node *node);
/* Any prefix of what was under way may have reached the disk. */
void sim_disk_lose(struct sim_node *node);
/* Frees what the core forgot. After raft_close(). */
void sim_disk_close(struct sim_node *node);
struct raft_snapshot *sim_disk_read_snapshot(const struct sim_node *node);
/* The term on the disk at @index; 0: not there. */
raft_term sim_disk_term(const struct sim_disk *disk, raft_index index);

int sim_net_send(struct raft_io *io, struct raft_io_send *request,
                 const struct raft_message *message, raft_io_send_cb cb);
/* libraft's encoding, to raft_malloc()ed memory. */
void sim_decode_configuration(struct sim_bytes bytes,
                              struct raft_configuration *ret);

/* After every entry into a core. */
void sim_oracle_entered(struct sim_node *node);
/* Also within one, when the commit index has moved. */
void sim_oracle_commits(struct sim_node *node);
void sim_oracle_append(struct sim_node *node, raft_index first,
                       const struct raft_entry *entries, unsigned count);
void sim_oracle_apply(struct sim_node *node, const struct raft_buffer *buffer);
void sim_oracle_restore(struct sim_node *node, raft_index index,
                        uint64_t state);
void sim_oracle_ack(struct sim_node *node, raft_index index, uint64_t value);
bool sim_oracle_converged(const struct sim *sim);
