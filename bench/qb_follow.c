/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "qb_follow.h"

#include <stdlib.h>
#include <string.h>

#include "qb_clock.h"
#include "qb_gaps.h"

#define TURN_NS (50u * QB_NS_PER_MS)

struct follow;

struct follower {
    struct follow *follow;
    struct ql_reader *reader;
    uint64_t seen; /* number of the newest entry it had */
};

struct follow {
    struct qb_worker *worker;
    struct follower *followers;
    size_t count;
    uint8_t *value;
    /* The append that is under way. */
    uint64_t number; /* at the beginning of its value; rises */
    uint64_t due_ns;
    uint64_t late_ns; /* then its followers are waited for no more */
    size_t waiting;   /* followers that have not got it */
    bool sent;        /* and not acknowledged yet */
    uint64_t rest_ns; /* no append before, after a failure */
};

const char *const qb_follow_names[QB_FOLLOW_TRACKS] = {"last delivery",
                                                       "delivery", "append"};

static bool start_followers(struct follow *follow);
static void on_ready(void *data, struct ql_reader *reader);
static void take_entry(struct follower *follower, const struct ql_entry *entry);
static void begin_append(struct follow *follow, uint64_t due_ns);
static void on_appended(void *data, const struct ql_append_result *result,
                        const struct ql_error *error);
static void count_ok(struct follow *follow, enum qb_follow_track track,
                     uint64_t now_ns);
static bool step(struct follow *follow, uint64_t now_ns);
static uint64_t wake(const struct follow *follow, uint64_t now_ns);

void qb_follow_load(struct qb_worker *worker)
{
    struct follow follow = {.worker = worker,
                            .count = (size_t)worker->bench->options.followers,
                            .number = qb_now_ns()};
    uint64_t now_ns = qb_now_ns();
    struct ql_entry entry;

    follow.followers = calloc(follow.count, sizeof *follow.followers);
    follow.value = malloc((size_t)worker->bench->options.size);
    if (follow.followers != NULL && follow.value != NULL) {
        qb_data_entry(&worker->bench->data, 0, &entry);
        memcpy(follow.value, entry.value, entry.value_len);
        if (start_followers(&follow)) {
            while (step(&follow, now_ns)) {
                qb_loop_turn(&worker->loop, wake(&follow, now_ns));
                now_ns = qb_now_ns();
            }
        }
    } else {
        qb_worker_count_failed(worker, QB_TRACK_LAST, worker->begin_ns, now_ns,
                               QL_NO_MEMORY, "out of memory");
    }
    /* An append that is still out there calls back from within. */
    while (follow.sent) {
        qb_loop_turn(&worker->loop, qb_now_ns() + TURN_NS);
    }
    for (size_t i = 0; follow.followers != NULL && i < follow.count; i++) {
        ql_reader_free(follow.followers[i].reader);
    }
    free(follow.followers);
    free(follow.value);
}

static bool start_followers(struct follow *follow)
{
    struct qb_worker *worker = follow->worker;
    const struct qb_log *log = &worker->bench->logs.logs[0];
    struct ql_reader_options options = QL_READER_OPTIONS_INIT;

    options.from = __atomic_load_n(&log->tail, __ATOMIC_RELAXED);
    options.follow = true;
    options.consistency =
        worker->bench->options.stale ? QL_STALE : QL_LINEARIZABLE;
    for (size_t i = 0; i < follow->count; i++) {
        struct follower *follower = &follow->followers[i];
        size_t client = 1 + i % (worker->loop.count - 1);
        struct ql_error error;
        int rv;

        follower->follow = follow;
        rv = ql_reader_new(&follower->reader, worker->loop.clients[client],
                           log->name, &options, &error);
        if (rv != 0) {
            qb_worker_count_failed(worker, QB_TRACK_LAST, worker->begin_ns,
                                   qb_now_ns(), rv, error.text);
            return false;
        }
        ql_reader_on_ready(follower->reader, on_ready, follower);
    }
    return true;
}

/* Does what is due; false when all is over. */
static bool step(struct follow *follow, uint64_t now_ns)
{
    struct qb_worker *worker = follow->worker;
    uint64_t due_ns;

    qb_worker_mark_cpu(worker, now_ns);
    if (follow->waiting > 0 && !follow->sent && now_ns >= follow->late_ns) {
        follow->waiting = 0;
        qb_worker_count_failed(worker, QB_TRACK_LAST, follow->due_ns, now_ns,
                               QL_TIMEOUT,
                               "a follower did not get an entry that was "
                               "acknowledged");
    }
    if (follow->sent || follow->waiting > 0) {
        return true;
    }
    due_ns = worker->rate > 0 ? qb_worker_due(worker) : now_ns;
    if (due_ns >= worker->end_ns) {
        return now_ns < worker->end_ns;
    }
    if (due_ns <= now_ns && now_ns >= follow->rest_ns) {
        worker->due++;
        if (worker->rate > 0 && due_ns >= worker->begin_ns) {
            histogram_record(&worker->late, now_ns - due_ns);
        }
        begin_append(follow, due_ns);
    }
    return true;
}

