/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "service/recovery_stage.h"

#include <string.h>

#include "support/cmocka.h"
#include "support/recovery_rig.h"

#define STAGE_ID 7u

static const char *const logs[] = {"alpha", "beta", "empty"};
static struct log_stat backed_up[3]; /* of them */

/* "alpha" has 10 entries, "beta" 6, "empty" none, in the backup "b1". */
static int setup(void **state)
{
    struct recovery_rig *rig;

    recovery_rig_setup(state);
    rig = *state;
    recovery_rig_create(rig, "alpha");
    recovery_rig_create(rig, "beta");
    recovery_rig_create(rig, "empty");
    recovery_rig_append(rig, "alpha", 10);
    recovery_rig_append(rig, "beta", 6);
    recovery_rig_backup(rig, "b1");
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(
            machine_log_stat(
                node_machine(rig->rig.node),
                (struct bytes){(const uint8_t *)logs[i], strlen(logs[i])},
                &backed_up[i]),
            0);
    }
    return 0;
}

static const struct backup_row *row_of(const struct recovery_rig *rig,
                                       const char *name)
{
    return machine_find_backup(
        node_machine(rig->rig.node),
        (struct bytes){(const uint8_t *)name, strlen(name)});
}

static struct log_stat stat_of(const struct recovery_rig *rig,
                               enum machine_part part, const char *log)
{
    struct log_stat stat;

    assert_int_equal(
        machine_part_stat(node_machine(rig->rig.node), part,
                          (struct bytes){(const uint8_t *)log, strlen(log)},
                          &stat),
        0);
    return stat;
}

static void send_stage(struct recovery_rig *rig)
{
    assert_int_equal(recorder_send(&rig->client, STAGE_ID, "recovery.stage",
                                   "{'name': 'b1'}"),
                     0);
}

/* Until the draft has begun and its call is answered; no record is in it yet. */
static void begin_stage(struct recovery_rig *rig)
{
    send_stage(rig);
    while (rig->client.count == 0) {
        fake_backups_step(rig->backups);
        uv_run(&rig->rig.loop, UV_RUN_NOWAIT);
    }
    recorder_result(&rig->client, STAGE_ID);
}

static void expect_staged(const struct recovery_rig *rig)
{
    struct machine_part_info info = recovery_rig_part(rig, MACHINE_STAGED);

    assert_int_equal(info.logs, 3);
    assert_int_equal(info.entries, 16);
    for (size_t i = 0; i < 3; i++) {
        struct log_stat stat = stat_of(rig, MACHINE_STAGED, logs[i]);

        assert_int_equal(stat.uid, backed_up[i].uid);
        assert_int_equal(stat.incarnation, backed_up[i].incarnation);
        assert_int_equal(stat.tail, backed_up[i].tail);
        assert_int_equal(stat.entries, backed_up[i].entries);
        assert_memory_equal(stat.digest, backed_up[i].digest,
                            sizeof(stat.digest));
    }
}

static void chunks_that_are_live_are_referred_to(void **state)
{
    struct recovery_rig *rig = *state;
    struct recovery_stage_result result;
    struct machine_part_info info;
    struct err err;

    assert_int_equal(
        recovery_stage_result_decode(
            &result, recovery_rig_call(rig, "recovery.stage", "{'name': 'b1'}"),
            &err),
        0);
    info = recovery_rig_part(rig, MACHINE_STAGED);
    assert_int_equal(info.id, result.stage);
    assert_int_equal(info.revision, 1);
    assert_int_equal(info.source.len, 2);
    assert_int_equal(info.from_index, row_of(rig, "b1")->index);
    assert_int_equal(info.entries, 16);
    assert_int_equal(fake_backups_reads(rig->backups), 0);
}

static void bytes_of_others_come_from_the_backup(void **state)
{
    struct recovery_rig *rig = *state;

    recovery_rig_delete(rig, "alpha");
    recovery_rig_create(rig, "alpha");
    recovery_rig_append(rig, "alpha", 2);
    recovery_rig_stage(rig, "b1");
    expect_staged(rig);
    /* Two sealed chunks; that of "beta" is live, and open ones are in the front. */
    assert_int_equal(fake_backups_reads(rig->backups), 2);
}

static void staged_logs_are_those_of_the_backup(void **state)
{
    struct recovery_rig *rig = *state;

    recovery_rig_append(rig, "beta", 3);
    recovery_rig_delete(rig, "empty");
    recovery_rig_stage(rig, "b1");
    expect_staged(rig);
}

static void refused_references_go_again_as_bytes(void **state)
{
    struct recovery_rig *rig = *state;

    begin_stage(rig);
    fake_node_hold(rig->rig.node, true);
    /* The records wait to be applied, and then a log goes. */
    while (fake_node_submits(rig->rig.node) < 4) {
        fake_node_hold(rig->rig.node, false);
        uv_run(&rig->rig.loop, UV_RUN_NOWAIT);
        fake_node_hold(rig->rig.node, true);
    }
    recovery_rig_delete(rig, "alpha");
    fake_node_hold(rig->rig.node, false);
    recovery_rig_settle(rig);
    expect_staged(rig);
    assert_int_equal(fake_backups_reads(rig->backups), 2);
    assert_int_equal(recovery_rig_status(rig).job_code, 0);
}

