/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "consensus/peer_gate.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <uv.h>

#include "consensus/member_list.h"
#include "consensus/peer_door.h"
#include "consensus/peer_greeting.h"
#include "consensus/peer_pins.h"
#include "util/diag.h"
#include "util/mem.h"

struct peer_gate {
    struct raft_uv_transport outer; /* what raft_uv sees */
    struct raft_uv_transport inner; /* its own TCP transport: connects */
    struct peer_door door;          /* in its place: listens */
    struct uv_loop_s *loop;
    const struct identity *identity;
    struct peer_pins pins;
    struct peer_greetings greetings;
    char token[PEER_TOKEN_MAX]; /* the inner transport keeps a pointer */
    char listen[ADDRESS_MAX];
    char reason[ERR_TEXT_MAX];
    raft_uv_accept_cb accept_cb;
    raft_uv_transport_close_cb close_cb;
    size_t streams_closing; /* refused ones */
    bool inner_closed;
    bool door_is_open; /* and was not closed yet */
    bool greeting;     /* started, and not stopped yet */
    uint64_t refused[PEER_REFUSALS];
    /* What was said already, by member and reason: the instance it was said of,
     * or "-" when that was not proved. */
    char said[MEMBERS_MAX][PEER_REFUSALS][ID_TEXT_LEN + 1];
    bool said_unknown;
};

/* A connection being made. */
struct gate_connect {
    struct raft_uv_connect inner;
    struct raft_uv_connect *outer;
};

static int gate_init(struct raft_uv_transport *outer, raft_id id,
                     const char *address);
static int gate_listen(struct raft_uv_transport *outer, raft_uv_accept_cb cb);
static int gate_connect(struct raft_uv_transport *outer,
                        struct raft_uv_connect *request, raft_id id,
                        const char *address, raft_uv_connect_cb cb);
static void gate_close(struct raft_uv_transport *outer,
                       raft_uv_transport_close_cb cb);
static void gate_on_enter(void *data, uint64_t id, const char *token,
                          size_t room, struct uv_stream_s *stream);
static void gate_on_door_closed(void *data);
static void gate_on_connect(struct raft_uv_connect *request,
                            struct uv_stream_s *stream, int status);
static void gate_on_greetings_stopped(void *data);
static void gate_on_inner_closed(struct raft_uv_transport *inner);
static void gate_on_refused_closed(uv_handle_t *handle);
static void maybe_closed(struct peer_gate *gate);
static enum peer_refusal admit(struct peer_gate *gate, uint64_t id,
                               const char *token, size_t room);
static void say_once(struct peer_gate *gate, uint64_t id,
                     enum peer_refusal refusal, const char *instance);

int peer_gate_new(struct peer_gate **ret_gate, struct uv_loop_s *loop,
                  const struct identity *identity, const char *dir,
                  const char *listen_peer, struct err *err)
{
    struct peer_gate *gate = mem_must_zalloc(sizeof *gate);
    const char *listen =
        listen_peer != NULL
            ? listen_peer
            : identity_member(identity, identity->node)->peer_address;
    int rv = peer_address_parse(listen, gate->listen, err);

    if (rv != 0) {
        goto free_gate;
    }
    rv = peer_pins_load(&gate->pins, identity, dir, err);
    if (rv != 0) {
        goto free_gate;
    }
    rv = raft_uv_tcp_init(&gate->inner, loop);
    if (rv != 0) {
        rv = err_set(err, QL_IO, "prepare the peers' network: %s",
                     raft_strerror(rv));
        goto free_gate;
    }
    gate->loop = loop;
    gate->identity = identity;
    peer_token_make(identity, gate->token);
    gate->inner.data = gate;
    gate->outer.impl = gate;
    gate->outer.init = gate_init;
    gate->outer.listen = gate_listen;
    gate->outer.connect = gate_connect;
    gate->outer.close = gate_close;
    *ret_gate = gate;
    return 0;

free_gate:
    free(gate);
    return rv;
}

struct raft_uv_transport *peer_gate_transport(struct peer_gate *gate)
{
    return &gate->outer;
}

void peer_gate_free(struct peer_gate *gate)
{
    assert(gate->streams_closing == 0);
    raft_uv_tcp_close(&gate->inner);
    free(gate);
}

const char *peer_gate_reason(const struct peer_gate *gate)
{
    return gate->reason;
}

uint64_t peer_gate_refused(const struct peer_gate *gate,
                           enum peer_refusal refusal)
{
    return gate->refused[refusal];
}

/* ---- The transport that raft_uv sees ---- */

static int gate_init(struct raft_uv_transport *outer, raft_id id,
                     const char *address)
{
    struct peer_gate *gate = outer->impl;

    (void)address;
    /* It sends its "address" to whom it connects: that carries the token. */
    return gate->inner.init(&gate->inner, id, gate->token);
}

static int gate_listen(struct raft_uv_transport *outer, raft_uv_accept_cb cb)
{
    struct peer_gate *gate = outer->impl;
    struct err err;

    gate->accept_cb = cb;
    gate->door_is_open = true;
    if (peer_door_open(&gate->door, gate->loop, gate->listen, gate_on_enter,
                       gate, &err) != 0) {
        /* raft_uv would drop it. */
        (void)snprintf(gate->reason, sizeof gate->reason, "%s", err.text);
        return RAFT_IOERR;
    }
    gate->greeting = true;
    peer_greetings_start(&gate->greetings, gate->loop, gate->identity,
                         &gate->inner);
    return 0;
}

