/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "consensus/link_chunk.h"

#include <assert.h>
#include <string.h>

#include "util/cursor.h"

static bool is_possible(const struct chunk_name *name);

void link_chunk_request_encode(const struct link_chunk_request *request,
                               uint8_t ret[LINK_CHUNK_REQUEST_LEN])
{
    put_u64(ret, request->id);
    put_u64(ret + 8, request->name.uid);
    put_u64(ret + 16, request->name.first);
    put_u64(ret + 24, request->name.last);
    memcpy(ret + 32, request->name.chain, HASH128_LEN);
}

int link_chunk_request_decode(const uint8_t *bytes, size_t len,
                              struct link_chunk_request *ret)
{
    struct link_chunk_request request;
    struct cursor cursor;

    if (len != LINK_CHUNK_REQUEST_LEN) {
        return QL_PROTOCOL;
    }
    cursor_init(&cursor, bytes, len);
    request.id = cursor_u64(&cursor);
    request.name.uid = cursor_u64(&cursor);
    request.name.first = cursor_u64(&cursor);
    request.name.last = cursor_u64(&cursor);
    memcpy(request.name.chain, cursor_bytes(&cursor, HASH128_LEN), HASH128_LEN);
    if (!is_possible(&request.name)) {
        return QL_PROTOCOL;
    }
    *ret = request;
    return 0;
}

static bool is_possible(const struct chunk_name *name)
{
    return name->uid > 0 && name->first > 0 && name->first <= name->last;
}

void link_chunk_head_encode(uint64_t id, enum link_chunk_status status,
                            uint8_t ret[LINK_CHUNK_HEAD_LEN])
{
    assert(status < LINK_CHUNK_STATUSES);
    put_u64(ret, id);
    put_u32(ret + 8, (uint32_t)status);
    put_u32(ret + 12, 0);
}

int link_chunk_decode(const uint8_t *bytes, size_t len, struct link_chunk *ret)
{
    struct link_chunk chunk = {.row = NULL};
    struct cursor cursor;
    uint32_t status;
    uint32_t zero;

    cursor_init(&cursor, bytes, len);
    chunk.id = cursor_u64(&cursor);
    status = cursor_u32(&cursor);
    zero = cursor_u32(&cursor);
    if (!cursor_ok(&cursor) || zero != 0) {
        return QL_PROTOCOL;
    }
    if (status == LINK_CHUNK_GIVEN) {
        chunk.row = cursor_bytes(&cursor, PACK_ROW_LEN);
        chunk.frame.len = cursor_left(&cursor);
        chunk.frame.data = cursor_bytes(&cursor, chunk.frame.len);
        if (!cursor_ok(&cursor) || chunk.frame.len == 0) {
            return QL_PROTOCOL;
        }
    } else if (cursor_left(&cursor) > 0) {
        return QL_PROTOCOL;
    }
    chunk.status = status < LINK_CHUNK_STATUSES ? (enum link_chunk_status)status
                                                : LINK_CHUNK_FAILED;
    *ret = chunk;
    return 0;
}
