/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "machine/load_record.h"

#include <assert.h>
#include <string.h>

#include "machine/image.h"
#include "util/cursor.h"
#include "util/text.h"

/* A commit makes some of them larger; an image must still take them. */
#define NUMBER_MAX (IMAGE_NUMBER_MAX / 2)

static void read_log(struct cursor *cursor, struct load_log *ret);
static void read_refs(struct cursor *cursor, struct load_record *ret);
static bool is_possible_log(const struct load_log *log);
static bool is_possible(const struct load_record *record);

int load_log_encode(const struct load_log *log, struct buf *buf)
{
    const uint64_t numbers[] = {
        log->uid,
        log->incarnation,
        log->token,
        log->head,
        log->tail,
        log->last_time_ms,
        log->retention.entries,
        log->retention.bytes,
        log->retention.age_ms,
        log->writer_epoch,
    };
    size_t i;

    assert(log->name.len <= LOG_NAME_MAX);
    if (buf_reserve(buf, 1 + sizeof(numbers) + HASH128_LEN + 6 +
                             log->name.len) != 0) {
        return QL_NO_MEMORY;
    }
    (void)buf_add_u8(buf, LOAD_LOG);
    for (i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
        (void)buf_add_u64(buf, numbers[i]);
    }
    (void)buf_add(buf, log->base, HASH128_LEN);
    (void)buf_add_u32(buf, log->keep);
    (void)buf_add_u16(buf, (uint16_t)log->name.len);
    return buf_add(buf, log->name.data, log->name.len);
}

int load_refs_encode(const uint8_t *rows, uint32_t count, struct buf *buf)
{
    size_t len = (size_t)count * CHUNK_ROW_LEN;

    assert(count >= 1);
    assert(count <= LOAD_REFS_MAX);
    if (buf_reserve(buf, 5 + len) != 0) {
        return QL_NO_MEMORY;
    }
    (void)buf_add_u8(buf, LOAD_REFS);
    (void)buf_add_u32(buf, count);
    return buf_add(buf, rows, len);
}

int load_bytes_encode(struct bytes entries, struct buf *buf)
{
    assert(entries.len <= CHUNK_BYTES_MAX);
    if (buf_reserve(buf, 1 + entries.len) != 0) {
        return QL_NO_MEMORY;
    }
    (void)buf_add_u8(buf, LOAD_BYTES);
    return buf_add(buf, entries.data, entries.len);
}

int load_done_encode(const uint8_t digest[HASH128_LEN], struct buf *buf)
{
    if (buf_reserve(buf, 1 + HASH128_LEN) != 0) {
        return QL_NO_MEMORY;
    }
    (void)buf_add_u8(buf, LOAD_DONE);
    return buf_add(buf, digest, HASH128_LEN);
}

int load_drop_encode(uint64_t uid, struct buf *buf)
{
    if (buf_reserve(buf, 9) != 0) {
        return QL_NO_MEMORY;
    }
    (void)buf_add_u8(buf, LOAD_DROP);
    return buf_add_u64(buf, uid);
}

int load_record_decode(struct load_record *ret, struct bytes bytes,
                       struct err *err)
{
    struct load_record record = {0};
    const uint8_t *digest;
    struct cursor cursor;

    cursor_init(&cursor, bytes.data, bytes.len);
    record.kind = (enum load_kind)cursor_u8(&cursor);
    switch (record.kind) {
    case LOAD_LOG:
        read_log(&cursor, &record.log);
        break;
    case LOAD_REFS:
        read_refs(&cursor, &record);
        break;
    case LOAD_BYTES:
        record.entries.len = cursor_left(&cursor);
        record.entries.data = cursor_bytes(&cursor, record.entries.len);
        break;
    case LOAD_DONE:
        digest = cursor_bytes(&cursor, HASH128_LEN);
        if (digest != NULL) {
            memcpy(record.digest, digest, HASH128_LEN);
        }
        break;
    case LOAD_DROP:
        record.uid = cursor_u64(&cursor);
        break;
    default:
        return err_set(err, QL_INVALID, "a record of an unknown kind");
    }
    if (!cursor_ok(&cursor) || cursor_left(&cursor) != 0 ||
        !is_possible(&record)) {
        return err_set(err, QL_INVALID, "a record that makes no sense");
    }
    *ret = record;
    return 0;
}

static void read_log(struct cursor *cursor, struct load_log *ret)
{
    const uint8_t *base;

    ret->uid = cursor_u64(cursor);
    ret->incarnation = cursor_u64(cursor);
    ret->token = cursor_u64(cursor);
    ret->head = cursor_u64(cursor);
    ret->tail = cursor_u64(cursor);
    ret->last_time_ms = cursor_u64(cursor);
    ret->retention.entries = cursor_u64(cursor);
    ret->retention.bytes = cursor_u64(cursor);
    ret->retention.age_ms = cursor_u64(cursor);
    ret->writer_epoch = cursor_u64(cursor);
    base = cursor_bytes(cursor, HASH128_LEN);
    if (base != NULL) {
        memcpy(ret->base, base, HASH128_LEN);
    }
    ret->keep = cursor_u32(cursor);
    ret->name.len = cursor_u16(cursor);
    ret->name.data = cursor_bytes(cursor, ret->name.len);
}

static void read_refs(struct cursor *cursor, struct load_record *ret)
{
    ret->rows_count = cursor_u32(cursor);
    if (ret->rows_count <= LOAD_REFS_MAX) {
        ret->rows =
            cursor_bytes(cursor, (size_t)ret->rows_count * CHUNK_ROW_LEN);
    }
}

static bool is_possible_log(const struct load_log *log)
{
    return log->uid >= 1 && log->uid <= NUMBER_MAX && log->incarnation >= 1 &&
           log->incarnation <= NUMBER_MAX && log->head >= 1 &&
           log->head <= log->tail && log->tail <= NUMBER_MAX &&
           log->last_time_ms <= NUMBER_MAX && log->writer_epoch <= NUMBER_MAX &&
           log_name_check((const char *)log->name.data, log->name.len, NULL) ==
               0;
}

/* All that was read was there. */
static bool is_possible(const struct load_record *record)
{
    switch (record->kind) {
    case LOAD_LOG:
        return is_possible_log(&record->log);
    case LOAD_REFS:
        return record->rows != NULL && record->rows_count >= 1;
    case LOAD_BYTES:
        return record->entries.len >= 1 &&
               record->entries.len <= CHUNK_BYTES_MAX;
    default:
        return true;
    }
}
