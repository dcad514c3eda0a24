/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "client/sync.h"

#include <string.h>

#include "client/append.h"
#include "client/client.h"
#include "client/cluster.h"

struct sync_append {
    struct sync sync;
    struct ql_append_place *places; /* one a part, the caller's; or NULL */
};

struct sync_status {
    struct sync sync;
    struct ql_cluster_status *status; /* the caller's, or NULL */
};

static void on_append(void *data, const struct ql_append_result *result,
                      const struct ql_error *error);
static void on_status(void *data, const struct ql_cluster_status *status,
                      const struct ql_error *error);

int sync_begin(struct sync *sync, struct ql_client *client,
               struct ql_error *error)
{
    memset(sync, 0, sizeof(*sync));
    sync->client = client;
    if (client->processing) {
        return error_set(error, QL_INVALID,
                         "a callback must not make a blocking call");
    }
    return 0;
}

int sync_end(struct sync *sync, int rv, struct ql_error *error)
{
    if (rv != 0) {
        return rv;
    }
    while (!sync->done) {
        (void)ql_client_wait(sync->client, -1);
    }
    return sync->code == 0 ? 0 : error_copy(error, &sync->error);
}

void sync_done(struct sync *sync, const struct ql_error *error)
{
    sync->done = true;
    if (error != NULL) {
        sync->code = error->code;
        sync->error = *error;
    }
}

void sync_on_done(void *data, const struct ql_error *error)
{
    sync_done(data, error);
}

void sync_pause(struct ql_client *client, uint32_t ms)
{
    uint64_t until = client_now(client) + ms;
    uint64_t now;

    for (now = client_now(client); now < until; now = client_now(client)) {
        (void)ql_client_wait(client, (int)(until - now));
    }
}

/* ---- Appending ----------------------------------------------------------- */

int ql_append(struct ql_client *client, const char *log,
              const struct ql_entry *entries, size_t count,
              const struct ql_append_options *options, uint64_t *ret_first,
              struct ql_error *error)
{
    const struct ql_append_part part = {
        .log = log,
        .entries = entries,
        .count = count,
    };
    struct ql_append_place place;
    int rv = append_and_wait(client, &part, 1, options, 0, &place, error);

    if (rv == 0 && ret_first != NULL) {
        *ret_first = place.first;
    }
    return rv;
}

int ql_append_parts(struct ql_client *client,
                    const struct ql_append_part *parts, size_t count,
                    const struct ql_append_options *options,
                    struct ql_append_place *ret_places, struct ql_error *error)
{
    return append_and_wait(client, parts, count, options, 0, ret_places, error);
}

int append_and_wait(struct ql_client *client,
                    const struct ql_append_part *parts, size_t count,
                    const struct ql_append_options *options, uint64_t writer,
                    struct ql_append_place *ret_places, struct ql_error *error)
{
    struct sync_append wait = {.places = NULL};
    int rv = sync_begin(&wait.sync, client, error);

    if (rv != 0) {
        return rv;
    }
    wait.places = ret_places;
    client->blocking = true;
    rv = append_start(client, parts, count, options, writer, on_append, &wait,
                      error);
    client->blocking = false;
    return sync_end(&wait.sync, rv, error);
}

int ql_append_status(struct ql_client *client, uint64_t producer,
                     uint64_t sequence, struct ql_error *error)
{
    struct sync_append wait = {.places = NULL};
    int rv = sync_begin(&wait.sync, client, error);

    if (rv != 0) {
        return rv;
    }
    rv = ql_append_status_async(client, producer, sequence, on_append, &wait,
                                error);
    return sync_end(&wait.sync, rv, error);
}

static void on_append(void *data, const struct ql_append_result *result,
                      const struct ql_error *error)
{
    struct sync_append *wait = data;

    if (error == NULL && wait->places != NULL) {
        memcpy(wait->places, result->places,
               result->count * sizeof(*result->places));
    }
    sync_done(&wait->sync, error);
}

/* ---- The cluster --------------------------------------------------------- */

int ql_cluster_status(struct ql_client *client, const char *endpoint,
                      struct ql_cluster_status *ret_status,
                      struct ql_error *error)
{
    struct sync_status wait = {.status = NULL};
    int rv = sync_begin(&wait.sync, client, error);

    if (rv != 0) {
        return rv;
    }
    wait.status = ret_status;
    rv = ql_cluster_status_async(client, endpoint, on_status, &wait, error);
    return sync_end(&wait.sync, rv, error);
}

int ql_cluster_transfer(struct ql_client *client, uint64_t to,
                        struct ql_error *error)
{
    struct sync wait;
    int rv = sync_begin(&wait, client, error);

    if (rv != 0) {
        return rv;
    }
    rv = cluster_transfer_start(client, to, sync_on_done, &wait, error);
    return sync_end(&wait, rv, error);
}

int ql_cluster_confirm_clock(struct ql_client *client, struct ql_error *error)
{
    struct sync wait;
    int rv = sync_begin(&wait, client, error);

    if (rv != 0) {
        return rv;
    }
    rv = cluster_confirm_clock_start(client, sync_on_done, &wait, error);
    return sync_end(&wait, rv, error);
}

int ql_cluster_freeze(struct ql_client *client, const char *reason,
                      const char *by, struct ql_error *error)
{
    struct sync wait;
    int rv = sync_begin(&wait, client, error);

    if (rv != 0) {
        return rv;
    }
    rv = cluster_freeze_start(client, reason, by, sync_on_done, &wait, error);
    return sync_end(&wait, rv, error);
}

int ql_cluster_thaw(struct ql_client *client, struct ql_error *error)
{
    struct sync wait;
    int rv = sync_begin(&wait, client, error);

    if (rv != 0) {
        return rv;
    }
    rv = cluster_thaw_start(client, sync_on_done, &wait, error);
    return sync_end(&wait, rv, error);
}

static void on_status(void *data, const struct ql_cluster_status *status,
                      const struct ql_error *error)
{
    struct sync_status *wait = data;

    if (error == NULL && wait->status != NULL) {
        *wait->status = *status;
    }
    sync_done(&wait->sync, error);
}
