/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "daemon/recover.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "consensus/recover_export.h"
#include "daemon/recover_options.h"
#include "daemon/recover_print.h"
#include "util/mem.h"
#include "util/random.h"

#define EXIT_FAILED 1
#define EXIT_USAGE 2
#define EXIT_LOSES 7

/* What is done before the new directory can run. */
struct ending {
    const struct recover_options *options;
    struct recover_plan *plan;
    const struct recover_result *result;
};

static int recover(const struct recover_options *options, int *ret_status,
                   struct err *err);
static int apply(const struct recover_options *options,
                 struct recover_plan *plan, struct err *err);
static void take_result(const struct recover_result *result,
                        struct identity *identity);
static int add_marks(const struct recover_options *options,
                     struct recover_plan *plan,
                     const struct recover_result *result, uint64_t node,
                     struct err *err);
static int before_end(void *data, struct err *err);

int recover_main(int argc, char **argv)
{
    struct recover_options options = {0};
    struct option_set *set = recover_options_new(&options);
    int status = EXIT_FAILED;
    struct err err = {0};
    int rv;

    if (set == NULL) {
        fprintf(stderr, "quorlogd recover: out of memory\n");
        return EXIT_FAILED;
    }
    rv = recover_options_read(&options, set, argc, argv, &err);
    if (rv == 0 && options.help) {
        printf("usage: quorlogd recover --plan SOURCE...\n"
               "       quorlogd recover --apply --data-dir NEW --node-id ID "
               "--members LIST [options] SOURCE...\n\n"
               "When a majority of the voters is gone for good: makes the "
               "members of a new cluster out\nof what is left. A SOURCE is "
               "the data directory of a stopped node, an exported backup,\nor "
               "a NAME.manifest in a backup directory. --plan exits with 7 "
               "when something is lost,\nor may be.\n\n");
        option_set_print_help(set, stdout);
        status = 0;
        goto free_set;
    }
    if (rv != 0) {
        status = EXIT_USAGE;
    } else {
        rv = recover(&options, &status, &err);
    }
    if (rv == 0 && (fflush(stdout) != 0 || ferror(stdout))) {
        rv = err_set(&err, QL_IO, "standard output takes no more");
        status = EXIT_FAILED;
    }
    if (rv != 0) {
        fflush(stdout);
        fprintf(stderr, "quorlogd recover: %s\n", err.text);
    }

free_set:
    option_set_free(set);
    return status;
}

static int recover(const struct recover_options *options, int *ret_status,
                   struct err *err)
{
    struct recover_plan *plan = mem_must_zalloc(sizeof *plan);
    int rv =
        recover_plan_make(plan, options->sources, options->sources_count, err);

    if (rv == 0) {
        recover_print_plan(plan, stdout);
        *ret_status = recover_loses(plan) ? EXIT_LOSES : 0;
    }
    if (rv == 0 && options->apply) {
        rv = apply(options, plan, err);
        *ret_status = rv == 0 ? 0 : rv == QL_INVALID ? EXIT_USAGE : EXIT_FAILED;
    }
    recover_plan_close(plan);
    free(plan);
    return rv;
}

static int apply(const struct recover_options *options,
                 struct recover_plan *plan, struct err *err)
{
    struct recover_result result;
    struct ending ending = {options, plan, &result};
    struct recover_make make = {.plan = plan,
                                .result = &result,
                                .allow_missing = options->allow_missing,
                                .before_end = before_end,
                                .data = &ending};
    struct identity identity = {0};
    int rv;

    if (plan->missing > 0 && !options->allow_missing) {
        return err_set(err, QL_NOT_FOUND,
                       "%" PRIu64 " chunks are in none of the sources: name "
                       "more of them, or say --allow-missing: their entries "
                       "cannot be read then, and all others can",
                       plan->missing);
    }
    rv = recover_options_members(options, plan, &identity, err);
    if (rv == 0) {
        rv = recover_options_secret(options, plan, &identity, err);
    }
    if (rv == 0) {
        rv = recover_plan_result(plan, identity.members, identity.members_count,
                                 &result, err);
    }
    if (rv == 0) {
        rv = add_marks(options, plan, &result, identity.node, err);
    }
    if (rv != 0) {
        return rv;
    }
    random_uuid(identity.instance);
    take_result(&result, &identity);
    rv = recover_make(&make, &identity, options->dir, err);
    if (rv == 0) {
        recover_print_made(&make, &identity, options->dir, options->export,
                           stdout);
    }
    return rv;
}

static void take_result(const struct recover_result *result,
                        struct identity *identity)
{
    memcpy(identity->cluster, result->cluster, sizeof identity->cluster);
    identity->ancestors_count = result->ancestors_count;
    memcpy(identity->ancestors, result->ancestors, sizeof identity->ancestors);
}

/* In memory; on disk when all else is done. */
static int add_marks(const struct recover_options *options,
                     struct recover_plan *plan,
                     const struct recover_result *result, uint64_t node,
                     struct err *err)
{
    int rv = 0;

    for (size_t i = 0; i < plan->count && rv == 0; i++) {
        struct recover_source *source = &plan->sources[i];

        if (source->mark != NULL) {
            rv =
                recover_mark_add(source->mark, result, node, options->dir, err);
            rv = rv == 0 ? 0 : err_wrap(err, "%s", source->path);
        }
    }
    return rv;
}

static int before_end(void *data, struct err *err)
{
    struct ending *ending = data;
    const char *export = ending->options->export;
    int rv = 0;

    if (export != NULL) {
        rv = recover_export(ending->plan, ending->result, export, err);
    }
    for (size_t i = 0; i < ending->plan->count && rv == 0; i++) {
        struct recover_source *source = &ending->plan->sources[i];

        if (source->mark != NULL) {
            rv = recover_mark_write(source->mark, source->path, err);
        }
    }
    return rv;
}
