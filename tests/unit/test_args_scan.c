/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "wire/args_scan.h"

#include <string.h>

#include "support/cmocka.h"
#include "support/notation.h"
#include "support/wire_check.h"

static int decode_print(struct bytes encoded, struct err *err)
{
    struct recovery_print_args args;

    return recovery_print_args_decode(&args, encoded, err);
}

static int decode_printed(struct bytes encoded, struct err *err)
{
    struct recovery_print_result result;
    int rv = recovery_print_result_decode(&result, encoded, err);

    if (rv == 0) {
        recovery_print_result_close(&result);
    }
    return rv;
}

static int decode_diff(struct bytes encoded, struct err *err)
{
    struct recovery_diff_args args;

    return recovery_diff_args_decode(&args, encoded, err);
}

static int decode_diffed(struct bytes encoded, struct err *err)
{
    struct recovery_diff_result result;
    int rv = recovery_diff_result_decode(&result, encoded, err);

    if (rv == 0) {
        recovery_diff_result_close(&result);
    }
    return rv;
}

static int decode_delete(struct bytes encoded, struct err *err)
{
    struct recovery_delete_args args;

    return recovery_delete_args_decode(&args, encoded, err);
}

static struct scan_filter sample_filter(void)
{
    return (struct scan_filter){
        .logs = bytes_of("orders/*"),
        .has_key = true,
        .key = bytes_of("k"),
        .key_prefix = bytes_of("kp"),
        .key_glob = bytes_of("k?"),
        .from = 1,
        .to = 2,
        .since_ms = 3,
        .until_ms = 4,
        .contains = {(const uint8_t *)"\0\xff", 2},
    };
}

static void assert_filter(const struct scan_filter *filter)
{
    assert_bytes(filter->logs, "orders/*");
    assert_true(filter->has_key);
    assert_bytes(filter->key, "k");
    assert_bytes(filter->key_prefix, "kp");
    assert_bytes(filter->key_glob, "k?");
    assert_int_equal(filter->from, 1);
    assert_int_equal(filter->to, 2);
    assert_int_equal(filter->since_ms, 3);
    assert_int_equal(filter->until_ms, 4);
    assert_int_equal(filter->contains.len, 2);
    assert_memory_equal(filter->contains.data, "\0\xff", 2);
}

static void questions_come_back_as_they_went(void **state)
{
    const struct recovery_print_args print = {
        .filter = sample_filter(),
        .entries = true,
        .limit = 5,
        .cursor = {bytes_of("orders/1"), 6},
    };
    const struct recovery_diff_args diff = {bytes_of("o*"), bytes_of("o1"), 7};
    const struct recovery_delete_args delete = {8, 9, sample_filter()};
    struct recovery_print_args got_print;
    struct recovery_diff_args got_diff;
    struct recovery_delete_args got_delete;
    struct buf buf = BUF_INIT;

    (void)state;
    assert_int_equal(recovery_print_args_encode(&print, &buf), 0);
    assert_int_equal(
        recovery_print_args_decode(&got_print, view_of(&buf), NULL), 0);
    assert_filter(&got_print.filter);
    assert_true(got_print.entries);
    assert_int_equal(got_print.limit, 5);
    assert_bytes(got_print.cursor.log, "orders/1");
    assert_int_equal(got_print.cursor.position, 6);
    buf_close(&buf);

    assert_int_equal(recovery_diff_args_encode(&diff, &buf), 0);
    assert_int_equal(recovery_diff_args_decode(&got_diff, view_of(&buf), NULL),
                     0);
    assert_bytes(got_diff.logs, "o*");
    assert_bytes(got_diff.after, "o1");
    assert_int_equal(got_diff.limit, 7);
    buf_close(&buf);

    assert_int_equal(recovery_delete_args_encode(&delete, &buf), 0);
    assert_int_equal(
        recovery_delete_args_decode(&got_delete, view_of(&buf), NULL), 0);
    assert_int_equal(got_delete.stage, 8);
    assert_int_equal(got_delete.revision, 9);
    assert_filter(&got_delete.filter);
    buf_close(&buf);
}

static void an_empty_key_is_a_filter(void **state)
{
    const struct recovery_delete_args args = {
        .stage = 1,
        .filter = {.has_key = true},
    };
    struct recovery_delete_args got;
    struct buf buf = BUF_INIT;

    (void)state;
    assert_int_equal(recovery_delete_args_encode(&args, &buf), 0);
    assert_int_equal(recovery_delete_args_decode(&got, view_of(&buf), NULL), 0);
    assert_true(got.filter.has_key);
    assert_int_equal(got.filter.key.len, 0);
    buf_close(&buf);
}

