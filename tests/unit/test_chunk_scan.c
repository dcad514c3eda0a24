/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* What a store makes of the files it finds when it opens. */
#include <stdlib.h>
#include <string.h>

#include "store/chunk_store_internal.h"
#include "support/cmocka.h"
#include "support/store_rig.h"
#include "util/crc32c.h"

static int setup(void **state)
{
    static struct store_rig rig;

    store_rig_init(&rig, 7);
    store_rig_must_open(&rig);
    *state = &rig;
    return 0;
}

static int teardown(void **state)
{
    store_rig_close(*state);
    return 0;
}

/* Chunks of 4 KiB, one each. */
static void fill(struct store_rig *rig, const char *log, unsigned chunks)
{
    if (!store_rig_has_log(rig, log)) {
        store_rig_create(rig, log);
    }
    for (unsigned i = 0; i < chunks; i++) {
        store_rig_append(rig, log, 4, 1000);
    }
}

static uint8_t *copy_pack(struct store_rig *rig, const char *name, size_t *ret)
{
    const uint8_t *bytes = fake_disk_bytes(rig->fake, name, ret);
    uint8_t *copy = malloc(*ret);

    assert_non_null(copy);
    memcpy(copy, bytes, *ret);
    return copy;
}

/* A snapshot that names @chunks chunks, all in one pack; stopped. */
static void make_one_pack(struct store_rig *rig, unsigned chunks,
                          char ret_name[DISK_NAME_MAX])
{
    fill(rig, "a", chunks);
    store_rig_snapshot(rig);
    assert_int_equal(store_rig_status(rig).packs, 1);
    store_rig_stop(rig);
    assert_true(store_rig_find_pack(rig, NULL, ret_name));
}

/* As pack_front_encode() does it, after a change of the header. */
static void seal_front(uint8_t *bytes)
{
    size_t len = PACK_PREFIX_LEN + get_u32(bytes + 4);
    uint32_t crc = crc32c(0, bytes + 8, 36);

    put_u32(bytes + 44,
            crc32c(crc, bytes + PACK_HEADER_LEN, len - PACK_HEADER_LEN));
}

/* ---- What is found at open ----------------------------------------------- */

static void damaged_front_is_set_aside_and_its_chunks_missing(void **state)
{
    struct store_rig *rig = *state;
    char name[DISK_NAME_MAX];

    make_one_pack(rig, 6, name);
    fake_disk_flip(rig->fake, name, 8ull * (PACK_HEADER_LEN + 20));
    store_rig_must_open(rig);
    assert_int_equal(rig->adopted_missing, 6);
    assert_int_equal(store_rig_status(rig).quarantined, 1);
    assert_int_equal(store_rig_count(rig, "", ".pack"), 1);
    assert_int_equal(store_rig_count(rig, PACK_QUARANTINE, ".pack"), 1);
    /* It stays there, and its number is not given again. */
    store_rig_stop(rig);
    store_rig_must_open(rig);
    assert_int_equal(store_rig_status(rig).quarantined, 1);
    fill(rig, "b", 2);
    store_rig_tick(rig);
    assert_true(store_rig_find_pack(rig, NULL, name));
    assert_string_equal(name, "0000000000000002.pack");
}

static void truncated_pack_gives_what_is_whole_in_it(void **state)
{
    struct store_rig *rig = *state;
    char name[DISK_NAME_MAX];
    uint8_t *bytes;
    size_t len;

    make_one_pack(rig, 6, name);
    bytes = copy_pack(rig, name, &len);
    fake_disk_put(rig->fake, name, bytes, len - 1);
    free(bytes);
    store_rig_must_open(rig);
    assert_int_equal(rig->adopted_missing, 1);
    assert_int_equal(store_rig_status(rig).damaged, 1);
    store_rig_settle(rig);
    assert_int_equal(rig->missing_count, 1);
    /* The five others lie in a new pack, the bad file in quarantine. */
    assert_int_equal(store_rig_status(rig).chunks, 5);
    assert_int_equal(store_rig_status(rig).packs, 1);
    assert_int_equal(store_rig_count(rig, PACK_QUARANTINE, ".pack"), 1);
    assert_int_equal(rig->fatals, 0);
}

