/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "sim/sim.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "util/mem.h"

#define SETTLE_MS 2000    /* before the first fault */
#define CONVERGE_MS 90000 /* after healing */

struct sim_chunk {
    struct list link;
    max_align_t memory[];
};

static void draw_knobs(struct sim *sim);
static void start_cluster(struct sim *sim);
static void run_events(struct sim *sim);
static void end_run(struct sim *sim);
static void heal(struct sim *sim);
static void on_client(struct sim *sim, struct sim_node *node, void *data);
static void on_transfer(struct sim *sim, struct sim_node *node, void *data);
static void on_fault(struct sim *sim, struct sim_node *node, void *data);
static bool take_event(struct sim *sim, struct sim_event *ret);

bool sim_run(const struct sim_options *options, struct sim_totals *totals,
             char ret_text[SIM_TEXT_MAX])
{
    struct sim *sim = mem_must_zalloc(sizeof *sim);
    bool passed;

    sim->options = *options;
    sim->totals = *totals;
    sim->random_state[0] = options->seed * 0x9E3779B97F4A7C15u + 1;
    sim->random_state[1] = options->seed ^ 0xD1B54A32D192ED03u;
    for (int i = 0; i < 16; i++) {
        (void)sim_random(sim, 2);
    }
    list_init(&sim->chunks);
    sim->next_value = 1;
    draw_knobs(sim);
    start_cluster(sim);
    run_events(sim);
    passed = sim->violation[0] == '\0';
    if (!passed) {
        (void)snprintf(ret_text, SIM_TEXT_MAX, "n=%u t=%llu %s",
                       sim->knobs.nodes, (unsigned long long)sim->now,
                       sim->violation);
    }
    if (passed || !options->abandon) {
        end_run(sim);
        *totals = sim->totals;
        free(sim->events);
        free(sim);
    }
    return passed;
}

static unsigned draw(struct sim *sim, unsigned least, uint64_t below)
{
    return least + (unsigned)sim_random(sim, below);
}

/* Mostly small, sometimes large: extremes of two things at once are where
 * faults hide. */
static void draw_knobs(struct sim *sim)
{
    static const unsigned sizes[] = {1, 2, 3, 3, 3, 3, 5, 5};
    struct sim_knobs *k = &sim->knobs;
    bool snapshots = sim_random(sim, 2) == 0;
    bool transfers = sim_random(sim, 2) == 0;

    k->nodes = sizes[sim_random(sim, sizeof sizes / sizeof sizes[0])];
    k->drop = sim_random(sim, 2) == 0 ? 0 : (double)sim_random(sim, 200) / 1e3;
    k->write_error =
        sim_random(sim, 6) != 0 ? 0 : (double)sim_random(sim, 200) / 1e4;
    k->latency_min_ms = draw(sim, 1, 10);
    k->latency_span_ms = draw(sim, 1, sim_random(sim, 3) != 0 ? 50 : 250);
    k->disk_ms = draw(
        sim, 1,
        sim_random(sim, 2) != 0 ? 5 : (sim_random(sim, 3) != 0 ? 400 : 1500));
    k->snapshot_ms = draw(sim, 1, sim_random(sim, 2) != 0 ? 50 : 2500);
    k->drain_ms = draw(sim, 1, sim_random(sim, 2) != 0 ? 20 : 2000);
    k->fault_every_ms = draw(sim, 50, 1500);
    k->client_every_ms = draw(sim, 60, sim_random(sim, 2) != 0 ? 500 : 3000);
    k->transfer_every_ms =
        transfers ? draw(sim, 200, sim_random(sim, 2) != 0 ? 1000 : 5000) : 0;
    k->snapshot_threshold = snapshots ? draw(sim, 10, 50) : 1000000;
    k->snapshot_trailing =
        snapshots ? draw(sim, 1, sim_random(sim, 2) != 0 ? 5 : 40) : 100;
    k->install_timeout_ms = draw(sim, 500, 10000);
    k->message_entries_max = draw(sim, 1, sim_random(sim, 2) != 0 ? 4 : 50);
    k->send_bytes_max = sim_random(sim, 3) != 0 ? 0 : draw(sim, 300, 4000);
    k->reorders = sim_random(sim, 4) == 0;
    k->crashes = sim_random(sim, 3) != 0;
    k->partitions = sim_random(sim, 3) != 0;
    k->one_way_cuts = sim_random(sim, 3) != 0;
    k->slow_disks = sim_random(sim, 3) != 0;
}

