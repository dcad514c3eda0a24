/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "wire/args_log.h"

#include <string.h>

#include "support/cmocka.h"
#include "support/notation.h"
#include "support/wire_check.h"
#include "util/limits.h"
#include "wire/args_writer.h"

#define NAME_255                                                               \
    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"         \
    "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"         \
    "cccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccc"         \
    "ddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddd"

static int decode_config(struct bytes encoded, struct err *err)
{
    struct log_config_args args;

    return log_config_args_decode(&args, encoded, err);
}

static int decode_log(struct bytes encoded, struct err *err)
{
    struct log_args args;

    return log_args_decode(&args, encoded, err);
}

static int decode_trim(struct bytes encoded, struct err *err)
{
    struct log_trim_args args;

    return log_trim_args_decode(&args, encoded, err);
}

static int decode_list(struct bytes encoded, struct err *err)
{
    struct log_list_args args;

    return log_list_args_decode(&args, encoded, err);
}

static int decode_stat(struct bytes encoded, struct err *err)
{
    struct log_stat stat;

    return log_stat_decode(&stat, encoded, err);
}

static int decode_list_result(struct bytes encoded, struct err *err)
{
    struct log_list_result result;
    int rv = log_list_result_decode(&result, encoded, err);

    if (rv == 0) {
        log_list_result_close(&result);
    }
    return rv;
}

static int decode_acquire(struct bytes encoded, struct err *err)
{
    struct writer_args args;

    return writer_acquire_args_decode(&args, encoded, err);
}

static int decode_release(struct bytes encoded, struct err *err)
{
    struct writer_args args;

    return writer_release_args_decode(&args, encoded, err);
}

static int decode_fenced(struct bytes encoded, struct err *err)
{
    struct writer_fenced fenced;

    return writer_fenced_decode(&fenced, encoded, err);
}

static struct log_stat sample_stat(void)
{
    struct log_stat stat = {
        .name = bytes_of("a/b"),
        .uid = 1,
        .incarnation = 2,
        .head = 3,
        .tail = UINT64_MAX,
        .entries = 5,
        .bytes = 6,
        .last_time_ms = 7,
        .retention = {8, 9, 10},
        .writer_epoch = 11,
        .writer_name = bytes_of("feeder"),
    };
    size_t i;

    for (i = 0; i < sizeof(stat.digest); i++) {
        stat.digest[i] = (uint8_t)(0xf0 + i);
    }
    return stat;
}

static void assert_sample_stat(const struct log_stat *got)
{
    assert_bytes(got->name, "a/b");
    assert_int_equal(got->uid, 1);
    assert_int_equal(got->incarnation, 2);
    assert_int_equal(got->head, 3);
    assert_int_equal(got->tail, UINT64_MAX);
    assert_int_equal(got->entries, 5);
    assert_int_equal(got->bytes, 6);
    assert_int_equal(got->last_time_ms, 7);
    assert_int_equal(got->retention.entries, 8);
    assert_int_equal(got->retention.bytes, 9);
    assert_int_equal(got->retention.age_ms, 10);
    assert_int_equal(got->writer_epoch, 11);
    assert_bytes(got->writer_name, "feeder");
    assert_int_equal(got->digest[0], 0xf0);
    assert_int_equal(got->digest[15], 0xff);
}

static void config_comes_back_as_it_went(void **state)
{
    const struct log_config_args args = {
        .log = bytes_of("orders"),
        .retention = {.entries = 1, .bytes = 1ull << 40, .age_ms = 3},
        .token = UINT64_MAX,
    };
    const struct log_config_args bare = {.log = bytes_of("orders")};
    struct log_config_args got;
    struct buf buf = BUF_INIT;

    (void)state;
    assert_int_equal(log_config_args_encode(&args, &buf), 0);
    assert_int_equal(log_config_args_decode(&got, view_of(&buf), NULL), 0);
    assert_bytes(got.log, "orders");
    assert_int_equal(got.retention.entries, 1);
    assert_int_equal(got.retention.bytes, 1ull << 40);
    assert_int_equal(got.retention.age_ms, 3);
    assert_int_equal(got.token, UINT64_MAX);
    buf_close(&buf);

    assert_int_equal(log_config_args_encode(&bare, &buf), 0);
    assert_bytes(view_of(&buf), "\x81\xa3log\xa6orders");
    assert_int_equal(log_config_args_decode(&got, view_of(&buf), NULL), 0);
    assert_int_equal(got.retention.bytes, 0);
    assert_int_equal(got.token, 0);
    buf_close(&buf);
}

