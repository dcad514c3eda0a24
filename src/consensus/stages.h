/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * Where the time of an append went, measured at the leader on a few of them:
 *
 *     read       its bytes came from the socket     | decode
 *     submitted  it stands in the open batch        | batch
 *     proposed   the batch became a raft entry      | replicate; wal beside it
 *     committed  a quorum has that entry on disk    | apply
 *     applied    the machine has its result         | reply
 *     written    the answer was given to the kernel
 *
 * wal is from proposed until the leader's own disk has the entry, which may be
 * after it was committed. decode + batch + replicate + apply + reply = total.
 *
 * One of STAGES_EVERY appends is a sample, as long as there are free ones; the
 * number is prime so that no regular load hides from it. All others cost one
 * counter, and a batch or a raft entry without a sample one comparison. Nothing
 * is allocated.
 */
#pragma once

#include <stdint.h>

#include "consensus/metrics.h"
#include "util/limits.h"
#include "util/list.h"

struct stages;

struct stage_sample {
    struct list link; /* of those free, of its batch, or of its channel */
    struct list disk; /* stages->storing while it waits for our own disk */
    struct stages *stages;
    uint64_t index; /* of its raft entry */
    uint64_t read_ns;
    uint64_t submitted_ns;
    uint64_t proposed_ns;
    uint64_t committed_ns;
    uint64_t applied_ns;
    bool ended; /* told or dropped; free when it is stored, too */
};

struct stages {
    struct metrics *metrics;
    unsigned left;       /* appends until the next sample */
    struct list free;    /* struct stage_sample */
    struct list storing; /* by rising index */
    struct stage_sample samples[STAGE_SAMPLES_MAX];
};

/* @metrics is borrowed. */
void stages_init(struct stages *stages, struct metrics *metrics);

/* An append was submitted whose bytes were read at @read_ns: is it a sample? */
static inline bool stages_is_due(struct stages *stages)
{
    if (stages->left > 1) {
        stages->left--;
        return false;
    }
    stages->left = STAGES_EVERY;
    return true;
}

/* The sample of an append that was just submitted, NULL when all are in use. In no
 * list: the caller puts it into that of its batch. */
struct stage_sample *stages_begin(struct stages *stages, uint64_t read_ns);
/* The batch of @samples became raft entry @index. */
void stages_on_proposed(struct stages *stages, struct list *samples,
                        uint64_t index);
/* Entries up to @index are on our own disk. */
void stages_on_stored(struct stages *stages, uint64_t index);
/* The entry of @samples was committed and is about to be applied. */
void stages_on_committed(struct list *samples);
void stage_on_applied(struct stage_sample *sample);
/* @samples has it from now on. */
static inline void stage_take(struct stage_sample *sample, struct list *samples)
{
    list_remove(&sample->link);
    list_push_back(samples, &sample->link);
}
/* The answers of @samples were given to the kernel: ends them. */
void stages_on_written(struct list *samples);
/* Ends it without counting: refused, lost, or nobody hears the answer. */
void stage_drop(struct stage_sample *sample);
void stages_drop(struct list *samples);
