/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * What a commit through the WAL costs, over each writer, beside the best that
 * the disk gives in the same run: writes of the same length, O_DIRECT and
 * O_DSYNC, over blocks that are written already. The parts alternate in short
 * turns, so that noise hits all alike. The ratios are of quiet turns: of those that
 * only a tenth did better, by their p50 and by their rate. Others on the machine
 * cannot make a turn faster.
 *
 *     bench/wal [--dir DIR] [--seconds N]
 */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "qb_floor_disk.h"

#include "consensus/disk_real.h"
#include "consensus/wal.h"

#define SAMPLES_MAX 4000000u
#define TURN_US 50000u
#define TURNS_MAX 4096u
#define FILL_TURNS 40u /* until segments are recycled */
#define DEPTH_MAX 2u
#define SERIES 3u

struct series {
    const char *name;
    uint32_t *us; /* in tenths */
    size_t count;
    double seconds;
    double p50[TURNS_MAX]; /* of each turn, in us */
    double rate[TURNS_MAX];
    size_t turns;
};

struct slot {
    struct wal_append append; /* first */
    struct commits *commits;
    uint64_t begun;
};

struct commits {
    uv_loop_t loop;
    struct disk_real *real;
    struct wal *wal;
    struct slot slots[DEPTH_MAX];
    struct raft_entry entry;
    struct series *series;
    uint64_t until;
    raft_index written;
};

static uint64_t now_ns(void)
{
    struct timespec time;

    (void)clock_gettime(CLOCK_MONOTONIC, &time);
    return (uint64_t)time.tv_sec * 1000000000u + (uint64_t)time.tv_nsec;
}

static void fail(const char *what)
{
    (void)fprintf(stderr, "bench/wal: %s\n", what);
    exit(1);
}

static int compare_us(const void *left, const void *right)
{
    const uint32_t *a = left;
    const uint32_t *b = right;

    return *a < *b ? -1 : *a > *b;
}

static int compare_double(const void *left, const void *right)
{
    const double *a = left;
    const double *b = right;

    return *a < *b ? -1 : *a > *b;
}

/* Of what was added since @from, in @seconds. */
static void series_end_turn(struct series *series, size_t from, double seconds)
{
    size_t count = series->count - from;

    series->seconds += seconds;
    if (count == 0 || series->turns == TURNS_MAX) {
        return;
    }
    qsort(series->us + from, count, sizeof(*series->us), compare_us);
    series->p50[series->turns] = series->us[from + (count - 1) / 2] / 10.0;
    series->rate[series->turns] = (double)count / seconds;
    series->turns++;
}

static void series_add(struct series *series, uint64_t ns)
{
    if (series->count < SAMPLES_MAX) {
        series->us[series->count++] = (uint32_t)(ns / 100);
    }
}

/* ---- The disk alone ---- */

static struct qb_disk *raw_open(const char *dir, size_t len)
{
    struct qb_disk *raw;
    struct err err;

    if (qb_disk_open(&raw, dir, QB_DISK_DIRECT, len, &err) != 0) {
        fail(err.text);
    }
    return raw;
}

static void raw_turn(struct qb_disk *raw, struct series *series)
{
    uint64_t begin = now_ns();
    uint64_t end = begin;
    size_t from = series->count;

    while (end - begin < TURN_US * 1000u) {
        uint64_t before = now_ns();

        if (qb_disk_commit(raw, NULL) != 0) {
            fail("raw write");
        }
        end = now_ns();
        series_add(series, end - before);
    }
    series_end_turn(series, from, (double)(end - begin) / 1e9);
}

/* ---- Through the WAL ---- */

static void on_fatal(void *data, const char *reason)
{
    (void)data;
    fail(reason);
}

static int on_entry(void *data, raft_index index, raft_term term,
                    unsigned short type, const void *payload, size_t len)
{
    (void)data;
    (void)index;
    (void)term;
    (void)type;
    (void)payload;
    (void)len;
    return 0;
}

static void on_truncated(void *data, raft_index index)
{
    (void)data;
    (void)index;
}

static void commit(struct slot *slot);

