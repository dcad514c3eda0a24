/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "consensus/reserve.h"

#include "support/cmocka.h"
#include "support/fake_disk.h"

#define BYTES 8192u

static struct reserve_look look(struct fake_disk *fake, uint64_t bytes,
                                uint64_t needs)
{
    struct reserve_look ret;
    struct err err;

    assert_int_equal(
        reserve_look(fake_disk_disk(fake), bytes, needs, &ret, &err), 0);
    return ret;
}

static void reserve_is_made_when_there_is_room(void **state)
{
    struct fake_disk *fake = fake_disk_new(1);
    struct reserve_look seen;
    size_t len;

    (void)state;
    fake_disk_capacity(fake, 3 * BYTES);
    seen = look(fake, BYTES, 3 * BYTES + 1);
    assert_true(seen.missing);
    assert_int_equal(seen.free_bytes, 3 * BYTES);
    assert_int_equal(seen.total_bytes, 3 * BYTES);
    seen = look(fake, BYTES, 3 * BYTES);
    assert_false(seen.missing);
    assert_int_equal(seen.free_bytes, 2 * BYTES);
    assert_non_null(fake_disk_bytes(fake, RESERVE_NAME, &len));
    assert_int_equal(len, BYTES);
    /* It stays, whatever is free. */
    assert_false(look(fake, BYTES, UINT64_MAX).missing);
    fake_disk_free(fake);
}

static void reserve_that_was_given_is_missing_until_there_is_room(void **state)
{
    struct fake_disk *fake = fake_disk_new(1);
    struct err err;

    (void)state;
    fake_disk_capacity(fake, 3 * BYTES);
    look(fake, BYTES, 0);
    assert_int_equal(reserve_give(fake_disk_disk(fake), &err), 0);
    assert_false(fake_disk_has(fake, RESERVE_NAME));
    assert_int_equal(reserve_give(fake_disk_disk(fake), &err), QL_NOT_FOUND);
    assert_true(look(fake, BYTES, 3 * BYTES + 1).missing);
    assert_false(look(fake, BYTES, 3 * BYTES).missing);
    fake_disk_free(fake);
}

static void reserve_that_does_not_fit_leaves_nothing(void **state)
{
    struct fake_disk *fake = fake_disk_new(1);
    struct reserve_look seen;

    (void)state;
    fake_disk_capacity(fake, BYTES - 1);
    seen = look(fake, BYTES, 0);
    assert_true(seen.missing);
    assert_int_equal(seen.free_bytes, BYTES - 1);
    assert_false(fake_disk_has(fake, RESERVE_NAME));
    fake_disk_free(fake);
}

static void reserve_changes_its_length_or_goes(void **state)
{
    struct fake_disk *fake = fake_disk_new(1);
    size_t len;

    (void)state;
    look(fake, BYTES, 0);
    assert_false(look(fake, 2 * BYTES, 0).missing);
    assert_non_null(fake_disk_bytes(fake, RESERVE_NAME, &len));
    assert_int_equal(len, 2 * BYTES);
    fake_disk_put(fake, "reserve.new", "left", 4);
    assert_false(look(fake, 0, 0).missing);
    assert_false(fake_disk_has(fake, RESERVE_NAME));
    assert_false(fake_disk_has(fake, "reserve.new"));
    fake_disk_free(fake);
}

static void crash_leaves_no_short_reserve(void **state)
{
    bool dead = true;

    (void)state;
    for (uint64_t crash = 1; dead; crash++) {
        struct fake_disk *fake = fake_disk_new(crash);
        struct reserve_look seen;
        struct err err;
        size_t len;

        assert_true(crash < 50);
        fake_disk_crash_at(fake, crash);
        (void)reserve_look(fake_disk_disk(fake), BYTES, 0, &seen, &err);
        dead = fake_disk_is_dead(fake);
        fake_disk_crash(fake, FAKE_POWER);
        if (fake_disk_bytes(fake, RESERVE_NAME, &len) != NULL) {
            assert_int_equal(len, BYTES);
        }
        assert_false(look(fake, BYTES, 0).missing);
        assert_false(fake_disk_has(fake, "reserve.new"));
        fake_disk_free(fake);
    }
}

static void failing_disk_is_told(void **state)
{
    (void)state;
    for (uint64_t nth = 1; nth < 6; nth++) {
        struct fake_disk *fake = fake_disk_new(1);
        struct reserve_look seen;
        struct err err;

        fake_disk_fail_at(fake, nth, QL_IO);
        assert_int_equal(
            reserve_look(fake_disk_disk(fake), BYTES, 0, &seen, &err), QL_IO);
        fake_disk_free(fake);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reserve_is_made_when_there_is_room),
        cmocka_unit_test(reserve_that_was_given_is_missing_until_there_is_room),
        cmocka_unit_test(reserve_that_does_not_fit_leaves_nothing),
        cmocka_unit_test(reserve_changes_its_length_or_goes),
        cmocka_unit_test(crash_leaves_no_short_reserve),
        cmocka_unit_test(failing_disk_is_told),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
