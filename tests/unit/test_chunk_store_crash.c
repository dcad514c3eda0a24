/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* The node ends in the middle of any operation of the store. */
#include <stdio.h>
#include <string.h>

#include "support/cmocka.h"
#include "support/store_rig.h"

#define CRASHES_MAX 3000u

/* Seals, merges, flushes, drops, moves and removals; a crash in the middle makes
 * what follows do nothing. */
static void live(struct store_rig *rig)
{
    char log[4] = "l-";

    for (unsigned round = 0; round < 60; round++) {
        for (char i = 'a'; i <= 'h'; i++) {
            log[1] = i;
            if (!store_rig_has_log(rig, log)) {
                store_rig_create(rig, log);
            }
            store_rig_append(rig, log, 1, 400);
        }
        if (round % 5 == 4) {
            store_rig_tick(rig);
        }
        if (round % 12 == 11) {
            store_rig_begin_snapshot(rig);
        }
        if (round == 20) {
            store_rig_trim(rig, "la", 15);
            store_rig_delete(rig, "lb");
        }
        if (round == 40) {
            store_rig_delete(rig, "lc");
            store_rig_delete(rig, "ld");
            rig->now_ms += STORE_GATHER_MS;
        }
        if (fake_disk_is_dead(rig->fake)) {
            return;
        }
    }
    store_rig_settle(rig);
}

/* The newest snapshot turns out to be damaged: it is set aside for good. */
static void lose_newest_snapshot(struct store_rig *rig)
{
    if (rig->snapshots[1].index != 0) {
        buf_close(&rig->snapshots[0].image);
        rig->snapshots[0] = rig->snapshots[1];
        memset(&rig->snapshots[1], 0, sizeof(rig->snapshots[1]));
    }
}

/* What a stored snapshot names is here and proves itself, the replay makes the
 * same of it, and nothing is left of what was being written. */
static void check(struct store_rig *rig)
{
    store_rig_must_open(rig);
    assert_int_equal(store_rig_count(rig, "", ".tmp"), 0);
    assert_int_equal(rig->adopted_missing, 0);
    (void)store_rig_prove(rig);
    store_rig_settle(rig);
    (void)store_rig_prove(rig);
    assert_int_equal(rig->missing_count, 0);
    assert_int_equal(rig->fatals, 0);
    assert_int_equal(store_rig_status(rig).quarantined, 0);
    assert_int_equal(store_rig_status(rig).waiting, 0);
}

/* @nth operation; false: the scenario has fewer. */
static bool crash_at(uint64_t nth, enum fake_crash how)
{
    static struct store_rig rig;
    bool is_dead;

    store_rig_init(&rig, nth);
    store_rig_must_open(&rig);
    fake_disk_crash_at(rig.fake, nth);
    live(&rig);
    is_dead = fake_disk_is_dead(rig.fake);
    rig.fatals = 0; /* a dead disk fails what is asked of it then */
    store_rig_crash(&rig, how);
    if (nth % 2 == 0) {
        lose_newest_snapshot(&rig);
    }
    check(&rig);
    /* And once more, with what the first start has made of it. */
    store_rig_crash(&rig, how);
    check(&rig);
    store_rig_close(&rig);
    return is_dead;
}

static void killed_node_finds_every_chunk_that_was_flushed(void **state)
{
    uint64_t nth = 1;

    (void)state;
    while (crash_at(nth, FAKE_KILL)) {
        nth++;
        assert_true(nth < CRASHES_MAX);
    }
    assert_true(nth > 100);
}

static void power_loss_leaves_every_chunk_that_was_flushed(void **state)
{
    uint64_t nth = 1;

    (void)state;
    while (crash_at(nth, FAKE_POWER)) {
        nth++;
        assert_true(nth < CRASHES_MAX);
    }
    assert_true(nth > 100);
}

static void crash_while_it_opens_changes_nothing(void **state)
{
    static struct store_rig rig;
    struct err err = {0};

    (void)state;
    store_rig_init(&rig, 3);
    store_rig_must_open(&rig);
    live(&rig);
    store_rig_stop(&rig);
    fake_disk_put(rig.fake, "00000000000f0000.tmp", "half", 4);
    for (uint64_t nth = 1;; nth++) {
        fake_disk_crash_at(rig.fake, nth);
        if (store_rig_open(&rig, 0, &err) == 0) {
            break;
        }
        store_rig_crash(&rig, FAKE_POWER);
    }
    store_rig_crash(&rig, FAKE_POWER);
    check(&rig);
    store_rig_close(&rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(killed_node_finds_every_chunk_that_was_flushed),
        cmocka_unit_test(power_loss_leaves_every_chunk_that_was_flushed),
        cmocka_unit_test(crash_while_it_opens_changes_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
