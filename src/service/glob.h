/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* Patterns over bytes. */
#pragma once

#include <stdbool.h>

#include "util/buf.h"

/* Does all of @text match? '*' stands for any bytes, also '/' and none at all,
 * '?' for one byte, and nothing else is special. Takes no more steps than the
 * product of both lengths. */
bool glob_match(struct bytes pattern, struct bytes text);
