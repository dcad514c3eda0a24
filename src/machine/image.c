/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "machine/image.h"

#include <assert.h>
#include <string.h>

#include "machine/must.h"
#include "util/cursor.h"

#define TABLES_LEN_AT 8u
#define LOG_LEN_USUAL 192u /* of a row; more are fine */

static uint8_t *put_sized(uint8_t *at, struct bytes bytes);
static void write_header(const struct state *state, bool all, struct buf *buf);
static void write_sections(const struct state *state, struct buf *buf);
static void write_result(const struct producer_result *result, struct buf *buf);

void image_write_tables(const struct state *state, struct buf *buf)
{
    size_t start = buf->len;
    size_t i;

    (void)must_have_memory(
        buf_reserve(buf, IMAGE_HEADER_LEN + state->logs.count * LOG_LEN_USUAL));
    write_header(state, true, buf);
    for (i = 0; i < state->logs.count; i++) {
        logs_prefetch(&state->logs, i);
        image_write_log(state->logs.by_uid[i], buf);
    }
    for (i = 0; i < state->producers.count; i++) {
        image_write_producer(state->producers.by_id[i], buf);
    }
    if (state->standstill.frozen) {
        image_write_standstill(&state->standstill, buf);
    }
    write_sections(state, buf);
    put_u64(buf->data + start + TABLES_LEN_AT, buf->len - start);
}

void image_write_logs(const struct state *state, struct buf *buf)
{
    size_t start = buf->len;
    size_t i;

    (void)must_have_memory(
        buf_reserve(buf, IMAGE_HEADER_LEN + state->logs.count * LOG_LEN_USUAL));
    write_header(state, false, buf);
    for (i = 0; i < state->logs.count; i++) {
        logs_prefetch(&state->logs, i);
        image_write_log(state->logs.by_uid[i], buf);
    }
    put_u64(buf->data + start + TABLES_LEN_AT, buf->len - start);
}

/* The loop waits while all logs are written: so in one piece. */
void image_write_log(const struct log *log, struct buf *buf)
{
    uint8_t *at;

    (void)must_have_memory(buf_reserve(
        buf, IMAGE_LOG_FIXED_LEN + 8 + log->name.len + log->writer_name.len));
    at = buf->data + buf->len;
    put_u64(at, log->uid);
    put_u64(at + 8, log->incarnation);
    put_u64(at + 16, log->token);
    put_u64(at + 24, log->head);
    put_u64(at + 32, log->tail);
    put_u64(at + 40, log->last_time_ms);
    put_u64(at + 48, log->retention.entries);
    put_u64(at + 56, log->retention.bytes);
    put_u64(at + 64, log->retention.age_ms);
    put_u64(at + 72, log->writer_epoch);
    put_u64(at + 80, log->opened);
    memcpy(at + 88, log->digest, sizeof(log->digest));
    memcpy(at + 104, log->base, sizeof(log->base));
    put_u32(at + 120, (uint32_t)chunk_list_count(log->sealed));
    put_u32(at + 124, log->open == NULL ? 0 : log->open->len);
    at = put_sized(at + IMAGE_LOG_FIXED_LEN, log->name);
    at = put_sized(at, log->writer_name);
    buf->len = (size_t)(at - buf->data);
}

void image_write_producer(const struct producer *producer, struct buf *buf)
{
    uint64_t sequence = producer->last - producer_window(producer) + 1;

    image_add_u64(buf, producer->id);
    image_add_u64(buf,
                  producer->last |
                      (producer_is_wide(producer) ? IMAGE_PRODUCER_WIDE : 0));
    image_add_u64(buf, producer->used_at_ms);
    image_add_u64(buf, producer->use);
    for (; sequence <= producer->last; sequence++) {
        write_result(producer_result(producer, sequence), buf);
    }
}

void image_write_standstill(const struct standstill *standstill,
                            struct buf *buf)
{
    image_add_u64(buf, standstill->since_ms);
    image_add_sized(buf, standstill->reason);
    image_add_sized(buf, standstill->by);
}

/* Returns the end. */
static uint8_t *put_sized(uint8_t *at, struct bytes bytes)
{
    put_u32(at, (uint32_t)bytes.len);
    if (bytes.len > 0) {
        memcpy(at + 4, bytes.data, bytes.len);
    }
    return at + 4 + bytes.len;
}

static void write_header(const struct state *state, bool all, struct buf *buf)
{
    size_t start = buf->len;
    uint32_t flags = 0;

    if (all) {
        flags = (state->age_suspended ? IMAGE_AGE_SUSPENDED : 0) |
                (state->space_low ? IMAGE_SPACE_LOW : 0) |
                (state->standstill.frozen ? IMAGE_FROZEN : 0) |
                image_sections(state);
    }
    image_add_raw(buf, IMAGE_MAGIC, 4);
    image_add_u32(buf, flags);
    image_add_u64(buf, 0); /* the tables' length, when it is known */
    image_add_u64(buf, all ? state_rows(state) : state->logs.chunks);
    image_add_u64(buf, state->logs.open_bytes);
    image_add_u64(buf, state->time_ms);
    image_add_u64(buf, state->state_index);
    image_add_u64(buf, state->logs.uid_last);
    image_add_u64(buf, state->logs.opened_last);
    image_add_u64(buf, all ? state->producers.mark : 0);
    image_add_u64(buf, all ? state->producers.use_last : 0);
    image_add_u32(buf, (uint32_t)state->logs.count);
    image_add_u32(buf, all ? (uint32_t)state->producers.count : 0);
    assert(buf->len - start == IMAGE_HEADER_LEN);
}

static void write_sections(const struct state *state, struct buf *buf)
{
    uint32_t flags = image_sections(state);
    unsigned part;
    size_t i;

    if ((flags & IMAGE_BACKUPS) != 0) {
        image_write_backups(&state->backups, buf);
    }
    if ((flags & IMAGE_SETTINGS) != 0) {
        image_write_settings(&state->settings, buf);
    }
    if ((flags & IMAGE_RECOVERY) != 0) {
        image_write_recovery(state, buf);
    }
    for (part = MACHINE_DRAFT; part < MACHINE_PARTS; part++) {
        const struct kept *kept = state->kept[part];

        if (kept == NULL) {
            continue;
        }
        image_write_kept(kept, buf);
        for (i = 0; i < kept->logs.count; i++) {
            image_write_log(kept->logs.by_uid[i], buf);
        }
    }
}

static void write_result(const struct producer_result *result, struct buf *buf)
{
    const struct append_place *places =
        result->places == NULL ? &result->place : result->places;
    uint32_t i;

    image_add_u32(buf, (uint32_t)result->code);
    image_add_u64(buf, result->position);
    image_add_u64(buf, result->log_uid);
    image_add_u64(buf, result->time_ms);
    image_add_u32(buf, result->count);
    for (i = 0; i < result->count; i++) {
        image_add_u64(buf, places[i].first);
        image_add_u64(buf, places[i].count);
    }
}

void image_add_u32(struct buf *buf, uint32_t value)
{
    (void)must_have_memory(buf_add_u32(buf, value));
}

void image_add_u64(struct buf *buf, uint64_t value)
{
    (void)must_have_memory(buf_add_u64(buf, value));
}

void image_add_raw(struct buf *buf, const void *bytes, size_t len)
{
    (void)must_have_memory(buf_add(buf, bytes, len));
}

void image_add_sized(struct buf *buf, struct bytes bytes)
{
    (void)must_have_memory(buf_add_sized(buf, bytes.data, bytes.len));
}
