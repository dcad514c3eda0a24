/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* What the core asks of its disk, and the codes it understands. */
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
    int rv = raft_disk_put(real->disk, trailing, request, snapshot, cb);

    return refuse(real, rv, "the snapshot cannot be stored");
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
