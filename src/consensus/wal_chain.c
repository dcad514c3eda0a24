/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* Which segments of the WAL there are, and which of them make the chain. */
#include <stdlib.h>
#include <string.h>

#include "consensus/wal_internal.h"

static int names_list(struct wal_scan *scan, struct err *err);
static void on_name(void *data, const char *name);
static int compare_found(const void *left, const void *right);
static int starts_read(struct wal_scan *scan, struct err *err);
static int spare_check(struct wal_scan *scan, struct wal_found *found,
                       struct err *err);
static bool chain_reaches(const struct wal_scan *scan);
static void chain_turn(struct wal_scan *scan);

/* From the newest good start back over the predecessors. Where a start in
 * between is damaged and what is behind it is not enough alone, the log can only
 * end before it. */
int wal_chain_build(struct wal_scan *scan, struct err *err)
{
    size_t i;
    int rv;

    rv = names_list(scan, err);
    if (rv == 0) {
        rv = starts_read(scan, err);
    }
    if (rv != 0) {
        return rv;
    }
    i = scan->found_count;
    while (i > 0 && scan->found[i - 1].begun == WAL_UNBEGUN) {
        rv = spare_check(scan, &scan->found[i - 1], err);
        if (rv != 0) {
            return rv;
        }
        if (scan->found[i - 1].begun == WAL_UNBEGUN) {
            i--;
        }
    }
    scan->chain = calloc(scan->found_count + 1, sizeof(*scan->chain));
    if (scan->chain == NULL) {
        return err_set(err, QL_NO_MEMORY, "out of memory");
    }
    while (i > 0) {
        struct wal_found *found = &scan->found[i - 1];

        if (found->begun != WAL_BEGUN) {
            if (scan->chain_count > 0 && chain_reaches(scan)) {
                break;
            }
            scan->broken = found->number;
            scan->chain_count = 0;
            i--;
            continue;
        }
        if (found->start.next_index - 1 > scan->seen) {
            scan->seen = found->start.next_index - 1;
        }
        scan->chain[scan->chain_count++] = i - 1;
        if ((found->start.flags & WAL_FOLLOWS) == 0) {
            break;
        }
        do {
            i--;
        } while (i > 0 && scan->found[i - 1].number > found->start.predecessor);
        if (i > 0 && scan->found[i - 1].number != found->start.predecessor) {
            break;
        }
    }
    chain_turn(scan);
    return 0;
}

/* The newest segment that began when the log had not gone beyond what is
 * wanted: all that is wanted is in it and behind it. */
size_t wal_chain_begin(const struct wal_scan *scan)
{
    size_t i = scan->chain_count;

    while (i > 0) {
        i--;
        if (scan->found[scan->chain[i]].start.next_index <= scan->from) {
            return i;
        }
    }
    return 0;
}

int wal_segment_load(struct wal_scan *scan, const struct wal_found *found,
                     struct err *err)
{
    const struct disk_ops *ops = scan->disk->ops;
    size_t room =
        (size_t)(found->size + DISK_BLOCK - 1) / DISK_BLOCK * DISK_BLOCK;
    struct disk_file *file;
    char name[DISK_NAME_MAX];
    size_t len = 0;
    int rv;

    if (room > scan->room) {
        free(scan->memory);
        scan->room = 0;
        scan->memory = aligned_alloc(DISK_BLOCK, room);
        if (scan->memory == NULL) {
            return err_set(err, QL_NO_MEMORY, "no memory for a segment");
        }
        scan->room = room;
    }
    wal_name(found->number, name);
    rv = ops->open(scan->disk, name, false, &file, err);
    if (rv != 0) {
        return rv;
    }
    rv = ops->read(file, 0, scan->memory, room, &len, err);
    ops->close(file);
    if (rv == 0 && len < found->size) {
        rv = err_set(err, QL_IO, "%s became shorter while it was read", name);
    }
    scan->report->bytes += len;
    return rv;
}

/* ---- Helpers ---- */

