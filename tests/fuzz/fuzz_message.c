/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * Bytes as a connection could bring them: the scan in pieces, the envelope, then
 * the decoder that the method names. What was decoded is encoded and decoded
 * again, which must succeed.
 */
#include <assert.h>
#include <string.h>

#include "fuzz/fuzz.h"
#include "fuzz/fuzz_repack.h"
#include "util/limits.h"
#include "wire/args_append.h"
#include "wire/args_cluster.h"
#include "wire/args_log.h"
#include "wire/args_metrics.h"
#include "wire/args_read.h"
#include "wire/args_writer.h"
#include "wire/method.h"
#include "wire/rpc.h"
#include "wire/scan.h"

/* Decodes @map and, when that works, encodes it into @again (left empty by
 * messages that nobody encodes from the struct). */
typedef int (*message_cb)(struct bytes map, struct buf *again);

struct decoder {
    const char *name; /* of a method or notification; NULL: an answer */
    message_cb decode;
};

static int config(struct bytes map, struct buf *again)
{
    struct log_config_args args;
    int rv = log_config_args_decode(&args, map, NULL);

    return rv != 0 ? rv : log_config_args_encode(&args, again);
}

static int log_named(struct bytes map, struct buf *again)
{
    struct log_args args;
    int rv = log_args_decode(&args, map, NULL);

    return rv != 0 ? rv : log_args_encode(&args, again);
}

static int log_trim(struct bytes map, struct buf *again)
{
    struct log_trim_args args;
    int rv = log_trim_args_decode(&args, map, NULL);

    return rv != 0 ? rv : log_trim_args_encode(&args, again);
}

static int log_list(struct bytes map, struct buf *again)
{
    struct log_list_args args;
    int rv = log_list_args_decode(&args, map, NULL);

    return rv != 0 ? rv : log_list_args_encode(&args, again);
}

static int append(struct bytes map, struct buf *again)
{
    struct append_args args;
    int rv = append_args_decode(&args, map, NULL);

    if (rv == 0) {
        rv = append_args_encode(&args, again);
        append_args_close(&args);
    }
    return rv;
}

static int log_read(struct bytes map, struct buf *again)
{
    struct read_args args;
    int rv = read_args_decode(&args, map, NULL);

    return rv != 0 ? rv : read_args_encode(&args, again);
}

static int follow(struct bytes map, struct buf *again)
{
    struct follow_args args;
    int rv = follow_args_decode(&args, map, NULL);

    return rv != 0 ? rv : follow_args_encode(&args, again);
}

static int credit(struct bytes map, struct buf *again)
{
    struct credit_args args;
    int rv = credit_args_decode(&args, map, NULL);

    return rv != 0 ? rv : credit_args_encode(&args, again);
}

static int producer(struct bytes map, struct buf *again)
{
    struct producer_args args;
    int rv = producer_args_decode(&args, map, NULL);

    return rv != 0 ? rv : producer_args_encode(&args, again);
}

static int append_status(struct bytes map, struct buf *again)
{
    struct append_status_args args;
    int rv = append_status_args_decode(&args, map, NULL);

    return rv != 0 ? rv : append_status_args_encode(&args, again);
}

static int acquire(struct bytes map, struct buf *again)
{
    struct writer_args args;
    int rv = writer_acquire_args_decode(&args, map, NULL);

    return rv != 0 ? rv : writer_acquire_args_encode(&args, again);
}

static int release(struct bytes map, struct buf *again)
{
    struct writer_args args;
    int rv = writer_release_args_decode(&args, map, NULL);

    return rv != 0 ? rv : writer_release_args_encode(&args, again);
}

static int transfer(struct bytes map, struct buf *again)
{
    struct transfer_args args;
    int rv = transfer_args_decode(&args, map, NULL);

    return rv != 0 ? rv : transfer_args_encode(&args, again);
}

static int hello(struct bytes map, struct buf *again)
{
    struct hello_args args;
    int rv = hello_args_decode(&args, map, NULL);

    return rv != 0 ? rv : hello_args_encode(&args, again);
}

