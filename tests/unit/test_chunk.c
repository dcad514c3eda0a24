/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include <string.h>

#include "machine/chunk.h"
#include "machine/digest.h"
#include "support/cmocka.h"

#define HEADER 24u /* of an entry in a chunk */

static struct bytes run(const char *text)
{
    return (struct bytes){(const uint8_t *)text, strlen(text)};
}

static struct read_entry entry(uint64_t position, const char *key,
                               const char *value)
{
    struct read_entry made = {position, 1000 + position, {NULL, 0}, run(value)};

    if (key != NULL) {
        made.key = run(key);
    }
    return made;
}

/* Entries 5, 6 and 9: one without a key, one with, one with an empty key. */
static int setup(void **state)
{
    static struct chunk chunk;
    struct read_entry entries[] = {
        entry(5, NULL, "five"),
        entry(6, "key", "six"),
        entry(9, "", ""),
    };

    chunk_init(&chunk, 5);
    for (size_t i = 0; i < 3; i++) {
        chunk_add(&chunk, &entries[i]);
    }
    *state = &chunk;
    return 0;
}

static int teardown(void **state)
{
    chunk_close(*state);
    return 0;
}

static int load(const uint8_t *bytes, size_t len)
{
    struct chunk loaded;
    struct err err;
    int rv;

    rv = chunk_load(&loaded, bytes, len, true, &err);
    if (rv == 0) {
        chunk_close(&loaded);
    }
    return rv;
}

static void entries_come_out_as_they_went_in(void **state)
{
    struct chunk *chunk = *state;
    struct read_entry found;
    size_t offset = 0;

    assert_true(chunk_next(chunk, &offset, &found));
    assert_int_equal(found.position, 5);
    assert_int_equal(found.time_ms, 1005);
    assert_null(found.key.data);
    assert_int_equal(found.value.len, 4);
    assert_memory_equal(found.value.data, "five", 4);
    assert_true(chunk_next(chunk, &offset, &found));
    assert_int_equal(found.position, 6);
    assert_int_equal(found.key.len, 3);
    assert_memory_equal(found.key.data, "key", 3);
    assert_memory_equal(found.value.data, "six", 3);
    assert_true(chunk_next(chunk, &offset, &found));
    assert_int_equal(found.position, 9);
    assert_non_null(found.key.data);
    assert_int_equal(found.key.len, 0);
    assert_int_equal(found.value.len, 0);
    assert_false(chunk_next(chunk, &offset, &found));
}

static void its_numbers_follow_what_is_added(void **state)
{
    struct chunk *chunk = *state;

    assert_int_equal(chunk->first, 5);
    assert_int_equal(chunk->last, 9);
    assert_int_equal(chunk->last_time_ms, 1009);
    assert_int_equal(chunk->entries, 3);
    assert_int_equal(chunk->payload, 10);
    assert_int_equal(chunk->len, 3 * HEADER + 10);
}

static void find_gives_the_entry_or_the_next_one(void **state)
{
    struct chunk *chunk = *state;

    assert_int_equal(chunk_find(chunk, 1), 0);
    assert_int_equal(chunk_find(chunk, 5), 0);
    assert_int_equal(chunk_find(chunk, 6), HEADER + 4);
    assert_int_equal(chunk_find(chunk, 7), 2 * HEADER + 10);
    assert_int_equal(chunk_find(chunk, 9), 2 * HEADER + 10);
    assert_int_equal(chunk_find(chunk, 10), chunk->len);
}

static void sealing_changes_no_byte(void **state)
{
    struct chunk *chunk = *state;
    uint8_t before[128];
    size_t len = chunk->len;

    memcpy(before, chunk_bytes(chunk), len);
    chunk_seal(chunk);
    assert_true(chunk->sealed);
    assert_int_equal(chunk->len, len);
    assert_memory_equal(chunk_bytes(chunk), before, len);
}

static void a_share_keeps_its_bytes_while_the_chunk_grows(void **state)
{
    struct chunk *chunk = *state;
    struct chunk_ref share = chunk_share(chunk);
    struct read_entry more = entry(10, NULL, "more");
    uint8_t before[128];

    memcpy(before, share.bytes, share.len);
    while (more.position < 2000) {
        chunk_add(chunk, &more);
        more.position++;
        more.time_ms++;
    }
    chunk_seal(chunk);
    assert_memory_equal(share.bytes, before, share.len);
    chunk_ref_drop(&share);
    chunk_ref_drop(&share);
}

static void a_share_outlives_the_chunk(void **state)
{
    struct chunk *chunk = *state;
    struct chunk_ref share = chunk_share(chunk);

    chunk_close(chunk);
    assert_memory_equal(share.bytes + HEADER, "five", 4);
    chunk_ref_drop(&share);
}

