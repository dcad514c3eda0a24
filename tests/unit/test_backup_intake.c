/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* Streams come in piece by piece, with crashes between, and damage is found. */
#include "backup/backup_intake.h"

#include <stdlib.h>
#include <string.h>

#include "backup/backup_front.h"
#include "support/cmocka.h"
#include "support/pool_rig.h"

#define LONG_MS 5000u
#define PIECE 300u
#define FILE_NAME "intake-t.tmp"

struct scene {
    struct pool_rig from;
    struct pool_rig to;
    struct buf stream; /* of the backup "theirs" */
    struct backup_row row;
    struct backup_intakes *intakes;
    bool is_own;
    unsigned ends;
    uint64_t given; /* bytes */
};

static bool is_own(void *data, const uint8_t cluster[PACK_CLUSTER_LEN])
{
    const struct scene *scene = data;

    (void)cluster;
    return scene->is_own;
}

static void open_intakes(struct scene *scene)
{
    const struct backup_intakes_options options = {
        .disk = fake_disk_disk(scene->to.fake),
        .store = scene->to.store,
        .is_own = is_own,
        .data = scene};

    scene->intakes = backup_intakes_new(&options);
    backup_intakes_tick(scene->intakes, scene->to.now_ms);
}

static int setup(void **state)
{
    struct scene *scene = calloc(1, sizeof(*scene));

    pool_rig_init(&scene->from, 31);
    pool_rig_append(&scene->from, 40);
    pool_rig_take(&scene->from, "theirs");
    pool_rig_run(&scene->from, LONG_MS);
    assert_int_equal(
        pool_rig_stream(&scene->from, "theirs", 5000, &scene->stream), 0);
    scene->row = scene->from.rows[0];
    pool_rig_init(&scene->to, 32);
    pool_rig_run(&scene->to, 1000);
    scene->is_own = true;
    open_intakes(scene);
    *state = scene;
    return 0;
}

static int teardown(void **state)
{
    struct scene *scene = *state;

    backup_intakes_stop(scene->intakes);
    pool_rig_drain(&scene->to);
    assert_false(backup_intakes_is_busy(scene->intakes));
    backup_intakes_free(scene->intakes);
    buf_close(&scene->stream);
    pool_rig_close(&scene->from);
    pool_rig_close(&scene->to);
    free(scene);
    return 0;
}

static void on_end(void *data, struct backup_intake *intake)
{
    struct scene *scene = data;

    (void)intake;
    scene->ends++;
}

static void on_piece(struct backup_piece *piece, int status)
{
    *(int *)piece->data = status;
}

static struct backup_intake *begin(struct scene *scene,
                                   struct backup_intake_options options)
{
    struct backup_intake *intake = NULL;
    struct err err = {0};

    options.token = "t";
    options.total = scene->stream.len;
    options.data = scene;
    if (backup_intake_begin(scene->intakes, &options, &intake, &err) != 0) {
        fail_msg("%s", err.text);
    }
    pool_rig_drain(&scene->to);
    return intake;
}

static struct backup_intake_status status_of(const struct backup_intake *intake)
{
    struct backup_intake_status status;

    backup_intake_get(intake, &status);
    return status;
}

/* What is wanted next; what writing it came to, or -1 when nothing is. */
static int give_one(struct scene *scene, struct backup_intake *intake)
{
    struct backup_piece piece;
    uint64_t offset = 0;
    size_t len = 0;
    int status = -1;

    if (!backup_intake_wants(intake, PIECE, &offset, &len)) {
        pool_rig_run(&scene->to, 250);
        backup_intakes_tick(scene->intakes, scene->to.now_ms);
        return -1;
    }
    assert_true(offset + len <= scene->stream.len);
    piece.data = &status;
    assert_int_equal(
        backup_intake_take(intake, &piece, offset,
                           (struct bytes){scene->stream.data + offset, len},
                           on_piece),
        0);
    scene->given += len;
    pool_rig_drain(&scene->to);
    return status;
}

/* Until it has ended. */
static void give_all(struct scene *scene, struct backup_intake *intake)
{
    for (unsigned i = 0; i < 100000u; i++) {
        enum backup_intake_state state = status_of(intake).state;

        if (state == INTAKE_DONE || state == INTAKE_FAILED) {
            return;
        }
        (void)give_one(scene, intake);
    }
    fail_msg("it does not end");
}

static void assert_is_there(struct scene *scene, const char *name)
{
    struct buf stream = BUF_INIT;

    assert_int_equal(pool_rig_stream(&scene->to, name, 7000, &stream), 0);
    assert_true(
        pool_rig_proves((struct bytes){stream.data, stream.len}, &scene->row));
    buf_close(&stream);
}

