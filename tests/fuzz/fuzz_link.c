/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * What comes on a peer's connection. The first byte says what stands behind the
 * second: 0 frames of a proven peer, 1 frames of a caller, 2 those of who was
 * called, 3 one of the core's messages, 4 a request for a chunk, 5 an answer to
 * one. The second byte is how many bytes arrive at once. Checksums are put right
 * first, so that changes get past them.
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "consensus/backup_frame.h"
#include "consensus/digest_report.h"
#include "consensus/link_chunk.h"
#include "consensus/link_frame.h"
#include "consensus/link_hello.h"
#include "consensus/link_message.h"
#include "fuzz/fuzz.h"
#include "util/crc32c.h"
#include "util/mem.h"

#define NODE 2u /* who sends */

enum {
    MODE_PROVEN,
    MODE_CALLER,
    MODE_CALLED,
    MODE_MESSAGE,
    MODE_REQUEST,
    MODE_CHUNK,
    MODES
};

/* What was taken says the same when it is sent on. */
static void check_again(const struct raft_message *message,
                        const uint8_t *bytes, size_t len)
{
    size_t count = link_message_parts(message);
    struct bytes *parts = mem_must_array(count, sizeof *parts);
    struct buf head = BUF_INIT;
    struct buf all = BUF_INIT;
    int rv = link_message_encode(message, &head, parts);

    assert(rv == 0);
    for (size_t i = 0; i < count; i++) {
        rv = buf_add(&all, parts[i].data, parts[i].len);
        assert(rv == 0);
    }
    assert(all.len == len);
    assert(memcmp(all.data, bytes, len) == 0);
    buf_close(&all);
    buf_close(&head);
    free(parts);
}

static void take_message(const uint8_t *bytes, size_t len)
{
    struct raft_message message;

    if (link_message_decode(bytes, len, NODE, &message) == 0) {
        check_again(&message, bytes, len);
        link_message_free(&message);
    }
}

static void take_request(const uint8_t *bytes, size_t len)
{
    struct link_chunk_request request;
    uint8_t again[LINK_CHUNK_REQUEST_LEN];

    if (link_chunk_request_decode(bytes, len, &request) == 0) {
        assert(len == sizeof again);
        link_chunk_request_encode(&request, again);
        assert(memcmp(again, bytes, sizeof again) == 0);
    }
}

static void take_chunk(const uint8_t *bytes, size_t len)
{
    struct link_chunk chunk;
    struct pack_row row;
    struct err err;

    if (link_chunk_decode(bytes, len, &chunk) != 0) {
        return;
    }
    assert(chunk.status < LINK_CHUNK_STATUSES);
    if (chunk.status == LINK_CHUNK_GIVEN) {
        assert(chunk.row + PACK_ROW_LEN == chunk.frame.data);
        assert(chunk.frame.data + chunk.frame.len == bytes + len);
        if (pack_row_decode(chunk.row, &row, &err) == 0) {
            (void)pack_frame_check(&row, chunk.frame, &err);
        }
    } else {
        assert(chunk.row == NULL);
    }
}

static void take_digests(const uint8_t *bytes, size_t len)
{
    struct digest_report report;
    struct digest_report again;
    uint8_t encoded[DIGEST_REPORT_LEN_MAX];
    size_t encoded_len;
    int rv;

    if (digest_report_decode(&report, bytes, len) == 0) {
        encoded_len = digest_report_encode(&report, encoded);
        rv = digest_report_decode(&again, encoded, encoded_len);
        assert(rv == 0);
        assert(again.list.count == report.list.count);
        assert(again.list.since == report.list.since);
    }
}

static void take_backup_report(const uint8_t *bytes, size_t len)
{
    struct backup_report_item item;
    size_t count;

    if (backup_report_decode(bytes, len, &count) == 0) {
        assert(count <= BACKUPS_MAX);
        for (size_t i = 0; i < count; i++) {
            item = backup_report_at(bytes, i);
            assert(item.backup > 0 && item.state < BACKUP_STATES);
        }
    }
}

static void take_backup_request(const uint8_t *bytes, size_t len)
{
    struct backup_request request;
    uint8_t encoded[BACKUP_REQUEST_LEN];

    if (backup_request_decode(bytes, len, &request) == 0) {
        backup_request_encode(&request, encoded);
        assert(memcmp(encoded, bytes, sizeof encoded - 4) == 0);
    }
}

