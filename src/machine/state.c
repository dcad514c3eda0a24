/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "machine/state.h"

#include <stdlib.h>

#include "util/mem.h"

static struct chunk *find_in_kept(void *data, const struct chunk_name *name);

struct state *state_new(const struct machine_limits *limits)
{
    struct state *state = mem_must_zalloc(sizeof(*state));

    logs_init(&state->logs, limits);
    state->logs.kept = (struct chunk_source){find_in_kept, state};
    producers_init(&state->producers);
    return state;
}

void state_free(struct state *state)
{
    size_t i;

    if (state == NULL) {
        return;
    }
    for (i = 0; i < MACHINE_PARTS; i++) {
        kept_free(state->kept[i]);
    }
    backups_close(&state->backups);
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

struct logs *state_logs(const struct state *state, enum machine_part part)
{
    if (part == MACHINE_LIVE) {
        return (struct logs *)&state->logs;
    }
    return state->kept[part] == NULL ? NULL : &state->kept[part]->logs;
}

struct chunk *state_find_named(const struct state *state,
                               const struct chunk_name *name, unsigned parts,
                               const uint8_t **ret_from)
{
    unsigned part;

    for (part = MACHINE_LIVE; part < parts; part++) {
        const struct logs *logs = state_logs(state, (enum machine_part)part);
        struct chunk *chunk =
            logs == NULL ? NULL : logs_find_named(logs, name, ret_from);

        if (chunk != NULL) {
            return chunk;
        }
    }
    return NULL;
}

struct chunk *state_find_kept(const struct state *state,
                              const struct chunk_facts *facts,
                              const uint8_t **ret_from)
{
    static const enum machine_part parts[] = {MACHINE_LIVE, MACHINE_STAGED,
                                              MACHINE_UNDO};
    struct chunk *chunk = NULL;
    size_t i;

    for (i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
        const struct logs *logs = state_logs(state, parts[i]);

        chunk =
            logs == NULL ? NULL : logs_find_named(logs, &facts->name, ret_from);
        if (chunk != NULL && chunk_has_facts(chunk, facts)) {
            return chunk;
        }
    }
    return NULL;
}

uint64_t state_next_kept_id(struct state *state, uint64_t index)
{
    state->kept_id_last =
        state->kept_id_last < index ? index : state->kept_id_last + 1;
    return state->kept_id_last;
}

struct chunk_set *state_chunks(const struct state *state)
{
    struct chunk_set *set = logs_chunks(&state->logs);
    struct chunk_set *last = set;
    unsigned part;

    for (part = MACHINE_DRAFT; part < MACHINE_PARTS; part++) {
        if (state->kept[part] != NULL) {
            last->next = logs_chunks(&state->kept[part]->logs);
            last = last->next;
        }
    }
    return set;
}

uint64_t state_rows(const struct state *state)
{
    uint64_t rows = 0;
    unsigned part;

    for (part = MACHINE_LIVE; part < MACHINE_PARTS; part++) {
        const struct logs *logs = state_logs(state, (enum machine_part)part);

        rows += logs == NULL ? 0 : logs->chunks;
    }
    return rows;
}

static struct chunk *find_in_kept(void *data, const struct chunk_name *name)
{
    const struct state *state = data;
    unsigned part;

    for (part = MACHINE_DRAFT; part < MACHINE_PARTS; part++) {
        const struct logs *logs = state_logs(state, (enum machine_part)part);
        struct chunk *chunk =
            logs == NULL ? NULL : logs_find_named(logs, name, NULL);

        if (chunk != NULL) {
            return chunk_ref(chunk);
        }
    }
    return NULL;
}

/* The first incarnation need not be remembered: a backup has one at least. */
void state_let_go(struct state *state, const struct log *log)
{
    if (log->incarnation > 1 && log->incarnation > state->gone_incarnation) {
        state->gone_incarnation = log->incarnation;
    }
    if (log->writer_epoch > state->gone_epoch) {
        state->gone_epoch = log->writer_epoch;
    }
}

void state_let_go_all(struct state *state, const struct logs *logs)
{
    size_t i;

    for (i = 0; i < logs->count; i++) {
        state_let_go(state, logs->by_uid[i]);
    }
}
