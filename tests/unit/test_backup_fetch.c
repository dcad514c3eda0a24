/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* A node that lacks backups. */
#include "consensus/backup_fetch.h"

#include "support/backup_rig.h"
#include "support/cmocka.h"

static void newest_that_somebody_has_comes_piece_by_piece(void **state)
{
    struct backup_rig rig;

    (void)state;
    backup_rig_open(&rig, 0);
    backup_rig_step(&rig, 0);
    assert_int_equal(backup_fetch_current(rig.fetch), 0);
    backup_rig_lack(&rig, 5);
    backup_rig_lack(&rig, 9);
    backup_rig_step(&rig, 0);
    assert_int_equal(backup_rig_asked(&rig), 0); /* nobody has any */
    rig.holds[2] = true;
    backup_rig_step(&rig, 0);
    assert_int_equal(backup_fetch_current(rig.fetch), 9);
    assert_int_equal(rig.sent.backup, 9);
    assert_int_equal(rig.sent.offset, 0);
    backup_rig_give_all(&rig);
    assert_string_equal(rig.token, "fetch-9");
    assert_int_equal(rig.intake.status.total, BACKUP_RIG_TOTAL);
    assert_memory_equal(rig.expected.cluster, "this cluster's!", 16);
    backup_rig_step(&rig, 0);
    assert_int_equal(backup_fetch_current(rig.fetch), 9);
    rig.infos[1].wants_fetch = false;
    backup_rig_end(&rig, INTAKE_DONE);
    backup_rig_step(&rig, 0);
    assert_int_equal(backup_rig_done(&rig), 1);
    /* The next one. */
    assert_int_equal(backup_fetch_current(rig.fetch), 5);
    assert_int_equal(backup_rig_asked(&rig), 2);
    backup_fetch_free(rig.fetch);
}

static void what_an_earlier_try_left_need_not_come_again(void **state)
{
    struct backup_rig rig;

    (void)state;
    backup_rig_open(&rig, 0);
    backup_rig_lack(&rig, 5);
    rig.holds[1] = true;
    rig.resumed = 2 * BACKUP_PIECE_BYTES;
    backup_rig_step(&rig, 0);
    backup_rig_give(&rig);
    backup_rig_written(&rig, 0);
    assert_int_equal(backup_rig_asked(&rig), 1);
    assert_int_equal(rig.sent.offset, 2 * BACKUP_PIECE_BYTES);
    assert_int_equal(rig.sent.len, 1000);
    backup_fetch_free(rig.fetch);
    assert_false(rig.intake.used);
    assert_false(rig.intake.dropped); /* the next process goes on */
}

static void silent_peer_is_followed_by_another(void **state)
{
    struct backup_rig rig;
    uint64_t first;

    (void)state;
    backup_rig_open(&rig, 0);
    backup_rig_lack(&rig, 5);
    rig.holds[1] = true;
    rig.holds[3] = true;
    backup_rig_step(&rig, 0);
    backup_rig_give(&rig);
    backup_rig_written(&rig, 0);
    first = backup_rig_asked(&rig);
    backup_rig_step(&rig, BACKUP_ASKED_MS - 1);
    assert_int_equal(backup_rig_asked(&rig), 0);
    backup_rig_step(&rig, 1);
    assert_int_equal(backup_rig_asked(&rig), 4 - first);
    assert_int_equal(rig.sent.offset, BACKUP_PIECE_BYTES);
    /* Late, and nobody waits for it any more. */
    assert_int_equal(
        backup_rig_answer(&rig, first, rig.sent.id - 1, BACKUP_GIVEN, 10), 0);
    assert_null(rig.intake.piece);
    backup_fetch_free(rig.fetch);
}

static void peer_that_is_gone_is_not_waited_for(void **state)
{
    struct backup_rig rig;

    (void)state;
    backup_rig_open(&rig, 0);
    backup_rig_lack(&rig, 5);
    rig.holds[1] = true;
    backup_rig_step(&rig, 0);
    assert_int_equal(backup_rig_asked(&rig), 1);
    rig.holds[1] = false;
    rig.holds[2] = true;
    backup_rig_step(&rig, 1);
    assert_int_equal(backup_rig_asked(&rig), 2);
    backup_fetch_free(rig.fetch);
}

