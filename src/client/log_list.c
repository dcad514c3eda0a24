/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* Pages of logs. */
#include <stdlib.h>
#include <string.h>

#include "client/admin.h"
#include "client/client.h"

struct page_call {
    struct request request;
    log_page_cb cb; /* one of the two */
    ql_log_list_cb public_cb;
    void *data;
};

static int start(struct ql_client *client, const char *prefix,
                 const char *after, enum ql_consistency consistency,
                 const struct page_call *from, struct ql_error *error);
static void on_page(struct request *request, const struct answer *answer);
static int export_page(const struct log_list_result *page,
                       struct ql_log_stat **ret_stats, struct err *err);
static void give(const struct page_call *call, const struct ql_log_stat *stats,
                 size_t count, bool more, const struct ql_error *error);

int ql_log_list_async(struct ql_client *client, const char *prefix,
                      const char *after, enum ql_consistency consistency,
                      ql_log_list_cb cb, void *data, struct ql_error *error)
{
    const struct page_call from = {.public_cb = cb, .data = data};

    return start(client, prefix, after, consistency, &from, error);
}

int log_page_start(struct ql_client *client, const char *prefix,
                   const char *after, enum ql_consistency consistency,
                   log_page_cb cb, void *data, struct ql_error *error)
{
    const struct page_call from = {.cb = cb, .data = data};

    return start(client, prefix, after, consistency, &from, error);
}

static int start(struct ql_client *client, const char *prefix,
                 const char *after, enum ql_consistency consistency,
                 const struct page_call *from, struct ql_error *error)
{
    struct log_list_args args = {
        .max = LIST_PAGE_MAX,
        .stale = consistency == QL_STALE,
    };
    struct page_call *call;
    int rv;

    if (prefix != NULL) {
        args.prefix = (struct bytes){(const uint8_t *)prefix, strlen(prefix)};
    }
    if (after != NULL) {
        args.after = (struct bytes){(const uint8_t *)after, strlen(after)};
    }
    if (args.prefix.len > LOG_NAME_MAX || args.after.len > LOG_NAME_MAX) {
        return error_set(error, QL_INVALID,
                         "the name of a log has at most %d bytes",
                         LOG_NAME_MAX);
    }
    call = calloc(1, sizeof(*call));
    if (call == NULL) {
        return error_set(error, QL_NO_MEMORY, "out of memory");
    }
    *call = *from;
    request_init(&call->request, client, METHOD_LOG_LIST, on_page);
    call->request.any_node = args.stale;
    rv = log_list_args_encode(&args, &call->request.params);
    if (rv != 0) {
        rv = error_set(error, rv, "out of memory");
    } else {
        rv = request_start(&call->request, 0, error);
    }
    if (rv != 0) {
        request_close(&call->request);
        free(call);
    }
    return rv;
}

static void on_page(struct request *request, const struct answer *answer)
{
    struct page_call *call = LIST_ITEM(request, struct page_call, request);
    struct ql_log_stat *stats = NULL;
    struct log_list_result page = {0};
    struct ql_error error;
    struct err err;
    int rv;

    if (answer->error != NULL) {
        give(call, NULL, 0, false, answer->error);
        goto free_call;
    }
    rv = log_list_result_decode(&page, answer->result, &err);
    if (rv == 0) {
        rv = export_page(&page, &stats, &err);
    }
    if (rv == 0) {
        give(call, stats, page.count, page.more && page.count > 0, NULL);
    } else {
        error_set(&error, rv == QL_NO_MEMORY ? rv : QL_PROTOCOL, "log.list: %s",
                  err.text);
        give(call, NULL, 0, false, &error);
    }
    free(stats);
    log_list_result_close(&page);

free_call:
    request_close(request);
    free(call);
}

static int export_page(const struct log_list_result *page,
                       struct ql_log_stat **ret_stats, struct err *err)
{
    struct ql_log_stat *stats = calloc(page->count + 1, sizeof(*stats));
    size_t i;
    int rv = 0;

    if (stats == NULL) {
        return err_set(err, QL_NO_MEMORY, "out of memory");
    }
    for (i = 0; i < page->count && rv == 0; i++) {
        rv = log_stat_export(&stats[i], &page->stats[i], err);
    }
    if (rv != 0) {
        free(stats);
        return rv;
    }
    *ret_stats = stats;
    return 0;
}

static void give(const struct page_call *call, const struct ql_log_stat *stats,
                 size_t count, bool more, const struct ql_error *error)
{
    if (call->cb != NULL) {
        call->cb(call->data, stats, count, more, error);
    } else if (call->public_cb != NULL) {
        call->public_cb(call->data, stats, count, error);
    }
}
