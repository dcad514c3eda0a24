/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "consensus/raft_io_real_internal.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <uv.h>

#include "consensus/configuration.h"
#include "consensus/disk_real.h"
#include "consensus/loop_works.h"
#include "consensus/raft_code.h"
#include "consensus/raft_io_real_report.h"
#include "util/file.h"
#include "util/mem.h"
#include "util/splitmix64.h"

#define CLOSE_LOOK_MS 2u /* between looks at whether the disk is done */

static void fill_io(struct raft_io_real *real);
static int open_disk(struct raft_io_real *real);
static void on_tick(uv_timer_t *timer);
static void on_message(void *data, struct raft_message *message);
static int on_frame(void *data, uint64_t node, enum link_frame type,
                    const uint8_t *bytes, size_t len);
static void on_gone(void *data, uint64_t node);
static void on_disk_fatal(void *data, const char *reason);
static void on_disk_stored(void *data, raft_index index);
static void on_disk_healed(void *data);
static void on_disk_look(uv_timer_t *timer);
static void on_part_closed(void *data);
static void on_timer_closed(uv_handle_t *handle);
static void on_worked(void *data, uint64_t ns);

int raft_io_real_new(struct raft_io_real **ret_real,
                     const struct raft_io_real_options *options,
                     struct err *err)
{
    struct raft_io_real *real = mem_must_zalloc(sizeof *real);
    int rv;

    real->options = *options;
    rv = path_join(real->dir, sizeof real->dir, options->dir, RAFT_DIR_NAME,
                   err);
    if (rv == 0) {
        rv = configuration_encode_first(options->identity,
                                        &real->first_configuration, err);
    }
    if (rv == 0 && uv_random(NULL, NULL, &real->random, sizeof real->random, 0,
                             NULL) != 0) {
        rv = err_set(err, QL_IO, "the system gives no random numbers");
    }
    if (rv != 0) {
        raft_io_real_free(real);
        return rv;
    }
    real->works.loop = options->loop;
    real->works.on_time = on_worked;
    real->works.data = real;
    fill_io(real);
    *ret_real = real;
    return 0;
}

struct raft_io *raft_io_real_io(struct raft_io_real *real)
{
    return &real->io;
}

void raft_io_real_free(struct raft_io_real *real)
{
    assert(real->files == NULL);
    assert(real->net == NULL);
    raft_free(real->first_configuration.base);
    free(real);
}

const struct err *raft_io_real_err(const struct raft_io_real *real)
{
    return &real->err;
}

bool raft_io_real_in_doubt(const struct raft_io_real *real)
{
    return raft_disk_in_doubt(real->disk);
}

const char *raft_io_real_writer(const struct raft_io_real *real)
{
    return disk_real_writer(real->files);
}

struct raft_disk *raft_io_real_disk(struct raft_io_real *real)
{
    return real->net == NULL || real->closing ? NULL : real->disk;
}

struct raft_net *raft_io_real_net(struct raft_io_real *real)
{
    return real->net;
}

/* ---- Open and close ---- */

static int open_disk(struct raft_io_real *real)
{
    const struct identity *identity = real->options.identity;
    const struct disk_real_options files = {.loop = real->options.loop,
                                            .dir = real->dir,
                                            .writer = real->options.writer,
                                            .metrics = real->options.metrics};
    struct raft_disk_options disk = {
        .where = real->dir,
        .reserve_bytes = real->options.reserve_bytes,
        .chunks = real->options.chunks,
        .first_configuration = {real->first_configuration.base,
                                real->first_configuration.len},
        .others_elect = identity->members_count > identity_quorum(identity),
        .on_fatal = on_disk_fatal,
        .on_stored = on_disk_stored,
        .on_healed = on_disk_healed,
        .data = real};
    int rv = disk_real_start(&real->files, &files, &real->err);

    if (rv != 0) {
        return rv;
    }
    disk.disk = disk_real_disk(real->files);
    real->disk = raft_disk_new(&disk);
    rv = uv_timer_init(real->options.loop, &real->timer);
    assert(rv == 0); /* It cannot fail (libuv's manual). */
    real->timer.data = real;
    return 0;
}

static int io_init(struct raft_io *io, raft_id id, const char *address)
{
    (void)io;
    (void)id;
    (void)address;
    return 0;
}

/* What was given to the disk is done first, and told, but for what waits for
 * others: the core only frees now. */