static void config_refuses_what_is_wrong(void **state)
{
    static const struct refusal rows[] = {
        {"{'log': 'a'}", 0, NULL},
        {"{b'log': b'a'}", 0, NULL},
        {"{'log': '" NAME_255 "'}", 0, NULL},
        {"{'log': '" NAME_255 "e'}", QL_INVALID, NULL},
        {"{'log': 'a', 'retention': nil, 'token': nil}", 0, NULL},
        {"{'log': 'a', 'retention': {}}", 0, NULL},
        {"{'log': 'a', 'retention': {'entries': nil, 'later': 1}}", 0, NULL},
        {"{'log': 'a', 'later': {'x': [1]}, 7: 8, nil: nil}", 0, NULL},
        {"{}", QL_INVALID, "log.create/configure: 'log' is missing"},
        {"{'log': nil}", QL_INVALID, "log.create/configure: 'log' is missing"},
        {"{'log': 5}", QL_INVALID,
         "log.create/configure: 'log' must be a string"},
        {"{'log': ''}", QL_INVALID, NULL},
        {"{'log': 'a//b'}", QL_INVALID, NULL},
        {"{'log': '../b'}", QL_INVALID, NULL},
        {"{'log': 'a b'}", QL_INVALID, NULL},
        {"{'log': 'a', 'log': 'a'}", QL_INVALID,
         "log.create/configure: 'log' stands twice"},
        {"{'log': 'a', b'log': 'a'}", QL_INVALID, NULL},
        {"{'log': 'a', 'token': 1, 'token': nil}", QL_INVALID, NULL},
        {"{'log': 'a', 'retention': 7}", QL_INVALID,
         "retention: must be a map"},
        {"{'log': 'a', 'retention': {'bytes': 'x'}}", QL_INVALID,
         "retention: 'bytes' must be an integer"},
        {"{'log': 'a', 'retention': {'bytes': 1, 'bytes': 1}}", QL_INVALID,
         "retention: 'bytes' stands twice"},
        {"{'log': 'a', 'token': -1}", QL_INVALID,
         "log.create/configure: 'token' must not be negative"},
        {"{'log': 'a', 'token': 1.0}", QL_INVALID,
         "log.create/configure: 'token' must be an integer"},
        {"{'log': 'a', 'token': true}", QL_INVALID, NULL},
        {"[]", QL_INVALID, "log.create/configure: must be a map"},
        {"", QL_INVALID, "log.create/configure: must be a map"},
        {"h'c1'", QL_PROTOCOL, NULL},
        {"h'dfffffffff'", QL_TOO_LARGE, NULL},
        {"{'log': 'a', 'x': [[[[[[[[1]]]]]]]]}", QL_TOO_LARGE, NULL},
    };

    (void)state;
    refusals_check(decode_config, rows, COUNT_OF(rows));
    cuts_check(decode_config, "{'log': 'a', 'retention': {'bytes': 65536}}");
}

