/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* A second opinion on encoded bytes: that of msgpack-c. */
#pragma once

#include "util/buf.h"

/* Decodes @value into a tree of msgpack-c and writes that again, with the shortest
 * heads there are: who reads the bytes as msgpack-c does finds the same in both.
 * Returns 0, or the code that the scan has for bytes that are not sound. */
int fuzz_repack(struct bytes value, struct buf *ret);