static int entries_notice(struct bytes map, struct buf *again)
{
    struct follow_entries entries;
    struct entries_writer writer;
    size_t i;
    int rv = follow_entries_decode(&entries, map, NULL);

    if (rv != 0) {
        return rv;
    }
    assert(follow_entries_open(&writer, again, entries.follow) == 0);
    for (i = 0; i < entries.count; i++) {
        assert(entries_writer_add(&writer, &entries.entries[i]) == 0);
    }
    assert(follow_entries_close(&writer, entries.next, entries.cost) == 0);
    follow_entries_free(&entries);
    return 0;
}

static int event(struct bytes map, struct buf *again)
{
    struct follow_event args;
    int rv = follow_event_decode(&args, map, NULL);

    return rv != 0 ? rv : follow_event_encode(&args, again);
}

static int fenced(struct bytes map, struct buf *again)
{
    struct writer_fenced args;
    int rv = writer_fenced_decode(&args, map, NULL);

    return rv != 0 ? rv : writer_fenced_encode(&args, again);
}

static int hello_answer(struct bytes map, struct buf *again)
{
    struct hello_result result;
    int rv = hello_result_decode(&result, map, NULL);

    return rv != 0 ? rv : hello_result_encode(&result, again);
}

static int status_answer(struct bytes map, struct buf *again)
{
    struct status_result result;
    int rv = status_result_decode(&result, map, NULL);

    return rv != 0 ? rv : status_result_encode(&result, again);
}

static int stat_answer(struct bytes map, struct buf *again)
{
    struct log_stat stat;
    int rv = log_stat_decode(&stat, map, NULL);

    return rv != 0 ? rv : log_stat_encode(&stat, again);
}

static int list_answer(struct bytes map, struct buf *again)
{
    struct log_list_result result;
    int rv = log_list_result_decode(&result, map, NULL);

    if (rv == 0) {
        rv = log_list_result_encode(&result, again);
        log_list_result_close(&result);
    }
    return rv;
}

static int append_answer(struct bytes map, struct buf *again)
{
    struct append_result result;
    int rv = append_result_decode(&result, map, NULL);

    return rv != 0 ? rv : append_result_encode(&result, again);
}

static int read_answer(struct bytes map, struct buf *again)
{
    struct read_result result;
    struct entries_writer writer;
    size_t i;
    int rv = read_result_decode(&result, map, NULL);

    if (rv != 0) {
        return rv;
    }
    assert(read_result_open(&writer, again) == 0);
    for (i = 0; i < result.count; i++) {
        assert(entries_writer_add(&writer, &result.entries[i]) == 0);
    }
    assert(read_result_close(&writer, &result) == 0);
    read_result_free(&result);
    return 0;
}

static int follow_answer(struct bytes map, struct buf *again)
{
    struct follow_result result;
    int rv = follow_result_decode(&result, map, NULL);

    return rv != 0 ? rv : follow_result_encode(&result, again);
}

static int metrics_answer(struct bytes map, struct buf *again)
{
    struct metrics_result result;
    int rv = metrics_result_decode(&result, map, NULL);

    if (rv == 0) {
        rv = metrics_result_encode(&result, again);
        metrics_result_close(&result);
    }
    return rv;
}

static const struct decoder decoders[] = {
    {"server.hello", hello},
    {"log.create", config},
    {"log.configure", config},
    {"log.delete", log_named},
    {"log.stat", log_named},
    {"log.trim", log_trim},
    {"log.list", log_list},
    {"log.append", append},
    {"log.read", log_read},
    {"log.follow", follow},
    {"log.credit", credit},
    {"log.unfollow", credit},
    {"producer.close", producer},
    {"append.status", append_status},
    {"writer.acquire", acquire},
    {"writer.release", release},
    {"cluster.transfer", transfer},
    {NOTIFY_LOG_ENTRIES, entries_notice},
    {NOTIFY_LOG_EVENT, event},
    {NOTIFY_WRITER_FENCED, fenced},
    {NULL, hello_answer},
    {NULL, status_answer},
    {NULL, stat_answer},
    {NULL, list_answer},
    {NULL, append_answer},
    {NULL, read_answer},
    {NULL, follow_answer},
    {NULL, metrics_answer},
};

