/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "support/notation.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "support/cmocka.h"
#include "wire/pack.h"

static void add_value(struct buf *buf, const char **at);
static void add_items(struct buf *buf, const char **at);
static void add_number(struct buf *buf, const char **at);
static void add_float(struct buf *buf, double value);
static struct bytes take_quoted(const char **at);
static void add_hex(struct buf *buf, struct bytes digits);
static void skip_over(const char **at, const char *these);
static bool take_word(const char **at, const char *word);

void notation_pack(struct buf *buf, const char *text)
{
    skip_over(&text, " ");
    while (*text != '\0') {
        add_value(buf, &text);
        skip_over(&text, " ,");
    }
}

static void add_value(struct buf *buf, const char **at)
{
    struct bytes quoted;

    if (**at == '{' || **at == '[') {
        add_items(buf, at);
    } else if (**at == '\'') {
        quoted = take_quoted(at);
        assert_int_equal(pack_str(buf, quoted.data, quoted.len), 0);
    } else if (take_word(at, "b'")) {
        (*at)--;
        quoted = take_quoted(at);
        assert_int_equal(pack_bin(buf, quoted.data, quoted.len), 0);
    } else if (take_word(at, "h'")) {
        (*at)--;
        add_hex(buf, take_quoted(at));
    } else if (take_word(at, "nil")) {
        assert_int_equal(pack_nil(buf), 0);
    } else if (take_word(at, "true")) {
        assert_int_equal(pack_bool(buf, true), 0);
    } else if (take_word(at, "false")) {
        assert_int_equal(pack_bool(buf, false), 0);
    } else {
        add_number(buf, at);
    }
}

static void add_items(struct buf *buf, const char **at)
{
    bool is_map = **at == '{';
    char end = is_map ? '}' : ']';
    uint32_t count = 0;
    size_t mark;

    assert_int_equal(
        is_map ? pack_map_open(buf, &mark) : pack_array_open(buf, &mark), 0);
    (*at)++;
    skip_over(at, " ");
    while (**at != end) {
        assert_true(**at != '\0');
        add_value(buf, at);
        count++;
        skip_over(at, " ,:");
    }
    (*at)++;
    pack_close(buf, mark, is_map ? count / 2 : count);
}

static void add_number(struct buf *buf, const char **at)
{
    char *end;
    bool negative = **at == '-';
    unsigned long long whole = strtoull(*at + negative, &end, 10);

    assert_true(end != *at + negative);
    if (*end == '.') {
        add_float(buf, strtod(*at, &end));
    } else if (negative) {
        uint8_t bytes[9] = {0xd3};
        uint64_t value = 0 - (uint64_t)whole;
        size_t i;

        for (i = 0; i < 8; i++) {
            bytes[1 + i] = (uint8_t)(value >> (56 - 8 * i));
        }
        assert_int_equal(pack_raw(buf, bytes, sizeof(bytes)), 0);
    } else {
        assert_int_equal(pack_u64(buf, whole), 0);
    }
    *at = end;
}

static void add_float(struct buf *buf, double value)
{
    uint8_t bytes[9] = {0xcb};
    uint64_t bits;
    size_t i;

    memcpy(&bits, &value, sizeof(bits));
    for (i = 0; i < 8; i++) {
        bytes[1 + i] = (uint8_t)(bits >> (56 - 8 * i));
    }
    assert_int_equal(pack_raw(buf, bytes, sizeof(bytes)), 0);
}

static struct bytes take_quoted(const char **at)
{
    const char *start = *at + 1;
    const char *end = strchr(start, '\'');

    assert_non_null(end);
    *at = end + 1;
    return (struct bytes){(const uint8_t *)start, (size_t)(end - start)};
}

static void add_hex(struct buf *buf, struct bytes digits)
{
    size_t i;

    assert_int_equal(digits.len % 2, 0);
    for (i = 0; i < digits.len; i += 2) {
        char pair[3] = {(char)digits.data[i], (char)digits.data[i + 1], 0};
        uint8_t byte = (uint8_t)strtoul(pair, NULL, 16);

        assert_int_equal(pack_raw(buf, &byte, 1), 0);
    }
}

static void skip_over(const char **at, const char *these)
{
    *at += strspn(*at, these);
}

static bool take_word(const char **at, const char *word)
{
    if (strncmp(*at, word, strlen(word)) != 0) {
        return false;
    }
    *at += strlen(word);
    return true;
}
