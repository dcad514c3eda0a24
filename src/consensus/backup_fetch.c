/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "consensus/backup_fetch.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "consensus/backup_pauses.h"
#include "util/diag.h"
#include "util/mem.h"

#define RESTARTS_MAX 3u /* of a peer whose stream becomes another one */
#define LATER_MS 500u   /* after a peer had too much to do */
#define LATERS_MAX 60u  /* then another is asked */

struct backup_fetch {
    struct backup_fetch_options options;
    struct backup_pauses pauses;
    uint64_t requests; /* sent, ever */
    uint64_t done;
    uint64_t failed;
    /* Of the one that is being fetched: */
    struct backup_row row; /* id 0: none is */
    uint64_t tried[MEMBERS_MAX];
    size_t tried_count;
    uint64_t peer;                /* 0: to be chosen */
    unsigned restarts;            /* of its stream */
    unsigned laters;              /* answers that it has too much to do */
    struct backup_intake *intake; /* NULL: its length is not known yet */
    uint8_t tag[HASH128_LEN];     /* of the stream, with an intake */
    uint64_t total;
    struct backup_request request; /* the last one sent */
    bool asking;                   /* it has no answer yet */
    uint64_t asked_ms;
    uint64_t not_before_ms; /* nothing is asked */
    struct backup_piece piece;
    bool taking; /* it is with the intake */
    bool ended;  /* the intake */
};

static const struct backup_info *find_info(const struct backup_fetch *fetch);
static void choose(struct backup_fetch *fetch, uint64_t now);
static void follow_up(struct backup_fetch *fetch, uint64_t now);
static void ask(struct backup_fetch *fetch, uint64_t now);
static bool is_there(const struct backup_fetch *fetch, uint64_t node);
static bool choose_peer(struct backup_fetch *fetch);
static void peer_failed(struct backup_fetch *fetch);
static void give_up(struct backup_fetch *fetch, bool drop);
static void leave(struct backup_fetch *fetch, bool drop);
static void forget(struct backup_fetch *fetch);
static void take_answer(struct backup_fetch *fetch,
                        const struct backup_answer *answer, uint64_t now);
static bool begin_intake(struct backup_fetch *fetch,
                         const struct backup_answer *answer);
static void on_taken(struct backup_piece *piece, int status);
static void on_end(void *data, struct backup_intake *intake);

struct backup_fetch *backup_fetch_new(
    const struct backup_fetch_options *options)
{
    struct backup_fetch *fetch = mem_must_zalloc(sizeof *fetch);

    fetch->options = *options;
    return fetch;
}

void backup_fetch_free(struct backup_fetch *fetch)
{
    if (fetch != NULL) {
        leave(fetch, false);
        free(fetch);
    }
}

uint64_t backup_fetch_current(const struct backup_fetch *fetch)
{
    return fetch->row.id;
}

void backup_fetch_counts(const struct backup_fetch *fetch, uint64_t *ret_done,
                         uint64_t *ret_failed)
{
    *ret_done = fetch->done;
    *ret_failed = fetch->failed;
}

void backup_fetch_step(struct backup_fetch *fetch)
{
    uint64_t now = fetch->options.now_ms(fetch->options.data);

    if (fetch->row.id != 0) {
        follow_up(fetch, now);
    }
    if (fetch->row.id == 0) {
        choose(fetch, now);
    }
    if (fetch->row.id != 0 && !fetch->asking && !fetch->taking &&
        !fetch->ended && now >= fetch->not_before_ms) {
        ask(fetch, now);
    }
}

/* ---- Which one ---- */

static void choose(struct backup_fetch *fetch, uint64_t now)
{
    uint64_t holders[MEMBERS_MAX];
    size_t count;
    const struct backup_info *infos =
        fetch->options.infos(fetch->options.data, &count);

    while (count > 0) {
        const struct backup_info *info = &infos[--count];

        if (info->in_table && info->wants_fetch &&
            !backup_pauses_has(&fetch->pauses, info->row.id, now) &&
            fetch->options.holders(fetch->options.data, info->row.id, holders) >
                0) {
            fetch->row = info->row;
            return;
        }
    }
}

/* NULL: its row has left the table. */
static const struct backup_info *find_info(const struct backup_fetch *fetch)
{
    size_t count;
    const struct backup_info *infos =
        fetch->options.infos(fetch->options.data, &count);

    for (size_t i = 0; i < count; i++) {
        if (infos[i].in_table && infos[i].row.id == fetch->row.id) {
            return &infos[i];
        }
    }
    return NULL;
}

