/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * What the core starts with: term and vote, the newest good snapshot, and the
 * entries behind it, with some before it for nodes that are a little behind.
 *
 * A node that finds entries lost marks itself (doubt_file.h) before the WAL is
 * repaired, and goes into a new term: a leader of its old term may still count
 * on what it has acknowledged and forgotten, and steps down when it hears of the
 * newer one. The next leader is elected without this node.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "consensus/doubt_file.h"
#include "consensus/older_format.h"
#include "consensus/raft_disk_internal.h"
#include "consensus/snapshot_dir.h"
#include "util/limits.h"
#include "util/mem.h"

/* Entries as they are read. */
struct reading {
    struct raft_entry *items;
    size_t head; /* items before it were dropped again */
    size_t count;
    size_t room;
    raft_index first;    /* of items[head] */
    raft_index snapshot; /* 0: none */
    size_t trailing_bytes;
};

static int open_vote(struct raft_disk *disk, struct err *err);
static bool has_other_log(struct raft_disk *disk);
static void on_name(void *data, const char *name);
static int load_snapshot(struct raft_disk *disk, struct raft_snapshot **ret,
                         struct err *err);
static int read_log(struct raft_disk *disk, struct reading *reading,
                    bool *ret_lost, struct err *err);
static int begin_doubt(struct raft_disk *disk, bool lost, struct err *err);
static int begin_log(struct raft_disk *disk, struct err *err);
static int check_log(struct raft_disk *disk,
                     const struct raft_snapshot *snapshot,
                     struct reading *reading, bool lost, struct err *err);
static const struct raft_entry *entry_beside(
    const struct raft_snapshot *snapshot, const struct reading *reading);
static int begin_anew(struct raft_disk *disk,
                      const struct raft_snapshot *snapshot,
                      struct reading *reading, struct err *err);
static void on_anew(struct wal_append *anew, int status);
static int add_first_entry(struct raft_disk *disk, struct reading *reading,
                           struct err *err);
static void hand_over(struct reading *reading, struct raft_loaded *ret);
static int reading_entry(void *data, raft_index index, raft_term term,
                         unsigned short type, const void *payload, size_t len);
static void reading_truncated(void *data, raft_index index);
static void reading_drop_first(struct reading *reading);
static void reading_close(struct reading *reading);

int raft_disk_load(struct raft_disk *disk, struct raft_loaded *ret,
                   struct err *err)
{
    struct raft_loaded loaded = {0};
    struct reading reading = {0};
    raft_term last_term;
    bool lost = false;
    int rv = open_vote(disk, err);

    if (rv != 0) {
        return rv;
    }
    rv = snapshot_dir_take_staged(disk->disk, &disk->report.taken, err);
    if (rv == 0) {
        rv = load_snapshot(disk, &loaded.snapshot, err);
    }
    if (rv != 0) {
        return rv;
    }
    reading.snapshot = loaded.snapshot == NULL ? 0 : loaded.snapshot->index;
    rv = read_log(disk, &reading, &lost, err);
    if (rv == 0) {
        rv = begin_doubt(disk, lost, err);
    }
    if (rv == 0) {
        rv = begin_log(disk, err);
    }
    if (rv == 0) {
        rv = check_log(disk, loaded.snapshot, &reading, lost, err);
    }
    if (rv != 0) {
        goto close_reading;
    }
    last_term = loaded.snapshot == NULL ? 0 : loaded.snapshot->term;
    if (reading.count > 0) {
        last_term = reading.items[reading.head + reading.count - 1].term;
    }
    if (!disk->begins_anew) {
        raft_disk_reached(disk, last_term);
    }
    hand_over(&reading, &loaded);
    loaded.term = disk->vote.term;
    loaded.voted_for = disk->vote.voted_for;
    *ret = loaded;
    return 0;

close_reading:
    reading_close(&reading);
    if (loaded.snapshot != NULL) {
        raft_disk_free_snapshot(loaded.snapshot);
    }
    return rv;
}

