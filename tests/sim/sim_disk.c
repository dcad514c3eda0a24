/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * A disk that forgets at a crash what it has not confirmed, as the raft_io under
 * the guard. Writes end in the order in which they began.
 */
#include <string.h>

#include "sim/sim.h"

static bool fails(struct sim_node *node);
static void push_write(struct sim_node *node, struct sim_disk_op *op,
                       uint64_t latency);
static void on_write_done(struct sim *sim, struct sim_node *node, void *data);
static void on_snapshot_done(struct sim *sim, struct sim_node *node,
                             void *data);
static void make_durable(struct sim_node *node, const struct sim_disk_op *op,
                         unsigned count);

static struct sim_node *node_of(const struct raft_io *io)
{
    return io->impl;
}

void sim_disk_bootstrap(struct sim_node *node, struct sim_bytes configuration)
{
    node->disk.term = 1;
    node->disk.first = 1;
    node->disk.last = 1;
    node->disk.entries[1] = (struct sim_entry){
        .term = 1, .type = RAFT_CHANGE, .bytes = configuration};
}

void sim_disk_open(struct sim_node *node)
{
    list_init(&node->writes);
    node->snapshot_op = NULL;
    node->append_next = node->disk.last + 1;
    node->disk_free_at = node->sim->now;
}

void sim_disk_lose(struct sim_node *node)
{
    struct sim *sim = node->sim;
    uint64_t survive = sim_random(sim, 2) == 0 ? 0 : sim_random(sim, 5);
    const struct sim_disk_op *own = node->snapshot_op;

    if (node->was_write_error) {
        survive = 0;
    }
    for (struct list *at = node->writes.next;
         at != &node->writes && survive > 0; at = at->next) {
        const struct sim_disk_op *op = LIST_ITEM(at, struct sim_disk_op, link);
        unsigned count = op->count;

        survive--;
        if (op->kind == DISK_APPEND && survive == 0) {
            count = (unsigned)sim_random(sim, op->count + 1); /* torn */
        }
        make_durable(node, op, count);
    }
    if (own != NULL && sim_random(sim, 2) == 0 &&
        own->snapshot.index <= node->disk.last &&
        own->snapshot.index > node->disk.snapshot.index) {
        make_durable(node, own, 0);
    }
}

void sim_disk_drain(struct sim_node *node)
{
    for (struct list *at = node->writes.next; at != &node->writes;
         at = at->next) {
        const struct sim_disk_op *op = LIST_ITEM(at, struct sim_disk_op, link);

        make_durable(node, op, op->count);
    }
}

void sim_disk_close(struct sim_node *node)
{
    for (struct list *at = node->writes.next; at != &node->writes;
         at = at->next) {
        raft_free(LIST_ITEM(at, struct sim_disk_op, link)->installed_bufs);
    }
    list_init(&node->writes);
}

raft_term sim_disk_term(const struct sim_disk *disk, raft_index index)
{
    if (index == disk->snapshot.index && index != 0) {
        return disk->snapshot.term;
    }
    if (index < disk->first || index > disk->last) {
        return 0;
    }
    return disk->entries[index].term;
}

/* ---- raft_io ---- */

static int io_init(struct raft_io *io, raft_id id, const char *address)
{
    (void)io;
    (void)id;
    (void)address;
    return 0;
}

/* The guard hands back what is still under way. */
static void io_close(struct raft_io *io, raft_io_close_cb cb)
{
    cb(io);
}

struct raft_snapshot *sim_disk_read_snapshot(const struct sim_node *node)
{
    const struct sim_snapshot *from = &node->disk.snapshot;
    struct raft_snapshot *snapshot = raft_malloc(sizeof *snapshot);

    snapshot->index = from->index;
    snapshot->term = from->term;
    snapshot->configuration_index = from->configuration_index;
    sim_decode_configuration(from->configuration, &snapshot->configuration);
    snapshot->n_bufs = 1;
    snapshot->bufs = raft_malloc(sizeof *snapshot->bufs);
    snapshot->bufs[0].len = from->data.len;
    snapshot->bufs[0].base = raft_malloc(from->data.len);
    memcpy(snapshot->bufs[0].base, from->data.base, from->data.len);
    return snapshot;
}

