/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* Disks that are too small for what is to be written, or nearly. */
#include <stdlib.h>
#include <string.h>

#include "backup/backup_intake.h"
#include "machine/machine_parts.h"
#include "support/cmocka.h"
#include "support/pool_rig.h"

#define LONG_MS 5000u
#define PIECE 300u
#define FILE_NAME "intake-t.tmp"

static uint64_t free_bytes(const struct pool_rig *rig)
{
    struct disk *disk = fake_disk_disk(rig->fake);
    uint64_t room = 0;
    uint64_t size = 0;

    assert_int_equal(disk->ops->space(disk, &room, &size, NULL), 0);
    return room;
}

/* ---- What is written ---- */

static int setup(void **state)
{
    struct pool_rig *rig = malloc(sizeof(*rig));

    pool_rig_init(rig, 51);
    *state = rig;
    return 0;
}

static int teardown(void **state)
{
    pool_rig_close(*state);
    free(*state);
    return 0;
}

/* Else it would be said anew with each try, as others use the disk, too. */
static void want_of_room_is_told_in_the_same_words(void **state)
{
    struct pool_rig *rig = *state;
    char problem[BACKUP_ERROR_MAX + 1];
    uint64_t failures;

    fake_disk_capacity(rig->fake, BACKUP_SPARE_BYTES + 1000);
    pool_rig_take(rig, "first");
    pool_rig_run(rig, LONG_MS);
    failures = pool_rig_status(rig).failures;
    strcpy(problem, pool_rig_status(rig).problem);
    assert_non_null(strstr(problem, "no space"));
    fake_disk_capacity(rig->fake, BACKUP_SPARE_BYTES + 900);
    pool_rig_run(rig, 4 * LONG_MS);
    assert_true(pool_rig_status(rig).failures > failures);
    assert_string_equal(pool_rig_status(rig).problem, problem);
}

/* As after a start, which goes through the last entries again. */
static void what_is_there_whole_needs_no_room(void **state)
{
    struct pool_rig *rig = *state;

    pool_rig_take(rig, "first");
    pool_rig_run(rig, LONG_MS);
    assert_true(pool_rig_is_verified(rig, "first"));
    fake_disk_capacity(rig->fake, BACKUP_SPARE_BYTES);
    pool_rig_stop(rig);
    pool_rig_open(rig);
    backup_store_begin(rig->store, &rig->rows[0],
                       machine_freeze_logs(rig->chunks.driver.machine));
    pool_rig_run(rig, LONG_MS);
    assert_true(pool_rig_is_verified(rig, "first"));
    assert_int_equal(pool_rig_status(rig).waiting, 0);
    assert_string_equal(pool_rig_status(rig).problem, "");
}

static void damage_pack(void *data, const char *name)
{
    struct fake_disk *fake = data;
    size_t len;

    if (strstr(name, ".pack") != NULL) {
        (void)fake_disk_bytes(fake, name, &len);
        fake_disk_flip(fake, name, 8 * (len - 40));
    }
}

/* Who would bring it may have no room for it. */
static void what_waits_for_a_chunk_makes_room_where_that_is_low(void **state)
{
    struct pool_rig *rig = *state;

    pool_rig_append(rig, 1000);
    store_rig_settle(&rig->chunks);
    pool_rig_take(rig, "first");
    fake_disk_each(rig->chunks.fake, damage_pack, rig->chunks.fake);
    pool_rig_run(rig, LONG_MS);
    assert_int_equal(pool_rig_info(rig, "first")->state, BACKUP_WRITING);
    assert_string_equal(pool_rig_status(rig).problem, "");
    backup_store_relieve(rig->store);
    assert_int_equal(pool_rig_status(rig).waiting, 0);
    assert_int_equal(pool_rig_info(rig, "first")->state, BACKUP_MISSING);
    assert_true(pool_rig_info(rig, "first")->wants_fetch);
}

/* ---- What comes in ---- */

struct scene {
    struct pool_rig from;
    struct pool_rig to;
    struct buf stream; /* of the backup "theirs" */
    struct backup_intakes *intakes;
};

static bool is_own(void *data, const uint8_t cluster[PACK_CLUSTER_LEN])
{
    (void)data;
    (void)cluster;
    return true;
}

static int setup_scene(void **state)
{
    struct scene *scene = calloc(1, sizeof(*scene));
    struct backup_intakes_options options = {.is_own = is_own};

    pool_rig_init(&scene->from, 52);
    pool_rig_append(&scene->from, 400);
    pool_rig_take(&scene->from, "theirs");
    pool_rig_run(&scene->from, LONG_MS);
    assert_int_equal(
        pool_rig_stream(&scene->from, "theirs", 5000, &scene->stream), 0);
    pool_rig_init(&scene->to, 53);
    pool_rig_run(&scene->to, 1000);
    options.disk = fake_disk_disk(scene->to.fake);
    options.store = scene->to.store;
    scene->intakes = backup_intakes_new(&options);
    backup_intakes_tick(scene->intakes, scene->to.now_ms);
    *state = scene;
    return 0;
}

static int teardown_scene(void **state)
{
    struct scene *scene = *state;

    backup_intakes_stop(scene->intakes);
    pool_rig_drain(&scene->to);
    backup_intakes_free(scene->intakes);
    buf_close(&scene->stream);
    pool_rig_close(&scene->from);
    pool_rig_close(&scene->to);
    free(scene);
    return 0;
}

