/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* A disk that refuses to read for a while, and one that does for long. */
#include <string.h>

#include "store/chunk_store_internal.h"
#include "support/chunk_rig.h"
#include "support/cmocka.h"
#include "util/limits.h"

#define CHUNKS 3u

/* ---- The disk ------------------------------------------------------------ */

static const struct disk_ops *honest_ops;
static struct disk_ops refusing_ops;
static bool refuses_open;
static bool refuses_read;
static unsigned refused;

static int open_or_refuse(struct disk *disk, const char *name, bool create,
                          struct disk_file **ret_file, struct err *err)
{
    if (refuses_open && !create) {
        refused++;
        return err_set(err, QL_IO, "%s: too many open files", name);
    }
    return honest_ops->open(disk, name, create, ret_file, err);
}

static int read_or_refuse(struct disk_file *file, uint64_t offset,
                          void *ret_bytes, size_t len, size_t *ret_len,
                          struct err *err)
{
    if (refuses_read) {
        refused++;
        return err_set(err, QL_IO, "the disk does not answer");
    }
    return honest_ops->read(file, offset, ret_bytes, len, ret_len, err);
}

static void refuse(bool reads)
{
    refuses_read = reads;
}

/* ---- The rig ------------------------------------------------------------- */

static void open_rig(struct chunk_rig *rig)
{
    struct disk *disk;

    chunk_rig_open(rig);
    refuses_open = false;
    refuses_read = false;
    refused = 0;
    disk = fake_disk_disk(rig->fake);
    honest_ops = disk->ops;
    refusing_ops = *disk->ops;
    refusing_ops.open = open_or_refuse;
    refusing_ops.read = read_or_refuse;
    disk->ops = &refusing_ops;
}

static int setup_limited(void **state, uint64_t open_bytes)
{
    static struct chunk_rig rig;

    memset(&rig, 0, sizeof(rig));
    rig.limits.open_bytes = open_bytes;
    rig.scrub_bytes = 1024 * 1024;
    open_rig(&rig);
    *state = &rig;
    return 0;
}