static void io_close(struct raft_io *io, raft_io_close_cb cb)
{
    struct raft_io_real *real = io->impl;
    int rv;

    assert(!real->closing);
    real->closing = true;
    real->on_closed = cb;
    if (real->files == NULL) {
        cb(io);
        return;
    }
    if (real->disk != NULL) {
        raft_disk_stop(real->disk);
    }
    real->open = 2; /* disk and timer */
    if (real->net != NULL) {
        real->open++;
        raft_net_stop(real->net, on_part_closed, real);
    }
    rv = uv_timer_start(&real->timer, on_disk_look, 0, CLOSE_LOOK_MS);
    assert(rv == 0);
}

static void on_disk_look(uv_timer_t *timer)
{
    struct raft_io_real *real = timer->data;

    /* After a failed write nothing of raft_disk ends any more, but the disk may
     * still be writing from its memory. */
    if (real->works.open > 0 || !disk_real_is_idle(real->files) ||
        (!real->failed && raft_disk_is_busy(real->disk))) {
        return;
    }
    raft_disk_free(real->disk);
    real->disk = NULL;
    disk_real_stop(real->files, on_part_closed, real);
    uv_close((uv_handle_t *)&real->timer, on_timer_closed);
}

static void on_timer_closed(uv_handle_t *handle)
{
    on_part_closed(handle->data);
}

static void on_part_closed(void *data)
{
    struct raft_io_real *real = data;

    real->open--;
    if (real->open > 0) {
        return;
    }
    raft_net_free(real->net);
    real->net = NULL;
    real->files = NULL;
    real->on_closed(&real->io);
}

/* ---- Start ---- */

static int io_load(struct raft_io *io, raft_term *term, raft_id *voted_for,
                   struct raft_snapshot **snapshot, raft_index *start_index,
                   struct raft_entry *entries[], size_t *count)
{
    struct raft_io_real *real = io->impl;
    struct raft_loaded loaded;
    int rv = open_disk(real);

    if (rv == 0) {
        rv = raft_disk_load(real->disk, &loaded, &real->err);
    }
    if (rv != 0) {
        return raft_io_real_code(real, rv);
    }
    raft_io_real_say(raft_disk_report(real->disk), real->dir,
                     disk_real_writer(real->files));
    raft_io_real_say_fallback(disk_real_fallback(real->files));
    *term = loaded.term;
    *voted_for = loaded.voted_for;
    *snapshot = loaded.snapshot;
    *start_index = loaded.start_index;
    *entries = loaded.entries;
    *count = loaded.count;
    return 0;
}

static int io_start(struct raft_io *io, unsigned msecs, raft_io_tick_cb tick,
                    raft_io_recv_cb recv)
{
    struct raft_io_real *real = io->impl;
    const struct raft_net_options net = {.loop = real->options.loop,
                                         .identity = real->options.identity,
                                         .dir = real->options.dir,
                                         .listen_peer =
                                             real->options.listen_peer,
                                         .on_message = on_message,
                                         .on_frame = on_frame,
                                         .on_gone = on_gone,
                                         .data = real};
    int rv;

    real->tick = tick;
    real->recv = recv;
    rv = raft_net_start(&real->net, &net, &real->err);
    if (rv != 0) {
        return raft_io_real_code(real, rv);
    }
    rv = uv_timer_start(&real->timer, on_tick, msecs, msecs);
    assert(rv == 0);
    return 0;
}

static void on_made(void *data)
{
    struct raft_io_real *real = data;

    real->made = true;
}

/* Runs the loop: nothing else may be on it. */
static int io_bootstrap(struct raft_io *io,
                        const struct raft_configuration *configuration)
{
    struct raft_io_real *real = io->impl;
    int rv = open_disk(real);

    assert(configuration->n == real->options.identity->members_count);
    if (rv == 0) {
        rv = raft_disk_make(real->disk, on_made, real, &real->err);
    }
    if (rv != 0) {
        return raft_io_real_code(real, rv);
    }
    while (!real->made && !real->failed) {
        (void)uv_run(real->options.loop, UV_RUN_ONCE);
    }
    return real->failed ? RAFT_IOERR : 0;
}

/* Making a majority out of fewer nodes is not libraft's business here: its way
 * gives the new configuration a term that may be in use. */
static int io_recover(struct raft_io *io,
                      const struct raft_configuration *configuration)
{
    (void)configuration;
    (void)snprintf(io->errmsg, sizeof io->errmsg, "recover is not offered");
    return RAFT_INVALID;
}

/* ---- The disk ---- */

static void on_disk_fatal(void *data, const char *reason)
{
    struct raft_io_real *real = data;

    real->failed = true;
    real->options.on_fatal(real->options.data, reason);
}

