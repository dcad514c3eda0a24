/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* Bytes of unknown origin on a terminal. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "util/buf.h"

/* Adds @len bytes of @text with control characters, what is not UTF-8, and the
 * backslash written as escapes: nothing in it can move a terminal's cursor. */
void escape_text(const void *text, size_t len, struct buf *ret_text);
/* Is all of it UTF-8 (RFC 3629)? */
bool escape_is_utf8(const void *text, size_t len);
/* Characters in escaped text; each is taken to be one column wide. */
size_t escape_width(const char *text, size_t len);
/* Bytes of the first @width characters of escaped text. */
size_t escape_cut(const char *text, size_t len, size_t width);
