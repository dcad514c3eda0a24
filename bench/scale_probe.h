/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* Appends of one entry each from a process of its own, while something else goes
 * on: how long each takes. */
#pragma once

#include <stddef.h>

struct scale_probe;

struct scale_probe_options {
    const char *endpoints;
    const char *log; /* is there already */
    size_t entry_len;
    size_t outstanding; /* a new one begins when one is answered; or */
    double rate; /* so many a second, whatever becomes of the others: what
                           a stall holds up counts, from when it was due */
};

struct scale_latency {
    double p50_us;
    double p99_us;
    double slowest_us;
    double rate; /* a second */
    size_t count;
    size_t failed;
};

struct scale_probe *scale_probe_start(
    const struct scale_probe_options *options);
/* What came before the call does not count. */
void scale_probe_forget(struct scale_probe *probe);
/* Frees @probe. */
void scale_probe_stop(struct scale_probe *probe, struct scale_latency *ret);
