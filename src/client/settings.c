/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* cluster.settings. */
#include "client/client.h"
#include "client/op.h"
#include "client/sync.h"
#include "wire/args_settings.h"

struct sync_settings {
    struct sync sync;
    struct ql_settings *settings; /* the caller's, or NULL */
};

static int give(struct op *op, struct bytes result,
                const struct ql_error *error, struct err *err);
static void on_settings(void *data, const struct ql_settings *settings,
                        const struct ql_error *error);

int ql_cluster_settings_async(struct ql_client *client,
                              const struct ql_settings_change *change,
                              ql_settings_cb cb, void *data,
                              struct ql_error *error)
{
    struct ql_settings_change given;
    struct settings_args args = {0};
    struct op *op;
    int rv = client_options_copy(&given, sizeof(given), change, error);

    if (rv != 0) {
        return rv;
    }
    args.has_interval = given.set_backup_interval;
    args.backup_interval_ms =
        given.set_backup_interval ? given.backup_interval_ms : 0;
    args.max_saved_backups = given.max_saved_backups;
    op = op_new(client, METHOD_CLUSTER_SETTINGS, give, error);
    if (op == NULL) {
        return QL_NO_MEMORY;
    }
    op->cb.settings = cb;
    op->data = data;
    return op_start(op, settings_args_encode(&args, &op->request.params), NULL,
                    0, error);
}

int ql_cluster_settings(struct ql_client *client,
                        const struct ql_settings_change *change,
                        struct ql_settings *ret_settings,
                        struct ql_error *error)
{
    struct sync_settings wait = {.settings = NULL};
    int rv = sync_begin(&wait.sync, client, error);

    if (rv != 0) {
        return rv;
    }
    wait.settings = ret_settings;
    rv = ql_cluster_settings_async(client, change, on_settings, &wait, error);
    return sync_end(&wait.sync, rv, error);
}

static int give(struct op *op, struct bytes result,
                const struct ql_error *error, struct err *err)
{
    struct settings_result settings = {0};
    struct ql_settings given;
    int rv;

    if (error == NULL) {
        rv = settings_result_decode(&settings, result, err);
        if (rv != 0) {
            return rv;
        }
    }
    given.backup_interval_ms = settings.backup_interval_ms;
    given.max_saved_backups = settings.max_saved_backups;
    if (op->cb.settings != NULL) {
        op->cb.settings(op->data, error == NULL ? &given : NULL, error);
    }
    return 0;
}

static void on_settings(void *data, const struct ql_settings *settings,
                        const struct ql_error *error)
{
    struct sync_settings *wait = data;

    if (error == NULL && wait->settings != NULL) {
        *wait->settings = *settings;
    }
    sync_done(&wait->sync, error);
}
