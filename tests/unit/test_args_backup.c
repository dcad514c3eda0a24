/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "wire/args_backup.h"

#include <string.h>

#include "support/cmocka.h"
#include "support/notation.h"
#include "support/wire_check.h"

#define NAME_64                                                                \
    "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define DIGEST "b'0123456789abcdef'"
#define ROW_TAIL "'digest': " DIGEST ", 'cluster': " DIGEST

static struct backup_row sample_row(const char *name)
{
    struct backup_row row = {
        .id = 1,
        .index = 2,
        .time_ms = 3,
        .state_index = 4,
        .logs = 5,
        .entries = 6,
        .bytes = 7,
        .chunks = 8,
        .foreign = true,
        .scheduled = true,
    };

    memset(row.digest, 9, sizeof(row.digest));
    memset(row.cluster, 10, sizeof(row.cluster));
    strcpy(row.name, name);
    return row;
}

static void assert_row(const struct backup_row *got,
                       const struct backup_row *row)
{
    assert_string_equal(got->name, row->name);
    assert_int_equal(got->id, row->id);
    assert_int_equal(got->index, row->index);
    assert_int_equal(got->time_ms, row->time_ms);
    assert_int_equal(got->state_index, row->state_index);
    assert_int_equal(got->logs, row->logs);
    assert_int_equal(got->entries, row->entries);
    assert_int_equal(got->bytes, row->bytes);
    assert_int_equal(got->chunks, row->chunks);
    assert_memory_equal(got->digest, row->digest, sizeof(row->digest));
    assert_memory_equal(got->cluster, row->cluster, sizeof(row->cluster));
    assert_int_equal(got->foreign, row->foreign);
    assert_int_equal(got->scheduled, row->scheduled);
}

static int decode_row(struct bytes encoded, struct err *err)
{
    struct backup_row row;

    return backup_row_decode(&row, encoded, err);
}

static int decode_create(struct bytes encoded, struct err *err)
{
    struct backup_create_args args;

    return backup_create_args_decode(&args, encoded, err);
}

static int decode_delete(struct bytes encoded, struct err *err)
{
    struct backup_delete_args args;

    return backup_delete_args_decode(&args, encoded, err);
}

static int decode_list(struct bytes encoded, struct err *err)
{
    struct backup_list_result result;
    int rv = backup_list_result_decode(&result, encoded, err);

    if (rv == 0) {
        backup_list_result_close(&result);
    }
    return rv;
}

static int decode_show(struct bytes encoded, struct err *err)
{
    struct backup_show_result result;
    int rv = backup_show_result_decode(&result, encoded, err);

    if (rv == 0) {
        backup_show_result_close(&result);
    }
    return rv;
}

static void a_name_is_a_harmless_file_name(void **state)
{
    static const struct refusal rows[] = {
        {"{'name': 'a'}", 0, NULL},
        {"{'name': 'Quorlog-backup_2026.11'}", 0, NULL},
        {"{'name': '" NAME_64 "'}", 0, NULL},
        {"{'name': '" NAME_64 "x'}", QL_INVALID,
         "backup.delete: 'name': the name of a backup has 1 to 64 bytes, "
         "not 65"},
        {"{'name': ''}", QL_INVALID, NULL},
        {"{'name': '.a'}", QL_INVALID,
         "backup.delete: 'name': the name of a backup must not begin with "
         "'.'"},
        {"{'name': '..'}", QL_INVALID, NULL},
        {"{'name': 'a/b'}", QL_INVALID,
         "backup.delete: 'name': the name of a backup has only letters, "
         "digits, '.', '_' and '-'"},
        {"{'name': 'a b'}", QL_INVALID, NULL},
        {"{'name': h'a26100'}", QL_INVALID, NULL},
        {"{'name': h'a261ff'}", QL_INVALID, NULL},
        {"{'name': 1}", QL_INVALID, "backup.delete: 'name' must be a string"},
        {"{'name': nil}", QL_INVALID, "backup.delete: 'name' is missing"},
        {"{}", QL_INVALID, "backup.delete: 'name' is missing"},
    };

    (void)state;
    refusals_check(decode_delete, rows, COUNT_OF(rows));
    cuts_check(decode_delete, "{'name': 'a', 'id': 300}");
}