/* libraft leaves the padding of an encoded configuration as it finds it, so one
 * encoding serves all disks. */
static struct sim_bytes first_configuration(struct sim *sim)
{
    struct raft_configuration configuration;
    struct raft_buffer encoded = {NULL, 0};
    struct sim_bytes bytes;

    raft_configuration_init(&configuration);
    for (unsigned i = 0; i < sim->knobs.nodes; i++) {
        const struct sim_node *node = &sim->nodes[i];

        (void)raft_configuration_add(&configuration, node->id, node->address,
                                     RAFT_VOTER);
    }
    if (raft_configuration_encode(&configuration, &encoded) != 0) {
        sim_fail(sim, "HARNESS: cannot encode a configuration");
    }
    bytes = sim_copy(sim, encoded.base, encoded.len);
    raft_free(encoded.base);
    raft_configuration_close(&configuration);
    return bytes;
}

static void start_cluster(struct sim *sim)
{
    struct sim_bytes configuration;

    for (unsigned i = 0; i < sim->knobs.nodes; i++) {
        sim_node_init(sim, &sim->nodes[i], i);
    }
    configuration = first_configuration(sim);
    for (unsigned i = 0; i < sim->knobs.nodes; i++) {
        sim_disk_bootstrap(&sim->nodes[i], configuration);
        sim_node_boot(&sim->nodes[i]);
    }
    sim_at(sim, sim_random(sim, sim->knobs.client_every_ms), NULL, on_client,
           NULL);
    sim_at(sim, SETTLE_MS, NULL, on_fault, NULL);
    if (sim->knobs.transfer_every_ms > 0) {
        sim_at(sim, SETTLE_MS, NULL, on_transfer, NULL);
    }
}

static void run_events(struct sim *sim)
{
    struct sim_event event;

    while (sim->violation[0] == '\0' && take_event(sim, &event)) {
        struct sim_node *node = event.node;

        sim->now = event.at;
        if (!sim->healed && sim->now >= sim->options.duration_ms) {
            heal(sim);
        }
        if (sim->healed && sim_oracle_converged(sim)) {
            return;
        }
        if (sim->now > sim->options.duration_ms + CONVERGE_MS) {
            sim_fail(sim, "LIVENESS: not converged after healing");
            return;
        }
        if (node != NULL &&
            (!node->up || node->incarnation != event.incarnation)) {
            continue;
        }
        sim->totals.events++;
        event.fire(sim, node, event.data);
        for (unsigned i = 0; i < sim->knobs.nodes; i++) {
            if (sim->nodes[i].doomed && sim->violation[0] == '\0') {
                sim_node_crash(&sim->nodes[i]);
            }
        }
    }
}

static void end_run(struct sim *sim)
{
    for (unsigned i = 0; i < sim->knobs.nodes; i++) {
        sim_node_crash(&sim->nodes[i]);
    }
    while (!list_empty(&sim->chunks)) {
        struct sim_chunk *chunk =
            LIST_ITEM(sim->chunks.next, struct sim_chunk, link);

        list_remove(&chunk->link);
        free(chunk);
    }
}

/* ---- What happens ---- */

/* Any server that believes it leads, or NULL. */
static struct sim_node *some_leader(struct sim *sim)
{
    struct sim_node *leaders[SIM_NODES_MAX];
    unsigned count = 0;

    for (unsigned i = 0; i < sim->knobs.nodes; i++) {
        if (sim->nodes[i].up && sim->nodes[i].raft.state == RAFT_LEADER) {
            leaders[count] = &sim->nodes[i];
            count++;
        }
    }
    return count == 0 ? NULL : leaders[sim_random(sim, count)];
}

