/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "wire/read_entries.h"

#include <stdlib.h>
#include <string.h>

#include "util/limits.h"
#include "wire/pack.h"
#include "wire/scan.h"
#include "wire/token.h"

#define ENTRIES_KEY "entries"
#define ENTRY_ITEMS 4u /* position, time, key, value */
/* Each is a value itself, beside those it holds. */
#define ENTRIES_MAX (MESSAGE_ITEMS_MAX / (ENTRY_ITEMS + 1u))

/* A map that is being taken apart. */
struct parts {
    const char *name; /* stands in front of what is wrong */
    struct bytes left;
    struct read_entry *entries; /* owned */
    size_t count;
    bool found;
    struct buf rest; /* the map without the entries */
    size_t rest_mark;
    uint32_t rest_count; /* pairs in it */
};

static int take_map(struct parts *parts, struct err *err);
static int take_pair(struct parts *parts, struct err *err);
static int take_entries(struct parts *parts, struct err *err);
static int take_entry(struct bytes *left, struct read_entry *ret,
                      struct err *err);
static int take_bytes(struct bytes *left, bool may_be_nil, struct bytes *ret,
                      struct err *err);
static int take_head(struct bytes *left, struct token *ret, struct err *err);
static int take_value(struct bytes *left, struct bytes *ret, struct err *err);
static bool is_entries_key(struct bytes key);
static int bad_entry(struct err *err);

/* msgpack-c would make an object of each of the many small values: several times
 * the time and the memory of reading them where they are. */
int read_entries_decode(struct read_entries *ret, const struct message *message,
                        struct bytes encoded, void *target, struct err *err)
{
    struct parts parts = {.name = message->name, .left = encoded};
    int rv = take_map(&parts, err);

    if (rv == 0) {
        rv = fields_decode(message,
                           (struct bytes){parts.rest.data, parts.rest.len},
                           target, err);
    }
    buf_close(&parts.rest);
    if (rv != 0) {
        free(parts.entries);
        return rv;
    }
    ret->entries = parts.entries;
    ret->count = parts.count;
    return 0;
}

static int take_map(struct parts *parts, struct err *err)
{
    struct token token;
    uint64_t pairs;
    int rv = take_head(&parts->left, &token, err);

    if (rv != 0) {
        return rv;
    }
    if (token.kind != TOKEN_MAP) {
        return err_set(err, QL_INVALID, "%s: must be a map", parts->name);
    }
    if (pack_map_open(&parts->rest, &parts->rest_mark) != 0) {
        return err_set(err, QL_NO_MEMORY, "%s: out of memory", parts->name);
    }
    for (pairs = token.items / 2; pairs > 0; pairs--) {
        rv = take_pair(parts, err);
        if (rv != 0) {
            return rv;
        }
    }
    if (parts->left.len > 0) {
        return err_set(err, QL_PROTOCOL, "%s: %zu bytes behind the map",
                       parts->name, parts->left.len);
    }
    if (!parts->found) {
        return err_set(err, QL_INVALID, "%s: '" ENTRIES_KEY "' is missing",
                       parts->name);
    }
    pack_close(&parts->rest, parts->rest_mark, parts->rest_count);
    return 0;
}

static int take_pair(struct parts *parts, struct err *err)
{
    struct bytes key;
    struct bytes value;
    int rv = take_value(&parts->left, &key, err);

    if (rv != 0) {
        return rv;
    }
    if (is_entries_key(key)) {
        return take_entries(parts, err);
    }
    rv = take_value(&parts->left, &value, err);
    if (rv != 0) {
        return rv;
    }
    if (pack_raw(&parts->rest, key.data, key.len) != 0 ||
        pack_raw(&parts->rest, value.data, value.len) != 0) {
        return err_set(err, QL_NO_MEMORY, "%s: out of memory", parts->name);
    }
    parts->rest_count++;
    return 0;
}

