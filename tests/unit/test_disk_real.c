/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* The real disk with each of its writers, in a directory of its own. */
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "consensus/disk_internal.h"
#include "consensus/disk_real.h"
#include "consensus/wal.h"
#include "support/cmocka.h"
#include "support/tmpdir.h"
#include "util/mem.h"

struct bench {
    uv_loop_t loop;
    struct disk_real *real;
    struct disk *disk;
    bool stopped;
};

static void on_stopped(void *data)
{
    struct bench *bench = data;

    bench->stopped = true;
}

/* False when the kernel has no io_uring. */
static bool bench_start(struct bench *bench, const struct tmpdir *dir,
                        enum disk_writer writer)
{
    struct disk_real_options options = {
        .loop = &bench->loop, .dir = dir->path, .writer = writer};
    int rv;

    memset(bench, 0, sizeof(*bench));
    assert_int_equal(uv_loop_init(&bench->loop), 0);
    rv = disk_real_start(&bench->real, &options, NULL);
    if (rv != 0) {
        assert_int_equal(writer, DISK_WRITER_URING);
        (void)uv_run(&bench->loop, UV_RUN_DEFAULT);
        assert_int_equal(uv_loop_close(&bench->loop), 0);
        return false;
    }
    bench->disk = disk_real_disk(bench->real);
    return true;
}

static void bench_stop(struct bench *bench)
{
    disk_real_stop(bench->real, on_stopped, bench);
    (void)uv_run(&bench->loop, UV_RUN_DEFAULT);
    assert_true(bench->stopped);
    assert_int_equal(uv_loop_close(&bench->loop), 0);
}

struct counted {
    unsigned next; /* number of the write that must end next */
    int status;
};

static void on_written(struct disk_write *write, int status)
{
    struct counted *counted = write->data;

    assert_int_equal(write->offset / DISK_BLOCK, counted->next);
    counted->next++;
    counted->status = counted->status != 0 ? counted->status : status;
}

static void on_work(struct disk_work *work, int status)
{
    *(int *)work->data = status;
}

static int work_run(struct disk_work *work)
{
    (void)work;
    return QL_NO_SPACE;
}

static void writes_end_in_order(const struct tmpdir *dir,
                                enum disk_writer writer)
{
    struct disk_write writes[8];
    struct counted counted = {0, 0};
    struct bench bench;
    struct disk_file *file;
    uint8_t *memory;
    uint8_t *again;
    uint64_t size = 0;
    size_t len = 0;
    unsigned i;

    if (!bench_start(&bench, dir, writer)) {
        return;
    }
    memory = aligned_alloc(DISK_BLOCK, 8 * DISK_BLOCK);
    again = aligned_alloc(DISK_BLOCK, 16 * DISK_BLOCK);
    assert_non_null(memory);
    assert_non_null(again);
    assert_int_equal(bench.disk->ops->open(bench.disk, "f", false, &file, NULL),
                     QL_NOT_FOUND);
    assert_int_equal(bench.disk->ops->open(bench.disk, "f", true, &file, NULL),
                     0);
    assert_int_equal(bench.disk->ops->fill(file, 8 * DISK_BLOCK, NULL), 0);
    for (i = 0; i < 8; i++) {
        memset(memory + i * DISK_BLOCK, (int)i + 1, DISK_BLOCK);
        writes[i].file = file;
        writes[i].offset = (uint64_t)i * DISK_BLOCK;
        writes[i].bytes = memory + i * DISK_BLOCK;
        writes[i].len = DISK_BLOCK;
        writes[i].cb = on_written;
        writes[i].data = &counted;
        assert_int_equal(bench.disk->ops->write(bench.disk, &writes[i]), 0);
    }
    assert_int_equal(counted.next, 0);
    while (counted.next < 8) {
        (void)uv_run(&bench.loop, UV_RUN_ONCE);
    }
    assert_int_equal(counted.status, 0);
    assert_int_equal(bench.disk->ops->write_sync(file, 5, "odd", 3, NULL), 0);
    memcpy(memory + 5, "odd", 3);
    assert_int_equal(bench.disk->ops->size(file, &size, NULL), 0);
    assert_int_equal(size, 8 * DISK_BLOCK);
    assert_int_equal(
        bench.disk->ops->read(file, 0, again, 16 * DISK_BLOCK, &len, NULL), 0);
    assert_int_equal(len, 8 * DISK_BLOCK);
    assert_memory_equal(memory, again, len);
    bench.disk->ops->close(file);
    free(memory);
    free(again);
    bench_stop(&bench);
}

