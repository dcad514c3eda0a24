/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "client/op.h"

#include <stdlib.h>
#include <string.h>

#include "client/client.h"
#include "client/probe.h"
#include "wire/backup_name.h"

#define PORT_DEFAULT 7420

static void on_answer(struct request *request, const struct answer *answer);

struct op *op_new(struct ql_client *client, enum method method, op_give_cb give,
                  struct ql_error *error)
{
    struct op *op = calloc(1, sizeof(*op));

    if (op == NULL) {
        error_set(error, QL_NO_MEMORY, "out of memory");
        return NULL;
    }
    request_init(&op->request, client, method, on_answer);
    op->request.any_node = !op->request.method->leader_only;
    op->give = give;
    return op;
}

int op_start(struct op *op, int encoded, const char *endpoint,
             uint32_t timeout_ms, struct ql_error *error)
{
    int rv;

    if (encoded != 0) {
        rv = error_set(error, encoded, "out of memory");
    } else if (endpoint != NULL) {
        rv = op_start_at(&op->request, endpoint, timeout_ms, error);
    } else {
        rv = request_start(&op->request, timeout_ms, error);
    }
    if (rv != 0) {
        request_close(&op->request);
        free(op);
    }
    return rv;
}

int op_start_at(struct request *request, const char *endpoint,
                uint32_t timeout_ms, struct ql_error *error)
{
    struct ql_client *client = request->client;
    struct address address;
    struct err err;
    int rv = address_parse(endpoint, PORT_DEFAULT, &address, &err);

    if (rv != 0) {
        return error_from_err(error, rv, &err);
    }
    rv = request_admit(request, error);
    if (rv != 0) {
        return rv;
    }
    request->deadline_ms = client_now(client) +
                           (timeout_ms == 0 ? client->timeout_ms : timeout_ms);
    return probe_start(client, &address, request, error);
}

int op_give_done(struct op *op, struct bytes result,
                 const struct ql_error *error, struct err *err)
{
    (void)result;
    (void)err;
    if (op->cb.done != NULL) {
        op->cb.done(op->data, error);
    }
    return 0;
}

int op_backup_name(char *ret_name, const char *name, struct ql_error *error)
{
    struct err err;
    size_t len = strlen(name);
    int rv = backup_name_check(name, len, &err);

    if (rv != 0) {
        return error_from_err(error, rv, &err);
    }
    memcpy(ret_name, name, len + 1);
    return 0;
}

struct bytes op_bytes(const char *text)
{
    return (struct bytes){(const uint8_t *)text,
                          text == NULL ? 0 : strlen(text)};
}

static void on_answer(struct request *request, const struct answer *answer)
{
    struct op *op = LIST_ITEM(request, struct op, request);
    struct ql_error error;
    struct err err = {0};
    int rv = op->give(op, answer->result, answer->error, &err);

    if (rv != 0) {
        error_set(&error, rv == QL_NO_MEMORY ? rv : QL_PROTOCOL, "%s: %s",
                  request->method->name, err.text);
        (void)op->give(op, (struct bytes){NULL, 0}, &error, &err);
    }
    request_close(request);
    free(op);
}
