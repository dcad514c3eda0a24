/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "consensus/raft_io_uv.h"

#include <raft/uv.h>
#include <stdlib.h>
#include <uv.h>

#include "consensus/peer_gate.h"
#include "util/file.h"
#include "util/mem.h"

struct raft_io_uv {
    struct raft_io io;
    struct peer_gate *gate; /* NULL: alone, nobody to speak to */
    struct raft_uv_transport alone;
};

static void alone_setup(struct raft_uv_transport *transport);

int raft_io_uv_new(struct raft_io_uv **ret_io,
                   const struct raft_io_uv_options *options, struct err *err)
{
    struct raft_io_uv *io = mem_must_zalloc(sizeof *io);
    struct raft_uv_transport *transport = &io->alone;
    char dir[PATH_LEN_MAX];
    int rv = path_join(dir, sizeof dir, options->dir, RAFT_DIR_NAME, err);

    if (rv != 0) {
        goto free_io;
    }
    if (options->offline || options->identity->members_count == 1) {
        alone_setup(transport);
    } else {
        rv = peer_gate_new(&io->gate, options->loop, options->identity,
                           options->dir, options->listen_peer, err);
        if (rv != 0) {
            goto free_io;
        }
        transport = peer_gate_transport(io->gate);
    }
    rv = raft_uv_init(&io->io, options->loop, dir, transport);
    if (rv != 0) {
        rv = err_set(err, QL_INVALID, "use %s for the raft log: %s", dir,
                     io->io.errmsg);
        goto free_gate;
    }
    /* It calls itself version 1 although it has what version 2 adds. */
    io->io.version = 2;
    /* It would rename a damaged segment and start with what is left: a silent
     * loss of what was acknowledged. */
    raft_uv_set_auto_recovery(&io->io, false);
    /* Our snapshots are compressed already. Turning it off cannot fail. */
    (void)raft_uv_set_snapshot_compression(&io->io, false);
    raft_uv_set_segment_size(&io->io, RAFT_SEGMENT_BYTES);
    raft_uv_set_connect_retry_delay(&io->io, PEER_RETRY_MS);
    *ret_io = io;
    return 0;

free_gate:
    if (io->gate != NULL) {
        peer_gate_free(io->gate);
    }
free_io:
    free(io);
    return rv;
}

struct raft_io *raft_io_uv_io(struct raft_io_uv *io)
{
    return &io->io;
}

const char *raft_io_uv_reason(const struct raft_io_uv *io)
{
    return io->gate == NULL ? "" : peer_gate_reason(io->gate);
}

void raft_io_uv_free(struct raft_io_uv *io)
{
    raft_uv_close(&io->io);
    if (io->gate != NULL) {
        peer_gate_free(io->gate);
    }
    free(io);
}

/* ---- The network of a node that has no peers ---- */

static int alone_init(struct raft_uv_transport *transport, raft_id id,
                      const char *address)
{
    (void)transport;
    (void)id;
    (void)address;
    return 0;
}

static int alone_listen(struct raft_uv_transport *transport,
                        raft_uv_accept_cb cb)
{
    (void)transport;
    (void)cb;
    return 0;
}

static int alone_connect(struct raft_uv_transport *transport,
                         struct raft_uv_connect *request, raft_id id,
                         const char *address, raft_uv_connect_cb cb)
{
    (void)transport;
    (void)request;
    (void)id;
    (void)address;
    (void)cb;
    return RAFT_NOCONNECTION;
}

static void alone_close(struct raft_uv_transport *transport,
                        raft_uv_transport_close_cb cb)
{
    cb(transport);
}

static void alone_setup(struct raft_uv_transport *transport)
{
    transport->init = alone_init;
    transport->listen = alone_listen;
    transport->connect = alone_connect;
    transport->close = alone_close;
}
