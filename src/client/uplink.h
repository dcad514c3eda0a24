/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * The client's one connection to the cluster: finds the leader, says hello,
 * matches answers to requests, notices silence, and starts over.
 */
#pragma once

#include "client/conn.h"
#include "util/limits.h"
#include "wire/rpc.h"

struct ql_client;
struct request;

struct uplink {
    struct conn conn;
    uint64_t opened_ms;
    bool ready;     /* hello was answered */
    bool is_leader; /* as far as we know; only while ready */
    uint32_t next_id;
    uint32_t hello_id;
    uint32_t ping_id;
    uint64_t pinged_ms;  /* 0: no ping is out */
    uint64_t parting_ms; /* since when we want to leave this node; 0: not */
    size_t open_calls;   /* sent and not answered on this connection */
    size_t calls_max;    /* the server's */
    size_t request_bytes_max;
    size_t once_in_flight;         /* requests that must not be sent twice */
    char cluster[ID_TEXT_LEN + 1]; /* id of the cluster, once known */
};

void uplink_init(struct ql_client *client);
void uplink_close(struct ql_client *client);
void uplink_on_events(struct ql_client *client, uint32_t events);
/* When the node that was called was asked for a sign of life that has not come:
 * with a ping; one that has not even said hello counts as asked CLIENT_PING_MS
 * after it was called. 0: it was not asked. */
uint64_t uplink_asked_ms(const struct ql_client *client);
/* Leaves the silent node for @leader, which said that it leads. */
void uplink_move(struct ql_client *client, const struct address *leader);
/* Connects, redirects, pings and sends, as far as that is due. */
void uplink_step(struct ql_client *client);
/* May another request be added now? */
bool uplink_has_room(const struct ql_client *client);
/* Is it small enough for the server? */
bool uplink_takes(const struct ql_client *client,
                  const struct request *request);
/* Puts the request in flight. An error (QL_NO_MEMORY) ends the connection. */
int uplink_send(struct ql_client *client, struct request *request,
                struct err *err);
/* A notification, without an answer; dropped when there is no connection. */
void uplink_notify(struct ql_client *client, const char *method,
                   struct bytes params);
/* The node said that it does not lead; @refusal may name who does. */
void uplink_not_leader(struct ql_client *client,
                       const struct rpc_error *refusal);
/* The same from another message; @leader may be of length 0. */
void uplink_leader_changed(struct ql_client *client, struct bytes leader);
