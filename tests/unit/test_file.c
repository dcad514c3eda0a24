/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "support/cmocka.h"
#include "support/tmpdir.h"
#include "util/file.h"

#define PATH_ROOM 256

static void path_in(void **state, const char *name, char ret_path[PATH_ROOM])
{
    const struct tmpdir *dir = *state;

    assert_int_equal(path_join(ret_path, PATH_ROOM, dir->path, name, NULL), 0);
}

static void assert_content(const char *path, const char *expected)
{
    struct buf buf = BUF_INIT;

    assert_int_equal(file_read(path, 1000, &buf, NULL), 0);
    assert_int_equal(buf.len, strlen(expected));
    assert_memory_equal(buf.data, expected, buf.len);
    buf_close(&buf);
}

static void replace_writes_and_overwrites(void **state)
{
    char path[PATH_ROOM];
    struct stat status;

    path_in(state, "f", path);
    assert_int_equal(file_replace(path, "old", 3, 0600, NULL), 0);
    assert_content(path, "old");
    assert_int_equal(file_replace(path, "newer", 5, 0640, NULL), 0);
    assert_content(path, "newer");
    assert_int_equal(stat(path, &status), 0);
    assert_int_equal(status.st_mode & 0777, 0640);
    path_in(state, "f.tmp", path);
    assert_int_equal(access(path, F_OK), -1);
}

static void leftover_of_a_crash_is_no_obstacle(void **state)
{
    char path[PATH_ROOM];
    char tmp[PATH_ROOM];

    path_in(state, "f", path);
    path_in(state, "f.tmp", tmp);
    assert_int_equal(file_replace(path, "old", 3, 0600, NULL), 0);
    assert_int_equal(file_replace(tmp, "half a new o", 12, 0400, NULL), 0);
    assert_content(path, "old");
    assert_int_equal(file_replace(path, "new", 3, 0600, NULL), 0);
    assert_content(path, "new");
    assert_int_equal(access(tmp, F_OK), -1);
}

/* A directory in the way makes the rename fail after all was written. */
static void failed_replace_leaves_nothing_behind(void **state)
{
    struct err err;
    char path[PATH_ROOM];
    char inside[PATH_ROOM];
    char tmp[PATH_ROOM];

    path_in(state, "d", path);
    path_in(state, "d/x", inside);
    path_in(state, "d.tmp", tmp);
    assert_int_equal(dir_make(path, NULL), 0);
    assert_int_equal(file_replace(inside, "x", 1, 0600, NULL), 0);
    assert_int_not_equal(file_replace(path, "new", 3, 0600, &err), 0);
    assert_non_null(strstr(err.text, path));
    assert_content(inside, "x");
    assert_int_equal(access(tmp, F_OK), -1);
}

static void create_refuses_a_present_file(void **state)
{
    char path[PATH_ROOM];
    char tmp[PATH_ROOM];

    path_in(state, "f", path);
    path_in(state, "f.tmp", tmp);
    assert_int_equal(file_create(path, "first", 5, 0600, NULL), 0);
    assert_int_equal(access(tmp, F_OK), -1);
    assert_int_equal(file_create(path, "second", 6, 0600, NULL), QL_EXISTS);
    assert_content(path, "first");
    assert_int_equal(access(tmp, F_OK), -1);
}

static void read_has_a_bound(void **state)
{
    struct buf buf = BUF_INIT;
    struct err err;
    char path[PATH_ROOM];

    path_in(state, "f", path);
    assert_int_equal(file_read(path, 10, &buf, &err), QL_NOT_FOUND);
    assert_int_equal(file_replace(path, "0123456789", 10, 0600, NULL), 0);
    assert_int_equal(file_read(path, 9, &buf, &err), QL_TOO_LARGE);
    assert_int_equal(file_read(path, 10, &buf, &err), 0);
    assert_int_equal(buf.len, 10);
    assert_int_equal(file_replace(path, NULL, 0, 0600, NULL), 0);
    assert_int_equal(file_read(path, 10, &buf, &err), 0);
    assert_int_equal(buf.len, 0);
    buf_close(&buf);
}

static void directories_are_made_once_and_seen_empty(void **state)
{
    struct err err;
    char path[PATH_ROOM];
    char inside[PATH_ROOM];
    bool empty = false;

    path_in(state, "d", path);
    assert_int_equal(dir_is_empty(path, &empty, &err), QL_NOT_FOUND);
    assert_int_equal(dir_make(path, &err), 0);
    assert_int_equal(dir_make(path, &err), 0);
    assert_int_equal(dir_is_empty(path, &empty, &err), 0);
    assert_true(empty);
    path_in(state, "d/.hidden", inside);
    assert_int_equal(file_replace(inside, "x", 1, 0600, &err), 0);
    assert_int_equal(dir_is_empty(path, &empty, &err), 0);
    assert_false(empty);
    assert_int_not_equal(dir_make(inside, &err), 0);
    path_in(state, "no/such", path);
    assert_int_equal(dir_make(path, &err), QL_NOT_FOUND);
}

