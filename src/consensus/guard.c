/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * The guard as a raft_io: the sixteen functions that the core calls, and the
 * way back from the inner raft_io into the core. Every way into the core goes
 * through guard_enter() and guard_leave(), so that the rules see each entry.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "consensus/guard_internal.h"
#include "consensus/guard_view.h"
#include "util/mem.h"

static void fill_io(struct guard *guard);
static void fill_limits(struct guard_options *options);
static void guard_settle(struct guard *guard);

int guard_new(struct guard **ret_guard, struct raft_io **ret_io,
              const struct guard_options *options, struct err *err)
{
    struct guard *guard;
    int rv = guard_check_library(err);

    if (rv != 0) {
        return rv;
    }
    guard = mem_must_zalloc(sizeof *guard);
    guard->options = *options;
    fill_limits(&guard->options);
    guard->raft = options->raft;
    guard->inner = options->inner;
    list_init(&guard->appends);
    list_init(&guard->puts);
    list_init(&guard->gets);
    list_init(&guard->works);
    list_init(&guard->sends);
    list_init(&guard->completions);
    list_init(&guard->held);
    fill_io(guard);
    options->inner->data = guard;
    *ret_guard = guard;
    *ret_io = &guard->io;
    return 0;
}

void guard_free(struct guard *guard)
{
    free(guard);
}

void guard_after(struct guard *guard)
{
    if (guard->depth == 0) {
        guard_settle(guard);
    }
}

void guard_run_deferred(struct guard *guard)
{
    guard->deferred = false;
    if (guard->closing || guard->failed) {
        return;
    }
    guard_complete_sends(guard);
    guard_release_held(guard);
    guard_settle(guard);
}

void guard_doubt(struct guard *guard, bool in_doubt)
{
    guard->in_doubt = in_doubt && guard_has_rule(guard, GUARD_V);
}

void guard_stand_back(struct guard *guard, bool back)
{
    guard->stands_back = back;
}

void guard_counts(const struct guard *guard, struct guard_counts *ret)
{
    *ret = guard->counts;
}

bool guard_is_ready_leader(const struct guard *guard)
{
    return guard->raft->state == RAFT_LEADER &&
           guard_own_entry_is_stored(guard) &&
           guard->raft->last_applied >= guard->own_entry.index;
}

bool guard_is_own_entry(const struct guard *guard, raft_index index)
{
    return guard->raft->state == RAFT_LEADER &&
           guard->own_entry.term == guard->raft->current_term &&
           index > guard->own_entry.index;
}

/* ---- In and out of the core ---- */

void guard_enter(struct guard *guard)
{
    guard->depth++;
}

void guard_leave(struct guard *guard)
{
    assert(guard->depth > 0);
    guard->depth--;
    if (guard->depth == 0) {
        guard_settle(guard);
    }
}

void guard_defer(struct guard *guard)
{
    if (!guard->deferred && !guard->closing && !guard->failed) {
        guard->deferred = true;
        guard->options.defer(guard->options.data);
    }
}

/* The rules' own entries, and the owner's in entered(), come back here: they
 * ask for another round instead of going deeper. */
static void guard_settle(struct guard *guard)
{
    if (guard->settling) {
        guard->settle_again = true;
        return;
    }
    guard->settling = true;
    do {
        guard->settle_again = false;
        if (!guard->closing && !guard->failed) {
            guard_obey_after_entry(guard);
        }
        if (!guard->closing && !guard->failed &&
            guard->options.entered != NULL) {
            guard->options.entered(guard->options.data);
        }
    } while (guard->settle_again);
    guard->settling = false;
}

/* Rule D. After a failed append the core truncates its log in memory by the
 * index of that request although later requests are under way, counts stored
 * entries wrongly from then on (a follower), or frees what it still uses (a
 * leader); after a failed set_term it only falls silent. Besides, a page that
 * fsync could not write may be reported clean the next time. So no write is
 * ever retried or survived: the next start reads what the disk really holds.
 * (Raft dissertation 3.8 takes a durable log for granted.) */
