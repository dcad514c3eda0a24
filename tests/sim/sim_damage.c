/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * Bits that flip, and what servers may lack because of that. A server that never
 * found a copy damaged has each chunk that its state names, at all times. One that
 * did gets it back from the others: only when as many as make a majority have
 * found damage may a chunk be gone for good.
 */
#include <string.h>

#include "consensus/install.h"
#include "sim/sim_store_internal.h"

#define TRIES 16

/* ---- Bits ---- */

struct sim_names {
    struct sim *sim;
    const char *suffix;
    unsigned count;
    char name[DISK_NAME_MAX]; /* any of them */
};

static void on_name(void *data, const char *name)
{
    struct sim_names *names = data;
    size_t len = strlen(name);
    size_t suffix_len = strlen(names->suffix);

    if (len < suffix_len || strchr(name, '/') != NULL ||
        strcmp(name + len - suffix_len, names->suffix) != 0) {
        return;
    }
    names->count++;
    if (sim_random(names->sim, names->count) == 0) {
        memcpy(names->name, name, len + 1);
    }
}

/* Of one server only: what a majority has lost nobody can bring back. A flipped
 * bit in space that is not in use may come to light at any later time. */
static bool may_damage(const struct sim_node *node)
{
    const struct sim_node *victim = sim_damage_victim(node->sim);

    return victim == NULL || victim == node;
}

struct sim_node *sim_damage_victim(struct sim *sim)
{
    for (unsigned i = 0; i < sim->node_count; i++) {
        if (sim->nodes[i].store->flipped) {
            return &sim->nodes[i];
        }
    }
    return NULL;
}

static void flip(struct sim_node *node, struct fake_disk *fake,
                 const char *suffix)
{
    struct sim *sim = node->sim;
    struct sim_names names = {.sim = sim, .suffix = suffix};
    const uint8_t *bytes;
    uint64_t at = 0;
    size_t len = 0;

    if (!may_damage(node)) {
        return;
    }
    fake_disk_each(fake, on_name, &names);
    bytes = names.count == 0 ? NULL : fake_disk_bytes(fake, names.name, &len);
    for (unsigned i = 0; i < TRIES && len > 0; i++) {
        at = sim_random(sim, len);
        if (bytes[at] != 0) {
            break;
        }
    }
    if (len == 0) {
        return;
    }
    sim_trace(sim, "%llu has a flipped bit in %s at %llu", node->id, names.name,
              (unsigned long long)at);
    node->store->flipped = true;
    sim->totals.flips++;
    fake_disk_flip(fake, names.name, at * 8 + sim_random(sim, 8));
}

void sim_damage_flip(struct sim_node *node)
{
    flip(node,
         sim_random(node->sim, 2) == 0 ? node->store->fake : node->store->packs,
         "");
}

void sim_damage_flip_pack(struct sim_node *node)
{
    flip(node, node->store->packs, ".pack");
}

void sim_damage_lose_packs(struct sim_node *node)
{
    struct sim_names names = {.sim = node->sim, .suffix = ".pack"};

    if (!may_damage(node)) {
        return;
    }
    fake_disk_each(node->store->packs, on_name, &names);
    while (names.count > 0) {
        fake_disk_delete(node->store->packs, names.name);
        node->store->flipped = true;
        names.count = 0;
        fake_disk_each(node->store->packs, on_name, &names);
    }
    sim_trace(node->sim, "%llu has lost its packs", node->id);
}

/* ---- What it excuses ---- */

bool sim_damage_found(struct sim_node *node)
{
    struct sim_store *store = node->store;
    struct chunk_store_status status;

    if (store->chunks != NULL && !store->damaged) {
        chunk_store_get_status(store->chunks, &status);
        store->damaged = status.damaged > 0;
    }
    if (store->damaged && !store->flipped && !store->failed && !node->ended) {
        sim_fail(node->sim,
                 "DAMAGE: server %llu finds some, though none was "
                 "done",
                 node->id);
    }
    return store->flipped || store->damaged;
}

/* Of the voters as the newest leader has them. */
static bool is_voter(const struct sim_node *node)
{
    const struct sim_node *leader = sim_newest_leader(node->sim);

    if (leader == NULL) {
        return false;
    }
    for (unsigned i = 0; i < leader->raft.configuration.n; i++) {
        const struct raft_server *server =
            &leader->raft.configuration.servers[i];

        if (server->id == node->id) {
            return server->role == RAFT_VOTER;
        }
    }
    return false;
}

static bool majority_found(struct sim *sim)
{
    unsigned voters = 0;
    unsigned found = 0;

    for (unsigned i = 0; i < sim->node_count; i++) {
        if (is_voter(&sim->nodes[i])) {
            voters++;
            found += sim_damage_found(&sim->nodes[i]) ? 1 : 0;
        }
    }
    return found > voters / 2;
}

void sim_damage_adopted(struct sim_node *node, size_t missing)
{
    if (missing > 0 && !node->ended && !sim_damage_found(node)) {
        sim_fail(node->sim,
                 "UNSTORED: server %llu lacks %zu chunks of its "
                 "snapshot",
                 node->id, missing);
    }
}

/* ---- At the end ---- */

static bool lacks(const struct sim_node *node)
{
    return node->up && node->store->chunks != NULL &&
           (chunk_store_missing(node->store->chunks) > 0 ||
            install_is_active(node->store->install));
}

bool sim_damage_is_healed(struct sim *sim)
{
    for (unsigned i = 0; i < sim->node_count; i++) {
        if (lacks(&sim->nodes[i]) && is_voter(&sim->nodes[i])) {
            return false;
        }
    }
    return true;
}

/* Then nobody can be brought up by a snapshot any more. */
bool sim_damage_is_final(struct sim *sim)
{
    bool lacking = false;

    for (unsigned i = 0; i < sim->node_count; i++) {
        lacking = lacking || lacks(&sim->nodes[i]);
    }
    return lacking && majority_found(sim);
}
