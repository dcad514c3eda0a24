/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * Batches from outside: decoding, applying every command, freezing, restoring.
 * Since a changed batch no longer fits its checksum, the commands in the input
 * are also packed into a batch of their own, cut short where they are too long.
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "fuzz/fuzz.h"
#include "machine/machine.h"
#include "util/mem.h"

static void image_of(const struct machine *machine, struct buf *ret)
{
    struct view *view = machine_freeze(machine);
    struct view_cursor cursor;
    struct bytes run;

    view_cursor_init(&cursor);
    while (view_next(view, &cursor, &run)) {
        if (buf_add(ret, run.data, run.len) != 0) {
            abort();
        }
    }
    assert(ret->len == view_len(view));
    view_free(view);
}

/* Whatever was applied, its image gives the same machine. */
static void check_image(const struct machine *machine)
{
    struct machine *restored = machine_new(NULL);
    struct buf image = BUF_INIT;
    uint8_t digests[2][16];

    image_of(machine, &image);
    if (machine_restore(restored, image.data, image.len, NULL, NULL) != 0) {
        abort();
    }
    machine_digest(machine, digests[0]);
    machine_digest(restored, digests[1]);
    assert(memcmp(digests[0], digests[1], 16) == 0);
    buf_close(&image);
    machine_free(restored);
}

static void apply(struct machine *machine, uint64_t index, const uint8_t *bytes,
                  size_t len)
{
    struct outcome outcome;
    struct command command;
    struct batch batch;

    if (batch_decode(&batch, bytes, len, NULL) != 0) {
        return;
    }
    machine_begin(machine, index, batch.time_ms);
    while (batch_next(&batch, &command)) {
        machine_apply(machine, &command, &outcome);
        assert(machine_refusal_text(&outcome) != NULL);
    }
}

/* A batch with a right shape and checksum of what looks like commands. */
static size_t repack(const uint8_t *bytes, size_t len, uint8_t *ret)
{
    struct batch_writer writer;
    size_t at = BATCH_HEADER_LEN;

    batch_open(&writer, ret, batch_len(0, len), get_u64(bytes + 8));
    while (len - at >= COMMAND_HEADER_LEN) {
        size_t left = len - at - COMMAND_HEADER_LEN;
        size_t params_len = get_u32(bytes + at + 4);
        struct bytes params = {bytes + at + COMMAND_HEADER_LEN, params_len};

        if (params_len > left) {
            params.len = left;
        }
        batch_add(&writer, (enum command_kind)get_u16(bytes + at), params);
        at += COMMAND_HEADER_LEN + params.len;
    }
    return batch_close(&writer);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    struct machine *machine = machine_new(NULL);
    uint8_t *repacked;
    size_t repacked_len;

    apply(machine, 1, bytes, len);
    if (len >= BATCH_HEADER_LEN && len <= MIB) {
        repacked = mem_must_zalloc(batch_len(0, len));
        repacked_len = repack(bytes, len, repacked);
        apply(machine, 2, repacked, repacked_len);
        free(repacked);
    }
    check_image(machine);
    machine_free(machine);
    return 0;
}