static void window_bounds_what_is_under_way(void **state)
{
    struct recovery_rig *rig = *state;
    char name[20];
    size_t before;
    unsigned i;

    for (i = 0; i < RECOVERY_WINDOW_RECORDS; i++) {
        snprintf(name, sizeof(name), "log%u", i);
        recovery_rig_create(rig, name);
    }
    recovery_rig_backup(rig, "b2");
    before = fake_node_submits(rig->rig.node);
    assert_int_equal(recorder_send(&rig->client, STAGE_ID, "recovery.stage",
                                   "{'name': 'b2'}"),
                     0);
    while (rig->client.count == 0) {
        fake_backups_step(rig->backups);
        uv_run(&rig->rig.loop, UV_RUN_NOWAIT);
    }
    /* The draft's begin, and one turn of records. */
    assert_int_equal(fake_node_submits(rig->rig.node) - before,
                     1 + RECOVERY_WINDOW_RECORDS);
    recorder_result(&rig->client, STAGE_ID);
    recovery_rig_settle(rig);
    assert_int_equal(recovery_rig_part(rig, MACHINE_STAGED).logs,
                     3 + RECOVERY_WINDOW_RECORDS);
}

static void lost_leadership_interrupts_and_it_can_be_staged_again(void **state)
{
    struct recovery_rig *rig = *state;
    struct recovery_status_result status;
    uint64_t first;

    begin_stage(rig);
    first = recovery_rig_part(rig, MACHINE_DRAFT).id;
    fake_node_elect(rig->rig.node, 2);
    fake_node_elect(rig->rig.node, 1);
    status = recovery_rig_status(rig);
    assert_int_equal(status.phase, RECOVERY_PHASE_INTERRUPTED);
    assert_int_equal(status.stage, first);
    assert_string_equal(status.source, "b1");
    assert_int_equal(status.job_code, QL_NOT_LEADER);
    assert_true(status.job_error.len > 0);
    assert_true(recovery_rig_stage(rig, "b1") > first);
    expect_staged(rig);
    status = recovery_rig_status(rig);
    assert_int_equal(status.phase, RECOVERY_PHASE_STAGED);
    assert_int_equal(status.job_code, 0);
    assert_int_equal(status.entries, 16);
    assert_int_equal(status.logs, 3);
}

static void status_shows_how_far_it_is(void **state)
{
    struct recovery_rig *rig = *state;
    struct recovery_status_result status;

    assert_int_equal(recovery_rig_status(rig).phase, RECOVERY_PHASE_NONE);
    fake_backups_hold(rig->backups, true);
    send_stage(rig);
    status = recovery_rig_status(rig);
    assert_int_equal(status.phase, RECOVERY_PHASE_STAGING);
    assert_string_equal(status.source, "b1");
    assert_int_equal(status.stage, 0);
    fake_backups_hold(rig->backups, false);
    recovery_rig_settle(rig);
    recorder_result(&rig->client, STAGE_ID);
    assert_int_equal(recovery_rig_status(rig).phase, RECOVERY_PHASE_STAGED);
}

static void second_stage_is_told_what_to_do(void **state)
{
    struct recovery_rig *rig = *state;

    fake_backups_hold(rig->backups, true);
    send_stage(rig);
    recovery_rig_refused(rig, QL_BUSY, "recovery.stage", "{'name': 'b1'}");
    fake_backups_hold(rig->backups, false);
    recovery_rig_settle(rig);
    recorder_result(&rig->client, STAGE_ID);
    recovery_rig_refused(rig, QL_EXISTS, "recovery.stage", "{'name': 'b1'}");
    recovery_rig_call(rig, "recovery.unload", "{}");
    assert_int_not_equal(recovery_rig_stage(rig, "b1"), 0);
}

static void unknown_backup_is_not_found(void **state)
{
    struct recovery_rig *rig = *state;

    recovery_rig_refused(rig, QL_NOT_FOUND, "recovery.stage", "{'name': 'b9'}");
    recovery_rig_refused(rig, QL_INVALID, "recovery.stage",
                         "{'name': '../b1'}");
}

static void backup_that_is_not_here_leaves_nothing_behind(void **state)
{
    struct recovery_rig *rig = *state;
    struct recovery_status_result status;
    struct machine_part_info info;

    fake_backups_lose(rig->backups, "b1");
    recovery_rig_refused(rig, QL_NOT_FOUND, "recovery.stage", "{'name': 'b1'}");
    fake_backups_break(rig->backups, "b1", QL_CORRUPT);
    recovery_rig_refused(rig, QL_CORRUPT, "recovery.stage", "{'name': 'b1'}");
    status = recovery_rig_status(rig);
    assert_int_equal(status.phase, RECOVERY_PHASE_NONE);
    assert_int_equal(status.job_code, QL_CORRUPT);
    assert_false(
        machine_part_info(node_machine(rig->rig.node), MACHINE_DRAFT, &info));
    fake_backups_break(rig->backups, "b1", 0);
    recovery_rig_stage(rig, "b1");
    expect_staged(rig);
}