static int setup(void **state)
{
    (void)setup_limited(state, 0);
    chunk_rig_fill(*state, CHUNKS);
    return 0;
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

/* Another node of the same cluster, with the same logs, on a good disk. */
static struct chunk_rig *peer_rig(void)
{
    static struct chunk_rig peer;

    memset(&peer, 0, sizeof(peer));
    chunk_rig_open(&peer);
    chunk_rig_fill(&peer, CHUNKS);
    return &peer;
}

struct reading {
    struct chunk_load load;
    unsigned calls;
    int status;
};

static void on_loaded(struct chunk_load *load, int status)
{
    struct reading *reading = load->data;

    reading->calls++;
    reading->status = status;
}

static void begin(struct chunk_rig *rig, struct reading *reading,
                  struct chunk *chunk)
{
    memset(reading, 0, sizeof(*reading));
    reading->load.data = reading;
    chunk_store_load(rig->store, &reading->load, chunk, on_loaded);
    chunk_rig_settle(rig);
}

static void wait_tries(struct chunk_rig *rig, unsigned tries)
{
    for (unsigned i = 0; i < tries; i++) {
        chunk_rig_tick(rig, STORE_RETRY_MS);
    }
}

/* Refused until its copy counts as lost, and nobody else has it. */
static struct chunk *lose_all_hope(struct chunk_rig *rig)
{
    struct chunk *chunk = chunk_rig_chunk(rig, 1);
    struct reading reading;

    refuse(true);
    begin(rig, &reading, chunk);
    wait_tries(rig, STORE_READ_TRIES);
    assert_int_equal(rig->missing, 1);
    assert_int_equal(reading.calls, 0);
    chunk_store_give_up(rig->store, chunk);
    chunk_rig_settle(rig);
    assert_int_equal(reading.calls, 1);
    assert_int_equal(reading.status, QL_NOT_FOUND);
    chunk_store_load_end(rig->store, &reading.load);
    return chunk;
}

static void nothing_was_lost(struct chunk_rig *rig)
{
    assert_int_equal(rig->missing, 0);
    assert_int_equal(chunk_rig_status(rig).damaged, 0);
    assert_int_equal(chunk_rig_status(rig).missing, 0);
    assert_int_equal(chunk_rig_quarantined(rig), 0);
}

/* ---- Loads --------------------------------------------------------------- */

static void a_load_waits_for_a_disk_that_reads_again(void **state)
{
    struct chunk_rig *rig = *state;
    struct reading reading;
    struct reading later;

    refuse(true);
    begin(rig, &reading, chunk_rig_chunk(rig, 1));
    wait_tries(rig, STORE_READ_TRIES - 2);
    assert_int_equal(refused, STORE_READ_TRIES - 1);
    begin(rig, &later, chunk_rig_chunk(rig, 1));
    assert_int_equal(refused, STORE_READ_TRIES - 1);
    assert_int_equal(reading.calls + later.calls, 0);
    refuse(false);
    wait_tries(rig, 1);
    assert_int_equal(reading.calls, 1);
    assert_int_equal(reading.status, 0);
    assert_int_equal(later.calls, 1);
    assert_true(chunk_rig_is_good(rig, chunk_rig_chunk(rig, 1)));
    chunk_store_load_end(rig->store, &reading.load);
    chunk_store_load_end(rig->store, &later.load);
    nothing_was_lost(rig);
}

static void a_load_waits_for_a_file_that_can_be_opened_again(void **state)
{
    struct chunk_rig *rig = *state;
    struct reading reading;

    refuses_open = true;
    begin(rig, &reading, chunk_rig_chunk(rig, 1));
    wait_tries(rig, STORE_READ_TRIES - 2);
    refuses_open = false;
    wait_tries(rig, 1);
    assert_int_equal(reading.status, 0);
    assert_int_equal(reading.calls, 1);
    chunk_store_load_end(rig->store, &reading.load);
    nothing_was_lost(rig);
}

static void reads_are_tried_again_a_time_apart(void **state)
{
    struct chunk_rig *rig = *state;
    struct reading reading;

    refuse(true);
    begin(rig, &reading, chunk_rig_chunk(rig, 1));
    for (unsigned i = 0; i < 3; i++) {
        chunk_rig_tick(rig, STORE_RETRY_MS / 4);
    }
    assert_int_equal(refused, 1);
    chunk_rig_tick(rig, STORE_RETRY_MS / 4);
    assert_int_equal(refused, 2);
    chunk_store_load_end(rig->store, &reading.load);
    wait_tries(rig, 3);
    assert_int_equal(refused, 2);
    refuse(false);
    nothing_was_lost(rig);
}

static void what_is_refused_for_long_comes_from_a_peer(void **state)
{
    struct chunk_rig *rig = *state;
    struct chunk_rig *peer = peer_rig();
    struct chunk *chunk = chunk_rig_chunk(rig, 1);
    struct reading reading;

    refuse(true);
    begin(rig, &reading, chunk);
    wait_tries(rig, STORE_READ_TRIES - 1);
    assert_int_equal(rig->missing, 1);
    assert_ptr_equal(rig->absent[0], chunk);
    refuse(false);
    chunk_rig_heal(rig, peer);
    assert_int_equal(reading.calls, 1);
    assert_int_equal(reading.status, 0);
    chunk_store_load_end(rig->store, &reading.load);
    chunk_rig_flush(rig);
    /* The file may have been the last there was: it is not removed. */
    assert_int_equal(chunk_rig_quarantined(rig), 1);
    assert_int_equal(chunk_store_missing(rig->store), 0);
    chunk_rig_close(peer);
}

static void what_nobody_else_has_is_read_again_when_asked_for(void **state)
{
    struct chunk_rig *rig = *state;
    struct chunk *chunk = lose_all_hope(rig);

    assert_int_equal(chunk_store_missing(rig->store), 1);
    refuse(false);
    assert_int_equal(chunk_rig_load(rig, chunk), 0);
    assert_int_equal(chunk_store_missing(rig->store), 0);
    assert_int_equal(rig->missing, 1);
    chunk_rig_flush(rig);
    assert_int_equal(chunk_rig_quarantined(rig), 1);
    for (uint64_t i = 0; i < CHUNKS; i++) {
        assert_int_equal(
            chunk_rig_load(rig,
                           chunk_rig_chunk(rig, 1 + i * CHUNK_RIG_ENTRIES)),
            0);
    }
}

static void what_nobody_else_has_is_found_though_nobody_asks(void **state)
{
    struct chunk_rig *rig = *state;
    struct chunk *chunk = lose_all_hope(rig);

    refuse(false);
    chunk_rig_tick(rig, STORE_RETELL_MS);
    chunk_rig_flush(rig);
    chunk_rig_tick(rig, STORE_GATHER_MS);
    chunk_rig_tick(rig, 1000);
    assert_int_equal(chunk_store_missing(rig->store), 0);
    assert_int_equal(rig->missing, 1);
    assert_int_equal(chunk_rig_quarantined(rig), 1);
    assert_int_equal(chunk_rig_load(rig, chunk), 0);
}

static void it_may_be_refused_and_given_up_again_and_again(void **state)
{
    struct chunk_rig *rig = *state;

    for (int i = 0; i < 3; i++) {
        (void)lose_all_hope(rig);
        rig->missing = 0;
    }
    assert_int_equal(chunk_rig_quarantined(rig), 0);
    refuse(false);
    assert_int_equal(chunk_rig_load(rig, chunk_rig_chunk(rig, 1)), 0);
}

static void what_is_wanted_no_more_is_set_aside(void **state)
{
    struct chunk_rig *rig = *state;

    (void)lose_all_hope(rig);
    refuse(false);
    assert_int_equal(driver_delete(&rig->driver, "a"), 0);
    assert_int_equal(driver_create(&rig->driver, "c"), 0);
    chunk_rig_tick(rig, 1000);
    chunk_rig_tick(rig, 1000);
    assert_int_equal(chunk_store_missing(rig->store), 0);
    assert_int_equal(chunk_rig_status(rig).packs, 0);
    assert_int_equal(chunk_rig_quarantined(rig), 1);
}

static void a_part_that_is_refused_delays_its_merge(void **state)
{
    struct chunk_rig *rig = *state;
    struct chunk *chunk = chunk_rig_merge(rig);
    struct reading reading;

    refuse(true);
    begin(rig, &reading, chunk);
    wait_tries(rig, STORE_READ_TRIES - 2);
    assert_int_equal(reading.calls, 0);
    refuse(false);
    wait_tries(rig, 1);
    assert_int_equal(reading.calls, 1);
    assert_int_equal(reading.status, 0);
    chunk_store_load_end(rig->store, &reading.load);
    nothing_was_lost(rig);
}

/* ---- Answers to peers ---------------------------------------------------- */

static void on_served(struct chunk_serve *serve, int status, const uint8_t *row,
                      struct bytes frame)
{
    (void)row;
    (void)frame;
    *(int *)serve->data = status;
}

static int serve(struct chunk_rig *rig, const struct chunk *chunk)
{
    int status = -1;
    struct chunk_serve serve = {.data = &status};

    assert_int_equal(
        chunk_store_serve(rig->store, &serve, &chunk->name, on_served), 0);
    chunk_rig_settle(rig);
    return status;
}

static void a_peer_hears_that_a_node_whose_disk_refuses_is_busy(void **state)
{
    struct chunk_rig *rig = *state;
    struct chunk *chunk = chunk_rig_chunk(rig, 1);

    refuse(true);
    assert_int_equal(serve(rig, chunk), QL_BUSY);
    assert_int_equal(serve(rig, chunk), QL_BUSY);
    refuse(false);
    assert_int_equal(serve(rig, chunk), 0);
    wait_tries(rig, STORE_READ_TRIES);
    nothing_was_lost(rig);
}

static void what_could_not_be_served_is_looked_at(void **state)
{
    struct chunk_rig *rig = *state;
    struct chunk *chunk = chunk_rig_chunk(rig, 1);

    refuse(true);
    assert_int_equal(serve(rig, chunk), QL_BUSY);
    wait_tries(rig, STORE_READ_TRIES - 2);
    assert_int_equal(rig->missing, 0);
    wait_tries(rig, 1);
    assert_int_equal(rig->missing, 1);
    assert_ptr_equal(rig->absent[0], chunk);
    assert_int_equal(serve(rig, chunk), QL_NOT_FOUND);
    refuse(false);
}

/* ---- The scrub ----------------------------------------------------------- */

static void the_scrub_waits_for_a_disk_that_reads_again(void **state)
{
    struct chunk_rig *rig = *state;
    uint64_t rounds = chunk_rig_status(rig).scrub_rounds;

    chunk_rig_tick(rig, SCRUB_ROUND_MS - 1000);
    refuse(true);
    chunk_rig_tick(rig, 1000);
    wait_tries(rig, STORE_READ_TRIES - 2);
    assert_int_equal(refused, STORE_READ_TRIES - 1);
    refuse(false);
    wait_tries(rig, 3);
    assert_int_equal(chunk_rig_status(rig).scrub_rounds, rounds + 1);
    nothing_was_lost(rig);
}

static void the_scrub_has_what_is_refused_for_long_moved(void **state)
{
    struct chunk_rig *rig = *state;
    uint64_t number = pack_of(chunk_rig_chunk(rig, 1))->number;

    chunk_rig_tick(rig, SCRUB_ROUND_MS - 1000);
    refuse(true);
    chunk_rig_tick(rig, 1000);
    wait_tries(rig, STORE_READ_TRIES - 1);
    assert_true(pack_of(chunk_rig_chunk(rig, 1))->is_damaged);
    refuse(false);
    chunk_rig_flush(rig);
    chunk_rig_tick(rig, STORE_GATHER_MS);
    assert_true(pack_of(chunk_rig_chunk(rig, 1))->number > number);
    assert_int_equal(rig->missing, 0);
    assert_int_equal(chunk_rig_quarantined(rig), 1);
}

/* ---- The end ------------------------------------------------------------- */

static void a_store_may_end_while_copies_are_refused(void **state)
{
    static struct chunk_rig rig;
    struct reading reading;
    struct chunk *chunk;

    (void)state;
    memset(&rig, 0, sizeof(rig));
    open_rig(&rig);
    chunk_rig_fill(&rig, CHUNKS);
    chunk = lose_all_hope(&rig);
    assert_int_equal(serve(&rig, chunk_rig_chunk(&rig, 1 + CHUNK_RIG_ENTRIES)),
                     QL_BUSY);
    begin(&rig, &reading, chunk);
    fake_disk_crash(rig.fake, FAKE_KILL);
    chunk_store_free(rig.store);
    assert_int_equal(reading.calls, 0);
    driver_close(&rig.driver);
    fake_disk_free(rig.fake);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
#define MERGING(name)                                                          \
    cmocka_unit_test_setup_teardown(name, setup_merging, teardown)
    const struct CMUnitTest tests[] = {
        TEST(a_load_waits_for_a_disk_that_reads_again),
        TEST(a_load_waits_for_a_file_that_can_be_opened_again),
        TEST(reads_are_tried_again_a_time_apart),
        TEST(what_is_refused_for_long_comes_from_a_peer),
        TEST(what_nobody_else_has_is_read_again_when_asked_for),
        TEST(what_nobody_else_has_is_found_though_nobody_asks),
        TEST(it_may_be_refused_and_given_up_again_and_again),
        TEST(what_is_wanted_no_more_is_set_aside),
        MERGING(a_part_that_is_refused_delays_its_merge),
        TEST(a_peer_hears_that_a_node_whose_disk_refuses_is_busy),
        TEST(what_could_not_be_served_is_looked_at),
        TEST(the_scrub_waits_for_a_disk_that_reads_again),
        TEST(the_scrub_has_what_is_refused_for_long_moved),
        cmocka_unit_test(a_store_may_end_while_copies_are_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
