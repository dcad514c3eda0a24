/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "consensus/raft_disk.h"

#include <stdlib.h>

#include "consensus/doubt_file.h"
#include "consensus/raft_disk_internal.h"
#include "util/limits.h"
#include "util/mem.h"

struct append {
    struct list link; /* disk->appends */
    struct wal_append wal;
    struct raft_disk *disk;
    struct raft_io_append *request; /* NULL: our own */
    raft_io_append_cb cb;
    size_t bytes;
    raft_term term;  /* of the last entry */
    raft_index last; /* its index */
};

static int append_entries(struct raft_disk *disk,
                          struct raft_io_append *request,
                          const struct raft_entry *entries, unsigned count,
                          raft_io_append_cb cb);
static void append_on_done(struct wal_append *wal, int status);
static void on_wal_fatal(void *data, const char *reason);
static void on_wal_grown(void *data);
static int reader_entry(void *data, raft_index index, raft_term term,
                        unsigned short type, const void *payload, size_t len);
static void reader_truncated(void *data, raft_index index);

struct raft_disk *raft_disk_new(const struct raft_disk_options *options)
{
    struct raft_disk *disk = mem_must_zalloc(sizeof *disk);

    disk->options = *options;
    disk->disk = options->disk;
    list_init(&disk->appends);
    list_init(&disk->puts);
    list_init(&disk->gets);
    return disk;
}

void raft_disk_free(struct raft_disk *disk)
{
    if (disk == NULL) {
        return;
    }
    wal_free(disk->wal);
    while (!list_empty(&disk->appends)) {
        struct append *append =
            LIST_ITEM(disk->appends.next, struct append, link);

        list_remove(&append->link);
        free(append);
    }
    raft_disk_drop_snapshots(disk);
    vote_file_close(&disk->vote);
    free(disk);
}

/* The vote file comes first: what is there without it is not taken for a node
 * (raft_disk_load()), and no identity names this directory before all is done. */
int raft_disk_make(struct raft_disk *disk, void (*done)(void *data), void *data,
                   struct err *err)
{
    const struct wal_reader nobody = {reader_entry, reader_truncated, NULL};
    const struct bytes *first = &disk->options.first_configuration;
    struct raft_entry entry = {.term = 1, .type = RAFT_CHANGE};
    int rv = vote_file_create(disk->disk, 1, err);

    if (rv != 0) {
        return rv;
    }
    rv = raft_disk_read_wal(disk, 1, 1, &nobody, err);
    if (rv == 0) {
        rv = wal_begin(disk->wal, err);
    }
    if (rv != 0) {
        return rv;
    }
    entry.buf.base = (void *)(uintptr_t)first->data;
    entry.buf.len = first->len;
    disk->made = done;
    disk->made_data = data;
    rv = append_entries(disk, NULL, &entry, 1, NULL);
    return rv == 0 ? 0 : err_set(err, rv, "write the first configuration");
}

const struct raft_disk_report *raft_disk_report(const struct raft_disk *disk)
{
    return &disk->report;
}

bool raft_disk_in_doubt(const struct raft_disk *disk)
{
    return disk->report.in_doubt;
}

bool raft_disk_is_busy(const struct raft_disk *disk)
{
    return !list_empty(&disk->appends) || !list_empty(&disk->puts) ||
           !list_empty(&disk->gets) || disk->look.busy || disk->staging ||
           (disk->wal != NULL && wal_is_busy(disk->wal));
}

int raft_disk_read_wal(struct raft_disk *disk, raft_index wanted,
                       raft_index needed, const struct wal_reader *reader,
                       struct err *err)
{
    const struct wal_options options = {.disk = disk->disk,
                                        .segment_bytes =
                                            disk->options.segment_bytes,
                                        .on_fatal = on_wal_fatal,
                                        .make_room = raft_disk_make_room,
                                        .on_grown = on_wal_grown,
                                        .data = disk};

