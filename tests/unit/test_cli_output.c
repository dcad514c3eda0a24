/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/escape.h"
#include "cli/output.h"
#include "cli/strbuf.h"
#include "support/cmocka.h"

struct thing {
    char name[32];
    uint64_t count;
    uint64_t time_ms;
    bool good;
    struct bytes value;
};

#define FIELD(name) offsetof(struct thing, name)

static const struct column columns[] = {
    {"name", "NAME", COLUMN_TEXT, FIELD(name)},
    {"count", "COUNT", COLUMN_U64, FIELD(count)},
    {"time_ms", "TIME", COLUMN_TIME, FIELD(time_ms)},
    {"good", NULL, COLUMN_BOOL, FIELD(good)},
    {"value", "VALUE", COLUMN_BYTES, FIELD(value)},
    COLUMNS_END,
};

static const struct thing apple = {
    "apple", 7, 1767323045678u, true, {(const uint8_t *)"red", 3}};
static const struct thing pear = {
    "pear tree", 1234, 0, false, {(const uint8_t *)"a\nb\xff", 4}};

/* An output into memory. */
struct sink {
    struct output output;
    FILE *file;
    char *text;
    size_t len;
};

static void sink_open(struct sink *sink, enum output_format format)
{
    memset(sink, 0, sizeof *sink);
    sink->file = open_memstream(&sink->text, &sink->len);
    assert_non_null(sink->file);
    output_init(&sink->output, sink->file, format);
}

/* What was written; the caller's to free. */
static char *sink_close(struct sink *sink)
{
    assert_int_equal(output_close(&sink->output, NULL), 0);
    return sink->text;
}

static void assert_list(enum output_format format, const char *expected)
{
    struct output_list list;
    struct sink sink;
    char *text;

    sink_open(&sink, format);
    output_list_begin(&list, &sink.output, columns);
    assert_int_equal(output_list_row(&list, &apple, NULL), 0);
    assert_int_equal(output_list_row(&list, &pear, NULL), 0);
    assert_int_equal(output_list_end(&list, NULL), 0);
    output_list_close(&list);
    text = sink_close(&sink);
    assert_string_equal(text, expected);
    free(text);
}

static void a_table_is_aligned_and_escaped(void **state)
{
    (void)state;
    assert_list(OUTPUT_TABLE,
                "NAME       COUNT  TIME                      VALUE\n"
                "apple          7  2026-01-02T03:04:05.678Z  red\n"
                "pear tree   1234  -                         a\\nb\\xff\n");
}

static void json_is_one_document_with_base64_where_text_is_none(void **state)
{
    (void)state;
    assert_list(OUTPUT_JSON,
                "[\n"
                "  {\"name\": \"apple\", \"count\": 7, \"time_ms\": "
                "1767323045678, \"good\": true, \"value\": \"red\"},\n"
                "  {\"name\": \"pear tree\", \"count\": 1234, \"time_ms\": "
                "null, \"good\": false, \"value_base64\": \"YQpi/w==\"}\n"
                "]\n");
}

static void jsonl_is_an_object_a_line(void **state)
{
    (void)state;
    assert_list(OUTPUT_JSONL,
                "{\"name\": \"apple\", \"count\": 7, \"time_ms\": "
                "1767323045678, \"good\": true, \"value\": \"red\"}\n"
                "{\"name\": \"pear tree\", \"count\": 1234, \"time_ms\": "
                "null, \"good\": false, \"value_base64\": \"YQpi/w==\"}\n");
}

static void an_empty_list_is_a_heading_or_an_empty_document(void **state)
{
    static const char *const expected[] = {"NAME  COUNT  TIME  VALUE\n", "[]\n",
                                           ""};
    static const enum output_format formats[] = {OUTPUT_TABLE, OUTPUT_JSON,
                                                 OUTPUT_JSONL};

    (void)state;
    for (size_t i = 0; i < 3; i++) {
        struct output_list list;
        struct sink sink;
        char *text;

        sink_open(&sink, formats[i]);
        output_list_begin(&list, &sink.output, columns);
        assert_int_equal(output_list_end(&list, NULL), 0);
        output_list_close(&list);
        text = sink_close(&sink);
        assert_string_equal(text, expected[i]);
        free(text);
    }
}

