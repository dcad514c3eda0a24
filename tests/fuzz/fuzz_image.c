/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* Machine images from outside: what is taken is a sound state, and its own image
 * is the very bytes it came from. */
#include <assert.h>
#include <string.h>

#include "fuzz/fuzz.h"
#include "machine/machine.h"

static void check_view(const struct view *view, const uint8_t *bytes,
                       size_t len)
{
    size_t at = 0;
    size_t i;

    assert(view_len(view) == len);
    for (i = 0; i < view_runs(view); i++) {
        struct bytes run = view_run(view, i);

        assert(run.len <= len - at);
        assert(memcmp(run.data, bytes + at, run.len) == 0);
        at += run.len;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    struct machine *machine = machine_new();
    struct command tick = {COMMAND_TICK, {NULL, 0}};
    struct outcome outcome;
    struct view *view;

    if (machine_restore(machine, bytes, len, NULL) == 0) {
        view = machine_freeze(machine);
        check_view(view, bytes, len);
        view_free(view);
        machine_begin(machine, UINT64_MAX / 8, UINT64_MAX);
        machine_apply(machine, &tick, &outcome);
    }
    machine_free(machine);
    return 0;
}
