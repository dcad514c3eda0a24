/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "support/install_rig.h"

#include <stdlib.h>
#include <string.h>

#include "store/snapshot.h"
#include "support/cmocka.h"
#include "util/diag.h"
#include "util/mem.h"

/* ---- What stands around it ---- */

static uint64_t rig_now_ms(void *data)
{
    return ((struct install_rig *)data)->now_ms;
}

static bool rig_is_connected(void *data, uint64_t node)
{
    (void)node;
    return !((struct install_rig *)data)->is_alone;
}

static bool rig_send(void *data, uint64_t node,
                     const struct link_chunk_request *request)
{
    struct install_rig *rig = data;

    (void)node;
    assert_true(rig->requests_count < INSTALL_RIG_REQUESTS_MAX);
    rig->requests[rig->requests_count++] = *request;
    return true;
}

static int rig_supply(void *data, struct chunk_supply *supply,
                      struct chunk *chunk, const uint8_t *row,
                      struct bytes frame, chunk_supply_cb cb)
{
    return chunk_store_supply(((struct install_rig *)data)->own.store, supply,
                              chunk, row, frame, cb);
}

static void rig_cancel_supply(void *data, struct chunk_supply *supply)
{
    (void)data;
    chunk_store_supply_cancel(supply);
}

static void rig_give_up(void *data, struct chunk *chunk)
{
    chunk_store_give_up(((struct install_rig *)data)->own.store, chunk);
}

static bool rig_is_needed(void *data, const struct chunk *chunk)
{
    (void)data;
    return chunk->home == NULL && chunk->parts == NULL && chunk->refs > 2;
}

static void rig_adopt(void *data, struct machine *machine)
{
    (void)chunk_store_adopt(((struct install_rig *)data)->own.store, machine);
}

static void rig_flush(void *data, struct chunk_flush *flush, chunk_flush_cb cb)
{
    chunk_store_flush(((struct install_rig *)data)->own.store, flush, cb);
}

static void rig_cancel_flush(void *data, struct chunk_flush *flush)
{
    (void)data;
    chunk_store_flush_cancel(flush);
}

static void rig_prepare(void *data, uint64_t index, struct machine *machine)
{
    struct install_rig *rig = data;

    machine_free(rig->prepared);
    rig->prepared = machine;
    rig->prepared_index = index;
}

void install_rig_free_message(struct raft_message *message)
{
    raft_configuration_close(&message->install_snapshot.conf);
    raft_free(message->install_snapshot.data.base);
}

static void rig_pass_on(void *data, struct raft_message *message)
{
    struct install_rig *rig = data;

    assert_int_equal(message->type, RAFT_IO_INSTALL_SNAPSHOT);
    rig->passed++;
    rig->passed_index = message->install_snapshot.last_index;
    rig->passed_term = message->install_snapshot.term;
    strcpy(rig->passed_address, message->server_address);
    install_rig_free_message(message);
}

static void rig_begun(void *data)
{
    (void)data;
}

static uint64_t rig_applied(void *data)
{
    return ((struct install_rig *)data)->applied;
}

static bool rig_is_installing(void *data)
{
    return ((struct install_rig *)data)->is_installing;
}

static void open_fetch(struct install_rig *rig)
{
    static const uint64_t nodes[] = {INSTALL_RIG_LEADER};
    const struct chunk_fetch_options options = {.nodes = nodes,
                                                .nodes_count = 1,
                                                .now_ms = rig_now_ms,
                                                .is_connected =
                                                    rig_is_connected,
                                                .send = rig_send,
                                                .supply = rig_supply,
                                                .cancel = rig_cancel_supply,
                                                .give_up = rig_give_up,
                                                .is_needed = rig_is_needed,
                                                .data = rig};

    rig->fetch = chunk_fetch_new(&options);
}

static void open_install(struct install_rig *rig)
{
    const struct install_options options = {
        .fetch = rig->fetch,
        .disk = fake_disk_disk(rig->own.fake),
        .limits = &rig->own.limits,
        .source = chunk_store_source(rig->own.store),
        .adopt = rig_adopt,
        .flush = rig_flush,
        .cancel = rig_cancel_flush,
        .prepare = rig_prepare,
        .pass_on = rig_pass_on,
        .begun = rig_begun,
        .applied = rig_applied,
        .is_installing = rig_is_installing,
        .now_ms = rig_now_ms,
        .data = rig};

    rig->install = install_new(&options);
}

struct install_rig *install_rig_new(size_t chunks, size_t own)
{
    struct install_rig *rig = mem_must_zalloc(sizeof *rig);

    diag_set_level(DIAG_ERROR);
    rig->now_ms = 1000;
    chunk_rig_open(&rig->own);
    chunk_rig_open(&rig->peer);
    if (own > 0) {
        chunk_rig_fill(&rig->own, own);
    }
    chunk_rig_fill(&rig->peer, chunks);
    open_fetch(rig);
    open_install(rig);
    return rig;
}

