/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "qb_options.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "quorlog.h"
#include "util/options.h"
#include "util/text.h"

#define OPTION(name) offsetof(struct given, options.name)
#define GIVEN(name) offsetof(struct given, name)
/* Named for its diagnostics; the environment is not read: a load must not go to a
 * cluster that nobody named. */
#define ENVIRONMENT "QUORLOG_BENCH_"
#define NUMBER_LEN_MAX 20u
#define MODES "append, read, follow, mixed, failover or snapshot"

/* What the command line says, lists as their text. */
struct given {
    struct qb_options options;
    const char *outstanding;
    const char *phases;
    const char *floor_dirs;
    bool no_floor;
    bool help;
    bool version;
};

static const struct option_row cluster_rows[] = {
    {"endpoints", 0, OPTION_TEXT, OPTION(endpoints), "LIST",
     "a running cluster: HOST:PORT,HOST:PORT,..."},
    {"nodes", 0, OPTION_U64, OPTION(nodes), "N",
     "without --endpoints: start so many nodes here (3)"},
    {"dir", 0, OPTION_TEXT, OPTION(dir), "DIR",
     "where these keep their data (.)"},
    {"daemon", 0, OPTION_TEXT, OPTION(daemon), "FILE",
     "quorlogd to start (beside this program, then PATH)"},
    {"node-options", 0, OPTION_TEXT, OPTION(node_options), "WORDS",
     "more words for `quorlogd run`, with blanks between"},
    {"keep", 0, OPTION_FLAG, OPTION(keep), NULL,
     "leave the logs and the nodes' directories behind"},
};

static const struct option_row call_rows[] = {
    {"size", 's', OPTION_SIZE, OPTION(size), "BYTES",
     "of a value, up to 1 MiB (128)"},
    {"key-size", 0, OPTION_SIZE, OPTION(key_size), "BYTES",
     "of a key, up to 1 KiB (0: no key)"},
    {"keys", 0, OPTION_U64, OPTION(keys), "N",
     "with --key-size: different keys (1000)"},
    {"batch", 'b', OPTION_U64, OPTION(batch), "N",
     "entries of one append or read (1)"},
    {"logs", 'l', OPTION_U64, OPTION(logs), "N",
     "logs, which the calls go to in turn (1)"},
    {"log", 0, OPTION_TEXT, OPTION(log), "NAME",
     "names of the logs begin with it (one that is new)"},
    {"prefill", 0, OPTION_U64, OPTION(prefill), "ENTRIES",
     "append so many first (read, mixed: 10000; others: 0)"},
    {"tail", 0, OPTION_FLAG, OPTION(tail), NULL,
     "read the newest entries, not any"},
    {"stale", 0, OPTION_FLAG, OPTION(stale), NULL,
     "reads that any node may answer from what it has"},
    {"reads", 0, OPTION_U64, OPTION(reads), "PERCENT",
     "mixed: so many of the calls are reads (50)"},
    {"followers", 0, OPTION_U64, OPTION(followers), "N",
     "follow: readers that wait for each entry (100)"},
    {"pause", 0, OPTION_FLAG, OPTION(pause), NULL,
     "failover: stop the leader's process for a while, do not end it"},
};

static const struct option_row load_rows[] = {
    {"outstanding", 'o', OPTION_TEXT, GIVEN(outstanding), "LIST",
     "calls under way at once, measured one after the other "
     "(1,16,256; with --rate 1024; follow, failover: 1; snapshot: 16)"},
    {"connections", 'c', OPTION_U64, OPTION(connections), "N",
     "clients, which share the calls (one for 1024 appends at once, one a "
     "follower, 1 for reads)"},
    {"threads", 0, OPTION_U64, OPTION(threads), "N", "that make the load (1)"},
    {"rate", 'r', OPTION_U64, OPTION(rate), "N",
     "open loop: so many calls a second, each timed from when it was due "
     "(0: closed loop)"},
    {"duration", 'd', OPTION_DURATION, OPTION(duration_ms), "TIME",
     "of one measurement (5s)"},
    {"warm-up", 'w', OPTION_DURATION, OPTION(warmup_ms), "TIME",
     "before each, not counted (1s)"},
    {"repetitions", 'n', OPTION_U64, OPTION(repetitions), "N",
     "of each measurement; the median one is shown (3; failover: 30, "
     "and all are)"},
    {"timeout", 0, OPTION_DURATION, OPTION(timeout_ms), "TIME",
     "of one call (10s)"},
    {"phase", 0, OPTION_TEXT, GIVEN(phases), "LIST",
     "what happens to the cluster meanwhile: AT:kill-leader, ..., "
     "see quorlog-bench(1)"},
};

