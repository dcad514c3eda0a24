/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * Files that were set aside because something in them was damaged. Above
 * QUARANTINE_FILES_MAX files or QUARANTINE_BYTES_MAX bytes the oldest go, but
 * only those whose chunks this node has elsewhere in good order, or needs no
 * more: what is left of a damaged file may be the last that there is. A file that
 * cannot be understood stays.
 *
 * One file at a time: a work finds it and what it had, the loop decides, a second
 * work removes it.
 */
#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "machine/machine_parts.h"
#include "store/pack_read.h"
#include "store/reads.h"
#include "util/diag.h"
#include "util/limits.h"
#include "util/mem.h"

#define NAME_LEN (sizeof(PACK_QUARANTINE) - 1 + 16 + sizeof(PACK_SUFFIX) - 1)

struct quarantine_work {
    struct read_work read;     /* first */
    char after[DISK_NAME_MAX]; /* those up to this one have to stay */
    char name[DISK_NAME_MAX];  /* the oldest behind it; "": none, or no need */
    uint64_t files;
    uint64_t bytes;
    struct pack_row *rows; /* of that one; NULL: cannot be understood */
    uint32_t count;
    struct err err;
};

static void begin(struct chunk_store *store, struct quarantine_work *step,
                  disk_work_fn run, disk_work_cb cb);
static int look(struct disk_work *work);
static void on_name(void *data, const char *name);
static void read_rows(struct disk *disk, struct quarantine_work *step);
static void on_looked(struct disk_work *work, int status);
static bool is_needed(const struct chunk_store *store,
                      const struct quarantine_work *step);
static bool has_good(const struct chunk_store *store,
                     const struct chunk_name *name);
static const struct chunk *find_at(const struct chunk_store *store,
                                   unsigned part, const struct chunk_name *name,
                                   uint64_t at);
static int remove_it(struct disk_work *work);
static void on_removed(struct disk_work *work, int status);
static void step_free(struct read_work *work);

/* Not before the state is there: until then nothing is known to be needed. */
void quarantine_tick(struct chunk_store *store)
{
    struct store_quarantine *state = &store->reads->quarantine;
    struct quarantine_work *step;

    if (state->work != NULL || state->seen == store->counts.quarantined ||
        store->machine == NULL || store->pins.loaded == 0 ||
        store->is_stopped) {
        return;
    }
    step = mem_must_zalloc(sizeof(*step));
    memcpy(step->after, state->after, sizeof(step->after));
    begin(store, step, look, on_looked);
}

static void begin(struct chunk_store *store, struct quarantine_work *step,
                  disk_work_fn run, disk_work_cb cb)
{
    step->read.free = step_free;
    step->read.store = store;
    store->reads->quarantine.work = &step->read;
    (void)read_work_begin(store, store->options.disk, &step->read, run, cb);
}

/* ---- Looking ------------------------------------------------------------- */

struct found {
    struct quarantine_work *step;
    struct disk *disk;
};

static int look(struct disk_work *work)
{
    struct quarantine_work *step = work->data;
    struct disk *disk = step->read.store->options.disk;
    struct found found = {step, disk};
    int rv = disk->ops->list(disk, on_name, &found, &step->err);

    if (rv != 0) {
        return rv;
    }
    if (step->files <= QUARANTINE_FILES_MAX &&
        step->bytes <= QUARANTINE_BYTES_MAX) {
        step->name[0] = '\0';
    }
    if (step->name[0] != '\0') {
        read_rows(disk, step);
    }
    return 0;
}

/* Numbers of packs rise, so names do with age. */
static void on_name(void *data, const char *name)
{
    struct found *found = data;
    struct quarantine_work *step = found->step;
    struct disk_file *file;
    uint64_t len = 0;

    if (strlen(name) != NAME_LEN ||
        strncmp(name, PACK_QUARANTINE, sizeof(PACK_QUARANTINE) - 1) != 0) {
        return;
    }
    if (found->disk->ops->open(found->disk, name, false, &file, NULL) == 0) {
        (void)found->disk->ops->size(file, &len, NULL);
        found->disk->ops->close(file);
    }
    step->files++;
    step->bytes += len;
    if (strcmp(name, step->after) > 0 &&
        (step->name[0] == '\0' || strcmp(name, step->name) < 0)) {
        memcpy(step->name, name, NAME_LEN + 1);
    }
}

