/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * The cluster with everything that is real: the disk layer (raft_disk.h) over a
 * disk in memory (support/fake_disk.h), the machine, its batches and snapshots,
 * and clients that repeat their appends until they are answered.
 *
 * sim_store.c    a server's disk and its faults
 * sim_store_io.c the real disk layer over it as a raft_io
 * sim_mishaps.c  processes that end in the middle of something, or are stopped
 * sim_space.c    what becomes of full disks
 * sim_chunks.c   the chunk store
 * sim_fetch.c    chunks that servers fetch from each other, and installs
 * sim_damage.c   bits that flip, and what may be missing then
 * sim_look.c     entries that must be loaded to be looked at
 * sim_machine.c  the state machine; equal digests at equal indexes
 * sim_client.c   clients
 * sim_history.c  what each of their commands must come to
 * sim_walk.c     all entries of a server, compared with that
 * sim_recovery.h an operator with backups and recoveries
 *
 * struct sim_disk stays what the oracle looks at. Here it holds what the server
 * has been told is durable; each start compares it with what the real files
 * give back: nothing of it may be missing, unless the server says so.
 */
#pragma once

#include "consensus/space.h"
#include "machine/machine.h"
#include "sim/sim.h"
#include "util/buf.h"

#define SIM_BATCH_MAX 4 /* commands */
#define SIM_LOGS 2

/* ---- sim_store.c ---- */

/* A new disk with the first configuration; the mirror likewise. */
void sim_store_make(struct sim_node *node);
void sim_store_free(struct sim_node *node);
/* Replaces the disk's part of node->disk_io. */
void sim_store_open(struct sim_node *node);
/* The server ends here; @whole: what was under way is done. Before
 * raft_close(). */
void sim_store_lose(struct sim_node *node, bool whole);
/* Frees what the core forgot. After raft_close(). */
void sim_store_close(struct sim_node *node);
bool sim_store_in_doubt(const struct sim_node *node);
void sim_store_start_faults(struct sim *sim);
void sim_store_heal(struct sim_node *node);

/* Nothing reaches the disk any more until sim_store_lose(). */
void sim_store_end(struct sim_node *node);

/* Its own disk has died in the middle of something. @data: struct sim_node. */
void sim_store_on_death(void *data);

/* ---- sim_chunks.c ---- */

void sim_chunks_make(struct sim_node *node);
/* A server that cannot open them does not start. */
void sim_chunks_open(struct sim_node *node);
void sim_chunks_close(struct sim_node *node);
/* Bytes of all files. */
uint64_t sim_chunks_used(const struct sim_node *node);
/* Time passes for the store of @node, and nothing else happens any more; @turn: 0
 * at first, then one more each time. */
void sim_chunks_pass(struct sim_node *node, unsigned turn);
/* Nothing waits without end, and memory is what the store may take; likewise. */
void sim_chunks_settle(struct sim_node *node);

/* ---- sim_fetch.c ---- */

/* Of a store that was opened, before it is closed. */
void sim_fetch_open(struct sim_node *node);
void sim_fetch_close(struct sim_node *node);
/* Before the core sees it; true: taken, to be delivered when its chunks are
 * there. */
bool sim_fetch_hold(struct sim_node *node, const struct raft_message *message);
/* Before it is sent; true: *ret_instead goes. */
bool sim_fetch_alter(struct sim_node *node, const struct raft_message *message,
                     struct raft_message *ret_instead);

/* ---- sim_damage.c ---- */

/* A bit of any file. */
void sim_damage_flip(struct sim_node *node);
void sim_damage_flip_pack(struct sim_node *node);
/* All of them, while it is down. */
void sim_damage_lose_packs(struct sim_node *node);
/* A copy of the server was ever found bad, or a bit of it has flipped. */
bool sim_damage_found(struct sim_node *node);
/* It has restored a snapshot that it had stored, and lacks so many chunks. */
void sim_damage_adopted(struct sim_node *node, size_t missing);
/* All that the voters lack has come. */
bool sim_damage_is_healed(struct sim *sim);
/* A majority has lost something: some things will never end. */
bool sim_damage_is_final(struct sim *sim);

/* The server whose disk was damaged, or NULL. */
struct sim_node *sim_damage_victim(struct sim *sim);

