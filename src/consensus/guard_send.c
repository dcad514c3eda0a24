/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * Rules on what goes out. The core's own request never reaches the inner
 * raft_io: messages leave in requests and memory of ours, and a send cannot
 * fail towards the core. That is the same as a lost message to Raft, whereas
 * the core would free a received message twice, or fall silent.
 */
#include <stdlib.h>
#include <string.h>

#include "consensus/guard_internal.h"
#include "consensus/guard_view.h"
#include "util/mem.h"

/* What one message counts for beside its entries. */
#define SEND_OVERHEAD sizeof(struct guard_send)

/* A message on its way. Entries and their bytes lie behind the struct. */
struct guard_send {
    struct list link;
    struct raft_io_send inner;
    struct guard *guard;
    raft_id to;
    size_t bytes;
    bool is_snapshot;
    struct raft_io_send *request; /* a snapshot's: answered when it is sent */
    raft_io_send_cb cb;
    struct raft_entry entries[];
};

static bool is_for_nobody(const struct guard *guard,
                          const struct raft_message *message);
static void clamp_result(struct guard *guard,
                         struct raft_append_entries_result *result);
static void hint_refusal(struct guard *guard,
                         struct raft_append_entries_result *result);
static raft_index leap_back(struct guard *guard, raft_index index);
static void check_stands_with_disk(const struct guard *guard);
static void tell_real_term(const struct guard *guard,
                           struct raft_request_vote_result *result);
static bool limit_entries(struct guard *guard, struct guard_peer *peer,
                          struct raft_append_entries *append);
static unsigned count_within_limits(const struct guard *guard,
                                    const struct raft_append_entries *append);
static void transmit(struct guard *guard, struct guard_peer *peer,
                     struct raft_message *message, struct raft_io_send *request,
                     raft_io_send_cb cb);
static void complete_later(struct guard *guard, struct raft_io_send *request,
                           raft_io_send_cb cb, int status);

int guard_send(struct guard *guard, struct raft_io_send *request,
               const struct raft_message *message, raft_io_send_cb cb)
{
    struct raft_message out = *message;
    struct guard_peer *peer;

    if (guard->closing || guard->failed) {
        complete_later(guard, request, cb, RAFT_CANCELED);
        return 0;
    }
    if (guard_has_rule(guard, GUARD_G) && is_for_nobody(guard, &out)) {
        guard->counts.dropped_results++;
        complete_later(guard, request, cb, 0);
        return 0;
    }
    peer = guard_peer(guard, out.server_id);
    if (peer == NULL) {
        complete_later(guard, request, cb, 0);
        return 0;
    }
    if (out.type == RAFT_IO_TIMEOUT_NOW && !guard_has_rule(guard, GUARD_K)) {
        return guard->inner->send(guard->inner, request, &out, cb);
    }
    switch (out.type) {
    case RAFT_IO_REQUEST_VOTE:
        check_stands_with_disk(guard);
        break;
    case RAFT_IO_APPEND_ENTRIES:
        if (!limit_entries(guard, peer, &out.append_entries)) {
            complete_later(guard, request, cb, 0);
            return 0;
        }
        break;
    case RAFT_IO_APPEND_ENTRIES_RESULT:
        clamp_result(guard, &out.append_entries_result);
        hint_refusal(guard, &out.append_entries_result);
        break;
    case RAFT_IO_REQUEST_VOTE_RESULT:
        if (guard_takes_vote(guard, &out)) {
            guard->incoming.vote_is_ours = true;
            complete_later(guard, request, cb, 0);
            return 0;
        }
        tell_real_term(guard, &out.request_vote_result);
        break;
    default:
        break;
    }
    transmit(guard, peer, &out, request, cb);
    return 0;
}

void guard_complete_sends(struct guard *guard)
{
    assert(guard->depth == 0);
    while (!list_empty(&guard->completions)) {
        struct guard_completion *completion =
            LIST_ITEM(guard->completions.next, struct guard_completion, link);

        list_remove(&completion->link);
        /* These callbacks only free: nothing to settle afterwards. */
        guard->depth++;
        completion->cb(completion->request, completion->status);
        guard->depth--;
        free(completion);
    }
}