static uint64_t wake(const struct follow *follow, uint64_t now_ns)
{
    const struct qb_worker *worker = follow->worker;
    uint64_t wake_ns = qb_worker_wake(worker, now_ns);
    uint64_t own_ns = follow->late_ns;

    if (!follow->sent && follow->waiting == 0) {
        own_ns = worker->rate > 0 ? qb_worker_due(worker) : 0;
        own_ns = own_ns > follow->rest_ns ? own_ns : follow->rest_ns;
    } else if (follow->sent) {
        own_ns = UINT64_MAX;
    }
    return own_ns < wake_ns ? own_ns : wake_ns;
}

static void begin_append(struct follow *follow, uint64_t due_ns)
{
    struct qb_worker *worker = follow->worker;
    const struct qb_options *options = &worker->bench->options;
    struct ql_entry entry = {.value = follow->value,
                             .value_len = (size_t)options->size};
    struct ql_append_part part = {
        .log = worker->bench->logs.logs[0].name, .entries = &entry, .count = 1};
    struct ql_error error;
    int rv;

    follow->number++;
    memcpy(follow->value, &follow->number, QB_STAMP_LEN);
    follow->due_ns = due_ns;
    follow->late_ns = due_ns + options->timeout_ms * QB_NS_PER_MS;
    follow->waiting = follow->count;
    follow->sent = true;
    rv = ql_append_async(worker->loop.clients[0], &part, 1, NULL, on_appended,
                         follow, &error);
    if (rv != 0) {
        error.code = rv;
        on_appended(follow, NULL, &error);
    }
}

static void on_appended(void *data, const struct ql_append_result *result,
                        const struct ql_error *error)
{
    struct follow *follow = data;
    struct qb_worker *worker = follow->worker;
    uint64_t now_ns = qb_now_ns();

    follow->sent = false;
    if (error == NULL) {
        struct qb_log *log = &worker->bench->logs.logs[0];

        __atomic_store_n(&log->tail, result->places[0].first + 1,
                         __ATOMIC_RELAXED);
        worker->entries_acknowledged++;
        count_ok(follow, QB_TRACK_APPEND, now_ns);
        return;
    }
    if (error->code == QL_OUTCOME_UNKNOWN) {
        worker->entries_unknown++;
    }
    /* Nobody may ever get it. */
    follow->waiting = 0;
    follow->rest_ns = now_ns + QB_REST_NS;
    qb_worker_count_failed(worker, QB_TRACK_APPEND, follow->due_ns, now_ns,
                           error->code, error->text);
}

static void on_ready(void *data, struct ql_reader *reader)
{
    struct follower *follower = data;
    struct qb_worker *worker = follower->follow->worker;
    struct ql_entry entry;
    struct ql_error error;
    int rv;

    while ((rv = ql_reader_next(reader, 0, &entry, &error)) == 0) {
        take_entry(follower, &entry);
    }
    if (rv != QL_TIMEOUT) {
        qb_worker_count_failed(worker, QB_TRACK_DELIVERY,
                               follower->follow->due_ns, qb_now_ns(), rv,
                               error.text);
    }
}

static void take_entry(struct follower *follower, const struct ql_entry *entry)
{
    struct follow *follow = follower->follow;
    uint64_t number = 0;
    uint64_t now_ns;

    if (entry->value_len >= QB_STAMP_LEN) {
        memcpy(&number, entry->value, QB_STAMP_LEN);
    }
    if (number != follow->number || follower->seen == number ||
        follow->waiting == 0) {
        return; /* one that was given up */
    }
    follower->seen = number;
    now_ns = qb_now_ns();
    count_ok(follow, QB_TRACK_DELIVERY, now_ns);
    follow->waiting--;
    if (follow->waiting == 0) {
        count_ok(follow, QB_TRACK_LAST, now_ns);
    }
}

static void count_ok(struct follow *follow, enum qb_follow_track track,
                     uint64_t now_ns)
{
    qb_worker_count_ok(follow->worker, track, follow->due_ns, now_ns, 1);
}
