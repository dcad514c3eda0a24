/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * Many seeds: one behind the other, or by several processes, of which each takes
 * every nth. What is printed is the same either way, but for the speed.
 */
#include <errno.h>
#include <malloc.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "sim/sim.h"

/* What is larger comes from the kernel, which has zeroed it. Most of that no run
 * touches. */
#define LARGE_BYTES (256 * 1024)
#define BAD_MAX 256u /* of one process; more are counted */

struct bad_seed {
    uint64_t seed;
    char text[SIM_TEXT_MAX];
};

/* One process; in memory that outlives it. */
struct worker {
    pid_t pid;
    uint64_t next; /* the seed it is at; behind the last: done */
    struct sim_sum sum;
    struct sim_outcome outcome;
    struct bad_seed bad[BAD_MAX];
};

static uint64_t current_seed;

static void work(const struct sim_options *options,
                 const struct sim_range *range, struct worker *worker);
static void start(const struct sim_options *options,
                  const struct sim_range *range, struct worker *worker);
static void note_death(const struct sim_range *range, struct worker *worker,
                       int status);
static void note_bad(struct worker *worker, const char *text);
static void wait_for_all(const struct sim_options *options,
                         const struct sim_range *range, struct worker *workers);
static void print_bad(const struct sim_range *range, struct worker *workers);
static void add_up(struct sim_totals *sum, const struct sim_totals *one);
static void catch (int number);
static double cpu_seconds(void);

bool sim_run_range(const struct sim_options *options,
                   const struct sim_range *range, struct sim_sum *ret)
{
    struct worker *workers =
        mmap(NULL, range->jobs * sizeof *workers, PROT_READ | PROT_WRITE,
             MAP_SHARED | MAP_ANONYMOUS, -1, 0);

    if (workers == MAP_FAILED) {
        perror("quorlog-sim");
        return false;
    }
    for (unsigned i = 0; i < range->jobs; i++) {
        workers[i].next = range->first + i;
        if (range->jobs > 1) {
            start(options, range, &workers[i]);
        }
    }
    if (range->jobs > 1) {
        wait_for_all(options, range, workers);
    } else {
        work(options, range, workers);
    }
    print_bad(range, workers);
    memset(ret, 0, sizeof *ret);
    for (unsigned i = 0; i < range->jobs; i++) {
        add_up(&ret->totals, &workers[i].sum.totals);
        ret->seeds += workers[i].sum.seeds;
        ret->bad += workers[i].sum.bad;
    }
    ret->cpu_seconds = cpu_seconds();
    (void)munmap(workers, range->jobs * sizeof *workers);
    return ret->bad == 0;
}

/* ---- One process ---- */

static void work(const struct sim_options *options,
                 const struct sim_range *range, struct worker *worker)
{
    struct sim_options own = *options;
    struct sim_outcome *outcome = &worker->outcome;

    (void)mallopt(M_MMAP_THRESHOLD, LARGE_BYTES);
    if (!range->apart && range->jobs == 1) {
        catch (SIGSEGV);
        catch (SIGABRT);
    }
    for (; worker->next <= range->last; worker->next += range->jobs) {
        bool passed;

        own.seed = worker->next;
        current_seed = worker->next;
        memset(outcome, 0, sizeof *outcome);
        passed = range->apart ? sim_try(&own, outcome)
                              : sim_run(&own, &outcome->totals, outcome->text);
        add_up(&worker->sum.totals, &outcome->totals);
        worker->sum.seeds++;
        if (!passed) {
            note_bad(worker, outcome->text);
            if (range->jobs == 1) {
                print_bad(range, worker);
                (void)fflush(stdout);
            }
        }
        if (worker->sum.bad > 0 && range->first_only) {
            worker->next = range->last + 1;
            return;
        }
    }
}

/* It prints nothing: what it has to say is in its memory. */
static void start(const struct sim_options *options,
                  const struct sim_range *range, struct worker *worker)
{
    pid_t pid;

    (void)fflush(stdout);
    pid = fork();
    if (pid == 0) {
        work(options, range, worker);
        _exit(0);
    }
    if (pid < 0) {
        perror("quorlog-sim");
        exit(2);
    }
    worker->pid = pid;
}

