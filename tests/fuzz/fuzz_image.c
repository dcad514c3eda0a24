/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* Machine images from outside: what is taken is a sound state, and its own image
 * is the very bytes it came from. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "fuzz/fuzz.h"
#include "machine/machine_parts.h"

static void check_view(const struct view *view, const uint8_t *bytes,
                       size_t len)
{
    struct view_cursor cursor;
    struct bytes run;
    size_t at = 0;

    assert(view_len(view) == len);
    view_cursor_init(&cursor);
    while (view_next(view, &cursor, &run)) {
        assert(run.len <= len - at);
        assert(memcmp(run.data, bytes + at, run.len) == 0);
        at += run.len;
    }
}

/* Reads all of every log of a part: what is not here is said to be absent. */
static void read_all(const struct machine *machine, enum machine_part part)
{
    const struct log_list_args args = {{NULL, 0}, {NULL, 0}, 0, false};
    struct machine_reader reader;
    struct log_list_result logs;
    struct read_entry entry;
    size_t i;

    if (machine_part_list(machine, part, &args, &logs) != 0) {
        return;
    }
    for (i = 0; i < logs.count; i++) {
        enum machine_read rv = MACHINE_READ_ENTRY;

        if (machine_reader_open_part(&reader, machine, part, logs.stats[i].uid,
                                     0, 0, NULL) != 0) {
            abort();
        }
        while (rv == MACHINE_READ_ENTRY) {
            rv = machine_reader_next(&reader, &entry);
            (void)machine_reader_ahead(&reader);
        }
    }
    log_list_result_close(&logs);
}

/* What is staged becomes live, and goes again. */
static void recover(struct machine *machine)
{
    struct recovery_commit_args commit = {.operation = 1};
    struct recovery_undo_args undo = {.operation = 2};
    struct machine_part_info staged;
    struct buf params = BUF_INIT;
    struct outcome outcome;
    struct command command;

    if (machine_part_info(machine, MACHINE_STAGED, &staged)) {
        commit.stage = staged.id;
        commit.revision = staged.revision;
        if (recovery_commit_args_encode(&commit, &params) != 0) {
            abort();
        }
        command = (struct command){COMMAND_RECOVERY_COMMIT,
                                   {params.data, params.len}};
        machine_apply(machine, &command, &outcome);
        params.len = 0;
    }
    if (recovery_undo_args_encode(&undo, &params) != 0) {
        abort();
    }
    command =
        (struct command){COMMAND_RECOVERY_UNDO, {params.data, params.len}};
    machine_apply(machine, &command, &outcome);
    buf_close(&params);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    struct machine *machine = machine_new(NULL);
    struct command tick = {COMMAND_TICK, {NULL, 0}};
    struct outcome outcome;
    struct view *view;

    if (machine_restore(machine, bytes, len, NULL, NULL) == 0) {
        view = machine_freeze(machine);
        check_view(view, bytes, len);
        view_free(view);
        for (unsigned part = MACHINE_LIVE; part < MACHINE_PARTS; part++) {
            read_all(machine, (enum machine_part)part);
        }
        machine_begin(machine, UINT64_MAX / 8, UINT64_MAX);
        machine_apply(machine, &tick, &outcome);
        recover(machine);
    }
    machine_free(machine);
    return 0;
}