/* ---- Term and vote ---- */

static int open_vote(struct raft_disk *disk, struct err *err)
{
    const char *where = disk->options.where;
    int rv = vote_file_open(&disk->vote, disk->disk, err);

    if (rv == 0) {
        disk->report.vote_repaired = disk->vote.repaired;
        return 0;
    }
    if (rv == QL_NOT_FOUND && has_other_log(disk)) {
        return older_format_error(where, err);
    }
    if (rv == QL_NOT_FOUND) {
        return err_set(err, QL_CORRUPT,
                       "%.200s holds no term and vote, although the node was "
                       "initialised: files were removed, or the disk is not "
                       "the one it had; bring that disk back; without it this "
                       "node could vote twice and must not start, and the "
                       "others go on without it while a majority of all runs",
                       where);
    }
    if (rv == QL_CORRUPT) {
        char why[ERR_TEXT_MAX];

        (void)snprintf(why, sizeof why, "%s", err->text);
        return err_set(
            err, QL_CORRUPT,
            "%.200s/vote: %.100s: this node may have voted and does "
            "not know for whom, so it must never vote again and does "
            "not start; an older copy of the file will not do; the "
            "others go on without it while a majority of all runs",
            where, why);
    }
    return rv;
}

static bool has_other_log(struct raft_disk *disk)
{
    bool found = false;

    (void)disk->disk->ops->list(disk->disk, on_name, &found, NULL);
    return found;
}

static void on_name(void *data, const char *name)
{
    bool *found = data;

    *found = *found || older_format_has_name(name);
}

/* ---- Snapshot ---- */

static int load_snapshot(struct raft_disk *disk, struct raft_snapshot **ret,
                         struct err *err)
{
    struct snapshot_meta meta;
    struct buf data = BUF_INIT;
    size_t at;
    int rv = snapshot_dir_load(disk->disk, &meta, &data, &at,
                               &disk->report.snapshots_aside, err);

    if (rv == 0) {
        rv = raft_disk_take_snapshot(&data, at, meta.index, meta.term,
                                     meta.configuration_index,
                                     meta.configuration, ret, err);
    } else if (rv == QL_NOT_FOUND || rv == QL_CORRUPT) {
        /* What that means, the log tells. */
        *ret = NULL;
        rv = 0;
    }
    buf_close(&data);
    return rv;
}

/* ---- The log as it is ---- */

/* Changes nothing in it. It must reach back to the snapshot; what an older
 * snapshot needs, or nodes that are a little behind, is wanted. */
static int read_log(struct raft_disk *disk, struct reading *reading,
                    bool *ret_lost, struct err *err)
{
    const struct wal_reader reader = {reading_entry, reading_truncated,
                                      reading};
    const struct wal_report *report = &disk->report.wal;
    raft_index index = reading->snapshot;
    raft_index wanted = index + 1;
    raft_index oldest = 0;
    int rv = snapshot_dir_clean(disk->disk, &oldest, err);

    if (rv != 0) {
        return rv;
    }
    if (index < TRAILING_ENTRIES_MAX) {
        wanted = 1;
    } else {
        wanted = index - TRAILING_ENTRIES_MAX + 1;
        wanted = oldest < wanted ? oldest + 1 : wanted;
    }
    rv = raft_disk_read_wal(disk, wanted, index + 1, &reader, err);
    if (rv != 0) {
        return rv;
    }
    *ret_lost = report->segments == 0 || report->corrupt_at[0] != '\0' ||
                (index == 0 && report->last_index == 0);
    if (*ret_lost) {
        (void)snprintf(disk->report.lost, sizeof disk->report.lost, "%s",
                       report->corrupt_at[0] != '\0' ? report->corrupt_at
                                                     : "it is not there");
    }
    return 0;
}

/* ---- Doubt ---- */

