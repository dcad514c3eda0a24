/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "consensus/link_hello.h"

#include <stdlib.h>
#include <string.h>

#include "support/cmocka.h"
#include "util/buf.h"

/* One connection: node 1 calls node 2. What goes over it can be changed. */
struct meeting {
    struct identity identities[2];
    struct link_hello caller;
    struct link_hello answerer;
    struct link_hello_reply call;
    struct link_hello_reply answer;
    struct link_hello_reply proof;
    struct link_hello_reply verdict;
};

static void fill(struct identity *identity, uint64_t node)
{
    *identity =
        (struct identity){.cluster = "0d9b1c1e-8f0e-4c57-9a3d-5d2f5a6b7c8d",
                          .instance = "11111111-2222-4333-8444-555555555555",
                          .node = node};
    memset(identity->secret, 0xA5, SECRET_LEN);
    identity->instance[0] = (char)('0' + node);
    assert_int_equal(members_parse("1=127.0.0.1:7421/127.0.0.1:7420,"
                                   "2=127.0.0.1:7431/127.0.0.1:7430,"
                                   "3=127.0.0.1:7441/127.0.0.1:7440",
                                   identity->members, &identity->members_count,
                                   NULL),
                     0);
}

static void prepare(struct meeting *meeting)
{
    *meeting = (struct meeting){0};
    fill(&meeting->identities[0], 1);
    fill(&meeting->identities[1], 2);
}

static void open_both(struct meeting *meeting, uint64_t wanted)
{
    uint8_t nonce[LINK_NONCE_LEN];

    memset(nonce, 1, sizeof nonce);
    link_hello_open(&meeting->caller, &meeting->identities[0], wanted, nonce);
    memset(nonce, 2, sizeof nonce);
    link_hello_open(&meeting->answerer, &meeting->identities[1], 0, nonce);
    link_hello_call(&meeting->caller, &meeting->call);
}

static enum link_hello_step give(struct link_hello *hello,
                                 const struct link_hello_reply *message,
                                 struct link_hello_reply *ret_reply)
{
    return link_hello_take(hello, message->bytes, message->len, ret_reply);
}

/* As far as both sides go without a fault. */
static void meet(struct meeting *meeting)
{
    struct link_hello_reply none;

    open_both(meeting, 2);
    assert_int_equal(give(&meeting->answerer, &meeting->call, &meeting->answer),
                     LINK_HELLO_WAIT);
    assert_int_equal(give(&meeting->caller, &meeting->answer, &none),
                     LINK_HELLO_JUDGE);
    assert_int_equal(link_hello_accept(&meeting->caller, &meeting->proof),
                     LINK_HELLO_WAIT);
    assert_int_equal(give(&meeting->answerer, &meeting->proof, &none),
                     LINK_HELLO_JUDGE);
    assert_int_equal(link_hello_accept(&meeting->answerer, &meeting->verdict),
                     LINK_HELLO_DONE);
}

/* What the answerer says to the call, and the caller to that. */
static void expect_refusal(struct meeting *meeting, uint64_t wanted,
                           enum link_refusal refusal)
{
    struct link_hello_reply none;

    open_both(meeting, wanted);
    assert_int_equal(give(&meeting->answerer, &meeting->call, &meeting->answer),
                     LINK_HELLO_REFUSED);
    assert_int_equal(meeting->answerer.refusal, refusal);
    assert_int_equal(give(&meeting->caller, &meeting->answer, &none),
                     LINK_HELLO_TOLD);
    assert_int_equal(meeting->caller.refusal, refusal);
}

static void both_sides_learn_who_the_other_is(void **state)
{
    struct meeting meeting;
    struct link_hello_reply none;

    (void)state;
    prepare(&meeting);
    meet(&meeting);
    assert_int_equal(meeting.answerer.node, 1);
    assert_string_equal(meeting.answerer.instance,
                        meeting.identities[0].instance);
    assert_int_equal(meeting.caller.node, 2);
    assert_string_equal(meeting.caller.instance,
                        meeting.identities[1].instance);
    assert_int_equal(meeting.caller.protocol, LINK_PROTOCOL_MAX);
    assert_int_equal(give(&meeting.caller, &meeting.verdict, &none),
                     LINK_HELLO_DONE);
}