static void damaged_chunk_ends_the_stage(void **state)
{
    struct recovery_rig *rig = *state;
    struct recovery_status_result status;

    recovery_rig_delete(rig, "beta");
    begin_stage(rig);
    fake_backups_break(rig->backups, "b1", QL_CORRUPT);
    recovery_rig_settle(rig);
    status = recovery_rig_status(rig);
    assert_int_equal(status.phase, RECOVERY_PHASE_INTERRUPTED);
    assert_int_equal(status.job_code, QL_CORRUPT);
}

static void unload_ends_a_stage_under_way(void **state)
{
    struct recovery_rig *rig = *state;
    struct machine_part_info info;

    fake_backups_hold(rig->backups, true);
    send_stage(rig);
    recovery_rig_settle(rig);
    assert_int_equal(recorder_send(&rig->client, 8, "recovery.unload", "{}"),
                     0);
    recovery_rig_settle(rig);
    recorder_error(&rig->client, STAGE_ID, QL_CANCELED);
    recorder_result(&rig->client, 8);
    fake_backups_hold(rig->backups, false);
    begin_stage(rig);
    recovery_rig_call(rig, "recovery.unload", "{}");
    recovery_rig_settle(rig);
    assert_false(
        machine_part_info(node_machine(rig->rig.node), MACHINE_DRAFT, &info));
    assert_false(
        machine_part_info(node_machine(rig->rig.node), MACHINE_STAGED, &info));
    assert_int_equal(recovery_rig_status(rig).phase, RECOVERY_PHASE_NONE);
    recovery_rig_refused(rig, QL_NOT_FOUND, "recovery.unload", "{}");
}

static void stage_goes_on_without_the_connection(void **state)
{
    struct recovery_rig *rig = *state;
    struct recorder other;

    recorder_open(&other, &rig->rig, true);
    fake_backups_hold(rig->backups, true);
    assert_int_equal(
        recorder_send(&other, 1, "recovery.stage", "{'name': 'b1'}"), 0);
    recovery_rig_settle(rig);
    recorder_close(&other);
    fake_backups_hold(rig->backups, false);
    recovery_rig_settle(rig);
    expect_staged(rig);
}

static void node_that_stops_ends_its_stage(void **state)
{
    struct recovery_rig *rig = *state;

    fake_backups_hold(rig->backups, true);
    send_stage(rig);
    /* The teardown finds nothing that waits. */
}

static void node_that_is_busy_is_asked_again(void **state)
{
    struct recovery_rig *rig = *state;

    begin_stage(rig);
    fake_node_fill(rig->rig.node, true);
    recovery_rig_settle(rig);
    fake_node_fill(rig->rig.node, false);
    service_tick(rig->rig.service);
    recovery_rig_settle(rig);
    expect_staged(rig);
}

static void stage_is_the_leaders(void **state)
{
    struct recovery_rig *rig = *state;

    fake_node_elect(rig->rig.node, 2);
    recovery_rig_refused(rig, QL_NOT_LEADER, "recovery.stage",
                         "{'name': 'b1'}");
    recovery_rig_refused(rig, QL_NOT_LEADER, "recovery.unload", "{}");
    recovery_rig_refused(rig, QL_NOT_LEADER, "recovery.status", "{}");
}

int main(void)
{
#define STAGE_TEST(test)                                                       \
    cmocka_unit_test_setup_teardown(test, setup, recovery_rig_teardown)
    const struct CMUnitTest tests[] = {
        STAGE_TEST(chunks_that_are_live_are_referred_to),
        STAGE_TEST(bytes_of_others_come_from_the_backup),
        STAGE_TEST(staged_logs_are_those_of_the_backup),
        STAGE_TEST(refused_references_go_again_as_bytes),
        STAGE_TEST(window_bounds_what_is_under_way),
        STAGE_TEST(lost_leadership_interrupts_and_it_can_be_staged_again),
        STAGE_TEST(status_shows_how_far_it_is),
        STAGE_TEST(second_stage_is_told_what_to_do),
        STAGE_TEST(unknown_backup_is_not_found),
        STAGE_TEST(backup_that_is_not_here_leaves_nothing_behind),
        STAGE_TEST(damaged_chunk_ends_the_stage),
        STAGE_TEST(unload_ends_a_stage_under_way),
        STAGE_TEST(stage_goes_on_without_the_connection),
        STAGE_TEST(node_that_stops_ends_its_stage),
        STAGE_TEST(node_that_is_busy_is_asked_again),
        STAGE_TEST(stage_is_the_leaders),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
