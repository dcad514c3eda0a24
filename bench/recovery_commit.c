/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "recovery.h"

#include <stdio.h>
#include <unistd.h>

#include "recovery_appender.h"
#include "scale_process.h"

#define TURNS_MAX 16u
#define WARM_US 1000000u
#define AROUND_US 3000000u /* looked at behind each change of leader */
#define PARTS 20u          /* one of so many differs */

struct turns {
    double transfer[TURNS_MAX]; /* s, longest without an acknowledgement */
    double commit[TURNS_MAX];
    double undo[TURNS_MAX];
    double answered[TURNS_MAX]; /* s, of the call that commits */
    double stage[TURNS_MAX];
    double total[TURNS_MAX];
    double stage_p99[TURNS_MAX]; /* us, of appends while it is staged */
    double quiet_p99[TURNS_MAX];
    double peak; /* MiB, of any node while it is staged and committed */
    struct recovery_found found;
    size_t failed; /* appends, around a commit */
};

double recovery_stage(struct ql_client *client, const char *name)
{
    double begun = scale_now();
    struct ql_error error;

    recovery_must(ql_recovery_stage(client, name, NULL, &error), "stage",
                  &error);
    recovery_must(ql_recovery_wait(client, 0, NULL, NULL, NULL, &error),
                  "stage", &error);
    return scale_now() - begun;
}

void recovery_commit(struct ql_client *client)
{
    struct ql_commit_options options = QL_COMMIT_OPTIONS_INIT;
    struct ql_recovery_status status;
    struct ql_error error;

    recovery_must(ql_recovery_status(client, &status, &error),
                  "recovery status", &error);
    options.stage = status.stage;
    options.revision = status.revision;
    options.discard_newer = true;
    recovery_must(ql_recovery_commit(client, &options, NULL, &error),
                  "recovery commit", &error);
}

static struct recovery_appender *start_appends(struct scale *scale)
{
    struct recovery_appender *appender = recovery_appender_start(
        scale->cluster.endpoints, SCALE_PROBE_LOG, scale->options.entry_len);

    (void)usleep(WARM_US);
    return appender;
}

/* What a change of leader costs by itself. */
static void transfer(struct scale *scale, struct ql_client *client,
                     unsigned turn, struct turns *turns)
{
    struct recovery_appender *appender = start_appends(scale);
    struct ql_error error;
    double begun = scale_now();

    recovery_must(ql_cluster_transfer(client, 0, &error), "cluster transfer",
                  &error);
    (void)usleep(AROUND_US);
    turns->transfer[turn] =
        recovery_appender_gap(appender, begun, scale_now()).seconds;
    recovery_appender_stop(appender);
    recovery_appender_free(appender);
}

/* Goes back to the backup under load; the appends, for what undo finds. */
static struct recovery_appender *commit(struct scale *scale,
                                        struct ql_client *client, unsigned turn,
                                        struct turns *turns,
                                        double *ret_staged_from)
{
    struct recovery_appender *appender = start_appends(scale);
    double quiet = scale_now();
    double committed;
    double staged;
    double ended;
    double peak;

    (void)usleep((unsigned)(scale->options.seconds * 1e6));
    recovery_forget_peaks(scale);
    staged = scale_now();
    turns->stage[turn] = recovery_stage(client, "base");
    committed = scale_now();
    recovery_commit(client);
    turns->answered[turn] = scale_now() - committed;
    (void)usleep(AROUND_US);
    ended = scale_now();
    peak = recovery_peak(scale);
    turns->peak = peak > turns->peak ? peak : turns->peak;
    recovery_appender_stop(appender);
    turns->commit[turn] =
        recovery_appender_gap(appender, committed, ended).seconds;
    turns->failed += recovery_appender_failed(appender, committed, scale_now());
    turns->quiet_p99[turn] =
        1e6 * recovery_appender_latency(appender, quiet, staged, 0.99);
    turns->stage_p99[turn] =
        1e6 * recovery_appender_latency(appender, staged, committed, 0.99);
    recovery_appender_find(appender, RECOVERY_AFTER);
    *ret_staged_from = staged;
    return appender;
}

static void undo(struct scale *scale, struct ql_client *client, unsigned turn,
                 struct turns *turns)
{
    struct ql_commit_options options = QL_COMMIT_OPTIONS_INIT;
    struct recovery_appender *appender = start_appends(scale);
    struct ql_error error;
    double begun = scale_now();

