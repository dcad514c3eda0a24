/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "wire/read_entries.h"

#include <stdlib.h>

#include "util/limits.h"
#include "wire/pack.h"

#define ENTRY_ITEMS 4u /* position, time, key, value */
/* Each is a value itself, beside those it holds. */
#define ENTRIES_MAX (MESSAGE_ITEMS_MAX / (ENTRY_ITEMS + 1u))

static bool take_entry(struct bytes entry, struct read_entry *ret);

int read_entries_decode(struct read_entry **ret_entries, struct items *items,
                        const char *name, struct err *err)
{
    size_t count = items->count;
    struct read_entry *entries;
    size_t i;

    if (count == 0) {
        *ret_entries = NULL;
        return 0;
    }
    if (count > ENTRIES_MAX) {
        return err_set(err, QL_PROTOCOL, "%s: claims %zu entries", name, count);
    }
    entries = malloc(count * sizeof(*entries));
    if (entries == NULL) {
        return err_set(err, QL_NO_MEMORY, "entries: out of memory");
    }
    for (i = 0; i < count; i++) {
        if (!take_entry(items_next(items), &entries[i])) {
            free(entries);
            return err_set(err, QL_INVALID,
                           "an entry must be [position, time, key, value]");
        }
    }
    *ret_entries = entries;
    return 0;
}

static bool take_entry(struct bytes entry, struct read_entry *ret)
{
    struct items parts;

    return value_tuple(entry, ENTRY_ITEMS, &parts) &&
           value_u64(items_next(&parts), &ret->position) &&
           value_u64(items_next(&parts), &ret->time_ms) &&
           value_bytes_or_nil(items_next(&parts), &ret->key) &&
           value_bytes(items_next(&parts), &ret->value);
}

int entries_writer_open(struct entries_writer *writer, struct buf *buf)
{
    writer->buf = buf;
    writer->count = 0;
    return pack_array_open(buf, &writer->mark);
}

int entries_writer_add(struct entries_writer *writer,
                       const struct read_entry *entry)
{
    struct buf *buf = writer->buf;
    size_t len = buf->len;
    int rv;

    rv = pack_array(buf, ENTRY_ITEMS);
    rv = rv != 0 ? rv : pack_u64(buf, entry->position);
    rv = rv != 0 ? rv : pack_u64(buf, entry->time_ms);
    if (entry->key.data == NULL) {
        rv = rv != 0 ? rv : pack_nil(buf);
    } else {
        rv = rv != 0 ? rv : pack_bin(buf, entry->key.data, entry->key.len);
    }
    rv = rv != 0 ? rv : pack_bin(buf, entry->value.data, entry->value.len);
    if (rv != 0) {
        buf->len = len;
        return rv;
    }
    writer->count++;
    return 0;
}

void entries_writer_close(struct entries_writer *writer)
{
    pack_close(writer->buf, writer->mark, writer->count);
}
