/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * Reading the WAL at start: which segments there are, which of them make the
 * chain, what they hold, and how the last one ends. Changes nothing on disk.
 */
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "consensus/wal_internal.h"

static void on_name(void *data, const char *name);
static int compare_found(const void *left, const void *right);
static int starts_read(struct wal_scan *scan, struct err *err);
static int spare_check(struct wal_scan *scan, struct wal_found *found,
                       struct err *err);
static int chain_build(struct wal_scan *scan, struct err *err);
static bool chain_reaches(const struct wal_scan *scan);
static void chain_turn(struct wal_scan *scan);
static size_t chain_begin(const struct wal_scan *scan);
static int segment_load(struct wal_scan *scan, const struct wal_found *found,
                        struct err *err);
static int segment_read(struct wal_scan *scan, size_t at, struct err *err);
static enum wal_tail tail_look(const struct wal_scan *scan, uint64_t number,
                               uint64_t size);
static int records_tell(struct wal_scan *scan, const uint8_t *records,
                        size_t len, bool *ret_good);
static void truncate_to(struct wal_scan *scan, raft_index index);
static void corrupt(struct wal_scan *scan, uint64_t number, const char *why);
static void finish(struct wal_scan *scan);

int wal_scan_run(struct wal_scan *scan, struct err *err)
{
    size_t i;
    int rv;

    rv = scan->disk->ops->list(scan->disk, on_name, scan, err);
    if (rv != 0) {
        return rv;
    }
    if (scan->no_memory) {
        return err_set(err, QL_NO_MEMORY, "too little memory for the list");
    }
    if (scan->found_count > 0) {
        qsort(scan->found, scan->found_count, sizeof(*scan->found),
              compare_found);
    }
    rv = starts_read(scan, err);
    if (rv != 0) {
        return rv;
    }
    rv = chain_build(scan, err);
    if (rv != 0) {
        return rv;
    }
    scan->first = scan->next = scan->from == 0 ? 1 : scan->from;
    for (i = chain_begin(scan); i < scan->chain_count; i++) {
        rv = segment_read(scan, i, err);
        if (rv != 0) {
            return rv;
        }
        if (scan->tail == WAL_TAIL_CORRUPT) {
            break;
        }
    }
    if (scan->broken != 0 && scan->tail != WAL_TAIL_CORRUPT) {
        corrupt(scan, scan->broken, "the start is damaged");
    }
    finish(scan);
    return 0;
}

void wal_scan_close(struct wal_scan *scan)
{
    free(scan->found);
    free(scan->chain);
    free(scan->memory);
    free(scan->parts.items);
    memset(scan, 0, sizeof(*scan));
}

/* ---- Which segments there are ---- */

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

    rv = segment_load(scan, found, err);
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

/* From the newest good start back over the predecessors. Where a start in
 * between is damaged and what is behind it is not enough alone, the log can only
 * end before it. */
