/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * What start-up changes on disk, blocking, after everything was read. Each way
 * ends with one step that makes it so (a start that is written, or a rename); a
 * crash before it repeats all, a crash behind it leaves only files to put away.
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "consensus/wal_internal.h"

static int settle_corrupt(struct wal *wal, struct wal_scan *scan,
                          struct err *err);
static int settle_new(struct wal *wal, struct wal_scan *scan, uint32_t flags,
                      struct err *err);
static int settle_continue(struct wal *wal, struct wal_scan *scan,
                           struct err *err);
static bool complete_last(struct wal_scan *scan, uint64_t number, size_t len);
static int salvage(struct wal *wal, struct wal_scan *scan,
                   const struct wal_found *cut, struct err *err);
static int salvage_load(struct wal *wal, struct wal_scan *scan,
                        const struct wal_found *cut, uint64_t number,
                        struct err *err);
static int put_away(struct wal *wal, struct wal_scan *scan, struct err *err);
static bool is_evidence(const struct wal_scan *scan, uint64_t number);
static bool in_chain(const struct wal *wal, uint64_t number);
static void start_fill(const struct wal *wal, struct wal_start *start);

int wal_settle(struct wal *wal, struct wal_scan *scan, struct err *err)
{
    const struct wal_report *report = scan->report;
    int rv;

    wal->number_max = scan->number_max;
    wal->scar_index = report->corrupt ? report->corrupt_index : 0;
    wal->scar_seen = report->corrupt ? report->seen_index : 0;
    rv = wal->disk->ops->remove(wal->disk, WAL_SPARE_NAME, err);
    if (rv != 0 && rv != QL_NOT_FOUND) {
        return rv;
    }
    wal->next = report->last_index + 1;
    wal->durable_next = wal->next;
    if (scan->tail == WAL_TAIL_CORRUPT) {
        rv = settle_corrupt(wal, scan, err);
    } else if (scan->parts.count == 0 || scan->next < scan->from) {
        rv = settle_new(wal, scan, 0, err);
    } else if (scan->tail == WAL_TAIL_TORN) {
        rv = settle_new(wal, scan, WAL_FOLLOWS, err);
    } else {
        rv = settle_continue(wal, scan, err);
    }
    if (rv != 0) {
        return rv;
    }
    return put_away(wal, scan, err);
}

/* ---- The three ways ---- */

/* The good writes of the damaged segment go into a new one. */
static int settle_corrupt(struct wal *wal, struct wal_scan *scan,
                          struct err *err)
{
    const struct wal_found *cut = NULL;
    size_t i;
    int rv;

    if (!scan->gap && scan->parts.count > 0 && scan->next >= scan->from) {
        cut = &scan->found[scan->chain[scan->at]];
        wal->chain = scan->parts;
        memset(&scan->parts, 0, sizeof(scan->parts));
        wal->chain.count--;
    }
    rv = salvage(wal, scan, cut, err);
    if (rv != 0) {
        return rv;
    }
    for (i = 0; i < scan->found_count; i++) {
        const struct wal_found *found = &scan->found[i];
        char from[DISK_NAME_MAX];
        char to[DISK_NAME_MAX];

        if (found->begun == WAL_UNBEGUN ||
            (cut != NULL && found->number < cut->number)) {
            continue;
        }
        wal_name(found->number, from);
        wal_name_aside(found->number, to);
        rv = wal->disk->ops->rename(wal->disk, from, to, err);
        if (rv != 0) {
            return rv;
        }
        scan->report->aside++;
        scan->found[i].number = 0;
    }
    return 0;
}

/* A new segment: behind what was read (torn tail), or instead of it. */
static int settle_new(struct wal *wal, struct wal_scan *scan, uint32_t flags,
                      struct err *err)
{
    struct wal_start start = {0};
    int rv;

    if ((flags & WAL_FOLLOWS) != 0) {
        wal->chain = scan->parts;
        memset(&scan->parts, 0, sizeof(scan->parts));
        start.predecessor = wal->chain.items[wal->chain.count - 1].number;
        start.end = scan->offset;
        start.writes = scan->writes;
        start.last_crc = scan->last_crc;
    }
    start.number = ++wal->number_max;
    start.flags = flags;
    start.bytes = wal->segment_bytes;
    start_fill(wal, &start);
    wal_start_encode(&start, wal->start_block);
    rv = wal_file_make(wal, start.number, true, &wal->file, err);
    if (rv != 0) {
        return rv;
    }
    rv = wal->disk->ops->write_sync(wal->file, 0, wal->start_block, DISK_BLOCK,
                                    err);
    if (rv != 0) {
        return rv;
    }
    wal->file_bytes = wal->segment_bytes;
    wal->offset = DISK_BLOCK;
    wal->writes = 1;
    wal->last_crc = 0;
    rv = wal_parts_add(&wal->chain, start.number, 0);
    return rv == 0 ? 0 : err_set(err, rv, "out of memory");
}

