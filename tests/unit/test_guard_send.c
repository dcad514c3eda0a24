/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* The guard's rules on what goes out. Server 1 of 3; its log holds the
 * configuration at index 1 and ten commands of term 1. */
#include <stdlib.h>
#include <string.h>

#include "support/cmocka.h"
#include "support/core_rig.h"

#define LOG_LAST 11
#define HEARTBEAT_MS_DEFAULT 100

static struct guard_counts counts_of(const struct core_rig *rig)
{
    struct guard_counts counts;

    guard_counts(rig->guard, &counts);
    return counts;
}

static const struct raft_append_entries_result *last_result(
    const struct core_rig *rig, raft_id to)
{
    const struct core_rig_send *send =
        core_rig_last_send(rig, RAFT_IO_APPEND_ENTRIES_RESULT, to);

    assert_non_null(send);
    return &send->message.append_entries_result;
}

static const struct raft_append_entries *last_entries(
    const struct core_rig *rig, raft_id to)
{
    const struct core_rig_send *send =
        core_rig_last_send(rig, RAFT_IO_APPEND_ENTRIES, to);

    assert_non_null(send);
    return &send->message.append_entries;
}

/* A leader whose own entry, index 12, is stored; nobody has answered yet. */
static void lead(struct core_rig *rig, const struct guard_options *options)
{
    core_rig_start(rig, 3, 10, options);
    core_rig_elect(rig);
    core_rig_append_done(rig, 0);
    core_rig_sent(rig);
}

/* ---- B ---- */

static void answer_confirms_no_more_than_the_leader_showed(void **state)
{
    struct core_rig rig;

    (void)state;
    core_rig_start(&rig, 3, 10, NULL);
    core_rig_receive_entries(&rig, 2, 2, 5, 1, 0, 0, 0);
    assert_int_equal(last_result(&rig, 2)->rejected, 0);
    assert_int_equal(last_result(&rig, 2)->last_log_index, 5);
    core_rig_receive_entries(&rig, 2, 2, 5, 1, 2, 1, 0);
    assert_int_equal(last_result(&rig, 2)->last_log_index, 7);
    assert_int_equal(counts_of(&rig).clamped_results, 2);
    core_rig_stop(&rig);
}

static void answer_after_a_write_confirms_what_was_written(void **state)
{
    struct core_rig rig;

    (void)state;
    core_rig_start(&rig, 3, 10, NULL);
    core_rig_receive_entries(&rig, 2, 2, LOG_LAST, 1, 3, 2, 0);
    assert_null(core_rig_last_send(&rig, RAFT_IO_APPEND_ENTRIES_RESULT, 2));
    core_rig_append_done(&rig, 0);
    assert_int_equal(last_result(&rig, 2)->last_log_index, LOG_LAST + 3);
    core_rig_stop(&rig);
}

static void what_one_term_verified_does_not_count_in_the_next(void **state)
{
    struct core_rig rig;

    (void)state;
    core_rig_start(&rig, 3, 10, NULL);
    core_rig_receive_entries(&rig, 2, 2, LOG_LAST, 1, 0, 0, 0);
    assert_int_equal(last_result(&rig, 2)->last_log_index, LOG_LAST);
    core_rig_receive_entries(&rig, 3, 3, 4, 1, 0, 0, 0);
    assert_int_equal(last_result(&rig, 3)->last_log_index, 4);
    core_rig_stop(&rig);
}

static void message_of_an_old_term_from_the_beginning_verifies_nothing(
    void **state)
{
    struct core_rig rig;

    (void)state;
    core_rig_start(&rig, 3, 10, NULL);
    core_rig_receive_entries(&rig, 2, 5, 2, 1, 0, 0, 0);
    core_rig_receive_entries(&rig, 3, 4, 0, 0, 8, 1, 0);
    /* The core's refusal of prev 0 reads as a success. */
    assert_int_equal(last_result(&rig, 3)->rejected, 0);
    assert_int_equal(last_result(&rig, 3)->last_log_index, 2);
    core_rig_stop(&rig);
}