static void a_whole_stream_becomes_a_backup(void **state)
{
    struct scene *scene = *state;
    struct backup_intake *intake =
        begin(scene, (struct backup_intake_options){.on_end = on_end});

    assert_int_equal(status_of(intake).state, INTAKE_RECEIVING);
    assert_null(status_of(intake).row);
    assert_int_equal(give_one(scene, intake), 0);
    assert_string_equal(status_of(intake).row->name, "theirs");
    assert_int_equal(status_of(intake).row->id, 0);
    assert_false(status_of(intake).row->foreign);
    give_all(scene, intake);
    assert_int_equal(status_of(intake).state, INTAKE_DONE);
    assert_int_equal(scene->ends, 1);
    assert_int_equal(scene->given, scene->stream.len);
    assert_is_there(scene, "theirs");
    backup_intake_leave(intake, true);
    pool_rig_drain(&scene->to);
    assert_null(backup_intake_find(scene->intakes, "t"));
    assert_false(fake_disk_has(scene->to.fake, FILE_NAME));
}

static void pieces_may_come_twice_but_not_early(void **state)
{
    struct scene *scene = *state;
    struct backup_intake *intake =
        begin(scene, (struct backup_intake_options){.skips = false});
    struct backup_piece piece;
    int status = -1;

    assert_int_equal(give_one(scene, intake), 0);
    piece.data = &status;
    assert_int_equal(
        backup_intake_take(intake, &piece, 100,
                           (struct bytes){scene->stream.data + 100, 400},
                           on_piece),
        0);
    /* One at a time. */
    assert_int_equal(
        backup_intake_take(intake, &piece, 100,
                           (struct bytes){scene->stream.data + 100, 400},
                           on_piece),
        QL_BUSY);
    pool_rig_drain(&scene->to);
    assert_int_equal(status, 0);
    assert_int_equal(status_of(intake).next, 500);
    assert_int_equal(backup_intake_take(intake, &piece, 501,
                                        (struct bytes){scene->stream.data, 10},
                                        on_piece),
                     0);
    pool_rig_drain(&scene->to);
    assert_int_equal(status, QL_OUT_OF_ORDER);
    assert_int_equal(status_of(intake).state, INTAKE_RECEIVING);
    assert_int_equal(backup_intake_take(intake, &piece, scene->stream.len - 5,
                                        (struct bytes){scene->stream.data, 10},
                                        on_piece),
                     QL_INVALID);
    give_all(scene, intake);
    assert_int_equal(status_of(intake).state, INTAKE_DONE);
}

static void it_goes_on_after_a_crash_with_what_is_durable(void **state)
{
    struct scene *scene = *state;
    struct backup_intake *intake =
        begin(scene, (struct backup_intake_options){.skips = false});
    uint64_t next;

    for (unsigned i = 0; i < 5; i++) {
        assert_int_equal(give_one(scene, intake), 0);
    }
    next = status_of(intake).next;
    for (unsigned turn = 0; turn < 2; turn++) {
        backup_intakes_free(scene->intakes);
        pool_rig_crash(&scene->to, turn == 0 ? FAKE_KILL : FAKE_POWER);
        pool_rig_run(&scene->to, 1000);
        open_intakes(scene);
        intake = begin(scene, (struct backup_intake_options){.skips = false});
        assert_int_equal(status_of(intake).next, next);
    }
    give_all(scene, intake);
    assert_int_equal(status_of(intake).state, INTAKE_DONE);
    assert_int_equal(scene->given, scene->stream.len);
    assert_is_there(scene, "theirs");
}

