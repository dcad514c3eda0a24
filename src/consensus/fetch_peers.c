/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "consensus/fetch_peers.h"

#include <assert.h>

static bool has_room(const struct fetch_peers *peers,
                     const struct fetch_peer *peer, uint32_t len);
static bool is_paced(const struct fetch_peers *peers);
static struct fetch_peer *least_busy(struct fetch_peers *peers,
                                     fetch_mask among, uint32_t len);

void fetch_peers_init(struct fetch_peers *peers, const uint64_t *nodes,
                      size_t count, uint64_t rate)
{
    assert(count <= GUARD_PEERS_MAX);
    *peers = (struct fetch_peers){.count = count, .rate = rate};
    for (size_t i = 0; i < count; i++) {
        peers->peers[i].node = nodes[i];
        list_init(&peers->peers[i].asked);
    }
}

/* A token bucket: what was not used is kept for a moment only. */
void fetch_peers_tick(struct fetch_peers *peers, uint64_t now_ms)
{
    uint64_t passed_ms = now_ms - peers->now_ms;
    int64_t most = (int64_t)(peers->rate * FETCH_BURST_MS);

    peers->now_ms = now_ms;
    if (passed_ms > FETCH_BURST_MS) {
        passed_ms = FETCH_BURST_MS;
    }
    peers->tokens += (int64_t)(peers->rate * passed_ms);
    if (peers->tokens > most) {
        peers->tokens = most;
    }
}

struct fetch_peer *fetch_peers_of(struct fetch_peers *peers, uint64_t node)
{
    for (size_t i = 0; i < peers->count; i++) {
        if (peers->peers[i].node == node) {
            return &peers->peers[i];
        }
    }
    return NULL;
}

fetch_mask fetch_peers_all(const struct fetch_peers *peers)
{
    return ((fetch_mask)1 << peers->count) - 1;
}

bool fetch_peers_connected(const struct fetch_peers *peers)
{
    for (size_t i = 0; i < peers->count; i++) {
        if (peers->peers[i].connected) {
            return true;
        }
    }
    return false;
}

bool fetch_peers_have_room(const struct fetch_peers *peers)
{
    if (is_paced(peers)) {
        return false;
    }
    for (size_t i = 0; i < peers->count; i++) {
        if (peers->peers[i].connected && has_room(peers, &peers->peers[i], 1)) {
            return true;
        }
    }
    return false;
}

static bool is_paced(const struct fetch_peers *peers)
{
    return peers->rate > 0 && peers->tokens <= 0;
}

static bool has_room(const struct fetch_peers *peers,
                     const struct fetch_peer *peer, uint32_t len)
{
    return peers->now_ms >= peer->pause_ms &&
           peer->count < FETCH_PEER_REQUESTS_MAX &&
           (peer->count == 0 || peer->bytes + len <= FETCH_PEER_BYTES_MAX);
}

enum fetch_choice fetch_peers_choose(struct fetch_peers *peers,
                                     fetch_mask tried, uint32_t len,
                                     struct fetch_peer **ret_peer)
{
    fetch_mask left = 0;
    fetch_mask others;
    struct fetch_peer *peer;

    for (size_t i = 0; i < peers->count; i++) {
        if (peers->peers[i].connected) {
            left |= (fetch_mask)1 << i;
        }
    }
    left &= ~tried;
    if (left == 0) {
        return FETCH_NOBODY;
    }
    peer = fetch_peers_of(peers, peers->leader);
    others = peer == NULL ? left : left & ~fetch_peers_bit(peers, peer);
    peer = least_busy(peers, others == 0 ? left : others, len);
    if (peer == NULL || is_paced(peers)) {
        return FETCH_WAIT;
    }
    *ret_peer = peer;
    return FETCH_ASK;
}

static struct fetch_peer *least_busy(struct fetch_peers *peers,
                                     fetch_mask among, uint32_t len)
{
    struct fetch_peer *best = NULL;

    for (size_t n = 0; n < peers->count; n++) {
        size_t i = (peers->turn + n) % peers->count;
        struct fetch_peer *peer = &peers->peers[i];

        if ((among & fetch_peers_bit(peers, peer)) != 0 &&
            has_room(peers, peer, len) &&
            (best == NULL || peer->bytes < best->bytes)) {
            best = peer;
        }
    }
    return best;
}

void fetch_peer_asked(struct fetch_peers *peers, struct fetch_peer *peer,
                      uint32_t len)
{
    if (peer->count == 0) {
        peer->heard_ms = peers->now_ms;
    }
    peer->count++;
    peer->bytes += len;
    peers->turn++;
    if (peers->rate > 0) {
        peers->tokens -= (int64_t)len * 1000;
    }
}

void fetch_peer_ended(struct fetch_peers *peers, struct fetch_peer *peer,
                      uint32_t len, size_t got)
{
    assert(peer->count > 0);
    assert(peer->bytes >= len);
    peer->count--;
    peer->bytes -= len;
    /* Frames are shorter than the raw bytes that were reckoned with. */
    if (peers->rate > 0) {
        peers->tokens += ((int64_t)len - (int64_t)got) * 1000;
    }
}

bool fetch_peer_is_silent(const struct fetch_peers *peers,
                          const struct fetch_peer *peer)
{
    return peer->count > 0 &&
           peers->now_ms - peer->heard_ms >= FETCH_SILENCE_MS;
}
