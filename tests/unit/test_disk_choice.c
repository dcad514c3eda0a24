/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * How the real disk decides to write, on systems that refuse one way or the
 * other. openat() and pwrite() are wrapped by the linker; system calls are
 * forbidden in a process of their own.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "consensus/disk_real.h"
#include "support/cmocka.h"
#include "support/tmpdir.h"

int __real_openat(int dir, const char *name, int flags, mode_t mode);
int __wrap_openat(int dir, const char *name, int flags, mode_t mode);
ssize_t __real_pwrite(int fd, const void *bytes, size_t len, off_t offset);
ssize_t __wrap_pwrite(int fd, const void *bytes, size_t len, off_t offset);

static int open_direct_fails; /* errno, 0: it does not */
static int pwrite_fails;

int __wrap_openat(int dir, const char *name, int flags, mode_t mode)
{
    if ((flags & O_DIRECT) != 0 && open_direct_fails != 0) {
        errno = open_direct_fails;
        return -1;
    }
    return __real_openat(dir, name, flags, mode);
}

ssize_t __wrap_pwrite(int fd, const void *bytes, size_t len, off_t offset)
{
    if (pwrite_fails != 0) {
        errno = pwrite_fails;
        return -1;
    }
    return __real_pwrite(fd, bytes, len, offset);
}

static int setup(void **state)
{
    open_direct_fails = 0;
    pwrite_fails = 0;
    return tmpdir_setup(state);
}

static void on_written(struct disk_write *write, int status)
{
    *(int *)write->data = status;
}

static void on_stopped(void *data)
{
    *(bool *)data = true;
}

/* Writes a block by the writer of @real, reads it again and stops. */
static void must_write(struct disk_real *real, uv_loop_t *loop)
{
    _Alignas(DISK_BLOCK) static uint8_t block[DISK_BLOCK];
    _Alignas(DISK_BLOCK) static uint8_t again[DISK_BLOCK];
    struct disk *disk = disk_real_disk(real);
    struct disk_file *file;
    struct disk_write write;
    bool stopped = false;
    int status = -1;
    size_t len;

    pwrite_fails = 0;
    memset(block, 'x', sizeof block);
    assert_int_equal(disk->ops->open(disk, "f", true, &file, NULL), 0);
    assert_int_equal(disk->ops->fill(file, DISK_BLOCK, NULL), 0);
    write.file = file;
    write.offset = 0;
    write.bytes = block;
    write.len = DISK_BLOCK;
    write.cb = on_written;
    write.data = &status;
    assert_int_equal(disk->ops->write(disk, &write), 0);
    while (status == -1) {
        (void)uv_run(loop, UV_RUN_ONCE);
    }
    assert_int_equal(status, 0);
    assert_int_equal(disk->ops->read(file, 0, again, DISK_BLOCK, &len, NULL),
                     0);
    assert_memory_equal(block, again, DISK_BLOCK);
    disk->ops->close(file);
    disk_real_stop(real, on_stopped, &stopped);
    (void)uv_run(loop, UV_RUN_DEFAULT);
    assert_true(stopped);
}

/* What a start in @dir chooses, which must work. @why: part of what it says. */
static void assert_choice(const char *dir, enum disk_writer writer,
                          const char *choice, const char *why)
{
    struct disk_real_options options = {.dir = dir, .writer = writer};
    struct err err = {0};
    struct disk_real *real;
    uv_loop_t loop;

    assert_int_equal(uv_loop_init(&loop), 0);
    options.loop = &loop;
    if (disk_real_start(&real, &options, &err) != 0) {
        fail_msg("%s", err.text);
    }
    assert_non_null(strstr(disk_real_writer(real), choice));
    if (strstr(disk_real_fallback(real), why) == NULL) {
        fail_msg("'%s' says nothing of '%s'", disk_real_fallback(real), why);
    }
    must_write(real, &loop);
    assert_int_equal(uv_loop_close(&loop), 0);
}

