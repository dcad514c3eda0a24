/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include <string.h>

#include "support/cmocka.h"
#include "util/text.h"

static void numbers_are_plain_decimals(void **state)
{
    static const char *const bad[] = {
        "", "-1", "+1", " 1", "1 ", "0x1", "1e3", "18446744073709551616"};
    uint64_t value = 99;

    (void)state;
    assert_int_equal(text_u64("0", 10, &value, NULL), 0);
    assert_true(value == 0);
    assert_int_equal(text_u64("18446744073709551615", UINT64_MAX, &value, NULL),
                     0);
    assert_true(value == UINT64_MAX);
    assert_int_equal(text_u64("10", 10, &value, NULL), 0);
    assert_int_equal(text_u64("11", 10, &value, NULL), QL_INVALID);
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        assert_int_equal(text_u64(bad[i], UINT64_MAX, &value, NULL),
                         QL_INVALID);
    }
    assert_true(value == 10);
}

static void sizes_have_units_of_two_kinds(void **state)
{
    static const struct {
        const char *text;
        uint64_t bytes;
    } good[] = {
        {"10", 10},
        {"10k", 10000},
        {"64KiB", 65536},
        {"1MiB", 1048576},
        {"10M", 10000000},
        {"2GiB", 2147483648u},
        {"3G", 3000000000u},
        {"1TiB", 1ull << 40},
        {"0", 0},
        {"16777215TiB", 16777215ull << 40},
    };
    static const char *const bad[] = {"",    "KiB",   "1.5MiB",      "1 KiB",
                                      "10X", "10kib", "16777216TiB", "-1k"};
    uint64_t bytes = 0;

    (void)state;
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        assert_int_equal(text_size(good[i].text, &bytes, NULL), 0);
        assert_true(bytes == good[i].bytes);
    }
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        assert_int_equal(text_size(bad[i], &bytes, NULL), QL_INVALID);
    }
}

static void durations_become_milliseconds(void **state)
{
    static const struct {
        const char *text;
        uint64_t ms;
    } good[] = {
        {"250ms", 250},    {"10s", 10000}, {"5m", 300000}, {"1h", 3600000},
        {"7d", 604800000}, {"3", 3000},    {"0", 0},
    };
    static const char *const bad[] = {"",   "s",     "1.5s",
                                      "1w", "1h30m", "18446744073709551615s"};
    uint64_t ms = 0;

    (void)state;
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        assert_int_equal(text_duration_ms(good[i].text, &ms, NULL), 0);
        assert_true(ms == good[i].ms);
    }
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        assert_int_equal(text_duration_ms(bad[i], &ms, NULL), QL_INVALID);
    }
}

static void booleans_have_four_spellings_each(void **state)
{
    static const char *const yes[] = {"true", "yes", "on", "1"};
    static const char *const no[] = {"false", "no", "off", "0"};
    bool value;

    (void)state;
    for (size_t i = 0; i < 4; i++) {
        value = false;
        assert_int_equal(text_bool(yes[i], &value, NULL), 0);
        assert_true(value);
        assert_int_equal(text_bool(no[i], &value, NULL), 0);
        assert_false(value);
    }
    assert_int_equal(text_bool("", &value, NULL), QL_INVALID);
    assert_int_equal(text_bool("TRUE", &value, NULL), QL_INVALID);
}

static void addresses_go_in_and_come_out_again(void **state)
{
    static const struct {
        const char *text;
        const char *host;
        uint16_t port;
        const char *printed;
    } good[] = {
        {"node1", "node1", 7420, "node1:7420"},
        {"node1:80", "node1", 80, "node1:80"},
        {"10.0.0.1:65535", "10.0.0.1", 65535, "10.0.0.1:65535"},
        {"[::1]:7421", "::1", 7421, "[::1]:7421"},
        {"[fe80::1%eth0]", "fe80::1%eth0", 7420, "[fe80::1%eth0]:7420"},
        {"unix:/run/q.sock", "/run/q.sock", 0, "unix:/run/q.sock"},
    };
    char printed[ADDRESS_MAX];
    struct address address;

    (void)state;
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        assert_int_equal(address_parse(good[i].text, 7420, &address, NULL), 0);
        assert_string_equal(address.host, good[i].host);
        assert_int_equal(address.port, good[i].port);
        assert_int_equal(address.is_unix, good[i].text[0] == 'u');
        address_format(&address, printed);
        assert_string_equal(printed, good[i].printed);
    }
}

static void malformed_addresses_are_refused(void **state)
{
    static const char *const bad[] = {
        "",      ":7420",    "a:",    "a:0",   "a:65536", "a:b",
        "::1",   "::1:7420", "[::1",  "[]:1",  "[::1]x",  "[zz]:1",
        "a b:1", "a,b:1",    "unix:", "a:1:2", "[::1]:",
    };
    struct address address;
    char longer[400] = "unix:/";

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        assert_int_equal(address_parse(bad[i], 7420, &address, NULL),
                         QL_INVALID);
    }
    assert_int_equal(address_parse("a", 0, &address, NULL), QL_INVALID);
    memset(longer + 6, 'a', 107);
    assert_int_equal(address_parse(longer, 0, &address, NULL), QL_INVALID);
    memset(longer, 'a', 256);
    assert_int_equal(address_parse(longer, 1, &address, NULL), QL_INVALID);
    longer[255] = '\0';
    assert_int_equal(address_parse(longer, 1, &address, NULL), 0);
}

