/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "consensus/inspect.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "consensus/doubt_file.h"
#include "consensus/older_format.h"
#include "consensus/reserve.h"
#include "util/mem.h"

#define ASIDE_SUFFIX ".corrupt"
#define SUSPECT_SUFFIX ".suspect" /* a number may follow */

static int look_at_names(struct inspection *ret, struct disk *disk,
                         struct err *err);
static int look_at_size(struct inspect_file *ret, struct disk *disk,
                        struct err *err);
static int look_at_log(struct inspection *ret, struct disk *disk,
                       struct err *err);
static int view_log(struct inspect_log *log, struct disk *disk, raft_index from,
                    struct err *err);
static void *grow(void *items, size_t item_len, size_t count, size_t *room);
static void on_name(void *data, const char *name);
static void on_snapshot(void *data, const struct snapshot_view *view);
static void on_segment(void *data, const struct wal_view *view);
static int terms_entry(void *data, raft_index index, raft_term term,
                       unsigned short type, const void *payload, size_t len);
static void terms_truncated(void *data, raft_index index);

int inspect_raft(struct inspection *ret, struct disk *disk, struct err *err)
{
    struct err unused;
    int rv = look_at_names(ret, disk, err);

    if (rv == 0) {
        rv = snapshot_dir_view(disk, on_snapshot, ret, err);
    }
    if (rv != 0) {
        return rv;
    }
    ret->vote_code = vote_file_view(disk, &ret->vote, err);
    if (ret->vote_code != 0 && ret->vote_code != QL_NOT_FOUND &&
        ret->vote_code != QL_CORRUPT) {
        return ret->vote_code;
    }
    ret->doubt_code = doubt_file_load(disk, &ret->doubt_term, &unused);
    rv = look_at_log(ret, disk, err);
    if (rv == 0) {
        inspect_find(ret);
    }
    return rv;
}

void inspect_close(struct inspection *inspection)
{
    free(inspection->snapshots);
    free(inspection->log.segments);
    free(inspection->aside);
    inspection->snapshots = NULL;
    inspection->log.segments = NULL;
    inspection->aside = NULL;
}

const struct snapshot_view *inspect_snapshot(
    const struct inspection *inspection)
{
    for (size_t i = inspection->snapshots_count; i > 0; i--) {
        if (inspection->snapshots[i - 1].good) {
            return &inspection->snapshots[i - 1];
        }
    }
    return NULL;
}

raft_term inspect_term_of(const struct inspect_terms *terms, raft_index index)
{
    for (size_t i = 0; i < terms->count; i++) {
        if (index >= terms->items[i].first && index <= terms->items[i].last) {
            return terms->items[i].term;
        }
    }
    return 0;
}

/* ---- Files ---- */

/* The sizes come afterwards: nothing is opened while the list is read. */
static int look_at_names(struct inspection *ret, struct disk *disk,
                         struct err *err)
{
    int rv = disk->ops->list(disk, on_name, ret, err);

    for (size_t i = 0; i < ret->aside_count && rv == 0; i++) {
        rv = look_at_size(&ret->aside[i], disk, err);
    }
    if (rv == 0 && ret->reserve.name[0] != '\0') {
        rv = look_at_size(&ret->reserve, disk, err);
    }
    if (rv == 0 && ret->reserve_rest.name[0] != '\0') {
        rv = look_at_size(&ret->reserve_rest, disk, err);
    }
    return rv;
}

static int look_at_size(struct inspect_file *ret, struct disk *disk,
                        struct err *err)
{
    struct disk_file *file;
    int rv = disk->ops->open(disk, ret->name, false, &file, err);

    if (rv == 0) {
        rv = disk->ops->size(file, &ret->size, err);
        disk->ops->close(file);
    }
    return rv;
}

