/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* Reads an image back, believing nothing. */
#include "machine/restore.h"

#include <string.h>

#include "machine/image.h"

static int read_header(struct restore *restore, const uint8_t *image,
                       size_t len);
static int check_counts(struct restore *restore);
static int restore_standstill(struct restore *restore);
static int check_end(struct restore *restore);

int image_read(struct state **ret_state, const uint8_t *image, size_t len,
               struct err *err)
{
    struct restore restore = {.err = err};
    int rv;

    restore.state = state_new();
    rv = read_header(&restore, image, len);
    if (rv != 0) {
        goto free_state;
    }
    rv = check_counts(&restore);
    if (rv != 0) {
        goto free_state;
    }
    rv = restore_logs(&restore);
    if (rv != 0) {
        goto free_state;
    }
    rv = restore_open_order(&restore);
    if (rv != 0) {
        goto free_state;
    }
    rv = restore_producers(&restore);
    if (rv != 0) {
        goto free_state;
    }
    if (restore.frozen) {
        rv = restore_standstill(&restore);
        if (rv != 0) {
            goto free_state;
        }
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

static int read_header(struct restore *restore, const uint8_t *image,
                       size_t len)
{
    struct state *state = restore->state;
    struct cursor *tables = &restore->tables;
    uint64_t tables_len;
    uint64_t chunks_len;
    uint32_t flags;

    if (len < IMAGE_HEADER_LEN || memcmp(image, IMAGE_MAGIC, 4) != 0) {
        return restore_corrupt(restore, "it has no header");
    }
    cursor_init(tables, image, IMAGE_HEADER_LEN);
    (void)cursor_u32(tables);
    flags = cursor_u32(tables);
    tables_len = cursor_u64(tables);
    chunks_len = cursor_u64(tables);
    state->time_ms = cursor_u64(tables);
    state->state_index = cursor_u64(tables);
    restore->uid_last = cursor_u64(tables);
    restore->mark = cursor_u64(tables);
    restore->use_last = cursor_u64(tables);
    restore->logs = cursor_u32(tables);
    restore->open = cursor_u32(tables);
    restore->producers = cursor_u32(tables);
    if (cursor_u32(tables) != 0 || (flags & ~IMAGE_FLAGS) != 0) {
        return restore_corrupt(restore, "it is of an unknown kind");
    }
    state->age_suspended = (flags & IMAGE_AGE_SUSPENDED) != 0;
    state->space_low = (flags & IMAGE_SPACE_LOW) != 0;
    restore->frozen = (flags & IMAGE_FROZEN) != 0;
    if (tables_len < IMAGE_HEADER_LEN || tables_len > len ||
        len - tables_len != chunks_len) {
        return restore_corrupt(restore, "its lengths do not fit");
    }
    cursor_init(tables, image + IMAGE_HEADER_LEN,
                (size_t)tables_len - IMAGE_HEADER_LEN);
    cursor_init(&restore->chunks, image + tables_len, (size_t)chunks_len);
    return 0;
}

static int check_counts(struct restore *restore)
{
    size_t left = cursor_left(&restore->tables);

    if (restore->logs > LOGS_MAX || restore->logs > left / IMAGE_LOG_LEN_MIN ||
        restore->open > restore->logs) {
        return restore_corrupt(restore, "it has too many logs");
    }
    if (restore->producers > PRODUCERS_MAX ||
        restore->producers > left / IMAGE_PRODUCER_LEN_MIN) {
        return restore_corrupt(restore, "it has too many producers");
    }
    if (restore->uid_last > IMAGE_NUMBER_MAX ||
        restore->mark > IMAGE_NUMBER_MAX ||
        restore->use_last > IMAGE_NUMBER_MAX ||
        restore->state->state_index > IMAGE_NUMBER_MAX) {
        return restore_corrupt(restore, "a number is too large");
    }
    return 0;
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
        cursor_left(&restore->chunks) != 0) {
        return restore_corrupt(restore, "it goes on behind its end");
    }
    return 0;
}
