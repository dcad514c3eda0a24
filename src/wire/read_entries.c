/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "wire/read_entries.h"

#include <stdlib.h>

#include "wire/pack.h"

#define ENTRY_ITEMS 4u /* position, time, key, value */

static int decode_entry(struct read_entry *ret, const msgpack_object *object,
                        struct err *err);

int read_entries_decode(struct read_entry **ret_entries,
                        const msgpack_object_array *array, struct err *err)
{
    struct read_entry *entries = NULL;
    size_t i;
    int rv;

    if (array->size > 0) {
        entries = malloc(array->size * sizeof(*entries));
        if (entries == NULL) {
            return err_set(err, QL_NO_MEMORY, "entries: out of memory");
        }
    }
    for (i = 0; i < array->size; i++) {
        rv = decode_entry(&entries[i], &array->ptr[i], err);
        if (rv != 0) {
            free(entries);
            return rv;
        }
    }
    *ret_entries = entries;
    return 0;
}

static int decode_entry(struct read_entry *ret, const msgpack_object *object,
                        struct err *err)
{
    const msgpack_object *items = object->via.array.ptr;
    struct read_entry entry = {0};

    if (object->type != MSGPACK_OBJECT_ARRAY ||
        object->via.array.size != ENTRY_ITEMS ||
        !object_u64(&items[0], &entry.position) ||
        !object_u64(&items[1], &entry.time_ms) ||
        (items[2].type != MSGPACK_OBJECT_NIL &&
         !object_bytes(&items[2], &entry.key)) ||
        !object_bytes(&items[3], &entry.value)) {
        return err_set(err, QL_INVALID,
                       "an entry must be [position, time, key, value]");
    }
    *ret = entry;
    return 0;
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