static void chunks_that_the_pool_has_need_not_come(void **state)
{
    struct scene *scene = *state;
    struct backup_intake *intake =
        begin(scene, (struct backup_intake_options){.skips = false});
    struct backup_front front = {.chunks = 0};
    struct backup_row second = scene->row;
    struct pack_row chunk;

    give_all(scene, intake);
    assert_int_equal(status_of(intake).state, INTAKE_DONE);
    backup_intake_leave(intake, true);
    scene->to.rows[0] = scene->row;
    scene->to.count = 1;
    backup_store_set_table(scene->to.store, scene->to.rows, 1, 0);
    pool_rig_run(&scene->to, LONG_MS);
    assert_int_equal(backup_front_decode(scene->stream.data, &front, NULL), 0);
    assert_true(front.chunks > 0);
    assert_int_equal(
        backup_front_row((struct bytes){scene->stream.data, scene->stream.len},
                         0, &chunk, NULL),
        0);
    /* Asked once, so that it is looked up. */
    (void)backup_store_has_chunk(scene->to.store, &chunk.facts);
    pool_rig_run(&scene->to, LONG_MS);
    assert_true(backup_store_has_chunk(scene->to.store, &chunk.facts));

    strcpy(second.name, "again");
    backup_front_set_row(scene->stream.data, (size_t)backup_front_len(&front),
                         &second);
    scene->given = 0;
    intake = begin(scene, (struct backup_intake_options){.skips = true,
                                                         .expected = &second});
    give_all(scene, intake);
    assert_int_equal(status_of(intake).state, INTAKE_DONE);
    assert_int_equal(scene->given, backup_front_len(&front) + front.tail_len);
    strcpy(scene->row.name, "again");
    assert_is_there(scene, "again");
}

/* @turns: so often the store, which stops as well, has come to the adoption. Had it
 * ended by then? */
static bool ends_and_goes_on(unsigned turns)
{
    void *state;
    struct scene *scene = setup(&state) == 0 ? state : NULL;
    struct pool_rig *to = &scene->to;
    struct backup_intake *intake =
        begin(scene, (struct backup_intake_options){.on_end = on_end});
    uint64_t offset;
    size_t len;
    bool is_over;

    while (backup_intake_wants(intake, PIECE, &offset, &len)) {
        assert_int_equal(give_one(scene, intake), 0);
    }
    for (unsigned i = 0; i < turns; i++) {
        (void)fake_disk_end_work(to->fake);
        backup_store_tick(to->store, to->now_ms, to->wall_ms);
    }
    is_over = scene->ends > 0;
    backup_intakes_stop(scene->intakes);
    backup_store_stop(to->store);
    assert_true(is_over || !backup_intakes_is_busy(scene->intakes));
    assert_true(is_over || backup_store_is_busy(to->store) == (turns > 0));
    pool_rig_drain(to);
    assert_int_equal(scene->ends, is_over);
    backup_intakes_free(scene->intakes);
    pool_rig_stop(to);
    pool_rig_open(to);
    pool_rig_run(to, 1000);
    open_intakes(scene);
    give_all(scene,
             begin(scene, (struct backup_intake_options){.skips = false}));
    assert_true(is_over || scene->given == scene->stream.len);
    assert_is_there(scene, "theirs");
    (void)teardown(&state);
    return is_over;
}

static void an_end_waits_for_no_adoption_but_the_next_process_does(void **state)
{
    unsigned turns = 0;

    (void)state;
    while (!ends_and_goes_on(turns)) {
        turns++;
    }
    assert_true(turns > 2);
}

static void every_damage_is_found_out(void **state)
{
    struct scene *scene = *state;
    size_t step = scene->stream.len / 60;

    for (size_t at = 0; at < scene->stream.len; at += step) {
        struct backup_intake *intake;

        scene->stream.data[at] ^= 0x20;
        intake = begin(scene, (struct backup_intake_options){.on_end = on_end});
        give_all(scene, intake);
        assert_int_equal(status_of(intake).state, INTAKE_FAILED);
        assert_true(status_of(intake).err->code == QL_CORRUPT ||
                    status_of(intake).err->code == QL_INVALID);
        backup_intake_leave(intake, true);
        pool_rig_drain(&scene->to);
        assert_null(pool_rig_info(&scene->to, "theirs"));
        scene->stream.data[at] ^= 0x20;
    }
    assert_int_equal(pool_rig_files(&scene->to, "", ".manifest"), 0);
    assert_int_equal(pool_rig_files(&scene->to, "intake-", ""), 0);
}

static void foreign_ones_must_be_called_so(void **state)
{
    struct scene *scene = *state;
    struct backup_intake *intake;

    scene->is_own = false;
    intake = begin(scene, (struct backup_intake_options){.on_end = on_end});
    give_all(scene, intake);
    assert_int_equal(status_of(intake).state, INTAKE_FAILED);
    assert_int_equal(status_of(intake).err->code, QL_CONDITION_FAILED);
    assert_non_null(strstr(status_of(intake).err->text, "foreign"));
    backup_intake_leave(intake, true);
    pool_rig_drain(&scene->to);
    intake = begin(scene, (struct backup_intake_options){.foreign = true});
    give_all(scene, intake);
    assert_int_equal(status_of(intake).state, INTAKE_DONE);
    assert_true(status_of(intake).row->foreign);
}

