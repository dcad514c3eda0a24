/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* What strings on the wire must be: UTF-8 (RFC 3629). Internal to the wire. */
#pragma once

#include <stdbool.h>

#include "util/buf.h"

/* Well-formed: no overlong form, no surrogate, nothing beyond U+10FFFF. */
bool utf8_is_valid(struct bytes text);
/* Well-formed and without control characters (C0, DEL, C1), so that it can
 * stand in a line of diagnostics or on a terminal. */
bool utf8_is_printable(struct bytes text);
