/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "wire/fields.h"

#include <assert.h>
#include <stddef.h>
#include <string.h>

#include "wire/field_value.h"
#include "wire/pack.h"
#include "wire/scan.h"

static int unpack_map(struct fields *fields, const struct message *message,
                      struct bytes encoded, struct err *err);
static const struct field *find_field(const struct message *message,
                                      const msgpack_object *key);
static bool is_written(const struct field *field, const void *source);

int fields_open(struct fields *fields, const struct message *message,
                struct bytes encoded, void *target, struct err *err)
{
    int rv;

    rv = unpack_map(fields, message, encoded, err);
    if (rv != 0) {
        return rv;
    }
    rv = fields_read(message, &fields->unpacked.data, target, err);
    if (rv != 0) {
        fields_close(fields);
    }
    return rv;
}

void fields_close(struct fields *fields)
{
    msgpack_unpacked_destroy(&fields->unpacked);
}

int fields_decode(const struct message *message, struct bytes encoded,
                  void *target, struct err *err)
{
    struct fields fields;
    int rv;

    rv = fields_open(&fields, message, encoded, target, err);
    if (rv == 0) {
        fields_close(&fields);
    }
    return rv;
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

int fields_read(const struct message *message, const msgpack_object *object,
                void *target, struct err *err)
{
    const msgpack_object *found[MESSAGE_FIELDS_MAX] = {NULL};
    size_t i;
    int rv;

    assert(message->count <= MESSAGE_FIELDS_MAX);
    if (object->type != MSGPACK_OBJECT_MAP) {
        return err_set(err, QL_INVALID, "%s: must be a map", message->name);
    }
    for (i = 0; i < object->via.map.size; i++) {
        const msgpack_object_kv *pair = &object->via.map.ptr[i];
        const struct field *field = find_field(message, &pair->key);

        if (field == NULL) {
            continue;
        }
        if (found[field - message->fields] != NULL) {
            return err_set(err, QL_INVALID, "%s: '%s' stands twice",
                           message->name, field->key);
        }
        found[field - message->fields] = &pair->val;
    }
    for (i = 0; i < message->count; i++) {
        rv = field_value_read(message, &message->fields[i], found[i], target,
                              err);
        if (rv != 0) {
            return rv;
        }
    }
    return 0;
}

bool object_bytes(const msgpack_object *object, struct bytes *ret)
{
    if (object->type == MSGPACK_OBJECT_STR) {
        ret->data = (const uint8_t *)object->via.str.ptr;
        ret->len = object->via.str.size;
        return true;
    }
    if (object->type == MSGPACK_OBJECT_BIN) {
        ret->data = (const uint8_t *)object->via.bin.ptr;
        ret->len = object->via.bin.size;
        return true;
    }
    return false;
}

bool object_u64(const msgpack_object *object, uint64_t *ret)
{
    if (object->type != MSGPACK_OBJECT_POSITIVE_INTEGER) {
        return false;
    }
    *ret = object->via.u64;
    return true;
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
    uint32_t count = more;
    size_t i;
    int rv;

    for (i = 0; i < message->count; i++) {
        count += is_written(&message->fields[i], source);
    }
    rv = pack_map(buf, count);
    for (i = 0; i < message->count && rv == 0; i++) {
        const struct field *field = &message->fields[i];

        if (is_written(field, source)) {
            rv = pack_str(buf, field->key, field->key_len);
            rv = rv != 0 ? rv : field_value_pack(field, source, buf);
        }
    }
    return rv;
}

static bool is_written(const struct field *field, const void *source)
{
    return field->kind != FIELD_ARRAY && field->kind != FIELD_OBJECT &&
           (field->required || field_value_is_set(field, source));
}

/* msgpack-c sees only what the scan has let through: one whole value with a
 * bounded number of items. */
static int unpack_map(struct fields *fields, const struct message *message,
                      struct bytes encoded, struct err *err)
{
    msgpack_unpack_return rv;
    size_t len = 0;
    size_t at = 0;

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
    msgpack_unpacked_init(&fields->unpacked);
    rv = msgpack_unpack_next(&fields->unpacked, (const char *)encoded.data,
                             encoded.len, &at);
    if (rv == MSGPACK_UNPACK_SUCCESS) {
        return 0;
    }
    msgpack_unpacked_destroy(&fields->unpacked);
    if (rv == MSGPACK_UNPACK_NOMEM_ERROR) {
        return err_set(err, QL_NO_MEMORY, "%s: out of memory", message->name);
    }
    return err_set(err, QL_PROTOCOL, "%s: not MessagePack", message->name);
}

/* Keys are str; bin is tolerated, as older encoders know only one kind. */
static const struct field *find_field(const struct message *message,
                                      const msgpack_object *key)
{
    struct bytes name;
    size_t i;

    if (!object_bytes(key, &name)) {
        return NULL;
    }
    for (i = 0; i < message->count; i++) {
        const struct field *field = &message->fields[i];

        if (field->key_len == name.len &&
            memcmp(field->key, name.data, name.len) == 0) {
            return field;
        }
    }
    return NULL;
}