static void refused_side_learns_the_reason(void **state)
{
    struct meeting meeting;

    (void)state;
    prepare(&meeting);
    meeting.identities[0].cluster[0] = '9';
    memset(meeting.identities[0].secret, 1, SECRET_LEN);
    expect_refusal(&meeting, 2, LINK_CLUSTER);
    prepare(&meeting);
    expect_refusal(&meeting, 3, LINK_TARGET);
    prepare(&meeting);
    meeting.identities[0].node = 7;
    expect_refusal(&meeting, 2, LINK_UNKNOWN);
    prepare(&meeting);
    meeting.identities[0].node = 2;
    expect_refusal(&meeting, 2, LINK_UNKNOWN);
}

static void caller_that_knows_no_secret_is_refused_by_its_proof(void **state)
{
    struct meeting meeting;
    struct link_hello_reply reply;

    (void)state;
    prepare(&meeting);
    meet(&meeting);
    open_both(&meeting, 2);
    (void)give(&meeting.answerer, &meeting.call, &meeting.answer);
    memset(meeting.proof.bytes + 16, 0, 32);
    assert_int_equal(give(&meeting.answerer, &meeting.proof, &reply),
                     LINK_HELLO_REFUSED);
    assert_int_equal(meeting.answerer.refusal, LINK_SECRET);
    assert_string_equal(meeting.answerer.instance, "");
    assert_int_equal(reply.len, LINK_VERDICT_LEN);
}

static void caller_checks_whom_it_has_reached(void **state)
{
    struct meeting meeting;
    struct link_hello_reply reply;
    struct link_hello_reply none;

    (void)state;
    prepare(&meeting);
    meeting.identities[1].secret[31] ^= 1;
    open_both(&meeting, 2);
    (void)give(&meeting.answerer, &meeting.call, &meeting.answer);
    assert_int_equal(give(&meeting.caller, &meeting.answer, &reply),
                     LINK_HELLO_REFUSED);
    assert_int_equal(meeting.caller.refusal, LINK_SECRET);
    /* And the other side hears of it. */
    assert_int_equal(give(&meeting.answerer, &reply, &none), LINK_HELLO_TOLD);
    assert_int_equal(meeting.answerer.refusal, LINK_SECRET);
}

static void other_member_list_is_refused_once_proved(void **state)
{
    struct meeting meeting;
    struct link_hello_reply reply;

    (void)state;
    prepare(&meeting);
    strcpy(meeting.identities[1].members[0].client_address, "127.0.0.1:9");
    open_both(&meeting, 2);
    (void)give(&meeting.answerer, &meeting.call, &meeting.answer);
    assert_int_equal(give(&meeting.caller, &meeting.answer, &reply),
                     LINK_HELLO_REFUSED);
    assert_int_equal(meeting.caller.refusal, LINK_MEMBERS);
    assert_string_equal(meeting.caller.instance,
                        meeting.identities[1].instance);
}

static void refused_instance_is_told(void **state)
{
    struct meeting meeting;
    struct link_hello_reply reply;
    struct link_hello_reply none;

    (void)state;
    prepare(&meeting);
    meet(&meeting);
    open_both(&meeting, 2);
    (void)give(&meeting.answerer, &meeting.call, &meeting.answer);
    (void)give(&meeting.caller, &meeting.answer, &none);
    (void)link_hello_accept(&meeting.caller, &meeting.proof);
    assert_int_equal(give(&meeting.answerer, &meeting.proof, &none),
                     LINK_HELLO_JUDGE);
    assert_int_equal(
        link_hello_refuse(&meeting.answerer, LINK_INSTANCE, &reply),
        LINK_HELLO_REFUSED);
    assert_int_equal(give(&meeting.caller, &reply, &none), LINK_HELLO_TOLD);
    assert_int_equal(meeting.caller.refusal, LINK_INSTANCE);
}

