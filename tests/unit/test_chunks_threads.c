/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * The chunk store over two real disks, whose threads write, merge, move, read,
 * scrub and remove while the loop seals, loads, serves and trims. Whatever is read
 * must be proven. The order of events is the system's: it is run with a checker of
 * threads (--enable-tsan), too.
 */
#include <stdlib.h>
#include <string.h>

#include "consensus/disk_real.h"
#include "store/chunk_store.h"
#include "support/cmocka.h"
#include "support/dice.h"
#include "support/driver.h"
#include "support/tmpdir.h"
#include "util/limits.h"

#define STEPS 1500u
#define READS 6u
#define SERVES 4u
#define KEPT 3u /* snapshots */
#define LOGS 3u

struct rig;

struct reading {
    struct rig *rig;
    struct chunk_load load;
    uint8_t from[HASH128_LEN];
    bool is_busy;
};

struct serving {
    struct rig *rig;
    struct chunk_serve serve;
    struct chunk_name name;
    bool is_busy;
};

struct rig {
    uv_loop_t loop;
    struct disk_real *files;
    struct disk_real *readers;
    struct chunk_store *store;
    struct driver driver;
    struct machine_limits limits;
    struct dice dice;
    uint64_t now_ms;
    struct reading readings[READS];
    struct serving servings[SERVES];
    uint64_t pinned[KEPT]; /* indices, the newest first */
    unsigned loaded;
    unsigned served;
    unsigned stopped;
    unsigned faults; /* on_fatal, on_missing */
};

/* ---- Life ---------------------------------------------------------------- */

static void on_fatal(void *data, const char *reason)
{
    struct rig *rig = data;

    print_message("%s\n", reason);
    rig->faults++;
}

static void on_missing(void *data, struct chunk *chunk)
{
    struct rig *rig = data;

    (void)chunk;
    rig->faults++;
}

static void start(struct rig *rig, const struct tmpdir *dir)
{
    struct disk_real_options disk = {
        .loop = &rig->loop, .dir = dir->path, .works_only = true};
    struct chunk_store_options options = {.where = dir->path,
                                          .cluster = "of this cluster",
                                          .cache_bytes = 64 * KIB,
                                          .scrub_bytes = 64 * MIB,
                                          .on_fatal = on_fatal,
                                          .on_missing = on_missing,
                                          .data = rig};

    memset(rig, 0, sizeof(*rig));
    rig->dice.state = 7;
    rig->limits.chunk_bytes = 8 * KIB;
    rig->limits.open_bytes = 8 * KIB;
    assert_int_equal(uv_loop_init(&rig->loop), 0);
    assert_int_equal(disk_real_start(&rig->files, &disk, NULL), 0);
    disk.work_threads = STORE_READERS;
    assert_int_equal(disk_real_start(&rig->readers, &disk, NULL), 0);
    options.disk = disk_real_disk(rig->files);
    options.readers = disk_real_disk(rig->readers);
    assert_int_equal(chunk_store_open(&rig->store, &options, NULL), 0);
    driver_init_limited(&rig->driver, &rig->limits);
    chunk_store_attach(rig->store, rig->driver.machine);
}

static void on_stopped(void *data)
{
    struct rig *rig = data;

    rig->stopped++;
}

static void stop(struct rig *rig)
{
    chunk_store_stop(rig->store);
    while (chunk_store_is_busy(rig->store) || !disk_real_is_idle(rig->files) ||
           !disk_real_is_idle(rig->readers)) {
        (void)uv_run(&rig->loop, UV_RUN_ONCE);
    }
    chunk_store_free(rig->store);
    driver_close(&rig->driver);
    disk_real_stop(rig->files, on_stopped, rig);
    disk_real_stop(rig->readers, on_stopped, rig);
    (void)uv_run(&rig->loop, UV_RUN_DEFAULT);
    assert_int_equal(rig->stopped, 2);
    assert_int_equal(uv_loop_close(&rig->loop), 0);
}

/* ---- Writing ------------------------------------------------------------- */

static const char *log_name(uint64_t i)
{
    static const char *const names[LOGS] = {"a", "b", "c"};

    return names[i % LOGS];
}

