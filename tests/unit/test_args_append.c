/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "wire/args_append.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support/cmocka.h"
#include "support/wire_check.h"
#include "wire/pack.h"

static int decode_append(struct bytes encoded, struct err *err)
{
    struct append_args args;
    int rv = append_args_decode(&args, encoded, err);

    if (rv == 0) {
        append_args_close(&args);
    }
    return rv;
}

static int decode_result(struct bytes encoded, struct err *err)
{
    struct append_result result;

    return append_result_decode(&result, encoded, err);
}

static int decode_producer(struct bytes encoded, struct err *err)
{
    struct producer_args args;

    return producer_args_decode(&args, encoded, err);
}

static int decode_status(struct bytes encoded, struct err *err)
{
    struct append_status_args args;

    return append_status_args_decode(&args, encoded, err);
}

/* What an append of this shape gives when it is encoded and decoded. */
static int append_of(const struct append_part_args *parts, size_t count)
{
    const struct append_args args = {
        .parts = (struct append_part_args *)(uintptr_t)parts,
        .parts_count = count,
    };
    struct buf buf = BUF_INIT;
    int rv;

    assert_int_equal(append_args_encode(&args, &buf), 0);
    rv = decode_append(view_of(&buf), NULL);
    buf_close(&buf);
    return rv;
}

static int append_of_entries(const struct append_entry *entries, size_t count)
{
    const struct append_part_args part = {
        .log = bytes_of("a"), .entries = entries, .entries_count = count};

    return append_of(&part, 1);
}

static void an_append_comes_back_as_it_went(void **state)
{
    struct append_entry entries[3] = {
        {.value = bytes_of("one")},
        {.key = bytes_of("k"), .value = bytes_of("two")},
        {.key = bytes_of(""), .value = bytes_of("")},
    };
    struct append_part_args parts[2] = {
        {.log = bytes_of("a"),
         .entries = entries,
         .entries_count = 2,
         .expect_position = 9,
         .epoch = UINT64_MAX},
        {.log = bytes_of("b"), .entries = &entries[2], .entries_count = 1},
    };
    const struct append_args args = {
        .parts = parts, .parts_count = 2, .producer = 5, .sequence = 6};
    struct append_args got;
    struct buf buf = BUF_INIT;

    (void)state;
    assert_int_equal(append_args_encode(&args, &buf), 0);
    assert_int_equal(append_args_decode(&got, view_of(&buf), NULL), 0);
    assert_int_equal(got.producer, 5);
    assert_int_equal(got.sequence, 6);
    assert_int_equal(got.parts_count, 2);
    assert_bytes(got.parts[0].log, "a");
    assert_int_equal(got.parts[0].expect_position, 9);
    assert_int_equal(got.parts[0].epoch, UINT64_MAX);
    assert_int_equal(got.parts[0].entries_count, 2);
    assert_null(got.parts[0].entries[0].key.data);
    assert_bytes(got.parts[0].entries[0].value, "one");
    assert_bytes(got.parts[0].entries[1].key, "k");
    assert_bytes(got.parts[0].entries[1].value, "two");
    assert_bytes(got.parts[1].log, "b");
    assert_int_equal(got.parts[1].expect_position, 0);
    assert_int_equal(got.parts[1].epoch, 0);
    assert_int_equal(got.parts[1].entries_count, 1);
    assert_bytes(got.parts[1].entries[0].key, "");
    assert_bytes(got.parts[1].entries[0].value, "");
    /* The payload is not copied. */
    assert_true(got.parts[0].entries[1].value.data > buf.data);
    assert_true(got.parts[0].entries[1].value.data < buf.data + buf.len);
    append_args_close(&got);
    append_args_close(&got);
    buf_close(&buf);
}

static void a_small_append_needs_no_memory_of_its_own(void **state)
{
    struct append_entry entries[APPEND_ENTRIES_NEAR + 1];
    struct append_part_args part = {.log = bytes_of("a"), .entries = entries};
    const struct append_args args = {.parts = &part, .parts_count = 1};
    struct append_args got;
    size_t i;

    (void)state;
    for (i = 0; i < COUNT_OF(entries); i++) {
        struct buf buf = BUF_INIT;

        entries[i] = (struct append_entry){.value = bytes_of("v")};
        part.entries_count = i + 1;
        assert_int_equal(append_args_encode(&args, &buf), 0);
        assert_int_equal(append_args_decode(&got, view_of(&buf), NULL), 0);
        assert_null(got.parts_owned);
        assert_int_equal(got.entries_owned != NULL, i >= APPEND_ENTRIES_NEAR);
        assert_bytes(got.parts[0].entries[i].value, "v");
        append_args_close(&got);
        buf_close(&buf);
    }
}

