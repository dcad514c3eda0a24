/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include <dirent.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "qb_slow_disk.h"
#include "quorlog.h"
#include "support/cmocka.h"
#include "support/tmpdir.h"

#define TEXT_MAX 256

/* A directory with files as a mounted cgroup has them. */
static void make_file(const char *root, const char *name)
{
    char path[4 * TEXT_MAX];
    FILE *file;

    (void)snprintf(path, sizeof path, "%s/%s", root, name);
    file = fopen(path, "w");
    assert_non_null(file);
    (void)fclose(file);
}

static bool is_on_a_disk(const char *dir)
{
    struct stat told;

    return stat(dir, &told) == 0 && (told.st_dev >> 8) != 0;
}

static void without_cgroups_it_is_refused(void **state)
{
    const struct tmpdir *dir = *state;
    struct qb_slow_disk *disk;
    struct err err;

    if (!is_on_a_disk("/")) {
        skip();
    }
    assert_int_equal(qb_slow_disk_new(&disk, dir->path, "/", 10, &err),
                     QL_NOT_FOUND);
    assert_non_null(strstr(err.text, dir->path));
}

static void data_on_no_device_is_refused(void **state)
{
    struct qb_slow_disk *disk;
    struct err err;

    (void)state;
    assert_int_equal(qb_slow_disk_new(&disk, QB_CGROUP_ROOT, "/proc", 10, &err),
                     QL_INVALID);
    assert_non_null(strstr(err.text, "/proc"));
}

static void group_without_a_limit_and_one_without_an_owner_go(void **state)
{
    const struct tmpdir *dir = *state;
    struct qb_slow_disk *disk;
    size_t groups = 0;
    char path[2 * TEXT_MAX];
    char left[4 * TEXT_MAX];
    DIR *root;

    if (!is_on_a_disk("/")) {
        skip();
    }
    (void)snprintf(path, sizeof path, "%s/blkio", dir->path);
    assert_int_equal(mkdir(path, 0700), 0);
    make_file(path, "cgroup.procs");
    /* Of a run that was killed; no process has the largest number. */
    (void)snprintf(left, sizeof left, "%s/quorlog-bench.%d.0", path,
                   2147483647);
    assert_int_equal(mkdir(left, 0700), 0);
    /* Not a cgroup's directory: the files of the new one are not there. */
    assert_int_equal(qb_slow_disk_new(&disk, dir->path, "/", 10, NULL),
                     QL_NOT_FOUND);
    root = opendir(path);
    while (readdir(root) != NULL) {
        groups++;
    }
    (void)closedir(root);
    assert_int_equal(groups, 3); /* ".", "..", cgroup.procs */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(without_cgroups_it_is_refused,
                                        tmpdir_setup, tmpdir_teardown),
        cmocka_unit_test(data_on_no_device_is_refused),
        cmocka_unit_test_setup_teardown(
            group_without_a_limit_and_one_without_an_owner_go, tmpdir_setup,
            tmpdir_teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
