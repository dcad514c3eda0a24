/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "wire/pack.h"

#include <assert.h>
#include <msgpack.h>
#include <string.h>

#include "quorlog.h"

#define LONG_HEAD_LEN 5u /* type byte and a count of 32 bits */
#define ARRAY_32 0xdd
#define MAP_32 0xdf

static int on_write(void *data, const char *bytes, size_t len);
static msgpack_packer packer_of(struct buf *buf);
static int result_of(int msgpack_rv);
static int pack_open(struct buf *buf, uint8_t type, size_t *ret_mark);

int pack_map(struct buf *buf, uint32_t count)
{
    msgpack_packer packer = packer_of(buf);

    return result_of(msgpack_pack_map(&packer, count));
}

int pack_array(struct buf *buf, uint32_t count)
{
    msgpack_packer packer = packer_of(buf);

    return result_of(msgpack_pack_array(&packer, count));
}

int pack_nil(struct buf *buf)
{
    msgpack_packer packer = packer_of(buf);

    return result_of(msgpack_pack_nil(&packer));
}

int pack_bool(struct buf *buf, bool value)
{
    msgpack_packer packer = packer_of(buf);

    return result_of(value ? msgpack_pack_true(&packer)
                           : msgpack_pack_false(&packer));
}

int pack_u64(struct buf *buf, uint64_t value)
{
    msgpack_packer packer = packer_of(buf);

    return result_of(msgpack_pack_uint64(&packer, value));
}

int pack_text(struct buf *buf, const char *text)
{
    return pack_str(buf, text, strlen(text));
}

int pack_str(struct buf *buf, const void *bytes, size_t len)
{
    msgpack_packer packer = packer_of(buf);

    assert(len <= UINT32_MAX);
    if (msgpack_pack_str(&packer, len) != 0) {
        return QL_NO_MEMORY;
    }
    return pack_raw(buf, bytes, len);
}

int pack_bin(struct buf *buf, const void *bytes, size_t len)
{
    msgpack_packer packer = packer_of(buf);

    assert(len <= UINT32_MAX);
    if (msgpack_pack_bin(&packer, len) != 0) {
        return QL_NO_MEMORY;
    }
    return pack_raw(buf, bytes, len);
}

int pack_raw(struct buf *buf, const void *bytes, size_t len)
{
    return buf_add(buf, bytes, len);
}

int pack_field_u64(struct buf *buf, const char *key, uint64_t value)
{
    int rv = pack_text(buf, key);

    return rv != 0 ? rv : pack_u64(buf, value);
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
