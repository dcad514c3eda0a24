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
    uint64_t bytes_begun; /* there when the first was drawn */
};

void progress_init(struct progress *progress, uint64_t bytes_total);
/* Draws at most ten times a second. */
void progress_update(struct progress *progress, uint64_t lines, uint64_t bytes);
/* The same for work that counts in bytes only; @what says which. */
void progress_bytes(struct progress *progress, const char *what,
                    uint64_t bytes);
/* The same for work of a few steps:
 * "verified on nodes  [=====>     ]  1 of 2  3 s". */
void progress_steps(struct progress *progress, const char *what, uint64_t done,
                    uint64_t total);
/* Takes the line away. */
void progress_clear(struct progress *progress);
/* The line itself: "1234 lines  5.0 MiB  [=====>     ]  52%  410 lines/s". */
void progress_text(uint64_t lines, uint64_t bytes, uint64_t bytes_total,
                   uint64_t elapsed_ms, char *ret_text, size_t room);
/* "receiving  5.0 MiB of 9.6 MiB  [=====>     ]  52%  1.2 MiB/s", where
 * @bytes_begun of the bytes were there before the time began. */
void progress_bytes_text(const char *what, uint64_t bytes, uint64_t bytes_begun,
                         uint64_t bytes_total, uint64_t elapsed_ms,
                         char *ret_text, size_t room);