static void append(struct rig *rig)
{
    const char *log = log_name(dice_u64(&rig->dice));
    size_t len = 100 + (size_t)(dice_u64(&rig->dice) % 1500);

    assert_int_equal(driver_append_many(&rig->driver, log, 2, len), 0);
}

static void trim(struct rig *rig, const char *log)
{
    struct log_stat stat = driver_stat(&rig->driver, log);

    if (stat.tail - stat.head > 100) {
        assert_int_equal(
            driver_trim(&rig->driver, log, (stat.head + stat.tail) / 2), 0);
    }
}

/* All that was written of it becomes garbage. */
static void replace(struct rig *rig, const char *log)
{
    assert_int_equal(driver_delete(&rig->driver, log), 0);
    assert_int_equal(driver_create(&rig->driver, log), 0);
}

static void pin(struct rig *rig)
{
    chunk_store_pin(rig->store, rig->driver.index,
                    machine_chunks(rig->driver.machine));
    memmove(rig->pinned + 1, rig->pinned, sizeof(rig->pinned[0]) * (KEPT - 1));
    rig->pinned[0] = rig->driver.index;
    if (rig->pinned[KEPT - 1] != 0) {
        chunk_store_unpin_before(rig->store, rig->pinned[KEPT - 1]);
    }
}

/* ---- Reading ------------------------------------------------------------- */

struct pick {
    uint64_t left;
    struct chunk *chunk;
    uint8_t from[HASH128_LEN];
};

static void on_count(void *data, struct chunk *chunk,
                     const uint8_t from[HASH128_LEN])
{
    (void)chunk;
    (void)from;
    ++*(uint64_t *)data;
}

static void on_pick(void *data, struct chunk *chunk,
                    const uint8_t from[HASH128_LEN])
{
    struct pick *pick = data;

    if (pick->left-- == 0) {
        pick->chunk = chunk;
        memcpy(pick->from, from, HASH128_LEN);
    }
}

static struct chunk *pick_chunk(struct rig *rig, uint8_t ret_from[HASH128_LEN])
{
    struct pick pick = {.chunk = NULL};
    uint64_t count = 0;

    machine_each_chunk(rig->driver.machine, on_count, &count);
    if (count > 0) {
        pick.left = dice_u64(&rig->dice) % count;
        machine_each_chunk(rig->driver.machine, on_pick, &pick);
        memcpy(ret_from, pick.from, HASH128_LEN);
    }
    return pick.chunk;
}

static void on_loaded(struct chunk_load *load, int status)
{
    struct reading *reading = load->data;
    struct chunk_facts facts = chunk_facts(load->chunk);

    assert_int_equal(status, 0);
    assert_int_equal(chunk_memory_check((struct bytes){chunk_bytes(load->chunk),
                                                       load->chunk->len},
                                        &facts, reading->from, NULL),
                     0);
    reading->rig->loaded++;
    reading->is_busy = false;
    chunk_store_load_end(reading->rig->store, load);
}

static void read_one(struct rig *rig)
{
    struct reading *reading = &rig->readings[dice_u64(&rig->dice) % READS];
    uint8_t from[HASH128_LEN];
    struct chunk *chunk = pick_chunk(rig, from);

    if (chunk == NULL) {
        return;
    }
    if (reading->is_busy) {
        /* Now and then one ends before it has come. */
        if (dice_u64(&rig->dice) % 4 != 0) {
            return;
        }
        chunk_store_load_end(rig->store, &reading->load);
    }
    reading->rig = rig;
    reading->is_busy = true;
    reading->load.data = reading;
    memcpy(reading->from, from, HASH128_LEN);
    chunk_store_load(rig->store, &reading->load, chunk, on_loaded);
}

static void on_served(struct chunk_serve *serve, int status, const uint8_t *row,
                      struct bytes frame)
{
    struct serving *serving = serve->data;
    uint8_t *raw = malloc(CHUNK_BYTES_MAX);
    struct pack_row decoded;

