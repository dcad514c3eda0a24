/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "qb_html.h"

#include <inttypes.h>
#include <stdio.h>
#include <time.h>

#include "util/file.h"

static void add_head(struct qb_page *page, const struct qb_result *result);
static void add_setting(struct qb_page *page, const char *name,
                        const char *value);
static void add_settings(struct qb_page *page, const struct qb_result *result);

int qb_html_write(const struct qb_result *result, const char *path,
                  struct err *err)
{
    struct qb_page page;
    int rv;

    qb_page_init(&page);
    add_head(&page, result);
    add_settings(&page, result);
    qb_html_results(&page, result);
    qb_html_percentiles(&page, result);
    qb_html_times(&page, result);
    qb_html_phases(&page, result);
    qb_html_stages(&page, result);
    qb_html_floor(&page, result);
    qb_html_errors(&page, result);
    qb_page_add(&page, "</main></body></html>\n");
    rv = page.rv;
    if (rv != 0) {
        rv = err_set(err, rv, "make the page: out of memory");
    } else {
        rv = file_replace(path, page.bytes.data, page.bytes.len, 0644, err);
    }
    qb_page_close(&page);
    return rv;
}

static void add_head(struct qb_page *page, const struct qb_result *result)
{
    const char *mode = qb_mode_name(result->options->mode);
    time_t started = (time_t)(result->started_ms / 1000);
    struct tm parts;
    char text[32] = "";

    if (gmtime_r(&started, &parts) != NULL) {
        (void)strftime(text, sizeof text, "%Y-%m-%d %H:%M:%S UTC", &parts);
    }
    qb_page_add(page,
                "<!DOCTYPE html>\n<html lang=\"en\"><head>"
                "<meta charset=\"utf-8\">\n"
                "<meta name=\"viewport\" content=\"width=device-width\">\n"
                "<title>quorlog-bench %s</title>\n",
                mode);
    qb_html_style(page);
    qb_page_add(page,
                "</head><body><main>\n<h1>quorlog-bench %s</h1>\n"
                "<p class=\"sub\">%s &middot; ",
                mode, text);
    qb_page_text(page, result->host);
    qb_page_add(page, "</p>\n");
}

static void add_setting(struct qb_page *page, const char *name,
                        const char *value)
{
    qb_page_add(page, "<div><dt>%s</dt><dd>", name);
    qb_page_text(page, value);
    qb_page_add(page, "</dd></div>\n");
}

static void add_number(struct qb_page *page, const char *name, uint64_t value,
                       const char *unit)
{
    qb_page_add(page, "<div><dt>%s</dt><dd>", name);
    qb_page_count(page, (double)value);
    qb_page_add(page, "%s</dd></div>\n", unit);
}

static void add_settings(struct qb_page *page, const struct qb_result *result)
{
    const struct qb_options *options = result->options;
    char text[QB_NOTE_MAX];

    qb_page_add(page, "<dl class=\"settings\">\n");
    (void)snprintf(text, sizeof text, "%zu voting nodes, %s", result->nodes,
                   result->own ? "started for this run" : "already running");
    add_setting(page, "cluster", text);
    add_setting(page, "endpoints", result->endpoints);
    add_setting(page, "server", result->server);
    add_setting(page, "quorlog-bench", result->version);
    add_number(page, "value", options->size, " bytes");
    if (options->key_size > 0) {
        add_number(page, "key", options->key_size, " bytes");
    }
    add_number(page, "entries per call", options->batch, "");
    if (options->connections > 0 || options->mode == QB_READ ||
        options->mode == QB_FOLLOW) {
        add_number(page, "connections", qb_options_connections(options, 1), "");
    } else {
        add_setting(page, "connections", "one for each 1024 appends at once");
    }
    if (options->rate > 0) {
        (void)snprintf(text, sizeof text,
                       "open loop, %" PRIu64
                       " calls a second; latencies from when "
                       "each was due",
                       options->rate);
    } else {
        (void)snprintf(text, sizeof text, "closed loop");
    }
    add_setting(page, "load", text);
    if (options->mode == QB_FAILOVER) {
        (void)snprintf(text, sizeof text, "%" PRIu64 " rounds",
                       options->repetitions);
    } else {
        (void)snprintf(text, sizeof text,
                       "%" PRIu64 " x %.1f s after %.1f s of warm-up; shown is "
                       "the middle one by rate",
                       options->repetitions,
                       (double)options->duration_ms / 1000,
                       (double)options->warmup_ms / 1000);
    }
    add_setting(page, "measured", text);
    qb_page_add(page, "</dl>\n");
}
