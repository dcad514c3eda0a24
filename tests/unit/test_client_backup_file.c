/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* Backups out of the cluster and into it, in pieces. */
#include <string.h>

#include "support/client_rig.h"
#include "support/script.h"
#include "wire/args_backup.h"

#define ROW                                                                    \
    "{'name': 'nightly', 'digest': b'0123456789abcdef', "                      \
    "'cluster': b'0123456789abcdef'}"

/* What the program has of the file. */
struct file {
    char bytes[16];
    size_t len;
    size_t calls;
    size_t stop_at; /* this call says: no more; 0: none does */
    size_t checks;  /* calls with a len of 0 */
};

static int file_write(void *data, const struct ql_export_piece *piece)
{
    struct file *file = data;

    file->calls++;
    assert_int_equal(piece->offset, file->len);
    assert_true(file->len + piece->len <= sizeof(file->bytes));
    memcpy(file->bytes + file->len, piece->bytes, piece->len);
    file->len += piece->len;
    return file->calls == file->stop_at;
}

static int file_read(void *data, uint64_t offset, void *bytes, size_t len)
{
    struct file *file = data;

    file->calls++;
    assert_true(offset + len <= file->len);
    memcpy(bytes, file->bytes + offset, len);
    file->checks += len == 0;
    return file->calls == file->stop_at;
}

static void pieces_become_one_file(void **state)
{
    struct client_rig *rig = *state;
    struct backup_export_args args;
    struct file file = {.len = 0};
    struct ql_error error;
    struct script script;

    script_open(&script, &rig->servers[0], "backup.export");
    script_note(&script,
                "{'tag': b'0123456789abcdef', 'total': 5, 'bytes': b'abc'}");
    script_note(&script,
                "{'tag': b'0123456789abcdef', 'total': 5, 'bytes': b'de'}");
    script_start(&script);
    assert_int_equal(ql_backup_export(rig->client, "nightly", 0, NULL,
                                      file_write, &file, &error),
                     QL_OK);
    script_stop(&script);
    assert_int_equal(file.len, 5);
    assert_memory_equal(file.bytes, "abcde", 5);
    assert_int_equal(
        backup_export_args_decode(&args, script_params(&script, 1), NULL), 0);
    assert_string_equal(args.name, "nightly");
    assert_int_equal(args.offset, 3);
    assert_int_equal(args.len, EXPORT_BYTES_MAX);
    script_close(&script);
}

static void an_export_goes_on_where_it_is_told(void **state)
{
    struct client_rig *rig = *state;
    struct backup_export_args args;
    struct file file = {.len = 3};
    struct ql_error error;
    struct script script;

    script_open(&script, &rig->servers[0], "backup.export");
    script_note(&script,
                "{'tag': b'0123456789abcdef', 'total': 5, 'bytes': b'de'}");
    script_start(&script);
    assert_int_equal(ql_backup_export(rig->client, "nightly", 3, NULL,
                                      file_write, &file, &error),
                     QL_OK);
    script_stop(&script);
    assert_memory_equal(file.bytes + 3, "de", 2);
    assert_int_equal(
        backup_export_args_decode(&args, script_params(&script, 0), NULL), 0);
    assert_int_equal(args.offset, 3);
    script_close(&script);
}

/* The first piece is "abc" of 5 bytes; what comes then is @second. */
static int export_ends(struct client_rig *rig, const char *second,
                       size_t stop_at, struct file *file)
{
    struct ql_error error;
    struct script script;
    int rv;

    memset(file, 0, sizeof(*file));
    file->stop_at = stop_at;
    script_open(&script, &rig->servers[0], "backup.export");
    script_note(&script,
                "{'tag': b'0123456789abcdef', 'total': 5, 'bytes': b'abc'}");
    if (second != NULL) {
        script_note(&script, second);
    }
    script_start(&script);
    rv = ql_backup_export(rig->client, "nightly", 0, NULL, file_write, file,
                          &error);
    script_stop(&script);
    assert_int_equal(error.code, rv);
    assert_int_equal(script.asked, script.count);
    script_close(&script);
    return rv;
}

