/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "cli/entry_filter.h"

#include <string.h>

#include "cli/moment.h"
#include "util/clock.h"

static int take_moment(const struct command_run *run, const char *name,
                       const char *text, uint64_t now_ms, uint64_t *ret_ms,
                       struct err *err);

int entry_filter_take(const struct command_run *run,
                      struct ql_filter *ret_filter, bool *ret_any,
                      struct err *err)
{
    static const char *const names[] = {"logs",     "key",   "key-prefix",
                                        "key-glob", "from",  "to",
                                        "since",    "until", "contains"};
    const struct command_options *options = &run->options;
    struct ql_filter filter = QL_FILTER_INIT;
    uint64_t now_ms = clock_wall_ms();
    bool any = false;
    int rv;

    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        any = any || command_given(run, names[i]);
    }
    filter.logs = options->logs;
    filter.key = options->key;
    filter.key_len = options->key == NULL ? 0 : strlen(options->key);
    filter.key_prefix = options->key_prefix;
    filter.key_prefix_len =
        options->key_prefix == NULL ? 0 : strlen(options->key_prefix);
    filter.key_glob = options->key_glob;
    filter.from = options->from;
    filter.to = options->to;
    filter.contains = options->contains;
    filter.contains_len =
        options->contains == NULL ? 0 : strlen(options->contains);
    if (filter.contains != NULL && filter.contains_len == 0) {
        return err_set(err, QL_INVALID, "--contains: every value has no bytes");
    }
    if ((command_given(run, "from") && filter.from == 0) ||
        (command_given(run, "to") && filter.to == 0)) {
        return err_set(err, QL_INVALID, "positions begin with 1");
    }
    rv = take_moment(run, "since", options->since, now_ms, &filter.since_ms,
                     err);
    rv = rv != 0 ? rv
                 : take_moment(run, "until", options->until, now_ms,
                               &filter.until_ms, err);
    if (rv != 0) {
        return rv;
    }
    *ret_filter = filter;
    *ret_any = any;
    return 0;
}

/* In a filter 0 stands for no limit. */
static int take_moment(const struct command_run *run, const char *name,
                       const char *text, uint64_t now_ms, uint64_t *ret_ms,
                       struct err *err)
{
    int rv = 0;

    if (command_given(run, name)) {
        rv = moment_parse(text, now_ms, ret_ms, err);
        if (rv != 0) {
            return err_wrap(err, "--%s", name);
        }
        *ret_ms = *ret_ms == 0 ? 1 : *ret_ms;
    }
    return rv;
}
