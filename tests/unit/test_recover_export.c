/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* What a recovery has made, as a file for the other members. */
#include "consensus/recover_make.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "consensus/recover_export.h"
#include "support/cmocka.h"
#include "support/old_dir.h"
#include "util/file.h"
#include "util/mem.h"

static void an_export_gives_the_other_members(void **state)
{
    struct tmpdir *dir = *state;
    struct recover_plan *plan = mem_must_zalloc(sizeof *plan);
    struct recover_result result;
    struct recover_result second;
    struct identity identity;
    char old[PATH_LEN_MAX];
    char one[PATH_LEN_MAX];
    char two[PATH_LEN_MAX];
    char file[PATH_LEN_MAX];
    const char *list[1] = {old};
    struct driver driver;
    uint8_t digest[16];
    uint8_t again[16];
    struct err err = {0};

    old_dir_machine(&driver);
    old_dir_path(dir, "old", old);
    old_dir_path(dir, "one", one);
    old_dir_path(dir, "two", two);
    old_dir_path(dir, "file", file);
    old_dir_make(old, 1, &driver, 4);
    old_dir_append(old, driver.index, 4, "last");
    old_dir_plan(plan, list, 1);
    old_dir_recover(plan, one, 1, &result);
    old_dir_must(recover_export(plan, &result, file, &err), &err);
    assert_int_equal(recover_export(plan, &result, file, &err), QL_EXISTS);
    machine_digest(plan->machine, digest);
    recover_plan_close(plan);

    list[0] = file;
    old_dir_plan(plan, list, 1);
    assert_true(plan->sources[0].has_result);
    assert_int_equal(plan->missing, 0);
    old_dir_recover(plan, two, 2, &second);
    assert_string_equal(second.cluster, result.cluster);
    machine_digest(plan->machine, again);
    assert_memory_equal(digest, again, 16);
    recover_plan_close(plan);

    /* Members are a part of what it is. */
    old_dir_plan(plan, list, 1);
    old_dir_identity(&identity, 1, false);
    assert_int_equal(
        recover_plan_result(plan, identity.members, 2, &second, &err),
        QL_INVALID);
    recover_plan_close(plan);
    driver_close(&driver);
    free(plan);
}

static void flip(const char *path, long at)
{
    FILE *file = fopen(path, "r+b");
    int byte;

    assert_non_null(file);
    assert_int_equal(fseek(file, at, at < 0 ? SEEK_END : SEEK_SET), 0);
    byte = fgetc(file);
    assert_int_equal(fseek(file, at, at < 0 ? SEEK_END : SEEK_SET), 0);
    assert_int_equal(fputc(byte ^ 0x10, file), byte ^ 0x10);
    assert_int_equal(fclose(file), 0);
}

static void a_damaged_export_is_refused_with_the_reason(void **state)
{
    struct tmpdir *dir = *state;
    struct recover_plan *plan = mem_must_zalloc(sizeof *plan);
    struct recover_result result;
    char old[PATH_LEN_MAX];
    char one[PATH_LEN_MAX];
    char file[PATH_LEN_MAX];
    const char *list[1] = {old};
    const long at[] = {30, 300, -4000, -3};
    struct driver driver;
    struct err err = {0};

    old_dir_machine(&driver);
    old_dir_path(dir, "old", old);
    old_dir_path(dir, "one", one);
    old_dir_path(dir, "file", file);
    old_dir_make(old, 1, &driver, 4);
    old_dir_plan(plan, list, 1);
    old_dir_recover(plan, one, 1, &result);
    old_dir_must(recover_export(plan, &result, file, &err), &err);
    recover_plan_close(plan);
    list[0] = file;
    for (size_t i = 0; i < sizeof at / sizeof at[0]; i++) {
        int rv;

        flip(file, at[i]);
        rv = recover_plan_make(plan, list, 1, &err);
        assert_true(rv == QL_CORRUPT || (rv == 0 && plan->missing > 0));
        recover_plan_close(plan);
        flip(file, at[i]);
    }
    old_dir_plan(plan, list, 1);
    recover_plan_close(plan);
    driver_close(&driver);
    free(plan);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(an_export_gives_the_other_members,
                                        tmpdir_setup, tmpdir_teardown),
        cmocka_unit_test_setup_teardown(
            a_damaged_export_is_refused_with_the_reason, tmpdir_setup,
            tmpdir_teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
