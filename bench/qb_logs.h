/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* The logs that the calls go to: made and filled before, deleted after. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "qb_options.h"

#include "quorlog.h"
#include "util/err.h"

struct qb_data;

struct qb_log {
    char *name;
    bool made; /* by us */
    uint64_t head;
    uint64_t tail; /* as far as known; workers raise it (relaxed atomics) */
    void *job;     /* what it is part of just now */
};

struct qb_logs {
    size_t count;
    struct qb_log *logs;
};

/* Makes options->logs logs and fills them up to options->prefill entries. Logs of
 * options->log that are there already are used as they are and never deleted. */
int qb_logs_make(struct qb_logs *logs, const struct qb_options *options,
                 const char *endpoints, const struct qb_data *data,
                 struct err *err);
/* Learns heads and tails again. */
int qb_logs_look(struct qb_logs *logs, const struct qb_options *options,
                 const char *endpoints, struct err *err);
/* What was made and none else. */
int qb_logs_delete(struct qb_logs *logs, const struct qb_options *options,
                   const char *endpoints, struct err *err);
void qb_logs_close(struct qb_logs *logs);
