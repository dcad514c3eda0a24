/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* What went wrong, told on standard error once, with what may help. */
#pragma once

#include "cli/command.h"
#include "util/err.h"

/* "quorlog: what: sentence", safe for a terminal, then a hint where there is
 * one. @run may be NULL, when no command was found. */
void report_error(const struct command_run *run, const struct err *err);