/* Leaves none when anything is wrong with the front. */
static void read_rows(struct disk *disk, struct quarantine_work *step)
{
    uint8_t prefix[PACK_PREFIX_LEN];
    struct pack_header header = {0};
    struct bytes front = {NULL, 0};
    struct disk_file *file;
    uint8_t *bytes = NULL;
    uint64_t end = 0;

    if (disk->ops->open(disk, step->name, false, &file, NULL) != 0) {
        return;
    }
    if (pack_read_exactly(disk, file, 0, prefix, sizeof(prefix), NULL) != 0 ||
        pack_front_measure(prefix, &front.len, NULL) != 0) {
        goto close_file;
    }
    bytes = mem_must_alloc(front.len);
    front.data = bytes;
    if (pack_read_exactly(disk, file, 0, bytes, front.len, NULL) != 0 ||
        pack_front_decode(front, &header, NULL) != 0) {
        goto close_file;
    }
    step->rows = mem_must_array(header.rows, sizeof(*step->rows));
    step->count = header.rows;
    if (pack_rows_decode(front, step->rows, &end, NULL) != 0) {
        free(step->rows);
        step->rows = NULL;
    }

close_file:
    free(bytes);
    disk->ops->close(file);
}

/* ---- Deciding ------------------------------------------------------------ */

static void on_looked(struct disk_work *work, int status)
{
    struct quarantine_work *step = work->data;
    struct chunk_store *store = step->read.store;
    struct store_quarantine *state = &store->reads->quarantine;

    read_work_ended(&step->read);
    state->work = NULL;
    if (status == 0) {
        store->counts.quarantined = step->files;
    }
    if (status != 0 || step->name[0] == '\0') {
        /* Done, until another one comes. */
        state->seen = store->counts.quarantined;
        state->after[0] = '\0';
        step_free(&step->read);
    } else if (is_needed(store, step)) {
        memcpy(state->after, step->name, sizeof(state->after));
        step_free(&step->read);
    } else {
        begin(store, step, remove_it, on_removed);
    }
    store_tell_fatal(store);
}

static bool is_needed(const struct chunk_store *store,
                      const struct quarantine_work *step)
{
    if (step->rows == NULL) {
        return true;
    }
    for (uint32_t i = 0; i < step->count; i++) {
        if (!has_good(store, &step->rows[i].facts.name)) {
            return true;
        }
    }
    return false;
}

/* Are those entries on the disk in good order, or needed by nobody? They may lie
 * in one chunk of a part of the state, or in several. */
static bool has_good(const struct chunk_store *store,
                     const struct chunk_name *name)
{
    const struct chunk *chunk = chunk_table_find(&store->table, name);

    if (chunk != NULL) {
        return chunk->home != NULL;
    }
    for (unsigned part = MACHINE_LIVE; part < MACHINE_PARTS; part++) {
        uint64_t at = name->first;

        chunk = find_at(store, part, name, at);
        while (chunk != NULL) {
            if (chunk->home == NULL) {
                return false;
            }
            at = chunk->name.last + 1;
            chunk = find_at(store, part, name, at);
        }
    }
    return true;
}

/* The first chunk with entries from @at on of those that are named. */
static const struct chunk *find_at(const struct chunk_store *store,
                                   unsigned part, const struct chunk_name *name,
                                   uint64_t at)
{
    const struct chunk *chunk = machine_part_find(
        store->machine, (enum machine_part)part, name->uid, at);

    return chunk == NULL || chunk->name.first > name->last ? NULL : chunk;
}

/* ---- Removing ------------------------------------------------------------ */

static int remove_it(struct disk_work *work)
{
    struct quarantine_work *step = work->data;
    struct disk *disk = step->read.store->options.disk;

    return disk->ops->remove(disk, step->name, &step->err);
}

static void on_removed(struct disk_work *work, int status)
{
    struct quarantine_work *step = work->data;
    struct chunk_store *store = step->read.store;

    read_work_ended(&step->read);
    if (status == 0) {
        diag_info("%s: removed %s: all that it had is here in good order",
                  store->options.where, step->name);
        store->counts.quarantined--;
        store->reads->quarantine.seen = 0; /* there may be more */
    } else {
        diag_warning("%s: %s stays: %s", store->options.where, step->name,
                     step->err.text);
        memcpy(store->reads->quarantine.after, step->name, sizeof(step->name));
    }
    step_free(&step->read);
    store_tell_fatal(store);
}

static void step_free(struct read_work *work)
{
    struct quarantine_work *step = (struct quarantine_work *)(void *)work;

    if (work->store->reads->quarantine.work == work) {
        work->store->reads->quarantine.work = NULL;
    }
    free(step->rows);
    free(step);
}
