/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* Heads as msgpack-c writes them, and walks over bytes that are not sound. */
#include "wire/value.h"

#include <msgpack.h>
#include <stdlib.h>
#include <string.h>

#include "support/cmocka.h"
#include "support/notation.h"
#include "support/wire_check.h"
#include "wire/pack.h"

static const uint64_t borders[] = {
    0,          1,        14,         15,
    16,         31,       32,         127,
    128,        255,      256,        65535,
    65536,      1u << 20, UINT32_MAX, (uint64_t)UINT32_MAX + 1,
    UINT64_MAX,
};

static int on_write(void *data, const char *bytes, size_t len)
{
    return buf_add(data, bytes, len);
}

static msgpack_packer packer_into(struct buf *buf)
{
    msgpack_packer packer;

    msgpack_packer_init(&packer, buf, on_write);
    return packer;
}

static void assert_same(struct buf *ours, struct buf *theirs)
{
    assert_int_equal(ours->len, theirs->len);
    assert_memory_equal(ours->data, theirs->data, ours->len);
    buf_close(ours);
    buf_close(theirs);
}

static void assert_head(const struct buf *buf, enum token_kind kind,
                        uint64_t number)
{
    struct token token = token_read(buf->data, buf->len);
    size_t len;

    assert_int_equal(token.kind, kind);
    assert_int_equal(token.number, number);
    for (len = 0; len < token.head_len; len++) {
        uint8_t *cut = malloc(len + 1); /* ends where its memory ends */

        assert_non_null(cut);
        memcpy(cut + 1, buf->data, len);
        assert_int_equal(token_read(cut + 1, len).kind, TOKEN_CUT);
        free(cut);
    }
}

static void numbers_are_written_as_msgpack_c_does(void **state)
{
    size_t i;

    (void)state;
    for (i = 0; i < COUNT_OF(borders); i++) {
        struct buf ours = BUF_INIT;
        struct buf theirs = BUF_INIT;
        msgpack_packer packer = packer_into(&theirs);

        assert_int_equal(pack_u64(&ours, borders[i]), 0);
        assert_int_equal(msgpack_pack_uint64(&packer, borders[i]), 0);
        assert_head(&theirs, TOKEN_UINT, borders[i]);
        assert_same(&ours, &theirs);
    }
}

static void a_signed_number_is_what_it_holds(void **state)
{
    static const int64_t numbers[] = {
        0,    1,     127,    -1,        -32,       -33,       -128,
        -129, 32767, -32768, INT32_MAX, INT32_MIN, INT64_MAX, INT64_MIN};
    size_t i;

    (void)state;
    for (i = 0; i < COUNT_OF(numbers); i++) {
        struct buf buf = BUF_INIT;
        msgpack_packer packer = packer_into(&buf);
        struct token token;

        /* The long form, which holds any. */
        assert_int_equal(msgpack_pack_fix_int64(&packer, numbers[i]), 0);
        token = token_read(buf.data, buf.len);
        assert_int_equal(token.kind,
                         numbers[i] < 0 ? TOKEN_NEGATIVE : TOKEN_UINT);
        if (numbers[i] >= 0) {
            assert_int_equal(token.number, numbers[i]);
        }
        buf_close(&buf);
    }
}

static void strings_are_written_as_msgpack_c_does(void **state)
{
    char *bytes = calloc(1, 70000);
    size_t i;

    (void)state;
    assert_non_null(bytes);
    for (i = 0; i < COUNT_OF(borders) && borders[i] < 70000; i++) {
        struct buf ours = BUF_INIT;
        struct buf theirs = BUF_INIT;
        msgpack_packer packer = packer_into(&theirs);
        size_t len = borders[i];

        assert_int_equal(pack_str(&ours, bytes, len), 0);
        assert_int_equal(msgpack_pack_str_with_body(&packer, bytes, len), 0);
        assert_head(&theirs, TOKEN_STR, len);
        assert_same(&ours, &theirs);
        packer = packer_into(&theirs);
        assert_int_equal(pack_bin(&ours, bytes, len), 0);
        assert_int_equal(msgpack_pack_bin_with_body(&packer, bytes, len), 0);
        assert_head(&theirs, TOKEN_BIN, len);
        assert_same(&ours, &theirs);
    }
    free(bytes);
}

static void containers_are_written_as_msgpack_c_does(void **state)
{
    size_t i;

    (void)state;
    for (i = 0; i < COUNT_OF(borders) && borders[i] <= UINT32_MAX; i++) {
        struct buf ours = BUF_INIT;
        struct buf theirs = BUF_INIT;
        msgpack_packer packer = packer_into(&theirs);
        uint32_t count = (uint32_t)borders[i];

        assert_int_equal(pack_array(&ours, count), 0);
        assert_int_equal(msgpack_pack_array(&packer, count), 0);
        assert_head(&theirs, TOKEN_ARRAY, count);
        assert_same(&ours, &theirs);
        packer = packer_into(&theirs);
        assert_int_equal(pack_map(&ours, count), 0);
        assert_int_equal(msgpack_pack_map(&packer, count), 0);
        assert_head(&theirs, TOKEN_MAP, 2 * (uint64_t)count);
        assert_same(&ours, &theirs);
    }
}