static void paths_are_joined_or_refused(void **state)
{
    char path[8];

    (void)state;
    assert_int_equal(path_join(path, sizeof path, "/a", "b", NULL), 0);
    assert_string_equal(path, "/a/b");
    assert_int_equal(path_join(path, sizeof path, "/a/", "b", NULL), 0);
    assert_string_equal(path, "/a/b");
    assert_int_equal(path_join(path, sizeof path, "/abc", "de", NULL), 0);
    assert_int_equal(path_join(path, sizeof path, "/abc", "def", NULL),
                     QL_TOO_LARGE);
}

/* Takes the lock in a child, says so through a pipe, and dies without cleaning
 * up when the test lets go of the other pipe. */
static pid_t child_with_lock(const char *path, int *ret_release_fd)
{
    int ready[2];
    int release[2];
    char byte;
    pid_t pid;

    assert_int_equal(pipe(ready), 0);
    assert_int_equal(pipe(release), 0);
    pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        int fd;

        (void)close(release[1]);
        byte = file_lock(path, &fd, NULL) == 0 ? 'y' : 'n';
        (void)!write(ready[1], &byte, 1);
        (void)!read(release[0], &byte, 1);
        _exit(0);
    }
    (void)close(ready[1]);
    (void)close(release[0]);
    assert_int_equal(read(ready[0], &byte, 1), 1);
    assert_int_equal(byte, 'y');
    (void)close(ready[0]);
    *ret_release_fd = release[1];
    return pid;
}

static void lock_is_refused_while_another_process_lives(void **state)
{
    char path[PATH_ROOM];
    char pid_text[32];
    struct err err;
    int release_fd;
    int fd;
    pid_t pid;

    path_in(state, "lock", path);
    pid = child_with_lock(path, &release_fd);
    (void)snprintf(pid_text, sizeof pid_text, "process %ld", (long)pid);
    assert_int_equal(file_lock(path, &fd, &err), QL_BUSY);
    assert_non_null(strstr(err.text, pid_text));

    (void)close(release_fd);
    assert_int_equal(waitpid(pid, NULL, 0), pid);
    assert_int_equal(file_lock(path, &fd, &err), 0);
    (void)snprintf(pid_text, sizeof pid_text, "%ld\n", (long)getpid());
    assert_content(path, pid_text);
    (void)close(fd);
}

static void plain_read_takes_no_pipe_and_waits_for_none(void **state)
{
    struct buf text = BUF_INIT;
    char path[PATH_ROOM];
    struct err err;

    path_in(state, "pipe", path);
    assert_int_equal(mkfifo(path, 0600), 0);
    assert_int_equal(file_read_plain(path, 10, &text, &err), QL_IO);
    assert_non_null(strstr(err.text, "no ordinary file"));
    assert_int_equal(unlink(path), 0);
    assert_int_equal(file_read_plain(path, 10, &text, &err), QL_NOT_FOUND);
    assert_int_equal(file_replace(path, "plain", 5, 0600, &err), 0);
    assert_int_equal(file_read_plain(path, 10, &text, &err), 0);
    assert_int_equal(text.len, 5);
    assert_int_equal(file_read_plain(path, 4, &text, &err), QL_TOO_LARGE);
    buf_close(&text);
}

static void lock_is_held_against_the_same_process_too(void **state)
{
    char path[PATH_ROOM];
    int first;
    int second;

    path_in(state, "lock", path);
    assert_int_equal(file_lock(path, &first, NULL), 0);
    assert_int_equal(file_lock(path, &second, NULL), QL_BUSY);
    (void)close(first);
    assert_int_equal(file_lock(path, &second, NULL), 0);
    (void)close(second);
}

#define FILE_TEST(name)                                                        \
    cmocka_unit_test_setup_teardown(name, tmpdir_setup, tmpdir_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        FILE_TEST(replace_writes_and_overwrites),
        FILE_TEST(leftover_of_a_crash_is_no_obstacle),
        FILE_TEST(failed_replace_leaves_nothing_behind),
        FILE_TEST(create_refuses_a_present_file),
        FILE_TEST(read_has_a_bound),
        FILE_TEST(plain_read_takes_no_pipe_and_waits_for_none),
        FILE_TEST(directories_are_made_once_and_seen_empty),
        FILE_TEST(paths_are_joined_or_refused),
        FILE_TEST(lock_is_refused_while_another_process_lives),
        FILE_TEST(lock_is_held_against_the_same_process_too),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
