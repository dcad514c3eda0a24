/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* What snapshots and the chunk store have to do with each other, on two disks. */
#include <string.h>

#include "support/cmocka.h"
#include "support/disk_rig.h"
#include "support/store_rig.h"

#define ENTRIES 100u /* in the raft log */
#define TRAILING 1u

struct both {
    struct disk_rig raft;
    struct store_rig store;
    struct raft_buffer buffer;
    struct raft_snapshot snapshot;
    struct raft_io_snapshot_put put;
};

static void both_open(struct both *both)
{
    store_rig_init(&both->store, 1);
    store_rig_must_open(&both->store);
    store_rig_create(&both->store, "a");
    disk_rig_open(&both->raft, 1);
    both->raft.chunks = both->store.store;
    both->raft.reserve_bytes = DISK_RIG_SEGMENT;
    disk_rig_must_load(&both->raft);
    disk_rig_append_range(&both->raft, 2, ENTRIES, 2);
    both->raft.told = 0;
}

static void both_close(struct both *both)
{
    disk_rig_stop(&both->raft);
    disk_rig_close(&both->raft);
    store_rig_close(&both->store);
}

/* As the fsm does. */
static void begin_snapshot(struct both *both, raft_index index)
{
    chunk_store_pin(both->store.store, index,
                    machine_chunks(both->store.driver.machine));
    both->snapshot = disk_rig_snapshot_of(&both->raft, index, 2, &both->buffer);
    disk_rig_put(&both->raft, &both->put, TRAILING, &both->snapshot);
}

static void take_snapshot(struct both *both, raft_index index)
{
    unsigned told = both->raft.told;

    begin_snapshot(both, index);
    store_rig_drain(&both->store);
    fake_disk_drain(both->raft.fake);
    assert_int_equal(both->raft.told, told + 1);
}

static size_t packs(struct both *both)
{
    store_rig_settle(&both->store);
    return store_rig_count(&both->store, "", ".pack");
}

static void snapshot_is_stored_when_what_it_names_is_on_the_disk(void **state)
{
    static struct both both;

    (void)state;
    both_open(&both);
    store_rig_append(&both.store, "a", 40, 200);
    assert_int_equal(store_rig_count(&both.store, "", ".pack"), 0);
    begin_snapshot(&both, 50);
    fake_disk_drain(both.raft.fake);
    assert_int_equal(both.raft.told, 0);
    assert_true(raft_disk_is_busy(both.raft.disk));
    store_rig_drain(&both.store);
    assert_true(store_rig_count(&both.store, "", ".pack") > 0);
    assert_int_equal(both.raft.told, 0);
    fake_disk_drain(both.raft.fake);
    assert_int_equal(both.raft.told, 1);
    both_close(&both);
}

static void snapshot_under_way_is_given_up_with_the_disk(void **state)
{
    static struct both both;

    (void)state;
    both_open(&both);
    store_rig_append(&both.store, "a", 40, 200);
    begin_snapshot(&both, 50);
    disk_rig_crash(&both.raft);
    /* Nobody is called back for it any more. */
    store_rig_drain(&both.store);
    assert_int_equal(both.raft.told, 0);
    disk_rig_must_load(&both.raft);
    both_close(&both);
}

/* On a full disk, say, where nobody looks for room any more either. */
static void an_end_waits_for_no_chunks(void **state)
{
    static struct both both;
    struct raft_io_snapshot_put late;

    (void)state;
    both_open(&both);
    store_rig_append(&both.store, "a", 40, 200);
    begin_snapshot(&both, 50);
    fake_disk_drain(both.raft.fake);
    assert_true(raft_disk_is_busy(both.raft.disk));
    raft_disk_stop(both.raft.disk);
    assert_false(raft_disk_is_busy(both.raft.disk));
    /* It was being encoded. */
    disk_rig_put(&both.raft, &late, TRAILING, &both.snapshot);
    assert_false(raft_disk_is_busy(both.raft.disk));
    store_rig_drain(&both.store);
    fake_disk_drain(both.raft.fake);
    assert_int_equal(both.raft.told, 0);
    both_close(&both);
}

static void chunks_go_when_no_kept_snapshot_names_them(void **state)
{
    static struct both both;

    (void)state;
    both_open(&both);
    store_rig_append(&both.store, "a", 40, 200);
    take_snapshot(&both, 50);
    take_snapshot(&both, 60);
    store_rig_trim(&both.store, "a", 41);
    assert_true(packs(&both) > 0);
    take_snapshot(&both, 70);
    assert_true(packs(&both) > 0);
    take_snapshot(&both, 80);
    assert_int_equal(packs(&both), 0);
    both_close(&both);
}

static void on_got(struct raft_io_snapshot_get *request,
                   struct raft_snapshot *snapshot, int status)
{
    bool *got = request->data;

