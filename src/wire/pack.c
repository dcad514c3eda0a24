/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "wire/pack.h"

#include <assert.h>
#include <msgpack.h>
#include <string.h>

#include "quorlog.h"

#define LONG_HEAD_LEN 5u /* type byte and a count of 32 bits */
#define ARRAY_32 0xdd
#define MAP_32 0xdf

static int pack_byte(struct buf *buf, uint8_t byte);
static inline uint8_t *put_big_endian(uint8_t *at, uint64_t value, size_t len);
static int on_write(void *data, const char *bytes, size_t len);
static msgpack_packer packer_of(struct buf *buf);
static int result_of(int msgpack_rv);
static int pack_open(struct buf *buf, uint8_t type, size_t *ret_mark);

int pack_map(struct buf *buf, uint32_t count)
{
    msgpack_packer packer;

    if (count < 16) {
        return pack_byte(buf, (uint8_t)(0x80u | count));
    }
    packer = packer_of(buf);
    return result_of(msgpack_pack_map(&packer, count));
}

int pack_array(struct buf *buf, uint32_t count)
{
    msgpack_packer packer;

    if (count < 16) {
        return pack_byte(buf, (uint8_t)(0x90u | count));
    }
    packer = packer_of(buf);
    return result_of(msgpack_pack_array(&packer, count));
}

int pack_nil(struct buf *buf)
{
    return pack_byte(buf, 0xc0);
}

int pack_bool(struct buf *buf, bool value)
{
    return pack_byte(buf, value ? 0xc3 : 0xc2);
}

int pack_u64(struct buf *buf, uint64_t value)
{
    uint8_t *at = pack_begin(buf, PACK_U64_LEN);

    if (at == NULL) {
        return QL_NO_MEMORY;
    }
    pack_end(buf, pack_put_u64(at, value));
    return 0;
}

int pack_str(struct buf *buf, const void *bytes, size_t len)
{
    msgpack_packer packer;
    uint8_t *at;

    if (len < 32) {
        at = pack_begin(buf, 1 + len);
        if (at == NULL) {
            return QL_NO_MEMORY;
        }
        *at++ = (uint8_t)(0xa0u | len);
        if (len > 0) {
            memcpy(at, bytes, len);
        }
        pack_end(buf, at + len);
        return 0;
    }
    assert(len <= UINT32_MAX);
    packer = packer_of(buf);
    if (msgpack_pack_str(&packer, len) != 0) {
        return QL_NO_MEMORY;
    }
    return pack_raw(buf, bytes, len);
}

int pack_bin(struct buf *buf, const void *bytes, size_t len)
{
    uint8_t *at = pack_begin(buf, PACK_HEAD_LEN + len);

    if (at == NULL) {
        return QL_NO_MEMORY;
    }
    pack_end(buf, pack_put_bin(at, (struct bytes){bytes, len}));
    return 0;
}

int pack_raw(struct buf *buf, const void *bytes, size_t len)
{
    return buf_add(buf, bytes, len);
}

uint8_t *pack_put_u64(uint8_t *at, uint64_t value)
{
    if (value < 0x80) {
        *at++ = (uint8_t)value;
    } else if (value <= UINT8_MAX) {
        *at++ = 0xcc;
        *at++ = (uint8_t)value;
    } else if (value <= UINT16_MAX) {
        *at++ = 0xcd;
        at = put_big_endian(at, value, 2);
    } else if (value <= UINT32_MAX) {
        *at++ = 0xce;
        at = put_big_endian(at, value, 4);
    } else {
        *at++ = 0xcf;
        at = put_big_endian(at, value, 8);
    }
    return at;
}

uint8_t *pack_put_bin(uint8_t *at, struct bytes bytes)
{
    assert(bytes.len <= UINT32_MAX);
    if (bytes.len <= UINT8_MAX) {
        *at++ = 0xc4;
        *at++ = (uint8_t)bytes.len;
    } else if (bytes.len <= UINT16_MAX) {
        *at++ = 0xc5;
        at = put_big_endian(at, bytes.len, 2);
    } else {
        *at++ = 0xc6;
        at = put_big_endian(at, bytes.len, 4);
    }
    if (bytes.len > 0) {
        memcpy(at, bytes.data, bytes.len);
    }
    return at + bytes.len;
}

int pack_field_u64(struct buf *buf, const char *key, uint64_t value)
{
    size_t len = strlen(key);
    uint8_t *at = pack_begin(buf, 1 + len + PACK_U64_LEN);

    assert(len < 32);
    if (at == NULL) {
        return QL_NO_MEMORY;
    }
    *at++ = (uint8_t)(0xa0u | len);
    memcpy(at, key, len);
    pack_end(buf, pack_put_u64(at + len, value));
    return 0;
}

int pack_field_bool(struct buf *buf, const char *key, bool value)
{
    int rv = pack_text(buf, key);

    return rv != 0 ? rv : pack_bool(buf, value);
}

int pack_field_text(struct buf *buf, const char *key, const char *value)
{
    int rv = pack_text(buf, key);

    return rv != 0 ? rv : pack_text(buf, value);
}

int pack_field_str(struct buf *buf, const char *key, struct bytes value)
{
    int rv = pack_text(buf, key);

    return rv != 0 ? rv : pack_str(buf, value.data, value.len);
}

int pack_field_bin(struct buf *buf, const char *key, struct bytes value)
{
    int rv = pack_text(buf, key);

    return rv != 0 ? rv : pack_bin(buf, value.data, value.len);
}

int pack_array_open(struct buf *buf, size_t *ret_mark)
{
    return pack_open(buf, ARRAY_32, ret_mark);
}

int pack_map_open(struct buf *buf, size_t *ret_mark)
{
    return pack_open(buf, MAP_32, ret_mark);
}

void pack_close(struct buf *buf, size_t mark, uint32_t count)
{
    assert(mark + LONG_HEAD_LEN <= buf->len);
    buf->data[mark + 1] = (uint8_t)(count >> 24);
    buf->data[mark + 2] = (uint8_t)(count >> 16);
    buf->data[mark + 3] = (uint8_t)(count >> 8);
    buf->data[mark + 4] = (uint8_t)count;
}

static int pack_open(struct buf *buf, uint8_t type, size_t *ret_mark)
{
    const uint8_t head[LONG_HEAD_LEN] = {type, 0, 0, 0, 0};
    size_t mark = buf->len;
    int rv = buf_add(buf, head, sizeof(head));

    if (rv == 0) {
        *ret_mark = mark;
    }
    return rv;
}

static int pack_byte(struct buf *buf, uint8_t byte)
{
    uint8_t *at = pack_begin(buf, 1);

    if (at == NULL) {
        return QL_NO_MEMORY;
    }
    *at = byte;
    pack_end(buf, at + 1);
    return 0;
}

static inline uint8_t *put_big_endian(uint8_t *at, uint64_t value, size_t len)
{
    size_t i;

    for (i = len; i > 0; i--) {
        at[i - 1] = (uint8_t)value;
        value >>= 8;
    }
    return at + len;
}

static int on_write(void *data, const char *bytes, size_t len)
{
    return buf_add(data, bytes, len) == 0 ? 0 : -1;
}

static msgpack_packer packer_of(struct buf *buf)
{
    msgpack_packer packer;

    msgpack_packer_init(&packer, buf, on_write);
    return packer;
}

static int result_of(int msgpack_rv)
{
    return msgpack_rv == 0 ? 0 : QL_NO_MEMORY;
}
