/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * One backup on its way in. Private to the floor.
 *
 *     backup_intake.c        who has begun what, and what each work leads to
 *     backup_intake_piece.c  what is wanted, and pieces as they come
 *     backup_intake_file.c   the file, off the loop
 *     backup_intake_check.c  from the last piece to the manifest
 *     backup_intake_sweep.c  what earlier processes have left
 *
 * One work of an intake is under way at a time; struct intake_work, the piece's
 * bytes and the proof are its own then.
 */
#pragma once

#include "backup/backup_front.h"
#include "backup/backup_intake.h"
#include "backup/backup_proof.h"
#include "backup/backup_store.h"
#include "util/list.h"

#define INTAKE_FILE_PREFIX "intake-"
#define INTAKE_FILE_SUFFIX ".tmp"
#define INTAKE_STEP_ROWS 256u         /* verified in one work, */
#define INTAKE_STEP_BYTES (16u * MIB) /* and bytes of frames, about */

enum intake_work_kind {
    INTAKE_NO_WORK,
    INTAKE_RESUME, /* looks at what is there, or begins */
    INTAKE_WRITE,  /* of a piece; then the front may be there */
    INTAKE_CHECK,  /* the state, some rows, or the tail */
    INTAKE_ADOPT,  /* the store's: no work of ours */
    INTAKE_REMOVE
};

struct intake_work {
    struct disk_work work;
    enum intake_work_kind kind;
    struct err err;
    bool fresh; /* INTAKE_RESUME: what is there is not to be used */
    /* What INTAKE_RESUME and INTAKE_WRITE found: */
    uint64_t size;  /* of the file, afterwards */
    uint64_t taken; /* bytes that this process has written into it */
    bool has_header;
    struct backup_front header;
    bool has_front; /* whole, and good: */
    struct buf front;
    /* INTAKE_CHECK: so many rows from proof.next on, and which the pool has */
    uint32_t rows;
    bool pool_has[INTAKE_STEP_ROWS];
};

/* Looking for files that nobody goes on with. */
struct intake_sweep {
    struct disk_work work;
    struct disk *disk;
    bool busy;
    uint64_t due_ms; /* 0: not known yet */
    char keep[INTAKES_MAX][DISK_NAME_MAX];
    size_t kept;
};

struct backup_intakes {
    struct backup_intakes_options options;
    struct intake_sweep sweep;
    struct list items; /* the least recently used first */
    size_t count;
    uint64_t now_ms;
    bool stopped;
};

struct backup_intake {
    struct list link;
    struct backup_intakes *intakes;
    char token[INTAKE_TOKEN_MAX + 1];
    char name[DISK_NAME_MAX]; /* of its file */
    uint64_t total;
    bool has_expected;
    struct backup_row expected;
    bool foreign_is_fine;
    bool skips;
    void (*on_end)(void *data, struct backup_intake *intake);
    void *data;
    uint64_t used_ms;
    bool drop; /* it goes, file and all, as soon as nothing is under way */

    enum backup_intake_state state;
    struct err err; /* of INTAKE_FAILED */
    uint64_t next;
    uint64_t checked; /* bytes that were verified */
    bool has_header;
    struct backup_front header;
    struct backup_row row; /* the one to write */
    bool has_front;
    struct buf front; /* of has_front */
    uint32_t at_row;  /* the first one whose frame ends behind `next` */

    struct backup_piece *piece; /* NULL: cancelled */
    bool has_piece;             /* it waits or is being written */
    uint64_t piece_at;
    struct buf piece_bytes;
    bool lacks_room; /* the last piece found none */

    struct backup_proof proof; /* while it is verified */
    bool proving;
    struct backup_adopt adopt;
    struct intake_work work;
};

/* ---- backup_intake.c ---- */
/* Nothing else may be under way. Non-zero: nothing is. */
int intake_begin_work(struct backup_intake *intake, enum intake_work_kind kind);
bool intake_is_busy(const struct backup_intake *intake);
/* It ends with that error; tells those who want to know. From a callback only. */
void intake_fail(struct backup_intake *intake, const struct err *err);

/* ---- backup_intake_piece.c ---- */
/* What a work has found of the front becomes the intake's. QL_CONDITION_FAILED,
 * QL_CORRUPT: it is not what was expected. */
int intake_take_front(struct backup_intake *intake, struct err *err);
/* Begins to write the piece that waits. */
void intake_write_piece(struct backup_intake *intake);
/* The piece, if there is one, came to that. */
void intake_end_piece(struct backup_intake *intake, int status);
/* Moves at_row behind the frames that end before `next`. */
void intake_pass_rows(struct backup_intake *intake);

/* ---- backup_intake_file.c, off the loop ---- */
int intake_file_resume(struct backup_intake *intake, struct err *err);
int intake_file_write(struct backup_intake *intake, struct err *err);
int intake_file_remove(struct backup_intake *intake, struct err *err);

/* ---- backup_intake_sweep.c ---- */
void intake_sweep_tick(struct backup_intakes *intakes);

/* ---- backup_intake_check.c ---- */
/* On the loop: begins the next step of verifying. Non-zero: it cannot. */
int intake_check_step(struct backup_intake *intake);
/* Off the loop. */
int intake_check_run(struct backup_intake *intake, struct err *err);
/* On the loop, when a step is done. */
void intake_check_done(struct backup_intake *intake);