static int gate_connect(struct raft_uv_transport *outer,
                        struct raft_uv_connect *request, raft_id id,
                        const char *address, raft_uv_connect_cb cb)
{
    struct peer_gate *gate = outer->impl;
    const struct member *member = identity_member(gate->identity, id);
    struct gate_connect *connect;
    int rv;

    (void)address;
    if (member == NULL) {
        return RAFT_NOCONNECTION;
    }
    connect = mem_must_zalloc(sizeof *connect);
    connect->inner.data = connect;
    connect->outer = request;
    request->cb = cb;
    rv = gate->inner.connect(&gate->inner, &connect->inner, id,
                             member->peer_address, gate_on_connect);
    if (rv != 0) {
        free(connect);
    }
    return rv;
}

static void gate_on_connect(struct raft_uv_connect *request,
                            struct uv_stream_s *stream, int status)
{
    struct gate_connect *connect = request->data;
    struct raft_uv_connect *outer = connect->outer;

    free(connect);
    if (status == 0) {
        /* A message waits for no other, and answers come by another
         * connection, so there is nothing that Nagle's algorithm could wait
         * for. A failure costs time only. */
        (void)uv_tcp_nodelay((uv_tcp_t *)stream, 1);
    }
    outer->cb(outer, stream, status);
}

static void gate_close(struct raft_uv_transport *outer,
                       raft_uv_transport_close_cb cb)
{
    struct peer_gate *gate = outer->impl;

    gate->close_cb = cb;
    if (gate->greeting) {
        peer_greetings_stop(&gate->greetings, gate_on_greetings_stopped, gate);
    }
    if (gate->door_is_open) {
        peer_door_close(&gate->door, gate_on_door_closed, gate);
    }
    gate->inner.close(&gate->inner, gate_on_inner_closed);
}

static void gate_on_inner_closed(struct raft_uv_transport *inner)
{
    struct peer_gate *gate = inner->data;

    gate->inner_closed = true;
    maybe_closed(gate);
}

static void gate_on_door_closed(void *data)
{
    struct peer_gate *gate = data;

    gate->door_is_open = false;
    maybe_closed(gate);
}

static void gate_on_greetings_stopped(void *data)
{
    struct peer_gate *gate = data;

    gate->greeting = false;
    maybe_closed(gate);
}

static void maybe_closed(struct peer_gate *gate)
{
    if (gate->inner_closed && !gate->door_is_open && !gate->greeting &&
        gate->streams_closing == 0) {
        gate->close_cb(&gate->outer);
    }
}

/* ---- The door ---- */

static void gate_on_enter(void *data, uint64_t id, const char *token,
                          size_t room, struct uv_stream_s *stream)
{
    struct peer_gate *gate = data;
    enum peer_refusal refusal = admit(gate, id, token, room);

    if (refusal == PEER_ACCEPTED) {
        /* What was on the wire is not an address to use. */
        gate->accept_cb(&gate->outer, id,
                        identity_member(gate->identity, id)->peer_address,
                        stream);
        return;
    }
    gate->refused[refusal]++;
    gate->streams_closing++;
    stream->data = gate;
    uv_close((uv_handle_t *)stream, gate_on_refused_closed);
}

static void gate_on_refused_closed(uv_handle_t *handle)
{
    struct peer_gate *gate = handle->data;

    raft_free(handle);
    gate->streams_closing--;
    maybe_closed(gate);
}

static enum peer_refusal admit(struct peer_gate *gate, uint64_t id,
                               const char *token, size_t room)
{
    char instance[ID_TEXT_LEN + 1] = "-";
    enum peer_refusal refusal =
        peer_token_check(gate->identity, id, token, room, instance);
    struct err err;

    if (refusal == PEER_ACCEPTED) {
        const char *pinned = peer_pins_get(&gate->pins, id);

        if (pinned[0] == '\0') {
            if (peer_pins_set(&gate->pins, id, instance, &err) != 0) {
                diag_die(1, "remember the instance of node %" PRIu64 ": %s", id,
                         err.text);
            }
        } else if (strcmp(pinned, instance) != 0) {
            refusal = PEER_INSTANCE;
        }
    }
    if (refusal != PEER_ACCEPTED) {
        say_once(gate, id, refusal, instance);
    }
    return refusal;
}

/* A refused peer tries again ten times a second; a person needs one line. */
static void say_once(struct peer_gate *gate, uint64_t id,
                     enum peer_refusal refusal, const char *instance)
{
    const struct member *member = identity_member(gate->identity, id);
    char *said;

    if (member == NULL) {
        if (!gate->said_unknown) {
            gate->said_unknown = true;
            diag_warning("a peer that calls itself node %" PRIu64 " %s", id,
                         peer_refusal_text(refusal));
        }
        return;
    }
    said = gate->said[member - gate->identity->members][refusal];
    if (strcmp(said, instance) == 0) {
        return;
    }
    memcpy(said, instance, strlen(instance) + 1);
    if (refusal == PEER_INSTANCE) {
        diag_warning("node %" PRIu64 " %s (was %s, is %s)", id,
                     peer_refusal_text(refusal), peer_pins_get(&gate->pins, id),
                     instance);
        return;
    }
    diag_warning("node %" PRIu64 " %s", id, peer_refusal_text(refusal));
}
