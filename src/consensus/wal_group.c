/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* Groups of records: memory in the layout of the file, that gathers what goes out
 * in one write. */
#include <stdlib.h>
#include <string.h>

#include "consensus/wal_internal.h"
#include "util/crc32c.h"
#include "util/limits.h"

#define ROOM_MIN (64u * 1024u)
#define ROOM_KEPT (1024u * 1024u) /* of an idle group */

static int write_reserve(struct wal_write *write, size_t records_len);

/* The group that gathers, with room for @records_len more, or a new one. */
int wal_group_for(struct wal *wal, size_t records_len,
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
        if (write->reset || write->submitted ||
            wal_write_bytes(write->records_len + records_len) >
                (WAL_WRITE_BYTES_MAX < wal->segment_bytes - DISK_BLOCK
                     ? WAL_WRITE_BYTES_MAX
                     : wal->segment_bytes - DISK_BLOCK)) {
            write = NULL;
        }
    }
    if (write == NULL) {
        write = wal_group_new(wal);
        if (write == NULL) {
            return QL_NO_MEMORY;
        }
        is_new = true;
    }
    rv = write_reserve(write, write->records_len + records_len);
    if (rv != 0) {
        if (is_new) {
            wal_group_free(write);
        }
        return rv;
    }
    if (is_new) {
        list_push_back(&wal->queue, &write->link);
    }
    *ret_write = write;
    return 0;
}

struct wal_write *wal_group_new(struct wal *wal)
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

void wal_group_add(struct wal_write *write, const struct wal_record *record,
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

void wal_group_discard(struct wal *wal, struct wal_write *write)
{
    if (wal->idle == NULL && write->room <= ROOM_KEPT) {
        wal->idle = write;
    } else {
        wal_group_free(write);
    }
}

void wal_group_free(struct wal_write *write)
{
    if (write != NULL) {
        free(write->memory);
        free(write);
    }
}
