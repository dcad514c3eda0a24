/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * Rules on what comes in. A message owns its contents: the entries with their
 * batch, or the snapshot's data and configuration. Whoever consumes it frees
 * them: the core when it gets the message, the guard when it drops it.
 */
#include <stdlib.h>
#include <string.h>

#include "consensus/guard_internal.h"
#include "consensus/guard_view.h"
#include "util/mem.h"

static enum guard_verdict judge(struct guard *guard,
                                struct raft_message *message);
static bool keep_result(struct guard *guard,
                        const struct raft_message *message);
static bool is_second_vote(const struct guard *guard,
                           const struct raft_message *message);
static bool is_untimely_handover(const struct guard *guard);
static bool is_another_leader(const struct guard *guard,
                              const struct raft_message *message);
static bool would_replace_log(const struct guard *guard,
                              const struct raft_message *message);
static bool comes_during_snapshot(const struct guard *guard,
                                  const struct raft_message *message);
static bool starts_below_snapshot(const struct guard *guard,
                                  const struct raft_message *message);
static void move_up_to_snapshot(struct guard *guard,
                                struct raft_append_entries *append);
static void deliver(struct guard *guard, struct raft_message *message);
static void hold(struct guard *guard, const struct raft_message *message);
static void drop_held_install(struct guard *guard);
static struct guard_held_message *held_install(const struct guard *guard);
static void held_free(struct guard_held_message *held);
static void message_close(struct raft_message *message);

void guard_receive(struct guard *guard, const struct raft_message *message)
{
    struct raft_message copy = *message;

    if (guard->closing || guard->failed) {
        message_close(&copy);
        return;
    }
    guard_notice_absence(guard);
    switch (judge(guard, &copy)) {
    case GUARD_DELIVER:
        deliver(guard, &copy);
        break;
    case GUARD_HOLD:
        hold(guard, &copy);
        break;
    case GUARD_DROP:
        message_close(&copy);
        break;
    }
}

static enum guard_verdict judge(struct guard *guard,
                                struct raft_message *message)
{
    if (message->server_id == 0 || message->server_id == guard->id) {
        return GUARD_DROP;
    }
    switch (message->type) {
    case RAFT_IO_APPEND_ENTRIES_RESULT:
        return keep_result(guard, message) ? GUARD_DROP : GUARD_DELIVER;
    case RAFT_IO_REQUEST_VOTE:
        if (guard->in_doubt) {
            guard->counts.doubtful_votes++;
            return GUARD_DROP;
        }
        if (is_second_vote(guard, message)) {
            guard->counts.dropped_votes++;
            return GUARD_DROP;
        }
        guard_forget_leader_in_time(guard);
        return GUARD_DELIVER;
    case RAFT_IO_TIMEOUT_NOW:
        return is_untimely_handover(guard) ? GUARD_DROP : GUARD_DELIVER;
    case RAFT_IO_APPEND_ENTRIES:
    case RAFT_IO_INSTALL_SNAPSHOT:
        break;
    default:
        return GUARD_DELIVER;
    }
    if (is_another_leader(guard, message)) {
        guard_fail(guard, "server %llu says that it leads term %llu, too",
                   message->server_id, guard->raft->current_term);
        return GUARD_DROP;
    }
    if (starts_below_snapshot(guard, message)) {
        if (view_is_installing(guard->raft)) {
            return GUARD_DROP;
        }
        move_up_to_snapshot(guard, &message->append_entries);
    }
    if (would_replace_log(guard, message) ||
        comes_during_snapshot(guard, message)) {
        return GUARD_HOLD;
    }
    return guard_judge_rollback(guard, message);
}

/* ---- The rules ---- */

/* Rule A. A leader may count replicas only for entries of its own term: an
 * older entry on a majority can still be replaced (Raft paper, section 5.4.2
 * and figure 8). The core counts them all. It does so when it hears of a
 * success, and for its newest stored entry only; so successes wait until that
 * entry is one of its own term. The latest of each peer is enough. */
