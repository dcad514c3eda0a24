/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* How far long work is, on one line of standard error, when that is a
 * terminal. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct progress {
    bool shown;           /* false: draw nothing at all */
    uint64_t started_ms;  /* monotonic */
    uint64_t drawn_ms;    /* last time; 0: never */
    uint64_t bytes_total; /* 0: not known */
};

void progress_init(struct progress *progress, uint64_t bytes_total);
/* Draws at most ten times a second. */
void progress_update(struct progress *progress, uint64_t lines, uint64_t bytes);
/* Takes the line away. */
void progress_clear(struct progress *progress);
/* The line itself: "1234 lines  5.0 MiB  [=====>     ]  52%  410 lines/s". */
void progress_text(uint64_t lines, uint64_t bytes, uint64_t bytes_total,
                   uint64_t elapsed_ms, char *ret_text, size_t room);
