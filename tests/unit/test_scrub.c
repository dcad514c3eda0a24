/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* The scrub: what it finds, how fast it reads, and what becomes of files that are
 * set aside. */
#include <string.h>

#include "store/chunk_store_internal.h"
#include "store/pack_check.h"
#include "support/chunk_rig.h"
#include "support/cmocka.h"
#include "util/limits.h"

#define CHUNKS 3u

static void open_rig(struct chunk_rig *rig, uint64_t scrub_bytes)
{
    memset(rig, 0, sizeof(*rig));
    rig->scrub_bytes = scrub_bytes;
    chunk_rig_open(rig);
}

static int setup(void **state)
{
    static struct chunk_rig rig;

    open_rig(&rig, 1024 * 1024);
    chunk_rig_fill(&rig, CHUNKS);
    *state = &rig;
    return 0;
}

static int teardown(void **state)
{
    chunk_rig_close(*state);
    return 0;
}

/* Long enough for a whole round. */
static void scrub_all(struct chunk_rig *rig)
{
    chunk_rig_tick(rig, SCRUB_ROUND_MS);
    for (int i = 0; i < 5; i++) {
        chunk_rig_tick(rig, 1000);
    }
}

static struct chunk_rig *peer_rig(void)
{
    static struct chunk_rig peer;

    open_rig(&peer, 0);
    chunk_rig_fill(&peer, CHUNKS);
    return &peer;
}

static void a_round_over_good_packs_finds_nothing(void **state)
{
    struct chunk_rig *rig = *state;
    uint64_t rounds = chunk_rig_status(rig).scrub_rounds;
    struct chunk_store_status status;

    scrub_all(rig);
    status = chunk_rig_status(rig);
    assert_int_equal(status.scrub_rounds, rounds + 1);
    assert_int_equal(status.scrub_bytes, status.disk_bytes);
    assert_true(status.scrubbed_ms > rig->now_ms - 10000);
    assert_int_equal(status.damaged, 0);
    assert_int_equal(rig->missing, 0);
}

static void damage_is_found_set_aside_and_healed(void **state)
{
    struct chunk_rig *rig = *state;
    struct chunk_rig *peer = peer_rig();
    struct chunk *chunk = chunk_rig_chunk(rig, 1);

    fake_disk_flip(rig->fake, chunk_rig_file(chunk), 8 * 1500 + 3);
    scrub_all(rig);
    assert_int_equal(rig->missing, 1);
    assert_ptr_equal(rig->absent[0], chunk);
    chunk_rig_heal(rig, peer);
    chunk_rig_flush(rig);
    assert_int_equal(chunk_rig_quarantined(rig), 1);
    assert_int_equal(chunk_rig_status(rig).damaged, 1);
    for (uint64_t i = 0; i < CHUNKS; i++) {
        assert_int_equal(
            chunk_rig_load(rig,
                           chunk_rig_chunk(rig, 1 + i * CHUNK_RIG_ENTRIES)),
            0);
    }
    scrub_all(rig);
    assert_int_equal(rig->missing, 0);
    chunk_rig_close(peer);
}

/* The names of its chunks, as the scrub would give them. */
static struct pack_check check_of(const struct pack *pack,
                                  struct chunk_name *names)
{
    struct pack_check check = {.number = pack->number,
                               .cluster = pack->store->options.cluster,
                               .file_len = pack->file_len,
                               .rows = pack->rows,
                               .names = names};

    for (uint32_t i = 0; i < pack->rows; i++) {
        names[i] = pack->chunks[i]->name;
    }
    return check;
}

static void a_flipped_bit_is_found_wherever_it_is(void **state)
{
    struct chunk_rig *rig = *state;
    const struct pack *pack = pack_of(chunk_rig_chunk(rig, 1));
    const char *name = chunk_rig_file(chunk_rig_chunk(rig, 1));
    struct disk *disk = fake_disk_disk(rig->fake);
    struct chunk_name names[CHUNKS];
    struct pack_check check;
    bool bad[CHUNKS];

    assert_int_equal(pack->rows, CHUNKS);
    check = check_of(pack, names);
    assert_int_equal(pack_check(disk, &check, bad, NULL), 0);
    for (uint64_t bit = 0; bit < 8 * pack->file_len; bit++) {
        fake_disk_flip(rig->fake, name, bit);
        assert_int_equal(pack_check(disk, &check, bad, NULL), QL_CORRUPT);
        fake_disk_flip(rig->fake, name, bit);
    }
    assert_int_equal(pack_check(disk, &check, bad, NULL), 0);
}

static void a_flipped_bit_costs_no_more_than_its_chunk(void **state)
{
    struct chunk_rig *rig = *state;
    const struct pack *pack = pack_of(chunk_rig_chunk(rig, 1));
    const char *name = chunk_rig_file(chunk_rig_chunk(rig, 1));
    struct disk *disk = fake_disk_disk(rig->fake);
    struct chunk_name names[CHUNKS];
    struct pack_check check;

    check = check_of(pack, names);
    for (uint64_t bit = 0; bit < 8 * pack->file_len; bit += 7) {
        bool bad[CHUNKS];
        unsigned count = 0;

        fake_disk_flip(rig->fake, name, bit);
        (void)pack_check(disk, &check, bad, NULL);
        fake_disk_flip(rig->fake, name, bit);
        for (unsigned i = 0; i < CHUNKS; i++) {
            count += bad[i];
        }
        /* In the header: none. */
        assert_int_equal(count, bit < 8 * PACK_HEADER_LEN ? 0 : 1);
    }
}

