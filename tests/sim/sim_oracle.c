/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * What must hold at every moment (Raft paper, figure 3), said of the simulated
 * disks and not of what the servers believe.
 */
#include <string.h>

#include "consensus/guard_view.h"
#include "sim/sim_full.h"

static void check_leader(struct sim_node *node);
static void check_own_term(struct sim_node *node);
static void check_may_change(struct sim_node *node, raft_index index);

void sim_oracle_entered(struct sim_node *node)
{
    if (node->ended) {
        return;
    }
    if (node->raft.state == RAFT_UNAVAILABLE) {
        sim_fail(node->sim, "SERVER STOPPED ITSELF: %llu: %s", node->id,
                 node->raft.errmsg);
        return;
    }
    sim_oracle_commits(node);
    check_leader(node);
}

/* ---- Commits ---- */

static const struct raft_entry *entry_at(const struct raft *raft,
                                         raft_index index)
{
    const struct raft_log *log = &raft->log;

    if (index <= log->offset || index > view_last_index(raft)) {
        return NULL;
    }
    return &log->entries[(log->front + (size_t)(index - 1 - log->offset)) %
                         log->size];
}

/* A barrier's bytes are whatever the memory held. */
static uint64_t value_of(const struct raft_entry *entry)
{
    return entry->type == RAFT_BARRIER
               ? 0
               : sim_hash(entry->buf.base, entry->buf.len);
}

static uint64_t next_state(uint64_t state, raft_index index, uint64_t value)
{
    return (state ^ (value + index)) * 0x9E3779B97F4A7C15u;
}

/* A leader commits what a majority of the disks holds, its snapshots included
 * (Raft dissertation 3.5). A server in doubt has lost what it had confirmed
 * before, and makes up for it by its silence (guard rule V). */
static void check_durable(struct sim_node *node, raft_index index,
                          raft_term term)
{
    struct sim *sim = node->sim;
    const struct raft_configuration *configuration = &node->raft.configuration;
    unsigned voters = view_voters(&node->raft);
    unsigned holders = 0;

    for (unsigned i = 0; i < configuration->n; i++) {
        const struct raft_server *server = &configuration->servers[i];
        const struct sim_disk *disk = &sim->nodes[server->id - 1].disk;

        if (server->role == RAFT_VOTER &&
            (disk->snapshot.index >= index ||
             sim_disk_term(disk, index) == term ||
             sim_store_in_doubt(&sim->nodes[server->id - 1]))) {
            holders++;
        }
    }
    if (holders <= voters / 2) {
        sim_fail(sim,
                 "COMMIT NOT DURABLE: server %llu index %llu term %llu is "
                 "on %u of %u disks",
                 node->id, index, term, holders, voters);
    }
}

/* The first server to commit an index decides what is committed there. */
static void commit_first(struct sim_node *node, raft_index index,
                         const struct raft_entry *entry)
{
    struct sim *sim = node->sim;
    struct sim_committed *committed = &sim->committed[index];

    if (index != sim->committed_last + 1) {
        sim_fail(sim, "COMMIT GAP: server %llu index %llu", node->id, index);
        return;
    }
    sim->committed_last = index;
    committed->term = entry->term;
    committed->type = entry->type;
    committed->value = value_of(entry);
    committed->in_term = node->raft.current_term;
    committed->state = sim->committed[index - 1].state;
    committed->configuration = sim->committed[index - 1].configuration;
    if (entry->type == RAFT_CHANGE) {
        committed->configuration = index;
        committed->encoded = sim_copy(sim, entry->buf.base, entry->buf.len);
    }
    if (entry->type == RAFT_COMMAND) {
        committed->state =
            next_state(committed->state, index, committed->value);
    }
    if (node->raft.state == RAFT_LEADER && index > 1) {
        check_durable(node, index, entry->term);
    }
    sim_trace(sim, "%llu commits %llu of term %llu", node->id, index,
              entry->term);
}

