/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* Settings, and backups but for their files. */
#include <string.h>

#include "support/client_rig.h"
#include "support/notation.h"
#include "support/script.h"
#include "support/wire_check.h"
#include "wire/args_backup.h"
#include "wire/args_settings.h"

#define ROW                                                                    \
    "'name': 'nightly', 'id': 7, 'chunks': 3, 'digest': b'0123456789abcdef', " \
    "'cluster': b'0123456789abcdef'"

static void on_done(void *data, const struct ql_error *error)
{
    struct outcome *outcome = data;

    outcome->calls++;
    outcome->code = error == NULL ? QL_OK : error->code;
}

static void on_backup(void *data, const struct ql_backup *backup,
                      const struct ql_error *error)
{
    struct outcome *outcome = data;

    on_done(data, error);
    assert_true((backup == NULL) == (error != NULL));
    outcome->position = backup == NULL ? 0 : backup->id;
}

static void settings_are_changed_or_asked_for(void **state)
{
    struct client_rig *rig = *state;
    struct ql_settings_change change = QL_SETTINGS_CHANGE_INIT;
    struct ql_settings settings;
    struct settings_args args;
    struct ql_error error;
    struct script script;

    script_open(&script, &rig->servers[0], "cluster.settings");
    script_note(&script, "{'max_saved_backups': 5}");
    script_note(&script, "{'backup_interval_ms': 9, 'max_saved_backups': 5}");
    script_start(&script);
    change.set_backup_interval = true;
    change.max_saved_backups = 5;
    assert_int_equal(
        ql_cluster_settings(rig->client, &change, &settings, &error), QL_OK);
    assert_int_equal(settings.backup_interval_ms, 0);
    assert_int_equal(settings.max_saved_backups, 5);
    assert_int_equal(ql_cluster_settings(rig->client, NULL, &settings, &error),
                     QL_OK);
    assert_int_equal(settings.backup_interval_ms, 9);
    script_stop(&script);

    assert_int_equal(
        settings_args_decode(&args, script_params(&script, 0), NULL), 0);
    assert_true(args.has_interval);
    assert_int_equal(args.backup_interval_ms, 0);
    assert_int_equal(args.max_saved_backups, 5);
    assert_int_equal(
        settings_args_decode(&args, script_params(&script, 1), NULL), 0);
    assert_false(args.has_interval);
    assert_int_equal(args.max_saved_backups, 0);
    script_close(&script);
}

static void a_backup_is_told_as_the_server_has_it(void **state)
{
    struct client_rig *rig = *state;
    struct backup_create_args args;
    struct ql_backup backup;
    struct ql_error error;
    struct script script;

    script_open(&script, &rig->servers[0], "backup.create");
    script_note(&script, "{'backup': {" ROW "}}");
    script_note(&script, "{'backup': {'id': 1}}");
    script_refuse(&script, QL_EXISTS);
    script_start(&script);
    assert_int_equal(ql_backup_create(rig->client, NULL, &backup, &error),
                     QL_OK);
    assert_string_equal(backup.name, "nightly");
    assert_int_equal(backup.id, 7);
    assert_int_equal(backup.chunks, 3);
    assert_string_equal(backup.cluster_id,
                        "30313233-3435-3637-3839-616263646566");
    assert_string_equal(backup.state, "");

    assert_int_equal(ql_backup_create(rig->client, "x", NULL, &error),
                     QL_PROTOCOL);
    assert_string_equal(error.text, "backup.create: backup: 'name' is missing");
    assert_int_equal(ql_backup_create(rig->client, "x", NULL, &error),
                     QL_EXISTS);
    script_stop(&script);

    assert_int_equal(
        backup_create_args_decode(&args, script_params(&script, 0), NULL), 0);
    assert_string_equal(args.name, "");
    assert_int_equal(
        backup_create_args_decode(&args, script_params(&script, 1), NULL), 0);
    assert_string_equal(args.name, "x");
    script_close(&script);
}

