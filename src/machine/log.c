/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "machine/log.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "machine/chunk_row.h"
#include "util/mem.h"

static void drop_sealed(struct log *log, size_t count);
static void drop_open(struct log *log);
static uint64_t skipped(const struct log *log);
static void move_head(struct log *log, uint64_t head);
static bool first_chunk_is_due(const struct log *log, uint64_t time_ms,
                               bool age_suspended);
static void row_digest(const struct chunk *chunk, uint8_t ret[HASH128_LEN]);

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
    list_init(&log->changed_link);
    return log;
}

struct log *log_copy(const struct log *log)
{
    struct log *copy = log_new(log->uid, log->name);

    assert(log->open == NULL);
    copy->incarnation = log->incarnation;
    copy->token = log->token;
    copy->head = log->head;
    copy->tail = log->tail;
    copy->entries = log->entries;
    copy->bytes = log->bytes;
    copy->held = log->held;
    copy->last_time_ms = log->last_time_ms;
    copy->retention = log->retention;
    log_set_writer(copy, log->writer_epoch, log->writer_name);
    memcpy(copy->digest, log->digest, sizeof(copy->digest));
    memcpy(copy->base, log->base, sizeof(copy->base));
    copy->sealed = chunk_list_ref(log->sealed);
    copy->rows = log->rows;
    return copy;
}

void log_free(struct log *log)
{
    if (log == NULL) {
        return;
    }
    chunk_list_drop(log->sealed);
    chunk_drop(log->open);
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
    struct read_entry added = {log->tail, time_ms, entry->key, entry->value};
    uint64_t payload;

    if (log->open == NULL) {
        log->open = chunk_new(log->uid, log->tail);
    }
    payload = log->open->payload;
    chunk_add(log->open, &added);
    digest_add(log->digest, &added);
    log->tail++;
    log->entries++;
    log->held++;
    log->bytes += log->open->payload - payload;
    log->last_time_ms = time_ms;
}

void log_trim(struct log *log, uint64_t before)
{
    assert(before >= log->head);
    assert(before <= log->tail);
    drop_sealed(log, chunk_list_find(log->sealed, before));
    if (log->open != NULL && log->open->name.last < before) {
        drop_open(log);
    }
    move_head(log, before);
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
        if (log->sealed != NULL) {
            drop_sealed(log, 1);
        } else {
            drop_open(log);
        }
        move_head(log, log_chunk_count(log) > 0 ? log_chunk(log, 0)->name.first
                                                : log->tail);
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
    return chunk_list_count(log->sealed) + (log->open != NULL);
}

struct chunk *log_chunk(const struct log *log, size_t index)
{
    if (index == chunk_list_count(log->sealed)) {
        assert(log->open != NULL);
        return log->open;
    }
    return chunk_list_at(log->sealed, index);
}

const uint8_t *log_chain(const struct log *log, size_t index)
{
    return index == 0 ? log->base
                      : chunk_list_at(log->sealed, index - 1)->name.chain;
}

struct chunk *log_find(const struct log *log, uint64_t position)
{
    size_t index = chunk_list_find(log->sealed, position);

    if (index < chunk_list_count(log->sealed)) {
        return chunk_list_at(log->sealed, index);
    }
    if (log->open != NULL && log->open->name.last >= position) {
        return log->open;
    }
    return NULL;
}

struct chunk *log_seal(struct log *log)
{
    struct chunk *chunk = log->open;
    uint8_t row[HASH128_LEN];

    chunk_seal(chunk, log->digest);
    log->open = NULL;
    log->opened = 0;
    row_digest(chunk, row);
    tally_add(&log->rows, row);
    chunk_list_push(&log->sealed, chunk);
    return chunk;
}

struct chunk *log_merge(struct log *log, size_t count)
{
    size_t from = chunk_list_count(log->sealed) - count;
    struct chunk *merged = chunk_merge(log->sealed->chunks + from, count);
    uint8_t row[HASH128_LEN];
    size_t i;

    for (i = 0; i < count; i++) {
        row_digest(chunk_list_at(log->sealed, from + i), row);
        tally_remove(&log->rows, row);
    }
    row_digest(merged, row);
    tally_add(&log->rows, row);
    chunk_list_replace(&log->sealed, count, merged);
    /* As it is worked out from an image: it may be another number behind holes. */
    move_head(log, log->head);
    return merged;
}

void log_adopt_sealed(struct log *log, struct chunk *chunk)
{
    uint8_t row[HASH128_LEN];

    row_digest(chunk, row);
    tally_add(&log->rows, row);
    chunk_list_push(&log->sealed, chunk);
    log->held += chunk->entries;
    log->bytes += chunk->payload;
}

void log_adopt_open(struct log *log, struct chunk *chunk)
{
    assert(log->open == NULL);
    log->open = chunk;
    log->held += chunk->entries;
    log->bytes += chunk->payload;
}

void log_set_head(struct log *log, uint64_t head)
{
    move_head(log, head);
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

/* The head is the caller's to move, here and in drop_open(). */
static void drop_sealed(struct log *log, size_t count)
{
    uint8_t row[HASH128_LEN];
    size_t i;

    if (count == 0) {
        return;
    }
    for (i = 0; i < count; i++) {
        const struct chunk *chunk = chunk_list_at(log->sealed, i);

        row_digest(chunk, row);
        tally_remove(&log->rows, row);
        log->held -= chunk->entries;
        log->bytes -= chunk->payload;
    }
    memcpy(log->base, chunk_list_at(log->sealed, count - 1)->name.chain,
           sizeof(log->base));
    chunk_list_shift(&log->sealed, count);
}

static void drop_open(struct log *log)
{
    log->held -= log->open->entries;
    log->bytes -= log->open->payload;
    memcpy(log->base, log->digest, sizeof(log->base));
    chunk_drop(log->open);
    log->open = NULL;
    log->opened = 0;
}

/* Entries of the first chunk before the head, counted by position: its bytes may
 * not be here to be looked at. Where it has holes that may be too many, but its
 * last entry is never before the head (docs/limits.md). */
static uint64_t skipped(const struct log *log)
{
    const struct chunk *first;
    uint64_t before;

    if (log_chunk_count(log) == 0) {
        return 0;
    }
    first = log_chunk(log, 0);
    before = log->head > first->name.first ? log->head - first->name.first : 0;
    return before < first->entries ? before : first->entries - 1;
}

static void move_head(struct log *log, uint64_t head)
{
    log->head = head;
    log->entries = log->held - skipped(log);
}

static bool first_chunk_is_due(const struct log *log, uint64_t time_ms,
                               bool age_suspended)
{
    const struct retention *keep = &log->retention;
    const struct chunk *first = log_chunk(log, 0);
    uint64_t entries = log->held - first->entries; /* without it */
    uint64_t bytes = log->bytes - first->payload;

    if (keep->age_ms != 0 && !age_suspended && time_ms > first->last_time_ms &&
        time_ms - first->last_time_ms > keep->age_ms) {
        return true;
    }
    if (!first->sealed) {
        return false;
    }
    return (keep->entries != 0 && entries >= keep->entries) ||
           (keep->bytes != 0 && bytes >= keep->bytes);
}

static void row_digest(const struct chunk *chunk, uint8_t ret[HASH128_LEN])
{
    uint8_t row[CHUNK_ROW_LEN];

    chunk_row_encode(chunk, row);
    hash128(row, sizeof(row), ret);
}
