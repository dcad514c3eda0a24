/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "wire/args_read.h"

#include <string.h>

#include "support/cmocka.h"
#include "support/notation.h"
#include "support/wire_check.h"

static int decode_read(struct bytes encoded, struct err *err)
{
    struct read_args args;

    return read_args_decode(&args, encoded, err);
}

static int decode_result(struct bytes encoded, struct err *err)
{
    struct read_result result;
    int rv = read_result_decode(&result, encoded, err);

    if (rv == 0) {
        read_result_free(&result);
    }
    return rv;
}

static int decode_follow(struct bytes encoded, struct err *err)
{
    struct follow_args args;

    return follow_args_decode(&args, encoded, err);
}

static int decode_follow_result(struct bytes encoded, struct err *err)
{
    struct follow_result result;

    return follow_result_decode(&result, encoded, err);
}

static int decode_credit(struct bytes encoded, struct err *err)
{
    struct credit_args args;

    return credit_args_decode(&args, encoded, err);
}

static int decode_entries(struct bytes encoded, struct err *err)
{
    struct follow_entries entries;
    int rv = follow_entries_decode(&entries, encoded, err);

    if (rv == 0) {
        follow_entries_free(&entries);
    }
    return rv;
}

static int decode_event(struct bytes encoded, struct err *err)
{
    struct follow_event event;

    return follow_event_decode(&event, encoded, err);
}

static struct read_args read_of(const char *text)
{
    struct buf buf = BUF_INIT;
    struct read_args args;

    notation_pack(&buf, text);
    assert_int_equal(read_args_decode(&args, view_of(&buf), NULL), 0);
    args.log = (struct bytes){NULL, 0};
    buf_close(&buf);
    return args;
}

static void a_read_comes_back_as_it_went(void **state)
{
    const struct read_args args = {
        .log = bytes_of("a"),
        .from = 1,
        .to = UINT64_MAX,
        .entries_max = READ_ENTRIES_MAX,
        .bytes_max = 7,
        .stale = true,
    };
    struct read_args got;
    struct buf buf = BUF_INIT;

    (void)state;
    assert_int_equal(read_args_encode(&args, &buf), 0);
    assert_int_equal(read_args_decode(&got, view_of(&buf), NULL), 0);
    assert_bytes(got.log, "a");
    assert_int_equal(got.from, 1);
    assert_int_equal(got.to, UINT64_MAX);
    assert_int_equal(got.entries_max, READ_ENTRIES_MAX);
    assert_int_equal(got.bytes_max, 7);
    assert_true(got.stale);
    buf_close(&buf);
}

static void the_size_of_an_answer_is_brought_into_its_bounds(void **state)
{
    struct read_args args;

    (void)state;
    args = read_of("{'log': 'a', 'from': 0}");
    assert_int_equal(args.entries_max, READ_ENTRIES_MAX);
    assert_int_equal(args.bytes_max, READ_BYTES_DEFAULT);
    assert_int_equal(args.to, 0);
    assert_false(args.stale);
    args = read_of("{'log': 'a', 'from': 0, 'entries_max': 0, 'bytes_max': 0}");
    assert_int_equal(args.entries_max, 1);
    assert_int_equal(args.bytes_max, 1);
    args = read_of("{'log': 'a', 'from': 0, 'entries_max': 10001, "
                   "'bytes_max': 18446744073709551615}");
    assert_int_equal(args.entries_max, READ_ENTRIES_MAX);
    assert_int_equal(args.bytes_max, READ_BYTES_MAX);
}

static void a_read_refuses_what_is_wrong(void **state)
{
    static const struct refusal rows[] = {
        {"{'log': 'a'}", QL_INVALID, "log.read: 'from' is missing"},
        {"{'log': 'a', 'from': -1}", QL_INVALID,
         "log.read: 'from' must not be negative"},
        {"{'log': 'a', 'from': 1, 'to': 'x'}", QL_INVALID,
         "log.read: 'to' must be an integer"},
        {"{'log': 'a', 'from': 1, 'entries_max': 1.0}", QL_INVALID, NULL},
        {"{'log': 'a', 'from': 1, 'bytes_max': -5}", QL_INVALID,
         "log.read: 'bytes_max' must not be negative"},
        {"{'log': 'a', 'from': 1, 'stale': 'yes'}", QL_INVALID, NULL},
        {"{'from': 1}", QL_INVALID, "log.read: 'log' is missing"},
    };

    (void)state;
    refusals_check(decode_read, rows, COUNT_OF(rows));
    cuts_check(decode_read, "{'log': 'a', 'from': 1, 'stale': true}");
}

static const struct read_entry samples[] = {
    {.position = 1, .time_ms = 1700000000000ull},
    {.position = UINT64_MAX, .time_ms = 2},
};

static void add_samples(struct entries_writer *writer)
{
    struct read_entry first = samples[0];
    struct read_entry second = samples[1];

    first.value = bytes_of("v");
    second.key = bytes_of("");
    assert_int_equal(entries_writer_add(writer, &first), 0);
    assert_int_equal(entries_writer_add(writer, &second), 0);
}