static void on_disk_stored(void *data, raft_index index)
{
    struct raft_io_real *real = data;

    if (real->options.on_stored != NULL) {
        real->options.on_stored(real->options.data, index);
    }
}

static void on_disk_healed(void *data)
{
    struct raft_io_real *real = data;

    raft_io_real_say_healed();
    if (real->options.on_healed != NULL) {
        real->options.on_healed(real->options.data);
    }
}

/* ---- The network ---- */

static int io_send(struct raft_io *io, struct raft_io_send *request,
                   const struct raft_message *message, raft_io_send_cb cb)
{
    struct raft_io_real *real = io->impl;
    struct raft_message instead;

    if (real->net == NULL || real->closing) {
        return RAFT_NOCONNECTION;
    }
    if (real->install != NULL &&
        install_alters(real->install, message, &instead)) {
        message = &instead;
    }
    return raft_net_send(real->net, request, message, cb);
}

bool raft_io_real_holds(const struct raft_io_real *real)
{
    return real->install != NULL && install_is_active(real->install);
}

void raft_io_real_hold_back(struct raft_io_real *real, struct install *install)
{
    real->install = install;
}

void raft_io_real_flush(struct raft_io_real *real)
{
    if (real->net != NULL) {
        link_flush(raft_net_link(real->net));
    }
}

void raft_io_real_receive(struct raft_io_real *real,
                          struct raft_message *message)
{
    real->recv(&real->io, message);
}

/* Entries that the disk cannot keep up with are lost here rather than kept in
 * memory without limit; the leader notices and sends them again. */
static void on_message(void *data, struct raft_message *message)
{
    struct raft_io_real *real = data;

    if (real->install != NULL && install_take(real->install, message)) {
        return;
    }
    if (message->type == RAFT_IO_APPEND_ENTRIES &&
        message->append_entries.n_entries > 0 &&
        raft_disk_is_crowded(real->disk)) {
        raft_net_message_free(message);
        return;
    }
    real->recv(&real->io, message);
}

static int on_frame(void *data, uint64_t node, enum link_frame type,
                    const uint8_t *bytes, size_t len)
{
    struct raft_io_real *real = data;
    const struct raft_io_real_options *options = &real->options;

    return options->on_frame == NULL
               ? 0
               : options->on_frame(options->data, node, type, bytes, len);
}

static void on_gone(void *data, uint64_t node)
{
    struct raft_io_real *real = data;

    if (!real->closing && real->options.on_gone != NULL) {
        real->options.on_gone(real->options.data, node);
    }
}

/* ---- Clock, chance and threads ---- */

void raft_io_real_tick_within(struct raft_io *io, unsigned ms)
{
    struct raft_io_real *real = io->impl;

    if (real->net != NULL && !real->closing &&
        uv_timer_get_due_in(&real->timer) > ms) {
        (void)uv_timer_start(&real->timer, on_tick, ms,
                             uv_timer_get_repeat(&real->timer));
    }
}

static void on_tick(uv_timer_t *timer)
{
    struct raft_io_real *real = timer->data;

    real->tick(&real->io);
}

static raft_time io_time(struct raft_io *io)
{
    struct raft_io_real *real = io->impl;

    return uv_now(real->options.loop);
}

/* Spreads election timeouts, nothing else. */
static int io_random(struct raft_io *io, int min, int max)
{
    struct raft_io_real *real = io->impl;

    if (max <= min) {
        return min;
    }
    return min + (int)(splitmix64(&real->random) % (uint64_t)(max - min));
}

/* The core works for nothing but snapshots. */
static void on_worked(void *data, uint64_t ns)
{
    struct raft_io_real *real = data;
    uint64_t begun = uv_hrtime();

    if (real->options.on_encoded != NULL) {
        real->options.on_encoded(real->options.data);
    }
    raft_io_real_spent(real, ns + uv_hrtime() - begun);
}

static int io_async_work(struct raft_io *io, struct raft_io_async_work *request,
                         raft_io_async_work_cb cb)
{
    struct raft_io_real *real = io->impl;

    loop_works_run(&real->works, request, cb);
    return 0;
}

static void fill_io(struct raft_io_real *real)
{
    real->io = (struct raft_io){.version = 2,
                                .impl = real,
                                .init = io_init,
                                .close = io_close,
                                .load = io_load,
                                .start = io_start,
                                .bootstrap = io_bootstrap,
                                .recover = io_recover,
                                .send = io_send,
                                .time = io_time,
                                .random = io_random,
                                .async_work = io_async_work};
    raft_io_real_fill_disk(&real->io);
}
