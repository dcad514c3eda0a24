/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * What goes to disk: a queue of groups of records, of which the first is under
 * way while the last one gathers (group commit), and the switch to the next
 * segment between two of them. A large group gains little by gathering more: the
 * disk is given it while the one before is under way, and goes on with it without
 * a pause (struct disk_ops: one after the other).
 */
#include "consensus/wal_internal.h"

#include <assert.h>
#include <stdio.h>

#include "util/code.h"

static int truncate_from(struct wal *wal, struct wal_append *append,
                         raft_index index);
static void kick_ahead(struct wal *wal, const struct wal_write *first);
static bool fits(const struct wal *wal, const struct wal_write *write);
static void write_submit(struct wal *wal, struct wal_write *write);
static void write_ended(struct wal *wal);
static void write_on_done(struct disk_write *disk, int status);
static void write_finish(struct wal *wal, struct wal_write *write);
static void start_submit(struct wal *wal, bool reset, raft_index next_index);
static void start_on_done(struct disk_write *disk, int status);
static void fatal_write(struct wal *wal, const struct disk_write *write,
                        int status);
static size_t append_bytes(const struct raft_entry *entries, unsigned count);

/* ---- Calls ---- */

int wal_append(struct wal *wal, struct wal_append *append,
               const struct raft_entry *entries, unsigned count,
               wal_append_cb cb)
{
    struct wal_write *write;
    size_t bytes = append_bytes(entries, count);
    unsigned i;
    int rv;

    assert(count > 0);
    if (wal->dead) {
        return QL_IO;
    }
    if (bytes == 0) {
        return QL_TOO_LARGE;
    }
    rv = wal_group_for(wal, bytes, &write);
    if (rv != 0) {
        return rv;
    }
    for (i = 0; i < count; i++) {
        struct wal_record record = {WAL_ENTRY, entries[i].type,
                                    wal->next, entries[i].term,
                                    NULL,      entries[i].buf.len};

        wal_group_add(write, &record, entries[i].buf.base);
        wal->next++;
    }
    write->next = wal->next;
    wal->queued_bytes += bytes;
    append->cb = cb;
    list_push_back(&write->appends, &append->link);
    wal_kick(wal);
    return 0;
}

int wal_truncate(struct wal *wal, raft_index index)
{
    return truncate_from(wal, NULL, index);
}

int wal_truncate_and_tell(struct wal *wal, struct wal_append *truncate,
                          raft_index index, wal_append_cb cb)
{
    assert(index < wal->next);
    truncate->cb = cb;
    return truncate_from(wal, truncate, index);
}

static int truncate_from(struct wal *wal, struct wal_append *append,
                         raft_index index)
{
    struct wal_record record = {WAL_TRUNCATION, 0, index, 0, NULL, 0};
    struct wal_write *write;
    int rv;

    if (wal->dead) {
        return QL_IO;
    }
    if (index >= wal->next) {
        return 0;
    }
    rv = wal_group_for(wal, WAL_RECORD, &write);
    if (rv != 0) {
        return rv;
    }
    wal_group_add(write, &record, NULL);
    wal->queued_bytes += WAL_RECORD;
    wal->next = index;
    write->next = index;
    if (write->lowest == 0 || index < write->lowest) {
        write->lowest = index;
    }
    if (append != NULL) {
        list_push_back(&write->appends, &append->link);
    }
    wal_kick(wal);
    return 0;
}

int wal_reset(struct wal *wal, struct wal_append *reset, raft_index next_index,
              wal_append_cb cb)
{
    struct wal_write *write;

    if (wal->dead) {
        return QL_IO;
    }
    write = wal_group_new(wal);
    if (write == NULL) {
        return QL_NO_MEMORY;
    }
    write->reset = true;
    write->next = next_index;
    wal->next = next_index;
    reset->cb = cb;
    list_push_back(&write->appends, &reset->link);
    list_push_back(&wal->queue, &write->link);
    wal_kick(wal);
    return 0;
}

/* Starts the next write unless one is under way. */
void wal_kick(struct wal *wal)
{
    struct wal_write *write;

    if (wal->dead || list_empty(&wal->queue)) {
        return;
    }
    write = LIST_ITEM(wal->queue.next, struct wal_write, link);
    if (wal->flying) {
        kick_ahead(wal, write);
        return;
    }
    if (fits(wal, write)) {
        wal->flying = true;
        write_submit(wal, write);
        return;
    }
    if (wal->spare != NULL) {
        start_submit(wal, write->reset,
                     write->reset ? write->next : wal->durable_next);
        return;
    }
    wal->spare_urgent = true;
    wal->spare_failed = false;
    wal_chore_run(wal);
}

/* Gives the disk a large group behind @first, if that is what it has: a start is
 * written alone. */
static void kick_ahead(struct wal *wal, const struct wal_write *first)
{
    struct wal_write *write;

    if (wal->ahead || !first->submitted || first->link.next == &wal->queue) {
        return;
    }
    write = LIST_ITEM(first->link.next, struct wal_write, link);
    if (write->records_len >= wal->ahead_bytes && fits(wal, write)) {
        wal->ahead = true;
        write_submit(wal, write);
    }
}

/* Behind what is written or with the disk. */
static bool fits(const struct wal *wal, const struct wal_write *write)
{
    return !write->reset && !wal->fresh_wanted &&
           wal->offset + wal_write_bytes(write->records_len) <= wal->file_bytes;
}

