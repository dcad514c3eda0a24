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

/* The first position in the chunk that has the head. */
static uint64_t first_held(const struct model_log *log)
{
    uint64_t first = log->head;

    while (first < model_tail(log) && first > 1 &&
           log->entries[first - 2].chunk == log->entries[log->head - 1].chunk) {
        first--;
    }
    return first;
}

struct model *model_new(const struct machine_limits *limits)
{
    struct model *model = calloc(1, sizeof(*model));

    assert_non_null(model);
    model->limits = *limits;
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

    for (uint64_t i = first_held(log); i < model_tail(log); i++) {
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

/* A sealed chunk as the merging sees it. */
struct model_run {
    uint64_t chunk;
    uint64_t len;
};

/* The sealed chunks that have kept entries, the last one first. */
static size_t list_chunks(const struct model_log *log, struct model_run *ret)
{
    size_t count = 0;

    for (uint64_t i = model_tail(log) - 1; i >= first_held(log); i--) {
        const struct model_entry *entry = &log->entries[i - 1];

        if (count == 0 || ret[count - 1].chunk != entry->chunk) {
            ret[count] = (struct model_run){entry->chunk, 0};
            count++;
        }
        ret[count - 1].len += 24 + payload(entry);
    }
    return count;
}

static int class_of(const struct model *model, uint64_t len)
{
    uint64_t most = model->limits.chunk_bytes;

    return (len >= most / 64) + (len >= most / 8) + (len >= most);
}

/* Gives the entries of @count chunks the number of the oldest of them. */
static void make_one(struct model_log *log, const struct model_run *runs,
                     size_t count)
{
    for (size_t i = 0; i < log->count; i++) {
        for (size_t j = 0; j < count; j++) {
            if (log->entries[i].chunk == runs[j].chunk) {
                log->entries[i].chunk = runs[count - 1].chunk;
                break;
            }
        }
    }
}

/* Merges the last chunks, if they are to be; returns whether the last one is of
 * a higher class now. */
static bool merge_last(const struct model *model, struct model_log *log)
{
    static const uint64_t shares[] = {64, 8, 1};
    struct model_run *runs = calloc(log->count + 1, sizeof(*runs));
    size_t all = list_chunks(log, runs);
    int level = class_of(model, runs[0].len);
    uint64_t len = 0;
    size_t count = 0;
    bool risen = false;

    while (level < 3 && count < all &&
           class_of(model, runs[count].len) <= level) {
        len += runs[count].len;
        count++;
    }
    if (count >= 2 &&
        (len >= model->limits.chunk_bytes / shares[level] || count >= 16)) {
        make_one(log, runs, count);
        risen = class_of(model, len) > level;
    }
    free(runs);
    return risen;
}

static void seal(const struct model *model, struct model_log *log)
{
    log->open_chunk = 0;
    while (merge_last(model, log)) {
    }
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
    seal(model, longest);
}

static size_t all_open(const struct model *model)
{
    size_t total = 0;

    for (size_t i = 0; i < MODEL_LOGS; i++) {
        if (model->logs[i].exists) {
            total += open_len(&model->logs[i]);
        }
    }
    return total;
}

static void seal_what_must_be(struct model *model, struct model_log *log)
{
    if (open_len(log) >= model->limits.chunk_bytes) {
        seal(model, log);
    }
    while (all_open(model) > model->limits.open_bytes) {
        seal_longest_open(model);
    }
}

static bool first_chunk_goes(const struct model *model,
                             const struct model_log *log, uint64_t *ret_end)
{
    const struct model_entry *first = &log->entries[log->head - 1];
    uint64_t bytes = 0; /* without it */
    uint64_t end = log->head;

    while (end < model_tail(log) &&
           log->entries[end - 1].chunk == first->chunk) {
        end++;
    }
    for (uint64_t i = end; i < model_tail(log); i++) {
        bytes += payload(&log->entries[i - 1]);
    }
    *ret_end = end;
    if (log->keep.age_ms != 0 && !model->suspended &&
        log->entries[end - 2].time_ms + log->keep.age_ms < model->time_ms) {
        return true;
    }
    if (first->chunk == log->open_chunk) {
        return false;
    }
    return (log->keep.entries != 0 &&
            model_tail(log) - end >= log->keep.entries) ||
           (log->keep.bytes != 0 && bytes >= log->keep.bytes);
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
    if (sequence + PRODUCER_WINDOW_WIDE <= numbered->last) {
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
