/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include <stdlib.h>
#include <string.h>

#include "compare/http2.h"
#include "support/cmocka.h"

#define PATH "/etcdserverpb.KV/Put"

static void hello_is_the_preface_settings_and_a_wide_window(void **state)
{
    static const char wanted[] = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
                                 "\0\0\0\4\0\0\0\0\0"
                                 "\0\0\4\10\0\0\0\0\0\x7f\xff\0\0";
    uint8_t bytes[HTTP2_HELLO_MAX];

    (void)state;
    assert_int_equal(http2_hello_put(bytes), sizeof wanted - 1);
    assert_memory_equal(bytes, wanted, sizeof wanted - 1);
}

static void first_headers_enter_the_table(void **state)
{
    static const char wanted[] =
        "\x83\x86\x44\x14" PATH "\x41\x09localhost\x5f\x10"
        "application/grpc\x40\x02te\x08trailers";
    uint8_t bytes[HTTP2_HEADERS_MAX];

    (void)state;
    assert_int_equal(http2_headers_put(bytes, PATH, true), sizeof wanted - 1);
    assert_memory_equal(bytes, wanted, sizeof wanted - 1);
}

/* The newest entry, te, is 62; the path came first and is 65. */
static void later_headers_are_indexes(void **state)
{
    static const uint8_t wanted[] = {0x83, 0x86, 0xc1, 0xc0, 0xbf, 0xbe};
    uint8_t bytes[HTTP2_HEADERS_MAX];

    (void)state;
    assert_int_equal(http2_headers_put(bytes, PATH, false), sizeof wanted);
    assert_memory_equal(bytes, wanted, sizeof wanted);
}

static void headers_used_once_leave_the_table_alone(void **state)
{
    static const char wanted[] = "\x83\x86\x04\x02/x\x01\x09localhost\x0f\x10"
                                 "\x10"
                                 "application/grpc\x00\x02te\x08trailers";
    uint8_t bytes[HTTP2_HEADERS_MAX];

    (void)state;
    assert_int_equal(http2_headers_once_put(bytes, "/x"), sizeof wanted - 1);
    assert_memory_equal(bytes, wanted, sizeof wanted - 1);
}

static void frame_is_taken_as_it_was_put(void **state)
{
    uint8_t bytes[HTTP2_FRAME_HEAD + 300] = {0};
    struct http2_frame frame;

    (void)state;
    http2_frame_head_put(bytes, 300, HTTP2_DATA, HTTP2_END_STREAM, 0x7654321);
    assert_int_equal(
        http2_frame_take((struct bytes){bytes, sizeof bytes}, &frame),
        sizeof bytes);
    assert_int_equal(frame.type, HTTP2_DATA);
    assert_int_equal(frame.flags, HTTP2_END_STREAM);
    assert_int_equal(frame.stream, 0x7654321);
    assert_ptr_equal(frame.payload.data, bytes + HTTP2_FRAME_HEAD);
    assert_int_equal(frame.payload.len, 300);
}

/* Each part in memory of its own, so that a look past its end is seen. */
static void part_of_a_frame_is_none(void **state)
{
    uint8_t bytes[HTTP2_FRAME_HEAD + 20] = {0};

    (void)state;
    http2_frame_head_put(bytes, 20, HTTP2_HEADERS, 0, 1);
    for (size_t len = 1; len < sizeof bytes; len++) {
        uint8_t *part = malloc(len);
        struct http2_frame frame;

        assert_non_null(part);
        memcpy(part, bytes, len);
        assert_int_equal(http2_frame_take((struct bytes){part, len}, &frame),
                         0);
        free(part);
    }
}

static void reserved_bit_is_no_part_of_a_number(void **state)
{
    static const uint8_t frame_bytes[] = {0, 0, 4,    8, 0, 0x80, 0,
                                          0, 3, 0x80, 0, 1, 0};
    struct http2_frame frame;

    (void)state;
    assert_int_equal(
        http2_frame_take((struct bytes){frame_bytes, sizeof frame_bytes},
                         &frame),
        sizeof frame_bytes);
    assert_int_equal(frame.stream, 3);
    assert_int_equal(http2_number(frame.payload), 256);
}

static void short_number_is_nothing(void **state)
{
    static const uint8_t bytes[] = {1, 2, 3};

    (void)state;
    assert_int_equal(http2_number((struct bytes){bytes, sizeof bytes}), 0);
}

static void message_of_grpc_says_its_length(void **state)
{
    static const uint8_t wanted[] = {0, 0, 0, 1, 2};
    uint8_t bytes[HTTP2_MESSAGE_HEAD];

    (void)state;
    http2_message_head_put(bytes, 258);
    assert_memory_equal(bytes, wanted, sizeof wanted);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hello_is_the_preface_settings_and_a_wide_window),
        cmocka_unit_test(first_headers_enter_the_table),
        cmocka_unit_test(later_headers_are_indexes),
        cmocka_unit_test(headers_used_once_leave_the_table_alone),
        cmocka_unit_test(frame_is_taken_as_it_was_put),
        cmocka_unit_test(part_of_a_frame_is_none),
        cmocka_unit_test(reserved_bit_is_no_part_of_a_number),
        cmocka_unit_test(short_number_is_nothing),
        cmocka_unit_test(message_of_grpc_says_its_length),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