/* 0: an entry is too large. */
static size_t append_bytes(const struct raft_entry *entries, unsigned count)
{
    size_t bytes = 0;
    unsigned i;

    for (i = 0; i < count; i++) {
        if (entries[i].buf.len > WAL_RECORD_BYTES_MAX) {
            return 0;
        }
        bytes += wal_record_bytes(entries[i].buf.len);
    }
    return bytes;
}

/* ---- Records to disk ---- */

static void write_submit(struct wal *wal, struct wal_write *write)
{
    struct wal_part *active = &wal->chain.items[wal->chain.count - 1];
    int rv;

    wal->last_crc =
        wal_write_seal(write->memory, active->number, wal->writes, wal->offset,
                       write->records_len, write->records_crc);
    write->disk.file = wal->file;
    write->disk.offset = wal->offset;
    write->disk.bytes = write->memory;
    write->disk.len = wal_write_bytes(write->records_len);
    write->disk.cb = write_on_done;
    write->disk.data = wal;
    write->submitted = true;
    wal->offset += write->disk.len;
    wal->writes++;
    rv = wal->disk->ops->write(wal->disk, &write->disk);
    if (rv != 0) {
        write_ended(wal);
        fatal_write(wal, &write->disk, rv);
    }
}

static void write_ended(struct wal *wal)
{
    wal->flying = wal->ahead;
    wal->ahead = false;
}

static void write_on_done(struct disk_write *disk, int status)
{
    struct wal *wal = disk->data;
    struct wal_write *write;
    size_t i;

    write_ended(wal);
    if (wal->dead) {
        return;
    }
    if (status != 0) {
        fatal_write(wal, disk, status);
        return;
    }
    write = LIST_ITEM(wal->queue.next, struct wal_write, link);
    assert(disk == &write->disk);
    wal->queued_bytes -= write->records_len;
    if (write->lowest != 0) {
        for (i = 0; i < wal->chain.count; i++) {
            struct wal_part *part = &wal->chain.items[i];

            if (part->last >= write->lowest) {
                part->last = write->lowest - 1;
            }
        }
    }
    write_finish(wal, write);
}

/* It is durable: goes on with the next before it calls back, so that the disk
 * does not wait for the callers. */
static void write_finish(struct wal *wal, struct wal_write *write)
{
    struct list appends;

    list_init(&appends);
    list_move_all(&appends, &write->appends);
    wal->durable_next = write->next;
    list_remove(&write->link);
    wal_group_discard(wal, write);
    wal_kick(wal);
    wal_collect(wal);
    while (!list_empty(&appends)) {
        struct wal_append *append =
            LIST_ITEM(appends.next, struct wal_append, link);

        list_remove(&append->link);
        append->cb(append, 0);
    }
}

/* ---- The next segment ---- */

/* Its start says where the log ended so far, so it is written only when nothing
 * else is under way, and alone. */
static void start_submit(struct wal *wal, bool reset, raft_index next_index)
{
    struct wal_part *active = &wal->chain.items[wal->chain.count - 1];
    struct wal_start start = {0};
    int rv;

    start.number = wal->spare_number;
    start.flags = reset ? 0 : WAL_FOLLOWS;
    start.bytes = wal->segment_bytes;
    start.next_index = next_index;
    start.predecessor = reset ? 0 : active->number;
    start.end = reset ? 0 : wal->offset;
    start.writes = reset ? 0 : wal->writes;
    start.last_crc = reset ? 0 : wal->last_crc;
    start.scar_index = wal->scar_index;
    start.scar_seen = wal->scar_seen;
    wal_start_encode(&start, wal->start_block);
    wal->start_write.file = wal->spare;
    wal->start_write.offset = 0;
    wal->start_write.bytes = wal->start_block;
    wal->start_write.len = DISK_BLOCK;
    wal->start_write.cb = start_on_done;
    wal->start_write.data = wal;
    wal->flying = true;
    wal->fresh_wanted = false;
    rv = wal->disk->ops->write(wal->disk, &wal->start_write);
    if (rv != 0) {
        wal->flying = false;
        fatal_write(wal, &wal->start_write, rv);
    }
}

static void start_on_done(struct disk_write *disk, int status)
{
    struct wal *wal = disk->data;
    struct wal_write *write;

    wal->flying = false;
    if (wal->dead) {
        return;
    }
    if (status != 0) {
        fatal_write(wal, disk, status);
        return;
    }
    wal->chain.items[wal->chain.count - 1].last = wal->durable_next - 1;
    if (wal_parts_add(&wal->chain, wal->spare_number, 0) != 0) {
        wal_fatal(wal, "out of memory for the list of segments");
        return;
    }
    wal->disk->ops->close(wal->file);
    wal->file = wal->spare;
    wal->file_bytes = wal->segment_bytes;
    wal->offset = DISK_BLOCK;
    wal->writes = 1;
    wal->last_crc = 0;
    wal->spare = NULL;
    write = LIST_ITEM(wal->queue.next, struct wal_write, link);
    if (write->reset) {
        while (wal->chain.count > 1) {
            if (wal_parts_add(&wal->pool, wal->chain.items[0].number, 0) != 0) {
                wal_fatal(wal, "out of memory for the list of segments");
                return;
            }
            wal_parts_remove_first(&wal->chain);
        }
        write_finish(wal, write);
        return;
    }
    wal_kick(wal);
    wal_collect(wal);
}

static void fatal_write(struct wal *wal, const struct disk_write *write,
                        int status)
{
    char reason[ERR_TEXT_MAX + 32];

    (void)snprintf(reason, sizeof(reason), "write the WAL: %s",
                   write->err.text[0] != '\0' ? write->err.text
                                              : code_name(status));
    wal_fatal(wal, reason);
}