static const struct option_row said_rows[] = {
    {"floor-dir", 0, OPTION_TEXT, GIVEN(floor_dirs), "DIR,DIR",
     "of --endpoints: directories on disks like its nodes', the leader's "
     "first"},
    {"no-floor", 0, OPTION_FLAG, GIVEN(no_floor), NULL,
     "do not measure what disks and network allow"},
    {"json", 'j', OPTION_FLAG, OPTION(json), NULL,
     "print a JSON document, not the table"},
    {"json-file", 0, OPTION_TEXT, OPTION(json_file), "FILE",
     "write it there, beside the table"},
    {"html", 0, OPTION_TEXT, OPTION(html_file), "FILE",
     "write one page with curves there"},
    {"quiet", 'q', OPTION_FLAG, OPTION(quiet), NULL, "show no progress"},
    {"help", 'h', OPTION_FLAG, GIVEN(help), NULL, "show this help"},
    {"version", 'V', OPTION_FLAG, GIVEN(version), NULL, "show the version"},
};

struct group {
    const char *title;
    const struct option_row *rows;
    size_t count;
};

static const struct group groups[] = {
    {"The cluster", cluster_rows, sizeof cluster_rows / sizeof *cluster_rows},
    {"The calls", call_rows, sizeof call_rows / sizeof *call_rows},
    {"The load", load_rows, sizeof load_rows / sizeof *load_rows},
    {"What is said", said_rows, sizeof said_rows / sizeof *said_rows},
};

#define GROUPS (sizeof groups / sizeof *groups)
#define ROWS_MAX 64u

struct mode_row {
    const char *name;
    const char *help;
    const char *outstanding; /* where none is given, likewise below */
    uint64_t prefill;
    uint64_t repetitions;
};

/* By enum qb_mode. */
static const struct mode_row modes[QB_MODES] = {
    {"append", "how long until a quorum has an entry on its disks", "1,16,256",
     0, 3},
    {"read", "how long one linearizable read takes", "1,16,256", 10000, 3},
    {"follow", "how long until all who follow a log have an entry", "1", 0, 3},
    {"mixed", "appends and reads at once", "1,16,256", 10000, 3},
    {"failover", "how long nothing is acknowledged when the leader is lost",
     "1", 0, 30},
    {"snapshot", "what snapshots and backups cost the appends beside them",
     "16", 0, 3},
};

static int find_mode(const char *word, enum qb_mode *ret_mode, struct err *err);
static int take_words(struct given *given, struct option_set *set, int argc,
                      char **argv, struct err *err);
static void take_defaults(struct qb_options *options);
static const char *default_outstanding(const struct qb_options *options);
static int take_outstanding(struct qb_options *options, const char *text,
                            struct err *err);
static int take_list(const char *name, const char *text, const char **ret_items,
                     size_t room, size_t *ret_count, struct err *err);
static void print_help(void);

