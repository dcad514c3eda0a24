/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * One call on its way: method, encoded parameters, deadline, and what may be
 * done when its fate is uncertain. Embedded in the call that needs it.
 *
 * A request is in exactly one of three places: waiting (to be sent), in flight
 * (on the present connection), or nowhere. Appends that must keep their order
 * wait in the append queue instead (client/append_queue.h).
 */
#pragma once

#include "client/error.h"
#include "util/buf.h"
#include "util/list.h"
#include "wire/method.h"
#include "wire/rpc.h"

struct request;

/* What came of it; all of it is valid during the callback only. */
struct answer {
    const struct ql_error *error; /* NULL when it went well */
    struct bytes result;          /* encoded; len 0: none, as with an error */
};

/* The request is nowhere by then; its owner may free it or queue it again. */
typedef void (*request_done_cb)(struct request *request,
                                const struct answer *answer);

#define REQUEST_NO_DEADLINE UINT64_MAX

struct request {
    struct list link; /* in client->waiting or client->in_flight */
    struct ql_client *client;
    const struct method_row *method;
    struct buf params;
    request_done_cb done;
    uint32_t id;       /* while in flight */
    uint32_t attempts; /* refusals that asked to come again */
    uint64_t deadline_ms;
    uint64_t not_before_ms; /* back-off */
    uint64_t stream_at;     /* in flight: where it begins on the connection */
    bool in_flight;
    bool any_node;  /* need not be the leader */
    bool send_once; /* never sent again once a byte may have arrived, or when
                       the server has answered with QL_TIMEOUT */
    bool busy_ends; /* QL_BUSY is an answer: it would last longer than a call */
    bool uncertain; /* an earlier attempt may have been carried out */
    bool is_append; /* belongs to the append queue */
    bool counted;   /* against calls_max and bytes_max */
    bool pending;   /* somebody waits for it: ql_client_pending() */
    size_t counted_bytes;
};

void request_init(struct request *request, struct ql_client *client,
                  enum method method, request_done_cb done);
/* Counts it against the client's limits. QL_BUSY, QL_CANCELED, QL_TOO_LARGE. */
int request_admit(struct request *request, struct ql_error *error);
/* Starts it: params are encoded. @timeout_ms 0: the client's default. */
int request_start(struct request *request, uint32_t timeout_ms,
                  struct ql_error *error);
/* Like it for the library's own calls: no deadline, not counted. */
void request_start_internal(struct request *request);
/* Takes it from wherever it is, without a callback. An answer that comes later
 * is ignored. */
void request_cancel(struct request *request);
/* Cancels it and frees what it holds, not the struct. */
void request_close(struct request *request);
/* No longer waited for; it still counts against calls_max. */
void request_unpend(struct request *request);

/* ---- For the uplink ---- */

/* @error NULL: @result is the answer. The request has left in_flight. */
void request_on_answer(struct request *request, const struct rpc_error *error,
                       struct bytes result);
/* The connection ended while it was in flight. */
void request_on_lost(struct request *request, bool was_written);
/* Ends those whose deadline has passed; lowers client->timer_ms. */
void request_expire_all(struct ql_client *client);
/* Ends all that wait or are in flight, as the client is being freed. */
void request_cancel_all(struct ql_client *client);
/* Sends what may be sent now. Returns an error that ends the connection. */
int request_send_waiting(struct ql_client *client, struct err *err);
/* Is there one that needs the leader? */
bool request_wants_leader(const struct ql_client *client);
/* The code, and the sentence in *ret_error, for a deadline that passed. */
int request_timeout_error(const struct request *request,
                          struct ql_error *ret_error);
void request_finish(struct request *request, const struct ql_error *error,
                    struct bytes result);
