/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* The options that choose entries of what is staged. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "cli/command.h"
#include "util/err.h"

/* clang-format off */
#define FILTER_FIELD(name) offsetof(struct command_options, name)
#define ENTRY_FILTER_OPTIONS                                                   \
    {"logs", 0, OPTION_TEXT, FILTER_FIELD(logs), "GLOB",                       \
     "in logs of such names ('orders/*')"},                                    \
    {"key", 0, OPTION_TEXT, FILTER_FIELD(key), "TEXT", "with this very key"},  \
    {"key-prefix", 0, OPTION_TEXT, FILTER_FIELD(key_prefix), "TEXT",           \
     "with a key that begins so"},                                             \
    {"key-glob", 0, OPTION_TEXT, FILTER_FIELD(key_glob), "GLOB",               \
     "with such a key"},                                                       \
    {"from", 0, OPTION_U64, FILTER_FIELD(from), "POSITION",                    \
     "at this position or behind it"},                                         \
    {"to", 0, OPTION_U64, FILTER_FIELD(to), "POSITION",                        \
     "before this position"},                                                  \
    {"since", 0, OPTION_TEXT, FILTER_FIELD(since), "TIME",                     \
     "not older: 2026-01-02T03:04:05Z, or 2h ago"},                            \
    {"until", 0, OPTION_TEXT, FILTER_FIELD(until), "TIME",                     \
     "older than that"},                                                       \
    {"contains", 0, OPTION_TEXT, FILTER_FIELD(contains), "TEXT",               \
     "with these bytes in the value"}
/* clang-format on */

/* Makes the filter of the options; it points into them. *ret_any: it says
 * something. */
int entry_filter_take(const struct command_run *run,
                      struct ql_filter *ret_filter, bool *ret_any,
                      struct err *err);
