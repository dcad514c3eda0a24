/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * A data directory as a source. Its state is that of the newest good snapshot and
 * of all entries behind it that can be read without a gap, committed or not: which
 * of them a majority had, this one alone cannot tell.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "consensus/recover_source.h"
#include "machine/command.h"
#include "store/snapshot.h"
#include "util/file.h"
#include "util/mem.h"

/* The entries behind the snapshot, one by one. */
struct replay {
    struct recover_source *source;
    struct machine *machine; /* NULL: they are only looked at */
    uint64_t next;           /* index; 0: not known yet */
    uint64_t term;
    bool gap;
    struct err *err;
};

static int lock(struct recover_source *source, struct err *err);
static int read_mark(struct recover_source *source, struct err *err);
static int open_below(const struct recover_source *source, const char *name,
                      struct disk_reader **ret, struct err *err);
static int look_at_raft(struct recover_source *source, struct err *err);
static int read_members(struct recover_source *source, struct err *err);
static int measure(struct recover_source *source, struct err *err);
static int walk(struct recover_source *source, struct replay *replay,
                struct err *err);
static int on_entry(void *data, const struct inspect_entry *entry);
static int apply(struct replay *replay, const struct inspect_entry *entry);
static void take_members(struct recover_source *source, struct bytes payload);
static void on_member(void *data, const struct inspect_member *member);
static int look_at_packs(struct recover_source *source, struct err *err);

int recover_dir_open(struct recover_source *source, struct err *err)
{
    int rv = lock(source, err);

    if (rv == 0) {
        rv = open_below(source, RAFT_DIR_NAME, &source->raft, err);
        rv = rv != QL_NOT_FOUND
                 ? rv
                 : err_set(err, rv, "%s is no data directory of a node",
                           source->path);
    }
    if (rv == 0) {
        rv = read_mark(source, err);
    }
    if (rv != 0) {
        return rv;
    }
    source->code = identity_read(&source->identity, source->path, &source->err);
    source->has_identity = source->code == 0;
    if (source->has_identity) {
        identity_cluster_bytes(&source->identity, source->cluster);
    }
    rv = look_at_raft(source, err);
    return rv == 0 ? look_at_packs(source, err) : rv;
}

/* Held until the end. A copy may have come without the file. */
static int lock(struct recover_source *source, struct err *err)
{
    char path[PATH_LEN_MAX];
    struct err why;
    int rv = path_join(path, sizeof path, source->path, DIR_LOCK_NAME, err);

    if (rv != 0) {
        return rv;
    }
    rv = file_lock_shared(path, &source->lock_fd, &why);
    if (rv == QL_BUSY) {
        return err_set(err, QL_BUSY,
                       "%s is in use (%s): stop its node first, and do not "
                       "start it again",
                       source->path, why.text);
    }
    if (rv != 0) {
        source->lock_fd = -1;
    }
    return 0;
}

int recover_dir_claim(struct recover_source *source, struct err *err)
{
    int rv = 0;

    if (source->lock_fd >= 0) {
        rv = file_lock_claim(source->lock_fd, source->path, err);
    }
    return rv == 0 ? read_mark(source, err) : rv;
}

static int read_mark(struct recover_source *source, struct err *err)
{
    int rv;

    if (source->mark == NULL) {
        source->mark = mem_must_zalloc(sizeof *source->mark);
    }
    rv = recover_mark_read(source->mark, source->path, err);
    source->has_mark = rv == 0;
    return rv == QL_NOT_FOUND ? 0 : rv;
}

static int open_below(const struct recover_source *source, const char *name,
                      struct disk_reader **ret, struct err *err)
{
    char path[PATH_LEN_MAX];
    int rv = path_join(path, sizeof path, source->path, name, err);

    return rv == 0 ? disk_reader_open(ret, path, err) : rv;
}

/* ---- The raft log ---- */

static int look_at_raft(struct recover_source *source, struct err *err)
{
    struct inspection *inspection = mem_must_zalloc(sizeof *inspection);
    const struct snapshot_view *snapshot;
    int rv;

    source->inspection = inspection;
    inspection->identity_code = source->code;
    inspection->identity = source->identity;
    inspection->identity_err = source->err;
    rv = inspect_raft(inspection, disk_reader_disk(source->raft), err);
    if (rv != 0) {
        return rv;
    }
    snapshot = inspect_snapshot(inspection);
    source->snapshot_index = snapshot == NULL ? 0 : snapshot->index;
    source->index = source->snapshot_index;
    source->term = snapshot == NULL ? 0 : snapshot->term;
    source->in_doubt = inspection->doubt_code == 0;
    if (inspection->needed.corrupt_at[0] != '\0') {
        (void)snprintf(source->damage, sizeof source->damage,
                       "the raft log is damaged (%.120s): what was behind it "
                       "is lost",
                       inspection->needed.corrupt_at);
    } else if (inspection->needed.segments == 0) {
        (void)snprintf(source->damage, sizeof source->damage,
                       "there is no raft log: what was behind the snapshot is "
                       "lost");
    } else if (source->in_doubt) {
        (void)snprintf(source->damage, sizeof source->damage,
                       "the node had lost entries that it may have "
                       "acknowledged");
    }
    rv = read_members(source, err);
    return rv == 0 ? measure(source, err) : rv;
}

