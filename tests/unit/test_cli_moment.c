/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "cli/moment.h"
#include "support/cmocka.h"

#define NOW_MS UINT64_C(1767323045678) /* 2026-01-02T03:04:05.678Z */

static void assert_moment(const char *text, uint64_t expected_ms)
{
    uint64_t ms = 0;

    assert_int_equal(moment_parse(text, NOW_MS, &ms, NULL), 0);
    assert_int_equal(ms, expected_ms);
}

static void a_time_is_read_as_tables_show_it(void **state)
{
    (void)state;
    assert_moment("2026-01-02T03:04:05.678Z", NOW_MS);
    assert_moment("2026-01-02T03:04:05Z", NOW_MS - 678);
    assert_moment("2026-01-02 03:04:05.6789z", NOW_MS);
    assert_moment("1970-01-01T00:00:00Z", 0);
    assert_moment("2024-02-29T00:00:00Z", UINT64_C(1709164800000));
}

static void a_time_may_have_an_offset_from_utc(void **state)
{
    (void)state;
    assert_moment("2026-01-02T04:34:05.678+01:30", NOW_MS);
    assert_moment("2026-01-01T22:04:05.678-05:00", NOW_MS);
}

static void a_duration_is_so_long_ago(void **state)
{
    (void)state;
    assert_moment("2h", NOW_MS - 2 * 3600 * 1000);
    assert_moment("500ms", NOW_MS - 500);
    assert_moment("0", NOW_MS);
}

static void what_is_no_moment_is_refused(void **state)
{
    static const char *const texts[] = {
        "",
        "yesterday",
        "2026-01-02",
        "2026-01-02T03:04:05",
        "2026-01-02T03:04Z",
        "2026-02-30T00:00:00Z",
        "2026-13-01T00:00:00Z",
        "2026-01-02T24:00:00Z",
        "2026-01-02T03:60:00Z",
        "2026-01-02T03:04:05.Z",
        "2026-01-02T03:04:05Zx",
        "2026-01-02T03:04:05+1:00",
        "2026-01-02T03:04:05+25:00",
        "1969-12-31T23:59:59Z",
        "1970-01-01T00:00:00+00:01",
        "-2h",
        "999999d",
    };
    struct err err;
    uint64_t ms = 7;
    size_t i;

    (void)state;
    for (i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        assert_int_equal(moment_parse(texts[i], NOW_MS, &ms, &err), QL_INVALID);
        assert_int_equal(ms, 7);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_time_is_read_as_tables_show_it),
        cmocka_unit_test(a_time_may_have_an_offset_from_utc),
        cmocka_unit_test(a_duration_is_so_long_ago),
        cmocka_unit_test(what_is_no_moment_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
