/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "recovery_appender.h"

#include <poll.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "quorlog.h"
#include "scale_data.h"
#include "scale_process.h"

#include "util/mem.h"
#include "util/random.h"

#define RECORDS_MAX 1000000u
#define OUTSTANDING_MAX 1024u
#define WAIT_MS 20
#define READ_WAIT_MS 60000
#define CALL_TIMEOUT_MS 60000u

/* One append, at the place of its number. */
struct record {
    double due;
    double ended; /* 0: it has not */
    uint64_t position;
    bool acked;
    unsigned char found; /* sides */
};

/* Both processes see it. */
struct board {
    uint64_t run; /* is in each entry, behind its number */
    atomic_bool stop;
    atomic_size_t count;
    struct record records[RECORDS_MAX];
};

struct recovery_appender {
    struct board *board;
    const char *endpoints;
    const char *log;
    size_t entry_len;
    pid_t pid; /* 0: stopped */
};

/* What the appending process has. */
struct feed {
    const struct recovery_appender *appender;
    struct ql_client *client;
    struct scale_data data;
    uint8_t *value;
    double due; /* of the next one */
};

static void on_appended(void *data, const struct ql_append_result *result,
                        const struct ql_error *error)
{
    struct record *record = data;

    record->acked = error == NULL;
    if (error == NULL) {
        record->position = result->places[0].first;
    }
    record->ended = scale_now();
}

static void append_one(struct feed *feed)
{
    struct board *board = feed->appender->board;
    uint64_t number = atomic_load(&board->count);
    const struct ql_entry entry = {.value = feed->value,
                                   .value_len = feed->appender->entry_len};
    const struct ql_append_part part = {
        .log = feed->appender->log, .entries = &entry, .count = 1};
    struct ql_error error;

    if (number == RECORDS_MAX) {
        scale_fail("too many appends to note");
    }
    scale_data_fill(&feed->data, feed->value, entry.value_len);
    memcpy(feed->value, &number, sizeof number);
    memcpy(feed->value + sizeof number, &board->run, sizeof board->run);
    board->records[number].due = feed->due;
    atomic_store(&board->count, number + 1);
    if (ql_append_async(feed->client, &part, 1, NULL, on_appended,
                        &board->records[number], &error) != 0) {
        scale_fail("append: %s", error.text);
    }
}

/* Begins what is due, then waits for the next one or for an answer. */
static void append_due(struct feed *feed)
{
    struct pollfd poll = {.fd = ql_client_fd(feed->client)};
    struct timespec patience = {0};
    double wait;

    while (ql_client_pending(feed->client) < OUTSTANDING_MAX &&
           feed->due <= scale_now()) {
        append_one(feed);
        feed->due += 1 / RECOVERY_RATE;
    }
    wait = feed->due - scale_now();
    if (wait > 0) {
        patience.tv_nsec = (long)(wait * 1e9);
    }
    poll.events = (short)ql_client_events(feed->client);
    (void)ppoll(&poll, 1, &patience, NULL);
    (void)ql_client_process(feed->client);
}

static void run(const struct recovery_appender *appender)
{
    struct ql_client_options options = QL_CLIENT_OPTIONS_INIT;
    struct feed feed = {.appender = appender};
    struct ql_error error;

    options.endpoints = appender->endpoints;
    options.timeout_ms = CALL_TIMEOUT_MS;
    feed.data.random = appender->board->run;
    feed.value = mem_must_zalloc(appender->entry_len);
    if (ql_client_new(&feed.client, &options, &error) != 0) {
        scale_fail("%s", error.text);
    }
    feed.due = scale_now();
    while (!atomic_load(&appender->board->stop)) {
        append_due(&feed);
    }
    while (ql_client_pending(feed.client) > 0) {
        (void)ql_client_wait(feed.client, WAIT_MS);
    }
    ql_client_free(feed.client);
}

