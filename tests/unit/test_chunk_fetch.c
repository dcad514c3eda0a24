/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* Whom chunks are asked of, when, and what becomes of the answers. */
#include "consensus/chunk_fetch.h"

#include <stdlib.h>
#include <string.h>

#include "support/cmocka.h"
#include "util/diag.h"
#include "util/mem.h"

#define NODES 3u /* 2, 3 and 4; this one is 1 */
#define CHUNKS 200u
#define SENT_MAX 4096u
#define FRAME "the frame"

struct sent {
    uint64_t node;
    struct link_chunk_request request;
};

struct rig {
    struct chunk_fetch *fetch;
    struct chunk *chunks[CHUNKS];
    struct sent sent[SENT_MAX];
    size_t sent_count;
    size_t sent_seen; /* by next_sent() */
    bool is_away[NODES + 2];
    bool is_unneeded;
    bool cannot_send;
    bool is_store_full;
    struct chunk_supply *supplies[CHUNKS];
    struct chunk *supplied[CHUNKS];
    size_t supplies_count;
    size_t canceled;
    size_t given_up;
    struct chunk *last_given_up;
    uint64_t leader;
    uint64_t now_ms;
};

static bool rig_is_connected(void *data, uint64_t node)
{
    struct rig *rig = data;

    return !rig->is_away[node];
}

static uint64_t rig_now_ms(void *data)
{
    const struct rig *rig = data;

    return rig->now_ms;
}

static bool rig_send(void *data, uint64_t node,
                     const struct link_chunk_request *request)
{
    struct rig *rig = data;

    if (rig->cannot_send) {
        return false;
    }
    assert_true(rig->sent_count < SENT_MAX);
    rig->sent[rig->sent_count++] = (struct sent){node, *request};
    return true;
}

static int rig_supply(void *data, struct chunk_supply *supply,
                      struct chunk *chunk, const uint8_t *row,
                      struct bytes frame, chunk_supply_cb cb)
{
    struct rig *rig = data;

    assert_non_null(row);
    assert_int_equal(frame.len, sizeof FRAME);
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
    struct rig *rig = data;

    (void)supply;
    rig->canceled++;
}

static void rig_give_up(void *data, struct chunk *chunk)
{
    struct rig *rig = data;

    rig->given_up++;
    rig->last_given_up = chunk;
}