static void a_row_comes_back_as_it_went(void **state)
{
    const struct backup_row row = sample_row("nightly");
    struct backup_row got;
    struct buf buf = BUF_INIT;

    (void)state;
    assert_int_equal(backup_row_encode(&row, &buf), 0);
    assert_int_equal(backup_row_decode(&got, view_of(&buf), NULL), 0);
    assert_row(&got, &row);
    buf_close(&buf);

    assert_int_equal(backup_create_result_encode(&row, &buf), 0);
    assert_int_equal(backup_create_result_decode(&got, view_of(&buf), NULL), 0);
    assert_row(&got, &row);
    buf_close(&buf);
    cuts_check(decode_row, "{'name': 'a', " ROW_TAIL "}");
}

static void a_row_needs_its_name_and_its_digest(void **state)
{
    static const struct refusal rows[] = {
        {"{'name': 'a', " ROW_TAIL "}", 0, NULL},
        {"{'name': 'a', 'digest': b'short', 'cluster': " DIGEST "}", QL_INVALID,
         "backup: 'digest' must be 16 bytes"},
        {"{'name': 'a', 'digest': " DIGEST "}", QL_INVALID, NULL},
        {"{" ROW_TAIL "}", QL_INVALID, "backup: 'name' is missing"},
        {"{'name': 'a', 'name': 'b', " ROW_TAIL "}", QL_INVALID,
         "backup: 'name' stands twice"},
        {"{'name': 'a', 'logs': -1, " ROW_TAIL "}", QL_INVALID, NULL},
        {"[]", QL_INVALID, "backup: must be a map"},
    };

    (void)state;
    refusals_check(decode_row, rows, COUNT_OF(rows));
}

static void what_is_refused_leaves_the_result_alone(void **state)
{
    struct backup_row row = sample_row("kept");
    const struct backup_row before = row;
    struct buf buf = BUF_INIT;

    (void)state;
    notation_pack(&buf, "{'name': 'other', 'id': 5}");
    assert_int_equal(backup_row_decode(&row, view_of(&buf), NULL), QL_INVALID);
    assert_row(&row, &before);
    buf_close(&buf);
}

static void a_create_may_be_without_a_name(void **state)
{
    static const struct refusal rows[] = {
        {"{}", 0, NULL},
        {"{'name': nil}", 0, NULL},
        {"{'name': 'a', 'scheduled': true}", 0, NULL},
        {"{'name': ''}", QL_INVALID, NULL},
        {"{'scheduled': 'yes'}", QL_INVALID, NULL},
    };
    struct backup_create_args args = {.scheduled = true};
    struct backup_create_args got;
    struct buf buf = BUF_INIT;

    (void)state;
    refusals_check(decode_create, rows, COUNT_OF(rows));
    assert_int_equal(backup_create_args_encode(&args, &buf), 0);
    assert_int_equal(backup_create_args_decode(&got, view_of(&buf), NULL), 0);
    assert_string_equal(got.name, "");
    assert_true(got.scheduled);
    buf_close(&buf);

    strcpy(args.name, NAME_64);
    assert_int_equal(backup_create_args_encode(&args, &buf), 0);
    assert_int_equal(backup_create_args_decode(&got, view_of(&buf), NULL), 0);
    assert_string_equal(got.name, NAME_64);
    buf_close(&buf);
}

static struct backup_item sample_item(const char *name)
{
    struct backup_item item = {
        .row = sample_row(name),
        .state = bytes_of("verified"),
        .new_bytes = 11,
        .stored_bytes = 12,
        .verified_at_ms = 13,
        .error = bytes_of("a pack is gone"),
        .nodes_count = MEMBERS_MAX,
    };
    size_t i;

    for (i = 0; i < MEMBERS_MAX; i++) {
        item.nodes[i] = (struct backup_holder){i + 1, bytes_of("damaged"), i};
    }
    return item;
}

static void assert_item(const struct backup_item *got,
                        const struct backup_item *item)
{
    size_t i;

    assert_row(&got->row, &item->row);
    assert_bytes(got->state, "verified");
    assert_int_equal(got->new_bytes, 11);
    assert_int_equal(got->stored_bytes, 12);
    assert_int_equal(got->verified_at_ms, 13);
    assert_bytes(got->error, "a pack is gone");
    assert_int_equal(got->nodes_count, MEMBERS_MAX);
    for (i = 0; i < MEMBERS_MAX; i++) {
        assert_int_equal(got->nodes[i].node, i + 1);
        assert_bytes(got->nodes[i].state, "damaged");
        assert_int_equal(got->nodes[i].verified_at_ms, i);
    }
}

