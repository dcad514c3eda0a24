/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * Leaves out of a run that violates something what it does not need for that:
 * whole kinds of faults first, then time. Each try is a process of its own,
 * since a core without its guard may crash.
 */
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "sim/sim.h"

#define TRY_CPU_SECONDS 20

/* The time of the violation is in the child's hands: it tells how many seconds
 * were simulated. Returns false when nothing was violated. */
bool sim_try(const struct sim_options *options, struct sim_outcome *ret)
{
    struct rlimit limit = {TRY_CPU_SECONDS, TRY_CPU_SECONDS};
    struct rlimit no_core = {0, 0};
    int status = 0;
    pid_t child;

    (void)fflush(stdout);
    memset(ret, 0, sizeof *ret);
    child = fork();
    if (child == 0) {
        (void)setrlimit(RLIMIT_CPU, &limit);
        (void)setrlimit(RLIMIT_CORE, &no_core);
        _exit(sim_run(options, &ret->totals, ret->text) ? 0 : 1);
    }
    if (child < 0 || waitpid(child, &status, 0) != child) {
        (void)snprintf(ret->text, sizeof ret->text, "HARNESS: cannot fork");
        return false;
    }
    if (WIFSIGNALED(status)) {
        (void)snprintf(ret->text, sizeof ret->text, "CRASH: %s",
                       strsignal(WTERMSIG(status)));
    }
    return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

static bool still_fails(const struct sim_options *options,
                        struct sim_outcome *outcome)
{
    if (sim_try(options, outcome)) {
        return false;
    }
    printf(
        "%6llu ms without %s: %s\n", (unsigned long long)options->duration_ms,
        options->without == 0 ? "nothing" : sim_class_names(options->without),
        outcome->text);
    return true;
}

static void shrink_classes(struct sim_options *options,
                           struct sim_outcome *outcome)
{
    for (unsigned i = 0; i < SIM_CLASSES; i++) {
        struct sim_options less = *options;

        less.without |= 1u << i;
        if (less.without != options->without && still_fails(&less, outcome)) {
            *options = less;
        }
    }
}

static void shrink_duration(struct sim_options *options,
                            struct sim_outcome *outcome)
{
    uint64_t step = options->duration_ms / 2;

    while (step >= 100) {
        struct sim_options less = *options;

        less.duration_ms -= step;
        if (still_fails(&less, outcome)) {
            *options = less;
        } else {
            step /= 2;
        }
        if (step >= options->duration_ms) {
            step = options->duration_ms / 2;
        }
    }
}

bool sim_shrink(struct sim_options *options, struct sim_outcome *outcome)
{
    if (!still_fails(options, outcome)) {
        return false;
    }
    shrink_classes(options, outcome);
    shrink_duration(options, outcome);
    return true;
}