/* What has become of it since the last look. */
static void follow_up(struct backup_fetch *fetch, uint64_t now)
{
    struct backup_intake_status status = {.state = INTAKE_RECEIVING};
    const struct backup_info *info = find_info(fetch);

    if (fetch->intake != NULL) {
        fetch->options.get(fetch->intake, &status);
    }
    if (fetch->ended && status.state == INTAKE_DONE) {
        diag_info("backup %s has come from node %" PRIu64, fetch->row.name,
                  fetch->peer);
        backup_pauses_forget(&fetch->pauses, fetch->row.id);
        fetch->done++;
        leave(fetch, true);
    } else if (fetch->ended) {
        diag_warning("backup %s from node %" PRIu64 ": %s", fetch->row.name,
                     fetch->peer,
                     status.err == NULL ? "it is no good" : status.err->text);
        forget(fetch);
        peer_failed(fetch);
    } else if (info == NULL ||
               (status.state != INTAKE_VERIFYING && !info->wants_fetch)) {
        leave(fetch, true);
    } else if (fetch->asking && (now - fetch->asked_ms >= BACKUP_ASKED_MS ||
                                 !is_there(fetch, fetch->peer))) {
        peer_failed(fetch);
    }
}

/* ---- Asking ---- */

static void ask(struct backup_fetch *fetch, uint64_t now)
{
    uint64_t offset = 0;
    size_t len = BACKUP_PIECE_BYTES;

    if (fetch->intake != NULL &&
        !fetch->options.wants(fetch->intake, BACKUP_PIECE_BYTES, &offset,
                              &len)) {
        return;
    }
    if (!choose_peer(fetch)) {
        give_up(fetch, false);
        return;
    }
    fetch->request = (struct backup_request){.id = ++fetch->requests,
                                             .backup = fetch->row.id,
                                             .offset = offset,
                                             .len = (uint32_t)len};
    if (!fetch->options.send(fetch->options.data, fetch->peer,
                             &fetch->request)) {
        peer_failed(fetch);
        return;
    }
    fetch->asking = true;
    fetch->asked_ms = now;
    if (fetch->options.rate_bytes > 0) {
        fetch->not_before_ms =
            now + (uint64_t)len * 1000 / fetch->options.rate_bytes;
    }
}

static bool is_there(const struct backup_fetch *fetch, uint64_t node)
{
    uint64_t holders[MEMBERS_MAX];
    size_t count =
        fetch->options.holders(fetch->options.data, fetch->row.id, holders);

    for (size_t i = 0; i < count; i++) {
        if (holders[i] == node) {
            return true;
        }
    }
    return false;
}

static bool was_tried(const struct backup_fetch *fetch, uint64_t node)
{
    for (size_t i = 0; i < fetch->tried_count; i++) {
        if (fetch->tried[i] == node) {
            return true;
        }
    }
    return false;
}

/* The one that was asked last, as long as it has it. */
static bool choose_peer(struct backup_fetch *fetch)
{
    uint64_t holders[MEMBERS_MAX];
    size_t count =
        fetch->options.holders(fetch->options.data, fetch->row.id, holders);
    uint64_t choice = 0;

    for (size_t i = 0; i < count; i++) {
        if (!was_tried(fetch, holders[i]) &&
            (choice == 0 || holders[i] == fetch->peer)) {
            choice = holders[i];
        }
    }
    if (choice != fetch->peer) {
        fetch->restarts = 0;
        fetch->laters = 0;
    }
    fetch->peer = choice;
    return choice != 0;
}

static void peer_failed(struct backup_fetch *fetch)
{
    fetch->asking = false;
    if (fetch->peer != 0 && fetch->tried_count < MEMBERS_MAX) {
        fetch->tried[fetch->tried_count++] = fetch->peer;
    }
    fetch->peer = 0;
}

/* For now. Without @drop the next try goes on where this one ended. */
static void give_up(struct backup_fetch *fetch, bool drop)
{
    backup_pauses_add(&fetch->pauses, fetch->row.id,
                      fetch->options.now_ms(fetch->options.data));
    fetch->failed++;
    leave(fetch, drop);
}

static void leave(struct backup_fetch *fetch, bool drop)
{
    if (fetch->taking) {
        fetch->options.cancel(&fetch->piece);
        fetch->taking = false;
    }
    if (fetch->intake != NULL) {
        fetch->options.leave(fetch->intake, drop);
        fetch->intake = NULL;
    }
    fetch->ended = false;
    fetch->asking = false;
    fetch->tried_count = 0;
    fetch->peer = 0;
    fetch->restarts = 0;
    fetch->row.id = 0;
}

