/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "machine/command.h"

#include <assert.h>
#include <string.h>

#include "util/crc32c.h"

#define BATCH_MAGIC "QLB1"
#define CRC_AT 4u        /* of the checksum itself */
#define CRC_COVERS_AT 8u /* it covers everything from here on */
#define TIME_AT 8u
#define COUNT_AT 16u
#define LEN_AT 20u
#define BATCH_ALIGN 8u

static int check_header(const uint8_t *bytes, size_t len, struct err *err);
static int check_commands(struct bytes commands, uint32_t count,
                          struct err *err);
static int check_padding(const uint8_t *padding, size_t len, struct err *err);

size_t batch_len(size_t count, size_t params_len)
{
    size_t len = BATCH_HEADER_LEN + count * COMMAND_HEADER_LEN + params_len;

    return (len + BATCH_ALIGN - 1) / BATCH_ALIGN * BATCH_ALIGN;
}

void batch_open(struct batch_writer *writer, uint8_t *bytes, size_t room,
                uint64_t time_ms)
{
    assert(room >= BATCH_HEADER_LEN);
    writer->bytes = bytes;
    writer->room = room;
    writer->at = BATCH_HEADER_LEN;
    writer->count = 0;
    memcpy(bytes, BATCH_MAGIC, 4);
    put_u64(bytes + TIME_AT, time_ms);
}

void batch_add(struct batch_writer *writer, enum command_kind kind,
               struct bytes params)
{
    uint8_t *at = writer->bytes + writer->at;

    assert(params.len <= BATCH_BYTES_MAX);
    assert(writer->room - writer->at >= COMMAND_HEADER_LEN + params.len);
    assert(writer->count < BATCH_COMMANDS_MAX);
    put_u16(at, (uint16_t)kind);
    put_u16(at + 2, 0);
    put_u32(at + 4, (uint32_t)params.len);
    if (params.len > 0) {
        memcpy(at + COMMAND_HEADER_LEN, params.data, params.len);
    }
    writer->at += COMMAND_HEADER_LEN + params.len;
    writer->count++;
}

size_t batch_close(struct batch_writer *writer)
{
    size_t commands_len = writer->at - BATCH_HEADER_LEN;
    size_t len = batch_len(0, commands_len);

    assert(len <= writer->room);
    assert(len <= BATCH_BYTES_MAX);
    put_u32(writer->bytes + COUNT_AT, writer->count);
    put_u32(writer->bytes + LEN_AT, (uint32_t)commands_len);
    memset(writer->bytes + writer->at, 0, len - writer->at);
    put_u32(writer->bytes + CRC_AT,
            crc32c(0, writer->bytes + CRC_COVERS_AT, len - CRC_COVERS_AT));
    return len;
}

int batch_decode(struct batch *ret, const void *bytes, size_t len,
                 struct err *err)
{
    const uint8_t *start = bytes;
    struct batch batch;
    int rv;

    rv = check_header(start, len, err);
    if (rv != 0) {
        return rv;
    }
    batch.time_ms = get_u64(start + TIME_AT);
    batch.count = get_u32(start + COUNT_AT);
    batch.commands.data = start + BATCH_HEADER_LEN;
    batch.commands.len = get_u32(start + LEN_AT);

    rv = check_commands(batch.commands, batch.count, err);
    if (rv != 0) {
        return rv;
    }
    rv = check_padding(batch.commands.data + batch.commands.len,
                       len - BATCH_HEADER_LEN - batch.commands.len, err);
    if (rv != 0) {
        return rv;
    }
    *ret = batch;
    return 0;
}

bool batch_next(struct batch *batch, struct command *ret)
{
    const uint8_t *at = batch->commands.data;

    if (batch->commands.len == 0) {
        return false;
    }
    assert(batch->commands.len >= COMMAND_HEADER_LEN);
    ret->kind = (enum command_kind)get_u16(at);
    ret->params.data = at + COMMAND_HEADER_LEN;
    ret->params.len = get_u32(at + 4);
    assert(ret->params.len <= batch->commands.len - COMMAND_HEADER_LEN);
    batch->commands.data += COMMAND_HEADER_LEN + ret->params.len;
    batch->commands.len -= COMMAND_HEADER_LEN + ret->params.len;
    return true;
}

/* Magic, checksum, and a command length that fits the whole exactly. */
static int check_header(const uint8_t *bytes, size_t len, struct err *err)
{
    if (len < BATCH_HEADER_LEN) {
        return err_set(err, QL_CORRUPT, "batch of %zu bytes has no header",
                       len);
    }
    if (len > BATCH_BYTES_MAX) {
        return err_set(err, QL_CORRUPT, "batch of %zu bytes is too long", len);
    }
    if (memcmp(bytes, BATCH_MAGIC, 4) != 0) {
        return err_set(err, QL_CORRUPT, "not a batch");
    }
    if (crc32c(0, bytes + CRC_COVERS_AT, len - CRC_COVERS_AT) !=
        get_u32(bytes + CRC_AT)) {
        return err_set(err, QL_CORRUPT, "batch checksum does not fit");
    }
    if (batch_len(0, get_u32(bytes + LEN_AT)) != len) {
        return err_set(err, QL_CORRUPT, "batch length does not fit");
    }
    return 0;
}

static int check_commands(struct bytes commands, uint32_t count,
                          struct err *err)
{
    const uint8_t *at = commands.data;
    size_t left = commands.len;
    uint32_t found = 0;
    size_t params_len;

    while (left > 0) {
        if (left < COMMAND_HEADER_LEN) {
            return err_set(err, QL_CORRUPT, "command %u is cut off", found);
        }
        params_len = get_u32(at + 4);
        if (params_len > left - COMMAND_HEADER_LEN) {
            return err_set(err, QL_CORRUPT, "command %u is cut off", found);
        }
        if (get_u16(at + 2) != 0) {
            return err_set(err, QL_CORRUPT, "command %u has no zeros", found);
        }
        at += COMMAND_HEADER_LEN + params_len;
        left -= COMMAND_HEADER_LEN + params_len;
        found++;
    }
    if (found != count) {
        return err_set(err, QL_CORRUPT, "batch has %u commands instead of %u",
                       found, count);
    }
    if (count > BATCH_COMMANDS_MAX) {
        return err_set(err, QL_CORRUPT, "batch of %u commands", count);
    }
    return 0;
}

static int check_padding(const uint8_t *padding, size_t len, struct err *err)
{
    size_t i;

    for (i = 0; i < len; i++) {
        if (padding[i] != 0) {
            return err_set(err, QL_CORRUPT, "batch padding is not zero");
        }
    }
    return 0;
}
