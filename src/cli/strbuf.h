/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* Text put together in a struct buf. Out of memory ends the program. */
#pragma once

#include <stddef.h>

#include "util/buf.h"

void strbuf_add(struct buf *buf, const void *bytes, size_t len);
void strbuf_printf(struct buf *buf, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/* The text so far with a NUL behind it, which len does not count. */
const char *strbuf_text(struct buf *buf);
/* Standard base64 with padding (RFC 4648, section 4). */
void strbuf_base64(struct buf *buf, const void *bytes, size_t len);
