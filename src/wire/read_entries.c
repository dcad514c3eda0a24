/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "wire/read_entries.h"

#include <stdlib.h>

#include "util/limits.h"
#include "wire/pack.h"

#define ENTRY_ITEMS 4u /* position, time, key, value */
/* Each is a value itself, beside those it holds. */
#define ENTRIES_MAX (MESSAGE_ITEMS_MAX / (ENTRY_ITEMS + 1u))

static inline bool take_entry(struct bytes *left, struct read_entry *ret);

int read_entries_decode(struct read_entry **ret_entries,
                        const struct items *items, const char *name,
                        struct err *err)
{
    struct bytes left = items->left;
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
    for (i = 0; i < count && take_entry(&left, &entries[i]); i++) {
    }
    if (i < count || left.len > 0) {
        free(entries);
        return err_set(err, QL_INVALID,
                       "an entry must be [position, time, key, value]");
    }
    *ret_entries = entries;
    return 0;
}

static inline bool take_entry(struct bytes *left, struct read_entry *ret)
{
    return take_tuple(left, ENTRY_ITEMS) && take_u64(left, &ret->position) &&
           take_u64(left, &ret->time_ms) &&
           take_bytes_or_nil(left, &ret->key) && take_bytes(left, &ret->value);
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
    uint8_t *at = pack_begin(buf, 1 + 2 * PACK_U64_LEN + 2 * PACK_HEAD_LEN +
                                      entry->key.len + entry->value.len);

    if (at == NULL) {
        return QL_NO_MEMORY;
    }
    *at++ = 0x90u | ENTRY_ITEMS;
    at = pack_put_u64(at, entry->position);
    at = pack_put_u64(at, entry->time_ms);
    if (entry->key.data == NULL) {
        *at++ = 0xc0; /* nil */
    } else {
        at = pack_put_bin(at, entry->key);
    }
    at = pack_put_bin(at, entry->value);
    pack_end(buf, at);
    writer->count++;
    return 0;
}

void entries_writer_close(struct entries_writer *writer)
{
    pack_close(writer->buf, writer->mark, writer->count);
}
