/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "machine/chunk_list.h"

#include "machine/merge.h"
#include "support/cmocka.h"

#define CHUNK_LEN 24u /* of a chunk with one empty entry */

static struct chunk *stub(uint64_t position, uint32_t len)
{
    struct chunk_facts facts = {
        .name = {1, position, position, {0}}, .len = len, .entries = 1};

    return chunk_stub(&facts);
}

/* Chunks 1 to 5. */
static struct chunk_list *five(void)
{
    struct chunk_list *list = NULL;

    for (uint64_t i = 1; i <= 5; i++) {
        chunk_list_push(&list, stub(i, CHUNK_LEN));
    }
    return list;
}

static void expect(const struct chunk_list *list, const uint64_t *firsts,
                   size_t count)
{
    assert_int_equal(chunk_list_count(list), count);
    for (size_t i = 0; i < count; i++) {
        assert_int_equal(chunk_list_at(list, i)->name.first, firsts[i]);
    }
}

static void no_list_is_an_empty_one(void **state)
{
    (void)state;
    assert_int_equal(chunk_list_count(NULL), 0);
    assert_int_equal(chunk_list_find(NULL, 1), 0);
    assert_null(chunk_list_ref(NULL));
    chunk_list_drop(NULL);
}

static void a_list_nobody_shares_changes_in_place(void **state)
{
    struct chunk_list *list = five();
    struct chunk_list *before = list;

    (void)state;
    chunk_list_replace(&list, 2, stub(9, CHUNK_LEN));
    chunk_list_shift(&list, 1);
    assert_ptr_equal(list, before);
    expect(list, (uint64_t[]){2, 3, 9}, 3);
    assert_int_equal(chunk_list_at(list, 0)->refs, 1);
    chunk_list_drop(list);
}

static void a_shared_list_keeps_what_it_had(void **state)
{
    struct chunk_list *list = five();
    struct chunk_list *shared[4];

    (void)state;
    shared[0] = chunk_list_ref(list);
    chunk_list_push(&list, stub(6, CHUNK_LEN));
    shared[1] = chunk_list_ref(list);
    chunk_list_replace(&list, 5, stub(7, CHUNK_LEN));
    shared[2] = chunk_list_ref(list);
    chunk_list_set(&list, 0, stub(8, CHUNK_LEN));
    shared[3] = chunk_list_ref(list);
    chunk_list_shift(&list, 1);
    expect(shared[0], (uint64_t[]){1, 2, 3, 4, 5}, 5);
    expect(shared[1], (uint64_t[]){1, 2, 3, 4, 5, 6}, 6);
    expect(shared[2], (uint64_t[]){1, 7}, 2);
    expect(shared[3], (uint64_t[]){8, 7}, 2);
    expect(list, (uint64_t[]){7}, 1);
    assert_int_equal(chunk_list_at(shared[0], 0)->refs, 3);
    assert_int_equal(chunk_list_at(list, 0)->refs, 3);
    for (size_t i = 0; i < 4; i++) {
        chunk_list_drop(shared[i]);
    }
    assert_int_equal(chunk_list_at(list, 0)->refs, 1);
    chunk_list_shift(&list, 1);
    assert_null(list);
}

static void find_gives_the_first_that_is_not_before(void **state)
{
    struct chunk_list *list = NULL;

    (void)state;
    chunk_list_push(&list, stub(3, CHUNK_LEN));
    chunk_list_push(&list, stub(7, CHUNK_LEN));
    assert_int_equal(chunk_list_find(list, 1), 0);
    assert_int_equal(chunk_list_find(list, 3), 0);
    assert_int_equal(chunk_list_find(list, 4), 1);
    assert_int_equal(chunk_list_find(list, 7), 1);
    assert_int_equal(chunk_list_find(list, 8), 2);
    chunk_list_drop(list);
}

/* ---- Which of them merge ---- */

#define BYTES 6400u /* chunk_bytes: the classes begin at 100, 800 and 6400 */

/* The run that merges when chunks of @lens stand at the end. */
static size_t run_of(const uint32_t *lens, size_t count)
{
    struct chunk_list *list = NULL;
    size_t run;

    for (size_t i = 0; i < count; i++) {
        chunk_list_push(&list, stub(i + 1, lens[i]));
    }
    run = merge_run(list, merge_class(lens[count - 1], BYTES), BYTES);
    chunk_list_drop(list);
    return run;
}

static void a_class_is_how_many_bounds_are_reached(void **state)
{
    (void)state;
    assert_int_equal(merge_class(99, BYTES), 0);
    assert_int_equal(merge_class(100, BYTES), 1);
    assert_int_equal(merge_class(799, BYTES), 1);
    assert_int_equal(merge_class(800, BYTES), 2);
    assert_int_equal(merge_class(6399, BYTES), 2);
    assert_int_equal(merge_class(6400, BYTES), 3);
    assert_int_equal(merge_class(1000000, BYTES), 3);
}

static void neighbours_merge_when_they_reach_the_next_class(void **state)
{
    (void)state;
    assert_int_equal(run_of((uint32_t[]){40, 40}, 2), 0);
    assert_int_equal(run_of((uint32_t[]){40, 40, 40}, 3), 3);
    assert_int_equal(run_of((uint32_t[]){50, 49}, 2), 0);
    assert_int_equal(run_of((uint32_t[]){50, 50}, 2), 2);
    assert_int_equal(run_of((uint32_t[]){500, 40, 500}, 3), 3);
    assert_int_equal(run_of((uint32_t[]){6000, 40, 700, 700}, 4), 3);
    assert_int_equal(run_of((uint32_t[]){9000, 9000}, 2), 0);
    assert_int_equal(run_of((uint32_t[]){99}, 1), 0);
}

static void larger_ones_end_a_run(void **state)
{
    (void)state;
    assert_int_equal(run_of((uint32_t[]){40, 40, 500, 40, 40}, 5), 0);
    assert_int_equal(run_of((uint32_t[]){40, 500, 40, 40, 40}, 5), 3);
}

static void many_merge_however_small_they_are(void **state)
{
    uint32_t lens[CHUNK_RUN_MAX];

    (void)state;
    for (size_t i = 0; i < CHUNK_RUN_MAX; i++) {
        lens[i] = 1;
    }
    assert_int_equal(run_of(lens, CHUNK_RUN_MAX - 1), 0);
    assert_int_equal(run_of(lens, CHUNK_RUN_MAX), CHUNK_RUN_MAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_list_is_an_empty_one),
        cmocka_unit_test(a_list_nobody_shares_changes_in_place),
        cmocka_unit_test(a_shared_list_keeps_what_it_had),
        cmocka_unit_test(find_gives_the_first_that_is_not_before),
        cmocka_unit_test(a_class_is_how_many_bounds_are_reached),
        cmocka_unit_test(neighbours_merge_when_they_reach_the_next_class),
        cmocka_unit_test(larger_ones_end_a_run),
        cmocka_unit_test(many_merge_however_small_they_are),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
