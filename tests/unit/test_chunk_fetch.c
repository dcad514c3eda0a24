/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* Whom chunks are asked of, when, and how much at once. */
#include "consensus/chunk_fetch.h"

#include "support/cmocka.h"
#include "support/fetch_rig.h"

static void chunk_comes_from_a_peer(void **state)
{
    struct fetch_rig *rig = fetch_rig_new(1000, 0);
    struct chunk_fetch_counts counts;
    const struct fetch_rig_sent *sent;

    (void)state;
    chunk_fetch_missing(rig->fetch, rig->chunks[0]);
    fetch_rig_step(rig, 1);
    sent = fetch_rig_next_sent(rig);
    assert_true(chunk_name_equal(&sent->request.name, &rig->chunks[0]->name));
    fetch_rig_assert_nothing_sent(rig);
    fetch_rig_answer(rig, sent);
    assert_ptr_equal(rig->supplied[0], rig->chunks[0]);
    fetch_rig_store(rig, 0);
    fetch_rig_step(rig, 1);
    fetch_rig_assert_nothing_sent(rig);
    chunk_fetch_counts(rig->fetch, &counts);
    assert_int_equal(counts.wanted, 0);
    assert_int_equal(counts.chunks, 1);
    assert_int_equal(counts.bytes, sizeof FETCH_RIG_FRAME);
    assert_int_equal(rig->given_up, 0);
    fetch_rig_free(rig);
}

static void requests_go_to_all_peers_within_their_windows(void **state)
{
    struct fetch_rig *rig = fetch_rig_new(1000, 0);
    size_t of[FETCH_RIG_NODES + 2] = {0};

    (void)state;
    for (size_t i = 0; i < FETCH_RIG_CHUNKS; i++) {
        chunk_fetch_missing(rig->fetch, rig->chunks[i]);
    }
    fetch_rig_step(rig, 1);
    for (size_t i = 0; i < rig->sent_count; i++) {
        of[rig->sent[i].node]++;
    }
    assert_int_equal(of[2], FETCH_PEER_REQUESTS_MAX);
    assert_int_equal(of[3], FETCH_PEER_REQUESTS_MAX);
    assert_int_equal(of[4], FETCH_PEER_REQUESTS_MAX);
    /* An answer makes room for one more. */
    rig->sent_seen = rig->sent_count;
    fetch_rig_answer(rig, &rig->sent[0]);
    fetch_rig_step(rig, 1);
    assert_int_equal(fetch_rig_next_sent(rig)->node, rig->sent[0].node);
    fetch_rig_assert_nothing_sent(rig);
    fetch_rig_free(rig);
}

static void bytes_under_way_are_bounded(void **state)
{
    struct fetch_rig *rig = fetch_rig_new(MIB, 0);

    (void)state;
    for (size_t i = 0; i < FETCH_RIG_CHUNKS; i++) {
        chunk_fetch_missing(rig->fetch, rig->chunks[i]);
    }
    fetch_rig_step(rig, 1);
    assert_int_equal(rig->sent_count, FETCH_BYTES_MAX / MIB);
    rig->sent_seen = rig->sent_count;
    /* What came still counts until it is stored. */
    fetch_rig_answer(rig, &rig->sent[0]);
    fetch_rig_step(rig, 1);
    fetch_rig_assert_nothing_sent(rig);
    fetch_rig_store(rig, 0);
    fetch_rig_step(rig, 1);
    (void)fetch_rig_next_sent(rig);
    fetch_rig_assert_nothing_sent(rig);
    fetch_rig_free(rig);
}

static void leader_is_asked_only_for_what_no_other_has(void **state)
{
    struct fetch_rig *rig = fetch_rig_new(1000, 0);
    const struct fetch_rig_sent *sent;

    (void)state;
    rig->leader = 2;
    chunk_fetch_missing(rig->fetch, rig->chunks[0]);
    for (unsigned i = 0; i < 2; i++) {
        fetch_rig_step(rig, 1);
        sent = fetch_rig_next_sent(rig);
        assert_int_not_equal(sent->node, 2);
        fetch_rig_refuse(rig, sent, LINK_CHUNK_NOT_FOUND);
    }
    fetch_rig_step(rig, 1);
    assert_int_equal(fetch_rig_next_sent(rig)->node, 2);
    fetch_rig_free(rig);
}

