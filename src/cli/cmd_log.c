/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* quorlog log create, list, stat and configure. */
#include <stddef.h>

#include "cli/command.h"
#include "cli/log_view.h"
#include "quorlog.h"

#define FIELD(name) offsetof(struct command_options, name)

/* clang-format off */
#define RETENTION_OPTIONS                                                      \
    {"retention-entries", 0, OPTION_U64, FIELD(retention_entries), "COUNT",    \
     "keep at least the newest COUNT entries (0: all)"},                       \
    {"retention-bytes", 0, OPTION_SIZE, FIELD(retention_bytes), "SIZE",        \
     "keep at least the newest SIZE bytes (0: all)"},                          \
    {"retention-age", 0, OPTION_DURATION, FIELD(retention_age_ms), "TIME",     \
     "keep entries at least TIME (0: for ever)"}
/* clang-format on */

const struct option_row log_create_options[] = {
    RETENTION_OPTIONS,
    {"if-not-exists", 0, OPTION_FLAG, FIELD(if_not_exists), NULL,
     "leave a log that exists as it is"},
    COMMAND_OPTIONS_END,
};

const struct option_row log_list_options[] = {
    {"prefix", 0, OPTION_TEXT, FIELD(prefix), "TEXT",
     "only logs whose name begins with TEXT"},
    {"stale", 0, OPTION_FLAG, FIELD(stale), NULL,
     "ask any node; it may be behind"},
    COMMAND_OPTIONS_END,
};

const struct option_row log_stat_options[] = {
    {"stale", 0, OPTION_FLAG, FIELD(stale), NULL,
     "ask any node; it may be behind"},
    COMMAND_OPTIONS_END,
};

const struct option_row log_configure_options[] = {
    RETENTION_OPTIONS,
    COMMAND_OPTIONS_END,
};

static void retention_given(const struct command_run *run,
                            struct ql_retention *retention);

int log_create_run(struct command_run *run, struct err *err)
{
    struct ql_retention retention = {0, 0, 0};
    struct ql_log_stat stat;
    struct ql_error error;
    int rv;

    rv = command_client(run, 0, err);
    if (rv != 0) {
        return rv;
    }
    retention_given(run, &retention);
    rv = ql_log_create(run->client, run->words[0], &retention, &stat, &error);
    if (rv == QL_EXISTS && run->options.if_not_exists) {
        rv = ql_log_stat(run->client, run->words[0], QL_LINEARIZABLE, &stat,
                         &error);
    }
    if (rv != 0) {
        return command_error(err, rv, &error);
    }
    return output_record(&run->output, log_columns, &stat, err);
}

int log_list_run(struct command_run *run, struct err *err)
{
    struct ql_log_stat *stats = NULL;
    struct output_list list;
    struct ql_error error;
    size_t count = 0;
    int rv;

    rv = command_client(run, 0, err);
    if (rv != 0) {
        return rv;
    }
    rv = ql_log_list(run->client, run->options.prefix, command_consistency(run),
                     &stats, &count, &error);
    if (rv != 0) {
        return command_error(err, rv, &error);
    }
    output_list_begin(&list, &run->output, log_list_columns);
    for (size_t i = 0; i < count && rv == 0; i++) {
        rv = output_list_row(&list, &stats[i], err);
    }
    if (rv == 0) {
        rv = output_list_end(&list, err);
    }
    output_list_close(&list);
    ql_free(stats);
    return rv;
}

int log_stat_run(struct command_run *run, struct err *err)
{
    struct ql_log_stat stat;
    struct ql_error error;
    int rv;

    rv = command_client(run, 0, err);
    if (rv != 0) {
        return rv;
    }
    rv = ql_log_stat(run->client, run->words[0], command_consistency(run),
                     &stat, &error);
    if (rv != 0) {
        return command_error(err, rv, &error);
    }
    return output_record(&run->output, log_columns, &stat, err);
}

int log_configure_run(struct command_run *run, struct err *err)
{
    struct ql_retention retention;
    struct ql_log_stat stat;
    struct ql_error error;
    int rv;

    if (!command_given(run, "retention-entries") &&
        !command_given(run, "retention-bytes") &&
        !command_given(run, "retention-age")) {
        return err_set(err, QL_INVALID,
                       "nothing to change: give a --retention option");
    }
    rv = command_client(run, 0, err);
    if (rv != 0) {
        return rv;
    }
    rv =
        ql_log_stat(run->client, run->words[0], QL_LINEARIZABLE, &stat, &error);
    if (rv == 0) {
        retention = stat.retention;
        retention_given(run, &retention);
        rv = ql_log_configure(run->client, run->words[0], &retention, &stat,
                              &error);
    }
    if (rv != 0) {
        return command_error(err, rv, &error);
    }
    return output_record(&run->output, log_columns, &stat, err);
}

/* Replaces what options were given for. */
static void retention_given(const struct command_run *run,
                            struct ql_retention *retention)
{
    if (command_given(run, "retention-entries")) {
        retention->entries = run->options.retention_entries;
    }
    if (command_given(run, "retention-bytes")) {
        retention->bytes = run->options.retention_bytes;
    }
    if (command_given(run, "retention-age")) {
        retention->age_ms = run->options.retention_age_ms;
    }
}