static void a_damaged_header_costs_no_chunk(void **state)
{
    struct chunk_rig *rig = *state;

    fake_disk_flip(rig->fake, chunk_rig_file(chunk_rig_chunk(rig, 1)), 100);
    scrub_all(rig);
    chunk_rig_flush(rig);
    assert_int_equal(rig->missing, 0);
    assert_int_equal(chunk_rig_quarantined(rig), 1);
    assert_int_equal(chunk_rig_load(rig, chunk_rig_chunk(rig, 1)), 0);
}

/* A file with @change bytes more or less. */
static void change_length(struct chunk_rig *rig, int change)
{
    uint8_t bytes[64 * 1024] = {0};
    const char *name = chunk_rig_file(chunk_rig_chunk(rig, 1));
    size_t len = 0;
    const uint8_t *now = fake_disk_bytes(rig->fake, name, &len);

    assert_true(len + 64 < sizeof(bytes));
    memcpy(bytes, now, len);
    fake_disk_put(rig->fake, name, bytes, len + (size_t)change);
}

static void a_file_that_is_cut_off_is_found(void **state)
{
    struct chunk_rig *rig = *state;
    struct chunk_rig *peer = peer_rig();

    change_length(rig, -1);
    scrub_all(rig);
    assert_int_equal(rig->missing, 1);
    chunk_rig_heal(rig, peer);
    chunk_rig_flush(rig);
    assert_int_equal(chunk_rig_quarantined(rig), 1);
    chunk_rig_close(peer);
}

static void a_file_with_more_behind_it_is_found(void **state)
{
    struct chunk_rig *rig = *state;

    change_length(rig, 3);
    scrub_all(rig);
    chunk_rig_flush(rig);
    assert_int_equal(rig->missing, 0);
    assert_int_equal(chunk_rig_quarantined(rig), 1);
}

static void a_file_that_is_gone_is_found(void **state)
{
    struct chunk_rig *rig = *state;
    struct chunk_rig *peer = peer_rig();

    fake_disk_delete(rig->fake, chunk_rig_file(chunk_rig_chunk(rig, 1)));
    scrub_all(rig);
    assert_int_equal(rig->missing, CHUNKS);
    chunk_rig_heal(rig, peer);
    for (uint64_t i = 0; i < CHUNKS; i++) {
        assert_int_equal(
            chunk_rig_load(rig,
                           chunk_rig_chunk(rig, 1 + i * CHUNK_RIG_ENTRIES)),
            0);
    }
    chunk_rig_close(peer);
}

static void on_loaded(struct chunk_load *load, int status)
{
    (void)load;
    assert_int_equal(status, 0);
}

static void bytes_that_are_in_memory_are_written_again(void **state)
{
    struct chunk_rig *rig = *state;
    /* Not the first: what is before it tells the chain that it follows. */
    struct chunk *chunk = chunk_rig_chunk(rig, 1 + CHUNK_RIG_ENTRIES);
    struct chunk_load load;

    chunk_store_load(rig->store, &load, chunk, on_loaded);
    chunk_rig_settle(rig);
    fake_disk_delete(rig->fake, chunk_rig_file(chunk));
    scrub_all(rig);
    chunk_store_load_end(rig->store, &load);
    assert_int_equal(rig->missing, CHUNKS - 1);
    assert_non_null(chunk->home);
    assert_null(chunk->memory);
    assert_int_equal(chunk_rig_load(rig, chunk), 0);
}

static void reading_keeps_to_its_rate(void **state)
{
    struct chunk_rig rig;
    uint64_t seconds;
    uint64_t bytes;
    uint64_t begun;

    (void)state;
    open_rig(&rig, 1000);
    for (int i = 0; i < 8; i++) {
        chunk_rig_fill(&rig, 1);
    }
    bytes = chunk_rig_status(&rig).disk_bytes;
    assert_true(bytes > 10000);
    chunk_rig_tick(&rig, SCRUB_ROUND_MS);
    while (chunk_rig_status(&rig).scrub_rounds == 0) {
        chunk_rig_tick(&rig, 1000);
    }
    begun = rig.now_ms + SCRUB_ROUND_MS;
    chunk_rig_tick(&rig, SCRUB_ROUND_MS);
    while (chunk_rig_status(&rig).scrub_rounds < 2) {
        chunk_rig_tick(&rig, 1000);
    }
    /* What was saved up is a second's, and the last pack may be owed. */
    seconds = (rig.now_ms - begun) / 1000;
    assert_true(seconds + 1 >= (bytes - bytes / 8) / 1000 - 1);
    assert_true(seconds <= bytes / 1000 + 1);
    chunk_rig_close(&rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_round_over_good_packs_finds_nothing,
                                        setup, teardown),
        cmocka_unit_test_setup_teardown(damage_is_found_set_aside_and_healed,
                                        setup, teardown),
        cmocka_unit_test_setup_teardown(a_flipped_bit_is_found_wherever_it_is,
                                        setup, teardown),
        cmocka_unit_test_setup_teardown(
            a_flipped_bit_costs_no_more_than_its_chunk, setup, teardown),
        cmocka_unit_test_setup_teardown(a_damaged_header_costs_no_chunk, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(a_file_that_is_cut_off_is_found, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(a_file_with_more_behind_it_is_found,
                                        setup, teardown),
        cmocka_unit_test_setup_teardown(a_file_that_is_gone_is_found, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(
            bytes_that_are_in_memory_are_written_again, setup, teardown),
        cmocka_unit_test(reading_keeps_to_its_rate),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
