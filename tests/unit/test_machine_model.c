/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* Random commands to the machine and to a naive model of it: they must agree
 * on every outcome and on all state. Now and then the machine is replaced by
 * one restored from its image, which must not be noticed. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support/cmocka.h"
#include "support/dice.h"
#include "support/driver.h"
#include "support/model.h"

#define STEPS 3000
#define COMPARE_EVERY 50
#define REBIRTH_EVERY 250
#define VALUE_MAX 300000u

struct world {
    struct driver driver;
    struct model *model;
    struct dice dice;
    uint8_t fills[256][64]; /* keys */
};

static uint64_t roll(struct world *world, uint64_t sides)
{
    return dice_roll(&world->dice, sides);
}

static const char *log_name(size_t log)
{
    static char name[16];

    snprintf(name, sizeof(name), "dir/log-%zu", log);
    return name;
}

static struct retention any_retention(struct world *world)
{
    struct retention keep = {0, 0, 0};

    if (roll(world, 3) == 0) {
        keep.entries = roll(world, 30);
    }
    if (roll(world, 3) == 0) {
        keep.bytes = roll(world, 2 * MIB);
    }
    if (roll(world, 3) == 0) {
        keep.age_ms = roll(world, 100000);
    }
    return keep;
}

/* ---- Commands ---- */

static void try_create(struct world *world, size_t log)
{
    struct retention keep = any_retention(world);
    uint64_t token = roll(world, 3);
    int expected = model_create(world->model, log, keep, token);

    assert_int_equal(
        driver_create_with(&world->driver, log_name(log), keep, token),
        expected);
}

static void try_configure(struct world *world, size_t log)
{
    struct retention keep = any_retention(world);
    int expected = model_configure(world->model, log, keep);

    assert_int_equal(driver_configure(&world->driver, log_name(log), keep),
                     expected);
}

static void try_trim(struct world *world, size_t log)
{
    uint64_t tail = model_tail(&world->model->logs[log]);
    uint64_t before = 1 + roll(world, tail + 1);
    uint64_t position = 0;
    int expected = model_trim(world->model, log, before, &position);

    assert_int_equal(driver_trim(&world->driver, log_name(log), before),
                     expected);
    assert_int_equal(world->driver.outcome.position, position);
}

static void try_writer(struct world *world, size_t log)
{
    uint64_t epoch = 1 + roll(world, world->model->logs[log].epoch + 1);

    if (roll(world, 3) == 0) {
        assert_int_equal(
            driver_acquire(&world->driver, log_name(log), "someone"),
            model_acquire(world->model, log));
    } else {
        assert_int_equal(driver_release(&world->driver, log_name(log), epoch),
                         model_release(world->model, log, epoch));
    }
}

static void try_producer(struct world *world, size_t index)
{
    struct model_producer *producer = &world->model->producers[index];
    uint64_t expected;

    if (producer->id == 0 || producer->closed) {
        expected = model_open(world->model, index, world->driver.index + 1);
        assert_int_equal(driver_open_producer(&world->driver), expected);
    } else if (roll(world, 4) == 0) {
        assert_int_equal(driver_close_producer(&world->driver, producer->id),
                         0);
        producer->closed = true;
    } else {
        assert_int_equal(
            driver_close_producer(&world->driver, world->model->id_last + 1),
            QL_NOT_FOUND);
    }
}

static void try_tick(struct world *world)
{
    if (roll(world, 10) == 0) {
        assert_int_equal(driver_confirm_clock(&world->driver), 0);
        world->model->suspended = false;
    }
    assert_int_equal(driver_tick(&world->driver), 0);
    model_tick(world->model);
    assert_false(
        machine_wants_tick(world->driver.machine, world->driver.time_ms));
}

/* ---- Appends ---- */

static void any_entry(struct world *world, struct model_entry *ret)
{
    static const size_t sizes[] = {1, 40, 40, 3000, 3000, VALUE_MAX};

    ret->fill = (uint8_t)roll(world, 256);
    ret->value_len = (size_t)roll(world, sizes[roll(world, 6)]);
    ret->key_len = roll(world, 2) == 0 ? SIZE_MAX : (size_t)roll(world, 64);
}