static void another_backup_than_was_expected_is_refused(void **state)
{
    struct scene *scene = *state;
    struct backup_row expected = scene->row;
    struct backup_intake *intake;

    expected.digest[0] ^= 1;
    intake = begin(scene, (struct backup_intake_options){.expected = &expected,
                                                         .on_end = on_end});
    give_all(scene, intake);
    assert_int_equal(status_of(intake).state, INTAKE_FAILED);
    assert_int_equal(scene->ends, 1);
}

static void a_full_disk_is_told_and_tried_again(void **state)
{
    struct scene *scene = *state;
    struct backup_intake *intake =
        begin(scene, (struct backup_intake_options){.skips = false});

    assert_int_equal(give_one(scene, intake), 0);
    /* Its work opens the file, then writes. */
    fake_disk_fail_at(scene->to.fake, 2, QL_NO_SPACE);
    assert_int_equal(give_one(scene, intake), QL_NO_SPACE);
    assert_int_equal(status_of(intake).state, INTAKE_RECEIVING);
    give_all(scene, intake);
    assert_int_equal(status_of(intake).state, INTAKE_DONE);
}

static int begin_as(struct scene *scene, const char *token, uint64_t total)
{
    const struct backup_intake_options options = {token, .total = total};
    struct backup_intake *intake;

    return backup_intake_begin(scene->intakes, &options, &intake, NULL);
}

static void streams_are_few_and_do_not_stay_for_ever(void **state)
{
    struct scene *scene = *state;
    uint64_t total = scene->stream.len;

    for (unsigned i = 0; i < INTAKES_MAX; i++) {
        const char token[2] = {(char)('a' + i), '\0'};

        assert_int_equal(begin_as(scene, token, total), 0);
    }
    assert_int_equal(begin_as(scene, "one-more", total), QL_BUSY);
    pool_rig_drain(&scene->to);
    assert_int_equal(pool_rig_files(&scene->to, "intake-", ""), INTAKES_MAX);
    backup_intakes_tick(scene->intakes, scene->to.now_ms + INTAKE_IDLE_MS);
    pool_rig_drain(&scene->to);
    assert_int_equal(pool_rig_files(&scene->to, "intake-", ""), 0);
    assert_int_equal(begin_as(scene, "one-more", total), 0);
    assert_int_equal(begin_as(scene, "../x", total), QL_INVALID);
    /* Twice that, and more, is a small number again. */
    assert_int_equal(begin_as(scene, "long", INT64_MAX), QL_INVALID);
    pool_rig_drain(&scene->to);
}

static void what_an_earlier_process_left_goes_when_nobody_wants_it(void **state)
{
    struct scene *scene = *state;
    uint64_t now_ms = scene->to.now_ms;
    struct backup_intake *intake =
        begin(scene, (struct backup_intake_options){.on_end = on_end});

    fake_disk_put(scene->to.fake, "intake-old.tmp", "x", 1);
    fake_disk_put(scene->to.fake, "intake-notes.txt", "x", 1);
    backup_intakes_tick(scene->intakes, now_ms + INTAKE_IDLE_MS - 1);
    pool_rig_drain(&scene->to);
    assert_true(fake_disk_has(scene->to.fake, "intake-old.tmp"));
    backup_intakes_tick(scene->intakes, now_ms + INTAKE_IDLE_MS);
    assert_true(backup_intakes_is_busy(scene->intakes));
    pool_rig_drain(&scene->to);
    assert_false(backup_intakes_is_busy(scene->intakes));
    assert_false(fake_disk_has(scene->to.fake, "intake-old.tmp"));
    assert_true(fake_disk_has(scene->to.fake, "intake-notes.txt"));
    /* It has somebody who waits for it. */
    assert_true(fake_disk_has(scene->to.fake, FILE_NAME));
    give_all(scene, intake);
    assert_int_equal(status_of(intake).state, INTAKE_DONE);
}

#define ROW(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        ROW(a_whole_stream_becomes_a_backup),
        ROW(pieces_may_come_twice_but_not_early),
        ROW(it_goes_on_after_a_crash_with_what_is_durable),
        ROW(chunks_that_the_pool_has_need_not_come),
        cmocka_unit_test(
            an_end_waits_for_no_adoption_but_the_next_process_does),
        ROW(every_damage_is_found_out),
        ROW(foreign_ones_must_be_called_so),
        ROW(another_backup_than_was_expected_is_refused),
        ROW(a_full_disk_is_told_and_tried_again),
        ROW(streams_are_few_and_do_not_stay_for_ever),
        ROW(what_an_earlier_process_left_goes_when_nobody_wants_it),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
