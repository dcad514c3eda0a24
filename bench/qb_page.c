/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "qb_page.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "quorlog.h"

#define PIECE_MAX 2048
#define REPLACEMENT "\xef\xbf\xbd"

static void add_bytes(struct qb_page *page, const char *bytes, size_t len);
static size_t character_len(const uint8_t *at);

void qb_page_init(struct qb_page *page)
{
    buf_init(&page->bytes);
    page->rv = 0;
}

void qb_page_close(struct qb_page *page)
{
    buf_close(&page->bytes);
}

void qb_page_add(struct qb_page *page, const char *format, ...)
{
    char piece[PIECE_MAX];
    va_list arguments;
    int len;

    va_start(arguments, format);
    len = vsnprintf(piece, sizeof piece, format, arguments);
    va_end(arguments);
    if (len < 0 || (size_t)len >= sizeof piece) {
        page->rv = QL_INTERNAL;
        return;
    }
    add_bytes(page, piece, (size_t)len);
}

void qb_page_raw(struct qb_page *page, const char *markup)
{
    add_bytes(page, markup, strlen(markup));
}

void qb_page_text(struct qb_page *page, const char *text)
{
    static const char *const escapes[128] = {
        ['&'] = "&amp;",  ['<'] = "&lt;",   ['>'] = "&gt;",
        ['"'] = "&quot;", ['\''] = "&#39;",
    };
    const uint8_t *at = (const uint8_t *)text;

    while (*at != '\0') {
        size_t len = character_len(at);

        if (len == 0) {
            add_bytes(page, REPLACEMENT, strlen(REPLACEMENT));
            len = 1;
        } else if (len == 1 && escapes[*at] != NULL) {
            add_bytes(page, escapes[*at], strlen(escapes[*at]));
        } else {
            add_bytes(page, (const char *)at, len);
        }
        at += len;
    }
}

void qb_page_time(struct qb_page *page, double ns)
{
    if (ns <= 0) {
        qb_page_add(page, "–");
    } else if (ns < 1e6) {
        qb_page_add(page, "%.1f µs", ns / 1e3);
    } else if (ns < 1e9) {
        qb_page_add(page, "%.2f ms", ns / 1e6);
    } else {
        qb_page_add(page, "%.2f s", ns / 1e9);
    }
}

void qb_page_count(struct qb_page *page, double value)
{
    uint64_t whole = (uint64_t)(value + 0.5);
    uint64_t unit = 1;

    if (value < 100 && value != (double)(uint64_t)value) {
        qb_page_add(page, "%.1f", value);
        return;
    }
    while (whole / unit >= 1000) {
        unit *= 1000;
    }
    qb_page_add(page, "%" PRIu64, whole / unit);
    while (unit > 1) {
        whole %= unit;
        unit /= 1000;
        qb_page_add(page, ",%03" PRIu64, whole / unit);
    }
}

static void add_bytes(struct qb_page *page, const char *bytes, size_t len)
{
    int rv = buf_add(&page->bytes, bytes, len);

    page->rv = rv != 0 ? rv : page->rv;
}

/* Of the UTF-8 character that begins here (RFC 3629); 0: there is none that a page
 * may have. A NUL ends every comparison early. */
static size_t character_len(const uint8_t *at)
{
    static const struct {
        uint8_t first;
        uint8_t last;
        uint8_t second_min;
        uint8_t second_max;
        uint8_t len;
    } rows[] = {
        {0xc2, 0xdf, 0x80, 0xbf, 2}, {0xe0, 0xe0, 0xa0, 0xbf, 3},
        {0xe1, 0xec, 0x80, 0xbf, 3}, {0xed, 0xed, 0x80, 0x9f, 3},
        {0xee, 0xef, 0x80, 0xbf, 3}, {0xf0, 0xf0, 0x90, 0xbf, 4},
        {0xf1, 0xf3, 0x80, 0xbf, 4}, {0xf4, 0xf4, 0x80, 0x8f, 4},
    };

    if (at[0] < 0x80) {
        return at[0] == '\n' || at[0] == '\t' || (at[0] >= 0x20 && at[0] < 0x7f)
                   ? 1
                   : 0;
    }
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        if (at[0] < rows[i].first || at[0] > rows[i].last) {
            continue;
        }
        if (at[1] < rows[i].second_min || at[1] > rows[i].second_max) {
            return 0;
        }
        for (size_t k = 2; k < rows[i].len; k++) {
            if (at[k] < 0x80 || at[k] > 0xbf) {
                return 0;
            }
        }
        return rows[i].len;
    }
    return 0;
}
