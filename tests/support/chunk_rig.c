/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "support/chunk_rig.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "store/chunk_store_internal.h"
#include "support/cmocka.h"
#include "support/dice.h"

static void on_fatal(void *data, const char *reason);
static void on_missing(void *data, struct chunk *chunk);

void chunk_rig_open(struct chunk_rig *rig)
{
    struct chunk_store_options options = {
        .where = "the store",
        .cluster = "of this cluster",
        .cache_bytes = rig->cache_bytes,
        .scrub_bytes = rig->scrub_bytes,
        .on_fatal = on_fatal,
        .on_missing = on_missing,
        .data = rig,
    };

    rig->fake = fake_disk_new(1);
    options.disk = fake_disk_disk(rig->fake);
    options.readers = options.disk;
    rig->limits.chunk_bytes = CHUNK_RIG_LEN;
    if (rig->limits.open_bytes == 0) {
        rig->limits.open_bytes = 16 * CHUNK_RIG_LEN;
    }
    driver_init_limited(&rig->driver, &rig->limits);
    assert_int_equal(chunk_store_open(&rig->store, &options, NULL), 0);
    chunk_store_attach(rig->store, rig->driver.machine);
    assert_int_equal(driver_create(&rig->driver, "a"), 0);
    assert_int_equal(driver_create(&rig->driver, "b"), 0);
    chunk_rig_tick(rig, 1000);
}

void chunk_rig_close(struct chunk_rig *rig)
{
    chunk_rig_settle(rig);
    assert_int_equal(rig->fatals, 0);
    chunk_store_stop(rig->store);
    chunk_rig_settle(rig);
    assert_false(chunk_store_is_busy(rig->store));
    chunk_store_free(rig->store);
    driver_close(&rig->driver);
    fake_disk_free(rig->fake);
}

static void on_fatal(void *data, const char *reason)
{
    struct chunk_rig *rig = data;

    (void)reason;
    rig->fatals++;
}

static void on_missing(void *data, struct chunk *chunk)
{
    struct chunk_rig *rig = data;

    assert_false(rig->is_calling);
    assert_true(rig->missing < CHUNK_RIG_MISSING);
    rig->absent[rig->missing] = chunk;
    rig->missing++;
}

/* ---- Time ---------------------------------------------------------------- */

void chunk_rig_settle(struct chunk_rig *rig)
{
    fake_disk_drain(rig->fake);
}

void chunk_rig_tick(struct chunk_rig *rig, uint64_t ms)
{
    rig->now_ms += ms;
    rig->is_calling = true;
    chunk_store_tick(rig->store, rig->now_ms);
    rig->is_calling = false;
    chunk_rig_settle(rig);
}

/* ---- Entries ------------------------------------------------------------- */

void chunk_rig_append(struct chunk_rig *rig, const char *log, size_t count,
                      size_t len)
{
    struct dice dice = {.state = rig->driver.index * 7919 + len};
    uint8_t *value = calloc(1, len);
    struct append_entry entry = {.value = {value, len}};
    struct append_part_args part = {text(log), 0, 0, &entry, 1};
    struct append_args args = {.parts = &part, .parts_count = 1};

    assert_non_null(value);
    for (size_t i = 0; i < count; i++) {
        /* Half of it can be compressed. */
        for (size_t at = 0; at < len / 2; at++) {
            value[at] = (uint8_t)dice_u64(&dice);
        }
        assert_int_equal(driver_append_args(&rig->driver, &args), 0);
    }
    free(value);
}

static void on_flushed(struct chunk_flush *flush)
{
    *(bool *)flush->data = true;
}

void chunk_rig_flush(struct chunk_rig *rig)
{
    bool is_flushed = false;
    struct chunk_flush flush = {.data = &is_flushed};

    chunk_store_flush(rig->store, &flush, on_flushed);
    chunk_rig_settle(rig);
    assert_true(is_flushed);
    for (int i = 0; i < 20; i++) {
        chunk_rig_tick(rig, STORE_GATHER_MS);
        if (chunk_rig_status(rig).waiting == 0) {
            break;
        }
    }
    assert_int_equal(chunk_rig_status(rig).waiting, 0);
}

void chunk_rig_fill(struct chunk_rig *rig, size_t chunks)
{
    uint64_t first = driver_stat(&rig->driver, "a").tail;

    for (size_t i = 0; i < chunks; i++) {
        chunk_rig_append(rig, "a", CHUNK_RIG_ENTRIES, CHUNK_RIG_ENTRY);
    }
    chunk_rig_flush(rig);
    for (size_t i = 0; i < chunks; i++) {
        struct chunk *chunk =
            chunk_rig_chunk(rig, first + i * CHUNK_RIG_ENTRIES);

        assert_int_equal(chunk->entries, CHUNK_RIG_ENTRIES);
        assert_non_null(chunk->home);
    }
}

