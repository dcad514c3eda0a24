/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "support/fetch_rig.h"

#include <stdlib.h>
#include <string.h>

#include "support/cmocka.h"
#include "util/diag.h"
#include "util/mem.h"

static bool rig_is_connected(void *data, uint64_t node)
{
    struct fetch_rig *rig = data;

    return !rig->is_away[node];
}

static uint64_t rig_now_ms(void *data)
{
    const struct fetch_rig *rig = data;

    return rig->now_ms;
}

static bool rig_send(void *data, uint64_t node,
                     const struct link_chunk_request *request)
{
    struct fetch_rig *rig = data;

    if (rig->cannot_send) {
        return false;
    }
    assert_true(rig->sent_count < FETCH_RIG_SENT_MAX);
    rig->sent[rig->sent_count++] = (struct fetch_rig_sent){node, *request};
    return true;
}

static int rig_supply(void *data, struct chunk_supply *supply,
                      struct chunk *chunk, const uint8_t *row,
                      struct bytes frame, chunk_supply_cb cb)
{
    struct fetch_rig *rig = data;

    assert_non_null(row);
    assert_int_equal(frame.len, sizeof FETCH_RIG_FRAME);
    if (rig->is_store_full) {
        return QL_BUSY;
    }
    supply->cb = cb;
    rig->supplied[rig->supplies_count] = chunk;
    rig->supplies[rig->supplies_count++] = supply;
    return 0;
}

static void rig_cancel(void *data, struct chunk_supply *supply)
{
    struct fetch_rig *rig = data;

    (void)supply;
    rig->canceled++;
}

static void rig_give_up(void *data, struct chunk *chunk)
{
    struct fetch_rig *rig = data;

    rig->given_up++;
    rig->last_given_up = chunk;
}

static bool rig_is_needed(void *data, const struct chunk *chunk)
{
    struct fetch_rig *rig = data;

    (void)chunk;
    return !rig->is_unneeded;
}

static struct chunk *make_chunk(uint64_t number, uint32_t len)
{
    const struct chunk_facts facts = {
        .name = {.uid = 7, .first = number * 10 + 1, .last = number * 10 + 10},
        .last_time_ms = 1,
        .len = len,
        .entries = 10,
        .payload = len - 240};

    return chunk_stub(&facts);
}

static void rig_open(struct fetch_rig *rig, size_t nodes_count,
                     uint32_t chunk_len, uint64_t rate)
{
    static const uint64_t nodes[FETCH_RIG_NODES] = {2, 3, 4};
    const struct chunk_fetch_options options = {.nodes = nodes,
                                                .nodes_count = nodes_count,
                                                .rate_bytes = rate,
                                                .now_ms = rig_now_ms,
                                                .is_connected =
                                                    rig_is_connected,
                                                .send = rig_send,
                                                .supply = rig_supply,
                                                .cancel = rig_cancel,
                                                .give_up = rig_give_up,
                                                .is_needed = rig_is_needed,
                                                .data = rig};

    rig->now_ms = 1000000;
    rig->fetch = chunk_fetch_new(&options);
    for (size_t i = 0; i < FETCH_RIG_CHUNKS; i++) {
        rig->chunks[i] = make_chunk(i, chunk_len);
    }
    chunk_fetch_step(rig->fetch, 0);
}

struct fetch_rig *fetch_rig_new(uint32_t chunk_len, uint64_t rate)
{
    struct fetch_rig *rig = mem_must_zalloc(sizeof *rig);

    diag_set_level(DIAG_ERROR);
    rig_open(rig, FETCH_RIG_NODES, chunk_len, rate);
    return rig;
}

struct fetch_rig *fetch_rig_new_alone(uint32_t chunk_len)
{
    struct fetch_rig *rig = mem_must_zalloc(sizeof *rig);

    diag_set_level(DIAG_ERROR);
    rig_open(rig, 0, chunk_len, 0);
    return rig;
}

void fetch_rig_free(struct fetch_rig *rig)
{
    chunk_fetch_free(rig->fetch);
    for (size_t i = 0; i < FETCH_RIG_CHUNKS; i++) {
        assert_int_equal(rig->chunks[i]->refs, 1);
        chunk_drop(rig->chunks[i]);
    }
    free(rig);
}

void fetch_rig_step(struct fetch_rig *rig, uint64_t passed_ms)
{
    rig->now_ms += passed_ms;
    chunk_fetch_step(rig->fetch, rig->leader);
}

const struct fetch_rig_sent *fetch_rig_next_sent(struct fetch_rig *rig)
{
    assert_true(rig->sent_seen < rig->sent_count);
    return &rig->sent[rig->sent_seen++];
}

void fetch_rig_assert_nothing_sent(const struct fetch_rig *rig)
{
    assert_int_equal(rig->sent_seen, rig->sent_count);
}

void fetch_rig_answer_named(struct fetch_rig *rig,
                            const struct fetch_rig_sent *sent,
                            const struct chunk_name *name)
{
    struct pack_row row = {.facts = {.name = *name,
                                     .len = 1000,
                                     .entries = 10,
                                     .payload = 760,
                                     .last_time_ms = 1},
                           .frame_len = sizeof FETCH_RIG_FRAME,
                           .frame_at = 4096};
    uint8_t bytes[LINK_CHUNK_HEAD_LEN + PACK_ROW_LEN + sizeof FETCH_RIG_FRAME];

    link_chunk_head_encode(sent->request.id, LINK_CHUNK_GIVEN, bytes);
    pack_row_encode(&row, bytes + LINK_CHUNK_HEAD_LEN);
    memcpy(bytes + LINK_CHUNK_HEAD_LEN + PACK_ROW_LEN, FETCH_RIG_FRAME,
           sizeof FETCH_RIG_FRAME);
    assert_int_equal(
        chunk_fetch_on_frame(rig->fetch, sent->node, bytes, sizeof bytes), 0);
}

void fetch_rig_answer(struct fetch_rig *rig, const struct fetch_rig_sent *sent)
{
    fetch_rig_answer_named(rig, sent, &sent->request.name);
}

void fetch_rig_refuse(struct fetch_rig *rig, const struct fetch_rig_sent *sent,
                      enum link_chunk_status status)
{
    uint8_t bytes[LINK_CHUNK_HEAD_LEN];

    link_chunk_head_encode(sent->request.id, status, bytes);
    assert_int_equal(
        chunk_fetch_on_frame(rig->fetch, sent->node, bytes, sizeof bytes), 0);
}

void fetch_rig_store(struct fetch_rig *rig, int status)
{
    struct chunk_supply *supply;

    assert_true(rig->supplies_count > 0);
    supply = rig->supplies[--rig->supplies_count];
    supply->cb(supply, status);
}

size_t fetch_rig_wanted(const struct fetch_rig *rig)
{
    struct chunk_fetch_counts counts;

    chunk_fetch_counts(rig->fetch, &counts);
    return counts.wanted;
}
