/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * A batch is what one raft entry carries: a time and some commands.
 * Byte table: docs/formats.md, "Batch". All integers little-endian.
 *
 *     0   4  "QLB1"
 *     4   4  CRC-32C of everything behind this field, padding included
 *     8   8  time_ms: the leader's clock when it opened the batch
 *    16   4  count of commands
 *    20   4  bytes of commands, without padding
 *    24  ..  commands: u16 kind, u16 zero, u32 len, len bytes
 *    ..  ..  zeros up to a multiple of 8
 */
#pragma once

#include <stdbool.h>

#include "util/buf.h"
#include "util/err.h"
#include "util/limits.h"

/* Numbers are on disk: never reuse one. */
enum command_kind {
    COMMAND_LOG_CREATE = 1,
    COMMAND_LOG_CONFIGURE = 2,
    COMMAND_LOG_DELETE = 3,
    COMMAND_LOG_TRIM = 4,
    COMMAND_LOG_APPEND = 5,
    COMMAND_PRODUCER_OPEN = 6,
    COMMAND_PRODUCER_CLOSE = 7,
    COMMAND_WRITER_ACQUIRE = 8,
    COMMAND_WRITER_RELEASE = 9,
    COMMAND_TICK = 10,          /* no params: retention and expiry happen */
    COMMAND_CONFIRM_CLOCK = 11, /* no params: ends the suspension of age */
    COMMAND_SPACE = 12,  /* struct space_args: disks are nearly full, or not */
    COMMAND_FREEZE = 13, /* struct freeze_args: nothing changes log data */
    COMMAND_THAW = 14,   /* no params: ends that */
    COMMAND_DIGEST = 15, /* no params, changes nothing: nodes compare here */
    COMMAND_BACKUP_CREATE = 16, /* struct backup_create_args */
    COMMAND_BACKUP_DELETE = 17, /* struct backup_delete_args */
    COMMAND_BACKUP_ADD = 18, /* struct backup_row: an import; gets a new id */
    COMMAND_SETTINGS = 19,   /* struct settings_args */
    COMMAND_RECOVERY_BEGIN =
        20,                     /* struct recovery_begin_args: a draft begins */
    COMMAND_RECOVERY_LOAD = 21, /* struct recovery_load_args: it is filled */
    COMMAND_RECOVERY_END = 22,  /* struct recovery_end_args: it is staged */
    COMMAND_RECOVERY_UNLOAD = 23, /* struct recovery_unload_args */
    COMMAND_RECOVERY_COMMIT = 24, /* struct recovery_commit_args */
    COMMAND_RECOVERY_UNDO = 25,   /* struct recovery_undo_args */
};

/* A command as it stands in a batch; params are the method's encoded map. */
struct command {
    enum command_kind kind;
    struct bytes params;
};

#define BATCH_HEADER_LEN 24u
#define COMMAND_HEADER_LEN 8u

/* Bytes a batch of @count commands with @params_len bytes of params takes. */
size_t batch_len(size_t count, size_t params_len);

/* Filling a batch. The memory is @bytes, of at least batch_len() bytes, which
 * the caller owns; it must be zeroed beyond what is written. */
struct batch_writer {
    uint8_t *bytes;
    size_t room;
    size_t at;
    uint32_t count;
};
void batch_open(struct batch_writer *writer, uint8_t *bytes, size_t room,
                uint64_t time_ms);
void batch_add(struct batch_writer *writer, enum command_kind kind,
               struct bytes params);
/* Sets counts, padding and checksum; returns the whole length. */
size_t batch_close(struct batch_writer *writer);

/* Reading one. */
struct batch {
    uint64_t time_ms;
    uint32_t count;
    struct bytes commands; /* what is not read yet */
};
/* QL_CORRUPT when magic, checksum or lengths do not fit. */
int batch_decode(struct batch *ret, const void *bytes, size_t len,
                 struct err *err);
/* False at the end. A decoded batch has only well-formed commands (the lengths
 * were checked), but a kind may be unknown. */
bool batch_next(struct batch *batch, struct command *ret);
