/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * Backups and recoveries in the simulation. An operator without a disk of its own:
 * a backup is what the history of the commands says of the logs at that index, and
 * its bytes are made anew from that, so that their chain must be the machine's.
 *
 * sim_operator.c what the operator does
 * sim_feed.c     how a leader fills a draft
 * sim_plan.c     the records that it takes for that
 * sim_backup.c   backups as they are made
 * sim_swap.c     what the other commands must come to
 */
#pragma once

#include "machine/machine_parts.h"
#include "sim/sim_client_internal.h"

#define BACKUPS_ALL 12u /* in one run, those that were deleted included */
#define JOBS_ALL 64u    /* likewise, of filling a draft */
#define UIDS_ALL 256u   /* of logs that a recovery made live */
#define PAST_COMMITS 4u
#define UNCOUNTED UINT64_MAX

/* A log as the history has it, and as it must stand in a part of the machine. */
struct kept_log {
    uint64_t uid; /* 0: it is not there */
    uint64_t incarnation;
    uint64_t head;
    uint64_t tail;
    uint64_t entries; /* or UNCOUNTED: a log whose head lies within a chunk that
                         has holes counts them by their positions */
    uint64_t epoch;
    uint8_t digest[HASH128_LEN];
    uint64_t age_ms; /* as in struct log_history, all of these */
    uint64_t entries_max;
    uint32_t *ops; /* by position, below the tail; 0: a hole */
    uint64_t *times;
};

struct kept_state {
    struct kept_log logs[LOGS];
};

struct plan_chunk {
    struct chunk_facts facts;
    uint8_t row[CHUNK_ROW_LEN];
    struct sim_bytes raw;
};

struct plan_log {
    struct load_log row;
    unsigned count;
    struct plan_chunk *chunks; /* behind those that are kept */
    uint8_t digest[HASH128_LEN];
};

struct plan {
    unsigned count;
    struct plan_log logs[LOGS]; /* by uid */
    uint64_t drop_uid;          /* an edit that is nothing else; or 0 */
    uint64_t deleted;
};

struct sim_backup {
    char name[BACKUP_NAME_MAX + 1];
    uint64_t id;
    uint64_t index;
    uint64_t time_ms;
    uint64_t state_index;
    uint64_t image; /* a hash over it: the same on all servers */
    bool gone;
    struct kept_state *state;
    struct plan *plan;
};

struct sim_job {
    const struct sim_backup *backup; /* NULL: an edit */
    uint64_t edit_of;
    uint64_t revision;
    struct plan *plan;
    struct kept_state *expected;
};

/* What a log of a uid was ever given. */
struct sim_given {
    uint64_t uid;
    uint64_t incarnation;
    uint64_t epoch;
};

struct sim_operator;

struct sim_recovery {
    struct sim_operator *who;
    uint64_t random_state[2]; /* its own: other runs stay as they are */
    struct sim_backup backups[BACKUPS_ALL];
    unsigned backups_count;
    struct sim_job jobs[JOBS_ALL];
    unsigned jobs_count;
    /* What the commands have come to. */
    const struct kept_state *staged; /* NULL: none */
    const struct kept_state *undo;
    uint64_t stage;
    uint64_t revision;
    uint64_t draft; /* id; 0: none */
    uint64_t next_seq;
    const struct sim_job *draft_job;
    struct kept_state before; /* the live logs, just before a command */
    uint64_t before_state_index;
    struct sim_given given[UIDS_ALL];
    unsigned given_count;
};

/* ---- sim_plan.c ---- */

/* A copy of @state's positions; the numbers are there already. */
void sim_plan_copy(struct sim *sim, struct kept_log *log,
                   const struct log_history *from);
/* All of what @scratch, restored from a backup's image, says must be staged; its
 * chunks must be what @state has. */
struct plan *sim_plan_stage(struct sim *sim, const struct machine *scratch,
                            const struct kept_state *state);
/* Entries go from a log of what @node has staged. NULL: there is none that could.
 * *ret_expected is what is staged then. */
struct plan *sim_plan_edit(struct sim_node *node,
                           const struct kept_state *staged,
                           struct kept_state **ret_expected);

/* ---- sim_backup.c ---- */

struct bytes sim_backup_log(const struct sim *sim, unsigned log); /* its name */
/* The live logs as they were before the command, with all their entries. */
struct kept_state *sim_backup_live(struct sim *sim);
void sim_backup_gone(struct sim *sim, const struct backup_row *row);

/* ---- sim_swap.c ---- */

uint64_t sim_recovery_draw(struct sim *sim, uint64_t below); /* 0 for 0 */
/* @part of @node is as @state says; NULL: it is not there. */
void sim_recovery_check_part(const struct sim_node *node,
                             enum machine_part part,
                             const struct kept_state *state);
