/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include <errno.h>
#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "support/cmocka.h"
#include "util/standard.h"

/* Runs in a child, which has no other way to tell: 0 is well. */
static int occupy_what_is_closed(void)
{
    struct err err;
    char byte = 'x';

    close(STDIN_FILENO);
    close(STDERR_FILENO);
    if (standard_occupy(&err) != 0) {
        return 1;
    }
    if (open("/dev/null", O_RDWR) <= STDERR_FILENO) {
        return 2;
    }
    if (read(STDIN_FILENO, &byte, 1) != -1 || errno != EBADF) {
        return 3;
    }
    if (write(STDERR_FILENO, &byte, 1) != -1 || errno != EBADF) {
        return 4;
    }
    return 0;
}

static void closed_descriptors_are_occupied_and_stay_useless(void **state)
{
    int status = -1;
    pid_t child = fork();

    (void)state;
    if (child == 0) {
        _exit(occupy_what_is_closed());
    }
    assert_true(child > 0);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
}

static void open_descriptors_are_left_alone(void **state)
{
    int pair[2];
    int kept = dup(STDIN_FILENO);
    struct err err;
    char byte = 0;

    (void)state;
    assert_int_equal(pipe(pair), 0);
    assert_int_equal(write(pair[1], "y", 1), 1);
    assert_int_equal(dup2(pair[0], STDIN_FILENO), STDIN_FILENO);
    assert_int_equal(standard_occupy(&err), 0);
    assert_int_equal(read(STDIN_FILENO, &byte, 1), 1);
    assert_int_equal(byte, 'y');
    close(pair[0]);
    close(pair[1]);
    if (kept >= 0) {
        dup2(kept, STDIN_FILENO);
        close(kept);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(closed_descriptors_are_occupied_and_stay_useless),
        cmocka_unit_test(open_descriptors_are_left_alone),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
