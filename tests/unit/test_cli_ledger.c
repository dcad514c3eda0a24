/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include <string.h>

#include "cli/ledger.h"
#include "cli/progress.h"
#include "cli/strbuf.h"
#include "support/cmocka.h"

static const struct ql_error unknown = {.code = QL_OUTCOME_UNKNOWN};
static const struct ql_error fenced = {.code = QL_FENCED};

static void assert_text(const struct ledger *ledger, uint64_t next_line,
                        const char *expected)
{
    struct buf text = BUF_INIT;

    ledger_text(ledger, next_line, &text);
    assert_string_equal(strbuf_text(&text), expected);
    buf_close(&text);
}

static void neighbours_become_one_range(void **state)
{
    struct ledger ledger = {.count = 0};

    (void)state;
    ledger_acknowledged(&ledger, 1, 512, 100);
    ledger_acknowledged(&ledger, 513, 512, 700);
    assert_int_equal(ledger.count, 1);
    assert_int_equal(ledger.acknowledged, 1024);
    assert_int_equal(ledger.first_position, 100);
    assert_int_equal(ledger.last_position, 1211);
    assert_int_equal(ledger_code(&ledger), 0);
    assert_text(&ledger, 0, "1024 lines acknowledged: 1-1024");
}

static void nothing_acknowledged_is_said(void **state)
{
    struct ledger ledger = {.count = 0};

    (void)state;
    ledger_failed(&ledger, 1, 1, &fenced);
    assert_int_equal(ledger_code(&ledger), QL_FENCED);
    assert_text(&ledger, 2,
                "0 lines acknowledged; line 1: not appended (FENCED); "
                "line 2 and on: not sent");
}

static void an_open_outcome_matters_most(void **state)
{
    struct ledger ledger = {.count = 0};

    (void)state;
    ledger_acknowledged(&ledger, 1, 10, 1);
    ledger_failed(&ledger, 11, 5, &fenced);
    ledger_failed(&ledger, 16, 5, &unknown);
    ledger_acknowledged(&ledger, 21, 1, 11);
    assert_int_equal(ledger_code(&ledger), QL_OUTCOME_UNKNOWN);
    assert_int_equal(ledger.error.code, QL_FENCED);
    assert_text(&ledger, 22,
                "11 lines acknowledged: 1-10, 21; "
                "lines 11-15: not appended (FENCED); "
                "lines 16-20: outcome unknown; line 22 and on: not sent");
}

static void assert_progress(uint64_t lines, uint64_t bytes, uint64_t total,
                            uint64_t elapsed_ms, const char *expected)
{
    char text[128];

    progress_text(lines, bytes, total, elapsed_ms, text, sizeof text);
    assert_string_equal(text, expected);
}

static void progress_has_a_bar_when_the_end_is_known(void **state)
{
    (void)state;
    assert_progress(0, 0, 0, 0, "0 lines  0 B  0 lines/s");
    assert_progress(820, 5 << 20, 0, 2000, "820 lines  5.0 MiB  410 lines/s");
    assert_progress(820, 5 << 20, 10 << 20, 2000,
                    "820 lines  5.0 MiB  [==========>         ]  50%  "
                    "410 lines/s");
    /* The file grew. */
    assert_progress(10, 12 << 20, 10 << 20, 1000,
                    "10 lines  12.0 MiB  [====================] 100%  "
                    "10 lines/s");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(neighbours_become_one_range),
        cmocka_unit_test(nothing_acknowledged_is_said),
        cmocka_unit_test(an_open_outcome_matters_most),
        cmocka_unit_test(progress_has_a_bar_when_the_end_is_known),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
