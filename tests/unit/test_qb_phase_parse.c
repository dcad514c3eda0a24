/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include <string.h>

#include "qb_phase_parse.h"
#include "quorlog.h"
#include "support/cmocka.h"

static void phase_is_a_time_and_a_name(void **state)
{
    struct qb_phase phase;

    (void)state;
    assert_int_equal(qb_phase_parse(&phase, "2s:kill-leader", NULL), 0);
    assert_int_equal(phase.kind, QB_PHASE_KILL_LEADER);
    assert_int_equal(phase.at_ms, 2000);
    assert_int_equal(phase.lasts_ms, QB_PHASE_LASTS_MS);
    assert_int_equal(qb_phase_parse(&phase, "0:snapshot", NULL), 0);
    assert_int_equal(phase.kind, QB_PHASE_SNAPSHOT);
    assert_int_equal(phase.at_ms, 0);
    assert_int_equal(phase.lasts_ms, 0);
    assert_int_equal(qb_phase_parse(&phase, "1m:backup", NULL), 0);
    assert_int_equal(phase.kind, QB_PHASE_BACKUP);
    assert_int_equal(phase.at_ms, 60000);
}

static void kill_and_pause_may_say_how_long(void **state)
{
    struct qb_phase phase;

    (void)state;
    assert_int_equal(qb_phase_parse(&phase, "2:pause-leader=250ms", NULL), 0);
    assert_int_equal(phase.kind, QB_PHASE_PAUSE_LEADER);
    assert_int_equal(phase.lasts_ms, 250);
    assert_int_equal(qb_phase_parse(&phase, "500ms:kill-leader=4s", NULL), 0);
    assert_int_equal(phase.at_ms, 500);
    assert_int_equal(phase.lasts_ms, 4000);
}

static void slow_disk_has_a_node_and_a_delay(void **state)
{
    struct qb_phase phase;

    (void)state;
    assert_int_equal(qb_phase_parse(&phase, "1s:slow-disk=2:20ms", NULL), 0);
    assert_int_equal(phase.kind, QB_PHASE_SLOW_DISK);
    assert_int_equal(phase.node, 2);
    assert_int_equal(phase.delay_ms, 20);
    assert_int_equal(phase.lasts_ms, QB_PHASE_LASTS_MS);
    assert_int_equal(qb_phase_parse(&phase, "1s:slow-disk=leader:5ms:3s", NULL),
                     0);
    assert_int_equal(phase.node, 0);
    assert_int_equal(phase.delay_ms, 5);
    assert_int_equal(phase.lasts_ms, 3000);
}

static void what_is_no_phase_is_refused(void **state)
{
    static const char *const texts[] = {
        "",
        ":",
        "2s",
        "2s:",
        ":kill-leader",
        "kill-leader:2s",
        "2s:kill-leader=",
        "2s:kill-leader=0",
        "2s:kill-leader=x",
        "2s:snapshot=1s",
        "2s:backup=",
        "2s:slow-disk",
        "2s:slow-disk=",
        "2s:slow-disk=1",
        "2s:slow-disk=:20ms",
        "2s:slow-disk=0:20ms",
        "2s:slow-disk=99:20ms",
        "2s:slow-disk=1:",
        "2s:slow-disk=1:0",
        "2s:slow-disk=1:20ms:",
        "2s:slow-disk=1:20ms:1s:1s",
        "-2s:backup",
        "2s:a-name-that-is-longer-than-any-of-a-phase",
    };

    (void)state;
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        struct qb_phase phase;
        struct err err = {.code = 0};

        assert_int_equal(qb_phase_parse(&phase, texts[i], &err), QL_INVALID);
        assert_non_null(strstr(err.text, "--phase"));
    }
}

static void misspelt_phase_is_told_the_nearest_name(void **state)
{
    struct qb_phase phase;
    struct err err;

    (void)state;
    assert_int_equal(qb_phase_parse(&phase, "2s:kill-leadr", &err), QL_INVALID);
    assert_non_null(strstr(err.text, "did you mean kill-leader"));
}

static void only_what_needs_signals_or_cgroups_needs_own_nodes(void **state)
{
    (void)state;
    assert_true(qb_phase_needs_own(QB_PHASE_KILL_LEADER));
    assert_true(qb_phase_needs_own(QB_PHASE_PAUSE_LEADER));
    assert_true(qb_phase_needs_own(QB_PHASE_SLOW_DISK));
    assert_false(qb_phase_needs_own(QB_PHASE_SNAPSHOT));
    assert_false(qb_phase_needs_own(QB_PHASE_BACKUP));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(phase_is_a_time_and_a_name),
        cmocka_unit_test(kill_and_pause_may_say_how_long),
        cmocka_unit_test(slow_disk_has_a_node_and_a_delay),
        cmocka_unit_test(what_is_no_phase_is_refused),
        cmocka_unit_test(misspelt_phase_is_told_the_nearest_name),
        cmocka_unit_test(only_what_needs_signals_or_cgroups_needs_own_nodes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
