/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * What one COMMAND_RECOVERY_LOAD carries: a step in filling a draft. A log is
 * begun by LOG, gets its chunks in order by REFS (chunks that the state has
 * already) and BYTES (raw entries of one chunk), and is ended by DONE. Logs come by
 * rising uid. In an edit a log that is not named stays as it is in the staged
 * state, and DROP takes one out. Byte table: docs/formats.md, "Batch".
 */
#pragma once

#include "machine/chunk_row.h"
#include "util/buf.h"
#include "util/err.h"
#include "wire/args_log.h"

enum load_kind {
    LOAD_LOG = 1,
    LOAD_REFS = 2,
    LOAD_BYTES = 3,
    LOAD_DONE = 4,
    LOAD_DROP = 5,
};

struct load_log {
    uint64_t uid;
    uint64_t incarnation;
    uint64_t token; /* of the log.create that made it, or 0 */
    uint64_t head;
    uint64_t tail;
    uint64_t last_time_ms;
    struct retention retention;
    uint64_t writer_epoch;
    uint8_t base[HASH128_LEN]; /* the chain before its first chunk */
    uint32_t keep; /* of an edit: so many first chunks stay; else 0 */
    struct bytes name;
};

/* Each appends one record. Returns 0 or QL_NO_MEMORY. @rows are encoded by
 * chunk_row_encode(), 1..LOAD_REFS_MAX of them; @entries has at most
 * CHUNK_BYTES_MAX. */
int load_log_encode(const struct load_log *log, struct buf *buf);
int load_refs_encode(const uint8_t *rows, uint32_t count, struct buf *buf);
int load_bytes_encode(struct bytes entries, struct buf *buf);
int load_done_encode(const uint8_t digest[HASH128_LEN], struct buf *buf);
int load_drop_encode(uint64_t uid, struct buf *buf);

struct load_record {
    enum load_kind kind;
    struct load_log log; /* LOG */
    const uint8_t *rows; /* REFS */
    uint32_t rows_count;
    struct bytes entries;        /* BYTES: not empty */
    uint8_t digest[HASH128_LEN]; /* DONE */
    uint64_t uid;                /* DROP */
};
/* QL_INVALID unless @bytes are exactly one record that makes sense by itself.
 * Views into @bytes. */
int load_record_decode(struct load_record *ret, struct bytes bytes,
                       struct err *err);
