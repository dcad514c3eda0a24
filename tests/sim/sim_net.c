/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * Messages between servers. Each waits in its sender's socket first, where it
 * still is the sender's memory, then travels, and is lost, late, or (where the
 * seed says so) out of order and across a restart.
 */
#include <string.h>

#include "consensus/guard_view.h"
#include "sim/sim_full.h"
#include "util/buf.h"

struct sim_packet {
    struct list link;            /* while unused */
    struct raft_message message; /* entries: the sender's until it has left */
    struct sim_node *from;
    struct sim_node *to;
    unsigned from_incarnation;
    unsigned to_incarnation;
    struct sim_entry *entries;
    struct sim_bytes configuration;
    struct sim_bytes data;
    bool lost;
    struct raft_io_send *request;
    raft_io_send_cb cb;
};

static struct sim_packet *new_packet(struct sim *sim);
static void on_drained(struct sim *sim, struct sim_node *node, void *data);
static void on_arrival(struct sim *sim, struct sim_node *node, void *data);
static void check_send(struct sim_node *from,
                       const struct raft_message *message);
static void copy_contents(struct sim *sim, struct sim_packet *packet);
static void trace_send(struct sim_node *from,
                       const struct raft_message *message);

int sim_net_send(struct raft_io *io, struct raft_io_send *request,
                 const struct raft_message *message, raft_io_send_cb cb)
{
    struct sim_node *from = io->impl;
    struct sim *sim = from->sim;
    struct raft_message altered;
    struct sim_packet *packet;
    uint64_t wait = 0;

    if (from->ended) {
        return 0; /* never told */
    }
    check_send(from, message);
    sim_oracle_send(from, message);
    if (from->store != NULL && sim_fetch_alter(from, message, &altered)) {
        message = &altered;
    }
    if (message->server_id == 0 || message->server_id > sim->node_count) {
        return RAFT_NOCONNECTION;
    }
    trace_send(from, message);
    packet = new_packet(sim);
    packet->message = *message;
    packet->from = from;
    packet->to = &sim->nodes[message->server_id - 1];
    packet->from_incarnation = from->incarnation;
    packet->to_incarnation = packet->to->incarnation;
    packet->request = request;
    packet->cb = cb;
    request->cb = cb;
    packet->lost =
        sim->cut[from->id - 1][packet->to->id - 1] ||
        (sim_has(sim, SIM_DROPS) && sim_chance(sim, sim->knobs.drop));
    if (sim_has(sim, SIM_DROPS) && !packet->lost && sim_random(sim, 100) == 0 &&
        message->type != RAFT_IO_TIMEOUT_NOW) {
        list_push_back(&sim->packets, &packet->link);
        return RAFT_NOCONNECTION; /* a send may also fail at once */
    }
    if (sim_has(sim, SIM_DRAINS) && (message->type == RAFT_IO_APPEND_ENTRIES ||
                                     message->type == RAFT_IO_TIMEOUT_NOW)) {
        wait = sim_random(sim, sim->knobs.drain_ms);
    }
    sim_at(sim, sim->now + wait, from, on_drained, packet);
    return 0;
}

static struct sim_packet *new_packet(struct sim *sim)
{
    struct sim_packet *packet;

    if (list_empty(&sim->packets)) {
        return sim_alloc(sim, sizeof *packet);
    }
    packet = LIST_ITEM(sim->packets.next, struct sim_packet, link);
    list_remove(&packet->link);
    memset(packet, 0, sizeof *packet);
    return packet;
}

static void on_drained(struct sim *sim, struct sim_node *node, void *data)
{
    struct sim_packet *packet = data;
    uint64_t *free_at =
        &sim->link_free_at[packet->from->id - 1][packet->to->id - 1];
    uint64_t at = sim->now + sim->knobs.latency_min_ms +
                  sim_random(sim, sim->knobs.latency_span_ms);

    copy_contents(sim, packet);
    if (packet->request->cb != packet->cb) {
        sim_fail(sim,
                 "USE AFTER FREE: the request of a message of type %d "
                 "that server %llu sends",
                 packet->message.type, node->id);
        return;
    }
    if (packet->cb != NULL) {
        packet->cb(packet->request, packet->lost ? RAFT_IOERR : 0);
    }
    if (packet->lost) {
        list_push_back(&sim->packets, &packet->link);
        return;
    }
    if (!sim_has(sim, SIM_REORDERS) && at < *free_at) {
        at = *free_at;
    }
    *free_at = at;
    /* The world's event: it must survive the sender. */
    sim_at(sim, at, NULL, on_arrival, packet);
}

