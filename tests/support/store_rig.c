/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "support/store_rig.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "store/chunk_gather.h"
#include "support/cmocka.h"

static void on_fatal(void *data, const char *reason)
{
    struct store_rig *rig = data;

    rig->fatals++;
    (void)snprintf(rig->reason, sizeof(rig->reason), "%s", reason);
}

static void on_missing(void *data, struct chunk *chunk)
{
    struct store_rig *rig = data;

    assert_true(rig->missing_count < STORE_RIG_MISSING_MAX);
    rig->missing[rig->missing_count] = chunk;
    rig->missing_count++;
    if (rig->is_deaf) {
        chunk_store_give_up(rig->store, chunk);
    }
}

/* ---- Life ---------------------------------------------------------------- */

void store_rig_init(struct store_rig *rig, uint64_t seed)
{
    memset(rig, 0, sizeof(*rig));
    rig->fake = fake_disk_new(seed);
    rig->limits.chunk_bytes = 4 * KIB;
    rig->limits.open_bytes = 16 * KIB;
    rig->now_ms = 1000;
    memset(rig->cluster, 0xc1, sizeof(rig->cluster));
}

void store_rig_close(struct store_rig *rig)
{
    store_rig_stop(rig);
    buf_close(&rig->snapshots[0].image);
    buf_close(&rig->snapshots[1].image);
    buf_close(&rig->taking.image);
    fake_disk_free(rig->fake);
}

static void apply(struct store_rig *rig, const struct store_rig_step *step)
{
    struct driver *driver = &rig->driver;

    driver->time_ms += 10;
    switch (step->kind) {
    case STEP_CREATE:
        assert_int_equal(driver_create(driver, step->log), 0);
        break;
    case STEP_APPEND:
        assert_int_equal(driver_append_many(driver, step->log,
                                            (size_t)step->count, step->len),
                         0);
        break;
    case STEP_TRIM:
        assert_int_equal(driver_trim(driver, step->log, step->count), 0);
        break;
    case STEP_DELETE:
        assert_int_equal(driver_delete(driver, step->log), 0);
        /* The outcome refers to it until the next command. */
        assert_int_equal(driver_tick(driver), 0);
        break;
    }
}

static void restore(struct store_rig *rig,
                    const struct store_rig_snapshot *snapshot)
{
    struct chunk_source source = chunk_store_source(rig->store);
    struct err err = {0};

    assert_int_equal(machine_restore(rig->driver.machine, snapshot->image.data,
                                     snapshot->image.len, &source, &err),
                     0);
    rig->adopted_missing = chunk_store_adopt(rig->store, rig->driver.machine);
    chunk_store_pin(rig->store, snapshot->index,
                    machine_chunks(rig->driver.machine));
    rig->driver.index = snapshot->index;
    rig->driver.time_ms += 10 * snapshot->steps;
}

int store_rig_open(struct store_rig *rig, unsigned snapshot, struct err *err)
{
    struct disk *disk = fake_disk_disk(rig->fake);
    struct chunk_store_options options = {
        .disk = disk,
        .readers = disk,
        .where = "chunks",
        .cache_bytes = rig->cache_bytes,
        .scrub_bytes = rig->scrub_bytes,
        .on_fatal = on_fatal,
        .on_missing = on_missing,
        .data = rig,
    };
    size_t from = 0;
    int rv;

    memcpy(options.cluster, rig->cluster, PACK_CLUSTER_LEN);
    rig->missing_count = 0;
    rig->adopted_missing = 0;
    rv = chunk_store_open(&rig->store, &options, err);
    if (rv != 0) {
        rig->store = NULL;
        return rv;
    }
    driver_init_limited(&rig->driver, &rig->limits);
    chunk_store_attach(rig->store, rig->driver.machine);
    if (rig->snapshots[snapshot].index != 0) {
        restore(rig, &rig->snapshots[snapshot]);
        from = rig->snapshots[snapshot].steps;
    }
    for (size_t i = from; i < rig->steps_count; i++) {
        apply(rig, &rig->steps[i]);
    }
    return 0;
}

void store_rig_must_open(struct store_rig *rig)
{
    struct err err = {0};

    if (store_rig_open(rig, 0, &err) != 0) {
        fail_msg("%s", err.text);
    }
}

static void end(struct store_rig *rig)
{
    chunk_store_free(rig->store);
    rig->store = NULL;
    driver_close(&rig->driver);
    buf_close(&rig->taking.image);
    memset(&rig->taking, 0, sizeof(rig->taking));
}

void store_rig_stop(struct store_rig *rig)
{
    if (rig->store == NULL) {
        return;
    }
    chunk_store_stop(rig->store);
    if (!fake_disk_is_dead(rig->fake)) {
        fake_disk_drain(rig->fake);
        assert_false(chunk_store_is_busy(rig->store));
    }
    end(rig);
}

void store_rig_crash(struct store_rig *rig, enum fake_crash how)
{
    fake_disk_crash(rig->fake, how);
    if (rig->store != NULL) {
        end(rig);
    }
}

/* ---- Steps --------------------------------------------------------------- */

static void step(struct store_rig *rig, int kind, const char *log,
                 uint64_t count, size_t len)
{
    struct store_rig_step *at = &rig->steps[rig->steps_count];

    assert_true(rig->steps_count < STORE_RIG_STEPS_MAX);
    rig->steps_count++;
    at->kind = kind;
    (void)snprintf(at->log, sizeof(at->log), "%s", log);
    at->count = count;
    at->len = len;
    apply(rig, at);
}

