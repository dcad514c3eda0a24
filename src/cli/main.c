/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* The command line tool: quorlog NOUN VERB. Its manual is quorlog(1). */
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include "cli/command.h"
#include "cli/parse.h"
#include "cli/report.h"
#include "quorlog.h"
#include "util/code.h"
#include "util/standard.h"

#define EXIT_UNHEALTHY 7
static int end_output(struct command_run *run, int rv, struct err *err);

static const struct command commands[] = {
    {"log", "create", "LOG", 1, 1, log_create_options, "Make a log",
     log_create_run},
    {"log", "list", "", 0, 0, log_list_options, "List the logs", log_list_run},
    {"log", "stat", "LOG", 1, 1, log_stat_options, "Show a log's numbers",
     log_stat_run},
    {"log", "configure", "LOG", 1, 1, log_configure_options,
     "Change what a log keeps", log_configure_run},
    {"log", "append", "LOG [VALUE...]", 1, COMMAND_WORDS_ANY,
     log_append_options, "Append arguments, lines or a file", log_append_run},
    {"log", "read", "LOG", 1, 1, log_read_options,
     "Read the entries that are there", log_read_run},
    {"log", "follow", "LOG", 1, 1, log_follow_options,
     "Read entries as they come", log_follow_run},
    {"log", "trim", "LOG", 1, 1, log_trim_options,
     "Drop the entries before a position", log_trim_run},
    {"log", "delete", "LOG", 1, 1, log_delete_options,
     "Delete a log with its entries", log_delete_run},
    {"writer", "acquire", "LOG", 1, 1, writer_acquire_options,
     "Take a log for one writer, fencing the last one", writer_acquire_run},
    {"writer", "release", "LOG", 1, 1, writer_release_options,
     "Give a log back", writer_release_run},
    {"writer", "show", "LOG", 1, 1, writer_show_options, "Show who holds a log",
     writer_show_run},
    {"cluster", "status", "", 0, 0, cluster_status_options,
     "Show the members and how they are", cluster_status_run},
    {"cluster", "metrics", "", 0, 0, cluster_metrics_options,
     "Show what a node has counted of itself", cluster_metrics_run},
    {"cluster", "transfer", "", 0, 0, cluster_transfer_options,
     "Hand leadership to another node", cluster_transfer_run},
    {"cluster", "confirm-clock", "", 0, 0, cluster_confirm_clock_options,
     "Say that the clock is right after a jump", cluster_confirm_clock_run},
    {"cluster", "freeze", "", 0, 0, cluster_freeze_options,
     "Refuse all that changes logs", cluster_freeze_run},
    {"cluster", "thaw", "", 0, 0, cluster_thaw_options,
     "Take changes of logs again", cluster_thaw_run},
    {"cluster", "settings", "", 0, 0, cluster_settings_options,
     "Show or change how often backups are made", cluster_settings_run},
    {"backup", "create", "", 0, 0, backup_create_options,
     "Make a backup now, on all nodes", backup_create_run},
    {"backup", "list", "", 0, 0, backup_list_options,
     "List the backups and who has them", backup_list_run},
    {"backup", "show", "NAME", 1, 1, backup_show_options,
     "Show a backup and the logs in it", backup_show_run},
    {"backup", "verify", "NAME", 1, 1, backup_verify_options,
     "Read all of a backup and check it", backup_verify_run},
    {"backup", "delete", "NAME", 1, 1, backup_delete_options,
     "Delete a backup on all nodes", backup_delete_run},
    {"backup", "export", "NAME FILE", 2, 2, backup_export_options,
     "Write a backup to one file, or - for a pipe", backup_export_run},
    {"backup", "import", "FILE", 1, 1, backup_import_options,
     "Take in an exported backup", backup_import_run},
    {"recovery", "stage", "NAME", 1, 1, recovery_stage_options,
     "Bring a backup beside the live logs", recovery_stage_run},
    {"recovery", "status", "", 0, 0, recovery_status_options,
     "Show what is staged, and the last commit", recovery_status_run},
    {"recovery", "print", "", 0, 0, recovery_print_options,
     "Count or show entries of what is staged", recovery_print_run},
    {"recovery", "diff", "", 0, 0, recovery_diff_options,
     "Compare what is staged with the live logs", recovery_diff_run},
    {"recovery", "delete", "", 0, 0, recovery_delete_options,
     "Take entries out of what is staged", recovery_delete_run},
    {"recovery", "commit", "", 0, 0, recovery_commit_options,
     "Make what is staged live", recovery_commit_run},
    {"recovery", "undo", "", 0, 0, recovery_undo_options,
     "Bring back what the last commit replaced", recovery_undo_run},
    {"recovery", "unload", "", 0, 0, recovery_unload_options,
     "Drop what is staged; nothing live changes", recovery_unload_run},
    {NULL, NULL, NULL, 0, 0, NULL, NULL, NULL},
};

int main(int argc, char **argv)
{
    struct command_run run = {.word_count = 0};
    struct parse parse = {.rows = NULL};
    struct err err = {.code = 0};
    bool done = false;
    int status;
    int rv;

    /* A closed pipe is seen as EPIPE by whoever writes. */
    (void)signal(SIGPIPE, SIG_IGN);
    output_init(&run.output, stdout, OUTPUT_TABLE);
    rv = standard_occupy(&err);
    if (rv == 0) {
        rv = parse_command(&parse, commands, argc < 2 ? 0 : argc - 1, argv + 1,
                           &run, &done, &err);
    }
    if (rv == 0 && !done) {
        rv = run.command->run(&run, &err);
    }
    status = end_output(&run, rv, &err);
    ql_client_free(run.client);
    parse_close(&parse, &run);
    return status;
}

/* Standard output is written out whatever happened: what was read or
 * acknowledged before an error is worth having. Returns the exit status. */
static int end_output(struct command_run *run, int rv, struct err *err)
{
    struct err output_err = {.code = 0};
    int output_rv = output_close(&run->output, &output_err);

    if (run->output.reader_gone) {
        return EXIT_SUCCESS; /* whoever read has seen enough */
    }
    if (rv != 0) {
        report_error(run, err);
    } else if (output_rv != 0) {
        report_error(NULL, &output_err);
        rv = output_rv;
    }
    if (rv == 0 && run->unhealthy) {
        return EXIT_UNHEALTHY;
    }
    return code_exit_status(rv);
}