#define ENTRIES "'entries': ['v']"

static void an_append_refuses_what_is_wrong(void **state)
{
    static const struct refusal rows[] = {
        {"{'appends': [{'log': 'a', " ENTRIES "}]}", 0, NULL},
        {"{'appends': [{'log': b'a', 'entries': ['v', b'v', ['k', 'v'], "
         "[nil, 'v'], [b'', b'']]}], 'x': [1]}",
         0, NULL},
        {"{'appends': [{'log': 'a', " ENTRIES ", 'expect_position': nil, "
         "'epoch': nil}], 'producer': nil, 'sequence': nil}",
         0, NULL},
        {"{}", QL_INVALID, "log.append: 'appends' is missing"},
        {"{'appends': {}}", QL_INVALID,
         "log.append: 'appends' must be an array"},
        {"{'appends': []}", QL_INVALID,
         "log.append: 'appends' must not be empty"},
        {"{'appends': [1]}", QL_INVALID, "log.append: must be a map"},
        {"{'appends': [{'log': 'a', " ENTRIES "}], 'sequence': 1}", QL_INVALID,
         "log.append: 'producer' and 'sequence' must stand together"},
        {"{'appends': [{'log': 'a', " ENTRIES "}], 'producer': 1}", QL_INVALID,
         NULL},
        {"{'appends': [{'log': 'a', " ENTRIES "}], 'producer': 0, "
         "'sequence': 0}",
         QL_INVALID, "log.append: 'producer' must be at least 1"},
        {"{'appends': [{'log': 'a', " ENTRIES "}], 'producer': 1, "
         "'sequence': '2'}",
         QL_INVALID, "log.append: 'sequence' must be an integer"},
        {"{'appends': [{" ENTRIES "}]}", QL_INVALID,
         "log.append: 'log' is missing"},
        {"{'appends': [{'log': 'a/', " ENTRIES "}]}", QL_INVALID, NULL},
        {"{'appends': [{'log': 'a'}]}", QL_INVALID,
         "log.append: 'entries' is missing"},
        {"{'appends': [{'log': 'a', 'entries': []}]}", QL_INVALID,
         "log.append: 'entries' must not be empty"},
        {"{'appends': [{'log': 'a', 'entries': 'v'}]}", QL_INVALID,
         "log.append: 'entries' must be an array"},
        {"{'appends': [{'log': 'a', " ENTRIES ", " ENTRIES "}]}", QL_INVALID,
         "log.append: 'entries' stands twice"},
        {"{'appends': [{'log': 'a', " ENTRIES "}, {'log': 'b', " ENTRIES
         "}, {'log': 'a', " ENTRIES "}]}",
         QL_INVALID, "log.append: log 'a' stands twice"},
        {"{'appends': [{'log': 'a', " ENTRIES ", 'expect_position': 0}]}",
         QL_INVALID, "log.append: 'expect_position' must be at least 1"},
        {"{'appends': [{'log': 'a', " ENTRIES ", 'epoch': 0}]}", QL_INVALID,
         "log.append: 'epoch' must be at least 1"},
        {"{'appends': [{'log': 'a', 'entries': ['v', 5]}]}", QL_INVALID,
         "log.append: part 0, entry 1: the value must be bytes"},
        {"{'appends': [{'log': 'a', 'entries': [nil]}]}", QL_INVALID, NULL},
        {"{'appends': [{'log': 'a', 'entries': [['k', 'v', 'w']]}]}",
         QL_INVALID,
         "log.append: part 0, entry 0: must be a value or [key, value]"},
        {"{'appends': [{'log': 'a', 'entries': [[]]}]}", QL_INVALID, NULL},
        {"{'appends': [{'log': 'a', 'entries': [[1, 'v']]}]}", QL_INVALID,
         "log.append: part 0, entry 0: the key must be bytes or nil"},
        {"{'appends': [{'log': 'a', 'entries': [['k', nil]]}]}", QL_INVALID,
         NULL},
    };

    (void)state;
    refusals_check(decode_append, rows, COUNT_OF(rows));
    cuts_check(decode_append, "{'appends': [{'log': 'a', 'entries': ['v', "
                              "['k', 'w']], 'epoch': 7}], 'producer': 300, "
                              "'sequence': 70000}");
}