static void a_list_comes_back_as_it_went(void **state)
{
    struct backup_item items[] = {sample_item("one"), sample_item("two")};
    const struct backup_list_result list = {
        .node = 1,
        .leader = 2,
        .directory = bytes_of("/var/lib/quorlog/backups"),
        .problem = bytes_of("read-only"),
        .interval_ms = 3,
        .max_saved = 4,
        .last_success_ms = 5,
        .last_verified_ms = 6,
        .failures = 7,
        .pool_bytes = 8,
        .items = items,
        .count = 2,
    };
    struct backup_list_result got;
    struct buf buf = BUF_INIT;

    (void)state;
    assert_int_equal(backup_list_result_encode(&list, &buf), 0);
    assert_int_equal(backup_list_result_decode(&got, view_of(&buf), NULL), 0);
    assert_int_equal(got.node, 1);
    assert_int_equal(got.leader, 2);
    assert_bytes(got.directory, "/var/lib/quorlog/backups");
    assert_bytes(got.problem, "read-only");
    assert_int_equal(got.interval_ms, 3);
    assert_int_equal(got.max_saved, 4);
    assert_int_equal(got.last_success_ms, 5);
    assert_int_equal(got.last_verified_ms, 6);
    assert_int_equal(got.failures, 7);
    assert_int_equal(got.pool_bytes, 8);
    assert_int_equal(got.count, 2);
    assert_item(&got.items[0], &items[0]);
    assert_item(&got.items[1], &items[1]);
    backup_list_result_close(&got);
    buf_close(&buf);
}

static void a_list_of_as_many_as_there_can_be_is_one_message(void **state)
{
    static struct backup_item items[BACKUP_ITEMS_MAX];
    const struct backup_list_result list = {.items = items,
                                            .count = BACKUP_ITEMS_MAX};
    struct backup_list_result got;
    struct buf buf = BUF_INIT;
    size_t i;

    (void)state;
    for (i = 0; i < BACKUP_ITEMS_MAX; i++) {
        items[i] = sample_item(NAME_64);
    }
    assert_int_equal(backup_list_result_encode(&list, &buf), 0);
    assert_true(buf.len < RESPONSE_BYTES_MAX);
    assert_int_equal(backup_list_result_decode(&got, view_of(&buf), NULL), 0);
    assert_int_equal(got.count, BACKUP_ITEMS_MAX);
    assert_item(&got.items[BACKUP_ITEMS_MAX - 1], &items[0]);
    backup_list_result_close(&got);
    buf_close(&buf);
}

static void a_list_refuses_what_is_wrong(void **state)
{
    static const struct refusal rows[] = {
        {"{'backups': []}", 0, NULL},
        {"{}", QL_INVALID, "backup list: 'backups' is missing"},
        {"{'backups': {}}", QL_INVALID, NULL},
        {"{'backups': [1]}", QL_INVALID, "backup: must be a map"},
        {"{'backups': [{'name': 'a/b', " ROW_TAIL "}]}", QL_INVALID, NULL},
        {"{'backups': [{'name': 'a', " ROW_TAIL ", 'state': 'new word'}]}", 0,
         NULL},
        {"{'backups': [{'name': 'a', " ROW_TAIL ", 'nodes': "
         "[1, 2, 3, 4, 5, 6, 7, 8, 9, 10]}]}",
         QL_INVALID, "backup: more than 9 'nodes'"},
        {"{'backups': [{'name': 'a', " ROW_TAIL ", 'nodes': [{'node': 1}]}]}",
         QL_INVALID, "backup's node: 'state' is missing"},
    };

    (void)state;
    refusals_check(decode_list, rows, COUNT_OF(rows));
    cuts_check(decode_list, "{'node': 1, 'backups': [{'name': 'a', " ROW_TAIL
                            ", 'nodes': [{'node': 1, 'state': 'x'}]}]}");
}

static void more_backups_than_there_can_be_are_refused(void **state)
{
    struct buf buf = BUF_INIT;
    struct err err;
    size_t i;

    (void)state;
    notation_pack(&buf, "{'backups': []}");
    /* The head of the array becomes that of a long one. */
    buf.len -= 5;
    assert_int_equal(buf_add(&buf, "\xdc\x08\x01", 3), 0);
    for (i = 0; i <= BACKUP_ITEMS_MAX; i++) {
        assert_int_equal(buf_add(&buf, "\x80", 1), 0);
    }
    assert_int_equal(decode_list(view_of(&buf), &err), QL_INVALID);
    assert_string_equal(err.text, "backup list: more than 2048 'backups'");
    buf_close(&buf);
}