void guard_fail(struct guard *guard, const char *format, ...)
{
    char reason[256];
    va_list args;

    if (guard->failed || guard->closing) {
        return;
    }
    va_start(args, format);
    (void)vsnprintf(reason, sizeof reason, format, args);
    va_end(args);
    guard->failed = true;
    guard->options.fatal(guard->options.data, reason);
}

void guard_fail_write(struct guard *guard, const char *what, int status)
{
    memcpy(guard->io.errmsg, guard->inner->errmsg, sizeof guard->io.errmsg);
    guard->io.errmsg[sizeof guard->io.errmsg - 1] = '\0';
    if (guard_has_rule(guard, GUARD_D)) {
        guard_fail(guard, "%s failed: %s (%s)", what, raft_strerror(status),
                   guard->io.errmsg);
    }
}

void guard_restart(struct guard *guard, const char *reason)
{
    if (guard->options.restart == NULL) {
        guard_fail(guard, "must start again: %s", reason);
        return;
    }
    if (!guard->failed && !guard->closing) {
        guard->failed = true;
        guard->options.restart(guard->options.data, reason);
    }
}

struct guard_peer *guard_peer(struct guard *guard, raft_id id)
{
    if (id == 0) {
        return NULL;
    }
    for (size_t i = 0; i < GUARD_PEERS_MAX; i++) {
        if (guard->peers[i].id == id) {
            return &guard->peers[i];
        }
    }
    for (size_t i = 0; i < GUARD_PEERS_MAX; i++) {
        struct guard_peer *peer = &guard->peers[i];

        if (peer->id == 0 || (peer->bytes_in_flight == 0 &&
                              view_server(guard->raft, peer->id) == NULL)) {
            memset(peer, 0, sizeof *peer);
            peer->id = id;
            return peer;
        }
    }
    return NULL;
}

/* ---- raft_io: life ---- */

static int io_init(struct raft_io *io, raft_id id, const char *address)
{
    struct guard *guard = io->impl;

    guard->id = id;
    return guard->inner->init(guard->inner, id, address);
}

static void on_inner_closed(struct raft_io *inner)
{
    struct guard *guard = inner->data;

    guard_cancel_requests(guard);
    guard_drop_sends(guard);
    guard_drop_held(guard);
    guard_complete_sends(guard);
    guard->close(&guard->io);
}

static void io_close(struct raft_io *io, raft_io_close_cb cb)
{
    struct guard *guard = io->impl;

    guard->closing = true;
    guard->close = cb;
    guard->inner->close(guard->inner, on_inner_closed);
}

static void free_loaded(struct raft_snapshot *snapshot,
                        struct raft_entry *entries, size_t count)
{
    if (snapshot != NULL) {
        for (unsigned i = 0; i < snapshot->n_bufs; i++) {
            raft_free(snapshot->bufs[i].base);
        }
        raft_free(snapshot->bufs);
        raft_configuration_close(&snapshot->configuration);
        raft_free(snapshot);
    }
    for (size_t i = 0; i < count; i++) {
        if (i + 1 == count || entries[i + 1].batch != entries[i].batch) {
            raft_free(entries[i].batch);
        }
    }
    raft_free(entries);
}

static int io_load(struct raft_io *io, raft_term *term, raft_id *vote,
                   struct raft_snapshot **snapshot, raft_index *start_index,
                   struct raft_entry *entries[], size_t *count)
{
    struct guard *guard = io->impl;
    int rv = guard->inner->load(guard->inner, term, vote, snapshot, start_index,
                                entries, count);

    if (rv != 0) {
        memcpy(io->errmsg, guard->inner->errmsg, sizeof io->errmsg);
        return rv;
    }
    guard->durable_term = *term;
    guard->durable_vote = *vote;
    rv = guard_obey_on_load(guard, term, vote, *snapshot, *entries, *count);
    if (rv != 0) {
        free_loaded(*snapshot, *entries, *count);
    }
    return rv;
}

static void on_tick(struct raft_io *inner)
{
    struct guard *guard = inner->data;

    if (guard->closing || guard->failed) {
        return;
    }
    guard_notice_absence(guard);
    guard_obey_before_tick(guard);
    if (guard->failed) {
        return;
    }
    guard_enter(guard);
    guard->tick(&guard->io);
    guard_leave(guard);
    guard_ask_for_tick(guard);
}

