/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include <regex.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "quorlog.h"
#include "support/cmocka.h"
#include "util/diag.h"

/* Standard error goes into a pipe while @speak runs. */
static size_t captured(void (*speak)(void), char *ret_text, size_t room)
{
    int saved = dup(STDERR_FILENO);
    int ends[2];
    ssize_t got;

    assert_int_equal(pipe(ends), 0);
    assert_int_equal(dup2(ends[1], STDERR_FILENO), STDERR_FILENO);
    (void)close(ends[1]);
    speak();
    assert_int_equal(dup2(saved, STDERR_FILENO), STDERR_FILENO);
    (void)close(saved);
    got = read(ends[0], ret_text, room - 1);
    (void)close(ends[0]);
    assert_true(got >= 0);
    ret_text[got] = '\0';
    return (size_t)got;
}

static void speak_warning(void)
{
    diag_warning("disk %d\nerror: forged\x1b[2J", 7);
}

static void speak_debug(void)
{
    diag_debug("quiet");
}

static void speak_long(void)
{
    char longer[6000];

    memset(longer, 'a', sizeof longer);
    longer[sizeof longer - 1] = '\0';
    diag_error("%s", longer);
}

static void line_has_time_level_and_text(void **state)
{
    char text[512];
    regex_t line;

    (void)state;
    (void)unsetenv("JOURNAL_STREAM");
    (void)captured(speak_warning, text, sizeof text);
    assert_int_equal(
        regcomp(&line,
                "^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}"
                "\\.[0-9]{3}Z warning: disk 7 error: forged \\[2J\n$",
                REG_EXTENDED | REG_NOSUB),
        0);
    assert_int_equal(regexec(&line, text, 0, NULL, 0), 0);
    regfree(&line);
}

static void journal_gets_its_own_prefix(void **state)
{
    char text[512];

    (void)state;
    assert_int_equal(setenv("JOURNAL_STREAM", "8:1", 1), 0);
    (void)captured(speak_warning, text, sizeof text);
    assert_string_equal(text, "<4>disk 7 error: forged [2J\n");
    assert_int_equal(unsetenv("JOURNAL_STREAM"), 0);
}

static void levels_above_the_set_one_are_dropped(void **state)
{
    char text[512];

    (void)state;
    assert_int_equal(captured(speak_debug, text, sizeof text), 0);
    diag_set_level(DIAG_DEBUG);
    assert_true(captured(speak_debug, text, sizeof text) > 0);
    diag_set_level(DIAG_INFO);
}

static void long_lines_are_cut_and_still_end(void **state)
{
    char text[8000];
    size_t len;

    (void)state;
    len = captured(speak_long, text, sizeof text);
    assert_in_range(len, 4000, 4096);
    assert_int_equal(text[len - 1], '\n');
}

static void level_names_are_read(void **state)
{
    enum diag_level level = DIAG_ERROR;

    (void)state;
    assert_int_equal(diag_level_parse("debug", &level), 0);
    assert_int_equal(level, DIAG_DEBUG);
    assert_int_equal(diag_level_parse("loud", &level), QL_INVALID);
    assert_int_equal(level, DIAG_DEBUG);
}

static void die_exits_with_its_status(void **state)
{
    int status;
    pid_t pid;

    (void)state;
    pid = fork();
    if (pid == 0) {
        (void)close(STDERR_FILENO);
        diag_die(9, "the end");
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 9);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(line_has_time_level_and_text),
        cmocka_unit_test(journal_gets_its_own_prefix),
        cmocka_unit_test(levels_above_the_set_one_are_dropped),
        cmocka_unit_test(long_lines_are_cut_and_still_end),
        cmocka_unit_test(level_names_are_read),
        cmocka_unit_test(die_exits_with_its_status),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
