/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * All that a node has to do with backups, put together: its directory follows the
 * replicated table, the leader sees to the schedule, nodes tell each other what
 * they have, and what is missing here is fetched from who has it.
 *
 * Nothing of it is fatal, and no append waits for it.
 */
#pragma once

#include <uv.h>

#include "consensus/backup_answers.h"
#include "consensus/backup_dir.h"
#include "consensus/backup_fetch.h"
#include "consensus/backup_leader.h"
#include "consensus/core.h"

struct backup_keeper {
    uv_timer_t timer; /* timer.data is the owner's, for the close callback */
    struct machine *machine;
    const struct identity *identity;
    struct core *core;      /* NULL before the start */
    struct backup_dir *dir; /* NULL: not open yet, or closed */
    struct backup_reports reports;
    struct backup_leader leader;
    struct backup_fetch *fetch;     /* NULL: not started, or stopped */
    struct backup_answers *answers; /* so too */
    bool table_changed;             /* and the directory does not know yet */
    bool has_news;                  /* and the others do not know yet */
    uint64_t reported_ms;
    uint32_t
        connected; /* members that could be told then, a bit for each place */
    void (*on_closed)(void *data);
    void *on_closed_data;
};

/* Opens the directory; before the core loads anything, so that no backup is
 * missed. QL_INVALID: its path is too long; QL_NO_MEMORY, QL_IO. */
int backup_keeper_open(struct backup_keeper *keeper,
                       const struct node_options *options,
                       struct machine *machine, struct chunk_store *chunks,
                       struct err *err);
/* @core is open; it outlives the last callback of the link. The owner closes the
 * timer, whose data is its own, after backup_keeper_stop(). */
void backup_keeper_start(struct backup_keeper *keeper, struct node *node,
                         struct core *core, const struct node_options *options);
/* Before the core is closed: asks nobody and answers nobody any more. The
 * directory can still be read. Safe to repeat. */
void backup_keeper_stop(struct backup_keeper *keeper);
/* Closes the directory, before the chunk store. */
void backup_keeper_close(struct backup_keeper *keeper, void (*cb)(void *data),
                         void *data);

/* NULL when it is closed. */
struct backup_store *backup_keeper_store(const struct backup_keeper *keeper);
struct backup_intakes *backup_keeper_intakes(
    const struct backup_keeper *keeper);
struct disk *backup_keeper_disk(const struct backup_keeper *keeper);
/* A command was applied, or the state replaced; inside the core. */
void backup_keeper_on_outcome(struct backup_keeper *keeper,
                              const struct outcome *outcome);
void backup_keeper_on_restored(struct backup_keeper *keeper);
/* At the end of a turn in which something was applied. */
void backup_keeper_on_applied(struct backup_keeper *keeper);
/* The disk of the raft log is low on space. */
void backup_keeper_on_low(struct backup_keeper *keeper);
/* A LINK_BACKUP_*. QL_PROTOCOL: close the connection. */
int backup_keeper_on_frame(struct backup_keeper *keeper, uint64_t from,
                           enum link_frame type, const uint8_t *bytes,
                           size_t len);
/* See node_backup_holders(). */
size_t backup_keeper_holders(const struct backup_keeper *keeper, uint64_t id,
                             struct node_backup_holder ret[MEMBERS_MAX]);
void backup_keeper_fill(const struct backup_keeper *keeper,
                        struct node_backups_status *ret);
