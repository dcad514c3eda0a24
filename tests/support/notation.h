/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * MessagePack written down for tests:
 *
 *     {'log': 'orders', 'before': 7, 'x': [nil, true, -1, 1.5, b'bin', h'c0ff']}
 *
 * Strings are str, b'...' is bin, h'...' stands for raw bytes in hex. There are
 * no escapes.
 */
#pragma once

#include "util/buf.h"

/* Appends the encoded values of @text; ends the test when it is no notation. */
void notation_pack(struct buf *buf, const char *text);
