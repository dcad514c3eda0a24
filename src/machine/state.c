/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "machine/state.h"

#include <stdlib.h>

#include "util/mem.h"

struct state *state_new(const struct machine_limits *limits)
{
    struct state *state = mem_must_zalloc(sizeof(*state));

    logs_init(&state->logs, limits);
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

struct state *machine_take_state(struct machine *machine, struct state *state)
{
    struct state *old = machine->state;

    machine->state = state;
    state->logs.events = &machine->chunk_events;
    return old;
}
