/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* What is said of chunks on the link. */
#include "consensus/link_chunk.h"

#include <string.h>

#include "support/cmocka.h"

static const struct chunk_name a_name = {.uid = 0x0102030405060708,
                                         .first = 11,
                                         .last = 12,
                                         .chain = "0123456789abcde"};

static void request_comes_back_as_it_was(void **state)
{
    const struct link_chunk_request request = {.id = UINT64_MAX - 1,
                                               .name = a_name};
    struct link_chunk_request again;
    uint8_t bytes[LINK_CHUNK_REQUEST_LEN];

    (void)state;
    link_chunk_request_encode(&request, bytes);
    assert_int_equal(link_chunk_request_decode(bytes, sizeof bytes, &again), 0);
    assert_int_equal(again.id, UINT64_MAX - 1);
    assert_true(chunk_name_equal(&again.name, &a_name));
}

static void request_is_the_bytes_of_the_table(void **state)
{
    static const uint8_t expected[LINK_CHUNK_REQUEST_LEN] = {
        7,   0,   0,   0,   0,   0,   0,   0,   8,   7,   6,   5,
        4,   3,   2,   1,   11,  0,   0,   0,   0,   0,   0,   0,
        12,  0,   0,   0,   0,   0,   0,   0,   '0', '1', '2', '3',
        '4', '5', '6', '7', '8', '9', 'a', 'b', 'c', 'd', 'e', 0};
    const struct link_chunk_request request = {.id = 7, .name = a_name};
    uint8_t bytes[LINK_CHUNK_REQUEST_LEN];

    (void)state;
    link_chunk_request_encode(&request, bytes);
    assert_memory_equal(bytes, expected, sizeof bytes);
}

static void request_of_another_length_is_refused(void **state)
{
    const struct link_chunk_request request = {.id = 1, .name = a_name};
    struct link_chunk_request again;
    uint8_t bytes[LINK_CHUNK_REQUEST_LEN + 1] = {0};

    (void)state;
    link_chunk_request_encode(&request, bytes);
    for (size_t len = 0; len <= sizeof bytes; len++) {
        int rv = link_chunk_request_decode(bytes, len, &again);

        assert_int_equal(rv, len == LINK_CHUNK_REQUEST_LEN ? 0 : QL_PROTOCOL);
    }
}

static int decode_name(uint64_t uid, uint64_t first, uint64_t last)
{
    struct link_chunk_request request = {
        .id = 1, .name = {.uid = uid, .first = first, .last = last}};
    uint8_t bytes[LINK_CHUNK_REQUEST_LEN];

    link_chunk_request_encode(&request, bytes);
    return link_chunk_request_decode(bytes, sizeof bytes, &request);
}

static void name_that_no_chunk_has_is_refused(void **state)
{
    (void)state;
    assert_int_equal(decode_name(1, 1, 1), 0);
    assert_int_equal(decode_name(0, 1, 1), QL_PROTOCOL);
    assert_int_equal(decode_name(1, 0, 1), QL_PROTOCOL);
    assert_int_equal(decode_name(1, 2, 1), QL_PROTOCOL);
}

static void given_chunk_has_row_and_frame(void **state)
{
    uint8_t bytes[LINK_CHUNK_HEAD_LEN + PACK_ROW_LEN + 3] = {0};
    struct link_chunk chunk;

    (void)state;
    link_chunk_head_encode(5, LINK_CHUNK_GIVEN, bytes);
    assert_int_equal(link_chunk_decode(bytes, sizeof bytes, &chunk), 0);
    assert_int_equal(chunk.id, 5);
    assert_int_equal(chunk.status, LINK_CHUNK_GIVEN);
    assert_ptr_equal(chunk.row, bytes + LINK_CHUNK_HEAD_LEN);
    assert_ptr_equal(chunk.frame.data,
                     bytes + LINK_CHUNK_HEAD_LEN + PACK_ROW_LEN);
    assert_int_equal(chunk.frame.len, 3);
    for (size_t len = 0; len < sizeof bytes - 2; len++) {
        assert_int_equal(link_chunk_decode(bytes, len, &chunk), QL_PROTOCOL);
    }
}

static void refusal_has_nothing_behind_it(void **state)
{
    uint8_t bytes[LINK_CHUNK_HEAD_LEN + 1] = {0};
    struct link_chunk chunk;

    (void)state;
    link_chunk_head_encode(5, LINK_CHUNK_NOT_FOUND, bytes);
    assert_int_equal(link_chunk_decode(bytes, LINK_CHUNK_HEAD_LEN, &chunk), 0);
    assert_int_equal(chunk.status, LINK_CHUNK_NOT_FOUND);
    assert_null(chunk.row);
    assert_int_equal(chunk.frame.len, 0);
    assert_int_equal(link_chunk_decode(bytes, sizeof bytes, &chunk),
                     QL_PROTOCOL);
    bytes[12] = 1;
    assert_int_equal(link_chunk_decode(bytes, LINK_CHUNK_HEAD_LEN, &chunk),
                     QL_PROTOCOL);
}

static void status_of_a_later_version_is_a_failure(void **state)
{
    uint8_t bytes[LINK_CHUNK_HEAD_LEN];
    struct link_chunk chunk;

    (void)state;
    link_chunk_head_encode(5, LINK_CHUNK_FAILED, bytes);
    put_u32(bytes + 8, 77);
    assert_int_equal(link_chunk_decode(bytes, sizeof bytes, &chunk), 0);
    assert_int_equal(chunk.status, LINK_CHUNK_FAILED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(request_comes_back_as_it_was),
        cmocka_unit_test(request_is_the_bytes_of_the_table),
        cmocka_unit_test(request_of_another_length_is_refused),
        cmocka_unit_test(name_that_no_chunk_has_is_refused),
        cmocka_unit_test(given_chunk_has_row_and_frame),
        cmocka_unit_test(refusal_has_nothing_behind_it),
        cmocka_unit_test(status_of_a_later_version_is_a_failure),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
