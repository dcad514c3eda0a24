/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * The staged and the live log of one name: how far they are the same, which of
 * them has entries that the other lacks, and some of those. Rows of chunks tell most
 * of it; the bytes of the chunks in which the two part are loaded and compared,
 * over many turns of the loop.
 */
#pragma once

#include "service/history.h"
#include "service/keepsakes.h"
#include "service/part_walk.h"
#include "wire/args_scan.h"

enum log_pair_found {
    LOG_PAIR_DONE,
    LOG_PAIR_WAIT,  /* the turn is over; @cb comes */
    LOG_PAIR_AGAIN, /* one of the logs was trimmed or deleted: begin anew */
};

/* [0] is the staged log, [1] the live one. */
#define LOG_PAIR_STAGED 0
#define LOG_PAIR_LIVE 1

struct log_pair_side {
    bool is_there;
    struct log_stat stat; /* when it began; its texts are not to be used */
    struct part_walk walk;
    uint64_t at;               /* where the comparison is */
    struct history_sum common; /* entries that the other has, too */
    bool has_front;            /* it has entries before the other's head */
    bool has_more;             /* and others that the other lacks */
};

struct log_pair {
    struct log_pair_side sides[2];
    uint64_t common; /* last common position; 0: none */
    size_t examples_max;
    struct keepsakes *texts; /* of the examples; borrowed */
    size_t examples_count;
    struct diff_example examples[DIFF_EXAMPLES_MAX];
    int side; /* that examples are taken of, in the end */
    size_t taken;
    bool compares; /* entry by entry; then come the examples */
};

/* @staged, @live: NULL when there is none. At most @examples_max examples, with
 * texts in @texts. */
void log_pair_init(struct log_pair *pair, struct service *service,
                   const struct log_stat *staged, const struct log_stat *live,
                   size_t examples_max, struct keepsakes *texts);
/* @cb is given the walk that waited: part_walk_refusal(). Once a turn. */
enum log_pair_found log_pair_step(struct log_pair *pair, part_walk_cb cb,
                                  void *data);
/* Of one that is done. */
enum diff_kind log_pair_kind(const struct log_pair *pair);
/* Ends it, done or not; one that is all zero, too. */
void log_pair_stop(struct log_pair *pair);
