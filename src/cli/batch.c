/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "cli/batch.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "cli/strbuf.h"
#include "util/mem.h"

static size_t bytes_used(const struct batch *batch);

void batch_init(struct batch *batch, size_t entries_max, size_t bytes_max,
                const char *key)
{
    memset(batch, 0, sizeof *batch);
    batch->entries_max = entries_max;
    batch->bytes_max = bytes_max;
    batch->key = key;
    batch->key_len = key == NULL ? 0 : strlen(key);
    batch->ends = mem_must_array(entries_max, sizeof *batch->ends);
}

void batch_close(struct batch *batch)
{
    buf_close(&batch->values);
    free(batch->ends);
    batch->ends = NULL;
}

bool batch_has_room(const struct batch *batch, size_t len)
{
    if (batch->count == 0) {
        return true;
    }
    return batch->count < batch->entries_max &&
           bytes_used(batch) + batch->key_len + len <= batch->bytes_max;
}

bool batch_is_full(const struct batch *batch)
{
    return batch->count == batch->entries_max ||
           bytes_used(batch) >= batch->bytes_max;
}

void batch_add(struct batch *batch, struct bytes line)
{
    assert(batch->count < batch->entries_max);
    strbuf_add(&batch->values, line.data, line.len);
    batch->ends[batch->count] = batch->values.len;
    batch->count++;
}

void batch_entries(const struct batch *batch, struct ql_entry *ret_entries)
{
    size_t start = 0;

    for (size_t i = 0; i < batch->count; i++) {
        memset(&ret_entries[i], 0, sizeof ret_entries[i]);
        ret_entries[i].key = batch->key;
        ret_entries[i].key_len = batch->key_len;
        ret_entries[i].value = batch->values.data + start;
        ret_entries[i].value_len = batch->ends[i] - start;
        start = batch->ends[i];
    }
}

void batch_empty(struct batch *batch)
{
    batch->values.len = 0;
    batch->count = 0;
}

static size_t bytes_used(const struct batch *batch)
{
    return batch->values.len + batch->count * batch->key_len;
}