    assert_int_equal(status, 0);
    assert_int_equal(snapshot->index, 60);
    raft_configuration_close(&snapshot->configuration);
    raft_free(snapshot->bufs[0].base);
    raft_free(snapshot->bufs);
    raft_free(snapshot);
    *got = true;
}

static void chunks_of_a_snapshot_that_is_sent_stay_for_a_while(void **state)
{
    static struct both both;
    struct raft_io_snapshot_get get;
    bool got = false;

    (void)state;
    both_open(&both);
    store_rig_append(&both.store, "a", 40, 200);
    take_snapshot(&both, 60);
    get.data = &got;
    assert_int_equal(raft_disk_get(both.raft.disk, &get, on_got), 0);
    fake_disk_drain(both.raft.fake);
    assert_true(got);
    store_rig_trim(&both.store, "a", 41);
    take_snapshot(&both, 70);
    take_snapshot(&both, 80);
    assert_true(packs(&both) > 0);
    for (uint64_t ms = 0; ms <= 2 * STORE_LEASE_MS; ms += 1000) {
        store_rig_tick(&both.store);
    }
    assert_int_equal(packs(&both), 0);
    both_close(&both);
}

static void entries_are_not_taken_while_too_many_chunks_wait(void **state)
{
    static struct both both;

    (void)state;
    both_open(&both);
    assert_false(raft_disk_is_crowded(both.raft.disk));
    for (uint64_t bytes = 0; bytes <= STORE_WAITING_BYTES; bytes += MIB) {
        store_rig_append(&both.store, "a", 256, 4 * KIB);
    }
    assert_true(raft_disk_is_crowded(both.raft.disk));
    store_rig_settle(&both.store);
    assert_false(raft_disk_is_crowded(both.raft.disk));
    both_close(&both);
}

static void on_look(void *data, const struct reserve_look *look)
{
    (void)look;
    (*(unsigned *)data)++;
}

static int look(struct both *both)
{
    unsigned looks = 0;
    int rv = raft_disk_look(both->raft.disk, UINT64_MAX, on_look, &looks);

    fake_disk_drain(both->raft.fake);
    assert_int_equal(looks, rv == 0);
    return rv;
}

static void count_snapshots(void *data, const char *name)
{
    *(unsigned *)data += strncmp(name, "snapshot-", 9) == 0;
}

static unsigned snapshots(struct both *both)
{
    unsigned count = 0;

    fake_disk_each(both->raft.fake, count_snapshots, &count);
    return count;
}

/* First the older snapshot, and with it the chunks that only it named; then the
 * reserve. What cannot go on without is fatal in the end. */
static void store_without_room_is_given_what_there_is(void **state)
{
    static struct both both;
    int rv = 0;

    (void)state;
    both_open(&both);
    assert_int_equal(raft_disk_look(both.raft.disk, 0, on_look, &(unsigned){0}),
                     0);
    fake_disk_drain(both.raft.fake);
    assert_true(fake_disk_has(both.raft.fake, RESERVE_NAME));
    take_snapshot(&both, 50);
    take_snapshot(&both, 60);
    assert_int_equal(snapshots(&both), 2);
    fake_disk_capacity(both.store.fake, 1);
    fake_disk_capacity(both.raft.fake, 64 * MIB); /* less than it needs */
    store_rig_append(&both.store, "a", 40, 200);
    begin_snapshot(&both, 70);
    store_rig_drain(&both.store);
    assert_true(store_rig_status(&both.store).is_full);

    assert_int_equal(look(&both), 0);
    assert_int_equal(snapshots(&both), 1);
    /* Did it help? That shows with the next write. */
    assert_int_equal(look(&both), 0);
    assert_true(fake_disk_has(both.raft.fake, RESERVE_NAME));
    store_rig_tick(&both.store);
    assert_int_equal(look(&both), 0);
    assert_false(fake_disk_has(both.raft.fake, RESERVE_NAME));
    for (int i = 0; i < 20 && rv == 0; i++) {
        assert_false(both.raft.fatal);
        store_rig_tick(&both.store);
        rv = look(&both);
    }
    assert_int_equal(rv, QL_NO_SPACE);
    assert_true(both.raft.fatal);

    fake_disk_capacity(both.store.fake, 0);
    store_rig_tick(&both.store);
    fake_disk_drain(both.raft.fake);
    assert_int_equal(both.raft.told, 3);
    both_close(&both);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(snapshot_is_stored_when_what_it_names_is_on_the_disk),
        cmocka_unit_test(snapshot_under_way_is_given_up_with_the_disk),
        cmocka_unit_test(an_end_waits_for_no_chunks),
        cmocka_unit_test(chunks_go_when_no_kept_snapshot_names_them),
        cmocka_unit_test(chunks_of_a_snapshot_that_is_sent_stay_for_a_while),
        cmocka_unit_test(entries_are_not_taken_while_too_many_chunks_wait),
        cmocka_unit_test(store_without_room_is_given_what_there_is),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
