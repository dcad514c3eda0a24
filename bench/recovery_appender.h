/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* Appends of one entry each at a fixed rate, whatever becomes of those before,
 * from a process of its own: when each was acknowledged, and which of them a log
 * has in the end. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#define RECOVERY_RATE 500.0 /* appends a second */

struct recovery_appender;

/* In which state an entry was found. */
enum recovery_side { RECOVERY_BEFORE = 1, RECOVERY_AFTER = 2 };

struct recovery_gap {
    double seconds; /* without an acknowledgement */
    double begun;   /* scale_now() */
};

/* Of the acknowledged entries. */
struct recovery_found {
    size_t before; /* only in the state that was replaced */
    size_t after;  /* only in the state that took its place */
    size_t both;   /* in both, which must not be */
    size_t lost;   /* in neither */
    size_t mixed;  /* in the old state, and acknowledged after one in the new */
    double first_after; /* when the first in the new one was acknowledged */
};

/* @log is there already. */
struct recovery_appender *recovery_appender_start(const char *endpoints,
                                                  const char *log,
                                                  size_t entry_len);
/* Returns when none is on its way any more. */
void recovery_appender_stop(struct recovery_appender *appender);
void recovery_appender_free(struct recovery_appender *appender);
/* The longest stretch between two times in which nothing was acknowledged. */
struct recovery_gap recovery_appender_gap(
    const struct recovery_appender *appender, double from, double to);
/* From when they were due to their acknowledgement, of those due between two
 * times, in seconds: this part of them, 0.99 for example, took no longer. */
double recovery_appender_latency(const struct recovery_appender *appender,
                                 double from, double to, double part);
/* Appends that ended with an error between two times. */
size_t recovery_appender_failed(const struct recovery_appender *appender,
                                double from, double to);
/* Reads all of the log and notes which of the appends are there, as appended. */
void recovery_appender_find(struct recovery_appender *appender,
                            enum recovery_side side);
/* When both sides were looked at. */
void recovery_appender_compare(const struct recovery_appender *appender,
                               struct recovery_found *ret);
