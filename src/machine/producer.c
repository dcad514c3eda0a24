/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "machine/producer.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "util/mem.h"

#define RESULTS_FIRST 4u /* most producers are short-lived */

static void narrow_idle(struct producers *producers, uint64_t time_ms);
static void set_room(struct producer *producer, uint32_t room);
static size_t id_index(const struct producers *producers, uint64_t id);
static void producer_free(struct producer *producer);

void producers_init(struct producers *producers)
{
    memset(producers, 0, sizeof(*producers));
    list_init(&producers->by_use);
    list_init(&producers->changed);
}

void producers_close(struct producers *producers)
{
    size_t i;

    for (i = 0; i < producers->count; i++) {
        producer_free(producers->by_id[i]);
    }
    free(producers->by_id);
    producers_init(producers);
}

struct producer *producers_open(struct producers *producers, uint64_t index,
                                uint64_t time_ms, bool age_counts)
{
    uint64_t id = producers->mark + 1;
    struct producer *producer;

    if (producers->count == PRODUCERS_MAX) {
        producers_remove(producers, LIST_ITEM(producers->by_use.next,
                                              struct producer, use_link));
    }
    producer = producers_add(producers, id > index ? id : index);
    producers_use(producers, producer, time_ms);
    if (producers->wide == PRODUCERS_WIDE_MAX && age_counts) {
        narrow_idle(producers, time_ms);
    }
    if (producers->wide < PRODUCERS_WIDE_MAX) {
        producers_widen(producers, producer);
    }
    return producer;
}

struct producer *producers_add(struct producers *producers, uint64_t id)
{
    struct producer *producer = mem_must_zalloc(sizeof(*producer));

    assert(producers->count < PRODUCERS_MAX);
    assert(id > producers->mark);
    if (producers->count == producers->room) {
        producers->room = producers->room == 0 ? 16 : producers->room * 2;
        producers->by_id = mem_must_resize(
            producers->by_id, producers->room * sizeof(struct producer *));
    }
    producer->id = id;
    producer->window = PRODUCER_WINDOW;
    list_init(&producer->use_link);
    list_init(&producer->changed_link);
    list_push_back(&producers->changed, &producer->changed_link);
    producers->mark = id;
    producers->by_id[producers->count] = producer;
    producers->count++;
    return producer;
}

void producers_remove(struct producers *producers, struct producer *producer)
{
    size_t index = id_index(producers, producer->id);

    assert(producers->by_id[index] == producer);
    producers->count--;
    producers->wide -= producer_is_wide(producer) ? 1 : 0;
    memmove(producers->by_id + index, producers->by_id + index + 1,
            (producers->count - index) * sizeof(struct producer *));
    if (producer->is_counted) {
        tally_remove(&producers->digests, producer->counted);
    }
    producer_free(producer);
}

void producers_void(struct producers *producers, uint64_t index)
{
    while (producers->count > 0) {
        producers_remove(producers, producers->by_id[producers->count - 1]);
    }
    if (producers->mark < index) {
        producers->mark = index;
    }
    producers->void_mark = producers->mark;
}

int producers_find(const struct producers *producers, uint64_t id,
                   struct producer **ret_producer)
{
    size_t index = id_index(producers, id);

    if (id > producers->mark) {
        return QL_NOT_FOUND;
    }
    if (id <= producers->void_mark) {
        return QL_RESTORED;
    }
    if (index == producers->count || producers->by_id[index]->id != id) {
        return QL_PRODUCER_EXPIRED;
    }
    *ret_producer = producers->by_id[index];
    return 0;
}

void producers_use(struct producers *producers, struct producer *producer,
                   uint64_t time_ms)
{
    producers->use_last++;
    producer->use = producers->use_last;
    producer->used_at_ms = time_ms;
    list_remove(&producer->use_link);
    list_push_back(&producers->by_use, &producer->use_link);
    list_remove(&producer->changed_link);
    list_push_back(&producers->changed, &producer->changed_link);
}

struct producer *producers_idle(const struct producers *producers,
                                uint64_t time_ms)
{
    struct producer *producer;

    if (list_empty(&producers->by_use)) {
        return NULL;
    }
    producer = LIST_ITEM(producers->by_use.next, struct producer, use_link);
    if (time_ms < producer->used_at_ms ||
        time_ms - producer->used_at_ms <= PRODUCER_TTL_MS) {
        return NULL;
    }
    return producer;
}

void producers_widen(struct producers *producers, struct producer *producer)
{
    assert(!producer_is_wide(producer));
    assert(producer->last == 0);
    assert(producers->wide < PRODUCERS_WIDE_MAX);
    producer->window = PRODUCER_WINDOW_WIDE;
    producers->wide++;
}

/* The least recently used wide one, if nobody waits for its answers any more. Its
 * client may go on as before: when it repeats what is no longer kept it hears that
 * nobody knows. */
