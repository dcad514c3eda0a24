/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* The blocking calls about logs. */
#include <stdlib.h>
#include <string.h>

#include "client/admin.h"
#include "client/append.h"
#include "client/client.h"
#include "client/sync.h"

struct sync_stat {
    struct sync sync;
    struct ql_log_stat *stat; /* the caller's, or NULL */
};

struct sync_list {
    struct sync sync;
    struct ql_log_stat *stats;
    size_t count;
    bool more;
};

static void on_stat(void *data, const struct ql_log_stat *stat,
                    const struct ql_error *error);
static void on_page(void *data, const struct ql_log_stat *stats, size_t count,
                    bool more, const struct ql_error *error);
static int fetch_page(struct sync_list *list, const char *prefix,
                      enum ql_consistency consistency, struct ql_error *error);

int ql_log_create(struct ql_client *client, const char *log,
                  const struct ql_retention *retention,
                  struct ql_log_stat *ret_stat, struct ql_error *error)
{
    struct sync_stat wait = {.stat = ret_stat};
    int rv = sync_begin(&wait.sync, client, error);

    if (rv != 0) {
        return rv;
    }
    rv = ql_log_create_async(client, log, retention, on_stat, &wait, error);
    return sync_end(&wait.sync, rv, error);
}

int ql_log_configure(struct ql_client *client, const char *log,
                     const struct ql_retention *retention,
                     struct ql_log_stat *ret_stat, struct ql_error *error)
{
    struct sync_stat wait = {.stat = ret_stat};
    int rv = sync_begin(&wait.sync, client, error);

    if (rv != 0) {
        return rv;
    }
    rv = ql_log_configure_async(client, log, retention, on_stat, &wait, error);
    return sync_end(&wait.sync, rv, error);
}

int ql_log_delete(struct ql_client *client, const char *log,
                  struct ql_log_stat *ret_stat, struct ql_error *error)
{
    struct sync_stat wait = {.stat = ret_stat};
    int rv = sync_begin(&wait.sync, client, error);

    if (rv != 0) {
        return rv;
    }
    rv = ql_log_delete_async(client, log, on_stat, &wait, error);
    return sync_end(&wait.sync, rv, error);
}

int ql_log_trim(struct ql_client *client, const char *log, uint64_t before,
                struct ql_log_stat *ret_stat, struct ql_error *error)
{
    struct sync_stat wait = {.stat = ret_stat};
    int rv = sync_begin(&wait.sync, client, error);

    if (rv != 0) {
        return rv;
    }
    rv = ql_log_trim_async(client, log, before, on_stat, &wait, error);
    return sync_end(&wait.sync, rv, error);
}

int ql_log_stat(struct ql_client *client, const char *log,
                enum ql_consistency consistency, struct ql_log_stat *ret_stat,
                struct ql_error *error)
{
    struct sync_stat wait = {.stat = ret_stat};
    int rv = sync_begin(&wait.sync, client, error);

    if (rv != 0) {
        return rv;
    }
    rv = ql_log_stat_async(client, log, consistency, on_stat, &wait, error);
    return sync_end(&wait.sync, rv, error);
}

int writer_acquire(struct ql_client *client, const char *log, const char *name,
                   struct ql_log_stat *ret_stat, struct ql_error *error)
{
    struct sync_stat wait = {.stat = ret_stat};
    int rv = sync_begin(&wait.sync, client, error);

    if (rv != 0) {
        return rv;
    }
    rv = ql_writer_acquire_async(client, log, name, on_stat, &wait, error);
    return sync_end(&wait.sync, rv, error);
}

int ql_writer_release_epoch(struct ql_client *client, const char *log,
                            uint64_t epoch, struct ql_log_stat *ret_stat,
                            struct ql_error *error)
{
    struct sync_stat wait = {.stat = ret_stat};
    int rv = sync_begin(&wait.sync, client, error);

    if (rv != 0) {
        return rv;
    }
    rv = ql_writer_release_async(client, log, epoch, on_stat, &wait, error);
    return sync_end(&wait.sync, rv, error);
}

static void on_stat(void *data, const struct ql_log_stat *stat,
                    const struct ql_error *error)
{
    struct sync_stat *wait = data;

    if (error == NULL && wait->stat != NULL) {
        *wait->stat = *stat;
    }
    sync_done(&wait->sync, error);
}

/* ---- All logs ------------------------------------------------------------ */

int ql_log_list(struct ql_client *client, const char *prefix,
                enum ql_consistency consistency, struct ql_log_stat **ret_stats,
                size_t *ret_count, struct ql_error *error)
{
    struct sync_list list = {.more = true};
    int rv = sync_begin(&list.sync, client, error);

    while (rv == 0 && list.more) {
        rv = fetch_page(&list, prefix, consistency, error);
    }
    if (rv != 0) {
        free(list.stats);
        return rv;
    }
    *ret_stats = list.stats;
    *ret_count = list.count;
    return 0;
}

void ql_free(void *pointer)
{
    free(pointer);
}

static int fetch_page(struct sync_list *list, const char *prefix,
                      enum ql_consistency consistency, struct ql_error *error)
{
    char after[QL_LOG_NAME_MAX + 1] = "";
    int rv;

    if (list->count > 0) {
        memcpy(after, list->stats[list->count - 1].name, sizeof(after));
    }
    if (list->count >= LOGS_MAX) {
        return error_set(error, QL_PROTOCOL,
                         "the server lists more logs than a cluster can have");
    }
    list->sync.done = false;
    rv = log_page_start(list->sync.client, prefix,
                        list->count > 0 ? after : NULL, consistency, on_page,
                        list, error);
    return sync_end(&list->sync, rv, error);
}

static void on_page(void *data, const struct ql_log_stat *stats, size_t count,
                    bool more, const struct ql_error *error)
{
    struct sync_list *list = data;
    struct ql_log_stat *grown;
    struct ql_error own;

    list->more = more;
    if (error == NULL && count > 0) {
        grown = realloc(list->stats, (list->count + count) * sizeof(*grown));
        if (grown == NULL) {
            error_set(&own, QL_NO_MEMORY, "out of memory for a list of logs");
            error = &own;
        } else {
            memcpy(grown + list->count, stats, count * sizeof(*grown));
            list->stats = grown;
            list->count += count;
        }
    }
    sync_done(&list->sync, error);
}
