/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "scale_probe.h"

#include <poll.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
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

#define SAMPLES_MAX 8000000u
#define OUTSTANDING_MAX 1024u
#define WAIT_MS 20
#define CALL_TIMEOUT_MS 60000u

/* Both processes see it. */
struct board {
    atomic_bool stop;
    atomic_size_t count;
    atomic_size_t failed;
    uint32_t us[SAMPLES_MAX]; /* in tenths, in the order of the answers */
};

struct scale_probe {
    struct board *board;
    pid_t pid;
    size_t from; /* samples before it do not count */
    size_t failed_from;
    double begun;
};

struct append {
    struct appender *appender;
    double begun;
    bool busy;
};

struct appender {
    struct ql_client *client;
    const struct scale_probe_options *options;
    struct board *board;
    struct scale_data data;
    uint8_t *value;
    double due; /* of the next one, when they have a rate */
    struct append appends[OUTSTANDING_MAX];
};

static void append_one(struct append *append, double begun);

static void on_appended(void *data, const struct ql_append_result *result,
                        const struct ql_error *error)
{
    struct append *append = data;
    struct board *board = append->appender->board;
    size_t at = atomic_load(&board->count);

    (void)result;
    append->busy = false;
    if (error != NULL) {
        atomic_fetch_add(&board->failed, 1);
    } else if (at < SAMPLES_MAX) {
        board->us[at] = (uint32_t)((scale_now() - append->begun) * 1e7);
        atomic_store(&board->count, at + 1);
    }
    if (append->appender->options->rate == 0 && !atomic_load(&board->stop)) {
        append_one(append, scale_now());
    }
}

static void append_one(struct append *append, double begun)
{
    struct appender *appender = append->appender;
    const struct ql_entry entry = {.value = appender->value,
                                   .value_len = appender->options->entry_len};
    const struct ql_append_part part = {
        .log = appender->options->log, .entries = &entry, .count = 1};
    struct ql_error error;

    scale_data_fill(&appender->data, appender->value, entry.value_len);
    append->begun = begun;
    append->busy = true;
    if (ql_append_async(appender->client, &part, 1, NULL, on_appended, append,
                        &error) != 0) {
        scale_fail("append: %s", error.text);
    }
}

/* Begins what is due, then waits for the next one or for an answer. */
static void append_due(struct appender *appender)
{
    struct pollfd poll = {.fd = ql_client_fd(appender->client)};
    struct timespec patience = {0};
    double wait;

    for (size_t i = 0; i < OUTSTANDING_MAX && appender->due <= scale_now();
         i++) {
        if (!appender->appends[i].busy) {
            append_one(&appender->appends[i], appender->due);
            appender->due += 1 / appender->options->rate;
        }
    }
    wait = appender->due - scale_now();
    if (wait > 0) {
        patience.tv_nsec = (long)(wait * 1e9);
    }
    poll.events = (short)ql_client_events(appender->client);
    (void)ppoll(&poll, 1, &patience, NULL);
    (void)ql_client_process(appender->client);
}

static void run(const struct scale_probe_options *options, struct board *board)
{
    struct ql_client_options client = QL_CLIENT_OPTIONS_INIT;
    struct appender *appender = mem_must_zalloc(sizeof *appender);
    struct ql_error error;

    client.endpoints = options->endpoints;
    client.timeout_ms = CALL_TIMEOUT_MS;
    appender->options = options;
    appender->board = board;
    appender->value = mem_must_zalloc(options->entry_len + 1);
    if (ql_client_new(&appender->client, &client, &error) != 0) {
        scale_fail("%s", error.text);
    }
    for (size_t i = 0; i < OUTSTANDING_MAX; i++) {
        appender->appends[i].appender = appender;
    }
    for (size_t i = 0; options->rate == 0 && i < options->outstanding; i++) {
        append_one(&appender->appends[i], scale_now());
    }
    appender->due = scale_now();
    while (!atomic_load(&board->stop)) {
        if (options->rate == 0) {
            (void)ql_client_wait(appender->client, WAIT_MS);
        } else {
            append_due(appender);
        }
    }
    while (ql_client_pending(appender->client) > 0) {
        (void)ql_client_wait(appender->client, WAIT_MS);
    }
    ql_client_free(appender->client);
}

struct scale_probe *scale_probe_start(const struct scale_probe_options *options)
{
    struct scale_probe *probe = mem_must_zalloc(sizeof *probe);

    probe->board = mmap(NULL, sizeof *probe->board, PROT_READ | PROT_WRITE,
                        MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    (void)fflush(stdout);
    probe->pid = probe->board == MAP_FAILED ? -1 : fork();
    if (probe->pid < 0) {
        scale_fail("no process");
    }
    if (probe->pid == 0) {
        (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
        run(options, probe->board);
        _exit(0);
    }
    probe->begun = scale_now();
    return probe;
}

void scale_probe_forget(struct scale_probe *probe)
{
    probe->from = atomic_load(&probe->board->count);
    probe->failed_from = atomic_load(&probe->board->failed);
    probe->begun = scale_now();
}

static int compare_us(const void *left, const void *right)
{
    const uint32_t *a = left;
    const uint32_t *b = right;

    return *a < *b ? -1 : *a > *b;
}

void scale_probe_stop(struct scale_probe *probe, struct scale_latency *ret)
{
    struct board *board = probe->board;
    double seconds = scale_now() - probe->begun;
    int status;

    atomic_store(&board->stop, true);
    if (waitpid(probe->pid, &status, 0) < 0 || status != 0) {
        scale_fail("the appending process has ended");
    }
    *ret = (struct scale_latency){
        .count = atomic_load(&board->count) - probe->from,
        .failed = atomic_load(&board->failed) - probe->failed_from};
    if (ret->count > 0) {
        uint32_t *us = board->us + probe->from;

        qsort(us, ret->count, sizeof *us, compare_us);
        ret->p50_us = us[(ret->count - 1) / 2] / 10.0;
        ret->p99_us = us[(ret->count - 1) * 99 / 100] / 10.0;
        ret->slowest_us = us[ret->count - 1] / 10.0;
        ret->rate = (double)ret->count / seconds;
    }
    (void)munmap(board, sizeof *board);
    free(probe);
}
