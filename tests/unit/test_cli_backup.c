/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* quorlog backup, against servers that say what they are told. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "support/cli_rig.h"
#include "support/cmocka.h"
#include "support/tmpdir.h"
#include "util/file.h"
#include "wire/args_backup.h"
#include "wire/args_cluster.h"

static const struct command create = {
    "backup", "create", "", 0, 0, backup_create_options, "", backup_create_run};
static const struct command list = {
    "backup", "list", "", 0, 0, backup_list_options, "", backup_list_run};
static const struct command delete_command = {
    "backup", "delete",         "NAME", 1, 1, backup_delete_options,
    "",       backup_delete_run};
static const struct command verify = {
    "backup", "verify",         "NAME", 1, 1, backup_verify_options,
    "",       backup_verify_run};
static const struct command export_command = {
    "backup", "export",         "NAME FILE", 2, 2, backup_export_options,
    "",       backup_export_run};
static const struct command import = {
    "backup", "import",         "FILE", 1, 1, backup_import_options,
    "",       backup_import_run};

#define ROW(name)                                                              \
    "'id': 7, 'name': '" name "', 'index': 7, 'time_ms': 1767323045678, "      \
    "'logs': 2, 'entries': 30, 'digest': b'0123456789abcdef', 'cluster': "     \
    "b'0123456789abcdef'"
#define TAG "'tag': b'0123456789abcdef'"

static void begin(struct cli_rig *rig, const char *method)
{
    script_open(&rig->script, &rig->server, method);
}

static int end(struct cli_rig *rig, const struct command *command,
               const char *words)
{
    int rv;

    script_start(&rig->script);
    rv = cli_rig_run(rig, command, words);
    script_stop(&rig->script);
    return rv;
}

/* As backup.list tells of one that nodes 1 to 3 have like that. */
static void note_list(struct cli_rig *rig, const char *first,
                      const char *second, const char *third)
{
    char text[1024];

    (void)snprintf(
        text, sizeof(text),
        "{'node': 1, 'directory': '/b', 'problem': 'disk full', "
        "'backups': [{" ROW("nightly") ", 'state': '%s', "
                                       "'new_bytes': 1024, 'nodes': [{'node': "
                                       "1, 'state': '%s'}, "
                                       "{'node': 2, 'state': '%s'}, {'node': "
                                       "3, 'state': '%s'}]}]}",
        first, first, second, third);
    script_note(&rig->script, text);
}

/* Three voters. */
static void note_members(struct cli_rig *rig)
{
    struct status_result status = {.node_id = 1, .members_count = 3};
    size_t i;

    for (i = 0; i < status.members_count; i++) {
        status.members[i].id = i + 1;
        status.members[i].voter = true;
    }
    script_turn_to(&rig->script, "cluster.status");
    assert_int_equal(status_result_encode(&status, script_answer(&rig->script)),
                     0);
    script_turn_to(&rig->script, "backup.list");
}

static void a_new_backup_is_waited_for_on_a_majority(void **state)
{
    struct cli_rig *rig = *state;

    begin(rig, "backup.create");
    script_note(&rig->script, "{'backup': {" ROW("nightly") "}}");
    note_members(rig);
    script_note(&rig->script, "{'node': 1, 'backups': []}");
    note_list(rig, "verified", "writing", "missing");
    note_list(rig, "verified", "verified", "missing");
    assert_int_equal(end(rig, &create, "--name nightly"), 0);
    assert_int_equal(rig->script.asked, 5);
    cli_rig_expect_text(rig, "backup          nightly\n");
    cli_rig_expect_text(rig, "   2  verified  ");
    cli_rig_expect_text(rig, "   3  missing   ");
    script_close(&rig->script);
}

static void a_backup_that_no_majority_gets_is_said(void **state)
{
    struct cli_rig *rig = *state;
    int i;

    begin(rig, "backup.create");
    script_note(&rig->script, "{'backup': {" ROW("nightly") "}}");
    note_members(rig);
    for (i = 0; i < 6; i++) {
        note_list(rig, "verified", "waiting", "damaged");
    }
    assert_int_equal(end(rig, &create, "--timeout 600ms"), QL_TIMEOUT);
    assert_non_null(strstr(rig->err.text, "only 1 of 3 nodes"));
    assert_non_null(strstr(rig->err.text, "disk full"));
    cli_rig_expect_hint(rig, "backup list");
    script_close(&rig->script);
}

