/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * Looks at entries whose bytes a server does not have in memory: they are loaded
 * as the daemon loads them, while all else goes on, and compared with what was
 * appended when they come. At the end of a run nothing else goes on.
 */
#include "sim/sim_recovery.h"
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

/* An append has put it there: now, or before a recovery. */
static bool was_appended(const struct sim *sim, uint64_t uid,
                         const struct read_entry *entry)
{
    uint64_t op = get_u64(entry->value.data);

    for (unsigned i = 0; op < SIM_VALUES_MAX && i < LOGS; i++) {
        const struct sim_place *place = &sim->clients->places[op][i];

        if (place->uid == uid && entry->position >= place->first &&
            entry->position - place->first < place->count) {
            return true;
        }
    }
    return false;
}

/* That there is none too few its name says. */
static void compare(const struct sim_node *node, const struct chunk *chunk)
{
    struct read_entry entry;
    size_t offset = 0;
    uint32_t count = 0;

    while (chunk_next(chunk, &offset, &entry)) {
        if (!was_appended(node->sim, chunk->name.uid, &entry)) {
            sim_fail(node->sim, "WRONG CHUNK: server %llu: log %llu at %llu",
                     node->id, (unsigned long long)chunk->name.uid,
                     (unsigned long long)entry.position);
            return;
        }
        count++;
    }
    if (count != chunk->entries) {
        sim_fail(node->sim, "WRONG CHUNK: server %llu: %u entries, not %u",
                 node->id, count, chunk->entries);
    }
}

/* Some state that the server has names it. */
static bool is_named(const struct sim_node *node, const struct chunk *chunk)
{
    return machine_find_named(node->machine->machine, &chunk->name, NULL) !=
           NULL;
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

    sim->totals.loads++;
    compare(node, chunk);
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
        if (is_named(node, chunk) && !sim_damage_found(node)) {
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
