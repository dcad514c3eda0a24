/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "consensus/backup_frame.h"

#include <assert.h>
#include <string.h>

#include "util/cursor.h"
#include "util/err.h"

#define VERSION 1u
#define COUNT_AT 4u

/* ---- Reports ---- */

void backup_report_encode(const struct backup_report_item *items, size_t count,
                          uint8_t *ret)
{
    assert(count <= BACKUPS_MAX);
    put_u32(ret, VERSION);
    put_u32(ret + COUNT_AT, (uint32_t)count);
    for (size_t i = 0; i < count; i++) {
        uint8_t *at = ret + backup_report_len(i);

        put_u64(at, items[i].backup);
        put_u64(at + 8, items[i].verified_at_ms);
        put_u32(at + 16, (uint32_t)items[i].state);
        put_u32(at + 20, 0);
    }
}

int backup_report_decode(const uint8_t *bytes, size_t len, size_t *ret_count)
{
    uint64_t before = 0;
    size_t count;

    if (len < BACKUP_REPORT_HEAD_LEN || get_u32(bytes) < VERSION) {
        return QL_PROTOCOL;
    }
    count = get_u32(bytes + COUNT_AT);
    if (count > BACKUPS_MAX || len < backup_report_len(count)) {
        return QL_PROTOCOL;
    }
    for (size_t i = 0; i < count; i++) {
        uint64_t id = get_u64(bytes + backup_report_len(i));

        if (id <= before) {
            return QL_PROTOCOL;
        }
        before = id;
    }
    *ret_count = count;
    return 0;
}

struct backup_report_item backup_report_at(const uint8_t *bytes, size_t number)
{
    const uint8_t *at = bytes + backup_report_len(number);
    uint32_t state = get_u32(at + 16);

    return (struct backup_report_item){.backup = get_u64(at),
                                       .verified_at_ms = get_u64(at + 8),
                                       .state = state < BACKUP_STATES
                                                    ? (enum backup_state)state
                                                    : BACKUP_MISSING};
}

/* ---- Pieces ---- */

void backup_request_encode(const struct backup_request *request,
                           uint8_t ret[BACKUP_REQUEST_LEN])
{
    put_u64(ret, request->id);
    put_u64(ret + 8, request->backup);
    put_u64(ret + 16, request->offset);
    put_u32(ret + 24, request->len);
    put_u32(ret + 28, 0);
}

int backup_request_decode(const uint8_t *bytes, size_t len,
                          struct backup_request *ret)
{
    struct backup_request request;

    if (len != BACKUP_REQUEST_LEN) {
        return QL_PROTOCOL;
    }
    request.id = get_u64(bytes);
    request.backup = get_u64(bytes + 8);
    request.offset = get_u64(bytes + 16);
    request.len = get_u32(bytes + 24);
    if (request.backup == 0 || request.len == 0 ||
        request.len > BACKUP_PIECE_BYTES) {
        return QL_PROTOCOL;
    }
    *ret = request;
    return 0;
}

void backup_answer_head_encode(const struct backup_answer *answer,
                               uint8_t ret[BACKUP_PIECE_HEAD_LEN])
{
    assert(answer->status < BACKUP_GIVENS);
    put_u64(ret, answer->id);
    put_u32(ret + 8, (uint32_t)answer->status);
    put_u32(ret + 12, 0);
    put_u64(ret + 16, answer->total);
    memcpy(ret + 24, answer->tag, HASH128_LEN);
}

int backup_answer_decode(const uint8_t *bytes, size_t len,
                         struct backup_answer *ret)
{
    struct backup_answer answer = {0};
    struct cursor cursor;
    uint32_t status;

    if (len < BACKUP_PIECE_HEAD_LEN ||
        len > BACKUP_PIECE_HEAD_LEN + BACKUP_PIECE_BYTES) {
        return QL_PROTOCOL;
    }
    cursor_init(&cursor, bytes, len);
    answer.id = cursor_u64(&cursor);
    status = cursor_u32(&cursor);
    if (cursor_u32(&cursor) != 0) {
        return QL_PROTOCOL;
    }
    answer.total = cursor_u64(&cursor);
    memcpy(answer.tag, cursor_bytes(&cursor, HASH128_LEN), HASH128_LEN);
    answer.status =
        status < BACKUP_GIVENS ? (enum backup_given)status : BACKUP_NOT_READ;
    answer.bytes.len = cursor_left(&cursor);
    answer.bytes.data = cursor_bytes(&cursor, answer.bytes.len);
    if ((answer.status == BACKUP_GIVEN) != (answer.bytes.len > 0)) {
        return QL_PROTOCOL;
    }
    *ret = answer;
    return 0;
}