/* Walks over the items of an array and of the arrays in it. */
static bool is_walked(struct bytes array)
{
    struct token head = value_head(array);
    struct items items;
    struct bytes item;

    if (head.kind != TOKEN_ARRAY) {
        return true;
    }
    if (!value_items(array, &head, &items)) {
        return false;
    }
    while (items.count > 0) {
        if (!items_next(&items, &item) || !is_walked(item)) {
            return false;
        }
    }
    return true;
}

/* From a copy that ends where its memory ends. */
static bool is_notation_walked(const char *text)
{
    struct buf buf = BUF_INIT;
    uint8_t *copy;
    bool is_sound;

    notation_pack(&buf, text);
    copy = malloc(buf.len);
    assert_non_null(copy);
    memcpy(copy, buf.data, buf.len);
    is_sound = is_walked((struct bytes){copy, buf.len});
    free(copy);
    buf_close(&buf);
    return is_sound;
}

static void a_walk_ends_where_the_bytes_end(void **state)
{
    static const char *const sound[] = {
        "[]",
        "[1]",
        "[[]]",
        "[1, [2, [3]], 'a']",
        "['a', {'k': [1]}]",
        "[h'c4026162', h'c500026162', h'd9026162', h'd40101']",
    };
    static const char *const unsound[] = {
        "h'9000'",         "h'9100c0'",       "h'92a5c0'",     "h'93a5c0c0'",
        "h'92c0'",         "h'91c1'",         "h'91a5'",       "h'919100c0'",
        "h'9192c0'",       "h'91c402'",       "h'91c4'",       "h'91dd0000'",
        "h'91ddffffffff'", "h'ddffffffffc0'", "h'9291c191c0'", "h'9291c0'",
        "h'92c5ffff00c0'",
    };
    size_t i;

    (void)state;
    for (i = 0; i < COUNT_OF(sound); i++) {
        assert_true(is_notation_walked(sound[i]));
    }
    for (i = 0; i < COUNT_OF(unsound); i++) {
        if (is_notation_walked(unsound[i])) {
            fail_msg("%s was walked", unsound[i]);
        }
    }
}

static void a_claim_of_items_is_bounded_by_the_bytes(void **state)
{
    struct buf buf = BUF_INIT;
    struct items items;
    struct token head;

    (void)state;
    assert_int_equal(pack_array(&buf, 3), 0);
    assert_int_equal(pack_nil(&buf), 0);
    assert_int_equal(pack_nil(&buf), 0);
    head = value_head(view_of(&buf));
    assert_false(value_items(view_of(&buf), &head, &items));
    assert_int_equal(pack_nil(&buf), 0);
    assert_true(value_items(view_of(&buf), &head, &items));
    buf_close(&buf);
}

static void what_is_taken_in_turn_must_be_there(void **state)
{
    struct buf buf = BUF_INIT;
    struct bytes left;
    struct bytes bytes;
    uint64_t number = 0;

    (void)state;
    notation_pack(&buf, "[300, b'ab', nil, 'c'] -1");
    left = view_of(&buf);
    assert_true(take_tuple(&left, 4));
    assert_true(take_u64(&left, &number));
    assert_int_equal(number, 300);
    assert_true(take_bytes(&left, &bytes));
    assert_bytes(bytes, "ab");
    assert_true(take_bytes_or_nil(&left, &bytes));
    assert_null(bytes.data);
    assert_true(take_bytes_or_nil(&left, &bytes));
    assert_bytes(bytes, "c");
    assert_false(take_u64(&left, &number));
    assert_false(take_u64(&left, &number));
    left = view_of(&buf);
    assert_false(take_tuple(&left, 3));
    buf_close(&buf);
    notation_pack(&buf, "h'c402ff'");
    left = view_of(&buf);
    assert_false(take_bytes(&left, &bytes));
    buf_close(&buf);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_are_written_as_msgpack_c_does),
        cmocka_unit_test(a_signed_number_is_what_it_holds),
        cmocka_unit_test(strings_are_written_as_msgpack_c_does),
        cmocka_unit_test(containers_are_written_as_msgpack_c_does),
        cmocka_unit_test(a_walk_ends_where_the_bytes_end),
        cmocka_unit_test(a_claim_of_items_is_bounded_by_the_bytes),
        cmocka_unit_test(what_is_taken_in_turn_must_be_there),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
