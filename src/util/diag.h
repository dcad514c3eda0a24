/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* What the daemon tells its operator: one line an event, on standard error. */
#pragma once

#include <stdarg.h>

enum diag_level { DIAG_ERROR, DIAG_WARNING, DIAG_INFO, DIAG_DEBUG };

/* "error", "warning", "info" or "debug" -> 0 and *ret_level; else QL_INVALID. */
int diag_level_parse(const char *text, enum diag_level *ret_level);
/* Lines above @level are dropped. Default: DIAG_INFO. */
void diag_set_level(enum diag_level level);
/* Time stamps are UTC with milliseconds. With the variable JOURNAL_STREAM set
 * they are left out and the level becomes a "<N>" prefix (sd-daemon(3)). */
void diag_error(const char *format, ...) __attribute__((format(printf, 1, 2)));
void diag_warning(const char *format, ...)
    __attribute__((format(printf, 1, 2)));
void diag_info(const char *format, ...) __attribute__((format(printf, 1, 2)));
void diag_debug(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* Says why and ends the process with @status, without unwinding: what is on
 * disk is all that counts. */
void diag_die(int status, const char *format, ...)
    __attribute__((noreturn, format(printf, 2, 3)));
