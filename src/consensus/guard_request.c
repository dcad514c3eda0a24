/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * The core's requests to the disk on their way to the inner raft_io and back:
 * each gets a request of our own, so that every callback is seen as an entry
 * into the core and every failure before the core (rule D).
 */
#include <stdlib.h>

#include "consensus/guard_internal.h"
#include "consensus/guard_view.h"
#include "util/mem.h"

struct guard_append {
    struct list link;
    struct raft_io_append inner;
    struct guard *guard;
    struct raft_io_append *request;
    raft_io_append_cb cb;
};

struct guard_put {
    struct list link;
    struct raft_io_snapshot_put inner;
    struct guard *guard;
    struct raft_io_snapshot_put *request;
    raft_io_snapshot_put_cb cb;
};

struct guard_get {
    struct list link;
    struct raft_io_snapshot_get inner;
    struct guard *guard;
    struct raft_io_snapshot_get *request;
    raft_io_snapshot_get_cb cb;
};

struct guard_work {
    struct list link;
    struct raft_io_async_work inner;
    struct guard *guard;
    struct raft_io_async_work *request;
    raft_io_async_work_cb cb;
};

static void count_crowd(struct guard *guard);
static void finish_append(struct guard_append *append, int status);
static void finish_put(struct guard_put *put, int status);
static void finish_get(struct guard_get *get, struct raft_snapshot *snapshot,
                       int status);
static void finish_work(struct guard_work *work, int status);

/* What the inner raft_io did not call back, a failed write above all, is still
 * the core's memory: it comes back now that the core only frees. */
void guard_cancel_requests(struct guard *guard)
{
    while (!list_empty(&guard->appends)) {
        finish_append(LIST_ITEM(guard->appends.next, struct guard_append, link),
                      RAFT_CANCELED);
    }
    while (!list_empty(&guard->puts)) {
        finish_put(LIST_ITEM(guard->puts.next, struct guard_put, link),
                   RAFT_CANCELED);
    }
    while (!list_empty(&guard->gets)) {
        finish_get(LIST_ITEM(guard->gets.next, struct guard_get, link), NULL,
                   RAFT_CANCELED);
    }
    while (!list_empty(&guard->works)) {
        finish_work(LIST_ITEM(guard->works.next, struct guard_work, link),
                    RAFT_CANCELED);
    }
}

/* ---- The log ---- */

/* A closing core must not be told of a failed append: with two of them it would
 * truncate its log twice and run off its end. Told that all went well, it only
 * frees: it is RAFT_UNAVAILABLE and claims nothing to anybody. */
static void finish_append(struct guard_append *append, int status)
{
    struct guard *guard = append->guard;

    list_remove(&append->link);
    guard_enter(guard);
    append->cb(append->request, guard->closing ? 0 : status);
    guard_leave(guard);
    free(append);
}

static void on_append(struct raft_io_append *inner, int status)
{
    struct guard_append *append = inner->data;
    struct guard *guard = append->guard;

    if (status != 0 && !guard->closing) {
        guard_fail_write(guard, "appending to the raft log", status);
    }
    if (!guard->failed) {
        finish_append(append, status);
    }
}

/* Rule I. The core commits only when a majority has matched its newest stored
 * entry, so a leader that always has another append under way commits late. How
 * many are proposed at once is the caller's business: one batch, at most two of
 * them in flight, and rule A's own entry. More than that is counted. */
static void count_crowd(struct guard *guard)
{
    unsigned in_flight = 0;

    if (guard->raft->state != RAFT_LEADER) {
        return;
    }
    for (const struct list *at = guard->appends.next; at != &guard->appends;
         at = at->next) {
        in_flight++;
    }
    if (in_flight > BATCHES_IN_FLIGHT) {
        guard->counts.crowded_appends++;
    }
}

int guard_io_append(struct raft_io *io, struct raft_io_append *request,
                    const struct raft_entry entries[], unsigned count,
                    raft_io_append_cb cb)
{
    struct guard *guard = io->impl;
    struct guard_append *append = mem_must_zalloc(sizeof *append);
    int rv;

    count_crowd(guard);
    append->inner.data = append;
    append->guard = guard;
    append->request = request;
    append->cb = cb;
    list_push_back(&guard->appends, &append->link);
    guard->incoming.stored = true;
    if (guard->failed) {
        return 0; /* handed back by guard_cancel_requests() */
    }
    rv = guard->inner->append(guard->inner, &append->inner, entries, count,
                              on_append);
    if (rv != 0) {
        list_remove(&append->link);
        free(append);
        guard_fail_write(guard, "appending to the raft log", rv);
    }
    return rv;
}

