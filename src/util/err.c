/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "util/err.h"

#include <assert.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* Shortened text ends in these, so that nobody takes it for the whole. */
static const char CUT_MARK[] = "...";

static void err_print(struct err *err, const char *format, va_list args)
    __attribute__((format(printf, 2, 0)));
static void err_append(struct err *err, const char *text);
static int code_of_errno(int errnum);

int err_set(struct err *err, int code, const char *format, ...)
{
    va_list args;

    assert(code != 0);
    if (err == NULL) {
        return code;
    }
    err->code = code;
    err->position = 0;
    va_start(args, format);
    err_print(err, format, args);
    va_end(args);
    return code;
}

int err_wrap(struct err *err, const char *format, ...)
{
    char inner[ERR_TEXT_MAX];
    va_list args;

    if (err == NULL) {
        return QL_INTERNAL;
    }
    memcpy(inner, err->text, sizeof inner);
    va_start(args, format);
    err_print(err, format, args);
    va_end(args);
    err_append(err, ": ");
    err_append(err, inner);
    return err->code;
}

int err_errno(struct err *err, int errnum, const char *format, ...)
{
    char reason[128];
    va_list args;
    int code = code_of_errno(errnum);

    if (err == NULL) {
        return code;
    }
    err->code = code;
    err->position = 0;
    va_start(args, format);
    err_print(err, format, args);
    va_end(args);
    err_append(err, ": ");
    err_append(err, strerror_r(errnum, reason, sizeof reason));
    return code;
}

static void err_print(struct err *err, const char *format, va_list args)
{
    char text[ERR_TEXT_MAX];

    /* By way of a copy: an argument may be err->text itself. */
    text[0] = '\0';
    int len = vsnprintf(text, sizeof text, format, args);

    if (len >= (int)sizeof text) {
        memcpy(text + sizeof text - sizeof CUT_MARK, CUT_MARK, sizeof CUT_MARK);
    }
    memcpy(err->text, text, strlen(text) + 1);
}

static void err_append(struct err *err, const char *text)
{
    size_t used = strlen(err->text);
    size_t room = sizeof err->text - used;

    if (snprintf(err->text + used, room, "%s", text) >= (int)room) {
        memcpy(err->text + sizeof err->text - sizeof CUT_MARK, CUT_MARK,
               sizeof CUT_MARK);
    }
}

static int code_of_errno(int errnum)
{
    switch (errnum) {
    case ENOENT:
        return QL_NOT_FOUND;
    case ENOMEM:
        return QL_NO_MEMORY;
    case EEXIST:
        return QL_EXISTS;
    default:
        return QL_IO;
    }
}
