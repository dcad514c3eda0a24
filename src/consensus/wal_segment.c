/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "consensus/wal_segment.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "util/buf.h"
#include "util/crc32c.h"

#define NAME_PREFIX "wal-"
#define NAME_DIGITS 16u
#define ASIDE_SUFFIX ".corrupt"
#define START_MAGIC "QLW1"
#define WRITE_MAGIC "QLWr"
#define START_CRC_AT (DISK_SECTOR - 4u)

static void tag_put(uint8_t *sector, uint64_t segment, uint32_t write,
                    uint64_t place);
static uint32_t tag_crc(const uint8_t *sector, uint64_t place);
static bool all_zero(const uint8_t *bytes, size_t len);

void wal_name(uint64_t number, char ret_name[DISK_NAME_MAX])
{
    (void)snprintf(ret_name, DISK_NAME_MAX, NAME_PREFIX "%016" PRIx64, number);
}

void wal_name_aside(uint64_t number, char ret_name[DISK_NAME_MAX])
{
    (void)snprintf(ret_name, DISK_NAME_MAX,
                   NAME_PREFIX "%016" PRIx64 ASIDE_SUFFIX, number);
}

bool wal_name_parse(const char *name, uint64_t *ret_number, bool *ret_aside)
{
    const char *digits = name + strlen(NAME_PREFIX);
    uint64_t number = 0;
    size_t i;

    if (strncmp(name, NAME_PREFIX, strlen(NAME_PREFIX)) != 0) {
        return false;
    }
    for (i = 0; i < NAME_DIGITS; i++) {
        static const char alphabet[] = "0123456789abcdef";
        const char *found =
            digits[i] == '\0' ? NULL : strchr(alphabet, digits[i]);

        if (found == NULL) {
            return false;
        }
        number = number << 4 | (uint64_t)(found - alphabet);
    }
    *ret_aside = strcmp(digits + NAME_DIGITS, ASIDE_SUFFIX) == 0;
    *ret_number = number;
    return number != 0 && (*ret_aside || digits[NAME_DIGITS] == '\0');
}

enum wal_sector wal_sector_look(const uint8_t *sector, uint64_t segment,
                                uint64_t place, uint32_t *ret_write)
{
    uint64_t number = get_u64(sector);

    if (get_u32(sector + 12) == tag_crc(sector, place) && number != 0 &&
        number <= segment) {
        *ret_write = get_u32(sector + 8);
        return number == segment ? WAL_SECTOR_OURS : WAL_SECTOR_OLD;
    }
    return all_zero(sector, DISK_SECTOR) ? WAL_SECTOR_OLD : WAL_SECTOR_DAMAGED;
}

void wal_start_encode(const struct wal_start *start, uint8_t *ret_block)
{
    memset(ret_block, 0, DISK_BLOCK);
    tag_put(ret_block, start->number, 0, 0);
    memcpy(ret_block + 16, START_MAGIC, 4);
    put_u32(ret_block + 20, start->flags);
    put_u64(ret_block + 24, start->bytes);
    put_u64(ret_block + 32, start->next_index);
    put_u64(ret_block + 40, start->predecessor);
    put_u64(ret_block + 48, start->end);
    put_u32(ret_block + 56, start->writes);
    put_u32(ret_block + 60, start->last_crc);
    put_u64(ret_block + 64, start->scar_index);
    put_u64(ret_block + 72, start->scar_seen);
    put_u32(ret_block + START_CRC_AT, crc32c(0, ret_block, START_CRC_AT));
}

enum wal_begun wal_start_decode(const uint8_t *sector, uint64_t number,
                                struct wal_start *ret_start)
{
    struct wal_start start;
    uint32_t write = 0;

    switch (wal_sector_look(sector, number, 0, &write)) {
    case WAL_SECTOR_OLD:
        return WAL_UNBEGUN;
    case WAL_SECTOR_DAMAGED:
        return WAL_DAMAGED;
    case WAL_SECTOR_OURS:
        break;
    }
    if (write != 0 || memcmp(sector + 16, START_MAGIC, 4) != 0 ||
        get_u32(sector + START_CRC_AT) != crc32c(0, sector, START_CRC_AT)) {
        return WAL_DAMAGED;
    }
    start.number = number;
    start.flags = get_u32(sector + 20);
    start.bytes = get_u64(sector + 24);
    start.next_index = get_u64(sector + 32);
    start.predecessor = get_u64(sector + 40);
    start.end = get_u64(sector + 48);
    start.writes = get_u32(sector + 56);
    start.last_crc = get_u32(sector + 60);
    start.scar_index = get_u64(sector + 64);
    start.scar_seen = get_u64(sector + 72);
    if ((start.flags & WAL_FOLLOWS) != 0 && start.predecessor >= number) {
        return WAL_DAMAGED;
    }
    *ret_start = start;
    return WAL_BEGUN;
}

size_t wal_write_bytes(size_t records_len)
{
    size_t sectors = (WAL_HEAD + records_len + WAL_SLICE - 1) / WAL_SLICE;
    size_t bytes = sectors * DISK_SECTOR;

    return (bytes + DISK_BLOCK - 1) / DISK_BLOCK * DISK_BLOCK;
}

