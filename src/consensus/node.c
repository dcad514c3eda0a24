/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "consensus/node.h"

#include "consensus/node_internal.h"
#include "util/diag.h"

static void node_on_defer(void *data);
static void node_on_restart(void *data, const char *reason);
static void node_on_entered(void *data);
static void node_on_committed(void *data, uint64_t index);
static void node_on_outcome(void *data, uint64_t index,
                            const struct outcome *outcome);
static void node_on_stored(void *data, uint64_t index);
static void node_on_applied(void *data);
static void step_down_after(struct node *node, uint64_t index,
                            const struct outcome *outcome);
static void node_on_restored(void *data, uint64_t index);
static void node_on_digest(void *data, uint64_t index,
                           const uint8_t digest[HASH128_LEN]);
static int node_on_frame(void *data, uint64_t from, enum link_frame type,
                         const uint8_t *bytes, size_t len);

struct machine *node_machine(struct node *node)
{
    return node->machine;
}

struct metrics *node_metrics(struct node *node)
{
    return node->metrics;
}

struct chunk_store *node_chunks(struct node *node)
{
    return chunks_real_store(node->chunks);
}

struct backup_store *node_backups(struct node *node)
{
    return backup_keeper_store(&node->keeper);
}

struct backup_intakes *node_intakes(struct node *node)
{
    return backup_keeper_intakes(&node->keeper);
}

struct disk *node_backup_disk(struct node *node)
{
    return backup_keeper_disk(&node->keeper);
}

size_t node_backup_holders(const struct node *node, uint64_t id,
                           struct node_backup_holder ret[MEMBERS_MAX])
{
    return backup_keeper_holders(&node->keeper, id, ret);
}

int node_submit(struct node *node, struct node_submit *submit,
                enum command_kind kind, struct bytes params, node_submit_cb cb)
{
    int rv = node_may_serve(node);

    if (rv != 0) {
        return rv;
    }
    rv = proposer_submit(&node->proposer, submit, kind, params, cb);
    if (rv == 0) {
        node_wake(node);
    }
    return rv;
}

int node_read(struct node *node, struct node_read *read, node_read_cb cb)
{
    int rv = node_may_serve(node);

    if (rv != 0) {
        return rv;
    }
    rv = reader_add(&node->reader, read, cb);
    if (rv == 0) {
        node_wake(node);
    }
    return rv;
}

int node_transfer(struct node *node, struct node_transfer *transfer,
                  uint64_t to, node_transfer_cb cb)
{
    int rv;

    if (node->phase != NODE_RUNNING || node->restarting) {
        return QL_SHUTTING_DOWN;
    }
    rv = handover_ask(&node->handover, to, uv_now(node->options.loop));
    if (rv != 0) {
        return rv;
    }
    transfer->cb = cb;
    node->transfer = transfer;
    node_wake(node);
    return 0;
}

int node_step_down(struct node *node, struct node_transfer *transfer,
                   node_transfer_cb cb)
{
    int rv;

    if (node->phase != NODE_RUNNING || node->restarting) {
        return QL_SHUTTING_DOWN;
    }
    rv = step_down_begin(&node->down, uv_now(node->options.loop));
    if (rv != 0) {
        return rv;
    }
    transfer->cb = cb;
    node->down_transfer = transfer;
    node_wake(node);
    return 0;
}

bool node_will_freeze(const struct node *node)
{
    return start_frozen_is_due(&node->start_frozen);
}

void node_status(const struct node *node, struct node_status *ret)
{
    core_fill_status(&node->core, ret);
    ret->ready = node_may_serve(node) == 0;
    peer_watch_status(&node->watch, uv_now(node->options.loop), ret->peers);
    space_watch_fill(&node->space, ret->peers);
    integrity_fill(&node->integrity, ret);
    chunk_peers_fill(&node->chunk_peers, &ret->install);
    backup_keeper_fill(&node->keeper, &ret->backups);
    if (node->chunks != NULL) {
        chunk_store_get_status(chunks_real_store(node->chunks), &ret->store);
    }
}

int node_may_serve(const struct node *node)
{
    if (node->phase != NODE_RUNNING || node->restarting) {
        return QL_SHUTTING_DOWN;
    }
    if (node->core.raft.state != RAFT_LEADER) {
        return QL_NOT_LEADER;
    }
    if (handover_is_busy(&node->handover) || node->down_owed ||
        step_down_is_active(&node->down) ||
        start_frozen_is_due(&node->start_frozen) ||
        integrity_is_suspect(&node->integrity) ||
        !guard_is_ready_leader(node->core.guard)) {
        return QL_NO_LEADER;
    }
    return 0;
}

int node_may_read(const struct node *node)
{
    return node->restarting || integrity_is_suspect(&node->integrity)
               ? QL_NOT_LEADER
               : 0;
}