static void a_record_has_a_line_for_each_field(void **state)
{
    struct sink sink;
    char *text;

    (void)state;
    sink_open(&sink, OUTPUT_TABLE);
    assert_int_equal(output_record(&sink.output, columns, &apple, NULL), 0);
    text = sink_close(&sink);
    assert_string_equal(text, "NAME   apple\n"
                              "COUNT  7\n"
                              "TIME   2026-01-02T03:04:05.678Z\n"
                              "VALUE  red\n");
    free(text);
}

static void a_table_is_cut_to_the_terminal(void **state)
{
    struct output_list list;
    struct sink sink;
    char *text;

    (void)state;
    sink_open(&sink, OUTPUT_TABLE);
    sink.output.width = 20;
    output_list_begin(&list, &sink.output, columns);
    assert_int_equal(output_list_row(&list, &apple, NULL), 0);
    assert_int_equal(output_list_end(&list, NULL), 0);
    output_list_close(&list);
    text = sink_close(&sink);
    assert_string_equal(text, "NAME   COUNT  TIM...\n"
                              "apple      7  202...\n");
    free(text);
}

static void rows_behind_those_held_keep_the_widths(void **state)
{
    struct output_list list;
    struct sink sink;
    char *text;
    char *last;

    (void)state;
    sink_open(&sink, OUTPUT_TABLE);
    output_list_begin(&list, &sink.output, columns);
    for (size_t i = 0; i < OUTPUT_ROWS_HELD; i++) {
        assert_int_equal(output_list_row(&list, &apple, NULL), 0);
    }
    assert_int_equal(output_list_row(&list, &pear, NULL), 0);
    assert_int_equal(output_list_end(&list, NULL), 0);
    output_list_close(&list);
    text = sink_close(&sink);
    last = strstr(text, "pear");
    assert_non_null(last);
    assert_string_equal(last, "pear tree   1234  -                         "
                              "a\\nb\\xff\n");
    free(text);
}

static void a_full_disk_is_an_error(void **state)
{
    struct output output;
    struct err err = {.code = 0};
    FILE *file = fopen("/dev/full", "w");

    (void)state;
    if (file == NULL) {
        skip();
    }
    output_init(&output, file, OUTPUT_TABLE);
    assert_int_equal(output_bytes(&output, "x", 1, &err), 0);
    assert_int_equal(output_close(&output, &err), QL_IO);
    assert_false(output.reader_gone);
}

static void formats_are_known_by_name(void **state)
{
    enum output_format format = OUTPUT_JSON;
    struct err err = {.code = 0};

    (void)state;
    assert_int_equal(output_format_parse(NULL, &format, &err), 0);
    assert_int_equal(format, OUTPUT_TABLE);
    assert_int_equal(output_format_parse("jsonl", &format, &err), 0);
    assert_int_equal(format, OUTPUT_JSONL);
    assert_int_equal(output_format_parse("jsno", &format, &err), QL_INVALID);
    assert_non_null(strstr(err.text, "did you mean \"json\""));
}

static void assert_escaped(const char *text, size_t len, const char *expected)
{
    struct buf escaped = BUF_INIT;

    escape_text(text, len, &escaped);
    assert_string_equal(strbuf_text(&escaped), expected);
    buf_close(&escaped);
}

