/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "support/core_rig.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support/cmocka.h"

/* ---- Life ---- */

static void on_defer(void *data)
{
    struct core_rig *rig = data;

    assert_false(rig->deferred);
    rig->deferred = true;
}

static void on_fatal(void *data, const char *reason)
{
    struct core_rig *rig = data;

    (void)snprintf(rig->fatal, sizeof rig->fatal, "%s", reason);
}

static void on_restart(void *data, const char *reason)
{
    struct core_rig *rig = data;

    (void)reason;
    rig->restarts++;
}

static void on_entered(void *data)
{
    struct core_rig *rig = data;

    rig->entered++;
}

static int fsm_apply(struct raft_fsm *fsm, const struct raft_buffer *buffer,
                     void **result)
{
    struct core_rig *rig = fsm->data;

    (void)buffer;
    rig->applied++;
    *result = NULL;
    return 0;
}

static int fsm_snapshot(struct raft_fsm *fsm, struct raft_buffer *bufs[],
                        unsigned *count)
{
    (void)fsm;
    (void)bufs;
    (void)count;
    return RAFT_BUSY;
}

static void on_tick_within(struct raft_io *inner, unsigned ms)
{
    struct core_rig *rig = inner->impl;

    if (rig->tick_within == 0 || ms < rig->tick_within) {
        rig->tick_within = ms;
    }
}

static int fsm_restore(struct raft_fsm *fsm, struct raft_buffer *buffer)
{
    (void)fsm;
    raft_free(buffer->base);
    return 0;
}

void core_rig_start(struct core_rig *rig, unsigned servers, unsigned entries,
                    const struct guard_options *given)
{
    struct guard_options options = {.rules = GUARD_ALL};
    struct raft_io *io;
    struct err err;

    memset(rig, 0, sizeof *rig);
    if (given != NULL) {
        options = *given;
    }
    rig->inner.impl = rig;
    core_rig_fill_io(&rig->inner);
    rig->fsm = (struct raft_fsm){.version = 1,
                                 .data = rig,
                                 .apply = fsm_apply,
                                 .snapshot = fsm_snapshot,
                                 .restore = fsm_restore};
    rig->term = 1;
    rig->now = 100000;
    options.raft = &rig->raft;
    options.inner = &rig->inner;
    options.defer = on_defer;
    options.fatal = on_fatal;
    options.restart = on_restart;
    options.entered = on_entered;
    options.tick_within = on_tick_within;
    options.data = rig;
    rig->load_servers = servers;
    rig->load_entries = entries;
    assert_int_equal(guard_new(&rig->guard, &io, &options, &err), 0);
    assert_int_equal(raft_init(&rig->raft, io, &rig->fsm, 1, "addr-1"), 0);
    raft_set_pre_vote(&rig->raft, true);
    assert_int_equal(raft_start(&rig->raft), 0);
    guard_after(rig->guard);
}

void core_rig_stop(struct core_rig *rig)
{
    raft_close(&rig->raft, NULL);
    assert_non_null(rig->close);
    rig->close(&rig->inner);
    raft_free(rig->put_bufs); /* the core forgets a cancelled install's */
    guard_free(rig->guard);
}

void core_rig_tick(struct core_rig *rig, raft_time ms)
{
    struct raft_message nothing = {.type = RAFT_IO_APPEND_ENTRIES_RESULT};
    raft_time end = rig->now + ms;

    /* It is awake meanwhile, and hears from nobody that it knows (rule X). */
    while (end - rig->now > rig->raft.heartbeat_timeout) {
        rig->now += rig->raft.heartbeat_timeout;
        core_rig_receive(rig, 0, &nothing);
    }
    rig->now = end;
    rig->tick(&rig->inner);
}

void core_rig_run_deferred(struct core_rig *rig)
{
    assert_true(rig->deferred);
    rig->deferred = false;
    guard_run_deferred(rig->guard);
}

void core_rig_append_done(struct core_rig *rig, int status)
{
    struct core_rig_append append = rig->appends[0];

    assert_true(rig->append_count > 0);
    rig->append_count--;
    memmove(rig->appends, rig->appends + 1,
            rig->append_count * sizeof rig->appends[0]);
    append.cb(append.request, status);
}

void core_rig_put_done(struct core_rig *rig)
{
    assert_non_null(rig->put);
    rig->put_bufs = NULL;
    rig->put_cb(rig->put, 0);
    rig->put = NULL;
}

void core_rig_vote(struct core_rig *rig, raft_id voter, bool pre_vote)
{
    struct raft_message message = {.type = RAFT_IO_REQUEST_VOTE_RESULT};

    message.request_vote_result.term = rig->raft.current_term;
    message.request_vote_result.vote_granted = true;
    message.request_vote_result.pre_vote =
        pre_vote ? raft_tribool_true : raft_tribool_false;
    core_rig_receive(rig, voter, &message);
}

