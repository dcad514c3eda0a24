/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "qb_logs.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "qb_data.h"

#include "util/random.h"

#define CALLS_AT_ONCE 64u
#define BYTES_MAX (256ull * MIB)
#define WAIT_MS 100
#define CALL_TIMEOUT_MS 60000u
#define PREFILL_ENTRIES 1000u /* of one append */
#define PREFILL_BYTES (128u * KIB)

struct job;

/* Starts the next call of the job; sets job->next. */
typedef int job_start_fn(struct job *job, struct ql_error *error);

/* One kind of call for many logs, some at once. */
struct job {
    struct qb_logs *logs;
    const struct qb_options *options;
    const struct qb_data *data;
    struct ql_client *client;
    job_start_fn *start;
    struct qb_log *next; /* the log that is to have its call */
    size_t under_way;
    uint64_t wanted;  /* entries that each log should have */
    uint64_t planned; /* that the next log has or will have */
    struct ql_entry *entries;
    struct ql_error failed; /* the first */
};

static int name_logs(struct qb_logs *logs, const struct qb_options *options,
                     struct err *err);
static int run(struct job *job, const char *endpoints, const char *what,
               struct err *err);
static job_start_fn start_create;
static job_start_fn start_stat;
static job_start_fn start_append;
static job_start_fn start_delete;
static void on_created(void *data, const struct ql_log_stat *stat,
                       const struct ql_error *error);
static void on_stat(void *data, const struct ql_log_stat *stat,
                    const struct ql_error *error);
static void on_deleted(void *data, const struct ql_log_stat *stat,
                       const struct ql_error *error);
static void on_appended(void *data, const struct ql_append_result *result,
                        const struct ql_error *error);
static int prefill(struct qb_logs *logs, const struct qb_options *options,
                   const char *endpoints, const struct qb_data *data,
                   struct err *err);

int qb_logs_make(struct qb_logs *logs, const struct qb_options *options,
                 const char *endpoints, const struct qb_data *data,
                 struct err *err)
{
    struct job job = {.logs = logs, .options = options, .start = start_create};
    int rv = name_logs(logs, options, err);

    if (rv == 0) {
        rv = run(&job, endpoints, "make the logs", err);
    }
    if (rv == 0) {
        rv = qb_logs_look(logs, options, endpoints, err);
    }
    if (rv == 0 && options->prefill > 0) {
        rv = prefill(logs, options, endpoints, data, err);
    }
    return rv;
}

int qb_logs_look(struct qb_logs *logs, const struct qb_options *options,
                 const char *endpoints, struct err *err)
{
    struct job job = {.logs = logs, .options = options, .start = start_stat};

    return run(&job, endpoints, "look at the logs", err);
}

int qb_logs_delete(struct qb_logs *logs, const struct qb_options *options,
                   const char *endpoints, struct err *err)
{
    struct job job = {.logs = logs, .options = options, .start = start_delete};

    /* Before any was named there may be no cluster to ask. */
    if (logs->count == 0) {
        return 0;
    }
    return run(&job, endpoints, "delete the logs", err);
}

void qb_logs_close(struct qb_logs *logs)
{
    for (size_t i = 0; i < logs->count; i++) {
        free(logs->logs[i].name);
    }
    free(logs->logs);
    *logs = (struct qb_logs){.count = 0};
}

static int name_logs(struct qb_logs *logs, const struct qb_options *options,
                     struct err *err)
{
    char own[64];
    const char *prefix = options->log;

    if (prefix == NULL) {
        (void)snprintf(own, sizeof own, "quorlog-bench/%08x",
                       (unsigned)(random_u64() & UINT32_MAX));
        prefix = own;
    }
    logs->logs = calloc((size_t)options->logs, sizeof *logs->logs);
    while (logs->logs != NULL && logs->count < options->logs) {
        struct qb_log *log = &logs->logs[logs->count];
        int len = options->logs == 1
                      ? asprintf(&log->name, "%s", prefix)
                      : asprintf(&log->name, "%s/%06zu", prefix, logs->count);

        if (len < 0) {
            log->name = NULL;
            break;
        }
        if (len > QL_LOG_NAME_MAX) {
            free(log->name);
            return err_set(err, QL_INVALID, "--log is too long");
        }
        log->job = NULL;
        logs->count++;
    }
    if (logs->count < options->logs) {
        return err_set(err, QL_NO_MEMORY, "out of memory");
    }
    return 0;
}

static int run(struct job *job, const char *endpoints, const char *what,
               struct err *err)
{
    struct ql_client_options options = QL_CLIENT_OPTIONS_INIT;
    const struct qb_log *end = job->logs->logs + job->logs->count;
    struct ql_error error;
    int rv;

