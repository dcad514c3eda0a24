/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "consensus/peer_door.h"

#include <assert.h>
#include <raft.h>
#include <stdlib.h>

#include "consensus/peer_token.h"
#include "util/buf.h"
#include "util/diag.h"
#include "util/mem.h"
#include "util/text.h"

#define HANDSHAKE_PROTOCOL 1u
#define ID_AT 8u
#define TOKEN_LEN_AT 16u
#define HEAD_LEN 24u
#define EXPIRE_INTERVAL_MS 1000u

/* A connection that has not shown its token yet. */
struct entrant {
    struct list link;
    struct peer_door *door;
    uv_tcp_t *tcp;
    uint64_t since_ms;
    size_t have; /* of bytes */
    uint8_t bytes[HEAD_LEN + PEER_TOKEN_MAX];
};

static void door_on_connection(uv_stream_t *listener, int status);
static void door_on_timer(uv_timer_t *timer);
static void door_on_handle_closed(uv_handle_t *handle);
static void count_closed(struct peer_door *door);
static size_t wanted(const struct entrant *entrant);
static void entrant_on_alloc(uv_handle_t *handle, size_t suggested,
                             uv_buf_t *ret_buf);
static void entrant_on_read(uv_stream_t *stream, ssize_t nread,
                            const uv_buf_t *buf);
static void hand_over(struct entrant *entrant, size_t token_len);
static void turn_away(struct entrant *entrant);
static void entrant_on_closed(uv_handle_t *handle);

int peer_door_open(struct peer_door *door, struct uv_loop_s *loop,
                   const char *address, peer_door_cb cb, void *data,
                   struct err *err)
{
    struct address parsed;
    struct sockaddr_in v4;
    int rv;

    *door = (struct peer_door){.cb = cb, .data = data, .handles = 2};
    list_init(&door->entering);
    (void)uv_timer_init(loop, &door->timer); /* Cannot fail (its manual). */
    door->timer.data = door;
    rv = uv_tcp_init(loop, &door->listener);
    assert(rv == 0); /* It makes no socket yet. */
    door->listener.data = door;
    rv = address_parse(address, 0, &parsed, err);
    if (rv != 0) {
        return rv;
    }
    rv = uv_ip4_addr(parsed.host, parsed.port, &v4);
    if (rv == 0) {
        rv = uv_tcp_bind(&door->listener, (const struct sockaddr *)&v4, 0);
    }
    if (rv == 0) {
        rv = uv_listen((uv_stream_t *)&door->listener, (int)PEERS_ENTERING_MAX,
                       door_on_connection);
    }
    if (rv != 0) {
        return err_set(err, QL_IO, "listen for peers on %s: %s", address,
                       uv_strerror(rv));
    }
    (void)uv_timer_start(&door->timer, door_on_timer, EXPIRE_INTERVAL_MS,
                         EXPIRE_INTERVAL_MS);
    return 0;
}

void peer_door_expire(struct peer_door *door, uint64_t now_ms)
{
    while (!list_empty(&door->entering)) {
        struct entrant *oldest =
            LIST_ITEM(door->entering.next, struct entrant, link);

        if (now_ms - oldest->since_ms < PEER_ENTER_MS) {
            return;
        }
        turn_away(oldest);
    }
}

void peer_door_close(struct peer_door *door, void (*cb)(void *data), void *data)
{
    door->closed_cb = cb;
    door->closed_data = data;
    while (!list_empty(&door->entering)) {
        turn_away(LIST_ITEM(door->entering.next, struct entrant, link));
    }
    uv_close((uv_handle_t *)&door->timer, door_on_handle_closed);
    uv_close((uv_handle_t *)&door->listener, door_on_handle_closed);
}

/* When too many wait the oldest goes: a peer shows its token as soon as it is
 * connected, so who waits long is none. */
