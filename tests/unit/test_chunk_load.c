/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* Loads: what they bring, what they wait for, and what becomes of damage. */
#include <string.h>

#include "store/chunk_store_internal.h"
#include "support/chunk_rig.h"
#include "support/cmocka.h"
#include "util/limits.h"

/* Nothing stays in memory unless a load holds it. */
static int setup_limited(void **state, uint64_t open_bytes)
{
    static struct chunk_rig rig;

    memset(&rig, 0, sizeof(rig));
    rig.limits.open_bytes = open_bytes;
    chunk_rig_open(&rig);
    *state = &rig;
    return 0;
}

static int setup(void **state)
{
    return setup_limited(state, 0);
}

static int setup_merging(void **state)
{
    return setup_limited(state, CHUNK_RIG_OPEN);
}

static int teardown(void **state)
{
    chunk_rig_close(*state);
    return 0;
}

/* Another node of the same cluster, with the same logs. */
static struct chunk_rig *peer_like(const struct chunk_rig *rig, size_t chunks)
{
    static struct chunk_rig peer;

    memset(&peer, 0, sizeof(peer));
    peer.limits = rig->limits;
    chunk_rig_open(&peer);
    chunk_rig_fill(&peer, chunks);
    return &peer;
}

struct reading {
    struct chunk_load load;
    unsigned calls;
    int status;
    unsigned turn; /* of the callback among all */
};

static unsigned turns;

static void on_loaded(struct chunk_load *load, int status)
{
    struct reading *reading = load->data;

    reading->calls++;
    reading->status = status;
    reading->turn = turns++;
}

static void begin(struct chunk_rig *rig, struct reading *reading,
                  struct chunk *chunk)
{
    memset(reading, 0, sizeof(*reading));
    reading->load.data = reading;
    chunk_store_load(rig->store, &reading->load, chunk, on_loaded);
    assert_int_equal(reading->calls, 0);
}

static void a_load_brings_the_bytes_back(void **state)
{
    struct chunk_rig *rig = *state;
    struct chunk *chunk;
    struct reading reading;

    chunk_rig_fill(rig, 3);
    chunk = chunk_rig_chunk(rig, 1 + CHUNK_RIG_ENTRIES);
    assert_null(chunk->memory);
    begin(rig, &reading, chunk);
    chunk_rig_settle(rig);
    assert_int_equal(reading.calls, 1);
    assert_int_equal(reading.status, 0);
    assert_true(chunk_rig_is_good(rig, chunk));
    chunk_store_load_end(rig->store, &reading.load);
    assert_null(chunk->memory);
}

static void loads_of_one_chunk_share_a_work(void **state)
{
    struct chunk_rig *rig = *state;
    struct reading readings[3];
    struct chunk *chunk;

    chunk_rig_fill(rig, 1);
    chunk = chunk_rig_chunk(rig, 1);
    for (int i = 0; i < 3; i++) {
        begin(rig, &readings[i], chunk);
    }
    assert_int_equal(fake_disk_works(rig->fake), 1);
    chunk_rig_settle(rig);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(readings[i].calls, 1);
        assert_non_null(chunk->memory);
        chunk_store_load_end(rig->store, &readings[i].load);
    }
    assert_null(chunk->memory);
}

static void loads_above_the_limit_wait_in_order(void **state)
{
    struct chunk_rig *rig = *state;
    struct reading readings[STORE_LOADS_MAX + 3];

    chunk_rig_fill(rig, STORE_LOADS_MAX + 3);
    for (unsigned i = 0; i < STORE_LOADS_MAX + 3; i++) {
        begin(rig, &readings[i],
              chunk_rig_chunk(rig, 1 + i * CHUNK_RIG_ENTRIES));
    }
    assert_int_equal(fake_disk_works(rig->fake), STORE_LOADS_MAX);
    turns = 0;
    chunk_rig_settle(rig);
    for (unsigned i = 0; i < STORE_LOADS_MAX + 3; i++) {
        assert_int_equal(readings[i].calls, 1);
        assert_int_equal(readings[i].turn, i);
        chunk_store_load_end(rig->store, &readings[i].load);
    }
}

static void a_load_that_ended_early_is_not_called_back(void **state)
{
    struct chunk_rig *rig = *state;
    struct reading reading;
    struct reading other;

    chunk_rig_fill(rig, 1);
    begin(rig, &reading, chunk_rig_chunk(rig, 1));
    begin(rig, &other, chunk_rig_chunk(rig, 1));
    chunk_store_load_end(rig->store, &reading.load);
    chunk_store_load_end(rig->store, &reading.load);
    chunk_rig_settle(rig);
    assert_int_equal(reading.calls, 0);
    assert_int_equal(other.calls, 1);
    chunk_store_load_end(rig->store, &other.load);
}