static bool keep_result(struct guard *guard, const struct raft_message *message)
{
    const struct raft *raft = guard->raft;
    const struct raft_append_entries_result *result =
        &message->append_entries_result;
    struct guard_peer *peer;

    if (!guard_has_rule(guard, GUARD_A) || raft->state != RAFT_LEADER ||
        result->rejected != 0 || result->term != raft->current_term ||
        guard_own_entry_is_stored(guard)) {
        return false;
    }
    peer = guard_peer(guard, message->server_id);
    if (peer != NULL) {
        peer->has_held_result = true;
        peer->held_result = *message;
        peer->held_result.server_address = NULL;
        guard->counts.held_results++;
    }
    return true;
}

/* Rule F. One vote a term (Raft paper, section 5.2). While leadership is being
 * transferred the core grants the target a vote also when it has voted for
 * another server in that term. */
static bool is_second_vote(const struct guard *guard,
                           const struct raft_message *message)
{
    const struct raft *raft = guard->raft;
    const struct raft_request_vote *vote = &message->request_vote;

    return guard_has_rule(guard, GUARD_F) && !vote->pre_vote &&
           vote->term == raft->current_term && raft->voted_for != 0 &&
           raft->voted_for != vote->candidate_id;
}

/* Rules L, M and V for TimeoutNow, which makes a candidate at once (Raft
 * dissertation 3.10): not of a server whose log is not on its disk yet, or
 * not all there, and a sole voter needs nobody to hand over to it. The old leader
 * tries again. */
static bool is_untimely_handover(const struct guard *guard)
{
    if (guard->in_doubt || guard->stands_back ||
        (guard_has_rule(guard, GUARD_M) && view_has_unwritten(guard->raft))) {
        return true;
    }
    return guard_has_rule(guard, GUARD_L) &&
           view_is_sole_voter(&guard->raft->configuration, guard->id);
}

/* At most one leader in a term (Raft paper, figure 3, Election Safety): if it
 * does happen, the core would overwrite its leader's state as if it were a
 * follower's. Nothing good can come after that. */
static bool is_another_leader(const struct guard *guard,
                              const struct raft_message *message)
{
    raft_term term = message->type == RAFT_IO_APPEND_ENTRIES
                         ? message->append_entries.term
                         : message->install_snapshot.term;

    return guard->raft->state == RAFT_LEADER &&
           guard->raft->current_term == term;
}

/* Rule N. The core truncates or replaces its log although appends are under
 * way, and counts those as stored when they end: it then confirms entries that
 * are not on its disk. So what replaces waits for what was written before
 * (Raft paper, figure 2: storage is updated before answering). */
static bool would_replace_log(const struct guard *guard,
                              const struct raft_message *message)
{
    const struct raft *raft = guard->raft;
    raft_index conflict;

    if (!guard_has_rule(guard, GUARD_N) || list_empty(&guard->appends)) {
        return false;
    }
    if (message->type == RAFT_IO_INSTALL_SNAPSHOT) {
        return message->install_snapshot.term >= raft->current_term;
    }
    if (message->append_entries.term < raft->current_term) {
        return false;
    }
    conflict = view_first_conflict(raft, &message->append_entries);
    return conflict > raft->commit_index;
}

/* The core forgets an install that comes while it stores another snapshot, its
 * own or an installed one, and the leader then sends nothing until
 * install_snapshot_timeout has passed. A newer one waits instead; the same one
 * again may be forgotten. */
static bool comes_during_snapshot(const struct guard *guard,
                                  const struct raft_message *message)
{
    const struct raft *raft = guard->raft;

    return message->type == RAFT_IO_INSTALL_SNAPSHOT &&
           message->install_snapshot.term >= raft->current_term &&
           message->install_snapshot.last_index >
               raft->log.snapshot.last_index &&
           view_is_storing_snapshot(raft);
}

/* Rule T. The core cannot look up what its snapshot has swallowed; it takes a
 * message with prev 0 as agreeing and appends its first entry behind its last,
 * and it refuses any other for ever. But a snapshot holds committed entries
 * only, and every later leader has those (Leader Completeness, Raft paper
 * 5.4.3): the message may as well begin at the snapshot. */
