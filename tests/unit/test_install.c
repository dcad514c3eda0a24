/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* What becomes of an InstallSnapshot before the core hears of it. */
#include "consensus/install.h"

#include "support/cmocka.h"
#include "support/install_rig.h"

static void message_goes_on_when_all_chunks_are_here(void **state)
{
    struct install_rig *rig = install_rig_new(10, 0);

    (void)state;
    assert_true(install_rig_take_at(rig, 100, INSTALL_RIG_TERM));
    install_rig_settle(rig);
    assert_int_equal(install_rig_progress(rig).index, 100);
    assert_int_equal(install_rig_progress(rig).chunks, 10);
    assert_int_equal(install_rig_progress(rig).missing, 10);
    assert_int_equal(rig->requests_count, 10);
    for (unsigned i = 0; i < 9; i++) {
        assert_true(install_rig_answer_one(rig, false));
        assert_int_equal(rig->passed, 0);
    }
    install_rig_answer_all(rig);
    assert_int_equal(install_rig_progress(rig).missing, 0);
    assert_int_equal(rig->passed, 1);
    assert_int_equal(rig->passed_index, 100);
    assert_string_equal(rig->passed_address, "leader:1");
    assert_int_equal(rig->prepared_index, 100);
    install_rig_assert_prepared(rig);
    install_rig_free(rig);
}

static void chunks_that_are_here_are_not_fetched(void **state)
{
    struct install_rig *rig = install_rig_new(10, 7);

    (void)state;
    assert_true(install_rig_take_at(rig, 100, INSTALL_RIG_TERM));
    install_rig_settle(rig);
    assert_int_equal(install_rig_progress(rig).chunks, 10);
    assert_int_equal(rig->requests_count, 3);
    install_rig_answer_all(rig);
    assert_int_equal(rig->passed, 1);
    install_rig_assert_prepared(rig);
    install_rig_free(rig);
}

static void manifest_of_nothing_new_goes_on_at_once(void **state)
{
    struct install_rig *rig = install_rig_new(5, 5);

    (void)state;
    assert_true(install_rig_take_at(rig, 100, INSTALL_RIG_TERM));
    assert_int_equal(rig->passed, 0);
    install_rig_settle(rig);
    chunk_rig_tick(&rig->own, 1000);
    install_rig_settle(rig);
    assert_int_equal(rig->requests_count, 0);
    assert_int_equal(rig->passed, 1);
    install_rig_free(rig);
}

static void same_one_again_is_dropped(void **state)
{
    struct install_rig *rig = install_rig_new(10, 0);

    (void)state;
    assert_true(install_rig_take_at(rig, 100, INSTALL_RIG_TERM));
    assert_true(install_rig_take_at(
        rig, 100, INSTALL_RIG_TERM)); /* while it is decoded */
    install_rig_settle(rig);
    assert_true(install_rig_take_at(rig, 100, INSTALL_RIG_TERM));
    install_rig_settle(rig);
    assert_int_equal(rig->requests_count, 10);
    install_rig_answer_all(rig);
    assert_int_equal(rig->passed, 1);
    /* The core may not have taken it: now it can have it at once. */
    assert_false(install_rig_take_at(rig, 100, INSTALL_RIG_TERM));
    assert_int_equal(rig->prepared_index, 100);
    install_rig_free(rig);
}

static void newer_one_keeps_what_came_for_the_one_before(void **state)
{
    struct install_rig *rig = install_rig_new(10, 0);

    (void)state;
    assert_true(install_rig_take_at(rig, 100, INSTALL_RIG_TERM));
    install_rig_settle(rig);
    for (unsigned i = 0; i < 6; i++) {
        assert_true(install_rig_answer_one(rig, false));
    }
    chunk_rig_fill(&rig->peer, 5);
    assert_true(install_rig_take_at(rig, 200, INSTALL_RIG_TERM));
    install_rig_settle(rig);
    install_rig_settle(rig);
    assert_int_equal(install_rig_progress(rig).index, 200);
    assert_int_equal(install_rig_progress(rig).chunks, 15);
    assert_int_equal(install_rig_progress(rig).missing, 9);
    assert_int_equal(rig->requests_count, 15);
    install_rig_answer_all(rig);
    assert_int_equal(rig->passed, 1);
    assert_int_equal(rig->passed_index, 200);
    install_rig_assert_prepared(rig);
    install_rig_free(rig);
}

