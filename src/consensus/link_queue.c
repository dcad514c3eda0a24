/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "consensus/link_queue.h"

#include "util/crc32c.h"

/* Runs that a piece may take: its header and the parts it touches. */
#define PIECE_RUNS 4u

static int add_bulk_send(struct link_queue *queue, struct link_send *send);
static void add_bulk(struct link_queue *queue, struct link_write *write);
static bool fits_whole(const struct link_write *write,
                       const struct link_send *send, size_t budget);
static void add_piece(struct link_queue *queue, struct link_write *write,
                      struct link_send *send, size_t len_max);
static void end_bulk(struct link_queue *queue, struct link_write *write,
                     struct link_send *send);
static bool add_frame(struct link_queue *queue, struct link_write *write);
static void begin_frame(struct link_send *send);
static size_t add_parts(struct link_write *write, struct link_send *send,
                        size_t len_max, size_t runs_max);
static void add_run(struct link_write *write, const uint8_t *data, size_t len);

static bool has_room(const struct link_write *write)
{
    return write->runs_count < LINK_WRITE_RUNS - PIECE_RUNS &&
           write->bytes < LINK_WRITE_BYTES;
}

void link_queue_init(struct link_queue *queue)
{
    *queue = (struct link_queue){0};
    list_init(&queue->frames);
    list_init(&queue->bulk);
}

int link_queue_add(struct link_queue *queue, struct link_send *send)
{
    size_t len = send->len + LINK_HEADER_LEN;

    send->part = 0;
    send->part_offset = 0;
    send->offset = 0;
    send->begun = false;
    if (link_is_bulk(send->type)) {
        return add_bulk_send(queue, send);
    }
    if (len > LINK_QUEUE_MAX - queue->frames_bytes) {
        return QL_BUSY;
    }
    queue->frames_bytes += len;
    list_push_back(&queue->frames, &send->link);
    return 0;
}

static int add_bulk_send(struct link_queue *queue, struct link_send *send)
{
    if (!link_is_chunk(send->type)) {
        if (queue->has_snapshot) {
            return QL_BUSY;
        }
        queue->has_snapshot = true;
    } else {
        if (send->len > LINK_CHUNKS_MAX - queue->chunks_bytes) {
            return QL_BUSY;
        }
        queue->chunks_bytes += send->len;
    }
    queue->bulk_bytes += send->len;
    list_push_back(&queue->bulk, &send->link);
    return 0;
}

bool link_queue_next(struct link_queue *queue, struct link_write *ret_write)
{
    bool whole = true;

    ret_write->runs_count = 0;
    ret_write->bytes = 0;
    ret_write->frames = 0;
    ret_write->has_bulk = false;
    list_init(&ret_write->done);
    while (whole && has_room(ret_write) && !list_empty(&queue->frames)) {
        whole = add_frame(queue, ret_write);
        /* Once in each write, but only between frames. */
        if (whole && !ret_write->has_bulk) {
            add_bulk(queue, ret_write);
        }
    }
    if (whole && !ret_write->has_bulk) {
        add_bulk(queue, ret_write);
    }
    return ret_write->runs_count > 0;
}

void link_queue_clear(struct link_queue *queue, struct list *to)
{
    list_move_all(to, &queue->frames);
    list_move_all(to, &queue->bulk);
    queue->frames_bytes = 0;
    queue->bulk_bytes = 0;
    queue->chunks_bytes = 0;
    queue->has_snapshot = false;
}

size_t link_queue_bytes(const struct link_queue *queue)
{
    return queue->frames_bytes + queue->bulk_bytes;
}

/* Adds what fits of the first frame; returns whether that was its end. */
static bool add_frame(struct link_queue *queue, struct link_write *write)
{
    struct link_send *send =
        LIST_ITEM(queue->frames.next, struct link_send, link);
    size_t added;

    if (!send->begun) {
        begin_frame(send);
        add_run(write, send->header, LINK_HEADER_LEN);
        write->frames++;
        queue->frames_bytes -= LINK_HEADER_LEN;
    }
    added = add_parts(write, send, send->len - send->offset,
                      LINK_WRITE_RUNS - PIECE_RUNS - write->runs_count);
    queue->frames_bytes -= added;
    if (send->offset < send->len) {
        return false;
    }
    list_remove(&send->link);
    list_push_back(&write->done, &send->link);
    return true;
}

