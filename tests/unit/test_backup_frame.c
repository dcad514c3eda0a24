/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* What nodes say of backups on the link. */
#include "consensus/backup_frame.h"

#include <stdlib.h>
#include <string.h>

#include "support/cmocka.h"
#include "util/err.h"

static void report_is_the_bytes_of_the_table(void **state)
{
    static const uint8_t expected[] = {
        1, 0, 0, 0, 1, 0, 0, 0,  /* version, count */
        8, 7, 6, 5, 4, 3, 2, 1,  /* backup */
        9, 0, 0, 0, 0, 0, 0, 0,  /* checked at */
        4, 0, 0, 0, 0, 0, 0, 0}; /* state */
    const struct backup_report_item item = {0x0102030405060708, 9,
                                            BACKUP_VERIFIED};
    uint8_t bytes[sizeof expected];
    struct backup_report_item again;
    size_t count;

    (void)state;
    assert_int_equal(backup_report_len(1), sizeof expected);
    backup_report_encode(&item, 1, bytes);
    assert_memory_equal(bytes, expected, sizeof expected);
    assert_int_equal(backup_report_decode(bytes, sizeof bytes, &count), 0);
    assert_int_equal(count, 1);
    again = backup_report_at(bytes, 0);
    assert_int_equal(again.backup, item.backup);
    assert_int_equal(again.verified_at_ms, 9);
    assert_int_equal(again.state, BACKUP_VERIFIED);
}

static void report_that_makes_no_sense_is_refused(void **state)
{
    const struct backup_report_item items[] = {{1, 0, BACKUP_MISSING},
                                               {2, 0, BACKUP_WAITING}};
    uint8_t bytes[BACKUP_REPORT_HEAD_LEN + 3 * BACKUP_REPORT_ITEM_LEN] = {0};
    size_t count;

    (void)state;
    backup_report_encode(items, 2, bytes);
    for (size_t len = 0; len <= sizeof bytes; len++) {
        uint8_t *exact = malloc(len + 1);
        int rv;

        memcpy(exact, bytes, len);
        rv = backup_report_decode(exact, len, &count);
        assert_int_equal(rv, len >= backup_report_len(2) ? 0 : QL_PROTOCOL);
        free(exact);
    }
    put_u64(bytes + backup_report_len(1), 1); /* the same again */
    assert_int_equal(backup_report_decode(bytes, sizeof bytes, &count),
                     QL_PROTOCOL);
    put_u64(bytes + backup_report_len(1), 2);
    put_u32(bytes, 0); /* no such version */
    assert_int_equal(backup_report_decode(bytes, sizeof bytes, &count),
                     QL_PROTOCOL);
    put_u32(bytes, 2); /* a later one */
    assert_int_equal(backup_report_decode(bytes, sizeof bytes, &count), 0);
    put_u32(bytes + 4, UINT32_MAX);
    assert_int_equal(backup_report_decode(bytes, sizeof bytes, &count),
                     QL_PROTOCOL);
}

static void state_of_a_later_version_counts_as_none(void **state)
{
    const struct backup_report_item item = {1, 0, BACKUP_VERIFIED};
    uint8_t bytes[BACKUP_REPORT_HEAD_LEN + BACKUP_REPORT_ITEM_LEN];

    (void)state;
    backup_report_encode(&item, 1, bytes);
    put_u32(bytes + BACKUP_REPORT_HEAD_LEN + 16, BACKUP_STATES);
    assert_int_equal(backup_report_at(bytes, 0).state, BACKUP_MISSING);
}

static void request_comes_back_as_it_was(void **state)
{
    const struct backup_request request = {1, 2, 3, BACKUP_PIECE_BYTES};
    struct backup_request again;
    uint8_t bytes[BACKUP_REQUEST_LEN + 1] = {0};

    (void)state;
    backup_request_encode(&request, bytes);
    for (size_t len = 0; len <= sizeof bytes; len++) {
        assert_int_equal(backup_request_decode(bytes, len, &again),
                         len == BACKUP_REQUEST_LEN ? 0 : QL_PROTOCOL);
    }
    assert_int_equal(again.id, 1);
    assert_int_equal(again.backup, 2);
    assert_int_equal(again.offset, 3);
    assert_int_equal(again.len, BACKUP_PIECE_BYTES);
}

