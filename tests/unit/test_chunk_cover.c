/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "store/chunk_cover.h"

#include <stdlib.h>
#include <string.h>

#include "support/cmocka.h"

#define CHUNKS_MAX_HERE 16u

/* Chunks of log 1 of entries of 100 bytes; given in the order that is asked for. */
struct fixture {
    struct chunk *chunks[CHUNKS_MAX_HERE];
    uint8_t from[CHUNKS_MAX_HERE][HASH128_LEN]; /* the chain before each */
    bool has_from;
    size_t count;
};

static int setup(void **state)
{
    static struct fixture fixture;

    memset(&fixture, 0, sizeof(fixture));
    *state = &fixture;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *fixture = *state;

    for (size_t i = 0; i < fixture->count; i++) {
        chunk_drop(fixture->chunks[i]);
    }
    return 0;
}

/* Its chain says where it ends, and @history. */
static struct chunk *chunk(uint64_t first, uint64_t last, uint32_t entries,
                           uint8_t history)
{
    struct chunk_facts facts = {.name = {1, first, last, {0}},
                                .last_time_ms = last,
                                .len = 100 * entries,
                                .entries = entries,
                                .payload = 76 * entries};

    facts.name.chain[0] = (uint8_t)last;
    facts.name.chain[1] = history;
    return chunk_stub(&facts);
}

static void add(struct fixture *fixture, uint64_t first, uint64_t last,
                uint8_t history)
{
    assert_true(fixture->count < CHUNKS_MAX_HERE);
    fixture->chunks[fixture->count] =
        chunk(first, last, (uint32_t)(last - first + 1), history);
    fixture->count++;
}

static void add_behind(struct fixture *fixture, uint64_t first, uint64_t last,
                       uint8_t history, uint8_t history_before)
{
    fixture->from[fixture->count][0] = (uint8_t)(first - 1);
    fixture->from[fixture->count][1] = history_before;
    fixture->has_from = true;
    add(fixture, first, last, history);
}

static const uint8_t *chain_before(const void *data, const struct chunk *chunk)
{
    const struct fixture *fixture = data;

    for (size_t i = 0; i < fixture->count; i++) {
        if (fixture->chunks[i] == chunk) {
            return fixture->from[i];
        }
    }
    return NULL;
}

/* The first positions of the parts of @whole, whose reference is taken; 0: none. */
static void expect(const struct fixture *fixture, struct chunk *whole,
                   const uint64_t *firsts)
{
    const struct cover_of of = {.whole = whole,
                                .chain_before =
                                    fixture->has_from ? chain_before : NULL,
                                .data = fixture};
    size_t count = 0;
    struct chunk **parts =
        chunk_cover(fixture->chunks, fixture->count, &of, &count);

    assert_int_equal(parts == NULL, firsts[0] == 0);
    for (size_t i = 0; parts != NULL && i < count; i++) {
        assert_int_equal(parts[i]->name.first, firsts[i]);
    }
    assert_int_equal(parts == NULL ? 0 : firsts[count], 0);
    free(parts);
    chunk_drop(whole);
}

static void parts_follow_each_other(void **state)
{
    struct fixture *fixture = *state;

    add(fixture, 1, 4, 0);
    add(fixture, 1, 2, 0);
    add(fixture, 3, 6, 0);
    add(fixture, 5, 8, 0);
    expect(fixture, chunk(1, 8, 8, 0), (const uint64_t[]){1, 5, 0});
    expect(fixture, chunk(1, 6, 6, 0), (const uint64_t[]){1, 3, 0});
    expect(fixture, chunk(1, 4, 4, 0), (const uint64_t[]){1, 0});
    expect(fixture, chunk(1, 7, 7, 0), (const uint64_t[]){0});
    expect(fixture, chunk(2, 8, 7, 0), (const uint64_t[]){0});
}

/* Entries 4 and 5 were lost to a recovery, and are in what it replaced. */
static void the_longest_is_not_always_the_right_one(void **state)
{
    struct fixture *fixture = *state;

    add(fixture, 1, 2, 0);
    add(fixture, 3, 5, 0);
    add(fixture, 3, 3, 0);
    add(fixture, 6, 7, 1);
    expect(fixture, chunk(1, 7, 5, 1), (const uint64_t[]){1, 3, 6, 0});
    expect(fixture, chunk(1, 5, 5, 0), (const uint64_t[]){1, 3, 0});
    expect(fixture, chunk(1, 7, 7, 1), (const uint64_t[]){1, 3, 6, 0});
}

static void the_last_part_has_the_chain(void **state)
{
    struct fixture *fixture = *state;

    add(fixture, 1, 4, 0);
    add(fixture, 5, 8, 0);
    expect(fixture, chunk(1, 8, 8, 1), (const uint64_t[]){0});
    add(fixture, 5, 8, 1);
    expect(fixture, chunk(1, 8, 8, 1), (const uint64_t[]){1, 5, 0});
}

/* Entries of equal lengths: one that an edit removed here, another one there. */
static void parts_of_another_history_are_left_alone(void **state)
{
    struct fixture *fixture = *state;

    add_behind(fixture, 1, 4, 1, 0);
    add_behind(fixture, 1, 4, 0, 0);
    add_behind(fixture, 1, 4, 2, 0);
    add_behind(fixture, 5, 8, 0, 0);
    expect(fixture, chunk(1, 8, 8, 0), (const uint64_t[]){1, 5, 0});
    add_behind(fixture, 9, 12, 3, 3);
    expect(fixture, chunk(1, 12, 12, 3), (const uint64_t[]){0});
}

static void the_first_part_begins_where_the_whole_does(void **state)
{
    struct fixture *fixture = *state;
    const uint8_t from[HASH128_LEN] = {0, 7};
    struct chunk *whole = chunk(1, 4, 4, 0);
    const struct cover_of of = {whole, from, chain_before, fixture};
    size_t count = 0;
    struct chunk **parts;

    add_behind(fixture, 1, 2, 1, 7);
    add_behind(fixture, 1, 2, 0, 6);
    add_behind(fixture, 3, 4, 0, 1);
    memcpy(fixture->from[2], fixture->chunks[0]->name.chain, HASH128_LEN);
    parts = chunk_cover(fixture->chunks, fixture->count, &of, &count);
    assert_non_null(parts);
    assert_int_equal(count, 2);
    assert_ptr_equal(parts[0], fixture->chunks[0]);
    free(parts);
    chunk_drop(whole);
}

#define TEST(function)                                                         \
    cmocka_unit_test_setup_teardown(function, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(parts_follow_each_other),
        TEST(the_longest_is_not_always_the_right_one),
        TEST(the_last_part_has_the_chain),
        TEST(parts_of_another_history_are_left_alone),
        TEST(the_first_part_begins_where_the_whole_does),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
