/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * quorlog-sim run --seeds A..B [OPTION...]
 *     simulates each seed from A to B. Without a rule, each in a process of its
 *     own, since a core without its guard may crash.
 * quorlog-sim replay SEED [--trace] [OPTION...]
 *     simulates one seed, and with --trace prints every event.
 * quorlog-sim shrink SEED [OPTION...]
 *     finds the least time and the fewest kinds of faults that still show it.
 *
 *     --seconds S       of faults, 120; then all heals
 *     --family F        mixed static snap transfer m35 m13 all
 *     --without R,...   rules of the guard that are off; all for none at all
 *     --no C,...        kinds of faults and of load that are off
 *     --bias B          fair figure8 handovers stale pair deposed installs
 *                       damage recovery lacks blips
 *     --full            with the real disk layer, machine and batches
 *     --first           ends with the first violation
 *     --jobs N          processes, of which each takes every nth seed
 *     --apart           each seed in a process of its own with all rules, too
 *
 * Exit status 0: no violation; 1: some; 2: not understood.
 */
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "sim/sim.h"
#include "util/diag.h"

#define SECONDS 120
#define JOBS_MAX 1024u

struct arguments {
    char verb; /* the first letter */
    struct sim_range range;
    struct sim_options options;
};

struct word {
    const char *name;
    unsigned value;
};

static const struct word rules[] = {
    {"A", GUARD_A}, {"B", GUARD_B},     {"D", GUARD_D}, {"F", GUARD_F},
    {"G", GUARD_G}, {"H", GUARD_H},     {"J", GUARD_J}, {"K", GUARD_K},
    {"L", GUARD_L}, {"M", GUARD_M},     {"N", GUARD_N}, {"O", GUARD_O},
    {"P", GUARD_P}, {"Q", GUARD_Q},     {"R", GUARD_R}, {"S", GUARD_S},
    {"T", GUARD_T}, {"U", GUARD_U},     {"W", GUARD_W}, {"X", GUARD_X},
    {"Y", GUARD_Y}, {"all", GUARD_ALL}, {NULL, 0},
};

static const struct word families[] = {
    {"mixed", SIM_MIXED}, {"static", SIM_STATIC},
    {"snap", SIM_SNAP},   {"transfer", SIM_TRANSFER},
    {"m35", SIM_M35},     {"m13", SIM_M13},
    {"all", SIM_ALL},     {NULL, 0},
};

static const struct word biases[] = {
    {"fair", SIM_FAIR},           {"figure8", SIM_FIGURE8},
    {"handovers", SIM_HANDOVERS}, {"stale", SIM_STALE},
    {"pair", SIM_PAIR},           {"deposed", SIM_DEPOSED},
    {"installs", SIM_INSTALLS},   {"damage", SIM_DAMAGE},
    {"recovery", SIM_RECOVERY},   {"lacks", SIM_LACKS},
    {"blips", SIM_BLIPS},         {NULL, 0},
};

static bool parse(struct arguments *ret, int argc, char **argv);
static void usage(void);
static void keep_memory(void);
static int run(const struct arguments *arguments);
static int shrink(const struct arguments *arguments);
static void print_totals(const struct sim_sum *sum);

int main(int argc, char **argv)
{
    struct arguments arguments;

    if (!parse(&arguments, argc, argv)) {
        usage();
        return 2;
    }
    keep_memory();
    diag_set_level(DIAG_ERROR); /* faults are what this is about */
    /* A trace is wanted most when the program ends in the middle of it. */
    (void)setvbuf(stdout, NULL, _IOLBF, 0);
    return arguments.verb == 's' ? shrink(&arguments) : run(&arguments);
}

/* Large blocks come and go all the time; asking the system for each takes a tenth
 * of a run. */
static void keep_memory(void)
{
    (void)mallopt(M_MMAP_THRESHOLD, 32 * 1024 * 1024);
    (void)mallopt(M_TRIM_THRESHOLD, 256 * 1024 * 1024);
    (void)mallopt(M_TOP_PAD, 16 * 1024 * 1024);
}