static void log_trim_and_list_refuse_what_is_wrong(void **state)
{
    static const struct refusal log_rows[] = {
        {"{'log': 'a', 'stale': true}", 0, NULL},
        {"{'log': 'a', 'stale': nil}", 0, NULL},
        {"{'log': 'a', 'stale': 1}", QL_INVALID,
         "log.delete/stat: 'stale' must be true or false"},
        {"{'stale': true}", QL_INVALID, NULL},
    };
    static const struct refusal trim_rows[] = {
        {"{'log': 'a', 'before': 1}", 0, NULL},
        {"{'log': 'a', 'before': 18446744073709551615}", 0, NULL},
        {"{'log': 'a'}", QL_INVALID, "log.trim: 'before' is missing"},
        {"{'log': 'a', 'before': 0}", QL_INVALID,
         "log.trim: 'before' must be at least 1"},
        {"{'log': 'a', 'before': -9223372036854775808}", QL_INVALID,
         "log.trim: 'before' must not be negative"},
    };
    static const struct refusal list_rows[] = {
        {"{}", 0, NULL},
        {"{'prefix': '', 'after': 'a', 'max': 1, 'stale': false}", 0, NULL},
        {"{'max': 1000}", 0, NULL},
        {"{'max': 0}", QL_INVALID, "log.list: 'max' must be at least 1"},
        {"{'max': 1001}", QL_INVALID, "log.list: 'max' must be at most 1000"},
        {"{'prefix': 1}", QL_INVALID, "log.list: 'prefix' must be a string"},
        {"{'prefix': '" NAME_255 "'}", 0, NULL},
        {"{'after': '" NAME_255 "e'}", QL_INVALID,
         "log.list: 'after' must be at most 255 bytes long"},
    };

    (void)state;
    refusals_check(decode_log, log_rows, COUNT_OF(log_rows));
    refusals_check(decode_trim, trim_rows, COUNT_OF(trim_rows));
    refusals_check(decode_list, list_rows, COUNT_OF(list_rows));
    cuts_check(decode_log, "{'log': 'a', 'stale': true}");
    cuts_check(decode_trim, "{'log': 'a', 'before': 300}");
    cuts_check(decode_list, "{'prefix': 'a', 'after': 'b', 'max': 1000}");
}

static void log_trim_and_list_come_back_as_they_went(void **state)
{
    const struct log_args log = {.log = bytes_of("a"), .stale = true};
    const struct log_trim_args trim = {.log = bytes_of("a"), .before = 9};
    const struct log_list_args list = {
        .prefix = bytes_of("p"), .after = bytes_of("q"), .max = 5};
    const struct log_list_args all = {.stale = true};
    struct log_args got_log;
    struct log_trim_args got_trim;
    struct log_list_args got_list;
    struct buf buf = BUF_INIT;

    (void)state;
    assert_int_equal(log_args_encode(&log, &buf), 0);
    assert_int_equal(log_args_decode(&got_log, view_of(&buf), NULL), 0);
    assert_bytes(got_log.log, "a");
    assert_true(got_log.stale);
    buf_close(&buf);

    assert_int_equal(log_trim_args_encode(&trim, &buf), 0);
    assert_int_equal(log_trim_args_decode(&got_trim, view_of(&buf), NULL), 0);
    assert_bytes(got_trim.log, "a");
    assert_int_equal(got_trim.before, 9);
    buf_close(&buf);

    assert_int_equal(log_list_args_encode(&list, &buf), 0);
    assert_int_equal(log_list_args_decode(&got_list, view_of(&buf), NULL), 0);
    assert_bytes(got_list.prefix, "p");
    assert_bytes(got_list.after, "q");
    assert_int_equal(got_list.max, 5);
    assert_false(got_list.stale);
    buf_close(&buf);

    assert_int_equal(log_list_args_encode(&all, &buf), 0);
    assert_int_equal(log_list_args_decode(&got_list, view_of(&buf), NULL), 0);
    assert_int_equal(got_list.prefix.len, 0);
    assert_int_equal(got_list.after.len, 0);
    assert_int_equal(got_list.max, LIST_PAGE_MAX);
    assert_true(got_list.stale);
    buf_close(&buf);
}