void install_rig_free(struct install_rig *rig)
{
    install_stop(rig->install);
    chunk_fetch_free(rig->fetch);
    chunk_rig_settle(&rig->own);
    assert_false(install_is_busy(rig->install));
    install_free(rig->install);
    machine_free(rig->prepared);
    chunk_rig_close(&rig->own);
    chunk_rig_close(&rig->peer);
    free(rig);
}

/* ---- Messages ---- */

struct raft_message install_rig_make_message(struct install_rig *rig,
                                             raft_index index, raft_term term)
{
    struct raft_message message = {.type = RAFT_IO_INSTALL_SNAPSHOT,
                                   .server_id = INSTALL_RIG_LEADER,
                                   .server_address = "leader:1"};
    struct raft_install_snapshot *install = &message.install_snapshot;
    struct view *view = machine_freeze(rig->peer.driver.machine);
    struct buf bytes = BUF_INIT;

    assert_int_equal(snapshot_encode(view, index, &bytes, NULL), 0);
    view_free(view);
    install->term = term;
    install->last_index = index;
    install->last_term = INSTALL_RIG_TERM;
    raft_configuration_init(&install->conf);
    assert_int_equal(raft_configuration_add(&install->conf, INSTALL_RIG_LEADER,
                                            "leader:1", RAFT_VOTER),
                     0);
    install->data.base = raft_malloc(bytes.len);
    assert_non_null(install->data.base);
    memcpy(install->data.base, bytes.data, bytes.len);
    install->data.len = bytes.len;
    buf_close(&bytes);
    return message;
}

bool install_rig_take_at(struct install_rig *rig, raft_index index,
                         raft_term term)
{
    struct raft_message message = install_rig_make_message(rig, index, term);

    if (install_take(rig->install, &message)) {
        return true;
    }
    install_rig_free_message(&message);
    return false;
}

void install_rig_hear(struct install_rig *rig, raft_term term)
{
    const struct raft_message message = {.type = RAFT_IO_APPEND_ENTRIES,
                                         .server_id = 3,
                                         .append_entries = {.term = term}};

    assert_false(install_take(rig->install, &message));
}

/* ---- Time ---- */

static void tell_missing(struct install_rig *rig)
{
    while (rig->told < rig->own.missing) {
        chunk_fetch_missing(rig->fetch, rig->own.absent[rig->told++]);
    }
}

void install_rig_settle(struct install_rig *rig)
{
    chunk_rig_settle(&rig->own);
    tell_missing(rig);
    rig->now_ms++;
    chunk_fetch_step(rig->fetch, INSTALL_RIG_LEADER);
    install_step(rig->install);
    chunk_rig_settle(&rig->own);
    tell_missing(rig);
}

struct answering {
    struct install_rig *rig;
    uint64_t id;
    bool damage;
};

static void on_served(struct chunk_serve *serve, int status, const uint8_t *row,
                      struct bytes frame)
{
    struct answering *answering = serve->data;
    struct buf bytes = BUF_INIT;
    uint8_t head[LINK_CHUNK_HEAD_LEN];

    link_chunk_head_encode(
        answering->id, status == 0 ? LINK_CHUNK_GIVEN : LINK_CHUNK_NOT_FOUND,
        head);
    assert_int_equal(buf_add(&bytes, head, sizeof head), 0);
    if (status == 0) {
        assert_int_equal(buf_add(&bytes, row, PACK_ROW_LEN), 0);
        assert_int_equal(buf_add(&bytes, frame.data, frame.len), 0);
        bytes.data[bytes.len / 2] ^= answering->damage ? 1 : 0;
    }
    assert_int_equal(chunk_fetch_on_frame(answering->rig->fetch,
                                          INSTALL_RIG_LEADER, bytes.data,
                                          bytes.len),
                     0);
    buf_close(&bytes);
}

bool install_rig_answer_one(struct install_rig *rig, bool damage)
{
    struct answering answering = {rig, 0, damage};
    struct chunk_serve serve = {.data = &answering};

    if (rig->requests_done == rig->requests_count) {
        return false;
    }
    answering.id = rig->requests[rig->requests_done].id;
    assert_int_equal(chunk_store_serve(rig->peer.store, &serve,
                                       &rig->requests[rig->requests_done].name,
                                       on_served),
                     0);
    rig->requests_done++;
    chunk_rig_settle(&rig->peer);
    install_rig_settle(rig);
    return true;
}

void install_rig_answer_all(struct install_rig *rig)
{
    while (install_rig_answer_one(rig, false)) {
        continue;
    }
    chunk_rig_tick(&rig->own, 1000);
    install_rig_settle(rig);
}

struct install_progress install_rig_progress(const struct install_rig *rig)
{
    struct install_progress progress;

    install_progress(rig->install, &progress);
    return progress;
}

void install_rig_assert_prepared(struct install_rig *rig)
{
    uint8_t expected[16];
    uint8_t got[16];

    assert_non_null(rig->prepared);
    machine_digest(rig->peer.driver.machine, expected);
    machine_digest(rig->prepared, got);
    assert_memory_equal(got, expected, sizeof got);
    assert_int_equal(chunk_store_adopt(rig->own.store, rig->prepared), 0);
}