static int chain_build(struct wal_scan *scan, struct err *err)
{
    size_t i = scan->found_count;
    int rv;

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

/* The chain, newest first, begins early enough. */
static bool chain_reaches(const struct wal_scan *scan)
{
    size_t oldest = scan->chain[scan->chain_count - 1];

    return scan->found[oldest].start.next_index <= scan->from;
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

/* The newest segment that began when the log had not gone beyond what is
 * wanted: all that is wanted is in it and behind it. */
static size_t chain_begin(const struct wal_scan *scan)
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

/* ---- What they hold ---- */

static int segment_load(struct wal_scan *scan, const struct wal_found *found,
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

/* One segment: good writes one behind the other, then the end that its successor
 * tells, or the one to be found out. */
static int segment_read(struct wal_scan *scan, size_t at, struct err *err)
{
    const struct wal_found *found = &scan->found[scan->chain[at]];
    const struct wal_start *successor =
        at + 1 < scan->chain_count ? &scan->found[scan->chain[at + 1]].start
                                   : NULL;
    struct wal_head head;
    bool good = true;
    int rv;

    rv = segment_load(scan, found, err);
    if (rv != 0) {
        return rv;
    }
    if (scan->parts.count == 0) {
        scan->first = scan->next = found->start.next_index;
        scan->told = 0;
    }
    if (wal_parts_add(&scan->parts, found->number, 0) != 0) {
        return err_set(err, QL_NO_MEMORY, "out of memory");
    }
    scan->at = at;
    scan->offset = DISK_BLOCK;
    scan->last_offset = 0;
    scan->writes = 1;
    scan->last_crc = 0;
    if (found->start.next_index != scan->next) {
        corrupt(scan, found->number, "entries before it are missing");
        return 0;
    }
    while ((successor == NULL || scan->offset < successor->end) &&
           scan->offset + DISK_BLOCK <= found->size &&
           wal_write_head(scan->memory + scan->offset,
                          (size_t)(found->size - scan->offset), found->number,
                          scan->writes, &head) &&
           wal_write_is_whole(scan->memory + scan->offset, &head)) {
        rv = records_tell(scan,
                          wal_write_records(scan->memory + scan->offset, &head),
                          head.records_len, &good);
        if (rv != 0) {
            return err_set(err, rv, "the reader of the WAL gave up");
        }
        if (!good) {
            corrupt(scan, found->number, "its records make no sense");
            return 0;
        }
        scan->last_offset = scan->offset;
        scan->offset += head.bytes;
        scan->writes++;
        scan->last_crc = head.crc;
    }
    scan->parts.items[scan->parts.count - 1].last = scan->next - 1;
    if (found->start.bytes != found->size) {
        corrupt(scan, found->number, "the file has another length");
    } else if (successor != NULL) {
        if (scan->offset != successor->end ||
            scan->writes != successor->writes ||
            scan->last_crc != successor->last_crc) {
            corrupt(scan, found->number, "a write is damaged");
        }
    } else {
        scan->tail = tail_look(scan, found->number, found->size);
        if (scan->tail == WAL_TAIL_CORRUPT) {
            corrupt(scan, found->number, "the last write is damaged");
        }
    }
    return 0;
}

/* What stands behind the last good write, see "Reading" in docs/formats.md. */
static enum wal_tail tail_look(const struct wal_scan *scan, uint64_t number,
                               uint64_t size)
{
    struct wal_head head;
    uint64_t end = size;
    uint64_t offset;
    uint64_t ours = 0; /* end of what the next write left */
    bool first_old = false;
    bool any_old = false;
    bool damaged = false;
    bool headed;

    if (scan->offset >= size) {
        return WAL_TAIL_CLEAN;
    }
    headed = wal_write_head(scan->memory + scan->offset,
                            (size_t)(size - scan->offset), number, scan->writes,
                            &head);
    if (headed) {
        end = scan->offset + head.bytes;
    }
    for (offset = scan->offset; offset < size; offset += DISK_SECTOR) {
        bool inside = offset < end;
        uint32_t write = 0;

        switch (wal_sector_look(scan->memory + offset, number,
                                offset / DISK_SECTOR, &write)) {
        case WAL_SECTOR_OLD:
            any_old = any_old || inside;
            first_old = first_old || offset == scan->offset;
            break;
        case WAL_SECTOR_OURS:
            if (write != scan->writes || !inside) {
                return WAL_TAIL_CORRUPT;
            }
            ours = offset + DISK_SECTOR - scan->offset;
            break;
        case WAL_SECTOR_DAMAGED:
            damaged = damaged || inside;
            break;
        }
    }
    if (headed ? any_old && !damaged : first_old && ours != 0) {
        scan->report->torn_bytes = ours;
        return WAL_TAIL_TORN;
    }
    return !headed && first_old ? WAL_TAIL_CLEAN : WAL_TAIL_CORRUPT;
}

static int records_tell(struct wal_scan *scan, const uint8_t *records,
                        size_t len, bool *ret_good)
{
    struct wal_record record;
    size_t at = 0;
    int rv;

    while (at < len) {
        if (!wal_record_decode(records, len, &at, &record)) {
            *ret_good = false;
            return 0;
        }
        if (record.kind == WAL_TRUNCATION) {
            truncate_to(scan, record.index);
            continue;
        }
        if (record.index != scan->next) {
            *ret_good = false;
            return 0;
        }
        scan->next++;
        if (scan->next - 1 > scan->seen) {
            scan->seen = scan->next - 1;
        }
        /* What does not reach back to what is wanted will be truncated, or
         * there is a gap: nothing to tell either way. */
        if (record.index < scan->from ||
            (scan->from != 0 && scan->first > scan->from)) {
            continue;
        }
        rv = scan->reader->entry(scan->reader->data, record.index, record.term,
                                 record.type, record.payload, record.len);
        if (rv != 0) {
            return rv;
        }
        scan->told = scan->next;
        scan->report->entries++;
    }
    return 0;
}

/* The entries before @index may be in a segment that is not needed any more. */
static void truncate_to(struct wal_scan *scan, raft_index index)
{
    size_t i;

    if (index >= scan->next) {
        return;
    }
    scan->next = index;
    if (scan->first > index) {
        scan->first = index;
    }
    for (i = 0; i < scan->parts.count; i++) {
        if (scan->parts.items[i].last >= index) {
            scan->parts.items[i].last = index - 1;
        }
    }
    if (scan->told > index) {
        raft_index from = index > scan->from ? index : scan->from;

        scan->report->entries -= scan->told - from;
        scan->reader->truncated(scan->reader->data, from);
        scan->told = from;
    }
}

static void corrupt(struct wal_scan *scan, uint64_t number, const char *why)
{
    char name[DISK_NAME_MAX];

    wal_name(number, name);
    scan->tail = WAL_TAIL_CORRUPT;
    scan->report->torn_bytes = 0;
    (void)snprintf(scan->report->corrupt_at, sizeof(scan->report->corrupt_at),
                   "%s at %llu: %s", name, (unsigned long long)scan->offset,
                   why);
}

/* ---- The report ---- */

static void finish(struct wal_scan *scan)
{
    struct wal_report *report = scan->report;
    const struct wal_start *top =
        scan->chain_count > 0
            ? &scan->found[scan->chain[scan->chain_count - 1]].start
            : NULL;

    if (scan->parts.count > 0 && scan->from != 0 && scan->first > scan->from) {
        scan->gap = true;
        truncate_to(scan, scan->from);
        scan->first = scan->next = scan->from;
        if (scan->tail != WAL_TAIL_CORRUPT) {
            corrupt(scan, scan->parts.items[0].number,
                    "entries before it are missing");
        }
    }
    report->segments = scan->parts.count;
    report->first_index = scan->first;
    report->last_index = scan->next - 1;
    if (scan->from != 0 && scan->next <= scan->from) {
        report->first_index = scan->from;
        report->last_index = scan->from - 1;
    } else if (scan->from != 0 && scan->first < scan->from) {
        report->first_index = scan->from;
    }
    if (top != NULL && top->scar_index != 0) {
        report->corrupt = true;
        report->corrupt_index = top->scar_index;
        report->seen_index = top->scar_seen;
    }
    if (scan->tail == WAL_TAIL_CORRUPT) {
        if (!report->corrupt ||
            report->last_index + 1 < report->corrupt_index) {
            report->corrupt_index = report->last_index + 1;
        }
        report->corrupt = true;
        if (scan->seen > report->seen_index) {
            report->seen_index = scan->seen;
        }
    }
}
