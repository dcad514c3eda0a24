/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "machine/log.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "util/mem.h"

static struct chunk *add_chunk(struct log *log);
static void drop_first_chunk(struct log *log);
static void skip_to(struct log *log, uint64_t head);
static bool first_chunk_is_due(const struct log *log, uint64_t time_ms,
                               bool age_suspended);

struct log *log_new(uint64_t uid, struct bytes name)
{
    struct log *log = mem_must_zalloc(sizeof(*log) + name.len);

    memcpy(log->name_bytes, name.data, name.len);
    log->name.data = (const uint8_t *)log->name_bytes;
    log->name.len = name.len;
    log->uid = uid;
    log->incarnation = 1;
    log->head = 1;
    log->tail = 1;
    list_init(&log->open_link);
    list_init(&log->retained_link);
    return log;
}

void log_free(struct log *log)
{
    size_t i;

    if (log == NULL) {
        return;
    }
    for (i = log->chunks_at; i < log->chunks_end; i++) {
        chunk_close(&log->chunks[i]);
    }
    free(log->chunks);
    free((void *)log->writer_name.data);
    free(log);
}

void log_stat_fill(const struct log *log, struct log_stat *ret)
{
    ret->name = log->name;
    ret->uid = log->uid;
    ret->incarnation = log->incarnation;
    ret->head = log->head;
    ret->tail = log->tail;
    ret->entries = log->entries;
    ret->bytes = log->bytes;
    ret->last_time_ms = log->last_time_ms;
    ret->retention = log->retention;
    ret->writer_epoch = log->writer_epoch;
    ret->writer_name = log->writer_name;
    memcpy(ret->digest, log->digest, sizeof(ret->digest));
}

/* ---- Entries ------------------------------------------------------------- */

void log_append(struct log *log, const struct append_entry *entry,
                uint64_t time_ms)
{
    struct chunk *chunk = log_open_chunk(log);
    struct read_entry added = {log->tail, time_ms, entry->key, entry->value};
    uint64_t payload;
    size_t len;

    if (chunk == NULL) {
        chunk = add_chunk(log);
        chunk_init(chunk, log->tail);
    }
    payload = chunk->payload;
    len = chunk->len;
    chunk_add(chunk, &added);
    digest_add(log->digest, &added);
    log->tail++;
    log->entries++;
    log->bytes += chunk->payload - payload;
    log->held += chunk->len - len;
    log->last_time_ms = time_ms;
}

void log_trim(struct log *log, uint64_t before)
{
    assert(before >= log->head);
    assert(before <= log->tail);
    while (log_chunk_count(log) > 0 && log_chunk(log, 0)->last < before) {
        drop_first_chunk(log);
    }
    skip_to(log, before);
}

bool log_retention_due(const struct log *log, uint64_t time_ms,
                       bool age_suspended)
{
    return log_chunk_count(log) > 0 &&
           first_chunk_is_due(log, time_ms, age_suspended);
}

bool log_retain(struct log *log, uint64_t time_ms, bool age_suspended)
{
    bool dropped = false;

    while (log_retention_due(log, time_ms, age_suspended)) {
        drop_first_chunk(log);
        log->head =
            log_chunk_count(log) > 0 ? log_chunk(log, 0)->first : log->tail;
        dropped = true;
    }
    return dropped;
}

bool retention_is_set(const struct retention *retention)
{
    return retention->entries != 0 || retention->bytes != 0 ||
           retention->age_ms != 0;
}

/* ---- Chunks -------------------------------------------------------------- */

size_t log_chunk_count(const struct log *log)
{
    return log->chunks_end - log->chunks_at;
}

const struct chunk *log_chunk(const struct log *log, size_t index)
{
    assert(index < log_chunk_count(log));
    return &log->chunks[log->chunks_at + index];
}

struct chunk *log_open_chunk(const struct log *log)
{
    struct chunk *last;

    if (log_chunk_count(log) == 0) {
        return NULL;
    }
    last = &log->chunks[log->chunks_end - 1];
    return last->sealed ? NULL : last;
}

