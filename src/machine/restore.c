/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* Reads an image back, believing nothing. */
#include "machine/restore.h"

#include <string.h>

#include "machine/chunk_row.h"
#include "machine/image.h"

static int refuse_old(struct err *err);
static int read_header(struct restore *restore, const uint8_t *image,
                       size_t len);
static int split(struct restore *restore, const uint8_t *image, size_t len,
                 uint64_t tables_len, uint64_t rows, uint64_t open_len);
static int check_counts(struct restore *restore);
static int restore_live(struct restore *restore);
static int restore_standstill(struct restore *restore);
static int check_end(struct restore *restore);

int image_read(struct state **ret_state, const struct machine_limits *limits,
               const uint8_t *image, size_t len,
               const struct chunk_source *source, struct err *err)
{
    struct restore restore = {.source = source, .err = err};
    int rv;

    if (len >= 4 && memcmp(image, IMAGE_MAGIC_OLD, 4) == 0) {
        return refuse_old(err);
    }
    restore.state = state_new(limits);
    rv = read_header(&restore, image, len);
    if (rv != 0) {
        goto free_state;
    }
    rv = check_counts(&restore);
    if (rv != 0) {
        goto free_state;
    }
    rv = restore_live(&restore);
    if (rv != 0) {
        goto free_state;
    }
    rv = restore_sections(&restore);
    if (rv != 0) {
        goto free_state;
    }
    rv = check_end(&restore);
    if (rv != 0) {
        goto free_state;
    }
    *ret_state = restore.state;
    return 0;

free_state:
    state_free(restore.state);
    return rv;
}

int restore_corrupt(struct restore *restore, const char *what)
{
    (void)err_set(restore->err, QL_CORRUPT, "machine image: %s", what);
    return QL_CORRUPT;
}

static int refuse_old(struct err *err)
{
    return err_set(err, QL_INVALID,
                   "machine image: it is of a quorlog from before the chunk "
                   "store, in another format, which this version cannot read; "
                   "nothing was changed. To keep what is in it, run the older "
                   "version, read the logs out with its `quorlog log read`, "
                   "and append them to a new cluster");
}

static int read_header(struct restore *restore, const uint8_t *image,
                       size_t len)
{
    struct state *state = restore->state;
    struct cursor *header = &restore->tables;
    uint64_t tables_len;
    uint64_t rows;
    uint64_t open_len;
    uint32_t flags;

    if (len < IMAGE_HEADER_LEN || memcmp(image, IMAGE_MAGIC, 4) != 0) {
        return restore_corrupt(restore, "it has no header");
    }
    cursor_init(header, image, IMAGE_HEADER_LEN);
    (void)cursor_u32(header);
    flags = cursor_u32(header);
    tables_len = cursor_u64(header);
    rows = cursor_u64(header);
    open_len = cursor_u64(header);
    state->time_ms = cursor_u64(header);
    state->state_index = cursor_u64(header);
    restore->uid_last = cursor_u64(header);
    restore->opened_last = cursor_u64(header);
    restore->mark = cursor_u64(header);
    restore->use_last = cursor_u64(header);
    restore->logs = cursor_u32(header);
    restore->producers = cursor_u32(header);
    if ((flags & ~IMAGE_FLAGS) != 0) {
        return restore_corrupt(restore, "it is of an unknown kind");
    }
    state->age_suspended = (flags & IMAGE_AGE_SUSPENDED) != 0;
    state->space_low = (flags & IMAGE_SPACE_LOW) != 0;
    restore->flags = flags;
    return split(restore, image, len, tables_len, rows, open_len);
}

static int split(struct restore *restore, const uint8_t *image, size_t len,
                 uint64_t tables_len, uint64_t rows, uint64_t open_len)
{
    size_t left = len - IMAGE_HEADER_LEN;
    size_t rows_len;

    if (tables_len < IMAGE_HEADER_LEN || tables_len - IMAGE_HEADER_LEN > left) {
        return restore_corrupt(restore, "its lengths do not fit");
    }
    left -= (size_t)tables_len - IMAGE_HEADER_LEN;
    if (rows > left / CHUNK_ROW_LEN) {
        return restore_corrupt(restore, "its lengths do not fit");
    }
    rows_len = (size_t)rows * CHUNK_ROW_LEN;
    left -= rows_len;
    if (open_len != left) {
        return restore_corrupt(restore, "its lengths do not fit");
    }
    cursor_init(&restore->tables, image + IMAGE_HEADER_LEN,
                (size_t)tables_len - IMAGE_HEADER_LEN);
    cursor_init(&restore->rows, image + tables_len, rows_len);
    cursor_init(&restore->open, image + tables_len + rows_len, left);
    return 0;
}

static int check_counts(struct restore *restore)
{
    size_t left = cursor_left(&restore->tables);

    if (restore->logs > LOGS_MAX || restore->logs > left / IMAGE_LOG_LEN_MIN) {
        return restore_corrupt(restore, "it has too many logs");
    }
    if (restore->producers > PRODUCERS_MAX ||
        restore->producers > left / IMAGE_PRODUCER_LEN_MIN) {
        return restore_corrupt(restore, "it has too many producers");
    }
    if (restore->uid_last > IMAGE_NUMBER_MAX ||
        restore->opened_last > IMAGE_NUMBER_MAX ||
        restore->mark > IMAGE_NUMBER_MAX ||
        restore->use_last > IMAGE_NUMBER_MAX ||
        restore->state->state_index > IMAGE_NUMBER_MAX) {
        return restore_corrupt(restore, "a number is too large");
    }
    return 0;
}

/* Logs, producers and the standstill. */
static int restore_live(struct restore *restore)
{
    struct logs *logs = &restore->state->logs;
    int rv;

    restore->part = MACHINE_LIVE;
    restore->logs_to = logs;
    rv = restore_logs(restore, restore->logs);
    if (rv != 0) {
        return rv;
    }
    if (restore->uid_last < logs->uid_last) {
        return restore_corrupt(restore, "a log has a uid that was never given");
    }
    logs->uid_last = restore->uid_last;
    rv = restore_open_order(restore);
    if (rv != 0) {
        return rv;
    }
    rv = restore_producers(restore);
    if (rv != 0) {
        return rv;
    }
    return (restore->flags & IMAGE_FROZEN) != 0 ? restore_standstill(restore)
                                                : 0;
}

static int restore_standstill(struct restore *restore)
{
    struct cursor *tables = &restore->tables;
    uint64_t since_ms = cursor_u64(tables);
    struct bytes reason = cursor_sized(tables, FREEZE_REASON_MAX);
    struct bytes by = cursor_sized(tables, FREEZE_BY_MAX);

    if (!cursor_ok(tables) || reason.len == 0) {
        return restore_corrupt(restore, "it is frozen for no reason");
    }
    standstill_begin(&restore->state->standstill, since_ms, reason, by);
    return 0;
}

static int check_end(struct restore *restore)
{
    if (!cursor_ok(&restore->tables) || cursor_left(&restore->tables) != 0 ||
        cursor_left(&restore->rows) != 0 || cursor_left(&restore->open) != 0) {
        return restore_corrupt(restore, "it goes on behind its end");
    }
    return 0;
}
