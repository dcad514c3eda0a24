/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* The logs of an image. */
#include <string.h>

#include "machine/image.h"
#include "machine/restore.h"
#include "util/text.h"

static int read_log(struct restore *restore);
static int read_log_numbers(struct restore *restore, struct log *log);
static int check_log(struct restore *restore, const struct log *log);
static int read_log_chunks(struct restore *restore, struct log *log);
static int read_chunk(struct restore *restore, struct log *log);

int restore_logs(struct restore *restore)
{
    uint32_t i;
    int rv;

    for (i = 0; i < restore->logs; i++) {
        rv = read_log(restore);
        if (rv != 0) {
            return rv;
        }
    }
    if (restore->uid_last < restore->state->logs.uid_last) {
        return restore_corrupt(restore, "a log has a uid that was never given");
    }
    restore->state->logs.uid_last = restore->uid_last;
    return 0;
}

static int read_log(struct restore *restore)
{
    struct logs *logs = &restore->state->logs;
    struct cursor *tables = &restore->tables;
    struct cursor fixed = *tables;
    struct bytes name;
    struct log *log;
    int rv;

    /* The name, which the struct ends with, stands behind fixed fields. */
    (void)cursor_bytes(&fixed, 10 * sizeof(uint64_t) + HASH128_LEN);
    name = cursor_sized(&fixed, LOG_NAME_MAX);
    if (!cursor_ok(&fixed)) {
        return restore_corrupt(restore, "a log is cut off");
    }
    if (log_name_check((const char *)name.data, name.len, NULL) != 0) {
        return restore_corrupt(restore, "a log has a bad name");
    }
    if (logs_find(logs, name) != NULL) {
        return restore_corrupt(restore, "two logs have the same name");
    }
    log = log_new(0, name);
    rv = read_log_numbers(restore, log);
    if (rv != 0) {
        goto free_log;
    }
    rv = read_log_chunks(restore, log);
    if (rv != 0) {
        goto free_log;
    }
    logs_insert(logs, log);
    return 0;

free_log:
    log_free(log);
    return rv;
}

static int read_log_numbers(struct restore *restore, struct log *log)
{
    struct cursor *tables = &restore->tables;
    struct bytes writer_name;
    const uint8_t *digest;
    uint64_t epoch;

    log->uid = cursor_u64(tables);
    log->incarnation = cursor_u64(tables);
    log->token = cursor_u64(tables);
    log->head = cursor_u64(tables);
    log->tail = cursor_u64(tables);
    log->last_time_ms = cursor_u64(tables);
    log->retention.entries = cursor_u64(tables);
    log->retention.bytes = cursor_u64(tables);
    log->retention.age_ms = cursor_u64(tables);
    epoch = cursor_u64(tables);
    digest = cursor_bytes(tables, HASH128_LEN);
    (void)cursor_sized(tables, LOG_NAME_MAX);
    writer_name = cursor_sized(tables, WRITER_NAME_MAX);
    if (!cursor_ok(tables)) {
        return restore_corrupt(restore, "a log is cut off");
    }
    memcpy(log->digest, digest, HASH128_LEN);
    log_set_writer(log, epoch, writer_name);
    return check_log(restore, log);
}

static int check_log(struct restore *restore, const struct log *log)
{
    if (log->uid <= restore->state->logs.uid_last) {
        return restore_corrupt(restore, "uids of logs do not rise");
    }
    if (log->uid > IMAGE_NUMBER_MAX || log->incarnation > IMAGE_NUMBER_MAX ||
        log->tail > IMAGE_NUMBER_MAX || log->writer_epoch > IMAGE_NUMBER_MAX) {
        return restore_corrupt(restore, "a number of a log is too large");
    }
    if (log->incarnation == 0) {
        return restore_corrupt(restore, "a log has no incarnation");
    }
    if (log->head == 0 || log->head > log->tail) {
        return restore_corrupt(restore, "a log's head and tail do not fit");
    }
    if (log->last_time_ms > restore->state->time_ms) {
        return restore_corrupt(restore, "a log is ahead of the clock");
    }
    if (log->writer_name.len > 0 && log->writer_epoch == 0) {
        return restore_corrupt(restore, "a log has a writer without an epoch");
    }
    return 0;
}

static int read_log_chunks(struct restore *restore, struct log *log)
{
    uint32_t count = cursor_u32(&restore->tables);
    uint32_t i;
    int rv;

    if (count > cursor_left(&restore->tables) / IMAGE_CHUNK_LEN) {
        return restore_corrupt(restore, "a log's chunks are cut off");
    }
    for (i = 0; i < count; i++) {
        rv = read_chunk(restore, log);
        if (rv != 0) {
            return rv;
        }
    }
    if (count > 0 &&
        (log_chunk(log, 0)->last < log->head ||
         log_chunk(log, count - 1)->last >= log->tail ||
         log_chunk(log, count - 1)->last_time_ms > log->last_time_ms)) {
        return restore_corrupt(restore,
                               "a log's chunks do not fit its numbers");
    }
    log_set_head(log, log->head);
    return 0;
}

static int read_chunk(struct restore *restore, struct log *log)
{
    size_t count = log_chunk_count(log);
    const struct chunk *before = count > 0 ? log_chunk(log, count - 1) : NULL;
    uint64_t first = cursor_u64(&restore->tables);
    uint64_t last = cursor_u64(&restore->tables);
    size_t len = cursor_u32(&restore->tables);
    uint32_t flags = cursor_u32(&restore->tables);
    const uint8_t *bytes = cursor_bytes(&restore->chunks, len);
    struct chunk chunk;
    int rv;

    if (bytes == NULL || (flags & ~IMAGE_CHUNK_OPEN) != 0) {
        return restore_corrupt(restore, "a chunk is cut off");
    }
    if (flags != 0 && len >= CHUNK_BYTES) {
        return restore_corrupt(restore, "an open chunk is too long");
    }
    if (before != NULL && !before->sealed) {
        return restore_corrupt(restore, "a chunk follows an open one");
    }
    rv = chunk_load(&chunk, bytes, len, flags == 0, restore->err);
    if (rv != 0) {
        return rv;
    }
    if (chunk.first != first || chunk.last != last) {
        chunk_close(&chunk);
        return restore_corrupt(restore, "a chunk has other positions");
    }
    if (before != NULL) {
        if (first <= before->last ||
            get_u64(bytes + 8) < before->last_time_ms) {
            chunk_close(&chunk);
            return restore_corrupt(restore, "a log's chunks are out of order");
        }
    }
    log_adopt_chunk(log, &chunk);
    return 0;
}

int restore_open_order(struct restore *restore)
{
    struct logs *logs = &restore->state->logs;
    uint32_t open = 0;
    uint32_t i;
    size_t j;

    for (i = 0; i < restore->open; i++) {
        struct log *log = logs_find_uid(logs, cursor_u64(&restore->tables));

        if (log == NULL || log_open_chunk(log) == NULL ||
            !list_empty(&log->open_link)) {
            return restore_corrupt(restore,
                                   "the order of open chunks does not fit");
        }
        logs_queue_open(logs, log);
    }
    for (j = 0; j < logs->count; j++) {
        open += log_open_chunk(logs->by_uid[j]) != NULL;
    }
    if (open != restore->open || logs->open_bytes > OPEN_CHUNKS_BYTES) {
        return restore_corrupt(restore, "it has too many open chunks");
    }
    return 0;
}
