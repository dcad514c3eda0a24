/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* Where a page begins and ends, as a map. Internal to the wire. */
#pragma once

#include "wire/fields.h"

extern const struct message scan_cursor_message; /* struct scan_cursor */