static int io_load(struct raft_io *io, raft_term *term, raft_id *vote,
                   struct raft_snapshot **snapshot, raft_index *start_index,
                   struct raft_entry *entries[], size_t *count)
{
    const struct sim_node *node = node_of(io);
    const struct sim_disk *disk = &node->disk;

    *term = disk->term;
    *vote = disk->vote;
    *snapshot = disk->snapshot.index == 0 ? NULL : sim_disk_read_snapshot(node);
    *start_index = disk->first;
    *count = (size_t)(disk->last + 1 - disk->first);
    *entries = *count == 0 ? NULL : raft_malloc(*count * sizeof **entries);
    for (size_t i = 0; i < *count; i++) {
        const struct sim_entry *from = &disk->entries[disk->first + i];
        struct raft_entry *to = &(*entries)[i];

        to->term = from->term;
        to->type = from->type;
        to->buf.len = from->bytes.len;
        to->buf.base = raft_malloc(from->bytes.len);
        to->batch = to->buf.base;
        memcpy(to->buf.base, from->bytes.base, from->bytes.len);
    }
    return 0;
}

static void on_tick(struct sim *sim, struct sim_node *node, void *data)
{
    (void)data;
    sim_at(sim, sim->now + node->tick_ms, node, on_tick, NULL);
    node->tick(&node->disk_io);
    sim_oracle_tick(node);
}

static int io_start(struct raft_io *io, unsigned msecs, raft_io_tick_cb tick,
                    raft_io_recv_cb recv)
{
    struct sim_node *node = node_of(io);

    node->tick = tick;
    node->recv = recv;
    node->tick_ms = msecs;
    sim_at(node->sim, node->sim->now + sim_random(node->sim, msecs), node,
           on_tick, NULL);
    return 0;
}

static int io_bootstrap(struct raft_io *io,
                        const struct raft_configuration *configuration)
{
    (void)io;
    (void)configuration;
    return RAFT_INVALID;
}

static int io_set_term(struct raft_io *io, raft_term term)
{
    struct sim_node *node = node_of(io);
    struct sim_disk *disk = &node->disk;

    if (fails(node)) {
        return RAFT_IOERR;
    }
    if (term < disk->term) {
        sim_fail(node->sim, "TERM WENT BACK: server %llu", node->id);
    }
    if (term != disk->term) {
        disk->vote = 0;
    }
    disk->term = term;
    return 0;
}

static int io_set_vote(struct raft_io *io, raft_id id)
{
    struct sim_node *node = node_of(io);
    struct sim_disk *disk = &node->disk;

    if (fails(node)) {
        return RAFT_IOERR;
    }
    if (disk->vote != 0 && disk->vote != id) {
        sim_fail(node->sim, "DOUBLE VOTE: server %llu term %llu: %llu and %llu",
                 node->id, disk->term, disk->vote, id);
    }
    disk->vote = id;
    return 0;
}

static int io_append(struct raft_io *io, struct raft_io_append *request,
                     const struct raft_entry entries[], unsigned count,
                     raft_io_append_cb cb)
{
    struct sim_node *node = node_of(io);
    struct sim *sim = node->sim;
    struct sim_disk_op *op = sim_alloc(sim, sizeof *op);

    if (node->append_next + count >= SIM_LOG_MAX) {
        sim_fail(sim, "HARNESS: the log is full");
        return RAFT_IOERR;
    }
    op->kind = DISK_APPEND;
    op->index = node->append_next;
    op->count = count;
    op->entries = sim_alloc(sim, count * sizeof *op->entries);
    op->append = request;
    op->append_cb = cb;
    for (unsigned i = 0; i < count; i++) {
        op->entries[i].term = entries[i].term;
        op->entries[i].type = entries[i].type;
        op->entries[i].bytes =
            sim_copy(sim, entries[i].buf.base, entries[i].buf.len);
    }
    sim_oracle_append(node, op->index, entries, count);
    node->append_next += count;
    sim_trace(sim, "%llu appends %llu..%llu of term %llu", node->id, op->index,
              node->append_next - 1, entries[count - 1].term);
    push_write(node, op, sim_random(sim, sim->knobs.disk_ms));
    return 0;
}

