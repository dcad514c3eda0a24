/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* Frames as the queue writes them and the reader takes them. */
#include "consensus/link_frame.h"

#include <stdlib.h>
#include <string.h>

#include "consensus/link_queue.h"
#include "support/cmocka.h"
#include "util/crc32c.h"
#include "util/mem.h"

#define SENDS 8u

struct wire {
    struct link_queue queue;
    struct link_send sends[SENDS];
    struct bytes parts[SENDS][3];
    struct buf bytes; /* all that was written */
    size_t done;      /* sends that were finished, which were in order */
};

static void wire_open(struct wire *wire)
{
    *wire = (struct wire){0};
    link_queue_init(&wire->queue);
}

/* In two parts with nothing between them. */
static int put(struct wire *wire, size_t which, enum link_frame type,
               const void *bytes, size_t len)
{
    struct link_send *send = &wire->sends[which];
    struct bytes *parts = wire->parts[which];

    *send = (struct link_send){.type = type, .parts = parts, .parts_count = 3};
    send->len = len;
    parts[0] = (struct bytes){bytes, len / 2};
    parts[1] = (struct bytes){NULL, 0};
    parts[2] = (struct bytes){(const uint8_t *)bytes + len / 2, len - len / 2};
    return link_queue_add(&wire->queue, send);
}

/* One write; false when there was nothing to write. */
static bool step(struct wire *wire)
{
    struct link_write *write = mem_must_alloc(sizeof *write);
    bool more = link_queue_next(&wire->queue, write);

    for (size_t i = 0; i < write->runs_count; i++) {
        assert_int_equal(
            buf_add(&wire->bytes, write->runs[i].data, write->runs[i].len), 0);
    }
    while (!list_empty(&write->done)) {
        list_remove(write->done.next);
        wire->done++;
    }
    free(write);
    return more;
}

static void drain(struct wire *wire)
{
    while (step(wire)) {
        continue;
    }
    assert_int_equal(link_queue_bytes(&wire->queue), 0);
}

/* A reader of proven streams that is given @piece bytes at a time. */
static void expect(struct link_reader *reader, struct bytes *input,
                   size_t piece, enum link_frame type, const void *bytes,
                   size_t len)
{
    struct link_frame_view frame = {0};
    bool whole = false;

    while (!whole) {
        struct bytes some = {input->data, piece};
        size_t given;

        if (input->len < piece) {
            some.len = input->len;
        }
        given = some.len;
        assert_true(given > 0);
        assert_int_equal(link_reader_take(reader, &some, &frame, &whole), 0);
        input->data += given - some.len;
        input->len -= given - some.len;
    }
    assert_int_equal(frame.type, type);
    assert_int_equal(frame.len, len);
    if (len > 0) {
        assert_memory_equal(frame.bytes, bytes, len);
    }
}

static void frames_come_out_as_they_went_in(void **state)
{
    static const size_t pieces[] = {1, 2, 11, 13, 1000000};
    struct wire wire;

    (void)state;
    wire_open(&wire);
    assert_int_equal(put(&wire, 0, LINK_RAFT, "heartbeat", 9), 0);
    assert_int_equal(put(&wire, 1, LINK_REPORT, "", 0), 0);
    assert_int_equal(put(&wire, 2, LINK_READ_INDEX, "x", 1), 0);
    assert_int_equal(link_queue_bytes(&wire.queue), 3 * LINK_HEADER_LEN + 10);
    drain(&wire);
    assert_int_equal(wire.done, 3);
    for (size_t i = 0; i < sizeof pieces / sizeof pieces[0]; i++) {
        struct bytes input = {wire.bytes.data, wire.bytes.len};
        struct link_reader reader;

        link_reader_init(&reader);
        reader.proven = true;
        expect(&reader, &input, pieces[i], LINK_RAFT, "heartbeat", 9);
        expect(&reader, &input, pieces[i], LINK_REPORT, "", 0);
        expect(&reader, &input, pieces[i], LINK_READ_INDEX, "x", 1);
        assert_int_equal(input.len, 0);
        link_reader_close(&reader);
    }
    buf_close(&wire.bytes);
}