static bool connection_broke(const struct sim *sim,
                             const struct sim_packet *packet)
{
    if (sim->cut[packet->from->id - 1][packet->to->id - 1]) {
        return true;
    }
    return !sim_has(sim, SIM_REORDERS) &&
           (packet->from->incarnation != packet->from_incarnation ||
            packet->to->incarnation != packet->to_incarnation);
}

/* One batch for all entries, as a transport's decoder makes it. */
static void give_entries(const struct sim_packet *packet,
                         struct raft_append_entries *append)
{
    size_t len = 0;
    char *batch;

    if (append->n_entries == 0) {
        append->entries = NULL;
        return;
    }
    for (unsigned i = 0; i < append->n_entries; i++) {
        len += packet->entries[i].bytes.len;
    }
    append->entries = raft_malloc(append->n_entries * sizeof *append->entries);
    batch = raft_malloc(len);
    len = 0;
    for (unsigned i = 0; i < append->n_entries; i++) {
        const struct sim_entry *from = &packet->entries[i];
        struct raft_entry *to = &append->entries[i];

        to->term = from->term;
        to->type = from->type;
        to->buf.base = batch + len;
        to->buf.len = from->bytes.len;
        to->batch = batch;
        memcpy(to->buf.base, from->bytes.base, from->bytes.len);
        len += from->bytes.len;
    }
}

/* A server that does not know the sender has nothing but what the connection
 * says. For the others that is not to be trusted. */
static char *claimed_address(const struct sim_packet *packet)
{
    static char other[] = "not the address";

    return view_server(&packet->to->raft, packet->from->id) == NULL
               ? packet->from->address
               : other;
}

static void deliver(const struct sim_packet *packet)
{
    struct raft_message message = packet->message;
    char claimed[16]; /* gone after the call */

    memset(claimed, 0, sizeof claimed);
    memcpy(claimed, claimed_address(packet), strlen(claimed_address(packet)));
    message.server_id = packet->from->id;
    message.server_address = claimed;
    if (message.type == RAFT_IO_APPEND_ENTRIES) {
        give_entries(packet, &message.append_entries);
    } else if (message.type == RAFT_IO_INSTALL_SNAPSHOT) {
        struct raft_install_snapshot *install = &message.install_snapshot;

        sim_decode_configuration(packet->configuration, &install->conf);
        install->data.len = packet->data.len;
        install->data.base = raft_malloc(packet->data.len);
        memcpy(install->data.base, packet->data.base, packet->data.len);
    }
    if (packet->to->store == NULL || !sim_fetch_hold(packet->to, &message)) {
        packet->to->recv(&packet->to->disk_io, &message);
    }
}

static void on_arrival(struct sim *sim, struct sim_node *node, void *data)
{
    struct sim_packet *packet = data;

    (void)node;
    if (packet->to->up && sim_node_is_frozen(packet->to)) {
        sim_at(sim, packet->to->frozen_until, NULL, on_arrival, packet);
        return;
    }
    if (packet->to->up && !connection_broke(sim, packet)) {
        sim->running = packet->to;
        deliver(packet);
    }
    list_push_back(&sim->packets, &packet->link);
}

/* ---- On the way ---- */

static void copy_contents(struct sim *sim, struct sim_packet *packet)
{
    const struct raft_append_entries *append = &packet->message.append_entries;
    const struct raft_install_snapshot *install =
        &packet->message.install_snapshot;
    struct raft_buffer encoded;

    if (packet->message.type == RAFT_IO_APPEND_ENTRIES) {
        packet->entries =
            sim_alloc(sim, append->n_entries * sizeof *packet->entries);
        for (unsigned i = 0; i < append->n_entries; i++) {
            const struct raft_entry *entry = &append->entries[i];

            packet->entries[i].term = entry->term;
            packet->entries[i].type = entry->type;
            packet->entries[i].bytes =
                sim_copy(sim, entry->buf.base, entry->buf.len);
        }
    } else if (packet->message.type == RAFT_IO_INSTALL_SNAPSHOT &&
               raft_configuration_encode(&install->conf, &encoded) == 0) {
        packet->configuration = sim_copy(sim, encoded.base, encoded.len);
        packet->data = sim_copy(sim, install->data.base, install->data.len);
        raft_free(encoded.base);
    }
}

