/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* The commands cluster.freeze and cluster.thaw. */
#include "machine/apply.h"
#include "machine/must.h"
#include "wire/args_freeze.h"

/* The first reason stays: it says why it began. */
void apply_freeze(struct machine *machine, struct bytes params,
                  struct outcome *ret)
{
    struct state *state = machine->state;
    struct freeze_args args;

    ret->code = must_have_memory(freeze_args_decode(&args, params, NULL));
    if (ret->code == 0 && !state->standstill.frozen) {
        standstill_begin(&state->standstill, state->time_ms, args.reason,
                         args.by);
    }
}

void apply_thaw(struct machine *machine, struct bytes params,
                struct outcome *ret)
{
    (void)params;
    (void)ret;
    standstill_end(&machine->state->standstill);
}

bool apply_is_frozen(const struct machine *machine, struct outcome *ret)
{
    if (!machine->state->standstill.frozen) {
        return false;
    }
    ret->code = QL_FROZEN;
    return true;
}