static void keys_and_values_have_limits(void **state)
{
    uint8_t *zeros = calloc(1, ENTRY_VALUE_MAX + 1);
    struct append_entry entry = {{zeros, ENTRY_KEY_MAX},
                                 {zeros, ENTRY_VALUE_MAX}};

    (void)state;
    assert_non_null(zeros);
    assert_int_equal(append_of_entries(&entry, 1), 0);
    entry.key.len++;
    assert_int_equal(append_of_entries(&entry, 1), QL_TOO_LARGE);
    entry.key.len--;
    entry.value.len++;
    assert_int_equal(append_of_entries(&entry, 1), QL_TOO_LARGE);
    free(zeros);
}

static void an_append_has_a_limit_of_bytes(void **state)
{
    uint8_t *zeros = calloc(1, ENTRY_VALUE_MAX);
    struct append_entry entries[4];
    size_t i;

    (void)state;
    assert_non_null(zeros);
    for (i = 0; i < 4; i++) {
        entries[i] = (struct append_entry){{zeros, 1},
                                           {zeros, APPEND_BYTES_MAX / 4 - 1}};
    }
    assert_int_equal(APPEND_BYTES_MAX % 4, 0);
    assert_int_equal(append_of_entries(entries, 4), 0);
    entries[3].key.len++;
    assert_int_equal(append_of_entries(entries, 4), QL_TOO_LARGE);
    free(zeros);
}

static void an_append_has_a_limit_of_entries(void **state)
{
    struct append_entry *entries =
        calloc(APPEND_ENTRIES_MAX + 1, sizeof(*entries));
    struct append_part_args parts[2];
    size_t i;

    (void)state;
    assert_non_null(entries);
    for (i = 0; i <= APPEND_ENTRIES_MAX; i++) {
        entries[i].key = bytes_of("k");
        entries[i].value = bytes_of("v");
    }
    assert_int_equal(append_of_entries(entries, APPEND_ENTRIES_MAX), 0);
    assert_int_equal(append_of_entries(entries, APPEND_ENTRIES_MAX + 1),
                     QL_TOO_LARGE);
    /* The limit is for all parts together. */
    parts[0] = (struct append_part_args){
        .log = bytes_of("a"), .entries = entries, .entries_count = 1};
    parts[1] =
        (struct append_part_args){.log = bytes_of("b"),
                                  .entries = entries,
                                  .entries_count = APPEND_ENTRIES_MAX - 1};
    assert_int_equal(append_of(parts, 2), 0);
    parts[0].entries_count = 2;
    assert_int_equal(append_of(parts, 2), QL_TOO_LARGE);
    free(entries);
}

static void an_append_has_a_limit_of_logs(void **state)
{
    static char names[APPEND_PARTS_MAX + 1][8];
    const struct append_entry entry = {.value = bytes_of("v")};
    struct append_part_args parts[APPEND_PARTS_MAX + 1];
    size_t i;

    (void)state;
    for (i = 0; i <= APPEND_PARTS_MAX; i++) {
        snprintf(names[i], sizeof(names[i]), "log%zu", i);
        parts[i] = (struct append_part_args){
            .log = bytes_of(names[i]), .entries = &entry, .entries_count = 1};
    }
    assert_int_equal(append_of(parts, APPEND_PARTS_MAX), 0);
    assert_int_equal(append_of(parts, APPEND_PARTS_MAX + 1), QL_TOO_LARGE);
}

static void the_answer_comes_back_as_it_went(void **state)
{
    struct append_result result = {.count = APPEND_PARTS_MAX, .time_ms = 99};
    struct append_result got;
    struct buf buf = BUF_INIT;
    size_t i;

    (void)state;
    for (i = 0; i < APPEND_PARTS_MAX; i++) {
        result.places[i] = (struct append_place){i + 1, UINT64_MAX - i};
    }
    assert_int_equal(append_result_encode(&result, &buf), 0);
    assert_int_equal(append_result_decode(&got, view_of(&buf), NULL), 0);
    assert_int_equal(got.count, APPEND_PARTS_MAX);
    assert_int_equal(got.time_ms, 99);
    for (i = 0; i < APPEND_PARTS_MAX; i++) {
        assert_int_equal(got.places[i].first, i + 1);
        assert_int_equal(got.places[i].count, UINT64_MAX - i);
    }
    buf_close(&buf);
}

