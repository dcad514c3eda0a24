/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * Each attempt looks the name up anew, off the loop, and tries all addresses that
 * it finds, up to the hello: on this machine, "localhost" may be two, with
 * somebody else behind one of them.
 */
#include <inttypes.h>
#include <stdio.h>

#include "consensus/link_parts.h"
#include "util/diag.h"
#include "util/random.h"

/* A connection that has lasted so long and ends is made anew at once, to learn
 * whether the peer has ended; one that ends sooner may do so each time. While a
 * process dies its machine may still take connections, to break them. */
#define LASTING_MS 1000u
#define HURRIES_MAX 3u
#define HURRY_MS 5u

/* Attempts that fail come up to this many times more slowly: at once when a
 * person must put something right first, else by and by. A peer that comes back
 * calls us, and is then called back without delay. */
#define SLOWEST_FACTOR 10u

static void attempt(struct link_peer *peer);
static void on_lookup(uv_getaddrinfo_t *request, int status,
                      struct addrinfo *addresses);
static void try_next(struct link_peer *peer);
static void on_connect(uv_connect_t *request, int status);
static void tell_gone(struct link_peer *peer);
static void later(struct link_peer *peer, bool refused);
static void on_retry(uv_timer_t *timer);
static void on_retry_closed(uv_handle_t *handle);
static void forget_addresses(struct link_peer *peer);

void link_connect_start(struct link_peer *peer)
{
    struct link *link = peer->owner;

    (void)uv_timer_init(link->options.loop, &peer->retry);
    peer->retry.data = peer;
    link->open++;
    attempt(peer);
}

void link_connect_stop(struct link_peer *peer)
{
    if (peer->looking) {
        /* When it is under way already it ends by itself. */
        (void)uv_cancel((uv_req_t *)&peer->lookup);
    }
    uv_close((uv_handle_t *)&peer->retry, on_retry_closed);
}

void link_connect_on_end(struct link_stream *stream)
{
    struct link_peer *peer = stream->peer;
    bool refused = stream->hello.refusal != LINK_ACCEPTED;

    peer->out = NULL;
    if (peer->owner->stopping) {
        forget_addresses(peer);
        return;
    }
    if (!stream->proven && peer->next != NULL) {
        try_next(peer);
        return;
    }
    forget_addresses(peer);
    if (stream->proven) {
        bool lasted =
            uv_now(peer->owner->options.loop) - stream->proven_ms >= LASTING_MS;

        peer->failures = 0;
        peer->hurries = lasted ? HURRIES_MAX : 0;
    }
    if (peer->hurries > 0 && !refused &&
        (stream->proven || !peer->refused_by_all)) {
        peer->hurries--;
        (void)uv_timer_start(&peer->retry, on_retry,
                             random_u64() % (HURRY_MS + 1), 0);
        return;
    }
    later(peer, refused);
    if (!stream->proven && peer->refused_by_all) {
        tell_gone(peer);
    }
}

static void tell_gone(struct link_peer *peer)
{
    struct link *link = peer->owner;

    if (peer->in == NULL && link->options.on_gone != NULL) {
        link->options.on_gone(link->options.data, peer->member->id);
    }
}

void link_connect_hurry(struct link_peer *peer)
{
    if (uv_is_active((uv_handle_t *)&peer->retry)) {
        (void)uv_timer_start(&peer->retry, on_retry, 0, 0);
    }
}

void link_connect_failed(struct link_peer *peer, const char *reason)
{
    if (peer->unreachable_said) {
        return;
    }
    peer->unreachable_said = true;
    diag_info("node %" PRIu64 " cannot be reached at %s: %s", peer->member->id,
              peer->member->peer_address, reason);
}

static void attempt(struct link_peer *peer)
{
    struct link *link = peer->owner;
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM,
                             .ai_flags = AI_NUMERICSERV};
    struct address address;
    char port[8];
    int rv;

    /* The identity would not have been read with another one. */
    if (address_parse(peer->member->peer_address, 0, &address, NULL) != 0) {
        diag_die(1, "the peer address %s of node %" PRIu64 " is malformed",
                 peer->member->peer_address, peer->member->id);
    }
    (void)snprintf(port, sizeof port, "%u", (unsigned)address.port);
    peer->lookup.data = peer;
    rv = uv_getaddrinfo(link->options.loop, &peer->lookup, on_lookup,
                        address.host, port, &hints);
    if (rv != 0) {
        link_connect_failed(peer, uv_strerror(rv));
        later(peer, false);
        return;
    }
    peer->looking = true;
    link->open++;
}

static void on_lookup(uv_getaddrinfo_t *request, int status,
                      struct addrinfo *addresses)
{
    struct link_peer *peer = request->data;
    struct link *link = peer->owner;

    peer->looking = false;
    if (status == 0) {
        peer->addresses = addresses;
        peer->next = addresses;
        peer->refused_by_all = true;
    }
    if (link->stopping) {
        forget_addresses(peer);
    } else if (peer->next != NULL) {
        try_next(peer);
    } else {
        link_connect_failed(peer, uv_strerror(status));
        later(peer, false);
    }
    link_ended(link);
}

static void try_next(struct link_peer *peer)
{
    const struct addrinfo *address = peer->next;
    struct link_stream *stream = link_stream_new(peer->owner, peer);
    int rv;

    peer->next = address->ai_next;
    peer->out = stream;
    rv = uv_tcp_connect(&stream->connect, &stream->tcp, address->ai_addr,
                        on_connect);
    stream->connect.data = stream;
    if (rv != 0) {
        peer->refused_by_all = false;
        link_connect_failed(peer, uv_strerror(rv));
        link_stream_close(stream);
    }
}

static void on_connect(uv_connect_t *request, int status)
{
    struct link_stream *stream = request->data;

    if (stream->closing) {
        return;
    }
    if (status != UV_ECONNREFUSED) {
        stream->peer->refused_by_all = false;
    }
    if (status != 0) {
        if (stream->peer->next == NULL) {
            link_connect_failed(stream->peer, uv_strerror(status));
        }
        link_stream_close(stream);
        return;
    }
    link_stream_begin(stream);
}

/* At random around the time asked for, so that nodes which lost each other in one
 * moment do not all come back in one. */
static void later(struct link_peer *peer, bool refused)
{
    uint64_t factor = SLOWEST_FACTOR;
    uint64_t retry_ms;
    uint64_t delay_ms;

    if (!refused && peer->failures < SLOWEST_FACTOR) {
        peer->failures++;
        factor = peer->failures;
    }
    retry_ms = peer->owner->options.retry_ms * factor;
    delay_ms = retry_ms / 2 + random_u64() % (retry_ms + 1);
    (void)uv_timer_start(&peer->retry, on_retry, delay_ms, 0);
}

static void on_retry(uv_timer_t *timer)
{
    attempt(timer->data);
}

static void on_retry_closed(uv_handle_t *handle)
{
    struct link_peer *peer = handle->data;

    link_ended(peer->owner);
}

static void forget_addresses(struct link_peer *peer)
{
    uv_freeaddrinfo(peer->addresses);
    peer->addresses = NULL;
    peer->next = NULL;
}
