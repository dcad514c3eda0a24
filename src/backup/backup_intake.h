/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * Backups on their way in, as exported streams: from an operator's file or from a
 * peer. A stream is taken from its beginning into BACKUP_DIR/intake-TOKEN.tmp, in
 * order; what is durable there after a crash need not come again. When all is
 * there it is verified away from the loop: the front, each frame, the chain from
 * chunk to chunk, and that the state restored from it has the digest that the row
 * tells. Only then does the pool take it: packs and manifest
 * (backup_store_adopt()).
 *
 * A chunk that the pool has already need not come at all: backup_intake_wants()
 * leaves it out, and the file has a hole there.
 *
 * Loop thread; the work is done on the disk's threads. Callbacks come later, never
 * from inside a call.
 */
#pragma once

#include <stdbool.h>

#include "store/disk.h"
#include "store/pack.h"
#include "util/buf.h"
#include "util/err.h"
#include "util/limits.h"

struct backup_intake;
struct backup_intakes; /* all of a node */
struct backup_row;
struct backup_store;

struct backup_intakes_options {
    struct disk *disk;          /* BACKUP_DIR; borrowed, as all here */
    struct backup_store *store; /* what the pool has, and who takes it over */
    /* Are backups of that cluster this one's own (an ancestor's are, too)? */
    bool (*is_own)(void *data, const uint8_t cluster[PACK_CLUSTER_LEN]);
    void *data;
};

/* What an earlier process has left goes on when somebody begins it again, and goes
 * when nobody has for INTAKE_IDLE_MS. */
struct backup_intakes *backup_intakes_new(
    const struct backup_intakes_options *options);
/* Begins nothing any more; callbacks that are due may still come, but for those of
 * adoptions. What was verified stays, for the next process to take up. */
void backup_intakes_stop(struct backup_intakes *intakes);
bool backup_intakes_is_busy(const struct backup_intakes *intakes);
/* Nothing is under way. Files of streams that are not whole stay. NULL is fine. */
void backup_intakes_free(struct backup_intakes *intakes);
/* Streams whose last piece found no room, and that nobody waits for, are dropped, as
 * others need the disk; was there one? The tick sees itself to what the store has to
 * write. */
bool backup_intakes_relieve(struct backup_intakes *intakes);
/* About once a second, with a monotonic clock. */
void backup_intakes_tick(struct backup_intakes *intakes, uint64_t now_ms);

enum backup_intake_state {
    INTAKE_RECEIVING,
    INTAKE_VERIFYING, /* all is there; until the pool has taken it */
    INTAKE_DONE,      /* packs and manifest are durable here */
    INTAKE_FAILED     /* it is no good, and its file is gone */
};

struct backup_intake_options {
    const char *token; /* names the stream: 1 to INTAKE_TOKEN_MAX of
                          [A-Za-z0-9-]; copied */
    uint64_t total;    /* bytes of the stream */
    /* NULL: any row. Else the stream must be of that very backup: same name,
     * digest, cluster and counts (a peer fetch); copied. The manifest is written
     * with this one. */
    const struct backup_row *expected;
    /* One of another cluster is fine, too; then its row says foreign. Else it fails
     * with QL_CONDITION_FAILED. */
    bool foreign;
    bool skips; /* chunks that the pool has need not come */
    /* The state is DONE or FAILED now; or, unless NULL, called when it is. Not
     * after backup_intake_leave(). */
    void (*on_end)(void *data, struct backup_intake *intake);
    void *data;
};

/* Begins, or goes on with what was taken under that token, if the total is the
 * same; else, or if that has failed, it begins anew. QL_INVALID: token or total
 * make no sense. QL_BUSY: INTAKES_MAX are there, and somebody uses them all. The
 * intake is the module's, and the caller's to use until backup_intake_leave() or
 * until it has not been used for INTAKE_IDLE_MS. That the disk has no room for it
 * shows later: it fails with QL_NO_SPACE. */
int backup_intake_begin(struct backup_intakes *intakes,
                        const struct backup_intake_options *options,
                        struct backup_intake **ret_intake, struct err *err);
/* The one with that token, or NULL. */
struct backup_intake *backup_intake_find(struct backup_intakes *intakes,
                                         const char *token);
/* Nobody hears of it any more. With @drop it goes, with its file and a piece that
 * was not called back; else it stays for INTAKE_IDLE_MS, to be gone on with. One
 * that has ended is to be dropped: until then it is what a begin under its token
 * gives. Safe in every callback. NULL is fine. */
void backup_intake_leave(struct backup_intake *intake, bool drop);

struct backup_intake_status {
    enum backup_intake_state state;
    uint64_t next;  /* bytes from here on are to come */
    uint64_t total; /* of the stream */
    uint64_t done;  /* bytes that need not come any more, or verified ones */
    const struct backup_row *row; /* NULL until the front is there; lives as
                                     long as the intake */
    const struct err *err;        /* of INTAKE_FAILED; else NULL */
};
void backup_intake_get(const struct backup_intake *intake,
                       struct backup_intake_status *ret);

/* The next bytes to ask for: at most @len_max. False: none now, as something is
 * being written or read, or all is there. */
bool backup_intake_wants(struct backup_intake *intake, size_t len_max,
                         uint64_t *ret_offset, size_t *ret_len);

struct backup_piece;
typedef void (*backup_piece_cb)(struct backup_piece *piece, int status);
/* Bytes on their way to the disk. */
struct backup_piece {
    backup_piece_cb cb;
    void *data;                   /* the caller's */
    struct backup_intake *intake; /* the intake's */
};
/* Takes (copies) @bytes, of at most INTAKE_PIECE_MAX, that stand at @offset of the
 * stream. Those before what is to come next are left out. QL_BUSY: one is being
 * written. QL_INVALID: beyond the total, or it takes no more. @cb: 0, durable;
 * QL_OUT_OF_ORDER: they begin behind what is to come next; QL_NO_SPACE: it may be
 * tried again; else the intake has failed. */
int backup_intake_take(struct backup_intake *intake, struct backup_piece *piece,
                       uint64_t offset, struct bytes bytes, backup_piece_cb cb);
/* Forgets one that was not called back; the bytes may still be taken. */
void backup_piece_cancel(struct backup_piece *piece);
