/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* What a command of the tool is, and all of them. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "cli/output.h"
#include "quorlog.h"
#include "util/err.h"
#include "util/options.h"

/* The fields of all options; each command's table names those it takes. */
struct command_options {
    /* Everywhere, before or behind the words. */
    const char *endpoints; /* NULL: the library's default */
    uint64_t timeout_ms;   /* 0: the command's default */
    const char *output;    /* NULL: table */
    bool help;
    bool version;
    /* Of some commands. */
    bool stale;
    bool dry_run;
    bool yes;
    bool raw;
    bool if_not_exists;
    bool lines;
    bool acks;
    bool all;
    bool no_wait;
    bool show_logs;
    bool deep;
    bool foreign;
    bool entries;
    bool examples;
    bool undo;
    bool discard_newer;
    const char *prefix;
    const char *file;
    const char *key;
    const char *name;
    const char *endpoint;
    const char *reason;
    const char *logs;
    const char *key_prefix;
    const char *key_glob;
    const char *since;
    const char *until;
    const char *contains;
    uint64_t retention_entries;
    uint64_t retention_bytes;
    uint64_t retention_age_ms;
    uint64_t before;
    uint64_t from;
    uint64_t to;
    uint64_t count;
    uint64_t epoch;
    uint64_t expect_position;
    uint64_t batch_entries;
    uint64_t batch_bytes;
    uint64_t node_id;
    uint64_t limit;
    uint64_t operation;
    uint64_t expect_state;
    uint64_t backup_interval_ms;
    uint64_t backups_max;
    uint64_t interval_ms;
};

/* One run of a command. */
struct command_run {
    const struct command *command;
    struct command_options options;
    struct option_set *set; /* of all options the command takes */
    char **words;           /* between words_min and words_max of them */
    int word_count;
    struct output output;     /* standard output */
    struct ql_client *client; /* NULL until command_client() */
    bool
        asked; /* the command line was good: what fails now is no usage error */
    bool unhealthy; /* the answer is bad news: exit status 7 */
};

/* One row of the table in main.c. */
struct command {
    const char *noun;
    const char *verb;
    const char *words; /* for the usage line: "LOG [VALUE...]" */
    int words_min;
    int words_max;                    /* COMMAND_WORDS_ANY: no limit */
    const struct option_row *options; /* its own ones */
    const char *summary;              /* one line of the help */
    /* 0, or the code whose exit status the program ends with. */
    int (*run)(struct command_run *run, struct err *err);
};

#define COMMAND_WORDS_ANY (-1)

/* Ends every option table. */
#define COMMAND_OPTIONS_END                                                    \
    {                                                                          \
        0, 0, OPTION_FLAG, 0, 0, 0                                             \
    }

/* Was option @name given, by argument or environment? */
bool command_given(const struct command_run *run, const char *name);
/* QL_INVALID, saying so, unless option @name was given. */
int command_need(const struct command_run *run, const char *name,
                 struct err *err);
/* Makes run->client, whose calls may take @timeout_default_ms (0: the library's
 * default) where --timeout was not given. */
int command_client(struct command_run *run, uint32_t timeout_default_ms,
                   struct err *err);
/* Translates @error and returns its code, which is not 0. @rv is what the call
 * returned. */
int command_error(struct err *err, int rv, const struct ql_error *error);
enum ql_consistency command_consistency(const struct command_run *run);

/* cmd_log.c */
extern const struct option_row log_create_options[];
int log_create_run(struct command_run *run, struct err *err);
extern const struct option_row log_list_options[];
int log_list_run(struct command_run *run, struct err *err);
extern const struct option_row log_stat_options[];
int log_stat_run(struct command_run *run, struct err *err);
extern const struct option_row log_configure_options[];
int log_configure_run(struct command_run *run, struct err *err);
/* cmd_log_drop.c */
extern const struct option_row log_trim_options[];
int log_trim_run(struct command_run *run, struct err *err);
extern const struct option_row log_delete_options[];
int log_delete_run(struct command_run *run, struct err *err);
/* cmd_append.c */
extern const struct option_row log_append_options[];
int log_append_run(struct command_run *run, struct err *err);
/* cmd_read.c */
extern const struct option_row log_read_options[];
int log_read_run(struct command_run *run, struct err *err);
extern const struct option_row log_follow_options[];
int log_follow_run(struct command_run *run, struct err *err);
/* cmd_writer.c */
extern const struct option_row writer_acquire_options[];
int writer_acquire_run(struct command_run *run, struct err *err);
extern const struct option_row writer_release_options[];
int writer_release_run(struct command_run *run, struct err *err);
extern const struct option_row writer_show_options[];
int writer_show_run(struct command_run *run, struct err *err);
/* cmd_cluster.c */
extern const struct option_row cluster_status_options[];
int cluster_status_run(struct command_run *run, struct err *err);
extern const struct option_row cluster_transfer_options[];
int cluster_transfer_run(struct command_run *run, struct err *err);
extern const struct option_row cluster_confirm_clock_options[];
int cluster_confirm_clock_run(struct command_run *run, struct err *err);
extern const struct option_row cluster_freeze_options[];
int cluster_freeze_run(struct command_run *run, struct err *err);
extern const struct option_row cluster_thaw_options[];
int cluster_thaw_run(struct command_run *run, struct err *err);
/* cmd_metrics.c */
extern const struct option_row cluster_metrics_options[];
int cluster_metrics_run(struct command_run *run, struct err *err);
/* cmd_settings.c */
extern const struct option_row cluster_settings_options[];
int cluster_settings_run(struct command_run *run, struct err *err);
/* cmd_backup.c */
extern const struct option_row backup_create_options[];
int backup_create_run(struct command_run *run, struct err *err);
extern const struct option_row backup_list_options[];
int backup_list_run(struct command_run *run, struct err *err);
extern const struct option_row backup_show_options[];
int backup_show_run(struct command_run *run, struct err *err);
extern const struct option_row backup_verify_options[];
int backup_verify_run(struct command_run *run, struct err *err);
extern const struct option_row backup_delete_options[];
int backup_delete_run(struct command_run *run, struct err *err);
/* cmd_export.c and cmd_import.c */
extern const struct option_row backup_export_options[];
int backup_export_run(struct command_run *run, struct err *err);
extern const struct option_row backup_import_options[];
int backup_import_run(struct command_run *run, struct err *err);
/* cmd_recovery.c */
extern const struct option_row recovery_stage_options[];
int recovery_stage_run(struct command_run *run, struct err *err);
extern const struct option_row recovery_status_options[];
int recovery_status_run(struct command_run *run, struct err *err);
extern const struct option_row recovery_unload_options[];
int recovery_unload_run(struct command_run *run, struct err *err);
/* cmd_print.c and cmd_diff.c */
extern const struct option_row recovery_print_options[];
int recovery_print_run(struct command_run *run, struct err *err);
extern const struct option_row recovery_delete_options[];
int recovery_delete_run(struct command_run *run, struct err *err);
extern const struct option_row recovery_diff_options[];
int recovery_diff_run(struct command_run *run, struct err *err);
/* cmd_commit.c */
extern const struct option_row recovery_commit_options[];
int recovery_commit_run(struct command_run *run, struct err *err);
extern const struct option_row recovery_undo_options[];
int recovery_undo_run(struct command_run *run, struct err *err);
