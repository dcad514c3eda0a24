/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "store/chunk_cover.h"

#include <stdlib.h>

#include "support/cmocka.h"

#define CHUNKS_MAX_HERE 16u

/* Chunks of log 1 of entries of 100 bytes; given in the order that is asked for. */
struct fixture {
    struct chunk *chunks[CHUNKS_MAX_HERE];
    size_t count;
};

static int setup(void **state)
{
    static struct fixture fixture;

    fixture.count = 0;
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

/* The first positions of the parts of @whole, whose reference is taken; 0: none. */
static void expect(const struct fixture *fixture, struct chunk *whole,
                   const uint64_t *firsts)
{
    size_t count = 0;
    struct chunk **parts =
        chunk_cover(fixture->chunks, fixture->count, whole, &count);

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

#define TEST(function)                                                         \
    cmocka_unit_test_setup_teardown(function, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(parts_follow_each_other),
        TEST(the_longest_is_not_always_the_right_one),
        TEST(the_last_part_has_the_chain),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
