/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* How a measurement goes, on one line of standard error, when that is a
 * terminal. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "qb_load.h"

struct qb_worker;

struct qb_progress {
    bool shown; /* false: draw nothing at all */
    const struct qb_load *load;
    struct qb_worker *workers;
    size_t worker_count;
    uint64_t drawn_ns;
};

void qb_progress_begin(struct qb_progress *progress, const struct qb_load *load,
                       struct qb_worker *workers, size_t count);
/* At most five times a second. */
void qb_progress_draw(struct qb_progress *progress, uint64_t now_ns);
void qb_progress_end(struct qb_progress *progress);
/* A line of its own for what takes a moment: "measuring the floor". Nothing when
 * @quiet or standard error is no terminal. */
void qb_progress_say(bool quiet, const char *text);
/* Three digits and a unit: "1.23 ms". */
void qb_format_ns(double ns, char *ret_text, size_t room);
