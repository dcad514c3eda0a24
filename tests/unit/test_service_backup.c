/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include <string.h>

#include "service/service.h"
#include "support/cmocka.h"
#include "support/recovery_rig.h"
#include "wire/args_backup.h"
#include "wire/args_settings.h"

static int setup(void **state)
{
    static const struct node_backup_holder holders[] = {
        {1, BACKUP_VERIFIED, 77}, {3, BACKUP_FETCHING, 0}};
    struct recovery_rig *rig;

    recovery_rig_setup(state);
    rig = *state;
    fake_node_set_holders(rig->rig.node, holders, 2);
    recovery_rig_create(rig, "alpha");
    recovery_rig_create(rig, "beta");
    recovery_rig_append(rig, "alpha", 10);
    return 0;
}

static struct backup_list_result list(struct recovery_rig *rig)
{
    struct backup_list_result result;
    struct err err;

    assert_int_equal(
        backup_list_result_decode(
            &result, recovery_rig_call(rig, "backup.list", "{}"), &err),
        0);
    return result;
}

static void expect_text(struct bytes bytes, const char *text)
{
    assert_int_equal(bytes.len, strlen(text));
    assert_memory_equal(bytes.data, text, bytes.len);
}

static void create_answers_with_the_row(void **state)
{
    struct recovery_rig *rig = *state;
    struct backup_row row;
    struct err err;

    assert_int_equal(
        backup_create_result_decode(
            &row, recovery_rig_call(rig, "backup.create", "{'name': 'b1'}"),
            &err),
        0);
    assert_string_equal(row.name, "b1");
    assert_int_equal(row.logs, 2);
    assert_int_equal(row.entries, 10);
    assert_false(row.foreign);
    /* The machine does not know whose it is; who answers does. */
    assert_int_equal(row.cluster[15], 1);
    recovery_rig_refused(rig, QL_EXISTS, "backup.create", "{'name': 'b1'}");
    recovery_rig_refused(rig, QL_INVALID, "backup.create", "{'name': '../b1'}");
    recovery_rig_call(rig, "backup.create", "{}");
}

static void list_tells_of_this_node_and_of_holders(void **state)
{
    struct recovery_rig *rig = *state;
    struct backup_list_result result;

    recovery_rig_backup(rig, "b1");
    recovery_rig_backup(rig, "b2");
    fake_backups_break(rig->backups, "b2", QL_CORRUPT);
    fake_backups_orphan(rig->backups, "left");
    result = list(rig);
    assert_int_equal(result.node, 1);
    assert_int_equal(result.leader, 1);
    expect_text(result.directory, "/backups");
    assert_int_equal(result.problem.len, 0);
    assert_int_equal(result.failures, 2);
    assert_int_equal(result.last_success_ms, 55);
    assert_int_equal(result.pool_bytes, 1000);
    assert_int_equal(result.count, 3);
    assert_string_equal(result.items[0].row.name, "b1");
    expect_text(result.items[0].state, "verified");
    assert_int_equal(result.items[0].verified_at_ms, 77);
    assert_int_equal(result.items[0].nodes_count, 2);
    assert_int_equal(result.items[0].nodes[1].node, 3);
    expect_text(result.items[0].nodes[1].state, "fetching");
    expect_text(result.items[1].state, "damaged");
    expect_text(result.items[2].state, "orphan");
    assert_int_equal(result.items[2].nodes_count, 0);
    backup_list_result_close(&result);
}

static void any_node_lists_but_only_operators_ask(void **state)
{
    struct recovery_rig *rig = *state;
    struct backup_list_result result;
    struct recorder other;

    fake_node_elect(rig->rig.node, 2);
    result = list(rig);
    assert_int_equal(result.leader, 2);
    assert_int_equal(result.count, 0);
    backup_list_result_close(&result);
    recovery_rig_refused(rig, QL_NOT_LEADER, "backup.create", "{}");
    recorder_open(&other, &rig->rig, false);
    recorder_refused(&other, QL_DENIED, "backup.list", "{}");
    recorder_close(&other);
}

static void show_gives_the_logs_of_a_backup(void **state)
{
    struct recovery_rig *rig = *state;
    struct backup_show_result result;
    struct err err;

    recovery_rig_backup(rig, "b1");
    recovery_rig_delete(rig, "alpha");
    assert_int_equal(
        backup_show_result_decode(
            &result,
            recovery_rig_call(rig, "backup.show", "{'name': 'b1', 'limit': 1}"),
            &err),
        0);
    assert_string_equal(result.backup.row.name, "b1");
    assert_int_equal(result.count, 1);
    assert_true(result.more);
    expect_text(result.logs[0].name, "alpha");
    assert_int_equal(result.logs[0].entries, 10);
    backup_show_result_close(&result);
    assert_int_equal(backup_show_result_decode(
                         &result,
                         recovery_rig_call(rig, "backup.show",
                                           "{'name': 'b1', 'after': 'alpha'}"),
                         &err),
                     0);
    assert_int_equal(result.count, 1);
    assert_false(result.more);
    expect_text(result.logs[0].name, "beta");
    backup_show_result_close(&result);
}