struct recovery_appender *recovery_appender_start(const char *endpoints,
                                                  const char *log,
                                                  size_t entry_len)
{
    struct recovery_appender *appender = mem_must_zalloc(sizeof *appender);

    *appender = (struct recovery_appender){
        .endpoints = endpoints, .log = log, .entry_len = entry_len};
    appender->board =
        mmap(NULL, sizeof *appender->board, PROT_READ | PROT_WRITE,
             MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (appender->board == MAP_FAILED) {
        scale_fail("no memory for the times of appends");
    }
    appender->board->run = random_u64();
    (void)fflush(stdout);
    appender->pid = fork();
    if (appender->pid < 0) {
        scale_fail("no process");
    }
    if (appender->pid == 0) {
        (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
        run(appender);
        _exit(0);
    }
    return appender;
}

void recovery_appender_stop(struct recovery_appender *appender)
{
    int status;

    atomic_store(&appender->board->stop, true);
    if (waitpid(appender->pid, &status, 0) < 0 || status != 0) {
        scale_fail("the appending process has ended");
    }
    appender->pid = 0;
}

void recovery_appender_free(struct recovery_appender *appender)
{
    (void)munmap(appender->board, sizeof *appender->board);
    free(appender);
}

/* ---- What came of them ---- */

static int compare_times(const void *left, const void *right)
{
    const double *a = left;
    const double *b = right;

    return *a < *b ? -1 : *a > *b;
}

struct recovery_gap recovery_appender_gap(
    const struct recovery_appender *appender, double from, double to)
{
    const struct board *board = appender->board;
    size_t count = atomic_load(&board->count);
    double *times = mem_must_zalloc((count + 2) * sizeof *times);
    struct recovery_gap gap = {0};
    size_t used = 0;

    times[used++] = from;
    times[used++] = to;
    for (size_t i = 0; i < count; i++) {
        const struct record *record = &board->records[i];

        if (record->acked && record->ended > from && record->ended < to) {
            times[used++] = record->ended;
        }
    }
    qsort(times, used, sizeof *times, compare_times);
    for (size_t i = 1; i < used; i++) {
        if (times[i] - times[i - 1] > gap.seconds) {
            gap.seconds = times[i] - times[i - 1];
            gap.begun = times[i - 1];
        }
    }
    free(times);
    return gap;
}

double recovery_appender_latency(const struct recovery_appender *appender,
                                 double from, double to, double part)
{
    const struct board *board = appender->board;
    size_t count = atomic_load(&board->count);
    double *times = mem_must_zalloc((count + 1) * sizeof *times);
    size_t used = 0;
    double latency;

    for (size_t i = 0; i < count; i++) {
        const struct record *record = &board->records[i];

        if (record->acked && record->due >= from && record->due < to) {
            times[used++] = record->ended - record->due;
        }
    }
    qsort(times, used, sizeof *times, compare_times);
    latency = used == 0 ? -1 : times[(size_t)((double)(used - 1) * part)];
    free(times);
    return latency;
}

size_t recovery_appender_failed(const struct recovery_appender *appender,
                                double from, double to)
{
    const struct board *board = appender->board;
    size_t count = atomic_load(&board->count);
    size_t failed = 0;

    for (size_t i = 0; i < count; i++) {
        const struct record *record = &board->records[i];

        failed += !record->acked && record->ended >= from && record->ended < to;
    }
    return failed;
}

/* An entry of this appender that is where its acknowledgement says. */
static void note(struct board *board, const struct ql_entry *entry,
                 enum recovery_side side)
{
    uint64_t number;
    uint64_t run_number;
    struct record *record;

    if (entry->value_len < sizeof number + sizeof run_number) {
        return;
    }
    memcpy(&number, entry->value, sizeof number);
    memcpy(&run_number, (const uint8_t *)entry->value + sizeof number,
           sizeof run_number);
    if (run_number != board->run || number >= atomic_load(&board->count)) {
        return;
    }
    record = &board->records[number];
    if (record->acked && record->position == entry->position) {
        record->found |= (unsigned char)side;
    }
}

void recovery_appender_find(struct recovery_appender *appender,
                            enum recovery_side side)
{
    struct ql_client_options options = QL_CLIENT_OPTIONS_INIT;
    struct ql_reader_options reading = QL_READER_OPTIONS_INIT;
    struct ql_client *client;
    struct ql_reader *reader;
    struct ql_entry entry;
    struct ql_error error;
    int rv;

    options.endpoints = appender->endpoints;
    options.timeout_ms = CALL_TIMEOUT_MS;
    if (ql_client_new(&client, &options, &error) != 0 ||
        ql_reader_new(&reader, client, appender->log, &reading, &error) != 0) {
        scale_fail("read %s: %s", appender->log, error.text);
    }
    while ((rv = ql_reader_next(reader, READ_WAIT_MS, &entry, &error)) == 0) {
        note(appender->board, &entry, side);
    }
    if (rv != QL_NOT_FOUND) {
        scale_fail("read %s: %s", appender->log, error.text);
    }
    ql_reader_free(reader);
    ql_client_free(client);
}

void recovery_appender_compare(const struct recovery_appender *appender,
                               struct recovery_found *ret)
{
    const struct board *board = appender->board;
    size_t count = atomic_load(&board->count);

    *ret = (struct recovery_found){0};
    for (size_t i = 0; i < count; i++) {
        const struct record *record = &board->records[i];

        if (!record->acked) {
            continue;
        }
        ret->before += record->found == RECOVERY_BEFORE;
        ret->after += record->found == RECOVERY_AFTER;
        ret->both += record->found == (RECOVERY_BEFORE | RECOVERY_AFTER);
        ret->lost += record->found == 0;
        if (record->found == RECOVERY_AFTER &&
            (ret->first_after == 0 || record->ended < ret->first_after)) {
            ret->first_after = record->ended;
        }
    }
    for (size_t i = 0; i < count && ret->first_after > 0; i++) {
        const struct record *record = &board->records[i];

        ret->mixed += record->acked && record->found == RECOVERY_BEFORE &&
                      record->ended > ret->first_after;
    }
}