static int begin_doubt(struct raft_disk *disk, bool lost, struct err *err)
{
    raft_term term = disk->vote.term;
    int rv;

    if (lost && !disk->options.others_elect) {
        return err_set(
            err, QL_CORRUPT,
            "the raft log in %.150s is damaged (%.120s), what is lost may have "
            "been acknowledged, and the other nodes cannot elect a leader "
            "without this one: copy the directory away, check the disk, bring "
            "back the undamaged files, or begin a new cluster; `quorlogd "
            "inspect` shows what can still be read",
            disk->options.where, disk->report.lost);
    }
    rv = doubt_file_load(disk->disk, &term, err);
    if (rv == QL_NOT_FOUND && !lost) {
        return 0;
    }
    if (rv != 0 && rv != QL_NOT_FOUND && rv != QL_CORRUPT) {
        return rv;
    }
    if (rv != 0 || lost) {
        term = disk->vote.term;
        rv = doubt_file_store(disk->disk, term, err);
        if (rv != 0) {
            return rv;
        }
    }
    disk->report.in_doubt = true;
    disk->doubt_term = term;
    return disk->vote.term > term
               ? 0
               : vote_file_set_term(&disk->vote, term + 1, err);
}

/* ---- The log as it must be ---- */

static int begin_log(struct raft_disk *disk, struct err *err)
{
    int rv = wal_begin(disk->wal, err);

    if (rv != 0) {
        return rv;
    }
    /* Scarred, and no mark: it was healed, and the WAL had not written since. */
    if (disk->report.wal.corrupt && !disk->report.in_doubt) {
        wal_heal(disk->wal);
    }
    return 0;
}

/* Log and snapshot belong together, and one of them says who the members are. */
static int check_log(struct raft_disk *disk,
                     const struct raft_snapshot *snapshot,
                     struct reading *reading, bool lost, struct err *err)
{
    const struct raft_entry *beside;

    if (snapshot == NULL && reading->count == 0) {
        return add_first_entry(disk, reading, err);
    }
    if (snapshot == NULL &&
        (reading->first != 1 ||
         reading->items[reading->head].type != RAFT_CHANGE)) {
        return err_set(err, QL_CORRUPT,
                       "the raft log in %s does not begin with the members of "
                       "the cluster: this is not a log of quorlog",
                       disk->options.where);
    }
    if (snapshot == NULL) {
        return 0;
    }
    beside = entry_beside(snapshot, reading);
    if (beside == NULL ? !lost
                       : beside->term == snapshot->term ||
                             (reading->first > snapshot->index &&
                              beside->term > snapshot->term)) {
        return 0;
    }
    if (disk->report.in_doubt) {
        return begin_anew(disk, snapshot, reading, err);
    }
    return err_set(err, QL_CORRUPT,
                   "the raft log in %s contradicts the newest snapshot (entry "
                   "%" PRIu64 " is of term %" PRIu64 " and not %" PRIu64
                   "): files of different nodes or times were mixed; bring "
                   "back those that belong together",
                   disk->options.where, (uint64_t)snapshot->index,
                   (uint64_t)beside->term, (uint64_t)snapshot->term);
}

/* The entry that @snapshot ends with, or the first behind it; NULL: neither is
 * there. Terms never fall along a log, so either tells whether it is the
 * snapshot's. */
static const struct raft_entry *entry_beside(
    const struct raft_snapshot *snapshot, const struct reading *reading)
{
    raft_index index = snapshot->index;

    if (reading->count == 0) {
        return NULL;
    }
    if (reading->first > index) {
        index = reading->first;
    }
    return &reading->items[reading->head + index - reading->first];
}

/* What is left of a damaged log may be what was truncated later, if it was the
 * truncation that got lost. Until the log has begun anew there is a mark, so that
 * a start after a crash does it again. */
static int begin_anew(struct raft_disk *disk,
                      const struct raft_snapshot *snapshot,
                      struct reading *reading, struct err *err)
{
    struct raft_disk_report *report = &disk->report;
    int rv;