static void other_frames_overtake_a_snapshot(void **state)
{
    size_t len = 3 * LINK_PIECE_BYTES + 17;
    uint8_t *snapshot = mem_must_alloc(len);
    struct link_reader reader;
    struct bytes input;
    struct wire wire;

    (void)state;
    for (size_t i = 0; i < len; i++) {
        snapshot[i] = (uint8_t)(i * 7 + i / 1000);
    }
    wire_open(&wire);
    assert_int_equal(put(&wire, 0, LINK_SNAPSHOT, snapshot, len), 0);
    assert_int_equal(put(&wire, 1, LINK_SNAPSHOT, "second", 6), QL_BUSY);
    assert_int_equal(link_queue_bytes(&wire.queue), len);
    assert_true(step(&wire));
    assert_int_equal(put(&wire, 2, LINK_RAFT, "heartbeat", 9), 0);
    drain(&wire);
    assert_int_equal(wire.done, 2);
    input = (struct bytes){wire.bytes.data, wire.bytes.len};
    link_reader_init(&reader);
    reader.proven = true;
    expect(&reader, &input, 5000, LINK_RAFT, "heartbeat", 9);
    expect(&reader, &input, 5000, LINK_SNAPSHOT, snapshot, len);
    assert_int_equal(input.len, 0);
    link_reader_close(&reader);
    buf_close(&wire.bytes);
    free(snapshot);
}

static void other_frames_overtake_chunks(void **state)
{
    size_t len = 3 * LINK_PIECE_BYTES + 17;
    uint8_t *chunk = mem_must_alloc(len);
    struct link_reader reader;
    struct bytes input;
    struct wire wire;

    (void)state;
    for (size_t i = 0; i < len; i++) {
        chunk[i] = (uint8_t)(i * 11 + i / 999);
    }
    wire_open(&wire);
    assert_int_equal(put(&wire, 0, LINK_CHUNK, chunk, len), 0);
    assert_int_equal(put(&wire, 1, LINK_SNAPSHOT, "manifest", 8), 0);
    assert_int_equal(put(&wire, 2, LINK_SNAPSHOT, "second", 6), QL_BUSY);
    assert_int_equal(put(&wire, 3, LINK_CHUNK, "small", 5), 0);
    assert_true(step(&wire));
    assert_true(wire.bytes.len < 2 * LINK_PIECE_BYTES);
    assert_int_equal(put(&wire, 4, LINK_RAFT, "heartbeat", 9), 0);
    drain(&wire);
    assert_int_equal(wire.done, 4);
    assert_int_equal(wire.queue.chunks_bytes, 0);
    input = (struct bytes){wire.bytes.data, wire.bytes.len};
    link_reader_init(&reader);
    reader.proven = true;
    expect(&reader, &input, 5000, LINK_RAFT, "heartbeat", 9);
    expect(&reader, &input, 5000, LINK_CHUNK, chunk, len);
    expect(&reader, &input, 5000, LINK_SNAPSHOT, "manifest", 8);
    expect(&reader, &input, 5000, LINK_CHUNK, "small", 5);
    assert_int_equal(input.len, 0);
    assert_int_equal(put(&wire, 2, LINK_SNAPSHOT, "second", 6), 0);
    link_reader_close(&reader);
    buf_close(&wire.bytes);
    free(chunk);
}

/* A turn of the loop for each of them would be most of the time that a log of
 * small chunks takes. */
static void small_chunks_go_many_in_one_write(void **state)
{
    struct wire wire;

    (void)state;
    wire_open(&wire);
    for (size_t i = 0; i < SENDS; i++) {
        assert_int_equal(put(&wire, i, LINK_CHUNK, "chunk", 5), 0);
    }
    assert_true(step(&wire));
    assert_int_equal(wire.done, SENDS);
    buf_close(&wire.bytes);
}

static void chunks_have_a_limit_of_their_own(void **state)
{
    uint8_t *bytes = mem_must_zalloc(LINK_CHUNKS_MAX);
    struct wire wire;
    struct list dropped;

    (void)state;
    wire_open(&wire);
    assert_int_equal(put(&wire, 0, LINK_CHUNK, bytes, LINK_CHUNKS_MAX), 0);
    assert_int_equal(put(&wire, 1, LINK_CHUNK, bytes, 1), QL_BUSY);
    assert_int_equal(put(&wire, 2, LINK_RAFT, bytes, LINK_FRAME_MAX), 0);
    list_init(&dropped);
    link_queue_clear(&wire.queue, &dropped);
    assert_int_equal(link_queue_bytes(&wire.queue), 0);
    assert_int_equal(put(&wire, 1, LINK_CHUNK, bytes, 1), 0);
    free(bytes);
}