/* An address that is not the configuration's came from the wire (rule G). */
static void check_send(struct sim_node *from,
                       const struct raft_message *message)
{
    struct sim *sim = from->sim;

    if (message->server_id == 0 || message->server_id > sim->node_count ||
        message->server_id == from->id) {
        sim_fail(sim, "GARBAGE DESTINATION: server %llu sends to %llu",
                 from->id, message->server_id);
    } else if (strcmp(message->server_address,
                      sim->nodes[message->server_id - 1].address) != 0) {
        sim_fail(sim, "FOREIGN ADDRESS: server %llu sends to '%s'", from->id,
                 message->server_address);
    }
}

void sim_decode_configuration(struct sim_bytes bytes,
                              struct raft_configuration *ret)
{
    const uint8_t *at = bytes.base;
    uint64_t servers = get_u64(at + 1);

    raft_configuration_init(ret);
    at += 9;
    for (; servers > 0; servers--) {
        raft_id id = get_u64(at);
        const char *address = (const char *)at + 8;

        at += 8 + strlen(address) + 1;
        (void)raft_configuration_add(ret, id, address, *at);
        at++;
    }
}

bool sim_equals_configuration(struct sim_bytes encoded,
                              const struct raft_configuration *configuration)
{
    const uint8_t *at = encoded.base;

    if (get_u64(at + 1) != configuration->n) {
        return false;
    }
    at += 9;
    for (unsigned i = 0; i < configuration->n; i++) {
        const struct raft_server *server = &configuration->servers[i];
        const char *address = (const char *)at + 8;

        if (get_u64(at) != server->id ||
            strcmp(address, server->address) != 0) {
            return false;
        }
        at += 8 + strlen(address) + 1;
        if (*at != server->role) {
            return false;
        }
        at++;
    }
    return true;
}

static void trace_send(struct sim_node *from,
                       const struct raft_message *message)
{
    struct sim *sim = from->sim;
    const struct raft_append_entries *append = &message->append_entries;
    const struct raft_append_entries_result *result =
        &message->append_entries_result;

    if (!sim->options.trace) {
        return;
    }
    switch (message->type) {
    case RAFT_IO_APPEND_ENTRIES:
        sim_trace(sim,
                  "%llu -> %llu append: term %llu prev %llu/%llu "
                  "entries %u commit %llu",
                  from->id, message->server_id, append->term,
                  append->prev_log_index, append->prev_log_term,
                  append->n_entries, append->leader_commit);
        break;
    case RAFT_IO_APPEND_ENTRIES_RESULT:
        sim_trace(sim, "%llu -> %llu result: term %llu rejected %llu last %llu",
                  from->id, message->server_id, result->term, result->rejected,
                  result->last_log_index);
        break;
    case RAFT_IO_REQUEST_VOTE:
        sim_trace(sim, "%llu -> %llu asks for a %svote: term %llu", from->id,
                  message->server_id,
                  message->request_vote.pre_vote ? "pre-" : "",
                  message->request_vote.term);
        break;
    case RAFT_IO_REQUEST_VOTE_RESULT:
        sim_trace(sim, "%llu -> %llu vote: term %llu granted %d", from->id,
                  message->server_id, message->request_vote_result.term,
                  message->request_vote_result.vote_granted);
        break;
    case RAFT_IO_INSTALL_SNAPSHOT:
        sim_trace(sim, "%llu -> %llu install: snapshot %llu", from->id,
                  message->server_id, message->install_snapshot.last_index);
        break;
    default:
        sim_trace(sim, "%llu -> %llu timeout now", from->id,
                  message->server_id);
        break;
    }
}