static void committed_entries_are_always_confirmed(void **state)
{
    struct core_rig rig;

    (void)state;
    core_rig_start(&rig, 3, 10, NULL);
    core_rig_receive_entries(&rig, 2, 2, LOG_LAST, 1, 0, 0, 9);
    assert_int_equal(rig.raft.commit_index, 9);
    core_rig_receive_entries(&rig, 3, 3, 4, 1, 0, 0, 0);
    assert_int_equal(last_result(&rig, 3)->last_log_index, 9);
    core_rig_stop(&rig);
}

/* ---- G ---- */

static void answer_of_a_former_follower_goes_to_nobody(void **state)
{
    const struct guard_options without_m = {.rules = (unsigned)GUARD_ALL &
                                                     ~(unsigned)GUARD_M};
    struct core_rig rig;

    (void)state;
    core_rig_start(&rig, 3, 10, &without_m);
    core_rig_receive_snapshot(&rig, 2, 2, 50, 2);
    core_rig_tick(&rig, 2000);
    assert_int_equal(rig.raft.state, RAFT_CANDIDATE);
    core_rig_sent(&rig);
    core_rig_put_done(&rig);
    assert_int_equal(rig.send_count, 0);
    assert_int_equal(counts_of(&rig).dropped_results, 1);
    core_rig_stop(&rig);
}

static void answer_without_a_known_leader_goes_to_nobody(void **state)
{
    struct core_rig rig;

    (void)state;
    core_rig_start(&rig, 3, 10, NULL);
    core_rig_receive_entries(&rig, 2, 2, LOG_LAST, 1, 1, 2, 0);
    rig.raft.follower_state.current_leader.id = 0;
    core_rig_append_done(&rig, 0);
    assert_int_equal(rig.send_count, 0);
    assert_int_equal(counts_of(&rig).dropped_results, 1);
    core_rig_stop(&rig);
}

/* ---- H, P ---- */

static void message_has_a_bounded_number_of_entries(void **state)
{
    const struct guard_options options = {.rules = GUARD_ALL,
                                          .message_entries_max = 3};
    struct core_rig rig;

    (void)state;
    lead(&rig, &options);
    core_rig_receive_result(&rig, 2, 2, LOG_LAST, 1);
    core_rig_tick(&rig, HEARTBEAT_MS_DEFAULT);
    assert_int_equal(last_entries(&rig, 2)->prev_log_index, 1);
    assert_int_equal(last_entries(&rig, 2)->n_entries, 3);
    core_rig_stop(&rig);
}

static void pipeline_goes_on_where_a_message_was_cut(void **state)
{
    const struct guard_options options = {.rules = GUARD_ALL,
                                          .message_entries_max = 3};
    struct core_rig rig;

    (void)state;
    lead(&rig, &options);
    core_rig_receive_result(&rig, 2, 2, LOG_LAST, 1);
    core_rig_tick(&rig, HEARTBEAT_MS_DEFAULT);
    for (raft_index match = 4; match <= 10; match += 3) {
        core_rig_receive_result(&rig, 2, 2, 0, match);
        assert_int_equal(last_entries(&rig, 2)->prev_log_index, match);
        assert_int_equal(last_entries(&rig, 2)->n_entries, match == 10 ? 2 : 3);
    }
    core_rig_stop(&rig);
}

static void message_has_bounded_bytes_but_one_entry(void **state)
{
    const struct guard_options options = {.rules = GUARD_ALL,
                                          .message_bytes_max = 1};
    struct core_rig rig;

    (void)state;
    lead(&rig, &options);
    core_rig_receive_result(&rig, 2, 2, LOG_LAST, 1);
    core_rig_tick(&rig, HEARTBEAT_MS_DEFAULT);
    assert_int_equal(last_entries(&rig, 2)->n_entries, 1);
    core_rig_stop(&rig);
}

static void cut_message_commits_no_further_than_its_last_entry(void **state)
{
    const struct guard_options options = {.rules = GUARD_ALL,
                                          .message_entries_max = 3};
    struct core_rig rig;

    (void)state;
    lead(&rig, &options);
    core_rig_receive_result(&rig, 3, 2, 0, LOG_LAST + 1);
    assert_int_equal(rig.raft.commit_index, LOG_LAST + 1);
    core_rig_receive_result(&rig, 2, 2, LOG_LAST, 1);
    core_rig_tick(&rig, HEARTBEAT_MS_DEFAULT);
    assert_int_equal(last_entries(&rig, 2)->leader_commit, 4);
    core_rig_stop(&rig);
}