static void on_committed(struct wal_append *append, int status)
{
    struct slot *slot = (struct slot *)(void *)append;
    struct commits *commits = slot->commits;
    uint64_t now = now_ns();

    if (status != 0) {
        fail("append");
    }
    series_add(commits->series, now - slot->begun);
    commits->written++;
    if (commits->written % 256 == 0) {
        wal_drop_before(commits->wal, commits->written);
    }
    if (now < commits->until) {
        commit(slot);
    }
}

static void commit(struct slot *slot)
{
    struct commits *commits = slot->commits;

    slot->begun = now_ns();
    if (wal_append(commits->wal, &slot->append, &commits->entry, 1,
                   on_committed) != 0) {
        fail("append");
    }
}

static void commits_turn(struct commits *commits, struct series *series,
                         size_t len, unsigned depth)
{
    uint64_t begin = now_ns();
    size_t from = series->count;
    unsigned i;

    commits->series = series;
    commits->entry.buf.len = len;
    commits->until = begin + TURN_US * 1000u;
    for (i = 0; i < depth; i++) {
        commit(&commits->slots[i]);
    }
    while (wal_is_busy(commits->wal)) {
        (void)uv_run(&commits->loop, UV_RUN_ONCE);
    }
    series_end_turn(series, from, (double)(now_ns() - begin) / 1e9);
}

static bool commits_open(struct commits *commits, const char *dir,
                         enum disk_writer writer)
{
    struct disk_real_options disk = {
        .loop = &commits->loop, .dir = dir, .writer = writer};
    struct wal_reader reader = {on_entry, on_truncated, NULL};
    struct wal_options options = {.on_fatal = on_fatal};
    struct wal_report report;
    struct err err;

    memset(commits, 0, sizeof(*commits));
    (void)uv_loop_init(&commits->loop);
    if (disk_real_start(&commits->real, &disk, &err) != 0) {
        (void)fprintf(stderr, "%s\n", err.text);
        return false;
    }
    options.disk = disk_real_disk(commits->real);
    if (wal_open(&commits->wal, &options, 1, &reader, &report, &err) != 0) {
        fail(err.text);
    }
    commits->slots[0].commits = commits;
    commits->slots[1].commits = commits;
    commits->entry.type = RAFT_COMMAND;
    commits->entry.term = 1;
    commits->entry.buf.base = calloc(1, 1024 * 1024);
    return true;
}

static void on_stopped(void *data)
{
    (void)data;
}

static void commits_close(struct commits *commits)
{
    wal_free(commits->wal);
    disk_real_stop(commits->real, on_stopped, NULL);
    (void)uv_run(&commits->loop, UV_RUN_DEFAULT);
    (void)uv_loop_close(&commits->loop);
    free(commits->entry.buf.base);
}

/* ---- The table ---- */

static double quantile(struct series *series, unsigned percent)
{
    if (series->count == 0) {
        return 0;
    }
    qsort(series->us, series->count, sizeof(*series->us), compare_us);
    return series->us[(series->count - 1) * percent / 100] / 10.0;
}

static double quiet_p50(struct series *series)
{
    if (series->turns == 0) {
        return 0;
    }
    qsort(series->p50, series->turns, sizeof(double), compare_double);
    return series->p50[series->turns / 10];
}

static double quiet_rate(struct series *series)
{
    if (series->turns == 0) {
        return 0;
    }
    qsort(series->rate, series->turns, sizeof(double), compare_double);
    return series->rate[series->turns - 1 - series->turns / 10];
}

static void line(struct series *series, struct series *raw, size_t len)
{
    double rate = (double)series->count * (double)len / series->seconds / 1e6;

    printf("%-34s %9.1f %9.1f %9.1f %9.1f %9.1f %7.2f %7.2f\n", series->name,
           quantile(series, 50), quantile(series, 99), rate, quiet_p50(series),
           quiet_rate(series) * (double)len / 1e6,
           quiet_p50(series) / quiet_p50(raw),
           quiet_rate(series) / quiet_rate(raw));
}

/* The longest entry whose write has @bytes in the file. */
static size_t entry_for(size_t bytes)
{
    return bytes / 512 * 496 - 64 - 8;
}

struct kind {
    const char *label;
    size_t bytes;   /* of the raw write */
    size_t payload; /* of the entry; 0: what fills a write of that length */
    unsigned depth;
};

