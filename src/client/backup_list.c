/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* What backups there are, and what is in one. */
#include <stdlib.h>
#include <string.h>

#include "client/backup_public.h"
#include "client/client.h"
#include "client/log_call.h"
#include "client/op.h"
#include "client/sync.h"

/* A list is one block: it may be kept by a plain copy. */
struct list_block {
    struct ql_backup_list list;
    struct ql_backup backups[];
};

struct sync_list {
    struct sync sync;
    struct list_block *block; /* what came, the caller's */
};

struct sync_show {
    struct sync sync;
    struct ql_backup_show *show; /* what came so far */
    struct ql_log_stat *stats;   /* of it */
};

static int give_list(struct op *op, struct bytes result,
                     const struct ql_error *error, struct err *err);
static struct list_block *block_new(const struct backup_list_result *result);
static void on_list(void *data, const struct ql_backup_list *list,
                    const struct ql_error *error);
static int give_show(struct op *op, struct bytes result,
                     const struct ql_error *error, struct err *err);
static int fetch_page(struct sync_show *wait, const char *name,
                      const struct ql_backup_options *options,
                      struct ql_error *error);
static void on_show(void *data, const struct ql_backup_show *show,
                    const struct ql_error *error);

/* ---- The list ------------------------------------------------------------ */

int ql_backup_list_async(struct ql_client *client,
                         const struct ql_backup_options *options,
                         ql_backup_list_cb cb, void *data,
                         struct ql_error *error)
{
    struct ql_backup_options given;
    struct op *op;
    int rv = client_options_copy(&given, sizeof(given), options, error);

    if (rv != 0) {
        return rv;
    }
    op = op_new(client, METHOD_BACKUP_LIST, give_list, error);
    if (op == NULL) {
        return QL_NO_MEMORY;
    }
    op->cb.backup_list = cb;
    op->data = data;
    return op_start(op, 0, given.endpoint, given.timeout_ms, error);
}

int ql_backup_list(struct ql_client *client,
                   const struct ql_backup_options *options,
                   struct ql_backup_list **ret_list, struct ql_error *error)
{
    struct sync_list wait = {.block = NULL};
    int rv = sync_begin(&wait.sync, client, error);

    if (rv != 0) {
        return rv;
    }
    rv = ql_backup_list_async(client, options, on_list, &wait, error);
    rv = sync_end(&wait.sync, rv, error);
    if (rv == 0) {
        *ret_list = &wait.block->list;
    }
    return rv;
}

void ql_backup_list_free(struct ql_backup_list *list)
{
    free(list);
}

static int give_list(struct op *op, struct bytes result,
                     const struct ql_error *error, struct err *err)
{
    struct backup_list_result list;
    struct list_block *block = NULL;
    int rv;

    if (error == NULL) {
        rv = backup_list_result_decode(&list, result, err);
        if (rv != 0) {
            return rv;
        }
        block = block_new(&list);
        backup_list_result_close(&list);
        if (block == NULL) {
            return err_set(err, QL_NO_MEMORY, "out of memory");
        }
    }
    if (op->cb.backup_list != NULL) {
        op->cb.backup_list(op->data, block == NULL ? NULL : &block->list,
                           error);
    }
    free(block);
    return 0;
}

static struct list_block *block_new(const struct backup_list_result *result)
{
    struct list_block *block =
        calloc(1, sizeof(*block) + result->count * sizeof(block->backups[0]));
    size_t i;

    if (block == NULL) {
        return NULL;
    }
    block->list.node_id = result->node;
    block->list.leader_id = result->leader;
    error_copy_text(block->list.directory, sizeof(block->list.directory),
                    result->directory);
    error_copy_text(block->list.problem, sizeof(block->list.problem),
                    result->problem);
    block->list.interval_ms = result->interval_ms;
    block->list.max_saved = result->max_saved;
    block->list.last_success_ms = result->last_success_ms;
    block->list.last_verified_ms = result->last_verified_ms;
    block->list.failures = result->failures;
    block->list.pool_bytes = result->pool_bytes;
    for (i = 0; i < result->count; i++) {
        backup_public_item(&block->backups[i], &result->items[i]);
    }
    block->list.backups = block->backups;
    block->list.count = result->count;
    return block;
}

static void on_list(void *data, const struct ql_backup_list *list,
                    const struct ql_error *error)
{
    struct sync_list *wait = data;
    struct ql_error own;
    size_t len;

    if (error == NULL) {
        len = sizeof(*wait->block) + list->count * sizeof(*list->backups);
        wait->block = malloc(len);
        if (wait->block == NULL) {
            error_set(&own, QL_NO_MEMORY, "out of memory for a list");
            error = &own;
        } else {
            wait->block->list = *list;
            wait->block->list.backups = wait->block->backups;
            memcpy(wait->block->backups, list->backups,
                   list->count * sizeof(*list->backups));
        }
    }
    sync_done(&wait->sync, error);
}

