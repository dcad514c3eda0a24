/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "consensus/chunks_real.h"

#include <assert.h>
#include <stdlib.h>
#include <uv.h>

#include "consensus/disk_real.h"
#include "util/clock.h"
#include "util/file.h"
#include "util/mem.h"

#define CLOSE_LOOK_MS 2u /* between looks at whether the store is done */

struct chunks_real {
    struct chunks_real_options options;
    char dir[PATH_LEN_MAX];
    struct disk_real *files;
    struct disk_real *readers;
    struct chunk_store *store; /* NULL: not open, or closed */
    uv_timer_t
        timer; /* ticks; while closing, looks whether the store is done */
    void (*on_missing)(void *data, struct chunk *chunk); /* or NULL */
    void *on_missing_data;
    unsigned open; /* parts that must still close */
    void (*on_closed)(void *data);
    void *on_closed_data;
};

static int make_directories(struct chunks_real *chunks, struct err *err);
static int start_disks(struct chunks_real *chunks, struct err *err);
static int open_store(struct chunks_real *chunks, struct err *err);
static void start_ticks(struct chunks_real *chunks);
static void abandon(struct chunks_real *chunks);
static void stop_disks(struct chunks_real *chunks);
static void on_tick(uv_timer_t *timer);
static void on_look(uv_timer_t *timer);
static void on_timer_closed(uv_handle_t *handle);
static void on_part_closed(void *data);
static void on_fatal(void *data, const char *reason);
static void on_missing(void *data, struct chunk *chunk);

int chunks_real_open(struct chunks_real **ret_chunks,
                     const struct chunks_real_options *options, struct err *err)
{
    struct chunks_real *chunks = mem_must_zalloc(sizeof *chunks);
    int rv;

    chunks->options = *options;
    rv = make_directories(chunks, err);
    if (rv == 0) {
        rv = start_disks(chunks, err);
    }
    if (rv == 0) {
        rv = open_store(chunks, err);
    }
    if (rv != 0) {
        abandon(chunks);
        return rv;
    }
    start_ticks(chunks);
    *ret_chunks = chunks;
    return 0;
}

struct chunk_store *chunks_real_store(struct chunks_real *chunks)
{
    return chunks->store;
}

struct disk *chunks_real_readers(struct chunks_real *chunks)
{
    return disk_real_disk(chunks->readers);
}

void chunks_real_on_missing(struct chunks_real *chunks,
                            void (*cb)(void *data, struct chunk *chunk),
                            void *data)
{
    chunks->on_missing = cb;
    chunks->on_missing_data = data;
}

void chunks_real_close(struct chunks_real *chunks, void (*cb)(void *data),
                       void *data)
{
    int rv = uv_timer_start(&chunks->timer, on_look, 0, CLOSE_LOOK_MS);

    assert(rv == 0);
    chunk_store_stop(chunks->store);
    chunks->on_closed = cb;
    chunks->on_closed_data = data;
}

/* ---- Start ---- */

static int make_directories(struct chunks_real *chunks, struct err *err)
{
    char quarantine[PATH_LEN_MAX];
    int rv = path_join(chunks->dir, sizeof chunks->dir, chunks->options.dir,
                       CHUNKS_DIR_NAME, err);

    if (rv == 0) {
        rv = path_join(quarantine, sizeof quarantine, chunks->dir,
                       QUARANTINE_DIR_NAME, err);
    }
    if (rv == 0) {
        rv = dir_make(chunks->dir, err);
    }
    return rv == 0 ? dir_make(quarantine, err) : rv;
}

static int start_disks(struct chunks_real *chunks, struct err *err)
{
    struct disk_real_options disk = {
        .loop = chunks->options.loop, .dir = chunks->dir, .works_only = true};
    int rv = disk_real_start(&chunks->files, &disk, err);

    if (rv != 0) {
        return rv;
    }
    disk.work_threads = STORE_READERS;
    return disk_real_start(&chunks->readers, &disk, err);
}

static int open_store(struct chunks_real *chunks, struct err *err)
{
    struct chunk_store_options store = {
        .disk = disk_real_disk(chunks->files),
        .readers = disk_real_disk(chunks->readers),
        .where = chunks->dir,
        .cache_bytes = chunks->options.cache_bytes,
        .scrub_bytes = chunks->options.scrub_bytes,
        .on_fatal = on_fatal,
        .on_missing = on_missing,
        .data = chunks};

    identity_cluster_bytes(chunks->options.identity, store.cluster);
    return chunk_store_open(&chunks->store, &store, err);
}

static void start_ticks(struct chunks_real *chunks)
{
    int rv = uv_timer_init(chunks->options.loop, &chunks->timer);

    assert(rv == 0); /* Neither can fail (libuv's manual). */
    chunks->timer.data = chunks;
    rv = uv_timer_start(&chunks->timer, on_tick, STORE_TICK_MS, STORE_TICK_MS);
    assert(rv == 0);
}

static void on_tick(uv_timer_t *timer)
{
    struct chunks_real *chunks = timer->data;

    chunk_store_tick(chunks->store, clock_monotonic_ms());
}

/* ---- End ---- */

static void on_look(uv_timer_t *timer)
{
    struct chunks_real *chunks = timer->data;

    if (chunk_store_is_busy(chunks->store) ||
        !disk_real_is_idle(chunks->files) ||
        !disk_real_is_idle(chunks->readers)) {
        return;
    }
    chunk_store_free(chunks->store);
    chunks->store = NULL;
    chunks->open = 1;
    uv_close((uv_handle_t *)timer, on_timer_closed);
    stop_disks(chunks);
}

/* Of a start that failed: there is no timer yet, and nothing under way. */
static void abandon(struct chunks_real *chunks)
{
    stop_disks(chunks);
    while (chunks->open > 0) {
        (void)uv_run(chunks->options.loop, UV_RUN_ONCE);
    }
    free(chunks);
}

static void stop_disks(struct chunks_real *chunks)
{
    if (chunks->files != NULL) {
        chunks->open++;
        disk_real_stop(chunks->files, on_part_closed, chunks);
    }
    if (chunks->readers != NULL) {
        chunks->open++;
        disk_real_stop(chunks->readers, on_part_closed, chunks);
    }
}

static void on_timer_closed(uv_handle_t *handle)
{
    on_part_closed(handle->data);
}

static void on_part_closed(void *data)
{
    struct chunks_real *chunks = data;

    chunks->open--;
    if (chunks->open == 0 && chunks->on_closed != NULL) {
        chunks->on_closed(chunks->on_closed_data);
        free(chunks);
    }
}

/* ---- From the store ---- */

static void on_fatal(void *data, const char *reason)
{
    struct chunks_real *chunks = data;

    chunks->options.on_fatal(chunks->options.data, reason);
}

static void on_missing(void *data, struct chunk *chunk)
{
    struct chunks_real *chunks = data;

    if (chunks->on_missing == NULL) {
        chunk_store_give_up(chunks->store, chunk);
        return;
    }
    chunks->on_missing(chunks->on_missing_data, chunk);
}