static void when_all_were_asked_it_waits_longer_each_time(void **state)
{
    struct backup_rig rig;
    uint64_t delay = BACKUP_FETCH_RETRY_MIN_MS;

    (void)state;
    backup_rig_open(&rig, 0);
    backup_rig_lack(&rig, 5);
    rig.holds[1] = true;
    rig.holds[2] = true;
    for (uint64_t i = 1; i < 12; i++) {
        backup_rig_step(&rig, 0);
        backup_rig_refuse(&rig, BACKUP_NOT_GIVEN);
        backup_rig_refuse(&rig, BACKUP_NOT_READ);
        assert_int_equal(backup_fetch_current(rig.fetch), 0);
        assert_int_equal(backup_rig_failed(&rig), i);
        backup_rig_step(&rig, delay - 1);
        assert_int_equal(backup_rig_asked(&rig), 0);
        rig.now_ms++;
        delay = delay * 2 > BACKUP_FETCH_RETRY_MAX_MS
                    ? BACKUP_FETCH_RETRY_MAX_MS
                    : delay * 2;
    }
    backup_fetch_free(rig.fetch);
}

static void one_that_cannot_be_had_keeps_no_other_waiting(void **state)
{
    struct backup_rig rig;

    (void)state;
    backup_rig_open(&rig, 0);
    backup_rig_lack(&rig, 5);
    backup_rig_lack(&rig, 9);
    rig.holds[1] = true;
    backup_rig_step(&rig, 0);
    backup_rig_refuse(&rig, BACKUP_NOT_GIVEN);
    backup_rig_step(&rig, 0);
    assert_int_equal(backup_fetch_current(rig.fetch), 5);
    backup_fetch_free(rig.fetch);
}

static void busy_peer_is_asked_again_and_not_for_ever(void **state)
{
    struct backup_rig rig;
    unsigned asks = 0;

    (void)state;
    backup_rig_open(&rig, 0);
    backup_rig_lack(&rig, 5);
    rig.holds[1] = true;
    backup_rig_step(&rig, 0);
    while (backup_rig_failed(&rig) == 0) {
        if (rig.sent_to != 0) {
            asks++;
            backup_rig_refuse(&rig, BACKUP_GIVEN_LATER);
            assert_int_equal(rig.sent_to, 0);
        }
        backup_rig_step(&rig, 100);
        assert_in_range(asks, 1, 100);
    }
    assert_in_range(asks, 10, 100);
    backup_fetch_free(rig.fetch);
}

static void what_does_not_verify_is_asked_of_another_from_the_start(
    void **state)
{
    struct backup_rig rig;
    uint64_t first;

    (void)state;
    backup_rig_open(&rig, 0);
    backup_rig_lack(&rig, 5);
    rig.holds[1] = true;
    rig.holds[2] = true;
    backup_rig_step(&rig, 0);
    first = rig.sent_to;
    backup_rig_give_all(&rig);
    err_set(&rig.intake.err, QL_CORRUPT, "bad");
    backup_rig_end(&rig, INTAKE_FAILED);
    backup_rig_step(&rig, 0);
    assert_true(rig.intake.dropped);
    assert_int_equal(rig.sent.offset, 0);
    assert_int_equal(backup_rig_asked(&rig), 3 - first);
    assert_int_equal(backup_rig_done(&rig), 0);
    backup_fetch_free(rig.fetch);
}

static void stream_that_became_another_begins_anew(void **state)
{
    struct backup_rig rig;

    (void)state;
    backup_rig_open(&rig, 0);
    backup_rig_lack(&rig, 5);
    rig.holds[1] = true;
    backup_rig_step(&rig, 0);
    for (uint8_t i = 0; i < 4; i++) {
        backup_rig_give(&rig);
        backup_rig_written(&rig, 0);
        assert_int_equal(rig.sent.offset, BACKUP_PIECE_BYTES);
        rig.tag++;
        backup_rig_give(&rig);
        assert_false(rig.intake.used);
        assert_true(rig.intake.dropped);
        assert_int_equal(rig.sent.offset, i < 3 ? 0 : BACKUP_PIECE_BYTES);
    }
    /* It never stays the same: enough of that peer, and there is no other. */
    assert_int_equal(backup_rig_asked(&rig), 0);
    assert_int_equal(backup_rig_failed(&rig), 1);
    backup_fetch_free(rig.fetch);
}

