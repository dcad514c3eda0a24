/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "wire/rpc.h"

#include <string.h>

#include "support/cmocka.h"
#include "support/notation.h"
#include "support/wire_check.h"
#include "wire/method.h"
#include "wire/pack.h"
#include "wire/scan.h"

static int decode(struct bytes encoded, struct err *err)
{
    struct rpc_message message;

    return rpc_decode(&message, encoded.data, encoded.len, err);
}

static int decode_scanned(struct bytes encoded, struct err *err)
{
    struct rpc_message message;

    return rpc_decode_scanned(&message, encoded.data, encoded.len, err);
}

static int decode_error(struct bytes encoded, struct err *err)
{
    struct rpc_error error;

    return rpc_error_decode(&error, encoded, err);
}

static void a_request_is_what_the_specification_says(void **state)
{
    static const char wire[] = "\x94\x00\x07\xa8log.stat\x91\x81\xa3log\xa1x";
    struct buf buf = BUF_INIT;
    struct rpc_message message;

    (void)state;
    assert_int_equal(
        rpc_encode_request(&buf, 7, "log.stat", bytes_of("\x81\xa3log\xa1x")),
        0);
    assert_int_equal(buf.len, sizeof(wire) - 1);
    assert_memory_equal(buf.data, wire, buf.len);
    assert_int_equal(rpc_decode(&message, buf.data, buf.len, NULL), 0);
    assert_int_equal(message.type, RPC_REQUEST);
    assert_int_equal(message.id, 7);
    assert_bytes(message.method, "log.stat");
    assert_bytes(message.params, "\x81\xa3log\xa1x");
    buf_close(&buf);
}

static void a_notification_has_no_id(void **state)
{
    struct buf buf = BUF_INIT;
    struct rpc_message message;

    (void)state;
    assert_int_equal(
        rpc_encode_notification(&buf, "log.event", (struct bytes){NULL, 0}), 0);
    assert_int_equal(rpc_decode(&message, buf.data, buf.len, NULL), 0);
    assert_int_equal(message.type, RPC_NOTIFICATION);
    assert_bytes(message.method, "log.event");
    assert_bytes(message.params, "\x80");
    buf_close(&buf);
}

static void a_result_comes_without_an_error(void **state)
{
    struct buf buf = BUF_INIT;
    struct rpc_message message;

    (void)state;
    assert_int_equal(
        rpc_encode_result(&buf, UINT32_MAX, bytes_of("\x81\x01\x02")), 0);
    assert_int_equal(rpc_decode(&message, buf.data, buf.len, NULL), 0);
    assert_int_equal(message.type, RPC_RESPONSE);
    assert_int_equal(message.id, UINT32_MAX);
    assert_int_equal(message.error.len, 0);
    assert_bytes(message.result, "\x81\x01\x02");
    buf_close(&buf);
}

static void an_error_keeps_all_it_says(void **state)
{
    const struct rpc_error error = {
        .code = QL_NOT_LEADER,
        .message = bytes_of("another node leads"),
        .leader = bytes_of("[::1]:7420"),
        .retry_after_ms = 250,
        .position = 1ull << 40,
    };
    struct buf buf = BUF_INIT;
    struct rpc_message message;
    struct rpc_error got;

    (void)state;
    assert_int_equal(rpc_encode_error(&buf, 3, &error), 0);
    assert_int_equal(rpc_decode(&message, buf.data, buf.len, NULL), 0);
    assert_int_equal(message.id, 3);
    assert_int_equal(message.result.len, 0);
    assert_int_equal(rpc_error_decode(&got, message.error, NULL), 0);
    assert_int_equal(got.code, QL_NOT_LEADER);
    assert_bytes(got.message, "another node leads");
    assert_bytes(got.leader, "[::1]:7420");
    assert_int_equal(got.retry_after_ms, 250);
    assert_int_equal(got.position, 1ull << 40);
    buf_close(&buf);
}

static void an_error_leaves_out_what_does_not_help(void **state)
{
    const struct rpc_error error = {.code = QL_BUSY};
    struct buf want = BUF_INIT;
    struct buf buf = BUF_INIT;

    (void)state;
    assert_int_equal(rpc_encode_error(&buf, 3, &error), 0);
    notation_pack(&want, "h'94' 1 3 h'83' 'code' 32 'name' 'BUSY' 'message' '' "
                         "nil");
    assert_int_equal(buf.len, want.len);
    assert_memory_equal(buf.data, want.data, want.len);
    buf_close(&want);
    buf_close(&buf);
}