static void loading_gives_the_same_chunk(void **state)
{
    struct chunk *chunk = *state;
    struct read_entry more = entry(10, NULL, "more");
    struct chunk loaded;
    struct err err;

    assert_int_equal(
        chunk_load(&loaded, chunk_bytes(chunk), chunk->len, false, &err), 0);
    assert_int_equal(loaded.first, 5);
    assert_int_equal(loaded.last, 9);
    assert_int_equal(loaded.entries, 3);
    assert_int_equal(loaded.payload, 10);
    assert_int_equal(loaded.last_time_ms, 1009);
    assert_false(loaded.sealed);
    chunk_add(&loaded, &more);
    chunk_add(chunk, &more);
    assert_int_equal(loaded.len, chunk->len);
    assert_memory_equal(chunk_bytes(&loaded), chunk_bytes(chunk), chunk->len);
    chunk_close(&loaded);
}

static void loading_refuses_what_is_cut_off(void **state)
{
    struct chunk *chunk = *state;
    size_t ends[] = {HEADER + 4, 2 * HEADER + 10};

    for (size_t len = 0; len < chunk->len; len++) {
        int expected = len == ends[0] || len == ends[1] ? 0 : QL_CORRUPT;

        assert_int_equal(load(chunk_bytes(chunk), len), expected);
    }
}

static void loading_refuses_wrong_fields(void **state)
{
    struct chunk *chunk = *state;
    uint8_t bytes[128];
    size_t second = HEADER + 4;

    memcpy(bytes, chunk_bytes(chunk), chunk->len);
    put_u64(bytes, 0); /* positions count from 1 */
    assert_int_equal(load(bytes, chunk->len), QL_CORRUPT);
    put_u64(bytes, 6); /* the next is 6 */
    assert_int_equal(load(bytes, chunk->len), QL_CORRUPT);
    put_u64(bytes, 5);
    put_u64(bytes + 8, 5000); /* the next is of 1006 */
    assert_int_equal(load(bytes, chunk->len), QL_CORRUPT);
    put_u64(bytes + 8, 1005);
    put_u32(bytes + second + 16, ENTRY_KEY_MAX + 1);
    assert_int_equal(load(bytes, chunk->len), QL_CORRUPT);
    put_u32(bytes + second + 16, 3);
    put_u32(bytes + second + 20, UINT32_MAX);
    assert_int_equal(load(bytes, chunk->len), QL_CORRUPT);
    put_u32(bytes + second + 20, 3);
    assert_int_equal(load(bytes, chunk->len), 0);
}

static void digest_is_the_hash_of_the_fields_in_order(void **state)
{
    static const char fields[] = "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"
                                 "\6\0\0\0\0\0\0\0"
                                 "\xee\3\0\0\0\0\0\0"
                                 "\3\0\0\0key"
                                 "\3\0\0\0six";
    struct read_entry added = entry(6, "key", "six");
    uint8_t digest[HASH128_LEN] = {0};
    uint8_t expected[HASH128_LEN];

    (void)state;
    hash128(fields, sizeof(fields) - 1, expected);
    digest_add(digest, &added);
    assert_memory_equal(digest, expected, HASH128_LEN);
}

static void digest_tells_no_key_from_an_empty_one(void **state)
{
    struct read_entry without = entry(6, NULL, "six");
    struct read_entry with = entry(6, "", "six");
    uint8_t digests[2][HASH128_LEN] = {{0}, {0}};

    (void)state;
    digest_add(digests[0], &without);
    digest_add(digests[1], &with);
    assert_memory_not_equal(digests[0], digests[1], HASH128_LEN);
}

#define CHUNK_TEST(function)                                                   \
    cmocka_unit_test_setup_teardown(function, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CHUNK_TEST(entries_come_out_as_they_went_in),
        CHUNK_TEST(its_numbers_follow_what_is_added),
        CHUNK_TEST(find_gives_the_entry_or_the_next_one),
        CHUNK_TEST(sealing_changes_no_byte),
        CHUNK_TEST(a_share_keeps_its_bytes_while_the_chunk_grows),
        CHUNK_TEST(a_share_outlives_the_chunk),
        CHUNK_TEST(loading_gives_the_same_chunk),
        CHUNK_TEST(loading_refuses_what_is_cut_off),
        CHUNK_TEST(loading_refuses_wrong_fields),
        cmocka_unit_test(digest_is_the_hash_of_the_fields_in_order),
        cmocka_unit_test(digest_tells_no_key_from_an_empty_one),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
