/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "consensus/wal.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "consensus/wal_internal.h"

static int wal_new(struct wal **ret_wal, const struct wal_options *options,
                   struct err *err);
static void scan_free(struct wal *wal);
static void queue_free(struct wal *wal);

int wal_open(struct wal **ret_wal, const struct wal_options *options,
             raft_index from_index, const struct wal_reader *reader,
             struct wal_report *ret_report, struct err *err)
{
    struct wal *wal;
    int rv = wal_read(&wal, options, from_index, from_index, reader, ret_report,
                      err);

    if (rv != 0) {
        return rv;
    }
    rv = wal_begin(wal, err);
    if (rv != 0) {
        wal_free(wal);
        return rv;
    }
    *ret_wal = wal;
    return 0;
}

int wal_read(struct wal **ret_wal, const struct wal_options *options,
             raft_index wanted_index, raft_index needed_index,
             const struct wal_reader *reader, struct wal_report *report,
             struct err *err)
{
    struct wal *wal = NULL;
    int rv;

    assert(wanted_index > 0);
    assert(wanted_index <= needed_index);
    rv = options->disk->ops->sync_directory(options->disk, err);
    if (rv != 0) {
        return err_wrap(err, "open the WAL");
    }
    rv = wal_new(&wal, options, err);
    if (rv != 0) {
        return rv;
    }
    memset(report, 0, sizeof(*report));
    wal->scan->disk = options->disk;
    wal->scan->from = wanted_index;
    wal->scan->needed = needed_index;
    wal->scan->reader = reader;
    wal->scan->report = report;
    rv = wal_scan_run(wal->scan, err);
    if (rv != 0) {
        wal_free(wal);
        (void)err_wrap(err, "open the WAL");
        return rv;
    }
    *ret_wal = wal;
    return 0;
}

int wal_begin(struct wal *wal, struct err *err)
{
    int rv = wal_settle(wal, wal->scan, err);

    scan_free(wal);
    if (rv != 0) {
        (void)err_wrap(err, "open the WAL");
        return rv;
    }
    wal_chore_run(wal);
    return 0;
}

int wal_inspect(struct disk *disk, raft_index from_index,
                const struct wal_reader *reader, struct wal_report *ret_report,
                struct err *err)
{
    struct wal_scan scan = {0};
    int rv;

    memset(ret_report, 0, sizeof(*ret_report));
    scan.disk = disk;
    scan.from = from_index;
    scan.needed = from_index;
    scan.reader = reader;
    scan.report = ret_report;
    rv = wal_scan_run(&scan, err);
    wal_scan_close(&scan);
    return rv;
}

void wal_free(struct wal *wal)
{
    const struct disk_ops *ops;

    if (wal == NULL) {
        return;
    }
    ops = wal->disk->ops;
    scan_free(wal);
    queue_free(wal);
    if (wal->file != NULL) {
        ops->close(wal->file);
    }
    if (wal->spare != NULL) {
        ops->close(wal->spare);
    }
    if (wal->chore.file != NULL) {
        ops->close(wal->chore.file);
    }
    free(wal->chain.items);
    free(wal->pool.items);
    free(wal->start_block);
    free(wal);
}

void wal_drop_before(struct wal *wal, raft_index index)
{
    if (index > wal->drop_index) {
        wal->drop_index = index;
    }
    if (!wal->dead) {
        wal_collect(wal);
    }
}

void wal_heal(struct wal *wal)
{
    if (wal->scar_index != 0) {
        wal->scar_index = 0;
        wal->scar_seen = 0;
        wal->fresh_wanted = true;
    }
}

raft_index wal_last_index(const struct wal *wal)
{
    return wal->next - 1;
}

bool wal_is_busy(const struct wal *wal)
{
    return wal->flying || wal->chore.busy ||
           (!wal->dead && !list_empty(&wal->queue));
}

/* ---- For the other files ---- */

int wal_parts_add(struct wal_parts *parts, uint64_t number, raft_index last)
{
    if (parts->count == parts->room) {
        size_t room = parts->room == 0 ? 16 : parts->room * 2;
        struct wal_part *items =
            realloc(parts->items, room * sizeof(*parts->items));

        if (items == NULL) {
            return QL_NO_MEMORY;
        }
        parts->items = items;
        parts->room = room;
    }
    parts->items[parts->count].number = number;
    parts->items[parts->count].last = last;
    parts->count++;
    return 0;
}

void wal_parts_remove_first(struct wal_parts *parts)
{
    assert(parts->count > 0);
    parts->count--;
    memmove(parts->items, parts->items + 1,
            parts->count * sizeof(*parts->items));
}

void wal_fatal(struct wal *wal, const char *reason)
{
    if (!wal->dead) {
        wal->dead = true;
        wal->on_fatal(wal->data, reason);
    }
}

static int wal_new(struct wal **ret_wal, const struct wal_options *options,
                   struct err *err)
{
    struct wal *wal = calloc(1, sizeof(*wal));
    struct wal_scan *scan = calloc(1, sizeof(*scan));
    uint8_t *block = aligned_alloc(DISK_BLOCK, DISK_BLOCK);

    if (wal == NULL || scan == NULL || block == NULL) {
        free(wal);
        free(scan);
        free(block);
        return err_set(err, QL_NO_MEMORY, "open the WAL: out of memory");
    }
    wal->disk = options->disk;
    wal->segment_bytes = options->segment_bytes != 0 ? options->segment_bytes
                                                     : WAL_SEGMENT_BYTES;
    assert(wal->segment_bytes % DISK_BLOCK == 0);
    assert(wal->segment_bytes >= 2 * DISK_BLOCK);
    wal->on_fatal = options->on_fatal;
    wal->make_room = options->make_room;
    wal->on_grown = options->on_grown;
    wal->data = options->data;
    wal->scan = scan;
    wal->start_block = block;
    list_init(&wal->queue);
    *ret_wal = wal;
    return 0;
}

static void scan_free(struct wal *wal)
{
    if (wal->scan != NULL) {
        wal_scan_close(wal->scan);
        free(wal->scan);
        wal->scan = NULL;
    }
}

static void queue_free(struct wal *wal)
{
    while (!list_empty(&wal->queue)) {
        struct wal_write *write =
            LIST_ITEM(wal->queue.next, struct wal_write, link);

        list_remove(&write->link);
        wal_write_free(write);
    }
    wal_write_free(wal->idle);
}
