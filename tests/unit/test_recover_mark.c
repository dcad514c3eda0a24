/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "consensus/recover_result.h"

#include <stdio.h>
#include <string.h>

#include "consensus/recover_frame.h"
#include "support/cmocka.h"
#include "support/tmpdir.h"
#include "util/file.h"

static struct recover_result result_of(uint64_t index)
{
    struct recover_result result = {.term = 5, .index = index};

    memset(result.digest, 7, sizeof result.digest);
    assert_int_equal(members_parse("1=127.0.0.1:1/127.0.0.1:2,"
                                   "2=127.0.0.1:3/127.0.0.1:4",
                                   result.members, &result.members_count, NULL),
                     0);
    (void)strcpy(result.ancestors[0], "0d9b1c1e-8f0e-4c57-9a3d-5d2f5a6b7c8d");
    result.ancestors_count = 1;
    recover_result_derive(&result);
    return result;
}

static void the_cluster_is_derived_from_all_that_it_is(void **state)
{
    const struct recover_result result = result_of(9);
    struct recover_result other = result_of(9);

    (void)state;
    assert_int_equal(strlen(result.cluster), ID_TEXT_LEN);
    assert_int_equal(result.cluster[14], '8'); /* the version of the UUID */
    assert_true(recover_result_is_same(&result, &other));
    other = result_of(10);
    assert_false(recover_result_is_same(&result, &other));
    other = result_of(9);
    other.members_count = 1;
    recover_result_derive(&other);
    assert_false(recover_result_is_same(&result, &other));
    other = result_of(9);
    other.ancestors[0][0] = '1';
    recover_result_derive(&other);
    assert_false(recover_result_is_same(&result, &other));
    other = result_of(9);
    other.digest[3] = 1;
    recover_result_derive(&other);
    assert_false(recover_result_is_same(&result, &other));
}

static void a_result_comes_back_from_its_frame_or_not_at_all(void **state)
{
    const struct recover_result result = result_of(9);
    struct recover_result decoded;
    struct buf frame = BUF_INIT;
    struct err err = {0};

    (void)state;
    recover_frame_encode(&result, &frame);
    assert_int_equal(recover_frame_decode(
                         &decoded, (struct bytes){frame.data, frame.len}, &err),
                     0);
    assert_true(recover_result_is_same(&result, &decoded));
    assert_int_equal(decoded.index, 9);
    assert_int_equal(decoded.members_count, 2);
    for (size_t i = 0; i < frame.len; i++) {
        frame.data[i] ^= 0x04;
        assert_int_equal(
            recover_frame_decode(&decoded,
                                 (struct bytes){frame.data, frame.len}, &err),
            QL_CORRUPT);
        frame.data[i] ^= 0x04;
        assert_int_equal(
            recover_frame_decode(&decoded, (struct bytes){frame.data, i}, &err),
            QL_CORRUPT);
    }
    buf_close(&frame);
}

static void the_same_result_may_be_asked_for_again_and_no_other(void **state)
{
    const struct recover_result result = result_of(9);
    const struct recover_result other = result_of(10);
    struct recover_mark mark = {.count = 0};
    struct err err = {0};

    (void)state;
    assert_int_equal(recover_mark_add(&mark, &result, 2, "/b", &err), 0);
    assert_int_equal(recover_mark_add(&mark, &result, 1, "/a", &err), 0);
    assert_int_equal(recover_mark_add(&mark, &result, 2, "/b", &err), 0);
    assert_int_equal(mark.count, 2);
    assert_int_equal(mark.made[0].node, 1);
    assert_int_equal(recover_mark_add(&mark, &result, 2, "/c", &err),
                     QL_EXISTS);
    assert_non_null(strstr(err.text, "/b"));
    assert_int_equal(recover_mark_add(&mark, &other, 3, "/d", &err), QL_EXISTS);
    assert_non_null(strstr(err.text, result.cluster));
    assert_int_equal(mark.count, 2);
}

static void a_marked_directory_does_not_run(void **state)
{
    struct tmpdir *dir = *state;
    const struct recover_result result = result_of(9);
    struct recover_mark mark = {.count = 0};
    struct recover_mark read;
    char path[PATH_LEN_MAX];
    struct err err = {0};

    assert_int_equal(recover_mark_refuse(dir->path, &err), 0);
    assert_int_equal(recover_mark_read(&read, dir->path, &err), QL_NOT_FOUND);
    assert_int_equal(recover_mark_add(&mark, &result, 1, "/a b", &err), 0);
    assert_int_equal(recover_mark_write(&mark, dir->path, &err), 0);
    assert_int_equal(recover_mark_add(&mark, &result, 2, "/c", &err), 0);
    assert_int_equal(recover_mark_write(&mark, dir->path, &err), 0);
    assert_int_equal(recover_mark_read(&read, dir->path, &err), 0);
    assert_true(recover_result_is_same(&read.result, &result));
    assert_int_equal(read.count, 2);
    assert_string_equal(read.made[0].dir, "/a b");
    assert_int_equal(recover_mark_refuse(dir->path, &err), QL_EXISTS);
    assert_non_null(strstr(err.text, result.cluster));

    /* Damage makes it no less a mark. */
    assert_int_equal(
        path_join(path, sizeof path, dir->path, RECOVERED_TO_NAME, &err), 0);
    assert_int_equal(file_replace(path, "x", 1, 0600, &err), 0);
    assert_int_equal(recover_mark_read(&read, dir->path, &err), QL_CORRUPT);
    assert_int_equal(recover_mark_refuse(dir->path, &err), QL_EXISTS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_cluster_is_derived_from_all_that_it_is),
        cmocka_unit_test(a_result_comes_back_from_its_frame_or_not_at_all),
        cmocka_unit_test(the_same_result_may_be_asked_for_again_and_no_other),
        cmocka_unit_test_setup_teardown(a_marked_directory_does_not_run,
                                        tmpdir_setup, tmpdir_teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