static void an_error_message_is_always_utf8(void **state)
{
    struct rpc_error error = {.code = QL_INVALID};
    struct buf buf = BUF_INIT;
    struct rpc_message message;

    (void)state;
    error.message = bytes_of("gr\xc3\xbc\xc3\x9f");
    assert_int_equal(rpc_encode_error(&buf, 1, &error), 0);
    assert_int_equal(rpc_decode(&message, buf.data, buf.len, NULL), 0);
    assert_int_equal(rpc_error_decode(&error, message.error, NULL), 0);
    assert_bytes(error.message, "gr\xc3\xbc\xc3\x9f");
    buf_close(&buf);

    error.message = bytes_of("cut \xc3\xbc\xc3");
    assert_int_equal(rpc_encode_error(&buf, 1, &error), 0);
    assert_int_equal(rpc_decode(&message, buf.data, buf.len, NULL), 0);
    assert_int_equal(rpc_error_decode(&error, message.error, NULL), 0);
    assert_bytes(error.message, "cut ???");
    buf_close(&buf);
}

static void what_is_no_envelope_is_a_protocol_error(void **state)
{
    static const struct refusal rows[] = {
        {"1", QL_PROTOCOL, "a message must be an array"},
        {"{}", QL_PROTOCOL, NULL},
        {"[]", QL_PROTOCOL, NULL},
        {"[3, 1, 'm', []]", QL_PROTOCOL,
         "the type of a message must be 0, 1 or 2"},
        {"[-1, 1, 'm', []]", QL_PROTOCOL, NULL},
        {"['0', 1, 'm', []]", QL_PROTOCOL, NULL},
        {"[0, 1, 'm']", QL_PROTOCOL,
         "a message of type 0 must not have 3 items"},
        {"[0, 1, 'm', [], nil]", QL_PROTOCOL, NULL},
        {"[1, 1, nil]", QL_PROTOCOL, NULL},
        {"[2, 'm', [], 1]", QL_PROTOCOL, NULL},
        {"[2, 'm']", QL_PROTOCOL, NULL},
        {"[0, 4294967296, 'm', []]", QL_PROTOCOL,
         "the id of a message must be an integer of 32 bits"},
        {"[0, -1, 'm', []]", QL_PROTOCOL, NULL},
        {"[0, nil, 'm', []]", QL_PROTOCOL, NULL},
        {"[0, 1.5, 'm', []]", QL_PROTOCOL, NULL},
        {"[1, 'x', nil, nil]", QL_PROTOCOL, NULL},
        {"[0, 4294967295, 'm', []]", 0, NULL},
        {"[0, 1, b'm', [{}]]", 0, NULL},
        {"[1, 1, nil, nil]", 0, NULL},
        {"[2, 'm', []]", 0, NULL},
    };

    (void)state;
    refusals_check(decode, rows, COUNT_OF(rows));
    refusals_check(decode_scanned, rows, COUNT_OF(rows));
    cuts_check(decode, "[0, 1, 'log.stat', [{'log': 'x'}]]");
    cuts_check(decode, "[1, 1, {'code': 1}, nil]");
    cuts_check(decode, "[2, 'log.event', [{'follow': 1}]]");
}

static void a_sound_envelope_with_wrong_contents_can_be_answered(void **state)
{
    static const struct {
        const char *message;
        enum rpc_type type;
        const char *text;
    } rows[] = {
        {"[0, 9, 5, [{}]]", RPC_REQUEST, "the method must be a string"},
        {"[0, 9, nil, [{}]]", RPC_REQUEST, "the method must be a string"},
        {"[0, 9, 'm', {}]", RPC_REQUEST,
         "the params must be an array that holds one map"},
        {"[0, 9, 'm', nil]", RPC_REQUEST,
         "the params must be an array that holds one map"},
        {"[0, 9, 'm', [{}, {}]]", RPC_REQUEST,
         "the params must be an array that holds one map"},
        {"[0, 9, 'm', [1]]", RPC_REQUEST, "the params must hold a map"},
        {"[0, 9, 'm', [nil]]", RPC_REQUEST, "the params must hold a map"},
        {"[2, 'm', [1]]", RPC_NOTIFICATION, "the params must hold a map"},
    };
    size_t i;

    (void)state;
    for (i = 0; i < COUNT_OF(rows); i++) {
        struct buf buf = BUF_INIT;
        struct rpc_message message;
        struct err err = {0};

        notation_pack(&buf, rows[i].message);
        assert_int_equal(rpc_decode(&message, buf.data, buf.len, &err),
                         QL_INVALID);
        assert_int_equal(message.type, rows[i].type);
        assert_int_equal(message.id, rows[i].type == RPC_REQUEST ? 9 : 0);
        assert_string_equal(err.text, rows[i].text);
        buf_close(&buf);
    }
}

