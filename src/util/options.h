/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * One table describes every option of a command: long flag, key of a
 * configuration file, environment variable, help. The daemon and the CLI use it.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "util/err.h"

enum option_kind {
    OPTION_FLAG,     /* bool: no argument; files and environment give a bool */
    OPTION_TEXT,     /* const char *: borrowed from argv or from the set */
    OPTION_U64,      /* uint64_t */
    OPTION_SIZE,     /* uint64_t, bytes */
    OPTION_DURATION, /* uint64_t, milliseconds */
};

enum option_source {
    OPTION_UNSET,
    OPTION_FROM_FILE,
    OPTION_FROM_ENVIRONMENT,
    OPTION_FROM_ARGUMENT,
};

struct option_row {
    const char *name; /* long flag without dashes; also the file's key */
    char letter;      /* short flag, or 0 */
    enum option_kind kind;
    size_t offset;        /* of the field in the target struct */
    const char *argument; /* "HOST:PORT" for the help, NULL for flags */
    const char *help;     /* one line */
};

/* Fills fields of one struct from several sources. A stronger source wins
 * whatever the order of the calls. */
struct option_set;

/* @rows ends with a row whose name is NULL; rows and @target outlive the set.
 * @env_prefix, e.g. "QUORLOGD_": option "log-path" is QUORLOGD_LOG_PATH.
 * Returns NULL when out of memory. */
struct option_set *option_set_new(const struct option_row *rows, void *target,
                                  const char *env_prefix);
void option_set_free(struct option_set *set); /* frees texts it copied */

/* Reads "--name value", "--name=value", "-x value", "--" from @argv[0..argc).
 * Words that are no options are moved to the front of argv in order; *ret_words
 * is their count. Unknown flags: QL_INVALID, naming the nearest one. With
 * @stop_at_word parsing ends at the first word (for "tool [options] verb"). */
int option_set_arguments(struct option_set *set, int argc, char **argv,
                         bool stop_at_word, int *ret_words, struct err *err);
/* Reads the variables with the prefix. An unknown variable with the prefix is
 * QL_INVALID with the nearest name, except those in @also (NULL-terminated
 * full names, may be NULL). */
int option_set_environment(struct option_set *set, const char *const *also,
                           struct err *err);
/* One key from a configuration file; QL_INVALID with the nearest name. */
int option_set_value(struct option_set *set, enum option_source source,
                     const char *name, const char *value, struct err *err);
enum option_source option_set_source(const struct option_set *set,
                                     const char *name);
/* The lines of help for all rows. */
void option_set_print_help(const struct option_set *set, void *stdio_file);