static void a_backup_is_not_asked_for_twice(void **state)
{
    struct client_rig *rig = *state;
    struct outcome *outcome = rig->outcomes;

    assert_int_equal(
        ql_backup_create_async(rig->client, "a", on_backup, outcome, NULL),
        QL_OK);
    rig_expect(rig, 0, "backup.create");
    fake_drop(&rig->servers[0]);
    rig_finish(rig, outcome);
    assert_int_equal(outcome->code, QL_OUTCOME_UNKNOWN);
    assert_int_equal(fake_count(&rig->servers[0], "backup.create"), 0);
}

static void a_bad_name_goes_nowhere(void **state)
{
    struct client_rig *rig = *state;
    struct ql_error error;

    assert_int_equal(
        ql_backup_create_async(rig->client, "a/b", NULL, NULL, &error),
        QL_INVALID);
    assert_int_equal(ql_backup_delete_async(rig->client, "", NULL, NULL, NULL),
                     QL_INVALID);
    assert_int_equal(
        ql_backup_verify_async(rig->client, ".a", NULL, NULL, NULL, NULL),
        QL_INVALID);
    assert_int_equal(ql_client_pending(rig->client), 0);
}

static void a_deleted_backup_not_found_after_doubt_is_deleted(void **state)
{
    struct client_rig *rig = *state;
    struct outcome *outcomes = rig->outcomes;

    assert_int_equal(
        ql_backup_delete_async(rig->client, "a", on_done, &outcomes[0], NULL),
        QL_OK);
    rig_expect(rig, 0, "backup.delete");
    fake_drop(&rig->servers[0]);
    fake_refuse(&rig->servers[0], rig_expect(rig, 0, "backup.delete"),
                QL_NOT_FOUND, 0, NULL);
    rig_finish(rig, &outcomes[0]);
    assert_int_equal(outcomes[0].code, QL_OK);

    assert_int_equal(
        ql_backup_delete_async(rig->client, "a", on_done, &outcomes[1], NULL),
        QL_OK);
    fake_refuse(&rig->servers[0], rig_expect(rig, 0, "backup.delete"),
                QL_NOT_FOUND, 0, NULL);
    rig_finish(rig, &outcomes[1]);
    assert_int_equal(outcomes[1].code, QL_NOT_FOUND);
}

static void one_nodes_list_is_asked_of_that_node(void **state)
{
    struct client_rig *rig = *state;
    struct ql_backup_options options = QL_BACKUP_OPTIONS_INIT;
    struct ql_backup_list *list = NULL;
    struct ql_error error;
    struct script script;

    script_open(&script, &rig->servers[1], "backup.list");
    script_note(&script,
                "{'node': 2, 'directory': '/b', 'problem': 'full', 'failures': "
                "4, 'backups': [{" ROW ", 'state': 'verified', 'new_bytes': 5, "
                "'error': 'gone', 'nodes': [{'node': 3, 'state': 'writing', "
                "'verified_at_ms': 6}]}, {" ROW "}]}");
    script_start(&script);
    options.endpoint = rig->servers[1].endpoint;
    assert_int_equal(ql_backup_list(rig->client, &options, &list, &error),
                     QL_OK);
    script_stop(&script);
    assert_int_equal(list->node_id, 2);
    assert_string_equal(list->directory, "/b");
    assert_string_equal(list->problem, "full");
    assert_int_equal(list->failures, 4);
    assert_int_equal(list->count, 2);
    assert_string_equal(list->backups[0].name, "nightly");
    assert_string_equal(list->backups[0].state, "verified");
    assert_string_equal(list->backups[0].problem, "gone");
    assert_int_equal(list->backups[0].new_bytes, 5);
    assert_int_equal(list->backups[0].holder_count, 1);
    assert_int_equal(list->backups[0].holders[0].node, 3);
    assert_string_equal(list->backups[0].holders[0].state, "writing");
    assert_int_equal(list->backups[0].holders[0].verified_at_ms, 6);
    assert_string_equal(list->backups[1].state, "");
    ql_backup_list_free(list);
    ql_backup_list_free(NULL);
    script_close(&script);
}

static void add_show(struct script *script, const char *log, bool more)
{
    struct log_stat stat = {.name = bytes_of(log), .tail = 2};
    const struct backup_show_result show = {
        .backup = {.row = {.name = "nightly"}},
        .logs = &stat,
        .count = 1,
        .more = more,
    };

    assert_int_equal(backup_show_result_encode(&show, script_answer(script)),
                     0);
}