/* ---- sim_lacks.c ---- */

void sim_lacks_start(struct sim *sim);
/* Before anybody is booted. */
void sim_lacks_heal(struct sim *sim);

/* ---- sim_look.c ---- */

/* @chunk's entries are compared with what was appended, once they are loaded. */
void sim_look(struct sim_node *node, struct chunk *chunk);
/* As above, and the run stands still meanwhile. */
void sim_look_now(struct sim_node *node, struct chunk *chunk);

/* ---- sim_mishaps.c ---- */

/* Takes over libraft's memory for the run. */
void sim_mishaps_open(struct sim *sim);
void sim_mishaps_start(struct sim *sim);
void sim_mishaps_heal(struct sim *sim);
void sim_mishaps_close(void);

/* ---- sim_machine.c ---- */

struct sim_answers {
    raft_index index;
    unsigned count;
    struct outcome outcomes[SIM_BATCH_MAX];
};

struct sim_machine {
    struct machine *machine;
    struct view *view; /* of a snapshot being taken */
    uint64_t view_index;
    struct machine *prepared; /* of the snapshot at that index, or NULL */
    uint64_t prepared_index;
    raft_term walked; /* the last term as a leader in which all was read */
    struct sim_answers answers; /* of the last batch */
    struct space space;
    bool proposes; /* what follows from it */
};

void sim_machine_open(struct sim_node *node);
void sim_machine_close(struct sim_node *node);
/* Of all servers' machines. */
const struct machine_limits *sim_machine_limits(void);
/* Takes @machine: the state of the snapshot at @index, made before the core hands
 * it over. */
void sim_machine_prepare(struct sim_node *node, uint64_t index,
                         struct machine *machine);

/* ---- sim_client.c and sim_history.c ---- */

void sim_client_start(struct sim *sim);
/* Of the leaders' clocks. */
uint64_t sim_client_time(struct sim *sim);
/* Appends are taken, also since all is healed. */
bool sim_client_converged(const struct sim *sim);
/* Gives @node a batch of what clients have to say. */
void sim_client_submit(struct sim_node *node);
/* The cluster's first server has applied a command. */
void sim_client_applied(struct sim *sim, const struct command *command,
                        const struct outcome *outcome);
/* Compares the state with that of others at the same index: its logs, and at
 * some indexes, and with @thorough, all of it; @index may be of any entry then,
 * else of a command. */
void sim_client_digest(struct sim_node *node, raft_index index, bool thorough);
/* Before the commands of the batch at @index. True for the first server that
 * comes there. */
bool sim_client_begin(struct sim *sim, raft_index index, uint64_t time_ms);
/* Reads all logs of @node and compares them with what was applied; @at_rest: now,
 * else what must be loaded follows when it is. */
void sim_client_walk(struct sim_node *node, bool at_rest);
void sim_client_check_end(struct sim *sim);

/* What clients know of the logs, as they were told, since the last recovery. */
struct sim_told {
    uint64_t swaps;
    uint64_t uid[SIM_LOGS];
    uint64_t next[SIM_LOGS]; /* position */
};
void sim_client_told(const struct sim *sim, struct sim_told *ret);
/* A read at @node, begun when @told was known, is good: it must see all that.
 * @chosen: any number; an entry is read by it. */
void sim_client_read(struct sim_node *node, const struct sim_told *told,
                     uint64_t chosen);

/* ---- Recoveries: sim_backup.c, sim_swap.c, sim_walk.c, sim_operator.c ---- */

/* Of every RECOVERY_EVERY seeds one has an operator; and all, with its bias. */
#define RECOVERY_EVERY 8u
void sim_operator_start(struct sim *sim);
/* Of a new machine. */
void sim_recovery_open(struct sim_node *node);
/* Around a command, as sim_client_applied(). */
void sim_recovery_before(struct sim_node *node, const struct command *command);
void sim_recovery_applied(struct sim_node *node, const struct command *command,
                          const struct outcome *outcome);
/* The last recovery that @node knows of is the last of all. */
bool sim_recovery_is_current(const struct sim_node *node);
/* What it keeps beside the live logs is as it must be, and can be read; @at_rest:
 * as sim_client_walk(). */
void sim_recovery_walk(struct sim_node *node, bool at_rest);
