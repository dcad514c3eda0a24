/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* A node that lacks backups, with peers, a clock and an intake of the test's. */
#include "consensus/backup_fetch.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support/cmocka.h"

#define TOTAL (2u * BACKUP_PIECE_BYTES + 1000u)
#define PEERS 3u

/* What struct backup_intake is here. */
struct fake_intake {
    struct backup_intake_status status;
    struct err err;
    void (*on_end)(void *data, struct backup_intake *intake);
    void *data;
    struct backup_piece *piece; /* being written */
    size_t piece_len;
    bool used; /* between begin and leave */
    bool dropped;
};

struct fixture {
    struct backup_fetch *fetch;
    struct backup_info infos[4];
    size_t infos_count;
    bool holds[PEERS + 1]; /* by node */
    uint64_t now_ms;
    struct backup_request sent; /* the last one */
    uint64_t sent_to;           /* 0: nothing since it was looked at */
    bool send_fails;
    struct fake_intake intake;
    char token[INTAKE_TOKEN_MAX + 1];
    struct backup_row expected;
    int begin_result;
    int take_result;
    uint64_t resumed; /* bytes that an earlier try left */
    uint8_t tag;      /* of the peers' stream */
};

/* ---- What it stands on ---- */

static uint64_t now_ms(void *data)
{
    const struct fixture *fixture = data;

    return fixture->now_ms;
}

static const struct backup_info *infos(void *data, size_t *ret_count)
{
    struct fixture *fixture = data;

    *ret_count = fixture->infos_count;
    return fixture->infos;
}

static size_t holders(void *data, uint64_t backup, uint64_t ret[MEMBERS_MAX])
{
    const struct fixture *fixture = data;
    size_t count = 0;

    (void)backup;
    for (uint64_t node = 1; node <= PEERS; node++) {
        if (fixture->holds[node]) {
            ret[count++] = node;
        }
    }
    return count;
}

static bool send_request(void *data, uint64_t node,
                         const struct backup_request *request)
{
    struct fixture *fixture = data;

    if (fixture->send_fails) {
        return false;
    }
    assert_int_equal(fixture->sent_to, 0);
    fixture->sent = *request;
    fixture->sent_to = node;
    return true;
}

static int begin(void *data, const struct backup_intake_options *options,
                 struct backup_intake **ret_intake, struct err *err)
{
    struct fixture *fixture = data;
    struct fake_intake *intake = &fixture->intake;

    if (fixture->begin_result != 0) {
        return err_set(err, fixture->begin_result, "no");
    }
    assert_false(intake->used);
    *intake = (struct fake_intake){.used = true,
                                   .on_end = options->on_end,
                                   .data = options->data,
                                   .status = {.state = INTAKE_RECEIVING,
                                              .next = fixture->resumed,
                                              .total = options->total}};
    assert_true(options->skips);
    fixture->expected = *options->expected;
    (void)snprintf(fixture->token, sizeof fixture->token, "%s", options->token);
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

static struct fixture *the_fixture;

static int take(struct backup_intake *opaque, struct backup_piece *piece,
                uint64_t offset, struct bytes bytes, backup_piece_cb cb)
{
    struct fake_intake *intake = (void *)opaque;

    assert_true(intake->used);
    if (the_fixture->take_result != 0) {
        return the_fixture->take_result;
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
    assert_ptr_equal(the_fixture->intake.piece, piece);
    the_fixture->intake.piece = NULL;
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

static void setup(struct fixture *fixture, uint64_t rate)
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
                                                 .data = fixture};

    *fixture = (struct fixture){.now_ms = 1000, .tag = 1};
    the_fixture = fixture;
    fixture->fetch = backup_fetch_new(&options);
}

static void lack(struct fixture *fixture, uint64_t id)
{
    struct backup_info *info = &fixture->infos[fixture->infos_count++];

    *info = (struct backup_info){
        .in_table = true, .wants_fetch = true, .row = {.id = id}};
    (void)snprintf(info->row.name, sizeof info->row.name, "backup-%u",
                   (unsigned)id);
}

static void step(struct fixture *fixture, uint64_t ms)
{
    fixture->now_ms += ms;
    backup_fetch_step(fixture->fetch);
}

/* The request since the last time, and whom it went to; 0: there was none. */
static uint64_t asked(struct fixture *fixture)
{
    uint64_t node = fixture->sent_to;

    fixture->sent_to = 0;
    return node;
}

static int answer_with(struct fixture *fixture, uint64_t from, uint64_t id,
                       enum backup_given status, size_t len)
{
    struct backup_answer answer = {
        .id = id, .status = status, .total = TOTAL, .tag = {fixture->tag}};
    uint8_t *bytes = calloc(1, BACKUP_PIECE_HEAD_LEN + len);
    int rv;