static bool starts_below_snapshot(const struct guard *guard,
                                  const struct raft_message *message)
{
    const struct raft *raft = guard->raft;
    const struct raft_append_entries *append = &message->append_entries;

    return guard_has_rule(guard, GUARD_T) &&
           message->type == RAFT_IO_APPEND_ENTRIES &&
           append->term >= raft->current_term &&
           append->prev_log_index <= raft->log.offset &&
           append->prev_log_index < raft->log.snapshot.last_index &&
           !(append->n_entries == 0 && view_is_installing(raft));
}

static void move_up_to_snapshot(struct guard *guard,
                                struct raft_append_entries *append)
{
    const struct raft *raft = guard->raft;
    raft_index snapshot = raft->log.snapshot.last_index;
    raft_index covered = snapshot - append->prev_log_index;
    unsigned count = append->n_entries;
    unsigned strip = covered < count ? (unsigned)covered : count;
    struct raft_entry *entries = append->entries;

    for (unsigned i = 0; i < strip; i++) {
        bool is_last_of_batch =
            i + 1 == count || entries[i + 1].batch != entries[i].batch;

        if (is_last_of_batch) {
            raft_free(entries[i].batch);
        }
    }
    if (strip == count) {
        raft_free(entries);
        append->entries = NULL;
    } else {
        memmove(entries, entries + strip, (count - strip) * sizeof *entries);
    }
    append->n_entries = count - strip;
    append->prev_log_index = snapshot;
    append->prev_log_term = raft->log.snapshot.last_term;
    if (append->leader_commit < snapshot) {
        append->leader_commit = snapshot;
    }
    guard->counts.stripped_messages++;
}

/* ---- Into the core ---- */

/* The core looks at the term of a result before it looks at whose it is. No peer
 * can send this one: judge() drops what claims to be our own. */
void guard_end_term(struct guard *guard)
{
    struct raft_message message = {.type = RAFT_IO_APPEND_ENTRIES_RESULT,
                                   .server_id = guard->id};

    assert(guard->raft->state == RAFT_LEADER);
    if (guard->closing || guard->failed) {
        return;
    }
    message.append_entries_result.term = guard->raft->current_term + 1;
    deliver(guard, &message);
}

/* The address of a peer is what the configuration says, never what came over
 * the wire: the core would adopt it for its answers (rule G). A server that
 * joins has no configuration yet and cannot but take the sender's. The copy is
 * needed as the core may replace its configuration while it still uses it. */
static char *trusted_address(const struct guard *guard,
                             const struct raft_message *message)
{
    const struct raft_server *server =
        view_server(guard->raft, message->server_id);

    if (server != NULL) {
        return mem_must_strdup(server->address);
    }
    return mem_must_strdup(
        message->server_address == NULL ? "" : message->server_address);
}

static void deliver(struct guard *guard, struct raft_message *message)
{
    struct guard_incoming *incoming = &guard->incoming;
    char *address = trusted_address(guard, message);

    assert(guard->depth == 0);
    memset(incoming, 0, sizeof *incoming);
    incoming->message = message;
    message->server_address = address;
    if (message->type == RAFT_IO_APPEND_ENTRIES) {
        incoming->term = message->append_entries.term;
        incoming->covers = message->append_entries.prev_log_index +
                           message->append_entries.n_entries;
    } else if (message->type == RAFT_IO_INSTALL_SNAPSHOT) {
        incoming->term = message->install_snapshot.term;
        incoming->covers = message->install_snapshot.last_index;
    }
    guard_enter(guard);
    guard->recv(&guard->io, message);
    if (incoming->stored && incoming->term == guard->raft->current_term) {
        guard_raise_verified(guard, incoming->covers);
    }
    if (incoming->vote_is_ours) {
        guard_answer_vote(guard, message);
    }
    memset(incoming, 0, sizeof *incoming);
    guard_leave(guard);
    free(address);
}

/* ---- Waiting ---- */

