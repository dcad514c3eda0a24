/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "consensus/snapshot_policy.h"

#include "support/cmocka.h"

static const struct snapshot_policy_options alone = {
    .bytes_min = 1000, .entries_max = 100, .place = 0, .places = 1};

static void snapshot_is_due_when_the_log_outweighs_it(void **state)
{
    static struct snapshot_policy policy;
    uint64_t index = 0;

    (void)state;
    snapshot_policy_init(&policy, &alone, 0);
    snapshot_policy_on_applied(&policy, ++index, 1000);
    assert_false(snapshot_policy_due(&policy, 1));
    snapshot_policy_on_applied(&policy, ++index, 1);
    assert_true(snapshot_policy_due(&policy, 1));
    snapshot_policy_on_begun(&policy, 0);
    snapshot_policy_on_encoded(&policy, 5000);
    snapshot_policy_on_applied(&policy, ++index, 5000);
    assert_false(snapshot_policy_due(&policy, 1));
    snapshot_policy_on_applied(&policy, ++index, 1);
    assert_true(snapshot_policy_due(&policy, 1));
    /* However large it is. */
    snapshot_policy_on_encoded(&policy, 100ul * SNAPSHOT_BYTES_MAX);
    snapshot_policy_on_applied(&policy, ++index, SNAPSHOT_BYTES_MAX);
    assert_true(snapshot_policy_due(&policy, 1));
}

static void writers_may_be_so_far_ahead_of_a_snapshot_and_no_further(
    void **state)
{
    static struct snapshot_policy policy;
    uint64_t index = 0;

    (void)state;
    snapshot_policy_init(&policy, &alone, 0);
    snapshot_policy_on_begun(&policy, 0);
    snapshot_policy_on_applied(&policy, ++index, SNAPSHOT_OVERRUN_BYTES);
    assert_false(snapshot_policy_overrun(&policy));
    snapshot_policy_on_applied(&policy, ++index, 1);
    assert_true(snapshot_policy_overrun(&policy));
    /* A large one takes longer. */
    snapshot_policy_on_encoded(&policy, 4ul * SNAPSHOT_BYTES_MAX);
    assert_false(snapshot_policy_overrun(&policy));
    snapshot_policy_on_begun(&policy, 0);
    snapshot_policy_on_applied(&policy, ++index, 4ul * SNAPSHOT_BYTES_MAX);
    assert_false(snapshot_policy_overrun(&policy));
    snapshot_policy_on_applied(&policy, ++index, 1);
    assert_true(snapshot_policy_overrun(&policy));
}

static void what_stays_behind_a_snapshot_is_bounded_but_never_nothing(
    void **state)
{
    static struct snapshot_policy policy;
    uint64_t index = 0;

    (void)state;
    snapshot_policy_init(&policy, &alone, 0);
    assert_int_equal(snapshot_policy_trailing(&policy, 1), 1);
    while (index < 5000) {
        snapshot_policy_on_applied(&policy, ++index, 100);
    }
    assert_int_equal(snapshot_policy_trailing(&policy, index),
                     TRAILING_ENTRIES_MAX);
    while (index < 5010) {
        snapshot_policy_on_applied(&policy, ++index, 4 * MIB);
    }
    assert_int_equal(snapshot_policy_trailing(&policy, index),
                     TRAILING_BYTES_MAX / (4 * MIB));
    snapshot_policy_on_applied(&policy, ++index, TRAILING_BYTES_MAX + 1);
    assert_int_equal(snapshot_policy_trailing(&policy, index), 1);
}

/* The trickle of a quiet cluster would never weigh enough. */
static void snapshot_is_due_when_the_last_is_old_and_something_came(
    void **state)
{
    static struct snapshot_policy policy;

    (void)state;
    snapshot_policy_init(&policy, &alone, 5);
    assert_false(snapshot_policy_due(&policy, 5 + 2 * SNAPSHOT_AGE_MS));
    snapshot_policy_on_applied(&policy, 1, 10);
    assert_false(snapshot_policy_due(&policy, 5 + SNAPSHOT_AGE_MS));
    assert_true(snapshot_policy_due(&policy, 5 + SNAPSHOT_AGE_MS + 1));
    snapshot_policy_on_begun(&policy, 5 + SNAPSHOT_AGE_MS + 1);
    assert_false(snapshot_policy_due(&policy, 5 + 3 * SNAPSHOT_AGE_MS));
}

static uint64_t next_due(struct snapshot_policy *policy, uint64_t index)
{
    do {
        snapshot_policy_on_applied(policy, ++index, 10);
    } while (!snapshot_policy_due(policy, 1));
    snapshot_policy_on_begun(policy, 0);
    return index;
}

static void nodes_of_a_cluster_take_their_snapshots_at_other_entries(
    void **state)
{
    static struct snapshot_policy policies[3];
    uint64_t last[3] = {0, 0, 0};

    (void)state;
    for (unsigned i = 0; i < 3; i++) {
        const struct snapshot_policy_options options = {
            .bytes_min = 3000, .entries_max = 300, .place = i, .places = 3};

        snapshot_policy_init(&policies[i], &options, 0);
        assert_int_equal(snapshot_policy_entries(&policies[i]), 300 - 100 * i);
    }
    for (int round = 0; round < 5; round++) {
        for (unsigned i = 0; i < 3; i++) {
            last[i] = next_due(&policies[i], last[i]);
            assert_int_equal(snapshot_policy_entries(&policies[i]), 300);
        }
        assert_in_range(last[0] - last[1], 95, 105);
        assert_in_range(last[1] - last[2], 95, 105);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(snapshot_is_due_when_the_log_outweighs_it),
        cmocka_unit_test(
            snapshot_is_due_when_the_last_is_old_and_something_came),
        cmocka_unit_test(
            nodes_of_a_cluster_take_their_snapshots_at_other_entries),
        cmocka_unit_test(
            writers_may_be_so_far_ahead_of_a_snapshot_and_no_further),
        cmocka_unit_test(
            what_stays_behind_a_snapshot_is_bounded_but_never_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