int guard_io_truncate(struct raft_io *io, raft_index index)
{
    struct guard *guard = io->impl;
    int rv;

    assert(list_empty(&guard->appends) || !guard_has_rule(guard, GUARD_N));
    if (guard->failed) {
        return 0;
    }
    rv = guard->inner->truncate(guard->inner, index);
    if (rv != 0) {
        guard_fail_write(guard, "truncating the raft log", rv);
    }
    return rv;
}

/* ---- Snapshots ---- */

static void finish_put(struct guard_put *put, int status)
{
    struct guard *guard = put->guard;

    list_remove(&put->link);
    guard_enter(guard);
    put->cb(put->request, status);
    guard_leave(guard);
    free(put);
}

static void on_put(struct raft_io_snapshot_put *inner, int status)
{
    struct guard_put *put = inner->data;
    struct guard *guard = put->guard;

    if (status != 0 && !guard->closing) {
        guard_fail_write(guard, "storing a snapshot", status);
    }
    if (!guard->failed) {
        finish_put(put, status);
    }
}

int guard_io_snapshot_put(struct raft_io *io, unsigned trailing,
                          struct raft_io_snapshot_put *request,
                          const struct raft_snapshot *snapshot,
                          raft_io_snapshot_put_cb cb)
{
    struct guard *guard = io->impl;
    struct guard_put *put;
    int rv;

    if (trailing == 0) {
        /* An own snapshot with trailing 0 would pass for an install. */
        assert(view_is_installing(guard->raft));
        assert(list_empty(&guard->appends) || !guard_has_rule(guard, GUARD_N));
        guard->incoming.stored = true;
    }
    put = mem_must_zalloc(sizeof *put);
    put->inner.data = put;
    put->guard = guard;
    put->request = request;
    put->cb = cb;
    list_push_back(&guard->puts, &put->link);
    if (guard->failed) {
        return 0;
    }
    rv = guard->inner->snapshot_put(guard->inner, trailing, &put->inner,
                                    snapshot, on_put);
    if (rv != 0) {
        list_remove(&put->link);
        free(put);
        guard_fail_write(guard, "storing a snapshot", rv);
    }
    return rv;
}

static void finish_get(struct guard_get *get, struct raft_snapshot *snapshot,
                       int status)
{
    struct guard *guard = get->guard;

    list_remove(&get->link);
    guard_enter(guard);
    get->cb(get->request, snapshot, status);
    guard_leave(guard);
    free(get);
}

static void on_get(struct raft_io_snapshot_get *inner,
                   struct raft_snapshot *snapshot, int status)
{
    struct guard_get *get = inner->data;

    finish_get(get, snapshot, status);
}

int guard_io_snapshot_get(struct raft_io *io,
                          struct raft_io_snapshot_get *request,
                          raft_io_snapshot_get_cb cb)
{
    struct guard *guard = io->impl;
    struct guard_get *get = mem_must_zalloc(sizeof *get);
    int rv;

    get->inner.data = get;
    get->guard = guard;
    get->request = request;
    get->cb = cb;
    list_push_back(&guard->gets, &get->link);
    rv = guard->inner->snapshot_get(guard->inner, &get->inner, on_get);
    if (rv != 0) {
        list_remove(&get->link);
        free(get);
    }
    return rv;
}

/* ---- Work off the loop ---- */

static void finish_work(struct guard_work *work, int status)
{
    struct guard *guard = work->guard;

    list_remove(&work->link);
    guard_enter(guard);
    work->cb(work->request, status);
    guard_leave(guard);
    free(work);
}

static void on_work(struct raft_io_async_work *inner, int status)
{
    finish_work(inner->data, status);
}

/* On a work thread. */
static int do_work(struct raft_io_async_work *inner)
{
    struct guard_work *work = inner->data;

    return work->request->work(work->request);
}

int guard_io_async_work(struct raft_io *io, struct raft_io_async_work *request,
                        raft_io_async_work_cb cb)
{
    struct guard *guard = io->impl;
    struct guard_work *work = mem_must_zalloc(sizeof *work);
    int rv;

    work->inner.data = work;
    work->inner.work = do_work;
    work->guard = guard;
    work->request = request;
    work->cb = cb;
    list_push_back(&guard->works, &work->link);
    rv = guard->inner->async_work(guard->inner, &work->inner, on_work);
    if (rv != 0) {
        list_remove(&work->link);
        free(work);
    }
    return rv;
}