static void bytes_in_memory_are_answered_later(void **state)
{
    struct chunk_rig *rig = *state;
    struct reading first;
    struct reading second;

    chunk_rig_fill(rig, 1);
    begin(rig, &first, chunk_rig_chunk(rig, 1));
    chunk_rig_settle(rig);
    begin(rig, &second, chunk_rig_chunk(rig, 1));
    chunk_rig_settle(rig);
    assert_int_equal(second.calls, 1);
    chunk_store_load_end(rig->store, &first.load);
    assert_true(chunk_rig_is_good(rig, chunk_rig_chunk(rig, 1)));
    chunk_store_load_end(rig->store, &second.load);
    assert_int_equal(chunk_rig_status(rig).cache_hits, 1);
    assert_int_equal(chunk_rig_status(rig).cache_misses, 1);
}

static void a_merge_is_loaded_from_its_parts(void **state)
{
    struct chunk_rig *rig = *state;
    struct chunk *chunk = chunk_rig_merge(rig);

    assert_int_equal(chunk_rig_load(rig, chunk), 0);
    assert_null(chunk->home);
    chunk_rig_flush(rig);
    assert_non_null(chunk->home);
    assert_null(chunk->parts);
    assert_int_equal(chunk_rig_load(rig, chunk), 0);
}

static void a_chunk_may_move_while_it_is_read(void **state)
{
    struct chunk_rig *rig = *state;
    struct reading reading;
    struct chunk *chunk;
    struct pack *pack;

    chunk_rig_fill(rig, 2);
    chunk = chunk_rig_chunk(rig, 1);
    pack = pack_of(chunk);
    begin(rig, &reading, chunk);
    pack_move(pack);
    for (int i = 0; i < 3; i++) {
        chunk_rig_tick(rig, STORE_GATHER_MS);
    }
    assert_ptr_not_equal(pack_of(chunk), pack);
    assert_int_equal(reading.status, 0);
    assert_true(chunk_rig_is_good(rig, chunk));
    chunk_store_load_end(rig->store, &reading.load);
    assert_int_equal(chunk_rig_load(rig, chunk), 0);
}

static void a_load_that_was_not_answered_ends_with_the_store(void **state)
{
    static struct chunk_rig rig;
    struct reading waiting;
    struct reading missing;
    struct reading due;

    (void)state;
    memset(&rig, 0, sizeof(rig));
    chunk_rig_open(&rig);
    chunk_rig_fill(&rig, 2);
    fake_disk_delete(rig.fake, chunk_rig_file(chunk_rig_chunk(&rig, 1)));
    begin(&rig, &missing, chunk_rig_chunk(&rig, 1));
    chunk_rig_settle(&rig);
    chunk_rig_append(&rig, "a", CHUNK_RIG_ENTRIES, CHUNK_RIG_ENTRY);
    begin(&rig, &due, chunk_rig_chunk(&rig, 1 + 2 * CHUNK_RIG_ENTRIES));
    begin(&rig, &waiting, chunk_rig_chunk(&rig, 1 + CHUNK_RIG_ENTRIES));
    /* The process ends, with works under way. */
    fake_disk_crash(rig.fake, FAKE_KILL);
    chunk_store_free(rig.store);
    assert_int_equal(waiting.calls + missing.calls + due.calls, 0);
    driver_close(&rig.driver);
    fake_disk_free(rig.fake);
}

/* Its log is gone, and nobody has brought it yet. */
static void what_only_a_load_refers_to_ends_with_the_store(void **state)
{
    static struct chunk_rig rig;
    struct reading missing;

    (void)state;
    memset(&rig, 0, sizeof(rig));
    chunk_rig_open(&rig);
    chunk_rig_fill(&rig, 1);
    fake_disk_delete(rig.fake, chunk_rig_file(chunk_rig_chunk(&rig, 1)));
    begin(&rig, &missing, chunk_rig_chunk(&rig, 1));
    chunk_rig_settle(&rig);
    assert_int_equal(driver_delete(&rig.driver, "a"), 0);
    assert_int_equal(driver_create(&rig.driver, "c"), 0);
    fake_disk_crash(rig.fake, FAKE_KILL);
    chunk_store_free(rig.store);
    assert_int_equal(missing.calls, 0);
    driver_close(&rig.driver);
    fake_disk_free(rig.fake);
}

