/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * What a seed decides. Every kind of fault is on or off as a whole and its
 * intensity is drawn (swarm testing): a run with everything on never gets to
 * where a single fault, often repeated, leads.
 */
#include <stdio.h>
#include <string.h>

#include "sim/sim.h"

static const char *const class_names[SIM_CLASSES] = {
    "crashes",   "partitions", "oneway", "slowdisks", "drops",
    "reorders",  "errors",     "drains", "snapshots", "async",
    "transfers", "changes",    "flips",  "fulldisks", "tears",
    "jumps",     "nomemory",   "cuts",   "freezes",   "recoveries"};

static void draw_family(struct sim *sim);
static void draw_faults(struct sim *sim);
static void apply_bias(struct sim *sim);
static void bias_deposed(struct sim *sim);
static void bias_installs(struct sim *sim);
static void bias_damage(struct sim *sim);
static void bias_recovery(struct sim *sim);
static void bias_lacks(struct sim *sim);
static void bias_blips(struct sim *sim);
static void draw_full(struct sim *sim);

static unsigned draw(struct sim *sim, unsigned least, uint64_t below)
{
    return least + (unsigned)sim_random(sim, below);
}

static bool flip(struct sim *sim)
{
    return sim_random(sim, 2) == 0;
}

/* Mostly small, sometimes large: extremes of two things at once are where
 * faults hide. */
void sim_draw_knobs(struct sim *sim)
{
    struct sim_knobs *k = &sim->knobs;

    draw_family(sim);
    draw_faults(sim);
    k->drop = (double)sim_random(sim, 200) / 1e3;
    k->write_error = (double)sim_random(sim, 200) / 1e4;
    k->latency_min_ms = draw(sim, 1, 5);
    k->latency_span_ms = draw(sim, 1, sim_random(sim, 3) != 0 ? 20 : 100);
    k->disk_ms =
        draw(sim, 1, flip(sim) ? 5 : (sim_random(sim, 3) != 0 ? 120 : 500));
    k->snapshot_ms = draw(sim, 1, flip(sim) ? 20 : 800);
    k->drain_ms = draw(sim, 2, flip(sim) ? 20 : 700);
    k->fault_every_ms = draw(sim, 20, 500);
    k->client_every_ms = draw(sim, 30, flip(sim) ? 300 : 2000);
    k->transfer_every_ms = draw(sim, 60, flip(sim) ? 400 : 2000);
    k->change_every_ms = draw(sim, 40, flip(sim) ? 400 : 2000);
    k->snapshot_threshold = draw(sim, 10, 50);
    k->snapshot_trailing = draw(sim, 1, flip(sim) ? 5 : 40);
    k->install_timeout_ms = draw(sim, 200, 3000);
    k->message_entries_max = draw(sim, 1, flip(sim) ? 4 : 50);
    k->send_bytes_max = sim_random(sim, 3) != 0 ? 0 : draw(sim, 300, 4000);
    apply_bias(sim);
    if (sim->options.full && sim->options.bias != SIM_BLIPS) {
        draw_full(sim);
    }
    k->classes &= ~sim->options.without;
}

bool sim_has(const struct sim *sim, enum sim_class class)
{
    return (sim->knobs.classes & (unsigned)class) != 0;
}

static void set_class(struct sim *sim, enum sim_class class, bool on)
{
    sim->knobs.classes &= ~(unsigned)class;
    sim->knobs.classes |= on ? (unsigned)class : 0;
}

/* How many voters, and what else goes on beside commands. */
static void draw_family(struct sim *sim)
{
    static const unsigned sizes[] = {1, 2, 3, 3, 3, 3, 5, 5};
    static const struct {
        unsigned min, max;
    } ranges[] = {{3, 5}, {1, 3}, {1, 5}};
    struct sim_knobs *k = &sim->knobs;
    enum sim_family family = sim->options.family;
    size_t range = family == SIM_M35   ? 0
                   : family == SIM_M13 ? 1
                   : family == SIM_ALL ? 2
                                       : sim_random(sim, 3);
    bool changes = family == SIM_MIXED && flip(sim);
    bool snapshots = flip(sim);
    bool transfers = flip(sim);

    k->nodes = sizes[sim_random(sim, sizeof sizes / sizeof sizes[0])];
    changes =
        changes || family == SIM_M35 || family == SIM_M13 || family == SIM_ALL;
    if (changes) {
        k->voters_min = ranges[range].min;
        k->voters_max = ranges[range].max;
        k->nodes = draw(sim, k->voters_min, k->voters_max - k->voters_min + 1);
    }
    if (family != SIM_MIXED) {
        snapshots = family == SIM_SNAP || family == SIM_ALL;
        transfers = family == SIM_TRANSFER || family == SIM_ALL;
    }
    set_class(sim, SIM_CHANGES, changes);
    set_class(sim, SIM_SNAPSHOTS, snapshots);
    set_class(sim, SIM_ASYNC, snapshots && flip(sim));
    set_class(sim, SIM_TRANSFERS, transfers);
}

