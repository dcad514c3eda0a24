/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * The load, the same for every product: a closed loop that keeps a number of
 * appends under way, each begun the moment another is answered.
 */
#pragma once

#include "compare/peer.h"

#include "util/histogram.h"

struct load_plan {
    size_t outstanding;
    size_t size; /* of each payload */
    double warm_seconds;
    double seconds; /* measured */
};

struct load_result {
    double rate; /* acknowledged in a second */
    double p50_us;
    double p99_us;
    double client_us;    /* CPU of the client for one */
    double client_share; /* of one core that the client took */
    double server_us;    /* CPU of the three servers for one */
    double rss_mib;      /* of the three, at the end */
};

struct load; /* one for each turn */

struct load *load_new(void);
void load_free(struct load *load);
/* Loads @peer for warm_seconds of @plan and measures nothing. */
void load_warm(struct load *load, struct peer *peer,
               const struct load_plan *plan);
/* Loads @peer as @plan says; waits for all answers in the end. */
void load_run(struct load *load, struct peer *peer,
              const struct load_plan *plan, struct load_result *ret_result);
/* The append in @slot was acknowledged, or refused for the reason @refusal, which
 * is NULL otherwise. */
void load_on_answer(struct load *load, size_t slot, const char *refusal);
/* Sends one append outside of any run. */
void load_send(struct load *load, const struct peer_kind *kind, void *self,
               size_t slot, size_t size);
/* Of all runs, warm-ups included. */
uint64_t load_acknowledged(const struct load *load);
/* They may be stored or not. */
uint64_t load_refused(const struct load *load);
