/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "backup/backup_intake_internal.h"
#include "machine/must.h"
#include "util/text.h"

#define SKIPS_MAX 16384u /* rows passed over in one call */

static int admit(struct backup_intake *intake, struct err *err);
static uint64_t row_at(const struct backup_intake *intake, uint32_t number,
                       struct pack_row *ret);
static bool pool_has(const struct backup_intake *intake, uint32_t number);
static bool skip_rows(struct backup_intake *intake);
static uint64_t cut_at_skips(const struct backup_intake *intake, uint64_t end);

/* ---- What is there ---- */

void backup_intake_get(const struct backup_intake *intake,
                       struct backup_intake_status *ret)
{
    *ret = (struct backup_intake_status){
        .state = intake->state,
        .next = intake->next,
        .total = intake->total,
        .done =
            intake->state == INTAKE_RECEIVING ? intake->next : intake->checked,
        .row = intake->has_header ? &intake->row : NULL,
        .err = intake->state == INTAKE_FAILED ? &intake->err : NULL,
    };
}

int intake_take_front(struct backup_intake *intake, struct err *err)
{
    struct intake_work *work = &intake->work;
    int rv = 0;

    intake->next = work->size;
    if (work->has_header && !intake->has_header) {
        intake->header = work->header;
        intake->has_header = true;
        rv = admit(intake, err);
    }
    if (rv == 0 && work->has_front && !intake->has_front) {
        intake->front = work->front;
        work->front = (struct buf)BUF_INIT;
        intake->has_front = true;
    }
    intake_pass_rows(intake);
    return rv;
}

/* Is it the backup that is awaited, or one that may come in? */
static int admit(struct backup_intake *intake, struct err *err)
{
    struct backup_intakes_options *options = &intake->intakes->options;
    struct backup_row *row = &intake->row;
    char cluster[2 * PACK_CLUSTER_LEN + 1];

    *row = intake->header.row;
    if (intake->has_expected) {
        if (!backup_row_is_same(row, &intake->expected)) {
            return err_set(err, QL_CORRUPT,
                           "this is another backup than \"%s\"",
                           intake->expected.name);
        }
        *row = intake->expected;
        return 0;
    }
    row->id = 0;
    row->foreign = !options->is_own(options->data, row->cluster);
    if (row->foreign && !intake->foreign_is_fine) {
        text_hex(row->cluster, sizeof(row->cluster), cluster, sizeof(cluster));
        return err_set(err, QL_CONDITION_FAILED,
                       "\"%s\" is a backup of another cluster (%s): to take it "
                       "in all the same, say that it is foreign",
                       row->name, cluster);
    }
    return 0;
}

void intake_pass_rows(struct backup_intake *intake)
{
    struct pack_row row;

    while (intake->has_front && intake->at_row < intake->header.chunks &&
           row_at(intake, intake->at_row, &row) + row.frame_len <=
               intake->next) {
        intake->at_row++;
    }
}

/* ---- What is wanted ---- */

bool backup_intake_wants(struct backup_intake *intake, size_t len_max,
                         uint64_t *ret_offset, size_t *ret_len)
{
    uint64_t end;

    if (intake->state != INTAKE_RECEIVING || intake->drop ||
        intake_is_busy(intake) || intake->has_piece) {
        return false;
    }
    if (intake->skips && intake->has_front && !skip_rows(intake)) {
        return false;
    }
    if (intake->next == intake->total) {
        /* When it cannot begin now, the next call tries it again. */
        (void)intake_check_step(intake);
        return false;
    }
    end = intake->total;
    if (intake->skips) {
        end = cut_at_skips(intake, intake->next + len_max);
    }
    if (end > intake->total) {
        end = intake->total;
    }
    *ret_offset = intake->next;
    *ret_len =
        end - intake->next < len_max ? (size_t)(end - intake->next) : len_max;
    return true;
}

static uint64_t row_at(const struct backup_intake *intake, uint32_t number,
                       struct pack_row *ret)
{
    int rv =
        backup_front_row((struct bytes){intake->front.data, intake->front.len},
                         number, ret, NULL);

    assert(rv == 0); /* the front is good */
    return ret->frame_at;
}

static bool pool_has(const struct backup_intake *intake, uint32_t number)
{
    struct pack_row row;

    (void)row_at(intake, number, &row);
    return backup_store_has_chunk(intake->intakes->options.store, &row.facts);
}

/* Passes over what the pool has. False: there is more of it than is looked at in
 * one call. */
static bool skip_rows(struct backup_intake *intake)
{
    struct pack_row row;

    for (unsigned i = 0; i < SKIPS_MAX; i++) {
        if (intake->at_row == intake->header.chunks ||
            row_at(intake, intake->at_row, &row) != intake->next ||
            !pool_has(intake, intake->at_row)) {
            return true;
        }
        intake->next += row.frame_len;
        intake->at_row++;
    }
    return false;
}

/* Where the next frame begins, before @end, that need not come. */
static uint64_t cut_at_skips(const struct backup_intake *intake, uint64_t end)
{
    struct pack_row row;

    if (!intake->has_header) {
        return end;
    }
    if (!intake->has_front) {
        uint64_t front_end = backup_front_len(&intake->header);

        return end < front_end ? end : front_end;
    }
    for (uint32_t i = intake->at_row; i < intake->header.chunks; i++) {
        uint64_t at = row_at(intake, i, &row);

        if (at >= end) {
            break;
        }
        if (at > intake->next && pool_has(intake, i)) {
            return at;
        }
    }
    return end;
}

/* ---- What comes ---- */

int backup_intake_take(struct backup_intake *intake, struct backup_piece *piece,
                       uint64_t offset, struct bytes bytes, backup_piece_cb cb)
{
    if (intake->state != INTAKE_RECEIVING || intake->drop || bytes.len == 0 ||
        bytes.len > INTAKE_PIECE_MAX || offset > intake->total ||
        bytes.len > intake->total - offset) {
        return QL_INVALID;
    }
    if (intake->has_piece ||
        (intake_is_busy(intake) && intake->work.kind != INTAKE_RESUME)) {
        return QL_BUSY;
    }
    intake->used_ms = intake->intakes->now_ms;
    intake->piece_bytes.len = 0;
    (void)must_have_memory(
        buf_add(&intake->piece_bytes, bytes.data, bytes.len));
    intake->piece_at = offset;
    if (!intake_is_busy(intake)) {
        int rv = intake_begin_work(intake, INTAKE_WRITE);

        if (rv != 0) {
            return rv;
        }
    }
    intake->piece = piece;
    intake->has_piece = true;
    *piece = (struct backup_piece){cb, piece->data, intake};
    return 0;
}

void backup_piece_cancel(struct backup_piece *piece)
{
    if (piece->intake != NULL && piece->intake->piece == piece) {
        piece->intake->piece = NULL;
    }
    piece->intake = NULL;
}

void intake_write_piece(struct backup_intake *intake)
{
    int rv = intake->state == INTAKE_RECEIVING
                 ? intake_begin_work(intake, INTAKE_WRITE)
                 : QL_INVALID;

    if (rv != 0) {
        intake_end_piece(intake, rv);
    }
}

void intake_end_piece(struct backup_intake *intake, int status)
{
    struct backup_piece *piece = intake->piece;

    intake->piece = NULL;
    intake->has_piece = false;
    if (piece != NULL) {
        piece->intake = NULL;
        piece->cb(piece, status);
    }
}
