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
    struct read_entry entries[] = {
        entry(5, NULL, "five"),
        entry(6, "key", "six"),
        entry(9, "", ""),
    };
    struct chunk *chunk = chunk_new(3, 5);

    for (size_t i = 0; i < 3; i++) {
        chunk_add(chunk, &entries[i]);
    }
    *state = chunk;
    return 0;
}

static int teardown(void **state)
{
    chunk_drop(*state);
    return 0;
}

static struct bytes all_of(const struct chunk *chunk)
{
    return (struct bytes){chunk_bytes(chunk), chunk->len};
}

/* The chain over the entries of @chunk, from zeros on. */
static void chain_of(const struct chunk *chunk, uint8_t ret[HASH128_LEN])
{
    struct read_entry found;
    size_t offset = 0;

    memset(ret, 0, HASH128_LEN);
    while (chunk_next(chunk, &offset, &found)) {
        digest_add(ret, &found);
    }
}

static int load(const uint8_t *bytes, size_t len)
{
    uint8_t chain[HASH128_LEN] = {0};
    struct chunk *loaded;
    struct err err;
    int rv;

    rv = chunk_load(&loaded, 3, (struct bytes){bytes, len}, chain, &err);
    if (rv == 0) {
        chunk_drop(loaded);
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

    assert_int_equal(chunk->name.first, 5);
    assert_int_equal(chunk->name.last, 9);
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

static void find_agrees_with_a_walk_in_a_long_chunk(void **state)
{
    static const char value[3000];
    struct chunk *chunk = *state;
    struct read_entry added = {10, 2000, {NULL, 0}, {NULL, 0}};
    struct read_entry found;
    size_t offset = 0;
    size_t before = 0;

    for (; added.position < 400; added.position += 2) {
        added.value.data = (const uint8_t *)value;
        added.value.len = added.position % 7 * 400;
        chunk_add(chunk, &added);
    }
    while (chunk_next(chunk, &offset, &found)) {
        assert_int_equal(chunk_find(chunk, found.position), before);
        if (found.position >= 10) {
            assert_int_equal(chunk_find(chunk, found.position + 1), offset);
        }
        before = offset;
    }
}

static void sealing_changes_no_byte(void **state)
{
    struct chunk *chunk = *state;
    const uint8_t chain[HASH128_LEN] = {1, 2, 3};
    uint8_t before[128];
    size_t len = chunk->len;

    memcpy(before, chunk_bytes(chunk), len);
    chunk_seal(chunk, chain);
    assert_true(chunk->sealed);
    assert_int_equal(chunk->name.uid, 3);
    assert_memory_equal(chunk->name.chain, chain, HASH128_LEN);
    assert_int_equal(chunk->len, len);
    assert_memory_equal(chunk_bytes(chunk), before, len);
}

static void a_share_keeps_its_bytes_while_the_chunk_grows(void **state)
{
    struct chunk *chunk = *state;
    struct chunk_share share = chunk_share(chunk);
    const uint8_t chain[HASH128_LEN] = {0};
    struct read_entry more = entry(10, NULL, "more");
    uint8_t before[128];

    memcpy(before, share.bytes.data, share.bytes.len);
    while (more.position < 2000) {
        chunk_add(chunk, &more);
        more.position++;
        more.time_ms++;
    }
    chunk_seal(chunk, chain);
    assert_memory_equal(share.bytes.data, before, share.bytes.len);
    chunk_share_drop(&share);
    chunk_share_drop(&share);
}

static void a_share_outlives_the_chunk(void **state)
{
    struct chunk *chunk = *state;
    struct chunk_share share = chunk_share(chunk);

    chunk_drop(chunk);
    *state = NULL;
    assert_memory_equal(share.bytes.data + HEADER, "five", 4);
    chunk_share_drop(&share);
}

static void loading_gives_the_same_chunk(void **state)
{
    struct chunk *chunk = *state;
    struct read_entry more = entry(10, NULL, "more");
    uint8_t chain[HASH128_LEN] = {0};
    uint8_t expected[HASH128_LEN];
    struct chunk *loaded;
    struct err err;

    assert_int_equal(chunk_load(&loaded, 3, all_of(chunk), chain, &err), 0);
    chain_of(chunk, expected);
    assert_memory_equal(chain, expected, HASH128_LEN);
    assert_int_equal(loaded->name.uid, 3);
    assert_int_equal(loaded->name.first, 5);
    assert_int_equal(loaded->name.last, 9);
    assert_int_equal(loaded->entries, 3);
    assert_int_equal(loaded->payload, 10);
    assert_int_equal(loaded->last_time_ms, 1009);
    assert_false(loaded->sealed);
    chunk_add(loaded, &more);
    chunk_add(chunk, &more);
    assert_int_equal(loaded->len, chunk->len);
    assert_memory_equal(chunk_bytes(loaded), chunk_bytes(chunk), chunk->len);
    chunk_drop(loaded);
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

/* ---- Proving ---- */

static void sealed_bytes_prove_themselves(void **state)
{
    struct chunk *chunk = *state;
    const uint8_t zeros[HASH128_LEN] = {0};
    uint8_t chain[HASH128_LEN];
    struct chunk_facts facts;
    struct err err;

    chain_of(chunk, chain);
    chunk_seal(chunk, chain);
    facts = chunk_facts(chunk);
    assert_int_equal(chunk_memory_check(all_of(chunk), &facts, zeros, &err), 0);
    assert_int_equal(chunk_memory_check(all_of(chunk), &facts, chain, &err),
                     QL_CORRUPT);
}

static void no_flipped_bit_proves_itself(void **state)
{
    struct chunk *chunk = *state;
    const uint8_t zeros[HASH128_LEN] = {0};
    uint8_t chain[HASH128_LEN];
    struct chunk_facts facts;
    uint8_t bytes[128];
    struct err err;

    chain_of(chunk, chain);
    chunk_seal(chunk, chain);
    facts = chunk_facts(chunk);
    memcpy(bytes, chunk_bytes(chunk), chunk->len);
    for (size_t bit = 0; bit < chunk->len * 8; bit++) {
        struct bytes flipped = {bytes, chunk->len};

        bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
        assert_int_equal(chunk_memory_check(flipped, &facts, zeros, &err),
                         QL_CORRUPT);
        bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
    }
}

static void other_numbers_are_not_proven(void **state)
{
    struct chunk *chunk = *state;
    const uint8_t zeros[HASH128_LEN] = {0};
    uint8_t chain[HASH128_LEN];
    struct chunk_facts good;
    struct chunk_facts bad;
    struct err err;

    chain_of(chunk, chain);
    chunk_seal(chunk, chain);
    good = chunk_facts(chunk);
    for (int i = 0; i < 6; i++) {
        bad = good;
        bad.name.first += i == 0;
        bad.name.last += i == 1;
        bad.last_time_ms += i == 2;
        bad.entries += i == 3;
        bad.payload += i == 4;
        bad.len += i == 5;
        assert_int_equal(chunk_memory_check(all_of(chunk), &bad, zeros, &err),
                         QL_CORRUPT);
    }
}

static void marks_refuse_lengths_that_lead_nowhere(void **state)
{
    const struct chunk *chunk = *state;

    for (size_t len = 1; len <= chunk->len; len++) {
        struct chunk_memory *memory = chunk_memory_new(len);
        bool whole =
            len == HEADER + 4 || len == 2 * HEADER + 10 || len == chunk->len;

        memcpy(chunk_memory_bytes(memory), chunk_bytes(chunk), len);
        assert_int_equal(chunk_memory_mark(memory), whole ? 0 : QL_CORRUPT);
        chunk_memory_drop(memory);
    }
}

/* ---- Merging ---- */

static struct chunk *sealed(uint64_t first, uint64_t last)
{
    const uint8_t chain[HASH128_LEN] = {(uint8_t)last};
    struct chunk *chunk = chunk_new(3, first);

    for (uint64_t i = first; i <= last; i++) {
        struct read_entry added = entry(i, NULL, "value");

        chunk_add(chunk, &added);
    }
    chunk_seal(chunk, chain);
    return chunk;
}

static void a_merged_chunk_counts_all_its_parts(void **state)
{
    struct chunk *parts[] = {sealed(1, 3), sealed(4, 4), sealed(5, 9)};
    struct chunk *merged = chunk_merge(parts, 3);

    (void)state;
    assert_true(merged->sealed);
    assert_null(chunk_bytes(merged));
    assert_int_equal(merged->name.first, 1);
    assert_int_equal(merged->name.last, 9);
    assert_int_equal(merged->name.chain[0], 9);
    assert_int_equal(merged->entries, 9);
    assert_int_equal(merged->payload, 45);
    assert_int_equal(merged->len, 9 * (HEADER + 5));
    assert_int_equal(merged->last_time_ms, 1009);
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(parts[i]->refs, 2);
        chunk_drop(parts[i]);
    }
    chunk_drop(merged);
}

static void parts_are_never_made_of_parts(void **state)
{
    struct chunk *leaves[] = {sealed(1, 3), sealed(4, 4), sealed(5, 9)};
    struct chunk *inner = chunk_merge(leaves, 2);
    struct chunk *parts[] = {inner, leaves[2]};
    struct chunk *merged = chunk_merge(parts, 2);

    (void)state;
    assert_int_equal(inner->refs, 1);
    assert_int_equal(merged->parts->count, 3);
    for (size_t i = 0; i < 3; i++) {
        assert_ptr_equal(merged->parts->chunks[i], leaves[i]);
        chunk_drop(leaves[i]);
    }
    assert_ptr_equal(chunk_leaf(merged, 3), leaves[0]);
    assert_ptr_equal(chunk_leaf(merged, 4), leaves[1]);
    assert_ptr_equal(chunk_leaf(merged, 5), leaves[2]);
    chunk_drop(inner);
    chunk_drop(merged);
}

static void on_unused(struct chunk_home *home, struct chunk *chunk)
{
    (void)home;
    assert_int_equal(chunk->refs, 0);
    chunk->slot++;
}

static void a_home_hears_of_the_last_reference(void **state)
{
    struct chunk_home home = {on_unused};
    struct chunk *part = sealed(1, 1);
    struct chunk *other = sealed(2, 2);
    struct chunk *merged = chunk_merge((struct chunk *[]){part, other}, 2);

    (void)state;
    merged->home = &home;
    (void)chunk_ref(merged);
    chunk_drop(merged);
    assert_int_equal(merged->slot, 0);
    chunk_clear_parts(merged);
    assert_int_equal(part->refs, 1);
    chunk_drop(merged);
    chunk_drop(part);
    chunk_drop(other);
}

/* ---- The chain ---- */

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

static void a_short_chunk_wastes_little_room(void **state)
{
    static const uint8_t value[1000];
    struct read_entry added = {10, 2000, {NULL, 0}, {value, sizeof(value)}};
    struct chunk *chunk = *state;

    for (; added.position <= 50; added.position++) {
        chunk_add(chunk, &added);
        assert_in_range(chunk_memory_len(chunk->memory), chunk->len,
                        chunk->len + chunk->len / 8 + 256);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        CHUNK_TEST(entries_come_out_as_they_went_in),
        CHUNK_TEST(its_numbers_follow_what_is_added),
        CHUNK_TEST(find_gives_the_entry_or_the_next_one),
        CHUNK_TEST(find_agrees_with_a_walk_in_a_long_chunk),
        CHUNK_TEST(sealing_changes_no_byte),
        CHUNK_TEST(a_share_keeps_its_bytes_while_the_chunk_grows),
        CHUNK_TEST(a_share_outlives_the_chunk),
        CHUNK_TEST(loading_gives_the_same_chunk),
        CHUNK_TEST(loading_refuses_what_is_cut_off),
        CHUNK_TEST(loading_refuses_wrong_fields),
        CHUNK_TEST(sealed_bytes_prove_themselves),
        CHUNK_TEST(no_flipped_bit_proves_itself),
        CHUNK_TEST(other_numbers_are_not_proven),
        CHUNK_TEST(marks_refuse_lengths_that_lead_nowhere),
        CHUNK_TEST(a_short_chunk_wastes_little_room),
        cmocka_unit_test(a_merged_chunk_counts_all_its_parts),
        cmocka_unit_test(parts_are_never_made_of_parts),
        cmocka_unit_test(a_home_hears_of_the_last_reference),
        cmocka_unit_test(digest_is_the_hash_of_the_fields_in_order),
        cmocka_unit_test(digest_tells_no_key_from_an_empty_one),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