static void assert_samples(const struct read_entry *entries, size_t count)
{
    assert_int_equal(count, 2);
    assert_int_equal(entries[0].position, 1);
    assert_int_equal(entries[0].time_ms, 1700000000000ull);
    assert_null(entries[0].key.data);
    assert_bytes(entries[0].value, "v");
    assert_int_equal(entries[1].position, UINT64_MAX);
    assert_bytes(entries[1].key, "");
    assert_bytes(entries[1].value, "");
}

static void an_answer_comes_back_as_it_went(void **state)
{
    struct entries_writer writer;
    struct read_result got;
    struct buf buf = BUF_INIT;

    (void)state;
    assert_int_equal(read_result_open(&writer, &buf), 0);
    add_samples(&writer);
    assert_int_equal(
        read_result_close(&writer, &(struct read_result){.next = 3,
                                                         .head = 1,
                                                         .tail = 9,
                                                         .incarnation = 4}),
        0);
    assert_int_equal(read_result_decode(&got, view_of(&buf), NULL), 0);
    assert_samples(got.entries, got.count);
    assert_int_equal(got.next, 3);
    assert_int_equal(got.head, 1);
    assert_int_equal(got.tail, 9);
    read_result_free(&got);
    read_result_free(&got);
    buf_close(&buf);

    assert_int_equal(read_result_open(&writer, &buf), 0);
    assert_int_equal(
        read_result_close(
            &writer, &(struct read_result){.next = 9, .head = 9, .tail = 9}),
        0);
    assert_int_equal(read_result_decode(&got, view_of(&buf), NULL), 0);
    assert_int_equal(got.count, 0);
    assert_null(got.entries);
    buf_close(&buf);
}

static void an_answer_refuses_what_is_wrong(void **state)
{
    static const struct refusal rows[] = {
        {"{'entries': [[1, 2, nil, b'v']], 'next': 1, 'head': 1, 'tail': 1}", 0,
         NULL},
        {"{'entries': [], 'next': 1, 'head': 1}", QL_INVALID,
         "read answer: 'tail' is missing"},
        {"{'more': [{}], b'entries': [], 'next': 1, 'head': 1, 'tail': 1}", 0,
         NULL},
        {"{'entries': nil, 'next': 1, 'head': 1, 'tail': 1}", QL_INVALID, NULL},
        {"{'next': 1, 'head': 1, 'tail': 1}", QL_INVALID,
         "read answer: 'entries' is missing"},
        {"{'entries': [], 'entries': [], 'next': 1, 'head': 1, 'tail': 1}",
         QL_INVALID, "read answer: 'entries' stands twice"},
        {"{'entries': {}, 'next': 1, 'head': 1, 'tail': 1}", QL_INVALID,
         "read answer: 'entries' must be an array"},
        {"{'entries': [1], 'next': 1, 'head': 1, 'tail': 1}", QL_INVALID, NULL},
        {"{'entries': [[1, 2, {}, b'v']], 'next': 1, 'head': 1, 'tail': 1}",
         QL_INVALID, NULL},
        {"{'entries': [], 'next': -1, 'head': 1, 'tail': 1}", QL_INVALID,
         "read answer: 'next' must not be negative"},
        {"h'81' 'entries' h'dd00ffffff' 1 2", QL_TOO_LARGE,
         "read answer: the message has more than 262144 items"},
        {"h'81' 'entries' h'dc0003' [1, 2, nil, b'']", QL_PROTOCOL, NULL},
        {"'entries'", QL_INVALID, "read answer: must be a map"},
        {"{'entries': [[1, 2, nil]], 'next': 1, 'head': 1, 'tail': 1}",
         QL_INVALID, "an entry must be [position, time, key, value]"},
        {"{'entries': [[]], 'next': 1, 'head': 1, 'tail': 1}", QL_INVALID,
         NULL},
        {"{'entries': [{}], 'next': 1, 'head': 1, 'tail': 1}", QL_INVALID,
         NULL},
        {"{'entries': [[1, 2, 3, b'v']], 'next': 1, 'head': 1, 'tail': 1}",
         QL_INVALID, NULL},
        {"{'entries': [[1, 2, nil, nil]], 'next': 1, 'head': 1, 'tail': 1}",
         QL_INVALID, NULL},
        {"{'entries': [[-1, 2, nil, b'v']], 'next': 1, 'head': 1, 'tail': 1}",
         QL_INVALID, NULL},
    };

    (void)state;
    refusals_check(decode_result, rows, COUNT_OF(rows));
    cuts_check(decode_result,
               "{'entries': [[1, 2, b'k', b'v']], 'next': 1, 'head': 1, "
               "'tail': 300}");
}