/* Versions that share none, by what stands at fixed places in every version. */
static void version_without_overlap_is_named_as_such(void **state)
{
    struct meeting meeting;

    (void)state;
    prepare(&meeting);
    open_both(&meeting, 2);
    put_u16(meeting.call.bytes + 10, LINK_PROTOCOL_MAX + 1);
    put_u16(meeting.call.bytes + 12, LINK_PROTOCOL_MAX + 3);
    /* Its hello may be shorter than ours. */
    assert_int_equal(link_hello_take(&meeting.answerer, meeting.call.bytes, 20,
                                     &meeting.answer),
                     LINK_HELLO_REFUSED);
    assert_int_equal(meeting.answerer.refusal, LINK_VERSION);
    assert_int_equal(meeting.answer.len, LINK_VERDICT_LEN);
    prepare(&meeting);
    open_both(&meeting, 2);
    put_u16(meeting.call.bytes + 10, 0);
    put_u16(meeting.call.bytes + 12, 0);
    (void)give(&meeting.answerer, &meeting.call, &meeting.answer);
    assert_int_equal(meeting.answerer.refusal, LINK_VERSION);
}

/* The proof covers the range, so nobody between them can lower it. */
static void later_version_is_met_half_way(void **state)
{
    struct meeting meeting;
    struct link_hello_reply none;

    (void)state;
    prepare(&meeting);
    open_both(&meeting, 2);
    put_u16(meeting.caller.call + 12, LINK_PROTOCOL_MAX + 3);
    link_hello_call(&meeting.caller, &meeting.call);
    assert_int_equal(give(&meeting.answerer, &meeting.call, &meeting.answer),
                     LINK_HELLO_WAIT);
    assert_int_equal(give(&meeting.caller, &meeting.answer, &none),
                     LINK_HELLO_JUDGE);
    assert_int_equal(meeting.caller.protocol, LINK_PROTOCOL_MAX);
}

static void recorded_hello_is_worth_nothing_later(void **state)
{
    struct meeting meeting;
    struct link_hello_reply recorded_proof;
    struct link_hello_reply reply;
    uint8_t nonce[LINK_NONCE_LEN];

    (void)state;
    prepare(&meeting);
    meet(&meeting);
    recorded_proof = meeting.proof;
    memset(nonce, 3, sizeof nonce);
    link_hello_open(&meeting.answerer, &meeting.identities[1], 0, nonce);
    assert_int_equal(give(&meeting.answerer, &meeting.call, &reply),
                     LINK_HELLO_WAIT);
    assert_int_equal(give(&meeting.answerer, &recorded_proof, &reply),
                     LINK_HELLO_REFUSED);
    assert_int_equal(meeting.answerer.refusal, LINK_SECRET);
    /* Nor does an old answer serve a new call. */
    memset(nonce, 4, sizeof nonce);
    link_hello_open(&meeting.caller, &meeting.identities[0], 2, nonce);
    assert_int_equal(give(&meeting.caller, &meeting.answer, &reply),
                     LINK_HELLO_REFUSED);
    assert_int_equal(meeting.caller.refusal, LINK_SECRET);
}

/* Somebody without the secret answers a caller with the caller's own words. */
static void nobody_passes_by_sending_back_what_he_got(void **state)
{
    struct meeting meeting;
    struct link_hello_reply reply;
    struct link_hello_reply mirrored;

    (void)state;
    prepare(&meeting);
    meet(&meeting);
    open_both(&meeting, 2);
    assert_int_equal(give(&meeting.caller, &meeting.call, &reply),
                     LINK_HELLO_REFUSED);
    /* The answer's proof given back as the caller's. */
    open_both(&meeting, 2);
    (void)give(&meeting.answerer, &meeting.call, &meeting.answer);
    mirrored = meeting.proof;
    memcpy(mirrored.bytes + 16, meeting.answer.bytes + LINK_CALL_LEN, 32);
    assert_int_equal(give(&meeting.answerer, &mirrored, &reply),
                     LINK_HELLO_REFUSED);
    assert_int_equal(meeting.answerer.refusal, LINK_SECRET);
}

