/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* All turns of a run, and what they say together. */
#pragma once

#include "compare/turn.h"

struct results {
    const struct options *options;
    const struct peer_kind *peers[OPTIONS_PEERS_MAX]; /* those to be had */
    size_t count;
    double seconds; /* all of it took */
    struct turn turns[OPTIONS_PEERS_MAX][OPTIONS_TURNS_MAX];
    struct turn failovers[OPTIONS_PEERS_MAX][OPTIONS_TURNS_MAX];
};

/* Of the turns that were done. */
struct spread {
    size_t count; /* of values; 0: the rest says nothing */
    double low;
    double median;
    double high;
};

/* Which field of struct load_result: offsetof(). */
struct spread results_spread(const struct results *results, size_t peer,
                             size_t point, size_t field);
/* Of quorlog's divided by @peer's in the same turn. */
struct spread results_ratio(const struct results *results, size_t peer,
                            size_t point, size_t field);
/* Of the seconds without a leader. */
struct spread results_failover(const struct results *results, size_t peer);
size_t results_failed(const struct results *results, size_t peer);
/* Turns in which something else was stored than acknowledged. */
size_t results_untrue(const struct results *results, size_t peer);
/* Of a turn that was done, or "". */
const char *results_version(const struct results *results, size_t peer);
double results_turn_seconds(const struct results *results, size_t peer);
