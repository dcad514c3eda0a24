/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* The messages of an append and of a read, from their bytes and into bytes. */
#include "micro.h"

#include <stdlib.h>
#include <string.h>

#include "util/mem.h"
#include "wire/args_append.h"
#include "wire/args_read.h"
#include "wire/method.h"
#include "wire/rpc.h"
#include "wire/scan.h"

#define MANY 100u
#define TIMES 2000u
#define TIMES_MANY 200u

/* The messages of an append and of a read, and what they are made of. */
struct samples {
    struct append_entry entries[MANY];
    struct append_part_args part;
    struct append_args args; /* of one entry */
    struct buf append;       /* params */
    struct buf append_many;
    struct buf request;  /* the whole message */
    struct buf appended; /* the answer's map */
    struct buf answer;   /* the whole message */
    struct buf read;
    struct buf page; /* read's answer, one entry */
    struct buf page_many;
    struct buf out; /* scratch */
};

static void scan_whole(const struct buf *buf)
{
    struct scan scan;

    scan_init(&scan, REQUEST_BYTES_MAX);
    micro_must(scan_feed(&scan, buf->data, buf->len, NULL));
    if (!scan.done) {
        micro_must(QL_PROTOCOL);
    }
}

static void append_request(void *data)
{
    struct samples *samples = data;
    struct rpc_message message;

    scan_whole(&samples->request);
    micro_must(rpc_decode_scanned(&message, samples->request.data,
                                  samples->request.len, NULL));
    if (method_find((const char *)message.method.data, message.method.len) ==
        NULL) {
        micro_must(QL_UNKNOWN_METHOD);
    }
}

static void append_decode_of(struct bytes params)
{
    struct append_args args;

    micro_must(append_args_decode(&args, params, NULL));
    append_args_close(&args);
}

static void append_decode(void *data)
{
    struct samples *samples = data;
    append_decode_of(micro_view(&samples->append));
}

static void append_decode_many(void *data)
{
    struct samples *samples = data;
    append_decode_of(micro_view(&samples->append_many));
}

static void append_encode(void *data)
{
    struct samples *samples = data;
    samples->out.len = 0;
    micro_must(append_args_encode(&samples->args, &samples->out));
}

static void answer_encode(void *data)
{
    struct samples *samples = data;
    struct append_result result;

    result.count = 1;
    result.time_ms = MICRO_TIME_MS;
    result.places[0] = (struct append_place){.first = 70000, .count = 1};
    samples->out.len = 0;
    micro_must(append_result_encode(&result, &samples->out));
}

static void answer_envelope(void *data)
{
    struct samples *samples = data;
    samples->out.len = 0;
    micro_must(rpc_encode_result(&samples->out, 70000,
                                 micro_view(&samples->appended)));
}

static void answer_decode(void *data)
{
    struct samples *samples = data;
    struct append_result result;
    struct rpc_message message;

    scan_whole(&samples->answer);
    micro_must(rpc_decode_scanned(&message, samples->answer.data,
                                  samples->answer.len, NULL));
    micro_must(append_result_decode(&result, message.result, NULL));
}

static void read_encode(void *data)
{
    struct samples *samples = data;
    const struct read_args args = {
        .log = {(const uint8_t *)"orders", 6},
        .from = 70000,
        .entries_max = 1,
        .bytes_max = READ_BYTES_DEFAULT,
    };

    samples->out.len = 0;
    micro_must(read_args_encode(&args, &samples->out));
}

static void read_decode(void *data)
{
    struct samples *samples = data;
    struct read_args args;

    micro_must(read_args_decode(&args, micro_view(&samples->read), NULL));
}

static void page_encode_of(struct samples *samples, size_t count)
{
    const struct read_result result = {
        .next = 70000 + count, .head = 1, .tail = 80000, .incarnation = 1};
    struct entries_writer writer;
    size_t i;

    samples->out.len = 0;
    micro_must(read_result_open(&writer, &samples->out));
    for (i = 0; i < count; i++) {
        const struct read_entry entry = {
            .position = 70000 + i,
            .time_ms = MICRO_TIME_MS,
            .value = samples->entries[i].value,
        };

        micro_must(entries_writer_add(&writer, &entry));
    }
    micro_must(read_result_close(&writer, &result));
}

