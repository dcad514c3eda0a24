/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "consensus/chunk_peers.h"

#include <assert.h>
#include <stdlib.h>

#include "consensus/chunks_real.h"
#include "util/limits.h"
#include "util/mem.h"

/* A request on its way. */
struct outgoing_request {
    struct link_send send;
    struct bytes part;
    uint8_t bytes[LINK_CHUNK_REQUEST_LEN];
};

/* An answer on its way. */
struct outgoing_answer {
    struct link_send send;
    struct chunk_peers *peers;
    void *sending;
};

static void list_nodes(struct chunk_peers *peers,
                       const struct identity *identity);
static void start_fetch(struct chunk_peers *peers, uint64_t rate_bytes);
static void start_answers(struct chunk_peers *peers);
static void start_install(struct chunk_peers *peers);
static struct link *link_of(const struct chunk_peers *peers);
static void wake(struct chunk_peers *peers);
static void on_timer(uv_timer_t *timer);
static void step(struct chunk_peers *peers);
static bool is_idle(const struct chunk_peers *peers);
static void on_missing(void *data, struct chunk *chunk);
static void on_request_sent(struct link_send *send, int status);
static void on_answer_sent(struct link_send *send, int status);

void chunk_peers_start(struct chunk_peers *peers, struct core *core,
                       const struct node_options *options)
{
    int rv = uv_timer_init(options->loop, &peers->timer);

    assert(rv == 0); /* It cannot fail (libuv's manual). */
    peers->core = core;
    peers->store = chunks_real_store(core->chunks);
    peers->readers = chunks_real_readers(core->chunks);
    list_nodes(peers, options->identity);
    start_fetch(peers, options->fetch_bytes);
    start_answers(peers);
    start_install(peers);
    chunks_real_on_missing(core->chunks, on_missing, peers);
    raft_io_real_hold_back(core->disk, peers->install);
}

void chunk_peers_stop(struct chunk_peers *peers)
{
    if (peers->fetch == NULL) {
        return;
    }
    (void)uv_timer_stop(&peers->timer);
    raft_io_real_hold_back(peers->core->disk, NULL);
    chunks_real_on_missing(peers->core->chunks, NULL, NULL);
    chunk_answers_stop(peers->answers);
    install_stop(peers->install);
    chunk_fetch_free(peers->fetch);
    peers->fetch = NULL;
}

void chunk_peers_free(struct chunk_peers *peers)
{
    assert(peers->fetch == NULL);
    chunk_answers_free(peers->answers);
    install_free(peers->install);
}

void chunk_peers_fill(const struct chunk_peers *peers, struct node_install *ret)
{
    struct install_progress progress;

    if (peers->fetch == NULL) {
        return;
    }
    install_progress(peers->install, &progress);
    ret->index = progress.index;
    ret->chunks = progress.chunks;
    ret->chunks_missing = progress.missing;
    ret->bytes_fetched = progress.bytes;
    ret->fetch_ms = progress.ms;
}

static void list_nodes(struct chunk_peers *peers,
                       const struct identity *identity)
{
    for (size_t i = 0; i < identity->members_count; i++) {
        if (identity->members[i].id != identity->node) {
            peers->nodes[peers->nodes_count++] = identity->members[i].id;
        }
    }
}

/* NULL before the core has started. */
static struct link *link_of(const struct chunk_peers *peers)
{
    struct raft_net *net = raft_io_real_net(peers->core->disk);

    return net == NULL ? NULL : raft_net_link(net);
}

/* ---- Time ---- */

static uint64_t now_ms(void *data)
{
    const struct chunk_peers *peers = data;

    return uv_now(peers->timer.loop);
}

static void wake(struct chunk_peers *peers)
{
    if (peers->fetch != NULL && !uv_is_active((uv_handle_t *)&peers->timer)) {
        int rv = uv_timer_start(&peers->timer, on_timer, 0, FETCH_STEP_MS);

        assert(rv == 0);
    }
}

static void on_timer(uv_timer_t *timer)
{
    struct chunk_peers *peers = (struct chunk_peers *)(void *)timer;

    step(peers);
    if (is_idle(peers)) {
        (void)uv_timer_stop(timer);
    }
}

static void step(struct chunk_peers *peers)
{
    raft_id leader;
    const char *address;

    raft_leader(&peers->core->raft, &leader, &address);
    chunk_fetch_step(peers->fetch, leader);
    install_step(peers->install);
    chunk_answers_step(peers->answers);
}

static bool is_idle(const struct chunk_peers *peers)
{
    struct chunk_fetch_counts counts;

    chunk_fetch_counts(peers->fetch, &counts);
    return counts.wanted == 0 && !install_is_active(peers->install) &&
           !chunk_answers_wait(peers->answers);
}

int chunk_peers_on_frame(struct chunk_peers *peers, uint64_t from,
                         enum link_frame type, const uint8_t *bytes, size_t len)
{
    int rv;

    if (peers->fetch == NULL) {
        return 0;
    }
    if (type == LINK_CHUNK_REQUEST) {
        rv = chunk_answers_on_frame(peers->answers, from, bytes, len);
    } else {
        rv = chunk_fetch_on_frame(peers->fetch, from, bytes, len);
        step(peers);
    }
    wake(peers);
    return rv;
}

/* ---- Fetching ---- */

/* In both directions: an answer that cannot be sent is lost, and who asked would
 * wait for FETCH_SILENCE_MS, which is longer than a read does. */
static bool fetch_is_connected(void *data, uint64_t node)
{
    const struct link *link = link_of(data);

    return link != NULL && link_connected(link, node) && link_heard(link, node);
}

/* What is lost on the way is asked of another when the connection is gone, or
 * after FETCH_SILENCE_MS. */