/* As the snapshot has them; entries may say otherwise. */
static int read_members(struct recover_source *source, struct err *err)
{
    struct buf data = BUF_INIT;
    struct snapshot_meta meta;
    size_t at;
    int rv = 0;

    for (size_t i = 0; i < source->identity.members_count; i++) {
        source->voters.ids[source->voters.count++] =
            source->identity.members[i].id;
    }
    if (source->snapshot_index > 0) {
        rv = snapshot_dir_read(disk_reader_disk(source->raft),
                               source->snapshot_index, &meta, &data, &at, err);
        if (rv == 0) {
            take_members(source, meta.configuration);
        }
    }
    buf_close(&data);
    return rv;
}

/* How far it goes without a gap. */
static int measure(struct recover_source *source, struct err *err)
{
    struct replay replay = {.source = source, .err = err};
    int rv = walk(source, &replay, err);

    if (rv != 0) {
        return rv;
    }
    if (replay.next > 0) {
        source->index = replay.next - 1;
        source->term = replay.term;
    }
    if (replay.gap && source->damage[0] == '\0') {
        (void)snprintf(source->damage, sizeof source->damage,
                       "entries behind index %" PRIu64 " are missing",
                       source->index);
    }
    if (source->code == 0 && source->index == 0) {
        source->code = err_set(&source->err, QL_CORRUPT,
                               "it has neither a good snapshot nor a raft log "
                               "from its beginning");
    }
    return 0;
}

static int walk(struct recover_source *source, struct replay *replay,
                struct err *err)
{
    const struct wal_report *report = &source->inspection->needed;
    uint64_t first = source->snapshot_index + 1;
    bool exact = true;
    int rv = 0;

    /* What is behind damage may have been truncated by what is lost there. */
    if (report->segments > 0 && report->last_index >= first) {
        rv = inspect_entries(source->inspection, disk_reader_disk(source->raft),
                             first, report->last_index, on_entry, replay,
                             &exact, err);
    }

    if (rv == 0 && !exact) {
        rv = err_set(err, QL_TOO_LARGE,
                     "the raft log in %s was truncated too often to tell what "
                     "is in it",
                     source->path);
    }
    return rv;
}

static int on_entry(void *data, const struct inspect_entry *entry)
{
    struct replay *replay = data;
    struct recover_source *source = replay->source;
    uint64_t next =
        replay->next == 0 ? source->snapshot_index + 1 : replay->next;

    if (replay->gap || entry->index != next ||
        (replay->machine != NULL && entry->index > source->index)) {
        replay->gap = true;
        return 0;
    }
    replay->next = entry->index + 1;
    replay->term = entry->term;
    if (entry->type == INSPECT_MEMBERS) {
        take_members(source, entry->payload);
    }
    return replay->machine == NULL || entry->type != INSPECT_COMMANDS
               ? 0
               : apply(replay, entry);
}

static int apply(struct replay *replay, const struct inspect_entry *entry)
{
    struct command command;
    struct batch batch;
    int rv = batch_decode(&batch, entry->payload.data, entry->payload.len,
                          replay->err);

    if (rv != 0) {
        return err_wrap(replay->err, "raft entry %" PRIu64, entry->index);
    }
    machine_begin(replay->machine, entry->index, batch.time_ms);
    while (batch_next(&batch, &command)) {
        struct outcome outcome;

        machine_apply(replay->machine, &command, &outcome);
    }
    return 0;
}

static void take_members(struct recover_source *source, struct bytes payload)
{
    struct recover_voters voters = {0};

    if (inspect_members(payload, on_member, &voters, NULL) == 0 &&
        voters.count > 0) {
        source->voters = voters;
    }
}

static void on_member(void *data, const struct inspect_member *member)
{
    struct recover_voters *voters = data;

    if (member->voter && voters->count < MEMBERS_MAX) {
        voters->ids[voters->count++] = member->id;
    }
}

/* ---- The state ---- */

int recover_dir_restore(struct recover_source *source, struct machine *machine,
                        struct err *err)
{
    struct replay replay = {.source = source, .machine = machine, .err = err};
    struct buf data = BUF_INIT;
    struct snapshot_meta meta;
    size_t at = 0;
    int rv = 0;

    if (source->snapshot_index > 0) {
        rv = snapshot_dir_read(disk_reader_disk(source->raft),
                               source->snapshot_index, &meta, &data, &at, err);
        if (rv == 0) {
            rv = snapshot_restore(machine, data.data + at, data.len - at, NULL,
                                  NULL, err);
        }
    }
    buf_close(&data);
    return rv == 0 ? walk(source, &replay, err) : rv;
}

/* ---- Chunks ---- */

static int look_at_packs(struct recover_source *source, struct err *err)
{
    int rv = open_below(source, CHUNKS_DIR_NAME, &source->packs, err);

    if (rv == QL_NOT_FOUND) {
        return 0;
    }
    return rv == 0
               ? recover_packs_open(
                     source, source->has_identity ? source->cluster : NULL, err)
               : rv;
}
