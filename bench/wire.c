/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * What a message costs on the wire, to be counted in instructions: a run does one
 * case so many times and nothing else. Two runs that differ in the times alone give
 * the cost of one: see docs/performance.md, "The wire".
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "util/text.h"
#include "wire/args_append.h"
#include "wire/args_read.h"
#include "wire/method.h"
#include "wire/rpc.h"
#include "wire/scan.h"

#define VALUE_LEN 128
#define MANY 100u
#define TIME_MS 1764000000000ull

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

struct bench_case {
    const char *name;
    const char *what;
    void (*run)(struct samples *samples);
};

static void must(int rv)
{
    if (rv != 0) {
        fprintf(stderr, "bench/wire: code %d\n", rv);
        exit(1);
    }
}

static struct bytes view(const struct buf *buf)
{
    return (struct bytes){buf->data, buf->len};
}

static void scan_whole(const struct buf *buf)
{
    struct scan scan;

    scan_init(&scan, REQUEST_BYTES_MAX);
    must(scan_feed(&scan, buf->data, buf->len, NULL));
    if (!scan.done) {
        must(QL_PROTOCOL);
    }
}

static void append_request(struct samples *samples)
{
    struct rpc_message message;

    scan_whole(&samples->request);
    must(rpc_decode_scanned(&message, samples->request.data,
                            samples->request.len, NULL));
    if (method_find((const char *)message.method.data, message.method.len) ==
        NULL) {
        must(QL_UNKNOWN_METHOD);
    }
}

static void append_decode_of(struct bytes params)
{
    struct append_args args;

    must(append_args_decode(&args, params, NULL));
    append_args_close(&args);
}

static void append_decode(struct samples *samples)
{
    append_decode_of(view(&samples->append));
}

static void append_decode_many(struct samples *samples)
{
    append_decode_of(view(&samples->append_many));
}

static void append_encode(struct samples *samples)
{
    samples->out.len = 0;
    must(append_args_encode(&samples->args, &samples->out));
}

static void answer_encode(struct samples *samples)
{
    struct append_result result;

    result.count = 1;
    result.time_ms = TIME_MS;
    result.places[0] = (struct append_place){.first = 70000, .count = 1};
    samples->out.len = 0;
    must(append_result_encode(&result, &samples->out));
}

static void answer_envelope(struct samples *samples)
{
    samples->out.len = 0;
    must(rpc_encode_result(&samples->out, 70000, view(&samples->appended)));
}

static void answer_decode(struct samples *samples)
{
    struct append_result result;
    struct rpc_message message;

    scan_whole(&samples->answer);
    must(rpc_decode_scanned(&message, samples->answer.data, samples->answer.len,
                            NULL));
    must(append_result_decode(&result, message.result, NULL));
}

static void read_encode(struct samples *samples)
{
    const struct read_args args = {
        .log = {(const uint8_t *)"orders", 6},
        .from = 70000,
        .entries_max = 1,
        .bytes_max = READ_BYTES_DEFAULT,
    };

    samples->out.len = 0;
    must(read_args_encode(&args, &samples->out));
}

static void read_decode(struct samples *samples)
{
    struct read_args args;

    must(read_args_decode(&args, view(&samples->read), NULL));
}

static void page_encode_of(struct samples *samples, size_t count)
{
    const struct read_result result = {
        .next = 70000 + count, .head = 1, .tail = 80000, .incarnation = 1};
    struct entries_writer writer;
    size_t i;

    samples->out.len = 0;
    must(read_result_open(&writer, &samples->out));
    for (i = 0; i < count; i++) {
        const struct read_entry entry = {
            .position = 70000 + i,
            .time_ms = TIME_MS,
            .value = samples->entries[i].value,
        };

        must(entries_writer_add(&writer, &entry));
    }
    must(read_result_close(&writer, &result));
}

static void page_encode(struct samples *samples)
{
    page_encode_of(samples, 1);
}

static void page_encode_many(struct samples *samples)
{
    page_encode_of(samples, MANY);
}

static void page_decode_of(struct bytes page)
{
    struct read_result result;

    must(read_result_decode(&result, page, NULL));
    read_result_free(&result);
}

static void page_decode(struct samples *samples)
{
    page_decode_of(view(&samples->page));
}

static void page_decode_many(struct samples *samples)
{
    page_decode_of(view(&samples->page_many));
}

static void nothing(struct samples *samples)
{
    (void)samples;
}

static const struct bench_case cases[] = {
    {"nothing", "the loop itself", nothing},
    {"append_encode", "log.append, one entry of 128 bytes: encode",
     append_encode},
    {"append_request", "the same: scan, envelope, method", append_request},
    {"append_decode", "the same: decode", append_decode},
    {"append_decode_many", "log.append, 100 entries: decode",
     append_decode_many},
    {"answer_encode", "log.append's answer: encode", answer_encode},
    {"answer_envelope", "the same: envelope", answer_envelope},
    {"answer_decode", "the same: scan, envelope, decode", answer_decode},
    {"read_encode", "log.read: encode", read_encode},
    {"read_decode", "log.read: decode", read_decode},
    {"page_encode", "log.read's answer, one entry: encode", page_encode},
    {"page_decode", "the same: decode", page_decode},
    {"page_encode_many", "log.read's answer, 100 entries: encode",
     page_encode_many},
    {"page_decode_many", "the same: decode", page_decode_many},
};

static void make_appends(struct samples *samples)
{
    static uint8_t value[VALUE_LEN];
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
    must(append_args_encode(&samples->args, &samples->append_many));
    samples->part.entries_count = 1;
    must(append_args_encode(&samples->args, &samples->append));
    must(rpc_encode_request(&samples->request, 70000, "log.append",
                            view(&samples->append)));
}

/* Each is made by the case that encodes it. */
static void keep(struct samples *samples, struct buf *ret)
{
    must(buf_add(ret, samples->out.data, samples->out.len));
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

static void list_cases(void)
{
    size_t i;

    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        printf("%s\t%s\n", cases[i].name, cases[i].what);
    }
}

int main(int argc, char **argv)
{
    static struct samples samples;
    uint64_t times = 0;
    uint64_t n;
    size_t i;

    if (argc != 3 || text_u64(argv[2], UINT32_MAX, &times, NULL) != 0) {
        list_cases();
        return argc == 1 ? 0 : 2;
    }
    make_samples(&samples);
    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        if (strcmp(cases[i].name, argv[1]) == 0) {
            for (n = 0; n < times; n++) {
                cases[i].run(&samples);
            }
        }
    }
    close_samples(&samples);
    return 0;
}