static void a_show_comes_back_as_it_went(void **state)
{
    struct log_stat logs[] = {
        {.name = bytes_of("a"), .uid = 1, .tail = 5, .entries = 4},
        {.name = bytes_of("b"), .uid = 2, .retention = {.age_ms = 9}},
    };
    const struct backup_show_result show = {
        .backup = sample_item("one"),
        .logs = logs,
        .count = 2,
        .more = true,
    };
    struct backup_show_args args = {.after = bytes_of("a"), .limit = 2};
    struct backup_show_args got_args;
    struct backup_show_result got;
    struct buf buf = BUF_INIT;

    (void)state;
    assert_int_equal(backup_show_result_encode(&show, &buf), 0);
    assert_int_equal(backup_show_result_decode(&got, view_of(&buf), NULL), 0);
    assert_item(&got.backup, &show.backup);
    assert_true(got.more);
    assert_int_equal(got.count, 2);
    assert_bytes(got.logs[0].name, "a");
    assert_int_equal(got.logs[0].tail, 5);
    assert_int_equal(got.logs[1].retention.age_ms, 9);
    backup_show_result_close(&got);
    buf_close(&buf);

    strcpy(args.name, "one");
    assert_int_equal(backup_show_args_encode(&args, &buf), 0);
    assert_int_equal(backup_show_args_decode(&got_args, view_of(&buf), NULL),
                     0);
    assert_string_equal(got_args.name, "one");
    assert_bytes(got_args.after, "a");
    assert_int_equal(got_args.limit, 2);
    buf_close(&buf);
    cuts_check(decode_show, "{'more': false, 'logs': [], 'backup': "
                            "{'name': 'a', " ROW_TAIL "}}");
}

static void a_page_has_as_many_logs_as_it_may(void **state)
{
    struct backup_show_args args;
    struct buf buf = BUF_INIT;

    (void)state;
    notation_pack(&buf, "{'name': 'a'}");
    assert_int_equal(backup_show_args_decode(&args, view_of(&buf), NULL), 0);
    assert_int_equal(args.limit, LIST_PAGE_MAX);
    buf_close(&buf);
    notation_pack(&buf, "{'name': 'a', 'limit': 4000000000}");
    assert_int_equal(backup_show_args_decode(&args, view_of(&buf), NULL), 0);
    assert_int_equal(args.limit, LIST_PAGE_MAX);
    buf_close(&buf);
}

static void verifying_comes_back_as_it_went(void **state)
{
    const struct backup_verify_result result = {1, 2, 3, 4, 5};
    struct backup_verify_args args = {.deep = true};
    struct backup_verify_args got_args;
    struct backup_verify_result got;
    struct buf buf = BUF_INIT;

    (void)state;
    strcpy(args.name, "one");
    assert_int_equal(backup_verify_args_encode(&args, &buf), 0);
    assert_int_equal(backup_verify_args_decode(&got_args, view_of(&buf), NULL),
                     0);
    assert_string_equal(got_args.name, "one");
    assert_true(got_args.deep);
    buf_close(&buf);
    assert_int_equal(backup_verify_result_encode(&result, &buf), 0);
    assert_int_equal(backup_verify_result_decode(&got, view_of(&buf), NULL), 0);
    assert_int_equal(got.chunks, 1);
    assert_int_equal(got.bytes, 2);
    assert_int_equal(got.entries, 3);
    assert_int_equal(got.ms, 4);
    assert_int_equal(got.memory_bytes, 5);
    buf_close(&buf);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_name_is_a_harmless_file_name),
        cmocka_unit_test(a_row_comes_back_as_it_went),
        cmocka_unit_test(a_row_needs_its_name_and_its_digest),
        cmocka_unit_test(what_is_refused_leaves_the_result_alone),
        cmocka_unit_test(a_create_may_be_without_a_name),
        cmocka_unit_test(a_list_comes_back_as_it_went),
        cmocka_unit_test(a_list_of_as_many_as_there_can_be_is_one_message),
        cmocka_unit_test(a_list_refuses_what_is_wrong),
        cmocka_unit_test(more_backups_than_there_can_be_are_refused),
        cmocka_unit_test(a_show_comes_back_as_it_went),
        cmocka_unit_test(a_page_has_as_many_logs_as_it_may),
        cmocka_unit_test(verifying_comes_back_as_it_went),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