/* Goes on in the last segment. Its last write may be readable without being
 * durable: written once more, with the same records. */
static int settle_continue(struct wal *wal, struct wal_scan *scan,
                           struct err *err)
{
    const struct disk_ops *ops = wal->disk->ops;
    const struct wal_found *last =
        &scan->found[scan->chain[scan->chain_count - 1]];
    char name[DISK_NAME_MAX];
    uint64_t len =
        scan->last_offset == 0 ? DISK_BLOCK : scan->offset - scan->last_offset;
    size_t got = 0;
    int rv;

    wal->chain = scan->parts;
    memset(&scan->parts, 0, sizeof(scan->parts));
    wal_name(last->number, name);
    rv = ops->open(wal->disk, name, false, &wal->file, err);
    if (rv != 0) {
        return rv;
    }
    rv = ops->read(wal->file, scan->last_offset, scan->memory, (size_t)len,
                   &got, err);
    if (rv == 0 && !complete_last(scan, last->number, got)) {
        rv = err_set(err, QL_IO, "%s reads differently each time", name);
    }
    if (rv != 0) {
        return rv;
    }
    rv = ops->write_sync(wal->file, scan->last_offset, scan->memory, got, err);
    if (rv != 0) {
        return rv;
    }
    wal->file_bytes = last->size;
    wal->offset = scan->offset;
    wal->writes = scan->writes;
    wal->last_crc = scan->last_crc;
    wal->chain.items[wal->chain.count - 1].last = 0;
    return 0;
}

/* Its records are all there, but sectors behind them may not have arrived. They
 * would make it look torn once it is damaged, when it has long been confirmed.
 * False when it is not what was found before: it must not be written then. */
static bool complete_last(struct wal_scan *scan, uint64_t number, size_t len)
{
    uint32_t write = scan->writes - 1;
    struct wal_start start;
    struct wal_head head;

    if (scan->last_offset == 0) {
        return len == DISK_BLOCK &&
               wal_start_decode(scan->memory, number, &start) == WAL_BEGUN;
    }
    if (!wal_write_head(scan->memory, len, number, write, &head) ||
        head.crc != scan->last_crc ||
        !wal_write_is_whole(scan->memory, &head)) {
        return false;
    }
    (void)wal_write_seal(scan->memory, number, write, scan->last_offset,
                         head.records_len, head.records_crc);
    return true;
}

/* ---- After corruption ---- */

/* Makes the segment that takes the place of @cut and all behind it; of nothing
 * when @cut is NULL. It is complete before it gets its name. */
static int salvage(struct wal *wal, struct wal_scan *scan,
                   const struct wal_found *cut, struct err *err)
{
    const struct disk_ops *ops = wal->disk->ops;
    struct wal_start start = {0};
    char name[DISK_NAME_MAX];
    int rv;

    wal->file_bytes = wal->segment_bytes;
    wal->offset = DISK_BLOCK;
    wal->writes = 1;
    wal->last_crc = 0;
    if (cut != NULL) {
        start = cut->start;
        wal->offset = scan->offset;
        wal->writes = scan->writes;
        if (wal->file_bytes < wal->offset) {
            wal->file_bytes = wal->offset;
        }
    }
    start.number = ++wal->number_max;
    start.flags |= WAL_EVIDENCE;
    start.bytes = wal->file_bytes;
    if (cut == NULL || wal->offset == DISK_BLOCK) {
        start_fill(wal, &start);
    }
    start.scar_index = wal->scar_index;
    start.scar_seen = wal->scar_seen;

    rv = ops->open(wal->disk, WAL_SPARE_NAME, true, &wal->file, err);
    if (rv != 0) {
        return rv;
    }
    rv = ops->fill(wal->file, wal->file_bytes, err);
    if (rv == 0 && wal->offset > DISK_BLOCK) {
        rv = salvage_load(wal, scan, cut, start.number, err);
        if (rv == 0) {
            rv = ops->write_sync(wal->file, DISK_BLOCK,
                                 scan->memory + DISK_BLOCK,
                                 (size_t)(wal->offset - DISK_BLOCK), err);
        }
    }
    if (rv != 0) {
        return rv;
    }
    wal_start_encode(&start, wal->start_block);
    rv = ops->write_sync(wal->file, 0, wal->start_block, DISK_BLOCK, err);
    if (rv != 0) {
        return rv;
    }
    wal_name(start.number, name);
    rv = ops->rename(wal->disk, WAL_SPARE_NAME, name, err);
    if (rv != 0) {
        return rv;
    }
    rv = wal_parts_add(&wal->chain, start.number, 0);
    return rv == 0 ? 0 : err_set(err, rv, "out of memory");
}

