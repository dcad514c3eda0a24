/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* A stream that came from elsewhere becomes a backup of this directory. */
#include <stdlib.h>
#include <string.h>

#include "backup/backup_front.h"
#include "support/pool_rig.h"
#include "support/cmocka.h"

#define LONG_MS 5000u
#define FILE_NAME "intake-1.tmp"

struct pair {
    struct pool_rig from;
    struct pool_rig to;
    struct buf stream; /* of the backup "theirs" */
};

static int setup(void **state)
{
    struct pair *pair = calloc(1, sizeof(*pair));

    pool_rig_init(&pair->from, 21);
    pool_rig_append(&pair->from, 40);
    pool_rig_take(&pair->from, "theirs");
    pool_rig_run(&pair->from, LONG_MS);
    assert_int_equal(
        pool_rig_stream(&pair->from, "theirs", 5000, &pair->stream), 0);
    pool_rig_init(&pair->to, 22);
    pool_rig_run(&pair->to, 1000);
    *state = pair;
    return 0;
}

static int teardown(void **state)
{
    struct pair *pair = *state;

    buf_close(&pair->stream);
    pool_rig_close(&pair->from);
    pool_rig_close(&pair->to);
    free(pair);
    return 0;
}

static void on_adopted(struct backup_adopt *adopt, int status)
{
    *(int *)adopt->data = status;
}

static int adopt(struct pair *pair, const struct backup_row *row)
{
    int status = -1;
    struct backup_adopt adopt = {.data = &status};
    int rv;

    fake_disk_put(pair->to.fake, FILE_NAME, pair->stream.data,
                  pair->stream.len);
    rv = backup_store_adopt(pair->to.store, &adopt, FILE_NAME, row, on_adopted);
    assert_int_equal(rv, 0);
    pool_rig_run(&pair->to, LONG_MS);
    assert_int_not_equal(status, -1);
    return status;
}

static void assert_proves(struct pair *pair, const char *name)
{
    struct buf stream = BUF_INIT;

    assert_int_equal(pool_rig_stream(&pair->to, name, 3000, &stream), 0);
    assert_true(pool_rig_proves((struct bytes){stream.data, stream.len},
                                &pair->from.rows[0]));
    buf_close(&stream);
}

static void a_stream_becomes_a_backup(void **state)
{
    struct pair *pair = *state;
    struct backup_row *row = &pair->to.rows[0];

    *row = pair->from.rows[0];
    strcpy(row->name, "ours-now");
    assert_int_equal(adopt(pair, row), 0);
    assert_false(pool_rig_info(&pair->to, "ours-now")->in_table);
    pair->to.count = 1;
    backup_store_set_table(pair->to.store, pair->to.rows, 1, 0);
    assert_true(pool_rig_is_verified(&pair->to, "ours-now"));
    assert_proves(pair, "ours-now");
}

static void what_the_pool_has_need_not_be_in_the_stream(void **state)
{
    struct pair *pair = *state;
    struct backup_front front = {.chunks = 0};
    struct bytes bytes = {pair->stream.data, pair->stream.len};
    struct backup_row row = pair->from.rows[0];
    struct backup_row second = row;
    unsigned holes = 0;

    /* The same chunks under another name first. */
    strcpy(second.name, "second");
    assert_int_equal(adopt(pair, &second), 0);
    pair->to.rows[0] = second;
    pair->to.count = 1;
    backup_store_set_table(pair->to.store, pair->to.rows, 1, 0);
    assert_int_equal(backup_front_decode(bytes.data, &front, NULL), 0);
    for (unsigned turn = 0; turn < 2; turn++) {
        for (uint32_t i = 0; i < front.chunks; i++) {
            struct pack_row chunk = {.frame_len = 0};

            assert_int_equal(backup_front_row(bytes, i, &chunk, NULL), 0);
            if (backup_store_has_chunk(pair->to.store, &chunk.facts)) {
                memset(pair->stream.data + chunk.frame_at, 0, chunk.frame_len);
                holes++;
            }
        }
        pool_rig_run(&pair->to, 1000); /* the index is read meanwhile */
    }
    assert_int_equal(holes, front.chunks);
    assert_int_equal(adopt(pair, &row), 0);
    assert_proves(pair, "theirs");
    assert_int_equal(pool_rig_info(&pair->to, "theirs")->new_bytes, 0);
}

static void a_hole_that_nothing_fills_is_told(void **state)
{
    struct pair *pair = *state;
    struct backup_front front = {.chunks = 0};

    assert_int_equal(backup_front_decode(pair->stream.data, &front, NULL), 0);
    memset(pair->stream.data + backup_front_len(&front), 0, 50);
    assert_int_equal(adopt(pair, &pair->from.rows[0]), QL_NOT_FOUND);
    assert_null(pool_rig_info(&pair->to, "theirs"));
    pool_rig_run(&pair->to, LONG_MS);
    assert_int_equal(pool_rig_files(&pair->to, "chunks/", ""), 0);
}

static void a_full_disk_is_told_to_who_brought_it(void **state)
{
    struct pair *pair = *state;

    fake_disk_capacity(pair->to.fake, pair->stream.len + 500);
    assert_int_equal(adopt(pair, &pair->from.rows[0]), QL_NO_SPACE);
    fake_disk_capacity(pair->to.fake, 0);
    pool_rig_run(&pair->to, BACKUP_RETRY_MAX_MS);
    assert_int_equal(adopt(pair, &pair->from.rows[0]), 0);
    assert_proves(pair, "theirs");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_stream_becomes_a_backup, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(
            what_the_pool_has_need_not_be_in_the_stream, setup, teardown),
        cmocka_unit_test_setup_teardown(a_hole_that_nothing_fills_is_told,
                                        setup, teardown),
        cmocka_unit_test_setup_teardown(a_full_disk_is_told_to_who_brought_it,
                                        setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