static void full_disk_keeps_what_has_come(void **state)
{
    struct backup_rig rig;

    (void)state;
    backup_rig_open(&rig, 0);
    backup_rig_lack(&rig, 5);
    rig.holds[1] = true;
    backup_rig_step(&rig, 0);
    backup_rig_give(&rig);
    backup_rig_written(&rig, QL_NO_SPACE);
    assert_false(rig.intake.used);
    assert_false(rig.intake.dropped);
    assert_int_equal(backup_rig_failed(&rig), 1);
    backup_rig_step(&rig, BACKUP_FETCH_RETRY_MIN_MS);
    assert_int_equal(backup_rig_asked(&rig), 1);
    backup_fetch_free(rig.fetch);
}

static void intake_that_cannot_begin_is_tried_again_later(void **state)
{
    struct backup_rig rig;

    (void)state;
    backup_rig_open(&rig, 0);
    backup_rig_lack(&rig, 5);
    rig.holds[1] = true;
    rig.begin_result = QL_BUSY;
    backup_rig_step(&rig, 0);
    backup_rig_give(&rig);
    assert_int_equal(backup_rig_failed(&rig), 1);
    rig.begin_result = 0;
    backup_rig_step(&rig, BACKUP_FETCH_RETRY_MIN_MS);
    backup_rig_give(&rig);
    assert_true(rig.intake.used);
    backup_fetch_free(rig.fetch);
}

static void row_that_left_the_table_ends_it(void **state)
{
    struct backup_rig rig;

    (void)state;
    backup_rig_open(&rig, 0);
    backup_rig_lack(&rig, 5);
    rig.holds[1] = true;
    backup_rig_step(&rig, 0);
    backup_rig_give(&rig);
    rig.infos_count = 0;
    backup_rig_step(&rig, 0);
    assert_int_equal(backup_fetch_current(rig.fetch), 0);
    assert_true(rig.intake.dropped);
    assert_int_equal(backup_rig_failed(&rig), 0);
    backup_fetch_free(rig.fetch);
}

static void rate_holds_over_time(void **state)
{
    struct backup_rig rig;
    uint64_t begun;
    unsigned pieces = 0;

    (void)state;
    backup_rig_open(&rig, BACKUP_PIECE_BYTES); /* a piece a second */
    backup_rig_lack(&rig, 5);
    rig.holds[1] = true;
    backup_rig_step(&rig, 0);
    begun = rig.now_ms;
    while (pieces < 3) {
        if (rig.sent_to != 0) {
            backup_rig_give(&rig);
            backup_rig_written(&rig, 0);
            pieces++;
        }
        backup_rig_step(&rig, 50);
    }
    assert_in_range(rig.now_ms - begun, 2000, 2200);
    backup_fetch_free(rig.fetch);
}

static void nonsense_closes_the_connection(void **state)
{
    struct backup_rig rig;
    uint64_t from;

    (void)state;
    backup_rig_open(&rig, 0);
    backup_rig_lack(&rig, 5);
    rig.holds[1] = true;
    rig.resumed = 2 * BACKUP_PIECE_BYTES;
    backup_rig_step(&rig, 0);
    backup_rig_give(&rig);
    backup_rig_written(&rig, 0);
    from = backup_rig_asked(&rig);
    assert_int_equal(
        backup_fetch_on_frame(rig.fetch, from, (const uint8_t *)"x", 1),
        QL_PROTOCOL);
    /* More than was asked for. */
    assert_int_equal(
        backup_rig_answer(&rig, from, rig.sent.id, BACKUP_GIVEN, 1001),
        QL_PROTOCOL);
    backup_fetch_free(rig.fetch);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(newest_that_somebody_has_comes_piece_by_piece),
        cmocka_unit_test(what_an_earlier_try_left_need_not_come_again),
        cmocka_unit_test(silent_peer_is_followed_by_another),
        cmocka_unit_test(peer_that_is_gone_is_not_waited_for),
        cmocka_unit_test(when_all_were_asked_it_waits_longer_each_time),
        cmocka_unit_test(one_that_cannot_be_had_keeps_no_other_waiting),
        cmocka_unit_test(busy_peer_is_asked_again_and_not_for_ever),
        cmocka_unit_test(
            what_does_not_verify_is_asked_of_another_from_the_start),
        cmocka_unit_test(stream_that_became_another_begins_anew),
        cmocka_unit_test(full_disk_keeps_what_has_come),
        cmocka_unit_test(intake_that_cannot_begin_is_tried_again_later),
        cmocka_unit_test(row_that_left_the_table_ends_it),
        cmocka_unit_test(rate_holds_over_time),
        cmocka_unit_test(nonsense_closes_the_connection),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