static bool rig_is_needed(void *data, const struct chunk *chunk)
{
    struct rig *rig = data;

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

static void rig_open(struct rig *rig, uint32_t chunk_len, uint64_t rate)
{
    static const uint64_t nodes[NODES] = {2, 3, 4};
    const struct chunk_fetch_options options = {.nodes = nodes,
                                                .nodes_count = NODES,
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
    for (size_t i = 0; i < CHUNKS; i++) {
        rig->chunks[i] = make_chunk(i, chunk_len);
    }
    chunk_fetch_step(rig->fetch, 0);
}

static struct rig *setup(uint32_t chunk_len, uint64_t rate)
{
    struct rig *rig = mem_must_zalloc(sizeof *rig);

    diag_set_level(DIAG_ERROR);
    rig_open(rig, chunk_len, rate);
    return rig;
}

static void teardown(struct rig *rig)
{
    chunk_fetch_free(rig->fetch);
    for (size_t i = 0; i < CHUNKS; i++) {
        assert_int_equal(rig->chunks[i]->refs, 1);
        chunk_drop(rig->chunks[i]);
    }
    free(rig);
}

static void step(struct rig *rig, uint64_t passed_ms)
{
    rig->now_ms += passed_ms;
    chunk_fetch_step(rig->fetch, rig->leader);
}

static const struct sent *next_sent(struct rig *rig)
{
    assert_true(rig->sent_seen < rig->sent_count);
    return &rig->sent[rig->sent_seen++];
}

static void assert_nothing_sent(const struct rig *rig)
{
    assert_int_equal(rig->sent_seen, rig->sent_count);
}

static void answer_named(struct rig *rig, const struct sent *sent,
                         const struct chunk_name *name)
{
    struct pack_row row = {.facts = {.name = *name,
                                     .len = 1000,
                                     .entries = 10,
                                     .payload = 760,
                                     .last_time_ms = 1},
                           .frame_len = sizeof FRAME,
                           .frame_at = 4096};
    uint8_t bytes[LINK_CHUNK_HEAD_LEN + PACK_ROW_LEN + sizeof FRAME];

    link_chunk_head_encode(sent->request.id, LINK_CHUNK_GIVEN, bytes);
    pack_row_encode(&row, bytes + LINK_CHUNK_HEAD_LEN);
    memcpy(bytes + LINK_CHUNK_HEAD_LEN + PACK_ROW_LEN, FRAME, sizeof FRAME);
    assert_int_equal(
        chunk_fetch_on_frame(rig->fetch, sent->node, bytes, sizeof bytes), 0);
}

static void answer(struct rig *rig, const struct sent *sent)
{
    answer_named(rig, sent, &sent->request.name);
}

static void refuse(struct rig *rig, const struct sent *sent,
                   enum link_chunk_status status)
{
    uint8_t bytes[LINK_CHUNK_HEAD_LEN];

    link_chunk_head_encode(sent->request.id, status, bytes);
    assert_int_equal(
        chunk_fetch_on_frame(rig->fetch, sent->node, bytes, sizeof bytes), 0);
}

/* The store has proved and written the last one, or says why not. */
static void store(struct rig *rig, int status)
{
    struct chunk_supply *supply;

    assert_true(rig->supplies_count > 0);
    supply = rig->supplies[--rig->supplies_count];
    supply->cb(supply, status);
}

static size_t wanted(const struct rig *rig)
{
    struct chunk_fetch_counts counts;

    chunk_fetch_counts(rig->fetch, &counts);
    return counts.wanted;
}

static void chunk_comes_from_a_peer(void **state)
{
    struct rig *rig = setup(1000, 0);
    struct chunk_fetch_counts counts;
    const struct sent *sent;

    (void)state;
    chunk_fetch_missing(rig->fetch, rig->chunks[0]);
    step(rig, 1);
    sent = next_sent(rig);
    assert_true(chunk_name_equal(&sent->request.name, &rig->chunks[0]->name));
    assert_nothing_sent(rig);
    answer(rig, sent);
    assert_ptr_equal(rig->supplied[0], rig->chunks[0]);
    store(rig, 0);
    step(rig, 1);
    assert_nothing_sent(rig);
    chunk_fetch_counts(rig->fetch, &counts);
    assert_int_equal(counts.wanted, 0);
    assert_int_equal(counts.chunks, 1);
    assert_int_equal(counts.bytes, sizeof FRAME);
    assert_int_equal(rig->given_up, 0);
    teardown(rig);
}

static void requests_go_to_all_peers_within_their_windows(void **state)
{
    struct rig *rig = setup(1000, 0);
    size_t of[NODES + 2] = {0};

    (void)state;
    for (size_t i = 0; i < CHUNKS; i++) {
        chunk_fetch_missing(rig->fetch, rig->chunks[i]);
    }
    step(rig, 1);
    for (size_t i = 0; i < rig->sent_count; i++) {
        of[rig->sent[i].node]++;
    }
    assert_int_equal(of[2], FETCH_PEER_REQUESTS_MAX);
    assert_int_equal(of[3], FETCH_PEER_REQUESTS_MAX);
    assert_int_equal(of[4], FETCH_PEER_REQUESTS_MAX);
    /* An answer makes room for one more. */
    rig->sent_seen = rig->sent_count;
    answer(rig, &rig->sent[0]);
    step(rig, 1);
    assert_int_equal(next_sent(rig)->node, rig->sent[0].node);
    assert_nothing_sent(rig);
    teardown(rig);
}

static void bytes_under_way_are_bounded(void **state)
{
    struct rig *rig = setup(MIB, 0);

    (void)state;
    for (size_t i = 0; i < CHUNKS; i++) {
        chunk_fetch_missing(rig->fetch, rig->chunks[i]);
    }
    step(rig, 1);
    assert_int_equal(rig->sent_count, FETCH_BYTES_MAX / MIB);
    rig->sent_seen = rig->sent_count;
    /* What came still counts until it is stored. */
    answer(rig, &rig->sent[0]);
    step(rig, 1);
    assert_nothing_sent(rig);
    store(rig, 0);
    step(rig, 1);
    (void)next_sent(rig);
    assert_nothing_sent(rig);
    teardown(rig);
}

static void leader_is_asked_only_for_what_no_other_has(void **state)
{
    struct rig *rig = setup(1000, 0);
    const struct sent *sent;

    (void)state;
    rig->leader = 2;
    chunk_fetch_missing(rig->fetch, rig->chunks[0]);
    for (unsigned i = 0; i < 2; i++) {
        step(rig, 1);
        sent = next_sent(rig);
        assert_int_not_equal(sent->node, 2);
        refuse(rig, sent, LINK_CHUNK_NOT_FOUND);
    }
    step(rig, 1);
    assert_int_equal(next_sent(rig)->node, 2);
    teardown(rig);
}

static void damaged_answer_is_asked_of_another(void **state)
{
    struct rig *rig = setup(1000, 0);
    const struct sent *first;
    const struct sent *second;

    (void)state;
    chunk_fetch_missing(rig->fetch, rig->chunks[0]);
    step(rig, 1);
    first = next_sent(rig);
    answer(rig, first);
    store(rig, QL_CORRUPT);
    step(rig, 1);
    second = next_sent(rig);
    assert_int_not_equal(second->node, first->node);
    answer(rig, second);
    store(rig, 0);
    assert_int_equal(wanted(rig), 0);
    teardown(rig);
}

static void answer_with_another_chunk_is_damage(void **state)
{
    struct rig *rig = setup(1000, 0);
    struct chunk_fetch_counts counts;
    const struct sent *sent;

    (void)state;
    chunk_fetch_missing(rig->fetch, rig->chunks[0]);
    step(rig, 1);
    sent = next_sent(rig);
    answer_named(rig, sent, &rig->chunks[1]->name);
    assert_int_equal(rig->supplies_count, 0);
    chunk_fetch_counts(rig->fetch, &counts);
    assert_int_equal(counts.damaged, 1);
    step(rig, 1);
    assert_int_not_equal(next_sent(rig)->node, sent->node);
    teardown(rig);
}

static void waiters_are_told_when_no_member_has_it(void **state)
{
    struct rig *rig = setup(1000, 0);

    (void)state;
    chunk_fetch_missing(rig->fetch, rig->chunks[0]);
    for (unsigned i = 0; i < NODES; i++) {
        step(rig, 1);
        assert_int_equal(rig->given_up, 0);
        refuse(rig, next_sent(rig), LINK_CHUNK_NOT_FOUND);
    }
    step(rig, 1);
    assert_int_equal(rig->given_up, 1);
    assert_ptr_equal(rig->last_given_up, rig->chunks[0]);
    /* It stays wanted, and is asked for again later. */
    assert_int_equal(wanted(rig), 1);
    step(rig, FETCH_RETRY_MIN_MS - 1);
    assert_nothing_sent(rig);
    step(rig, 1);
    answer(rig, next_sent(rig));
    store(rig, 0);
    assert_int_equal(wanted(rig), 0);
    teardown(rig);
}

static void nobody_is_told_while_a_member_may_have_it(void **state)
{
    struct rig *rig = setup(1000, 0);

    (void)state;
    rig->is_away[4] = true;
    chunk_fetch_missing(rig->fetch, rig->chunks[0]);
    step(rig, 1);
    refuse(rig, next_sent(rig), LINK_CHUNK_NOT_FOUND);
    step(rig, 1);
    refuse(rig, next_sent(rig), LINK_CHUNK_FAILED);
    step(rig, 1);
    assert_nothing_sent(rig);
    assert_int_equal(rig->given_up, 0);
    rig->is_away[4] = false;
    step(rig, FETCH_RETRY_MIN_MS);
    while (rig->sent_seen < rig->sent_count) {
        if (next_sent(rig)->node == 4) {
            break;
        }
        refuse(rig, &rig->sent[rig->sent_seen - 1], LINK_CHUNK_NOT_FOUND);
        step(rig, 1);
    }
    assert_int_equal(rig->sent[rig->sent_seen - 1].node, 4);
    teardown(rig);
}

static void patience_with_members_that_are_away_ends(void **state)
{
    struct rig *rig = setup(1000, 0);

    (void)state;
    for (unsigned node = 2; node < 2 + NODES; node++) {
        rig->is_away[node] = true;
    }
    chunk_fetch_missing(rig->fetch, rig->chunks[0]);
    step(rig, FETCH_PATIENCE_MS - 1);
    assert_int_equal(rig->given_up, 0);
    step(rig, 1);
    assert_int_equal(rig->given_up, 1);
    assert_int_equal(wanted(rig), 1);
    teardown(rig);
}

/* Nothing may have been wanted for hours: no step tells the time then. */
static void patience_begins_when_a_chunk_is_wanted(void **state)
{
    struct rig *rig = setup(1000, 0);

    (void)state;
    for (unsigned node = 2; node < 2 + NODES; node++) {
        rig->is_away[node] = true;
    }
    rig->now_ms += 10 * FETCH_PATIENCE_MS;
    chunk_fetch_missing(rig->fetch, rig->chunks[0]);
    step(rig, 1);
    assert_int_equal(rig->given_up, 0);
    teardown(rig);
}

static void what_was_asked_of_a_lost_peer_is_asked_of_another(void **state)
{
    struct rig *rig = setup(1000, 0);
    uint64_t first;

    (void)state;
    chunk_fetch_missing(rig->fetch, rig->chunks[0]);
    step(rig, 1);
    first = next_sent(rig)->node;
    rig->is_away[first] = true;
    step(rig, 1);
    assert_int_not_equal(next_sent(rig)->node, first);
    teardown(rig);
}

static void silent_peer_is_given_up_for_another(void **state)
{
    struct rig *rig = setup(1000, 0);
    const struct sent *first;

    (void)state;
    chunk_fetch_missing(rig->fetch, rig->chunks[0]);
    step(rig, 1);
    first = next_sent(rig);
    step(rig, FETCH_SILENCE_MS - 1);
    assert_nothing_sent(rig);
    step(rig, 1);
    assert_int_not_equal(next_sent(rig)->node, first->node);
    /* Its answer comes after all, and is of no use. */
    answer(rig, first);
    assert_int_equal(rig->supplies_count, 0);
    teardown(rig);
}

static void busy_peer_is_left_alone_for_a_moment(void **state)
{
    struct rig *rig = setup(1000, 0);
    uint64_t first;

    (void)state;
    rig->is_away[3] = true;
    rig->is_away[4] = true;
    chunk_fetch_missing(rig->fetch, rig->chunks[0]);
    step(rig, 1);
    first = next_sent(rig)->node;
    refuse(rig, &rig->sent[0], LINK_CHUNK_BUSY);
    step(rig, FETCH_PAUSE_MS - 1);
    assert_nothing_sent(rig);
    step(rig, 1);
    assert_int_equal(next_sent(rig)->node, first);
    assert_int_equal(rig->given_up, 0);
    teardown(rig);
}

static void rate_bounds_what_is_asked_for(void **state)
{
    struct rig *rig = setup(1000, 10000); /* ten chunks a second */
    size_t before;

    (void)state;
    for (size_t i = 0; i < CHUNKS; i++) {
        chunk_fetch_missing(rig->fetch, rig->chunks[i]);
    }
    for (unsigned i = 0; i < 100; i++) {
        step(rig, 10);
    }
    assert_in_range(rig->sent_count, 8, 14);
    /* Frames are short, so more may be asked for. */
    before = rig->sent_count;
    for (size_t i = 0; i < before; i++) {
        answer(rig, &rig->sent[i]);
    }
    step(rig, 1);
    assert_true(rig->sent_count > before + 2);
    teardown(rig);
}

static void readers_come_before_an_install(void **state)
{
    struct rig *rig = setup(MIB, 0);

    (void)state;
    rig->cannot_send = true;
    chunk_fetch_install_begin(rig->fetch);
    for (size_t i = 0; i < 100; i++) {
        chunk_fetch_install_want(rig->fetch, rig->chunks[i]);
    }
    chunk_fetch_install_end(rig->fetch);
    for (size_t i = 0; i < 100; i++) {
        chunk_fetch_missing(rig->fetch, rig->chunks[i]);
    }
    chunk_fetch_missing(rig->fetch, rig->chunks[150]);
    /* Told again: somebody waits for it. */
    chunk_fetch_missing(rig->fetch, rig->chunks[77]);
    rig->cannot_send = false;
    step(rig, FETCH_PAUSE_MS);
    assert_int_equal(next_sent(rig)->request.name.first, 1501);
    assert_int_equal(next_sent(rig)->request.name.first, 771);
    assert_int_equal(next_sent(rig)->request.name.first, 1);
    teardown(rig);
}

static void newer_install_keeps_what_both_want(void **state)
{
    struct rig *rig = setup(1000, 0);

    (void)state;
    chunk_fetch_install_begin(rig->fetch);
    for (size_t i = 0; i < 10; i++) {
        chunk_fetch_install_want(rig->fetch, rig->chunks[i]);
    }
    chunk_fetch_install_end(rig->fetch);
    assert_int_equal(chunk_fetch_install_left(rig->fetch), 10);
    step(rig, 1);
    answer(rig, &rig->sent[0]);
    store(rig, 0);
    assert_int_equal(chunk_fetch_install_left(rig->fetch), 9);
    answer(rig, &rig->sent[9]);
    /* Number 9 is being stored, numbers 1 to 8 are asked for. */
    chunk_fetch_install_begin(rig->fetch);
    for (size_t i = 5; i < 15; i++) {
        chunk_fetch_install_want(rig->fetch, rig->chunks[i]);
    }
    chunk_fetch_install_end(rig->fetch);
    assert_int_equal(chunk_fetch_install_left(rig->fetch), 10);
    assert_int_equal(rig->given_up, 4);
    assert_int_equal(wanted(rig), 10);
    rig->sent_seen = rig->sent_count;
    step(rig, 1);
    for (uint64_t i = 10; i < 15; i++) {
        assert_int_equal(next_sent(rig)->request.name.first, i * 10 + 1);
    }
    assert_nothing_sent(rig);
    store(rig, 0);
    assert_int_equal(chunk_fetch_install_left(rig->fetch), 9);
    teardown(rig);
}

static void what_nobody_needs_any_more_is_not_asked_for(void **state)
{
    struct rig *rig = setup(1000, 0);

    (void)state;
    chunk_fetch_missing(rig->fetch, rig->chunks[0]);
    rig->is_unneeded = true;
    step(rig, 1);
    assert_nothing_sent(rig);
    assert_int_equal(wanted(rig), 0);
    assert_int_equal(rig->given_up, 1);
    teardown(rig);
}

static void store_that_is_busy_is_asked_again(void **state)
{
    struct rig *rig = setup(1000, 0);

    (void)state;
    rig->is_store_full = true;
    chunk_fetch_missing(rig->fetch, rig->chunks[0]);
    step(rig, 1);
    answer(rig, next_sent(rig));
    rig->is_store_full = false;
    step(rig, FETCH_RETRY_MIN_MS);
    answer(rig, next_sent(rig));
    store(rig, 0);
    assert_int_equal(wanted(rig), 0);
    teardown(rig);
}

static void end_leaves_nothing_with_the_store(void **state)
{
    struct rig *rig = setup(1000, 0);

    (void)state;
    for (size_t i = 0; i < 3; i++) {
        chunk_fetch_missing(rig->fetch, rig->chunks[i]);
    }
    step(rig, 1);
    answer(rig, next_sent(rig));
    chunk_fetch_free(rig->fetch);
    assert_int_equal(rig->canceled, 1);
    assert_int_equal(rig->given_up, 3);
    rig->fetch = NULL;
    teardown(rig);
}

static void frame_that_makes_no_sense_is_refused(void **state)
{
    struct rig *rig = setup(1000, 0);
    uint8_t bytes[LINK_CHUNK_HEAD_LEN];

    (void)state;
    link_chunk_head_encode(1, LINK_CHUNK_BUSY, bytes);
    assert_int_equal(chunk_fetch_on_frame(rig->fetch, 2, bytes, 3),
                     QL_PROTOCOL);
    assert_int_equal(chunk_fetch_on_frame(rig->fetch, 9, bytes, sizeof bytes),
                     QL_PROTOCOL);
    assert_int_equal(chunk_fetch_on_frame(rig->fetch, 2, bytes, sizeof bytes),
                     0);
    teardown(rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(chunk_comes_from_a_peer),
        cmocka_unit_test(requests_go_to_all_peers_within_their_windows),
        cmocka_unit_test(bytes_under_way_are_bounded),
        cmocka_unit_test(leader_is_asked_only_for_what_no_other_has),
        cmocka_unit_test(damaged_answer_is_asked_of_another),
        cmocka_unit_test(answer_with_another_chunk_is_damage),
        cmocka_unit_test(waiters_are_told_when_no_member_has_it),
        cmocka_unit_test(nobody_is_told_while_a_member_may_have_it),
        cmocka_unit_test(patience_with_members_that_are_away_ends),
        cmocka_unit_test(patience_begins_when_a_chunk_is_wanted),
        cmocka_unit_test(what_was_asked_of_a_lost_peer_is_asked_of_another),
        cmocka_unit_test(silent_peer_is_given_up_for_another),
        cmocka_unit_test(busy_peer_is_left_alone_for_a_moment),
        cmocka_unit_test(rate_bounds_what_is_asked_for),
        cmocka_unit_test(readers_come_before_an_install),
        cmocka_unit_test(newer_install_keeps_what_both_want),
        cmocka_unit_test(what_nobody_needs_any_more_is_not_asked_for),
        cmocka_unit_test(store_that_is_busy_is_asked_again),
        cmocka_unit_test(end_leaves_nothing_with_the_store),
        cmocka_unit_test(frame_that_makes_no_sense_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
