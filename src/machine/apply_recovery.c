/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* How a kept state begins, is staged and goes. What fills it is load.c, what makes
 * it the live one is apply_swap.c. */
#include "machine/apply.h"
#include "machine/must.h"

static struct kept *begin_stage(struct machine *machine,
                                const struct recovery_begin_args *args,
                                struct outcome *ret);
static struct kept *begin_edit(struct machine *machine,
                               const struct recovery_begin_args *args,
                               struct outcome *ret);
static struct kept *find_draft(struct machine *machine, uint64_t id,
                               uint64_t seq, struct outcome *ret);
static bool drop(struct state *state, enum machine_part part);

void apply_recovery_begin(struct machine *machine, struct bytes params,
                          struct outcome *ret)
{
    struct state *state = machine->state;
    struct recovery_begin_args args;
    struct kept *draft;

    ret->code =
        must_have_memory(recovery_begin_args_decode(&args, params, NULL));
    if (ret->code != 0) {
        return;
    }
    if (state->space_low) {
        ret->code = QL_NO_SPACE;
        return;
    }
    draft = args.edit_of == 0 ? begin_stage(machine, &args, ret)
                              : begin_edit(machine, &args, ret);
    if (draft == NULL) {
        return;
    }
    draft->id = state_next_kept_id(state, machine->index);
    draft->total_bytes = args.total_bytes;
    (void)drop(state, MACHINE_DRAFT);
    state->kept[MACHINE_DRAFT] = draft;
    ret->position = draft->id;
    ret->recovery.stage = draft->id;
}

void apply_recovery_load(struct machine *machine, struct bytes params,
                         struct outcome *ret)
{
    struct recovery_load_args args;
    struct load_record record;
    struct kept *draft;

    ret->code =
        must_have_memory(recovery_load_args_decode(&args, params, NULL));
    if (ret->code != 0) {
        return;
    }
    draft = find_draft(machine, args.draft, args.seq, ret);
    if (draft == NULL) {
        return;
    }
    if (machine->state->space_low) {
        ret->code = QL_NO_SPACE;
        return;
    }
    ret->code = load_record_decode(&record, args.record, NULL);
    if (ret->code == 0) {
        ret->code = load_apply(machine, draft, &record);
    }
    if (ret->code == 0) {
        draft->next_seq++;
    }
}

void apply_recovery_end(struct machine *machine, struct bytes params,
                        struct outcome *ret)
{
    struct state *state = machine->state;
    const struct kept *staged = state->kept[MACHINE_STAGED];
    struct recovery_end_args args;
    struct kept *draft;

    ret->code = must_have_memory(recovery_end_args_decode(&args, params, NULL));
    if (ret->code != 0) {
        return;
    }
    draft = find_draft(machine, args.draft, args.seq, ret);
    if (draft == NULL) {
        return;
    }
    if (draft->log_uid != 0) {
        ret->code = QL_INVALID;
        return;
    }
    draft->revision = 1;
    if (staged != NULL) {
        draft->id = staged->id;
        draft->revision = staged->revision + 1;
        draft->deleted = staged->deleted + args.deleted;
        (void)drop(state, MACHINE_STAGED);
    }
    draft->next_seq = 0;
    draft->edit_of = 0;
    draft->total_bytes = 0;
    state->kept[MACHINE_STAGED] = draft;
    state->kept[MACHINE_DRAFT] = NULL;
    ret->recovery.stage = draft->id;
    ret->recovery.revision = draft->revision;
}

/* A draft that is an edit goes with what it is an edit of. */
void apply_recovery_unload(struct machine *machine, struct bytes params,
                           struct outcome *ret)
{
    struct state *state = machine->state;
    struct recovery_unload_args args;
    bool dropped;

    ret->code =
        must_have_memory(recovery_unload_args_decode(&args, params, NULL));
    if (ret->code != 0) {
        return;
    }
    if (args.undo) {
        dropped = drop(state, MACHINE_UNDO);
    } else {
        dropped = drop(state, MACHINE_DRAFT);
        dropped = drop(state, MACHINE_STAGED) || dropped;
    }
    if (!dropped) {
        ret->code = QL_NOT_FOUND;
    }
}

static struct kept *begin_stage(struct machine *machine,
                                const struct recovery_begin_args *args,
                                struct outcome *ret)
{
    struct state *state = machine->state;
    struct kept *draft;

    if (state->kept[MACHINE_STAGED] != NULL) {
        ret->code = QL_EXISTS;
        return NULL;
    }
    draft = kept_new(&state->logs.limits);
    kept_set_source(draft, args->source);
    draft->from_index = args->from_index;
    draft->from_time_ms = args->from_time_ms;
    draft->from_state_index = args->from_state_index;
    return draft;
}

/* Where it is from is what the staged one says. */
static struct kept *begin_edit(struct machine *machine,
                               const struct recovery_begin_args *args,
                               struct outcome *ret)
{
    struct state *state = machine->state;
    const struct kept *staged = state->kept[MACHINE_STAGED];
    struct kept *draft;

    if (staged == NULL) {
        ret->code = QL_NOT_FOUND;
        return NULL;
    }
    if (staged->id != args->edit_of || staged->revision != args->revision) {
        ret->code = QL_CONDITION_FAILED;
        ret->position = staged->revision;
        return NULL;
    }
    draft = kept_new(&state->logs.limits);
    kept_set_source(draft, staged->source);
    draft->from_index = staged->from_index;
    draft->from_time_ms = staged->from_time_ms;
    draft->from_state_index = staged->from_state_index;
    draft->deleted = staged->deleted;
    draft->edit_of = staged->id;
    logs_copy(&draft->logs, &staged->logs);
    return draft;
}

static struct kept *find_draft(struct machine *machine, uint64_t id,
                               uint64_t seq, struct outcome *ret)
{
    struct kept *draft = machine->state->kept[MACHINE_DRAFT];

    if (draft == NULL || draft->id != id) {
        ret->code = QL_NOT_FOUND;
        return NULL;
    }
    if (seq != draft->next_seq) {
        ret->code = QL_OUT_OF_ORDER;
        ret->position = draft->next_seq;
        return NULL;
    }
    return draft;
}

/* False when there was none. */
static bool drop(struct state *state, enum machine_part part)
{
    struct kept *kept = state->kept[part];

    if (kept != NULL && part == MACHINE_UNDO) {
        state_let_go_all(state, &kept->logs);
    }
    state->kept[part] = NULL;
    kept_free(kept);
    return kept != NULL;
}
