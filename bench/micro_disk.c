/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* A raft entry on its way to the disk and to another node. */
#include "micro.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "consensus/link_frame.h"
#include "consensus/link_message.h"
#include "consensus/wal_segment.h"
#include "util/crc32c.h"
#include "util/histogram.h"
#include "util/mem.h"
#include "util/splitmix64.h"

#define PAYLOAD (16u * KIB) /* a batch of some eighty appends */
#define SMALL 192u          /* of one */

struct work {
    uint8_t *payload;
    uint8_t *write; /* one write of the raft log, as it goes to disk */
    uint8_t *copy;  /* reading moves the records together */
    size_t write_len;
    struct raft_entry entry;
    struct raft_message message;
    struct buf frame; /* an AppendEntries as it arrives */
    struct buf head;
    struct link_reader reader;
    struct histogram histogram;
    uint64_t random;
};

/* ---- The raft log ---- */

static uint32_t put(struct work *work, size_t at, const void *bytes, size_t len,
                    uint32_t crc)
{
    wal_write_put(work->write, WAL_HEAD + at, bytes, len);
    return crc32c(crc, bytes, len);
}

static void write_of(struct work *work, size_t len)
{
    const struct wal_record record = {.kind = WAL_ENTRY,
                                      .type = RAFT_COMMAND,
                                      .index = 7,
                                      .term = 3,
                                      .len = len};
    uint8_t front[WAL_RECORD];
    uint32_t crc;

    wal_record_encode(&record, front);
    crc = put(work, 0, front, sizeof front, 0);
    crc = put(work, sizeof front, work->payload, len, crc);
    assert(wal_record_bytes(len) == WAL_RECORD + len); /* no padding */
    work->write_len = wal_write_bytes(wal_record_bytes(len));
    micro_keep(wal_write_seal(work->write, 1, 1, DISK_BLOCK,
                              wal_record_bytes(len), crc));
}

static void wal_small(void *data)
{
    write_of(data, SMALL);
}

static void wal_write_16k(void *data)
{
    write_of(data, PAYLOAD);
}

static void wal_read_16k(void *data)
{
    struct work *work = data;
    struct wal_head head;

    memcpy(work->copy, work->write, work->write_len);
    if (!wal_write_head(work->copy, work->write_len, 1, 1, &head) ||
        !wal_write_is_whole(work->copy, &head)) {
        micro_must(QL_CORRUPT);
    }
    micro_keep(wal_write_records(work->copy, &head)[0]);
}

/* ---- The link ---- */

static void frame_make(struct work *work, size_t len, struct buf *ret)
{
    struct bytes parts[LINK_PARTS_MAX];
    uint8_t header[LINK_HEADER_LEN];
    size_t count;
    size_t whole = 0;
    uint32_t crc;

    work->entry.buf.len = len;
    count = link_message_parts(&work->message);
    work->head.len = 0;
    micro_must(link_message_encode(&work->message, &work->head, parts));
    for (size_t i = 0; i < count; i++) {
        whole += parts[i].len;
    }
    crc = link_header_begin(header, LINK_RAFT, 0, whole);
    for (size_t i = 0; i < count; i++) {
        crc = crc32c(crc, parts[i].data, parts[i].len);
    }
    link_header_seal(header, crc);
    if (ret == NULL) {
        micro_keep(crc);
        return;
    }
    micro_must(buf_add(ret, header, sizeof header));
    for (size_t i = 0; i < count; i++) {
        micro_must(buf_add(ret, parts[i].data, parts[i].len));
    }
}

static void link_send_small(void *data)
{
    frame_make(data, SMALL, NULL);
}

static void link_send_16k(void *data)
{
    frame_make(data, PAYLOAD, NULL);
}

static void link_take_16k(void *data)
{
    struct work *work = data;
    struct bytes input = micro_view(&work->frame);
    struct link_frame_view frame;
    struct raft_message message;
    bool whole;

    micro_must(link_reader_take(&work->reader, &input, &frame, &whole));
    assert(whole);
    micro_must(link_message_decode(frame.bytes, frame.len, 1, &message));
    link_message_free(&message);
}

/* ---- What is counted at run time ---- */

static void histogram_once(void *data)
{
    struct work *work = data;

    histogram_record(&work->histogram, splitmix64(&work->random) >> 40);
}

static const struct micro_case cases[] = {
    {"wal_small", "a raft entry of 192 bytes: made a write of the raft log",
     2000, wal_small},
    {"wal_write_16k", "a raft entry of 16 KiB: made a write of the raft log",
     200, wal_write_16k},
    {"wal_read_16k", "a raft entry of 16 KiB: read and checked", 200,
     wal_read_16k},
    {"link_send_small", "AppendEntries of 192 bytes: made a frame", 2000,
     link_send_small},
    {"link_send_16k", "AppendEntries of 16 KiB: made a frame", 200,
     link_send_16k},
    {"link_take_16k", "AppendEntries of 16 KiB: taken in and decoded", 200,
     link_take_16k},
    {"histogram", "a random number: made and counted in a histogram", 20000,
     histogram_once},
};

/* ---- The input ---- */

static void fill_message(struct work *work)
{
    work->entry = (struct raft_entry){.term = 3, .type = RAFT_COMMAND};
    work->entry.buf.base = work->payload;
    work->message =
        (struct raft_message){.type = RAFT_IO_APPEND_ENTRIES,
                              .append_entries = {.term = 3,
                                                 .prev_log_index = 6,
                                                 .prev_log_term = 3,
                                                 .leader_commit = 5,
                                                 .entries = &work->entry,
                                                 .n_entries = 1}};
}

static void *disk_open(uint32_t times)
{
    struct work *work = mem_must_zalloc(sizeof *work);
    size_t room = wal_write_bytes(wal_record_bytes(PAYLOAD));
    uint64_t random = 1;

    (void)times;
    work->payload = mem_must_array(PAYLOAD, 1);
    for (size_t i = 0; i < PAYLOAD; i++) {
        work->payload[i] = (uint8_t)(splitmix64(&random) >> 56);
    }
    work->write = mem_must_array(room, 1);
    work->copy = mem_must_array(room, 1);
    write_of(work, PAYLOAD);
    fill_message(work);
    frame_make(work, PAYLOAD, &work->frame);
    link_reader_init(&work->reader);
    work->reader.proven = true;
    histogram_init(&work->histogram);
    return work;
}

static void disk_close(void *data)
{
    struct work *work = data;

    link_reader_close(&work->reader);
    buf_close(&work->frame);
    buf_close(&work->head);
    free(work->payload);
    free(work->write);
    free(work->copy);
    free(work);
}

const struct micro_group micro_disk = {cases, sizeof(cases) / sizeof(cases[0]),
                                       disk_open, disk_close};
