/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "support/cmocka.h"
#include "util/buf.h"
#include "util/hash128.h"
#include "util/text.h"

/* The value that xxhsum -H128 prints for no input. */
static void hash_of_nothing_is_the_published_one(void **state)
{
    uint8_t hash[HASH128_LEN];
    char text[2 * HASH128_LEN + 1];

    (void)state;
    hash128(NULL, 0, hash);
    text_hex(hash, sizeof hash, text, sizeof text);
    assert_string_equal(text, "99aa06d3014798d86001c324468d497f");
}

static void runs_hash_like_one_piece(void **state)
{
    char bytes[1000];
    uint8_t whole[HASH128_LEN];
    uint8_t parts[HASH128_LEN];
    struct bytes runs[4];

    (void)state;
    for (size_t i = 0; i < sizeof bytes; i++) {
        bytes[i] = (char)(i * 7);
    }
    hash128(bytes, sizeof bytes, whole);
    runs[0] = (struct bytes){(uint8_t *)bytes, 1};
    runs[1] = (struct bytes){NULL, 0};
    runs[2] = (struct bytes){(uint8_t *)bytes + 1, 500};
    runs[3] = (struct bytes){(uint8_t *)bytes + 501, sizeof bytes - 501};
    hash128_runs(runs, 4, parts);
    assert_memory_equal(parts, whole, HASH128_LEN);
}

static void runs_of_any_length_hash_like_one_piece(void **state)
{
    uint8_t bytes[600];
    uint8_t whole[HASH128_LEN];
    uint8_t parts[HASH128_LEN];

    (void)state;
    for (size_t i = 0; i < sizeof bytes; i++) {
        bytes[i] = (uint8_t)(i * 13);
    }
    for (size_t len = 0; len <= sizeof bytes; len++) {
        const struct bytes runs[2] = {{bytes, len / 3},
                                      {bytes + len / 3, len - len / 3}};

        hash128(bytes, len, whole);
        hash128_runs(runs, 2, parts);
        assert_memory_equal(parts, whole, HASH128_LEN);
    }
}

static void seed_changes_the_short_hash(void **state)
{
    (void)state;
    assert_true(hash64("a", 1, 1) != hash64("a", 1, 2));
    assert_true(hash64("a", 1, 1) == hash64("a", 1, 1));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hash_of_nothing_is_the_published_one),
        cmocka_unit_test(runs_hash_like_one_piece),
        cmocka_unit_test(runs_of_any_length_hash_like_one_piece),
        cmocka_unit_test(seed_changes_the_short_hash),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