static void show_of_what_is_not_to_be_had_says_why(void **state)
{
    struct recovery_rig *rig = *state;
    struct rpc_error error;

    recovery_rig_refused(rig, QL_NOT_FOUND, "backup.show", "{'name': 'b1'}");
    recovery_rig_backup(rig, "b1");
    fake_backups_lose(rig->backups, "b1");
    error = recovery_rig_refused(rig, QL_NOT_FOUND, "backup.show",
                                 "{'name': 'b1'}");
    assert_non_null(memmem(error.message.data, error.message.len,
                           "is not on this node", 19));
    fake_backups_break(rig->backups, "b1", QL_CORRUPT);
    recovery_rig_refused(rig, QL_CORRUPT, "backup.show", "{'name': 'b1'}");
}

static void verify_answers_when_it_is_done(void **state)
{
    struct recovery_rig *rig = *state;
    struct backup_verify_result result;
    struct err err;

    recovery_rig_backup(rig, "b1");
    assert_int_equal(
        backup_verify_result_decode(
            &result, recovery_rig_call(rig, "backup.verify", "{'name': 'b1'}"),
            &err),
        0);
    assert_int_equal(result.chunks, 2);
    assert_int_equal(result.entries, 10);
    fake_backups_break(rig->backups, "b1", QL_CORRUPT);
    recovery_rig_refused(rig, QL_CORRUPT, "backup.verify", "{'name': 'b1'}");
    recovery_rig_refused(rig, QL_NOT_FOUND, "backup.verify", "{'name': 'b9'}");
}

static void connection_that_goes_ends_what_it_asked_for(void **state)
{
    struct recovery_rig *rig = *state;
    struct recorder other;

    recovery_rig_backup(rig, "b1");
    recorder_open(&other, &rig->rig, true);
    assert_int_equal(
        recorder_send(&other, 1, "backup.verify", "{'name': 'b1'}"), 0);
    assert_int_equal(recorder_send(&other, 2, "backup.show", "{'name': 'b1'}"),
                     0);
    recorder_close(&other);
    assert_true(fake_backups_idle(rig->backups));
}

static void deleted_backup_is_gone_from_the_list(void **state)
{
    struct recovery_rig *rig = *state;
    struct backup_list_result result;

    recovery_rig_backup(rig, "b1");
    recovery_rig_call(rig, "backup.delete", "{'name': 'b1'}");
    result = list(rig);
    assert_int_equal(result.count, 0);
    backup_list_result_close(&result);
    recovery_rig_refused(rig, QL_NOT_FOUND, "backup.delete", "{'name': 'b1'}");
    fake_backups_orphan(rig->backups, "left");
    recovery_rig_refused(rig, QL_NOT_FOUND, "backup.delete",
                         "{'name': 'left'}");
}

static void settings_are_asked_for_and_set(void **state)
{
    struct recovery_rig *rig = *state;
    struct settings_result result;
    struct err err;

    assert_int_equal(settings_result_decode(
                         &result,
                         recovery_rig_call(rig, "cluster.settings",
                                           "{'backup_interval_ms': 60000, "
                                           "'max_saved_backups': 5}"),
                         &err),
                     0);
    assert_int_equal(result.backup_interval_ms, 60000);
    assert_int_equal(
        settings_result_decode(
            &result, recovery_rig_call(rig, "cluster.settings", "{}"), &err),
        0);
    assert_int_equal(result.max_saved_backups, 5);
}

int main(void)
{
#define BACKUP_TEST(test)                                                      \
    cmocka_unit_test_setup_teardown(test, setup, recovery_rig_teardown)
    const struct CMUnitTest tests[] = {
        BACKUP_TEST(create_answers_with_the_row),
        BACKUP_TEST(list_tells_of_this_node_and_of_holders),
        BACKUP_TEST(any_node_lists_but_only_operators_ask),
        BACKUP_TEST(show_gives_the_logs_of_a_backup),
        BACKUP_TEST(show_of_what_is_not_to_be_had_says_why),
        BACKUP_TEST(verify_answers_when_it_is_done),
        BACKUP_TEST(connection_that_goes_ends_what_it_asked_for),
        BACKUP_TEST(deleted_backup_is_gone_from_the_list),
        BACKUP_TEST(settings_are_asked_for_and_set),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
