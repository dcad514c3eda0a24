/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include <stdlib.h>
#include <string.h>

#include "support/cmocka.h"
#include "util/map.h"

#define MANY 5000

static int values[MANY];

static void set_value_is_found_and_removed_value_is_not(void **state)
{
    struct map *map = map_new(1);
    void *old = &values[9];

    (void)state;
    assert_non_null(map);
    assert_null(map_get(map, "a", 1));
    assert_int_equal(map_set(map, "a", 1, &values[0], &old), 0);
    assert_null(old);
    assert_int_equal(map_set(map, "ab", 2, &values[1], NULL), 0);
    assert_int_equal(map_set(map, NULL, 0, &values[2], NULL), 0);
    assert_int_equal(map_count(map), 3);
    assert_ptr_equal(map_get(map, "a", 1), &values[0]);
    assert_ptr_equal(map_get(map, "ab", 2), &values[1]);
    assert_ptr_equal(map_get(map, "", 0), &values[2]);
    assert_null(map_get(map, "abc", 3));

    assert_int_equal(map_set(map, "a", 1, &values[3], &old), 0);
    assert_ptr_equal(old, &values[0]);
    assert_int_equal(map_count(map), 3);
    assert_ptr_equal(map_remove(map, "a", 1), &values[3]);
    assert_null(map_remove(map, "a", 1));
    assert_null(map_get(map, "a", 1));
    assert_int_equal(map_count(map), 2);
    map_free(map);
}

static void keys_are_copied(void **state)
{
    struct map *map = map_new(1);
    char key[] = "key";

    (void)state;
    assert_int_equal(map_set(map, key, 3, &values[0], NULL), 0);
    memset(key, 'x', sizeof key);
    assert_ptr_equal(map_get(map, "key", 3), &values[0]);
    map_free(map);
}

/* Every answer is compared with a plain array's. */
static void random_changes_agree_with_an_array(void **state)
{
    struct map *map = map_new(42);
    bool present[MANY] = {false};
    uint32_t random = 12345;
    size_t count = 0;

    (void)state;
    for (int step = 0; step < 20 * MANY; step++) {
        uint32_t i;

        random = random * 1664525u + 1013904223u;
        i = (random >> 8) % MANY;
        if ((random & 0x80) != 0) {
            void *removed = map_remove_u64(map, i);

            assert_ptr_equal(removed, present[i] ? &values[i] : NULL);
            count -= present[i] ? 1 : 0;
            present[i] = false;
        } else {
            assert_int_equal(map_set_u64(map, i, &values[i], NULL), 0);
            count += present[i] ? 0 : 1;
            present[i] = true;
        }
        assert_int_equal(map_count(map), count);
    }
    for (uint32_t i = 0; i < MANY; i++) {
        assert_ptr_equal(map_get_u64(map, i), present[i] ? &values[i] : NULL);
    }
    map_free(map);
}

static void walk_gives_each_item_once_and_allows_removal(void **state)
{
    struct map *map = map_new(7);
    bool seen[MANY] = {false};
    struct map_item item;
    size_t iterator = 0;
    size_t count = 0;

    (void)state;
    for (uint64_t i = 0; i < MANY; i++) {
        assert_int_equal(map_set_u64(map, i, &values[i], NULL), 0);
    }
    while (map_next(map, &iterator, &item)) {
        size_t i = (size_t)((int *)item.value - values);

        assert_false(seen[i]);
        seen[i] = true;
        count++;
        if (i % 2 == 0) {
            assert_ptr_equal(map_remove(map, item.key, item.key_len),
                             &values[i]);
        }
    }
    assert_int_equal(count, MANY);
    assert_int_equal(map_count(map), MANY / 2);
    map_free(map);
}

static void sorted_items_do_not_depend_on_the_seed(void **state)
{
    static const char *const keys[] = {"b", "a", "ab", "", "aa", "\xff"};
    static const char *const order[] = {"", "a", "aa", "ab", "b", "\xff"};

    (void)state;
    for (uint64_t seed = 0; seed < 20; seed++) {
        struct map *map = map_new(seed);
        struct map_item *items;
        size_t count;

        for (size_t i = 0; i < 6; i++) {
            assert_int_equal(
                map_set(map, keys[i], strlen(keys[i]), &values[i], NULL), 0);
        }
        assert_int_equal(map_sorted(map, &items, &count), 0);
        assert_int_equal(count, 6);
        for (size_t i = 0; i < 6; i++) {
            assert_int_equal(items[i].key_len, strlen(order[i]));
            assert_memory_equal(items[i].key, order[i], items[i].key_len);
        }
        free(items);
        map_free(map);
    }
}

static void numbers_are_sorted_by_value(void **state)
{
    static const uint64_t numbers[] = {256, 1, UINT64_MAX, 0, 255};
    static const size_t order[] = {3, 1, 4, 0, 2};
    struct map *map = map_new(3);
    struct map_item *items;
    size_t count;

    (void)state;
    for (size_t i = 0; i < 5; i++) {
        assert_int_equal(map_set_u64(map, numbers[i], &values[i], NULL), 0);
    }
    assert_int_equal(map_sorted(map, &items, &count), 0);
    assert_int_equal(count, 5);
    for (size_t i = 0; i < 5; i++) {
        assert_ptr_equal(items[i].value, &values[order[i]]);
    }
    free(items);
    map_free(map);
}

static void empty_map_is_sorted_too(void **state)
{
    struct map *map = map_new(3);
    struct map_item *items;
    size_t count;

    (void)state;
    assert_int_equal(map_sorted(map, &items, &count), 0);
    assert_int_equal(count, 0);
    free(items);
    map_free(map);
    map_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(set_value_is_found_and_removed_value_is_not),
        cmocka_unit_test(keys_are_copied),
        cmocka_unit_test(random_changes_agree_with_an_array),
        cmocka_unit_test(walk_gives_each_item_once_and_allows_removal),
        cmocka_unit_test(sorted_items_do_not_depend_on_the_seed),
        cmocka_unit_test(numbers_are_sorted_by_value),
        cmocka_unit_test(empty_map_is_sorted_too),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