/* The good writes of @cut in memory, as segment @number has them. */
static int salvage_load(struct wal *wal, struct wal_scan *scan,
                        const struct wal_found *cut, uint64_t number,
                        struct err *err)
{
    struct disk_file *file;
    char name[DISK_NAME_MAX];
    uint64_t offset = DISK_BLOCK;
    uint32_t write = 1;
    size_t got = 0;
    int rv;

    wal_name(cut->number, name);
    rv = wal->disk->ops->open(wal->disk, name, false, &file, err);
    if (rv != 0) {
        return rv;
    }
    rv = wal->disk->ops->read(file, 0, scan->memory, (size_t)wal->offset, &got,
                              err);
    wal->disk->ops->close(file);
    if (rv != 0) {
        return rv;
    }
    while (offset < wal->offset) {
        struct wal_head head;

        if (!wal_write_head(scan->memory + offset, (size_t)(got - offset),
                            cut->number, write, &head) ||
            !wal_write_is_whole(scan->memory + offset, &head)) {
            return err_set(err, QL_IO, "%s reads differently each time", name);
        }
        wal->last_crc =
            wal_write_seal(scan->memory + offset, number, write, offset,
                           head.records_len, head.records_crc);
        offset += head.bytes;
        write++;
    }
    return 0;
}

static void start_fill(const struct wal *wal, struct wal_start *start)
{
    start->next_index = wal->next;
    start->scar_index = wal->scar_index;
    start->scar_seen = wal->scar_seen;
}

/* ---- What is left over ---- */

static int put_away(struct wal *wal, struct wal_scan *scan, struct err *err)
{
    const struct disk_ops *ops = wal->disk->ops;
    size_t i;
    int rv;

    for (i = 0; i < scan->found_count; i++) {
        const struct wal_found *found = &scan->found[i];
        char name[DISK_NAME_MAX];
        char aside[DISK_NAME_MAX];

        if (found->number == 0 || in_chain(wal, found->number)) {
            continue;
        }
        wal_name(found->number, name);
        if (found->begun == WAL_DAMAGED ||
            (found->begun == WAL_BEGUN && is_evidence(scan, found->number))) {
            wal_name_aside(found->number, aside);
            rv = ops->rename(wal->disk, name, aside, err);
            if (rv != 0) {
                return rv;
            }
            scan->report->aside++;
            continue;
        }
        if (found->begun == WAL_UNBEGUN && wal->spare == NULL &&
            found->size == wal->segment_bytes &&
            found->number > wal->chain.items[wal->chain.count - 1].number) {
            rv = ops->open(wal->disk, name, false, &wal->spare, err);
            if (rv != 0) {
                return rv;
            }
            wal->spare_number = found->number;
            continue;
        }
        rv = wal_parts_add(&wal->pool, found->number, 0);
        if (rv != 0) {
            return err_set(err, rv, "out of memory");
        }
    }
    return 0;
}

/* It was set aside by an earlier start that did not come to rename it. */
static bool is_evidence(const struct wal_scan *scan, uint64_t number)
{
    size_t i;

    for (i = 0; i < scan->chain_count; i++) {
        const struct wal_start *start = &scan->found[scan->chain[i]].start;
        uint64_t from =
            (start->flags & WAL_FOLLOWS) != 0 ? start->predecessor : 0;

        if ((start->flags & WAL_EVIDENCE) != 0 && number > from &&
            number < start->number) {
            return true;
        }
    }
    return false;
}

static bool in_chain(const struct wal *wal, uint64_t number)
{
    size_t i;

    for (i = 0; i < wal->chain.count; i++) {
        if (wal->chain.items[i].number == number) {
            return true;
        }
    }
    return false;
}