static void draw_faults(struct sim *sim)
{
    set_class(sim, SIM_CRASHES, sim_random(sim, 3) != 0);
    set_class(sim, SIM_PARTITIONS, sim_random(sim, 3) != 0);
    set_class(sim, SIM_ONE_WAY_CUTS, sim_random(sim, 3) != 0);
    set_class(sim, SIM_SLOW_DISKS, sim_random(sim, 3) != 0);
    set_class(sim, SIM_DROPS, flip(sim));
    set_class(sim, SIM_REORDERS, sim_random(sim, 4) == 0);
    set_class(sim, SIM_WRITE_ERRORS, sim_random(sim, 6) == 0);
    set_class(sim, SIM_DRAINS, flip(sim));
}

static void apply_bias(struct sim *sim)
{
    struct sim_knobs *k = &sim->knobs;

    switch (sim->options.bias) {
    case SIM_FAIR:
        break;
    case SIM_FIGURE8:
        /* Leaders fall soon after they rise (rule A): sim_start_faults(). */
        k->nodes = flip(sim) ? 3 : 5;
        k->classes = SIM_CRASHES;
        k->latency_span_ms = draw(sim, 1, 10);
        k->disk_ms = draw(sim, 1, 10);
        break;
    case SIM_HANDOVERS:
        /* Transfers while elections are going on (rules F, K). */
        k->classes |= SIM_TRANSFERS | SIM_DROPS;
        k->classes &= ~(unsigned)SIM_CRASHES;
        k->nodes = k->nodes < 3 ? 3 : k->nodes;
        k->transfer_every_ms = draw(sim, 20, 60);
        k->latency_span_ms = draw(sim, 50, 250);
        break;
    case SIM_STALE:
        /* Messages that come long after a snapshot has passed them (rule T). */
        k->classes |= SIM_SNAPSHOTS | SIM_CHANGES | SIM_CRASHES;
        k->nodes = draw(sim, 1, 3);
        k->voters_min = 1;
        k->voters_max = 5;
        k->change_every_ms = draw(sim, 20, 200);
        k->snapshot_threshold = draw(sim, 3, 20);
        k->snapshot_trailing = draw(sim, 1, 3);
        k->client_every_ms = draw(sim, 20, 60);
        break;
    case SIM_PAIR:
        /* One or two voters, all the time (rules L, Q, R, S). */
        k->nodes = draw(sim, 1, 2);
        k->voters_min = 1;
        k->voters_max = 2;
        k->classes |= SIM_CHANGES | SIM_CRASHES | SIM_TRANSFERS | SIM_DROPS;
        k->change_every_ms = draw(sim, 20, 200);
        k->transfer_every_ms = draw(sim, 20, 200);
        if (flip(sim)) {
            k->nodes = 2;
            k->classes &= ~(unsigned)SIM_CHANGES;
        }
        break;
    case SIM_DEPOSED:
        bias_deposed(sim);
        break;
    case SIM_INSTALLS:
        bias_installs(sim);
        break;
    case SIM_DAMAGE:
        bias_damage(sim);
        break;
    case SIM_RECOVERY:
        bias_recovery(sim);
        break;
    case SIM_LACKS:
        bias_lacks(sim);
        break;
    case SIM_BLIPS:
        bias_blips(sim);
        break;
    }
}

/* Leaders that do not hear of the next one (reads). */
static void bias_deposed(struct sim *sim)
{
    struct sim_knobs *k = &sim->knobs;

    k->classes = SIM_PARTITIONS | SIM_ONE_WAY_CUTS | SIM_DROPS | SIM_TRANSFERS;
    k->nodes = flip(sim) ? 3 : 5;
    k->drop = (double)draw(sim, 200, 400) / 1e3;
    k->latency_span_ms = draw(sim, 1, 20);
    k->disk_ms = draw(sim, 1, 5);
    k->client_every_ms = draw(sim, 20, 60);
    k->fault_every_ms = draw(sim, 20, 200);
    k->transfer_every_ms = draw(sim, 60, 300);
}

/* Snapshots for servers whose log goes another way behind them. */
static void bias_installs(struct sim *sim)
{
    struct sim_knobs *k = &sim->knobs;

    k->classes &= ~(unsigned)SIM_CHANGES;
    k->classes |= SIM_SNAPSHOTS | SIM_CRASHES | SIM_PARTITIONS;
    k->nodes = flip(sim) ? 3 : 5;
    k->snapshot_threshold = draw(sim, 2, 6);
    k->snapshot_trailing = draw(sim, 1, 2);
    k->client_every_ms = draw(sim, 10, 30);
    k->fault_every_ms = draw(sim, 20, 200);
    k->disk_ms = draw(sim, 20, 200);
    k->snapshot_ms = draw(sim, 20, 100);
    k->install_timeout_ms = draw(sim, 100, 300);
}

