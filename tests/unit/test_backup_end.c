/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* The end of a backup directory waits for what is under way, and begins nothing
 * more: the end of one step is not the beginning of the next. */
#include <stdio.h>
#include <stdlib.h>

#include "backup/backup_intake.h"
#include "support/cmocka.h"
#include "support/pool_rig.h"

#define LONG_MS 5000u

static int setup(void **state)
{
    struct pool_rig *rig = calloc(1, sizeof(*rig));

    pool_rig_init(rig, 41);
    pool_rig_append(rig, 40);
    *state = rig;
    return 0;
}

static int teardown(void **state)
{
    struct pool_rig *rig = *state;

    pool_rig_close(rig);
    free(rig);
    return 0;
}

static void on_verified(struct backup_verify *verify, int status)
{
    (void)status;
    *(bool *)verify->data = true;
}

/* Steps into a backup that is being written, and a check of another. */
static void begin_much(struct pool_rig *rig, struct backup_verify *verify,
                       unsigned steps)
{
    char name[16];

    (void)snprintf(name, sizeof(name), "backup%u", steps);
    pool_rig_append(rig, 20);
    pool_rig_take(rig, name);
    assert_int_equal(
        backup_store_verify(rig->store, verify, "first", on_verified), 0);
    for (unsigned i = 0; i < steps; i++) {
        rig->now_ms += 250;
        backup_store_tick(rig->store, rig->now_ms, rig->wall_ms);
        (void)fake_disk_end_work(rig->fake);
        fake_disk_drain(rig->chunks.fake);
    }
    backup_store_tick(rig->store, rig->now_ms, rig->wall_ms);
}

static void an_end_waits_for_the_step_under_way_alone(void **state)
{
    struct pool_rig *rig = *state;
    bool verified = false;
    struct backup_verify verify = {.data = &verified};

    pool_rig_take(rig, "first");
    pool_rig_run(rig, LONG_MS);
    for (unsigned steps = 0; steps < POOL_RIG_ROWS - 2; steps++) {
        begin_much(rig, &verify, steps);
        backup_store_stop(rig->store);
        (void)fake_disk_end_work(rig->fake);
        fake_disk_drain(rig->chunks.fake);
        assert_false(backup_store_is_busy(rig->store));
        if (!verified) {
            backup_store_verify_cancel(&verify);
        }
        verified = false;
        pool_rig_stop(rig);
        pool_rig_open(rig);
        pool_rig_run(rig, LONG_MS);
        assert_true(pool_rig_is_verified(rig, "first"));
    }
}

static bool is_own(void *data, const uint8_t cluster[PACK_CLUSTER_LEN])
{
    (void)data;
    (void)cluster;
    return true;
}

static void on_piece(struct backup_piece *piece, int status)
{
    *(int *)piece->data = status;
}

static void a_stream_that_is_whole_at_the_end_is_checked_by_the_next(
    void **state)
{
    static struct pool_rig to;
    struct buf stream = BUF_INIT;
    struct backup_intakes_options options = {.is_own = is_own};
    struct backup_intake_options wanted = {.token = "t"};
    struct backup_intakes *intakes;
    struct backup_intake *intake;
    struct err err;
    int written = -1;
    struct backup_piece piece = {.data = &written};

    pool_rig_take(*state, "theirs");
    pool_rig_run(*state, LONG_MS);
    assert_int_equal(pool_rig_stream(*state, "theirs", 5000, &stream), 0);
    pool_rig_init(&to, 42);
    pool_rig_run(&to, 1000);
    options.disk = fake_disk_disk(to.fake);
    options.store = to.store;
    intakes = backup_intakes_new(&options);
    wanted.total = stream.len;
    assert_int_equal(backup_intake_begin(intakes, &wanted, &intake, &err), 0);
    pool_rig_drain(&to);
    assert_int_equal(backup_intake_take(intake, &piece, 0,
                                        (struct bytes){stream.data, stream.len},
                                        on_piece),
                     0);
    backup_intakes_stop(intakes);
    assert_true(backup_intakes_is_busy(intakes));
    assert_true(fake_disk_end_work(to.fake));
    assert_false(backup_intakes_is_busy(intakes));
    assert_int_not_equal(written, -1);
    assert_int_equal(pool_rig_files(&to, "intake-", ".tmp"), 1);
    backup_intakes_free(intakes);
    pool_rig_close(&to);
    buf_close(&stream);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(
            an_end_waits_for_the_step_under_way_alone, setup, teardown),
        cmocka_unit_test_setup_teardown(
            a_stream_that_is_whole_at_the_end_is_checked_by_the_next, setup,
            teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
