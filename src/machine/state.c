/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "machine/state.h"

#include <stdlib.h>

#include "util/mem.h"

struct state *state_new(void)
{
    struct state *state = mem_must_zalloc(sizeof(*state));

    logs_init(&state->logs);
    producers_init(&state->producers);
    return state;
}

void state_free(struct state *state)
{
    if (state == NULL) {
        return;
    }
    logs_close(&state->logs);
    producers_close(&state->producers);
    standstill_end(&state->standstill);
    free(state);
}
