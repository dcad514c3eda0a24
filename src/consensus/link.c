/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "consensus/link.h"

#include <assert.h>
#include <stdlib.h>

#include "consensus/link_parts.h"
#include "util/mem.h"

static void make_peers(struct link *link);
static int listen_if_needed(struct link *link, struct err *err);
static void want_turn(struct link *link);
static void on_turn(uv_prepare_t *handle);
static size_t fill_bufs(struct link_peer *peer, size_t written);
static int try_write(struct link_peer *peer, size_t *ret_written);
static void write_rest(struct link_peer *peer, size_t written);
static void on_written(uv_write_t *request, int status);
static void end_write(struct link_peer *peer, int status);
static int lost_code(const struct link *link);
static void lose_all(struct link *link, struct list *sends, int status);
static void lose(struct link *link, struct link_send *send, int status);
static void on_later(uv_timer_t *timer);
static void tell_lost(struct link *link);
static void finish_all(struct link *link, struct list *sends, int status);
static void finish(struct link *link, struct link_send *send, int status);

int link_start(struct link **ret_link, const struct link_options *options,
               struct err *err)
{
    struct link *link = mem_must_zalloc(sizeof *link);
    int rv;

    link->options = *options;
    if (link->options.retry_ms == 0) {
        link->options.retry_ms = PEER_RETRY_MS;
    }
    if (link->options.hello_ms == 0) {
        link->options.hello_ms = LINK_HELLO_MS;
    }
    list_init(&link->streams);
    list_init(&link->lost);
    rv = peer_pins_load(&link->pins, options->identity, options->dir, err);
    if (rv == 0) {
        rv = listen_if_needed(link, err);
    }
    if (rv != 0) {
        free(link);
        return rv;
    }
    (void)uv_timer_init(options->loop, &link->later);
    link->later.data = link;
    (void)uv_prepare_init(options->loop, &link->turn);
    link->turn.data = link;
    link->open += 2;
    make_peers(link);
    for (size_t i = 0; i < link->peers_count; i++) {
        link_connect_start(&link->peers[i]);
    }
    *ret_link = link;
    return 0;
}

void link_stop(struct link *link, void (*cb)(void *data), void *data)
{
    struct list *at = link->streams.next;

    assert(!link->stopping);
    link->stopping = true;
    link->on_stopped = cb;
    link->on_stopped_data = data;
    link_listen_stop(link);
    for (size_t i = 0; i < link->peers_count; i++) {
        link_connect_stop(&link->peers[i]);
    }
    while (at != &link->streams) {
        struct link_stream *stream = LIST_ITEM(at, struct link_stream, place);

        /* It leaves the list when it is closed, which is later. */
        at = at->next;
        link_stream_close(stream);
    }
    uv_close((uv_handle_t *)&link->later, link_on_handle_closed);
    uv_close((uv_handle_t *)&link->turn, link_on_handle_closed);
}

void link_free(struct link *link)
{
    if (link == NULL) {
        return;
    }
    assert(link->stopping);
    assert(link->open == 0);
    free(link->peers);
    free(link);
}

int link_send(struct link *link, struct link_send *send, uint64_t node,
              enum link_frame type, const struct bytes *parts,
              size_t parts_count, link_send_cb cb)
{
    struct link_peer *peer = link_peer_of(link, node);
    size_t len_max = link_len_max(type);
    size_t len = 0;
    int rv;

    assert(type > LINK_HELLO && type < LINK_FRAMES);
    assert(parts_count <= LINK_PARTS_MAX);
    if (peer == NULL) {
        return QL_NOT_FOUND;
    }
    if (link->stopping) {
        return QL_SHUTTING_DOWN;
    }
    for (size_t i = 0; i < parts_count; i++) {
        if (parts[i].len > len_max - len) {
            return QL_TOO_LARGE;
        }
        len += parts[i].len;
    }
    send->cb = cb;
    send->type = type;
    send->parts = parts;
    send->parts_count = parts_count;
    send->len = len;
    if (!link_connected(link, node)) {
        lose(link, send, QL_DISCONNECTED);
        return 0;
    }
    rv = link_queue_add(&peer->queue, send);
    if (rv != 0) {
        lose(link, send, rv);
        return 0;
    }
    want_turn(link);
    return 0;
}