static void pieces_of_two_files_are_not_mixed(void **state)
{
    struct client_rig *rig = *state;
    struct file file;

    assert_int_equal(
        export_ends(rig,
                    "{'tag': b'another tag here', 'total': 5, 'bytes': b'de'}",
                    0, &file),
        QL_CONDITION_FAILED);
    assert_int_equal(file.len, 3);
    assert_int_equal(
        export_ends(rig,
                    "{'tag': b'0123456789abcdef', 'total': 6, 'bytes': b'de'}",
                    0, &file),
        QL_CONDITION_FAILED);
    assert_int_equal(file.len, 3);
}

static void an_export_does_not_go_round_in_circles(void **state)
{
    struct client_rig *rig = *state;
    struct file file;

    assert_int_equal(
        export_ends(rig, "{'tag': b'0123456789abcdef', 'total': 5}", 0, &file),
        QL_PROTOCOL);
    assert_int_equal(
        export_ends(rig,
                    "{'tag': b'0123456789abcdef', 'total': 5, 'bytes': b'def'}",
                    0, &file),
        QL_PROTOCOL);
    assert_int_equal(file.len, 3);
}

static void an_export_stops_when_its_bytes_are_not_wanted(void **state)
{
    struct client_rig *rig = *state;
    struct file file;

    assert_int_equal(export_ends(rig, NULL, 1, &file), QL_CANCELED);
    assert_int_equal(file.calls, 1);
}

static void an_import_sends_what_is_asked_for(void **state)
{
    struct client_rig *rig = *state;
    struct backup_import_args first;
    struct backup_import_args args;
    struct file file = {.bytes = "abcde", .len = 5};
    struct ql_backup backup;
    struct ql_error error;
    struct script script;

    script_open(&script, &rig->servers[0], "backup.import");
    script_note(&script, "{'state': 'receiving', 'offset': 5}");
    /* Another node leads, and has less. */
    script_note(&script, "{'state': 'receiving', 'offset': 2}");
    script_note(&script, "{'state': 'verifying', 'offset': 5}");
    script_note(&script, "{'state': 'verifying', 'offset': 5}");
    script_note(&script, "{'state': 'done', 'offset': 5, 'backup': " ROW "}");
    script_start(&script);
    assert_int_equal(ql_backup_import(rig->client, 5, true, NULL, file_read,
                                      &file, &backup, &error),
                     QL_OK);
    script_stop(&script);
    assert_string_equal(backup.name, "nightly");
    assert_int_equal(script.asked, 5);
    assert_int_equal(file.checks, 3);

    assert_int_equal(
        backup_import_args_decode(&first, script_params(&script, 0), NULL), 0);
    assert_int_not_equal(first.token, 0);
    assert_int_equal(first.total, 5);
    assert_int_equal(first.offset, 0);
    assert_int_equal(first.bytes.len, 5);
    assert_memory_equal(first.bytes.data, "abcde", 5);
    assert_true(first.foreign);
    assert_int_equal(
        backup_import_args_decode(&args, script_params(&script, 1), NULL), 0);
    assert_int_equal(args.offset, 5);
    assert_int_equal(args.bytes.len, 0);
    assert_int_equal(
        backup_import_args_decode(&args, script_params(&script, 2), NULL), 0);
    assert_true(args.token == first.token);
    assert_int_equal(args.offset, 2);
    assert_int_equal(args.bytes.len, 3);
    assert_memory_equal(args.bytes.data, "cde", 3);
    assert_int_equal(
        backup_import_args_decode(&args, script_params(&script, 4), NULL), 0);
    assert_int_equal(args.bytes.len, 0);
    script_close(&script);
}

static void an_import_goes_on_under_the_name_it_was_given(void **state)
{
    struct client_rig *rig = *state;
    struct ql_backup_options options = QL_BACKUP_OPTIONS_INIT;
    struct backup_import_args args;
    struct file file = {.bytes = "abcde", .len = 5};
    struct script script;

    options.token = 77;
    script_open(&script, &rig->servers[0], "backup.import");
    script_note(&script, "{'state': 'done', 'offset': 5, 'backup': " ROW "}");
    script_start(&script);
    assert_int_equal(ql_backup_import(rig->client, 5, false, &options,
                                      file_read, &file, NULL, NULL),
                     QL_OK);
    script_stop(&script);
    assert_int_equal(
        backup_import_args_decode(&args, script_params(&script, 0), NULL), 0);
    assert_int_equal(args.token, 77);
    script_close(&script);
}

