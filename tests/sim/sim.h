/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * A cluster in memory: real libraft behind the real guard, on simulated disks
 * and links and a virtual clock. One thread, one source of randomness: a seed
 * gives the same run again, event by event.
 *
 * sim.c        a run from its start to its end
 * sim_knobs.c  what a seed decides: sizes, delays, which faults and how many
 * sim_faults.c crashes, partitions, stalls, and how they heal
 * sim_clock.c  events, randomness, memory of a run
 * sim_node.c   a server's life: boot, crash, client calls
 * sim_fsm.c    its state machine and its snapshots
 * sim_member.c who joins, leaves and is promoted
 * sim_disk.c   what survives a crash, and what was under way
 * sim_store.c, sim_machine.c, sim_client.c, sim_recovery.h
 *              the real disk layer, machine and batches (sim_full.h)
 * sim_net.c    messages on their way
 * sim_word.c   what servers are told of each other's ends
 * sim_read.c   clients that read, and what they must see
 * sim_oracle.c what must hold at every moment
 * sim_range.c  many seeds, by several processes
 * sim_shrink.c the least that still shows a violation
 */
#pragma once

#include <raft.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "consensus/guard.h"
#include "consensus/read_index.h"
#include "util/list.h"

#define SIM_NODES_MAX 12 /* those that were removed included */
#define SIM_HEARTBEAT_MS 50
#define SIM_ELECTION_MS 300
#define SIM_LOG_MAX 16384
#define SIM_TERMS_MAX 16384
#define SIM_VALUES_MAX 65536
#define SIM_VIOLATION_MAX 400
#define SIM_TEXT_MAX 450

struct sim;
struct sim_client_state;
struct sim_machine;
struct sim_node;
struct sim_store;
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
    bool doomed;     /* its guard said stop: crashes when the event is over */
    bool restarting; /* its guard said: start again (rule J) */
    bool was_write_error;
    bool ended; /* its process is gone, in the middle of this event: what is
                   left of the event counts for nothing */
    uint64_t frozen_until;
    bool blips; /* its way to the leader breaks and mends (sim_blips.c) */
    unsigned incarnation;

    struct raft raft;
    struct raft_fsm fsm;
    struct raft_io disk_io; /* the guard's inner raft_io */
    struct guard *guard;
    raft_io_tick_cb tick;
    raft_io_recv_cb recv;
    unsigned tick_ms;
    uint64_t early_tick_at; /* 0: none is due before the next */

    struct sim_disk disk;
    struct list writes; /* of struct sim_disk_op */
    struct sim_disk_op *snapshot_op;
    raft_index append_next;
    uint64_t disk_free_at;

    uint64_t state; /* the state machine: a hash over all commands */
    uint64_t frozen_index, frozen_state; /* of a snapshot being taken */
    bool was_leader;
    raft_index checked; /* commit oracle: compared up to here */
    raft_index commit_max;
    struct raft_transfer *transfer; /* wiped as soon as its callback fires */
    struct read_index reads;
    struct sim_store *store;     /* --full; NULL otherwise */
    struct sim_machine *machine; /* as store, while it is up */
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

/* What can be left out of a run, to see what a violation needs. */
enum sim_class {
    SIM_CRASHES = 1 << 0,
    SIM_PARTITIONS = 1 << 1,
    SIM_ONE_WAY_CUTS = 1 << 2,
    SIM_SLOW_DISKS = 1 << 3,
    SIM_DROPS = 1 << 4,
    SIM_REORDERS = 1 << 5, /* links outlive a restart, too */
    SIM_WRITE_ERRORS = 1 << 6,
    SIM_DRAINS = 1 << 7, /* messages that wait in their socket */
    SIM_SNAPSHOTS = 1 << 8,
    SIM_ASYNC = 1 << 9, /* snapshots off the loop */
    SIM_TRANSFERS = 1 << 10,
    SIM_CHANGES = 1 << 11, /* of membership */
    /* Only with --full. */
    SIM_FLIPS = 1 << 12,      /* of bits, while a server is down */
    SIM_FULL_DISKS = 1 << 13, /* for a while */
    SIM_TEARS = 1 << 14,      /* writes arrive in part, unsynced ones too */
    SIM_CLOCK_JUMPS = 1 << 15,
    SIM_NO_MEMORY = 1 << 16,  /* the process ends within the core */
    SIM_CUTS = 1 << 17,       /* and within an operation of the disk */
    SIM_FREEZES = 1 << 18,    /* as by SIGSTOP, for a while */
    SIM_RECOVERIES = 1 << 19, /* by an operator */
    SIM_CLASSES = 20
};

enum sim_family {
    SIM_MIXED, /* the seed decides */
    SIM_STATIC,
    SIM_SNAP,
    SIM_TRANSFER,
    SIM_M35, /* membership, 3 to 5 voters */
    SIM_M13,
    SIM_ALL
};

