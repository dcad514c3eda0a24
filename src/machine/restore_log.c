/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* The logs of an image. */
#include <string.h>

#include "machine/image.h"
#include "machine/restore.h"
#include "util/text.h"

static int read_log(struct restore *restore);
static int read_log_numbers(struct restore *restore, struct log *log);
static int check_log(struct restore *restore, const struct log *log);

int restore_logs(struct restore *restore, uint32_t count)
{
    uint32_t i;
    int rv;

    for (i = 0; i < count; i++) {
        rv = read_log(restore);
        if (rv != 0) {
            return rv;
        }
    }
    return 0;
}

static int read_log(struct restore *restore)
{
    struct logs *logs = restore->logs_to;
    struct cursor *tables = &restore->tables;
    struct cursor fixed = *tables;
    struct bytes name;
    struct log *log;
    int rv;

    /* The name, which the struct ends with, stands behind fixed fields. */
    (void)cursor_bytes(&fixed, IMAGE_LOG_FIXED_LEN);
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
    const uint8_t *chains;
    uint32_t sealed;
    uint32_t open_len;
    uint64_t epoch;
    int rv;

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
    log->opened = cursor_u64(tables);
    chains = cursor_bytes(tables, 2 * (size_t)HASH128_LEN);
    sealed = cursor_u32(tables);
    open_len = cursor_u32(tables);
    (void)cursor_sized(tables, LOG_NAME_MAX);
    writer_name = cursor_sized(tables, WRITER_NAME_MAX);
    if (!cursor_ok(tables)) {
        return restore_corrupt(restore, "a log is cut off");
    }
    memcpy(log->digest, chains, HASH128_LEN);
    memcpy(log->base, chains + HASH128_LEN, HASH128_LEN);
    log_set_writer(log, epoch, writer_name);
    rv = check_log(restore, log);
    return rv != 0 ? rv : restore_chunks(restore, log, sealed, open_len);
}

static int check_log(struct restore *restore, const struct log *log)
{
    if (log->uid <= restore->logs_to->uid_last) {
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
    if (restore->part == MACHINE_LIVE &&
        log->last_time_ms > restore->state->time_ms) {
        return restore_corrupt(restore, "a log is ahead of the clock");
    }
    if (restore->part != MACHINE_LIVE && log->writer_name.len > 0) {
        return restore_corrupt(restore, "a log that is not live is held");
    }
    if (log->writer_name.len > 0 && log->writer_epoch == 0) {
        return restore_corrupt(restore, "a log has a writer without an epoch");
    }
    return 0;
}