/* ---- Damage -------------------------------------------------------------- */

static void a_load_of_a_damaged_chunk_waits_until_it_is_healed(void **state)
{
    struct chunk_rig *rig = *state;
    struct chunk_rig *peer = peer_like(rig, 3);
    struct reading reading;
    struct chunk *chunk;

    chunk_rig_fill(rig, 3);
    chunk = chunk_rig_chunk(rig, 1);
    fake_disk_flip(rig->fake, chunk_rig_file(chunk), 8 * 2000);
    begin(rig, &reading, chunk);
    chunk_rig_settle(rig);
    assert_int_equal(reading.calls, 0);
    assert_int_equal(rig->missing, 1);
    assert_ptr_equal(rig->absent[0], chunk);
    assert_int_equal(chunk_rig_status(rig).damaged, 1);
    assert_int_equal(chunk_store_missing(rig->store), 1);
    chunk_rig_heal(rig, peer);
    assert_int_equal(reading.calls, 1);
    assert_int_equal(reading.status, 0);
    assert_true(chunk_rig_is_good(rig, chunk));
    assert_int_equal(chunk_store_missing(rig->store), 0);
    chunk_store_load_end(rig->store, &reading.load);
    chunk_rig_close(peer);
}

static void what_is_good_in_a_damaged_pack_moves_and_the_file_is_set_aside(
    void **state)
{
    struct chunk_rig *rig = *state;
    struct chunk_rig *peer = peer_like(rig, 3);

    chunk_rig_fill(rig, 3);
    fake_disk_flip(rig->fake, chunk_rig_file(chunk_rig_chunk(rig, 1)),
                   8 * 2000);
    assert_int_equal(chunk_rig_load(rig, chunk_rig_chunk(rig, 1)), -1);
    assert_int_equal(rig->missing, 1);
    assert_int_equal(chunk_rig_quarantined(rig), 0);
    chunk_rig_flush(rig);
    assert_int_equal(chunk_rig_quarantined(rig), 1);
    assert_int_equal(chunk_rig_status(rig).quarantined, 1);
    assert_int_equal(rig->missing, 1);
    for (uint64_t i = 1; i < 3; i++) {
        struct chunk *chunk = chunk_rig_chunk(rig, 1 + i * CHUNK_RIG_ENTRIES);

        assert_non_null(chunk->home);
        assert_int_equal(chunk_rig_load(rig, chunk), 0);
    }
    chunk_rig_heal(rig, peer);
    chunk_rig_close(peer);
}

static void a_pack_that_is_gone_is_missed(void **state)
{
    struct chunk_rig *rig = *state;
    struct chunk_rig *peer = peer_like(rig, 2);

    chunk_rig_fill(rig, 2);
    fake_disk_delete(rig->fake, chunk_rig_file(chunk_rig_chunk(rig, 1)));
    assert_int_equal(chunk_rig_load(rig, chunk_rig_chunk(rig, 1)), -1);
    /* The other one is found out when it is to be moved. */
    chunk_rig_flush(rig);
    assert_int_equal(rig->missing, 2);
    chunk_rig_heal(rig, peer);
    assert_int_equal(chunk_rig_load(rig, chunk_rig_chunk(rig, 1)), 0);
    assert_int_equal(
        chunk_rig_load(rig, chunk_rig_chunk(rig, 1 + CHUNK_RIG_ENTRIES)), 0);
    chunk_rig_close(peer);
}

static void what_is_given_up_fails_and_is_told_again_when_asked_for(
    void **state)
{
    struct chunk_rig *rig = *state;
    struct chunk_rig *peer = peer_like(rig, 1);
    struct reading reading;
    struct chunk *chunk;

    chunk_rig_fill(rig, 1);
    chunk = chunk_rig_chunk(rig, 1);
    fake_disk_delete(rig->fake, chunk_rig_file(chunk));
    begin(rig, &reading, chunk);
    chunk_rig_settle(rig);
    chunk_store_give_up(rig->store, chunk);
    assert_int_equal(reading.calls, 0);
    chunk_rig_settle(rig);
    assert_int_equal(reading.calls, 1);
    assert_int_equal(reading.status, QL_NOT_FOUND);
    chunk_store_load_end(rig->store, &reading.load);
    assert_int_equal(rig->missing, 1);

    begin(rig, &reading, chunk);
    chunk_rig_settle(rig);
    assert_int_equal(reading.calls, 0);
    assert_int_equal(rig->missing, 2);
    rig->missing = 1;
    chunk_rig_heal(rig, peer);
    assert_int_equal(reading.calls, 1);
    assert_int_equal(reading.status, 0);
    chunk_store_load_end(rig->store, &reading.load);
    chunk_rig_close(peer);
}

