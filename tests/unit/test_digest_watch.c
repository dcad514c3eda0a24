/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "consensus/digest_watch.h"

#include <string.h>

#include "consensus/digest_report.h"
#include "quorlog.h"
#include "support/cmocka.h"

#define NOW 1000u

static const uint64_t voters[5] = {1, 2, 3, 4, 5};

static struct digest value(uint64_t index, char letter)
{
    struct digest digest = {.index = index, .term = 7};

    memset(digest.bytes, letter, sizeof digest.bytes);
    return digest;
}

static void take(struct digest_watch *watch, uint64_t index, char letter)
{
    const struct digest digest = value(index, letter);

    digest_watch_take(watch, &digest);
}

/* Node @node has this and nothing else. */
static void hear(struct digest_watch *watch, uint64_t node, uint64_t index,
                 char letter)
{
    const struct digest_list list = {.count = 1,
                                     .items = {value(index, letter)}};

    digest_watch_hear(watch, node, &list);
}

static struct digest_verdict judge(struct digest_watch *watch, size_t count,
                                   uint64_t now_ms)
{
    struct digest_verdict verdict;

    digest_watch_judge(watch, voters, count, now_ms, &verdict);
    return verdict;
}

static void expect(struct digest_watch *watch, size_t count,
                   enum digest_finding finding, uint64_t index)
{
    const struct digest_verdict verdict = judge(watch, count, NOW);

    assert_int_equal(verdict.finding, finding);
    if (finding != DIGEST_UNKNOWN) {
        assert_int_equal(verdict.index, index);
    }
}

static void two_of_three_that_agree_are_enough(void **state)
{
    struct digest_watch watch;
    bool same = false;

    (void)state;
    digest_watch_init(&watch, 1);
    expect(&watch, 3, DIGEST_UNKNOWN, 0);
    take(&watch, 1024, 'a');
    expect(&watch, 3, DIGEST_UNKNOWN, 0);
    assert_int_equal(digest_watch_common(&watch, 2, &same), 0);
    hear(&watch, 2, 1024, 'a');
    expect(&watch, 3, DIGEST_AGREED, 1024);
    assert_int_equal(digest_watch_common(&watch, 2, &same), 1024);
    assert_true(same);
    hear(&watch, 3, 1024, 'a');
    expect(&watch, 3, DIGEST_AGREED, 1024);
}

static void against_a_majority_this_node_is_the_odd_one(void **state)
{
    struct digest_watch watch;
    struct digest_verdict verdict;
    bool same = true;

    (void)state;
    digest_watch_init(&watch, 1);
    take(&watch, 1024, 'b');
    hear(&watch, 2, 1024, 'a');
    hear(&watch, 3, 1024, 'a');
    expect(&watch, 3, DIGEST_ODD, 1024);
    verdict = judge(&watch, 3, NOW);
    assert_int_equal(verdict.term, 7);
    assert_int_equal(verdict.majority, 2);
    assert_int_equal(verdict.groups[0], 1);
    assert_int_equal(verdict.groups[1], 2);
    assert_int_equal(verdict.groups[2], 2);
    assert_int_equal(digest_watch_common(&watch, 3, &same), 1024);
    assert_false(same);
}

static void with_a_majority_another_node_is_the_odd_one(void **state)
{
    struct digest_watch watch;

    (void)state;
    digest_watch_init(&watch, 1);
    take(&watch, 1024, 'a');
    hear(&watch, 2, 1024, 'b');
    hear(&watch, 3, 1024, 'a');
    expect(&watch, 3, DIGEST_OTHER_ODD, 1024);
    assert_int_equal(judge(&watch, 3, NOW).groups[1], 2);
}

static void two_voters_that_differ_have_no_majority(void **state)
{
    struct digest_watch watch;

    (void)state;
    digest_watch_init(&watch, 1);
    take(&watch, 1024, 'a');
    hear(&watch, 2, 1024, 'b');
    expect(&watch, 2, DIGEST_SPLIT, 1024);
    hear(&watch, 2, 1024, 'a');
    expect(&watch, 2, DIGEST_AGREED, 1024);
}

static void three_values_of_three_voters_are_no_majority(void **state)
{
    struct digest_watch watch;
    struct digest_verdict verdict;

    (void)state;
    digest_watch_init(&watch, 1);
    take(&watch, 1024, 'a');
    hear(&watch, 2, 1024, 'b');
    hear(&watch, 3, 1024, 'c');
    expect(&watch, 3, DIGEST_SPLIT, 1024);
    verdict = judge(&watch, 3, NOW);
    assert_int_equal(verdict.majority, 0);
    assert_int_equal(verdict.groups[2], 3);
}

/* Two of five agree against one: that is no majority of all, whatever two that
 * are silent would say. */