static void take_backup_piece(const uint8_t *bytes, size_t len)
{
    struct backup_answer answer;

    if (backup_answer_decode(bytes, len, &answer) == 0 &&
        answer.status == BACKUP_GIVEN) {
        assert(answer.bytes.len > 0);
        assert(answer.bytes.data + answer.bytes.len == bytes + len);
    }
}

static void take(const struct link_frame_view *frame)
{
    switch (frame->type) {
    case LINK_BACKUP_REPORT:
        take_backup_report(frame->bytes, frame->len);
        return;
    case LINK_BACKUP_REQUEST:
        take_backup_request(frame->bytes, frame->len);
        return;
    case LINK_BACKUP_PIECE:
        take_backup_piece(frame->bytes, frame->len);
        return;
    case LINK_CHUNK_REQUEST:
        take_request(frame->bytes, frame->len);
        return;
    case LINK_DIGESTS:
        take_digests(frame->bytes, frame->len);
        return;
    case LINK_CHUNK:
        take_chunk(frame->bytes, frame->len);
        return;
    default:
        take_message(frame->bytes, frame->len);
        return;
    }
}

static void fill(struct identity *identity, uint64_t node)
{
    static const char members[] = "1=a:1/a:2,2=b:1/b:2";
    int rv;

    *identity =
        (struct identity){.cluster = "0d9b1c1e-8f0e-4c57-9a3d-5d2f5a6b7c8d",
                          .instance = "11111111-2222-4333-8444-555555555555",
                          .node = node};
    rv = members_parse(members, identity->members, &identity->members_count,
                       NULL);
    assert(rv == 0);
}

/* The hello goes no further than the other side's proof lets it. */
static bool take_hello(struct link_hello *hello, const uint8_t *bytes,
                       size_t len)
{
    struct link_hello_reply reply = {.len = 0};
    enum link_hello_step step = link_hello_take(hello, bytes, len, &reply);

    if (step == LINK_HELLO_JUDGE) {
        assert(hello->node == NODE);
        assert(strlen(hello->instance) == ID_TEXT_LEN);
        step = link_hello_accept(hello, &reply);
    }
    assert(reply.len <= sizeof reply.bytes);
    return step == LINK_HELLO_WAIT;
}

static void put_checksums_right(uint8_t *bytes, size_t len)
{
    size_t at = 0;

    while (len - at >= LINK_HEADER_LEN) {
        size_t payload = get_u32(bytes + at);
        uint32_t crc = crc32c(0, bytes + at, 8);

        if (payload > len - at - LINK_HEADER_LEN) {
            return;
        }
        crc = crc32c(crc, bytes + at + LINK_HEADER_LEN, payload);
        put_u32(bytes + at + 8, crc);
        at += LINK_HEADER_LEN + payload;
    }
}

static void take_frames(unsigned mode, size_t piece, struct bytes input)
{
    static const uint8_t nonce[LINK_NONCE_LEN] = {0};
    struct identity identity;
    struct link_hello hello;
    struct link_reader reader;
    bool goes_on = true;

    fill(&identity, 1);
    link_hello_open(&hello, &identity, mode == MODE_CALLED ? NODE : 0, nonce);
    link_reader_init(&reader);
    reader.proven = mode == MODE_PROVEN;
    while (goes_on && input.len > 0) {
        struct bytes some = {input.data, input.len < piece ? input.len : piece};
        struct link_frame_view frame;
        bool whole = false;
        size_t given = some.len;

        goes_on = link_reader_take(&reader, &some, &frame, &whole) == 0;
        input.data += given - some.len;
        input.len -= given - some.len;
        assert(reader.frame.room <=
               4 * (given + reader.frame.len) + LINK_READER_KEEP_BYTES);
        if (!goes_on || !whole) {
            continue;
        }
        if (frame.type == LINK_HELLO) {
            goes_on = take_hello(&hello, frame.bytes, frame.len);
        } else {
            take(&frame);
        }
    }
    link_reader_close(&reader);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    uint8_t *copy;
    unsigned mode;

    if (len < 2) {
        return 0;
    }
    mode = bytes[0] % MODES;
    if (mode == MODE_MESSAGE) {
        take_message(bytes + 2, len - 2);
        return 0;
    }
    if (mode == MODE_REQUEST) {
        take_request(bytes + 2, len - 2);
        return 0;
    }
    if (mode == MODE_CHUNK) {
        take_chunk(bytes + 2, len - 2);
        return 0;
    }
    copy = mem_must_dup(bytes, len);
    put_checksums_right(copy + 2, len - 2);
    take_frames(mode, bytes[1] == 0 ? 65536 : bytes[1],
                (struct bytes){copy + 2, len - 2});
    free(copy);
    return 0;
}
