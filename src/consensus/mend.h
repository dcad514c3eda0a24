/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * What a node does about its state when a majority has another one (docs/
 * consensus.md, "Integrity"), remembered across its restarts in the file `mend`.
 * First it starts again, which mends what only memory had wrong; if its state is
 * still another one, it begins with a snapshot of one of the majority. Raft log,
 * term and vote stay as they are. Pure but for the file.
 */
#pragma once

#include "consensus/digest_watch.h"
#include "util/err.h"

enum mend_stage {
    MEND_GOOD,      /* nothing is wrong, as far as is known */
    MEND_RESTARTED, /* it has started again since, */
    MEND_REBUILT    /* and with the snapshot of another node */
};

struct mend {
    enum mend_stage stage;
    uint64_t index;    /* it is good if it has the majority's value there, or at
                          a higher index; else it is not */
    uint64_t attempts; /* ever */
    size_t times_count;
    uint64_t times_ms[REBUILDS_MAX]; /* wall clock, of the last attempts */
};

enum mend_step {
    MEND_NOTHING,
    MEND_CURED,    /* mend_cured() */
    MEND_RESTART,  /* mend_attempt(), then start again */
    MEND_REBUILD,  /* fetch a snapshot, mend_attempt(), then start again */
    MEND_GIVEN_UP, /* it is not good, and was tried often enough for now */
};
/* @now_ms: the wall clock. */
enum mend_step mend_judge(const struct mend *mend,
                          const struct digest_verdict *verdict,
                          uint64_t now_ms);
void mend_cured(struct mend *mend);
/* It is about to start again, to be at @stage then: see struct mend. */
void mend_attempt(struct mend *mend, enum mend_stage stage, uint64_t index,
                  uint64_t now_ms);

/* In the data directory @dir. Fine when there is none. One that is damaged gives
 * a node that has to show that it is good. QL_IO, QL_NO_MEMORY. */
int mend_load(struct mend *ret, const char *dir, struct err *err);
/* Durable on return. */
int mend_store(const struct mend *mend, const char *dir, struct err *err);
