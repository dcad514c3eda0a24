/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * Reading the WAL at start: what the segments of the chain hold, and how the
 * last one ends. Changes nothing on disk.
 */
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "consensus/wal_internal.h"

static void from_choose(struct wal_scan *scan);
static int chain_read(struct wal_scan *scan, struct err *err);
static void begin_again(struct wal_scan *scan);
static int segment_read(struct wal_scan *scan, size_t at, struct err *err);
static enum wal_tail tail_look(const struct wal_scan *scan, uint64_t number,
                               uint64_t size);
static int records_tell(struct wal_scan *scan, const uint8_t *records,
                        size_t len, bool *ret_good);
static void truncate_to(struct wal_scan *scan, raft_index index);
static void corrupt(struct wal_scan *scan, uint64_t number, const char *why);
static void finish(struct wal_scan *scan);

/* Once, unless what is wanted and not needed turns out to be damaged, or the log
 * to end before what is needed: then what is needed alone decides. */
int wal_scan_run(struct wal_scan *scan, struct err *err)
{
    int rv = wal_chain_build(scan, err);

    if (rv != 0) {
        return rv;
    }
    from_choose(scan);
    rv = chain_read(scan, err);
    if (rv == 0 && scan->from < scan->needed &&
        (scan->tail == WAL_TAIL_CORRUPT || scan->next < scan->needed)) {
        begin_again(scan);
        rv = chain_read(scan, err);
    }
    if (rv == 0) {
        finish(scan);
    }
    return rv;
}

void wal_scan_close(struct wal_scan *scan)
{
    free(scan->found);
    free(scan->chain);
    free(scan->memory);
    free(scan->parts.items);
    memset(scan, 0, sizeof(*scan));
}

/* ---- Where to begin ---- */

/* What is wanted, or what there is of it. */
static void from_choose(struct wal_scan *scan)
{
    raft_index oldest = scan->chain_count == 0
                            ? scan->needed
                            : scan->found[scan->chain[0]].start.next_index;

    if (scan->from < oldest) {
        scan->from = oldest < scan->needed ? oldest : scan->needed;
    }
}

static void begin_again(struct wal_scan *scan)
{
    struct wal_report *report = scan->report;

    if (scan->told > scan->from) {
        scan->reader->truncated(scan->reader->data, scan->from);
    }
    scan->from = scan->needed;
    scan->told = 0;
    scan->parts.count = 0;
    scan->tail = WAL_TAIL_CLEAN;
    report->entries = 0;
    report->torn_bytes = 0;
    report->corrupt_at[0] = '\0';
}

static int chain_read(struct wal_scan *scan, struct err *err)
{
    size_t i;
    int rv;

    scan->first = scan->next = scan->from == 0 ? 1 : scan->from;
    for (i = wal_chain_begin(scan); i < scan->chain_count; i++) {
        rv = segment_read(scan, i, err);
        if (rv != 0) {
            return rv;
        }
        if (scan->on_segment != NULL) {
            scan->on_segment(scan, i);
        }
        if (scan->tail == WAL_TAIL_CORRUPT) {
            break;
        }
    }
    if (scan->broken != 0 && scan->tail != WAL_TAIL_CORRUPT) {
        corrupt(scan, scan->broken, "the start is damaged");
    }
    return 0;
}

/* ---- What they hold ---- */

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

    rv = wal_segment_load(scan, found, err);
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