int qb_options_parse(struct qb_options *ret, int argc, char **argv,
                     bool *ret_done, struct err *err)
{
    static struct option_row rows[ROWS_MAX];
    struct given given = {.options = {.nodes = UINT64_MAX,
                                      .size = 128,
                                      .keys = UINT64_MAX,
                                      .batch = 1,
                                      .logs = 1,
                                      .prefill = UINT64_MAX,
                                      .reads = UINT64_MAX,
                                      .followers = UINT64_MAX,
                                      .threads = 1,
                                      .duration_ms = UINT64_MAX,
                                      .warmup_ms = UINT64_MAX,
                                      .repetitions = UINT64_MAX,
                                      .timeout_ms = 10000}};
    struct option_set *set;
    size_t count = 0;
    int rv;

    for (size_t i = 0; i < GROUPS; i++) {
        memcpy(&rows[count], groups[i].rows,
               groups[i].count * sizeof *groups[i].rows);
        count += groups[i].count;
    }
    set = option_set_new(rows, &given, ENVIRONMENT);
    if (set == NULL) {
        return err_set(err, QL_NO_MEMORY, "out of memory");
    }
    rv = take_words(&given, set, argc, argv, err);
    option_set_free(set);
    *ret_done = rv == 0 && (given.help || given.version);
    if (rv == 0 && given.help) {
        print_help();
    } else if (rv == 0 && given.version) {
        (void)printf("quorlog-bench %s\n", QUORLOG_VERSION);
    }
    *ret = given.options;
    return rv;
}

uint64_t qb_options_connections(const struct qb_options *options,
                                uint64_t outstanding)
{
    uint64_t wanted;

    if (options->connections > 0) {
        return options->connections;
    }
    switch (options->mode) {
    case QB_READ:
        wanted = 1;
        break;
    case QB_FOLLOW:
        wanted = options->followers;
        break;
    default:
        wanted =
            (outstanding + PRODUCER_WINDOW_WIDE - 1) / PRODUCER_WINDOW_WIDE;
        break;
    }
    wanted = wanted > options->threads ? wanted : options->threads;
    return wanted < QB_CONNECTIONS_MAX ? wanted : QB_CONNECTIONS_MAX;
}

const char *qb_mode_name(enum qb_mode mode)
{
    return modes[mode].name;
}

/* All texts stay in @argv. */
static int take_words(struct given *given, struct option_set *set, int argc,
                      char **argv, struct err *err)
{
    struct qb_options *options = &given->options;
    int words;
    int rv = option_set_arguments(set, argc - 1, argv + 1, false, &words, err);

    if (rv != 0 || given->help || given->version) {
        return rv;
    }
    if (words != 1) {
        return err_set(err, QL_INVALID,
                       words == 0 ? "what is to be measured? " MODES
                                  : "one mode at a time");
    }
    rv = find_mode(argv[1], &options->mode, err);
    if (rv != 0) {
        return rv;
    }
    rv = qb_options_check_use(options, given->floor_dirs != NULL, err);
    if (rv != 0) {
        return rv;
    }
    take_defaults(options);
    /* Where the time is that of an election, it has nothing to do with disks. */
    options->floor = !given->no_floor && options->mode != QB_FAILOVER;
    rv = take_outstanding(options,
                          given->outstanding != NULL
                              ? given->outstanding
                              : default_outstanding(options),
                          err);
    if (rv == 0 && given->phases != NULL) {
        rv = take_list("phase", given->phases, options->phases,
                       QB_PHASE_TEXTS_MAX, &options->phase_count, err);
    }
    if (rv == 0 && given->floor_dirs != NULL) {
        rv = take_list("floor-dir", given->floor_dirs, options->floor_dirs,
                       MEMBERS_MAX, &options->floor_dir_count, err);
    }
    return rv == 0 ? qb_options_check(options, err) : rv;
}

static void take_defaults(struct qb_options *options)
{
    const struct mode_row *mode = &modes[options->mode];
    const struct {
        uint64_t *value;
        uint64_t otherwise;
    } rows[] = {{&options->nodes, 3},
                {&options->keys, 1000},
                {&options->prefill, mode->prefill},
                {&options->repetitions, mode->repetitions},
                {&options->reads, 50},
                {&options->followers, 100},
                {&options->duration_ms, 5000},
                {&options->warmup_ms, 1000}};

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        if (*rows[i].value == UINT64_MAX) {
            *rows[i].value = rows[i].otherwise;
        }
    }
}

