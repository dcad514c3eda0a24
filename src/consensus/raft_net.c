/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "consensus/raft_net.h"

#include <inttypes.h>
#include <stdlib.h>

#include "consensus/link_message.h"
#include "consensus/raft_code.h"
#include "util/diag.h"
#include "util/mem.h"

struct raft_net {
    struct raft_net_options options;
    struct link *link;
    bool stopping;
    bool too_large_said;
};

/* One message on its way. */
struct sending {
    struct link_send send;
    struct raft_io_send *request;
    raft_io_send_cb cb;
    struct buf head;
    struct bytes parts[];
};

static int on_frame(void *data, uint64_t node, enum link_frame type,
                    const uint8_t *bytes, size_t len);
static void on_gone(void *data, uint64_t node);
static void on_sent(struct link_send *send, int status);
static void sending_free(struct sending *sending);

int raft_net_start(struct raft_net **ret_net,
                   const struct raft_net_options *options, struct err *err)
{
    struct raft_net *net = mem_must_zalloc(sizeof *net);
    const struct link_options link = {.loop = options->loop,
                                      .identity = options->identity,
                                      .dir = options->dir,
                                      .listen = options->listen_peer,
                                      .on_frame = on_frame,
                                      .on_gone = on_gone,
                                      .data = net};
    int rv;

    net->options = *options;
    rv = link_start(&net->link, &link, err);
    if (rv != 0) {
        free(net);
        return rv;
    }
    *ret_net = net;
    return 0;
}

int raft_net_send(struct raft_net *net, struct raft_io_send *request,
                  const struct raft_message *message, raft_io_send_cb cb)
{
    size_t parts = link_message_parts(message);
    struct sending *sending;
    int rv;

    if (parts == 0) {
        return RAFT_TOOBIG;
    }
    sending = mem_must_zalloc(sizeof *sending + parts * sizeof(struct bytes));
    sending->request = request;
    sending->cb = cb;
    rv = link_message_encode(message, &sending->head, sending->parts);
    if (rv == 0) {
        rv = link_send(net->link, &sending->send, message->server_id,
                       link_message_frame(message), sending->parts, parts,
                       on_sent);
    }
    if (rv == 0) {
        return 0;
    }
    sending_free(sending);
    if (rv == QL_TOO_LARGE && !net->too_large_said) {
        net->too_large_said = true;
        diag_error("a message for node %" PRIu64 " is larger than the link "
                   "takes: it cannot be caught up (docs/limits.md)",
                   (uint64_t)message->server_id);
    }
    return raft_code(rv);
}

void raft_net_stop(struct raft_net *net, void (*cb)(void *data), void *data)
{
    net->stopping = true;
    link_stop(net->link, cb, data);
}

void raft_net_free(struct raft_net *net)
{
    if (net != NULL) {
        link_free(net->link);
        free(net);
    }
}

void raft_net_message_free(struct raft_message *message)
{
    link_message_free(message);
}

struct link *raft_net_link(struct raft_net *net)
{
    return net->link;
}

static void on_gone(void *data, uint64_t node)
{
    struct raft_net *net = data;

    if (!net->stopping && net->options.on_gone != NULL) {
        net->options.on_gone(net->options.data, node);
    }
}

static void on_sent(struct link_send *send, int status)
{
    struct sending *sending = LIST_ITEM(send, struct sending, send);

    sending->cb(sending->request, status == 0 ? 0 : RAFT_NOCONNECTION);
    sending_free(sending);
}

static void sending_free(struct sending *sending)
{
    buf_close(&sending->head);
    free(sending);
}

static int on_frame(void *data, uint64_t node, enum link_frame type,
                    const uint8_t *bytes, size_t len)
{
    struct raft_net *net = data;
    const struct identity *identity = net->options.identity;
    struct raft_message message;
    int rv;

    if (net->stopping) {
        return 0;
    }
    if (type != LINK_RAFT && type != LINK_SNAPSHOT) {
        return net->options.on_frame == NULL
                   ? 0
                   : net->options.on_frame(net->options.data, node, type, bytes,
                                           len);
    }
    rv = link_message_decode(bytes, len, node, &message);
    if (rv == QL_NO_MEMORY) {
        diag_die(1, "out of memory for a message of node %" PRIu64, node);
    }
    if (rv != 0) {
        return rv;
    }
    message.server_address = identity_member(identity, node)->peer_address;
    net->options.on_message(net->options.data, &message);
    return 0;
}
