/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * Clients that read, at any server that believes it leads, and questions and
 * answers on their way, which may be lost, late, doubled, out of order, and from
 * a server's life before its last crash. A read must see whatever any client was
 * told before it was sent: every acknowledged command, and all that an earlier
 * read saw (Herlihy and Wing, "Linearizability", 1990).
 *
 * Reads touch no core and no disk, and their randomness is their own: a seed
 * does to the cluster what it would do without them.
 */
#include <string.h>

#include "sim/sim_full.h"

#define READ_EVERY_MS 20
#define READ_EVERY_MS_FULL 60 /* each looks at more */
#define DROP_PERCENT 5
#define DOUBLE_PERCENT 2
#define LATE_PERCENT 1
#define LATE_MS 2000

struct sim_reader {
    struct node_read read;
    struct sim_node *node;
    raft_index told_last; /* when it was sent */
    struct sim_told told; /* likewise */
};

struct sim_question {
    struct sim_node *from;
    struct sim_node *to;
    enum link_frame type;
    uint8_t bytes[READ_INDEX_FRAME_LEN];
};

static uint64_t draw(struct sim *sim, uint64_t below);
static struct read_facts facts_of(const struct sim_node *node);
static void on_client(struct sim *sim, struct sim_node *node, void *data);
static void on_read(struct node_read *read, int status);
static void on_send(void *data, uint64_t to, enum link_frame type,
                    const uint8_t bytes[READ_INDEX_FRAME_LEN]);
static void on_arrival(struct sim *sim, struct sim_node *node, void *data);

void sim_start_reads(struct sim *sim)
{
    sim->read_state[0] = sim->options.seed * 0xD1342543DE82EF95u + 1;
    sim->read_state[1] = sim->options.seed ^ 0x9E6C63D0876A9A47u;
    sim_at(sim, 1, NULL, on_client, NULL);
}

void sim_read_boot(struct sim_node *node)
{
    struct read_index_options options = {.nonce = draw(node->sim, UINT64_MAX),
                                         .heartbeat_ms = SIM_HEARTBEAT_MS,
                                         .send = on_send,
                                         .data = node};

    read_index_init(&node->reads, &options);
}

void sim_read_step(struct sim_node *node)
{
    struct read_facts facts = facts_of(node);

    read_index_step(&node->reads, &facts, node->sim->now, QL_NOT_LEADER);
}

/* Also during transfers with every other seed: rounds are safe then. */
static struct read_facts facts_of(const struct sim_node *node)
{
    struct read_facts facts;

    read_facts_take(&facts, &node->raft, node->guard);
    facts.may_ask =
        node->raft.transfer == NULL || node->sim->options.seed % 2 == 0;
    return facts;
}

/* xorshift128+, as sim_random(). */
static uint64_t draw(struct sim *sim, uint64_t below)
{
    uint64_t a = sim->read_state[0];
    uint64_t b = sim->read_state[1];

    sim->read_state[0] = b;
    a ^= a << 23;
    sim->read_state[1] = a ^ b ^ (a >> 17) ^ (b >> 26);
    return (sim->read_state[1] + b) % below;
}

/* ---- Clients ---- */

/* It waits in the sockets of a server that is stopped. */
static void on_request(struct sim *sim, struct sim_node *node, void *data)
{
    struct sim_reader *reader = data;
    struct read_facts facts = facts_of(node);

    if (read_index_add(&node->reads, &facts, &reader->read, on_read) == 0 &&
        draw(sim, 2) == 0) {
        sim_read_step(node);
    }
}

static void read_at(struct sim_node *node)
{
    struct sim *sim = node->sim;
    struct sim_reader *reader = sim_alloc(sim, sizeof *reader);

    reader->node = node;
    reader->told_last = sim->told_last;
    if (sim->clients != NULL) {
        sim_client_told(sim, &reader->told);
    }
    if (sim_node_is_frozen(node)) {
        sim_at(sim, node->frozen_until, node, on_request, reader);
    } else {
        on_request(sim, node, reader);
    }
}

static void on_client(struct sim *sim, struct sim_node *node, void *data)
{
    (void)node;
    (void)data;
    for (unsigned i = 0; i < sim->node_count; i++) {
        struct sim_node *leader = &sim->nodes[i];

        if (leader->up && leader->raft.state == RAFT_LEADER &&
            draw(sim, 2) == 0) {
            read_at(leader);
        }
    }
    sim_at(
        sim,
        sim->now + 1 +
            draw(sim, sim->options.full ? READ_EVERY_MS_FULL : READ_EVERY_MS),
        NULL, on_client, NULL);
}

static void on_read(struct node_read *read, int status)
{
    struct sim_reader *reader = LIST_ITEM(read, struct sim_reader, read);
    struct sim_node *node = reader->node;
    struct sim *sim = node->sim;
    raft_index sees = node->raft.last_applied;

    if (status != 0 || node->ended) {
        return;
    }
    sim->totals.reads++;
    if (sees < reader->told_last) {
        sim_fail(sim,
                 "STALE READ: server %llu sees %llu, but %llu was known when "
                 "it was asked",
                 node->id, sees, reader->told_last);
    }
    sim->told_last = sees > sim->told_last ? sees : sim->told_last;
    if (sim->clients != NULL) {
        sim_client_read(node, &reader->told, draw(sim, UINT64_MAX));
    }
}

/* ---- Questions and answers ---- */

static void post(struct sim *sim, const struct sim_question *question)
{
    struct sim_question *copy = sim_alloc(sim, sizeof *copy);
    uint64_t wait =
        sim->knobs.latency_min_ms + draw(sim, sim->knobs.latency_span_ms + 1);

    if (draw(sim, 100) < LATE_PERCENT) {
        wait += draw(sim, LATE_MS);
    }
    *copy = *question;
    sim_at(sim, sim->now + wait, NULL, on_arrival, copy);
}

static void on_send(void *data, uint64_t to, enum link_frame type,
                    const uint8_t bytes[READ_INDEX_FRAME_LEN])
{
    struct sim_node *from = data;
    struct sim *sim = from->sim;
    struct sim_question question = {
        .from = from, .to = &sim->nodes[to - 1], .type = type};

    memcpy(question.bytes, bytes, READ_INDEX_FRAME_LEN);
    if (from->ended || sim->cut[from->id - 1][to - 1] ||
        draw(sim, 100) < DROP_PERCENT) {
        return;
    }
    post(sim, &question);
    if (draw(sim, 100) < DOUBLE_PERCENT) {
        post(sim, &question);
    }
}

static void on_arrival(struct sim *sim, struct sim_node *node, void *data)
{
    struct sim_question *question = data;
    struct read_facts facts;

    node = question->to;
    if (node->up && sim_node_is_frozen(node)) {
        sim_at(sim, node->frozen_until, NULL, on_arrival, question);
        return;
    }
    if (!node->up || sim->cut[question->from->id - 1][node->id - 1]) {
        return;
    }
    facts = facts_of(node);
    if (read_index_on_frame(&node->reads, &facts, question->from->id,
                            question->type, question->bytes,
                            sizeof question->bytes) != 0) {
        sim_fail(sim, "SENSELESS FRAME: from server %llu to %llu",
                 question->from->id, node->id);
    }
    sim_read_step(node);
}