/* What was taken in is of no use. */
static void forget(struct backup_fetch *fetch)
{
    if (fetch->taking) {
        fetch->options.cancel(&fetch->piece);
        fetch->taking = false;
    }
    fetch->options.leave(fetch->intake, true);
    fetch->intake = NULL;
    fetch->ended = false;
}

/* ---- Answers ---- */

int backup_fetch_on_frame(struct backup_fetch *fetch, uint64_t from,
                          const uint8_t *bytes, size_t len)
{
    uint64_t now = fetch->options.now_ms(fetch->options.data);
    struct backup_answer answer;
    int rv = backup_answer_decode(bytes, len, &answer);

    if (rv != 0) {
        return rv;
    }
    if (!fetch->asking || from != fetch->peer ||
        answer.id != fetch->request.id) {
        return 0; /* It was waited for once. */
    }
    if (answer.bytes.len > fetch->request.len) {
        return QL_PROTOCOL;
    }
    fetch->asking = false;
    switch (answer.status) {
    case BACKUP_GIVEN:
        fetch->laters = 0;
        take_answer(fetch, &answer, now);
        break;
    case BACKUP_GIVEN_LATER:
        fetch->not_before_ms = now + LATER_MS;
        if (++fetch->laters > LATERS_MAX) {
            peer_failed(fetch);
        }
        break;
    default:
        peer_failed(fetch);
        break;
    }
    backup_fetch_step(fetch);
    return 0;
}

static void take_answer(struct backup_fetch *fetch,
                        const struct backup_answer *answer, uint64_t now)
{
    int rv;

    if (fetch->intake != NULL &&
        (fetch->total != answer->total ||
         memcmp(fetch->tag, answer->tag, HASH128_LEN) != 0)) {
        /* Another stream: nodes need not compress alike, or it was made anew. */
        forget(fetch);
        fetch->restarts++;
        if (fetch->restarts > RESTARTS_MAX) {
            peer_failed(fetch);
        }
        return;
    }
    if (fetch->intake == NULL && !begin_intake(fetch, answer)) {
        return;
    }
    fetch->piece.data = fetch;
    rv = fetch->options.take(fetch->intake, &fetch->piece,
                             fetch->request.offset, answer->bytes, on_taken);
    if (rv == 0) {
        fetch->taking = true;
    } else if (rv == QL_BUSY) {
        fetch->not_before_ms = now + LATER_MS;
    } else if (rv != QL_OUT_OF_ORDER) {
        /* Out of order is the first piece where an earlier try got further. */
        give_up(fetch, true);
    }
}

/* With the first piece, which tells how long the stream is. */
static bool begin_intake(struct backup_fetch *fetch,
                         const struct backup_answer *answer)
{
    static const uint8_t none[PACK_CLUSTER_LEN];
    char token[INTAKE_TOKEN_MAX + 1];
    const struct backup_intake_options options = {.token = token,
                                                  .total = answer->total,
                                                  .expected = &fetch->row,
                                                  .foreign = fetch->row.foreign,
                                                  .skips = true,
                                                  .on_end = on_end,
                                                  .data = fetch};
    struct backup_intake_status status;
    struct err err = {0};
    int rv;

    if (memcmp(fetch->row.cluster, none, sizeof none) == 0) {
        memcpy(fetch->row.cluster, fetch->options.cluster, sizeof none);
    }
    (void)snprintf(token, sizeof token, "fetch-%" PRIu64, fetch->row.id);
    rv = fetch->options.begin(fetch->options.data, &options, &fetch->intake,
                              &err);
    if (rv != 0) {
        diag_warning("backup %s cannot be fetched now: %s", fetch->row.name,
                     err.text);
        fetch->intake = NULL;
        give_up(fetch, false);
        return false;
    }
    fetch->total = answer->total;
    memcpy(fetch->tag, answer->tag, HASH128_LEN);
    fetch->options.get(fetch->intake, &status);
    /* What an earlier try had begun may have ended without us. */
    fetch->ended = status.state == INTAKE_DONE || status.state == INTAKE_FAILED;
    return status.state == INTAKE_RECEIVING;
}

/* No space: what came before stays, and it is tried again later. */
static void on_taken(struct backup_piece *piece, int status)
{
    struct backup_fetch *fetch = piece->data;

    fetch->taking = false;
    if (status == QL_NO_SPACE) {
        give_up(fetch, false);
    } else if (status != 0 && !fetch->ended) {
        give_up(fetch, true);
    } else {
        backup_fetch_step(fetch);
    }
}

/* Inside the intake, so only noted. */
static void on_end(void *data, struct backup_intake *intake)
{
    struct backup_fetch *fetch = data;

    assert(intake == fetch->intake);
    fetch->ended = true;
}