    options.endpoints = endpoints;
    options.name = "quorlog-bench";
    options.timeout_ms = CALL_TIMEOUT_MS;
    options.bytes_max = BYTES_MAX;
    rv = ql_client_new(&job->client, &options, &error);
    if (rv != 0) {
        return err_set(err, rv, "%s: %s", what, error.text);
    }
    job->next = job->logs->logs;
    while (job->failed.code == 0 && (job->next < end || job->under_way > 0)) {
        while (job->next < end && job->under_way < CALLS_AT_ONCE &&
               job->failed.code == 0) {
            job->next->job = job;
            rv = job->start(job, &error);
            if (rv != 0) {
                job->failed = error;
                job->failed.code = rv;
            }
        }
        (void)ql_client_wait(job->client, WAIT_MS);
    }
    ql_client_free(job->client);
    return job->failed.code == 0 ? 0
                                 : err_set(err, job->failed.code, "%s: %s",
                                           what, job->failed.text);
}

static int start_create(struct job *job, struct ql_error *error)
{
    struct qb_log *log = job->next++;

    job->under_way++;
    return ql_log_create_async(job->client, log->name, NULL, on_created, log,
                               error);
}

static int start_stat(struct job *job, struct ql_error *error)
{
    struct qb_log *log = job->next++;

    job->under_way++;
    return ql_log_stat_async(job->client, log->name, QL_LINEARIZABLE, on_stat,
                             log, error);
}

static int start_delete(struct job *job, struct ql_error *error)
{
    struct qb_log *log = job->next++;

    if (!log->made) {
        return 0;
    }
    job->under_way++;
    return ql_log_delete_async(job->client, log->name, on_deleted, log, error);
}

/* Takes what ended with @error, or NULL. */
static void count_end(struct job *job, const struct ql_error *error)
{
    job->under_way--;
    if (error != NULL && job->failed.code == 0) {
        job->failed = *error;
    }
}

static void on_created(void *data, const struct ql_log_stat *stat,
                       const struct ql_error *error)
{
    struct qb_log *log = data;

    (void)stat;
    log->made = error == NULL;
    count_end(log->job, error != NULL && error->code == QL_EXISTS &&
                                ((struct job *)log->job)->options->log != NULL
                            ? NULL
                            : error);
}

static void on_stat(void *data, const struct ql_log_stat *stat,
                    const struct ql_error *error)
{
    struct qb_log *log = data;

    if (error == NULL) {
        log->head = stat->head;
        log->tail = stat->tail;
    }
    count_end(log->job, error);
}

static void on_deleted(void *data, const struct ql_log_stat *stat,
                       const struct ql_error *error)
{
    struct qb_log *log = data;

    (void)stat;
    log->made = false;
    count_end(log->job,
              error != NULL && error->code == QL_NOT_FOUND ? NULL : error);
}

static int prefill(struct qb_logs *logs, const struct qb_options *options,
                   const char *endpoints, const struct qb_data *data,
                   struct err *err)
{
    struct job job = {.logs = logs,
                      .options = options,
                      .data = data,
                      .start = start_append,
                      .wanted =
                          (options->prefill + logs->count - 1) / logs->count};
    int rv;

    job.planned = logs->logs[0].tail - logs->logs[0].head;
    job.entries = calloc(PREFILL_ENTRIES, sizeof *job.entries);
    if (job.entries == NULL) {
        return err_set(err, QL_NO_MEMORY, "out of memory");
    }
    rv = run(&job, endpoints, "fill the logs", err);
    free(job.entries);
    return rv;
}

static int start_append(struct job *job, struct ql_error *error)
{
    struct qb_log *log = job->next;
    size_t entry_len = job->data->value_len + job->data->key_len;
    size_t most = PREFILL_BYTES / (entry_len + 1) + 1;
    uint64_t missing =
        job->wanted > job->planned ? job->wanted - job->planned : 0;
    struct ql_append_part part = {.log = log->name, .entries = job->entries};

    most = most < PREFILL_ENTRIES ? most : PREFILL_ENTRIES;
    part.count = missing < most ? (size_t)missing : most;
    for (size_t i = 0; i < part.count; i++) {
        qb_data_entry(job->data, job->planned + i, &job->entries[i]);
    }
    job->planned += part.count;
    if (missing <= most) {
        job->next++;
        if (job->next < job->logs->logs + job->logs->count) {
            job->planned = job->next->tail - job->next->head;
        }
    }
    if (part.count == 0) {
        return 0;
    }
    job->under_way++;
    return ql_append_async(job->client, &part, 1, NULL, on_appended, log,
                           error);
}

static void on_appended(void *data, const struct ql_append_result *result,
                        const struct ql_error *error)
{
    struct qb_log *log = data;

    if (error == NULL) {
        uint64_t tail = result->places[0].first + result->places[0].count;

        log->tail = tail > log->tail ? tail : log->tail;
    }
    count_end(log->job, error);
}