static void on_name(void *data, const char *name)
{
    struct inspection *inspection = data;
    size_t len = strlen(name);
    size_t suffix = strlen(ASIDE_SUFFIX);
    struct inspect_file *file;

    if (older_format_has_name(name)) {
        inspection->older_format = true;
    }
    if (strcmp(name, RESERVE_NAME) == 0) {
        strcpy(inspection->reserve.name, RESERVE_NAME);
    }
    if (strcmp(name, RESERVE_NEW_NAME) == 0) {
        strcpy(inspection->reserve_rest.name, RESERVE_NEW_NAME);
    }
    /* None of ours is longer. */
    if (len < suffix || len >= DISK_NAME_MAX ||
        (strcmp(name + len - suffix, ASIDE_SUFFIX) != 0 &&
         strstr(name, SUSPECT_SUFFIX) == NULL)) {
        return;
    }
    inspection->aside = grow(inspection->aside, sizeof *file,
                             inspection->aside_count, &inspection->aside_room);
    file = &inspection->aside[inspection->aside_count++];
    file->size = 0;
    (void)snprintf(file->name, sizeof file->name, "%s", name);
}

static void on_snapshot(void *data, const struct snapshot_view *view)
{
    struct inspection *inspection = data;

    inspection->snapshots =
        grow(inspection->snapshots, sizeof *view, inspection->snapshots_count,
             &inspection->snapshots_room);
    inspection->snapshots[inspection->snapshots_count++] = *view;
}

static void *grow(void *items, size_t item_len, size_t count, size_t *room)
{
    if (count < *room) {
        return items;
    }
    *room = *room == 0 ? 16 : *room * 2;
    return mem_must_resize(items, *room * item_len);
}

/* ---- The log ---- */

/* As raft_disk_load() looks at it: whole, and if that is not enough from the
 * newest good snapshot on. What is shown is the one that reads more. */
static int look_at_log(struct inspection *ret, struct disk *disk,
                       struct err *err)
{
    const struct snapshot_view *snapshot = inspect_snapshot(ret);
    raft_index index = snapshot == NULL ? 0 : snapshot->index;
    struct inspect_log second = {0};
    int rv = view_log(&ret->log, disk, 0, err);

    if (rv != 0) {
        return rv;
    }
    ret->needed = ret->log.report;
    if (ret->needed.segments > 0 && ret->needed.corrupt_at[0] == '\0' &&
        ret->needed.first_index <= index + 1 &&
        ret->needed.last_index >= index) {
        return 0;
    }
    rv = view_log(&second, disk, index + 1, err);
    ret->needed = second.report;
    (void)memcpy(ret->damaged_at, ret->log.report.corrupt_at,
                 sizeof ret->damaged_at);
    if (second.report.segments > ret->log.report.segments) {
        struct inspect_log first = ret->log;

        ret->log = second;
        second = first;
    }
    free(second.segments);
    return rv;
}

static int view_log(struct inspect_log *log, struct disk *disk, raft_index from,
                    struct err *err)
{
    const struct wal_reader reader = {terms_entry, terms_truncated,
                                      &log->terms};

    return wal_view(disk, from, &reader, on_segment, log, &log->report, err);
}

static void on_segment(void *data, const struct wal_view *view)
{
    struct inspect_log *log = data;

    log->segments = grow(log->segments, sizeof *view, log->segments_count,
                         &log->segments_room);
    log->segments[log->segments_count++] = *view;
}

static int terms_entry(void *data, raft_index index, raft_term term,
                       unsigned short type, const void *payload, size_t len)
{
    struct inspect_terms *terms = data;
    struct inspect_range *last =
        terms->count == 0 ? NULL : &terms->items[terms->count - 1];

    (void)type;
    (void)payload;
    (void)len;
    if (last != NULL && last->term == term && last->last + 1 == index) {
        last->last = index;
        return 0;
    }
    if (terms->count == INSPECT_TERMS_MAX) {
        terms->dropped_last = terms->items[0].last;
        terms->count--;
        memmove(terms->items, terms->items + 1,
                terms->count * sizeof terms->items[0]);
    }
    terms->items[terms->count++] =
        (struct inspect_range){.first = index, .last = index, .term = term};
    return 0;
}

static void terms_truncated(void *data, raft_index index)
{
    struct inspect_terms *terms = data;

    while (terms->count > 0 && terms->items[terms->count - 1].first >= index) {
        terms->count--;
    }
    if (terms->count > 0 && terms->items[terms->count - 1].last >= index) {
        terms->items[terms->count - 1].last = index - 1;
    }
    if (terms->dropped_last >= index) {
        terms->dropped_last = index - 1;
    }
}
