/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* Numbers, sizes, durations, addresses and spelling, as people type them. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "util/err.h"
#include "util/limits.h"

/* Decimal without sign or blanks, at most @max. QL_INVALID otherwise. */
int text_u64(const char *text, uint64_t max, uint64_t *ret_value,
             struct err *err);
/* "10", "64KiB", "1MiB", "2GiB", "10k", "10M" (decimal without the i). */
int text_size(const char *text, uint64_t *ret_bytes, struct err *err);
/* "250ms", "10s", "5m", "1h", "7d"; a bare number is seconds. */
int text_duration_ms(const char *text, uint64_t *ret_ms, struct err *err);
/* "true|yes|on|1" and "false|no|off|0". */
int text_bool(const char *text, bool *ret_value, struct err *err);

struct address {
    char host[256]; /* without brackets; for unix sockets the path */
    uint16_t port;  /* 0 for unix sockets */
    bool is_unix;
};
/* "host", "host:port", "[v6]:port", "unix:/path"; @port_default fills a missing
 * port (0: a port is required). A port 0 is refused. */
int address_parse(const char *text, uint16_t port_default,
                  struct address *ret_address, struct err *err);
/* "host:port" with brackets where needed. */
void address_format(const struct address *address, char ret_text[ADDRESS_MAX]);
/* 127.0.0.0/8, ::1, "localhost" or a unix socket. */
bool address_is_loopback(const struct address *address);

/* The name in @names (NULL-terminated) closest to @text by edit distance, or
 * NULL when none is near enough to be meant. */
const char *text_nearest(const char *text, const char *const *names);
/* Is it a log name: 1..255 bytes of [A-Za-z0-9._/-], no empty, "." or ".."
 * part? QL_INVALID with a sentence that says which rule. */
int log_name_check(const char *name, size_t len, struct err *err);
/* Lower-case hex; @room >= 2 * len + 1. */
void text_hex(const uint8_t *bytes, size_t len, char *ret_text, size_t room);
/* Exactly @len bytes of hex. */
int text_unhex(const char *text, uint8_t *ret_bytes, size_t len,
               struct err *err);
/* 1234567 -> "1.2 MiB" (room >= 16). */
void text_bytes_human(uint64_t bytes, char *ret_text, size_t room);
