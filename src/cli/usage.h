/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* Finding the command that was meant, and help on every level. */
#pragma once

#include <stdio.h>

#include "cli/command.h"
#include "util/err.h"

/* The tables of commands below end with a row whose noun is NULL; rows of a
 * noun stand together. */

/* QL_INVALID with the nearest name when there is no such noun. */
int usage_noun_check(const struct command *commands, const char *noun,
                     struct err *err);
/* Likewise for @verb of @noun. */
int usage_command_find(const struct command *commands, const char *noun,
                       const char *verb, const struct command **ret_command,
                       struct err *err);
/* "usage: quorlog log stat LOG [options]", with a newline. */
void usage_print_line(const struct command *command, FILE *file);
/* @noun NULL: all commands. */
void usage_print_commands(const struct command *commands, const char *noun,
                          FILE *file);
/* @set knows all options of the command. */
void usage_print_command(const struct command *command,
                         const struct option_set *set, FILE *file);
