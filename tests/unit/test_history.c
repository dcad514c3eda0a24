/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "service/history.h"

#include <string.h>

#include "support/cmocka.h"

#define LIST_MAX 6u

/* A list of chunks, each given as its first and last position and one byte that
 * stands for its chain. */
struct list_of {
    struct chunk chunks[LIST_MAX];
    struct chunk *pointers[LIST_MAX];
    uint8_t base[HASH128_LEN];
    struct history history;
};

static void begin(struct list_of *list, uint8_t base)
{
    memset(list, 0, sizeof(*list));
    memset(list->base, base, sizeof(list->base));
    list->history.chunks = list->pointers;
    list->history.base = list->base;
}

static void add(struct list_of *list, uint64_t first, uint64_t last,
                uint8_t chain)
{
    struct chunk *chunk = &list->chunks[list->history.count];

    assert_true(list->history.count < LIST_MAX);
    chunk->name.first = first;
    chunk->name.last = last;
    memset(chunk->name.chain, chain, HASH128_LEN);
    chunk->entries = (uint32_t)(last - first + 1);
    chunk->payload = 10 * chunk->entries;
    list->pointers[list->history.count++] = chunk;
}

static void expect_meeting(const struct list_of *a, const struct list_of *b,
                           size_t in_a, size_t in_b)
{
    struct history_meeting met;

    assert_true(history_meet(&a->history, &b->history, &met));
    assert_int_equal(met.a, in_a);
    assert_int_equal(met.b, in_b);
    assert_true(history_meet(&b->history, &a->history, &met));
    assert_int_equal(met.a, in_b);
    assert_int_equal(met.b, in_a);
}

static void one_that_goes_on_meets_at_the_end_of_the_other(void **state)
{
    struct list_of a;
    struct list_of b;

    (void)state;
    begin(&a, 0);
    add(&a, 1, 10, 'a');
    add(&a, 11, 20, 'b');
    begin(&b, 0);
    add(&b, 1, 10, 'a');
    add(&b, 11, 20, 'b');
    add(&b, 21, 30, 'c');
    expect_meeting(&a, &b, 2, 2);
}

static void merged_chunks_meet_where_they_end(void **state)
{
    struct list_of a;
    struct list_of b;

    (void)state;
    begin(&a, 0);
    add(&a, 1, 5, 'a');
    add(&a, 6, 10, 'b');
    add(&a, 11, 20, 'c');
    begin(&b, 0);
    add(&b, 1, 10, 'b');
    add(&b, 11, 20, 'x');
    expect_meeting(&a, &b, 2, 1);
}

static void histories_that_part_at_once_meet_at_their_begin(void **state)
{
    struct list_of a;
    struct list_of b;

    (void)state;
    begin(&a, 0);
    add(&a, 1, 10, 'a');
    begin(&b, 0);
    add(&b, 1, 10, 'b');
    expect_meeting(&a, &b, 0, 0);
}

static void one_that_was_trimmed_meets_where_it_begins(void **state)
{
    struct list_of a;
    struct list_of b;

    (void)state;
    begin(&a, 0);
    add(&a, 1, 10, 'a');
    add(&a, 11, 15, 'b');
    begin(&b, 'a');
    add(&b, 11, 20, 'c');
    expect_meeting(&a, &b, 1, 0);
    /* All of it. */
    begin(&b, 'b');
    expect_meeting(&a, &b, 2, 0);
}

static void histories_without_a_common_chain_do_not_meet(void **state)
{
    struct history_meeting met;
    struct list_of a;
    struct list_of b;

    (void)state;
    begin(&a, 'x');
    add(&a, 11, 20, 'a');
    begin(&b, 'y');
    add(&b, 11, 20, 'b');
    assert_false(history_meet(&a.history, &b.history, &met));
}

static void sum_counts_from_a_position_inside_a_chunk(void **state)
{
    struct history_sum sum;
    struct list_of a;

    (void)state;
    begin(&a, 0);
    add(&a, 1, 10, 'a');
    add(&a, 11, 20, 'b');
    add(&a, 21, 30, 'c');
    sum = history_sum(&a.history, 3, 0);
    assert_int_equal(sum.entries, 30);
    assert_int_equal(sum.bytes, 300);
    sum = history_sum(&a.history, 2, 15);
    assert_int_equal(sum.entries, 6);
    assert_int_equal(sum.bytes, 100);
    sum = history_sum(&a.history, 2, 21);
    assert_int_equal(sum.entries, 0);
    assert_int_equal(sum.bytes, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_that_goes_on_meets_at_the_end_of_the_other),
        cmocka_unit_test(merged_chunks_meet_where_they_end),
        cmocka_unit_test(histories_that_part_at_once_meet_at_their_begin),
        cmocka_unit_test(one_that_was_trimmed_meets_where_it_begins),
        cmocka_unit_test(histories_without_a_common_chain_do_not_meet),
        cmocka_unit_test(sum_counts_from_a_position_inside_a_chunk),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