static void any_part(struct world *world, size_t log, struct model_part *ret)
{
    const struct model_log *model_log = &world->model->logs[log];

    memset(ret, 0, sizeof(*ret));
    ret->log = log;
    if (roll(world, 3) == 0) {
        ret->expect_position = model_tail(model_log) + (roll(world, 8) == 0);
    }
    ret->epoch = model_log->held ? model_log->epoch : 0;
    if (roll(world, 10) == 0) {
        ret->epoch = roll(world, model_log->epoch + 2);
    }
    ret->count = 1 + (size_t)roll(world, 4);
    for (size_t i = 0; i < ret->count; i++) {
        any_entry(world, &ret->entries[i]);
    }
}

/* The values of one part are one run of memory for each entry. */
static void part_args(struct world *world, const struct model_part *part,
                      struct append_entry *entries,
                      struct append_part_args *ret)
{
    for (size_t i = 0; i < part->count; i++) {
        const struct model_entry *entry = &part->entries[i];
        uint8_t *value = malloc(entry->value_len + 1);

        assert_non_null(value);
        memset(value, entry->fill, entry->value_len);
        entries[i].value = (struct bytes){value, entry->value_len};
        entries[i].key = (struct bytes){NULL, 0};
        if (entry->key_len != SIZE_MAX) {
            entries[i].key =
                (struct bytes){world->fills[entry->fill], entry->key_len};
        }
    }
    ret->log = text(strdup(log_name(part->log)));
    ret->expect_position = part->expect_position;
    ret->epoch = part->epoch;
    ret->entries = entries;
    ret->entries_count = part->count;
}

static void part_args_free(struct append_part_args *part)
{
    for (size_t i = 0; i < part->entries_count; i++) {
        free((void *)part->entries[i].value.data);
    }
    free((void *)part->log.data);
}

static void compare_append(const struct outcome *outcome, int code,
                           uint64_t position, uint64_t first, bool duplicate)
{
    assert_int_equal(outcome->code, code);
    assert_int_equal(outcome->position, position);
    assert_int_equal(outcome->duplicate, duplicate);
    if (code == 0) {
        assert_int_equal(outcome->append.places[0].first, first);
    }
}

static void try_append(struct world *world)
{
    struct append_entry entries[3][4];
    struct append_part_args parts_args[3];
    struct model_part parts[3];
    struct append_args args = {
        .parts = parts_args,
        .parts_count = 1 + (size_t)roll(world, 3),
    };
    size_t producer = (size_t)roll(world, MODEL_PRODUCERS * 2);
    size_t log = (size_t)roll(world, MODEL_LOGS);
    uint64_t position = 0;
    uint64_t first = 0;
    bool duplicate = false;
    int code;

    if (producer >= MODEL_PRODUCERS ||
        world->model->producers[producer].id == 0) {
        producer = MODEL_PRODUCERS;
    } else {
        args.producer = world->model->producers[producer].id;
        args.sequence = world->model->producers[producer].last + 1;
        if (roll(world, 4) == 0) {
            args.sequence = 1 + roll(world, args.sequence + 1);
        }
    }
    for (size_t i = 0; i < args.parts_count; i++) {
        any_part(world, (log + i) % MODEL_LOGS, &parts[i]);
        part_args(world, &parts[i], entries[i], &parts_args[i]);
    }
    code = model_append(world->model, parts, args.parts_count, producer,
                        args.sequence, &position, &first, &duplicate);
    driver_append_args(&world->driver, &args);
    compare_append(&world->driver.outcome, code, position, first, duplicate);
    for (size_t i = 0; i < args.parts_count; i++) {
        part_args_free(&parts_args[i]);
    }
}

/* ---- Comparing ---- */

static void compare_entries(struct world *world, const struct model_log *log)
{
    struct machine_reader reader;
    struct read_entry entry;
    uint64_t position = log->head;

    assert_int_equal(machine_reader_open(&reader, world->driver.machine,
                                         log->uid, 0, 0, NULL),
                     0);
    while (machine_reader_next(&reader, &entry) == MACHINE_READ_ENTRY) {
        const struct model_entry *expected = &log->entries[position - 1];

        assert_int_equal(entry.position, position);
        assert_int_equal(entry.time_ms, expected->time_ms);
        assert_int_equal(entry.value.len, expected->value_len);
        if (entry.value.len > 0) {
            assert_int_equal(entry.value.data[0], expected->fill);
            assert_int_equal(entry.value.data[entry.value.len - 1],
                             expected->fill);
        }
        assert_int_equal(entry.key.data == NULL, expected->key_len == SIZE_MAX);
        if (entry.key.data != NULL) {
            assert_int_equal(entry.key.len, expected->key_len);
        }
        position++;
    }
    assert_int_equal(position, model_tail(log));
}

