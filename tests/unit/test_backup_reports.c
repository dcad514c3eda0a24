/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* Node 2 of 1 to 3 hears what the others have. */
#include "consensus/backup_reports.h"

#include "support/cmocka.h"
#include "util/err.h"

#define NOW 100000ull

struct fixture {
    struct identity identity;
    struct backup_reports reports;
};

static void setup(struct fixture *fixture)
{
    *fixture = (struct fixture){.identity = {.node = 2, .members_count = 3}};
    for (size_t i = 0; i < 3; i++) {
        fixture->identity.members[i].id = i + 1;
    }
    backup_reports_init(&fixture->reports, &fixture->identity);
}

static int hear(struct fixture *fixture, uint64_t from,
                const struct backup_report_item *items, size_t count,
                uint64_t now_ms)
{
    uint8_t bytes[BACKUP_REPORT_HEAD_LEN + 4 * BACKUP_REPORT_ITEM_LEN];

    backup_report_encode(items, count, bytes);
    return backup_reports_hear(&fixture->reports, from, bytes,
                               backup_report_len(count), now_ms);
}

static void what_was_said_last_holds(void **state)
{
    const struct backup_report_item first[] = {{3, 7, BACKUP_VERIFIED},
                                               {5, 0, BACKUP_WRITING}};
    const struct backup_report_item second[] = {{5, 9, BACKUP_VERIFIED}};
    struct backup_report_item item;
    struct fixture fixture;

    (void)state;
    setup(&fixture);
    assert_false(backup_reports_is_fresh(&fixture.reports, 1, NOW));
    assert_false(backup_reports_find(&fixture.reports, 1, 3, NOW, &item));
    assert_int_equal(hear(&fixture, 1, first, 2, NOW), 0);
    assert_true(backup_reports_find(&fixture.reports, 1, 3, NOW, &item));
    assert_int_equal(item.state, BACKUP_VERIFIED);
    assert_int_equal(item.verified_at_ms, 7);
    assert_false(backup_reports_find(&fixture.reports, 3, 3, NOW, &item));

    assert_int_equal(hear(&fixture, 1, second, 1, NOW), 0);
    assert_true(backup_reports_find(&fixture.reports, 1, 3, NOW, &item));
    assert_int_equal(item.state, BACKUP_MISSING);
    assert_true(backup_reports_find(&fixture.reports, 1, 5, NOW, &item));
    assert_int_equal(item.state, BACKUP_VERIFIED);

    assert_int_equal(hear(&fixture, 1, NULL, 0, NOW), 0);
    assert_true(backup_reports_find(&fixture.reports, 1, 5, NOW, &item));
    assert_int_equal(item.state, BACKUP_MISSING);
    backup_reports_close(&fixture.reports);
}

static void old_word_is_not_believed(void **state)
{
    const struct backup_report_item items[] = {{3, 7, BACKUP_VERIFIED}};
    struct backup_report_item item;
    struct fixture fixture;

    (void)state;
    setup(&fixture);
    assert_int_equal(hear(&fixture, 3, items, 1, NOW), 0);
    assert_true(backup_reports_is_fresh(&fixture.reports, 3,
                                        NOW + BACKUP_REPORT_AGE_MS - 1));
    assert_false(backup_reports_is_fresh(&fixture.reports, 3,
                                         NOW + BACKUP_REPORT_AGE_MS));
    assert_false(backup_reports_find(&fixture.reports, 3, 3,
                                     NOW + BACKUP_REPORT_AGE_MS, &item));
    backup_reports_close(&fixture.reports);
}

static void strangers_and_nonsense_change_nothing(void **state)
{
    const struct backup_report_item items[] = {{3, 7, BACKUP_VERIFIED}};
    static const uint8_t nonsense[] = {1, 0, 0, 0, 9, 0, 0, 0};
    struct backup_report_item item;
    struct fixture fixture;

    (void)state;
    setup(&fixture);
    assert_int_equal(hear(&fixture, 1, items, 1, NOW), 0);
    assert_int_equal(hear(&fixture, 2, items, 1, NOW), 0);
    assert_int_equal(hear(&fixture, 77, items, 1, NOW), 0);
    assert_int_equal(backup_reports_hear(&fixture.reports, 1, nonsense,
                                         sizeof nonsense, NOW),
                     QL_PROTOCOL);
    assert_false(backup_reports_is_fresh(&fixture.reports, 2, NOW));
    assert_true(backup_reports_find(&fixture.reports, 1, 3, NOW, &item));
    assert_int_equal(item.state, BACKUP_VERIFIED);
    backup_reports_close(&fixture.reports);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_said_last_holds),
        cmocka_unit_test(old_word_is_not_believed),
        cmocka_unit_test(strangers_and_nonsense_change_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