static void a_print_refuses_what_is_wrong(void **state)
{
    static const struct refusal rows[] = {
        {"{}", 0, NULL},
        {"{'filter': {}}", 0, NULL},
        {"{'filter': {'logs': ''}}", QL_INVALID,
         "filter: 'logs' must not be empty"},
        {"{'filter': {'key': ''}}", 0, NULL},
        {"{'filter': {'key_prefix': ''}}", QL_INVALID, NULL},
        {"{'filter': {'contains': ''}}", QL_INVALID, NULL},
        {"{'filter': {'since_ms': -1}}", QL_INVALID, NULL},
        {"{'filter': {'from': 'x'}}", QL_INVALID, NULL},
        {"{'filter': [1]}", QL_INVALID, "filter: must be a map"},
        {"{'cursor': {'position': 1}}", QL_INVALID, "cursor: 'log' is missing"},
        {"{'cursor': {'log': '/'}}", QL_INVALID, NULL},
        {"{'limit': 4000000000}", 0, NULL},
        {"{'limit': 'x'}", QL_INVALID, NULL},
        {"{'entries': 1}", QL_INVALID, NULL},
    };

    (void)state;
    refusals_check(decode_print, rows, COUNT_OF(rows));
    cuts_check(decode_print, "{'filter': {'key': 'k', 'contains': b'x'}}");
}

static void filters_are_bounded(void **state)
{
    static const uint8_t bytes[ENTRY_KEY_MAX + FILTER_CONTAINS_MAX + 1];
    struct recovery_print_args args = {
        .filter = {.has_key = true,
                   .key = {bytes, ENTRY_KEY_MAX},
                   .contains = {bytes, FILTER_CONTAINS_MAX}},
    };
    struct buf buf = BUF_INIT;

    (void)state;
    assert_int_equal(recovery_print_args_encode(&args, &buf), 0);
    assert_int_equal(decode_print(view_of(&buf), NULL), 0);
    buf_close(&buf);
    args.filter.key.len++;
    assert_int_equal(recovery_print_args_encode(&args, &buf), 0);
    assert_int_equal(decode_print(view_of(&buf), NULL), QL_INVALID);
    buf_close(&buf);
    args.filter.key.len--;
    args.filter.contains.len++;
    assert_int_equal(recovery_print_args_encode(&args, &buf), 0);
    assert_int_equal(decode_print(view_of(&buf), NULL), QL_INVALID);
    buf_close(&buf);
}

static void a_delete_of_everything_is_refused(void **state)
{
    static const struct refusal rows[] = {
        {"{'stage': 1, 'revision': 0, 'filter': {'key': 'k'}}", 0, NULL},
        {"{'stage': 1, 'revision': 0, 'filter': {}}", QL_INVALID,
         "recovery.delete: an empty filter would delete all"},
        {"{'stage': 1, 'revision': 0, 'filter': {'logz': 'a'}}", QL_INVALID,
         NULL},
        {"{'stage': 1, 'revision': 0, 'filter': {'from': 0}}", QL_INVALID,
         NULL},
        {"{'stage': 1, 'revision': 0}", QL_INVALID,
         "recovery.delete: 'filter' is missing"},
        {"{'stage': 0, 'revision': 0, 'filter': {'from': 1}}", QL_INVALID,
         NULL},
        {"{'revision': 0, 'filter': {'from': 1}}", QL_INVALID, NULL},
    };

    (void)state;
    refusals_check(decode_delete, rows, COUNT_OF(rows));
}