static void peer_that_takes_nothing_gets_heartbeats_without_entries(
    void **state)
{
    const struct guard_options options = {.rules = GUARD_ALL,
                                          .send_bytes_max = 400};
    struct core_rig rig;
    size_t sends;

    (void)state;
    lead(&rig, &options);
    core_rig_receive_result(&rig, 2, 2, LOG_LAST, 1);
    core_rig_tick(&rig, HEARTBEAT_MS_DEFAULT);
    assert_int_equal(last_entries(&rig, 2)->n_entries, LOG_LAST);
    core_rig_tick(&rig, HEARTBEAT_MS_DEFAULT);
    assert_int_equal(last_entries(&rig, 2)->n_entries, 0);
    assert_int_equal(last_entries(&rig, 2)->prev_log_index, 1);
    sends = rig.send_count;
    for (int i = 0; i < 50; i++) {
        core_rig_tick(&rig, HEARTBEAT_MS_DEFAULT); /* to both peers */
        if (rig.raft.state != RAFT_LEADER) {
            break;
        }
        core_rig_receive_result(&rig, 3, 2, LOG_LAST, LOG_LAST);
    }
    assert_true(rig.send_count < sends + 50);
    core_rig_sent(&rig);
    core_rig_stop(&rig);
}

static void entries_that_were_stripped_are_sent_when_there_is_room(void **state)
{
    const struct guard_options options = {.rules = GUARD_ALL,
                                          .send_bytes_max = 400};
    struct core_rig rig;

    (void)state;
    lead(&rig, &options);
    core_rig_receive_result(&rig, 2, 2, LOG_LAST, 1);
    core_rig_tick(&rig, HEARTBEAT_MS_DEFAULT);
    core_rig_receive_result(&rig, 2, 2, 0, 4); /* pipeline from here on */
    core_rig_receive_result(&rig, 2, 2, 0, 5);
    assert_int_equal(rig.raft.leader_state.progress[1].next_index, 6);
    core_rig_sent(&rig);
    core_rig_tick(&rig, HEARTBEAT_MS_DEFAULT);
    assert_int_equal(last_entries(&rig, 2)->prev_log_index, 5);
    assert_int_equal(last_entries(&rig, 2)->n_entries, 7);
    core_rig_stop(&rig);
}

/* ---- E, K ---- */

static void entries_on_their_way_survive_truncation(void **state)
{
    struct core_rig rig;
    const struct raft_append_entries *sent;
    uint8_t expected[CORE_RIG_COMMAND_LEN] = {0};

    (void)state;
    lead(&rig, NULL);
    core_rig_receive_result(&rig, 2, 2, LOG_LAST, 1);
    core_rig_tick(&rig, HEARTBEAT_MS_DEFAULT);
    sent = last_entries(&rig, 2);
    /* Another leader replaces everything behind the configuration. */
    core_rig_receive_entries(&rig, 3, 9, 1, 1, 1, 9, 0);
    assert_int_equal(rig.truncated_from, 2);
    assert_int_equal(sent->n_entries, LOG_LAST);
    for (unsigned i = 0; i + 1 < sent->n_entries; i++) {
        assert_memory_equal(sent->entries[i].buf.base, expected,
                            sizeof expected);
    }
    core_rig_stop(&rig);
}

static void on_transferred(struct raft_transfer *transfer)
{
    free(transfer);
}

static void handover_message_outlives_the_transfer_object(void **state)
{
    struct raft_transfer *transfer = calloc(1, sizeof *transfer);
    struct core_rig rig;

    (void)state;
    lead(&rig, NULL);
    core_rig_receive_result(&rig, 2, 2, 0, LOG_LAST + 1);
    assert_int_equal(raft_transfer(&rig.raft, transfer, 2, on_transferred), 0);
    guard_after(rig.guard);
    assert_non_null(core_rig_last_send(&rig, RAFT_IO_TIMEOUT_NOW, 2));
    core_rig_receive_result(&rig, 3, 2, 0, LOG_LAST + 1);
    core_rig_tick(&rig, 1000); /* given up, freed */
    assert_null(rig.raft.transfer);
    core_rig_sent(&rig);
    core_rig_stop(&rig);
}