static int io_truncate(struct raft_io *io, raft_index index)
{
    struct sim_node *node = node_of(io);
    struct sim_disk_op *op = sim_alloc(node->sim, sizeof *op);

    sim_trace(node->sim, "%llu truncates from %llu", node->id, index);
    op->kind = DISK_TRUNCATE;
    op->index = index;
    node->append_next = index;
    push_write(node, op, 0);
    return 0;
}

static int io_snapshot_put(struct raft_io *io, unsigned trailing,
                           struct raft_io_snapshot_put *request,
                           const struct raft_snapshot *snapshot,
                           raft_io_snapshot_put_cb cb)
{
    struct sim_node *node = node_of(io);
    struct sim *sim = node->sim;
    struct sim_disk_op *op = sim_alloc(sim, sizeof *op);
    uint64_t latency = sim_random(sim, sim->knobs.snapshot_ms);
    struct raft_buffer encoded;

    if (raft_configuration_encode(&snapshot->configuration, &encoded) != 0) {
        return RAFT_NOMEM;
    }
    op->trailing = trailing;
    op->put = request;
    op->put_cb = cb;
    op->snapshot.index = snapshot->index;
    op->snapshot.term = snapshot->term;
    op->snapshot.configuration_index = snapshot->configuration_index;
    op->snapshot.configuration = sim_copy(sim, encoded.base, encoded.len);
    op->snapshot.data =
        sim_copy(sim, snapshot->bufs[0].base, snapshot->bufs[0].len);
    raft_free(encoded.base);
    sim_trace(sim, "%llu puts snapshot %llu, trailing %u", node->id,
              snapshot->index, trailing);
    if (trailing != 0) {
        sim_oracle_commits(node); /* taken in the middle of an apply */
    }
    sim_oracle_configuration(node, snapshot->index, &snapshot->configuration);
    if (snapshot->index > sim->committed_last ||
        sim->committed[snapshot->index].term != snapshot->term) {
        sim_fail(sim, "SNAPSHOT of what was not committed: server %llu: %llu",
                 node->id, snapshot->index);
    }
    if (trailing == 0) {
        op->kind = DISK_INSTALL;
        op->installed_bufs = snapshot->bufs;
        node->append_next = snapshot->index + 1;
        sim->totals.installs++;
        push_write(node, op, latency);
    } else {
        op->kind = DISK_SNAPSHOT;
        node->snapshot_op = op;
        sim_at(sim, sim->now + 1 + latency, node, on_snapshot_done, op);
    }
    return 0;
}

struct sim_get {
    struct raft_io_snapshot_get *request;
    raft_io_snapshot_get_cb cb;
};

static void on_get_done(struct sim *sim, struct sim_node *node, void *data)
{
    const struct sim_get *get = data;

    (void)sim;
    get->cb(get->request, sim_disk_read_snapshot(node), 0);
}

static int io_snapshot_get(struct raft_io *io,
                           struct raft_io_snapshot_get *request,
                           raft_io_snapshot_get_cb cb)
{
    struct sim_node *node = node_of(io);
    struct sim *sim = node->sim;
    struct sim_get *get = sim_alloc(sim, sizeof *get);

    get->request = request;
    get->cb = cb;
    sim_at(sim, sim->now + 1 + sim_random(sim, sim->knobs.snapshot_ms), node,
           on_get_done, get);
    return 0;
}

static raft_time io_time(struct raft_io *io)
{
    return node_of(io)->sim->now;
}

static int io_random(struct raft_io *io, int min, int max)
{
    uint64_t span = (uint64_t)(max - min + 1);

    return min + (int)sim_random(node_of(io)->sim, span);
}

