/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * The load of `quorlog-bench follow`: one append at a time, and readers that
 * follow the log. The next append begins when all of them have the entry. Its
 * value begins with a number that tells it from all others.
 */
#pragma once

#include "qb_worker.h"

/* The worker's tracks in this mode. */
enum qb_follow_track {
    QB_TRACK_LAST,     /* until the last follower had the entry */
    QB_TRACK_DELIVERY, /* until each follower had it */
    QB_TRACK_APPEND,   /* until it was acknowledged */
    QB_FOLLOW_TRACKS
};

/* By enum qb_follow_track. */
extern const char *const qb_follow_names[QB_FOLLOW_TRACKS];

/* The whole load of @worker, whose clients are connected; the first one appends,
 * the others have the followers. */
void qb_follow_load(struct qb_worker *worker);
