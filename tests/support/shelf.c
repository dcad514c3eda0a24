/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "support/shelf.h"

#include <stdlib.h>
#include <string.h>

#include "support/cmocka.h"

struct kept {
    struct chunk_facts facts;
    uint8_t *bytes;
};

struct shelf {
    struct kept *kept;
    size_t count;
    size_t room;
};

struct shelf *shelf_new(void)
{
    struct shelf *shelf = calloc(1, sizeof(*shelf));

    assert_non_null(shelf);
    return shelf;
}

void shelf_free(struct shelf *shelf)
{
    for (size_t i = 0; i < shelf->count; i++) {
        free(shelf->kept[i].bytes);
    }
    free(shelf->kept);
    free(shelf);
}

static const struct kept *find_kept(const struct shelf *shelf,
                                    const struct chunk *chunk)
{
    for (size_t i = 0; i < shelf->count; i++) {
        if (chunk_name_equal(&shelf->kept[i].facts.name, &chunk->name)) {
            assert_true(chunk_has_facts(chunk, &shelf->kept[i].facts));
            return &shelf->kept[i];
        }
    }
    fail_msg("the bytes of a chunk were never kept");
    return NULL;
}

static void gather(const struct shelf *shelf, const struct chunk *chunk,
                   uint8_t *ret)
{
    if (chunk->memory != NULL) {
        memcpy(ret, chunk_bytes(chunk), chunk->len);
        return;
    }
    if (chunk->parts == NULL) {
        memcpy(ret, find_kept(shelf, chunk)->bytes, chunk->len);
        return;
    }
    for (size_t i = 0; i < chunk->parts->count; i++) {
        gather(shelf, chunk->parts->chunks[i], ret);
        ret += chunk->parts->chunks[i]->len;
    }
}

static void on_sealed(void *data, struct chunk *chunk,
                      const uint8_t from[HASH128_LEN])
{
    struct shelf *shelf = data;
    struct kept kept = {chunk_facts(chunk), malloc(chunk->len)};
    struct bytes bytes = {kept.bytes, chunk->len};

    assert_non_null(kept.bytes);
    gather(shelf, chunk, kept.bytes);
    assert_int_equal(chunk_memory_check(bytes, &kept.facts, from, NULL), 0);
    if (shelf->count == shelf->room) {
        shelf->room = shelf->room * 2 + 16;
        shelf->kept = realloc(shelf->kept, shelf->room * sizeof(*shelf->kept));
        assert_non_null(shelf->kept);
    }
    shelf->kept[shelf->count] = kept;
    shelf->count++;
}

void shelf_attach(struct shelf *shelf, struct machine *machine)
{
    const struct machine_chunk_events events = {on_sealed, shelf};

    machine_on_chunks(machine, &events);
}

void shelf_load(const struct shelf *shelf, struct chunk *chunk)
{
    const struct kept *kept = find_kept(shelf, chunk);
    struct chunk_memory *memory = chunk_memory_new(kept->facts.len);

    memcpy(chunk_memory_bytes(memory), kept->bytes, kept->facts.len);
    assert_int_equal(chunk_memory_mark(memory), 0);
    chunk_set_memory(chunk, memory);
}

static void put_away(void *data, struct chunk *chunk,
                     const uint8_t from[HASH128_LEN])
{
    (void)data;
    (void)from;
    chunk_clear_memory(chunk);
    chunk_clear_parts(chunk);
}

void shelf_put_away(const struct shelf *shelf, struct machine *machine)
{
    machine_each_chunk(machine, put_away, (void *)shelf);
}

size_t shelf_count(const struct shelf *shelf)
{
    return shelf->count;
}
