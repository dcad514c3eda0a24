/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* Which entries of the staged state an operator means. A filter that is kept
 * beyond the call that brought it. Pure. */
#pragma once

#include <stdbool.h>

#include "machine/chunk.h"
#include "wire/args_scan.h"

struct recovery_filter {
    struct scan_filter rules; /* its texts are in memory */
    struct buf memory;
};

/* Copies @rules. */
void recovery_filter_init(struct recovery_filter *filter,
                          const struct scan_filter *rules);
void recovery_filter_close(struct recovery_filter *filter);

/* Could a log of this name have entries that match? */
bool recovery_filter_has_log(const struct recovery_filter *filter,
                             struct bytes name);
/* The first position that is worth looking at in a log of that head and those
 * chunks; what lies before need not be loaded. */
uint64_t recovery_filter_first(const struct recovery_filter *filter,
                               uint64_t head, struct chunk *const *chunks,
                               size_t count);
/* Does an entry of a log that the filter has? */
bool recovery_filter_has_entry(const struct recovery_filter *filter,
                               const struct read_entry *entry);
