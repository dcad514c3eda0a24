/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "compare/protobuf.h"

enum kind {
    NUMBER = 0,
    FIXED64 = 1,
    BYTES = 2,
    FIXED32 = 5,
};

static size_t varint_put(uint8_t *at, uint64_t value)
{
    size_t len = 0;

    while (value >= 0x80) {
        at[len++] = (uint8_t)(value | 0x80);
        value >>= 7;
    }
    at[len++] = (uint8_t)value;
    return len;
}

/* 0: damaged. */
static size_t varint_take(struct bytes bytes, uint64_t *ret_value)
{
    uint64_t value = 0;

    for (size_t i = 0; i < bytes.len && i < PROTOBUF_NUMBER_MAX; i++) {
        value |= (uint64_t)(bytes.data[i] & 0x7f) << (7 * i);
        if (bytes.data[i] < 0x80) {
            *ret_value = value;
            return i + 1;
        }
    }
    return 0;
}

size_t protobuf_number_put(uint8_t at[PROTOBUF_HEAD_MAX], unsigned field,
                           uint64_t value)
{
    at[0] = (uint8_t)(field << 3 | NUMBER);
    return 1 + varint_put(at + 1, value);
}

size_t protobuf_head_put(uint8_t at[PROTOBUF_HEAD_MAX], unsigned field,
                         size_t len)
{
    at[0] = (uint8_t)(field << 3 | BYTES);
    return 1 + varint_put(at + 1, len);
}

static void skip(struct bytes *bytes, size_t len)
{
    bytes->data += len;
    bytes->len -= len;
}

struct field {
    unsigned number;
    unsigned kind;
    uint64_t value;
    struct bytes bytes;
};

/* Takes the first field off @message; false at its end, or where it is
 * damaged. */
static bool take(struct bytes *message, struct field *ret)
{
    uint64_t tag;
    size_t len = varint_take(*message, &tag);

    if (len == 0) {
        return false;
    }
    skip(message, len);
    *ret = (struct field){.number = (unsigned)(tag >> 3),
                          .kind = (unsigned)(tag & 7)};
    if (ret->kind == NUMBER || ret->kind == BYTES) {
        len = varint_take(*message, &ret->value);
        if (len == 0) {
            return false;
        }
        skip(message, len);
        len = ret->kind == BYTES ? (size_t)ret->value : 0;
    } else {
        len = ret->kind == FIXED64 ? 8 : 4;
    }
    if (len > message->len || (ret->kind > BYTES && ret->kind != FIXED32)) {
        return false;
    }
    ret->bytes = (struct bytes){message->data, len};
    skip(message, len);
    return true;
}

static bool find(struct bytes message, unsigned number, unsigned kind,
                 struct field *ret)
{
    while (take(&message, ret)) {
        if (ret->number == number) {
            return ret->kind == kind;
        }
    }
    return false;
}

bool protobuf_number_find(struct bytes message, unsigned field,
                          uint64_t *ret_value)
{
    struct field found;

    if (!find(message, field, NUMBER, &found)) {
        return false;
    }
    *ret_value = found.value;
    return true;
}

bool protobuf_bytes_find(struct bytes message, unsigned field,
                         struct bytes *ret_bytes)
{
    struct field found;

    if (!find(message, field, BYTES, &found)) {
        return false;
    }
    *ret_bytes = found.bytes;
    return true;
}
