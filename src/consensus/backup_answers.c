/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "consensus/backup_answers.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "util/mem.h"

struct reading {
    struct list link; /* among those under way */
    struct backup_answers *answers;
    struct backup_read read;
    uint64_t node;
    uint64_t id;
};

struct backup_answers {
    struct backup_answers_options options;
    struct list readings;
    size_t count; /* of them */
};

static int begin(struct backup_answers *answers, uint64_t from,
                 const struct backup_request *request);
static void on_read(struct backup_read *read, int status);
static enum backup_given judge(int status);
static void send(struct backup_answers *answers, uint64_t node,
                 const struct backup_answer *answer);

struct backup_answers *backup_answers_new(
    const struct backup_answers_options *options)
{
    struct backup_answers *answers = mem_must_zalloc(sizeof *answers);

    answers->options = *options;
    list_init(&answers->readings);
    return answers;
}

void backup_answers_free(struct backup_answers *answers)
{
    if (answers == NULL) {
        return;
    }
    while (!list_empty(&answers->readings)) {
        struct reading *reading =
            LIST_ITEM(answers->readings.next, struct reading, link);

        list_remove(&reading->link);
        answers->options.cancel(answers->options.data, &reading->read);
        free(reading);
    }
    free(answers);
}

int backup_answers_on_frame(struct backup_answers *answers, uint64_t from,
                            const uint8_t *bytes, size_t len)
{
    struct backup_request request;
    struct backup_answer answer = {0};
    int rv = backup_request_decode(bytes, len, &request);

    if (rv != 0) {
        return rv;
    }
    rv = begin(answers, from, &request);
    if (rv != 0) {
        answer.id = request.id;
        answer.status = judge(rv);
        send(answers, from, &answer);
    }
    return 0;
}

static int begin(struct backup_answers *answers, uint64_t from,
                 const struct backup_request *request)
{
    const char *name =
        answers->options.name(answers->options.data, request->backup);
    struct reading *reading;
    int rv;

    if (name == NULL) {
        return QL_NOT_FOUND;
    }
    if (answers->count == BACKUP_PIECES_AT_ONCE) {
        return QL_BUSY;
    }
    reading = mem_must_zalloc(sizeof *reading);
    reading->answers = answers;
    reading->node = from;
    reading->id = request->id;
    reading->read.data = reading;
    rv = answers->options.read(answers->options.data, &reading->read, name,
                               request->offset, request->len, on_read);
    if (rv != 0) {
        free(reading);
        return rv;
    }
    list_push_back(&answers->readings, &reading->link);
    answers->count++;
    return 0;
}

static void on_read(struct backup_read *read, int status)
{
    struct reading *reading = read->data;
    struct backup_answers *answers = reading->answers;
    struct backup_answer answer = {.id = reading->id, .status = judge(status)};
    uint64_t node = reading->node;

    list_remove(&reading->link);
    answers->count--;
    if (status == 0) {
        answer.total = read->total;
        answer.bytes = read->bytes;
        memcpy(answer.tag, read->tag, HASH128_LEN);
        if (answer.bytes.len == 0) {
            answer.status = BACKUP_NOT_READ; /* it asked beyond the end */
        }
    }
    send(answers, node, &answer);
    free(reading);
}

static enum backup_given judge(int status)
{
    switch (status) {
    case 0:
        return BACKUP_GIVEN;
    case QL_NOT_FOUND:
        return BACKUP_NOT_GIVEN;
    case QL_BUSY:
        return BACKUP_GIVEN_LATER;
    default:
        return BACKUP_NOT_READ;
    }
}

static void send(struct backup_answers *answers, uint64_t node,
                 const struct backup_answer *answer)
{
    uint8_t head[BACKUP_PIECE_HEAD_LEN];

    backup_answer_head_encode(answer, head);
    answers->options.send(answers->options.data, node, head, answer->bytes);
}
