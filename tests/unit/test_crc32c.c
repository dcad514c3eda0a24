/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include <string.h>

#include "support/cmocka.h"
#include "util/crc32c.h"
#include "util/crc32c_table.h"

typedef uint32_t (*crc32c_fn)(uint32_t crc, const void *bytes, size_t len);

/* RFC 3720, appendix B.4, and the usual check value. */
static void check_known_values(crc32c_fn fn)
{
    uint8_t bytes[32];

    assert_int_equal(fn(0, "123456789", 9), 0xe3069283);
    assert_int_equal(fn(0, NULL, 0), 0);
    memset(bytes, 0, sizeof bytes);
    assert_int_equal(fn(0, bytes, sizeof bytes), 0x8a9136aa);
    memset(bytes, 0xff, sizeof bytes);
    assert_int_equal(fn(0, bytes, sizeof bytes), 0x62a8ab43);
    for (size_t i = 0; i < sizeof bytes; i++) {
        bytes[i] = (uint8_t)i;
    }
    assert_int_equal(fn(0, bytes, sizeof bytes), 0x46dd794e);
}

static void known_values_come_out(void **state)
{
    (void)state;
    check_known_values(crc32c);
}

static void known_values_come_out_by_table(void **state)
{
    (void)state;
    check_known_values(crc32c_by_table);
}

static void table_is_the_polynomial_shifted(void **state)
{
    (void)state;
    for (uint32_t i = 0; i < 256; i++) {
        uint32_t crc = i;

        for (int bit = 0; bit < 8; bit++) {
            crc = (crc >> 1) ^ ((crc & 1) != 0 ? 0x82f63b78u : 0);
        }
        assert_int_equal(crc32c_table[i], crc);
    }
}

static void parts_continue_each_other(void **state)
{
    uint32_t crc;

    (void)state;
    crc = crc32c(0, "1234", 4);
    crc = crc32c(crc, NULL, 0);
    crc = crc32c(crc, "56789", 5);
    assert_int_equal(crc, 0xe3069283);
}

#if defined(__x86_64__)
static void instruction_and_table_agree(void **state)
{
    uint8_t bytes[100];

    (void)state;
    if (!__builtin_cpu_supports("sse4.2")) {
        skip();
    }
    check_known_values(crc32c_by_instruction);
    for (size_t i = 0; i < sizeof bytes; i++) {
        bytes[i] = (uint8_t)(i * 37 + 11);
    }
    for (size_t from = 0; from < 9; from++) {
        for (size_t len = 0; from + len <= sizeof bytes; len++) {
            assert_int_equal(crc32c_by_instruction(123, bytes + from, len),
                             crc32c_by_table(123, bytes + from, len));
        }
    }
}

static void streams_and_table_agree(void **state)
{
    static uint8_t bytes[3 * CRC32C_STREAMS_LEN];

    (void)state;
    if (!__builtin_cpu_supports("sse4.2") ||
        !__builtin_cpu_supports("pclmul")) {
        skip();
    }
    check_known_values(crc32c_by_streams);
    for (size_t i = 0; i < sizeof bytes; i++) {
        bytes[i] = (uint8_t)(i * 37 + i / 251);
    }
    for (size_t len = 0; len + 3 <= sizeof bytes; len += 61) {
        assert_int_equal(crc32c_by_streams(123, bytes + len % 4, len),
                         crc32c_by_table(123, bytes + len % 4, len));
    }
    assert_int_equal(crc32c(7, bytes, sizeof bytes),
                     crc32c_by_table(7, bytes, sizeof bytes));
}
#endif

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(known_values_come_out),
        cmocka_unit_test(known_values_come_out_by_table),
        cmocka_unit_test(table_is_the_polynomial_shifted),
        cmocka_unit_test(parts_continue_each_other),
#if defined(__x86_64__)
        cmocka_unit_test(instruction_and_table_agree),
        cmocka_unit_test(streams_and_table_agree),
#endif
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