/* ---- One backup and its logs --------------------------------------------- */

int ql_backup_show_async(struct ql_client *client, const char *name,
                         const char *after,
                         const struct ql_backup_options *options,
                         ql_backup_show_cb cb, void *data,
                         struct ql_error *error)
{
    struct ql_backup_options given;
    struct backup_show_args args = {.after = op_bytes(after)};
    struct op *op;
    int rv = client_options_copy(&given, sizeof(given), options, error);

    if (rv == 0) {
        rv = op_backup_name(args.name, name, error);
    }
    if (rv == 0 && args.after.len > LOG_NAME_MAX) {
        rv = error_set(error, QL_INVALID,
                       "the name of a log has at most %d bytes", LOG_NAME_MAX);
    }
    if (rv != 0) {
        return rv;
    }
    op = op_new(client, METHOD_BACKUP_SHOW, give_show, error);
    if (op == NULL) {
        return QL_NO_MEMORY;
    }
    op->cb.backup_show = cb;
    op->data = data;
    return op_start(op, backup_show_args_encode(&args, &op->request.params),
                    given.endpoint, given.timeout_ms, error);
}

int ql_backup_show(struct ql_client *client, const char *name,
                   const struct ql_backup_options *options,
                   struct ql_backup_show **ret_show, struct ql_error *error)
{
    struct sync_show wait = {.show = NULL};
    int rv = sync_begin(&wait.sync, client, error);

    if (rv != 0) {
        return rv;
    }
    wait.show = calloc(1, sizeof(*wait.show));
    if (wait.show == NULL) {
        return error_set(error, QL_NO_MEMORY, "out of memory");
    }
    do {
        rv = fetch_page(&wait, name, options, error);
    } while (rv == 0 && wait.show->more);
    wait.show->stats = wait.stats;
    if (rv != 0) {
        ql_backup_show_free(wait.show);
        return rv;
    }
    *ret_show = wait.show;
    return 0;
}

void ql_backup_show_free(struct ql_backup_show *show)
{
    if (show != NULL) {
        free((void *)show->stats);
        free(show);
    }
}

static int fetch_page(struct sync_show *wait, const char *name,
                      const struct ql_backup_options *options,
                      struct ql_error *error)
{
    char after[QL_LOG_NAME_MAX + 1] = "";
    int rv;

    if (wait->show->count > 0) {
        memcpy(after, wait->stats[wait->show->count - 1].name, sizeof(after));
    }
    if (wait->show->count >= LOGS_MAX) {
        return error_set(error, QL_PROTOCOL,
                         "the server lists more logs than a backup can have");
    }
    wait->sync.done = false;
    rv = ql_backup_show_async(wait->sync.client, name,
                              wait->show->count > 0 ? after : NULL, options,
                              on_show, wait, error);
    return sync_end(&wait->sync, rv, error);
}

static int give_show(struct op *op, struct bytes result,
                     const struct ql_error *error, struct err *err)
{
    struct backup_show_result show = {0};
    struct ql_backup_show given = {0};
    struct ql_log_stat *stats = NULL;
    size_t i;
    int rv = 0;

    if (error == NULL) {
        rv = backup_show_result_decode(&show, result, err);
        if (rv != 0) {
            return rv;
        }
        stats = calloc(show.count + 1, sizeof(*stats));
        if (stats == NULL) {
            rv = err_set(err, QL_NO_MEMORY, "out of memory");
        }
        for (i = 0; i < show.count && rv == 0; i++) {
            rv = log_stat_export(&stats[i], &show.logs[i], err);
        }
        backup_public_item(&given.backup, &show.backup);
        given.stats = stats;
        given.count = show.count;
        given.more = show.more && show.count > 0;
    }
    if (rv == 0 && op->cb.backup_show != NULL) {
        op->cb.backup_show(op->data, error == NULL ? &given : NULL, error);
    }
    backup_show_result_close(&show);
    free(stats);
    return rv;
}

/* Adds the page to what came before. */
static void on_show(void *data, const struct ql_backup_show *show,
                    const struct ql_error *error)
{
    struct sync_show *wait = data;
    struct ql_log_stat *grown;
    struct ql_error own;
    size_t count = wait->show->count;

    if (error == NULL) {
        grown =
            realloc(wait->stats, (count + show->count + 1) * sizeof(*grown));
        if (grown == NULL) {
            error_set(&own, QL_NO_MEMORY, "out of memory for a list of logs");
            error = &own;
        } else {
            memcpy(grown + count, show->stats,
                   show->count * sizeof(*show->stats));
            wait->stats = grown;
            wait->show->backup = show->backup;
            wait->show->count = count + show->count;
            wait->show->more = show->more;
        }
    }
    sync_done(&wait->sync, error);
}
