/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* What peers are answered that ask for chunks, and how much at a time. */
#include "consensus/chunk_answers.h"

#include <stdlib.h>
#include <string.h>

#include "support/cmocka.h"
#include "util/limits.h"
#include "util/mem.h"

#define SERVES_MAX 512u

struct rig {
    struct chunk_answers *answers;
    struct chunk_serve *serves[SERVES_MAX]; /* with the store */
    chunk_serve_cb cbs[SERVES_MAX];
    size_t serves_count;
    size_t serves_done;
    size_t canceled;
    int refusal; /* of the store, at once */
    void *sent[SERVES_MAX];
    struct link_chunk last; /* answer */
    uint64_t last_node;
    size_t sent_count;
    size_t sent_done;
    bool cannot_send;
    struct buf bytes;
};

static int rig_serve(void *data, struct chunk_serve *serve,
                     const struct chunk_name *name, chunk_serve_cb cb)
{
    struct rig *rig = data;

    assert_int_equal(name->uid, 7);
    if (rig->refusal != 0) {
        return rig->refusal;
    }
    assert_true(rig->serves_count < SERVES_MAX);
    rig->cbs[rig->serves_count] = cb;
    rig->serves[rig->serves_count++] = serve;
    return 0;
}

static void rig_cancel(void *data, struct chunk_serve *serve)
{
    struct rig *rig = data;

    (void)serve;
    rig->canceled++;
}

static bool rig_send(void *data, uint64_t node, const struct bytes parts[2],
                     void *sending)
{
    struct rig *rig = data;

    if (rig->cannot_send) {
        return false;
    }
    rig->bytes.len = 0;
    assert_int_equal(buf_add(&rig->bytes, parts[0].data, parts[0].len), 0);
    assert_int_equal(buf_add(&rig->bytes, parts[1].data, parts[1].len), 0);
    assert_int_equal(
        link_chunk_decode(rig->bytes.data, rig->bytes.len, &rig->last), 0);
    rig->last_node = node;
    assert_true(rig->sent_count < SERVES_MAX);
    rig->sent[rig->sent_count++] = sending;
    return true;
}

static struct rig *setup(void)
{
    static const uint64_t nodes[] = {2, 3};
    struct rig *rig = mem_must_zalloc(sizeof *rig);
    const struct chunk_answers_options options = {.nodes = nodes,
                                                  .nodes_count = 2,
                                                  .serve = rig_serve,
                                                  .cancel = rig_cancel,
                                                  .send = rig_send,
                                                  .data = rig};

    rig->answers = chunk_answers_new(&options);
    return rig;
}

static void let_out(struct rig *rig)
{
    assert_true(rig->sent_done < rig->sent_count);
    chunk_answers_on_sent(rig->answers, rig->sent[rig->sent_done++]);
}

static void teardown(struct rig *rig)
{
    while (rig->sent_done < rig->sent_count) {
        let_out(rig);
    }
    chunk_answers_free(rig->answers);
    buf_close(&rig->bytes);
    free(rig);
}

static int request(struct rig *rig, uint64_t node, uint64_t id)
{
    const struct link_chunk_request asked = {
        .id = id, .name = {.uid = 7, .first = 1, .last = 2}};
    uint8_t bytes[LINK_CHUNK_REQUEST_LEN];

    link_chunk_request_encode(&asked, bytes);
    return chunk_answers_on_frame(rig->answers, node, bytes, sizeof bytes);
}

static void serve(struct rig *rig, int status, size_t frame_len)
{
    uint8_t *frame = mem_must_zalloc(frame_len + 1);
    uint8_t row[PACK_ROW_LEN];
    size_t i = rig->serves_done++;

    assert_true(i < rig->serves_count);
    memset(row, 'r', sizeof row);
    memset(frame, 'f', frame_len);
    rig->cbs[i](rig->serves[i], status, status == 0 ? row : NULL,
                status == 0 ? (struct bytes){frame, frame_len}
                            : (struct bytes){NULL, 0});
    free(frame);
}

static void chunk_is_given_as_the_store_has_it(void **state)
{
    struct rig *rig = setup();
    struct chunk_answers_counts counts;

    (void)state;
    assert_int_equal(request(rig, 3, 11), 0);
    assert_int_equal(rig->sent_count, 0);
    serve(rig, 0, 5);
    assert_int_equal(rig->sent_count, 1);
    assert_int_equal(rig->last_node, 3);
    assert_int_equal(rig->last.id, 11);
    assert_int_equal(rig->last.status, LINK_CHUNK_GIVEN);
    assert_int_equal(rig->last.row[0], 'r');
    assert_int_equal(rig->last.frame.len, 5);
    assert_memory_equal(rig->last.frame.data, "fffff", 5);
    chunk_answers_counts(rig->answers, &counts);
    assert_int_equal(counts.given, 1);
    assert_int_equal(counts.bytes, 5);
    teardown(rig);
}

