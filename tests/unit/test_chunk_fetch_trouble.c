/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* Chunks that do not come: peers that are away, silent, busy, or wrong. */
#include "consensus/chunk_fetch.h"

#include "support/cmocka.h"
#include "support/fetch_rig.h"

static void damaged_answer_is_asked_of_another(void **state)
{
    struct fetch_rig *rig = fetch_rig_new(1000, 0);
    const struct fetch_rig_sent *first;
    const struct fetch_rig_sent *second;

    (void)state;
    chunk_fetch_missing(rig->fetch, rig->chunks[0]);
    fetch_rig_step(rig, 1);
    first = fetch_rig_next_sent(rig);
    fetch_rig_answer(rig, first);
    fetch_rig_store(rig, QL_CORRUPT);
    fetch_rig_step(rig, 1);
    second = fetch_rig_next_sent(rig);
    assert_int_not_equal(second->node, first->node);
    fetch_rig_answer(rig, second);
    fetch_rig_store(rig, 0);
    assert_int_equal(fetch_rig_wanted(rig), 0);
    fetch_rig_free(rig);
}

static void answer_with_another_chunk_is_damage(void **state)
{
    struct fetch_rig *rig = fetch_rig_new(1000, 0);
    struct chunk_fetch_counts counts;
    const struct fetch_rig_sent *sent;

    (void)state;
    chunk_fetch_missing(rig->fetch, rig->chunks[0]);
    fetch_rig_step(rig, 1);
    sent = fetch_rig_next_sent(rig);
    fetch_rig_answer_named(rig, sent, &rig->chunks[1]->name);
    assert_int_equal(rig->supplies_count, 0);
    chunk_fetch_counts(rig->fetch, &counts);
    assert_int_equal(counts.damaged, 1);
    fetch_rig_step(rig, 1);
    assert_int_not_equal(fetch_rig_next_sent(rig)->node, sent->node);
    fetch_rig_free(rig);
}

static void waiters_are_told_when_no_member_has_it(void **state)
{
    struct fetch_rig *rig = fetch_rig_new(1000, 0);

    (void)state;
    chunk_fetch_missing(rig->fetch, rig->chunks[0]);
    for (unsigned i = 0; i < FETCH_RIG_NODES; i++) {
        fetch_rig_step(rig, 1);
        assert_int_equal(rig->given_up, 0);
        fetch_rig_refuse(rig, fetch_rig_next_sent(rig), LINK_CHUNK_NOT_FOUND);
    }
    fetch_rig_step(rig, 1);
    assert_int_equal(rig->given_up, 1);
    assert_ptr_equal(rig->last_given_up, rig->chunks[0]);
    /* It stays wanted, and is asked for again later. */
    assert_int_equal(fetch_rig_wanted(rig), 1);
    fetch_rig_step(rig, FETCH_RETRY_MIN_MS - 1);
    fetch_rig_assert_nothing_sent(rig);
    fetch_rig_step(rig, 1);
    fetch_rig_answer(rig, fetch_rig_next_sent(rig));
    fetch_rig_store(rig, 0);
    assert_int_equal(fetch_rig_wanted(rig), 0);
    fetch_rig_free(rig);
}

static void nobody_is_told_while_a_member_may_have_it(void **state)
{
    struct fetch_rig *rig = fetch_rig_new(1000, 0);

    (void)state;
    rig->is_away[4] = true;
    chunk_fetch_missing(rig->fetch, rig->chunks[0]);
    fetch_rig_step(rig, 1);
    fetch_rig_refuse(rig, fetch_rig_next_sent(rig), LINK_CHUNK_NOT_FOUND);
    fetch_rig_step(rig, 1);
    fetch_rig_refuse(rig, fetch_rig_next_sent(rig), LINK_CHUNK_FAILED);
    fetch_rig_step(rig, 1);
    fetch_rig_assert_nothing_sent(rig);
    assert_int_equal(rig->given_up, 0);
    rig->is_away[4] = false;
    fetch_rig_step(rig, FETCH_RETRY_MIN_MS);
    while (rig->sent_seen < rig->sent_count) {
        if (fetch_rig_next_sent(rig)->node == 4) {
            break;
        }
        fetch_rig_refuse(rig, &rig->sent[rig->sent_seen - 1],
                         LINK_CHUNK_NOT_FOUND);
        fetch_rig_step(rig, 1);
    }
    assert_int_equal(rig->sent[rig->sent_seen - 1].node, 4);
    fetch_rig_free(rig);
}

static void patience_with_members_that_are_away_ends(void **state)
{
    struct fetch_rig *rig = fetch_rig_new(1000, 0);

    (void)state;
    for (unsigned node = 2; node < 2 + FETCH_RIG_NODES; node++) {
        rig->is_away[node] = true;
    }
    chunk_fetch_missing(rig->fetch, rig->chunks[0]);
    fetch_rig_step(rig, FETCH_PATIENCE_MS - 1);
    assert_int_equal(rig->given_up, 0);
    fetch_rig_step(rig, 1);
    assert_int_equal(rig->given_up, 1);
    assert_int_equal(fetch_rig_wanted(rig), 1);
    fetch_rig_free(rig);
}

static void without_other_members_waiters_are_told_at_once(void **state)
{
    struct fetch_rig *rig = fetch_rig_new_alone(1000);

    (void)state;
    chunk_fetch_missing(rig->fetch, rig->chunks[0]);
    fetch_rig_step(rig, 1);
    assert_int_equal(rig->given_up, 1);
    /* Who asks again is told again. */
    chunk_fetch_missing(rig->fetch, rig->chunks[0]);
    fetch_rig_step(rig, FETCH_RETRY_MIN_MS);
    assert_int_equal(rig->given_up, 2);
    fetch_rig_free(rig);
}

