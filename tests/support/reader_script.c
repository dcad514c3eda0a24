/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "support/reader_script.h"

#include <string.h>

static struct read_entry entry_at(uint64_t position, const uint8_t *byte)
{
    return (struct read_entry){
        .position = position, .time_ms = 1, .value = {byte, 1}};
}

void reader_script_answer(struct client_rig *rig, uint64_t from, uint64_t next,
                          uint64_t tail)
{
    struct fake_request *request = rig_expect(rig, 0, "log.read");
    struct entries_writer writer;
    const struct read_result result = {
        .next = next, .head = 1, .tail = tail, .incarnation = 1};
    struct buf encoded = BUF_INIT;
    uint64_t position;

    assert_int_equal(read_result_open(&writer, &encoded), 0);
    for (position = from; position < next; position++) {
        const uint8_t byte = (uint8_t)position;
        const struct read_entry entry = entry_at(position, &byte);

        assert_int_equal(entries_writer_add(&writer, &entry), 0);
    }
    assert_int_equal(read_result_close(&writer, &result), 0);
    fake_answer(&rig->servers[0], request,
                (struct bytes){encoded.data, encoded.len});
    buf_close(&encoded);
}

void reader_script_check(struct client_rig *rig, uint64_t from)
{
    struct fake_request *request = rig_expect(rig, 0, "log.read");
    struct read_args args;

    assert_int_equal(read_args_decode(&args, fake_params(request), NULL), 0);
    assert_int_equal(args.from, from);
}

void reader_script_follow(struct client_rig *rig, uint64_t from,
                          uint64_t stream, uint64_t uid)
{
    struct fake_request *request = rig_expect(rig, 0, "log.follow");
    const struct follow_result result = {
        .follow = stream, .head = 1, .tail = from, .uid = uid};
    struct follow_args args;
    struct buf encoded = BUF_INIT;

    assert_int_equal(follow_args_decode(&args, fake_params(request), NULL), 0);
    assert_int_equal(args.from, from);
    assert_int_equal(follow_result_encode(&result, &encoded), 0);
    fake_answer(&rig->servers[0], request,
                (struct bytes){encoded.data, encoded.len});
    buf_close(&encoded);
}

void reader_script_send(struct client_rig *rig, uint64_t stream, uint64_t from,
                        uint64_t next, uint32_t cost)
{
    struct entries_writer writer;
    struct buf encoded = BUF_INIT;
    uint64_t position;

    assert_int_equal(follow_entries_open(&writer, &encoded, stream), 0);
    for (position = from; position < next; position++) {
        const uint8_t byte = (uint8_t)position;
        const struct read_entry entry = entry_at(position, &byte);

        assert_int_equal(entries_writer_add(&writer, &entry), 0);
    }
    assert_int_equal(follow_entries_close(&writer, next, cost), 0);
    fake_notify(&rig->servers[0], "log.entries",
                (struct bytes){encoded.data, encoded.len});
    buf_close(&encoded);
}

void reader_script_event(struct client_rig *rig, uint64_t stream,
                         const char *name, uint64_t position)
{
    const struct follow_event event = {
        .follow = stream,
        .event = {(const uint8_t *)name, strlen(name)},
        .position = position,
    };
    struct buf encoded = BUF_INIT;

    assert_int_equal(follow_event_encode(&event, &encoded), 0);
    fake_notify(&rig->servers[0], "log.event",
                (struct bytes){encoded.data, encoded.len});
    buf_close(&encoded);
}

struct ql_reader *reader_script_open(struct client_rig *rig, uint64_t from,
                                     uint64_t to, bool follow)
{
    struct ql_reader_options options = QL_READER_OPTIONS_INIT;
    struct ql_reader *reader = NULL;
    struct ql_error error;

    options.from = from;
    options.to = to;
    options.follow = follow;
    options.credit_bytes = 1000;
    assert_int_equal(
        ql_reader_new(&reader, rig->client, "log", &options, &error), QL_OK);
    return reader;
}

/* What the reader says once it has something to say. */
int reader_script_next(struct client_rig *rig, struct ql_reader *reader,
                       struct ql_entry *ret_entry, struct ql_error *error)
{
    int rv = ql_reader_next(reader, 0, ret_entry, error);
    int turns;

    for (turns = 0; rv == QL_TIMEOUT && turns < 1000; turns++) {
        rig_turn(rig);
        rv = ql_reader_next(reader, 0, ret_entry, error);
    }
    return rv;
}

void reader_script_entry(struct client_rig *rig, struct ql_reader *reader,
                         uint64_t position)
{
    struct ql_entry entry;
    struct ql_error error;

    assert_int_equal(reader_script_next(rig, reader, &entry, &error), QL_OK);
    assert_int_equal(entry.position, position);
    assert_int_equal(entry.value_len, 1);
    assert_int_equal(*(const uint8_t *)entry.value, (uint8_t)position);
    assert_int_equal(ql_reader_position(reader), position + 1);
}

void reader_script_error(struct client_rig *rig, struct ql_reader *reader,
                         int code, uint64_t position)
{
    struct ql_entry entry;
    struct ql_error error;

    assert_int_equal(reader_script_next(rig, reader, &entry, &error), code);
    assert_int_equal(error.position, position);
}