static void on_message(struct raft_io *inner, struct raft_message *message)
{
    guard_receive(inner->data, message);
}

static int io_start(struct raft_io *io, unsigned msecs, raft_io_tick_cb tick,
                    raft_io_recv_cb recv)
{
    struct guard *guard = io->impl;
    int rv;

    guard->tick = tick;
    guard->recv = recv;
    rv = guard->inner->start(guard->inner, msecs, on_tick, on_message);
    guard->started = rv == 0;
    return rv;
}

static int io_bootstrap(struct raft_io *io,
                        const struct raft_configuration *configuration)
{
    struct guard *guard = io->impl;

    return guard->inner->bootstrap(guard->inner, configuration);
}

static int io_recover(struct raft_io *io,
                      const struct raft_configuration *configuration)
{
    struct guard *guard = io->impl;

    return guard->inner->recover(guard->inner, configuration);
}

/* ---- raft_io: term and vote ---- */

int guard_store_term(struct guard *guard, raft_term term)
{
    int rv = guard->inner->set_term(guard->inner, term);

    if (rv != 0) {
        guard_fail_write(guard, "storing the term", rv);
        return rv;
    }
    guard->durable_term = term;
    guard->durable_vote = 0;
    return 0;
}

int guard_store_vote(struct guard *guard, raft_id id)
{
    int rv = guard->inner->set_vote(guard->inner, id);

    if (rv != 0) {
        guard_fail_write(guard, "storing the vote", rv);
        return rv;
    }
    guard->durable_vote = id;
    return 0;
}

/* A candidate that cannot store its term makes the core free what it has not
 * allocated. After fatal(), where that returns at all, nothing more of the core
 * goes out or to the disk: it may as well believe that all went well. */
static int tell_core(const struct guard *guard, int status)
{
    return guard->failed ? 0 : status;
}

static int io_set_term(struct raft_io *io, raft_term term)
{
    return tell_core(io->impl, guard_store_term(io->impl, term));
}

static int io_set_vote(struct raft_io *io, raft_id id)
{
    return tell_core(io->impl, guard_store_vote(io->impl, id));
}

/* ---- raft_io: the rest ---- */

static int io_send(struct raft_io *io, struct raft_io_send *request,
                   const struct raft_message *message, raft_io_send_cb cb)
{
    return guard_send(io->impl, request, message, cb);
}

static raft_time io_time(struct raft_io *io)
{
    struct guard *guard = io->impl;

    return guard->inner->time(guard->inner);
}

/* What the core asks for are its election timeouts, from once to twice what it was
 * given (Raft paper, 5.2). The lower half of that is still many times what an
 * election takes, and has a silent leader replaced sooner, at the same patience
 * with one that is only late. */
static int io_random(struct raft_io *io, int min, int max)
{
    struct guard *guard = io->impl;

    return guard->inner->random(guard->inner, min, max - (max - min) / 2);
}

static void fill_io(struct guard *guard)
{
    guard->io = (struct raft_io){
        .version = guard->inner->version,
        .impl = guard,
        .init = io_init,
        .close = io_close,
        .load = io_load,
        .start = io_start,
        .bootstrap = io_bootstrap,
        .recover = io_recover,
        .set_term = io_set_term,
        .set_vote = io_set_vote,
        .send = io_send,
        .append = guard_io_append,
        .truncate = guard_io_truncate,
        .snapshot_put = guard_io_snapshot_put,
        .snapshot_get = guard_io_snapshot_get,
        .time = io_time,
        .random = io_random,
    };
    if (guard->inner->version >= 2 && guard->inner->async_work != NULL) {
        guard->io.async_work = guard_io_async_work;
    }
}

static void fill_limits(struct guard_options *options)
{
    if (options->message_entries_max == 0) {
        options->message_entries_max = PEER_MESSAGE_ENTRIES_MAX;
    }
    if (options->message_bytes_max == 0) {
        options->message_bytes_max = PEER_MESSAGE_BYTES_MAX;
    }
    if (options->send_bytes_max == 0) {
        options->send_bytes_max = PEER_SEND_BYTES_MAX;
    }
}