static void assert_refused(const char *dir, const char *why)
{
    struct disk_real_options options = {.dir = dir,
                                        .writer = DISK_WRITER_URING};
    struct err err = {0};
    struct disk_real *real;
    uv_loop_t loop;

    assert_int_equal(uv_loop_init(&loop), 0);
    options.loop = &loop;
    assert_int_not_equal(disk_real_start(&real, &options, &err), 0);
    if (strstr(err.text, why) == NULL) {
        fail_msg("'%s' says nothing of '%s'", err.text, why);
    }
    assert_int_equal(uv_loop_close(&loop), 0);
    /* Nothing is left behind. */
    assert_int_equal(rmdir(dir), 0);
    assert_int_equal(mkdir(dir, 0700), 0);
}

/* ---- File systems ---- */

static void without_direct_writes_the_page_cache_is_used(void **state)
{
    const struct tmpdir *dir = *state;

    open_direct_fails = EINVAL;
    assert_choice(dir->path, DISK_WRITER_AUTO, "buffered", "direct writes");
    assert_choice(dir->path, DISK_WRITER_THREAD, "thread, buffered",
                  "direct writes");
}

static void direct_write_that_is_refused_is_noticed(void **state)
{
    const struct tmpdir *dir = *state;

    pwrite_fails = EINVAL;
    assert_choice(dir->path, DISK_WRITER_THREAD, "thread, buffered",
                  "direct writes");
}

static void full_disk_does_not_prevent_a_start(void **state)
{
    const struct tmpdir *dir = *state;

    pwrite_fails = ENOSPC;
    assert_choice(dir->path, DISK_WRITER_THREAD, "thread, buffered", "full");
}

static void disk_that_fails_at_once_is_refused(void **state)
{
    const struct tmpdir *dir = *state;

    pwrite_fails = EIO;
    assert_refused(dir->path, "Input/output error");
}

static void file_system_in_memory_is_as_good(void **state)
{
    char path[] = "/dev/shm/quorlog-test.XXXXXX";

    (void)state;
    if (mkdtemp(path) == NULL) {
        skip();
    }
    assert_choice(path, DISK_WRITER_AUTO, "", "");
    assert_choice(path, DISK_WRITER_THREAD, "thread", "");
    assert_int_equal(chdir(path), 0);
    assert_int_equal(unlink("f"), 0);
    assert_int_equal(chdir("/"), 0);
    assert_int_equal(rmdir(path), 0);
}

/* ---- Kernels ---- */

/* From now on the call fails in this process, as in many containers. */
static void forbid(long call)
{
    struct sock_filter filter[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (unsigned)call, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    struct sock_fprog program = {sizeof(filter) / sizeof(filter[0]), filter};

    assert_int_equal(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), 0);
    assert_int_equal(prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program), 0);
}

static void choose_without(const char *dir, long call)
{
    int status;
    pid_t pid = fork();

    assert_true(pid >= 0);
    if (pid == 0) {
        forbid(call);
        assert_refused(dir, "io_uring");
        assert_choice(dir, DISK_WRITER_AUTO, "thread", "io_uring");
        assert_choice(dir, DISK_WRITER_THREAD, "thread", "");
        _exit(0);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
}

static void forbidden_io_uring_is_replaced_by_the_thread(void **state)
{
    const struct tmpdir *dir = *state;

    choose_without(dir->path, SYS_io_uring_setup);
}

static void io_uring_that_takes_nothing_is_replaced_by_the_thread(void **state)
{
    const struct tmpdir *dir = *state;

    choose_without(dir->path, SYS_io_uring_enter);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(
            without_direct_writes_the_page_cache_is_used, setup,
            tmpdir_teardown),
        cmocka_unit_test_setup_teardown(direct_write_that_is_refused_is_noticed,
                                        setup, tmpdir_teardown),
        cmocka_unit_test_setup_teardown(full_disk_does_not_prevent_a_start,
                                        setup, tmpdir_teardown),
        cmocka_unit_test_setup_teardown(disk_that_fails_at_once_is_refused,
                                        setup, tmpdir_teardown),
        cmocka_unit_test_setup_teardown(file_system_in_memory_is_as_good, setup,
                                        tmpdir_teardown),
        cmocka_unit_test_setup_teardown(
            forbidden_io_uring_is_replaced_by_the_thread, setup,
            tmpdir_teardown),
        cmocka_unit_test_setup_teardown(
            io_uring_that_takes_nothing_is_replaced_by_the_thread, setup,
            tmpdir_teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