/* Each entry of one log has the open chunk of the other sealed. */
struct chunk *chunk_rig_merge(struct chunk_rig *rig)
{
    uint64_t first = driver_stat(&rig->driver, "a").tail;
    bool is_flushed = false;
    struct chunk_flush flush = {.data = &is_flushed};
    struct chunk *chunk;

    for (size_t i = 0; i < CHUNK_RIG_PARTS; i++) {
        chunk_rig_append(rig, "a", 1, 600);
        chunk_rig_append(rig, "b", 1, 600);
    }
    chunk_store_flush(rig->store, &flush, on_flushed);
    chunk_rig_settle(rig);
    assert_true(is_flushed);
    chunk = chunk_rig_chunk(rig, first);
    assert_int_equal(chunk->entries, CHUNK_RIG_PARTS);
    assert_null(chunk->home);
    assert_non_null(chunk->parts);
    return chunk;
}

struct chunk *chunk_rig_chunk(struct chunk_rig *rig, uint64_t position)
{
    struct log_stat stat = driver_stat(&rig->driver, "a");
    struct chunk *chunk =
        machine_find_chunk(rig->driver.machine, stat.uid, position);

    assert_non_null(chunk);
    return chunk;
}

const char *chunk_rig_file(const struct chunk *chunk)
{
    static char name[DISK_NAME_MAX];

    assert_non_null(chunk->home);
    pack_name("", pack_of(chunk)->number, PACK_SUFFIX, name);
    return name;
}

struct before {
    const struct chunk *chunk;
    uint8_t from[HASH128_LEN];
};

static void on_each(void *data, struct chunk *chunk,
                    const uint8_t from[HASH128_LEN])
{
    struct before *before = data;

    if (chunk == before->chunk) {
        memcpy(before->from, from, HASH128_LEN);
        before->chunk = NULL;
    }
}

bool chunk_rig_is_good(struct chunk_rig *rig, struct chunk *chunk)
{
    struct before before = {.chunk = chunk};
    struct chunk_facts facts = chunk_facts(chunk);

    machine_each_chunk(rig->driver.machine, on_each, &before);
    assert_null(before.chunk);
    return chunk->memory != NULL &&
           chunk_memory_check((struct bytes){chunk_bytes(chunk), chunk->len},
                              &facts, before.from, NULL) == 0;
}

/* ---- Loading and healing ------------------------------------------------- */

static void on_loaded(struct chunk_load *load, int status)
{
    *(int *)load->data = status;
}

int chunk_rig_load(struct chunk_rig *rig, struct chunk *chunk)
{
    int status = -1;
    struct chunk_load load = {.data = &status};

    chunk_store_load(rig->store, &load, chunk, on_loaded);
    chunk_rig_settle(rig);
    if (status == 0) {
        assert_true(chunk_rig_is_good(rig, chunk));
    }
    chunk_store_load_end(rig->store, &load);
    return status;
}

struct healing {
    struct chunk_rig *rig;
    struct chunk *chunk;
    struct chunk_supply supply;
    int status;
};

static void on_supplied(struct chunk_supply *supply, int status)
{
    struct healing *healing = supply->data;

    healing->status = status;
}

static void on_served(struct chunk_serve *serve, int status, const uint8_t *row,
                      struct bytes frame)
{
    struct healing *healing = serve->data;

    assert_int_equal(status, 0);
    healing->supply.data = healing;
    assert_int_equal(chunk_store_supply(healing->rig->store, &healing->supply,
                                        healing->chunk, row, frame,
                                        on_supplied),
                     0);
}

void chunk_rig_heal(struct chunk_rig *rig, struct chunk_rig *peer)
{
    for (size_t i = 0; i < rig->missing; i++) {
        struct healing healing = {rig, rig->absent[i], {.data = NULL}, -1};
        struct chunk_serve serve = {.data = &healing};

        assert_int_equal(chunk_store_serve(peer->store, &serve,
                                           &rig->absent[i]->name, on_served),
                         0);
        chunk_rig_settle(peer);
        chunk_rig_settle(rig);
        assert_int_equal(healing.status, 0);
    }
    rig->missing = 0;
}

/* ---- Numbers ------------------------------------------------------------- */

static void on_name(void *data, const char *name)
{
    *(size_t *)data +=
        strncmp(name, PACK_QUARANTINE, sizeof(PACK_QUARANTINE) - 1) == 0;
}

size_t chunk_rig_quarantined(struct chunk_rig *rig)
{
    size_t count = 0;

    fake_disk_each(rig->fake, on_name, &count);
    return count;
}

struct chunk_store_status chunk_rig_status(struct chunk_rig *rig)
{
    struct chunk_store_status status;

    chunk_store_get_status(rig->store, &status);
    return status;
}