static void nobody_needs_to_wait(void **state)
{
    struct cli_rig *rig = *state;

    begin(rig, "backup.create");
    script_note(&rig->script, "{'backup': {" ROW("nightly") "}}");
    assert_int_equal(end(rig, &create, "--no-wait"), 0);
    cli_rig_expect_text(rig, "on this node    -\n");
    script_close(&rig->script);
}

static void a_list_says_where_each_is_verified(void **state)
{
    struct cli_rig *rig = *state;

    begin(rig, "backup.list");
    note_list(rig, "verified", "writing", "verified");
    assert_int_equal(end(rig, &list, ""), 0);
    cli_rig_expect_text(rig, "problem           disk full\n");
    cli_rig_expect_text(rig, "nightly  2026-01-02T03:04:05.678Z     2");
    cli_rig_expect_text(rig, "  1 3\n");
    script_close(&rig->script);

    begin(rig, "backup.list");
    note_list(rig, "verified", "writing", "verified");
    assert_int_equal(end(rig, &list, "-o jsonl"), 0);
    assert_int_equal(
        strncmp(rig->text, "{\"id\": 7, \"name\": \"nightly\"", 27), 0);
    cli_rig_expect_text(rig, "\"nodes\": [{\"node\": 1, \"state\": "
                             "\"verified\"");
    script_close(&rig->script);
}

static void a_backup_is_deleted_only_when_it_is_meant(void **state)
{
    struct cli_rig *rig = *state;

    assert_int_equal(cli_rig_run(rig, &delete_command, "nightly"), QL_INVALID);

    begin(rig, "backup.list");
    note_list(rig, "verified", "verified", "verified");
    assert_int_equal(end(rig, &delete_command, "weekly --yes"), QL_NOT_FOUND);
    cli_rig_expect_hint(rig, "backup list");
    script_close(&rig->script);

    begin(rig, "backup.list");
    note_list(rig, "verified", "verified", "verified");
    script_turn_to(&rig->script, "backup.delete");
    script_note(&rig->script, "{}");
    assert_int_equal(end(rig, &delete_command, "nightly --yes"), 0);
    cli_rig_expect_text(rig, "backup          nightly\n");
    script_close(&rig->script);
}

static void damage_is_told_from_other_failures(void **state)
{
    struct cli_rig *rig = *state;

    begin(rig, "backup.verify");
    script_refuse(&rig->script, QL_CORRUPT);
    assert_int_equal(end(rig, &verify, "nightly --deep"), QL_CORRUPT);
    cli_rig_expect_hint(rig, "backup list");
    script_close(&rig->script);

    begin(rig, "backup.verify");
    script_note(&rig->script, "{'chunks': 3, 'bytes': 10, 'entries': 30, 'ms': "
                              "1500}");
    assert_int_equal(end(rig, &verify, "nightly"), 0);
    cli_rig_expect_text(rig, "entries     30\n");
    cli_rig_expect_text(rig, "memory      -\n");
    script_close(&rig->script);
}

/* ---- Files --------------------------------------------------------------- */

struct file_rig {
    struct cli_rig *rig;
    struct tmpdir *dir;
    char path[128];
    char words[160];
};

static int file_setup(void **state)
{
    static struct file_rig file;
    void *dir = NULL;
    void *rig = NULL;

    assert_int_equal(tmpdir_setup(&dir), 0);
    assert_int_equal(cli_rig_setup(&rig), 0);
    file.dir = dir;
    file.rig = rig;
    (void)snprintf(file.path, sizeof(file.path), "%s/file", file.dir->path);
    (void)snprintf(file.words, sizeof(file.words), "nightly %s", file.path);
    *state = &file;
    return 0;
}

static int file_teardown(void **state)
{
    struct file_rig *file = *state;
    void *dir = file->dir;
    void *rig = file->rig;

    assert_int_equal(cli_rig_teardown(&rig), 0);
    return tmpdir_teardown(&dir);
}

static void assert_exported(const struct file_rig *file, const char *text)
{
    struct buf buf = BUF_INIT;

    assert_int_equal(file_read(file->path, 1024, &buf, NULL), 0);
    assert_int_equal(buf.len, strlen(text));
    assert_memory_equal(buf.data, text, buf.len);
    buf_close(&buf);
}