static void io_uring_ends_writes_in_order(void **state)
{
    writes_end_in_order(*state, DISK_WRITER_URING);
}

static void thread_ends_writes_in_order(void **state)
{
    writes_end_in_order(*state, DISK_WRITER_THREAD);
}

static void work_is_told_on_the_loop(void **state)
{
    struct disk_work work;
    struct bench bench;
    int status = -1;

    assert_true(bench_start(&bench, *state, DISK_WRITER_AUTO));
    assert_non_null(disk_real_writer(bench.real));
    work.run = work_run;
    work.cb = on_work;
    work.data = &status;
    assert_int_equal(bench.disk->ops->work(bench.disk, &work), 0);
    while (status == -1) {
        (void)uv_run(&bench.loop, UV_RUN_ONCE);
    }
    assert_int_equal(status, QL_NO_SPACE);
    bench_stop(&bench);
}

static int work_meet(struct disk_work *work)
{
    (void)uv_barrier_wait(work->data);
    return 0;
}

static unsigned met;

static void on_met(struct disk_work *work, int status)
{
    (void)work;
    assert_int_equal(status, 0);
    met++;
}

/* Each waits for the other, and neither for a disk that takes writes. */
static void works_run_side_by_side_on_several_threads(void **state)
{
    const struct tmpdir *dir = *state;
    struct disk_work works[2];
    uv_barrier_t barrier;
    struct bench bench = {0};
    struct disk_real_options options = {.loop = &bench.loop,
                                        .dir = dir->path,
                                        .work_threads = 2,
                                        .works_only = true};
    size_t i;

    assert_int_equal(uv_loop_init(&bench.loop), 0);
    assert_int_equal(uv_barrier_init(&barrier, 2), 0);
    assert_int_equal(disk_real_start(&bench.real, &options, NULL), 0);
    bench.disk = disk_real_disk(bench.real);
    met = 0;
    for (i = 0; i < 2; i++) {
        works[i].run = work_meet;
        works[i].cb = on_met;
        works[i].data = &barrier;
        assert_int_equal(bench.disk->ops->work(bench.disk, &works[i]), 0);
    }
    assert_false(disk_real_is_idle(bench.real));
    while (met < 2) {
        (void)uv_run(&bench.loop, UV_RUN_ONCE);
    }
    assert_true(disk_real_is_idle(bench.real));
    uv_barrier_destroy(&barrier);
    bench_stop(&bench);
}

static unsigned names;

static void on_name(void *data, const char *name)
{
    (void)data;
    names += strcmp(name, "b") == 0 ? 1 : 100;
}

static void names_are_listed_renamed_and_removed(void **state)
{
    struct bench bench;
    struct disk_file *file;
    uint64_t free_bytes = 0;
    uint64_t total_bytes = 0;

    assert_true(bench_start(&bench, *state, DISK_WRITER_THREAD));
    assert_int_equal(bench.disk->ops->open(bench.disk, "a", true, &file, NULL),
                     0);
    bench.disk->ops->close(file);
    assert_int_equal(bench.disk->ops->rename(bench.disk, "a", "b", NULL), 0);
    names = 0;
    assert_int_equal(bench.disk->ops->list(bench.disk, on_name, NULL, NULL), 0);
    assert_int_equal(names, 1);
    assert_int_equal(bench.disk->ops->remove(bench.disk, "b", NULL), 0);
    assert_int_equal(bench.disk->ops->remove(bench.disk, "b", NULL),
                     QL_NOT_FOUND);
    assert_int_equal(
        bench.disk->ops->space(bench.disk, &free_bytes, &total_bytes, NULL), 0);
    assert_true(free_bytes > 0);
    assert_true(free_bytes < total_bytes);
    bench_stop(&bench);
}

static unsigned names_below;

static void on_name_below(void *data, const char *name)
{
    (void)data;
    names_below += strcmp(name, "below/b") == 0 ? 1 : 0;
}

