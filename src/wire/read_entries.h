/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* The array of entries that log.read answers and log.entries brings. Internal
 * to the wire; the writing side is in args_read.h. */
#pragma once

#include "wire/args_read.h"
#include "wire/fields.h"

struct read_entries {
    struct read_entry *entries; /* the caller's to free(); NULL: none */
    size_t count;
};
/* Decodes @encoded, one map whose member "entries" they are, and the other members
 * into the zeroed struct @target by @message, which has numbers only. Keys and
 * values are views into @encoded. */
int read_entries_decode(struct read_entries *ret, const struct message *message,
                        struct bytes encoded, void *target, struct err *err);