size_t link_queued(const struct link *link, uint64_t node)
{
    const struct link_peer *peer = link_peer_of(link, node);

    if (peer == NULL) {
        return 0;
    }
    return link_queue_bytes(&peer->queue) +
           (peer->writing ? peer->write.bytes : 0);
}

bool link_connected(const struct link *link, uint64_t node)
{
    const struct link_peer *peer = link_peer_of(link, node);

    return peer != NULL && peer->out != NULL && peer->out->proven &&
           !peer->out->closing;
}

bool link_heard(const struct link *link, uint64_t node)
{
    const struct link_peer *peer = link_peer_of(link, node);

    return peer != NULL && peer->in != NULL;
}

void link_counts(const struct link *link, struct link_counts *ret)
{
    *ret = link->counts;
}

/* ---- Peers ---- */

static void make_peers(struct link *link)
{
    const struct identity *identity = link->options.identity;

    link->peers = mem_must_array(identity->members_count, sizeof *link->peers);
    for (size_t i = 0; i < identity->members_count; i++) {
        struct link_peer *peer = &link->peers[link->peers_count];

        if (identity->members[i].id == identity->node) {
            continue;
        }
        peer->owner = link;
        peer->member = &identity->members[i];
        link_queue_init(&peer->queue);
        list_init(&peer->write.done);
        link->peers_count++;
    }
}

static int listen_if_needed(struct link *link, struct err *err)
{
    return link->options.identity->members_count == 1
               ? 0
               : link_listen_start(link, err);
}

struct link_peer *link_peer_of(const struct link *link, uint64_t node)
{
    for (size_t i = 0; i < link->peers_count; i++) {
        if (link->peers[i].member->id == node) {
            return &link->peers[i];
        }
    }
    return NULL;
}

/* ---- Writing ---- */

/* Frames are written at link_flush(), or when the loop is about to wait, so those
 * of one turn go together. */
static void want_turn(struct link *link)
{
    (void)uv_prepare_start(&link->turn, on_turn);
    if (link->in_turn) {
        /* It must not wait before there was another. */
        (void)uv_timer_start(&link->later, on_later, 0, 0);
    }
}

static void on_turn(uv_prepare_t *handle)
{
    link_flush(handle->data);
}

void link_flush(struct link *link)
{
    if (link->stopping || !uv_is_active((uv_handle_t *)&link->turn)) {
        return;
    }
    (void)uv_prepare_stop(&link->turn);
    link->in_turn = true;
    for (size_t i = 0; i < link->peers_count; i++) {
        link_peer_flush(&link->peers[i]);
    }
    link->in_turn = false;
}

/* Mostly the socket takes all of the first write at once. What is behind it goes
 * in turns of its own, so that a long queue keeps nobody waiting. */
void link_peer_flush(struct link_peer *peer)
{
    bool is_first = true;

    while (!peer->writing && link_connected(peer->owner, peer->member->id) &&
           link_queue_next(&peer->queue, &peer->write)) {
        size_t written = 0;

        if (is_first && try_write(peer, &written) != 0) {
            end_write(peer, QL_DISCONNECTED);
        } else if (written < peer->write.bytes) {
            write_rest(peer, written);
        } else {
            end_write(peer, 0);
        }
        is_first = false;
    }
}

/* Returns how many bufs there are for what is behind @written. */
static size_t fill_bufs(struct link_peer *peer, size_t written)
{
    const struct link_write *write = &peer->write;
    size_t count = 0;

    for (size_t i = 0; i < write->runs_count; i++) {
        const struct bytes *run = &write->runs[i];

        if (written >= run->len) {
            written -= run->len;
            continue;
        }
        peer->bufs[count].base = (char *)(uintptr_t)run->data + written;
        peer->bufs[count].len = run->len - written;
        written = 0;
        count++;
    }
    return count;
}