void log_adopt_chunk(struct log *log, const struct chunk *chunk)
{
    *add_chunk(log) = *chunk;
    log->entries += chunk->entries;
    log->bytes += chunk->payload;
    log->held += chunk->len;
}

void log_set_head(struct log *log, uint64_t head)
{
    log->skip = (struct log_skip){0, 0, 0};
    skip_to(log, head);
}

size_t log_chunk_find(const struct log *log, uint64_t position)
{
    size_t from = 0;
    size_t to = log_chunk_count(log);

    while (from < to) {
        size_t middle = from + (to - from) / 2;

        if (log_chunk(log, middle)->last < position) {
            from = middle + 1;
        } else {
            to = middle;
        }
    }
    return from;
}

/* ---- The writer ---------------------------------------------------------- */

void log_set_writer(struct log *log, uint64_t epoch, struct bytes name)
{
    free((void *)log->writer_name.data);
    log->writer_name = (struct bytes){NULL, 0};
    if (name.len > 0) {
        log->writer_name.data = mem_must_dup(name.data, name.len);
        log->writer_name.len = name.len;
    }
    log->writer_epoch = epoch;
}

bool log_writer_admits(const struct log *log, uint64_t epoch)
{
    bool held = log->writer_name.len > 0;

    return held ? epoch == log->writer_epoch : epoch == 0;
}

/* ---- Helpers ------------------------------------------------------------- */

/* Room for one more chunk at the end; its content is the caller's to set. */
static struct chunk *add_chunk(struct log *log)
{
    size_t count = log_chunk_count(log);

    if (log->chunks_end == log->chunks_room && log->chunks_at > count) {
        memmove(log->chunks, log->chunks + log->chunks_at,
                count * sizeof(*log->chunks));
        log->chunks_at = 0;
        log->chunks_end = count;
    }
    if (log->chunks_end == log->chunks_room) {
        log->chunks_room = log->chunks_room == 0 ? 1 : log->chunks_room * 2;
        log->chunks = mem_must_resize(log->chunks,
                                      log->chunks_room * sizeof(*log->chunks));
    }
    return &log->chunks[log->chunks_end++];
}

/* The head is the caller's to move. */
static void drop_first_chunk(struct log *log)
{
    struct chunk *first = &log->chunks[log->chunks_at];

    log->entries -= first->entries - log->skip.entries;
    log->bytes -= first->payload - log->skip.bytes;
    log->held -= first->len;
    log->skip = (struct log_skip){0, 0, 0};
    chunk_close(first);
    log->chunks_at++;
}

/* Moves the head to @head, counting out what the first chunk has before it. */
static void skip_to(struct log *log, uint64_t head)
{
    struct read_entry entry;
    const struct chunk *first;
    size_t offset = log->skip.offset;

    log->head = head;
    if (log_chunk_count(log) == 0) {
        return;
    }
    first = log_chunk(log, 0);
    while (chunk_next(first, &offset, &entry) && entry.position < head) {
        log->skip.offset = offset;
        log->skip.entries++;
        log->skip.bytes += entry.key.len + entry.value.len;
        log->entries--;
        log->bytes -= entry.key.len + entry.value.len;
    }
}

static bool first_chunk_is_due(const struct log *log, uint64_t time_ms,
                               bool age_suspended)
{
    const struct retention *keep = &log->retention;
    const struct chunk *first = log_chunk(log, 0);
    uint64_t entries = first->entries - log->skip.entries;
    uint64_t bytes = first->payload - log->skip.bytes;

    if (keep->age_ms != 0 && !age_suspended && time_ms > first->last_time_ms &&
        time_ms - first->last_time_ms > keep->age_ms) {
        return true;
    }
    if (!first->sealed) {
        return false;
    }
    return (keep->entries != 0 && log->entries - entries >= keep->entries) ||
           (keep->bytes != 0 && log->bytes - bytes >= keep->bytes);
}