static void chunks_that_only_the_older_one_names_are_wanted_no_more(
    void **state)
{
    struct install_rig *rig = install_rig_new(10, 0);
    struct chunk_fetch_counts counts;

    (void)state;
    assert_true(install_rig_take_at(rig, 100, INSTALL_RIG_TERM));
    install_rig_settle(rig);
    assert_int_equal(
        driver_trim(&rig->peer.driver, "a", 5 * CHUNK_RIG_ENTRIES + 1), 0);
    assert_true(install_rig_take_at(rig, 200, INSTALL_RIG_TERM));
    install_rig_settle(rig);
    chunk_fetch_counts(rig->fetch, &counts);
    assert_int_equal(counts.wanted, 5);
    install_rig_answer_all(rig);
    assert_int_equal(rig->passed, 1);
    install_rig_assert_prepared(rig);
    install_rig_free(rig);
}

static void older_one_of_the_same_leader_is_dropped(void **state)
{
    struct install_rig *rig = install_rig_new(10, 0);

    (void)state;
    assert_true(install_rig_take_at(rig, 200, INSTALL_RIG_TERM));
    install_rig_settle(rig);
    assert_true(install_rig_take_at(rig, 100, INSTALL_RIG_TERM));
    install_rig_settle(rig);
    assert_int_equal(install_rig_progress(rig).index, 200);
    install_rig_answer_all(rig);
    assert_int_equal(rig->passed_index, 200);
    install_rig_free(rig);
}

static void newer_term_drops_the_message_and_nothing_else(void **state)
{
    struct install_rig *rig = install_rig_new(10, 0);

    (void)state;
    assert_true(install_rig_take_at(rig, 100, INSTALL_RIG_TERM));
    install_rig_settle(rig);
    assert_true(install_rig_answer_one(rig, false));
    install_rig_hear(rig, INSTALL_RIG_TERM);
    install_rig_hear(rig, INSTALL_RIG_TERM + 1);
    install_rig_answer_all(rig);
    assert_int_equal(install_rig_progress(rig).missing, 0);
    assert_int_equal(rig->passed, 0);
    /* The new leader sends the same one: nothing has to be fetched. */
    assert_true(install_rig_take_at(rig, 100, INSTALL_RIG_TERM + 1));
    install_rig_settle(rig);
    assert_int_equal(rig->requests_count, 10);
    assert_int_equal(rig->passed, 1);
    assert_int_equal(rig->passed_term, INSTALL_RIG_TERM + 1);
    install_rig_free(rig);
}

static void newer_term_while_it_is_decoded_drops_the_message_too(void **state)
{
    struct install_rig *rig = install_rig_new(10, 0);

    (void)state;
    assert_true(install_rig_take_at(rig, 100, INSTALL_RIG_TERM));
    install_rig_hear(rig, INSTALL_RIG_TERM + 1);
    install_rig_settle(rig);
    install_rig_answer_all(rig);
    assert_int_equal(rig->passed, 0);
    chunk_rig_fill(&rig->peer, 1);
    /* Of an older index than the one before, but of the leader that counts. */
    assert_true(install_rig_take_at(rig, 90, INSTALL_RIG_TERM + 1));
    install_rig_settle(rig);
    install_rig_answer_all(rig);
    assert_int_equal(rig->requests_count, 11);
    assert_int_equal(rig->passed, 1);
    assert_int_equal(rig->passed_index, 90);
    install_rig_free(rig);
}

static void what_is_applied_already_goes_on_as_it_comes(void **state)
{
    struct install_rig *rig = install_rig_new(10, 0);

    (void)state;
    rig->applied = 100;
    assert_false(install_rig_take_at(rig, 100, INSTALL_RIG_TERM));
    assert_false(install_is_active(rig->install));
    install_rig_free(rig);
}

static void node_that_catches_up_otherwise_lets_go(void **state)
{
    struct install_rig *rig = install_rig_new(10, 0);
    struct chunk_fetch_counts counts;

    (void)state;
    assert_true(install_rig_take_at(rig, 100, INSTALL_RIG_TERM));
    install_rig_settle(rig);
    rig->applied = 101;
    install_rig_settle(rig);
    assert_false(install_is_active(rig->install));
    chunk_fetch_counts(rig->fetch, &counts);
    assert_int_equal(counts.wanted, 0);
    /* The core answers the leader that it has all of it. */
    assert_int_equal(rig->passed, 1);
    assert_null(rig->prepared);
    install_rig_free(rig);
}

static void prepared_state_that_is_not_used_is_let_go(void **state)
{
    struct install_rig *rig = install_rig_new(3, 0);

    (void)state;
    assert_true(install_rig_take_at(rig, 100, INSTALL_RIG_TERM));
    install_rig_settle(rig);
    install_rig_answer_all(rig);
    assert_int_equal(rig->prepared_index, 100);
    assert_true(install_is_active(rig->install));
    rig->applied = 100;
    install_step(rig->install);
    assert_null(rig->prepared);
    assert_false(install_is_active(rig->install));
    install_rig_free(rig);
}