    options.discard_newer = true;
    recovery_must(ql_recovery_undo(client, &options, NULL, &error),
                  "recovery undo", &error);
    (void)usleep(AROUND_US);
    turns->undo[turn] =
        recovery_appender_gap(appender, begun, scale_now()).seconds;
    recovery_appender_stop(appender);
    recovery_appender_free(appender);
    recovery_must(ql_recovery_unload(client, true, &error), "recovery unload",
                  &error);
}

/* After it the state is as before, but for what was appended. */
static void measure(struct scale *scale, struct ql_client *client,
                    unsigned turn, struct turns *turns)
{
    struct recovery_appender *appender;
    struct recovery_found found;
    double staged;

    transfer(scale, client, turn, turns);
    appender = commit(scale, client, turn, turns, &staged);
    undo(scale, client, turn, turns);
    recovery_appender_find(appender, RECOVERY_BEFORE);
    recovery_appender_compare(appender, &found);
    recovery_appender_free(appender);
    turns->total[turn] = found.first_after - staged;
    turns->found.before += found.before;
    turns->found.after += found.after;
    turns->found.both += found.both;
    turns->found.lost += found.lost;
    turns->found.mixed += found.mixed;
}

static void say_found(struct scale *scale, const struct turns *turns)
{
    const struct recovery_found *found = &turns->found;
    struct scale_report *report = &scale->report;

    scale_report_add(report, (double)found->before, "",
                     "commit: acknowledged before, and in the undo state");
    scale_report_add(report, (double)found->after, "",
                     "commit: acknowledged after, and in the new state");
    scale_report_add(report, (double)(found->lost + found->both + found->mixed),
                     "",
                     "commit: lost, in both, or on the wrong side (want 0)");
    scale_report_add(report, (double)turns->failed, "",
                     "commit: appends on their way that were refused");
}

static void say(struct scale *scale, struct turns *turns, size_t count)
{
    struct scale_report *report = &scale->report;
    double most = 0;
    struct scale_row *row;

    for (size_t i = 0; i < count; i++) {
        most = turns->commit[i] > most ? turns->commit[i] : most;
    }
    row = scale_report_add(report, 1000 * most, "ms",
                           "commit: longest time without an append, worst");
    row->most = 500;
    row->floor = 1000 * scale_median(turns->transfer, count);
    row->floor_what = "a plain transfer, median";
    row = scale_report_add(report, 1000 * scale_median(turns->commit, count),
                           "ms", "commit: longest time without an append");
    row->most = 500;
    row->floor = 1000 * scale_median(turns->transfer, count);
    row->floor_what = "a plain transfer";
    row = scale_report_add(report, 1000 * scale_median(turns->undo, count),
                           "ms", "undo: longest time without an append");
    row->most = 500;
    row->floor = 1000 * scale_median(turns->transfer, count);
    row->floor_what = "a plain transfer";
    scale_report_add(report, 1000 * scale_median(turns->answered, count), "ms",
                     "commit: until it is answered");
    scale_report_add(report, scale_median(turns->stage, count), "s",
                     "stage, 5 %% differ: until it is staged");
    scale_report_add(report, scale_median(turns->total, count), "s",
                     "from stage to the first append after commit")
        ->most = 30;
    row = scale_report_add(report, scale_median(turns->stage_p99, count), "us",
                           "while it is staged: p99 of appends");
    row->floor = scale_median(turns->quiet_p99, count);
    row->floor_what = "just before";
    scale_report_add(report, turns->peak, "MiB",
                     "stage and commit: peak RSS of a node");
    say_found(scale, turns);
}

void recovery_measure_commit(struct scale *scale)
{
    struct ql_client *client = recovery_client(scale);
    struct turns turns = {0};
    struct ql_error error;
    unsigned count = 0;
    double majority;
    double all;
    char log[32];

    scale_log_name(log, sizeof log, 0);
    recovery_backup(scale, client, "base", &majority, &all);
    recovery_must(ql_log_delete(client, log, NULL, &error), "log delete",
                  &error);
    recovery_must(ql_log_create(client, log, NULL, NULL, &error), "log create",
                  &error);
    (void)scale_fill(scale, scale->options.bytes / PARTS);
    (void)scale_cluster_settle(&scale->cluster);
    while (count < scale->options.turns && count < TURNS_MAX) {
        measure(scale, client, count, &turns);
        count++;
    }
    say(scale, &turns, count);
    ql_client_free(client);
}
