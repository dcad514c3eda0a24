/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli/part_file.h"
#include "support/cmocka.h"
#include "support/tmpdir.h"
#include "util/file.h"

static const unsigned char tag[PART_TAG_LEN] = "0123456789abcdef";
static const unsigned char other_tag[PART_TAG_LEN] = "fedcba9876543210";

static void path_in(const struct tmpdir *dir, char path[128])
{
    (void)snprintf(path, 128, "%s/backup", dir->path);
}

static void assert_file(const char *path, const char *text)
{
    struct buf buf = BUF_INIT;

    assert_int_equal(file_read(path, 1024, &buf, NULL), 0);
    assert_int_equal(buf.len, strlen(text));
    assert_memory_equal(buf.data, text, buf.len);
    buf_close(&buf);
}

static void it_is_there_when_it_is_whole(void **state)
{
    struct part_file part;
    char path[128];

    path_in(*state, path);
    assert_int_equal(part_file_open(&part, path, tag, 6, NULL), 0);
    assert_int_equal(part.len, 0);
    assert_int_equal(part_file_add(&part, "abc", 3, NULL), 0);
    assert_int_not_equal(access(path, F_OK), 0);
    assert_int_equal(part_file_add(&part, "def", 3, NULL), 0);
    assert_int_equal(part_file_finish(&part, NULL), 0);
    assert_int_not_equal(access(part.part_path, F_OK), 0);
    part_file_close(&part);
    assert_file(path, "abcdef");
}

static void a_later_run_goes_on(void **state)
{
    struct part_file part;
    char path[128];

    path_in(*state, path);
    assert_int_equal(part_file_open(&part, path, tag, 6, NULL), 0);
    assert_int_equal(part_file_add(&part, "abc", 3, NULL), 0);
    part_file_close(&part);

    assert_int_equal(part_file_open(&part, path, tag, 6, NULL), 0);
    assert_int_equal(part.len, 3);
    assert_int_equal(part_file_add(&part, "xyz", 3, NULL), 0);
    assert_int_equal(part_file_finish(&part, NULL), 0);
    part_file_close(&part);
    assert_file(path, "abcxyz");
}

static void another_content_begins_anew(void **state)
{
    struct part_file part;
    char path[128];

    path_in(*state, path);
    assert_int_equal(part_file_open(&part, path, tag, 6, NULL), 0);
    assert_int_equal(part_file_add(&part, "abcdef", 6, NULL), 0);
    part_file_close(&part);

    assert_int_equal(part_file_open(&part, path, other_tag, 6, NULL), 0);
    assert_int_equal(part.len, 0);
    part_file_close(&part);
    /* More than there can be is nothing to go on with. */
    assert_int_equal(part_file_open(&part, path, tag, 5, NULL), 0);
    assert_int_equal(part.len, 0);
    part_file_close(&part);
}

static void two_do_not_write_one_file(void **state)
{
    struct part_file first;
    struct part_file second;
    char path[128];

    path_in(*state, path);
    assert_int_equal(part_file_open(&first, path, tag, 6, NULL), 0);
    assert_int_equal(part_file_open(&second, path, tag, 6, NULL), QL_BUSY);
    part_file_close(&first);
    assert_int_equal(part_file_open(&second, path, tag, 6, NULL), 0);
    part_file_close(&second);
}

static void what_is_there_is_not_overwritten(void **state)
{
    struct part_file part;
    char path[128];

    path_in(*state, path);
    assert_int_equal(part_file_check(path, NULL), 0);
    assert_int_equal(part_file_open(&part, path, tag, 3, NULL), 0);
    assert_int_equal(part_file_add(&part, "abc", 3, NULL), 0);
    assert_int_equal(file_replace(path, "mine", 4, 0600, NULL), 0);
    assert_int_equal(part_file_check(path, NULL), QL_EXISTS);
    assert_int_equal(part_file_finish(&part, NULL), QL_EXISTS);
    part_file_close(&part);
    assert_file(path, "mine");
}

#define DIR_TEST(function)                                                     \
    cmocka_unit_test_setup_teardown(function, tmpdir_setup, tmpdir_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        DIR_TEST(it_is_there_when_it_is_whole),
        DIR_TEST(a_later_run_goes_on),
        DIR_TEST(another_content_begins_anew),
        DIR_TEST(two_do_not_write_one_file),
        DIR_TEST(what_is_there_is_not_overwritten),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