void guard_raise_verified(struct guard *guard, raft_index index)
{
    if (guard->verified_term != guard->raft->current_term) {
        guard->verified_term = guard->raft->current_term;
        guard->verified = 0;
    }
    if (index > guard->verified) {
        guard->verified = index;
    }
}

/* ---- The rules ---- */

/* Rule G. The core answers a leader when its append or install is done, and
 * then takes the leader's id from a union that means something else when this
 * node has become a candidate or a leader meanwhile; a follower that knows no
 * leader answers id 0. Nobody waits for such an answer (Raft paper, figure 2:
 * an answer belongs to a request and its term). The address that comes with it
 * is garbage, too, and must not be touched. */
static bool is_for_nobody(const struct guard *guard,
                          const struct raft_message *message)
{
    if (message->server_id == 0) {
        return true;
    }
    return message->type == RAFT_IO_APPEND_ENTRIES_RESULT &&
           guard->incoming.message == NULL &&
           guard->raft->state != RAFT_FOLLOWER;
}

/* Rule B. A follower may only confirm what this term's leader has shown to be
 * equal: the entry before its message and those in it (Raft paper, section 5.3
 * and the induction of 5.4.3). The core says its last stored index instead,
 * which may lie in an old tail that the leader never had, and the leader counts
 * it. What is committed agrees with every leader (Leader Completeness). */
static void clamp_result(struct guard *guard,
                         struct raft_append_entries_result *result)
{
    const struct guard_incoming *incoming = &guard->incoming;
    raft_index limit;

    if (result->rejected != 0 || !guard_has_rule(guard, GUARD_B)) {
        return;
    }
    /* Answered at once: accepted, unless the message is of an older term (the
     * core's refusal of prev 0 looks like a success). */
    if (incoming->message != NULL &&
        incoming->term == guard->raft->current_term) {
        guard_raise_verified(guard, incoming->covers);
    } else {
        guard_raise_verified(guard, 0);
    }
    limit = guard->verified;
    if (limit < guard->raft->commit_index) {
        limit = guard->raft->commit_index;
    }
    if (result->last_log_index > limit) {
        result->last_log_index = limit;
        guard->counts.clamped_results++;
    }
}

/* Rule U. After a refusal the core's leader goes back one index per heartbeat,
 * or to where the refusal says. The follower names the last entry that may still
 * be equal (Raft paper, end of section 5.3): terms never fall along a log, so
 * what has a higher term than the leader's previous entry is not in the leader's
 * log. Where its own term is lower it cannot tell where the leader's begins;
 * then it goes back twice as far each time. Too far costs a few entries sent in
 * vain, and never more than those behind the commit index. */
static void hint_refusal(struct guard *guard,
                         struct raft_append_entries_result *result)
{
    const struct raft *raft = guard->raft;
    const struct raft_message *message = guard->incoming.message;
    raft_index index = result->last_log_index;
    raft_term prev_term;

    if (result->rejected == 0 || message == NULL ||
        message->type != RAFT_IO_APPEND_ENTRIES ||
        guard->incoming.term != raft->current_term ||
        !guard_has_rule(guard, GUARD_U)) {
        return;
    }
    prev_term = message->append_entries.prev_log_term;
    if (index >= result->rejected) {
        index = leap_back(guard, result->rejected - 1);
    }
    while (index > raft->commit_index && index > raft->log.offset &&
           view_term_of(raft, index) > prev_term) {
        index--;
    }
    result->last_log_index = index;
}

static raft_index leap_back(struct guard *guard, raft_index index)
{
    raft_index commit = guard->raft->commit_index;
    raft_index leap;

    if (guard->refused_term != guard->raft->current_term) {
        guard->refused_term = guard->raft->current_term;
        guard->leap = 0;
    }
    leap = guard->leap;
    guard->leap = 2 * leap + 1;
    if (index <= commit) {
        return index;
    }
    return leap < index - commit ? index - leap : commit;
}