static void door_on_connection(uv_stream_t *listener, int status)
{
    struct peer_door *door = listener->data;
    struct entrant *entrant;
    int rv;

    if (status != 0) {
        return; /* It is gone already, or libuv closes it for us. */
    }
    entrant = mem_must_zalloc(sizeof *entrant);
    entrant->door = door;
    entrant->since_ms = uv_now(listener->loop);
    entrant->tcp = raft_malloc(sizeof *entrant->tcp);
    if (entrant->tcp == NULL) {
        diag_die(1, "out of memory for a connection of a peer");
    }
    rv = uv_tcp_init(listener->loop, entrant->tcp);
    assert(rv == 0);
    entrant->tcp->data = entrant;
    list_push_back(&door->entering, &entrant->link);
    door->entering_count++;
    door->handles++;
    if (uv_accept(listener, (uv_stream_t *)entrant->tcp) != 0 ||
        uv_read_start((uv_stream_t *)entrant->tcp, entrant_on_alloc,
                      entrant_on_read) != 0) {
        turn_away(entrant);
    } else if (door->entering_count > PEERS_ENTERING_MAX) {
        turn_away(LIST_ITEM(door->entering.next, struct entrant, link));
    }
}

static void door_on_timer(uv_timer_t *timer)
{
    peer_door_expire(timer->data, uv_now(timer->loop));
}

static void door_on_handle_closed(uv_handle_t *handle)
{
    count_closed(handle->data);
}

static void count_closed(struct peer_door *door)
{
    assert(door->handles > 0);
    door->handles--;
    if (door->handles == 0) {
        door->closed_cb(door->closed_data);
    }
}

/* ---- One that enters ---- */

/* Never more than belongs to the handshake: what follows is for libraft. */
static size_t wanted(const struct entrant *entrant)
{
    if (entrant->have < HEAD_LEN) {
        return HEAD_LEN;
    }
    return HEAD_LEN + (size_t)get_u64(entrant->bytes + TOKEN_LEN_AT);
}

static void entrant_on_alloc(uv_handle_t *handle, size_t suggested,
                             uv_buf_t *ret_buf)
{
    struct entrant *entrant = handle->data;

    (void)suggested;
    ret_buf->base = (char *)entrant->bytes + entrant->have;
    ret_buf->len = wanted(entrant) - entrant->have;
}

static void entrant_on_read(uv_stream_t *stream, ssize_t nread,
                            const uv_buf_t *buf)
{
    struct entrant *entrant = stream->data;
    uint64_t token_len;

    (void)buf;
    if (nread < 0) {
        turn_away(entrant);
        return;
    }
    entrant->have += (size_t)nread;
    if (entrant->have < HEAD_LEN) {
        return;
    }
    if (get_u64(entrant->bytes) != HANDSHAKE_PROTOCOL) {
        turn_away(entrant);
        return;
    }
    token_len = get_u64(entrant->bytes + TOKEN_LEN_AT);
    if (token_len == 0 || token_len > PEER_TOKEN_MAX) {
        hand_over(entrant, 0);
    } else if (entrant->have == HEAD_LEN + token_len) {
        hand_over(entrant, (size_t)token_len);
    }
}

static void hand_over(struct entrant *entrant, size_t token_len)
{
    struct peer_door *door = entrant->door;

    (void)uv_read_stop((uv_stream_t *)entrant->tcp);
    list_remove(&entrant->link);
    door->entering_count--;
    door->handles--;
    door->cb(door->data, get_u64(entrant->bytes + ID_AT),
             (const char *)entrant->bytes + HEAD_LEN, token_len,
             (struct uv_stream_s *)entrant->tcp);
    free(entrant);
}

static void turn_away(struct entrant *entrant)
{
    list_remove(&entrant->link);
    entrant->door->entering_count--;
    uv_close((uv_handle_t *)entrant->tcp, entrant_on_closed);
}

static void entrant_on_closed(uv_handle_t *handle)
{
    struct entrant *entrant = handle->data;
    struct peer_door *door = entrant->door;

    raft_free(entrant->tcp);
    free(entrant);
    count_closed(door);
}
