/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * What goes to disk: a queue of groups of records, of which the first is under
 * way while the last one gathers (group commit), and the switch to the next
 * segment between two of them.
 */
#include "consensus/wal_internal.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "util/code.h"
#include "util/crc32c.h"

#define ROOM_MIN (64u * 1024u)
#define ROOM_KEPT (1024u * 1024u) /* of an idle group */

static int truncate_from(struct wal *wal, struct wal_append *append,
                         raft_index index);
static int group_for(struct wal *wal, size_t records_len,
                     struct wal_write **ret_write);
static struct wal_write *write_new(struct wal *wal);
static int write_reserve(struct wal_write *write, size_t records_len);
static void write_add(struct wal_write *write, const struct wal_record *record,
                      const void *payload);
static void write_discard(struct wal *wal, struct wal_write *write);
static void write_submit(struct wal *wal, struct wal_write *write);
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
    rv = group_for(wal, bytes, &write);
    if (rv != 0) {
        return rv;
    }
    for (i = 0; i < count; i++) {
        struct wal_record record = {WAL_ENTRY, entries[i].type,
                                    wal->next, entries[i].term,
                                    NULL,      entries[i].buf.len};

        write_add(write, &record, entries[i].buf.base);
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
    rv = group_for(wal, WAL_RECORD, &write);
    if (rv != 0) {
        return rv;
    }
    write_add(write, &record, NULL);
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
    write = write_new(wal);
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

    if (wal->dead || wal->flying || list_empty(&wal->queue)) {
        return;
    }
    write = LIST_ITEM(wal->queue.next, struct wal_write, link);
    if (!write->reset && !wal->fresh_wanted &&
        wal->offset + wal_write_bytes(write->records_len) <= wal->file_bytes) {
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

void wal_write_free(struct wal_write *write)
{
    if (write != NULL) {
        free(write->memory);
        free(write);
    }
}

/* ---- Groups ---- */

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

/* The group that gathers, with room for @records_len more, or a new one. */
static int group_for(struct wal *wal, size_t records_len,
                     struct wal_write **ret_write)
{
    struct list *last = wal->queue.prev;
    struct wal_write *write = NULL;
    bool is_new = false;
    int rv;

    if (wal->queued_bytes + records_len > WAL_QUEUED_BYTES_MAX) {
        return QL_BUSY;
    }
    if (wal_write_bytes(records_len) > wal->segment_bytes - DISK_BLOCK) {
        return QL_TOO_LARGE;
    }
    if (!list_empty(&wal->queue) && !(wal->flying && last == wal->queue.next)) {
        write = LIST_ITEM(last, struct wal_write, link);
        if (write->reset ||
            wal_write_bytes(write->records_len + records_len) >
                (WAL_WRITE_BYTES_MAX < wal->segment_bytes - DISK_BLOCK
                     ? WAL_WRITE_BYTES_MAX
                     : wal->segment_bytes - DISK_BLOCK)) {
            write = NULL;
        }
    }
    if (write == NULL) {
        write = write_new(wal);
        if (write == NULL) {
            return QL_NO_MEMORY;
        }
        is_new = true;
    }
    rv = write_reserve(write, write->records_len + records_len);
    if (rv != 0) {
        if (is_new) {
            wal_write_free(write);
        }
        return rv;
    }
    if (is_new) {
        list_push_back(&wal->queue, &write->link);
    }
    *ret_write = write;
    return 0;
}

static struct wal_write *write_new(struct wal *wal)
{
    struct wal_write *write = wal->idle;
    uint8_t *memory = NULL;
    size_t room = 0;

    if (write != NULL) {
        memory = write->memory;
        room = write->room;
        wal->idle = NULL;
    } else {
        write = malloc(sizeof(*write));
        if (write == NULL) {
            return NULL;
        }
    }
    memset(write, 0, sizeof(*write));
    write->memory = memory;
    write->room = room;
    list_init(&write->link);
    list_init(&write->appends);
    return write;
}

static int write_reserve(struct wal_write *write, size_t records_len)
{
    size_t needed = wal_write_bytes(records_len);
    size_t room = write->room < ROOM_MIN ? ROOM_MIN : write->room;
    uint8_t *memory;

    if (needed <= write->room) {
        return 0;
    }
    while (room < needed) {
        room *= 2;
    }
    memory = aligned_alloc(DISK_BLOCK, room);
    if (memory == NULL) {
        return QL_NO_MEMORY;
    }
    if (write->memory != NULL) {
        memcpy(memory, write->memory, wal_write_bytes(write->records_len));
    }
    free(write->memory);
    write->memory = memory;
    write->room = room;
    return 0;
}

static void write_add(struct wal_write *write, const struct wal_record *record,
                      const void *payload)
{
    static const uint8_t zeros[8];
    uint8_t front[WAL_RECORD];
    size_t at = WAL_HEAD + write->records_len;
    size_t padding = wal_record_bytes(record->len) - WAL_RECORD - record->len;

    wal_record_encode(record, front);
    wal_write_put(write->memory, at, front, WAL_RECORD);
    write->records_crc = crc32c(write->records_crc, front, WAL_RECORD);
    if (record->len > 0) {
        wal_write_put(write->memory, at + WAL_RECORD, payload, record->len);
        write->records_crc = crc32c(write->records_crc, payload, record->len);
    }
    if (padding > 0) {
        wal_write_put(write->memory, at + WAL_RECORD + record->len, zeros,
                      padding);
        write->records_crc = crc32c(write->records_crc, zeros, padding);
    }
    write->records_len += wal_record_bytes(record->len);
}

static void write_discard(struct wal *wal, struct wal_write *write)
{
    if (wal->idle == NULL && write->room <= ROOM_KEPT) {
        wal->idle = write;
    } else {
        wal_write_free(write);
    }
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
    wal->flying = true;
    rv = wal->disk->ops->write(wal->disk, &write->disk);
    if (rv != 0) {
        wal->flying = false;
        fatal_write(wal, &write->disk, rv);
    }
}

static void write_on_done(struct disk_write *disk, int status)
{
    struct wal *wal = disk->data;
    struct wal_write *write;
    size_t i;

    wal->flying = false;
    if (wal->dead) {
        return;
    }
    if (status != 0) {
        fatal_write(wal, disk, status);
        return;
    }
    write = LIST_ITEM(wal->queue.next, struct wal_write, link);
    wal->offset += disk->len;
    wal->writes++;
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
    write_discard(wal, write);
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
