/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "consensus/wal_view.h"

#include "consensus/wal_internal.h"

struct viewer {
    void (*each)(void *data, const struct wal_view *view);
    void *data;
};

static void on_segment(struct wal_scan *scan, size_t at);
static void tell_rest(const struct wal_scan *scan, const struct viewer *viewer);
static bool was_read(const struct wal_scan *scan, uint64_t number);

int wal_view(struct disk *disk, raft_index from_index,
             const struct wal_reader *reader,
             void (*each)(void *data, const struct wal_view *view), void *data,
             struct wal_report *ret_report, struct err *err)
{
    struct viewer viewer = {each, data};
    struct wal_scan scan = {.disk = disk,
                            .from = from_index,
                            .needed = from_index,
                            .reader = reader,
                            .report = ret_report,
                            .on_segment = on_segment,
                            .on_segment_data = &viewer};
    int rv;

    *ret_report = (struct wal_report){0};
    rv = wal_scan_run(&scan, err);
    if (rv == 0) {
        tell_rest(&scan, &viewer);
    }
    wal_scan_close(&scan);
    return rv;
}

static void on_segment(struct wal_scan *scan, size_t at)
{
    static const enum wal_view_state states[] = {
        [WAL_TAIL_CLEAN] = WAL_VIEW_CLEAN,
        [WAL_TAIL_TORN] = WAL_VIEW_TORN,
        [WAL_TAIL_CORRUPT] = WAL_VIEW_CORRUPT,
    };
    const struct viewer *viewer = scan->on_segment_data;
    const struct wal_found *found = &scan->found[scan->chain[at]];
    const struct wal_view view = {.number = found->number,
                                  .size = found->size,
                                  .state = states[scan->tail],
                                  .begin = found->start.next_index,
                                  .end = scan->next,
                                  .used = scan->offset,
                                  .torn = scan->report->torn_bytes};

    viewer->each(viewer->data, &view);
}

static void tell_rest(const struct wal_scan *scan, const struct viewer *viewer)
{
    uint64_t first =
        scan->parts.count > 0 ? scan->parts.items[0].number : UINT64_MAX;

    for (size_t i = 0; i < scan->found_count; i++) {
        const struct wal_found *found = &scan->found[i];
        struct wal_view view = {.number = found->number, .size = found->size};

        if (was_read(scan, found->number)) {
            continue;
        }
        switch (found->begun) {
        case WAL_UNBEGUN:
            view.state = WAL_VIEW_SPARE;
            break;
        case WAL_DAMAGED:
            view.state = WAL_VIEW_UNKNOWN;
            break;
        case WAL_BEGUN:
            view.state =
                found->number < first ? WAL_VIEW_FREE : WAL_VIEW_BEHIND;
            view.begin = found->start.next_index;
            break;
        }
        viewer->each(viewer->data, &view);
    }
}

static bool was_read(const struct wal_scan *scan, uint64_t number)
{
    for (size_t i = 0; i < scan->parts.count; i++) {
        if (scan->parts.items[i].number == number) {
            return true;
        }
    }
    return false;
}
