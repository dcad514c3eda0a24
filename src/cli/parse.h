/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* The command line and the environment, up to a command ready to run. */
#pragma once

#include <stdbool.h>

#include "cli/command.h"
#include "util/err.h"

struct parse {
    struct option_set *environment; /* owns texts that the options point to */
    struct option_row *rows;        /* of run->set */
};

/* Fills @run's command, options, set and words from @argv[0..argc), which is
 * reordered. *ret_done: only help or the version was asked for, and printed.
 * QL_INVALID for whatever is unknown or missing. */
int parse_command(struct parse *parse, const struct command *commands, int argc,
                  char **argv, struct command_run *run, bool *ret_done,
                  struct err *err);
/* After the last use of the options. Also when parse_command() failed. */
void parse_close(struct parse *parse, struct command_run *run);