static int names_list(struct wal_scan *scan, struct err *err)
{
    int rv = scan->disk->ops->list(scan->disk, on_name, scan, err);

    if (rv == 0 && scan->no_memory) {
        rv = err_set(err, QL_NO_MEMORY, "too little memory for the list");
    }
    if (rv == 0 && scan->found_count > 0) {
        qsort(scan->found, scan->found_count, sizeof(*scan->found),
              compare_found);
    }
    return rv;
}

static void on_name(void *data, const char *name)
{
    struct wal_scan *scan = data;
    struct wal_found *found;
    uint64_t number;
    bool aside;

    if (!wal_name_parse(name, &number, &aside)) {
        return;
    }
    if (number > scan->number_max) {
        scan->number_max = number;
    }
    if (aside) {
        scan->report->aside++;
        return;
    }
    if (scan->found_count == scan->found_room) {
        size_t room = scan->found_room == 0 ? 16 : scan->found_room * 2;

        found = realloc(scan->found, room * sizeof(*found));
        if (found == NULL) {
            scan->no_memory = true;
            return;
        }
        scan->found = found;
        scan->found_room = room;
    }
    found = &scan->found[scan->found_count++];
    memset(found, 0, sizeof(*found));
    found->number = number;
}

static int compare_found(const void *left, const void *right)
{
    const struct wal_found *a = left;
    const struct wal_found *b = right;

    return a->number < b->number ? -1 : a->number > b->number;
}

static int starts_read(struct wal_scan *scan, struct err *err)
{
    const struct disk_ops *ops = scan->disk->ops;
    uint8_t *block = aligned_alloc(DISK_BLOCK, DISK_BLOCK);
    size_t i;
    int rv = 0;

    if (block == NULL) {
        return err_set(err, QL_NO_MEMORY, "out of memory");
    }
    for (i = 0; i < scan->found_count && rv == 0; i++) {
        struct wal_found *found = &scan->found[i];
        struct disk_file *file;
        char name[DISK_NAME_MAX];
        size_t len = 0;

        wal_name(found->number, name);
        rv = ops->open(scan->disk, name, false, &file, err);
        if (rv != 0) {
            break;
        }
        rv = ops->size(file, &found->size, err);
        if (rv == 0) {
            rv = ops->read(file, 0, block, DISK_BLOCK, &len, err);
        }
        ops->close(file);
        found->begun = WAL_DAMAGED;
        if (len >= DISK_SECTOR) {
            found->begun =
                wal_start_decode(block, found->number, &found->start);
        }
        if (found->size > WAL_FILE_BYTES_MAX) {
            found->begun = WAL_DAMAGED; /* and not to be read */
        }
        if (found->begun == WAL_UNBEGUN &&
            (found->size < 2 * DISK_BLOCK || found->size % DISK_BLOCK != 0)) {
            found->begun = WAL_DAMAGED;
        }
    }
    free(block);
    return rv;
}

/* A prepared segment has no write of its own number: one without a start that
 * has some lost its start. */
static int spare_check(struct wal_scan *scan, struct wal_found *found,
                       struct err *err)
{
    uint32_t write;
    uint64_t i;
    int rv;

    rv = wal_segment_load(scan, found, err);
    if (rv != 0) {
        return rv;
    }
    for (i = 0; i < found->size / DISK_SECTOR; i++) {
        if (wal_sector_look(scan->memory + i * DISK_SECTOR, found->number, i,
                            &write) == WAL_SECTOR_OURS) {
            found->begun = WAL_DAMAGED;
            return 0;
        }
    }
    return 0;
}

/* The chain, newest first, begins early enough. */
static bool chain_reaches(const struct wal_scan *scan)
{
    size_t oldest = scan->chain[scan->chain_count - 1];

    return scan->found[oldest].start.next_index <= scan->needed;
}

static void chain_turn(struct wal_scan *scan)
{
    size_t i;

    for (i = 0; i < scan->chain_count / 2; i++) {
        size_t other = scan->chain_count - 1 - i;
        size_t swapped = scan->chain[i];

        scan->chain[i] = scan->chain[other];
        scan->chain[other] = swapped;
    }
}