static void begin_frame(struct link_send *send)
{
    uint32_t crc = link_header_begin(send->header, send->type, 0, send->len);

    for (size_t i = 0; i < send->parts_count; i++) {
        crc = crc32c(crc, send->parts[i].data, send->parts[i].len);
    }
    link_header_seal(send->header, crc);
    send->begun = true;
}

/* LINK_PIECE_BYTES in all: small ones whole, and a piece of a long one. */
static void add_bulk(struct link_queue *queue, struct link_write *write)
{
    size_t budget = LINK_PIECE_BYTES;

    while (!list_empty(&queue->bulk) && budget > 0) {
        struct link_send *send =
            LIST_ITEM(queue->bulk.next, struct link_send, link);

        write->has_bulk = true;
        if (!fits_whole(write, send, budget)) {
            if (LINK_WRITE_RUNS - write->runs_count >= PIECE_RUNS) {
                add_piece(queue, write, send, budget);
            }
            return;
        }
        begin_frame(send);
        add_run(write, send->header, LINK_HEADER_LEN);
        write->frames++;
        queue->bulk_bytes -= add_parts(write, send, send->len, LINK_WRITE_RUNS);
        budget -= send->len;
        end_bulk(queue, write, send);
    }
}

static bool fits_whole(const struct link_write *write,
                       const struct link_send *send, size_t budget)
{
    return send->offset == 0 && send->len <= budget &&
           send->parts_count < LINK_WRITE_RUNS - write->runs_count;
}

static void add_piece(struct link_queue *queue, struct link_write *write,
                      struct link_send *send, size_t len_max)
{
    size_t first = write->runs_count + 1;
    size_t left = send->len - send->offset;
    size_t len = left < len_max ? left : len_max;
    uint32_t crc;

    write->frames++;
    add_run(write, write->piece_header, LINK_HEADER_LEN);
    /* A piece of many small parts becomes a shorter one. */
    len = add_parts(write, send, len, PIECE_RUNS - 1);
    queue->bulk_bytes -= len;
    crc = link_header_begin(write->piece_header, send->type,
                            len < left ? LINK_FLAG_MORE : 0, len);
    for (size_t i = first; i < write->runs_count; i++) {
        crc = crc32c(crc, write->runs[i].data, write->runs[i].len);
    }
    link_header_seal(write->piece_header, crc);
    if (len == left) {
        end_bulk(queue, write, send);
    }
}

static void end_bulk(struct link_queue *queue, struct link_write *write,
                     struct link_send *send)
{
    if (!link_is_chunk(send->type)) {
        queue->has_snapshot = false;
    } else {
        queue->chunks_bytes -= send->len;
    }
    list_remove(&send->link);
    list_push_back(&write->done, &send->link);
}

/* Adds at most @len_max bytes of @send in at most @runs_max runs, and returns
 * how many bytes that were. */
static size_t add_parts(struct link_write *write, struct link_send *send,
                        size_t len_max, size_t runs_max)
{
    size_t added = 0;

    while (send->part < send->parts_count && added < len_max && runs_max > 0) {
        const struct bytes *part = &send->parts[send->part];
        size_t len = part->len - send->part_offset;
        bool ends = len <= len_max - added;

        if (!ends) {
            len = len_max - added;
        }
        if (len > 0) {
            add_run(write, part->data + send->part_offset, len);
            runs_max--;
        }
        send->part_offset += len;
        added += len;
        if (ends) {
            send->part++;
            send->part_offset = 0;
        }
    }
    send->offset += added;
    return added;
}

static void add_run(struct link_write *write, const uint8_t *data, size_t len)
{
    write->runs[write->runs_count].data = data;
    write->runs[write->runs_count].len = len;
    write->runs_count++;
    write->bytes += len;
}
