/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "support/backup_rig.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support/cmocka.h"

/* ---- What it stands on ---- */

static uint64_t now_ms(void *data)
{
    const struct backup_rig *rig = data;

    return rig->now_ms;
}

static const struct backup_info *infos(void *data, size_t *ret_count)
{
    struct backup_rig *rig = data;

    *ret_count = rig->infos_count;
    return rig->infos;
}

static size_t holders(void *data, uint64_t backup, uint64_t ret[MEMBERS_MAX])
{
    const struct backup_rig *rig = data;
    size_t count = 0;

    (void)backup;
    for (uint64_t node = 1; node <= BACKUP_RIG_PEERS; node++) {
        if (rig->holds[node]) {
            ret[count++] = node;
        }
    }
    return count;
}

static bool send_request(void *data, uint64_t node,
                         const struct backup_request *request)
{
    struct backup_rig *rig = data;

    if (rig->send_fails) {
        return false;
    }
    assert_int_equal(rig->sent_to, 0);
    rig->sent = *request;
    rig->sent_to = node;
    return true;
}

static int begin(void *data, const struct backup_intake_options *options,
                 struct backup_intake **ret_intake, struct err *err)
{
    struct backup_rig *rig = data;
    struct fake_intake *intake = &rig->intake;

    if (rig->begin_result != 0) {
        return err_set(err, rig->begin_result, "no");
    }
    assert_false(intake->used);
    *intake = (struct fake_intake){.used = true,
                                   .on_end = options->on_end,
                                   .data = options->data,
                                   .status = {.state = INTAKE_RECEIVING,
                                              .next = rig->resumed,
                                              .total = options->total}};
    assert_true(options->skips);
    rig->expected = *options->expected;
    (void)snprintf(rig->token, sizeof rig->token, "%s", options->token);
    *ret_intake = (struct backup_intake *)(void *)intake;
    return 0;
}

static void get(const struct backup_intake *opaque,
                struct backup_intake_status *ret)
{
    const struct fake_intake *intake = (const void *)opaque;

    assert_true(intake->used);
    *ret = intake->status;
}

static bool wants(struct backup_intake *opaque, size_t len_max,
                  uint64_t *ret_offset, size_t *ret_len)
{
    const struct fake_intake *intake = (void *)opaque;
    uint64_t left = intake->status.total - intake->status.next;

    assert_true(intake->used);
    if (intake->piece != NULL || left == 0) {
        return false;
    }
    *ret_offset = intake->status.next;
    *ret_len = left < len_max ? (size_t)left : len_max;
    return true;
}

static struct backup_rig *the_rig;

static int take(struct backup_intake *opaque, struct backup_piece *piece,
                uint64_t offset, struct bytes bytes, backup_piece_cb cb)
{
    struct fake_intake *intake = (void *)opaque;

    assert_true(intake->used);
    if (the_rig->take_result != 0) {
        return the_rig->take_result;
    }
    assert_true(offset <= intake->status.next);
    piece->cb = cb;
    intake->piece = piece;
    intake->piece_len = (size_t)(offset + bytes.len > intake->status.next
                                     ? offset + bytes.len - intake->status.next
                                     : 0);
    return 0;
}

static void cancel(struct backup_piece *piece)
{
    assert_ptr_equal(the_rig->intake.piece, piece);
    the_rig->intake.piece = NULL;
}

static void leave(struct backup_intake *opaque, bool drop)
{
    struct fake_intake *intake = (void *)opaque;

    assert_true(intake->used);
    assert_null(intake->piece);
    intake->used = false;
    intake->dropped = drop;
}

/* ---- Going on ---- */

