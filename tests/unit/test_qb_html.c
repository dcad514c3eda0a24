/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "qb_html.h"
#include "support/cmocka.h"
#include "support/tmpdir.h"
#include "util/file.h"

#define PAGE_MAX (4u * MIB)
#define DEPTH_MAX 64u
#define WORD_LEN 32u
#define SLICES 25u
#define SLICE_NS 100000000ull
#define HOSTILE "</title><b onload='x'>&\"\xff\x01"

/* ---- A page and its tags ---- */

static void page_setup_text(struct qb_page *page, const char *text)
{
    qb_page_init(page);
    qb_page_text(page, text);
    assert_int_equal(page->rv, 0);
    assert_int_equal(buf_add(&page->bytes, "", 1), 0);
}

static void assert_escaped(const char *text, const char *expected)
{
    struct qb_page page;

    page_setup_text(&page, text);
    assert_string_equal((const char *)page.bytes.data, expected);
    qb_page_close(&page);
}

static bool is_void(const char *name)
{
    return strcmp(name, "meta") == 0 || strcmp(name, "!DOCTYPE") == 0;
}

/* Every element is closed, in the reverse order; attributes are quoted. */
static void assert_well_formed(const char *at)
{
    char open[DEPTH_MAX][WORD_LEN];
    size_t depth = 0;

    while ((at = strchr(at, '<')) != NULL) {
        bool closes = at[1] == '/';
        char name[WORD_LEN] = "";
        const char *end;

        assert_int_equal(sscanf(at + 1 + closes, "%31[A-Za-z0-9!]", name), 1);
        end = strpbrk(at + 1, "<>");
        assert_non_null(end);
        assert_int_equal(*end, '>');
        if (closes) {
            assert_true(depth > 0);
            depth--;
            assert_string_equal(open[depth], name);
        } else if (end[-1] != '/' && !is_void(name)) {
            assert_true(depth < DEPTH_MAX);
            (void)snprintf(open[depth++], WORD_LEN, "%s", name);
        }
        at = end;
    }
    assert_int_equal(depth, 0);
}

/* ---- A result ---- */

struct rig {
    struct tmpdir *dir;
    struct qb_options options;
    struct qb_result result;
    char path[128];
    struct buf bytes;
};

static struct rig rig;

static void fill_repetition(struct qb_repetition *repetition)
{
    static const char *const names[] = {"append"};
    struct qb_track *track;

    assert_int_equal(qb_repetition_init(repetition, names, 1), 0);
    repetition->seconds = 2.5;
    track = &repetition->tracks[0];
    track->series.slice_ns = SLICE_NS;
    track->series.count = SLICES;
    track->series.slices = calloc(SLICES, sizeof *track->series.slices);
    for (size_t i = 0; i < SLICES; i++) {
        struct qb_slice *slice = &track->series.slices[i];

        if (i == 12) {
            continue; /* nothing ended in it */
        }
        slice->count = 100;
        slice->p50_ns = 200000 + i * 1000;
        slice->p99_ns = 900000;
        slice->max_ns = 5000000;
        histogram_record_many(&track->latency, slice->p50_ns, 98);
        histogram_record_many(&track->latency, slice->max_ns, 2);
    }
    track->ops = track->latency.count;
    track->entries = track->ops;
    qb_errors_add(&track->errors, QL_NO_LEADER, HOSTILE);
    repetition->phase_count = 1;
    repetition->phases[0] = (struct qb_phase_cost){
        .what = "kill-leader",
        .note = HOSTILE,
        .begun_seconds = 1.1,
        .ended_seconds = 2.1,
        .recovered_seconds = -1,
        .outage_ns = 300000000,
    };
}

static void fill_floor(struct qb_floor *floor)
{
    floor->nodes = 3;
    floor->write_len = 4096;
    floor->disks_known = true;
    floor->peers_known = true;
    floor->dir_count = 1;
    (void)snprintf(floor->dirs[0].path, sizeof floor->dirs[0].path, "%s",
                   HOSTILE);
    floor->dirs[0].ways[0] = (struct qb_floor_cost){10, 50, 90};
    floor->p50_us = 120;
    floor->p99_us = 200;
}

static int rig_setup(void **state)
{
    struct qb_point *points = calloc(2, sizeof *points);

    assert_int_equal(tmpdir_setup(state), 0);
    rig = (struct rig){.dir = *state,
                       .options = {.mode = QB_APPEND,
                                   .size = 128,
                                   .batch = 1,
                                   .connections = 1,
                                   .duration_ms = 2500,
                                   .repetitions = 1}};
    rig.result = (struct qb_result){.options = &rig.options,
                                    .nodes = 3,
                                    .own = true,
                                    .floor_known = true,
                                    .version = "1.2.3",
                                    .server = HOSTILE,
                                    .endpoints = HOSTILE,
                                    .host = HOSTILE,
                                    .point_count = 2,
                                    .points = points};
    fill_floor(&rig.result.floor);
    qb_result_note(&rig.result, "%s", HOSTILE);
    for (size_t i = 0; i < 2; i++) {
        assert_int_equal(qb_point_init(&points[i], 16 * (i + 1), 1), 0);
        fill_repetition(&points[i].repetitions[0]);
        points[i].repetition_count = 1;
    }
    points[0].stages = calloc(1, sizeof *points[0].stages);
    points[0].stages->count = 1;
    (void)snprintf(points[0].stages->stages[0].name, QB_NAME_MAX, "decode");
    histogram_init(&points[0].stages->stages[0].times);
    histogram_record(&points[0].stages->stages[0].times, 4000);
    (void)snprintf(rig.path, sizeof rig.path, "%s/page.html", rig.dir->path);
    return 0;
}

