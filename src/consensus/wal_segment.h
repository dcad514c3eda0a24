/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * The layout of a WAL segment, without any I/O: names, sectors, starts, writes
 * and records (docs/formats.md, "WAL").
 */
#pragma once

#include <raft.h>

#include "store/disk.h"

#define WAL_TAG 16u    /* bytes at the front of each sector */
#define WAL_SLICE 496u /* the rest of it */
#define WAL_HEAD 40u   /* bytes at the front of each write */
#define WAL_RECORD 24u /* bytes at the front of each record */
#define WAL_SPARE_NAME "wal-spare"

void wal_name(uint64_t number, char ret_name[DISK_NAME_MAX]);
void wal_name_aside(uint64_t number, char ret_name[DISK_NAME_MAX]);
/* False for what is no segment. *ret_aside: it is one that was set aside. */
bool wal_name_parse(const char *name, uint64_t *ret_number, bool *ret_aside);

/* ---- Sectors ---- */

enum wal_sector {
    WAL_SECTOR_OLD,    /* of an earlier segment, or never written */
    WAL_SECTOR_OURS,   /* of this segment, see *ret_write */
    WAL_SECTOR_DAMAGED /* nothing that was ever written here */
};
/* @place: the sector's number in the file. */
enum wal_sector wal_sector_look(const uint8_t *sector, uint64_t segment,
                                uint64_t place, uint32_t *ret_write);

/* ---- The start of a segment ---- */

#define WAL_FOLLOWS 1u  /* there is a predecessor */
#define WAL_EVIDENCE 2u /* what lies between it and this one is damaged */

struct wal_start {
    uint64_t number;
    uint32_t flags;
    uint64_t bytes;        /* length of the file */
    raft_index next_index; /* of the log when the segment began */
    uint64_t predecessor;  /* its number */
    uint64_t end;          /* of the predecessor */
    uint32_t writes;       /* of the predecessor */
    uint32_t last_crc;     /* of the predecessor's last head */
    raft_index scar_index; /* first one lost, 0: none */
    raft_index scar_seen;  /* highest one ever seen */
};
/* @ret_block has DISK_BLOCK bytes. */
void wal_start_encode(const struct wal_start *start, uint8_t *ret_block);

enum wal_begun {
    WAL_BEGUN,
    WAL_UNBEGUN, /* prepared, never used as this segment */
    WAL_DAMAGED
};
enum wal_begun wal_start_decode(const uint8_t *sector, uint64_t number,
                                struct wal_start *ret_start);

/* ---- Writes ---- */

struct wal_head {
    uint32_t bytes; /* of the whole write in the file */
    uint32_t records_len;
    uint32_t records_crc;
    uint32_t crc; /* of the head itself: names the write */
};
/* Bytes in the file of a write with @records_len bytes of records. */
size_t wal_write_bytes(size_t records_len);
/* Puts bytes into the slices of @memory from stream position @at (the head has
 * the first WAL_HEAD). */
void wal_write_put(uint8_t *memory, size_t at, const void *bytes, size_t len);
/* Pads, stamps every sector, and writes the head; returns the head's CRC. The
 * write goes to @offset of the file. */
uint32_t wal_write_seal(uint8_t *memory, uint64_t segment, uint32_t write,
                        uint64_t offset, size_t records_len,
                        uint32_t records_crc);
/* False unless a good head of exactly this write stands at @memory, which has
 * @room bytes, and the write ends within them. */
bool wal_write_head(const uint8_t *memory, size_t room, uint64_t segment,
                    uint32_t write, struct wal_head *ret_head);
bool wal_write_is_whole(const uint8_t *memory, const struct wal_head *head);
/* Moves the records of a whole write together, over the tags; returns them. */
const uint8_t *wal_write_records(uint8_t *memory, const struct wal_head *head);

/* ---- Records ---- */

enum wal_kind { WAL_ENTRY = 1, WAL_TRUNCATION = 2 };

struct wal_record {
    uint16_t kind;
    uint16_t type;
    raft_index index;
    raft_term term;
    const uint8_t *payload; /* not set by encode */
    size_t len;
};
/* Bytes with padding. */
size_t wal_record_bytes(size_t payload_len);
void wal_record_encode(const struct wal_record *record,
                       uint8_t ret_front[WAL_RECORD]);
/* Takes the record at *at and moves *at behind it; false if it is none. */
bool wal_record_decode(const uint8_t *records, size_t len, size_t *at,
                       struct wal_record *ret_record);