/* One frame of more runs than one write has. */
static void frame_of_many_parts_is_cut_and_whole_again(void **state)
{
    static struct bytes parts[LINK_PARTS_MAX];
    static uint8_t bytes[LINK_PARTS_MAX];
    struct link_reader reader;
    struct bytes input;
    struct wire wire;
    struct link_send *send = &wire.sends[0];

    (void)state;
    wire_open(&wire);
    for (size_t i = 0; i < LINK_PARTS_MAX; i++) {
        bytes[i] = (uint8_t)i;
        parts[i] = (struct bytes){bytes + i, 1};
    }
    *send = (struct link_send){.type = LINK_RAFT,
                               .parts = parts,
                               .parts_count = LINK_PARTS_MAX,
                               .len = LINK_PARTS_MAX};
    assert_int_equal(link_queue_add(&wire.queue, send), 0);
    assert_int_equal(put(&wire, 1, LINK_SNAPSHOT, "abc", 3), 0);
    assert_true(step(&wire));
    assert_int_equal(wire.done, 0);
    drain(&wire);
    input = (struct bytes){wire.bytes.data, wire.bytes.len};
    link_reader_init(&reader);
    reader.proven = true;
    expect(&reader, &input, 100, LINK_RAFT, bytes, LINK_PARTS_MAX);
    expect(&reader, &input, 100, LINK_SNAPSHOT, "abc", 3);
    link_reader_close(&reader);
    buf_close(&wire.bytes);
}

static void queue_takes_no_more_than_its_limit(void **state)
{
    uint8_t *bytes = mem_must_zalloc(LINK_FRAME_MAX);
    struct wire wire;
    struct list dropped;
    size_t taken = 0;

    (void)state;
    wire_open(&wire);
    while (taken < SENDS &&
           put(&wire, taken, LINK_RAFT, bytes, LINK_FRAME_MAX) == 0) {
        taken++;
    }
    assert_int_equal(taken, LINK_QUEUE_MAX / (LINK_FRAME_MAX + 1));
    list_init(&dropped);
    link_queue_clear(&wire.queue, &dropped);
    assert_int_equal(link_queue_bytes(&wire.queue), 0);
    assert_int_equal(put(&wire, 7, LINK_RAFT, bytes, 1), 0);
    free(bytes);
}

static int take_header(bool proven, uint32_t len, uint16_t type, uint16_t flags)
{
    uint8_t bytes[LINK_HEADER_LEN + 16] = {0};
    struct bytes input = {bytes, LINK_HEADER_LEN};
    struct link_reader reader;
    struct link_frame_view frame;
    bool whole;
    int rv;

    put_u32(bytes, len);
    put_u16(bytes + 4, type);
    put_u16(bytes + 6, flags);
    put_u32(bytes + 8, crc32c(0, bytes, 8));
    link_reader_init(&reader);
    reader.proven = proven;
    rv = link_reader_take(&reader, &input, &frame, &whole);
    /* Nothing was allocated for what was only claimed. */
    assert_int_equal(reader.frame.room, 0);
    link_reader_close(&reader);
    return rv;
}

static void claims_are_refused_before_anything_is_allocated(void **state)
{
    (void)state;
    assert_int_equal(take_header(true, UINT32_MAX, LINK_RAFT, 0), QL_TOO_LARGE);
    assert_int_equal(take_header(true, LINK_FRAME_MAX + 1, LINK_RAFT, 0),
                     QL_TOO_LARGE);
    assert_int_equal(take_header(true, LINK_FRAME_MAX, LINK_RAFT, 0), 0);
    assert_int_equal(take_header(false, LINK_HELLO_LEN_MAX + 1, LINK_HELLO, 0),
                     QL_TOO_LARGE);
    assert_int_equal(take_header(false, LINK_HELLO_LEN_MAX, LINK_HELLO, 0), 0);
}

