/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* Manifests and chunks of an install that are not what they should be. */
#include "consensus/install.h"

#include "support/cmocka.h"
#include "support/install_rig.h"

static void every_changed_byte_of_a_manifest_is_noticed(void **state)
{
    struct install_rig *rig = install_rig_new(3, 0);
    struct raft_message probe =
        install_rig_make_message(rig, 100, INSTALL_RIG_TERM);
    size_t len = probe.install_snapshot.data.len;

    (void)state;
    install_rig_free_message(&probe);
    for (size_t at = 0; at < len; at++) {
        struct raft_message message =
            install_rig_make_message(rig, 100, INSTALL_RIG_TERM);

        ((uint8_t *)message.install_snapshot.data.base)[at] ^= 0x10;
        assert_true(install_take(rig->install, &message));
        install_rig_settle(rig);
        assert_false(install_is_active(rig->install));
    }
    assert_int_equal(rig->requests_count, 0);
    assert_true(install_rig_take_at(rig, 100, INSTALL_RIG_TERM));
    install_rig_settle(rig);
    install_rig_answer_all(rig);
    assert_int_equal(rig->passed, 1);
    install_rig_free(rig);
}

static void manifest_that_is_cut_is_dropped(void **state)
{
    struct install_rig *rig = install_rig_new(3, 0);
    struct raft_message probe =
        install_rig_make_message(rig, 100, INSTALL_RIG_TERM);
    size_t len = probe.install_snapshot.data.len;

    (void)state;
    install_rig_free_message(&probe);
    for (size_t left = 1; left < len; left += 1 + left / 8) {
        struct raft_message message =
            install_rig_make_message(rig, 100, INSTALL_RIG_TERM);

        message.install_snapshot.data.len = left;
        assert_true(install_take(rig->install, &message));
        install_rig_settle(rig);
        assert_false(install_is_active(rig->install));
    }
    install_rig_free(rig);
}

static void manifest_of_another_index_than_said_is_dropped(void **state)
{
    struct install_rig *rig = install_rig_new(3, 0);
    struct raft_message message =
        install_rig_make_message(rig, 100, INSTALL_RIG_TERM);

    (void)state;
    message.install_snapshot.last_index = 101;
    assert_true(install_take(rig->install, &message));
    install_rig_settle(rig);
    assert_false(install_is_active(rig->install));
    install_rig_free(rig);
}

static void damaged_newer_one_leaves_the_one_before(void **state)
{
    struct install_rig *rig = install_rig_new(10, 0);
    struct raft_message message;

    (void)state;
    assert_true(install_rig_take_at(rig, 100, INSTALL_RIG_TERM));
    install_rig_settle(rig);
    assert_true(install_rig_answer_one(rig, false));
    message = install_rig_make_message(rig, 200, INSTALL_RIG_TERM);
    ((uint8_t *)message.install_snapshot.data.base)[40] ^= 1;
    assert_true(install_take(rig->install, &message));
    install_rig_settle(rig);
    assert_int_equal(install_rig_progress(rig).index, 100);
    assert_true(install_rig_take_at(rig, 200, INSTALL_RIG_TERM));
    install_rig_settle(rig);
    install_rig_answer_all(rig);
    assert_int_equal(rig->requests_count, 10);
    assert_int_equal(rig->passed, 1);
    assert_int_equal(rig->passed_index, 200);
    install_rig_free(rig);
}

static void damaged_chunk_is_fetched_again(void **state)
{
    struct install_rig *rig = install_rig_new(3, 0);

    (void)state;
    assert_true(install_rig_take_at(rig, 100, INSTALL_RIG_TERM));
    install_rig_settle(rig);
    assert_true(install_rig_answer_one(rig, true));
    assert_true(install_rig_answer_one(rig, false));
    assert_true(install_rig_answer_one(rig, false));
    assert_int_equal(rig->passed, 0);
    rig->now_ms += FETCH_RETRY_MIN_MS;
    install_rig_settle(rig);
    install_rig_answer_all(rig);
    assert_int_equal(rig->requests_count, 4);
    assert_int_equal(rig->passed, 1);
    install_rig_assert_prepared(rig);
    install_rig_free(rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_changed_byte_of_a_manifest_is_noticed),
        cmocka_unit_test(manifest_that_is_cut_is_dropped),
        cmocka_unit_test(manifest_of_another_index_than_said_is_dropped),
        cmocka_unit_test(damaged_newer_one_leaves_the_one_before),
        cmocka_unit_test(damaged_chunk_is_fetched_again),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