static void loopback_is_recognised(void **state)
{
    static const char *const loopback[] = {"127.0.0.1", "127.255.1.2", "[::1]",
                                           "localhost", "unix:/x"};
    static const char *const other[] = {"128.0.0.1", "0.0.0.0", "[::]",
                                        "localhost.example", "127.example"};
    struct address address;

    (void)state;
    for (size_t i = 0; i < 5; i++) {
        assert_int_equal(address_parse(loopback[i], 1, &address, NULL), 0);
        assert_true(address_is_loopback(&address));
        assert_int_equal(address_parse(other[i], 1, &address, NULL), 0);
        assert_false(address_is_loopback(&address));
    }
}

static void nearest_forgives_slips_only(void **state)
{
    static const char *const names[] = {"create",    "delete",   "list",
                                        "endpoints", "log-path", NULL};

    (void)state;
    assert_string_equal(text_nearest("creat", names), "create");
    assert_string_equal(text_nearest("craete", names), "create");
    assert_string_equal(text_nearest("lits", names), "list");
    assert_string_equal(text_nearest("endpoint", names), "endpoints");
    assert_string_equal(text_nearest("log_path", names), "log-path");
    assert_string_equal(text_nearest("list", names), "list");
    assert_null(text_nearest("frobnicate", names));
    assert_null(text_nearest("x", names));
    assert_null(text_nearest("", names));
    assert_null(text_nearest("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
                             "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
                             names));
}

static void log_names_follow_their_rules(void **state)
{
    static const char *const good[] = {"a",    "a/b",   "a.b",   "...",
                                       "a/.b", "A-Z_0", "a/..b", ".a"};
    static const char *const bad[] = {
        "",    "/",    "/a",     "a/",  "a//b", ".",           "..",
        "a/.", "../a", "a/../b", "a b", "a\nb", "caf\xc3\xa9", "a:b"};
    char longest[LOG_NAME_MAX + 1];

    (void)state;
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        assert_int_equal(log_name_check(good[i], strlen(good[i]), NULL), 0);
    }
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct err err = {.code = 0};

        assert_int_equal(log_name_check(bad[i], strlen(bad[i]), &err),
                         QL_INVALID);
        assert_non_null(strstr(err.text, "a log name"));
    }
    assert_int_equal(log_name_check("a\0b", 3, NULL), QL_INVALID);
    memset(longest, 'a', sizeof longest);
    assert_int_equal(log_name_check(longest, LOG_NAME_MAX, NULL), 0);
    assert_int_equal(log_name_check(longest, LOG_NAME_MAX + 1, NULL),
                     QL_INVALID);
}

static void hex_goes_both_ways(void **state)
{
    static const uint8_t bytes[] = {0x00, 0x0f, 0xa5, 0xff};
    uint8_t back[4] = {0};
    char text[9];

    (void)state;
    text_hex(bytes, sizeof bytes, text, sizeof text);
    assert_string_equal(text, "000fa5ff");
    assert_int_equal(text_unhex("000FA5ff", back, sizeof back, NULL), 0);
    assert_memory_equal(back, bytes, sizeof bytes);
    assert_int_equal(text_unhex("000fa5f", back, 4, NULL), QL_INVALID);
    assert_int_equal(text_unhex("000fa5fff", back, 4, NULL), QL_INVALID);
    assert_int_equal(text_unhex("000fa5fg", back, 4, NULL), QL_INVALID);
}

static void bytes_are_shown_in_a_fitting_unit(void **state)
{
    static const struct {
        uint64_t bytes;
        const char *text;
    } rows[] = {
        {0, "0 B"},
        {1023, "1023 B"},
        {1024, "1.0 KiB"},
        {1234567, "1.2 MiB"},
        {1048575, "1.0 MiB"},
        {1ull << 40, "1.0 TiB"},
        {UINT64_MAX, "16.0 EiB"},
    };
    char text[16];

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        text_bytes_human(rows[i].bytes, text, sizeof text);
        assert_string_equal(text, rows[i].text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_are_plain_decimals),
        cmocka_unit_test(sizes_have_units_of_two_kinds),
        cmocka_unit_test(durations_become_milliseconds),
        cmocka_unit_test(booleans_have_four_spellings_each),
        cmocka_unit_test(addresses_go_in_and_come_out_again),
        cmocka_unit_test(malformed_addresses_are_refused),
        cmocka_unit_test(loopback_is_recognised),
        cmocka_unit_test(nearest_forgives_slips_only),
        cmocka_unit_test(log_names_follow_their_rules),
        cmocka_unit_test(hex_goes_both_ways),
        cmocka_unit_test(bytes_are_shown_in_a_fitting_unit),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