/* An open loop that may have one call under way measures its own queue. */
static const char *default_outstanding(const struct qb_options *options)
{
    const char *own = modes[options->mode].outstanding;

    return options->rate > 0 && strcmp(own, "1") != 0 ? "1024" : own;
}

static int find_mode(const char *word, enum qb_mode *ret_mode, struct err *err)
{
    const char *names[QB_MODES + 1] = {NULL};
    const char *nearest;

    for (size_t i = 0; i < QB_MODES; i++) {
        names[i] = modes[i].name;
        if (strcmp(word, names[i]) == 0) {
            *ret_mode = (enum qb_mode)i;
            return 0;
        }
    }
    nearest = text_nearest(word, names);
    return nearest != NULL
               ? err_set(err, QL_INVALID, "no mode '%s'; did you mean '%s'?",
                         word, nearest)
               : err_set(err, QL_INVALID, "no mode '%s': " MODES, word);
}

static int take_outstanding(struct qb_options *options, const char *text,
                            struct err *err)
{
    const char *at = text;

    for (;;) {
        size_t len = strcspn(at, ",");
        char number[NUMBER_LEN_MAX + 1];
        uint64_t value;
        int rv;

        if (options->outstanding_count == QB_POINTS_MAX) {
            return err_set(err, QL_INVALID, "--outstanding: at most %u numbers",
                           QB_POINTS_MAX);
        }
        (void)snprintf(number, sizeof number, "%.*s",
                       len < NUMBER_LEN_MAX ? (int)len : (int)NUMBER_LEN_MAX,
                       at);
        rv = text_u64(number, QB_OUTSTANDING_MAX, &value, err);
        if (rv == 0 && value == 0) {
            rv = err_set(err, QL_INVALID, "at least 1");
        }
        if (rv != 0) {
            return err_wrap(err, "--outstanding");
        }
        options->outstanding[options->outstanding_count++] = value;
        if (at[len] == '\0') {
            return 0;
        }
        at += len + 1;
    }
}

/* Cuts the text, which is the process's own, at its commas. */
static int take_list(const char *name, const char *text, const char **ret_items,
                     size_t room, size_t *ret_count, struct err *err)
{
    char *at = (char *)text;
    size_t count = 0;

    for (;;) {
        size_t len = strcspn(at, ",");
        bool last = at[len] == '\0';

        if (count == room) {
            return err_set(err, QL_INVALID, "--%s: at most %zu", name, room);
        }
        at[len] = '\0';
        ret_items[count++] = at;
        if (last) {
            *ret_count = count;
            return 0;
        }
        at += len + 1;
    }
}

static void print_help(void)
{
    (void)fputs(
        "usage: quorlog-bench MODE [options]\n\n"
        "Measures what appends and reads cost on these machines, beside "
        "the least that\n"
        "their disks and network allow. Without --endpoints it starts "
        "three nodes of its\n"
        "own in the current directory and removes them at the end.\n\n",
        stdout);
    for (size_t i = 0; i < QB_MODES; i++) {
        (void)printf("  %-9s %s\n", modes[i].name, modes[i].help);
    }
    for (size_t i = 0; i < GROUPS; i++) {
        struct option_row rows[ROWS_MAX] = {{.name = NULL}};
        struct given none;
        struct option_set *set;

        memcpy(rows, groups[i].rows, groups[i].count * sizeof *rows);
        set = option_set_new(rows, &none, ENVIRONMENT);
        (void)printf("\n%s\n", groups[i].title);
        if (set != NULL) {
            option_set_print_help(set, stdout);
        }
        option_set_free(set);
    }
    (void)fputs("\nExamples\n"
                "  quorlog-bench append --dir /var/lib/quorlog\n"
                "  quorlog-bench append -r 20000 -o 1024 --endpoints "
                "a:7420,b:7420,c:7420\n"
                "  quorlog-bench read -o 1,256 --prefill 1000000 --json\n",
                stdout);
}
