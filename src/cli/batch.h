/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* Lines on their way into one append. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "quorlog.h"
#include "util/buf.h"

struct batch {
    size_t entries_max;
    size_t bytes_max; /* keys and values; more only for a single line that is
                          larger itself */
    const char *key;  /* of every entry, borrowed; NULL: none */
    size_t key_len;
    struct buf values; /* one behind the other */
    size_t *ends;      /* of each value in @values; entries_max of them */
    size_t count;
};

void batch_init(struct batch *batch, size_t entries_max, size_t bytes_max,
                const char *key);
void batch_close(struct batch *batch);
/* False when @len more bytes must go into the next one. */
bool batch_has_room(const struct batch *batch, size_t len);
bool batch_is_full(const struct batch *batch);
/* Copies @line. There must be room. */
void batch_add(struct batch *batch, struct bytes line);
/* Writes batch->count entries to @ret_entries, which point into the batch until
 * it is changed. */
void batch_entries(const struct batch *batch, struct ql_entry *ret_entries);
void batch_empty(struct batch *batch);
