/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* Patterns over bytes, as shells have them for names. */
#pragma once

#include <stdbool.h>

#include "util/buf.h"

/*
 * Does all of @text match? '*' stands for any bytes, also '/' and none at all;
 * '?' for one; "[a-cx]" for one of these and "[!a-cx]" for one that is none of
 * them; '\' takes away the meaning of what is behind it. A '[' without its ']'
 * and a '\' at the end stand for themselves. Needs no memory.
 */
bool glob_match(struct bytes pattern, struct bytes text);
