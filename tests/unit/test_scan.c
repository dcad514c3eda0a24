/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "wire/scan.h"

#include <stdlib.h>
#include <string.h>

#include "support/cmocka.h"
#include "support/notation.h"
#include "support/wire_check.h"
#include "wire/pack.h"

/* One of each type in MessagePack, in the order of the type byte. */
static const char *const every_type[] = {
    "h'00'",
    "h'7f'",
    "h'80'",
    "h'820102a0c0'",
    "h'90'",
    "h'930102c0'",
    "h'a0'",
    "h'bf61616161616161616161616161616161616161616161616161616161616161'",
    "h'c0'",
    "h'c2'",
    "h'c3'",
    "h'c403616263'",
    "h'c50003616263'",
    "h'c600000003616263'",
    "h'c70205aabb'",
    "h'c8000205aabb'",
    "h'c90000000205aabb'",
    "h'ca00000000'",
    "h'cb0000000000000000'",
    "h'ccff'",
    "h'cdffff'",
    "h'ceffffffff'",
    "h'cfffffffffffffffff'",
    "h'd080'",
    "h'd18000'",
    "h'd280000000'",
    "h'd38000000000000000'",
    "h'd405aa'",
    "h'd505aaaa'",
    "h'd605aaaaaaaa'",
    "h'd705aaaaaaaaaaaaaaaa'",
    "h'd805aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa'",
    "h'd903616263'",
    "h'da0003616263'",
    "h'db00000003616263'",
    "h'dc000201c0'",
    "h'dd0000000201c0'",
    "h'de0001a161c0'",
    "h'df00000001a161c0'",
    "h'e0'",
    "h'ff'",
};

static const char *const messages[] = {
    "[0, 1, 'm', [{'appends': [{'log': 'a', 'entries': [[b'k', b'']]}]}]]",
    "[1, 4294967295, {'code': 30, 'message': 'no'}, nil]",
    "[2, 'log.event', [{'follow': 1, 'x': [[[[], {}], 1.5], -7], 'y': {}}]]",
    "[[[[[[[[1]]]]]]]]",
};

/* Feeds @len bytes that end where their memory ends. */
static int feed(struct scan *scan, const uint8_t *bytes, size_t len)
{
    uint8_t *copy = malloc(len + 1);
    struct err err = {0};
    int rv;

    assert_non_null(copy);
    memcpy(copy + 1, bytes, len);
    rv = scan_feed(scan, copy + 1, len, &err);
    assert_int_equal(rv, err.code);
    free(copy);
    return rv;
}

static int scan_hex(const char *hex, size_t len_max, bool *ret_done)
{
    struct buf buf = BUF_INIT;
    struct scan scan;
    int rv;

    notation_pack(&buf, hex);
    scan_init(&scan, len_max);
    rv = feed(&scan, buf.data, buf.len);
    *ret_done = scan.done;
    buf_close(&buf);
    return rv;
}

/* The message whole, in each pair of pieces, and byte by byte; then with bytes
 * of the next message behind it. */
static void check_message(const char *text)
{
    struct buf buf = BUF_INIT;
    struct scan scan;
    size_t whole;
    size_t len;

    notation_pack(&buf, text);
    whole = buf.len;
    for (len = 0; len < whole; len++) {
        scan_init(&scan, whole);
        assert_int_equal(feed(&scan, buf.data, len), 0);
        assert_false(scan.done);
        assert_int_equal(feed(&scan, buf.data, whole), 0);
        assert_true(scan.done);
        assert_int_equal(scan.at, whole);
    }
    scan_init(&scan, whole);
    for (len = 0; len <= whole; len++) {
        assert_int_equal(feed(&scan, buf.data, len), 0);
        assert_int_equal(scan.done, len == whole);
    }
    assert_int_equal(buf_add(&buf, "\xc1\xc1", 2), 0);
    scan_init(&scan, whole + 2);
    assert_int_equal(feed(&scan, buf.data, buf.len), 0);
    assert_true(scan.done);
    assert_int_equal(scan.at, whole);
    buf_close(&buf);
}

static void check_value(const char *text)
{
    struct buf buf = BUF_INIT;
    size_t got = 0;
    size_t len;

    notation_pack(&buf, text);
    for (len = 0; len < buf.len; len++) {
        assert_int_equal(scan_value(buf.data, len, &got, NULL), QL_PROTOCOL);
    }
    assert_int_equal(scan_value(buf.data, buf.len, &got, NULL), 0);
    assert_int_equal(got, buf.len);
    assert_int_equal(buf_add(&buf, "\xc1", 1), 0);
    assert_int_equal(scan_value(buf.data, buf.len, &got, NULL), 0);
    assert_int_equal(got, buf.len - 1);
    buf_close(&buf);
}

static void every_type_is_walked_whole_and_in_pieces(void **state)
{
    size_t i;

    (void)state;
    for (i = 0; i < COUNT_OF(every_type); i++) {
        check_message(every_type[i]);
        check_value(every_type[i]);
    }
}

static void messages_are_walked_whole_and_in_pieces(void **state)
{
    size_t i;

    (void)state;
    for (i = 0; i < COUNT_OF(messages); i++) {
        check_message(messages[i]);
        check_value(messages[i]);
    }
}

static void a_message_one_byte_over_the_limit_is_refused(void **state)
{
    size_t i;

    (void)state;
    for (i = 0; i < COUNT_OF(messages); i++) {
        struct buf buf = BUF_INIT;
        struct scan scan;

        notation_pack(&buf, messages[i]);
        scan_init(&scan, buf.len - 1);
        assert_int_equal(feed(&scan, buf.data, buf.len), QL_TOO_LARGE);
        buf_close(&buf);
    }
}