static void pack_with_bytes_behind_its_end_is_moved(void **state)
{
    struct store_rig *rig = *state;
    char name[DISK_NAME_MAX];
    uint8_t *bytes;
    size_t len;

    make_one_pack(rig, 6, name);
    bytes = copy_pack(rig, name, &len);
    bytes = realloc(bytes, len + 1);
    assert_non_null(bytes);
    bytes[len] = 0;
    fake_disk_put(rig->fake, name, bytes, len + 1);
    free(bytes);
    store_rig_must_open(rig);
    store_rig_settle(rig);
    assert_int_equal(rig->adopted_missing, 0);
    assert_int_equal(store_rig_prove(rig), 6);
    assert_int_equal(store_rig_count(rig, PACK_QUARANTINE, ".pack"), 1);
}

static void must_be_refused(struct store_rig *rig, const char *name,
                            const char *why)
{
    struct err err = {0};

    assert_int_equal(store_rig_open(rig, 0, &err), QL_INVALID);
    assert_non_null(strstr(err.text, name));
    assert_non_null(strstr(err.text, why));
    assert_true(fake_disk_has(rig->fake, name));
}

static void pack_of_a_newer_version_is_refused(void **state)
{
    struct store_rig *rig = *state;
    char name[DISK_NAME_MAX];
    uint8_t *bytes;
    size_t len;

    make_one_pack(rig, 2, name);
    bytes = copy_pack(rig, name, &len);
    put_u32(bytes + 12, 2);
    seal_front(bytes);
    fake_disk_put(rig->fake, name, bytes, len);
    free(bytes);
    must_be_refused(rig, name, "format version 2");
}

static void pack_of_another_cluster_is_refused(void **state)
{
    struct store_rig *rig = *state;
    char name[DISK_NAME_MAX];

    make_one_pack(rig, 2, name);
    rig->cluster[0] ^= 1;
    must_be_refused(rig, name, "another cluster");
    rig->cluster[0] ^= 1;
    store_rig_must_open(rig);
    assert_int_equal(rig->adopted_missing, 0);
}

static void pack_under_another_name_is_set_aside(void **state)
{
    struct store_rig *rig = *state;
    char name[DISK_NAME_MAX];
    uint8_t *bytes;
    size_t len;

    make_one_pack(rig, 2, name);
    bytes = copy_pack(rig, name, &len);
    fake_disk_put(rig->fake, "0000000000000999.pack", bytes, len);
    free(bytes);
    store_rig_must_open(rig);
    assert_int_equal(rig->adopted_missing, 0);
    assert_int_equal(store_rig_count(rig, PACK_QUARANTINE, ".pack"), 1);
}

static void chunk_in_two_packs_is_kept_once(void **state)
{
    struct store_rig *rig = *state;
    char name[DISK_NAME_MAX];
    uint8_t *bytes;
    size_t len;

    /* As after a crash between a move and the removal. */
    make_one_pack(rig, 3, name);
    bytes = copy_pack(rig, name, &len);
    put_u64(bytes + 16, 0x20);
    seal_front(bytes);
    fake_disk_put(rig->fake, "0000000000000020.pack", bytes, len);
    free(bytes);
    store_rig_must_open(rig);
    assert_int_equal(store_rig_status(rig).chunks, 3);
    store_rig_settle(rig);
    assert_int_equal(store_rig_prove(rig), 3);
    assert_int_equal(store_rig_status(rig).packs, 1);
    assert_false(fake_disk_has(rig->fake, name));
    assert_true(fake_disk_has(rig->fake, "0000000000000020.pack"));
}

static void files_that_are_not_ours_are_left_alone(void **state)
{
    struct store_rig *rig = *state;
    static const char *const names[] = {
        "README",
        "1.pack",
        "0000000000000001.pack.bak",
        "00000000000000FF.pack",
        "quarantine/notes",
        "0000000000000001.PACK",
        "ffffffffffffffff.pack",
    };

    store_rig_stop(rig);
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        fake_disk_put(rig->fake, names[i], "x", 1);
    }
    store_rig_must_open(rig);
    fill(rig, "a", 3);
    store_rig_settle(rig);
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        assert_true(fake_disk_has(rig->fake, names[i]));
    }
    assert_int_equal(store_rig_status(rig).quarantined, 0);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(damaged_front_is_set_aside_and_its_chunks_missing),
        TEST(truncated_pack_gives_what_is_whole_in_it),
        TEST(pack_with_bytes_behind_its_end_is_moved),
        TEST(pack_of_a_newer_version_is_refused),
        TEST(pack_of_another_cluster_is_refused),
        TEST(pack_under_another_name_is_set_aside),
        TEST(chunk_in_two_packs_is_kept_once),
        TEST(files_that_are_not_ours_are_left_alone),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