static int run(const struct arguments *arguments)
{
    struct sim_sum sum;
    bool passed = sim_run_range(&arguments->options, &arguments->range, &sum);

    print_totals(&sum);
    return passed ? 0 : 1;
}

static int shrink(const struct arguments *arguments)
{
    struct sim_options options = arguments->options;
    struct sim_outcome *outcome =
        mmap(NULL, sizeof *outcome, PROT_READ | PROT_WRITE,
             MAP_SHARED | MAP_ANONYMOUS, -1, 0);

    if (outcome == MAP_FAILED) {
        perror("quorlog-sim");
        return 2;
    }
    options.seed = arguments->range.first;
    if (!sim_shrink(&options, outcome)) {
        printf("seed %llu violates nothing\n",
               (unsigned long long)options.seed);
        return 0;
    }
    printf("least: replay %llu --seconds %.3f%s%s\n",
           (unsigned long long)options.seed, (double)options.duration_ms / 1e3,
           options.without == 0 ? "" : " --no ",
           sim_class_names(options.without));
    return 1;
}

static unsigned long long ull(uint64_t value)
{
    return value;
}

static void print_totals(const struct sim_sum *sum)
{
    const struct sim_totals *totals = &sum->totals;
    const struct guard_counts *guard = &totals->guard;

    printf("%llu seeds, %.1f cluster-hours, %llu faults, %llu crashes, %llu "
           "acknowledged, %llu read, %llu violations, %.1f seeds/s per core\n",
           ull(sum->seeds), (double)totals->milliseconds / 3.6e6,
           ull(totals->faults), ull(totals->crashes), ull(totals->acks),
           ull(totals->reads), ull(sum->bad),
           (double)sum->seeds / (sum->cpu_seconds > 0 ? sum->cpu_seconds : 1));
    printf("events %llu restarts %llu elections %llu snapshots "
           "%llu installs %llu transfers %llu changes %llu\n",
           ull(totals->events), ull(totals->restarts), ull(totals->elections),
           ull(totals->snapshots), ull(totals->installs),
           ull(totals->transfers), ull(totals->changes));
    if (totals->appends > 0) {
        printf("full: %llu entries appended once, %llu repeated in vain, %llu "
               "flipped bits, %llu servers in doubt; out of memory %llu times, "
               "cut %llu, frozen %llu; appends refused %llu times\n"
               "chunks: %llu packs written, %llu chunks fetched, %llu loaded, "
               "%llu found damaged, gone in %llu runs; installs held back "
               "%llu, cut off in the fetching %llu; frames altered %llu\n",
               ull(totals->appends), ull(totals->repeats), ull(totals->flips),
               ull(totals->doubts), ull(totals->starved), ull(totals->cuts),
               ull(totals->freezes), ull(totals->refusals), ull(totals->packs),
               ull(totals->fetches), ull(totals->loads), ull(totals->damaged),
               ull(totals->gone), ull(totals->held), ull(totals->interrupted),
               ull(totals->altered));
    }
    if (totals->backups > 0) {
        printf("recovery: %llu backups, %llu records into drafts, %llu edits, "
               "%llu commits, %llu undone\n",
               ull(totals->backups), ull(totals->records), ull(totals->edits),
               ull(totals->commits), ull(totals->undos));
    }
    printf("guard: results held %llu, clamped %llu, dropped %llu; votes "
           "dropped %llu, given %llu; messages cut %llu, held %llu, stripped "
           "%llu; changes late %llu, rolled back %llu; appends crowded %llu\n",
           ull(guard->held_results), ull(guard->clamped_results),
           ull(guard->dropped_results), ull(guard->dropped_votes),
           ull(guard->given_votes), ull(guard->cut_messages),
           ull(guard->held_truncations), ull(guard->stripped_messages),
           ull(guard->late_changes), ull(guard->rollbacks),
           ull(guard->crowded_appends));
}

/* ---- Arguments ---- */

static void usage(void)
{
    (void)fprintf(stderr,
                  "usage: quorlog-sim run --seeds A..B [--first] [OPTION...]\n"
                  "       quorlog-sim replay SEED [--trace] [OPTION...]\n"
                  "       quorlog-sim shrink SEED [OPTION...]\n"
                  "options: --seconds S --family F --bias B --without RULE,... "
                  "--no FAULT,... --full --jobs N --apart\n");
}

