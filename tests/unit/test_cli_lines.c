/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include <string.h>
#include <unistd.h>

#include "cli/batch.h"
#include "cli/lines.h"
#include "support/cmocka.h"

#define LINE_MAX_LEN 8

/* A reader of lines at one end of a pipe. */
struct feed {
    int fds[2];
    struct lines lines;
};

static void feed_open(struct feed *feed)
{
    assert_int_equal(pipe(feed->fds), 0);
    lines_init(&feed->lines, feed->fds[0], LINE_MAX_LEN);
}

static void feed_close(struct feed *feed)
{
    lines_close(&feed->lines);
    assert_int_equal(close(feed->fds[0]), 0);
    if (feed->fds[1] >= 0) {
        assert_int_equal(close(feed->fds[1]), 0);
    }
}

static void feed_write(struct feed *feed, const char *text)
{
    size_t len = strlen(text);

    assert_int_equal(write(feed->fds[1], text, len), (int)len);
    assert_true(lines_readable(&feed->lines));
    assert_int_equal(lines_fill(&feed->lines, NULL), 0);
}

static void feed_end(struct feed *feed)
{
    assert_int_equal(close(feed->fds[1]), 0);
    feed->fds[1] = -1;
    assert_true(lines_readable(&feed->lines));
    assert_int_equal(lines_fill(&feed->lines, NULL), 0);
}

static void assert_state(struct feed *feed, enum lines_state expected)
{
    enum lines_state state;
    struct bytes line;

    assert_int_equal(lines_next(&feed->lines, &state, &line, NULL), 0);
    assert_int_equal(state, expected);
}

static void assert_line(struct feed *feed, const char *expected)
{
    enum lines_state state;
    struct bytes line;

    assert_int_equal(lines_next(&feed->lines, &state, &line, NULL), 0);
    assert_int_equal(state, LINES_LINE);
    assert_int_equal(line.len, strlen(expected));
    assert_memory_equal(line.data, expected, line.len);
}

static void lines_come_without_their_newlines(void **state)
{
    struct feed feed;

    (void)state;
    feed_open(&feed);
    assert_state(&feed, LINES_WANTS);
    assert_false(lines_readable(&feed.lines));
    feed_write(&feed, "one\ntwo\r\nth");
    assert_line(&feed, "one");
    assert_line(&feed, "two\r");
    assert_state(&feed, LINES_WANTS);
    feed_write(&feed, "ree\n");
    assert_line(&feed, "three");
    assert_int_equal(feed.lines.number, 3);
    assert_int_equal(feed.lines.taken, 15);
    feed_end(&feed);
    assert_state(&feed, LINES_END);
    feed_close(&feed);
}

static void empty_lines_are_lines(void **state)
{
    struct feed feed;

    (void)state;
    feed_open(&feed);
    feed_write(&feed, "\n\nx\n");
    assert_line(&feed, "");
    assert_line(&feed, "");
    assert_line(&feed, "x");
    feed_end(&feed);
    assert_state(&feed, LINES_END);
    feed_close(&feed);
}

static void a_last_line_without_newline_is_a_line(void **state)
{
    struct feed feed;

    (void)state;
    feed_open(&feed);
    feed_write(&feed, "a\nlast");
    assert_line(&feed, "a");
    assert_state(&feed, LINES_WANTS);
    feed_end(&feed);
    assert_line(&feed, "last");
    assert_state(&feed, LINES_END);
    feed_close(&feed);
}

static void no_input_has_no_lines(void **state)
{
    struct feed feed;

    (void)state;
    feed_open(&feed);
    feed_end(&feed);
    assert_state(&feed, LINES_END);
    assert_int_equal(feed.lines.number, 0);
    feed_close(&feed);
}

static void a_line_of_just_the_limit_is_taken(void **state)
{
    struct feed feed;

    (void)state;
    feed_open(&feed);
    feed_write(&feed, "12345678\n");
    assert_line(&feed, "12345678");
    feed_close(&feed);
}

static void a_line_above_the_limit_is_named(void **state)
{
    struct err err = {.code = 0};
    enum lines_state found;
    struct bytes line;
    struct feed feed;

    (void)state;
    feed_open(&feed);
    feed_write(&feed, "ok\n123456789\n");
    assert_line(&feed, "ok");
    assert_int_equal(lines_next(&feed.lines, &found, &line, &err),
                     QL_TOO_LARGE);
    assert_non_null(strstr(err.text, "line 2 "));
    feed_close(&feed);
}

static void a_line_above_the_limit_is_seen_before_its_end(void **state)
{
    struct err err = {.code = 0};
    enum lines_state found;
    struct bytes line;
    struct feed feed;

    (void)state;
    feed_open(&feed);
    feed_write(&feed, "123456789");
    assert_int_equal(lines_next(&feed.lines, &found, &line, &err),
                     QL_TOO_LARGE);
    assert_non_null(strstr(err.text, "line 1 "));
    feed_close(&feed);
}

static struct bytes bytes_of(const char *text)
{
    return (struct bytes){(const uint8_t *)text, strlen(text)};
}

static void a_batch_is_full_by_entries(void **state)
{
    struct ql_entry entries[2];
    struct batch batch;

    (void)state;
    batch_init(&batch, 2, 100, "k");
    assert_true(batch_has_room(&batch, 1));
    batch_add(&batch, bytes_of(""));
    assert_false(batch_is_full(&batch));
    assert_true(batch_has_room(&batch, 1));
    batch_add(&batch, bytes_of("second"));
    assert_true(batch_is_full(&batch));
    assert_false(batch_has_room(&batch, 0));

    batch_entries(&batch, entries);
    assert_int_equal(entries[0].value_len, 0);
    assert_int_equal(entries[1].value_len, 6);
    assert_memory_equal(entries[1].value, "second", 6);
    assert_int_equal(entries[1].key_len, 1);
    assert_memory_equal(entries[1].key, "k", 1);

    batch_empty(&batch);
    assert_int_equal(batch.count, 0);
    assert_true(batch_has_room(&batch, 1));
    batch_close(&batch);
}

static void a_batch_is_full_by_bytes_of_keys_and_values(void **state)
{
    struct batch batch;

    (void)state;
    batch_init(&batch, 100, 10, "ky");
    batch_add(&batch, bytes_of("1234"));
    assert_true(batch_has_room(&batch, 2));
    assert_false(batch_has_room(&batch, 3));
    batch_add(&batch, bytes_of("12"));
    assert_true(batch_is_full(&batch));
    batch_close(&batch);
}

static void a_batch_takes_one_line_of_any_length(void **state)
{
    struct batch batch;

    (void)state;
    batch_init(&batch, 100, 4, NULL);
    assert_true(batch_has_room(&batch, 100));
    batch_add(&batch, bytes_of("more than four"));
    assert_true(batch_is_full(&batch));
    batch_close(&batch);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lines_come_without_their_newlines),
        cmocka_unit_test(empty_lines_are_lines),
        cmocka_unit_test(a_last_line_without_newline_is_a_line),
        cmocka_unit_test(no_input_has_no_lines),
        cmocka_unit_test(a_line_of_just_the_limit_is_taken),
        cmocka_unit_test(a_line_above_the_limit_is_named),
        cmocka_unit_test(a_line_above_the_limit_is_seen_before_its_end),
        cmocka_unit_test(a_batch_is_full_by_entries),
        cmocka_unit_test(a_batch_is_full_by_bytes_of_keys_and_values),
        cmocka_unit_test(a_batch_takes_one_line_of_any_length),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
