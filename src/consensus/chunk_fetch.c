/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "consensus/chunk_fetch.h"

#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>

#include "consensus/chunk_fetch_internal.h"
#include "util/diag.h"
#include "util/map.h"
#include "util/mem.h"

/* What nobody had is said once in so long. */
#define SAY_MS 60000u

static void look_at_peers(struct chunk_fetch *fetch);
static void assign(struct chunk_fetch *fetch, struct list *line);
static bool fits(const struct chunk_fetch *fetch, const struct want *want);
static bool ask(struct want *want, struct fetch_peer *peer);
static void end_round(struct want *want);
static void lose_patience(struct chunk_fetch *fetch);
static void give_up(struct want *want);
static struct want *find_asked(struct fetch_peer *peer, uint64_t id);
static void take(struct want *want, const struct link_chunk *answer);
static bool is_of(const struct chunk *chunk, const struct link_chunk *answer);
static void on_stored(struct chunk_supply *supply, int status);
static void on_bad(struct want *want);

struct chunk_fetch *chunk_fetch_new(const struct chunk_fetch_options *options)
{
    struct chunk_fetch *fetch = mem_must_zalloc(sizeof *fetch);

    fetch->options = *options;
    fetch_peers_init(&fetch->peers, options->nodes, options->nodes_count,
                     options->rate_bytes);
    chunk_fetch_look_at_clock(fetch);
    fetch_wants_init(fetch);
    return fetch;
}

void chunk_fetch_free(struct chunk_fetch *fetch)
{
    if (fetch != NULL) {
        fetch_wants_close(fetch);
        free(fetch);
    }
}

void chunk_fetch_look_at_clock(struct chunk_fetch *fetch)
{
    fetch_peers_tick(&fetch->peers, fetch->options.now_ms(fetch->options.data));
}

void chunk_fetch_counts(const struct chunk_fetch *fetch,
                        struct chunk_fetch_counts *ret)
{
    *ret = fetch->counts;
    ret->wanted = map_count(fetch->wants);
    for (size_t i = 0; i < fetch->peers.count; i++) {
        ret->asked += fetch->peers.peers[i].count;
        ret->peers += fetch->peers.peers[i].count > 0 ? 1 : 0;
    }
}

/* ---- Asking ---- */

void chunk_fetch_step(struct chunk_fetch *fetch, uint64_t leader)
{
    fetch->peers.leader = leader;
    chunk_fetch_look_at_clock(fetch);
    look_at_peers(fetch);
    fetch_wants_wake(fetch);
    if (fetch_peers_connected(&fetch->peers)) {
        assign(fetch, &fetch->hurried);
        assign(fetch, &fetch->plain);
    } else {
        lose_patience(fetch);
    }
}

/* What was asked of somebody who has gone, or says nothing, is asked of
 * others. */
static void look_at_peers(struct chunk_fetch *fetch)
{
    for (size_t i = 0; i < fetch->peers.count; i++) {
        struct fetch_peer *peer = &fetch->peers.peers[i];
        bool silent = fetch_peer_is_silent(&fetch->peers, peer);

        peer->connected =
            fetch->options.is_connected(fetch->options.data, peer->node);
        while ((silent || !peer->connected) && !list_empty(&peer->asked)) {
            struct want *want = LIST_ITEM(peer->asked.prev, struct want, link);

            want_unask(want, 0);
            want->failed |= fetch_peers_bit(&fetch->peers, peer);
            want_wait_first(want);
        }
    }
}

static void assign(struct chunk_fetch *fetch, struct list *line)
{
    struct list *at = line->next;
    unsigned skipped = 0;

    while (at != line && skipped < FETCH_SKIPS_MAX &&
           fetch_peers_have_room(&fetch->peers)) {
        struct want *want = LIST_ITEM(at, struct want, link);
        struct fetch_peer *peer;

        at = at->next;
        if (!fetch->options.is_needed(fetch->options.data, want->chunk)) {
            want_drop(want);
            continue;
        }
        if (!fits(fetch, want)) {
            return;
        }
        switch (fetch_peers_choose(&fetch->peers, want->absent | want->failed,
                                   want->chunk->len, &peer)) {
        case FETCH_ASK:
            skipped += ask(want, peer) ? 0 : 1;
            break;
        case FETCH_WAIT:
            skipped++;
            break;
        case FETCH_NOBODY:
            end_round(want);
            break;
        }
    }
}