/* Scenarios in which a rare fault is less rare. */
enum sim_bias {
    SIM_FAIR,
    SIM_FIGURE8,
    SIM_HANDOVERS,
    SIM_STALE,
    SIM_PAIR,
    SIM_DEPOSED,
    SIM_INSTALLS,
    SIM_DAMAGE,
    SIM_RECOVERY,
    SIM_LACKS,
    SIM_BLIPS
};

/* Drawn from the seed: each run is another cluster. */
struct sim_knobs {
    unsigned nodes;      /* at first */
    unsigned voters_min; /* changes of membership keep to these */
    unsigned voters_max;
    unsigned classes;   /* of enum sim_class */
    double drop;        /* of messages */
    double write_error; /* of disk writes */
    unsigned latency_min_ms;
    unsigned latency_span_ms;
    unsigned disk_ms;
    unsigned snapshot_ms;
    unsigned drain_ms; /* a message may wait in its socket that long */
    unsigned fault_every_ms;
    unsigned client_every_ms;
    unsigned transfer_every_ms;
    unsigned change_every_ms;
    unsigned snapshot_threshold;
    unsigned snapshot_trailing;
    unsigned install_timeout_ms;
    unsigned message_entries_max;
    size_t send_bytes_max;
};

struct sim_committed {
    raft_term term;
    unsigned short type;
    uint64_t value;           /* hash of the bytes; 0 for a barrier */
    uint64_t state;           /* of the state machine after it */
    raft_term in_term;        /* of the server that committed it first */
    raft_index configuration; /* the one in force here */
    struct sim_bytes encoded; /* of a configuration */
};

struct sim_written {
    struct sim_written *next;
    raft_term term;
    raft_term prev_term;
    uint64_t value;
};

struct sim_totals {
    uint64_t events, milliseconds, crashes, faults, elections, acks;
    uint64_t snapshots, installs, transfers, changes, restarts, reads;
    uint64_t appends, repeats, flips, doubts; /* with --full */
    uint64_t starved, cuts, freezes, refusals;
    uint64_t packs, fetches, loads, damaged; /* of chunks */
    uint64_t held, interrupted;              /* installs, also for a while */
    uint64_t altered;                        /* frames with chunks */
    uint64_t backups, records, edits, commits, undos;
    uint64_t gone; /* runs in which a majority has lost the same chunk */
    struct guard_counts guard;
};

struct sim_options {
    uint64_t seed;
    uint64_t duration_ms; /* of faults; then all heals */
    unsigned rules;
    enum sim_family family;
    enum sim_bias bias;
    unsigned without; /* of enum sim_class */
    bool trace;
    bool abandon; /* after a violation: free nothing, the process ends */
    bool full;    /* with the real disk layer and machine */
};

struct sim {
    struct sim_options options;
    struct sim_knobs knobs;
    struct sim_totals totals;
    uint64_t random_state[2];
    uint64_t now;
    uint64_t sequence;
    struct sim_event *events; /* a heap */
    size_t event_count, event_room;
    struct sim_event *soon; /* those of now, in their order */
    size_t soon_first, soon_count, soon_room;
    struct list chunks; /* sim_alloc() */
    size_t chunk_used;
    struct list packets; /* unused ones */
    struct sim_node nodes[SIM_NODES_MAX];
    unsigned node_count;
    bool someone_stops;        /* some node is doomed or restarting */
    struct sim_node *running;  /* whose code runs, as far as is known */
    struct sim_node *starving; /* finds no memory, */
    uint64_t starving_in;      /* after so many allocations */
    struct sim_node *steady;   /* leads from now on, */
    raft_term steady_term;     /* in this term (sim_blips.c) */
    struct sim_node *away;     /* stays down until all heals, and */
    struct sim_node *lacking;  /* loses its packs then (sim_lacks.c) */
    bool cut[SIM_NODES_MAX][SIM_NODES_MAX]; /* from, to */
    uint64_t link_free_at[SIM_NODES_MAX][SIM_NODES_MAX];
    bool healed;
    bool agreed;         /* since then, but some may have lacked chunks */
    bool heal_changed;   /* membership has changed since, or never does */
    uint64_t heal_value; /* a command given after that */
    raft_index heal_index;
    uint64_t next_value;
    uint64_t read_state[2]; /* randomness of its own: reads change nothing */
    raft_index told_last;   /* the last index that any client knows of */
    char violation[SIM_VIOLATION_MAX]; /* "": none */

    struct sim_committed committed[SIM_LOG_MAX];
    raft_index committed_last;
    struct sim_written *written[SIM_LOG_MAX];
    raft_id leader_of[SIM_TERMS_MAX];
    bool acked[SIM_VALUES_MAX];
    struct sim_client_state *clients; /* --full; NULL otherwise */
    struct sim_bytes first_configuration;
};

/* Runs one seed. Returns false and fills @ret_text on a violation. */
bool sim_run(const struct sim_options *options, struct sim_totals *totals,
             char ret_text[SIM_TEXT_MAX]);

