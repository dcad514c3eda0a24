/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* What a phase cost, from the slices of time of the calls beside it. Pure. */
#pragma once

#include <stddef.h>

#include "qb_report.h"
#include "qb_series.h"

/* Latencies are back at normal when so many slices in a row, no more than this,
 * have no failure, a p50 of at most one and a half times that before, and a p99 of
 * at most twice that before or of the worst slice before. */
#define QB_PHASE_CALM_SLICES 5u

struct qb_phase_calls {
    const struct qb_track *track;
    const struct qb_recorder *const *recorders; /* of that track */
    size_t recorder_count;
};

/* Fills what follows from what, note, begun_seconds and ended_seconds of *cost.
 * Before counts from @from, after up to @until, seconds of the measurement: there
 * other phases are. */
void qb_phase_cost_fill(struct qb_phase_cost *cost,
                        const struct qb_phase_calls *calls, double from,
                        double until);
