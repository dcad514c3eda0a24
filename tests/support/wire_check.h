/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* What the tests of messages share: views, and tables of messages that a decoder
 * takes or refuses, with the sentence it says. */
#pragma once

#include <stddef.h>

#include "util/buf.h"
#include "util/err.h"

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

struct bytes bytes_of(const char *text);
struct bytes view_of(const struct buf *buf);
/* Fails for a view of nothing at NULL even if @text is empty. */
void assert_bytes(struct bytes bytes, const char *text);

typedef int (*decode_cb)(struct bytes encoded, struct err *err);

struct refusal {
    const char *message; /* see support/notation.h */
    int code;            /* 0: it is taken */
    const char *text;    /* the whole sentence; NULL: any */
};

/* Decodes each row and compares; also that nothing but @encoded is read, by
 * giving each decoder a copy that ends where its memory ends. */
void refusals_check(decode_cb decode, const struct refusal *rows, size_t count);
/* Every prefix of @message is refused. */
void cuts_check(decode_cb decode, const char *message);
