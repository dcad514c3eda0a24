/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "cli/confirm.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

int confirm_possible(const struct command_run *run, const char *what,
                     struct err *err)
{
    if (!run->options.yes && !isatty(STDIN_FILENO)) {
        return err_set(err, QL_INVALID,
                       "nobody to ask on standard input: repeat with --yes to "
                       "%s",
                       what);
    }
    return 0;
}

int confirm_ask(const struct command_run *run, struct err *err,
                const char *question, ...)
{
    va_list arguments;
    char answer[16];

    if (run->options.yes) {
        return 0;
    }
    va_start(arguments, question);
    (void)vfprintf(stderr, question, arguments);
    va_end(arguments);
    (void)fputs(" [y/N] ", stderr);
    if (fgets(answer, sizeof answer, stdin) == NULL ||
        (strcmp(answer, "y\n") != 0 && strcmp(answer, "yes\n") != 0)) {
        return err_set(err, QL_CANCELED, "not done: the answer was not yes");
    }
    return 0;
}