void sim_oracle_commits(struct sim_node *node)
{
    struct sim *sim = node->sim;
    const struct raft *raft = &node->raft;

    if (node->ended) {
        return;
    }
    if (raft->commit_index < node->commit_max) {
        sim_fail(sim, "COMMIT INDEX WENT BACK: server %llu: %llu, was %llu",
                 node->id, raft->commit_index, node->commit_max);
    }
    if (raft->commit_index > node->commit_max) {
        node->commit_max = raft->commit_index;
        check_own_term(node);
    }
    while (node->checked < raft->commit_index) {
        raft_index index = node->checked + 1;
        const struct raft_entry *entry = entry_at(raft, index);
        const struct sim_committed *committed = &sim->committed[index];

        if (entry == NULL) {
            if (!view_is_installing(raft)) {
                sim_fail(sim, "COMMITTED ENTRY MISSING: server %llu: %llu",
                         node->id, index);
            }
            return;
        }
        if (index > sim->committed_last) {
            commit_first(node, index, entry);
        } else if (committed->term != entry->term ||
                   committed->type != entry->type ||
                   committed->value != value_of(entry)) {
            sim_fail(sim,
                     "STATE MACHINE SAFETY: server %llu commits index "
                     "%llu term %llu, but term %llu was committed there",
                     node->id, index, entry->term, committed->term);
            return;
        }
        node->checked = index;
    }
}

/* A leader counts replicas for entries of its own term only, and those before it
 * come with them (Raft paper, section 5.4.2); one that rules alone needs not
 * count. Without rule A what comes of it is of interest. */
static void check_own_term(struct sim_node *node)
{
    const struct raft *raft = &node->raft;
    raft_term term = view_term_of(raft, raft->commit_index);

    if (raft->state == RAFT_LEADER && term != raft->current_term &&
        view_voters(raft) > 1 && (node->sim->options.rules & GUARD_A) != 0) {
        sim_fail(node->sim,
                 "COMMIT OF AN OLDER TERM: server %llu index %llu of term "
                 "%llu, leads %llu",
                 node->id, raft->commit_index, term, raft->current_term);
    }
}

void sim_oracle_apply(struct sim_node *node, const struct raft_buffer *buffer)
{
    struct sim *sim = node->sim;
    raft_index index = node->raft.last_applied + 1;
    uint64_t value;

    if (node->ended) {
        return;
    }
    value = sim_hash(buffer->base, buffer->len);
    sim_oracle_commits(node);
    node->state = next_state(node->state, index, value);
    if (index > sim->committed_last || sim->committed[index].value != value ||
        sim->committed[index].state != node->state) {
        sim_fail(sim,
                 "STATE MACHINE SAFETY: server %llu applies another "
                 "command at %llu",
                 node->id, index);
    }
}

void sim_oracle_restore(struct sim_node *node, raft_index index, uint64_t state)
{
    struct sim *sim = node->sim;

    if (node->ended) {
        return;
    }
    if (index > sim->committed_last || sim->committed[index].state != state) {
        sim_fail(sim,
                 "STATE MACHINE SAFETY: server %llu restores another "
                 "state at %llu",
                 node->id, index);
    }
    node->state = state;
    node->checked = index;
}

void sim_oracle_ack(struct sim_node *node, raft_index index, uint64_t value)
{
    uint64_t words[16];
    size_t count = 1 + (size_t)(value % 8);

    for (size_t i = 0; i < count; i++) {
        words[i] = value;
    }
    sim_oracle_ack_bytes(node, index, value, sim_hash(words, count * 8));
}

void sim_oracle_ack_bytes(struct sim_node *node, raft_index index,
                          uint64_t value, uint64_t hash)
{
    struct sim *sim = node->sim;

    if (node->ended) {
        return;
    }
    if (index > sim->committed_last || sim->committed[index].value != hash) {
        sim_fail(sim, "FALSE ACKNOWLEDGEMENT: value %llu index %llu",
                 (unsigned long long)value, index);
    }
    sim->totals.acks++;
    sim->told_last = index > sim->told_last ? index : sim->told_last;
    sim->acked[value] = true;
    if (value == sim->heal_value && sim->heal_index == 0) {
        sim->heal_index = index;
    }
    sim_trace(sim, "%llu acknowledges %llu at %llu", node->id,
              (unsigned long long)value, index);
}

/* ---- Elections ---- */

