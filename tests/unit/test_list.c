/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "support/cmocka.h"
#include "util/list.h"

struct item {
    int number;
    struct list link;
};

static int first_number(const struct list *head)
{
    return LIST_ITEM(head->next, struct item, link)->number;
}

static void items_come_out_in_the_order_they_went_in(void **state)
{
    struct item items[3] = {{.number = 1}, {.number = 2}, {.number = 3}};
    struct list head;

    (void)state;
    list_init(&head);
    assert_true(list_empty(&head));
    for (int i = 0; i < 3; i++) {
        list_push_back(&head, &items[i].link);
    }
    for (int i = 1; i <= 3; i++) {
        assert_false(list_empty(&head));
        assert_int_equal(first_number(&head), i);
        list_remove(head.next);
    }
    assert_true(list_empty(&head));
}

static void removing_twice_is_harmless(void **state)
{
    struct item items[2] = {{.number = 1}, {.number = 2}};
    struct list head;

    (void)state;
    list_init(&head);
    list_push_back(&head, &items[0].link);
    list_push_back(&head, &items[1].link);
    list_remove(&items[0].link);
    list_remove(&items[0].link);
    assert_true(list_empty(&items[0].link));
    assert_int_equal(first_number(&head), 2);
    list_push_back(&head, &items[0].link);
    assert_ptr_equal(head.prev, &items[0].link);
}

static void move_all_appends_and_empties(void **state)
{
    struct item items[3] = {{.number = 1}, {.number = 2}, {.number = 3}};
    struct list to;
    struct list from;

    (void)state;
    list_init(&to);
    list_init(&from);
    list_move_all(&to, &from);
    assert_true(list_empty(&to));

    list_push_back(&to, &items[0].link);
    list_push_back(&from, &items[1].link);
    list_push_back(&from, &items[2].link);
    list_move_all(&to, &from);
    assert_true(list_empty(&from));
    for (int i = 1; i <= 3; i++) {
        assert_int_equal(first_number(&to), i);
        list_remove(to.next);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(items_come_out_in_the_order_they_went_in),
        cmocka_unit_test(removing_twice_is_harmless),
        cmocka_unit_test(move_all_appends_and_empties),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