void node_begin_again(struct node *node, const char *reason)
{
    if (node->phase != NODE_RUNNING || node->restarting) {
        return;
    }
    if (node->options.on_restart == NULL) {
        node_on_fatal(node, reason);
    }
    diag_warning("%s: it starts again; nothing acknowledged is lost", reason);
    node->restarting = true;
    node_wake(node);
}

void node_on_low(struct node *node)
{
    backup_keeper_on_low(&node->keeper);
}

/* ---- From the guard and the core ---- */

void node_fill_events(struct node *node, struct core_events *ret)
{
    *ret = (struct core_events){.on_defer = node_on_defer,
                                .on_fatal = node_on_fatal,
                                .on_restart = node_on_restart,
                                .on_entered = node_on_entered,
                                .on_committed = node_on_committed,
                                .on_outcome = node_on_outcome,
                                .on_applied = node_on_applied,
                                .on_restored = node_on_restored,
                                .on_digest = node_on_digest,
                                .on_stored = node_on_stored,
                                .on_frame = node_on_frame,
                                .data = node,
                                .metrics = node->metrics};
}

static void node_on_defer(void *data)
{
    struct node *node = data;

    node->deferred = true;
    node_wake(node);
}

void node_on_fatal(void *data, const char *reason)
{
    struct node *node = data;

    diag_die(1,
             "%s: nothing acknowledged is lost, but this process cannot go "
             "on; check the disk that holds %s and its free space, then start "
             "again",
             reason, node->dir);
}

/* Closing waits for the disk, so the next start finds all that it was given. */
static void node_on_restart(void *data, const char *reason)
{
    struct node *node = data;

    if (node->options.on_restart == NULL) {
        node_on_fatal(node, reason);
    }
    diag_warning("%s: this node starts again, which is the only way to be sure "
                 "who its members are; nothing acknowledged is lost",
                 reason);
    node->restarting = true;
    node_wake(node);
}

static void node_on_entered(void *data)
{
    struct node *node = data;

    peer_watch_look(&node->watch, uv_now(node->options.loop));
    node_wake(node);
}

static void node_on_committed(void *data, uint64_t index)
{
    struct node *node = data;

    proposer_on_committed(&node->proposer, index);
}

static void node_on_stored(void *data, uint64_t index)
{
    struct node *node = data;

    stages_on_stored(&node->stages, index);
}

static void node_on_outcome(void *data, uint64_t index,
                            const struct outcome *outcome)
{
    struct node *node = data;

    proposer_on_outcome(&node->proposer, index, outcome);
    backup_keeper_on_outcome(&node->keeper, outcome);
    step_down_after(node, index, outcome);
}

/* A restore ends the term in which it was decided, once whoever asked has its
 * answer. On who leads a later term it is part of what came before. */
static void step_down_after(struct node *node, uint64_t index,
                            const struct outcome *outcome)
{
    bool replaced = outcome->kind == COMMAND_RECOVERY_COMMIT ||
                    outcome->kind == COMMAND_RECOVERY_UNDO;

    if (replaced && outcome->code == 0 && !outcome->duplicate &&
        guard_is_own_entry(node->core.guard, index)) {
        node->down_owed = true;
        node_wake(node);
    }
}

static void node_on_applied(void *data)
{
    struct node *node = data;

    node->applied = true;
    node_wake(node);
}

static void node_on_restored(void *data, uint64_t index)
{
    struct node *node = data;

    integrity_on_restored(&node->integrity, index);
    backup_keeper_on_restored(&node->keeper);
    node_wake(node);
}

static void node_on_digest(void *data, uint64_t index,
                           const uint8_t digest[HASH128_LEN])
{
    struct node *node = data;

    integrity_on_digest(&node->integrity, index, digest);
    node_wake(node);
}

static int node_on_frame(void *data, uint64_t from, enum link_frame type,
                         const uint8_t *bytes, size_t len)
{
    struct node *node = data;

    node_wake(node);
    switch (type) {
    case LINK_REPORT:
        return space_watch_on_frame(&node->space, from, bytes, len);
    case LINK_DIGESTS:
    case LINK_STATE_REQUEST:
    case LINK_STATE:
        return integrity_on_frame(&node->integrity, from, type, bytes, len);
    case LINK_CHUNK_REQUEST:
    case LINK_CHUNK:
        return chunk_peers_on_frame(&node->chunk_peers, from, type, bytes, len);
    case LINK_BACKUP_REPORT:
    case LINK_BACKUP_REQUEST:
    case LINK_BACKUP_PIECE:
        return backup_keeper_on_frame(&node->keeper, from, type, bytes, len);
    default:
        return reader_on_frame(&node->reader, from, type, bytes, len);
    }
}
