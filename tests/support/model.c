/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "support/model.h"

#include <stdlib.h>
#include <string.h>

#include "support/cmocka.h"
#include "util/hash128.h"

static size_t payload(const struct model_entry *entry)
{
    size_t key_len = entry->key_len == SIZE_MAX ? 0 : entry->key_len;

    return key_len + entry->value_len;
}

struct model *model_new(void)
{
    struct model *model = calloc(1, sizeof(*model));

    assert_non_null(model);
    return model;
}

void model_free(struct model *model)
{
    for (size_t i = 0; i < MODEL_LOGS; i++) {
        free(model->logs[i].entries);
    }
    free(model);
}

void model_begin(struct model *model, uint64_t time_ms)
{
    if (model->time_ms != 0 && time_ms > model->time_ms + CLOCK_JUMP_MS) {
        model->suspended = true;
    }
    if (time_ms > model->time_ms) {
        model->time_ms = time_ms;
    }
}

/* ---- Logs ---- */

int model_create(struct model *model, size_t log, struct retention keep,
                 uint64_t token)
{
    struct model_log *made = &model->logs[log];

    if (made->exists) {
        return token != 0 && token == made->token ? 0 : QL_EXISTS;
    }
    free(made->entries);
    memset(made, 0, sizeof(*made));
    model->uid_last++;
    made->exists = true;
    made->uid = model->uid_last;
    made->token = token;
    made->head = 1;
    made->keep = keep;
    model->state_index++;
    return 0;
}

int model_configure(struct model *model, size_t log, struct retention keep)
{
    struct model_log *found = &model->logs[log];

    if (!found->exists) {
        return QL_NOT_FOUND;
    }
    if (found->keep.entries != keep.entries ||
        found->keep.bytes != keep.bytes || found->keep.age_ms != keep.age_ms) {
        model->state_index++;
    }
    found->keep = keep;
    return 0;
}

int model_delete(struct model *model, size_t log)
{
    if (!model->logs[log].exists) {
        return QL_NOT_FOUND;
    }
    model->logs[log].exists = false;
    model->state_index++;
    return 0;
}

uint64_t model_tail(const struct model_log *log)
{
    return log->count + 1;
}

uint64_t model_kept(const struct model_log *log, uint64_t *ret_bytes)
{
    uint64_t bytes = 0;

    for (uint64_t i = log->head; i < model_tail(log); i++) {
        bytes += payload(&log->entries[i - 1]);
    }
    *ret_bytes = bytes;
    return model_tail(log) - log->head;
}

int model_trim(struct model *model, size_t log, uint64_t before,
               uint64_t *ret_position)
{
    struct model_log *found = &model->logs[log];

    if (!found->exists) {
        return QL_NOT_FOUND;
    }
    if (before > model_tail(found)) {
        *ret_position = model_tail(found);
        return QL_INVALID;
    }
    if (before > found->head) {
        found->head = before;
        model->state_index++;
    }
    if (found->head == model_tail(found)) {
        found->open_chunk = 0; /* it went with its last entry */
    }
    return 0;
}

/* ---- Chunks ---- */

/* Bytes of the open chunk: of all its entries, trimmed ones too. */
static size_t open_len(const struct model_log *log)
{
    size_t len = 0;

    for (size_t i = log->count; i > 0; i--) {
        if (log->entries[i - 1].chunk != log->open_chunk) {
            break;
        }
        len += 24 + payload(&log->entries[i - 1]);
    }
    return log->open_chunk == 0 ? 0 : len;
}

static void seal_longest_open(struct model *model)
{
    struct model_log *longest = NULL;

    for (size_t i = 0; i < MODEL_LOGS; i++) {
        struct model_log *log = &model->logs[i];

        if (log->exists && log->open_chunk != 0 &&
            (longest == NULL || log->open_chunk < longest->open_chunk)) {
            longest = log;
        }
    }
    assert_non_null(longest);
    longest->open_chunk = 0;
}

static void seal_what_must_be(struct model *model, struct model_log *log)
{
    size_t total = 0;

    if (open_len(log) >= CHUNK_BYTES) {
        log->open_chunk = 0;
    }
    for (size_t i = 0; i < MODEL_LOGS; i++) {
        if (model->logs[i].exists) {
            total += open_len(&model->logs[i]);
        }
    }
    if (total > OPEN_CHUNKS_BYTES) {
        seal_longest_open(model);
    }
}

static bool first_chunk_goes(const struct model *model,
                             const struct model_log *log, uint64_t *ret_end)
{
    const struct model_entry *first = &log->entries[log->head - 1];
    uint64_t bytes = 0;
    uint64_t all_bytes;
    uint64_t all = model_kept(log, &all_bytes);
    uint64_t i;

    for (i = log->head; i < model_tail(log); i++) {
        if (log->entries[i - 1].chunk != first->chunk) {
            break;
        }
        bytes += payload(&log->entries[i - 1]);
    }
    *ret_end = i;
    if (log->keep.age_ms != 0 && !model->suspended &&
        log->entries[i - 2].time_ms + log->keep.age_ms < model->time_ms) {
        return true;
    }
    if (first->chunk == log->open_chunk) {
        return false;
    }
    return (log->keep.entries != 0 &&
            all - (i - log->head) >= log->keep.entries) ||
           (log->keep.bytes != 0 && all_bytes - bytes >= log->keep.bytes);
}

