/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "wire/fields.h"

#include <assert.h>
#include <stddef.h>
#include <string.h>

#include "wire/field_value.h"
#include "wire/pack.h"
#include "wire/scan.h"

#define KEY_UNKNOWN SIZE_MAX
#define KEY_UNSOUND (SIZE_MAX - 1)

static inline size_t take_key(const struct message *message,
                              struct items *items, size_t next);
static inline bool is_key(const struct field *field, const uint8_t *bytes);
static size_t find_key(const struct message *message, struct items *items);
static int check_unknown(struct bytes value, struct err *err);
static int read_absent(const struct message *message, uint64_t seen,
                       void *target, struct err *err);
static int field_pack(const struct field *field, const void *source,
                      struct buf *buf);
static inline bool is_written(const struct field *field, const void *source);

int fields_decode(const struct message *message, struct bytes encoded,
                  void *target, struct err *err)
{
    int rv = fields_read(message, encoded, target, err);

    return rv == 0 ? 0 : fields_refuse(message, encoded, rv, err);
}

int fields_refuse(const struct message *message, struct bytes encoded, int rv,
                  struct err *err)
{
    size_t len = 0;
    int scan_rv;

    assert(rv != 0);
    if (encoded.len == 0 || rv == QL_NO_MEMORY) {
        return rv;
    }
    scan_rv = scan_value(encoded.data, encoded.len, &len, err);
    if (scan_rv != 0) {
        err_wrap(err, "%s", message->name);
        return scan_rv;
    }
    if (len != encoded.len) {
        return err_set(err, QL_PROTOCOL, "%s: %zu bytes behind the map",
                       message->name, encoded.len - len);
    }
    return rv;
}

int fields_unsound(struct err *err)
{
    return err_set(err, QL_PROTOCOL, "not MessagePack");
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

int fields_read(const struct message *message, struct bytes map, void *target,
                struct err *err)
{
    struct token head = value_head(map);
    struct items items;
    uint64_t seen = 0; /* a bit for each field */
    size_t next = 0;
    int rv;

    assert(message->count <= MESSAGE_FIELDS_MAX);
    if (head.kind != TOKEN_MAP) {
        return err_set(err, QL_INVALID, "%s: must be a map", message->name);
    }
    if (!value_items(map, &head, &items)) {
        return fields_unsound(err);
    }
    while (items.count > 0) {
        struct bytes value;
        size_t i = take_key(message, &items, next);

        if (i == KEY_UNSOUND || !items_next(&items, &value)) {
            return fields_unsound(err);
        }
        if (i == KEY_UNKNOWN) {
            rv = check_unknown(value, err);
        } else if ((seen >> i & 1u) != 0) {
            rv = err_set(err, QL_INVALID, "%s: '%s' stands twice",
                         message->name, message->fields[i].key);
        } else {
            seen |= (uint64_t)1 << i;
            next = i + 1;
            rv = field_value_read(message, &message->fields[i], value, target,
                                  err);
        }
        if (rv != 0) {
            return rv;
        }
    }
    return read_absent(message, seen, target, err);
}

int fields_read_next(const struct message *message, struct items *maps,
                     void *target, struct err *err)
{
    struct bytes map;

    return items_next(maps, &map) ? fields_read(message, map, target, err)
                                  : fields_unsound(err);
}

/* Nobody else looks at what it holds. */
static int check_unknown(struct bytes value, struct err *err)
{
    size_t len = 0;
    int rv = scan_member(value.data, value.len, &len, err);

    if (rv == 0 && len != value.len) {
        rv = fields_unsound(err);
    }
    return rv;
}

static int read_absent(const struct message *message, uint64_t seen,
                       void *target, struct err *err)
{
    size_t i;
    int rv;

    for (i = 0; i < message->count; i++) {
        const struct field *field = &message->fields[i];

        if ((seen >> i & 1u) != 0 ||
            (!field->required && field->kind != FIELD_CLAMPED)) {
            continue;
        }
        rv = field_value_absent(message, field, target, err);
        if (rv != 0) {
            return rv;
        }
    }
    return 0;
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
    uint8_t *at = pack_begin(buf, 1 + FIELD_KEY_MAX + PACK_U64_LEN);

    if (at == NULL) {
        return QL_NO_MEMORY;
    }
    *at++ = (uint8_t)(0xa0u | field->key_len);
    memcpy(at, field->key, FIELD_KEY_MAX); /* all: a length that is known */
    at += field->key_len;
    if (field->kind == FIELD_U64) {
        const void *number = (const char *)source + field->offset;

        at = pack_put_u64(at, *(const uint64_t *)number);
        pack_end(buf, at);
        return 0;
    }
    pack_end(buf, at);
    return field_value_pack(field, source, buf);
}

static inline bool is_written(const struct field *field, const void *source)
{
    if (field->kind == FIELD_ARRAY || field->kind == FIELD_VALUE) {
        return false;
    }
    return field->required || field_value_is_set(field, source);
}

/* Takes the next key and returns the index of its field. Nearly all keys are as we
 * write them, short strings in the order of the table. */
static inline size_t take_key(const struct message *message,
                              struct items *items, size_t next)
{
    const struct bytes *left = &items->left;
    size_t len;
    size_t i;

    /* Where 16 bytes more can be read, whatever they are. */
    if (left->len > 16) {
        len = left->data[0] ^ 0xa0u;
        for (i = next; i < message->count; i++) {
            const struct field *field = &message->fields[i];

            if (field->key_len == len && is_key(field, left->data + 1)) {
                items->count--;
                items->left.data += 1 + len;
                items->left.len -= 1 + len;
                return i;
            }
        }
    }
    return find_key(message, items);
}

/* @bytes are at least 16, and hold a string of field->key_len bytes if they have
 * as many. */
static inline bool is_key(const struct field *field, const uint8_t *bytes)
{
    const uint8_t *key = (const uint8_t *)field->key;
    size_t len = field->key_len;
    uint64_t differ = get_u64(key) ^ get_u64(bytes);

    if (len <= 8) {
        return differ << (64 - 8 * len) == 0;
    }
    if (len <= 16) {
        return differ == 0 &&
               get_u64(key + len - 8) == get_u64(bytes + len - 8);
    }
    return false;
}

/* Any key: str, also a longer form than needed, or bin, which is tolerated, as
 * older encoders know only one kind. */
static size_t find_key(const struct message *message, struct items *items)
{
    struct bytes key;
    struct bytes name;
    size_t i;

    if (!items_next(items, &key)) {
        return KEY_UNSOUND;
    }
    if (!value_bytes(key, &name)) {
        return KEY_UNKNOWN;
    }
    for (i = 0; i < message->count; i++) {
        const struct field *field = &message->fields[i];

        if (field->key_len == name.len &&
            memcmp(field->key, name.data, name.len) == 0) {
            return i;
        }
    }
    return KEY_UNKNOWN;
}
