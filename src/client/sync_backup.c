/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* Blocking calls about backups. */
#include "client/client.h"
#include "client/sync.h"

struct sync_backup {
    struct sync sync;
    struct ql_backup *backup; /* the caller's, or NULL */
};

struct sync_verify {
    struct sync sync;
    struct ql_backup_verified *verified; /* likewise */
};

static void on_backup(void *data, const struct ql_backup *backup,
                      const struct ql_error *error);
static void on_verified(void *data, const struct ql_backup_verified *verified,
                        const struct ql_error *error);

int ql_backup_create(struct ql_client *client, const char *name,
                     struct ql_backup *ret_backup, struct ql_error *error)
{
    struct sync_backup wait = {.backup = NULL};
    int rv = sync_begin(&wait.sync, client, error);

    if (rv != 0) {
        return rv;
    }
    wait.backup = ret_backup;
    rv = ql_backup_create_async(client, name, on_backup, &wait, error);
    return sync_end(&wait.sync, rv, error);
}

int ql_backup_verify(struct ql_client *client, const char *name,
                     const struct ql_backup_options *options,
                     struct ql_backup_verified *ret_verified,
                     struct ql_error *error)
{
    struct sync_verify wait = {.verified = NULL};
    int rv = sync_begin(&wait.sync, client, error);

    if (rv != 0) {
        return rv;
    }
    wait.verified = ret_verified;
    rv = ql_backup_verify_async(client, name, options, on_verified, &wait,
                                error);
    return sync_end(&wait.sync, rv, error);
}

int ql_backup_delete(struct ql_client *client, const char *name,
                     struct ql_error *error)
{
    struct sync wait;
    int rv = sync_begin(&wait, client, error);

    if (rv != 0) {
        return rv;
    }
    rv = ql_backup_delete_async(client, name, sync_on_done, &wait, error);
    return sync_end(&wait, rv, error);
}

static void on_backup(void *data, const struct ql_backup *backup,
                      const struct ql_error *error)
{
    struct sync_backup *wait = data;

    if (error == NULL && wait->backup != NULL) {
        *wait->backup = *backup;
    }
    sync_done(&wait->sync, error);
}

static void on_verified(void *data, const struct ql_backup_verified *verified,
                        const struct ql_error *error)
{
    struct sync_verify *wait = data;

    if (error == NULL && wait->verified != NULL) {
        *wait->verified = *verified;
    }
    sync_done(&wait->sync, error);
}