static void failing_send_is_a_lost_message(void **state)
{
    struct core_rig rig;

    (void)state;
    core_rig_start(&rig, 3, 10, NULL);
    rig.send_result = RAFT_IOERR;
    core_rig_receive_entries(&rig, 2, 2, 5, 1, 2, 1, 0);
    core_rig_receive_vote_request(&rig, 3, 7, true, false);
    assert_int_equal(rig.raft.state, RAFT_FOLLOWER);
    assert_string_equal(rig.fatal, "");
    core_rig_stop(&rig);
}

/* ---- S, U ---- */

static void refused_pre_vote_tells_the_real_term(void **state)
{
    const struct core_rig_send *send;
    struct core_rig rig;

    (void)state;
    core_rig_start(&rig, 3, 10, NULL);
    core_rig_receive_entries(&rig, 2, 8, 5, 1, 0, 0, 0);
    core_rig_receive_vote_request(&rig, 3, 3, true, false);
    send = core_rig_last_send(&rig, RAFT_IO_REQUEST_VOTE_RESULT, 3);
    assert_non_null(send);
    assert_false(send->message.request_vote_result.vote_granted);
    assert_int_equal(send->message.request_vote_result.term, 8);
    core_rig_stop(&rig);
}

static void refusal_names_where_the_logs_may_agree(void **state)
{
    struct core_rig rig;

    (void)state;
    core_rig_start(&rig, 3, 10, NULL);
    core_rig_receive_entries(&rig, 2, 3, LOG_LAST, 1, 6, 3, 0);
    core_rig_append_done(&rig, 0);
    core_rig_receive_entries(&rig, 3, 4, 15, 2, 0, 0, 0);
    assert_int_equal(last_result(&rig, 3)->rejected, 15);
    assert_int_equal(last_result(&rig, 3)->last_log_index, LOG_LAST);
    core_rig_stop(&rig);
}

static void refusals_go_back_twice_as_far_each_time(void **state)
{
    static const struct {
        raft_index prev, named;
    } steps[] = {{10, 9}, {9, 7}, {7, 3}, {3, 1}};
    struct core_rig rig;

    (void)state;
    core_rig_start(&rig, 3, 10, NULL);
    for (size_t i = 0; i < sizeof steps / sizeof steps[0]; i++) {
        core_rig_receive_entries(&rig, 2, 5, steps[i].prev, 4, 0, 0, 0);
        assert_int_equal(last_result(&rig, 2)->rejected, steps[i].prev);
        assert_int_equal(last_result(&rig, 2)->last_log_index, steps[i].named);
    }
    core_rig_stop(&rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(answer_confirms_no_more_than_the_leader_showed),
        cmocka_unit_test(answer_after_a_write_confirms_what_was_written),
        cmocka_unit_test(what_one_term_verified_does_not_count_in_the_next),
        cmocka_unit_test(
            message_of_an_old_term_from_the_beginning_verifies_nothing),
        cmocka_unit_test(committed_entries_are_always_confirmed),
        cmocka_unit_test(answer_of_a_former_follower_goes_to_nobody),
        cmocka_unit_test(answer_without_a_known_leader_goes_to_nobody),
        cmocka_unit_test(message_has_a_bounded_number_of_entries),
        cmocka_unit_test(pipeline_goes_on_where_a_message_was_cut),
        cmocka_unit_test(message_has_bounded_bytes_but_one_entry),
        cmocka_unit_test(cut_message_commits_no_further_than_its_last_entry),
        cmocka_unit_test(
            peer_that_takes_nothing_gets_heartbeats_without_entries),
        cmocka_unit_test(
            entries_that_were_stripped_are_sent_when_there_is_room),
        cmocka_unit_test(entries_on_their_way_survive_truncation),
        cmocka_unit_test(handover_message_outlives_the_transfer_object),
        cmocka_unit_test(failing_send_is_a_lost_message),
        cmocka_unit_test(refused_pre_vote_tells_the_real_term),
        cmocka_unit_test(refusal_names_where_the_logs_may_agree),
        cmocka_unit_test(refusals_go_back_twice_as_far_each_time),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