static void following_comes_back_as_it_went(void **state)
{
    const struct follow_args args = {
        .log = bytes_of("a"), .from = 4, .credit = FOLLOW_CREDIT_MAX};
    const struct follow_result result = {1, 2, 3, UINT64_MAX, 5};
    const struct credit_args credit = {.follow = 1, .bytes = 2};
    struct follow_args got;
    struct follow_result got_result;
    struct credit_args got_credit;
    struct buf buf = BUF_INIT;

    (void)state;
    assert_int_equal(follow_args_encode(&args, &buf), 0);
    assert_int_equal(follow_args_decode(&got, view_of(&buf), NULL), 0);
    assert_bytes(got.log, "a");
    assert_int_equal(got.from, 4);
    assert_int_equal(got.credit, FOLLOW_CREDIT_MAX);
    assert_false(got.stale);
    buf_close(&buf);

    assert_int_equal(follow_result_encode(&result, &buf), 0);
    assert_int_equal(follow_result_decode(&got_result, view_of(&buf), NULL), 0);
    assert_int_equal(got_result.follow, 1);
    assert_int_equal(got_result.head, 2);
    assert_int_equal(got_result.tail, 3);
    assert_int_equal(got_result.uid, UINT64_MAX);
    buf_close(&buf);

    assert_int_equal(credit_args_encode(&credit, &buf), 0);
    assert_int_equal(credit_args_decode(&got_credit, view_of(&buf), NULL), 0);
    assert_int_equal(got_credit.follow, 1);
    assert_int_equal(got_credit.bytes, 2);
    buf_close(&buf);
}

static void following_refuses_what_is_wrong(void **state)
{
    static const struct refusal follow_rows[] = {
        {"{'log': 'a', 'from': 0, 'credit': 1}", 0, NULL},
        {"{'log': 'a', 'from': 0, 'credit': 16777216, 'stale': true}", 0, NULL},
        {"{'log': 'a', 'from': 0}", QL_INVALID,
         "log.follow: 'credit' is missing"},
        {"{'log': 'a', 'from': 0, 'credit': 0}", QL_INVALID,
         "log.follow: 'credit' must be at least 1"},
        {"{'log': 'a', 'from': 0, 'credit': 16777217}", QL_INVALID,
         "log.follow: 'credit' must be at most 16777216"},
        {"{'log': 'a', 'credit': 1}", QL_INVALID, NULL},
    };
    static const struct refusal credit_rows[] = {
        {"{'follow': 1}", 0, NULL},
        {"{'follow': 1, 'bytes': 16777216}", 0, NULL},
        {"{'follow': 1, 'bytes': 16777217}", QL_INVALID, NULL},
        {"{'follow': 1, 'bytes': 0}", QL_INVALID,
         "log.credit/unfollow: 'bytes' must be at least 1"},
        {"{'bytes': 1}", QL_INVALID, NULL},
    };

    (void)state;
    refusals_check(decode_follow, follow_rows, COUNT_OF(follow_rows));
    refusals_check(decode_credit, credit_rows, COUNT_OF(credit_rows));
    cuts_check(decode_follow, "{'log': 'a', 'from': 300, 'credit': 70000}");
    cuts_check(decode_follow_result,
               "{'follow': 1, 'head': 1, 'tail': 1, 'uid': 300}");
    cuts_check(decode_credit, "{'follow': 1, 'bytes': 70000}");
}

static void notifications_come_back_as_they_went(void **state)
{
    const struct follow_event event = {.follow = 7,
                                       .event = bytes_of(FOLLOW_TRIMMED),
                                       .position = 12,
                                       .leader = bytes_of("h:1")};
    struct entries_writer writer;
    struct follow_entries got;
    struct follow_event got_event;
    struct buf buf = BUF_INIT;

    (void)state;
    assert_int_equal(follow_entries_open(&writer, &buf, 7), 0);
    add_samples(&writer);
    assert_int_equal(follow_entries_close(&writer, 3, 65), 0);
    assert_int_equal(follow_entries_decode(&got, view_of(&buf), NULL), 0);
    assert_samples(got.entries, got.count);
    assert_int_equal(got.follow, 7);
    assert_int_equal(got.next, 3);
    assert_int_equal(got.cost, 65);
    follow_entries_free(&got);
    buf_close(&buf);

    assert_int_equal(follow_event_encode(&event, &buf), 0);
    assert_int_equal(follow_event_decode(&got_event, view_of(&buf), NULL), 0);
    assert_int_equal(got_event.follow, 7);
    assert_bytes(got_event.event, "TRIMMED");
    assert_int_equal(got_event.position, 12);
    assert_bytes(got_event.leader, "h:1");
    buf_close(&buf);
    cuts_check(decode_entries, "{'follow': 1, 'entries': [[1, 2, nil, b'v']], "
                               "'next': 2, 'cost': 300}");
    cuts_check(decode_event,
               "{'follow': 1, 'event': 'DELETED', 'position': 300}");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_read_comes_back_as_it_went),
        cmocka_unit_test(the_size_of_an_answer_is_brought_into_its_bounds),
        cmocka_unit_test(a_read_refuses_what_is_wrong),
        cmocka_unit_test(an_answer_comes_back_as_it_went),
        cmocka_unit_test(an_answer_refuses_what_is_wrong),
        cmocka_unit_test(following_comes_back_as_it_went),
        cmocka_unit_test(following_refuses_what_is_wrong),
        cmocka_unit_test(notifications_come_back_as_they_went),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
