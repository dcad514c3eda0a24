/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* A real directory that others may put files into, and that may go. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "consensus/disk_real.h"
#include "support/cmocka.h"
#include "support/tmpdir.h"
#include "util/limits.h"

struct bench {
    uv_loop_t loop;
    struct disk_real *real;
    struct disk *disk;
    char dir[PATH_LEN_MAX];
    bool stopped;
};

static void on_stopped(void *data)
{
    struct bench *bench = data;

    bench->stopped = true;
}

static void bench_start(struct bench *bench, const struct tmpdir *tmp)
{
    struct disk_real_options options = {.loop = &bench->loop,
                                        .dir = bench->dir,
                                        .work_threads = 1,
                                        .works_only = true,
                                        .is_shared = true};

    memset(bench, 0, sizeof(*bench));
    (void)snprintf(bench->dir, sizeof(bench->dir), "%s/backups", tmp->path);
    assert_int_equal(uv_loop_init(&bench->loop), 0);
    assert_int_equal(disk_real_start(&bench->real, &options, NULL), 0);
    bench->disk = disk_real_disk(bench->real);
}

static void bench_stop(struct bench *bench)
{
    disk_real_stop(bench->real, on_stopped, bench);
    (void)uv_run(&bench->loop, UV_RUN_DEFAULT);
    assert_true(bench->stopped);
    assert_int_equal(uv_loop_close(&bench->loop), 0);
}

static int put(struct bench *bench, const char *name)
{
    struct disk_file *file;
    int rv = bench->disk->ops->open(bench->disk, name, true, &file, NULL);

    if (rv == 0) {
        rv = bench->disk->ops->write_sync(file, 0, "hello", 5, NULL);
        bench->disk->ops->close(file);
    }
    return rv;
}

static int probe(struct bench *bench, const char *name)
{
    struct disk_file *file;
    int rv = bench->disk->ops->open(bench->disk, name, false, &file, NULL);

    if (rv == 0) {
        bench->disk->ops->close(file);
    }
    return rv;
}

static void a_directory_is_made_and_made_again(void **state)
{
    struct bench bench;

    bench_start(&bench, *state);
    assert_int_not_equal(put(&bench, "x"), 0);
    assert_int_equal(bench.disk->ops->renew(bench.disk, NULL), 0);
    assert_int_equal(put(&bench, "x"), 0);
    assert_int_equal(bench.disk->ops->remove(bench.disk, "x", NULL), 0);
    assert_int_equal(rmdir(bench.dir), 0);
    assert_int_equal(put(&bench, "x"), QL_NOT_FOUND);
    assert_int_equal(bench.disk->ops->renew(bench.disk, NULL), 0);
    assert_int_equal(put(&bench, "x"), 0);
    assert_int_equal(probe(&bench, "x"), 0);
    bench_stop(&bench);
}

static void nothing_is_made_where_the_parent_is_gone(void **state)
{
    struct tmpdir *tmp = *state;
    struct tmpdir below = {""};
    struct bench bench;

    (void)snprintf(below.path, sizeof(below.path), "%.40s/mount", tmp->path);
    bench_start(&bench, &below);
    assert_int_equal(bench.disk->ops->renew(bench.disk, NULL), QL_NOT_FOUND);
    bench_stop(&bench);
}

static void links_and_pipes_are_not_opened(void **state)
{
    struct tmpdir *tmp = *state;
    char path[PATH_LEN_MAX + 16];
    char target[PATH_LEN_MAX];
    struct bench bench;
    FILE *file;

    bench_start(&bench, tmp);
    assert_int_equal(bench.disk->ops->renew(bench.disk, NULL), 0);
    (void)snprintf(target, sizeof(target), "%s/target", tmp->path);
    file = fopen(target, "w");
    assert_non_null(file);
    (void)fclose(file);
    (void)snprintf(path, sizeof(path), "%s/link", bench.dir);
    assert_int_equal(symlink(target, path), 0);
    (void)snprintf(path, sizeof(path), "%s/pipe", bench.dir);
    assert_int_equal(mkfifo(path, 0600), 0);
    (void)snprintf(path, sizeof(path), "%s/dir", bench.dir);
    assert_int_equal(mkdir(path, 0700), 0);
    assert_int_equal(probe(&bench, "link"), QL_INVALID);
    assert_int_equal(put(&bench, "link"), QL_INVALID);
    assert_int_equal(probe(&bench, "pipe"), QL_INVALID);
    assert_int_equal(probe(&bench, "dir"), QL_INVALID);
    bench_stop(&bench);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_directory_is_made_and_made_again,
                                        tmpdir_setup, tmpdir_teardown),
        cmocka_unit_test_setup_teardown(
            nothing_is_made_where_the_parent_is_gone, tmpdir_setup,
            tmpdir_teardown),
        cmocka_unit_test_setup_teardown(links_and_pipes_are_not_opened,
                                        tmpdir_setup, tmpdir_teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