static void hold(struct guard *guard, const struct raft_message *message)
{
    struct raft_message copy = *message;
    struct guard_held_message *held;

    if (message->type == RAFT_IO_INSTALL_SNAPSHOT) {
        drop_held_install(guard);
    }
    if (guard->held_count >= GUARD_HELD_MAX) {
        message_close(&copy);
        return;
    }
    held = mem_must_zalloc(sizeof *held);
    /* Now, as the configuration may no longer know the sender then. */
    held->address = trusted_address(guard, message);
    copy.server_address = held->address;
    held->message = copy;
    list_push_back(&guard->held, &held->link);
    guard->held_count++;
    guard->counts.held_truncations++;
}

/* They are large, and the leader goes by the one that it sent last. */
static void drop_held_install(struct guard *guard)
{
    struct guard_held_message *held = held_install(guard);

    if (held != NULL) {
        list_remove(&held->link);
        held_free(held);
        guard->held_count--;
    }
}

bool guard_has_install(const struct guard *guard)
{
    return held_install(guard) != NULL || view_is_installing(guard->raft);
}

static struct guard_held_message *held_install(const struct guard *guard)
{
    struct list *at = guard->held.next;

    while (at != &guard->held) {
        struct guard_held_message *held =
            LIST_ITEM(at, struct guard_held_message, link);

        if (held->message.type == RAFT_IO_INSTALL_SNAPSHOT) {
            return held;
        }
        at = at->next;
    }
    return NULL;
}

static void held_free(struct guard_held_message *held)
{
    message_close(&held->message);
    free(held->address);
    free(held);
}

static bool may_release_held(const struct guard *guard)
{
    const struct guard_held_message *install = held_install(guard);

    return !list_empty(&guard->held) && list_empty(&guard->appends) &&
           (install == NULL ||
            !comes_during_snapshot(guard, &install->message));
}

bool guard_has_releasable(const struct guard *guard)
{
    if (may_release_held(guard)) {
        return true;
    }
    if (!guard_own_entry_is_stored(guard)) {
        return false;
    }
    for (size_t i = 0; i < GUARD_PEERS_MAX; i++) {
        if (guard->peers[i].has_held_result) {
            return true;
        }
    }
    return false;
}

static void release_results(struct guard *guard)
{
    for (size_t i = 0; i < GUARD_PEERS_MAX; i++) {
        struct guard_peer *peer = &guard->peers[i];

        if (peer->has_held_result && guard_own_entry_is_stored(guard)) {
            peer->has_held_result = false;
            /* Judged anew: it may be of an old term by now. */
            guard_receive(guard, &peer->held_result);
        }
    }
}

void guard_release_held(struct guard *guard)
{
    struct list ready;

    release_results(guard);
    list_init(&ready);
    if (may_release_held(guard)) {
        list_move_all(&ready, &guard->held);
        guard->held_count = 0;
    }
    while (!list_empty(&ready)) {
        struct guard_held_message *held =
            LIST_ITEM(ready.next, struct guard_held_message, link);

        list_remove(&held->link);
        guard_receive(guard, &held->message);
        free(held->address);
        free(held);
    }
}

void guard_drop_held(struct guard *guard)
{
    while (!list_empty(&guard->held)) {
        struct guard_held_message *held =
            LIST_ITEM(guard->held.next, struct guard_held_message, link);

        list_remove(&held->link);
        held_free(held);
    }
    guard->held_count = 0;
}

static void message_close(struct raft_message *message)
{
    struct raft_append_entries *append = &message->append_entries;

    if (message->type == RAFT_IO_INSTALL_SNAPSHOT) {
        raft_configuration_close(&message->install_snapshot.conf);
        raft_free(message->install_snapshot.data.base);
    } else if (message->type == RAFT_IO_APPEND_ENTRIES) {
        for (unsigned i = 0; i < append->n_entries; i++) {
            if (i + 1 == append->n_entries ||
                append->entries[i + 1].batch != append->entries[i].batch) {
                raft_free(append->entries[i].batch);
            }
        }
        raft_free(append->entries);
    }
}
