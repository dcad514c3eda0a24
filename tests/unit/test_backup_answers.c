/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* A node that is asked for backups; the store is the test's. */
#include "consensus/backup_answers.h"

#include <string.h>

#include "support/cmocka.h"

#define READS_MAX 8u

struct fixture {
    struct backup_answers *answers;
    struct backup_read *reads[READS_MAX]; /* under way, oldest first */
    size_t reads_count;
    int read_result;
    uint64_t offset; /* of the last one */
    uint32_t len;
    size_t canceled;
    /* The last answer. */
    size_t sent;
    uint64_t sent_to;
    struct backup_answer answer;
    uint8_t bytes[64];
};

static const char *name_of(void *data, uint64_t backup)
{
    (void)data;
    return backup == 5 ? "nightly" : NULL;
}

static int read_stream(void *data, struct backup_read *read, const char *name,
                       uint64_t offset, uint32_t len, backup_read_cb cb)
{
    struct fixture *fixture = data;

    assert_string_equal(name, "nightly");
    if (fixture->read_result != 0) {
        return fixture->read_result;
    }
    read->cb = cb;
    fixture->reads[fixture->reads_count++] = read;
    fixture->offset = offset;
    fixture->len = len;
    return 0;
}

static void cancel(void *data, struct backup_read *read)
{
    struct fixture *fixture = data;

    (void)read;
    fixture->canceled++;
}

static void send_piece(void *data, uint64_t node, const uint8_t *head,
                       struct bytes bytes)
{
    struct fixture *fixture = data;
    uint8_t frame[BACKUP_PIECE_HEAD_LEN + sizeof fixture->bytes];

    assert_true(bytes.len <= sizeof fixture->bytes);
    memcpy(frame, head, BACKUP_PIECE_HEAD_LEN);
    if (bytes.len > 0) {
        memcpy(frame + BACKUP_PIECE_HEAD_LEN, bytes.data, bytes.len);
        memcpy(fixture->bytes, bytes.data, bytes.len);
    }
    assert_int_equal(backup_answer_decode(frame,
                                          BACKUP_PIECE_HEAD_LEN + bytes.len,
                                          &fixture->answer),
                     0);
    fixture->sent++;
    fixture->sent_to = node;
}

static void setup(struct fixture *fixture)
{
    const struct backup_answers_options options = {.name = name_of,
                                                   .read = read_stream,
                                                   .cancel = cancel,
                                                   .send = send_piece,
                                                   .data = fixture};

    *fixture = (struct fixture){.answers = NULL};
    fixture->answers = backup_answers_new(&options);
}

static void ask(struct fixture *fixture, uint64_t from, uint64_t id,
                uint64_t backup)
{
    const struct backup_request request = {id, backup, 7000, 16};
    uint8_t bytes[BACKUP_REQUEST_LEN];

    backup_request_encode(&request, bytes);
    assert_int_equal(
        backup_answers_on_frame(fixture->answers, from, bytes, sizeof bytes),
        0);
}

/* The oldest read ends. */
static void end(struct fixture *fixture, int status, const char *bytes)
{
    struct backup_read *read = fixture->reads[0];

    fixture->reads_count--;
    memmove(fixture->reads, fixture->reads + 1,
            fixture->reads_count * sizeof fixture->reads[0]);
    read->bytes = (struct bytes){(const uint8_t *)bytes, strlen(bytes)};
    read->total = 9000;
    memset(read->tag, 3, sizeof read->tag);
    read->cb(read, status);
}

static void piece_is_read_and_given_to_who_asked(void **state)
{
    struct fixture fixture;

    (void)state;
    setup(&fixture);
    ask(&fixture, 2, 77, 5);
    assert_int_equal(fixture.offset, 7000);
    assert_int_equal(fixture.len, 16);
    assert_int_equal(fixture.sent, 0);
    end(&fixture, 0, "sixteen bytes...");
    assert_int_equal(fixture.sent, 1);
    assert_int_equal(fixture.sent_to, 2);
    assert_int_equal(fixture.answer.id, 77);
    assert_int_equal(fixture.answer.status, BACKUP_GIVEN);
    assert_int_equal(fixture.answer.total, 9000);
    assert_int_equal(fixture.answer.tag[15], 3);
    assert_memory_equal(fixture.bytes, "sixteen bytes...", 16);
    backup_answers_free(fixture.answers);
}

static void why_there_is_none_is_said(void **state)
{
    static const struct {
        int status;
        enum backup_given given;
    } rows[] = {{QL_NOT_FOUND, BACKUP_NOT_GIVEN},
                {QL_BUSY, BACKUP_GIVEN_LATER},
                {QL_CORRUPT, BACKUP_NOT_READ},
                {QL_IO, BACKUP_NOT_READ}};
    struct fixture fixture;

    (void)state;
    setup(&fixture);
    ask(&fixture, 2, 1, 6); /* not in the table */
    assert_int_equal(fixture.answer.status, BACKUP_NOT_GIVEN);
    for (size_t i = 0; i < 4; i++) {
        fixture.read_result = rows[i].status;
        ask(&fixture, 2, 1, 5);
        assert_int_equal(fixture.answer.status, rows[i].given);
        fixture.read_result = 0;
        ask(&fixture, 2, 1, 5);
        end(&fixture, rows[i].status, "");
        assert_int_equal(fixture.answer.status, rows[i].given);
    }
    assert_int_equal(fixture.sent, 9);
    ask(&fixture, 2, 1, 5); /* beyond its end */
    end(&fixture, 0, "");
    assert_int_equal(fixture.answer.status, BACKUP_NOT_READ);
    backup_answers_free(fixture.answers);
}

static void who_asks_for_too_much_at_once_is_told_to_ask_later(void **state)
{
    struct fixture fixture;

    (void)state;
    setup(&fixture);
    for (uint64_t i = 0; i < BACKUP_PIECES_AT_ONCE; i++) {
        ask(&fixture, 2, i, 5);
    }
    assert_int_equal(fixture.sent, 0);
    ask(&fixture, 3, 99, 5);
    assert_int_equal(fixture.sent_to, 3);
    assert_int_equal(fixture.answer.status, BACKUP_GIVEN_LATER);
    end(&fixture, 0, "bytes");
    ask(&fixture, 3, 100, 5);
    assert_int_equal(fixture.reads_count, BACKUP_PIECES_AT_ONCE);
    backup_answers_free(fixture.answers);
    assert_int_equal(fixture.canceled, BACKUP_PIECES_AT_ONCE);
    assert_int_equal(fixture.sent, 2);
}

static void nonsense_closes_the_connection(void **state)
{
    struct fixture fixture;

    (void)state;
    setup(&fixture);
    assert_int_equal(
        backup_answers_on_frame(fixture.answers, 2, (const uint8_t *)"", 0),
        QL_PROTOCOL);
    backup_answers_free(fixture.answers);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(piece_is_read_and_given_to_who_asked),
        cmocka_unit_test(why_there_is_none_is_said),
        cmocka_unit_test(who_asks_for_too_much_at_once_is_told_to_ask_later),
        cmocka_unit_test(nonsense_closes_the_connection),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