/* Leader Completeness: what was committed in an earlier term is here. */
static void check_completeness(struct sim_node *node)
{
    struct sim *sim = node->sim;
    const struct raft *raft = &node->raft;
    raft_index index = sim->committed_last;

    while (index > 0 && sim->committed[index].in_term >= raft->current_term) {
        index--;
    }
    if (index > 0 && raft->log.snapshot.last_index < index &&
        view_term_of(raft, index) != sim->committed[index].term) {
        sim_fail(sim,
                 "LEADER LACKS A COMMITTED ENTRY: server %llu term %llu "
                 "index %llu",
                 node->id, raft->current_term, index);
    }
}

/* What a leader stood for election with must survive its crash (figure 2: the
 * log is on stable storage before RPCs are answered or sent). */
static void check_stood_with_disk(struct sim_node *node)
{
    raft_index last = view_last_index(&node->raft);

    while (last > 0 &&
           view_term_of(&node->raft, last) == node->raft.current_term) {
        last--; /* written as leader */
    }
    if (node->disk.last < last) {
        sim_fail(node->sim,
                 "LEADER AHEAD OF ITS DISK: server %llu term %llu: "
                 "log to %llu, disk to %llu",
                 node->id, node->raft.current_term, last, node->disk.last);
    }
}

static void check_leader(struct sim_node *node)
{
    struct sim *sim = node->sim;
    raft_term term = node->raft.current_term;

    if (node->raft.state != RAFT_LEADER) {
        node->was_leader = false;
        return;
    }
    if (node->was_leader) {
        return;
    }
    node->was_leader = true;
    sim->totals.elections++;
    sim_trace(sim, "%llu LEADS term %llu: last %llu stored %llu", node->id,
              term, view_last_index(&node->raft), node->raft.last_stored);
    if (node->disk.term != term || node->disk.vote != node->id) {
        sim_fail(sim,
                 "LEADER WITHOUT A DURABLE VOTE: server %llu term %llu, "
                 "disk term %llu vote %llu",
                 node->id, term, node->disk.term, node->disk.vote);
    }
    if (term >= SIM_TERMS_MAX) {
        sim_fail(sim, "HARNESS: too many terms");
        return;
    }
    if (sim->leader_of[term] != 0) {
        sim_fail(sim,
                 "ELECTION SAFETY: server %llu leads term %llu, server "
                 "%llu did",
                 node->id, term, sim->leader_of[term]);
    }
    sim->leader_of[term] = node->id;
    check_completeness(node);
    check_stood_with_disk(node);
}

/* ---- Logs ---- */

/* Log Matching: one index and term, one entry, one predecessor. */
void sim_oracle_append(struct sim_node *node, raft_index first,
                       const struct raft_entry *entries, unsigned count)
{
    struct sim *sim = node->sim;
    raft_term prev = view_term_of(&node->raft, first - 1);

    for (unsigned i = 0; i < count; i++) {
        raft_index index = first + i;
        struct sim_written *known = sim->written[index];

        while (known != NULL && known->term != entries[i].term) {
            known = known->next;
        }
        if (known == NULL) {
            known = sim_alloc(sim, sizeof *known);
            *known = (struct sim_written){sim->written[index], entries[i].term,
                                          prev, value_of(&entries[i])};
            sim->written[index] = known;
        } else if (known->value != value_of(&entries[i]) ||
                   (known->prev_term != prev && prev != 0 &&
                    known->prev_term != 0)) {
            sim_fail(sim, "LOG MATCHING: server %llu index %llu term %llu",
                     node->id, index, entries[i].term);
        }
        prev = entries[i].term;
        if (entries[i].type == RAFT_CHANGE) {
            check_may_change(node, index);
        }
    }
}

/* A leader changes members when an entry of its own term is committed, and the
 * change before it (Raft dissertation 4.1, and Ongaro's correction of 2015).
 * Without rule J what comes of it is of interest. */