static void rate_bounds_what_is_asked_for(void **state)
{
    struct fetch_rig *rig =
        fetch_rig_new(1000, 10000); /* ten chunks a second */
    size_t before;

    (void)state;
    for (size_t i = 0; i < FETCH_RIG_CHUNKS; i++) {
        chunk_fetch_missing(rig->fetch, rig->chunks[i]);
    }
    for (unsigned i = 0; i < 100; i++) {
        fetch_rig_step(rig, 10);
    }
    assert_in_range(rig->sent_count, 8, 14);
    /* Frames are short, so more may be asked for. */
    before = rig->sent_count;
    for (size_t i = 0; i < before; i++) {
        fetch_rig_answer(rig, &rig->sent[i]);
    }
    fetch_rig_step(rig, 1);
    assert_true(rig->sent_count > before + 2);
    fetch_rig_free(rig);
}

static void readers_come_before_an_install(void **state)
{
    struct fetch_rig *rig = fetch_rig_new(MIB, 0);

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
    fetch_rig_step(rig, FETCH_PAUSE_MS);
    assert_int_equal(fetch_rig_next_sent(rig)->request.name.first, 1501);
    assert_int_equal(fetch_rig_next_sent(rig)->request.name.first, 771);
    assert_int_equal(fetch_rig_next_sent(rig)->request.name.first, 1);
    fetch_rig_free(rig);
}

static void newer_install_keeps_what_both_want(void **state)
{
    struct fetch_rig *rig = fetch_rig_new(1000, 0);

    (void)state;
    chunk_fetch_install_begin(rig->fetch);
    for (size_t i = 0; i < 10; i++) {
        chunk_fetch_install_want(rig->fetch, rig->chunks[i]);
    }
    chunk_fetch_install_end(rig->fetch);
    assert_int_equal(chunk_fetch_install_left(rig->fetch), 10);
    fetch_rig_step(rig, 1);
    fetch_rig_answer(rig, &rig->sent[0]);
    fetch_rig_store(rig, 0);
    assert_int_equal(chunk_fetch_install_left(rig->fetch), 9);
    fetch_rig_answer(rig, &rig->sent[9]);
    /* Number 9 is being stored, numbers 1 to 8 are asked for. */
    chunk_fetch_install_begin(rig->fetch);
    for (size_t i = 5; i < 15; i++) {
        chunk_fetch_install_want(rig->fetch, rig->chunks[i]);
    }
    chunk_fetch_install_end(rig->fetch);
    assert_int_equal(chunk_fetch_install_left(rig->fetch), 10);
    assert_int_equal(rig->given_up, 4);
    assert_int_equal(fetch_rig_wanted(rig), 10);
    rig->sent_seen = rig->sent_count;
    fetch_rig_step(rig, 1);
    for (uint64_t i = 10; i < 15; i++) {
        assert_int_equal(fetch_rig_next_sent(rig)->request.name.first,
                         i * 10 + 1);
    }
    fetch_rig_assert_nothing_sent(rig);
    fetch_rig_store(rig, 0);
    assert_int_equal(chunk_fetch_install_left(rig->fetch), 9);
    fetch_rig_free(rig);
}

static void what_nobody_needs_any_more_is_not_asked_for(void **state)
{
    struct fetch_rig *rig = fetch_rig_new(1000, 0);

    (void)state;
    chunk_fetch_missing(rig->fetch, rig->chunks[0]);
    rig->is_unneeded = true;
    fetch_rig_step(rig, 1);
    fetch_rig_assert_nothing_sent(rig);
    assert_int_equal(fetch_rig_wanted(rig), 0);
    assert_int_equal(rig->given_up, 1);
    fetch_rig_free(rig);
}

static void end_leaves_nothing_with_the_store(void **state)
{
    struct fetch_rig *rig = fetch_rig_new(1000, 0);

    (void)state;
    for (size_t i = 0; i < 3; i++) {
        chunk_fetch_missing(rig->fetch, rig->chunks[i]);
    }
    fetch_rig_step(rig, 1);
    fetch_rig_answer(rig, fetch_rig_next_sent(rig));
    chunk_fetch_free(rig->fetch);
    assert_int_equal(rig->canceled, 1);
    assert_int_equal(rig->given_up, 3);
    rig->fetch = NULL;
    fetch_rig_free(rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(chunk_comes_from_a_peer),
        cmocka_unit_test(requests_go_to_all_peers_within_their_windows),
        cmocka_unit_test(bytes_under_way_are_bounded),
        cmocka_unit_test(leader_is_asked_only_for_what_no_other_has),
        cmocka_unit_test(rate_bounds_what_is_asked_for),
        cmocka_unit_test(readers_come_before_an_install),
        cmocka_unit_test(newer_install_keeps_what_both_want),
        cmocka_unit_test(what_nobody_needs_any_more_is_not_asked_for),
        cmocka_unit_test(end_leaves_nothing_with_the_store),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
