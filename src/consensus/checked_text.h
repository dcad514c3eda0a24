/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * Small text files that one may read with cat and must not trust blindly: one
 * `key = value` a line, the last line `crc32c = XXXXXXXX` over all bytes before
 * it.
 */
#pragma once

#include <stdbool.h>

#include "util/buf.h"
#include "util/err.h"

#define CHECKED_TEXT_LINE_MAX 1024u

/* Ends the process when out of memory. */
void checked_text_add(struct buf *buf, const char *key, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* Adds the last line. */
void checked_text_seal(struct buf *buf);

struct checked_text {
    const char *at;  /* the line that is read next */
    const char *end; /* where the checksum's line begins */
};
/* QL_CORRUPT when the last line is missing or does not fit what is before. The
 * bytes are borrowed until the last line was read. */
int checked_text_open(struct checked_text *ret, const void *bytes, size_t len,
                      struct err *err);
bool checked_text_more(const struct checked_text *text);
/* Is the next line one of @key? */
bool checked_text_is(const struct checked_text *text, const char *key);
/* The next line, which must have @key; its value is NUL-terminated in
 * @ret_value. QL_CORRUPT otherwise. */
int checked_text_next(struct checked_text *text, const char *key,
                      char *ret_value, size_t room, struct err *err);