    serving->is_busy = false;
    serving->rig->served++;
    assert_non_null(raw);
    /* What was asked for may have been trimmed, or has just moved. */
    if (status != QL_NOT_FOUND && status != QL_BUSY) {
        assert_int_equal(status, 0);
        assert_int_equal(pack_row_decode(row, &decoded, NULL), 0);
        assert_true(chunk_name_equal(&decoded.facts.name, &serving->name));
        assert_int_equal(pack_chunk_decompress(&decoded, frame, raw, NULL), 0);
        assert_int_equal(
            chunk_memory_check((struct bytes){raw, decoded.facts.len},
                               &decoded.facts, decoded.from, NULL),
            0);
    }
    free(raw);
}

static void serve_one(struct rig *rig)
{
    struct serving *serving = &rig->servings[dice_u64(&rig->dice) % SERVES];
    uint8_t from[HASH128_LEN];
    const struct chunk *chunk = pick_chunk(rig, from);

    if (chunk == NULL) {
        return;
    }
    if (serving->is_busy) {
        chunk_store_serve_cancel(&serving->serve);
    }
    serving->rig = rig;
    serving->name = chunk->name;
    serving->serve.data = serving;
    serving->is_busy = chunk_store_serve(rig->store, &serving->serve,
                                         &serving->name, on_served) == 0;
}

static void read_ahead(struct rig *rig)
{
    uint8_t from[HASH128_LEN];
    struct chunk *chunk = pick_chunk(rig, from);

    if (chunk != NULL) {
        chunk_store_ahead(rig->store, chunk);
        chunk_store_used(rig->store, chunk);
    }
}

/* ---- All together -------------------------------------------------------- */

static void tick(struct rig *rig, uint64_t ms)
{
    rig->now_ms += ms;
    chunk_store_tick(rig->store, rig->now_ms);
}

static void step(struct rig *rig, unsigned i)
{
    append(rig);
    read_one(rig);
    read_one(rig);
    if (i % 3 == 0) {
        serve_one(rig);
        read_ahead(rig);
    }
    if (i % 40 == 0) {
        trim(rig, log_name(i / 40));
        pin(rig);
    }
    if (i % 300 == 299) {
        replace(rig, log_name(i / 300));
    }
    tick(rig, i % 250 == 249 ? SCRUB_ROUND_MS : STORE_TICK_MS);
    (void)uv_run(&rig->loop, UV_RUN_NOWAIT);
}

static bool is_waiting(const struct rig *rig)
{
    for (unsigned i = 0; i < READS; i++) {
        if (rig->readings[i].is_busy) {
            return true;
        }
    }
    for (unsigned i = 0; i < SERVES; i++) {
        if (rig->servings[i].is_busy) {
            return true;
        }
    }
    return false;
}

static struct chunk_store_status status_of(const struct rig *rig)
{
    struct chunk_store_status status;

    chunk_store_get_status(rig->store, &status);
    return status;
}

/* Until nothing waits to be written, or to be told. */
static void settle(struct rig *rig)
{
    while (status_of(rig).waiting > 0 || is_waiting(rig)) {
        tick(rig, STORE_TICK_MS);
        while (chunk_store_is_busy(rig->store)) {
            (void)uv_run(&rig->loop, UV_RUN_ONCE);
        }
    }
}

static void threads_and_the_loop_share_chunks(void **state)
{
    static struct rig rig;
    struct chunk_store_status status;

    start(&rig, *state);
    for (unsigned i = 0; i < LOGS; i++) {
        assert_int_equal(driver_create(&rig.driver, log_name(i)), 0);
    }
    for (unsigned i = 0; i < STEPS; i++) {
        step(&rig, i);
        /* The loop must not run away from the threads. */
        if (i % 50 == 49) {
            settle(&rig);
        }
    }
    settle(&rig);
    status = status_of(&rig);
    assert_int_equal(rig.faults, 0);
    assert_int_equal(status.damaged, 0);
    assert_int_equal(status.missing, 0);
    assert_true(rig.loaded > STEPS / 4);
    assert_true(rig.served > STEPS / 20);
    assert_true(status.scrub_rounds > 1);
    /* Some have been removed. */
    assert_true(status.written_packs > status.packs);
    stop(&rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(threads_and_the_loop_share_chunks,
                                        tmpdir_setup, tmpdir_teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