static void on_client(struct sim *sim, struct sim_node *node, void *data)
{
    (void)data;
    node = some_leader(sim);
    if (node != NULL) {
        uint64_t count = sim_random(sim, 4) != 0 ? 1 : 1 + sim_random(sim, 4);

        while (count > 0 && node->raft.state == RAFT_LEADER && !node->doomed) {
            sim_node_submit(node);
            count--;
        }
    }
    sim_at(sim, sim->now + 1 + sim_random(sim, sim->knobs.client_every_ms),
           NULL, on_client, NULL);
}

static void on_transfer(struct sim *sim, struct sim_node *node, void *data)
{
    (void)data;
    node = some_leader(sim);
    if (sim->healed) {
        return;
    }
    if (node != NULL) {
        sim_node_transfer(node, sim_random(sim, sim->knobs.nodes + 1));
    }
    sim_at(sim, sim->now + 1 + sim_random(sim, sim->knobs.transfer_every_ms),
           NULL, on_transfer, NULL);
}

static void cut_in_two(struct sim *sim)
{
    uint64_t side = sim_random(sim, 1u << sim->knobs.nodes);

    memset(sim->cut, 0, sizeof sim->cut);
    for (unsigned a = 0; a < sim->knobs.nodes; a++) {
        for (unsigned b = 0; b < sim->knobs.nodes; b++) {
            sim->cut[a][b] = ((side >> a) & 1) != ((side >> b) & 1);
        }
    }
}

static void boot_one(struct sim *sim)
{
    for (unsigned i = 0; i < sim->knobs.nodes; i++) {
        if (!sim->nodes[i].up) {
            sim_node_boot(&sim->nodes[i]);
            return;
        }
    }
}

static void make_fault(struct sim *sim, struct sim_node *victim)
{
    const struct sim_knobs *knobs = &sim->knobs;
    struct sim_node *leader = some_leader(sim);
    uint64_t kind = sim_random(sim, 12);
    uint64_t other = sim_random(sim, knobs->nodes);

    if (leader != NULL && sim_random(sim, 2) == 0) {
        victim = leader;
    }
    if (kind < 3 && knobs->crashes) {
        sim_node_crash(victim);
    } else if (kind >= 3 && kind < 7) {
        boot_one(sim);
    } else if (kind == 7 && knobs->partitions) {
        cut_in_two(sim);
    } else if (kind == 8 && knobs->one_way_cuts) {
        sim->cut[victim->id - 1][other] = true;
    } else if (kind == 9 && knobs->slow_disks) {
        victim->disk_free_at = sim->now + sim_random(sim, 4000);
    } else if (kind >= 10) {
        memset(sim->cut, 0, sizeof sim->cut);
    }
}

static void on_fault(struct sim *sim, struct sim_node *node, void *data)
{
    (void)node;
    (void)data;
    if (sim->healed) {
        return;
    }
    make_fault(sim, &sim->nodes[sim_random(sim, sim->knobs.nodes)]);
    sim_at(sim, sim->now + 1 + sim_random(sim, sim->knobs.fault_every_ms), NULL,
           on_fault, NULL);
}

static void heal(struct sim *sim)
{
    struct sim_knobs *knobs = &sim->knobs;

    sim_trace(sim, "HEALED");
    sim->healed = true;
    memset(sim->cut, 0, sizeof sim->cut);
    knobs->drop = 0;
    knobs->write_error = 0;
    knobs->disk_ms = 2;
    knobs->snapshot_ms = 20;
    knobs->drain_ms = 1;
    knobs->latency_span_ms = 5;
    knobs->client_every_ms = 100;
    for (unsigned i = 0; i < knobs->nodes; i++) {
        sim->nodes[i].disk_free_at = sim->now;
        if (!sim->nodes[i].up) {
            sim_node_boot(&sim->nodes[i]);
        }
    }
}

