/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * What a leader proposes about backups: the settings that it was started with, to a
 * cluster that has none; the next backup when it is due; and the end of the oldest
 * when there are too many. One proposal at a time.
 */
#pragma once

#include "consensus/backup_reports.h"
#include "consensus/backup_schedule.h"
#include "consensus/core.h"
#include "consensus/node.h"

struct backup_leader {
    struct node *node;
    const struct core *core;
    const struct backup_reports *reports;
    uint64_t interval_ms; /* to propose */
    uint64_t max_saved;
    struct backup_schedule schedule;
    struct node_submit submit;
    bool under_way;
};

/* What is pointed to outlives it. */
void backup_leader_init(struct backup_leader *leader, struct node *node,
                        const struct core *core,
                        const struct backup_reports *reports,
                        const struct node_options *options);
/* Each BACKUP_LOOK_MS, on every node: followers look only, so that they know since
 * when things are as they are. Outside the core. */
void backup_leader_step(struct backup_leader *leader, uint64_t now_ms,
                        uint64_t wall_ms);
