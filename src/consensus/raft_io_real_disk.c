/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* What the core asks of its disk, and the codes it understands. */
#include <assert.h>
#include <stdio.h>

#include "consensus/raft_code.h"
#include "consensus/raft_io_real_internal.h"

static int io_set_term(struct raft_io *io, raft_term term);
static int io_set_vote(struct raft_io *io, raft_id id);
static int io_append(struct raft_io *io, struct raft_io_append *request,
                     const struct raft_entry entries[], unsigned count,
                     raft_io_append_cb cb);
static int io_truncate(struct raft_io *io, raft_index index);
static int io_snapshot_put(struct raft_io *io, unsigned trailing,
                           struct raft_io_snapshot_put *request,
                           const struct raft_snapshot *snapshot,
                           raft_io_snapshot_put_cb cb);
static void on_put(struct raft_io_snapshot_put *put, int status);
static int io_snapshot_get(struct raft_io *io,
                           struct raft_io_snapshot_get *request,
                           raft_io_snapshot_get_cb cb);
static int refuse(struct raft_io_real *real, int code, const char *text);

void raft_io_real_fill_disk(struct raft_io *io)
{
    io->set_term = io_set_term;
    io->set_vote = io_set_vote;
    io->append = io_append;
    io->truncate = io_truncate;
    io->snapshot_put = io_snapshot_put;
    io->snapshot_get = io_snapshot_get;
}

int raft_io_real_code(struct raft_io_real *real, int code)
{
    if (code == 0) {
        return 0;
    }
    (void)snprintf(real->io.errmsg, sizeof real->io.errmsg, "%.250s",
                   real->err.text);
    return raft_code(code);
}

static int io_set_term(struct raft_io *io, raft_term term)
{
    struct raft_io_real *real = io->impl;

    return raft_io_real_code(real,
                             raft_disk_set_term(real->disk, term, &real->err));
}

static int io_set_vote(struct raft_io *io, raft_id id)
{
    struct raft_io_real *real = io->impl;

    return raft_io_real_code(real,
                             raft_disk_set_vote(real->disk, id, &real->err));
}

static int io_append(struct raft_io *io, struct raft_io_append *request,
                     const struct raft_entry entries[], unsigned count,
                     raft_io_append_cb cb)
{
    struct raft_io_real *real = io->impl;
    int rv = raft_disk_append(real->disk, request, entries, count, cb);

    return refuse(real, rv, "the raft log takes no more");
}

static int io_truncate(struct raft_io *io, raft_index index)
{
    struct raft_io_real *real = io->impl;

    return refuse(real, raft_disk_truncate(real->disk, index),
                  "the raft log cannot be cut");
}

static int io_snapshot_put(struct raft_io *io, unsigned trailing,
                           struct raft_io_snapshot_put *request,
                           const struct raft_snapshot *snapshot,
                           raft_io_snapshot_put_cb cb)
{
    struct raft_io_real *real = io->impl;
    int rv;

    /* The core stores one at a time. */
    assert(real->put_request == NULL);
    real->put.data = real;
    rv = raft_disk_put(real->disk, trailing, &real->put, snapshot, on_put);
    if (rv == 0) {
        real->put_request = request;
        real->put_cb = cb;
    }
    return refuse(real, rv, "the snapshot cannot be stored");
}

static void on_put(struct raft_io_snapshot_put *put, int status)
{
    struct raft_io_real *real = put->data;
    struct raft_io_snapshot_put *request = real->put_request;
    uint64_t begun = uv_hrtime();

    real->put_request = NULL;
    real->put_cb(request, status);
    raft_io_real_spent(real, uv_hrtime() - begun);
}

void raft_io_real_spent(void *data, uint64_t ns)
{
    struct raft_io_real *real = data;

    if (real->options.on_snapshot_time != NULL) {
        real->options.on_snapshot_time(real->options.data, ns);
    }
}

static int io_snapshot_get(struct raft_io *io,
                           struct raft_io_snapshot_get *request,
                           raft_io_snapshot_get_cb cb)
{
    struct raft_io_real *real = io->impl;

    return refuse(real, raft_disk_get(real->disk, request, cb),
                  "the snapshot cannot be read");
}

/* With @text when @code is not 0. */
static int refuse(struct raft_io_real *real, int code, const char *text)
{
    if (code != 0) {
        (void)err_set(&real->err, code, "%s", text);
    }
    return raft_io_real_code(real, code);
}
