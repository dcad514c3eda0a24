/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* Calls that read the machine: when the leader is confirmed, or at once when
 * stale; and only when the connection has room for the answer, so that a client
 * that sends many reads and takes no answers costs a bounded buffer; and no more of
 * them in one turn of the loop than it has time for; and, when the entries are on
 * disk, when those are loaded. A call keeps its params meanwhile,
 * and looks at the machine anew each time: an answer made later than it might have
 * been is as good, also on a node that does not lead any more. An answer that takes
 * many turns is begun in the same way, and made by whoever the call is left to. */
#include "machine/must.h"
#include "service/envelope.h"
#include "service/follow.h"
#include "service/message.h"
#include "service/service_parts.h"

static void call_on_readable(struct node_read *read, int status);
static void call_ready(struct call *call);
static void call_on_loaded(struct chunk_wait *wait, int status);
static int load_refusal(const struct chunk_wait *wait, struct err *err);

int call_read(struct call *call, struct bytes params, bool stale,
              call_answer_fn answer, struct err *err)
{
    int rv = call_keep_params(call, params, err);

    return rv != 0 ? rv : call_read_kept(call, stale, answer, err);
}

int call_keep_params(struct call *call, struct bytes params, struct err *err)
{
    if (params.len > CALL_PARAMS_MAX) {
        return err_set(err, QL_TOO_LARGE,
                       "the params of a read must be at most %u bytes",
                       CALL_PARAMS_MAX);
    }
    must_have_memory(buf_add(&call->params, params.data, params.len));
    return 0;
}

int call_read_kept(struct call *call, bool stale, call_answer_fn answer,
                   struct err *err)
{
    int rv;

    if (stale && node_may_read(call->service->node) != 0) {
        return call_node_refusal(QL_NOT_LEADER, err);
    }
    call->answer = answer;
    if (!stale) {
        call->node.read.data = call;
        rv = node_read(call->service->node, &call->node.read, call_on_readable);
        if (rv != 0) {
            return call_node_refusal(rv, err);
        }
    }
    if (stale) {
        call_ready(call);
    }
    return 0;
}

void call_answer(struct call *call)
{
    struct service *service = call->service;
    struct bytes params = {call->params.data, call->params.len};
    struct follow *follow;
    struct buf message;
    struct err err;
    int rv;

    err_init(&err);
    message_open(service, &message);
    envelope_open_result(&message, call->id);
    rv = call->answer(call, params, &message, &err);
    if (rv == CALL_LEFT) {
        message_close(service, &message);
        return;
    }
    if (rv != 0) {
        message_close(service, &message);
        call_fail(call, rv, &err);
        return;
    }
    if (chunk_wait_is_waiting(&call->wait)) {
        message_close(service, &message);
        return;
    }
    follow = call->follow;
    call_finish(call, &message);
    if (follow != NULL) {
        follow_pump(service, follow);
    }
}

int call_wait(struct call *call, const struct machine_reader *reader,
              uint64_t entries, struct err *err)
{
    const struct chunk *chunk = reader->absent;
    struct chunk_wait *wait = &call->wait;

    if (wait->status != 0 && wait->first == chunk->name.first &&
        wait->last == chunk->name.last) {
        return load_refusal(wait, err);
    }
    list_remove(&call->ready);
    chunk_wait_start(wait, call->service, call->channel, reader, entries,
                     call_on_loaded);
    return 0;
}

bool call_has_waited(const struct call *call)
{
    return call->wait.state == CHUNK_WAIT_LOADED || call->wait.status != 0;
}

static void call_on_readable(struct node_read *read, int status)
{
    struct call *call = read->data;
    struct err err;

    err_init(&err);
    if (status != 0) {
        call_node_refusal(status, &err);
        call_fail(call, status, &err);
        return;
    }
    call_ready(call);
}

/* In the order in which they became ready, so that none overtakes for ever. */
static void call_ready(struct call *call)
{
    struct channel *channel = call->channel;
    bool has_room = channel != NULL && channel_has_room(channel);

    if (channel == NULL) {
        call_free(call);
    } else if (has_room && list_empty(&channel->ready) &&
               service_may_send(call->service)) {
        call_answer(call);
    } else {
        if (has_room) {
            channel->ops->later(channel);
        } else {
            chunk_wait_stop(&call->wait);
        }
        list_push_back(&channel->ready, &call->ready);
    }
}

static void call_on_loaded(struct chunk_wait *wait, int status)
{
    (void)status; /* call_wait() looks at it */
    call_ready(LIST_ITEM(wait, struct call, wait));
}

static int load_refusal(const struct chunk_wait *wait, struct err *err)
{
    unsigned long long first = wait->first;
    unsigned long long last = wait->last;

    if (wait->status == QL_TIMEOUT) {
        return err_set(err, QL_BUSY,
                       "entries %llu to %llu have not come from the disk or "
                       "from another node yet",
                       first, last);
    }
    return err_set(err, QL_CORRUPT,
                   "entries %llu to %llu are damaged or missing here, and no "
                   "node that can be reached has them: start the nodes that "
                   "are down, then read again",
                   first, last);
}