static int import_ends(struct client_rig *rig, const char *answer,
                       size_t stop_at, struct ql_error *error)
{
    struct file file = {.bytes = "abcde", .len = 5, .stop_at = stop_at};
    struct script script;
    int rv;

    script_open(&script, &rig->servers[0], "backup.import");
    script_note(&script, answer);
    script_start(&script);
    rv = ql_backup_import(rig->client, 5, false, NULL, file_read, &file, NULL,
                          error);
    script_stop(&script);
    script_close(&script);
    return rv;
}

static void an_import_ends_with_what_the_cluster_found(void **state)
{
    struct client_rig *rig = *state;
    struct ql_error error;

    assert_int_equal(
        import_ends(rig,
                    "{'state': 'failed', 'code': 41, 'error': 'chunk 3 is "
                    "damaged'}",
                    0, &error),
        QL_CORRUPT);
    assert_string_equal(error.text, "chunk 3 is damaged");
    assert_int_equal(import_ends(rig, "{'state': 'done'}", 0, &error),
                     QL_PROTOCOL);
    assert_int_equal(
        import_ends(rig, "{'state': 'receiving', 'offset': 6}", 0, &error),
        QL_PROTOCOL);
    assert_int_equal(
        import_ends(rig, "{'state': 'verifying', 'offset': 5}", 2, &error),
        QL_CANCELED);
    assert_int_equal(import_ends(rig, "{'state': 'verifying'}", 1, &error),
                     QL_CANCELED);
}

static void bytes_that_are_not_taken_are_given_up(void **state)
{
    struct client_rig *rig = *state;
    struct ql_client_options options = QL_CLIENT_OPTIONS_INIT;
    struct file file = {.bytes = "abcde", .len = 5};
    struct ql_error error;
    struct script script;
    size_t i;

    options.timeout_ms = 250;
    rig_use(rig, &options);
    script_open(&script, &rig->servers[0], "backup.import");
    for (i = 0; i < SCRIPT_STEPS; i++) {
        script_note(&script, "{'state': 'receiving', 'offset': 0}");
    }
    script_start(&script);
    assert_int_equal(ql_backup_import(rig->client, 5, false, NULL, file_read,
                                      &file, NULL, &error),
                     QL_TIMEOUT);
    script_stop(&script);
    assert_true(script.asked < SCRIPT_STEPS);
    script_close(&script);
}

static void pieces_have_bounds(void **state)
{
    struct client_rig *rig = *state;
    static const char bytes[EXPORT_BYTES_MAX + 1];
    struct ql_import_piece piece = {
        .token = 1,
        .total = sizeof(bytes),
        .bytes = bytes,
        .len = sizeof(bytes),
    };

    assert_int_equal(
        ql_backup_export_async(rig->client, "a", 0, 0, NULL, NULL, NULL, NULL),
        QL_INVALID);
    assert_int_equal(ql_backup_export_async(rig->client, "a", 0,
                                            EXPORT_BYTES_MAX + 1, NULL, NULL,
                                            NULL, NULL),
                     QL_INVALID);
    assert_int_equal(
        ql_backup_import_async(rig->client, &piece, NULL, NULL, NULL, NULL),
        QL_INVALID);
    piece.len = 1;
    piece.token = 0;
    assert_int_equal(
        ql_backup_import_async(rig->client, &piece, NULL, NULL, NULL, NULL),
        QL_INVALID);
    piece.token = 1;
    piece.offset = piece.total;
    assert_int_equal(
        ql_backup_import_async(rig->client, &piece, NULL, NULL, NULL, NULL),
        QL_INVALID);
}

#define RIG_TEST(function)                                                     \
    cmocka_unit_test_setup_teardown(function, rig_setup, rig_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        RIG_TEST(pieces_become_one_file),
        RIG_TEST(an_export_goes_on_where_it_is_told),
        RIG_TEST(pieces_of_two_files_are_not_mixed),
        RIG_TEST(an_export_does_not_go_round_in_circles),
        RIG_TEST(an_export_stops_when_its_bytes_are_not_wanted),
        RIG_TEST(an_import_sends_what_is_asked_for),
        RIG_TEST(an_import_goes_on_under_the_name_it_was_given),
        RIG_TEST(an_import_ends_with_what_the_cluster_found),
        RIG_TEST(bytes_that_are_not_taken_are_given_up),
        RIG_TEST(pieces_have_bounds),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
