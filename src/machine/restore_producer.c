/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* The producers of an image. */
#include <stdlib.h>
#include <string.h>

#include "machine/image.h"
#include "machine/restore.h"
#include "util/mem.h"

static int read_producer(struct restore *restore);
static int read_result(struct restore *restore, struct producer *producer,
                       uint64_t sequence);
static int order_by_use(struct restore *restore);
static int compare_use(const void *a, const void *b);

int restore_producers(struct restore *restore)
{
    struct producers *producers = &restore->state->producers;
    uint32_t i;
    int rv;

    for (i = 0; i < restore->producers; i++) {
        rv = read_producer(restore);
        if (rv != 0) {
            return rv;
        }
    }
    if (restore->mark < producers->mark) {
        return restore_corrupt(restore,
                               "a producer has an id that was never given");
    }
    producers->mark = restore->mark;
    return order_by_use(restore);
}

static int read_producer(struct restore *restore)
{
    struct producers *producers = &restore->state->producers;
    struct cursor *tables = &restore->tables;
    struct producer *producer;
    uint64_t id = cursor_u64(tables);
    uint64_t word = cursor_u64(tables);
    uint64_t last = word & ~IMAGE_PRODUCER_WIDE;
    bool is_wide = (word & IMAGE_PRODUCER_WIDE) != 0;
    uint64_t window = is_wide ? PRODUCER_WINDOW_WIDE : PRODUCER_WINDOW;
    uint64_t kept = last < window ? last : window;
    uint64_t sequence;
    int rv;

    if (id <= producers->mark || id > IMAGE_NUMBER_MAX) {
        return restore_corrupt(restore, "ids of producers do not rise");
    }
    if (is_wide && producers->wide == PRODUCERS_WIDE_MAX) {
        return restore_corrupt(restore, "too many producers are wide");
    }
    producer = producers_add(producers, id);
    if (is_wide) {
        producers_widen(producers, producer);
    }
    producer->used_at_ms = cursor_u64(tables);
    producer->use = cursor_u64(tables);
    if (kept > cursor_left(tables) / IMAGE_RESULT_LEN_MIN ||
        last > IMAGE_NUMBER_MAX) {
        return restore_corrupt(restore, "a producer's results are cut off");
    }
    producer_set_last(producer, last);
    for (sequence = last - kept + 1; sequence <= last; sequence++) {
        rv = read_result(restore, producer, sequence);
        if (rv != 0) {
            return rv;
        }
    }
    return 0;
}

static int read_result(struct restore *restore, struct producer *producer,
                       uint64_t sequence)
{
    struct cursor *tables = &restore->tables;
    struct producer_result result = {0};
    uint32_t code = cursor_u32(tables);
    uint32_t i;

    result.position = cursor_u64(tables);
    result.log_uid = cursor_u64(tables);
    result.time_ms = cursor_u64(tables);
    result.count = cursor_u32(tables);
    if (!cursor_ok(tables) || code > INT16_MAX ||
        result.count > APPEND_PARTS_MAX || (code == 0) != (result.count > 0) ||
        result.count > cursor_left(tables) / IMAGE_PLACE_LEN) {
        return restore_corrupt(restore, "a producer's result does not fit");
    }
    result.code = (int)code;
    if (result.count > 1) {
        result.places = mem_must_array(result.count, sizeof(*result.places));
    }
    for (i = 0; i < result.count; i++) {
        struct append_place place;

        place.first = cursor_u64(tables);
        place.count = cursor_u64(tables);
        if (i == 0) {
            result.place = place;
        }
        if (result.places != NULL) {
            result.places[i] = place;
        }
    }
    producer_set_result(producer, sequence, &result);
    return 0;
}

/* Links the producers in the order of their last uses. */
static int order_by_use(struct restore *restore)
{
    struct producers *producers = &restore->state->producers;
    struct producer **by_use =
        mem_must_array(producers->count, sizeof(*by_use));
    uint64_t use = 0;
    uint64_t used_at_ms = 0;
    bool fits = true;
    size_t i;

    if (producers->count > 0) {
        memcpy(by_use, producers->by_id, producers->count * sizeof(*by_use));
        qsort(by_use, producers->count, sizeof(*by_use), compare_use);
    }
    for (i = 0; i < producers->count; i++) {
        fits =
            fits && by_use[i]->use > use && by_use[i]->used_at_ms >= used_at_ms;
        use = by_use[i]->use;
        used_at_ms = by_use[i]->used_at_ms;
        list_push_back(&producers->by_use, &by_use[i]->use_link);
    }
    free(by_use);
    if (!fits || use > restore->use_last ||
        used_at_ms > restore->state->time_ms) {
        return restore_corrupt(restore, "the order of producers does not fit");
    }
    producers->use_last = restore->use_last;
    return 0;
}

static int compare_use(const void *a, const void *b)
{
    const struct producer *const *left = a;
    const struct producer *const *right = b;

    return ((*left)->use > (*right)->use) - ((*left)->use < (*right)->use);
}