    return wal_read(&disk->wal, &options, wanted, needed, reader,
                    &disk->report.wal, err);
}

void raft_disk_fatal(struct raft_disk *disk, const char *reason)
{
    disk->options.on_fatal(disk->options.data, reason);
}

static void on_wal_fatal(void *data, const char *reason)
{
    raft_disk_fatal(data, reason);
}

static void on_wal_grown(void *data)
{
    raft_disk_grown(data);
}

/* ---- Term and vote ---- */

int raft_disk_set_term(struct raft_disk *disk, raft_term term, struct err *err)
{
    return vote_file_set_term(&disk->vote, term, err);
}

int raft_disk_set_vote(struct raft_disk *disk, raft_id id, struct err *err)
{
    return vote_file_set_vote(&disk->vote, id, err);
}

/* ---- The log ---- */

int raft_disk_append(struct raft_disk *disk, struct raft_io_append *request,
                     const struct raft_entry *entries, unsigned count,
                     raft_io_append_cb cb)
{
    return append_entries(disk, request, entries, count, cb);
}

int raft_disk_truncate(struct raft_disk *disk, raft_index index)
{
    return wal_truncate(disk->wal, index);
}

bool raft_disk_is_crowded(const struct raft_disk *disk)
{
    return disk->appending_bytes > APPENDING_BYTES_MAX ||
           (disk->options.chunks != NULL &&
            chunk_store_is_crowded(disk->options.chunks));
}

static int append_entries(struct raft_disk *disk,
                          struct raft_io_append *request,
                          const struct raft_entry *entries, unsigned count,
                          raft_io_append_cb cb)
{
    struct append *append = mem_must_zalloc(sizeof *append);
    int rv;

    append->disk = disk;
    append->request = request;
    append->cb = cb;
    append->term = entries[count - 1].term;
    for (unsigned i = 0; i < count; i++) {
        append->bytes += entries[i].buf.len + APPENDING_ENTRY_COST;
    }
    rv = wal_append(disk->wal, &append->wal, entries, count, append_on_done);
    if (rv != 0) {
        free(append);
        return rv;
    }
    append->last = wal_last_index(disk->wal);
    disk->appending_bytes += append->bytes;
    list_push_back(&disk->appends, &append->link);
    return 0;
}

static void append_on_done(struct wal_append *wal, int status)
{
    struct append *append = LIST_ITEM(wal, struct append, wal);
    struct raft_disk *disk = append->disk;

    disk->appending_bytes -= append->bytes;
    list_remove(&append->link);
    raft_disk_reached(disk, append->term);
    if (disk->options.on_stored != NULL) {
        disk->options.on_stored(disk->options.data, append->last);
    }
    if (append->request != NULL) {
        append->cb(append->request, status);
    } else if (disk->made != NULL) {
        disk->made(disk->made_data);
    }
    free(append);
}

/* The mark goes at once. The WAL forgets with its next write; a start before
 * that finds a scar without a mark, which means the same. */
void raft_disk_reached(struct raft_disk *disk, raft_term term)
{
    struct err err;

    if (!disk->report.in_doubt || term <= disk->doubt_term) {
        return;
    }
    wal_heal(disk->wal);
    if (doubt_file_remove(disk->disk, &err) != 0) {
        raft_disk_fatal(disk, err.text);
        return;
    }
    disk->report.in_doubt = false;
    if (disk->options.on_healed != NULL) {
        disk->options.on_healed(disk->options.data);
    }
}

/* ---- Of a log that is new ---- */

static int reader_entry(void *data, raft_index index, raft_term term,
                        unsigned short type, const void *payload, size_t len)
{
    (void)data;
    (void)index;
    (void)term;
    (void)type;
    (void)payload;
    (void)len;
    return QL_EXISTS;
}

static void reader_truncated(void *data, raft_index index)
{
    (void)data;
    (void)index;
}