static void a_file_moves_below_and_is_listed_there(void **state)
{
    struct bench bench;
    struct disk_file *file;

    assert_true(bench_start(&bench, *state, DISK_WRITER_THREAD));
    assert_int_equal(bench.disk->ops->open(bench.disk, "a", true, &file, NULL),
                     0);
    bench.disk->ops->close(file);
    assert_int_equal(bench.disk->ops->rename(bench.disk, "a", "below/b", NULL),
                     0);
    names_below = 0;
    assert_int_equal(
        bench.disk->ops->list(bench.disk, on_name_below, NULL, NULL), 0);
    assert_int_equal(names_below, 1);
    assert_int_equal(
        bench.disk->ops->open(bench.disk, "below/b", false, &file, NULL), 0);
    bench.disk->ops->close(file);
    assert_int_equal(bench.disk->ops->remove(bench.disk, "below/b", NULL), 0);
    assert_int_equal(
        bench.disk->ops->open(bench.disk, "below/b", false, &file, NULL),
        QL_NOT_FOUND);
    bench_stop(&bench);
}

/* What is written lies behind @offset bytes that were there. */
static void write_and_read(struct disk *disk, bool past, size_t offset,
                           size_t len)
{
    size_t room = (offset + len) / DISK_BLOCK * DISK_BLOCK + 2 * DISK_BLOCK;
    uint8_t *bytes = mem_must_alloc(offset + len);
    uint8_t *again = aligned_alloc(DISK_BLOCK, room);
    struct disk_file *file;
    uint64_t size = 0;
    size_t got = 0;

    assert_non_null(again);
    for (size_t i = 0; i < offset + len; i++) {
        bytes[i] = (uint8_t)(i % 251);
    }
    assert_int_equal(disk->ops->open(disk, "long", true, &file, NULL), 0);
    if (past) {
        assert_int_equal(disk->ops->write_past(file, bytes, len, NULL), 0);
    } else {
        assert_int_equal(disk->ops->write_sync(file, 0, bytes, offset, NULL),
                         0);
        assert_int_equal(
            disk->ops->write_sync(file, offset, bytes + offset, len, NULL), 0);
    }
    assert_int_equal(disk->ops->size(file, &size, NULL), 0);
    assert_int_equal(size, offset + len);
    assert_int_equal(disk->ops->read(file, 0, again, room, &got, NULL), 0);
    assert_int_equal(got, offset + len);
    assert_memory_equal(again, bytes, offset + len);
    disk->ops->close(file);
    assert_int_equal(disk->ops->remove(disk, "long", NULL), 0);
    free(again);
    free(bytes);
}

static void long_writes_in_steps_leave_what_was_asked_for(void **state)
{
    const struct tmpdir *dir = *state;
    const size_t lens[] = {1,
                           DISK_BLOCK - 1,
                           DISK_BLOCK,
                           DISK_PACE_BYTES,
                           DISK_PACE_BYTES + 1,
                           3 * DISK_PACE_BYTES - DISK_BLOCK,
                           5 * DISK_PACE_BYTES + DISK_BLOCK + 77};
    struct bench bench;

    struct disk_real_options options = {
        .loop = &bench.loop, .dir = dir->path, .works_only = true};

    memset(&bench, 0, sizeof bench);
    assert_int_equal(uv_loop_init(&bench.loop), 0);
    assert_int_equal(disk_real_start(&bench.real, &options, NULL), 0);
    bench.disk = disk_real_disk(bench.real);
    for (size_t i = 0; i < sizeof lens / sizeof lens[0]; i++) {
        write_and_read(bench.disk, true, 0, lens[i]);
        write_and_read(bench.disk, false, 0, lens[i]);
        write_and_read(bench.disk, false, 77, lens[i]);
    }
    bench_stop(&bench);
}

static void missing_directory_is_said(void **state)
{
    struct disk_real_options options = {.dir = "/nowhere/at/all"};
    struct disk_real *real;

    (void)state;
    assert_int_equal(disk_real_start(&real, &options, NULL), QL_NOT_FOUND);
}

/* ---- The WAL over it ---- */

struct counter {
    uint64_t entries;
    uint64_t acks;
};