static void every_changed_bit_is_noticed(void **state)
{
    struct meeting meeting;
    struct link_hello_reply reply;

    (void)state;
    prepare(&meeting);
    for (size_t bit = 0; bit < 8 * LINK_CALL_LEN; bit++) {
        enum link_hello_step step;

        open_both(&meeting, 2);
        meeting.call.bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
        step = give(&meeting.answerer, &meeting.call, &meeting.answer);
        if (step == LINK_HELLO_WAIT) {
            step = give(&meeting.caller, &meeting.answer, &reply);
        }
        assert_int_equal(step, LINK_HELLO_REFUSED);
    }
    for (size_t bit = 0; bit < 8 * LINK_ANSWER_LEN; bit++) {
        open_both(&meeting, 2);
        (void)give(&meeting.answerer, &meeting.call, &meeting.answer);
        meeting.answer.bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
        assert_int_equal(give(&meeting.caller, &meeting.answer, &reply),
                         LINK_HELLO_REFUSED);
    }
}

/* Each length stands in a block of exactly its size, so that a sanitizer sees
 * the first byte read too far. */
static void cut_messages_are_malformed(void **state)
{
    struct meeting meeting;
    struct link_hello_reply reply;

    (void)state;
    prepare(&meeting);
    meet(&meeting);
    for (size_t len = 0; len < LINK_ANSWER_LEN; len++) {
        uint8_t *block = malloc(len + 1);

        assert_non_null(block);
        open_both(&meeting, 2);
        memcpy(block + 1, meeting.answer.bytes, len);
        assert_int_equal(
            link_hello_take(&meeting.caller, block + 1, len, &reply),
            LINK_HELLO_REFUSED);
        assert_int_equal(meeting.caller.refusal, LINK_MALFORMED);
        memcpy(block + 1, meeting.call.bytes,
               len < LINK_CALL_LEN ? len : LINK_CALL_LEN - 1);
        assert_int_equal(
            link_hello_take(&meeting.answerer, block + 1,
                            len < LINK_CALL_LEN ? len : LINK_CALL_LEN - 1,
                            &reply),
            LINK_HELLO_REFUSED);
        assert_int_equal(meeting.answerer.refusal, LINK_MALFORMED);
        /* Who does not speak our protocol is not spoken to. */
        assert_int_equal(reply.len, 0);
        free(block);
    }
}

static void messages_out_of_turn_are_refused(void **state)
{
    struct meeting meeting;
    struct link_hello_reply reply;

    (void)state;
    prepare(&meeting);
    meet(&meeting);
    assert_int_equal(give(&meeting.answerer, &meeting.call, &reply),
                     LINK_HELLO_REFUSED);
    open_both(&meeting, 2);
    assert_int_equal(give(&meeting.answerer, &meeting.proof, &reply),
                     LINK_HELLO_REFUSED);
    /* An acceptance before the proof was even sent. */
    open_both(&meeting, 2);
    assert_int_equal(give(&meeting.caller, &meeting.verdict, &reply),
                     LINK_HELLO_TOLD);
    assert_int_equal(meeting.caller.refusal, LINK_MALFORMED);
    open_both(&meeting, 2);
    assert_int_equal(give(&meeting.answerer, &meeting.verdict, &reply),
                     LINK_HELLO_REFUSED);
}

static void every_refusal_has_its_texts(void **state)
{
    (void)state;
    for (unsigned i = 0; i < LINK_REFUSALS; i++) {
        assert_non_null(link_refusal_text((enum link_refusal)i));
        assert_non_null(link_refusal_told_text((enum link_refusal)i));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(both_sides_learn_who_the_other_is),
        cmocka_unit_test(refused_side_learns_the_reason),
        cmocka_unit_test(caller_that_knows_no_secret_is_refused_by_its_proof),
        cmocka_unit_test(caller_checks_whom_it_has_reached),
        cmocka_unit_test(other_member_list_is_refused_once_proved),
        cmocka_unit_test(refused_instance_is_told),
        cmocka_unit_test(version_without_overlap_is_named_as_such),
        cmocka_unit_test(later_version_is_met_half_way),
        cmocka_unit_test(recorded_hello_is_worth_nothing_later),
        cmocka_unit_test(nobody_passes_by_sending_back_what_he_got),
        cmocka_unit_test(every_changed_bit_is_noticed),
        cmocka_unit_test(cut_messages_are_malformed),
        cmocka_unit_test(messages_out_of_turn_are_refused),
        cmocka_unit_test(every_refusal_has_its_texts),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
