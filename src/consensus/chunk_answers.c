/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "consensus/chunk_answers.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "util/limits.h"
#include "util/mem.h"

struct asker;

/* One request, until its answer is with the link. */
struct request {
    struct list link; /* the asker's waiting or reading */
    struct asker *asker;
    struct link_chunk_request asked;
    struct chunk_serve serve;
};

/* One answer on its way. */
struct sending {
    struct asker *asker;
    size_t len;
    struct bytes parts[2];
    uint8_t head[LINK_CHUNK_HEAD_LEN + PACK_ROW_LEN];
    uint8_t frame[];
};

struct asker {
    struct chunk_answers *answers;
    uint64_t node;
    struct list waiting;
    size_t waiting_count;
    struct list reading;
    size_t reading_count;
    uint64_t sending_bytes;
};

struct chunk_answers {
    struct chunk_answers_options options;
    struct asker askers[GUARD_PEERS_MAX];
    size_t askers_count;
    bool is_stopped;
    struct chunk_answers_counts counts;
};

static struct asker *asker_of(struct chunk_answers *answers, uint64_t node);
static void begin(struct asker *asker);
static void on_served(struct chunk_serve *serve, int status, const uint8_t *row,
                      struct bytes frame);
static void answer(struct asker *asker, uint64_t id,
                   enum link_chunk_status status, const uint8_t *row,
                   struct bytes frame);
static enum link_chunk_status judge(struct chunk_answers *answers, int status);
static void drop(struct list *requests);

struct chunk_answers *chunk_answers_new(
    const struct chunk_answers_options *options)
{
    struct chunk_answers *answers = mem_must_zalloc(sizeof *answers);

    assert(options->nodes_count <= GUARD_PEERS_MAX);
    answers->options = *options;
    answers->askers_count = options->nodes_count;
    for (size_t i = 0; i < options->nodes_count; i++) {
        struct asker *asker = &answers->askers[i];

        asker->answers = answers;
        asker->node = options->nodes[i];
        list_init(&asker->waiting);
        list_init(&asker->reading);
    }
    return answers;
}

void chunk_answers_stop(struct chunk_answers *answers)
{
    answers->is_stopped = true;
    for (size_t i = 0; i < answers->askers_count; i++) {
        struct asker *asker = &answers->askers[i];

        for (struct list *at = asker->reading.next; at != &asker->reading;
             at = at->next) {
            answers->options.cancel(
                answers->options.data,
                &LIST_ITEM(at, struct request, link)->serve);
        }
        drop(&asker->waiting);
        drop(&asker->reading);
        asker->waiting_count = 0;
        asker->reading_count = 0;
    }
}

static void drop(struct list *requests)
{
    while (!list_empty(requests)) {
        struct request *request =
            LIST_ITEM(requests->next, struct request, link);

        list_remove(&request->link);
        free(request);
    }
}

void chunk_answers_free(struct chunk_answers *answers)
{
    if (answers == NULL) {
        return;
    }
    if (!answers->is_stopped) {
        chunk_answers_stop(answers);
    }
    for (size_t i = 0; i < answers->askers_count; i++) {
        assert(answers->askers[i].sending_bytes == 0);
    }
    free(answers);
}

void chunk_answers_counts(const struct chunk_answers *answers,
                          struct chunk_answers_counts *ret)
{
    *ret = answers->counts;
}

/* ---- Requests ---- */

int chunk_answers_on_frame(struct chunk_answers *answers, uint64_t from,
                           const uint8_t *bytes, size_t len)
{
    struct asker *asker = asker_of(answers, from);
    struct link_chunk_request asked;
    struct request *request;
    int rv = link_chunk_request_decode(bytes, len, &asked);

    if (rv != 0 || asker == NULL) {
        return QL_PROTOCOL;
    }
    if (answers->is_stopped) {
        return 0;
    }
    if (asker->waiting_count >= CHUNK_ANSWERS_MAX) {
        answers->counts.busy++;
        answer(asker, asked.id, LINK_CHUNK_BUSY, NULL, (struct bytes){NULL, 0});
        return 0;
    }
    request = mem_must_zalloc(sizeof *request);
    request->asker = asker;
    request->asked = asked;
    request->serve.data = request;
    list_push_back(&asker->waiting, &request->link);
    asker->waiting_count++;
    begin(asker);
    return 0;
}