static void check_may_change(struct sim_node *node, raft_index index)
{
    const struct raft *raft = &node->raft;
    raft_index commit = raft->commit_index;

    if (raft->state == RAFT_LEADER && index > commit + 1 &&
        view_term_of(raft, commit) != raft->current_term &&
        (node->sim->options.rules & GUARD_J) != 0) {
        sim_fail(node->sim,
                 "CHANGE TOO EARLY: server %llu index %llu, leads term %llu "
                 "and has committed term %llu",
                 node->id, index, raft->current_term,
                 view_term_of(raft, commit));
    }
}

/* ---- Messages ---- */

/* What a message says of its sender is on the sender's disk (Raft paper, figure
 * 2: "updated on stable storage before responding to RPCs"). */
void sim_oracle_send(struct sim_node *node, const struct raft_message *message)
{
    const struct raft_append_entries_result *stored =
        &message->append_entries_result;
    const struct raft_request_vote_result *vote = &message->request_vote_result;
    const struct sim_disk *disk = &node->disk;

    if (message->type == RAFT_IO_APPEND_ENTRIES_RESULT &&
        stored->rejected == 0 && stored->last_log_index > disk->last &&
        stored->last_log_index > disk->snapshot.index) {
        sim_fail(node->sim,
                 "CONFIRMED, NOT STORED: server %llu index %llu, disk to %llu",
                 node->id, stored->last_log_index, disk->last);
    }
    if (message->type == RAFT_IO_REQUEST_VOTE_RESULT && vote->vote_granted &&
        vote->pre_vote != raft_tribool_true &&
        (disk->term != vote->term || disk->vote != message->server_id)) {
        sim_fail(node->sim,
                 "VOTED, NOT STORED: server %llu term %llu for %llu, disk term "
                 "%llu vote %llu",
                 node->id, vote->term, message->server_id, disk->term,
                 disk->vote);
    }
}

/* ---- Configurations ---- */

void sim_oracle_configuration(struct sim_node *node, raft_index index,
                              const struct raft_configuration *configuration)
{
    const struct sim *sim = node->sim;
    raft_index in_force;

    if (node->ended || index > sim->committed_last) {
        return; /* which is another violation */
    }
    in_force = sim->committed[index].configuration;
    if (in_force != 0 && !sim_equals_configuration(
                             sim->committed[in_force].encoded, configuration)) {
        sim_fail(node->sim,
                 "CONFIGURATION: server %llu has another one at %llu than "
                 "that of entry %llu",
                 node->id, index, in_force);
    }
}

void sim_oracle_tick(struct sim_node *node)
{
    const struct raft *raft = &node->raft;

    if (sim_has(node->sim, SIM_CHANGES) && raft->last_applied > 0 &&
        raft->state != RAFT_UNAVAILABLE && !view_is_installing(raft) &&
        view_unapplied_configuration(raft) == 0) {
        sim_oracle_configuration(node, raft->last_applied,
                                 &raft->configuration);
    }
}

/* ---- Liveness ---- */

const struct sim_node *sim_newest_leader(const struct sim *sim)
{
    const struct sim_node *leader = NULL;

    for (unsigned i = 0; i < sim->node_count; i++) {
        const struct sim_node *node = &sim->nodes[i];

        if (node->up && node->raft.state == RAFT_LEADER &&
            (leader == NULL ||
             node->raft.current_term > leader->raft.current_term)) {
            leader = node;
        }
    }
    return leader;
}

/* A command and a change of membership that came after healing are applied by
 * all voters, and another change would be taken. */
bool sim_oracle_converged(const struct sim *sim)
{
    const struct sim_node *leader;

    if (sim->heal_index == 0 || !sim->heal_changed) {
        return false;
    }
    leader = sim_newest_leader(sim);
    if (leader == NULL || leader->raft.transfer != NULL ||
        leader->raft.configuration_uncommitted_index != 0 ||
        view_unapplied_configuration(&leader->raft) != 0) {
        return false;
    }
    for (unsigned i = 0; i < leader->raft.configuration.n; i++) {
        const struct raft_server *server =
            &leader->raft.configuration.servers[i];
        const struct sim_node *node = &sim->nodes[server->id - 1];

        if (server->role == RAFT_VOTER &&
            (!node->up || node->raft.last_applied < sim->heal_index ||
             node->raft.current_term != leader->raft.current_term)) {
            return false;
        }
    }
    return true;
}
