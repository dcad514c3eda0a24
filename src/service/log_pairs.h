/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* All logs that are staged or live, in the order of their names, as pairs. Works
 * in many turns of the loop, and ends when what is staged becomes another. */
#pragma once

#include "service/log_pair.h"
#include "service/pause.h"
#include "service/recovery_calls.h"

struct log_pairs_ops {
    /* Is this log of interest? */
    bool (*wants)(void *data, struct bytes name);
    /* A pair is done. False: no further one is looked at. */
    bool (*take)(void *data, struct bytes name, const struct log_pair *pair);
    /* The last call, in a later turn than the begin or in the same. */
    void (*end)(void *data, int code, const struct err *err);
};

struct log_pairs {
    struct service *service;
    const struct log_pairs_ops *ops;
    void *data;
    struct staged_mark mark;
    size_t examples_max;        /* of each log */
    struct keepsakes texts;     /* of examples, and others; until the stop */
    struct bytes at;            /* the name looked at last, */
    uint8_t name[LOG_NAME_MAX]; /* which is here */
    struct log_pair pair;
    bool in_pair;
    bool is_all;   /* there is no name behind it */
    size_t looked; /* logs, in all turns */
    size_t work;   /* done in this turn, as bytes */
    struct pause *pause;
};

/* All but what is between service and examples_max is zero; @after: a name, or
 * len 0. Ends by ops->end, which may stop it. */
void log_pairs_begin(struct log_pairs *pairs, struct bytes after);
/* May be called at any time; then nothing comes. Frees the texts. */
void log_pairs_stop(struct log_pairs *pairs);