    backup_answer_head_encode(&answer, bytes);
    rv = backup_fetch_on_frame(fixture->fetch, from, bytes,
                               BACKUP_PIECE_HEAD_LEN + len);
    free(bytes);
    return rv;
}

/* What was asked for last, by whom it was asked. */
static void give(struct fixture *fixture)
{
    uint64_t from = asked(fixture);
    uint64_t left = TOTAL - fixture->sent.offset;

    assert_int_not_equal(from, 0);
    assert_int_equal(answer_with(fixture, from, fixture->sent.id, BACKUP_GIVEN,
                                 left < fixture->sent.len ? (size_t)left
                                                          : fixture->sent.len),
                     0);
}

static void refuse(struct fixture *fixture, enum backup_given status)
{
    uint64_t from = asked(fixture);

    assert_int_not_equal(from, 0);
    assert_int_equal(answer_with(fixture, from, fixture->sent.id, status, 0),
                     0);
}

/* The piece that the intake has is on its disk. */
static void written(struct fixture *fixture, int status)
{
    struct fake_intake *intake = &fixture->intake;
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

static void end(struct fixture *fixture, enum backup_intake_state state)
{
    struct fake_intake *intake = &fixture->intake;

    intake->status.state = state;
    intake->status.err = state == INTAKE_FAILED ? &intake->err : NULL;
    intake->on_end(intake->data, (struct backup_intake *)(void *)intake);
}

/* All pieces, up to the intake's word. */
static void give_all(struct fixture *fixture)
{
    while (fixture->intake.status.state != INTAKE_VERIFYING ||
           !fixture->intake.used) {
        give(fixture);
        written(fixture, 0);
    }
    assert_int_equal(asked(fixture), 0);
}

static uint64_t done(const struct fixture *fixture)
{
    uint64_t done;
    uint64_t failed;

    backup_fetch_counts(fixture->fetch, &done, &failed);
    return done;
}

static uint64_t failed(const struct fixture *fixture)
{
    uint64_t done;
    uint64_t failed;

    backup_fetch_counts(fixture->fetch, &done, &failed);
    return failed;
}

/* ---- Tests ---- */

static void newest_that_somebody_has_comes_piece_by_piece(void **state)
{
    struct fixture fixture;

    (void)state;
    setup(&fixture, 0);
    step(&fixture, 0);
    assert_int_equal(backup_fetch_current(fixture.fetch), 0);
    lack(&fixture, 5);
    lack(&fixture, 9);
    step(&fixture, 0);
    assert_int_equal(asked(&fixture), 0); /* nobody has any */
    fixture.holds[2] = true;
    step(&fixture, 0);
    assert_int_equal(backup_fetch_current(fixture.fetch), 9);
    assert_int_equal(fixture.sent.backup, 9);
    assert_int_equal(fixture.sent.offset, 0);
    give_all(&fixture);
    assert_string_equal(fixture.token, "fetch-9");
    assert_int_equal(fixture.intake.status.total, TOTAL);
    assert_memory_equal(fixture.expected.cluster, "this cluster's!", 16);
    step(&fixture, 0);
    assert_int_equal(backup_fetch_current(fixture.fetch), 9);
    fixture.infos[1].wants_fetch = false;
    end(&fixture, INTAKE_DONE);
    step(&fixture, 0);
    assert_int_equal(done(&fixture), 1);
    /* The next one. */
    assert_int_equal(backup_fetch_current(fixture.fetch), 5);
    assert_int_equal(asked(&fixture), 2);
    backup_fetch_free(fixture.fetch);
}

static void what_an_earlier_try_left_need_not_come_again(void **state)
{
    struct fixture fixture;

    (void)state;
    setup(&fixture, 0);
    lack(&fixture, 5);
    fixture.holds[1] = true;
    fixture.resumed = 2 * BACKUP_PIECE_BYTES;
    step(&fixture, 0);
    give(&fixture);
    written(&fixture, 0);
    assert_int_equal(asked(&fixture), 1);
    assert_int_equal(fixture.sent.offset, 2 * BACKUP_PIECE_BYTES);
    assert_int_equal(fixture.sent.len, 1000);
    backup_fetch_free(fixture.fetch);
    assert_false(fixture.intake.used);
    assert_false(fixture.intake.dropped); /* the next process goes on */
}

static void silent_peer_is_followed_by_another(void **state)
{
    struct fixture fixture;
    uint64_t first;

    (void)state;
    setup(&fixture, 0);
    lack(&fixture, 5);
    fixture.holds[1] = true;
    fixture.holds[3] = true;
    step(&fixture, 0);
    give(&fixture);
    written(&fixture, 0);
    first = asked(&fixture);
    step(&fixture, BACKUP_ASKED_MS - 1);
    assert_int_equal(asked(&fixture), 0);
    step(&fixture, 1);
    assert_int_equal(asked(&fixture), 4 - first);
    assert_int_equal(fixture.sent.offset, BACKUP_PIECE_BYTES);
    /* Late, and nobody waits for it any more. */
    assert_int_equal(
        answer_with(&fixture, first, fixture.sent.id - 1, BACKUP_GIVEN, 10), 0);
    assert_null(fixture.intake.piece);
    backup_fetch_free(fixture.fetch);
}

static void peer_that_is_gone_is_not_waited_for(void **state)
{
    struct fixture fixture;

    (void)state;
    setup(&fixture, 0);
    lack(&fixture, 5);
    fixture.holds[1] = true;
    step(&fixture, 0);
    assert_int_equal(asked(&fixture), 1);
    fixture.holds[1] = false;
    fixture.holds[2] = true;
    step(&fixture, 1);
    assert_int_equal(asked(&fixture), 2);
    backup_fetch_free(fixture.fetch);
}

static void when_all_were_asked_it_waits_longer_each_time(void **state)
{
    struct fixture fixture;
    uint64_t delay = BACKUP_FETCH_RETRY_MIN_MS;

    (void)state;
    setup(&fixture, 0);
    lack(&fixture, 5);
    fixture.holds[1] = true;
    fixture.holds[2] = true;
    for (uint64_t i = 1; i < 12; i++) {
        step(&fixture, 0);
        refuse(&fixture, BACKUP_NOT_GIVEN);
        refuse(&fixture, BACKUP_NOT_READ);
        assert_int_equal(backup_fetch_current(fixture.fetch), 0);
        assert_int_equal(failed(&fixture), i);
        step(&fixture, delay - 1);
        assert_int_equal(asked(&fixture), 0);
        fixture.now_ms++;
        delay = delay * 2 > BACKUP_FETCH_RETRY_MAX_MS
                    ? BACKUP_FETCH_RETRY_MAX_MS
                    : delay * 2;
    }
    backup_fetch_free(fixture.fetch);
}

static void one_that_cannot_be_had_keeps_no_other_waiting(void **state)
{
    struct fixture fixture;

    (void)state;
    setup(&fixture, 0);
    lack(&fixture, 5);
    lack(&fixture, 9);
    fixture.holds[1] = true;
    step(&fixture, 0);
    refuse(&fixture, BACKUP_NOT_GIVEN);
    step(&fixture, 0);
    assert_int_equal(backup_fetch_current(fixture.fetch), 5);
    backup_fetch_free(fixture.fetch);
}

static void busy_peer_is_asked_again_and_not_for_ever(void **state)
{
    struct fixture fixture;
    unsigned asks = 0;

    (void)state;
    setup(&fixture, 0);
    lack(&fixture, 5);
    fixture.holds[1] = true;
    step(&fixture, 0);
    while (failed(&fixture) == 0) {
        if (fixture.sent_to != 0) {
            asks++;
            refuse(&fixture, BACKUP_GIVEN_LATER);
            assert_int_equal(fixture.sent_to, 0);
        }
        step(&fixture, 100);
        assert_in_range(asks, 1, 100);
    }
    assert_in_range(asks, 10, 100);
    backup_fetch_free(fixture.fetch);
}

static void what_does_not_verify_is_asked_of_another_from_the_start(
    void **state)
{
    struct fixture fixture;
    uint64_t first;

    (void)state;
    setup(&fixture, 0);
    lack(&fixture, 5);
    fixture.holds[1] = true;
    fixture.holds[2] = true;
    step(&fixture, 0);
    first = fixture.sent_to;
    give_all(&fixture);
    err_set(&fixture.intake.err, QL_CORRUPT, "bad");
    end(&fixture, INTAKE_FAILED);
    step(&fixture, 0);
    assert_true(fixture.intake.dropped);
    assert_int_equal(fixture.sent.offset, 0);
    assert_int_equal(asked(&fixture), 3 - first);
    assert_int_equal(done(&fixture), 0);
    backup_fetch_free(fixture.fetch);
}

static void stream_that_became_another_begins_anew(void **state)
{
    struct fixture fixture;

    (void)state;
    setup(&fixture, 0);
    lack(&fixture, 5);
    fixture.holds[1] = true;
    step(&fixture, 0);
    for (uint8_t i = 0; i < 4; i++) {
        give(&fixture);
        written(&fixture, 0);
        assert_int_equal(fixture.sent.offset, BACKUP_PIECE_BYTES);
        fixture.tag++;
        give(&fixture);
        assert_false(fixture.intake.used);
        assert_true(fixture.intake.dropped);
        assert_int_equal(fixture.sent.offset, i < 3 ? 0 : BACKUP_PIECE_BYTES);
    }
    /* It never stays the same: enough of that peer, and there is no other. */
    assert_int_equal(asked(&fixture), 0);
    assert_int_equal(failed(&fixture), 1);
    backup_fetch_free(fixture.fetch);
}

static void full_disk_keeps_what_has_come(void **state)
{
    struct fixture fixture;

    (void)state;
    setup(&fixture, 0);
    lack(&fixture, 5);
    fixture.holds[1] = true;
    step(&fixture, 0);
    give(&fixture);
    written(&fixture, QL_NO_SPACE);
    assert_false(fixture.intake.used);
    assert_false(fixture.intake.dropped);
    assert_int_equal(failed(&fixture), 1);
    step(&fixture, BACKUP_FETCH_RETRY_MIN_MS);
    assert_int_equal(asked(&fixture), 1);
    backup_fetch_free(fixture.fetch);
}

static void intake_that_cannot_begin_is_tried_again_later(void **state)
{
    struct fixture fixture;

    (void)state;
    setup(&fixture, 0);
    lack(&fixture, 5);
    fixture.holds[1] = true;
    fixture.begin_result = QL_BUSY;
    step(&fixture, 0);
    give(&fixture);
    assert_int_equal(failed(&fixture), 1);
    fixture.begin_result = 0;
    step(&fixture, BACKUP_FETCH_RETRY_MIN_MS);
    give(&fixture);
    assert_true(fixture.intake.used);
    backup_fetch_free(fixture.fetch);
}

static void row_that_left_the_table_ends_it(void **state)
{
    struct fixture fixture;

    (void)state;
    setup(&fixture, 0);
    lack(&fixture, 5);
    fixture.holds[1] = true;
    step(&fixture, 0);
    give(&fixture);
    fixture.infos_count = 0;
    step(&fixture, 0);
    assert_int_equal(backup_fetch_current(fixture.fetch), 0);
    assert_true(fixture.intake.dropped);
    assert_int_equal(failed(&fixture), 0);
    backup_fetch_free(fixture.fetch);
}

static void rate_holds_over_time(void **state)
{
    struct fixture fixture;
    uint64_t begun;
    unsigned pieces = 0;

    (void)state;
    setup(&fixture, BACKUP_PIECE_BYTES); /* a piece a second */
    lack(&fixture, 5);
    fixture.holds[1] = true;
    step(&fixture, 0);
    begun = fixture.now_ms;
    while (pieces < 3) {
        if (fixture.sent_to != 0) {
            give(&fixture);
            written(&fixture, 0);
            pieces++;
        }
        step(&fixture, 50);
    }
    assert_in_range(fixture.now_ms - begun, 2000, 2200);
    backup_fetch_free(fixture.fetch);
}

static void nonsense_closes_the_connection(void **state)
{
    struct fixture fixture;
    uint64_t from;

    (void)state;
    setup(&fixture, 0);
    lack(&fixture, 5);
    fixture.holds[1] = true;
    fixture.resumed = 2 * BACKUP_PIECE_BYTES;
    step(&fixture, 0);
    give(&fixture);
    written(&fixture, 0);
    from = asked(&fixture);
    assert_int_equal(
        backup_fetch_on_frame(fixture.fetch, from, (const uint8_t *)"x", 1),
        QL_PROTOCOL);
    /* More than was asked for. */
    assert_int_equal(
        answer_with(&fixture, from, fixture.sent.id, BACKUP_GIVEN, 1001),
        QL_PROTOCOL);
    backup_fetch_free(fixture.fetch);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(newest_that_somebody_has_comes_piece_by_piece),
        cmocka_unit_test(what_an_earlier_try_left_need_not_come_again),
        cmocka_unit_test(silent_peer_is_followed_by_another),
        cmocka_unit_test(peer_that_is_gone_is_not_waited_for),
        cmocka_unit_test(when_all_were_asked_it_waits_longer_each_time),
        cmocka_unit_test(one_that_cannot_be_had_keeps_no_other_waiting),
        cmocka_unit_test(busy_peer_is_asked_again_and_not_for_ever),
        cmocka_unit_test(
            what_does_not_verify_is_asked_of_another_from_the_start),
        cmocka_unit_test(stream_that_became_another_begins_anew),
        cmocka_unit_test(full_disk_keeps_what_has_come),
        cmocka_unit_test(intake_that_cannot_begin_is_tried_again_later),
        cmocka_unit_test(row_that_left_the_table_ends_it),
        cmocka_unit_test(rate_holds_over_time),
        cmocka_unit_test(nonsense_closes_the_connection),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
