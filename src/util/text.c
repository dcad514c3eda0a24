/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "util/text.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

struct unit {
    const char *suffix;
    uint64_t factor;
};

static const struct unit size_units[] = {
    {"", 1},
    {"B", 1},
    {"k", 1000},
    {"K", 1000},
    {"kB", 1000},
    {"KiB", 1ull << 10},
    {"M", 1000000},
    {"MB", 1000000},
    {"MiB", 1ull << 20},
    {"G", 1000000000},
    {"GB", 1000000000},
    {"GiB", 1ull << 30},
    {"T", 1000000000000},
    {"TB", 1000000000000},
    {"TiB", 1ull << 40},
    {NULL, 0},
};

static const struct unit duration_units[] = {
    {"", 1000},      {"ms", 1},        {"s", 1000}, {"m", 60000},
    {"h", 3600000u}, {"d", 86400000u}, {NULL, 0},
};

static int digits_read(const char **text, uint64_t *ret_value);
static int unit_value(const char *text, const struct unit *units,
                      uint64_t *ret_value);
static int hex_digit(char c);

int text_u64(const char *text, uint64_t max, uint64_t *ret_value,
             struct err *err)
{
    const char *rest = text;
    uint64_t value;

    if (digits_read(&rest, &value) != 0 || *rest != '\0') {
        return err_set(err, QL_INVALID, "\"%s\" is no number", text);
    }
    if (value > max) {
        return err_set(err, QL_INVALID, "%s is more than %" PRIu64, text, max);
    }
    *ret_value = value;
    return 0;
}

int text_size(const char *text, uint64_t *ret_bytes, struct err *err)
{
    if (unit_value(text, size_units, ret_bytes) != 0) {
        return err_set(err, QL_INVALID,
                       "\"%s\" is no size; write 4096, 64KiB, 1MiB or 2GiB",
                       text);
    }
    return 0;
}

int text_duration_ms(const char *text, uint64_t *ret_ms, struct err *err)
{
    if (unit_value(text, duration_units, ret_ms) != 0) {
        return err_set(err, QL_INVALID,
                       "\"%s\" is no duration; write 250ms, 10s, 5m, 1h or 7d",
                       text);
    }
    return 0;
}

int text_bool(const char *text, bool *ret_value, struct err *err)
{
    static const char *const yes[] = {"true", "yes", "on", "1"};
    static const char *const no[] = {"false", "no", "off", "0"};

    for (size_t i = 0; i < sizeof yes / sizeof yes[0]; i++) {
        if (strcmp(text, yes[i]) == 0) {
            *ret_value = true;
            return 0;
        }
        if (strcmp(text, no[i]) == 0) {
            *ret_value = false;
            return 0;
        }
    }
    return err_set(err, QL_INVALID, "\"%s\" is neither true nor false", text);
}

/* The bytes of a log's name. */
static const bool log_name_bytes[256] = {
    ['-'] = true,         ['.'] = true,         ['/'] = true,
    ['0' ... '9'] = true, ['A' ... 'Z'] = true, ['_'] = true,
    ['a' ... 'z'] = true,
};

/* What stands between slashes. */
static int log_name_part_check(const char *part, size_t len, struct err *err)
{
    if (len == 0) {
        return err_set(err, QL_INVALID,
                       "a log name has no empty part between slashes");
    }
    if ((len == 1 && part[0] == '.') ||
        (len == 2 && part[0] == '.' && part[1] == '.')) {
        return err_set(err, QL_INVALID,
                       "a log name has no part \".\" or \"..\"");
    }
    return 0;
}

int log_name_check(const char *name, size_t len, struct err *err)
{
    size_t part = 0; /* where the part being read starts */
    int rv;

    if (len == 0) {
        return err_set(err, QL_INVALID, "a log name cannot be empty");
    }
    if (len > LOG_NAME_MAX) {
        return err_set(err, QL_INVALID,
                       "a log name has at most %d bytes, this one has %zu",
                       LOG_NAME_MAX, len);
    }
    for (size_t i = 0; i < len; i++) {
        if (!log_name_bytes[(uint8_t)name[i]]) {
            return err_set(err, QL_INVALID,
                           "a log name has only A-Z, a-z, 0-9 and ._/-; byte "
                           "%zu is 0x%02x",
                           i, (unsigned)(unsigned char)name[i]);
        }
        if (name[i] == '/') {
            rv = log_name_part_check(name + part, i - part, err);
            if (rv != 0) {
                return rv;
            }
            part = i + 1;
        }
    }
    return log_name_part_check(name + part, len - part, err);
}

void text_hex(const uint8_t *bytes, size_t len, char *ret_text, size_t room)
{
    static const char digits[] = "0123456789abcdef";

    assert(room >= 2 * len + 1);
    for (size_t i = 0; i < len; i++) {
        ret_text[2 * i] = digits[bytes[i] >> 4];
        ret_text[2 * i + 1] = digits[bytes[i] & 0x0f];
    }
    ret_text[2 * len] = '\0';
}

int text_unhex(const char *text, uint8_t *ret_bytes, size_t len,
               struct err *err)
{
    if (strlen(text) != 2 * len) {
        return err_set(err, QL_INVALID, "%zu hex digits expected, not %zu",
                       2 * len, strlen(text));
    }
    for (size_t i = 0; i < 2 * len; i++) {
        if (hex_digit(text[i]) < 0) {
            return err_set(err, QL_INVALID, "character %zu is no hex digit", i);
        }
    }
    for (size_t i = 0; i < len; i++) {
        ret_bytes[i] =
            (uint8_t)(hex_digit(text[2 * i]) * 16 + hex_digit(text[2 * i + 1]));
    }
    return 0;
}

void text_bytes_human(uint64_t bytes, char *ret_text, size_t room)
{
    static const char *const units[] = {"KiB", "MiB", "GiB",
                                        "TiB", "PiB", "EiB"};
    double value = (double)bytes / 1024;
    size_t unit = 0;

    if (bytes < 1024) {
        (void)snprintf(ret_text, room, "%" PRIu64 " B", bytes);
        return;
    }
    /* What would be printed as 1024.0 belongs to the next unit. */
    while (value >= 1023.95 && unit + 1 < sizeof units / sizeof units[0]) {
        value /= 1024;
        unit++;
    }
    (void)snprintf(ret_text, room, "%.1f %s", value, units[unit]);
}

/* Reads digits and moves @text behind them. */
static int digits_read(const char **text, uint64_t *ret_value)
{
    const char *at = *text;
    uint64_t value = 0;

    if (*at < '0' || *at > '9') {
        return QL_INVALID;
    }
    for (; *at >= '0' && *at <= '9'; at++) {
        if (__builtin_mul_overflow(value, (uint64_t)10, &value) ||
            __builtin_add_overflow(value, (uint64_t)(*at - '0'), &value)) {
            return QL_INVALID;
        }
    }
    *ret_value = value;
    *text = at;
    return 0;
}

static int unit_value(const char *text, const struct unit *units,
                      uint64_t *ret_value)
{
    uint64_t value;

    if (digits_read(&text, &value) != 0) {
        return QL_INVALID;
    }
    for (; units->suffix != NULL; units++) {
        if (strcmp(text, units->suffix) != 0) {
            continue;
        }
        if (__builtin_mul_overflow(value, units->factor, &value)) {
            return QL_INVALID;
        }
        *ret_value = value;
        return 0;
    }
    return QL_INVALID;
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    if (c >= 'a' && c <= 'f') {
        return c - 'a' + 10;
    }
    if (c >= 'A' && c <= 'F') {
        return c - 'A' + 10;
    }
    return -1;
}
