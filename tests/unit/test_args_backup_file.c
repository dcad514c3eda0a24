/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* backup.export and backup.import. */
#include "support/cmocka.h"
#include "support/wire_check.h"
#include "wire/args_backup.h"

static int decode_export(struct bytes encoded, struct err *err)
{
    struct backup_export_args args;

    return backup_export_args_decode(&args, encoded, err);
}

static int decode_import(struct bytes encoded, struct err *err)
{
    struct backup_import_args args;

    return backup_import_args_decode(&args, encoded, err);
}

static int decode_imported(struct bytes encoded, struct err *err)
{
    struct backup_import_result result;

    return backup_import_result_decode(&result, encoded, err);
}

static void pieces_of_an_export_are_bounded(void **state)
{
    static const struct refusal rows[] = {
        {"{'name': 'a', 'len': 1}", 0, NULL},
        {"{'name': 'a', 'len': 1048576, 'offset': 18446744073709551615}", 0,
         NULL},
        {"{'name': 'a', 'len': 0}", QL_INVALID,
         "backup.export: 'len' must be at least 1"},
        {"{'name': 'a', 'len': 1048577}", QL_INVALID,
         "backup.export: 'len' must be at most 1048576"},
        {"{'name': 'a'}", QL_INVALID, NULL},
    };
    const struct backup_export_result piece = {
        .tag = "0123456789abcde",
        .total = 3,
        .bytes = {(const uint8_t *)"\0\xff\x01", 3},
    };
    struct backup_export_result got;
    struct buf buf = BUF_INIT;

    (void)state;
    refusals_check(decode_export, rows, COUNT_OF(rows));
    assert_int_equal(backup_export_result_encode(&piece, &buf), 0);
    assert_int_equal(backup_export_result_decode(&got, view_of(&buf), NULL), 0);
    assert_memory_equal(got.tag, piece.tag, 16);
    assert_int_equal(got.total, 3);
    assert_int_equal(got.bytes.len, 3);
    assert_memory_equal(got.bytes.data, "\0\xff\x01", 3);
    buf_close(&buf);
}

static void pieces_of_an_import_lie_within_their_total(void **state)
{
    static const struct refusal rows[] = {
        {"{'token': 1, 'total': 3, 'bytes': b'abc'}", 0, NULL},
        {"{'token': 1, 'total': 3, 'offset': 3}", 0, NULL},
        {"{'token': 1, 'total': 3, 'offset': 1, 'bytes': b'abc'}", QL_INVALID,
         "backup.import: the bytes end behind 'total'"},
        {"{'token': 1, 'total': 3, 'offset': 4}", QL_INVALID, NULL},
        {"{'token': 1, 'total': 3, 'offset': 18446744073709551615, "
         "'bytes': b'abcd'}",
         QL_INVALID, NULL},
        {"{'token': 0, 'total': 3}", QL_INVALID, NULL},
        {"{'token': 1, 'total': 0}", QL_INVALID, NULL},
        {"{'total': 3}", QL_INVALID, "backup.import: 'token' is missing"},
    };
    static const uint8_t large[EXPORT_BYTES_MAX + 1];
    struct backup_import_args args = {
        .token = 1,
        .total = 1ull << 40,
        .offset = 5,
        .bytes = {large, EXPORT_BYTES_MAX},
        .foreign = true,
    };
    struct backup_import_args got;
    struct buf buf = BUF_INIT;

    (void)state;
    refusals_check(decode_import, rows, COUNT_OF(rows));
    assert_int_equal(backup_import_args_encode(&args, &buf), 0);
    assert_int_equal(backup_import_args_decode(&got, view_of(&buf), NULL), 0);
    assert_int_equal(got.token, 1);
    assert_int_equal(got.total, 1ull << 40);
    assert_int_equal(got.offset, 5);
    assert_int_equal(got.bytes.len, EXPORT_BYTES_MAX);
    assert_true(got.foreign);
    buf_close(&buf);

    args.bytes.len++;
    assert_int_equal(backup_import_args_encode(&args, &buf), 0);
    assert_int_equal(backup_import_args_decode(&got, view_of(&buf), NULL),
                     QL_INVALID);
    buf_close(&buf);
}

static void an_import_answers_how_far_it_is(void **state)
{
    static const struct refusal rows[] = {
        {"{'state': 'receiving', 'offset': 7}", 0, NULL},
        {"{'state': 'verifying'}", 0, NULL},
        {"{'state': 'lost'}", QL_INVALID,
         "import answer: 'state' must be receiving, verifying, done or "
         "failed"},
        {"{'state': 'done', 'backup': {'name': 'a'}}", QL_INVALID, NULL},
        {"{}", QL_INVALID, NULL},
    };
    struct backup_import_result result = {
        .offset = 9,
        .state = BACKUP_IMPORT_DONE,
        .has_backup = true,
        .backup = {.id = 1, .name = "one", .chunks = 2},
    };
    struct backup_import_result got;
    struct buf buf = BUF_INIT;

    (void)state;
    refusals_check(decode_imported, rows, COUNT_OF(rows));
    assert_int_equal(backup_import_result_encode(&result, &buf), 0);
    assert_int_equal(backup_import_result_decode(&got, view_of(&buf), NULL), 0);
    assert_int_equal(got.offset, 9);
    assert_int_equal(got.state, BACKUP_IMPORT_DONE);
    assert_true(got.has_backup);
    assert_string_equal(got.backup.name, "one");
    assert_int_equal(got.backup.id, 1);
    assert_int_equal(got.backup.chunks, 2);
    buf_close(&buf);

    result = (struct backup_import_result){
        .state = BACKUP_IMPORT_FAILED,
        .code = QL_CORRUPT,
        .error = bytes_of("chunk 7 is damaged"),
    };
    assert_int_equal(backup_import_result_encode(&result, &buf), 0);
    assert_int_equal(backup_import_result_decode(&got, view_of(&buf), NULL), 0);
    assert_int_equal(got.state, BACKUP_IMPORT_FAILED);
    assert_false(got.has_backup);
    assert_int_equal(got.code, QL_CORRUPT);
    assert_bytes(got.error, "chunk 7 is damaged");
    buf_close(&buf);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pieces_of_an_export_are_bounded),
        cmocka_unit_test(pieces_of_an_import_lie_within_their_total),
        cmocka_unit_test(an_import_answers_how_far_it_is),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