static struct backup_intake *begin(struct scene *scene)
{
    struct backup_intake_options options = {
        .token = "t", .total = scene->stream.len, .skips = true};
    struct backup_intake *intake = NULL;

    assert_int_equal(
        backup_intake_begin(scene->intakes, &options, &intake, NULL), 0);
    pool_rig_drain(&scene->to);
    return intake;
}

static struct backup_intake_status status_of(const struct backup_intake *intake)
{
    struct backup_intake_status status;

    backup_intake_get(intake, &status);
    return status;
}

static void on_piece(struct backup_piece *piece, int status)
{
    *(int *)piece->data = status;
}

/* Until nothing more is wanted or a piece cannot be written: why not. */
static int give(struct scene *scene, struct backup_intake *intake)
{
    int status = 0;

    for (unsigned i = 0; i < 100000u && status == 0 &&
                         status_of(intake).state <= INTAKE_VERIFYING;
         i++) {
        struct backup_piece piece = {.data = &status};
        uint64_t offset = 0;
        size_t len = 0;

        if (backup_intake_wants(intake, PIECE, &offset, &len)) {
            assert_int_equal(
                backup_intake_take(
                    intake, &piece, offset,
                    (struct bytes){scene->stream.data + offset, len}, on_piece),
                0);
            pool_rig_drain(&scene->to);
        } else {
            pool_rig_run(&scene->to, 250);
        }
    }
    return status;
}

/* All of the stream would fit, but not what is made of it, too. */
static struct backup_intake *fill_up(struct scene *scene)
{
    struct backup_intake *intake = begin(scene);

    fake_disk_capacity(scene->to.fake,
                       BACKUP_SPARE_BYTES + 3 * scene->stream.len / 2);
    assert_int_equal(give(scene, intake), QL_NO_SPACE);
    return intake;
}

static void what_comes_from_a_peer_leaves_some_of_the_disk_free(void **state)
{
    struct scene *scene = *state;
    struct backup_intake *intake = fill_up(scene);
    uint64_t next = status_of(intake).next;

    assert_int_equal(status_of(intake).state, INTAKE_RECEIVING);
    assert_in_range(next, scene->stream.len / 2, scene->stream.len - 1);
    assert_true(free_bytes(&scene->to) > BACKUP_SPARE_BYTES);
    fake_disk_capacity(scene->to.fake, BACKUP_SPARE_BYTES);
    assert_int_equal(give(scene, intake), QL_NO_SPACE);
    assert_int_equal(status_of(intake).next, next);
    fake_disk_capacity(scene->to.fake, BACKUP_SPARE_BYTES + 1024 * 1024);
    assert_int_equal(give(scene, intake), 0);
    assert_int_equal(status_of(intake).state, INTAKE_DONE);
}

static void what_finds_no_room_gives_it_back_where_that_is_low(void **state)
{
    struct scene *scene = *state;
    struct backup_intake *intake = fill_up(scene);

    backup_intake_leave(intake, false);
    backup_intakes_relieve(scene->intakes);
    pool_rig_drain(&scene->to);
    assert_null(backup_intake_find(scene->intakes, "t"));
    assert_false(fake_disk_has(scene->to.fake, FILE_NAME));
    /* What has found some stays. */
    fake_disk_capacity(scene->to.fake, 0);
    intake = begin(scene);
    backup_intakes_relieve(scene->intakes);
    assert_int_equal(give(scene, intake), 0);
    assert_int_equal(status_of(intake).state, INTAKE_DONE);
}

/* With what came of the other one left where it is there would be none. */
static void what_is_written_here_goes_before_what_finds_no_room(void **state)
{
    struct scene *scene = *state;
    struct backup_intake *intake = fill_up(scene);
    uint64_t held = status_of(intake).next;
    uint64_t room = free_bytes(&scene->to) - BACKUP_SPARE_BYTES;

    assert_true(held > 10000);
    backup_intake_leave(intake, false);
    fake_disk_capacity(scene->to.fake, BACKUP_SPARE_BYTES +
                                           3 * scene->stream.len / 2 - room +
                                           1000);
    pool_rig_take(&scene->to, "ours");
    for (unsigned i = 0; i < 4; i++) {
        pool_rig_run(&scene->to, 250);
        backup_intakes_tick(scene->intakes, scene->to.now_ms);
        pool_rig_drain(&scene->to);
    }
    assert_true(pool_rig_is_verified(&scene->to, "ours"));
    assert_string_equal(pool_rig_status(&scene->to).problem, "");
    assert_false(fake_disk_has(scene->to.fake, FILE_NAME));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define ROW(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
        ROW(want_of_room_is_told_in_the_same_words),
        ROW(what_is_there_whole_needs_no_room),
        ROW(what_waits_for_a_chunk_makes_room_where_that_is_low),
#undef ROW
#define ROW(name)                                                              \
    cmocka_unit_test_setup_teardown(name, setup_scene, teardown_scene)
        ROW(what_comes_from_a_peer_leaves_some_of_the_disk_free),
        ROW(what_finds_no_room_gives_it_back_where_that_is_low),
        ROW(what_is_written_here_goes_before_what_finds_no_room),
#undef ROW
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
