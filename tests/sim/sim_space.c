/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * Servers that look at their disks, tell each other, and refuse appends while too
 * many are nearly full: space.h and the reserve of the real disk layer, as
 * consensus/space_watch.c uses them in the daemon. Words may be late or lost.
 */
#include <string.h>

#include "consensus/guard_view.h"
#include "consensus/space_report.h"
#include "sim/sim_space.h"
#include "util/mem.h"
#include "wire/args_cluster.h"

#define LOST_PERCENT 5
#define SNAPSHOT_NEEDS (8u * 1024u) /* bytes: about what they take here */

struct sim_word {
    struct sim_node *to;
    raft_id from;
    uint8_t bytes[SPACE_REPORT_LEN];
};

struct sim_proposal {
    struct raft_apply apply;
    struct sim_node *node;
};

static void on_timer(struct sim *sim, struct sim_node *node, void *data);
static void look(struct sim_node *node);
static void on_look(void *data, const struct reserve_look *found);
static void report(struct sim_node *node);
static void on_arrival(struct sim *sim, struct sim_node *node, void *data);
static void consider(struct sim_node *node);

void sim_space_boot(struct sim_node *node)
{
    struct sim *sim = node->sim;

    space_init(&node->machine->space, node->id, SIM_LOW_BYTES);
    sim_at(sim, sim->now + 1 + sim_random(sim, SPACE_REPORT_MS), node, on_timer,
           NULL);
}

static void on_timer(struct sim *sim, struct sim_node *node, void *data)
{
    (void)data;
    look(node);
    report(node);
    consider(node);
    sim_at(sim, sim->now + SPACE_REPORT_MS, node, on_timer, NULL);
}

/* ---- A server's own disk ---- */

static void look(struct sim_node *node)
{
    const struct space *space = &node->machine->space;

    /* One that is under way is as good. */
    (void)raft_disk_look(
        node->store->disk,
        space_reserve_needs(space, SIM_RESERVE_BYTES, SNAPSHOT_NEEDS), on_look,
        node);
}

static void on_look(void *data, const struct reserve_look *found)
{
    struct sim_node *node = data;
    struct space *space = &node->machine->space;
    const struct space_sample sample = {.free_bytes = found->free_bytes,
                                        .total_bytes = found->total_bytes,
                                        .needed_bytes = SNAPSHOT_NEEDS,
                                        .reserve_missing = found->missing};

    if (node->store->silent || node->ended) {
        return;
    }
    if (space_take_sample(space, &sample)) {
        bool low = space_own(space)->low;

        sim_trace(node->sim, "%llu is %s on space", node->id,
                  low ? "low" : "no more low");
        node->store->ever_low = node->store->ever_low || low;
        raft_disk_set_lean(node->store->disk, low);
        report(node);
    }
    consider(node);
}

/* ---- The others ---- */

static void report(struct sim_node *node)
{
    struct sim *sim = node->sim;
    const struct space_report *own = space_own(&node->machine->space);

    if (own == NULL) {
        return;
    }
    for (unsigned i = 0; i < sim->node_count; i++) {
        struct sim_word *word;

        if (i == node->id - 1 || node->ended || sim->cut[node->id - 1][i] ||
            sim_random(sim, 100) < LOST_PERCENT) {
            continue;
        }
        word = sim_alloc(sim, sizeof *word);
        word->to = &sim->nodes[i];
        word->from = node->id;
        space_report_encode(own, word->bytes);
        sim_at(sim,
               sim->now + sim->knobs.latency_min_ms +
                   sim_random(sim, sim->knobs.latency_span_ms),
               NULL, on_arrival, word);
    }
}

static void on_arrival(struct sim *sim, struct sim_node *node, void *data)
{
    struct sim_word *word = data;
    struct space_report heard;

    node = word->to;
    if (!node->up || sim_node_is_frozen(node)) {
        return;
    }
    sim->running = node;
    if (space_report_decode(&heard, word->bytes, sizeof word->bytes) != 0) {
        sim_fail(sim, "SENSELESS FRAME: from server %llu to %llu", word->from,
                 node->id);
        return;
    }
    space_hear(&node->machine->space, word->from, &heard, sim->now);
    consider(node);
}

/* ---- What the leader does about it ---- */

static void on_proposed(struct raft_apply *apply, int status, void *result)
{
    const struct sim_proposal *proposal = apply->data;

    (void)status;
    (void)result;
    proposal->node->machine->proposes = false;
}

/* A cluster in which a majority has always had room never begins to refuse
 * anything. It may go on with it while a new voter has not looked yet. */
static void check_refusal(const struct sim_node *node, const uint64_t *voters,
                          size_t count)
{
    const struct sim *sim = node->sim;
    size_t roomy = 0;

    for (size_t i = 0; i < count; i++) {
        roomy += sim->nodes[voters[i] - 1].store->ever_low ? 0 : 1;
    }
    if (roomy > count / 2) {
        sim_fail(node->sim,
                 "REFUSALS: server %llu, though %zu of %zu have room", node->id,
                 roomy, count);
    }
}

static void propose(struct sim_node *node, bool low)
{
    struct sim *sim = node->sim;
    struct sim_proposal *proposal = sim_alloc(sim, sizeof *proposal);
    const struct space_args args = {low};
    struct batch_writer writer;
    struct buf params = BUF_INIT;
    struct raft_buffer buffer;

    if (space_args_encode(&args, &params) != 0) {
        sim_fail(sim, "HARNESS: cannot encode a proposal");
        return;
    }
    buffer.len = batch_len(1, params.len);
    buffer.base = raft_calloc(1, buffer.len);
    batch_open(&writer, buffer.base, buffer.len, sim_client_time(sim));
    batch_add(&writer, COMMAND_SPACE, (struct bytes){params.data, params.len});
    buffer.len = batch_close(&writer);
    buf_close(&params);
    proposal->apply.data = proposal;
    proposal->node = node;
    sim_trace(sim, "%llu proposes to %s appends", node->id,
              low ? "refuse" : "take");
    if (raft_apply(&node->raft, &proposal->apply, &buffer, 1, on_proposed) !=
        0) {
        raft_free(buffer.base);
        return;
    }
    node->machine->proposes = true;
    space_wished(&node->machine->space, sim->now);
    guard_after(node->guard);
}

static size_t list_voters(const struct raft *raft,
                          uint64_t ret[SPACE_PEERS_MAX])
{
    size_t count = 0;

    for (unsigned i = 0; i < raft->configuration.n; i++) {
        if (raft->configuration.servers[i].role == RAFT_VOTER) {
            ret[count] = raft->configuration.servers[i].id;
            count++;
        }
    }
    return count;
}

static void consider(struct sim_node *node)
{
    const struct space *space = &node->machine->space;
    uint64_t voters[SPACE_PEERS_MAX];
    struct machine_counts counts;
    enum space_wish wish;
    size_t count;

    if (node->machine->proposes || node->doomed || node->restarting ||
        node->raft.state != RAFT_LEADER || node->raft.transfer != NULL ||
        !guard_is_ready_leader(node->guard)) {
        return;
    }
    count = list_voters(&node->raft, voters);
    machine_counts(node->machine->machine, &counts);
    wish = space_wish(space, voters, count, counts.space_low, node->sim->now);
    if (wish == SPACE_REFUSE && !counts.space_low) {
        check_refusal(node, voters, count);
    }
    if (wish != SPACE_NOTHING) {
        propose(node, wish == SPACE_REFUSE);
    }
}
