/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "consensus/backup_dir.h"

#include <assert.h>
#include <stdlib.h>

#include "consensus/disk_real.h"
#include "util/clock.h"
#include "util/mem.h"

#define CLOSE_LOOK_MS 2u /* between looks at whether it is done */

struct backup_dir {
    const struct identity *identity;
    struct disk_real *disk;
    struct backup_store *store;
    struct backup_intakes *intakes;
    uv_timer_t timer; /* ticks; while closing, looks whether it is done */
    unsigned open;    /* parts that must still close */
    void (*on_closed)(void *data);
    void *on_closed_data;
};

static void open_store(struct backup_dir *dir,
                       const struct backup_dir_options *options);
static void start_ticks(struct backup_dir *dir, uv_loop_t *loop);
static bool is_own(void *data, const uint8_t cluster[PACK_CLUSTER_LEN]);
static void on_tick(uv_timer_t *timer);
static void on_look(uv_timer_t *timer);
static void on_timer_closed(uv_handle_t *handle);
static void on_part_closed(void *data);

int backup_dir_open(struct backup_dir **ret_dir,
                    const struct backup_dir_options *options, struct err *err)
{
    const struct disk_real_options disk = {.loop = options->loop,
                                           .dir = options->path,
                                           .work_threads = BACKUP_DISK_THREADS,
                                           .works_only = true,
                                           .is_shared = true};
    struct backup_dir *dir = mem_must_zalloc(sizeof *dir);
    int rv = disk_real_start(&dir->disk, &disk, err);

    if (rv != 0) {
        free(dir);
        return rv;
    }
    dir->identity = options->identity;
    open_store(dir, options);
    start_ticks(dir, options->loop);
    *ret_dir = dir;
    return 0;
}

struct backup_store *backup_dir_store(struct backup_dir *dir)
{
    return dir->store;
}

struct backup_intakes *backup_dir_intakes(struct backup_dir *dir)
{
    return dir->intakes;
}

struct disk *backup_dir_disk(struct backup_dir *dir)
{
    return disk_real_disk(dir->disk);
}

void backup_dir_close(struct backup_dir *dir, void (*cb)(void *data),
                      void *data)
{
    int rv = uv_timer_start(&dir->timer, on_look, 0, CLOSE_LOOK_MS);

    assert(rv == 0);
    backup_intakes_stop(dir->intakes);
    backup_store_stop(dir->store);
    dir->on_closed = cb;
    dir->on_closed_data = data;
}

/* ---- Start ---- */

static void open_store(struct backup_dir *dir,
                       const struct backup_dir_options *options)
{
    struct backup_store_options store = {.disk = disk_real_disk(dir->disk),
                                         .chunks = options->chunks,
                                         .where = options->path,
                                         .scrub_bytes = options->scrub_bytes,
                                         .on_changed = options->on_changed,
                                         .data = options->data};
    struct backup_intakes_options intakes = {
        .disk = store.disk, .is_own = is_own, .data = dir};
    uint8_t ancestors[LINEAGE_MAX][CLUSTER_ID_LEN];

    for (size_t i = 0; i < options->identity->ancestors_count; i++) {
        identity_ancestor_bytes(options->identity, i, ancestors[i]);
    }
    store.ancestors = ancestors[0];
    store.ancestors_count = options->identity->ancestors_count;
    identity_cluster_bytes(options->identity, store.cluster);
    dir->store = backup_store_open(&store);
    intakes.store = dir->store;
    dir->intakes = backup_intakes_new(&intakes);
}

static bool is_own(void *data, const uint8_t cluster[PACK_CLUSTER_LEN])
{
    const struct backup_dir *dir = data;

    return identity_is_of(dir->identity, cluster);
}

static void start_ticks(struct backup_dir *dir, uv_loop_t *loop)
{
    int rv = uv_timer_init(loop, &dir->timer);

    assert(rv == 0); /* Neither can fail (libuv's manual). */
    dir->timer.data = dir;
    rv = uv_timer_start(&dir->timer, on_tick, 0, BACKUP_LOOK_MS);
    assert(rv == 0);
}

static void on_tick(uv_timer_t *timer)
{
    struct backup_dir *dir = timer->data;
    uint64_t now_ms = clock_monotonic_ms();

    backup_store_tick(dir->store, now_ms, clock_wall_ms());
    backup_intakes_tick(dir->intakes, now_ms);
}

/* ---- End ---- */

static void on_look(uv_timer_t *timer)
{
    struct backup_dir *dir = timer->data;

    if (backup_intakes_is_busy(dir->intakes) ||
        backup_store_is_busy(dir->store) || !disk_real_is_idle(dir->disk)) {
        return;
    }
    backup_intakes_free(dir->intakes);
    backup_store_free(dir->store);
    dir->open = 2;
    uv_close((uv_handle_t *)timer, on_timer_closed);
    disk_real_stop(dir->disk, on_part_closed, dir);
}

static void on_timer_closed(uv_handle_t *handle)
{
    on_part_closed(handle->data);
}

static void on_part_closed(void *data)
{
    struct backup_dir *dir = data;

    dir->open--;
    if (dir->open == 0) {
        void (*cb)(void *data) = dir->on_closed;
        void *cb_data = dir->on_closed_data;

        free(dir);
        cb(cb_data);
    }
}