static struct asker *asker_of(struct chunk_answers *answers, uint64_t node)
{
    for (size_t i = 0; i < answers->askers_count; i++) {
        if (answers->askers[i].node == node) {
            return &answers->askers[i];
        }
    }
    return NULL;
}

void chunk_answers_step(struct chunk_answers *answers)
{
    for (size_t i = 0; i < answers->askers_count; i++) {
        begin(&answers->askers[i]);
    }
}

bool chunk_answers_wait(const struct chunk_answers *answers)
{
    for (size_t i = 0; i < answers->askers_count; i++) {
        if (answers->askers[i].waiting_count > 0) {
            return true;
        }
    }
    return false;
}

/* Reads for @asker as much as may be read for it now. */
static void begin(struct asker *asker)
{
    struct chunk_answers *answers = asker->answers;

    while (!list_empty(&asker->waiting) &&
           asker->reading_count < CHUNK_ANSWERS_AT_ONCE &&
           asker->sending_bytes < CHUNK_ANSWER_BYTES_MAX) {
        struct request *request =
            LIST_ITEM(asker->waiting.next, struct request, link);
        int rv = answers->options.serve(answers->options.data, &request->serve,
                                        &request->asked.name, on_served);

        if (rv == QL_BUSY) {
            return;
        }
        list_remove(&request->link);
        asker->waiting_count--;
        if (rv != 0) {
            answer(asker, request->asked.id, judge(answers, rv), NULL,
                   (struct bytes){NULL, 0});
            free(request);
            continue;
        }
        list_push_back(&asker->reading, &request->link);
        asker->reading_count++;
    }
}

/* ---- Answers ---- */

static void on_served(struct chunk_serve *serve, int status, const uint8_t *row,
                      struct bytes frame)
{
    struct request *request = serve->data;
    struct asker *asker = request->asker;

    list_remove(&request->link);
    asker->reading_count--;
    answer(asker, request->asked.id, judge(asker->answers, status), row, frame);
    free(request);
    begin(asker);
}

static enum link_chunk_status judge(struct chunk_answers *answers, int status)
{
    switch (status) {
    case 0:
        answers->counts.given++;
        return LINK_CHUNK_GIVEN;
    case QL_NOT_FOUND:
        answers->counts.not_found++;
        return LINK_CHUNK_NOT_FOUND;
    case QL_BUSY:
        answers->counts.busy++;
        return LINK_CHUNK_BUSY;
    default:
        answers->counts.failed++;
        return LINK_CHUNK_FAILED;
    }
}

/* What cannot be sent is lost, and asked for again. */
static void answer(struct asker *asker, uint64_t id,
                   enum link_chunk_status status, const uint8_t *row,
                   struct bytes frame)
{
    struct chunk_answers *answers = asker->answers;
    struct sending *sending;

    if (status != LINK_CHUNK_GIVEN) {
        frame.len = 0;
    }
    sending = mem_must_alloc(sizeof *sending + frame.len);
    sending->asker = asker;
    sending->parts[0].data = sending->head;
    sending->parts[0].len = LINK_CHUNK_HEAD_LEN;
    sending->parts[1].data = sending->frame;
    sending->parts[1].len = frame.len;
    link_chunk_head_encode(id, status, sending->head);
    if (status == LINK_CHUNK_GIVEN) {
        memcpy(sending->head + LINK_CHUNK_HEAD_LEN, row, PACK_ROW_LEN);
        memcpy(sending->frame, frame.data, frame.len);
        sending->parts[0].len += PACK_ROW_LEN;
        answers->counts.bytes += frame.len;
    }
    sending->len = sending->parts[0].len + frame.len;
    if (!answers->options.send(answers->options.data, asker->node,
                               sending->parts, sending)) {
        free(sending);
        return;
    }
    asker->sending_bytes += sending->len;
}

void chunk_answers_on_sent(struct chunk_answers *answers, void *data)
{
    struct sending *sending = data;
    struct asker *asker = sending->asker;

    asker->sending_bytes -= sending->len;
    free(sending);
    if (!answers->is_stopped) {
        begin(asker);
    }
}