static bool fetch_send(void *data, uint64_t node,
                       const struct link_chunk_request *request)
{
    struct outgoing_request *outgoing = mem_must_zalloc(sizeof *outgoing);

    link_chunk_request_encode(request, outgoing->bytes);
    outgoing->part = (struct bytes){outgoing->bytes, sizeof outgoing->bytes};
    if (link_send(link_of(data), &outgoing->send, node, LINK_CHUNK_REQUEST,
                  &outgoing->part, 1, on_request_sent) != 0) {
        free(outgoing);
        return false;
    }
    return true;
}

static void on_request_sent(struct link_send *send, int status)
{
    (void)status;
    free(LIST_ITEM(send, struct outgoing_request, send));
}

static int fetch_supply(void *data, struct chunk_supply *supply,
                        struct chunk *chunk, const uint8_t *row,
                        struct bytes frame, chunk_supply_cb cb)
{
    struct chunk_peers *peers = data;

    return chunk_store_supply(peers->store, supply, chunk, row, frame, cb);
}

static void fetch_cancel(void *data, struct chunk_supply *supply)
{
    (void)data;
    chunk_store_supply_cancel(supply);
}

static void fetch_give_up(void *data, struct chunk *chunk)
{
    struct chunk_peers *peers = data;

    chunk_store_give_up(peers->store, chunk);
}

/* Beside the store's reference and that of the fetch there is another. */
static bool fetch_is_needed(void *data, const struct chunk *chunk)
{
    (void)data;
    return chunk->home == NULL && chunk->parts == NULL && chunk->refs > 2;
}

static void on_missing(void *data, struct chunk *chunk)
{
    struct chunk_peers *peers = data;

    chunk_fetch_missing(peers->fetch, chunk);
    wake(peers);
}

static void start_fetch(struct chunk_peers *peers, uint64_t rate_bytes)
{
    const struct chunk_fetch_options options = {
        .nodes = peers->nodes,
        .nodes_count = peers->nodes_count,
        .rate_bytes = rate_bytes,
        .now_ms = now_ms,
        .is_connected = fetch_is_connected,
        .send = fetch_send,
        .supply = fetch_supply,
        .cancel = fetch_cancel,
        .give_up = fetch_give_up,
        .is_needed = fetch_is_needed,
        .data = peers};

    peers->fetch = chunk_fetch_new(&options);
}

/* ---- Answering ---- */

static int answers_serve(void *data, struct chunk_serve *serve,
                         const struct chunk_name *name, chunk_serve_cb cb)
{
    struct chunk_peers *peers = data;

    return chunk_store_serve(peers->store, serve, name, cb);
}

static void answers_cancel(void *data, struct chunk_serve *serve)
{
    (void)data;
    chunk_store_serve_cancel(serve);
}

static bool answers_send(void *data, uint64_t node, const struct bytes parts[2],
                         void *sending)
{
    struct chunk_peers *peers = data;
    struct outgoing_answer *outgoing = mem_must_zalloc(sizeof *outgoing);

    outgoing->peers = peers;
    outgoing->sending = sending;
    if (link_send(link_of(peers), &outgoing->send, node, LINK_CHUNK, parts, 2,
                  on_answer_sent) != 0) {
        free(outgoing);
        return false;
    }
    return true;
}

static void on_answer_sent(struct link_send *send, int status)
{
    struct outgoing_answer *outgoing =
        LIST_ITEM(send, struct outgoing_answer, send);
    struct chunk_peers *peers = outgoing->peers;
    void *sending = outgoing->sending;

    (void)status;
    free(outgoing);
    chunk_answers_on_sent(peers->answers, sending);
}

static void start_answers(struct chunk_peers *peers)
{
    const struct chunk_answers_options options = {.nodes = peers->nodes,
                                                  .nodes_count =
                                                      peers->nodes_count,
                                                  .serve = answers_serve,
                                                  .cancel = answers_cancel,
                                                  .send = answers_send,
                                                  .data = peers};

    peers->answers = chunk_answers_new(&options);
}

/* ---- Installing ---- */

static void install_adopt(void *data, struct machine *machine)
{
    struct chunk_peers *peers = data;

    (void)chunk_store_adopt(peers->store, machine);
}

static void install_flush(void *data, struct chunk_flush *flush,
                          chunk_flush_cb cb)
{
    struct chunk_peers *peers = data;

    chunk_store_flush(peers->store, flush, cb);
}

static void install_cancel(void *data, struct chunk_flush *flush)
{
    (void)data;
    chunk_store_flush_cancel(flush);
}

static void install_prepare(void *data, uint64_t index, struct machine *machine)
{
    struct chunk_peers *peers = data;

    fsm_prepare(&peers->core->fsm, index, machine);
}

static void install_pass_on(void *data, struct raft_message *message)
{
    struct chunk_peers *peers = data;

    raft_io_real_receive(peers->core->disk, message);
}

static uint64_t install_applied(void *data)
{
    const struct chunk_peers *peers = data;

    return peers->core->raft.last_applied;
}

static bool install_is_installing(void *data)
{
    const struct chunk_peers *peers = data;

    return guard_has_install(peers->core->guard);
}

static void install_begun(void *data)
{
    wake(data);
}

static void start_install(struct chunk_peers *peers)
{
    const struct install_options options = {
        .fetch = peers->fetch,
        .disk = peers->readers,
        .source = chunk_store_source(peers->store),
        .adopt = install_adopt,
        .flush = install_flush,
        .cancel = install_cancel,
        .prepare = install_prepare,
        .pass_on = install_pass_on,
        .applied = install_applied,
        .is_installing = install_is_installing,
        .now_ms = now_ms,
        .begun = install_begun,
        .data = peers};

    peers->install = install_new(&options);
}
