/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* A page of HTML as it grows. */
#pragma once

#include <stdint.h>

#include "util/buf.h"

struct qb_page {
    struct buf bytes;
    int rv; /* QL_NO_MEMORY: something is missing in it */
};

void qb_page_init(struct qb_page *page);
void qb_page_close(struct qb_page *page);
/* As printf(3), and nothing is escaped: for markup and numbers. */
void qb_page_add(struct qb_page *page, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/* Markup of any length, as it is. */
void qb_page_raw(struct qb_page *page, const char *markup);
/* Text for content and attribute values: what HTML reads as markup is escaped,
 * what is no UTF-8 or no character for a page becomes U+FFFD. */
void qb_page_text(struct qb_page *page, const char *text);
/* "85.2 µs", "3.40 ms", "1.25 s"; "–" for 0. */
void qb_page_time(struct qb_page *page, double ns);
/* "12,345"; one digit behind the point below 100. */
void qb_page_count(struct qb_page *page, double value);