/* Rule C. A candidate's log must be on its disk (Raft paper, figure 2): that is
 * what rule M is for, so here it is only asserted. */
static void check_stands_with_disk(const struct guard *guard)
{
    if (guard_has_rule(guard, GUARD_M)) {
        assert(!view_has_unwritten(guard->raft));
    }
}

/* Rule S. The core answers a pre-vote with the term of the request, also when
 * it refuses because its own is higher. The candidate never learns that, and
 * two servers with different terms and logs can refuse each other for ever
 * (Raft dissertation 9.6; a refusal carries the current term, figure 3.1). */
static void tell_real_term(const struct guard *guard,
                           struct raft_request_vote_result *result)
{
    if (guard_has_rule(guard, GUARD_S) &&
        result->pre_vote == raft_tribool_true && !result->vote_granted &&
        result->term < guard->raft->current_term) {
        result->term = guard->raft->current_term;
    }
}

/* Rules H and P. The core puts all entries from next_index to the end of its
 * log into every message, again with each heartbeat while nobody answers: the
 * backlog of a slow peer is copied until memory ends. Here a message has a
 * bounded number of entries and bytes (but one entry at least), and none while
 * a peer has too much in flight; then only a heartbeat passes from time to
 * time. What is cut off must be sent later (guard_obey_after_entry()), and a
 * cut message must not commit beyond its last entry: the follower would commit
 * what it has there, verified or not (Raft paper, figure 2, AppendEntries 5:
 * "min(leaderCommit, index of last new entry)").
 * Returns false when nothing is to be sent. */
static bool limit_entries(struct guard *guard, struct guard_peer *peer,
                          struct raft_append_entries *append)
{
    bool is_full = peer->bytes_in_flight >= guard->options.send_bytes_max;
    raft_time now = guard->inner->time(guard->inner);
    bool is_due = now - peer->last_send >= guard->raft->heartbeat_timeout;
    unsigned count = append->n_entries;
    raft_index end;

    if (guard_has_rule(guard, GUARD_H)) {
        count = is_full ? 0 : count_within_limits(guard, append);
    }
    count = guard_count_sendable(guard, append, count);
    if (count < append->n_entries) {
        append->n_entries = count;
        peer->cut_next = append->prev_log_index + count + 1;
        guard->counts.cut_messages++;
    }
    if (guard_has_rule(guard, GUARD_H) && is_full && !is_due) {
        return false;
    }
    end = append->prev_log_index + count;
    if (guard_has_rule(guard, GUARD_P) && append->leader_commit > end) {
        append->leader_commit = end;
    }
    peer->last_send = now;
    return true;
}

static unsigned count_within_limits(const struct guard *guard,
                                    const struct raft_append_entries *append)
{
    size_t bytes = 0;
    unsigned count = 0;

    while (count < append->n_entries &&
           count < guard->options.message_entries_max) {
        bytes += append->entries[count].buf.len;
        if (count > 0 && bytes > guard->options.message_bytes_max) {
            break;
        }
        count++;
    }
    return count;
}

/* ---- On the way ---- */

static void finish_send(struct guard_send *send)
{
    struct guard_peer *peer = guard_peer(send->guard, send->to);

    if (peer != NULL && peer->bytes_in_flight >= send->bytes) {
        peer->bytes_in_flight -= send->bytes;
        peer->snapshot_in_flight =
            peer->snapshot_in_flight && !send->is_snapshot;
    }
    list_remove(&send->link);
    free(send);
}

static void on_sent(struct raft_io_send *inner, int status)
{
    struct guard_send *send = inner->data;
    struct guard *guard = send->guard;
    struct raft_io_send *request = send->request;
    raft_io_send_cb cb = send->cb;

    finish_send(send);
    if (request != NULL) {
        guard_enter(guard);
        cb(request, status);
        guard_leave(guard);
    }
}