static void failures_are_told_apart(void **state)
{
    static const struct {
        int status;
        enum link_chunk_status told;
    } cases[] = {{QL_NOT_FOUND, LINK_CHUNK_NOT_FOUND},
                 {QL_BUSY, LINK_CHUNK_BUSY},
                 {QL_CORRUPT, LINK_CHUNK_FAILED},
                 {QL_IO, LINK_CHUNK_FAILED}};
    struct rig *rig = setup();

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        assert_int_equal(request(rig, 2, i), 0);
        serve(rig, cases[i].status, 0);
        assert_int_equal(rig->last.id, i);
        assert_int_equal(rig->last.status, cases[i].told);
    }
    rig->refusal = QL_NOT_FOUND;
    assert_int_equal(request(rig, 2, 77), 0);
    assert_int_equal(rig->last.id, 77);
    assert_int_equal(rig->last.status, LINK_CHUNK_NOT_FOUND);
    teardown(rig);
}

static void few_are_read_at_a_time_for_each_peer(void **state)
{
    struct rig *rig = setup();

    (void)state;
    for (uint64_t i = 0; i < 20; i++) {
        assert_int_equal(request(rig, 2, i), 0);
    }
    assert_int_equal(rig->serves_count, CHUNK_ANSWERS_AT_ONCE);
    /* The other peer does not wait for them. */
    assert_int_equal(request(rig, 3, 50), 0);
    assert_int_equal(rig->serves_count, CHUNK_ANSWERS_AT_ONCE + 1);
    serve(rig, 0, 10);
    assert_int_equal(rig->serves_count, CHUNK_ANSWERS_AT_ONCE + 2);
    teardown(rig);
}

static void no_more_is_read_than_the_link_takes(void **state)
{
    struct rig *rig = setup();
    size_t before;

    (void)state;
    for (uint64_t i = 0; i < 20; i++) {
        assert_int_equal(request(rig, 2, i), 0);
    }
    while (rig->serves_done < rig->serves_count) {
        serve(rig, 0, MIB);
    }
    before = rig->serves_count;
    assert_in_range(before, CHUNK_ANSWER_BYTES_MAX / MIB,
                    CHUNK_ANSWER_BYTES_MAX / MIB + CHUNK_ANSWERS_AT_ONCE);
    while (rig->serves_count == before) {
        let_out(rig);
    }
    assert_int_equal(rig->serves_count, before + CHUNK_ANSWERS_AT_ONCE);
    teardown(rig);
}

static void too_many_requests_are_turned_away(void **state)
{
    struct rig *rig = setup();
    uint64_t id = 0;

    (void)state;
    while (rig->sent_count == 0) {
        assert_int_equal(request(rig, 2, ++id), 0);
    }
    assert_int_equal(id, CHUNK_ANSWERS_AT_ONCE + CHUNK_ANSWERS_MAX + 1);
    assert_int_equal(rig->last.id, id);
    assert_int_equal(rig->last.status, LINK_CHUNK_BUSY);
    teardown(rig);
}

static void busy_store_is_asked_again(void **state)
{
    struct rig *rig = setup();

    (void)state;
    rig->refusal = QL_BUSY;
    assert_int_equal(request(rig, 2, 1), 0);
    assert_int_equal(rig->sent_count, 0);
    assert_true(chunk_answers_wait(rig->answers));
    rig->refusal = 0;
    chunk_answers_step(rig->answers);
    assert_false(chunk_answers_wait(rig->answers));
    serve(rig, 0, 1);
    assert_int_equal(rig->last.status, LINK_CHUNK_GIVEN);
    teardown(rig);
}

static void answer_that_cannot_be_sent_is_forgotten(void **state)
{
    struct rig *rig = setup();

    (void)state;
    rig->cannot_send = true;
    assert_int_equal(request(rig, 2, 1), 0);
    serve(rig, 0, 100);
    assert_int_equal(rig->sent_count, 0);
    rig->cannot_send = false;
    assert_int_equal(request(rig, 2, 2), 0);
    serve(rig, 0, 100);
    assert_int_equal(rig->sent_count, 1);
    teardown(rig);
}

static void stop_takes_back_what_is_with_the_store(void **state)
{
    struct rig *rig = setup();

    (void)state;
    for (uint64_t i = 0; i < 20; i++) {
        assert_int_equal(request(rig, 2, i), 0);
    }
    chunk_answers_stop(rig->answers);
    assert_int_equal(rig->canceled, CHUNK_ANSWERS_AT_ONCE);
    assert_int_equal(request(rig, 2, 30), 0);
    assert_int_equal(rig->serves_count, CHUNK_ANSWERS_AT_ONCE);
    teardown(rig);
}

static void request_that_makes_no_sense_is_refused(void **state)
{
    struct rig *rig = setup();

    (void)state;
    assert_int_equal(
        chunk_answers_on_frame(rig->answers, 2, (const uint8_t *)"short", 5),
        QL_PROTOCOL);
    assert_int_equal(request(rig, 9, 1), QL_PROTOCOL);
    teardown(rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(chunk_is_given_as_the_store_has_it),
        cmocka_unit_test(failures_are_told_apart),
        cmocka_unit_test(few_are_read_at_a_time_for_each_peer),
        cmocka_unit_test(no_more_is_read_than_the_link_takes),
        cmocka_unit_test(too_many_requests_are_turned_away),
        cmocka_unit_test(busy_store_is_asked_again),
        cmocka_unit_test(answer_that_cannot_be_sent_is_forgotten),
        cmocka_unit_test(stop_takes_back_what_is_with_the_store),
        cmocka_unit_test(request_that_makes_no_sense_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
