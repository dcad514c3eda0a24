/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* What a look through the staged state finds, as it is found. */
#pragma once

#include "cli/output.h"
#include "cli/progress.h"
#include "quorlog.h"
#include "util/err.h"

/* Adds up the pages: how many entries of each log the filter fits, or the entries
 * themselves. */
struct scan_view {
    struct output *output;
    bool entries;   /* show them, and no counts */
    bool every_log; /* count also those without a match */
    struct progress progress;
    uint64_t scanned_bytes;  /* so far */
    struct output_list list; /* a table, or entries */
    json_t *logs;            /* counts, where there is no table */
    struct ql_scan_log log;  /* being counted; no name: none yet */
    uint64_t logs_matched;
    uint64_t given; /* rows */
    struct err err; /* of a page; code 0: none */
};

void scan_view_begin(struct scan_view *view, struct output *output,
                     bool entries, bool every_log);
/* A ql_scan_page_cb; @data is the view. */
int scan_view_page(void *data, const struct ql_scan_page *page);
/* What was found before something went wrong, as far as it can be shown. */
int scan_view_cut(struct scan_view *view, struct err *err);
/* All pages were there: @totals are of all of them. */
int scan_view_end(struct scan_view *view, const struct ql_scan_totals *totals,
                  struct err *err);
void scan_view_close(struct scan_view *view); /* frees */
