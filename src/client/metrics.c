/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* What a node has counted of itself. */
#include <string.h>

#include "client/metrics_told.h"
#include "client/op.h"
#include "client/sync.h"
#include "wire/args_metrics.h"

struct sync_metrics {
    struct sync sync;
    struct ql_node_metrics *metrics; /* NULL until they are there */
};

static int give_metrics(struct op *op, struct bytes result,
                        const struct ql_error *error, struct err *err);
static void on_metrics(void *data, const struct ql_node_metrics *metrics,
                       const struct ql_error *error);

int ql_node_metrics_async(struct ql_client *client, const char *endpoint,
                          ql_node_metrics_cb cb, void *data,
                          struct ql_error *error)
{
    struct op *op = op_new(client, METHOD_SERVER_METRICS, give_metrics, error);

    if (op == NULL) {
        return QL_NO_MEMORY;
    }
    op->cb.metrics = cb;
    op->data = data;
    return op_start(op, 0, endpoint, 0, error);
}

int ql_node_metrics(struct ql_client *client, const char *endpoint,
                    struct ql_node_metrics **ret_metrics,
                    struct ql_error *error)
{
    struct sync_metrics wait = {.metrics = NULL};
    int rv = sync_begin(&wait.sync, client, error);

    if (rv != 0) {
        return rv;
    }
    rv = ql_node_metrics_async(client, endpoint, on_metrics, &wait, error);
    rv = sync_end(&wait.sync, rv, error);
    if (rv == 0) {
        *ret_metrics = wait.metrics;
    }
    return rv;
}

void ql_node_metrics_free(struct ql_node_metrics *metrics)
{
    metrics_told_free(metrics);
}

static int give_metrics(struct op *op, struct bytes result,
                        const struct ql_error *error, struct err *err)
{
    struct ql_node_metrics *metrics = NULL;
    struct metrics_result decoded;
    int rv;

    if (error == NULL) {
        rv = metrics_result_decode(&decoded, result, err);
        if (rv != 0) {
            return rv;
        }
        metrics = metrics_told_new(&decoded);
        metrics_result_close(&decoded);
        if (metrics == NULL) {
            return err_set(err, QL_NO_MEMORY, "out of memory");
        }
    }
    if (op->cb.metrics != NULL) {
        op->cb.metrics(op->data, metrics, error);
    }
    metrics_told_free(metrics);
    return 0;
}

static void on_metrics(void *data, const struct ql_node_metrics *metrics,
                       const struct ql_error *error)
{
    struct sync_metrics *wait = data;
    struct ql_error failure;

    if (error == NULL) {
        wait->metrics = metrics_told_copy(metrics);
        if (wait->metrics == NULL) {
            error_set(&failure, QL_NO_MEMORY, "out of memory");
            error = &failure;
        }
    }
    sync_done(&wait->sync, error);
}