void model_tick(struct model *model)
{
    bool dropped = false;
    uint64_t end;

    for (size_t i = 0; i < MODEL_LOGS; i++) {
        struct model_log *log = &model->logs[i];

        while (log->exists && log->head < model_tail(log) &&
               first_chunk_goes(model, log, &end)) {
            log->head = end;
            if (end == model_tail(log)) {
                log->open_chunk = 0;
            }
            dropped = true;
        }
    }
    if (dropped) {
        model->state_index++;
    }
}

/* ---- Appending ---- */

static void add_digest(struct model_log *log, const struct model_entry *entry)
{
    size_t key_len = entry->key_len == SIZE_MAX ? 0 : entry->key_len;
    uint8_t *bytes = malloc(16 + 8 + 8 + 4 + key_len + 4 + entry->value_len);
    uint8_t *at = bytes;

    assert_non_null(bytes);
    memcpy(at, log->digest, 16);
    put_u64(at + 16, model_tail(log));
    put_u64(at + 24, entry->time_ms);
    put_u32(at + 32, (uint32_t)entry->key_len); /* SIZE_MAX: 0xffffffff */
    at += 36;
    memset(at, entry->fill, key_len);
    at += key_len;
    put_u32(at, (uint32_t)entry->value_len);
    at += 4;
    memset(at, entry->fill, entry->value_len);
    at += entry->value_len;
    hash128(bytes, (size_t)(at - bytes), log->digest);
    free(bytes);
}

static void add_entry(struct model *model, struct model_log *log,
                      const struct model_entry *entry)
{
    struct model_entry added = *entry;

    if (log->open_chunk == 0) {
        model->chunk_last++;
        log->open_chunk = model->chunk_last;
    }
    added.time_ms = model->time_ms;
    added.chunk = log->open_chunk;
    add_digest(log, &added);
    if (log->count == log->room) {
        log->room = log->room * 2 + 16;
        log->entries = realloc(log->entries, log->room * sizeof(*log->entries));
        assert_non_null(log->entries);
    }
    log->entries[log->count++] = added;
    seal_what_must_be(model, log);
}

static int append(struct model *model, const struct model_part *parts,
                  size_t count, uint64_t *ret_position, uint64_t *ret_first)
{
    for (size_t i = 0; i < count; i++) {
        const struct model_log *log = &model->logs[parts[i].log];

        if (!log->exists) {
            return QL_NOT_FOUND;
        }
        if (log->held ? parts[i].epoch != log->epoch : parts[i].epoch != 0) {
            *ret_position = log->epoch;
            return QL_FENCED;
        }
        if (parts[i].expect_position != 0 &&
            parts[i].expect_position != model_tail(log)) {
            *ret_position = model_tail(log);
            return QL_CONDITION_FAILED;
        }
    }
    *ret_first = model_tail(&model->logs[parts[0].log]);
    for (size_t i = 0; i < count; i++) {
        for (size_t j = 0; j < parts[i].count; j++) {
            add_entry(model, &model->logs[parts[i].log], &parts[i].entries[j]);
        }
    }
    model->state_index++;
    return 0;
}

int model_append(struct model *model, const struct model_part *parts,
                 size_t count, size_t producer, uint64_t sequence,
                 uint64_t *ret_position, uint64_t *ret_first,
                 bool *ret_duplicate)
{
    struct model_producer *numbered;
    struct model_result *result;

    if (producer == MODEL_PRODUCERS) {
        return append(model, parts, count, ret_position, ret_first);
    }
    numbered = &model->producers[producer];
    if (numbered->closed) {
        return QL_PRODUCER_EXPIRED;
    }
    if (sequence > numbered->last + 1) {
        *ret_position = numbered->last + 1;
        return QL_OUT_OF_ORDER;
    }
    if (sequence + PRODUCER_WINDOW <= numbered->last) {
        return QL_DUPLICATE_UNKNOWN;
    }
    result = &numbered->results[sequence];
    *ret_duplicate = sequence <= numbered->last;
    if (!*ret_duplicate) {
        numbered->last++;
        result->code =
            append(model, parts, count, &result->position, &result->first);
    }
    *ret_position = result->position;
    *ret_first = result->first;
    return result->code;
}

uint64_t model_open(struct model *model, size_t producer, uint64_t index)
{
    struct model_producer *opened = &model->producers[producer];

    memset(opened, 0, sizeof(*opened));
    model->id_last = model->id_last + 1 > index ? model->id_last + 1 : index;
    opened->id = model->id_last;
    return opened->id;
}

/* ---- Writers ---- */

int model_acquire(struct model *model, size_t log)
{
    if (!model->logs[log].exists) {
        return QL_NOT_FOUND;
    }
    model->logs[log].epoch++;
    model->logs[log].held = true;
    return 0;
}

int model_release(struct model *model, size_t log, uint64_t epoch)
{
    struct model_log *found = &model->logs[log];

    if (!found->exists) {
        return QL_NOT_FOUND;
    }
    if (epoch < found->epoch) {
        return QL_FENCED;
    }
    if (epoch > found->epoch) {
        return QL_INVALID;
    }
    found->held = false;
    return 0;
}
