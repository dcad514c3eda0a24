/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * quorlog-sim run --seeds A..B [--seconds S] [--without RULE]
 *     simulates each seed from A to B. Without a rule, each in a process of its
 *     own, since a core without its guard may crash. Exit status 0: no
 *     violation; 1: some.
 * quorlog-sim replay SEED --trace [--seconds S] [--without RULE]
 *     simulates one seed, and with --trace prints every event.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "sim/sim.h"

#define SECONDS 60
#define SEED_CPU_SECONDS 20

struct arguments {
    uint64_t first;
    uint64_t last;
    uint64_t duration_ms;
    unsigned without;
    bool trace;
};

static const struct {
    const char *name;
    unsigned rule;
} rules[] = {
    {"A", GUARD_A}, {"B", GUARD_B},     {"D", GUARD_D}, {"F", GUARD_F},
    {"G", GUARD_G}, {"H", GUARD_H},     {"L", GUARD_L}, {"M", GUARD_M},
    {"N", GUARD_N}, {"P", GUARD_P},     {"S", GUARD_S}, {"T", GUARD_T},
    {"U", GUARD_U}, {"all", GUARD_ALL},
};

static bool parse(struct arguments *ret, int argc, char **argv);
static bool run_inside(const struct arguments *arguments, uint64_t seed,
                       struct sim_totals *totals);
static bool run_apart(const struct arguments *arguments, uint64_t seed);
static void print_totals(const struct sim_totals *totals, uint64_t seeds,
                         uint64_t bad);

int main(int argc, char **argv)
{
    struct arguments arguments;
    struct sim_totals totals;
    uint64_t bad = 0;

    memset(&totals, 0, sizeof totals);
    if (!parse(&arguments, argc, argv)) {
        (void)fprintf(stderr,
                      "usage: quorlog-sim run --seeds A..B [--seconds S] "
                      "[--without RULE]\n"
                      "       quorlog-sim replay SEED [--trace] [--seconds S] "
                      "[--without RULE]\n");
        return 2;
    }
    for (uint64_t seed = arguments.first; seed <= arguments.last; seed++) {
        bool passed = arguments.without != 0 && !arguments.trace
                          ? run_apart(&arguments, seed)
                          : run_inside(&arguments, seed, &totals);

        bad += passed ? 0 : 1;
    }
    print_totals(&totals, arguments.last - arguments.first + 1, bad);
    return bad == 0 ? 0 : 1;
}

static bool run_inside(const struct arguments *arguments, uint64_t seed,
                       struct sim_totals *totals)
{
    struct sim_options options = {
        .seed = seed,
        .duration_ms = arguments->duration_ms,
        .rules = (unsigned)GUARD_ALL & ~arguments->without,
        .trace = arguments->trace,
        .abandon = arguments->without != 0,
    };
    char text[SIM_TEXT_MAX];
    bool passed = sim_run(&options, totals, text);

    if (!passed) {
        printf("seed %llu: %s\n", (unsigned long long)seed, text);
        (void)fflush(stdout);
    }
    return passed;
}

static bool run_apart(const struct arguments *arguments, uint64_t seed)
{
    struct rlimit limit = {SEED_CPU_SECONDS, SEED_CPU_SECONDS};
    struct rlimit no_core = {0, 0};
    struct sim_totals totals;
    int status = 0;
    pid_t child;

    (void)fflush(stdout);
    child = fork();
    if (child == 0) {
        memset(&totals, 0, sizeof totals);
        (void)setrlimit(RLIMIT_CPU, &limit);
        (void)setrlimit(RLIMIT_CORE, &no_core);
        _exit(run_inside(arguments, seed, &totals) ? 0 : 1);
    }
    if (child < 0 || waitpid(child, &status, 0) != child) {
        perror("quorlog-sim");
        exit(2);
    }
    if (WIFSIGNALED(status)) {
        printf("seed %llu: CRASH: %s\n", (unsigned long long)seed,
               strsignal(WTERMSIG(status)));
    }
    return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

static unsigned long long ull(uint64_t value)
{
    return value;
}

static void print_totals(const struct sim_totals *totals, uint64_t seeds,
                         uint64_t bad)
{
    printf("%llu seeds, %llu violations\n", ull(seeds), ull(bad));
    if (totals->events == 0) {
        return;
    }
    printf("events %llu crashes %llu elections %llu acknowledged %llu "
           "snapshots %llu installs %llu transfers %llu\n",
           ull(totals->events), ull(totals->crashes), ull(totals->elections),
           ull(totals->acks), ull(totals->snapshots), ull(totals->installs),
           ull(totals->transfers));
    printf("guard: results held %llu, clamped %llu, dropped %llu; votes "
           "dropped %llu; messages cut %llu, held %llu, stripped %llu\n",
           ull(totals->guard.held_results), ull(totals->guard.clamped_results),
           ull(totals->guard.dropped_results), ull(totals->guard.dropped_votes),
           ull(totals->guard.cut_messages), ull(totals->guard.held_truncations),
           ull(totals->guard.stripped_messages));
}

/* ---- Arguments ---- */

static bool parse_rule(const char *name, unsigned *ret)
{
    for (size_t i = 0; i < sizeof rules / sizeof rules[0]; i++) {
        if (strcmp(rules[i].name, name) == 0) {
            *ret |= rules[i].rule;
            return true;
        }
    }
    return false;
}

static bool parse_seeds(const char *text, struct arguments *ret)
{
    char *end;

    ret->first = strtoull(text, &end, 10);
    ret->last = ret->first;
    if (strncmp(end, "..", 2) == 0) {
        ret->last = strtoull(end + 2, &end, 10);
    }
    return *end == '\0' && end != text && ret->last >= ret->first;
}

static bool parse(struct arguments *ret, int argc, char **argv)
{
    bool has_seeds = false;
    int i = 2;

    memset(ret, 0, sizeof *ret);
    ret->duration_ms = SECONDS * 1000;
    if (argc < 3) {
        return false;
    }
    if (strcmp(argv[1], "replay") == 0) {
        has_seeds = parse_seeds(argv[2], ret);
        i = 3;
    } else if (strcmp(argv[1], "run") != 0) {
        return false;
    }
    for (; i < argc; i++) {
        const char *value = i + 1 < argc ? argv[i + 1] : "";

        if (strcmp(argv[i], "--trace") == 0) {
            ret->trace = true;
            continue;
        }
        if (strcmp(argv[i], "--seeds") == 0) {
            has_seeds = parse_seeds(value, ret);
        } else if (strcmp(argv[i], "--seconds") == 0) {
            ret->duration_ms = 1000 * strtoull(value, NULL, 10);
        } else if (strcmp(argv[i], "--without") != 0 ||
                   !parse_rule(value, &ret->without)) {
            return false;
        }
        i++;
    }
    return has_seeds;
}
