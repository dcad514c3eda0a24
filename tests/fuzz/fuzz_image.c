/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* Machine images from outside: what is taken is a sound state, and its own image
 * is the very bytes it came from. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "fuzz/fuzz.h"
#include "machine/machine.h"

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

/* Reads all of every log: what is not here is said to be absent. */
static void read_all(const struct machine *machine)
{
    const struct log_list_args args = {{NULL, 0}, {NULL, 0}, 0, false};
    struct machine_reader reader;
    struct log_list_result logs;
    struct read_entry entry;
    size_t i;

    if (machine_log_list(machine, &args, &logs) != 0) {
        abort();
    }
    for (i = 0; i < logs.count; i++) {
        enum machine_read rv = MACHINE_READ_ENTRY;

        if (machine_reader_open(&reader, machine, logs.stats[i].uid, 0, 0,
                                NULL) != 0) {
            abort();
        }
        while (rv == MACHINE_READ_ENTRY) {
            rv = machine_reader_next(&reader, &entry);
            (void)machine_reader_ahead(&reader);
        }
    }
    log_list_result_close(&logs);
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
        read_all(machine);
        machine_begin(machine, UINT64_MAX / 8, UINT64_MAX);
        machine_apply(machine, &tick, &outcome);
    }
    machine_free(machine);
    return 0;
}