void sim_draw_knobs(struct sim *sim);
bool sim_has(const struct sim *sim, enum sim_class class);
void sim_start_faults(struct sim *sim);
void sim_heal(struct sim *sim);
/* Any server that believes it leads, or NULL. */
struct sim_node *sim_some_leader(struct sim *sim);
void sim_start_changes(struct sim *sim);
/* The others may be told that the process of @gone has ended. */
void sim_word_of_end(struct sim_node *gone);
/* Some server is told so of its leader, which lives. */
void sim_false_word(struct sim *sim);
/* @node is told that the process of @gone has ended. */
void sim_word_of(struct sim_node *node, struct sim_node *gone);
/* The ways between a leader and some followers, with that bias. */
void sim_blips_start(struct sim *sim);
/* The guard's tick_within(). */
void sim_tick_within(struct raft_io *io, unsigned ms);

bool sim_take_event(struct sim *sim, struct sim_event *ret);
void sim_close_memory(struct sim *sim);
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
/* Its process ends here and now. */
void sim_node_end(struct sim_node *node);
bool sim_node_is_frozen(const struct sim_node *node);
/* Starts the next server, with an empty disk. */
void sim_node_join(struct sim *sim);
void sim_node_address(char ret_address[8], raft_id id);
/* As its guard asked: what the disk was given is done, then it starts again. */
void sim_node_restart(struct sim_node *node);

void sim_fsm_init(struct sim_node *node);
int sim_fsm_work(struct raft_io *io, struct raft_io_async_work *request,
                 raft_io_async_work_cb cb);

void sim_disk_fill_io(struct raft_io *io);
void sim_disk_bootstrap(struct sim_node *node, struct sim_bytes configuration);
void sim_disk_open(struct sim_node *node);
/* All that was under way reaches the disk. */
void sim_disk_drain(struct sim_node *node);
/* Any prefix of what was under way may have reached the disk. */
void sim_disk_lose(struct sim_node *node);
/* Frees what the core forgot. After raft_close(). */
void sim_disk_close(struct sim_node *node);
struct raft_snapshot *sim_disk_read_snapshot(const struct sim_node *node);
/* The term on the disk at @index; 0: not there. */
raft_term sim_disk_term(const struct sim_disk *disk, raft_index index);

void sim_start_reads(struct sim *sim);
void sim_read_boot(struct sim_node *node);
/* After every entry into its core. */
void sim_read_step(struct sim_node *node);

int sim_net_send(struct raft_io *io, struct raft_io_send *request,
                 const struct raft_message *message, raft_io_send_cb cb);
/* libraft's encoding, to raft_malloc()ed memory. */
void sim_decode_configuration(struct sim_bytes bytes,
                              struct raft_configuration *ret);

bool sim_equals_configuration(struct sim_bytes encoded,
                              const struct raft_configuration *configuration);

/* After every entry into a core. */
void sim_oracle_entered(struct sim_node *node);
/* Also within one, when the commit index has moved. */
void sim_oracle_commits(struct sim_node *node);
void sim_oracle_append(struct sim_node *node, raft_index first,
                       const struct raft_entry *entries, unsigned count);
/* Before a message leaves. */
void sim_oracle_send(struct sim_node *node, const struct raft_message *message);
void sim_oracle_apply(struct sim_node *node, const struct raft_buffer *buffer);
void sim_oracle_restore(struct sim_node *node, raft_index index,
                        uint64_t state);
void sim_oracle_ack(struct sim_node *node, raft_index index, uint64_t value);
/* As sim_oracle_ack(), of a command of which @hash is the sim_hash(). */
void sim_oracle_ack_bytes(struct sim_node *node, raft_index index,
                          uint64_t value, uint64_t hash);
/* The configuration of a snapshot, or of a server whose log has no later one. */
void sim_oracle_configuration(struct sim_node *node, raft_index index,
                              const struct raft_configuration *configuration);
void sim_oracle_tick(struct sim_node *node);
bool sim_oracle_converged(const struct sim *sim);
/* Or NULL. */
const struct sim_node *sim_newest_leader(const struct sim *sim);

struct sim_outcome {
    struct sim_totals totals;
    char text[SIM_TEXT_MAX];
};
struct sim_range {
    uint64_t first;
    uint64_t last;
    unsigned jobs;   /* processes, of which each takes every nth seed */
    bool apart;      /* each seed in a process of its own */
    bool first_only; /* ends with the first violation */
};

struct sim_sum {
    struct sim_totals totals;
    uint64_t seeds;
    uint64_t bad;
    uint64_t printed; /* of bad ones */
    double cpu_seconds;
};

/* Prints bad seeds in their order. Returns true if there are none. */
bool sim_run_range(const struct sim_options *options,
                   const struct sim_range *range, struct sim_sum *ret);

/* One seed in a process of its own; @ret must lie in shared memory. Returns
 * false on a violation, a crash or an endless loop. */
bool sim_try(const struct sim_options *options, struct sim_outcome *ret);
/* Lowers @options to what still violates something; prints each step. Returns
 * false when there is nothing to shrink. */
bool sim_shrink(struct sim_options *options, struct sim_outcome *outcome);
/* The names of what @classes holds, for people; static memory. */
const char *sim_class_names(unsigned classes);
unsigned sim_class_by_name(const char *name); /* 0: none */