void store_rig_create(struct store_rig *rig, const char *log)
{
    step(rig, STEP_CREATE, log, 0, 0);
}

void store_rig_append(struct store_rig *rig, const char *log, uint64_t count,
                      size_t len)
{
    step(rig, STEP_APPEND, log, count, len);
}

void store_rig_trim(struct store_rig *rig, const char *log, uint64_t before)
{
    step(rig, STEP_TRIM, log, before, 0);
}

void store_rig_delete(struct store_rig *rig, const char *log)
{
    step(rig, STEP_DELETE, log, 0, 0);
}

bool store_rig_has_log(const struct store_rig *rig, const char *log)
{
    for (size_t i = rig->steps_count; i > 0; i--) {
        const struct store_rig_step *step = &rig->steps[i - 1];

        if (strcmp(step->log, log) == 0) {
            return step->kind != STEP_DELETE;
        }
    }
    return false;
}

/* ---- Time ---------------------------------------------------------------- */

void store_rig_drain(struct store_rig *rig)
{
    fake_disk_drain(rig->fake);
}

void store_rig_tick(struct store_rig *rig)
{
    rig->now_ms += 1000;
    chunk_store_tick(rig->store, rig->now_ms);
    store_rig_drain(rig);
}

void store_rig_settle(struct store_rig *rig)
{
    for (int i = 0; i < 30; i++) {
        store_rig_tick(rig);
    }
}

static void on_flushed(struct chunk_flush *flush)
{
    struct store_rig *rig = flush->data;

    rig->flushed++;
    buf_close(&rig->snapshots[1].image);
    rig->snapshots[1] = rig->snapshots[0];
    rig->snapshots[0] = rig->taking;
    memset(&rig->taking, 0, sizeof(rig->taking));
    chunk_store_unpin_before(rig->store, rig->snapshots[1].index != 0
                                             ? rig->snapshots[1].index
                                             : rig->snapshots[0].index);
}

void store_rig_begin_snapshot(struct store_rig *rig)
{
    buf_close(&rig->taking.image);
    machine_image(rig->driver.machine, &rig->taking.image);
    rig->taking.index = rig->driver.index;
    rig->taking.steps = rig->steps_count;
    chunk_store_pin(rig->store, rig->taking.index,
                    machine_chunks(rig->driver.machine));
    rig->flush.data = rig;
    chunk_store_flush(rig->store, &rig->flush, on_flushed);
}

void store_rig_snapshot(struct store_rig *rig)
{
    store_rig_begin_snapshot(rig);
    store_rig_drain(rig);
}

/* ---- Looking ------------------------------------------------------------- */

struct chunk_store_status store_rig_status(const struct store_rig *rig)
{
    struct chunk_store_status status;

    chunk_store_get_status(rig->store, &status);
    return status;
}

struct proof {
    struct store_rig *rig;
    size_t count;
};

static void prove(void *data, struct chunk *chunk,
                  const uint8_t from[HASH128_LEN])
{
    struct proof *proof = data;
    struct chunk_facts facts = chunk_facts(chunk);
    struct chunk *missing = NULL;
    struct chunk_gather gather;
    struct err err = {0};

    chunk_gather_init(&gather);
    assert_int_equal(chunk_gather_add(&gather, chunk, &missing), 0);
    if (chunk_gather_run(&gather, fake_disk_disk(proof->rig->fake), &err) !=
        0) {
        fail_msg("%s", err.text);
    }
    assert_int_equal(gather.len, chunk->len);
    assert_int_equal(
        chunk_memory_check(
            (struct bytes){chunk_memory_bytes(gather.memory), gather.len},
            &facts, from, &err),
        0);
    chunk_gather_close(&gather);
    proof->count++;
}

size_t store_rig_prove(struct store_rig *rig)
{
    struct proof proof = {rig, 0};

    machine_each_chunk(rig->driver.machine, prove, &proof);
    return proof.count;
}

struct search {
    const char *prefix;
    const char *suffix;
    const char *after;
    char found[DISK_NAME_MAX];
    size_t count;
};

static void on_name(void *data, const char *name)
{
    struct search *search = data;
    size_t len = strlen(name);
    size_t suffix_len = strlen(search->suffix);

    if (strncmp(name, search->prefix, strlen(search->prefix)) != 0 ||
        len < suffix_len ||
        strcmp(name + len - suffix_len, search->suffix) != 0) {
        return;
    }
    search->count++;
    if ((search->after == NULL || strcmp(name, search->after) > 0) &&
        (search->found[0] == '\0' || strcmp(name, search->found) < 0)) {
        (void)snprintf(search->found, sizeof(search->found), "%s", name);
    }
}

bool store_rig_find_pack(const struct store_rig *rig, const char *after,
                         char ret_name[DISK_NAME_MAX])
{
    struct search search = {"0", ".pack", after, "", 0};

    fake_disk_each(rig->fake, on_name, &search);
    (void)snprintf(ret_name, DISK_NAME_MAX, "%s", search.found);
    return search.found[0] != '\0';
}

size_t store_rig_count(const struct store_rig *rig, const char *prefix,
                       const char *suffix)
{
    struct search search = {prefix, suffix, NULL, "", 0};

    fake_disk_each(rig->fake, on_name, &search);
    return search.count;
}