static void newer_one_waits_while_the_core_has_the_one_before(void **state)
{
    struct install_rig *rig = install_rig_new(3, 0);

    (void)state;
    assert_true(install_rig_take_at(rig, 100, INSTALL_RIG_TERM));
    install_rig_settle(rig);
    install_rig_answer_all(rig);
    assert_int_equal(rig->passed_index, 100);
    rig->is_installing = true;
    assert_true(install_rig_take_at(rig, 200, INSTALL_RIG_TERM));
    install_rig_settle(rig);
    install_rig_answer_all(rig);
    assert_int_equal(rig->passed_index, 100);
    assert_int_equal(rig->prepared_index, 100);
    install_rig_assert_prepared(rig);
    rig->is_installing = false;
    install_step(rig->install);
    assert_int_equal(rig->passed_index, 200);
    install_rig_assert_prepared(rig);
    install_rig_free(rig);
}

static void end_at_any_moment_leaves_nothing(void **state)
{
    (void)state;
    for (unsigned when = 0; when < 8; when++) {
        struct install_rig *rig = install_rig_new(5, 0);

        assert_true(install_rig_take_at(rig, 100, INSTALL_RIG_TERM));
        for (unsigned i = 0; i < when; i++) {
            install_rig_settle(rig);
            (void)install_rig_answer_one(rig, false);
        }
        install_rig_free(rig);
    }
}

static struct raft_message refusal(raft_term term, raft_index rejected)
{
    return (struct raft_message){
        .type = RAFT_IO_APPEND_ENTRIES_RESULT,
        .server_id = INSTALL_RIG_LEADER,
        .append_entries_result = {
            .term = term, .rejected = rejected, .last_log_index = 7}};
}

/* As it looks in libraft's progressMaybeDecrement(): a refusal of any other index
 * than that of the snapshot is of no meaning while it is sent. */
static void idle_leader_is_kept_from_sending_it_again(void **state)
{
    struct install_rig *rig = install_rig_new(3, 0);
    struct raft_message message = refusal(INSTALL_RIG_TERM, 100);
    struct raft_message instead;

    (void)state;
    assert_false(install_alters(rig->install, &message, &instead));
    assert_true(install_rig_take_at(rig, 100, INSTALL_RIG_TERM));
    assert_true(install_alters(rig->install, &message, &instead));
    assert_int_not_equal(instead.append_entries_result.rejected, 100);
    assert_int_not_equal(instead.append_entries_result.rejected, 0);
    assert_int_equal(instead.append_entries_result.last_log_index, 7);
    install_rig_settle(rig);
    assert_true(install_alters(rig->install, &message, &instead));
    message = refusal(INSTALL_RIG_TERM, 99);
    assert_false(install_alters(rig->install, &message, &instead));
    message = refusal(INSTALL_RIG_TERM, 0);
    assert_false(install_alters(rig->install, &message, &instead));
    message = refusal(INSTALL_RIG_TERM + 1, 100);
    assert_false(install_alters(rig->install, &message, &instead));
    install_rig_answer_all(rig);
    message = refusal(INSTALL_RIG_TERM, 100);
    assert_false(install_alters(rig->install, &message, &instead));
    install_rig_free(rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(message_goes_on_when_all_chunks_are_here),
        cmocka_unit_test(chunks_that_are_here_are_not_fetched),
        cmocka_unit_test(manifest_of_nothing_new_goes_on_at_once),
        cmocka_unit_test(same_one_again_is_dropped),
        cmocka_unit_test(newer_one_keeps_what_came_for_the_one_before),
        cmocka_unit_test(
            chunks_that_only_the_older_one_names_are_wanted_no_more),
        cmocka_unit_test(older_one_of_the_same_leader_is_dropped),
        cmocka_unit_test(newer_term_drops_the_message_and_nothing_else),
        cmocka_unit_test(newer_term_while_it_is_decoded_drops_the_message_too),
        cmocka_unit_test(what_is_applied_already_goes_on_as_it_comes),
        cmocka_unit_test(node_that_catches_up_otherwise_lets_go),
        cmocka_unit_test(prepared_state_that_is_not_used_is_let_go),
        cmocka_unit_test(newer_one_waits_while_the_core_has_the_one_before),
        cmocka_unit_test(end_at_any_moment_leaves_nothing),
        cmocka_unit_test(idle_leader_is_kept_from_sending_it_again),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
