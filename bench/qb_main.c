/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* quorlog-bench: what appends and reads cost on these machines. Its manual is
 * quorlog-bench(1). */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

#include "qb_bench.h"
#include "qb_cleanup.h"
#include "qb_failover.h"
#include "qb_html.h"
#include "qb_json.h"
#include "qb_phase.h"
#include "qb_snapshot.h"

#include "util/code.h"
#include "util/standard.h"

static int run(struct qb_bench *bench, struct err *err);
static int run_points(struct qb_bench *bench, struct err *err);
static int report(const struct qb_bench *bench, struct err *err);
static int fail(int rv, const struct err *err);

int main(int argc, char **argv)
{
    static struct qb_bench bench;
    struct qb_options options;
    struct err err = {.code = 0};
    bool done = false;
    int rv;

    (void)signal(SIGPIPE, SIG_IGN);
    rv = standard_occupy(&err);
    if (rv == 0) {
        rv = qb_options_parse(&options, argc, argv, &done, &err);
    }
    if (rv == 0 && !done) {
        rv = qb_phase_check(&options, &err);
    }
    if (rv != 0 || done) {
        return fail(rv, &err);
    }
    rv = qb_cleanup_on_signals(&bench, &err);
    if (rv == 0) {
        rv = qb_bench_open(&bench, &options, &err);
    }
    if (rv == 0) {
        struct err later;
        int said;

        rv = run(&bench, &err);
        if (rv != 0) {
            bench.result.ended_early = true;
            qb_result_note(&bench.result, "ended early: %s", err.text);
        }
        /* What was measured before it failed is worth having. */
        said = report(&bench, rv == 0 ? &err : &later);
        rv = rv == 0 ? said : rv;
    }
    qb_cleanup_begin();
    qb_bench_close(&bench);
    return fail(rv, &err);
}

static int run(struct qb_bench *bench, struct err *err)
{
    switch (bench->options.mode) {
    case QB_APPEND:
    case QB_READ:
    case QB_FOLLOW:
    case QB_MIXED:
        return run_points(bench, err);
    case QB_FAILOVER:
        return qb_failover_run(bench, err);
    case QB_SNAPSHOT:
        return qb_snapshot_run(bench, err);
    default:
        return err_set(err, QL_INVALID, "no such mode");
    }
}

static int run_points(struct qb_bench *bench, struct err *err)
{
    struct qb_phase_list *phases;
    struct qb_watch watch;
    int rv = qb_phase_plan(&phases, bench, &watch, err);

    if (rv != 0) {
        return rv;
    }
    rv = qb_bench_points(bench, &watch, err);
    qb_phase_free(phases);
    return rv;
}

static int report(const struct qb_bench *bench, struct err *err)
{
    const struct qb_options *options = &bench->options;
    int rv = 0;

    if (options->json) {
        rv = qb_json_write(&bench->result, stdout, err);
    } else {
        qb_result_print(&bench->result, stdout);
    }
    if (rv == 0 && options->json_file != NULL) {
        rv = qb_json_write_file(&bench->result, options->json_file, err);
    }
    if (rv == 0 && options->html_file != NULL) {
        rv = qb_html_write(&bench->result, options->html_file, err);
    }
    if (rv == 0 && fflush(stdout) != 0) {
        rv = err_set(err, QL_IO, "what was found could not be printed");
    }
    return rv;
}

static int fail(int rv, const struct err *err)
{
    if (rv != 0) {
        (void)fprintf(stderr, "quorlog-bench: %s\n", err->text);
    }
    return code_exit_status(rv);
}