static void all_pages_of_a_backup_are_shown(void **state)
{
    struct client_rig *rig = *state;
    struct backup_show_args args;
    struct ql_backup_show *show = NULL;
    struct ql_error error;
    struct script script;

    script_open(&script, &rig->servers[0], "backup.show");
    add_show(&script, "a", true);
    add_show(&script, "b", false);
    add_show(&script, "a", true);
    script_refuse(&script, QL_NOT_FOUND);
    script_start(&script);
    assert_int_equal(
        ql_backup_show(rig->client, "nightly", NULL, &show, &error), QL_OK);
    assert_string_equal(show->backup.name, "nightly");
    assert_int_equal(show->count, 2);
    assert_string_equal(show->stats[0].name, "a");
    assert_string_equal(show->stats[1].name, "b");
    assert_int_equal(show->stats[1].tail, 2);
    assert_false(show->more);
    ql_backup_show_free(show);
    ql_backup_show_free(NULL);
    /* It was deleted between two pages. */
    assert_int_equal(
        ql_backup_show(rig->client, "nightly", NULL, &show, &error),
        QL_NOT_FOUND);
    script_stop(&script);
    assert_int_equal(
        backup_show_args_decode(&args, script_params(&script, 1), NULL), 0);
    assert_string_equal(args.name, "nightly");
    assert_bytes(args.after, "a");
    script_close(&script);
}

static void damage_is_told_with_the_nodes_sentence(void **state)
{
    struct client_rig *rig = *state;
    struct ql_backup_options options = QL_BACKUP_OPTIONS_INIT;
    struct ql_backup_verified verified;
    struct backup_verify_args args;
    struct ql_error error;
    struct script script;

    script_open(&script, &rig->servers[0], "backup.verify");
    script_note(&script, "{'chunks': 1, 'bytes': 2, 'entries': 3, 'ms': 4}");
    script_refuse(&script, QL_CORRUPT);
    script_start(&script);
    options.deep = true;
    assert_int_equal(
        ql_backup_verify(rig->client, "nightly", &options, &verified, &error),
        QL_OK);
    assert_int_equal(verified.chunks, 1);
    assert_int_equal(verified.bytes, 2);
    assert_int_equal(verified.entries, 3);
    assert_int_equal(verified.ms, 4);
    assert_int_equal(verified.memory_bytes, 0);
    assert_int_equal(
        ql_backup_verify(rig->client, "nightly", NULL, NULL, &error),
        QL_CORRUPT);
    assert_string_equal(error.text, "because");
    script_stop(&script);
    assert_int_equal(
        backup_verify_args_decode(&args, script_params(&script, 0), NULL), 0);
    assert_true(args.deep);
    assert_int_equal(
        backup_verify_args_decode(&args, script_params(&script, 1), NULL), 0);
    assert_false(args.deep);
    script_close(&script);
}

static void verifying_has_a_deadline_of_its_own(void **state)
{
    struct client_rig *rig = *state;
    struct ql_backup_options options = QL_BACKUP_OPTIONS_INIT;
    struct ql_error error;
    struct script script;

    script_open(&script, &rig->servers[1], "backup.verify");
    script_start(&script);
    options.timeout_ms = 100;
    options.endpoint = rig->servers[1].endpoint;
    assert_int_equal(
        ql_backup_verify(rig->client, "nightly", &options, NULL, &error),
        QL_TIMEOUT);
    script_stop(&script);
    script_close(&script);
}

#define RIG_TEST(function)                                                     \
    cmocka_unit_test_setup_teardown(function, rig_setup, rig_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        RIG_TEST(settings_are_changed_or_asked_for),
        RIG_TEST(a_backup_is_told_as_the_server_has_it),
        RIG_TEST(a_backup_is_not_asked_for_twice),
        RIG_TEST(a_bad_name_goes_nowhere),
        RIG_TEST(a_deleted_backup_not_found_after_doubt_is_deleted),
        RIG_TEST(one_nodes_list_is_asked_of_that_node),
        RIG_TEST(all_pages_of_a_backup_are_shown),
        RIG_TEST(damage_is_told_with_the_nodes_sentence),
        RIG_TEST(verifying_has_a_deadline_of_its_own),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
