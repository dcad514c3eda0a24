/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* What a phase does to the cluster. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "qb_bench.h"
#include "qb_phase_parse.h"
#include "qb_report.h"
#include "qb_slow_disk.h"

struct qb_phase_act {
    struct qb_bench *bench;
    const struct qb_phase *phase;
    struct qb_node *node;         /* that is killed, paused or slow; or NULL */
    struct qb_slow_disk *slow;    /* or NULL */
    uint64_t begun_ns;            /* CLOCK_MONOTONIC: when it was done */
    char address[QL_ADDRESS_MAX]; /* of the node that takes the snapshot */
    uint64_t before;              /* its snapshots until then */
    uint64_t added;               /* bytes appended to bring one on */
    char name[QL_BACKUP_NAME_MAX + 1];
    char note[QB_NOTE_MAX + 1];
};

/* Does it; may block while no node leads. A failure is told in the note, and
 * then false. */
bool qb_phase_act_begin(struct qb_phase_act *act);
/* True: it is over, at @now_ns or by itself. */
bool qb_phase_act_is_over(struct qb_phase_act *act, uint64_t now_ns);
/* Undoes what is to be undone. Of one that has begun. */
void qb_phase_act_end(struct qb_phase_act *act);
/* Waits until all nodes of our own cluster have applied what is committed now.
 * QL_TIMEOUT. */
int qb_phase_wait_whole(struct qb_bench *bench, struct err *err);
