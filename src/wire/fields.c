/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "wire/fields.h"

#include <assert.h>
#include <stddef.h>
#include <string.h>

#include "wire/field_value.h"
#include "wire/pack.h"
#include "wire/scan.h"

static inline bool is_same(const char *key, struct bytes name);
static size_t find_field(const struct message *message, struct bytes key,
                         size_t next);
static int field_pack(const struct field *field, const void *source,
                      struct buf *buf);
static bool is_written(const struct field *field, const void *source);

int fields_decode(const struct message *message, struct bytes encoded,
                  void *target, struct err *err)
{
    size_t len = 0;
    int rv;

    if (encoded.len == 0) {
        return err_set(err, QL_INVALID, "%s: must be a map", message->name);
    }
    rv = scan_value(encoded.data, encoded.len, &len, err);
    if (rv != 0) {
        err_wrap(err, "%s", message->name);
        return rv;
    }
    if (len != encoded.len) {
        return err_set(err, QL_PROTOCOL, "%s: %zu bytes behind the map",
                       message->name, encoded.len - len);
    }
    return fields_read(message, encoded, target, err);
}

int fields_decode_to(const struct message *message, struct bytes encoded,
                     void *ret, size_t size, struct err *err)
{
    _Alignas(max_align_t) uint8_t target[FIELDS_STRUCT_MAX];
    int rv;

    assert(size <= sizeof(target));
    memset(target, 0, size);
    rv = fields_decode(message, encoded, target, err);
    if (rv == 0) {
        memcpy(ret, target, size);
    }
    return rv;
}

/* First all keys, then the values in the order of the table: so a message that is
 * wrong in several ways is always refused for the same one. */
int fields_read(const struct message *message, struct bytes map, void *target,
                struct err *err)
{
    struct bytes found[MESSAGE_FIELDS_MAX];
    struct token head = value_head(map);
    struct items items = value_items(map, &head);
    uint64_t seen = 0; /* a bit for each field: only those are in @found */
    size_t next = 0;
    size_t i;
    int rv;

    assert(message->count <= MESSAGE_FIELDS_MAX);
    if (head.kind != TOKEN_MAP) {
        return err_set(err, QL_INVALID, "%s: must be a map", message->name);
    }
    while (items.count > 0) {
        struct bytes key = items_next(&items);
        struct bytes value = items_next(&items);

        i = find_field(message, key, next);
        if (i == message->count) {
            continue;
        }
        if ((seen >> i & 1u) != 0) {
            return err_set(err, QL_INVALID, "%s: '%s' stands twice",
                           message->name, message->fields[i].key);
        }
        seen |= (uint64_t)1 << i;
        found[i] = value;
        next = i + 1;
    }
    for (i = 0; i < message->count; i++) {
        const struct field *field = &message->fields[i];

        rv = (seen >> i & 1u) != 0
                 ? field_value_read(message, field, found[i], target, err)
                 : field_value_absent(message, field, target, err);
        if (rv != 0) {
            return rv;
        }
    }
    return 0;
}

int fields_read_next(const struct message *message, struct items *maps,
                     void *target, struct err *err)
{
    return fields_read(message, items_next(maps), target, err);
}

int fields_encode(const struct message *message, const void *source,
                  struct buf *buf)
{
    size_t len = buf->len;
    int rv = fields_pack(message, source, 0, buf);

    if (rv != 0) {
        buf->len = len;
    }
    return rv;
}

int fields_pack(const struct message *message, const void *source,
                uint32_t more, struct buf *buf)
{
    uint64_t written = 0; /* a bit for each field */
    uint32_t count = more;
    size_t i;
    int rv;

    assert(message->count <= MESSAGE_FIELDS_MAX);
    for (i = 0; i < message->count; i++) {
        if (is_written(&message->fields[i], source)) {
            written |= (uint64_t)1 << i;
            count++;
        }
    }
    rv = pack_map(buf, count);
    for (i = 0; i < message->count && rv == 0; i++) {
        if ((written >> i & 1u) != 0) {
            rv = field_pack(&message->fields[i], source, buf);
        }
    }
    return rv;
}

/* Numbers, which most are, in one go with their key. */
static int field_pack(const struct field *field, const void *source,
                      struct buf *buf)
{
    uint8_t *at = pack_begin(buf, 1 + field->key_len + PACK_U64_LEN);

    if (at == NULL) {
        return QL_NO_MEMORY;
    }
    at = pack_put_key(at, field->key, field->key_len);
    if (field->kind == FIELD_U64) {
        const void *number = (const char *)source + field->offset;

        at = pack_put_u64(at, *(const uint64_t *)number);
        pack_end(buf, at);
        return 0;
    }
    pack_end(buf, at);
    return field_value_pack(field, source, buf);
}

static bool is_written(const struct field *field, const void *source)
{
    return field->kind != FIELD_ARRAY && field->kind != FIELD_VALUE &&
           (field->required || field_value_is_set(field, source));
}

/* Returns the number of fields when there is none of that name. Keys are str; bin
 * is tolerated, as older encoders know only one kind. Most come in the order of
 * the table: the search begins at @next. */
static size_t find_field(const struct message *message, struct bytes key,
                         size_t next)
{
    struct bytes name;
    size_t tried;
    size_t i = next;

    if (!value_bytes(key, &name)) {
        return message->count;
    }
    for (tried = 0; tried < message->count; tried++) {
        const struct field *field;

        i = i < message->count ? i : 0;
        field = &message->fields[i];
        if (field->key_len == name.len && is_same(field->key, name)) {
            return i;
        }
        i++;
    }
    return message->count;
}

/* memcmp() of two words at a time, as keys have few; @key is as long as @name. */
static inline bool is_same(const char *key, struct bytes name)
{
    uint64_t word[4];
    uint32_t half[4];
    size_t rest;

    if (name.len < sizeof(half[0]) || name.len > 2 * sizeof(word[0])) {
        return memcmp(key, name.data, name.len) == 0;
    }
    /* The second of each pair ends where the name does. */
    if (name.len < sizeof(word[0])) {
        rest = name.len - sizeof(half[0]);
        memcpy(&half[0], key, sizeof(half[0]));
        memcpy(&half[1], key + rest, sizeof(half[0]));
        memcpy(&half[2], name.data, sizeof(half[0]));
        memcpy(&half[3], name.data + rest, sizeof(half[0]));
        return half[0] == half[2] && half[1] == half[3];
    }
    rest = name.len - sizeof(word[0]);
    memcpy(&word[0], key, sizeof(word[0]));
    memcpy(&word[1], key + rest, sizeof(word[0]));
    memcpy(&word[2], name.data, sizeof(word[0]));
    memcpy(&word[3], name.data + rest, sizeof(word[0]));
    return word[0] == word[2] && word[1] == word[3];
}