static void on_fatal(void *data, const char *reason)
{
    (void)data;
    print_error("%s\n", reason);
    abort();
}

static int on_entry(void *data, raft_index index, raft_term term,
                    unsigned short type, const void *payload, size_t len)
{
    struct counter *counter = data;

    counter->entries++;
    assert_int_equal(index, counter->entries);
    assert_int_equal(term, 1);
    assert_int_equal(type, RAFT_COMMAND);
    assert_int_equal(len, 1000);
    assert_int_equal(((const uint8_t *)payload)[999], (uint8_t)index);
    return 0;
}

static void on_truncated(void *data, raft_index index)
{
    (void)index;
    ((struct counter *)data)->entries = 1000000;
}

static void on_ack(struct wal_append *append, int status)
{
    assert_int_equal(status, 0);
    ((struct counter *)append->data)->acks++;
}

static void wal_is_read_again(const struct tmpdir *dir, enum disk_writer writer)
{
    struct wal_append appends[200];
    struct counter counter = {0, 0};
    struct wal_reader reader = {on_entry, on_truncated, &counter};
    struct wal_options options = {.segment_bytes = 16 * DISK_BLOCK,
                                  .on_fatal = on_fatal};
    struct wal_report report;
    struct bench bench;
    struct wal *wal;
    uint8_t bytes[1000] = {0};
    unsigned i;

    if (!bench_start(&bench, dir, writer)) {
        return;
    }
    options.disk = bench.disk;
    assert_int_equal(wal_open(&wal, &options, 1, &reader, &report, NULL), 0);
    for (i = 0; i < 200; i++) {
        struct raft_entry entry = {0};

        bytes[999] = (uint8_t)(i + 1);
        entry.term = 1;
        entry.type = RAFT_COMMAND;
        entry.buf.base = bytes;
        entry.buf.len = sizeof(bytes);
        appends[i].data = &counter;
        assert_int_equal(wal_append(wal, &appends[i], &entry, 1, on_ack), 0);
        (void)uv_run(&bench.loop, UV_RUN_NOWAIT);
    }
    while (wal_is_busy(wal)) {
        (void)uv_run(&bench.loop, UV_RUN_ONCE);
    }
    assert_int_equal(counter.acks, 200);
    wal_free(wal);
    assert_int_equal(wal_open(&wal, &options, 1, &reader, &report, NULL), 0);
    assert_int_equal(counter.entries, 200);
    assert_false(report.corrupt);
    while (wal_is_busy(wal)) {
        (void)uv_run(&bench.loop, UV_RUN_ONCE);
    }
    wal_free(wal);
    bench_stop(&bench);
}

static void wal_by_io_uring_is_read_again(void **state)
{
    wal_is_read_again(*state, DISK_WRITER_URING);
}

static void wal_by_thread_is_read_again(void **state)
{
    wal_is_read_again(*state, DISK_WRITER_THREAD);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(io_uring_ends_writes_in_order,
                                        tmpdir_setup, tmpdir_teardown),
        cmocka_unit_test_setup_teardown(thread_ends_writes_in_order,
                                        tmpdir_setup, tmpdir_teardown),
        cmocka_unit_test_setup_teardown(
            works_run_side_by_side_on_several_threads, tmpdir_setup,
            tmpdir_teardown),
        cmocka_unit_test_setup_teardown(work_is_told_on_the_loop, tmpdir_setup,
                                        tmpdir_teardown),
        cmocka_unit_test_setup_teardown(names_are_listed_renamed_and_removed,
                                        tmpdir_setup, tmpdir_teardown),
        cmocka_unit_test_setup_teardown(a_file_moves_below_and_is_listed_there,
                                        tmpdir_setup, tmpdir_teardown),
        cmocka_unit_test_setup_teardown(
            long_writes_in_steps_leave_what_was_asked_for, tmpdir_setup,
            tmpdir_teardown),
        cmocka_unit_test(missing_directory_is_said),
        cmocka_unit_test_setup_teardown(wal_by_io_uring_is_read_again,
                                        tmpdir_setup, tmpdir_teardown),
        cmocka_unit_test_setup_teardown(wal_by_thread_is_read_again,
                                        tmpdir_setup, tmpdir_teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
