/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* The machine's sealed chunks, for those who keep their bytes. */
#include <stddef.h>

#include "machine/state.h"

static int use_chunks(struct logs *logs, const struct chunk_source *source,
                      struct err *err);
static int use_chunk(struct log *log, size_t index,
                     const struct chunk_source *source, struct err *err);

void machine_on_chunks(struct machine *machine,
                       const struct machine_chunk_events *events)
{
    if (events == NULL) {
        machine->chunk_events = (struct machine_chunk_events){NULL, NULL};
        return;
    }
    machine->chunk_events = *events;
}

void machine_each_chunk(const struct machine *machine,
                        void (*each)(void *data, struct chunk *chunk,
                                     const uint8_t from[HASH128_LEN]),
                        void *data)
{
    unsigned part;

    for (part = MACHINE_LIVE; part < MACHINE_PARTS; part++) {
        machine_each_chunk_of(machine, (enum machine_part)part, each, data);
    }
}

void machine_each_chunk_of(const struct machine *machine,
                           enum machine_part part,
                           void (*each)(void *data, struct chunk *chunk,
                                        const uint8_t from[HASH128_LEN]),
                           void *data)
{
    const struct logs *logs = state_logs(machine->state, part);
    size_t i;
    size_t j;

    for (i = 0; logs != NULL && i < logs->count; i++) {
        const struct log *log = logs->by_uid[i];

        for (j = 0; j < chunk_list_count(log->sealed); j++) {
            struct chunk *chunk = chunk_list_at(log->sealed, j);

            if (state_find_named(machine->state, &chunk->name, part, NULL) !=
                chunk) {
                each(data, chunk, log_chain(log, j));
            }
        }
    }
}

struct chunk *machine_find_chunk(const struct machine *machine, uint64_t uid,
                                 uint64_t position)
{
    const struct log *log = logs_find_uid(&machine->state->logs, uid);
    struct chunk *chunk;

    if (log == NULL) {
        return NULL;
    }
    chunk = log_find(log, position);
    if (chunk == NULL || !chunk->sealed || chunk->name.first > position) {
        return NULL;
    }
    return chunk;
}

struct chunk_set *machine_chunks(const struct machine *machine)
{
    return state_chunks(machine->state);
}

int machine_use_chunks(struct machine *machine,
                       const struct chunk_source *source, struct err *err)
{
    unsigned part;
    int rv;

    for (part = MACHINE_LIVE; part < MACHINE_PARTS; part++) {
        struct logs *logs = state_logs(machine->state, (enum machine_part)part);

        rv = logs == NULL ? 0 : use_chunks(logs, source, err);
        if (rv != 0) {
            return rv;
        }
    }
    return 0;
}

static int use_chunks(struct logs *logs, const struct chunk_source *source,
                      struct err *err)
{
    size_t i;
    size_t j;
    int rv;

    for (i = 0; i < logs->count; i++) {
        struct log *log = logs->by_uid[i];

        for (j = 0; j < chunk_list_count(log->sealed); j++) {
            rv = use_chunk(log, j, source, err);
            if (rv != 0) {
                return rv;
            }
        }
    }
    return 0;
}

static int use_chunk(struct log *log, size_t index,
                     const struct chunk_source *source, struct err *err)
{
    struct chunk *chunk = chunk_list_at(log->sealed, index);
    struct chunk_facts facts = chunk_facts(chunk);
    struct chunk *found = source->find(source->data, &facts.name);

    if (found == NULL || found == chunk) {
        chunk_drop(found);
        return 0;
    }
    if (!chunk_has_facts(found, &facts)) {
        chunk_drop(found);
        return err_set(err, QL_CORRUPT, "a chunk here has other numbers");
    }
    chunk_list_set(&log->sealed, index, found);
    return 0;
}
