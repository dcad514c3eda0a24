/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* The check that walks through all that a backup holds. */
#include "backup/backup_deep.h"

#include <stdlib.h>

#include "support/cmocka.h"
#include "support/pool_rig.h"

#define LONG_MS 5000u
#define NAME "theirs"

static int setup(void **state)
{
    struct pool_rig *rig = calloc(1, sizeof(*rig));

    pool_rig_init(rig, 31);
    pool_rig_append(rig, 40);
    pool_rig_take(rig, NAME);
    pool_rig_run(rig, LONG_MS);
    *state = rig;
    return 0;
}

static int teardown(void **state)
{
    pool_rig_close(*state);
    free(*state);
    return 0;
}

struct deep_end {
    int status;
    struct backup_deep_result result;
};

static void on_deep(void *data, int status,
                    const struct backup_deep_result *result,
                    const struct err *err)
{
    struct deep_end *end = data;
    (void)err;
    end->status = status;
    end->result = *result;
}

static int check_deep(struct pool_rig *rig, struct deep_end *ret)
{
    struct backup_deep *deep;

    ret->status = -1;
    assert_int_equal(backup_deep_start(&deep, rig->store,
                                       fake_disk_disk(rig->fake), NAME, on_deep,
                                       ret),
                     0);
    pool_rig_run(rig, LONG_MS);
    assert_int_not_equal(ret->status, -1);
    return ret->status;
}

static void a_deep_check_walks_every_entry(void **state)
{
    struct pool_rig *rig = *state;
    struct backup_deep *deep;
    struct deep_end end;
    char pack[DISK_NAME_MAX];
    struct buf stream = BUF_INIT;
    size_t len = 0;

    assert_int_equal(pool_rig_stream(rig, NAME, 5000, &stream), 0);
    assert_int_equal(check_deep(rig, &end), 0);
    assert_int_equal(end.result.entries, rig->rows[0].entries);
    assert_int_equal(end.result.bytes, stream.len);
    assert_true(end.result.memory_bytes > 0);

    /* One that is given up leaves nothing behind. */
    end.status = -1;
    assert_int_equal(backup_deep_start(&deep, rig->store,
                                       fake_disk_disk(rig->fake), NAME, on_deep,
                                       &end),
                     0);
    backup_deep_cancel(deep);
    pool_rig_drain(rig);
    assert_int_equal(end.status, -1);

    assert_true(pool_rig_pack(rig, pack));
    (void)fake_disk_bytes(rig->fake, pack, &len);
    fake_disk_flip(rig->fake, pack, (uint64_t)len * 8 - 100);
    assert_int_equal(check_deep(rig, &end), QL_CORRUPT);
    buf_close(&stream);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_deep_check_walks_every_entry, setup,
                                        teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