static const struct kind kinds[] = {
    {"4 KiB write", 4096, 0, 1},
    {"4 KiB payload (8 KiB write)", 4096, 4096, 1},
    {"256 KiB write, 1 outstanding", 262144, 0, 1},
    {"256 KiB write, 2 outstanding", 262144, 0, 2},
    {"256 KiB payload, 2 outstanding", 262144, 262144, 2},
};

struct bench {
    const char *dir;
    struct commits commits[2];
    bool present[2];
    char path[2][4096];
    struct series series[SERIES]; /* raw, then each writer */
};

static void bench_open(struct bench *bench, const char *dir)
{
    static const char *const writers[] = {"io_uring", "thread"};
    size_t i;

    bench->dir = dir;
    for (i = 0; i < SERIES; i++) {
        bench->series[i].us = malloc(SAMPLES_MAX * sizeof(uint32_t));
        if (bench->series[i].us == NULL) {
            fail("out of memory");
        }
    }
    for (i = 0; i < 2; i++) {
        unsigned turn;

        (void)snprintf(bench->path[i], sizeof(bench->path[i]), "%s/%s-XXXXXX",
                       dir, writers[i]);
        if (mkdtemp(bench->path[i]) == NULL) {
            fail("make a directory");
        }
        bench->present[i] =
            commits_open(&bench->commits[i], bench->path[i],
                         i == 0 ? DISK_WRITER_URING : DISK_WRITER_THREAD);
        for (turn = 0; bench->present[i] && turn < FILL_TURNS; turn++) {
            commits_turn(&bench->commits[i], &bench->series[i + 1],
                         1024 * 1024 - 64, 1);
        }
    }
}

static void measure(struct bench *bench, const struct kind *kind,
                    unsigned seconds)
{
    size_t payload =
        kind->payload != 0 ? kind->payload : entry_for(kind->bytes);
    struct qb_disk *raw = raw_open(bench->dir, kind->bytes);
    uint64_t begin = now_ns();
    size_t i;

    for (i = 0; i < SERIES; i++) {
        bench->series[i].count = 0;
        bench->series[i].seconds = 0;
        bench->series[i].turns = 0;
    }
    while (now_ns() - begin < (uint64_t)seconds * 1000000000u) {
        raw_turn(raw, &bench->series[0]);
        for (i = 0; i < 2; i++) {
            if (bench->present[i]) {
                commits_turn(&bench->commits[i], &bench->series[i + 1], payload,
                             kind->depth);
            }
        }
    }
    qb_disk_close(raw);
    printf("%s\n", kind->label);
    bench->series[0].name = "  raw O_DIRECT|O_DSYNC overwrite";
    line(&bench->series[0], &bench->series[0], kind->bytes);
    for (i = 0; i < 2; i++) {
        char name[64];

        if (bench->present[i]) {
            (void)snprintf(name, sizeof(name), "  wal, %s",
                           disk_real_writer(bench->commits[i].real));
            bench->series[i + 1].name = name;
            line(&bench->series[i + 1], &bench->series[0], kind->bytes);
        }
    }
}

static void bench_run(const char *dir, unsigned seconds)
{
    static struct bench bench;
    size_t i;

    bench_open(&bench, dir);
    printf("%-34s %29s %19s\n", "", "all turns", "quiet turns");
    printf("%-34s %9s %9s %9s %9s %9s %7s %7s\n", "", "p50 us", "p99 us",
           "MB/s", "p50 us", "MB/s", "p50 x", "rate x");
    for (i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        measure(&bench, &kinds[i], seconds);
    }
    for (i = 0; i < 2; i++) {
        if (bench.present[i]) {
            commits_close(&bench.commits[i]);
        }
        printf("left behind: %s\n", bench.path[i]);
    }
    for (i = 0; i < SERIES; i++) {
        free(bench.series[i].us);
    }
}

int main(int argc, char **argv)
{
    static const struct option options[] = {
        {"dir", required_argument, NULL, 'd'},
        {"seconds", required_argument, NULL, 's'},
        {NULL, 0, NULL, 0},
    };
    const char *dir = ".";
    unsigned seconds = 5;
    int option;

    while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
        if (option == 'd') {
            dir = optarg;
        } else if (option == 's') {
            seconds = (unsigned)strtoul(optarg, NULL, 10);
        } else {
            return 2;
        }
    }
    bench_run(dir, seconds);
    return 0;
}
