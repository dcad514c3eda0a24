/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * From the last piece to the manifest. It is verified step by step, so that other
 * works of the directory get their turn, and the store takes over what is proven.
 */
#include <assert.h>
#include <string.h>

#include "backup/backup_file.h"
#include "backup/backup_intake_internal.h"
#include "backup/backup_stream.h"

static void choose_rows(struct backup_intake *intake);
static int check_rows(struct backup_intake *intake, struct disk_file *file,
                      struct err *err);
static int check_tail(struct backup_intake *intake, struct disk_file *file,
                      struct err *err);
static void begin_adopt(struct backup_intake *intake);
static void on_adopted(struct backup_adopt *adopt, int status);

static struct bytes front_of(const struct backup_intake *intake)
{
    return (struct bytes){intake->front.data, intake->front.len};
}

int intake_check_step(struct backup_intake *intake)
{
    int rv;

    if (!intake->has_front) {
        return QL_CORRUPT; /* cannot be: the front is a part of the stream */
    }
    intake->work.rows = 0;
    if (intake->proving) {
        choose_rows(intake);
    }
    rv = intake_begin_work(intake, INTAKE_CHECK);
    if (rv == 0) {
        intake->state = INTAKE_VERIFYING;
    }
    return rv;
}

static void choose_rows(struct backup_intake *intake)
{
    struct intake_work *work = &intake->work;
    uint64_t bytes = 0;

    while (work->rows < INTAKE_STEP_ROWS && bytes < INTAKE_STEP_BYTES &&
           intake->proof.next + work->rows < intake->header.chunks) {
        struct pack_row row;
        int rv = backup_front_row(front_of(intake),
                                  intake->proof.next + work->rows, &row, NULL);

        assert(rv == 0); /* the front is good */
        work->pool_has[work->rows] =
            intake->skips &&
            backup_store_has_chunk(intake->intakes->options.store, &row.facts);
        bytes += row.frame_len;
        work->rows++;
    }
}

/* Off the loop. */
int intake_check_run(struct backup_intake *intake, struct err *err)
{
    struct disk *disk = intake->intakes->options.disk;
    struct disk_file *file;
    int rv;

    if (!intake->proving) {
        return backup_proof_begin(&intake->proof, front_of(intake), err);
    }
    rv = disk->ops->open(disk, intake->name, false, &file, err);
    if (rv != 0) {
        return rv;
    }
    backup_file_uncache(disk, file);
    rv = intake->work.rows > 0 ? check_rows(intake, file, err)
                               : check_tail(intake, file, err);
    disk->ops->close(file);
    return rv;
}

static int check_rows(struct backup_intake *intake, struct disk_file *file,
                      struct err *err)
{
    struct disk *disk = intake->intakes->options.disk;
    struct backup_proof *proof = &intake->proof;
    struct buf frame = BUF_INIT;
    int rv = 0;

    for (uint32_t i = 0; rv == 0 && i < intake->work.rows; i++) {
        struct pack_row row;

        frame.len = 0;
        rv = backup_front_row(proof->bytes, proof->next, &row, err);
        if (rv == 0) {
            rv = backup_file_read(disk, file, row.frame_at, row.frame_len,
                                  &frame, err);
        }
        if (rv == 0) {
            rv = backup_proof_chunk(
                proof, (struct bytes){frame.data, frame.len}, NULL, err);
        }
        if (rv == QL_CORRUPT && intake->work.pool_has[i]) {
            backup_proof_skip(proof);
            rv = 0;
        }
    }
    buf_close(&frame);
    return rv;
}

static int check_tail(struct backup_intake *intake, struct disk_file *file,
                      struct err *err)
{
    struct disk *disk = intake->intakes->options.disk;
    const struct backup_front *header = &intake->header;
    struct buf tail = BUF_INIT;
    int rv = backup_file_read(disk, file, backup_stream_tail_at(header),
                              (size_t)header->tail_len, &tail, err);

    if (rv == 0) {
        rv = backup_proof_tail(&intake->proof,
                               (struct bytes){tail.data, tail.len}, err);
    }
    buf_close(&tail);
    return rv;
}

void intake_check_done(struct backup_intake *intake)
{
    struct err err;
    int rv;

    intake->proving = true;
    if (backup_proof_is_whole(&intake->proof)) {
        backup_proof_close(&intake->proof);
        intake->proving = false;
        begin_adopt(intake);
        return;
    }
    if (intake->proof.next > 0) {
        struct pack_row row;

        rv = backup_front_row(front_of(intake), intake->proof.next - 1, &row,
                              NULL);
        assert(rv == 0); /* the front is good */
        intake->checked = row.frame_at + row.frame_len;
    }
    rv = intake_check_step(intake);
    if (rv != 0) {
        (void)err_set(&err, rv, "the backup directory cannot be used now");
        intake_fail(intake, &err);
    }
}

/* ---- Into the pool ---- */

static void begin_adopt(struct backup_intake *intake)
{
    struct err err;
    int rv;

    intake->checked = intake->total;
    buf_close(&intake->front);
    intake->has_front = false;
    intake->adopt.data = intake;
    rv = backup_store_adopt(intake->intakes->options.store, &intake->adopt,
                            intake->name, &intake->row, on_adopted);
    if (rv != 0) {
        (void)err_set(&err, rv, "the backup directory cannot take it now");
        intake_fail(intake, &err);
        return;
    }
    intake->work.kind = INTAKE_ADOPT;
}

static void on_adopted(struct backup_adopt *adopt, int status)
{
    struct backup_intake *intake = adopt->data;
    void (*on_end)(void *, struct backup_intake *) = intake->on_end;

    intake->work.kind = INTAKE_NO_WORK;
    if (intake->drop) {
        backup_intake_leave(intake, true);
        return;
    }
    if (status != 0) {
        intake_fail(intake, &adopt->err);
        return;
    }
    intake->state = INTAKE_DONE;
    intake->on_end = NULL;
    (void)intake_begin_work(intake, INTAKE_REMOVE);
    if (on_end != NULL) {
        on_end(intake->data, intake);
    }
}