static void a_majority_of_those_heard_is_none(void **state)
{
    struct digest_watch watch;

    (void)state;
    digest_watch_init(&watch, 1);
    take(&watch, 1024, 'b');
    hear(&watch, 2, 1024, 'a');
    hear(&watch, 3, 1024, 'a');
    expect(&watch, 5, DIGEST_UNDECIDED, 1024);
    hear(&watch, 4, 1024, 'a');
    expect(&watch, 5, DIGEST_ODD, 1024);
}

static void a_late_report_may_still_decide(void **state)
{
    struct digest_watch watch;

    (void)state;
    digest_watch_init(&watch, 1);
    take(&watch, 1024, 'a');
    hear(&watch, 2, 1024, 'b');
    expect(&watch, 3, DIGEST_UNDECIDED, 1024);
    assert_int_equal(judge(&watch, 3, NOW + DIGEST_WAIT_MS - 1).finding,
                     DIGEST_UNDECIDED);
    hear(&watch, 3, 1024, 'a');
    assert_int_equal(judge(&watch, 3, NOW + DIGEST_WAIT_MS).finding,
                     DIGEST_OTHER_ODD);
}

static void a_silent_voter_is_not_waited_for_for_ever(void **state)
{
    struct digest_watch watch;

    (void)state;
    digest_watch_init(&watch, 1);
    take(&watch, 1024, 'a');
    hear(&watch, 2, 1024, 'b');
    expect(&watch, 3, DIGEST_UNDECIDED, 1024);
    assert_int_equal(judge(&watch, 3, NOW + DIGEST_WAIT_MS).finding,
                     DIGEST_SPLIT);
    hear(&watch, 3, 1024, 'b');
    assert_int_equal(judge(&watch, 3, NOW + DIGEST_WAIT_MS).finding,
                     DIGEST_ODD);
}

static void the_newest_index_that_is_decided_counts(void **state)
{
    struct digest_list list = {.count = 2,
                               .items = {value(1024, 'b'), value(2048, 'd')}};
    struct digest_watch watch;

    (void)state;
    digest_watch_init(&watch, 1);
    take(&watch, 1024, 'a');
    take(&watch, 2048, 'c');
    hear(&watch, 2, 1024, 'b');
    hear(&watch, 3, 1024, 'b');
    /* At 2048 nobody has spoken. */
    expect(&watch, 3, DIGEST_ODD, 1024);
    take(&watch, 3072, 'e');
    hear(&watch, 2, 3072, 'e');
    hear(&watch, 3, 1024, 'b');
    expect(&watch, 3, DIGEST_AGREED, 3072);
    /* One that is undecided does not hide an older one that is not. */
    digest_watch_init(&watch, 1);
    take(&watch, 1024, 'a');
    take(&watch, 2048, 'c');
    digest_watch_hear(&watch, 2, &list);
    hear(&watch, 3, 1024, 'b');
    expect(&watch, 3, DIGEST_ODD, 1024);
}

static void another_term_is_another_history(void **state)
{
    struct digest_watch watch;
    struct digest_list list = {.count = 1, .items = {value(1024, 'a')}};

    (void)state;
    digest_watch_init(&watch, 1);
    take(&watch, 1024, 'a');
    list.items[0].term = 8;
    digest_watch_hear(&watch, 2, &list);
    expect(&watch, 2, DIGEST_SPLIT, 1024);
}

static void what_was_before_a_restore_is_forgotten(void **state)
{
    struct digest_watch watch;

    (void)state;
    digest_watch_init(&watch, 1);
    take(&watch, 1024, 'b');
    hear(&watch, 2, 1024, 'a');
    hear(&watch, 3, 1024, 'a');
    expect(&watch, 3, DIGEST_ODD, 1024);
    digest_watch_on_restore(&watch, 1500);
    expect(&watch, 3, DIGEST_UNKNOWN, 0);
    assert_int_equal(digest_watch_own(&watch)->since, 1500);
    take(&watch, 2048, 'c');
    hear(&watch, 2, 2048, 'c');
    expect(&watch, 3, DIGEST_AGREED, 2048);
}

static void a_peer_that_was_restored_has_nothing_older_either(void **state)
{
    const struct digest_list fresh = {.since = 1500};
    struct digest_watch watch;

    (void)state;
    digest_watch_init(&watch, 1);
    take(&watch, 1024, 'a');
    hear(&watch, 2, 1024, 'b');
    expect(&watch, 2, DIGEST_SPLIT, 1024);
    digest_watch_hear(&watch, 2, &fresh);
    expect(&watch, 2, DIGEST_UNKNOWN, 0);
}

static void only_the_newest_are_kept(void **state)
{
    struct digest_watch watch;

    (void)state;
    digest_watch_init(&watch, 1);
    for (uint64_t i = 1; i <= DIGESTS_KEPT + 3; i++) {
        take(&watch, i * 1024, 'a');
    }
    assert_int_equal(digest_watch_own(&watch)->count, DIGESTS_KEPT);
    assert_int_equal(digest_watch_own(&watch)->items[0].index, 4 * 1024);
    hear(&watch, 2, 1024, 'b');
    expect(&watch, 2, DIGEST_UNKNOWN, 0);
    hear(&watch, 2, 4 * 1024, 'b');
    expect(&watch, 2, DIGEST_SPLIT, 4 * 1024);
}

