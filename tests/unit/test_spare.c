/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "machine/spare.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "support/cmocka.h"
#include "util/limits.h"

#define BLOCK MIB

/* A build that looks for the use of freed blocks keeps none. */
static bool keeps_none(void)
{
    spare_drop_all();
    spare_free(spare_alloc(BLOCK));
    if (spare_bytes() > 0) {
        spare_drop_all();
        return false;
    }
    return true;
}

static void freed_block_is_used_again(void **state)
{
    void *block = spare_alloc(BLOCK);

    (void)state;
    if (keeps_none()) {
        free(block);
        skip();
    }
    memset(block, 1, BLOCK);
    spare_free(block);
    assert_true(spare_bytes() >= BLOCK);
    /* Chunks differ by a little. */
    assert_ptr_equal(spare_alloc(BLOCK - 1000), block);
    assert_int_equal(spare_bytes(), 0);
    /* It is a block of malloc(), too. */
    block = realloc(block, 2 * BLOCK);
    assert_non_null(block);
    spare_free(block);
    spare_drop_all();
    assert_int_equal(spare_bytes(), 0);
}

static void what_is_kept_is_bounded(void **state)
{
    void *blocks[64];
    size_t i;

    (void)state;
    for (i = 0; i < 64; i++) {
        blocks[i] = spare_alloc(i % 2 == 0 ? BLOCK : SPARE_BLOCK_MIN);
    }
    for (i = 0; i < 64; i++) {
        spare_free(blocks[i]);
        assert_true(spare_bytes() <= SPARE_BYTES_MAX);
    }
    spare_drop_all();
}

static void only_blocks_of_the_usual_sizes_are_kept(void **state)
{
    (void)state;
    spare_drop_all();
    spare_free(NULL);
    spare_free(spare_alloc(SPARE_BLOCK_MIN / 2));
    spare_free(spare_alloc(SPARE_BLOCK_MAX + MIB));
    assert_int_equal(spare_bytes(), 0);
}

static void much_larger_block_is_not_used_for_a_small_one(void **state)
{
    void *small;
    size_t kept;

    (void)state;
    if (keeps_none()) {
        skip();
    }
    spare_free(spare_alloc(4 * SPARE_BLOCK_MIN));
    kept = spare_bytes();
    small = spare_alloc(SPARE_BLOCK_MIN);
    assert_int_equal(spare_bytes(), kept);
    spare_free(small);
    spare_drop_all();
}

static void buffer_keeps_its_bytes_when_it_moves(void **state)
{
    struct buf buf = BUF_INIT;

    (void)state;
    assert_int_equal(buf_add(&buf, "bytes", 5), 0);
    spare_buf_reserve(&buf, BLOCK);
    assert_true(buf.room >= BLOCK + 5);
    assert_int_equal(buf.len, 5);
    assert_memory_equal(buf.data, "bytes", 5);
    spare_buf_reserve(&buf, 1);
    spare_buf_close(&buf);
    assert_null(buf.data);
    spare_buf_close(&buf);
    spare_drop_all();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(freed_block_is_used_again),
        cmocka_unit_test(what_is_kept_is_bounded),
        cmocka_unit_test(only_blocks_of_the_usual_sizes_are_kept),
        cmocka_unit_test(much_larger_block_is_not_used_for_a_small_one),
        cmocka_unit_test(buffer_keeps_its_bytes_when_it_moves),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