static bool parse_word(const struct word *words, const char *name,
                       unsigned *ret)
{
    for (; words->name != NULL; words++) {
        if (strcmp(words->name, name) == 0) {
            *ret = words->value;
            return true;
        }
    }
    return false;
}

/* A comma between each: rules, or (without @words) kinds of faults. */
static bool parse_set(const struct word *words, char *names, unsigned *ret)
{
    char *rest = NULL;

    *ret = 0;
    for (char *name = strtok_r(names, ",", &rest); name != NULL;
         name = strtok_r(NULL, ",", &rest)) {
        unsigned value = sim_class_by_name(name);

        if (words == NULL ? value == 0 : !parse_word(words, name, &value)) {
            return false;
        }
        *ret |= value;
    }
    return *ret != 0;
}

static bool parse_seeds(const char *text, struct sim_range *ret)
{
    char *end;

    ret->first = strtoull(text, &end, 10);
    ret->last = ret->first;
    if (strncmp(end, "..", 2) == 0) {
        ret->last = strtoull(end + 2, &end, 10);
    }
    return *end == '\0' && end != text && ret->last >= ret->first;
}

static bool parse_option(struct arguments *ret, const char *name, char *value)
{
    struct sim_options *options = &ret->options;
    unsigned number = 0;

    if (strcmp(name, "--seeds") == 0) {
        return parse_seeds(value, &ret->range);
    }
    if (strcmp(name, "--seconds") == 0) {
        options->duration_ms = (uint64_t)(1000 * strtod(value, NULL));
        return options->duration_ms > 0;
    }
    if (strcmp(name, "--jobs") == 0) {
        ret->range.jobs = (unsigned)strtoul(value, NULL, 10);
        return ret->range.jobs >= 1 && ret->range.jobs <= JOBS_MAX;
    }
    if (strcmp(name, "--without") == 0) {
        bool parsed = parse_set(rules, value, &number);

        options->rules &= ~number;
        return parsed;
    }
    if (strcmp(name, "--no") == 0) {
        return parse_set(NULL, value, &options->without);
    }
    if (strcmp(name, "--family") == 0 && parse_word(families, value, &number)) {
        options->family = (enum sim_family)number;
        return true;
    }
    if (strcmp(name, "--bias") == 0 && parse_word(biases, value, &number)) {
        options->bias = (enum sim_bias)number;
        return true;
    }
    return false;
}

static bool parse(struct arguments *ret, int argc, char **argv)
{
    static char nothing[1];
    int i = 2;

    memset(ret, 0, sizeof *ret);
    ret->options.duration_ms = SECONDS * 1000;
    ret->options.rules = GUARD_ALL;
    ret->range.jobs = 1;
    if (argc < 3 ||
        (strcmp(argv[1], "run") != 0 && strcmp(argv[1], "replay") != 0 &&
         strcmp(argv[1], "shrink") != 0)) {
        return false;
    }
    ret->verb = argv[1][0] == 'r' ? argv[1][1] : 's';
    if (ret->verb != 'u') {
        if (!parse_seeds(argv[2], &ret->range)) {
            return false;
        }
        i = 3;
    }
    for (; i < argc; i++) {
        if (strcmp(argv[i], "--trace") == 0) {
            ret->options.trace = true;
        } else if (strcmp(argv[i], "--full") == 0) {
            ret->options.full = true;
        } else if (strcmp(argv[i], "--first") == 0) {
            ret->range.first_only = true;
        } else if (strcmp(argv[i], "--apart") == 0) {
            ret->range.apart = true;
        } else {
            if (!parse_option(ret, argv[i],
                              i + 1 < argc ? argv[i + 1] : nothing)) {
                return false;
            }
            i++;
        }
    }
    ret->range.apart = !ret->options.trace &&
                       (ret->range.apart || ret->options.rules != GUARD_ALL);
    ret->options.abandon = ret->range.apart || ret->options.rules != GUARD_ALL;
    return ret->range.last >= 1;
}