static void hostile_claims_are_refused_by_their_first_bytes(void **state)
{
    static const char *const claims[] = {
        "h'ddffffffff'",   /* 2^32-1 items: 96 GiB once decoded */
        "h'dfffffffff'",   /* as many pairs */
        "h'dbffffffff'",   /* a string of 4 GiB */
        "h'c6ffffffff'",   /* bytes */
        "h'c9ffffffff'",   /* an extension */
        "h'93dd00400000'", /* more items than bytes allowed */
        "h'dd00040001'",   /* one item more than any message may have */
    };
    size_t i;

    (void)state;
    for (i = 0; i < COUNT_OF(claims); i++) {
        bool done;

        assert_int_equal(scan_hex(claims[i], REQUEST_BYTES_MAX, &done),
                         QL_TOO_LARGE);
    }
}

static void claims_add_up_to_the_limit_of_items(void **state)
{
    struct buf buf = BUF_INIT;
    struct scan scan;
    size_t i;

    (void)state;
    /* [ [nil x n], nil x m ] with 2 + n items in all. */
    assert_int_equal(pack_array(&buf, 2), 0);
    assert_int_equal(pack_array(&buf, MESSAGE_ITEMS_MAX - 2), 0);
    for (i = 0; i < MESSAGE_ITEMS_MAX - 2; i++) {
        assert_int_equal(pack_nil(&buf), 0);
    }
    assert_int_equal(pack_nil(&buf), 0);
    scan_init(&scan, buf.len);
    assert_int_equal(scan_feed(&scan, buf.data, buf.len, NULL), 0);
    assert_true(scan.done);
    /* The last nil becomes an array that claims one item. */
    buf.data[buf.len - 1] = 0x91;
    scan_init(&scan, buf.len + 1);
    assert_int_equal(scan_feed(&scan, buf.data, buf.len, NULL), QL_TOO_LARGE);
    buf_close(&buf);
}

static void a_count_that_cannot_fit_the_limit_is_refused(void **state)
{
    bool done;

    (void)state;
    /* Three items need three bytes behind the one that says so. */
    assert_int_equal(scan_hex("h'93'", 4, &done), 0);
    assert_int_equal(scan_hex("h'93'", 3, &done), QL_TOO_LARGE);
    assert_int_equal(scan_hex("h'82'", 5, &done), 0);
    assert_int_equal(scan_hex("h'82'", 4, &done), QL_TOO_LARGE);
    assert_int_equal(scan_hex("h'a3'", 4, &done), 0);
    assert_int_equal(scan_hex("h'a3'", 3, &done), QL_TOO_LARGE);
    assert_int_equal(scan_hex("h'cf'", 9, &done), 0);
    assert_int_equal(scan_hex("h'cf'", 8, &done), QL_TOO_LARGE);
    assert_int_equal(scan_hex("h'c0'", 0, &done), QL_TOO_LARGE);
}

static void nesting_is_bounded(void **state)
{
    size_t len;
    bool done;

    (void)state;
    assert_int_equal(scan_hex("[[[[[[[[]]]]]]]]", 1024, &done), 0);
    assert_true(done);
    assert_int_equal(scan_hex("[[[[[[[[[]]]]]]]]]", 1024, &done), QL_TOO_LARGE);
    assert_int_equal(scan_hex("[[[[[[[[{}]]]]]]]]", 1024, &done), QL_TOO_LARGE);
    assert_int_equal(
        scan_value((const uint8_t *)"\x91\x91\x91\x91\x91\x91\x91\x91\x91", 9,
                   &len, NULL),
        QL_TOO_LARGE);
}

static void byte_c1_is_refused_anywhere(void **state)
{
    bool done;

    (void)state;
    assert_int_equal(scan_hex("h'c1'", 1024, &done), QL_PROTOCOL);
    assert_int_equal(scan_hex("h'92c0c1'", 1024, &done), QL_PROTOCOL);
    assert_int_equal(scan_hex("h'81c1c0'", 1024, &done), QL_PROTOCOL);
    /* In the body of a string it is a byte like any other. */
    assert_int_equal(scan_hex("h'c402c1c1'", 1024, &done), 0);
    assert_true(done);
}

static void a_value_that_claims_too_much_is_refused(void **state)
{
    size_t len;

    (void)state;
    assert_int_equal(
        scan_value((const uint8_t *)"\xdd\xff\xff\xff\xff", 5, &len, NULL),
        QL_TOO_LARGE);
    assert_int_equal(
        scan_value((const uint8_t *)"\xdb\xff\xff\xff\xff", 5, &len, NULL),
        QL_PROTOCOL);
    assert_int_equal(scan_value((const uint8_t *)"", 0, &len, NULL),
                     QL_PROTOCOL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_type_is_walked_whole_and_in_pieces),
        cmocka_unit_test(messages_are_walked_whole_and_in_pieces),
        cmocka_unit_test(a_message_one_byte_over_the_limit_is_refused),
        cmocka_unit_test(hostile_claims_are_refused_by_their_first_bytes),
        cmocka_unit_test(claims_add_up_to_the_limit_of_items),
        cmocka_unit_test(a_count_that_cannot_fit_the_limit_is_refused),
        cmocka_unit_test(nesting_is_bounded),
        cmocka_unit_test(byte_c1_is_refused_anywhere),
        cmocka_unit_test(a_value_that_claims_too_much_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