/* A server whose disk is damaged again and again (rule V). */
static void bias_damage(struct sim *sim)
{
    struct sim_knobs *k = &sim->knobs;

    k->classes &= ~(unsigned)SIM_CHANGES;
    k->classes |= SIM_CRASHES | SIM_PARTITIONS;
    k->nodes = flip(sim) ? 3 : 5;
    k->client_every_ms = draw(sim, 20, 200);
    k->fault_every_ms = draw(sim, 20, 200);
}

/* Leaders that fall, and snapshots that are installed, while logs are replaced. */
static void bias_recovery(struct sim *sim)
{
    struct sim_knobs *k = &sim->knobs;

    k->classes &= ~(unsigned)SIM_CHANGES;
    k->classes |= SIM_SNAPSHOTS | SIM_CRASHES | SIM_PARTITIONS;
    k->nodes = flip(sim) ? 3 : 5;
    k->snapshot_threshold = draw(sim, 5, 40);
    k->snapshot_trailing = draw(sim, 1, 10);
    k->client_every_ms = draw(sim, 30, 200);
    k->latency_span_ms = draw(sim, 1, 20);
    k->disk_ms = draw(sim, 1, 30);
    k->fault_every_ms = draw(sim, 100, 900);
}

/* One of three loses its packs again and again, while another, which is brought
 * up by a snapshot, lacks the same chunks: neither has what the other asks for. */
static void bias_lacks(struct sim *sim)
{
    struct sim_knobs *k = &sim->knobs;

    k->classes &= ~(unsigned)SIM_CHANGES;
    k->classes |= SIM_SNAPSHOTS | SIM_CRASHES | SIM_PARTITIONS;
    k->nodes = 3;
    k->snapshot_threshold = draw(sim, 2, 10);
    k->snapshot_trailing = draw(sim, 1, 2);
    k->client_every_ms = draw(sim, 40, 60);
    k->fault_every_ms = draw(sim, 200, 700);
}

/* Nothing that could keep a leader from being heard by a majority in time. */
static void bias_blips(struct sim *sim)
{
    struct sim_knobs *k = &sim->knobs;

    k->classes &= (unsigned)(SIM_SNAPSHOTS | SIM_ASYNC | SIM_REORDERS);
    k->nodes = flip(sim) ? 3 : 5;
    k->latency_span_ms = draw(sim, 1, 20);
    k->disk_ms = draw(sim, 1, 20);
    k->snapshot_ms = draw(sim, 1, 20);
}

/* Last, so that the rest is as it is without. A start takes time here, and more of
 * it where no snapshot shortens the log; so there are fewer, and clients get
 * further between them. Bits flip only where the others can elect a leader at all
 * times (raft_disk.h). */
static void draw_full(struct sim *sim)
{
    struct sim_knobs *k = &sim->knobs;
    bool snapshots = sim_random(sim, 4) != 0;

    if (sim->options.family == SIM_MIXED) {
        set_class(sim, SIM_SNAPSHOTS, sim_has(sim, SIM_SNAPSHOTS) || snapshots);
    }
    k->fault_every_ms *= draw(sim, sim_has(sim, SIM_SNAPSHOTS) ? 1 : 2, 3);
    set_class(sim, SIM_TEARS, flip(sim));
    set_class(sim, SIM_FULL_DISKS, sim_random(sim, 4) == 0);
    set_class(sim, SIM_CLOCK_JUMPS, flip(sim));
    set_class(sim, SIM_NO_MEMORY, sim_random(sim, 3) == 0);
    set_class(sim, SIM_CUTS, flip(sim));
    set_class(sim, SIM_FREEZES, sim_random(sim, 3) == 0);
    set_class(sim, SIM_FLIPS,
              (flip(sim) || sim->options.bias == SIM_DAMAGE ||
               sim->options.bias == SIM_LACKS) &&
                  k->nodes >= 3 && !sim_has(sim, SIM_CHANGES));
}

const char *sim_class_names(unsigned classes)
{
    static char text[256];
    size_t len = 0;

    text[0] = '\0';
    for (unsigned i = 0; i < SIM_CLASSES; i++) {
        if ((classes & (1u << i)) != 0 && len < sizeof text) {
            len += (size_t)snprintf(text + len, sizeof text - len, "%s%s",
                                    len == 0 ? "" : ",", class_names[i]);
        }
    }
    return text;
}

unsigned sim_class_by_name(const char *name)
{
    for (unsigned i = 0; i < SIM_CLASSES; i++) {
        if (strcmp(class_names[i], name) == 0) {
            return 1u << i;
        }
    }
    return 0;
}