static void what_is_given_up_is_told_again_after_a_time(void **state)
{
    struct chunk_rig *rig = *state;
    struct chunk *chunk;

    chunk_rig_fill(rig, 1);
    chunk = chunk_rig_chunk(rig, 1);
    fake_disk_delete(rig->fake, chunk_rig_file(chunk));
    assert_int_equal(chunk_rig_load(rig, chunk), -1);
    chunk_store_give_up(rig->store, chunk);
    chunk_rig_tick(rig, STORE_RETELL_MS);
    chunk_rig_tick(rig, STORE_RETELL_MS);
    assert_true(rig->missing >= 2);
    chunk_store_give_up(rig->store, chunk);
}

static void what_nobody_wants_any_more_is_not_missed(void **state)
{
    struct chunk_rig *rig = *state;

    chunk_rig_fill(rig, 1);
    fake_disk_delete(rig->fake, chunk_rig_file(chunk_rig_chunk(rig, 1)));
    assert_int_equal(chunk_rig_load(rig, chunk_rig_chunk(rig, 1)), -1);
    assert_int_equal(chunk_store_missing(rig->store), 1);
    assert_int_equal(driver_delete(&rig->driver, "a"), 0);
    assert_int_equal(driver_create(&rig->driver, "c"), 0);
    chunk_rig_tick(rig, 1000);
    assert_int_equal(chunk_store_missing(rig->store), 0);
    assert_int_equal(chunk_rig_status(rig).missing, 0);
}

static void a_merge_waits_for_the_part_that_is_damaged(void **state)
{
    struct chunk_rig *rig = *state;
    static struct chunk_rig peer;
    struct reading reading;
    struct chunk *chunk;

    memset(&peer, 0, sizeof(peer));
    peer.limits = rig->limits;
    chunk_rig_open(&peer);
    (void)chunk_rig_merge(&peer);
    chunk_rig_flush(&peer);
    chunk = chunk_rig_merge(rig);
    fake_disk_flip(rig->fake, chunk_rig_file(chunk->parts->chunks[2]),
                   8 * 2400);
    begin(rig, &reading, chunk);
    chunk_rig_settle(rig);
    assert_int_equal(reading.calls, 0);
    assert_int_equal(rig->missing, 1);
    assert_ptr_not_equal(rig->absent[0], chunk);
    /* The peer has only the merge, and cuts the part out of it. */
    chunk_rig_heal(rig, &peer);
    assert_int_equal(reading.calls, 1);
    assert_int_equal(reading.status, 0);
    chunk_store_load_end(rig->store, &reading.load);
    chunk_rig_flush(rig);
    assert_non_null(chunk->home);
    assert_int_equal(chunk_rig_load(rig, chunk), 0);
    chunk_rig_close(&peer);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_load_brings_the_bytes_back, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(loads_of_one_chunk_share_a_work, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(loads_above_the_limit_wait_in_order,
                                        setup, teardown),
        cmocka_unit_test_setup_teardown(
            a_load_that_ended_early_is_not_called_back, setup, teardown),
        cmocka_unit_test_setup_teardown(bytes_in_memory_are_answered_later,
                                        setup, teardown),
        cmocka_unit_test_setup_teardown(a_merge_is_loaded_from_its_parts,
                                        setup_merging, teardown),
        cmocka_unit_test_setup_teardown(a_chunk_may_move_while_it_is_read,
                                        setup, teardown),
        cmocka_unit_test(a_load_that_was_not_answered_ends_with_the_store),
        cmocka_unit_test(what_only_a_load_refers_to_ends_with_the_store),
        cmocka_unit_test_setup_teardown(
            a_load_of_a_damaged_chunk_waits_until_it_is_healed, setup,
            teardown),
        cmocka_unit_test_setup_teardown(
            what_is_good_in_a_damaged_pack_moves_and_the_file_is_set_aside,
            setup, teardown),
        cmocka_unit_test_setup_teardown(a_pack_that_is_gone_is_missed, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(
            what_is_given_up_fails_and_is_told_again_when_asked_for, setup,
            teardown),
        cmocka_unit_test_setup_teardown(
            what_is_given_up_is_told_again_after_a_time, setup, teardown),
        cmocka_unit_test_setup_teardown(
            what_nobody_wants_any_more_is_not_missed, setup, teardown),
        cmocka_unit_test_setup_teardown(
            a_merge_waits_for_the_part_that_is_damaged, setup_merging,
            teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