#define DECODERS (sizeof(decoders) / sizeof(decoders[0]))

/* Decoding @map gives @rv and, if that is 0, what is encoded as @expected. */
static void try_same(const struct decoder *decoder, struct bytes map, int rv,
                     const struct buf *expected)
{
    struct buf got = BUF_INIT;

    assert(decoder->decode(map, &got) == rv);
    if (rv == 0) {
        assert(got.len == expected->len);
        assert(got.len == 0 || memcmp(got.data, expected->data, got.len) == 0);
    }
    buf_close(&got);
}

/* msgpack-c sees the same in the bytes, and what it sees nothing in is refused
 * for that. */
static void try_repacked(const struct decoder *decoder, struct bytes map,
                         int rv, const struct buf *again)
{
    struct buf repacked = BUF_INIT;
    int unsound = fuzz_repack(map, &repacked);

    if (unsound == 0) {
        try_same(decoder, (struct bytes){repacked.data, repacked.len}, rv,
                 again);
    } else {
        assert(map.len == 0 || rv == unsound);
    }
    buf_close(&repacked);
}

static void try_decoder(const struct decoder *decoder, struct bytes map)
{
    struct buf again = BUF_INIT;
    int rv = decoder->decode(map, &again);

    if (rv == 0 && again.len > 0) {
        try_same(decoder, (struct bytes){again.data, again.len}, 0, &again);
    }
    try_repacked(decoder, map, rv, &again);
    buf_close(&again);
}

static void try_call(const struct rpc_message *message)
{
    size_t i;

    (void)method_find((const char *)message->method.data, message->method.len);
    for (i = 0; i < DECODERS && decoders[i].name != NULL; i++) {
        if (strlen(decoders[i].name) == message->method.len &&
            memcmp(decoders[i].name, message->method.data,
                   message->method.len) == 0) {
            try_decoder(&decoders[i], message->params);
        }
    }
}

static void try_response(const struct rpc_message *message)
{
    struct rpc_error error;
    size_t i;

    if (message->error.len > 0) {
        struct buf buf = BUF_INIT;

        if (rpc_error_decode(&error, message->error, NULL) == 0) {
            assert(rpc_encode_error(&buf, message->id, &error) == 0);
        }
        buf_close(&buf);
        return;
    }
    for (i = 0; i < DECODERS; i++) {
        if (decoders[i].name == NULL) {
            try_decoder(&decoders[i], message->result);
        }
    }
}

/* The same verdict whether the bytes come at once or in two pieces. */
static int scan_in_pieces(const uint8_t *bytes, size_t len, size_t *ret_len)
{
    struct scan whole;
    struct scan split;
    int rv;
    int rv_split;

    scan_init(&whole, REQUEST_BYTES_MAX);
    scan_init(&split, REQUEST_BYTES_MAX);
    rv = scan_feed(&whole, bytes, len, NULL);
    rv_split = scan_feed(&split, bytes, len / 2, NULL);
    if (rv_split == 0) {
        rv_split = scan_feed(&split, bytes, len, NULL);
    }
    assert(rv == rv_split);
    assert(whole.done == split.done);
    if (rv != 0 || !whole.done) {
        return QL_PROTOCOL;
    }
    assert(whole.at == split.at);
    assert(whole.at <= len);
    *ret_len = whole.at;
    return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    struct rpc_message message;
    struct rpc_message quick;
    size_t message_len;
    int rv;

    /* What the raft log holds was never scanned: decoders stand alone. */
    try_decoder(&(struct decoder){NULL, append}, (struct bytes){bytes, len});
    if (scan_in_pieces(bytes, len, &message_len) != 0) {
        return 0;
    }
    rv = rpc_decode(&message, bytes, message_len, NULL);
    assert(rpc_decode_scanned(&quick, bytes, message_len, NULL) == rv);
    if (rv != 0) {
        return 0;
    }
    assert(quick.params.data == message.params.data);
    assert(quick.params.len == message.params.len);
    assert(quick.result.data == message.result.data);
    assert(quick.result.len == message.result.len);
    if (message.type == RPC_RESPONSE) {
        try_response(&message);
    } else {
        try_call(&message);
    }
    return 0;
}