/* Not 0: the connection is broken. */
static int try_write(struct link_peer *peer, size_t *ret_written)
{
    unsigned count = (unsigned)fill_bufs(peer, 0);
    int rv = uv_try_write((uv_stream_t *)&peer->out->tcp, peer->bufs, count);

    if (rv < 0 && rv != UV_EAGAIN) {
        return QL_DISCONNECTED;
    }
    *ret_written = rv < 0 ? 0 : (size_t)rv;
    return 0;
}

static void write_rest(struct link_peer *peer, size_t written)
{
    unsigned count = (unsigned)fill_bufs(peer, written);

    peer->request.data = peer;
    peer->writing = true;
    peer->owner->open++;
    if (uv_write(&peer->request, (uv_stream_t *)&peer->out->tcp, peer->bufs,
                 count, on_written) != 0) {
        peer->owner->open--;
        end_write(peer, QL_DISCONNECTED);
    }
}

static void on_written(uv_write_t *request, int status)
{
    struct link_peer *peer = request->data;
    struct link *link = peer->owner;

    end_write(peer, status == 0 ? 0 : QL_DISCONNECTED);
    link_peer_flush(peer);
    link_ended(link);
}

static void end_write(struct link_peer *peer, int status)
{
    struct link *link = peer->owner;
    struct list done;

    list_init(&done);
    list_move_all(&done, &peer->write.done);
    peer->writing = false;
    if (status == 0) {
        link->counts.frames_out += peer->write.frames;
        link->counts.bytes_out += peer->write.bytes;
    } else if (peer->out != NULL) {
        link_stream_close(peer->out);
    }
    finish_all(link, &done, status == 0 ? 0 : lost_code(link));
}

void link_peer_drop(struct link_peer *peer)
{
    struct list dropped;

    list_init(&dropped);
    link_queue_clear(&peer->queue, &dropped);
    lose_all(peer->owner, &dropped, lost_code(peer->owner));
}

static int lost_code(const struct link *link)
{
    return link->stopping ? QL_CANCELED : QL_DISCONNECTED;
}

static void lose_all(struct link *link, struct list *sends, int status)
{
    while (!list_empty(sends)) {
        struct link_send *send = LIST_ITEM(sends->next, struct link_send, link);

        list_remove(&send->link);
        lose(link, send, status);
    }
}

/* Its callback must not fire from inside the call that lost it. */
static void lose(struct link *link, struct link_send *send, int status)
{
    send->status = status;
    list_push_back(&link->lost, &send->link);
    if (!link->stopping) {
        (void)uv_timer_start(&link->later, on_later, 0, 0);
    }
}

static void on_later(uv_timer_t *timer)
{
    tell_lost(timer->data);
}

/* ---- The end ---- */

void link_on_handle_closed(uv_handle_t *handle)
{
    link_ended(handle->data);
}

void link_ended(struct link *link)
{
    assert(link->open > 0);
    link->open--;
    if (link->open == 0 && link->stopping) {
        tell_lost(link);
        link->on_stopped(link->on_stopped_data);
    }
}

static void tell_lost(struct link *link)
{
    struct list lost;

    list_init(&lost);
    list_move_all(&lost, &link->lost);
    while (!list_empty(&lost)) {
        struct link_send *send = LIST_ITEM(lost.next, struct link_send, link);

        list_remove(&send->link);
        finish(link, send, send->status);
    }
}

static void finish_all(struct link *link, struct list *sends, int status)
{
    while (!list_empty(sends)) {
        struct link_send *send = LIST_ITEM(sends->next, struct link_send, link);

        list_remove(&send->link);
        finish(link, send, status);
    }
}

static void finish(struct link *link, struct link_send *send, int status)
{
    if (status != 0) {
        link->counts.dropped++;
    }
    if (send->cb != NULL) {
        send->cb(send, status);
    }
}