static int rig_teardown(void **state)
{
    buf_close(&rig.bytes);
    qb_result_close(&rig.result);
    return tmpdir_teardown(state);
}

static const char *write_page(void)
{
    struct err err = {.code = 0};

    assert_int_equal(qb_html_write(&rig.result, rig.path, &err), 0);
    assert_int_equal(file_read(rig.path, PAGE_MAX, &rig.bytes, &err), 0);
    assert_int_equal(buf_add(&rig.bytes, "", 1), 0);
    return (const char *)rig.bytes.data;
}

/* ---- The tests ---- */

static void text_cannot_become_markup(void **state)
{
    (void)state;
    assert_escaped("<a href=\"x\">'&'</a>",
                   "&lt;a href=&quot;x&quot;&gt;&#39;&amp;&#39;&lt;/a&gt;");
}

static void what_is_no_utf8_is_replaced(void **state)
{
    (void)state;
    assert_escaped("\xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80",
                   "\xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80");
    assert_escaped("a\x01z\x7f", "a\xef\xbf\xbdz\xef\xbf\xbd");
    assert_escaped("\xff", "\xef\xbf\xbd");
    assert_escaped("\xc3", "\xef\xbf\xbd");                 /* cut off */
    assert_escaped("\xc0\x80", "\xef\xbf\xbd\xef\xbf\xbd"); /* overlong */
    assert_escaped("\xed\xa0\x80",
                   "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd"); /* surrogate */
    assert_escaped("\xe2\x82<", "\xef\xbf\xbd\xef\xbf\xbd&lt;");
}

static void counts_have_commas(void **state)
{
    struct qb_page page;

    (void)state;
    qb_page_init(&page);
    qb_page_count(&page, 1234567);
    qb_page_add(&page, " ");
    qb_page_count(&page, 1000);
    qb_page_add(&page, " ");
    qb_page_count(&page, 999);
    qb_page_add(&page, " ");
    qb_page_count(&page, 12.5);
    qb_page_add(&page, " ");
    qb_page_count(&page, 0);
    assert_int_equal(buf_add(&page.bytes, "", 1), 0);
    assert_string_equal((const char *)page.bytes.data,
                        "1,234,567 1,000 999 12.5 0");
    qb_page_close(&page);
}

static void every_element_is_closed(void **state)
{
    (void)state;
    assert_well_formed(write_page());
}

static void page_needs_nothing_beside_itself(void **state)
{
    static const char *const words[] = {"http", "//",   "<script", "<link",
                                        "<img", "url(", "@import", "onload='"};
    const char *page = write_page();

    (void)state;
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        assert_null(strstr(page, words[i]));
    }
}

static void page_has_what_was_found(void **state)
{
    const char *page = write_page();

    (void)state;
    assert_non_null(strstr(page, "16 at once"));
    assert_non_null(strstr(page, "32 at once"));
    assert_non_null(strstr(page, "the floor</text>"));
    assert_non_null(strstr(page, "kill-leader</text>"));
    assert_non_null(strstr(page, "300.00 ms")); /* the gap */
    assert_non_null(strstr(page, "NO_LEADER: 1"));
    assert_non_null(strstr(page, "decode</text>"));
    assert_non_null(strstr(page, "99.9 %</text>"));
}

static void line_breaks_where_no_call_ended(void **state)
{
    const char *at = strstr(write_page(), "<h2>Latency over time");
    unsigned strokes = 0;

    (void)state;
    assert_non_null(at);
    at = strstr(at, "<figure>");
    assert_non_null(at);
    at = strstr(at, "<path class=\"line max\" d=\"");
    assert_non_null(at);
    for (at = strstr(at, "d=\"") + 3; *at != '"'; at++) {
        strokes += *at == 'M' ? 1 : 0;
    }
    assert_int_equal(strokes, 2);
}

static void result_without_a_measurement_is_a_page(void **state)
{
    struct qb_result result = {.options = &rig.options};
    struct err err;

    (void)state;
    assert_int_equal(qb_html_write(&result, rig.path, &err), 0);
    assert_int_equal(file_read(rig.path, PAGE_MAX, &rig.bytes, &err), 0);
    assert_int_equal(buf_add(&rig.bytes, "", 1), 0);
    assert_well_formed((const char *)rig.bytes.data);
}

static void page_that_cannot_be_written_is_refused(void **state)
{
    struct err err;

    (void)state;
    (void)snprintf(rig.path, sizeof rig.path, "%s/missing/page.html",
                   rig.dir->path);
    assert_int_equal(qb_html_write(&rig.result, rig.path, &err), QL_NOT_FOUND);
    assert_non_null(strstr(err.text, "missing"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(text_cannot_become_markup),
        cmocka_unit_test(what_is_no_utf8_is_replaced),
        cmocka_unit_test(counts_have_commas),
        cmocka_unit_test_setup_teardown(every_element_is_closed, rig_setup,
                                        rig_teardown),
        cmocka_unit_test_setup_teardown(page_needs_nothing_beside_itself,
                                        rig_setup, rig_teardown),
        cmocka_unit_test_setup_teardown(page_has_what_was_found, rig_setup,
                                        rig_teardown),
        cmocka_unit_test_setup_teardown(line_breaks_where_no_call_ended,
                                        rig_setup, rig_teardown),
        cmocka_unit_test_setup_teardown(result_without_a_measurement_is_a_page,
                                        rig_setup, rig_teardown),
        cmocka_unit_test_setup_teardown(page_that_cannot_be_written_is_refused,
                                        rig_setup, rig_teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