static void one_that_is_no_voter_decides_nothing(void **state)
{
    static const uint64_t others[2] = {2, 3};
    struct digest_verdict verdict;
    struct digest_watch watch;

    (void)state;
    digest_watch_init(&watch, 1);
    take(&watch, 1024, 'a');
    hear(&watch, 4, 1024, 'b');
    expect(&watch, 3, DIGEST_UNKNOWN, 0);
    /* Neither does this node, where it has no vote. */
    hear(&watch, 2, 1024, 'b');
    hear(&watch, 3, 1024, 'b');
    digest_watch_judge(&watch, others, 2, NOW, &verdict);
    assert_int_equal(verdict.finding, DIGEST_ODD);
}

static void more_nodes_than_there_is_room_for_do_no_harm(void **state)
{
    struct digest_watch watch;

    (void)state;
    digest_watch_init(&watch, 1);
    take(&watch, 1024, 'a');
    for (uint64_t node = 2; node < 2 + 2 * DIGEST_PEERS_MAX; node++) {
        hear(&watch, node, 1024, 'a');
        hear(&watch, node, 1024, 'a');
    }
    hear(&watch, 2, 1024, 'b');
    expect(&watch, 2, DIGEST_SPLIT, 1024);
}

static void a_report_comes_back_as_it_went(void **state)
{
    struct digest_report report = {.wants = true,
                                   .list = {.since = 5, .count = DIGESTS_KEPT}};
    uint8_t bytes[DIGEST_REPORT_LEN_MAX + 1] = {0};
    struct digest_report got;
    size_t len;

    (void)state;
    for (size_t i = 0; i < DIGESTS_KEPT; i++) {
        report.list.items[i] = value(1024 * (i + 1), (char)('a' + i));
    }
    len = digest_report_encode(&report, bytes);
    assert_int_equal(len, DIGEST_REPORT_LEN_MAX);
    assert_int_equal(digest_report_decode(&got, bytes, len), 0);
    assert_memory_equal(&got, &report, sizeof got);
    /* A newer one may say more. */
    bytes[0] = 2;
    assert_int_equal(digest_report_decode(&got, bytes, len + 1), 0);
    for (size_t cut = 0; cut < len; cut++) {
        assert_int_equal(digest_report_decode(&got, bytes, cut), QL_PROTOCOL);
    }
}

static void a_senseless_report_is_refused(void **state)
{
    struct digest_report report = {.list = {.since = 1024, .count = 1}};
    uint8_t bytes[DIGEST_REPORT_LEN_MAX];
    struct digest_report got;
    size_t len;

    (void)state;
    /* From before the state it is said to be of. */
    report.list.items[0] = value(1024, 'a');
    len = digest_report_encode(&report, bytes);
    assert_int_equal(digest_report_decode(&got, bytes, len), QL_PROTOCOL);
    report.list.items[0].index = 2048;
    len = digest_report_encode(&report, bytes);
    assert_int_equal(digest_report_decode(&got, bytes, len), 0);
    put_u32(bytes + 8, DIGESTS_KEPT + 1);
    assert_int_equal(digest_report_decode(&got, bytes, sizeof bytes),
                     QL_PROTOCOL);
    put_u32(bytes + 8, 1);
    put_u32(bytes, 0);
    assert_int_equal(digest_report_decode(&got, bytes, len), QL_PROTOCOL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(two_of_three_that_agree_are_enough),
        cmocka_unit_test(against_a_majority_this_node_is_the_odd_one),
        cmocka_unit_test(with_a_majority_another_node_is_the_odd_one),
        cmocka_unit_test(two_voters_that_differ_have_no_majority),
        cmocka_unit_test(three_values_of_three_voters_are_no_majority),
        cmocka_unit_test(a_majority_of_those_heard_is_none),
        cmocka_unit_test(a_late_report_may_still_decide),
        cmocka_unit_test(a_silent_voter_is_not_waited_for_for_ever),
        cmocka_unit_test(the_newest_index_that_is_decided_counts),
        cmocka_unit_test(another_term_is_another_history),
        cmocka_unit_test(what_was_before_a_restore_is_forgotten),
        cmocka_unit_test(a_peer_that_was_restored_has_nothing_older_either),
        cmocka_unit_test(only_the_newest_are_kept),
        cmocka_unit_test(one_that_is_no_voter_decides_nothing),
        cmocka_unit_test(more_nodes_than_there_is_room_for_do_no_harm),
        cmocka_unit_test(a_report_comes_back_as_it_went),
        cmocka_unit_test(a_senseless_report_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
