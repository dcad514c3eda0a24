/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* quorlog cluster settings. */
#include <stddef.h>

#include "cli/command.h"
#include "quorlog.h"
#include "util/limits.h"

#define FIELD(name) offsetof(struct command_options, name)
#define SETTING(name) offsetof(struct ql_settings, name)

const struct option_row cluster_settings_options[] = {
    {"backup-interval", 0, OPTION_DURATION, FIELD(backup_interval_ms), "TIME",
     "make a backup so often (0: only by hand)"},
    {"max-saved-backups", 0, OPTION_U64, FIELD(backups_max), "COUNT",
     "keep so many, the newest ones"},
    COMMAND_OPTIONS_END,
};

static const struct column settings_columns[] = {
    {"backup_interval_ms", "backup interval", COLUMN_DURATION,
     SETTING(backup_interval_ms)},
    {"max_saved_backups", "backups kept", COLUMN_U64,
     SETTING(max_saved_backups)},
    COLUMNS_END,
};

/* In the words of the command, not of the call. */
static int check_change(struct command_run *run, struct err *err)
{
    uint64_t interval = run->options.backup_interval_ms;
    uint64_t count = run->options.backups_max;

    if (command_given(run, "max-saved-backups") &&
        (count == 0 || count > BACKUPS_SAVED_MAX)) {
        return err_set(err, QL_INVALID,
                       "--max-saved-backups is 1 to %u: the newest stays",
                       BACKUPS_SAVED_MAX);
    }
    if (command_given(run, "backup-interval") && interval != 0 &&
        (interval < BACKUP_INTERVAL_MIN_MS ||
         interval > BACKUP_INTERVAL_MAX_MS)) {
        return err_set(err, QL_INVALID,
                       "--backup-interval is 0 (never by itself), or 1s to "
                       "366d");
    }
    return 0;
}

int cluster_settings_run(struct command_run *run, struct err *err)
{
    struct ql_settings_change change = QL_SETTINGS_CHANGE_INIT;
    struct ql_settings settings;
    struct ql_error error;
    int rv;

    rv = check_change(run, err);
    if (rv == 0) {
        rv = command_client(run, 0, err);
    }
    if (rv != 0) {
        return rv;
    }
    change.set_backup_interval = command_given(run, "backup-interval");
    change.backup_interval_ms = run->options.backup_interval_ms;
    change.max_saved_backups = run->options.backups_max;
    rv = ql_cluster_settings(run->client, &change, &settings, &error);
    if (rv != 0) {
        return command_error(err, rv, &error);
    }
    return output_record(&run->output, settings_columns, &settings, err);
}
