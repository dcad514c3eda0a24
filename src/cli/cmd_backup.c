/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* quorlog backup create, list, show, verify and delete. */
#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli/backup_view.h"
#include "cli/backup_wait.h"
#include "cli/command.h"
#include "cli/confirm.h"
#include "quorlog.h"

#define FIELD(name) offsetof(struct command_options, name)
#define VERIFIED(name) offsetof(struct ql_backup_verified, name)
/* All of a large backup is read from a disk that has other work. */
#define VERIFY_TIMEOUT_MS (12u * 3600u * 1000u)

/* clang-format off */
#define ENDPOINT_OPTION                                                        \
    {"endpoint", 0, OPTION_TEXT, FIELD(endpoint), "HOST:PORT",                 \
     "ask this node and no other"}
/* clang-format on */

const struct option_row backup_create_options[] = {
    {"name", 0, OPTION_TEXT, FIELD(name), "NAME",
     "its name (quorlog-backup- and the time)"},
    {"no-wait", 0, OPTION_FLAG, FIELD(no_wait), NULL,
     "do not wait until a majority has it verified"},
    COMMAND_OPTIONS_END,
};

const struct option_row backup_list_options[] = {
    ENDPOINT_OPTION,
    COMMAND_OPTIONS_END,
};

const struct option_row backup_show_options[] = {
    {"logs", 0, OPTION_FLAG, FIELD(show_logs), NULL, "also the logs in it"},
    ENDPOINT_OPTION,
    COMMAND_OPTIONS_END,
};

const struct option_row backup_verify_options[] = {
    {"deep", 0, OPTION_FLAG, FIELD(deep), NULL,
     "also build the logs from it, compare each digest"},
    ENDPOINT_OPTION,
    COMMAND_OPTIONS_END,
};

const struct option_row backup_delete_options[] = {
    {"yes", 'y', OPTION_FLAG, FIELD(yes), NULL, "do not ask"},
    COMMAND_OPTIONS_END,
};

static const struct column verified_columns[] = {
    {"chunks", "chunks", COLUMN_U64, VERIFIED(chunks)},
    {"entries", "entries", COLUMN_U64, VERIFIED(entries)},
    {"bytes", "bytes read", COLUMN_SIZE, VERIFIED(bytes)},
    {"ms", "time", COLUMN_DURATION, VERIFIED(ms)},
    {"memory_bytes", "memory", COLUMN_SIZE, VERIFIED(memory_bytes)},
    COLUMNS_END,
};

static int show_without_logs(struct command_run *run, struct err *err);
static int find(struct command_run *run, struct ql_backup *ret_backup,
                bool *ret_last_verified, struct err *err);
static struct ql_backup_options options_of(const struct command_run *run);

int backup_create_run(struct command_run *run, struct err *err)
{
    struct ql_backup backup;
    struct ql_error error;
    int rv = command_client(run, 0, err);

    if (rv != 0) {
        return rv;
    }
    rv = ql_backup_create(run->client, run->options.name, &backup, &error);
    if (rv != 0) {
        return command_error(err, rv, &error);
    }
    if (!run->options.no_wait) {
        rv = backup_wait(run, backup.name, &backup, err);
    }
    return rv != 0 ? rv : backup_view_one(&run->output, &backup, NULL, err);
}

int backup_list_run(struct command_run *run, struct err *err)
{
    struct ql_backup_options options;
    struct ql_backup_list *list;
    struct ql_error error;
    int rv = command_client(run, 0, err);

    if (rv != 0) {
        return rv;
    }
    options = options_of(run);
    rv = ql_backup_list(run->client, &options, &list, &error);
    if (rv != 0) {
        return command_error(err, rv, &error);
    }
    rv = backup_view_list(&run->output, list, err);
    ql_backup_list_free(list);
    return rv;
}

int backup_show_run(struct command_run *run, struct err *err)
{
    struct ql_backup_options options;
    struct ql_backup_show *show;
    struct ql_error error;
    int rv = command_client(run, 0, err);

    if (rv != 0) {
        return rv;
    }
    if (!run->options.show_logs) {
        return show_without_logs(run, err);
    }
    options = options_of(run);
    rv = ql_backup_show(run->client, run->words[0], &options, &show, &error);
    if (rv != 0) {
        return command_error(err, rv, &error);
    }
    rv = backup_view_one(&run->output, &show->backup, show, err);
    ql_backup_show_free(show);
    return rv;
}

int backup_verify_run(struct command_run *run, struct err *err)
{
    struct ql_backup_verified verified;
    struct ql_backup_options options;
    struct ql_error error;
    int rv = command_client(run, VERIFY_TIMEOUT_MS, err);

    if (rv != 0) {
        return rv;
    }
    options = options_of(run);
    options.deep = run->options.deep;
    if (isatty(STDERR_FILENO)) {
        (void)fprintf(stderr, "the node reads all of %s...\n", run->words[0]);
    }
    rv = ql_backup_verify(run->client, run->words[0], &options, &verified,
                          &error);
    if (rv != 0) {
        return command_error(err, rv, &error);
    }
    if (!run->options.deep) {
        verified.memory_bytes = CELL_NO_SIZE;
    }
    return output_record(&run->output, verified_columns, &verified, err);
}

int backup_delete_run(struct command_run *run, struct err *err)
{
    struct ql_backup backup;
    struct ql_error error;
    bool last = false;
    int rv = confirm_possible(run, "delete the backup", err);

    rv = rv != 0 ? rv : command_client(run, 0, err);
    rv = rv != 0 ? rv : find(run, &backup, &last, err);
    if (rv != 0) {
        return rv;
    }
    rv = confirm_ask(run, err,
                     "%sDelete backup %s with %" PRIu64 " logs and %" PRIu64
                     " entries on all nodes?",
                     last ? "This is the only verified one. " : "", backup.name,
                     backup.logs, backup.entries);
    if (rv != 0) {
        return rv;
    }
    rv = ql_backup_delete(run->client, backup.name, &error);
    if (rv != 0) {
        return command_error(err, rv, &error);
    }
    return backup_view_one(&run->output, &backup, NULL, err);
}

/* From the list, so that no node needs to open the backup. */
static int show_without_logs(struct command_run *run, struct err *err)
{
    struct ql_backup backup;
    bool last;
    int rv = find(run, &backup, &last, err);

    return rv != 0 ? rv : backup_view_one(&run->output, &backup, NULL, err);
}

/* *ret_last_verified: no other is whole on any node. */
static int find(struct command_run *run, struct ql_backup *ret_backup,
                bool *ret_last_verified, struct err *err)
{
    struct ql_backup_options options = options_of(run);
    const struct ql_backup *backup;
    struct ql_backup_list *list;
    struct ql_error error;
    size_t others = 0;
    int rv = ql_backup_list(run->client, &options, &list, &error);

    if (rv != 0) {
        return command_error(err, rv, &error);
    }
    backup = backup_find(list, run->words[0]);
    if (backup == NULL) {
        rv = err_set(err, QL_NOT_FOUND, "there is no such backup");
    } else {
        for (size_t i = 0; i < list->count; i++) {
            others += &list->backups[i] != backup &&
                      backup_verified_count(&list->backups[i]) > 0;
        }
        *ret_backup = *backup;
        *ret_last_verified = others == 0 && backup_verified_count(backup) > 0;
    }
    ql_backup_list_free(list);
    return rv;
}

static struct ql_backup_options options_of(const struct command_run *run)
{
    struct ql_backup_options options = QL_BACKUP_OPTIONS_INIT;

    options.endpoint = run->options.endpoint;
    return options;
}