void sim_disk_fill_io(struct raft_io *io)
{
    io->init = io_init;
    io->close = io_close;
    io->load = io_load;
    io->start = io_start;
    io->bootstrap = io_bootstrap;
    io->recover = io_bootstrap;
    io->set_term = io_set_term;
    io->set_vote = io_set_vote;
    io->send = sim_net_send;
    io->append = io_append;
    io->truncate = io_truncate;
    io->snapshot_put = io_snapshot_put;
    io->snapshot_get = io_snapshot_get;
    io->time = io_time;
    io->random = io_random;
}

/* ---- Writes ---- */

static void push_write(struct sim_node *node, struct sim_disk_op *op,
                       uint64_t latency)
{
    uint64_t at = node->sim->now + 1 + latency;

    if (at < node->disk_free_at) {
        at = node->disk_free_at;
    }
    node->disk_free_at = at;
    list_push_back(&node->writes, &op->link);
    sim_at(node->sim, at, node, on_write_done, NULL);
}

/* A disk that failed once fails for good. */
static bool fails(struct sim_node *node)
{
    const struct sim *sim = node->sim;

    if (sim_has(sim, SIM_WRITE_ERRORS) &&
        sim_chance(node->sim, sim->knobs.write_error)) {
        node->was_write_error = true;
    }
    return node->was_write_error;
}

static void finish_write(const struct sim_disk_op *op, int status)
{
    if (op->append != NULL) {
        op->append_cb(op->append, status);
    } else if (op->put != NULL) {
        op->put_cb(op->put, status);
    }
}

static void on_write_done(struct sim *sim, struct sim_node *node, void *data)
{
    struct sim_disk_op *op =
        LIST_ITEM(node->writes.next, struct sim_disk_op, link);

    (void)data;
    if (op->kind != DISK_TRUNCATE && fails(node)) {
        if (op->kind == DISK_APPEND) {
            list_remove(&op->link);
        }
        sim_trace(sim, "%llu cannot write", node->id);
        finish_write(op, RAFT_IOERR);
        return;
    }
    list_remove(&op->link);
    make_durable(node, op, op->count);
    if (op->kind == DISK_APPEND) {
        sim_trace(sim, "%llu has stored ..%llu", node->id, node->disk.last);
    }
    finish_write(op, 0);
}

static void on_snapshot_done(struct sim *sim, struct sim_node *node, void *data)
{
    struct sim_disk_op *op = data;

    (void)sim;
    node->snapshot_op = NULL;
    if (fails(node)) {
        finish_write(op, RAFT_IOERR);
        return;
    }
    make_durable(node, op, 0);
    finish_write(op, 0);
}

static void append_durably(struct sim_node *node, const struct sim_disk_op *op,
                           unsigned count)
{
    struct sim_disk *disk = &node->disk;

    if (op->index != disk->last + 1) {
        sim_fail(node->sim, "DISK: server %llu appends %llu behind %llu",
                 node->id, op->index, disk->last);
        return;
    }
    for (unsigned i = 0; i < count; i++) {
        disk->last++;
        disk->entries[disk->last] = op->entries[i];
    }
}

static void make_durable(struct sim_node *node, const struct sim_disk_op *op,
                         unsigned count)
{
    struct sim_disk *disk = &node->disk;

    switch (op->kind) {
    case DISK_APPEND:
        append_durably(node, op, count);
        break;
    case DISK_TRUNCATE:
        if (op->index < disk->first) {
            sim_fail(node->sim, "DISK: server %llu truncates at %llu", node->id,
                     op->index);
        } else if (op->index <= disk->last) {
            disk->last = op->index - 1;
        }
        break;
    case DISK_INSTALL:
        disk->snapshot = op->snapshot;
        disk->first = op->snapshot.index + 1;
        disk->last = op->snapshot.index;
        break;
    case DISK_SNAPSHOT:
        if (op->snapshot.index > disk->last) {
            sim_fail(node->sim,
                     "DISK: server %llu has a snapshot of %llu "
                     "but a log to %llu",
                     node->id, op->snapshot.index, disk->last);
            break;
        }
        disk->snapshot = op->snapshot;
        if (op->snapshot.index >= disk->first + op->trailing) {
            disk->first = op->snapshot.index - op->trailing + 1;
        }
        break;
    }
}