static void nothing_shown_can_move_the_cursor(void **state)
{
    (void)state;
    assert_escaped("plain", 5, "plain");
    assert_escaped("t\tn\nr\r\\", 7, "t\\tn\\nr\\r\\\\");
    assert_escaped("\x1b[2J", 4, "\\x1b[2J");
    assert_escaped("a\0b", 3, "a\\x00b");
    assert_escaped("\x7f", 1, "\\x7f");
    assert_escaped("gr\xc3\xbc\xc3\x9f", 6, "gr\xc3\xbc\xc3\x9f");
    assert_escaped("\xc2\x9b", 2, "\\xc2\\x9b");          /* C1: CSI */
    assert_escaped("\xe2\x80\xae", 3, "\\xe2\\x80\\xae"); /* U+202E */
    assert_escaped("\xc0\xaf", 2, "\\xc0\\xaf");          /* overlong */
    assert_escaped("\xed\xa0\x80", 3, "\\xed\\xa0\\x80"); /* surrogate */
    assert_escaped("\xf4\x90\x80\x80", 4, "\\xf4\\x90\\x80\\x80");
    assert_escaped("\xe2\x82", 2, "\\xe2\\x82"); /* cut short */
}

static void utf8_is_told_from_bytes(void **state)
{
    (void)state;
    assert_true(escape_is_utf8("", 0));
    assert_true(escape_is_utf8("\xf0\x9f\x98\x80", 4));
    assert_false(escape_is_utf8("\xff", 1));
    assert_false(escape_is_utf8("a\xc3", 2));
}

static void base64_pads_what_is_not_a_multiple_of_three(void **state)
{
    static const char *const rows[][2] = {
        {"", ""},        {"f", "Zg=="},          {"fo", "Zm8="},
        {"foo", "Zm9v"}, {"foobar", "Zm9vYmFy"}, {"\xff\xfe", "//4="},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct buf text = BUF_INIT;

        strbuf_base64(&text, rows[i][0], strlen(rows[i][0]));
        assert_string_equal(strbuf_text(&text), rows[i][1]);
        buf_close(&text);
    }
}

static void durations_are_shown_in_the_unit_that_fits(void **state)
{
    static const struct column column = {"age", "AGE", COLUMN_DURATION, 0};
    static const struct {
        uint64_t ms;
        const char *text;
    } rows[] = {
        {0, "0"},
        {250, "250ms"},
        {1000, "1s"},
        {90000, "90s"},
        {3600000, "1h"},
        {7 * 86400000u, "7d"},
        {86400001u, "86400001ms"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct buf text = BUF_INIT;

        cell_text(&column, &rows[i].ms, &text);
        assert_string_equal(strbuf_text(&text), rows[i].text);
        buf_close(&text);
    }
}

static void times_far_off_do_not_overflow(void **state)
{
    char text[CELL_TIME_LEN + 1];

    (void)state;
    cell_time(0, text);
    assert_string_equal(text, "1970-01-01T00:00:00.000Z");
    cell_time(UINT64_MAX, text);
    assert_string_equal(text, "9999-12-31T23:59:59.999Z");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_table_is_aligned_and_escaped),
        cmocka_unit_test(json_is_one_document_with_base64_where_text_is_none),
        cmocka_unit_test(jsonl_is_an_object_a_line),
        cmocka_unit_test(an_empty_list_is_a_heading_or_an_empty_document),
        cmocka_unit_test(a_record_has_a_line_for_each_field),
        cmocka_unit_test(a_table_is_cut_to_the_terminal),
        cmocka_unit_test(rows_behind_those_held_keep_the_widths),
        cmocka_unit_test(a_full_disk_is_an_error),
        cmocka_unit_test(formats_are_known_by_name),
        cmocka_unit_test(nothing_shown_can_move_the_cursor),
        cmocka_unit_test(utf8_is_told_from_bytes),
        cmocka_unit_test(base64_pads_what_is_not_a_multiple_of_three),
        cmocka_unit_test(durations_are_shown_in_the_unit_that_fits),
        cmocka_unit_test(times_far_off_do_not_overflow),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
