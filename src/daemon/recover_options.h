/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* The options of `quorlogd recover`, and what they say of the member that is to be
 * made. */
#pragma once

#include "consensus/recover_plan.h"
#include "util/options.h"

struct recover_options {
    bool plan;
    bool apply;
    const char *data_dir;
    uint64_t node;
    const char *members;
    const char *secret;
    const char *secret_file;
    const char *export;
    bool allow_missing;
    bool help;
    char dir[PATH_LEN_MAX]; /* of data_dir, absolute */
    const char *const *sources;
    size_t sources_count;
};

/* NULL: out of memory. */
struct option_set *recover_options_new(struct recover_options *ret);
/* QL_INVALID. The sources are in @argv. */
int recover_options_read(struct recover_options *options,
                         struct option_set *set, int argc, char **argv,
                         struct err *err);
/* The members: as --members says, or those that a result was made for. */
int recover_options_members(const struct recover_options *options,
                            const struct recover_plan *plan,
                            struct identity *ret, struct err *err);
/* The secret: as told, that of the directory that is taken, or a new one, which is
 * written to the file of --secret-file. */
int recover_options_secret(const struct recover_options *options,
                           const struct recover_plan *plan,
                           struct identity *ret, struct err *err);