static bool fits(const struct chunk_fetch *fetch, const struct want *want)
{
    return fetch->bytes == 0 ||
           fetch->bytes + want->chunk->len <= FETCH_BYTES_MAX;
}

static bool ask(struct want *want, struct fetch_peer *peer)
{
    struct chunk_fetch *fetch = want->fetch;
    const struct link_chunk_request request = {.id = ++fetch->next_id,
                                               .name = want->chunk->name};

    if (!fetch->options.send(fetch->options.data, peer->node, &request)) {
        peer->pause_ms = fetch->peers.now_ms + FETCH_PAUSE_MS;
        return false;
    }
    fetch_peer_asked(&fetch->peers, peer, want->chunk->len);
    fetch->bytes += want->chunk->len;
    list_remove(&want->link);
    want->state = WANT_ASKED;
    want->id = request.id;
    want->peer = peer;
    list_push_back(&peer->asked, &want->link);
    return true;
}

void want_unask(struct want *want, size_t got)
{
    struct chunk_fetch *fetch = want->fetch;

    fetch_peer_ended(&fetch->peers, want->peer, want->chunk->len, got);
    fetch->bytes -= want->chunk->len;
    list_remove(&want->link);
}

static void end_round(struct want *want)
{
    struct chunk_fetch *fetch = want->fetch;
    uint64_t now_ms = fetch->peers.now_ms;
    uint64_t delay_ms = FETCH_RETRY_MAX_MS;

    if (want->absent == fetch_peers_all(&fetch->peers) ||
        now_ms - want->since_ms >= FETCH_PATIENCE_MS) {
        give_up(want);
    }
    want->absent = 0;
    want->failed = 0;
    if (want->rounds < 6) {
        delay_ms = (uint64_t)FETCH_RETRY_MIN_MS << want->rounds;
        want->rounds++;
    }
    want_rest(want,
              delay_ms < FETCH_RETRY_MAX_MS ? delay_ms : FETCH_RETRY_MAX_MS);
}

/* Nobody is there to be asked: who waits should know at last, and at once where
 * there is no other member. */
static void lose_patience(struct chunk_fetch *fetch)
{
    struct list *at = fetch->hurried.next;
    unsigned seen = 0;

    while (at != &fetch->hurried && seen < FETCH_SKIPS_MAX) {
        struct want *want = LIST_ITEM(at, struct want, link);

        at = at->next;
        seen++;
        if (fetch->peers.count == 0 ||
            fetch->peers.now_ms - want->since_ms >= FETCH_PATIENCE_MS) {
            end_round(want);
        }
    }
}

static void give_up(struct want *want)
{
    struct chunk_fetch *fetch = want->fetch;
    bool alone = fetch->peers.count == 0;
    uint64_t now_ms = fetch->peers.now_ms;

    want->since_ms = now_ms;
    fetch->counts.given_up++;
    if (fetch->said_ms == 0 || now_ms - fetch->said_ms >= SAY_MS) {
        fetch->said_ms = now_ms;
        diag_warning("positions %" PRIu64 " to %" PRIu64 " of the log with uid "
                     "%" PRIu64 " are on no disk of %s: reads of them fail; %s",
                     want->chunk->name.first, want->chunk->name.last,
                     want->chunk->name.uid,
                     alone ? "this node, which is the only one"
                           : "this node and of those that it can reach",
                     alone ? "stop it and put the missing file back, if there "
                             "is a copy"
                           : "it goes on asking: bring back a node that has "
                             "them");
    }
    fetch->options.give_up(fetch->options.data, want->chunk);
}

