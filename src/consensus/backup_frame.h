/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * What nodes tell and ask each other about backups: docs/formats.md, "Link". A
 * backup is named by its id in the replicated table. Pure.
 *
 *     report     0   4  version, 1
 *                4   4  count of backups
 *                8  ..  of each, by rising id: id (8), checked at (8), state (4),
 *                       zero (4)
 *
 *     request    0   8  id, the asker's; the answer repeats it
 *                8   8  backup
 *               16   8  offset in its stream (backup_stream.h)
 *               24   4  bytes wanted, at most BACKUP_PIECE_BYTES
 *               28   4  zero
 *
 *     piece      0   8  id
 *                8   4  status
 *               12   4  zero
 *               16   8  total: bytes in the stream
 *               24  16  tag of the stream
 *               40  ..  only with status 0: bytes, fewer than asked at the end
 */
#pragma once

#include "util/buf.h"
#include "util/hash128.h"
#include "util/limits.h"
#include "wire/backup_state.h"

#define BACKUP_REPORT_HEAD_LEN 8u
#define BACKUP_REPORT_ITEM_LEN 24u
#define BACKUP_REQUEST_LEN 32u
#define BACKUP_PIECE_HEAD_LEN 40u

struct backup_report_item {
    uint64_t backup;
    uint64_t verified_at_ms; /* 0: never */
    enum backup_state state;
};

static inline size_t backup_report_len(size_t count)
{
    return BACKUP_REPORT_HEAD_LEN + count * BACKUP_REPORT_ITEM_LEN;
}
/* At most BACKUPS_MAX, by rising id; backup_report_len() bytes at @ret. */
void backup_report_encode(const struct backup_report_item *items, size_t count,
                          uint8_t *ret);
/* How many there are. QL_PROTOCOL: it makes no sense. What a newer node adds behind
 * is left alone. */
int backup_report_decode(const uint8_t *bytes, size_t len, size_t *ret_count);
/* Of one that was found good. A state that a later version has is
 * BACKUP_MISSING. */
struct backup_report_item backup_report_at(const uint8_t *bytes, size_t number);

struct backup_request {
    uint64_t id;
    uint64_t backup;
    uint64_t offset;
    uint32_t len;
};
void backup_request_encode(const struct backup_request *request,
                           uint8_t ret[BACKUP_REQUEST_LEN]);
/* QL_PROTOCOL: another length, or it asks for nothing or for too much. */
int backup_request_decode(const uint8_t *bytes, size_t len,
                          struct backup_request *ret);

/* On the wire: never renumber. */
enum backup_given {
    BACKUP_GIVEN = 0,
    BACKUP_NOT_GIVEN = 1,   /* the peer does not have it, or not whole */
    BACKUP_GIVEN_LATER = 2, /* it has too much to do: ask again */
    BACKUP_NOT_READ = 3,    /* it could not be read: ask another */
    BACKUP_GIVENS           /* how many there are */
};

struct backup_answer {
    uint64_t id;
    enum backup_given status;
    uint64_t total;
    uint8_t tag[HASH128_LEN];
    struct bytes bytes; /* empty unless given */
};
/* What stands before the bytes. */
void backup_answer_head_encode(const struct backup_answer *answer,
                               uint8_t ret[BACKUP_PIECE_HEAD_LEN]);
/* The bytes are a view into @bytes. A status that a later version has becomes
 * BACKUP_NOT_READ. QL_PROTOCOL: lengths that do not fit. */
int backup_answer_decode(const uint8_t *bytes, size_t len,
                         struct backup_answer *ret);