void backup_rig_open(struct backup_rig *rig, uint64_t rate)
{
    const struct backup_fetch_options options = {.rate_bytes = rate,
                                                 .cluster = "this cluster's!",
                                                 .now_ms = now_ms,
                                                 .infos = infos,
                                                 .holders = holders,
                                                 .send = send_request,
                                                 .begin = begin,
                                                 .get = get,
                                                 .wants = wants,
                                                 .take = take,
                                                 .cancel = cancel,
                                                 .leave = leave,
                                                 .data = rig};

    *rig = (struct backup_rig){.now_ms = 1000, .tag = 1};
    the_rig = rig;
    rig->fetch = backup_fetch_new(&options);
}

void backup_rig_lack(struct backup_rig *rig, uint64_t id)
{
    struct backup_info *info = &rig->infos[rig->infos_count++];

    *info = (struct backup_info){
        .in_table = true, .wants_fetch = true, .row = {.id = id}};
    (void)snprintf(info->row.name, sizeof info->row.name, "backup-%u",
                   (unsigned)id);
}

void backup_rig_step(struct backup_rig *rig, uint64_t ms)
{
    rig->now_ms += ms;
    backup_fetch_step(rig->fetch);
}

uint64_t backup_rig_asked(struct backup_rig *rig)
{
    uint64_t node = rig->sent_to;

    rig->sent_to = 0;
    return node;
}

int backup_rig_answer(struct backup_rig *rig, uint64_t from, uint64_t id,
                      enum backup_given status, size_t len)
{
    struct backup_answer answer = {.id = id,
                                   .status = status,
                                   .total = BACKUP_RIG_TOTAL,
                                   .tag = {rig->tag}};
    uint8_t *bytes = calloc(1, BACKUP_PIECE_HEAD_LEN + len);
    int rv;

    backup_answer_head_encode(&answer, bytes);
    rv = backup_fetch_on_frame(rig->fetch, from, bytes,
                               BACKUP_PIECE_HEAD_LEN + len);
    free(bytes);
    return rv;
}

void backup_rig_give(struct backup_rig *rig)
{
    uint64_t from = backup_rig_asked(rig);
    uint64_t left = BACKUP_RIG_TOTAL - rig->sent.offset;

    assert_int_not_equal(from, 0);
    assert_int_equal(
        backup_rig_answer(rig, from, rig->sent.id, BACKUP_GIVEN,
                          left < rig->sent.len ? (size_t)left : rig->sent.len),
        0);
}

void backup_rig_refuse(struct backup_rig *rig, enum backup_given status)
{
    uint64_t from = backup_rig_asked(rig);

    assert_int_not_equal(from, 0);
    assert_int_equal(backup_rig_answer(rig, from, rig->sent.id, status, 0), 0);
}

void backup_rig_written(struct backup_rig *rig, int status)
{
    struct fake_intake *intake = &rig->intake;
    struct backup_piece *piece = intake->piece;

    assert_non_null(piece);
    intake->piece = NULL;
    if (status == 0) {
        intake->status.next += intake->piece_len;
        if (intake->status.next == intake->status.total) {
            intake->status.state = INTAKE_VERIFYING;
        }
    }
    piece->cb(piece, status);
}

void backup_rig_end(struct backup_rig *rig, enum backup_intake_state state)
{
    struct fake_intake *intake = &rig->intake;

    intake->status.state = state;
    intake->status.err = state == INTAKE_FAILED ? &intake->err : NULL;
    intake->on_end(intake->data, (struct backup_intake *)(void *)intake);
}

void backup_rig_give_all(struct backup_rig *rig)
{
    while (rig->intake.status.state != INTAKE_VERIFYING || !rig->intake.used) {
        backup_rig_give(rig);
        backup_rig_written(rig, 0);
    }
    assert_int_equal(backup_rig_asked(rig), 0);
}

uint64_t backup_rig_done(const struct backup_rig *rig)
{
    uint64_t done;
    uint64_t failed;

    backup_fetch_counts(rig->fetch, &done, &failed);
    return done;
}

uint64_t backup_rig_failed(const struct backup_rig *rig)
{
    uint64_t done;
    uint64_t failed;

    backup_fetch_counts(rig->fetch, &done, &failed);
    return failed;
}