void wal_write_put(uint8_t *memory, size_t at, const void *bytes, size_t len)
{
    const uint8_t *from = bytes;
    uint8_t *to = memory + at / WAL_SLICE * DISK_SECTOR + WAL_TAG;
    size_t inside = at % WAL_SLICE;

    while (len > 0) {
        size_t step = WAL_SLICE - inside < len ? WAL_SLICE - inside : len;

        memcpy(to + inside, from, step);
        from += step;
        len -= step;
        to += DISK_SECTOR;
        inside = 0;
    }
}

uint32_t wal_write_seal(uint8_t *memory, uint64_t segment, uint32_t write,
                        uint64_t offset, size_t records_len,
                        uint32_t records_crc)
{
    size_t bytes = wal_write_bytes(records_len);
    size_t used = WAL_HEAD + records_len;
    uint8_t head[WAL_HEAD];
    size_t i;

    for (i = 0; i < bytes / DISK_SECTOR; i++) {
        uint8_t *sector = memory + i * DISK_SECTOR;
        size_t filled = used > i * WAL_SLICE ? used - i * WAL_SLICE : 0;

        if (filled < WAL_SLICE) {
            memset(sector + WAL_TAG + filled, 0, WAL_SLICE - filled);
        }
        tag_put(sector, segment, write, offset / DISK_SECTOR + i);
    }
    memset(head, 0, sizeof(head));
    memcpy(head, WRITE_MAGIC, 4);
    put_u64(head + 8, segment);
    put_u32(head + 16, write);
    put_u32(head + 20, (uint32_t)bytes);
    put_u32(head + 24, (uint32_t)records_len);
    put_u32(head + 28, records_crc);
    put_u32(head + 4, crc32c(0, head + 8, WAL_HEAD - 8));
    wal_write_put(memory, 0, head, sizeof(head));
    return get_u32(head + 4);
}

bool wal_write_head(const uint8_t *memory, size_t room, uint64_t segment,
                    uint32_t write, struct wal_head *ret_head)
{
    const uint8_t *head = memory + WAL_TAG;
    struct wal_head found;

    if (room < DISK_BLOCK || memcmp(head, WRITE_MAGIC, 4) != 0 ||
        get_u32(head + 4) != crc32c(0, head + 8, WAL_HEAD - 8) ||
        get_u64(head + 8) != segment || get_u32(head + 16) != write) {
        return false;
    }
    found.crc = get_u32(head + 4);
    found.bytes = get_u32(head + 20);
    found.records_len = get_u32(head + 24);
    found.records_crc = get_u32(head + 28);
    if (found.bytes > room ||
        found.bytes != wal_write_bytes(found.records_len)) {
        return false;
    }
    *ret_head = found;
    return true;
}

bool wal_write_is_whole(const uint8_t *memory, const struct wal_head *head)
{
    size_t left = head->records_len;
    size_t inside = WAL_HEAD;
    uint32_t crc = 0;

    while (left > 0) {
        size_t step = WAL_SLICE - inside < left ? WAL_SLICE - inside : left;

        crc = crc32c(crc, memory + WAL_TAG + inside, step);
        memory += DISK_SECTOR;
        left -= step;
        inside = 0;
    }
    return crc == head->records_crc;
}

const uint8_t *wal_write_records(uint8_t *memory, const struct wal_head *head)
{
    size_t sectors = head->bytes / DISK_SECTOR;
    size_t i;

    for (i = 0; i < sectors; i++) {
        memmove(memory + i * WAL_SLICE, memory + i * DISK_SECTOR + WAL_TAG,
                WAL_SLICE);
    }
    return memory + WAL_HEAD;
}

size_t wal_record_bytes(size_t payload_len)
{
    return (WAL_RECORD + payload_len + 7) / 8 * 8;
}

void wal_record_encode(const struct wal_record *record,
                       uint8_t ret_front[WAL_RECORD])
{
    assert(record->len <= UINT32_MAX);
    put_u16(ret_front, record->kind);
    put_u16(ret_front + 2, record->type);
    put_u32(ret_front + 4, (uint32_t)record->len);
    put_u64(ret_front + 8, record->index);
    put_u64(ret_front + 16, record->term);
}

bool wal_record_decode(const uint8_t *records, size_t len, size_t *at,
                       struct wal_record *ret_record)
{
    const uint8_t *front = records + *at;
    size_t payload_len;

    if (len - *at < WAL_RECORD) {
        return false;
    }
    payload_len = get_u32(front + 4);
    if (wal_record_bytes(payload_len) > len - *at) {
        return false;
    }
    ret_record->kind = get_u16(front);
    ret_record->type = get_u16(front + 2);
    ret_record->index = get_u64(front + 8);
    ret_record->term = get_u64(front + 16);
    ret_record->payload = front + WAL_RECORD;
    ret_record->len = payload_len;
    *at += wal_record_bytes(payload_len);
    return ret_record->kind == WAL_ENTRY || ret_record->kind == WAL_TRUNCATION;
}

static void tag_put(uint8_t *sector, uint64_t segment, uint32_t write,
                    uint64_t place)
{
    put_u64(sector, segment);
    put_u32(sector + 8, write);
    put_u32(sector + 12, tag_crc(sector, place));
}

static uint32_t tag_crc(const uint8_t *sector, uint64_t place)
{
    uint8_t at[4];

    put_u32(at, (uint32_t)place);
    return crc32c(crc32c(0, sector, 12), at, sizeof(at));
}

static bool all_zero(const uint8_t *bytes, size_t len)
{
    return bytes[0] == 0 && memcmp(bytes, bytes + 1, len - 1) == 0;
}