static void an_export_goes_on_where_it_stopped(void **state)
{
    struct file_rig *file = *state;
    struct cli_rig *rig = file->rig;
    struct backup_export_args args;

    begin(rig, "backup.export");
    script_note(&rig->script, "{" TAG ", 'total': 6, 'bytes': b'abc'}");
    script_note(&rig->script, "{" TAG ", 'total': 6, 'bytes': b'abc'}");
    script_refuse(&rig->script, QL_CORRUPT);
    assert_int_equal(end(rig, &export_command, file->words), QL_CORRUPT);
    assert_int_not_equal(access(file->path, F_OK), 0);
    script_close(&rig->script);

    begin(rig, "backup.export");
    script_note(&rig->script, "{" TAG ", 'total': 6, 'bytes': b'abc'}");
    script_note(&rig->script, "{" TAG ", 'total': 6, 'bytes': b'def'}");
    assert_int_equal(end(rig, &export_command, file->words), 0);
    assert_int_equal(
        backup_export_args_decode(&args, script_params(&rig->script, 1), NULL),
        0);
    assert_int_equal(args.offset, 3);
    assert_exported(file, "abcdef");
    cli_rig_expect_text(rig, "bytes   6 B\n");
    script_close(&rig->script);

    assert_int_equal(cli_rig_run(rig, &export_command, file->words), QL_EXISTS);
    cli_rig_expect_hint(rig, "another file");
}

static void an_export_does_not_mix_two_files(void **state)
{
    struct file_rig *file = *state;
    struct cli_rig *rig = file->rig;

    begin(rig, "backup.export");
    script_note(&rig->script, "{" TAG ", 'total': 6, 'bytes': b'abc'}");
    script_note(&rig->script, "{'tag': b'fedcba9876543210', 'total': 6, "
                              "'bytes': b'abcdef'}");
    assert_int_equal(end(rig, &export_command, file->words),
                     QL_CONDITION_FAILED);
    cli_rig_expect_hint(rig, "--endpoint");
    script_close(&rig->script);
    assert_int_not_equal(access(file->path, F_OK), 0);
}

static void an_import_has_one_name_for_one_file(void **state)
{
    struct file_rig *file = *state;
    struct cli_rig *rig = file->rig;
    struct backup_import_args args;
    uint64_t tokens[3];
    int i;

    assert_int_equal(file_replace(file->path, "abcdef", 6, 0600, NULL), 0);
    for (i = 0; i < 3; i++) {
        begin(rig, "backup.import");
        script_note(&rig->script,
                    "{'state': 'done', 'offset': 6, 'backup': {" ROW("n") "}}");
        if (i == 2) {
            assert_int_equal(file_replace(file->path, "abcdeg", 6, 0600, NULL),
                             0);
        }
        assert_int_equal(end(rig, &import, file->path), 0);
        assert_int_equal(backup_import_args_decode(
                             &args, script_params(&rig->script, 0), NULL),
                         0);
        assert_int_equal(args.total, 6);
        tokens[i] = args.token;
        script_close(&rig->script);
    }
    assert_true(tokens[0] != 0);
    assert_true(tokens[0] == tokens[1]);
    assert_true(tokens[0] != tokens[2]);
}

static void an_import_says_what_is_wrong_with_the_file(void **state)
{
    struct file_rig *file = *state;
    struct cli_rig *rig = file->rig;

    assert_int_equal(cli_rig_run(rig, &import, file->path), QL_NOT_FOUND);
    assert_int_equal(file_replace(file->path, "", 0, 0600, NULL), 0);
    assert_int_equal(cli_rig_run(rig, &import, file->path), QL_INVALID);
    assert_int_equal(cli_rig_run(rig, &import, file->dir->path), QL_IO);

    assert_int_equal(file_replace(file->path, "abc", 3, 0600, NULL), 0);
    begin(rig, "backup.import");
    script_note(&rig->script, "{'state': 'failed', 'code': 13, 'error': "
                              "'another cluster made it'}");
    assert_int_equal(end(rig, &import, file->path), QL_CONDITION_FAILED);
    cli_rig_expect_hint(rig, "--foreign");
    script_close(&rig->script);
}

#define RIG_TEST(function)                                                     \
    cmocka_unit_test_setup_teardown(function, cli_rig_setup, cli_rig_teardown)
#define FILE_TEST(function)                                                    \
    cmocka_unit_test_setup_teardown(function, file_setup, file_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        RIG_TEST(a_new_backup_is_waited_for_on_a_majority),
        RIG_TEST(a_backup_that_no_majority_gets_is_said),
        RIG_TEST(nobody_needs_to_wait),
        RIG_TEST(a_list_says_where_each_is_verified),
        RIG_TEST(a_backup_is_deleted_only_when_it_is_meant),
        RIG_TEST(damage_is_told_from_other_failures),
        FILE_TEST(an_export_goes_on_where_it_stopped),
        FILE_TEST(an_export_does_not_mix_two_files),
        FILE_TEST(an_import_has_one_name_for_one_file),
        FILE_TEST(an_import_says_what_is_wrong_with_the_file),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