    reading_truncated(reading, reading->first);
    report->wal.entries = 0;
    report->wal.first_index = snapshot->index + 1;
    report->wal.last_index = snapshot->index;
    disk->begins_anew = true;
    disk->anew_term = snapshot->term;
    rv = wal_reset(disk->wal, &disk->anew, snapshot->index + 1, on_anew);
    return rv == 0 ? 0 : err_set(err, rv, "begin the raft log anew");
}

static void on_anew(struct wal_append *anew, int status)
{
    struct raft_disk *disk = LIST_ITEM(anew, struct raft_disk, anew);

    (void)status; /* always 0 */
    raft_disk_reached(disk, disk->anew_term);
}

/* All is lost: without members the core could not even be told who they are. */
static int add_first_entry(struct raft_disk *disk, struct reading *reading,
                           struct err *err)
{
    const struct bytes *first = &disk->options.first_configuration;
    struct raft_entry *entry;
    int rv = reading_entry(reading, 1, 1, RAFT_CHANGE, first->data, first->len);

    if (rv != 0) {
        return err_set(err, rv, "no memory for the first configuration");
    }
    entry = &reading->items[reading->head];
    /* What is appended later goes behind it. */
    rv = raft_disk_append(disk, NULL, entry, 1, NULL);
    return rv == 0 ? 0 : err_set(err, rv, "write the first configuration");
}

/* The list, too: a second one would be a copy. raft_free() takes it. */
static void hand_over(struct reading *reading, struct raft_loaded *ret)
{
    ret->start_index = reading->snapshot + 1;
    if (reading->count > 0) {
        memmove(reading->items, reading->items + reading->head,
                reading->count * sizeof *reading->items);
        ret->entries = reading->items;
        ret->start_index = reading->first;
        ret->count = reading->count;
    } else {
        free(reading->items);
    }
    *reading = (struct reading){0};
}

/* ---- Reading ---- */

/* Each entry is a batch of its own: libraft then frees one by one. */
static int reading_entry(void *data, raft_index index, raft_term term,
                         unsigned short type, const void *payload, size_t len)
{
    struct reading *reading = data;
    struct raft_entry entry = {.term = term, .type = type};

    if (index + TRAILING_ENTRIES_MAX <= reading->snapshot) {
        return 0;
    }
    entry.buf.base = raft_malloc(len == 0 ? 1 : len);
    if (entry.buf.base == NULL) {
        return QL_NO_MEMORY;
    }
    if (len > 0) {
        memcpy(entry.buf.base, payload, len);
    }
    entry.buf.len = len;
    entry.batch = entry.buf.base;
    if (reading->head + reading->count == reading->room) {
        reading->room = reading->room == 0 ? 1024 : reading->room * 2;
        reading->items =
            mem_must_resize(reading->items, reading->room * sizeof entry);
    }
    if (reading->count == 0) {
        reading->first = index;
    }
    reading->items[reading->head + reading->count] = entry;
    reading->count++;
    if (index <= reading->snapshot) {
        reading->trailing_bytes += len;
    }
    while (reading->trailing_bytes > TRAILING_BYTES_MAX &&
           reading->first < reading->snapshot) {
        reading_drop_first(reading);
    }
    return 0;
}

static void reading_truncated(void *data, raft_index index)
{
    struct reading *reading = data;

    while (reading->count > 0 && reading->first + reading->count > index) {
        struct raft_entry *last =
            &reading->items[reading->head + reading->count - 1];

        reading->count--;
        if (reading->first + reading->count <= reading->snapshot) {
            reading->trailing_bytes -= last->buf.len;
        }
        raft_free(last->batch);
    }
}

static void reading_drop_first(struct reading *reading)
{
    struct raft_entry *first = &reading->items[reading->head];

    reading->trailing_bytes -= first->buf.len;
    raft_free(first->batch);
    reading->head++;
    reading->first++;
    reading->count--;
}

static void reading_close(struct reading *reading)
{
    for (size_t i = 0; i < reading->count; i++) {
        raft_free(reading->items[reading->head + i].batch);
    }
    free(reading->items);
}