static int decode_request(uint64_t backup, uint32_t len)
{
    const struct backup_request request = {1, backup, 0, len};
    struct backup_request again;
    uint8_t bytes[BACKUP_REQUEST_LEN];

    backup_request_encode(&request, bytes);
    return backup_request_decode(bytes, sizeof bytes, &again);
}

static void request_for_nothing_or_too_much_is_refused(void **state)
{
    (void)state;
    assert_int_equal(decode_request(1, 1), 0);
    assert_int_equal(decode_request(0, 1), QL_PROTOCOL);
    assert_int_equal(decode_request(1, 0), QL_PROTOCOL);
    assert_int_equal(decode_request(1, BACKUP_PIECE_BYTES + 1), QL_PROTOCOL);
}

static void piece_comes_back_as_it_was(void **state)
{
    const struct backup_answer answer = {.id = 7,
                                         .status = BACKUP_GIVEN,
                                         .total = 1000,
                                         .tag = "0123456789abcde"};
    uint8_t bytes[BACKUP_PIECE_HEAD_LEN + 5];
    struct backup_answer again;

    (void)state;
    backup_answer_head_encode(&answer, bytes);
    memcpy(bytes + BACKUP_PIECE_HEAD_LEN, "bytes", 5);
    for (size_t len = 0; len < BACKUP_PIECE_HEAD_LEN; len++) {
        assert_int_equal(backup_answer_decode(bytes, len, &again), QL_PROTOCOL);
    }
    assert_int_equal(backup_answer_decode(bytes, sizeof bytes, &again), 0);
    assert_int_equal(again.id, 7);
    assert_int_equal(again.total, 1000);
    assert_memory_equal(again.tag, answer.tag, HASH128_LEN);
    assert_int_equal(again.bytes.len, 5);
    assert_memory_equal(again.bytes.data, "bytes", 5);
}

static void piece_has_bytes_when_it_was_given_and_else_none(void **state)
{
    uint8_t bytes[BACKUP_PIECE_HEAD_LEN + 1] = {0};
    struct backup_answer again;

    (void)state;
    for (uint32_t status = 0; status <= BACKUP_GIVENS; status++) {
        bool given = status == BACKUP_GIVEN;

        put_u32(bytes + 8, status);
        assert_int_equal(
            backup_answer_decode(bytes, BACKUP_PIECE_HEAD_LEN, &again),
            given ? QL_PROTOCOL : 0);
        assert_int_equal(backup_answer_decode(bytes, sizeof bytes, &again),
                         given ? 0 : QL_PROTOCOL);
    }
    put_u32(bytes + 8, 999);
    assert_int_equal(backup_answer_decode(bytes, BACKUP_PIECE_HEAD_LEN, &again),
                     0);
    assert_int_equal(again.status, BACKUP_NOT_READ);
    put_u32(bytes + 12, 1);
    assert_int_equal(backup_answer_decode(bytes, BACKUP_PIECE_HEAD_LEN, &again),
                     QL_PROTOCOL);
}

static void states_have_words_and_words_states(void **state)
{
    enum backup_state again;

    (void)state;
    for (int i = 0; i < BACKUP_STATES; i++) {
        const char *word = backup_state_word((enum backup_state)i);
        const struct bytes bytes = {(const uint8_t *)word, strlen(word)};

        assert_int_equal(backup_state_parse(bytes, &again), 0);
        assert_int_equal(again, i);
    }
    assert_int_equal(
        backup_state_parse((struct bytes){(const uint8_t *)"whole", 5}, &again),
        QL_INVALID);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(report_is_the_bytes_of_the_table),
        cmocka_unit_test(report_that_makes_no_sense_is_refused),
        cmocka_unit_test(state_of_a_later_version_counts_as_none),
        cmocka_unit_test(request_comes_back_as_it_was),
        cmocka_unit_test(request_for_nothing_or_too_much_is_refused),
        cmocka_unit_test(piece_comes_back_as_it_was),
        cmocka_unit_test(piece_has_bytes_when_it_was_given_and_else_none),
        cmocka_unit_test(states_have_words_and_words_states),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
