/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* The commands producer.open and producer.close. */
#include "machine/apply.h"
#include "machine/must.h"

void apply_producer_open(struct machine *machine, struct bytes params,
                         struct outcome *ret)
{
    struct state *state = machine->state;
    struct producer *producer;

    (void)params;
    if (apply_is_frozen(machine, ret)) {
        return;
    }
    if (state->space_low) {
        ret->code = QL_NO_SPACE;
        return;
    }
    producer = producers_open(&state->producers, machine->index, state->time_ms,
                              !state->age_suspended);
    ret->producer = producer->id;
    ret->window = producer->window;
}

void apply_producer_close(struct machine *machine, struct bytes params,
                          struct outcome *ret)
{
    struct producers *producers = &machine->state->producers;
    struct producer_args args;
    struct producer *producer;

    ret->code = must_have_memory(producer_args_decode(&args, params, NULL));
    if (ret->code != 0) {
        return;
    }
    ret->code = producers_find(producers, args.producer, &producer);
    if (ret->code != 0) {
        return;
    }
    producers_remove(producers, producer);
}