static void stat_and_lists_of_it_come_back_as_they_went(void **state)
{
    struct log_stat stats[2] = {sample_stat(), sample_stat()};
    struct log_list_result list = {.stats = stats, .count = 2, .more = true};
    struct log_list_result got_list;
    struct log_stat got;
    struct buf buf = BUF_INIT;

    (void)state;
    assert_int_equal(log_stat_encode(&stats[0], &buf), 0);
    assert_int_equal(log_stat_decode(&got, view_of(&buf), NULL), 0);
    assert_sample_stat(&got);
    buf_close(&buf);

    assert_int_equal(log_list_result_encode(&list, &buf), 0);
    assert_int_equal(log_list_result_decode(&got_list, view_of(&buf), NULL), 0);
    assert_int_equal(got_list.count, 2);
    assert_true(got_list.more);
    assert_sample_stat(&got_list.stats[0]);
    assert_sample_stat(&got_list.stats[1]);
    log_list_result_close(&got_list);
    log_list_result_close(&got_list);
    buf_close(&buf);

    list.count = 0;
    list.more = false;
    assert_int_equal(log_list_result_encode(&list, &buf), 0);
    assert_int_equal(log_list_result_decode(&got_list, view_of(&buf), NULL), 0);
    assert_int_equal(got_list.count, 0);
    assert_null(got_list.stats);
    buf_close(&buf);
}

#define STAT_HEAD                                                              \
    "'name': 'a', 'uid': 1, 'incarnation': 1, 'head': 1, 'tail': 1, "          \
    "'entries': 0, 'bytes': 0, 'last_time_ms': 0, 'writer_epoch': 0, "
#define STAT_RETENTION "'retention': {'entries': 0, 'bytes': 0, 'age_ms': 0}, "
#define DIGEST "'digest': b'0123456789abcdef'"

static void stat_refuses_what_would_not_fit_a_client(void **state)
{
    static const struct refusal rows[] = {
        {"{" STAT_HEAD STAT_RETENTION "'writer_name': '', " DIGEST "}", 0,
         NULL},
        {"{" STAT_HEAD STAT_RETENTION "'writer_name': '" NAME_255 "e', " DIGEST
         "}",
         QL_INVALID, "log stat: 'writer_name' must be at most 255 bytes long"},
        {"{" STAT_HEAD STAT_RETENTION "'writer_name': '', 'digest': b'short'}",
         QL_INVALID, "log stat: 'digest' must be 16 bytes"},
        {"{" STAT_HEAD STAT_RETENTION "'writer_name': '', 'digest': 7}",
         QL_INVALID, "log stat: 'digest' must be 16 bytes"},
        {"{" STAT_HEAD "'writer_name': '', " DIGEST "}", QL_INVALID,
         "log stat: 'retention' is missing"},
        {"{" STAT_HEAD "'retention': {}, 'writer_name': '', " DIGEST "}",
         QL_INVALID, "retention: 'entries' is missing"},
        {"nil", QL_INVALID, "log stat: must be a map"},
    };
    static const struct refusal list_rows[] = {
        {"{'more': false, 'logs': []}", 0, NULL},
        {"{'more': false}", QL_INVALID, "log list: 'logs' is missing"},
        {"{'logs': []}", QL_INVALID, "log list: 'more' is missing"},
        {"{'more': false, 'logs': {}}", QL_INVALID,
         "log list: 'logs' must be an array"},
        {"{'more': false, 'logs': [1]}", QL_INVALID, "log stat: must be a map"},
    };

    (void)state;
    refusals_check(decode_stat, rows, COUNT_OF(rows));
    refusals_check(decode_list_result, list_rows, COUNT_OF(list_rows));
    cuts_check(decode_list_result,
               "{'more': false, 'logs': [{" STAT_HEAD STAT_RETENTION
               "'writer_name': '', " DIGEST "}]}");
}