static int take_entries(struct parts *parts, struct err *err)
{
    struct token token;
    size_t i;
    int rv = take_head(&parts->left, &token, err);

    if (rv != 0) {
        return rv;
    }
    if (parts->found) {
        return err_set(err, QL_INVALID, "%s: '" ENTRIES_KEY "' stands twice",
                       parts->name);
    }
    if (token.kind != TOKEN_ARRAY) {
        return err_set(err, QL_INVALID,
                       "%s: '" ENTRIES_KEY "' must be an array", parts->name);
    }
    if (token.items > ENTRIES_MAX || token.items > parts->left.len) {
        return err_set(err, QL_PROTOCOL, "%s: claims %llu entries", parts->name,
                       (unsigned long long)token.items);
    }
    parts->found = true;
    if (token.items > 0) {
        parts->entries = malloc(token.items * sizeof(*parts->entries));
        if (parts->entries == NULL) {
            return err_set(err, QL_NO_MEMORY, "entries: out of memory");
        }
    }
    parts->count = (size_t)token.items;
    for (i = 0; i < parts->count; i++) {
        rv = take_entry(&parts->left, &parts->entries[i], err);
        if (rv != 0) {
            return rv;
        }
    }
    return 0;
}

static int take_entry(struct bytes *left, struct read_entry *ret,
                      struct err *err)
{
    struct token array;
    struct token position;
    struct token time;
    int rv;

    rv = take_head(left, &array, err);
    if (rv == 0 && (array.kind != TOKEN_ARRAY || array.items != ENTRY_ITEMS)) {
        rv = bad_entry(err);
    }
    rv = rv != 0 ? rv : take_head(left, &position, err);
    rv = rv != 0 ? rv : take_head(left, &time, err);
    if (rv != 0) {
        return rv;
    }
    if (position.kind != TOKEN_UINT || time.kind != TOKEN_UINT) {
        return bad_entry(err);
    }
    ret->position = position.value;
    ret->time_ms = time.value;
    rv = take_bytes(left, true, &ret->key, err);
    return rv != 0 ? rv : take_bytes(left, false, &ret->value, err);
}

static int take_bytes(struct bytes *left, bool may_be_nil, struct bytes *ret,
                      struct err *err)
{
    struct token token;
    int rv = take_head(left, &token, err);

    if (rv != 0) {
        return rv;
    }
    if (token.kind == TOKEN_NIL && may_be_nil) {
        *ret = (struct bytes){NULL, 0};
        return 0;
    }
    if (token.kind != TOKEN_STR && token.kind != TOKEN_BIN) {
        return bad_entry(err);
    }
    *ret = (struct bytes){left->data, (size_t)token.body_len};
    left->data += token.body_len;
    left->len -= (size_t)token.body_len;
    return 0;
}

/* What the head says that follows is there. */
static int take_head(struct bytes *left, struct token *ret, struct err *err)
{
    token_read(ret, left->data, left->len);
    if (ret->kind == TOKEN_CUT || ret->kind == TOKEN_BAD ||
        ret->body_len > left->len - ret->head_len) {
        return err_set(err, QL_PROTOCOL, "entries: cut off");
    }
    left->data += ret->head_len;
    left->len -= ret->head_len;
    return 0;
}

static int take_value(struct bytes *left, struct bytes *ret, struct err *err)
{
    size_t len = 0;
    int rv = scan_value(left->data, left->len, &len, err);

    if (rv != 0) {
        return rv;
    }
    *ret = (struct bytes){left->data, len};
    left->data += len;
    left->len -= len;
    return 0;
}

static bool is_entries_key(struct bytes key)
{
    struct token token;

    token_read(&token, key.data, key.len);
    return (token.kind == TOKEN_STR || token.kind == TOKEN_BIN) &&
           token.body_len == sizeof(ENTRIES_KEY) - 1 &&
           memcmp(key.data + token.head_len, ENTRIES_KEY,
                  sizeof(ENTRIES_KEY) - 1) == 0;
}

static int bad_entry(struct err *err)
{
    return err_set(err, QL_INVALID,
                   "an entry must be [position, time, key, value]");
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
