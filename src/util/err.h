/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* An error that a person can read: a code and a chain of "what I was doing". */
#pragma once

#include "quorlog.h"

#define ERR_TEXT_MAX 512

struct err {
    int code;                /* QL_* */
    uint64_t position;       /* what helps with some codes, or 0 */
    char text[ERR_TEXT_MAX]; /* "outer: inner", NUL-terminated, cut if long */
};

/* No error: the text is empty. For where the many bytes of the struct would be set
 * to zero for each message. */
static inline void err_init(struct err *err)
{
    err->code = 0;
    err->position = 0;
    err->text[0] = '\0';
}

/* Sets code and text and returns @code, which must not be 0. @err may be NULL. */
int err_set(struct err *err, int code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* Puts "what: " in front of the text and returns the code already there
 * (QL_INTERNAL when @err is NULL, so prefer to keep rv beside it). */
int err_wrap(struct err *err, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/* err_set() with ": strerror(errnum)" behind the text; code QL_IO, QL_NOT_FOUND
 * for ENOENT, QL_NO_MEMORY for ENOMEM, QL_EXISTS for EEXIST. */
int err_errno(struct err *err, int errnum, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