static void narrow_idle(struct producers *producers, uint64_t time_ms)
{
    struct list *link;

    for (link = producers->by_use.next; link != &producers->by_use;
         link = link->next) {
        struct producer *producer = LIST_ITEM(link, struct producer, use_link);

        if (time_ms - producer->used_at_ms <= PRODUCER_WIDE_IDLE_MS) {
            return;
        }
        if (producer_is_wide(producer)) {
            producer->window = PRODUCER_WINDOW;
            producers->wide--;
            if (producer->room > PRODUCER_WINDOW) {
                set_room(producer, PRODUCER_WINDOW);
            }
            list_remove(&producer->changed_link);
            list_push_back(&producers->changed, &producer->changed_link);
            return;
        }
    }
}

/* ---- One producer -------------------------------------------------------- */

bool producer_is_wide(const struct producer *producer)
{
    return producer->window == PRODUCER_WINDOW_WIDE;
}

uint32_t producer_window(const struct producer *producer)
{
    return producer->last < producer->window ? (uint32_t)producer->last
                                             : producer->window;
}

const struct producer_result *producer_result(const struct producer *producer,
                                              uint64_t sequence)
{
    if (sequence == 0 || sequence > producer->last ||
        producer->last - sequence >= producer->window) {
        return NULL;
    }
    return &producer->results[sequence % producer->room];
}

void producer_keep(struct producer *producer, const struct outcome *outcome)
{
    const struct append_result *append = &outcome->append;
    struct producer_result *result;

    if (producer->last == producer->room && producer->room < producer->window) {
        set_room(producer,
                 producer->room == 0 ? RESULTS_FIRST : producer->room * 2);
    }
    producer->last++;
    result = &producer->results[producer->last % producer->room];
    free(result->places);
    memset(result, 0, sizeof(*result));
    result->code = outcome->code;
    result->position = outcome->position;
    result->log_uid = outcome->log_uid;
    if (outcome->code != 0) {
        return;
    }
    result->time_ms = append->time_ms;
    result->count = (uint32_t)append->count;
    result->place = append->places[0];
    if (append->count > 1) {
        result->places = mem_must_dup(
            append->places, append->count * sizeof(append->places[0]));
    }
}

void producer_set_last(struct producer *producer, uint64_t last)
{
    assert(producer->room == 0);
    producer->last = last;
    if (last == 0) {
        return;
    }
    producer->room = RESULTS_FIRST;
    while (producer->room < producer_window(producer)) {
        producer->room *= 2;
    }
    producer->results =
        mem_must_array(producer->room, sizeof(*producer->results));
}

void producer_set_result(struct producer *producer, uint64_t sequence,
                         const struct producer_result *result)
{
    assert(producer_result(producer, sequence) != NULL);
    producer->results[sequence % producer->room] = *result;
}

void producer_result_fill(const struct producer_result *result,
                          struct outcome *ret)
{
    const struct append_place *places =
        result->places == NULL ? &result->place : result->places;

    ret->code = result->code;
    ret->position = result->position;
    ret->log_uid = result->log_uid;
    ret->append.time_ms = result->time_ms;
    ret->append.count = result->count;
    if (result->count > 0) {
        memcpy(ret->append.places, places, result->count * sizeof(*places));
    }
}

/* ---- Helpers ------------------------------------------------------------- */

/* Index in by_id of the first producer whose id is not below @id. */
static size_t id_index(const struct producers *producers, uint64_t id)
{
    size_t from = 0;
    size_t to = producers->count;

    while (from < to) {
        size_t middle = from + (to - from) / 2;

        if (producers->by_id[middle]->id < id) {
            from = middle + 1;
        } else {
            to = middle;
        }
    }
    return from;
}

static void producer_free(struct producer *producer)
{
    uint32_t i;

    list_remove(&producer->use_link);
    list_remove(&producer->changed_link);
    for (i = 0; i < producer->room; i++) {
        free(producer->results[i].places);
    }
    free(producer->results);
    free(producer);
}

/* Keeps as many of the last results as fit, and no others. */
static void set_room(struct producer *producer, uint32_t room)
{
    struct producer_result *results = mem_must_array(room, sizeof(*results));
    uint64_t kept = producer->last < room ? producer->last : room;
    uint64_t sequence;
    uint32_t i;

    if (kept > producer->room) {
        kept = producer->room;
    }
    for (sequence = producer->last - kept + 1; sequence <= producer->last;
         sequence++) {
        struct producer_result *from =
            &producer->results[sequence % producer->room];

        results[sequence % room] = *from;
        from->places = NULL;
    }
    for (i = 0; i < producer->room; i++) {
        free(producer->results[i].places);
    }
    free(producer->results);
    producer->results = results;
    producer->room = room;
}