static void an_error_without_a_code_is_a_protocol_error(void **state)
{
    static const struct refusal rows[] = {
        {"{'code': 10}", 0, NULL},
        {"{'code': 99, 'message': b'x', 'new': [1]}", 0, NULL},
        {"{}", QL_PROTOCOL, "error: 'code' is missing"},
        {"{'code': 0}", QL_PROTOCOL, "error: 'code' must be at least 1"},
        {"{'code': 2147483648}", QL_PROTOCOL, NULL},
        {"{'code': 'NOT_FOUND'}", QL_PROTOCOL, NULL},
        {"{'code': 1, 'message': 1}", QL_PROTOCOL, NULL},
        {"{'code': 1, 'leader': 1}", QL_PROTOCOL, NULL},
        {"{'code': 1, 'retry_after_ms': -1}", QL_PROTOCOL, NULL},
        {"{'code': 1, 'position': 'x'}", QL_PROTOCOL, NULL},
        {"'no such log'", QL_PROTOCOL, "error: must be a map"},
        {"1", QL_PROTOCOL, NULL},
        {"", QL_PROTOCOL, NULL},
    };

    (void)state;
    refusals_check(decode_error, rows, COUNT_OF(rows));
}

static void methods_are_found_by_their_whole_name(void **state)
{
    int i;

    (void)state;
    for (i = METHOD_NONE + 1; i < METHOD_COUNT; i++) {
        const struct method_row *row = method_row((enum method)i);

        assert_int_equal(row->method, i);
        assert_ptr_equal(method_find(row->name, strlen(row->name)), row);
        assert_true(strlen(row->name) <= METHOD_NAME_MAX);
        assert_true(row->leader_only || !row->is_write);
    }
    assert_null(method_find("", 0));
    assert_null(method_find("log.appen", 9));
    assert_null(method_find("log.appends", 11));
    assert_null(method_find("LOG.APPEND", 10));
    assert_ptr_equal(method_find("log.appends", 10),
                     method_row(METHOD_LOG_APPEND));
}

static void reserved_heads_are_filled_in_later(void **state)
{
    struct buf buf = BUF_INIT;
    size_t map;
    size_t array;
    size_t len;

    (void)state;
    assert_int_equal(pack_map_open(&buf, &map), 0);
    assert_int_equal(pack_text(&buf, "a"), 0);
    assert_int_equal(pack_array_open(&buf, &array), 0);
    assert_int_equal(pack_field_bool(&buf, "b", true), 0);
    assert_int_equal(pack_field_text(&buf, "c", "d"), 0);
    assert_int_equal(pack_field_bin(&buf, "e", bytes_of("f")), 0);
    pack_close(&buf, array, 6);
    pack_close(&buf, map, 1);
    assert_int_equal(scan_value(buf.data, buf.len, &len, NULL), 0);
    assert_int_equal(len, buf.len);
    assert_int_equal(buf.data[map], 0xdf);
    assert_int_equal(buf.data[array], 0xdd);
    buf_close(&buf);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_request_is_what_the_specification_says),
        cmocka_unit_test(a_notification_has_no_id),
        cmocka_unit_test(a_result_comes_without_an_error),
        cmocka_unit_test(an_error_keeps_all_it_says),
        cmocka_unit_test(an_error_leaves_out_what_does_not_help),
        cmocka_unit_test(an_error_message_is_always_utf8),
        cmocka_unit_test(what_is_no_envelope_is_a_protocol_error),
        cmocka_unit_test(a_sound_envelope_with_wrong_contents_can_be_answered),
        cmocka_unit_test(an_error_without_a_code_is_a_protocol_error),
        cmocka_unit_test(methods_are_found_by_their_whole_name),
        cmocka_unit_test(reserved_heads_are_filled_in_later),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
