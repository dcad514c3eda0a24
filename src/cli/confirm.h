/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* Asking before something goes that is hard to get back. */
#pragma once

#include "cli/command.h"
#include "util/err.h"

/* QL_INVALID when there is nobody to ask and --yes was not given: "repeat with
 * --yes to @what". To be called before anything else is done. */
int confirm_possible(const struct command_run *run, const char *what,
                     struct err *err);
/* Asks the question on standard error, unless --yes was given. QL_CANCELED: the
 * answer was no. */
int confirm_ask(const struct command_run *run, struct err *err,
                const char *question, ...)
    __attribute__((format(printf, 3, 4)));
