/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * An operator's call: one request, whose answer is decoded and given to the
 * program's callback. What differs from call to call is how to encode it, and one
 * function that knows its answer.
 */
#pragma once

#include "client/request.h"

struct op;

/* Decodes @result and gives it to the program; or gives it @error, unless that is
 * NULL. Returns other than 0, with a sentence, when @result cannot be decoded; then
 * nothing was given, and it is called again with an error. */
typedef int (*op_give_cb)(struct op *op, struct bytes result,
                          const struct ql_error *error, struct err *err);

/* The program's; may be NULL in each kind. */
union op_cb {
    ql_done_cb done;
    ql_settings_cb settings;
    ql_node_metrics_cb metrics;
    ql_backup_cb backup;
    ql_backup_list_cb backup_list;
    ql_backup_show_cb backup_show;
    ql_backup_verify_cb backup_verify;
    ql_export_piece_cb export_piece;
    ql_import_status_cb import_status;
    ql_recovery_stage_cb stage;
    ql_recovery_status_cb recovery_status;
    ql_recovery_last_cb last;
    ql_recovery_plan_cb plan;
    ql_scan_cb scan;
    ql_diff_cb diff;
};

struct op {
    struct request request;
    op_give_cb give;
    union op_cb cb;
    void *data;
    uint64_t number; /* for the one who gives */
};

/* Sets *error and returns NULL when there is no memory. */
struct op *op_new(struct ql_client *client, enum method method, op_give_cb give,
                  struct ql_error *error);
/* Starts it once its params are encoded (@encoded is what that returned), at
 * @endpoint (NULL: wherever its method belongs). Frees it when it cannot. */
int op_start(struct op *op, int encoded, const char *endpoint,
             uint32_t timeout_ms, struct ql_error *error);
/* An answer that is success alone: op->cb.done. */
int op_give_done(struct op *op, struct bytes result,
                 const struct ql_error *error, struct err *err);

/* Starts @request, whose params are encoded, at one node rather than at whichever
 * the client is connected with. */
int op_start_at(struct request *request, const char *endpoint,
                uint32_t timeout_ms, struct ql_error *error);
/* Checks a backup's name and copies it, with its NUL. */
int op_backup_name(char *ret_name, const char *name, struct ql_error *error);
/* NULL gives no bytes. */
struct bytes op_bytes(const char *text);
