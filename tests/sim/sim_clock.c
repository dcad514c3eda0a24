/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * The virtual clock with its events, the one source of randomness, and the
 * memory that lasts until a run ends.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sim/sim.h"
#include "util/mem.h"

#define CHUNK_LEN (1u << 18)

struct sim_chunk {
    struct list link;
    size_t room;
    max_align_t memory[];
};

/* ---- Events: by time, then by order of creation ---- */

/* Most events are for the present; they need no heap. */
static void push_soon(struct sim *sim, const struct sim_event *event)
{
    if (sim->soon_first == sim->soon_count) {
        sim->soon_first = 0;
        sim->soon_count = 0;
    }
    if (sim->soon_count == sim->soon_room) {
        sim->soon_room = sim->soon_room == 0 ? 256 : 2 * sim->soon_room;
        sim->soon =
            mem_must_resize(sim->soon, sim->soon_room * sizeof *sim->soon);
    }
    sim->soon[sim->soon_count] = *event;
    sim->soon_count++;
}

static bool is_before(const struct sim_event *a, const struct sim_event *b)
{
    return a->at < b->at || (a->at == b->at && a->sequence < b->sequence);
}

static void push_later(struct sim *sim, const struct sim_event *event)
{
    struct sim_event *events;
    size_t i = sim->event_count;

    if (i == sim->event_room) {
        sim->event_room = i == 0 ? 1024 : 2 * i;
        sim->events =
            mem_must_resize(sim->events, sim->event_room * sizeof *sim->events);
    }
    events = sim->events;
    sim->event_count++;
    while (i > 0 && is_before(event, &events[(i - 1) / 2])) {
        events[i] = events[(i - 1) / 2];
        i = (i - 1) / 2;
    }
    events[i] = *event;
}

void sim_at(struct sim *sim, uint64_t at, struct sim_node *node, sim_fire fire,
            void *data)
{
    struct sim_event event = {.at = at,
                              .sequence = sim->sequence,
                              .node = node,
                              .incarnation =
                                  node == NULL ? 0 : node->incarnation,
                              .fire = fire,
                              .data = data};

    sim->sequence++;
    if (at <= sim->now) {
        event.at = sim->now;
        push_soon(sim, &event);
    } else {
        push_later(sim, &event);
    }
}

static void drop_first(struct sim *sim)
{
    struct sim_event *events = sim->events;
    struct sim_event moved;
    size_t i = 0;

    sim->event_count--;
    moved = events[sim->event_count];
    for (;;) {
        size_t child = 2 * i + 1;

        if (child >= sim->event_count) {
            break;
        }
        if (child + 1 < sim->event_count &&
            is_before(&events[child + 1], &events[child])) {
            child++;
        }
        if (!is_before(&events[child], &moved)) {
            break;
        }
        events[i] = events[child];
        i = child;
    }
    events[i] = moved;
}

bool sim_take_event(struct sim *sim, struct sim_event *ret)
{
    bool has_soon = sim->soon_first < sim->soon_count;

    if (sim->event_count > 0 &&
        (!has_soon ||
         is_before(&sim->events[0], &sim->soon[sim->soon_first]))) {
        *ret = sim->events[0];
        drop_first(sim);
        return true;
    }
    if (has_soon) {
        *ret = sim->soon[sim->soon_first];
        sim->soon_first++;
    }
    return has_soon;
}

/* ---- Randomness ---- */

/* xorshift128+ */
uint64_t sim_random(struct sim *sim, uint64_t below)
{
    uint64_t a = sim->random_state[0];
    uint64_t b = sim->random_state[1];

    if (below == 0) {
        return 0;
    }
    sim->random_state[0] = b;
    a ^= a << 23;
    sim->random_state[1] = a ^ b ^ (a >> 17) ^ (b >> 26);
    return (sim->random_state[1] + b) % below;
}

bool sim_chance(struct sim *sim, double probability)
{
    return (double)sim_random(sim, 1000000) < probability * 1e6;
}

/* FNV-1a, eight bytes at a time. */
uint64_t sim_hash(const void *base, size_t len)
{
    const uint8_t *bytes = base;
    uint64_t hash = 1469598103934665603u;
    uint64_t word;

    for (; len >= sizeof word; len -= sizeof word, bytes += sizeof word) {
        memcpy(&word, bytes, sizeof word);
        hash = (hash ^ word) * 1099511628211u;
        hash ^= hash >> 32;
    }
    for (size_t i = 0; i < len; i++) {
        hash = (hash ^ bytes[i]) * 1099511628211u;
    }
    return hash;
}

/* ---- Memory ---- */

void *sim_alloc(struct sim *sim, size_t len)
{
    struct sim_chunk *chunk =
        LIST_ITEM(sim->chunks.prev, struct sim_chunk, link);
    uint8_t *memory;

    len = (len + sizeof(max_align_t) - 1) & ~(sizeof(max_align_t) - 1);
    if (list_empty(&sim->chunks) || sim->chunk_used + len > chunk->room) {
        size_t room = len > CHUNK_LEN ? len : CHUNK_LEN;

        chunk = mem_must_zalloc(sizeof *chunk + room);
        chunk->room = room;
        list_push_back(&sim->chunks, &chunk->link);
        sim->chunk_used = 0;
    }
    memory = (uint8_t *)chunk->memory + sim->chunk_used;
    sim->chunk_used += len;
    return memory;
}

struct sim_bytes sim_copy(struct sim *sim, const void *base, size_t len)
{
    struct sim_bytes bytes = {sim_alloc(sim, len), len};

    if (len > 0) {
        memcpy(bytes.base, base, len);
    }
    return bytes;
}

void sim_close_memory(struct sim *sim)
{
    while (!list_empty(&sim->chunks)) {
        struct sim_chunk *chunk =
            LIST_ITEM(sim->chunks.next, struct sim_chunk, link);

        list_remove(&chunk->link);
        free(chunk);
    }
    free(sim->events);
    free(sim->soon);
}

/* ---- Words ---- */

void sim_trace(struct sim *sim, const char *format, ...)
{
    va_list args;

    if (!sim->options.trace) {
        return;
    }
    printf("%7llu ", (unsigned long long)sim->now);
    va_start(args, format);
    (void)vprintf(format, args);
    va_end(args);
    printf("\n");
}

void sim_fail(struct sim *sim, const char *format, ...)
{
    va_list args;

    if (sim->violation[0] != '\0') {
        return;
    }
    va_start(args, format);
    (void)vsnprintf(sim->violation, sizeof sim->violation, format, args);
    va_end(args);
    sim_trace(sim, "VIOLATION %s", sim->violation);
}