static void the_answer_refuses_what_is_wrong(void **state)
{
    static const struct refusal rows[] = {
        {"{'places': [], 'time_ms': 0}", 0, NULL},
        {"{'places': [[1, 1]], 'time_ms': 7}", 0, NULL},
        {"{'places': [[1, 1]]}", QL_INVALID,
         "append answer: 'time_ms' is missing"},
        {"{'places': [1], 'time_ms': 7}", QL_INVALID,
         "append answer: a place must be [first, count]"},
        {"{'places': [[]], 'time_ms': 7}", QL_INVALID, NULL},
        {"{'places': [[1]], 'time_ms': 7}", QL_INVALID, NULL},
        {"{'places': [[1, 2, 3]], 'time_ms': 7}", QL_INVALID, NULL},
        {"{'places': [[1, -2]], 'time_ms': 7}", QL_INVALID, NULL},
        {"{'places': [['1', 2]], 'time_ms': 7}", QL_INVALID, NULL},
    };
    struct buf buf = BUF_INIT;
    size_t i;

    (void)state;
    refusals_check(decode_result, rows, COUNT_OF(rows));
    cuts_check(decode_result, "{'places': [[1, 300]], 'time_ms': 7}");
    /* One place more than an append can have. */
    assert_int_equal(pack_map(&buf, 2), 0);
    assert_int_equal(pack_field_u64(&buf, "time_ms", 1), 0);
    assert_int_equal(pack_text(&buf, "places"), 0);
    assert_int_equal(pack_array(&buf, APPEND_PARTS_MAX + 1), 0);
    for (i = 0; i <= APPEND_PARTS_MAX; i++) {
        assert_int_equal(pack_raw(&buf, "\x92\x01\x01", 3), 0);
    }
    assert_int_equal(decode_result(view_of(&buf), NULL), QL_INVALID);
    buf_close(&buf);
}

static void producers_have_numbers_from_1(void **state)
{
    static const struct refusal producer_rows[] = {
        {"{'producer': 1}", 0, NULL},
        {"{'producer': 0}", QL_INVALID,
         "producer: 'producer' must be at least 1"},
        {"{}", QL_INVALID, "producer: 'producer' is missing"},
    };
    static const struct refusal status_rows[] = {
        {"{'producer': 1, 'sequence': 18446744073709551615}", 0, NULL},
        {"{'producer': 1}", QL_INVALID, "append.status: 'sequence' is missing"},
        {"{'producer': 1, 'sequence': 0}", QL_INVALID, NULL},
        {"{'producer': 0, 'sequence': 1}", QL_INVALID, NULL},
    };
    const struct producer_args producer = {.producer = 7};
    const struct append_status_args status = {7, 8};
    struct producer_args got_producer;
    struct append_status_args got_status;
    struct buf buf = BUF_INIT;

    (void)state;
    refusals_check(decode_producer, producer_rows, COUNT_OF(producer_rows));
    refusals_check(decode_status, status_rows, COUNT_OF(status_rows));
    assert_int_equal(producer_args_encode(&producer, &buf), 0);
    assert_int_equal(producer_args_decode(&got_producer, view_of(&buf), NULL),
                     0);
    assert_int_equal(got_producer.producer, 7);
    buf_close(&buf);
    assert_int_equal(append_status_args_encode(&status, &buf), 0);
    assert_int_equal(
        append_status_args_decode(&got_status, view_of(&buf), NULL), 0);
    assert_int_equal(got_status.producer, 7);
    assert_int_equal(got_status.sequence, 8);
    buf_close(&buf);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_append_comes_back_as_it_went),
        cmocka_unit_test(a_small_append_needs_no_memory_of_its_own),
        cmocka_unit_test(an_append_refuses_what_is_wrong),
        cmocka_unit_test(keys_and_values_have_limits),
        cmocka_unit_test(an_append_has_a_limit_of_bytes),
        cmocka_unit_test(an_append_has_a_limit_of_entries),
        cmocka_unit_test(an_append_has_a_limit_of_logs),
        cmocka_unit_test(the_answer_comes_back_as_it_went),
        cmocka_unit_test(the_answer_refuses_what_is_wrong),
        cmocka_unit_test(producers_have_numbers_from_1),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
