/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "daemon/patience.h"

#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "support/cmocka.h"

#define LONG_MS 600000u

/* What @run says on standard error in a process of its own, and its status. */
static int status_of(void (*run)(void), char *ret_text, size_t room)
{
    int ends[2];
    int status = 0;
    size_t len = 0;
    ssize_t got;
    pid_t child;

    assert_int_equal(pipe(ends), 0);
    child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        (void)dup2(ends[1], STDERR_FILENO);
        run();
        _exit(0);
    }
    (void)close(ends[1]);
    while ((got = read(ends[0], ret_text + len, room - 1 - len)) > 0) {
        len += (size_t)got;
    }
    ret_text[len] = '\0';
    (void)close(ends[0]);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

static void lose_it(void)
{
    struct patience patience;
    uv_loop_t loop;

    (void)uv_loop_init(&loop);
    patience_start(&patience, &loop, "a friend", 1, 1);
    (void)uv_run(&loop, UV_RUN_ONCE);
    patience_awaits(&patience, "a disk");
    (void)uv_run(&loop, UV_RUN_DEFAULT);
}

static void end_in_time(void)
{
    struct patience patience;
    uv_loop_t loop;

    (void)uv_loop_init(&loop);
    patience_start(&patience, &loop, "a friend", LONG_MS, LONG_MS);
    patience_awaits(&patience, "a disk");
    (void)uv_run(&loop, UV_RUN_NOWAIT);
    patience_close(&patience);
    (void)uv_run(&loop, UV_RUN_DEFAULT);
    _exit(uv_loop_close(&loop) == 0 ? 0 : 2);
}

static void an_end_that_takes_long_is_told_and_then_cut_short(void **state)
{
    char text[1024];
    const char *told;

    (void)state;
    assert_int_equal(status_of(lose_it, text, sizeof(text)), 1);
    told = strstr(text, "warning: stopping takes long: it waits for a friend");
    assert_non_null(told);
    assert_non_null(strstr(told, "error: stopping takes too long"));
    assert_non_null(strstr(told, "now for a disk, and ends at once"));
}

static void an_end_in_time_says_nothing(void **state)
{
    char text[1024];

    (void)state;
    assert_int_equal(status_of(end_in_time, text, sizeof(text)), 0);
    assert_string_equal(text, "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_end_that_takes_long_is_told_and_then_cut_short),
        cmocka_unit_test(an_end_in_time_says_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
