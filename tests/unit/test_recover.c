/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* New clusters out of what is left of old ones. */
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

static uint64_t entries_of(const struct recover_plan *plan)
{
    struct machine_counts counts;

    machine_counts(plan->machine, &counts);
    return counts.entries;
}

static void the_last_term_wins_and_then_the_longest_log(void **state)
{
    struct tmpdir *dir = *state;
    struct recover_plan *plan = mem_must_zalloc(sizeof *plan);
    char paths[3][PATH_LEN_MAX];
    const char *list[3] = {paths[0], paths[1], paths[2]};
    struct driver driver;

    old_dir_machine(&driver);
    for (unsigned i = 0; i < 3; i++) {
        char name[8];

        (void)snprintf(name, sizeof name, "n%u", i + 1);
        old_dir_path(dir, name, paths[i]);
        old_dir_make(paths[i], i + 1, &driver, 4);
    }
    old_dir_append(paths[0], driver.index, 4, "one");
    old_dir_append(paths[0], driver.index, 4, "two");
    old_dir_append(paths[0], driver.index, 4, "three");
    old_dir_append(paths[1], driver.index, 5, "other");
    old_dir_append(paths[2], driver.index, 5, "other");
    old_dir_append(paths[2], driver.index, 5, "newer");
    old_dir_plan(plan, list, 3);
    assert_int_equal(plan->best, 2);
    assert_int_equal(plan->sources[0].index, driver.index + 3);
    assert_int_equal(plan->sources[0].term, 4);
    assert_int_equal(plan->sources[2].index, driver.index + 2);
    assert_int_equal(plan->sources[2].term, 5);
    assert_int_equal(entries_of(plan), OLD_DIR_ENTRIES + 1 + 2);
    assert_true(recover_plan_has_quorum(plan));
    assert_int_equal(plan->missing, 0);
    recover_plan_close(plan);

    old_dir_plan(plan, list, 1);
    assert_int_equal(entries_of(plan), OLD_DIR_ENTRIES + 1 + 3);
    assert_false(recover_plan_has_quorum(plan));
    recover_plan_close(plan);
    driver_close(&driver);
    free(plan);
}

static void what_is_made_is_a_directory_of_another_cluster(void **state)
{
    struct tmpdir *dir = *state;
    struct recover_plan *plan = mem_must_zalloc(sizeof *plan);
    struct recover_result result;
    struct recover_result second;
    char old[PATH_LEN_MAX];
    char one[PATH_LEN_MAX];
    char two[PATH_LEN_MAX];
    const char *list[1] = {old};
    struct driver driver;
    uint8_t digest[16];
    uint8_t again[16];

    old_dir_machine(&driver);
    old_dir_path(dir, "old", old);
    old_dir_path(dir, "one", one);
    old_dir_path(dir, "two", two);
    old_dir_make(old, 1, &driver, 4);
    old_dir_append(old, driver.index, 4, "last");
    old_dir_plan(plan, list, 1);
    old_dir_recover(plan, one, 1, &result);
    machine_digest(plan->machine, digest);
    recover_plan_close(plan);
    assert_string_not_equal(result.cluster, OLD_DIR_CLUSTER);
    assert_int_equal(result.term, 5);
    assert_int_equal(result.index, driver.index + 1 + RECOVER_GAP_INDEXES);
    assert_string_equal(result.ancestors[0], OLD_DIR_CLUSTER);

    /* The same again for another member: the same cluster. */
    old_dir_plan(plan, list, 1);
    old_dir_recover(plan, two, 2, &second);
    assert_string_equal(second.cluster, result.cluster);
    recover_plan_close(plan);

    list[0] = one;
    old_dir_plan(plan, list, 1);
    assert_int_equal(plan->sources[0].code, 0);
    assert_string_equal(plan->sources[0].damage, "");
    assert_int_equal(plan->sources[0].index, result.index);
    assert_int_equal(plan->sources[0].term, 5);
    assert_int_equal(plan->missing, 0);
    assert_true(plan->chunks > 2);
    assert_int_equal(plan->own, plan->chunks);
    assert_string_equal(plan->sources[0].identity.ancestors[0],
                        OLD_DIR_CLUSTER);
    machine_digest(plan->machine, again);
    assert_memory_equal(digest, again, 16);
    recover_plan_close(plan);
    driver_close(&driver);
    free(plan);
}

static void remove_packs(const char *dir, bool all)
{
    char path[PATH_LEN_MAX];

    for (unsigned i = 1; i < (all ? 10 : 2); i++) {
        (void)snprintf(path, sizeof path, "%.900s/chunks/%016x.pack", dir, i);
        (void)unlink(path);
    }
}