/* Rule E. A later truncation frees entries that a send still refers to, and the
 * core's reference counts cannot tell two entries of the same index and term
 * apart. So every entry that leaves is a copy. */
static struct guard_send *send_new(struct guard *guard,
                                   struct raft_message *message)
{
    struct raft_append_entries *append = &message->append_entries;
    unsigned count =
        message->type == RAFT_IO_APPEND_ENTRIES ? append->n_entries : 0;
    size_t entries_len = count * sizeof(struct raft_entry);
    size_t bytes = 0;
    struct guard_send *send;
    uint8_t *at;

    for (unsigned i = 0; i < count; i++) {
        bytes += (append->entries[i].buf.len + 7u) & ~(size_t)7;
    }
    send = mem_must_alloc(sizeof *send + entries_len + bytes);
    memset(send, 0, sizeof *send);
    send->inner.data = send;
    send->guard = guard;
    send->to = message->server_id;
    send->bytes = SEND_OVERHEAD + entries_len + bytes;
    at = (uint8_t *)send + sizeof *send + entries_len;
    for (unsigned i = 0; i < count; i++) {
        send->entries[i] = append->entries[i];
        send->entries[i].buf.base = at;
        send->entries[i].batch = NULL;
        memcpy(at, append->entries[i].buf.base, append->entries[i].buf.len);
        at += (append->entries[i].buf.len + 7u) & ~(size_t)7;
    }
    if (message->type == RAFT_IO_APPEND_ENTRIES) {
        append->entries = count > 0 ? send->entries : NULL;
    }
    return send;
}

/* Rule K is here, too: TimeoutNow comes with a request inside the caller's
 * raft_transfer, which the caller may reuse before the message has left, and
 * with no callback. Neither is used after this. */
static void transmit(struct guard *guard, struct guard_peer *peer,
                     struct raft_message *message, struct raft_io_send *request,
                     raft_io_send_cb cb)
{
    bool is_snapshot = message->type == RAFT_IO_INSTALL_SNAPSHOT;
    struct guard_send *send;
    int rv;

    /* Lost rather than queued without limit: a peer that takes nothing, and
     * snapshots, which the core sends again while one is still on its way. */
    if (peer->bytes_in_flight >= 2 * guard->options.send_bytes_max ||
        (is_snapshot && peer->snapshot_in_flight)) {
        complete_later(guard, request, cb, 0);
        return;
    }
    send = send_new(guard, message);
    send->is_snapshot = is_snapshot;
    peer->snapshot_in_flight = peer->snapshot_in_flight || is_snapshot;
    peer->bytes_in_flight += send->bytes;
    list_push_back(&guard->sends, &send->link);
    if (is_snapshot) {
        /* The snapshot is the core's until its callback. */
        send->request = request;
        send->cb = cb;
    }
    rv = guard->inner->send(guard->inner, &send->inner, message, on_sent);
    if (rv != 0) {
        finish_send(send);
    }
    if (rv != 0 || !is_snapshot) {
        complete_later(guard, request, cb, is_snapshot ? rv : 0);
    }
}

void guard_drop_sends(struct guard *guard)
{
    while (!list_empty(&guard->sends)) {
        struct guard_send *send =
            LIST_ITEM(guard->sends.next, struct guard_send, link);

        if (send->request != NULL) {
            complete_later(guard, send->request, send->cb, RAFT_CANCELED);
        }
        finish_send(send);
    }
}

static void complete_later(struct guard *guard, struct raft_io_send *request,
                           raft_io_send_cb cb, int status)
{
    struct guard_completion *completion;

    if (cb == NULL) {
        return;
    }
    completion = mem_must_zalloc(sizeof *completion);
    completion->request = request;
    completion->cb = cb;
    completion->status = status;
    list_push_back(&guard->completions, &completion->link);
    if (guard->depth == 0) {
        /* From raft_apply() and the like, whose caller should settle. */
        guard_defer(guard);
    }
}
