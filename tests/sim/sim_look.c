/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * Looks at entries whose bytes a server does not have in memory: they are loaded
 * as the daemon loads them, while all else goes on, and compared with what was
 * appended when they come. At the end of a run nothing else goes on.
 */
#include "sim/sim_client_internal.h"
#include "sim/sim_store_internal.h"

#define LOOK_TICKS 100
#define HELD_MS 50 /* bytes that were loaded, by who reads them */

struct sim_look {
    struct chunk_load load;
    struct list link; /* in the store's looks, while its bytes are held */
    struct sim_node *node;
    bool at_rest;
    bool done;
};

static const struct log_history *history_of(const struct sim *sim, uint64_t uid)
{
    for (unsigned i = 0; i < LOGS; i++) {
        if (sim->clients->logs[i].uid == uid) {
            return &sim->clients->logs[i];
        }
    }
    return NULL; /* deleted since */
}

static void compare(const struct sim_node *node, const struct chunk *chunk,
                    const struct log_history *log)
{
    struct read_entry entry;
    uint64_t position = chunk->name.first;
    size_t offset = 0;

    while (chunk_next(chunk, &offset, &entry)) {
        if (entry.position != position || position >= log->next ||
            get_u64(entry.value.data) != log->ops[position]) {
            sim_fail(node->sim, "WRONG CHUNK: server %llu: %s at %llu",
                     node->id, log->name, (unsigned long long)position);
            return;
        }
        position++;
    }
    if (position != chunk->name.last + 1) {
        sim_fail(node->sim, "WRONG CHUNK: server %llu: %s ends at %llu",
                 node->id, log->name, (unsigned long long)position);
    }
}

static void end(struct sim_look *look)
{
    list_remove(&look->link);
    chunk_store_load_end(look->node->store->chunks, &look->load);
}

/* The bytes stay until then, whatever else is loaded. */
static void on_read(struct sim *sim, struct sim_node *node, void *data)
{
    struct sim_look *look = data;
    const struct chunk *chunk = look->load.chunk;
    const struct log_history *log = history_of(sim, chunk->name.uid);

    if (log != NULL) {
        sim->totals.loads++;
        compare(node, chunk, log);
    }
    end(look);
}

/* What a server lacks for a while it has found damaged. That it comes back is part
 * of what a run waits for (sim_damage_is_healed()). */
static void on_loaded(struct chunk_load *load, int status)
{
    struct sim_look *look = LIST_ITEM(load, struct sim_look, load);
    struct sim_node *node = look->node;
    const struct chunk *chunk = load->chunk;
    struct sim *sim = node->sim;

    look->done = true;
    if (node->ended || node->store->silent) {
        list_push_back(&node->store->looks, &look->link);
        return;
    }
    if (status == 0 && look->at_rest) {
        on_read(sim, node, look);
    } else if (status == 0) {
        list_push_back(&node->store->looks, &look->link);
        sim_at(sim, sim->now + sim_random(sim, HELD_MS), node, on_read, look);
    } else {
        if (history_of(sim, chunk->name.uid) != NULL &&
            !sim_damage_found(node)) {
            sim_fail(sim, "GONE: server %llu: positions from %llu to %llu: %d",
                     node->id, (unsigned long long)chunk->name.first,
                     (unsigned long long)chunk->name.last, status);
        }
        end(look);
    }
}

void sim_look_close(struct sim_node *node)
{
    struct list *looks = &node->store->looks;

    while (!list_empty(looks)) {
        end(LIST_ITEM(looks->next, struct sim_look, link));
    }
}

static struct sim_look *begin(struct sim_node *node, struct chunk *chunk,
                              bool at_rest)
{
    struct sim_look *look = sim_alloc(node->sim, sizeof *look);

    list_init(&look->link);
    look->node = node;
    look->at_rest = at_rest;
    chunk_store_load(node->store->chunks, &look->load, chunk, on_loaded);
    return look;
}

void sim_look(struct sim_node *node, struct chunk *chunk)
{
    (void)begin(node, chunk, false);
}

void sim_look_now(struct sim_node *node, struct chunk *chunk)
{
    const struct sim_look *look = begin(node, chunk, true);

    for (unsigned i = 0; i < LOOK_TICKS && !look->done; i++) {
        sim_chunks_pass(node, i);
    }
    /* It may have found the damage just now. */
    if (!look->done && !sim_damage_found(node)) {
        sim_fail(node->sim, "GONE: server %llu cannot load a chunk from %llu",
                 node->id, (unsigned long long)chunk->name.first);
    }
}
