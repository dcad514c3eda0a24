/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* quorlog writer: exclusive use of a log, for programs that keep the epoch. */
#include <stddef.h>

#include "cli/command.h"
#include "cli/log_view.h"
#include "quorlog.h"

#define FIELD(name) offsetof(struct command_options, name)

const struct option_row writer_acquire_options[] = {
    {"name", 0, OPTION_TEXT, FIELD(name), "WHO", "shown as the log's writer"},
    COMMAND_OPTIONS_END,
};

const struct option_row writer_release_options[] = {
    {"epoch", 0, OPTION_U64, FIELD(epoch), "EPOCH", "what acquire gave"},
    COMMAND_OPTIONS_END,
};

const struct option_row writer_show_options[] = {
    {"stale", 0, OPTION_FLAG, FIELD(stale), NULL,
     "ask any node; it may be behind"},
    COMMAND_OPTIONS_END,
};

struct acquired {
    const char *log;
    const char *name;
    uint64_t epoch;
    uint64_t tail;
};

/* The same keys as log_writer_columns. */
static const struct column acquired_columns[] = {
    {"log", "log", COLUMN_POINTER, offsetof(struct acquired, log)},
    {"writer_epoch", "epoch", COLUMN_U64, offsetof(struct acquired, epoch)},
    {"writer_name", "writer", COLUMN_POINTER, offsetof(struct acquired, name)},
    {"tail", "tail", COLUMN_U64, offsetof(struct acquired, tail)},
    COLUMNS_END,
};

int writer_acquire_run(struct command_run *run, struct err *err)
{
    struct acquired acquired = {.log = run->words[0]};
    struct ql_writer *writer = NULL;
    struct ql_error error;
    int rv;

    rv = command_need(run, "name", err);
    if (rv == 0) {
        rv = command_client(run, 0, err);
    }
    if (rv != 0) {
        return rv;
    }
    rv = ql_writer_acquire(&writer, run->client, run->words[0],
                           run->options.name, &error);
    if (rv != 0) {
        return command_error(err, rv, &error);
    }
    acquired.name = run->options.name;
    acquired.epoch = ql_writer_epoch(writer);
    acquired.tail = ql_writer_tail(writer);
    ql_writer_free(writer);
    return output_record(&run->output, acquired_columns, &acquired, err);
}

int writer_release_run(struct command_run *run, struct err *err)
{
    struct ql_log_stat stat;
    struct ql_error error;
    int rv;

    rv = command_need(run, "epoch", err);
    if (rv == 0) {
        rv = command_client(run, 0, err);
    }
    if (rv != 0) {
        return rv;
    }
    rv = ql_writer_release_epoch(run->client, run->words[0], run->options.epoch,
                                 &stat, &error);
    if (rv != 0) {
        return command_error(err, rv, &error);
    }
    return output_record(&run->output, log_writer_columns, &stat, err);
}

int writer_show_run(struct command_run *run, struct err *err)
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
    return output_record(&run->output, log_writer_columns, &stat, err);
}