/* ---- Answers ---- */

int chunk_fetch_on_frame(struct chunk_fetch *fetch, uint64_t from,
                         const uint8_t *bytes, size_t len)
{
    struct fetch_peer *peer = fetch_peers_of(&fetch->peers, from);
    struct link_chunk answer;
    struct want *want;
    int rv = link_chunk_decode(bytes, len, &answer);

    if (rv != 0 || peer == NULL) {
        return QL_PROTOCOL;
    }
    chunk_fetch_look_at_clock(fetch);
    peer->heard_ms = fetch->peers.now_ms;
    want = find_asked(peer, answer.id);
    /* It may have been asked of another meanwhile. */
    if (want == NULL) {
        return 0;
    }
    want_unask(want, answer.frame.len);
    switch (answer.status) {
    case LINK_CHUNK_GIVEN:
        take(want, &answer);
        return 0;
    case LINK_CHUNK_NOT_FOUND:
        want->absent |= fetch_peers_bit(&fetch->peers, peer);
        break;
    case LINK_CHUNK_BUSY:
        peer->pause_ms = fetch->peers.now_ms + FETCH_PAUSE_MS;
        break;
    default:
        want->failed |= fetch_peers_bit(&fetch->peers, peer);
        break;
    }
    want_wait_first(want);
    return 0;
}

/* They come in about the order in which they were asked for. */
static struct want *find_asked(struct fetch_peer *peer, uint64_t id)
{
    for (struct list *at = peer->asked.next; at != &peer->asked;
         at = at->next) {
        struct want *want = LIST_ITEM(at, struct want, link);

        if (want->id == id) {
            return want;
        }
    }
    return NULL;
}

static void take(struct want *want, const struct link_chunk *answer)
{
    struct chunk_fetch *fetch = want->fetch;
    int rv;

    if (!is_of(want->chunk, answer)) {
        on_bad(want);
        return;
    }
    want->state = WANT_STORED;
    want->frame_len = answer->frame.len;
    list_push_back(&fetch->stored, &want->link);
    fetch->bytes += want->chunk->len;
    rv = fetch->options.supply(fetch->options.data, &want->supply, want->chunk,
                               answer->row, answer->frame, on_stored);
    if (rv != 0) {
        fetch->bytes -= want->chunk->len;
        want_rest(want, FETCH_RETRY_MIN_MS);
    }
}

/* The row is the one that was asked for; the rest is proved with the bytes. */
static bool is_of(const struct chunk *chunk, const struct link_chunk *answer)
{
    struct pack_row row;
    struct err err;

    return pack_row_decode(answer->row, &row, &err) == 0 &&
           chunk_name_equal(&row.facts.name, &chunk->name);
}

static void on_stored(struct chunk_supply *supply, int status)
{
    struct want *want = supply->data;
    struct chunk_fetch *fetch = want->fetch;

    fetch->bytes -= want->chunk->len;
    want->state = WANT_WAITS;
    list_remove(&want->link);
    if (status == 0) {
        fetch->counts.chunks++;
        fetch->counts.bytes += want->frame_len;
        want_done(want);
    } else if (status == QL_CORRUPT) {
        on_bad(want);
    } else {
        want_rest(want, FETCH_RETRY_MAX_MS);
    }
    /* There is room for others now. */
    assign(fetch, &fetch->hurried);
    assign(fetch, &fetch->plain);
}

static void on_bad(struct want *want)
{
    struct chunk_fetch *fetch = want->fetch;
    struct fetch_peer *peer = want->peer;

    fetch->counts.damaged++;
    if (!peer->damage_said) {
        peer->damage_said = true;
        diag_warning("node %" PRIu64 " sent something else than the chunk it "
                     "was asked for: look at that node's disk and memory",
                     peer->node);
    }
    want->failed |= fetch_peers_bit(&fetch->peers, peer);
    want_wait_first(want);
}
