/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* How the staged logs differ from the live ones. */
#include <stdlib.h>

#include "client/client.h"
#include "client/op.h"
#include "wire/args_scan.h"

/* A page as it is given. */
struct diff_block {
    struct ql_diff_page page;
    char after[QL_LOG_NAME_MAX + 1];
    struct ql_diff_example *examples; /* of all logs, owned */
    struct ql_diff_log logs[];
};

static int give_page(struct op *op, struct bytes result,
                     const struct ql_error *error, struct err *err);
static struct diff_block *block_new(const struct recovery_diff_result *diff);
static void block_free(struct diff_block *block);
static void export_log(struct ql_diff_log *ret, struct ql_diff_example *room,
                       const struct diff_log *log);
static void export_side(struct ql_diff_side *ret, const struct diff_side *side);

_Static_assert((int)QL_DIFF_SAME == (int)DIFF_SAME &&
                   (int)QL_DIFF_STAGED_ONLY == (int)DIFF_STAGED_ONLY &&
                   (int)QL_DIFF_LIVE_ONLY == (int)DIFF_LIVE_ONLY &&
                   (int)QL_DIFF_STAGED_AHEAD == (int)DIFF_STAGED_AHEAD &&
                   (int)QL_DIFF_LIVE_AHEAD == (int)DIFF_LIVE_AHEAD &&
                   (int)QL_DIFF_DIFFERS == (int)DIFF_DIFFERS,
               "the same kinds, inside and outside");

int ql_recovery_diff_async(struct ql_client *client,
                           const struct ql_diff_options *options, ql_diff_cb cb,
                           void *data, struct ql_error *error)
{
    struct ql_diff_options given;
    struct recovery_diff_args args = {.limit = DIFF_LOGS_MAX};
    struct op *op;
    int rv = client_options_copy(&given, sizeof(given), options, error);

    if (rv != 0) {
        return rv;
    }
    args.logs = op_bytes(given.logs);
    args.after = op_bytes(given.after);
    if (args.logs.len > LOG_NAME_MAX || args.after.len > LOG_NAME_MAX) {
        return error_set(error, QL_INVALID,
                         "the name of a log has at most %d bytes",
                         LOG_NAME_MAX);
    }
    op = op_new(client, METHOD_RECOVERY_DIFF, give_page, error);
    if (op == NULL) {
        return QL_NO_MEMORY;
    }
    op->cb.diff = cb;
    op->data = data;
    return op_start(op, recovery_diff_args_encode(&args, &op->request.params),
                    NULL, given.timeout_ms, error);
}

static int give_page(struct op *op, struct bytes result,
                     const struct ql_error *error, struct err *err)
{
    struct recovery_diff_result diff = {0};
    struct diff_block *block = NULL;
    int rv = 0;

    if (error == NULL) {
        rv = recovery_diff_result_decode(&diff, result, err);
        if (rv != 0) {
            return rv;
        }
        if (diff.more && diff.count == 0 && diff.after.len == 0) {
            rv = err_set(err, QL_PROTOCOL, "more, but after no log");
            goto close_diff;
        }
        block = block_new(&diff);
        if (block == NULL) {
            rv = err_set(err, QL_NO_MEMORY, "out of memory");
            goto close_diff;
        }
    }
    if (op->cb.diff != NULL) {
        op->cb.diff(op->data, block == NULL ? NULL : &block->page, error);
    }

close_diff:
    block_free(block);
    recovery_diff_result_close(&diff);
    return rv;
}

static struct diff_block *block_new(const struct recovery_diff_result *diff)
{
    struct diff_block *block =
        calloc(1, sizeof(*block) + diff->count * sizeof(block->logs[0]));
    struct bytes after = diff->after;
    size_t i;

    if (block == NULL) {
        return NULL;
    }
    block->examples =
        calloc(diff->count * DIFF_EXAMPLES_MAX + 1, sizeof(*block->examples));
    if (block->examples == NULL) {
        free(block);
        return NULL;
    }
    for (i = 0; i < diff->count; i++) {
        export_log(&block->logs[i], block->examples + i * DIFF_EXAMPLES_MAX,
                   &diff->logs[i]);
        if (diff->after.len == 0) {
            after = diff->logs[i].name;
        }
    }
    block->page.stage = diff->stage;
    block->page.revision = diff->revision;
    block->page.state_index = diff->state_index;
    block->page.logs = block->logs;
    block->page.count = diff->count;
    block->page.more = diff->more;
    if (diff->more) {
        error_copy_text(block->after, sizeof(block->after), after);
        block->page.after = block->after;
    }
    return block;
}

static void block_free(struct diff_block *block)
{
    if (block != NULL) {
        free(block->examples);
        free(block);
    }
}

static void export_log(struct ql_diff_log *ret, struct ql_diff_example *room,
                       const struct diff_log *log)
{
    size_t i;

    error_copy_text(ret->name, sizeof(ret->name), log->name);
    ret->kind = (enum ql_diff_kind)log->kind;
    ret->common = log->common;
    export_side(&ret->staged, &log->staged);
    export_side(&ret->live, &log->live);
    for (i = 0; i < log->examples_count; i++) {
        const struct diff_example *from = &log->examples[i];

        room[i].live = from->live;
        room[i].entry = (struct ql_entry){
            .key = from->has_key ? from->key.data : NULL,
            .key_len = from->key.len,
            .value = from->value.data,
            .value_len = from->value.len,
            .position = from->position,
            .time_ms = from->time_ms,
        };
    }
    ret->examples = room;
    ret->example_count = log->examples_count;
}

static void export_side(struct ql_diff_side *ret, const struct diff_side *side)
{
    ret->head = side->head;
    ret->tail = side->tail;
    ret->entries = side->entries;
}