/* ---- Events: a binary heap by time, then by order of creation ---- */

static bool is_before(const struct sim_event *a, const struct sim_event *b)
{
    return a->at < b->at || (a->at == b->at && a->sequence < b->sequence);
}

static void swap_events(struct sim_event *a, struct sim_event *b)
{
    struct sim_event kept = *a;

    *a = *b;
    *b = kept;
}

void sim_at(struct sim *sim, uint64_t at, struct sim_node *node, sim_fire fire,
            void *data)
{
    struct sim_event *events;
    size_t i = sim->event_count;

    if (i == sim->event_room) {
        sim->event_room = i == 0 ? 1024 : 2 * i;
        sim->events =
            mem_must_resize(sim->events, sim->event_room * sizeof *sim->events);
    }
    events = sim->events;
    events[i] = (struct sim_event){.at = at,
                                   .sequence = sim->sequence,
                                   .node = node,
                                   .fire = fire,
                                   .data = data};
    events[i].incarnation = node == NULL ? 0 : node->incarnation;
    sim->sequence++;
    sim->event_count++;
    while (i > 0 && is_before(&events[i], &events[(i - 1) / 2])) {
        swap_events(&events[i], &events[(i - 1) / 2]);
        i = (i - 1) / 2;
    }
}

static bool take_event(struct sim *sim, struct sim_event *ret)
{
    struct sim_event *events = sim->events;
    size_t i = 0;

    if (sim->event_count == 0) {
        return false;
    }
    *ret = events[0];
    sim->event_count--;
    events[0] = events[sim->event_count];
    for (;;) {
        size_t least = i;

        for (size_t child = 2 * i + 1; child <= 2 * i + 2; child++) {
            if (child < sim->event_count &&
                is_before(&events[child], &events[least])) {
                least = child;
            }
        }
        if (least == i) {
            return true;
        }
        swap_events(&events[i], &events[least]);
        i = least;
    }
}

/* ---- Tools ---- */

/* xorshift128+ */
uint64_t sim_random(struct sim *sim, uint64_t below)
{
    uint64_t a = sim->random_state[0];
    uint64_t b = sim->random_state[1];

    if (below == 0) {
        return 0;
    }
    sim->random_state[0] = b;
    a ^= a << 23;
    sim->random_state[1] = a ^ b ^ (a >> 17) ^ (b >> 26);
    return (sim->random_state[1] + b) % below;
}

bool sim_chance(struct sim *sim, double probability)
{
    return (double)sim_random(sim, 1000000) < probability * 1e6;
}

void *sim_alloc(struct sim *sim, size_t len)
{
    struct sim_chunk *chunk = mem_must_zalloc(sizeof *chunk + len);

    list_push_back(&sim->chunks, &chunk->link);
    return chunk->memory;
}

struct sim_bytes sim_copy(struct sim *sim, const void *base, size_t len)
{
    struct sim_bytes bytes = {sim_alloc(sim, len), len};

    if (len > 0) {
        memcpy(bytes.base, base, len);
    }
    return bytes;
}

/* FNV-1a */
uint64_t sim_hash(const void *base, size_t len)
{
    const uint8_t *bytes = base;
    uint64_t hash = 1469598103934665603u;

    for (size_t i = 0; i < len; i++) {
        hash = (hash ^ bytes[i]) * 1099511628211u;
    }
    return hash;
}

void sim_trace(struct sim *sim, const char *format, ...)
{
    va_list args;

    if (!sim->options.trace) {
        return;
    }
    printf("%7llu ", (unsigned long long)sim->now);
    va_start(args, format);
    (void)vprintf(format, args);
    va_end(args);
    printf("\n");
}

void sim_fail(struct sim *sim, const char *format, ...)
{
    va_list args;

    if (sim->violation[0] != '\0') {
        return;
    }
    va_start(args, format);
    (void)vsnprintf(sim->violation, sizeof sim->violation, format, args);
    va_end(args);
    sim_trace(sim, "VIOLATION %s", sim->violation);
}