static void writer_messages_come_back_as_they_went(void **state)
{
    const struct writer_args args = {
        .log = bytes_of("a"), .name = bytes_of("w"), .epoch = 7};
    const struct writer_fenced fenced = {bytes_of("a"), 1, 2};
    struct writer_args got;
    struct writer_fenced got_fenced;
    struct buf buf = BUF_INIT;

    (void)state;
    assert_int_equal(writer_acquire_args_encode(&args, &buf), 0);
    assert_int_equal(writer_acquire_args_decode(&got, view_of(&buf), NULL), 0);
    assert_bytes(got.log, "a");
    assert_bytes(got.name, "w");
    assert_int_equal(got.epoch, 0);
    buf_close(&buf);

    assert_int_equal(writer_release_args_encode(&args, &buf), 0);
    assert_int_equal(writer_release_args_decode(&got, view_of(&buf), NULL), 0);
    assert_bytes(got.log, "a");
    assert_int_equal(got.epoch, 7);
    assert_int_equal(got.name.len, 0);
    buf_close(&buf);

    assert_int_equal(writer_fenced_encode(&fenced, &buf), 0);
    assert_int_equal(writer_fenced_decode(&got_fenced, view_of(&buf), NULL), 0);
    assert_bytes(got_fenced.log, "a");
    assert_int_equal(got_fenced.epoch, 1);
    assert_int_equal(got_fenced.newer, 2);
    buf_close(&buf);
}

static void writer_messages_refuse_what_is_wrong(void **state)
{
    static const struct refusal acquire_rows[] = {
        {"{'log': 'a', 'name': 'gr\xc3\xbc\xc3\x9f \xf0\x9f\x90\xa6'}", 0,
         NULL},
        {"{'log': 'a', 'name': '" NAME_255 "'}", 0, NULL},
        {"{'log': 'a', 'name': '" NAME_255 "e'}", QL_INVALID, NULL},
        {"{'log': 'a'}", QL_INVALID, "writer.acquire: 'name' is missing"},
        {"{'log': 'a', 'name': ''}", QL_INVALID,
         "writer.acquire: 'name' must not be empty"},
        {"{'log': 'a', 'name': 'x\ny'}", QL_INVALID,
         "writer.acquire: 'name' must be UTF-8 without control characters"},
        {"{'log': 'a', 'name': '\x7f'}", QL_INVALID, NULL},
        {"{'log': 'a', 'name': '\xc2\x85'}", QL_INVALID, NULL},
        {"{'log': 'a', 'name': '\xff'}", QL_INVALID, NULL},
        {"{'log': 'a', 'name': '\xc0\xaf'}", QL_INVALID, NULL},
        {"{'log': 'a', 'name': '\xed\xa0\x80'}", QL_INVALID, NULL},
        {"{'log': 'a', 'name': '\xf4\x90\x80\x80'}", QL_INVALID, NULL},
        {"{'log': 'a', 'name': '\xe2\x82'}", QL_INVALID, NULL},
    };
    static const struct refusal release_rows[] = {
        {"{'log': 'a', 'epoch': 1}", 0, NULL},
        {"{'log': 'a', 'epoch': 0}", QL_INVALID,
         "writer.release: 'epoch' must be at least 1"},
        {"{'log': 'a'}", QL_INVALID, "writer.release: 'epoch' is missing"},
    };

    (void)state;
    refusals_check(decode_acquire, acquire_rows, COUNT_OF(acquire_rows));
    refusals_check(decode_release, release_rows, COUNT_OF(release_rows));
    cuts_check(decode_acquire, "{'log': 'a', 'name': 'w'}");
    cuts_check(decode_release, "{'log': 'a', 'epoch': 300}");
    cuts_check(decode_fenced, "{'log': 'a', 'epoch': 1, 'newer': 0}");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(config_comes_back_as_it_went),
        cmocka_unit_test(config_refuses_what_is_wrong),
        cmocka_unit_test(log_trim_and_list_refuse_what_is_wrong),
        cmocka_unit_test(log_trim_and_list_come_back_as_they_went),
        cmocka_unit_test(stat_and_lists_of_it_come_back_as_they_went),
        cmocka_unit_test(stat_refuses_what_would_not_fit_a_client),
        cmocka_unit_test(writer_messages_come_back_as_they_went),
        cmocka_unit_test(writer_messages_refuse_what_is_wrong),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