static void page_encode(void *data)
{
    struct samples *samples = data;
    page_encode_of(samples, 1);
}

static void page_encode_many(void *data)
{
    struct samples *samples = data;
    page_encode_of(samples, MANY);
}

static void page_decode_of(struct bytes page)
{
    struct read_result result;

    micro_must(read_result_decode(&result, page, NULL));
    read_result_free(&result);
}

static void page_decode(void *data)
{
    struct samples *samples = data;
    page_decode_of(micro_view(&samples->page));
}

static void page_decode_many(void *data)
{
    struct samples *samples = data;
    page_decode_of(micro_view(&samples->page_many));
}

static void scan_many(void *data)
{
    const struct samples *samples = data;

    scan_whole(&samples->append_many);
}

static const struct micro_case cases[] = {
    {"append_encode", "log.append, one entry: encode", TIMES, append_encode},
    {"append_request", "log.append, one entry: scan, envelope, method", TIMES,
     append_request},
    {"append_decode", "log.append, one entry: decode", TIMES, append_decode},
    {"scan_many", "log.append, 100 entries: scan", TIMES_MANY, scan_many},
    {"append_decode_many", "log.append, 100 entries: decode", TIMES_MANY,
     append_decode_many},
    {"answer_encode", "log.append's answer: encode", TIMES, answer_encode},
    {"answer_envelope", "log.append's answer: envelope", TIMES,
     answer_envelope},
    {"answer_decode", "log.append's answer: scan, envelope, decode", TIMES,
     answer_decode},
    {"read_encode", "log.read: encode", TIMES, read_encode},
    {"read_decode", "log.read: decode", TIMES, read_decode},
    {"page_encode", "log.read's answer, one entry: encode", TIMES, page_encode},
    {"page_decode", "log.read's answer, one entry: decode", TIMES, page_decode},
    {"page_encode_many", "log.read's answer, 100 entries: encode", TIMES_MANY,
     page_encode_many},
    {"page_decode_many", "log.read's answer, 100 entries: decode", TIMES_MANY,
     page_decode_many},
};

static void make_appends(struct samples *samples)
{
    static uint8_t value[MICRO_VALUE_LEN];
    size_t i;

    for (i = 0; i < MANY; i++) {
        samples->entries[i] =
            (struct append_entry){.value = {value, sizeof(value)}};
    }
    samples->part = (struct append_part_args){
        .log = {(const uint8_t *)"orders", 6},
        .entries = samples->entries,
        .entries_count = MANY,
    };
    samples->args.parts = &samples->part;
    samples->args.parts_count = 1;
    samples->args.producer = 1000;
    samples->args.sequence = 70000;
    micro_must(append_args_encode(&samples->args, &samples->append_many));
    samples->part.entries_count = 1;
    micro_must(append_args_encode(&samples->args, &samples->append));
    micro_must(rpc_encode_request(&samples->request, 70000, "log.append",
                                  micro_view(&samples->append)));
}

/* Each is made by the case that encodes it. */
static void keep(struct samples *samples, struct buf *ret)
{
    micro_must(buf_add(ret, samples->out.data, samples->out.len));
}

static void make_samples(struct samples *samples)
{
    make_appends(samples);
    answer_encode(samples);
    keep(samples, &samples->appended);
    answer_envelope(samples);
    keep(samples, &samples->answer);
    read_encode(samples);
    keep(samples, &samples->read);
    page_encode(samples);
    keep(samples, &samples->page);
    page_encode_many(samples);
    keep(samples, &samples->page_many);
}

static void close_samples(struct samples *samples)
{
    buf_close(&samples->append);
    buf_close(&samples->append_many);
    buf_close(&samples->request);
    buf_close(&samples->appended);
    buf_close(&samples->answer);
    buf_close(&samples->read);
    buf_close(&samples->page);
    buf_close(&samples->page_many);
    buf_close(&samples->out);
}

static void *wire_open(uint32_t times)
{
    struct samples *samples = mem_must_zalloc(sizeof *samples);

    (void)times;
    make_samples(samples);
    return samples;
}

static void wire_close(void *data)
{
    close_samples(data);
    free(data);
}

const struct micro_group micro_wire = {cases, sizeof(cases) / sizeof(cases[0]),
                                       wire_open, wire_close};
