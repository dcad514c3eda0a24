/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* The array of entries that log.read answers and log.entries brings. Internal
 * to the wire; the writing side is in args_read.h. */
#pragma once

#include "wire/args_read.h"
#include "wire/value.h"

/* Decodes @items, which stand in the message @name, into an array that is the
 * caller's to free(), NULL when there are none. Keys and values are views into
 * the encoded bytes. */
int read_entries_decode(struct read_entry **ret_entries,
                        const struct items *items, const char *name,
                        struct err *err);