void core_rig_elect(struct core_rig *rig)
{
    unsigned servers = rig->raft.configuration.n;

    core_rig_tick(rig, 2000);
    assert_int_equal(rig->raft.state, RAFT_CANDIDATE);
    for (unsigned i = 2; i <= servers && rig->raft.voted_for != 1; i++) {
        core_rig_vote(rig, i, true);
    }
    for (unsigned i = 2; i <= servers && rig->raft.state != RAFT_LEADER; i++) {
        core_rig_vote(rig, i, false);
    }
    assert_int_equal(rig->raft.state, RAFT_LEADER);
}

/* ---- Messages in ---- */

void core_rig_receive(struct core_rig *rig, raft_id from,
                      struct raft_message *message)
{
    char address[] = "over the wire";

    message->server_id = from;
    message->server_address = address;
    rig->recv(&rig->inner, message);
}

static struct raft_entry *make_entries(unsigned count, raft_term term)
{
    struct raft_entry *entries = raft_malloc(count * sizeof *entries);
    char *batch = raft_malloc((size_t)count * CORE_RIG_COMMAND_LEN);

    memset(batch, 7, (size_t)count * CORE_RIG_COMMAND_LEN);
    for (unsigned i = 0; i < count; i++) {
        entries[i].term = term;
        entries[i].type = RAFT_COMMAND;
        entries[i].buf.base = batch + (size_t)i * CORE_RIG_COMMAND_LEN;
        entries[i].buf.len = CORE_RIG_COMMAND_LEN;
        entries[i].batch = batch;
    }
    return entries;
}

void core_rig_receive_entries(struct core_rig *rig, raft_id from,
                              raft_term term, raft_index prev,
                              raft_term prev_term, unsigned count,
                              raft_term entry_term, raft_index commit)
{
    struct raft_message message = {.type = RAFT_IO_APPEND_ENTRIES};
    struct raft_append_entries *append = &message.append_entries;

    append->term = term;
    append->prev_log_index = prev;
    append->prev_log_term = prev_term;
    append->leader_commit = commit;
    append->n_entries = count;
    append->entries = count == 0 ? NULL : make_entries(count, entry_term);
    core_rig_receive(rig, from, &message);
}

void core_rig_receive_result(struct core_rig *rig, raft_id from, raft_term term,
                             raft_index rejected, raft_index last)
{
    struct raft_message message = {.type = RAFT_IO_APPEND_ENTRIES_RESULT};

    message.append_entries_result.term = term;
    message.append_entries_result.rejected = rejected;
    message.append_entries_result.last_log_index = last;
    core_rig_receive(rig, from, &message);
}

void core_rig_receive_vote_request(struct core_rig *rig, raft_id from,
                                   raft_term term, bool pre_vote, bool disrupt)
{
    struct raft_message message = {.type = RAFT_IO_REQUEST_VOTE};

    message.request_vote.term = term;
    message.request_vote.candidate_id = from;
    message.request_vote.last_log_index = 1000;
    message.request_vote.last_log_term = term;
    message.request_vote.pre_vote = pre_vote;
    message.request_vote.disrupt_leader = disrupt;
    core_rig_receive(rig, from, &message);
}

void core_rig_receive_snapshot(struct core_rig *rig, raft_id from,
                               raft_term term, raft_index last_index,
                               raft_term last_term)
{
    struct raft_message message = {.type = RAFT_IO_INSTALL_SNAPSHOT};
    struct raft_install_snapshot *install = &message.install_snapshot;

    install->term = term;
    install->last_index = last_index;
    install->last_term = last_term;
    install->conf_index = 1;
    core_rig_configuration(&install->conf, rig->raft.configuration.n);
    install->data.len = 8;
    install->data.base = raft_malloc(8);
    memset(install->data.base, 0, 8);
    core_rig_receive(rig, from, &message);
}

static void on_applied(struct raft_apply *request, int status, void *result)
{
    (void)status;
    (void)result;
    free(request);
}

int core_rig_submit(struct core_rig *rig, size_t len)
{
    struct raft_apply *request = calloc(1, sizeof *request);
    struct raft_buffer buffer = {raft_malloc(len), len};
    int rv;

    memset(buffer.base, 9, len);
    rv = raft_apply(&rig->raft, request, &buffer, 1, on_applied);
    if (rv != 0) {
        raft_free(buffer.base);
        free(request);
        return rv;
    }
    guard_after(rig->guard);
    return 0;
}

/* ---- Messages out ---- */

const struct core_rig_send *core_rig_last_send(const struct core_rig *rig,
                                               int type, raft_id to)
{
    for (size_t i = rig->send_count; i > 0; i--) {
        const struct core_rig_send *send = &rig->sends[i - 1];

        if (send->message.type == type && send->message.server_id == to) {
            return send;
        }
    }
    return NULL;
}

void core_rig_sent(struct core_rig *rig)
{
    for (size_t i = 0; i < rig->send_count; i++) {
        struct core_rig_send *send = &rig->sends[i];

        if (!send->done) {
            send->done = true;
            send->cb(send->request, 0);
        }
    }
    rig->send_count = 0;
}