static void chunks_that_are_missing_come_from_other_sources(void **state)
{
    struct tmpdir *dir = *state;
    struct recover_plan *plan = mem_must_zalloc(sizeof *plan);
    struct recover_result result;
    char one[PATH_LEN_MAX];
    char two[PATH_LEN_MAX];
    char made[PATH_LEN_MAX];
    const char *list[2] = {one, two};
    struct driver driver;

    old_dir_machine(&driver);
    old_dir_path(dir, "one", one);
    old_dir_path(dir, "two", two);
    old_dir_path(dir, "made", made);
    old_dir_make(one, 1, &driver, 4);
    old_dir_make(two, 2, &driver, 3);
    remove_packs(one, true);
    old_dir_plan(plan, list, 1);
    assert_true(plan->missing > 0);
    assert_int_equal(plan->missing, plan->chunks);
    recover_plan_close(plan);

    old_dir_plan(plan, list, 2);
    assert_int_equal(plan->best, 0);
    assert_int_equal(plan->missing, 0);
    assert_int_equal(plan->others, plan->chunks);
    old_dir_recover(plan, made, 1, &result);
    recover_plan_close(plan);

    list[0] = made;
    old_dir_plan(plan, list, 1);
    assert_int_equal(plan->missing, 0);
    assert_int_equal(plan->own, plan->chunks);
    recover_plan_close(plan);
    driver_close(&driver);
    free(plan);
}

static void sources_of_two_clusters_are_refused(void **state)
{
    struct tmpdir *dir = *state;
    struct recover_plan *plan = mem_must_zalloc(sizeof *plan);
    char one[PATH_LEN_MAX];
    char two[PATH_LEN_MAX];
    const char *list[2] = {one, two};
    struct driver driver;
    struct err err = {0};

    old_dir_machine(&driver);
    old_dir_path(dir, "one", one);
    old_dir_path(dir, "two", two);
    old_dir_make(one, 1, &driver, 4);
    old_dir_make_of(two, 2, &driver, 4, true);
    assert_int_equal(recover_plan_make(plan, list, 2, &err), QL_INVALID);
    assert_non_null(strstr(err.text, OLD_DIR_STRANGER));
    recover_plan_close(plan);
    driver_close(&driver);
    free(plan);
}

static void two_directories_of_one_node_are_refused(void **state)
{
    struct tmpdir *dir = *state;
    struct recover_plan *plan = mem_must_zalloc(sizeof *plan);
    char one[PATH_LEN_MAX];
    char two[PATH_LEN_MAX];
    const char *list[2] = {one, two};
    struct driver driver;
    struct err err = {0};

    old_dir_machine(&driver);
    old_dir_path(dir, "one", one);
    old_dir_path(dir, "two", two);
    old_dir_make(one, 1, &driver, 4);
    old_dir_make(two, 1, &driver, 4);
    assert_int_equal(recover_plan_make(plan, list, 2, &err), QL_INVALID);
    recover_plan_close(plan);
    driver_close(&driver);
    free(plan);
}

static void a_directory_in_use_is_refused(void **state)
{
    struct tmpdir *dir = *state;
    struct recover_plan *plan = mem_must_zalloc(sizeof *plan);
    char old[PATH_LEN_MAX];
    char lock[PATH_LEN_MAX];
    const char *list[1] = {old};
    struct driver driver;
    struct err err = {0};
    int fd;

    old_dir_machine(&driver);
    old_dir_path(dir, "old", old);
    old_dir_path(dir, "old/lock", lock);
    old_dir_make(old, 1, &driver, 4);
    old_dir_must(file_lock(lock, &fd, &err), &err);
    assert_int_equal(recover_plan_make(plan, list, 1, &err), QL_BUSY);
    assert_non_null(strstr(err.text, "in use"));
    recover_plan_close(plan);
    (void)close(fd);
    driver_close(&driver);
    free(plan);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(
            the_last_term_wins_and_then_the_longest_log, tmpdir_setup,
            tmpdir_teardown),
        cmocka_unit_test_setup_teardown(
            what_is_made_is_a_directory_of_another_cluster, tmpdir_setup,
            tmpdir_teardown),
        cmocka_unit_test_setup_teardown(
            chunks_that_are_missing_come_from_other_sources, tmpdir_setup,
            tmpdir_teardown),
        cmocka_unit_test_setup_teardown(sources_of_two_clusters_are_refused,
                                        tmpdir_setup, tmpdir_teardown),
        cmocka_unit_test_setup_teardown(two_directories_of_one_node_are_refused,
                                        tmpdir_setup, tmpdir_teardown),
        cmocka_unit_test_setup_teardown(a_directory_in_use_is_refused,
                                        tmpdir_setup, tmpdir_teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