static void a_page_comes_back_as_it_went(void **state)
{
    const struct scan_entry entries[] = {
        {bytes_of("a"), 1, 2, true, bytes_of("k"), bytes_of("v")},
        {bytes_of("b"), 3, 4, false, {NULL, 0}, bytes_of("")},
        {bytes_of("b"), 5, 6, true, bytes_of(""), bytes_of("w")},
    };
    struct scan_log logs[] = {{bytes_of("a"), 7, 8}, {bytes_of("b"), 9, 0}};
    struct recovery_print_result result = {
        .stage = 1,
        .revision = 2,
        .state_index = 3,
        .scanned_entries = 4,
        .scanned_bytes = 5,
        .matched_entries = 6,
        .matched_bytes = 7,
        .logs = logs,
        .logs_count = 2,
        .entries_count = COUNT_OF(entries),
        .cursor = {bytes_of("c"), 11},
    };
    struct recovery_print_result got;
    struct buf packed = BUF_INIT;
    struct buf buf = BUF_INIT;
    size_t i;

    (void)state;
    for (i = 0; i < COUNT_OF(entries); i++) {
        assert_int_equal(scan_entry_encode(&entries[i], &packed), 0);
    }
    result.packed = view_of(&packed);
    assert_int_equal(recovery_print_result_encode(&result, &buf), 0);
    assert_int_equal(recovery_print_result_decode(&got, view_of(&buf), NULL),
                     0);
    assert_int_equal(got.stage, 1);
    assert_int_equal(got.revision, 2);
    assert_int_equal(got.state_index, 3);
    assert_int_equal(got.scanned_entries, 4);
    assert_int_equal(got.scanned_bytes, 5);
    assert_int_equal(got.matched_entries, 6);
    assert_int_equal(got.matched_bytes, 7);
    assert_int_equal(got.logs_count, 2);
    assert_bytes(got.logs[0].name, "a");
    assert_int_equal(got.logs[0].entries, 7);
    assert_int_equal(got.logs[0].matched, 8);
    assert_int_equal(got.logs[1].matched, 0);
    assert_int_equal(got.entries_count, 3);
    assert_bytes(got.entries[0].log, "a");
    assert_int_equal(got.entries[0].position, 1);
    assert_int_equal(got.entries[0].time_ms, 2);
    assert_true(got.entries[0].has_key);
    assert_bytes(got.entries[0].key, "k");
    assert_bytes(got.entries[0].value, "v");
    assert_false(got.entries[1].has_key);
    assert_int_equal(got.entries[1].value.len, 0);
    assert_true(got.entries[2].has_key);
    assert_int_equal(got.entries[2].key.len, 0);
    assert_bytes(got.cursor.log, "c");
    assert_int_equal(got.cursor.position, 11);
    recovery_print_result_close(&got);
    buf_close(&packed);
    buf_close(&buf);
}

static void a_page_refuses_what_is_wrong(void **state)
{
    static const struct refusal rows[] = {
        {"{'logs': [], 'entries': []}", 0, NULL},
        {"{'logs': []}", QL_INVALID, "recovery print: 'entries' is missing"},
        {"{'logs': [1], 'entries': []}", QL_INVALID,
         "scanned log: must be a map"},
        {"{'logs': [{'name': 'a'}], 'entries': [{'log': 'a', 'position': 1, "
         "'time_ms': 1}]}",
         QL_INVALID, "found entry: 'value' is missing"},
        {"{'logs': [{'name': 'a'}], 'entries': [{'log': '/', 'position': 1, "
         "'time_ms': 1, 'value': b'v'}]}",
         QL_INVALID, NULL},
    };

    (void)state;
    refusals_check(decode_printed, rows, COUNT_OF(rows));
    cuts_check(decode_printed,
               "{'logs': [{'name': 'a'}], 'entries': [{'log': 'a', "
               "'position': 1, 'time_ms': 1, 'value': b'v'}]}");
}

/* An array head of 16 bits claims @count maps without anything in them. */
static void pack_empty_maps(struct buf *buf, uint16_t count)
{
    const uint8_t head[] = {0xdc, (uint8_t)(count >> 8), (uint8_t)count};
    uint16_t i;

    assert_int_equal(buf_add(buf, head, sizeof(head)), 0);
    for (i = 0; i < count; i++) {
        assert_int_equal(buf_add(buf, "\x80", 1), 0);
    }
}

static void longer_pages_than_there_can_be_are_refused(void **state)
{
    struct buf buf = BUF_INIT;
    struct err err;

    (void)state;
    notation_pack(&buf, "{'logs': [], 'entries': []}");
    buf.len -= 5; /* the empty array */
    pack_empty_maps(&buf, PRINT_ENTRIES_MAX + 1);
    assert_int_equal(decode_printed(view_of(&buf), &err), QL_INVALID);
    assert_string_equal(err.text,
                        "recovery print: more than 1000 logs or 1000 entries");
    buf_close(&buf);

    notation_pack(&buf, "{'more': false, 'logs': []}");
    buf.len -= 5;
    pack_empty_maps(&buf, DIFF_LOGS_MAX + 1);
    assert_int_equal(decode_diffed(view_of(&buf), &err), QL_INVALID);
    assert_string_equal(err.text, "recovery diff: more than 100 'logs'");
    buf_close(&buf);
}

