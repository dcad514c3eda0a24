/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* The raft_io under the guard in a core_rig: it keeps what it is asked. */
#include <stdio.h>
#include <string.h>

#include "support/cmocka.h"
#include "support/core_rig.h"

static struct core_rig *rig_of(const struct raft_io *io)
{
    return io->impl;
}

void core_rig_configuration(struct raft_configuration *ret, unsigned servers)
{
    raft_configuration_init(ret);
    for (unsigned i = 1; i <= servers; i++) {
        char address[32];

        (void)snprintf(address, sizeof address, "addr-%u", i);
        assert_int_equal(raft_configuration_add(ret, i, address, RAFT_VOTER),
                         0);
    }
}

static int io_send(struct raft_io *io, struct raft_io_send *request,
                   const struct raft_message *message, raft_io_send_cb cb)
{
    struct core_rig *rig = rig_of(io);
    struct core_rig_send *send = &rig->sends[rig->send_count];

    if (rig->send_result != 0) {
        return rig->send_result;
    }
    assert_true(rig->send_count < CORE_RIG_SENDS_MAX);
    send->message = *message;
    (void)snprintf(send->address, sizeof send->address, "%s",
                   message->server_address);
    send->message.server_address = send->address;
    send->request = request;
    send->cb = cb;
    send->done = false;
    rig->send_count++;
    return 0;
}

/* ---- Disk ---- */

static int take_write_result(struct core_rig *rig)
{
    int rv = rig->write_result;

    rig->write_result = 0;
    return rv;
}

static int io_init(struct raft_io *io, raft_id id, const char *address)
{
    (void)io;
    (void)id;
    (void)address;
    return 0;
}

static void io_close(struct raft_io *io, raft_io_close_cb cb)
{
    rig_of(io)->close = cb;
}

static int io_load(struct raft_io *io, raft_term *term, raft_id *vote,
                   struct raft_snapshot **snapshot, raft_index *start_index,
                   struct raft_entry *entries[], size_t *count)
{
    struct core_rig *rig = rig_of(io);
    struct raft_configuration configuration;
    struct raft_entry *loaded;

    core_rig_configuration(&configuration, rig->load_servers);
    loaded = raft_malloc((rig->load_entries + 1) * sizeof *loaded);
    for (unsigned i = 0; i <= rig->load_entries; i++) {
        loaded[i].term = 1;
        loaded[i].type = i == 0 ? RAFT_CHANGE : RAFT_COMMAND;
        if (i == 0) {
            assert_int_equal(
                raft_configuration_encode(&configuration, &loaded[i].buf), 0);
        } else {
            loaded[i].buf.len = CORE_RIG_COMMAND_LEN;
            loaded[i].buf.base = raft_calloc(1, CORE_RIG_COMMAND_LEN);
        }
        loaded[i].batch = loaded[i].buf.base;
    }
    raft_configuration_close(&configuration);
    *term = rig->term;
    *vote = rig->vote;
    *snapshot = NULL;
    *start_index = 1;
    *entries = loaded;
    *count = rig->load_entries + 1;
    return 0;
}

static int io_start(struct raft_io *io, unsigned msecs, raft_io_tick_cb tick,
                    raft_io_recv_cb recv)
{
    (void)msecs;
    rig_of(io)->tick = tick;
    rig_of(io)->recv = recv;
    return 0;
}

static int io_set_term(struct raft_io *io, raft_term term)
{
    struct core_rig *rig = rig_of(io);
    int rv = take_write_result(rig);

    if (rv == 0) {
        rig->term = term;
        rig->vote = 0;
    }
    return rv;
}

static int io_set_vote(struct raft_io *io, raft_id id)
{
    struct core_rig *rig = rig_of(io);
    int rv = take_write_result(rig);

    if (rv == 0) {
        rig->vote = id;
    }
    return rv;
}

static int io_append(struct raft_io *io, struct raft_io_append *request,
                     const struct raft_entry entries[], unsigned count,
                     raft_io_append_cb cb)
{
    struct core_rig *rig = rig_of(io);
    int rv = take_write_result(rig);

    (void)entries;
    if (rv == 0) {
        assert_true(rig->append_count < CORE_RIG_APPENDS_MAX);
        rig->appends[rig->append_count] =
            (struct core_rig_append){request, cb, count};
        rig->append_count++;
    }
    return rv;
}

static int io_truncate(struct raft_io *io, raft_index index)
{
    struct core_rig *rig = rig_of(io);

    rig->truncates++;
    rig->truncated_from = index;
    return take_write_result(rig);
}

static int io_snapshot_put(struct raft_io *io, unsigned trailing,
                           struct raft_io_snapshot_put *request,
                           const struct raft_snapshot *snapshot,
                           raft_io_snapshot_put_cb cb)
{
    struct core_rig *rig = rig_of(io);

    assert_int_equal(trailing, 0);
    rig->put = request;
    rig->put_cb = cb;
    rig->put_bufs = snapshot->bufs;
    return take_write_result(rig);
}

static int io_snapshot_get(struct raft_io *io,
                           struct raft_io_snapshot_get *request,
                           raft_io_snapshot_get_cb cb)
{
    (void)io;
    (void)request;
    (void)cb;
    return RAFT_IOERR;
}

static raft_time io_time(struct raft_io *io)
{
    return rig_of(io)->now;
}

static int io_random(struct raft_io *io, int min, int max)
{
    return rig_of(io)->random_is_high && max > min ? max - 1 : min;
}

void core_rig_fill_io(struct raft_io *io)
{
    io->version = 1;
    io->init = io_init;
    io->close = io_close;
    io->load = io_load;
    io->start = io_start;
    io->set_term = io_set_term;
    io->set_vote = io_set_vote;
    io->send = io_send;
    io->append = io_append;
    io->truncate = io_truncate;
    io->snapshot_put = io_snapshot_put;
    io->snapshot_get = io_snapshot_get;
    io->time = io_time;
    io->random = io_random;
}
