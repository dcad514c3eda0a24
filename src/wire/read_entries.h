/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* The array of entries that log.read answers and log.entries brings. Internal
 * to the wire; the writing side is in args_read.h. */
#pragma once

#include "wire/args_read.h"
#include "wire/fields.h"

/* *ret_entries is the caller's to free(), NULL when there are none. */
int read_entries_decode(struct read_entry **ret_entries,
                        const msgpack_object_array *array, struct err *err);