static void a_diff_comes_back_as_it_went(void **state)
{
    struct diff_log logs[] = {
        {.name = bytes_of("a"),
         .kind = DIFF_DIFFERS,
         .common = 1,
         .staged = {2, 3, 4},
         .live = {5, 6, 7},
         .examples_count = DIFF_EXAMPLES_MAX},
        {.name = bytes_of("b"), .kind = DIFF_LIVE_ONLY, .live = {8, 9, 10}},
    };
    const struct recovery_diff_result diff = {
        .stage = 1,
        .revision = 2,
        .state_index = 3,
        .more = true,
        .after = bytes_of("b"),
        .logs = logs,
        .count = 2,
    };
    struct recovery_diff_result got;
    struct buf buf = BUF_INIT;
    size_t i;

    (void)state;
    for (i = 0; i < DIFF_EXAMPLES_MAX; i++) {
        logs[0].examples[i] = (struct diff_example){
            i % 2 == 1, i, 11, i % 2 == 1, bytes_of("k"), bytes_of("v")};
    }
    assert_int_equal(recovery_diff_result_encode(&diff, &buf), 0);
    assert_int_equal(recovery_diff_result_decode(&got, view_of(&buf), NULL), 0);
    assert_int_equal(got.stage, 1);
    assert_int_equal(got.revision, 2);
    assert_int_equal(got.state_index, 3);
    assert_true(got.more);
    assert_bytes(got.after, "b");
    assert_int_equal(got.count, 2);
    assert_bytes(got.logs[0].name, "a");
    assert_int_equal(got.logs[0].kind, DIFF_DIFFERS);
    assert_int_equal(got.logs[0].common, 1);
    assert_int_equal(got.logs[0].staged.head, 2);
    assert_int_equal(got.logs[0].staged.tail, 3);
    assert_int_equal(got.logs[0].staged.entries, 4);
    assert_int_equal(got.logs[0].live.head, 5);
    assert_int_equal(got.logs[0].examples_count, DIFF_EXAMPLES_MAX);
    assert_false(got.logs[0].examples[0].live);
    assert_false(got.logs[0].examples[0].has_key);
    assert_true(got.logs[0].examples[7].live);
    assert_int_equal(got.logs[0].examples[7].position, 7);
    assert_int_equal(got.logs[0].examples[7].time_ms, 11);
    assert_bytes(got.logs[0].examples[7].key, "k");
    assert_bytes(got.logs[0].examples[7].value, "v");
    assert_int_equal(got.logs[1].kind, DIFF_LIVE_ONLY);
    assert_int_equal(got.logs[1].staged.tail, 0);
    assert_int_equal(got.logs[1].live.entries, 10);
    assert_int_equal(got.logs[1].examples_count, 0);
    recovery_diff_result_close(&got);
    buf_close(&buf);
}

#define LOG_HEAD "{'more': false, 'logs': [{'name': 'a', 'kind': "
#define EXAMPLE "{'where': 'live', 'position': 1, 'time_ms': 1, 'value': 'v'}"

static void a_diff_refuses_what_is_wrong(void **state)
{
    static const struct refusal arg_rows[] = {
        {"{}", 0, NULL},
        {"{'logs': ''}", QL_INVALID, "recovery.diff: 'logs' must not be empty"},
        {"{'limit': 0}", 0, NULL},
        {"{'after': 7}", QL_INVALID, NULL},
    };
    static const struct refusal rows[] = {
        {LOG_HEAD "'same'}]}", 0, NULL},
        {LOG_HEAD "'else'}]}", QL_INVALID,
         "log of a diff: 'kind' must be same, staged_only, live_only, "
         "staged_ahead, live_ahead or differs"},
        {LOG_HEAD "'same', 'examples': [" EXAMPLE "]}]}", 0, NULL},
        {LOG_HEAD "'same', 'examples': [{'where': 'x'}]}]}", QL_INVALID,
         "entry of a diff: 'where' must be staged or live"},
        {LOG_HEAD "'same', 'examples': [1, 2, 3, 4, 5, 6, 7, 8, 9]}]}",
         QL_INVALID, "log of a diff: more than 8 entries"},
        {"{'logs': []}", QL_INVALID, "recovery diff: 'more' is missing"},
    };

    (void)state;
    refusals_check(decode_diff, arg_rows, COUNT_OF(arg_rows));
    refusals_check(decode_diffed, rows, COUNT_OF(rows));
    cuts_check(decode_diffed, LOG_HEAD "'same', 'examples': [" EXAMPLE "]}]}");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(questions_come_back_as_they_went),
        cmocka_unit_test(an_empty_key_is_a_filter),
        cmocka_unit_test(a_print_refuses_what_is_wrong),
        cmocka_unit_test(filters_are_bounded),
        cmocka_unit_test(a_delete_of_everything_is_refused),
        cmocka_unit_test(a_page_comes_back_as_it_went),
        cmocka_unit_test(a_page_refuses_what_is_wrong),
        cmocka_unit_test(longer_pages_than_there_can_be_are_refused),
        cmocka_unit_test(a_diff_comes_back_as_it_went),
        cmocka_unit_test(a_diff_refuses_what_is_wrong),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
