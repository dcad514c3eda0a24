/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* How the staged logs and the live ones differ, as it comes. */
#pragma once

#include "cli/output.h"
#include "quorlog.h"
#include "util/err.h"

struct diff_view {
    struct output *output;
    bool every_log; /* also those that are the same */
    bool examples;
    uint64_t stage;
    uint64_t revision;
    uint64_t state_index;
    uint64_t same;
    uint64_t differ;
    struct output_list list; /* a table */
    /* The table of examples, kept until that of the logs is written. */
    struct output kept;
    struct output_list kept_list;
    uint64_t kept_rows;
    char *kept_text;
    size_t kept_len;
    json_t *logs;   /* where there is no table */
    struct err err; /* of a page; code 0: none */
};

int diff_view_begin(struct diff_view *view, struct output *output,
                    bool every_log, bool examples, struct err *err);
/* A ql_diff_page_cb; @data is the view. */
int diff_view_page(void *data, const struct ql_diff_page *page);
int diff_view_end(struct diff_view *view, struct err *err);
void diff_view_close(struct diff_view *view); /* frees */