static void wait_for_all(const struct sim_options *options,
                         const struct sim_range *range, struct worker *workers)
{
    unsigned left = range->jobs;

    while (left > 0) {
        int status = 0;
        pid_t pid = wait(&status);

        if (pid < 0 && errno != EINTR) {
            perror("quorlog-sim");
            exit(2);
        }
        for (unsigned i = 0; i < range->jobs; i++) {
            struct worker *worker = &workers[i];

            if (worker->pid != pid) {
                continue;
            }
            if (worker->next > range->last) {
                left--;
                continue;
            }
            note_death(range, worker, status);
            if (range->first_only || worker->next > range->last) {
                left--;
            } else {
                start(options, range, worker);
            }
        }
    }
}

/* The seed took the process with it; another goes on behind it. */
static void note_death(const struct sim_range *range, struct worker *worker,
                       int status)
{
    char text[64];

    (void)snprintf(text, sizeof text, "CRASH: %s",
                   WIFSIGNALED(status) ? strsignal(WTERMSIG(status))
                                       : "it exits");
    note_bad(worker, text);
    worker->sum.seeds++;
    worker->next += range->jobs;
}

/* ---- Bad seeds ---- */

static void note_bad(struct worker *worker, const char *text)
{
    if (worker->sum.bad < BAD_MAX) {
        struct bad_seed *bad = &worker->bad[worker->sum.bad];

        bad->seed = worker->next;
        (void)snprintf(bad->text, sizeof bad->text, "%s", text);
    }
    worker->sum.bad++;
}

/* By seed; each process has them in that order. */
static void print_bad(const struct sim_range *range, struct worker *workers)
{
    for (;;) {
        struct bad_seed *first = NULL;
        unsigned of = 0;

        for (unsigned i = 0; i < range->jobs; i++) {
            uint64_t at = workers[i].sum.printed;
            struct bad_seed *bad = &workers[i].bad[at % BAD_MAX];

            if (at < workers[i].sum.bad && at < BAD_MAX &&
                (first == NULL || bad->seed < first->seed)) {
                first = bad;
                of = i;
            }
        }
        if (first == NULL) {
            return;
        }
        workers[of].sum.printed++;
        printf("seed %llu: %s\n", (unsigned long long)first->seed, first->text);
        if (range->first_only) {
            return;
        }
    }
}

/* A sanitizer that catches it already tells more. */
static void say_seed_and_die(int number)
{
    char text[64];
    int len = snprintf(text, sizeof text, "seed %llu: CRASH\n",
                       (unsigned long long)current_seed);

    (void)!write(STDOUT_FILENO, text, (size_t)len);
    (void)signal(number, SIG_DFL);
    (void)raise(number);
}

static void catch (int number)
{
    struct sigaction known;

    if (sigaction(number, NULL, &known) == 0 && known.sa_handler == SIG_DFL) {
        (void)signal(number, say_seed_and_die);
    }
}

/* ---- Sums ---- */

static void add_up(struct sim_totals *sum, const struct sim_totals *one)
{
    uint64_t *to = (uint64_t *)sum;
    const uint64_t *from = (const uint64_t *)one;

    _Static_assert(sizeof *sum % sizeof *to == 0, "totals are all 64 bits");
    for (size_t i = 0; i < sizeof *sum / sizeof *to; i++) {
        to[i] += from[i];
    }
}

static double seconds_of(const struct rusage *usage)
{
    return (double)(usage->ru_utime.tv_sec + usage->ru_stime.tv_sec) +
           (double)(usage->ru_utime.tv_usec + usage->ru_stime.tv_usec) / 1e6;
}

static double cpu_seconds(void)
{
    struct rusage own;
    struct rusage children;

    (void)getrusage(RUSAGE_SELF, &own);
    (void)getrusage(RUSAGE_CHILDREN, &children);
    return seconds_of(&own) + seconds_of(&children);
}
