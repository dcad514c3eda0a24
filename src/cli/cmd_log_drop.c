/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* quorlog log trim and delete: what takes entries away. */
#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>

#include "cli/command.h"
#include "cli/confirm.h"
#include "cli/log_view.h"
#include "quorlog.h"

#define FIELD(name) offsetof(struct command_options, name)

const struct option_row log_trim_options[] = {
    {"before", 0, OPTION_U64, FIELD(before), "POSITION",
     "the first position that stays"},
    {"dry-run", 0, OPTION_FLAG, FIELD(dry_run), NULL,
     "only show what would be dropped"},
    COMMAND_OPTIONS_END,
};

const struct option_row log_delete_options[] = {
    {"yes", 'y', OPTION_FLAG, FIELD(yes), NULL, "do not ask"},
    {"dry-run", 0, OPTION_FLAG, FIELD(dry_run), NULL,
     "only show what would be deleted"},
    COMMAND_OPTIONS_END,
};

/* What a trim would do. */
struct trim_plan {
    const char *log;
    uint64_t head;
    uint64_t new_head;
    uint64_t positions; /* dropped; entries unless there are holes */
    bool dry_run;
};

static const struct column trim_plan_columns[] = {
    {"log", "log", COLUMN_POINTER, offsetof(struct trim_plan, log)},
    {"dry_run", "dry run", COLUMN_BOOL, offsetof(struct trim_plan, dry_run)},
    {"head", "head", COLUMN_U64, offsetof(struct trim_plan, head)},
    {"new_head", "new head", COLUMN_U64, offsetof(struct trim_plan, new_head)},
    {"positions", "positions to drop", COLUMN_U64,
     offsetof(struct trim_plan, positions)},
    COLUMNS_END,
};

static int trim_show_plan(struct command_run *run, struct err *err);
static int delete_show_plan(struct command_run *run,
                            const struct ql_log_stat *stat, struct err *err);

int log_trim_run(struct command_run *run, struct err *err)
{
    struct ql_log_stat stat;
    struct ql_error error;
    int rv;

    rv = command_need(run, "before", err);
    if (rv == 0 && run->options.before == 0) {
        rv = err_set(err, QL_INVALID, "positions begin with 1");
    }
    if (rv == 0) {
        rv = command_client(run, 0, err);
    }
    if (rv != 0) {
        return rv;
    }
    if (run->options.dry_run) {
        return trim_show_plan(run, err);
    }
    rv = ql_log_trim(run->client, run->words[0], run->options.before, &stat,
                     &error);
    if (rv != 0) {
        return command_error(err, rv, &error);
    }
    return output_record(&run->output, log_columns, &stat, err);
}

int log_delete_run(struct command_run *run, struct err *err)
{
    struct ql_log_stat stat;
    struct ql_error error;
    int rv;

    if (!run->options.dry_run) {
        rv = confirm_possible(run, "delete the log", err);
        if (rv != 0) {
            return rv;
        }
    }
    rv = command_client(run, 0, err);
    if (rv != 0) {
        return rv;
    }
    if (!run->options.yes || run->options.dry_run) {
        rv = ql_log_stat(run->client, run->words[0], QL_LINEARIZABLE, &stat,
                         &error);
        if (rv != 0) {
            return command_error(err, rv, &error);
        }
        if (run->options.dry_run) {
            return delete_show_plan(run, &stat, err);
        }
        rv = confirm_ask(run, err, "Delete log %s with %" PRIu64 " entries?",
                         stat.name, stat.entries);
        if (rv != 0) {
            return rv;
        }
    }
    rv = ql_log_delete(run->client, run->words[0], &stat, &error);
    if (rv != 0) {
        return command_error(err, rv, &error);
    }
    return output_record(&run->output, log_columns, &stat, err);
}

static int trim_show_plan(struct command_run *run, struct err *err)
{
    struct trim_plan plan = {.log = run->words[0], .dry_run = true};
    struct ql_log_stat stat;
    struct ql_error error;
    int rv;

    rv =
        ql_log_stat(run->client, run->words[0], QL_LINEARIZABLE, &stat, &error);
    if (rv != 0) {
        return command_error(err, rv, &error);
    }
    plan.head = stat.head;
    plan.new_head = run->options.before;
    if (plan.new_head > stat.tail) {
        plan.new_head = stat.tail;
    }
    if (plan.new_head < stat.head) {
        plan.new_head = stat.head;
    }
    plan.positions = plan.new_head - stat.head;
    return output_record(&run->output, trim_plan_columns, &plan, err);
}

/* The log as it is, which is what goes. */
static int delete_show_plan(struct command_run *run,
                            const struct ql_log_stat *stat, struct err *err)
{
    (void)fprintf(stderr, "dry run: this log would be deleted\n");
    return output_record(&run->output, log_columns, stat, err);
}