/* Nothing may have been wanted for hours: no step tells the time then. */
static void patience_begins_when_a_chunk_is_wanted(void **state)
{
    struct fetch_rig *rig = fetch_rig_new(1000, 0);

    (void)state;
    for (unsigned node = 2; node < 2 + FETCH_RIG_NODES; node++) {
        rig->is_away[node] = true;
    }
    rig->now_ms += 10 * FETCH_PATIENCE_MS;
    chunk_fetch_missing(rig->fetch, rig->chunks[0]);
    fetch_rig_step(rig, 1);
    assert_int_equal(rig->given_up, 0);
    fetch_rig_free(rig);
}

static void what_was_asked_of_a_lost_peer_is_asked_of_another(void **state)
{
    struct fetch_rig *rig = fetch_rig_new(1000, 0);
    uint64_t first;

    (void)state;
    chunk_fetch_missing(rig->fetch, rig->chunks[0]);
    fetch_rig_step(rig, 1);
    first = fetch_rig_next_sent(rig)->node;
    rig->is_away[first] = true;
    fetch_rig_step(rig, 1);
    assert_int_not_equal(fetch_rig_next_sent(rig)->node, first);
    fetch_rig_free(rig);
}

static void silent_peer_is_given_up_for_another(void **state)
{
    struct fetch_rig *rig = fetch_rig_new(1000, 0);
    const struct fetch_rig_sent *first;

    (void)state;
    chunk_fetch_missing(rig->fetch, rig->chunks[0]);
    fetch_rig_step(rig, 1);
    first = fetch_rig_next_sent(rig);
    fetch_rig_step(rig, FETCH_SILENCE_MS - 1);
    fetch_rig_assert_nothing_sent(rig);
    fetch_rig_step(rig, 1);
    assert_int_not_equal(fetch_rig_next_sent(rig)->node, first->node);
    /* Its answer comes after all, and is of no use. */
    fetch_rig_answer(rig, first);
    assert_int_equal(rig->supplies_count, 0);
    fetch_rig_free(rig);
}

static void busy_peer_is_left_alone_for_a_moment(void **state)
{
    struct fetch_rig *rig = fetch_rig_new(1000, 0);
    uint64_t first;

    (void)state;
    rig->is_away[3] = true;
    rig->is_away[4] = true;
    chunk_fetch_missing(rig->fetch, rig->chunks[0]);
    fetch_rig_step(rig, 1);
    first = fetch_rig_next_sent(rig)->node;
    fetch_rig_refuse(rig, &rig->sent[0], LINK_CHUNK_BUSY);
    fetch_rig_step(rig, FETCH_PAUSE_MS - 1);
    fetch_rig_assert_nothing_sent(rig);
    fetch_rig_step(rig, 1);
    assert_int_equal(fetch_rig_next_sent(rig)->node, first);
    assert_int_equal(rig->given_up, 0);
    fetch_rig_free(rig);
}

static void store_that_is_busy_is_asked_again(void **state)
{
    struct fetch_rig *rig = fetch_rig_new(1000, 0);

    (void)state;
    rig->is_store_full = true;
    chunk_fetch_missing(rig->fetch, rig->chunks[0]);
    fetch_rig_step(rig, 1);
    fetch_rig_answer(rig, fetch_rig_next_sent(rig));
    rig->is_store_full = false;
    fetch_rig_step(rig, FETCH_RETRY_MIN_MS);
    fetch_rig_answer(rig, fetch_rig_next_sent(rig));
    fetch_rig_store(rig, 0);
    assert_int_equal(fetch_rig_wanted(rig), 0);
    fetch_rig_free(rig);
}

static void frame_that_makes_no_sense_is_refused(void **state)
{
    struct fetch_rig *rig = fetch_rig_new(1000, 0);
    uint8_t bytes[LINK_CHUNK_HEAD_LEN];

    (void)state;
    link_chunk_head_encode(1, LINK_CHUNK_BUSY, bytes);
    assert_int_equal(chunk_fetch_on_frame(rig->fetch, 2, bytes, 3),
                     QL_PROTOCOL);
    assert_int_equal(chunk_fetch_on_frame(rig->fetch, 9, bytes, sizeof bytes),
                     QL_PROTOCOL);
    assert_int_equal(chunk_fetch_on_frame(rig->fetch, 2, bytes, sizeof bytes),
                     0);
    fetch_rig_free(rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(damaged_answer_is_asked_of_another),
        cmocka_unit_test(answer_with_another_chunk_is_damage),
        cmocka_unit_test(waiters_are_told_when_no_member_has_it),
        cmocka_unit_test(nobody_is_told_while_a_member_may_have_it),
        cmocka_unit_test(patience_with_members_that_are_away_ends),
        cmocka_unit_test(without_other_members_waiters_are_told_at_once),
        cmocka_unit_test(patience_begins_when_a_chunk_is_wanted),
        cmocka_unit_test(what_was_asked_of_a_lost_peer_is_asked_of_another),
        cmocka_unit_test(silent_peer_is_given_up_for_another),
        cmocka_unit_test(busy_peer_is_left_alone_for_a_moment),
        cmocka_unit_test(store_that_is_busy_is_asked_again),
        cmocka_unit_test(frame_that_makes_no_sense_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