static void frames_that_make_no_sense_are_refused(void **state)
{
    (void)state;
    assert_int_equal(take_header(true, 1, 0, 0), QL_PROTOCOL);
    assert_int_equal(take_header(true, 1, LINK_FRAMES, 0), QL_PROTOCOL);
    assert_int_equal(take_header(true, 1, 0xFFFF, 0), QL_PROTOCOL);
    assert_int_equal(take_header(true, 1, LINK_RAFT, 1), QL_PROTOCOL);
    assert_int_equal(take_header(true, 1, LINK_SNAPSHOT, 2), QL_PROTOCOL);
    assert_int_equal(take_header(true, 0, LINK_SNAPSHOT, 1), QL_PROTOCOL);
    /* Nothing but a hello before the proof, and none after it. */
    assert_int_equal(take_header(false, 1, LINK_RAFT, 0), QL_PROTOCOL);
    assert_int_equal(take_header(true, 1, LINK_HELLO, 0), QL_PROTOCOL);
}

static size_t add_frame_bytes(uint8_t *at, enum link_frame type, uint16_t flags)
{
    uint32_t crc = link_header_begin(at, type, flags, 1);

    at[LINK_HEADER_LEN] = 'x';
    link_header_seal(at, crc32c(crc, "x", 1));
    return LINK_HEADER_LEN + 1;
}

static void piece_of_another_frame_in_between_is_refused(void **state)
{
    uint8_t bytes[2 * (LINK_HEADER_LEN + 1)];
    struct bytes input = {bytes, sizeof bytes};
    struct link_reader reader;
    struct link_frame_view frame;
    bool whole = false;
    size_t at;

    (void)state;
    at = add_frame_bytes(bytes, LINK_CHUNK, LINK_FLAG_MORE);
    (void)add_frame_bytes(bytes + at, LINK_SNAPSHOT, 0);
    link_reader_init(&reader);
    reader.proven = true;
    assert_int_equal(link_reader_take(&reader, &input, &frame, &whole),
                     QL_PROTOCOL);
    assert_false(whole);
    link_reader_close(&reader);
}

static void every_changed_bit_of_a_frame_is_noticed(void **state)
{
    struct wire wire;

    (void)state;
    wire_open(&wire);
    assert_int_equal(put(&wire, 0, LINK_RAFT, "heartbeat", 9), 0);
    drain(&wire);
    for (size_t bit = 0; bit < 8 * wire.bytes.len; bit++) {
        struct bytes input = {wire.bytes.data, wire.bytes.len};
        struct link_reader reader;
        struct link_frame_view frame;
        bool whole = false;

        wire.bytes.data[bit / 8] ^= (uint8_t)(1u << bit % 8);
        link_reader_init(&reader);
        reader.proven = true;
        /* A longer one is waited for. */
        (void)link_reader_take(&reader, &input, &frame, &whole);
        assert_false(whole);
        link_reader_close(&reader);
        wire.bytes.data[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
    buf_close(&wire.bytes);
}

static void large_frame_leaves_no_large_buffer_behind(void **state)
{
    size_t len = 2 * LINK_READER_KEEP_BYTES;
    uint8_t *large = mem_must_zalloc(len);
    struct link_reader reader;
    struct bytes input;
    struct wire wire;

    (void)state;
    wire_open(&wire);
    assert_int_equal(put(&wire, 0, LINK_RAFT, large, len), 0);
    assert_int_equal(put(&wire, 1, LINK_RAFT, "x", 1), 0);
    drain(&wire);
    input = (struct bytes){wire.bytes.data, wire.bytes.len};
    link_reader_init(&reader);
    reader.proven = true;
    expect(&reader, &input, 65536, LINK_RAFT, large, len);
    expect(&reader, &input, 65536, LINK_RAFT, "x", 1);
    assert_true(reader.frame.room <= LINK_READER_KEEP_BYTES);
    link_reader_close(&reader);
    buf_close(&wire.bytes);
    free(large);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(frames_come_out_as_they_went_in),
        cmocka_unit_test(other_frames_overtake_a_snapshot),
        cmocka_unit_test(other_frames_overtake_chunks),
        cmocka_unit_test(small_chunks_go_many_in_one_write),
        cmocka_unit_test(chunks_have_a_limit_of_their_own),
        cmocka_unit_test(piece_of_another_frame_in_between_is_refused),
        cmocka_unit_test(frame_of_many_parts_is_cut_and_whole_again),
        cmocka_unit_test(queue_takes_no_more_than_its_limit),
        cmocka_unit_test(claims_are_refused_before_anything_is_allocated),
        cmocka_unit_test(frames_that_make_no_sense_are_refused),
        cmocka_unit_test(every_changed_bit_of_a_frame_is_noticed),
        cmocka_unit_test(large_frame_leaves_no_large_buffer_behind),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