static void compare_log(struct world *world, size_t index,
                        struct machine_counts *sums)
{
    const struct model_log *log = &world->model->logs[index];
    struct log_stat stat;
    uint64_t bytes;

    if (!log->exists) {
        assert_int_equal(machine_log_stat(world->driver.machine,
                                          text(log_name(index)), &stat),
                         QL_NOT_FOUND);
        return;
    }
    stat = driver_stat(&world->driver, log_name(index));
    assert_int_equal(stat.uid, log->uid);
    assert_int_equal(stat.head, log->head);
    assert_int_equal(stat.tail, model_tail(log));
    assert_int_equal(stat.entries, model_kept(log, &bytes));
    assert_int_equal(stat.bytes, bytes);
    assert_int_equal(stat.writer_epoch, log->epoch);
    assert_int_equal(stat.writer_name.len > 0, log->held);
    assert_memory_equal(stat.digest, log->digest, 16);
    compare_entries(world, log);
    sums->logs++;
    sums->entries += stat.entries;
    sums->bytes += stat.bytes;
}

static void compare(struct world *world)
{
    struct machine_counts counts = driver_counts(&world->driver);
    struct machine_counts sums = {0};

    for (size_t i = 0; i < MODEL_LOGS; i++) {
        compare_log(world, i, &sums);
    }
    assert_int_equal(counts.logs, sums.logs);
    assert_int_equal(counts.entries, sums.entries);
    assert_int_equal(counts.bytes, sums.bytes);
    assert_int_equal(counts.state_index, world->model->state_index);
    assert_int_equal(counts.time_ms, world->model->time_ms);
    assert_int_equal(counts.age_suspended, world->model->suspended);
}

static void step(struct world *world)
{
    size_t log = (size_t)roll(world, MODEL_LOGS);
    uint64_t kind = roll(world, 100);

    if (roll(world, 300) == 0) {
        world->driver.time_ms += 2 * CLOCK_JUMP_MS;
    }
    world->driver.time_ms += roll(world, 1000);
    world->driver.time_ms -= roll(world, 300);
    model_begin(world->model, world->driver.time_ms);
    if (kind < 70) {
        try_append(world);
    } else if (kind < 77) {
        try_create(world, log);
    } else if (kind < 80) {
        try_configure(world, log);
    } else if (kind < 86) {
        try_trim(world, log);
    } else if (kind < 92) {
        try_writer(world, log);
    } else if (kind < 95) {
        try_producer(world, (size_t)roll(world, MODEL_PRODUCERS));
    } else if (kind < 99) {
        try_tick(world);
    } else {
        assert_int_equal(driver_delete(&world->driver, log_name(log)),
                         model_delete(world->model, log));
    }
}

static void run(uint64_t seed, const struct machine_limits *limits)
{
    struct world *world = calloc(1, sizeof(*world));

    assert_non_null(world);
    driver_init_limited(&world->driver, limits);
    world->model = model_new(limits);
    world->dice.state = seed;
    for (int i = 0; i < 256; i++) {
        memset(world->fills[i], i, sizeof(world->fills[i]));
    }
    for (int i = 1; i <= STEPS; i++) {
        step(world);
        if (i % COMPARE_EVERY == 0) {
            compare(world);
        }
        if (i % REBIRTH_EVERY == 0) {
            driver_reborn(&world->driver);
        }
    }
    model_free(world->model);
    driver_close(&world->driver);
    free(world);
}

static void the_machine_agrees_with_the_model(void **state)
{
    const struct machine_limits limits = {CHUNK_BYTES, OPEN_CHUNKS_BYTES};

    (void)state;
    run(1, &limits);
}

static void they_agree_where_chunks_are_small(void **state)
{
    const struct machine_limits limits = {128 * KIB, MIB};

    (void)state;
    run(2, &limits);
}

static void they_agree_where_few_chunks_may_be_open(void **state)
{
    const struct machine_limits limits = {64 * KIB, 24 * KIB};

    (void)state;
    run(3, &limits);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_machine_agrees_with_the_model),
        cmocka_unit_test(they_agree_where_chunks_are_small),
        cmocka_unit_test(they_agree_where_few_chunks_may_be_open),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
