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

/* What came is kept in memory until there is room; the leader has to send nothing
 * again. */
static void full_disk_holds_an_install_up_and_does_not_end_it(void **state)
{
    struct install_rig *rig = install_rig_new(10, 0);

    (void)state;
    fake_disk_capacity(rig->own.fake, 1);
    assert_true(install_rig_take_at(rig, 100, INSTALL_RIG_TERM));
    install_rig_settle(rig);
    install_rig_answer_all(rig);
    install_rig_answer_all(rig);
    assert_int_equal(rig->passed, 0);
    assert_int_equal(install_rig_progress(rig).missing, 10);
    fake_disk_capacity(rig->own.fake, 0);
    install_rig_answer_all(rig);
    install_rig_answer_all(rig);
    assert_int_equal(rig->passed, 1);
    assert_int_equal(rig->requests_count, 10);
    install_rig_assert_prepared(rig);
    install_rig_free(rig);
}

/* A frame whose row claims the most that a chunk may have. */
static void row_that_claims_too_much_is_refused(void **state)
{
    struct install_rig *rig = install_rig_new(1, 0);
    uint8_t bytes[LINK_CHUNK_HEAD_LEN + PACK_ROW_LEN + 4] = {0};
    struct pack_row row = {.frame_len = 4};
    struct chunk_fetch_counts counts;

    (void)state;
    assert_true(install_rig_take_at(rig, 100, INSTALL_RIG_TERM));
    install_rig_settle(rig);
    assert_int_equal(rig->requests_count, 1);
    row.facts.name = rig->requests[0].name;
    row.facts.len = CHUNK_BYTES_MAX;
    row.facts.entries = CHUNK_RIG_ENTRIES;
    row.facts.payload = CHUNK_RIG_ENTRIES * CHUNK_RIG_ENTRY;
    row.frame_at = PACK_HEADER_LEN + PACK_ROW_LEN;
    link_chunk_head_encode(rig->requests[0].id, LINK_CHUNK_GIVEN, bytes);
    pack_row_encode(&row, bytes + LINK_CHUNK_HEAD_LEN);
    assert_int_equal(chunk_fetch_on_frame(rig->fetch, INSTALL_RIG_LEADER, bytes,
                                          sizeof bytes),
                     0);
    install_rig_settle(rig);
    chunk_fetch_counts(rig->fetch, &counts);
    assert_int_equal(counts.damaged, 1);
    assert_int_equal(counts.chunks, 0);
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
        cmocka_unit_test(full_disk_holds_an_install_up_and_does_not_end_it),
        cmocka_unit_test(row_that_claims_too_much_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
