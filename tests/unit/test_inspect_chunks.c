/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* What `quorlogd inspect` finds out about the files of a chunk store. */
#include <stdio.h>
#include <string.h>

#include "consensus/inspect.h"
#include "store/snapshot.h"
#include "support/cmocka.h"
#include "support/store_rig.h"

#define INDEX 7u

struct place {
    struct store_rig rig;
    struct fake_disk *raft;
    struct inspection found;
};

/* Logs that are filled in turn: some chunks are merges whose parts alone are on
 * the disk yet. */
static void fill(struct place *place)
{
    for (int round = 0; round < 12; round++) {
        for (int log = 0; log < 40; log++) {
            char name[16];

            (void)snprintf(name, sizeof name, "log%d", log);
            if (round == 0) {
                store_rig_create(&place->rig, name);
            }
            store_rig_append(&place->rig, name, 1, 500);
        }
        store_rig_drain(&place->rig);
    }
    store_rig_tick(&place->rig);
}

static void store_snapshot(struct place *place)
{
    struct view *view = machine_freeze(place->rig.driver.machine);
    const struct snapshot_meta meta = {
        .index = INDEX,
        .term = 1,
        .configuration_index = 1,
        .configuration = {(const uint8_t *)"whoever", 7}};
    struct buf snapshot = BUF_INIT;
    struct bytes part;
    struct err err;

    assert_int_equal(snapshot_encode(view, INDEX, &snapshot, &err), 0);
    part = (struct bytes){snapshot.data, snapshot.len};
    assert_int_equal(
        snapshot_dir_store(fake_disk_disk(place->raft), &meta, &part, 1, &err),
        0);
    buf_close(&snapshot);
    view_free(view);
}

static int setup(void **state)
{
    static struct place place;

    memset(&place, 0, sizeof place);
    store_rig_init(&place.rig, 1);
    store_rig_must_open(&place.rig);
    place.raft = fake_disk_new(2);
    fill(&place);
    store_snapshot(&place);
    *state = &place;
    return 0;
}

static int teardown(void **state)
{
    struct place *place = *state;

    inspect_close(&place->found);
    fake_disk_free(place->raft);
    store_rig_close(&place->rig);
    return 0;
}

static const struct inspect_chunks *look(struct place *place, bool has_chunks)
{
    struct disk *raft = fake_disk_disk(place->raft);
    struct disk *chunks = fake_disk_disk(place->rig.fake);
    struct err err = {0};

    place->found.identity_code = QL_NOT_FOUND;
    assert_int_equal(inspect_raft(&place->found, raft, &err), 0);
    assert_int_equal(inspect_chunks(&place->found, raft,
                                    has_chunks ? chunks : NULL, NULL, &err),
                     0);
    return &place->found.chunks;
}

static bool says(const struct place *place, const char *text)
{
    for (size_t i = 0; i < place->found.findings_count; i++) {
        if (strstr(place->found.findings[i].text, text) != NULL) {
            return true;
        }
    }
    return false;
}

static void whole_store_has_all_that_the_snapshot_names(void **state)
{
    struct place *place = *state;
    const struct inspect_chunks *chunks = look(place, true);

    assert_int_equal(chunks->code, 0);
    assert_int_equal(chunks->packs, store_rig_count(&place->rig, "", ".pack"));
    assert_int_equal(chunks->bad_count, 0);
    assert_int_equal(chunks->bad_chunks, 0);
    assert_int_equal(chunks->named_code, 0);
    assert_true(chunks->named > 0);
    /* Some of those are on the disk in parts. */
    assert_true(chunks->chunks != chunks->named);
    assert_int_equal(chunks->missing, 0);
    assert_false(says(place, "chunk"));
}

static void missing_file_is_missed(void **state)
{
    struct place *place = *state;
    const struct inspect_chunks *chunks;
    char name[DISK_NAME_MAX];

    assert_true(store_rig_find_pack(&place->rig, NULL, name));
    fake_disk_delete(place->rig.fake, name);
    chunks = look(place, true);
    assert_int_equal(chunks->bad_count, 0);
    assert_true(chunks->missing > 0);
    assert_true(chunks->missing <= chunks->named);
    assert_true(says(place, "chunks that the newest snapshot names are not"));
}

static void missing_directory_is_missed(void **state)
{
    struct place *place = *state;
    const struct inspect_chunks *chunks = look(place, false);

    assert_int_equal(chunks->code, QL_NOT_FOUND);
    assert_int_equal(chunks->missing, chunks->named);
}

static void flipped_bit_is_found_wherever_it_is(void **state)
{
    struct place *place = *state;
    char name[DISK_NAME_MAX];
    size_t len;

    assert_true(store_rig_find_pack(&place->rig, NULL, name));
    (void)fake_disk_bytes(place->rig.fake, name, &len);
    for (uint64_t bit = 3; bit < 8 * len; bit += 8 * len / 50) {
        const struct inspect_chunks *chunks;

        fake_disk_flip(place->rig.fake, name, bit);
        chunks = look(place, true);
        assert_int_equal(chunks->bad_count, 1);
        assert_string_equal(chunks->bad[0].name, name);
        assert_true(says(place, name));
        fake_disk_flip(place->rig.fake, name, bit);
        inspect_close(&place->found);
        memset(&place->found, 0, sizeof place->found);
    }
    assert_int_equal(look(place, true)->bad_count, 0);
}

static void file_that_is_no_pack_or_cut_off_is_told(void **state)
{
    struct place *place = *state;
    char name[DISK_NAME_MAX];
    const uint8_t *bytes;
    uint8_t copy[600];
    size_t len;

    assert_true(store_rig_find_pack(&place->rig, NULL, name));
    bytes = fake_disk_bytes(place->rig.fake, name, &len);
    assert_true(len > sizeof copy);
    memcpy(copy, bytes, sizeof copy);
    fake_disk_put(place->rig.fake, name, copy, sizeof copy);
    fake_disk_put(place->rig.fake, "00000000000000ff.pack", "", 0);
    fake_disk_put(place->rig.fake, "00000000000000fe.tmp", copy, 10);
    assert_int_equal(look(place, true)->bad_count, 2);
    assert_int_equal(place->found.chunks.rests, 1);
    assert_int_equal(inspect_weight(&place->found), INSPECT_UNUSABLE);
}

static void pack_of_another_cluster_is_told(void **state)
{
    struct place *place = *state;
    const struct inspect_chunks *chunks;
    struct disk *raft = fake_disk_disk(place->raft);
    struct err err;

    strcpy(place->found.identity.cluster,
           "0d9b1c1e-8f0e-4c57-9a3d-5d2f5a6b7c8d");
    assert_int_equal(inspect_chunks(&place->found, raft,
                                    fake_disk_disk(place->rig.fake), NULL,
                                    &err),
                     0);
    chunks = &place->found.chunks;
    assert_int_equal(chunks->bad_count, chunks->packs);
    assert_int_equal(chunks->refused, chunks->packs);
    assert_int_equal(chunks->bad_chunks, 0);
    assert_true(says(place, "files of another cluster"));
    assert_false(says(place, "damaged"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(
            whole_store_has_all_that_the_snapshot_names, setup, teardown),
        cmocka_unit_test_setup_teardown(missing_file_is_missed, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(missing_directory_is_missed, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(flipped_bit_is_found_wherever_it_is,
                                        setup, teardown),
        cmocka_unit_test_setup_teardown(file_that_is_no_pack_or_cut_off_is_told,
                                        setup, teardown),
        cmocka_unit_test_setup_teardown(pack_of_another_cluster_is_told, setup,
                                        teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
