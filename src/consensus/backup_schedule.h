/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * When a leader makes the next backup, and which one goes for it. Pure: time is
 * told. The rule is one interval after the newest backup, by hand or not, by the
 * times in the table; where a clock says that the newest is of the future, by how
 * long this node has known it.
 */
#pragma once

#include <stdbool.h>

#include "wire/args_backup.h"

struct backup_schedule {
    uint64_t newest;        /* id of it when last looked; 0: none */
    uint64_t newest_ms;     /* its time */
    uint64_t seen_ms;       /* since when it has been the newest, monotonic */
    uint64_t not_before_ms; /* a proposal was refused: monotonic */
    uint64_t delay_ms;      /* after the next refusal */
};

/* The table as it is at monotonic time @now_ms, on every node and with every
 * look. Backups of another cluster do not count: they were not made here. */
void backup_schedule_look(struct backup_schedule *schedule,
                          const struct backup_row *rows, size_t count,
                          uint64_t now_ms);
/* Is one due at @wall_ms, the time of day? @interval_ms 0: never. */
bool backup_schedule_is_due(const struct backup_schedule *schedule,
                            uint64_t interval_ms, uint64_t now_ms,
                            uint64_t wall_ms);
/* What was proposed for the backups did not come to be: nothing for a while, which
 * gets longer. */
void backup_schedule_refused(struct backup_schedule *schedule, uint64_t now_ms);
void backup_schedule_done(struct backup_schedule *schedule);
/* After a refusal: may something be proposed again? */
static inline bool backup_schedule_may_propose(
    const struct backup_schedule *schedule, uint64_t now_ms)
{
    return now_ms >= schedule->not_before_ms;
}

/* ---- Rotation ---- */

/* What the nodes have of a row. */
struct backup_sight {
    size_t whole;  /* nodes that have it whole */
    size_t making; /* that are making it, or looking whether it is whole */
    size_t parts;  /* that have anything of it, these included */
};
/* The row to delete, or @count. Rows are by rising id and so oldest first. Nothing
 * goes while there are no more than @max; the newest never goes, nor what is being
 * made, nor the only one that is whole on @majority nodes; if none is, the only one
 * that is whole on any. A row that nobody has anything of may always go. */
size_t backup_schedule_rotate(const struct backup_sight *sights, size_t count,
                              uint64_t max, size_t majority);
