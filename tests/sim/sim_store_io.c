/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * The real disk layer as the raft_io under the guard. Callbacks pass through
 * here, so that the mirror learns what is durable, and that nobody is told once
 * the server is gone.
 */
#include "sim/sim_store_internal.h"

struct sim_append {
    struct raft_io_append own;
    struct sim_node *node;
    struct raft_io_append *request;
    raft_io_append_cb cb;
    raft_index index;
    unsigned count;
    struct sim_entry *entries; /* without their bytes */
};

struct sim_put {
    struct raft_io_snapshot_put own;
    struct sim_node *node;
    struct raft_io_snapshot_put *request;
    raft_io_snapshot_put_cb cb;
    unsigned trailing;
    struct sim_snapshot snapshot; /* without its bytes */
};

struct sim_get {
    struct raft_io_snapshot_get own;
    struct sim_node *node;
    struct raft_io_snapshot_get *request;
    raft_io_snapshot_get_cb cb;
};

static struct sim_node *node_of(const struct raft_io *io)
{
    return io->impl;
}

/* ---- Start ---- */

static void fail_load(struct sim_node *node, const char *what, raft_index index)
{
    sim_fail(node->sim, "DISK: server %llu: %s at %llu", node->id, what, index);
}

/* The loaded term at @index; 0: not there. */
static raft_term loaded_term(const struct raft_loaded *loaded, raft_index index)
{
    if (loaded->snapshot != NULL && loaded->snapshot->index == index) {
        return loaded->snapshot->term;
    }
    if (index < loaded->start_index ||
        index >= loaded->start_index + loaded->count) {
        return 0;
    }
    return loaded->entries[index - loaded->start_index].term;
}

/* Each entry is one that some server has appended, byte by byte. */
static void check_contents(struct sim_node *node,
                           const struct raft_loaded *loaded)
{
    for (size_t i = 0; i < loaded->count; i++) {
        const struct raft_entry *entry = &loaded->entries[i];
        raft_index index = loaded->start_index + i;
        const struct sim_written *known = node->sim->written[index];
        uint64_t value = entry->type == RAFT_BARRIER
                             ? 0
                             : sim_hash(entry->buf.base, entry->buf.len);

        while (known != NULL && known->term != entry->term) {
            known = known->next;
        }
        if (index > 1 && (known == NULL || known->value != value)) {
            fail_load(node, "finds what nobody has written", index);
        }
    }
}

/* Who has lost entries remembers it over any number of starts, until an entry of
 * a later term is on its disk (doubt_file.h). */
static void check_doubt(struct sim_node *node, const struct raft_loaded *loaded,
                        bool in_doubt)
{
    struct sim_store *store = node->store;
    raft_index last = loaded->start_index + loaded->count - 1;

    if (in_doubt && store->doubt_term == 0) {
        store->doubt_term = node->disk.term;
    }
    if (in_doubt) {
        return;
    }
    if (store->doubt_term != 0 &&
        loaded_term(loaded, last) <= store->doubt_term) {
        fail_load(node, "has forgotten that it lost entries", last);
    }
    store->doubt_term = 0;
}

/* What was confirmed is there. A server may say that it is not, if the disk was
 * damaged; a shorter log is never just a log. */
static void check_promises(struct sim_node *node,
                           const struct raft_loaded *loaded)
{
    const struct sim_disk *was = &node->disk;
    const struct raft_disk_report *report = raft_disk_report(node->store->disk);
    raft_index snapshot =
        loaded->snapshot == NULL ? 0 : loaded->snapshot->index;

    if (loaded->term < was->term ||
        (loaded->term == was->term && was->vote != 0 &&
         loaded->voted_for != was->vote)) {
        fail_load(node, "forgot its term or vote", loaded->term);
    }
    if (report->in_doubt && !node->store->flipped) {
        sim_fail(node->sim, "DISK: server %llu doubts an undamaged disk: %s",
                 node->id, report->lost);
    }
    check_doubt(node, loaded, report->in_doubt);
    if (report->in_doubt) {
        return;
    }
    if (loaded->start_index > snapshot + 1) {
        fail_load(node, "has a gap behind its snapshot", snapshot);
    }
    if (snapshot < was->snapshot.index && !node->store->flipped) {
        fail_load(node, "lost its snapshot", was->snapshot.index);
    }
    for (raft_index index = snapshot + 1; index <= was->last; index++) {
        if (index >= was->first &&
            loaded_term(loaded, index) != was->entries[index].term) {
            fail_load(node, "lost an entry", index);
            return;
        }
    }
}

static void mirror_loaded(struct sim_node *node,
                          const struct raft_loaded *loaded)
{
    struct sim_disk *disk = &node->disk;

    disk->term = loaded->term;
    disk->vote = loaded->voted_for;
    disk->snapshot.index = 0;
    disk->snapshot.term = 0;
    if (loaded->snapshot != NULL) {
        disk->snapshot.index = loaded->snapshot->index;
        disk->snapshot.term = loaded->snapshot->term;
    }
    disk->first = loaded->start_index;
    disk->last = loaded->start_index + loaded->count - 1;
    for (size_t i = 0; i < loaded->count; i++) {
        disk->entries[disk->first + i].term = loaded->entries[i].term;
    }
    node->append_next = disk->last + 1;
}

static int io_load(struct raft_io *io, raft_term *term, raft_id *vote,
                   struct raft_snapshot **snapshot, raft_index *start_index,
                   struct raft_entry *entries[], size_t *count)
{
    struct sim_node *node = node_of(io);
    struct sim_store *store = node->store;
    struct raft_loaded loaded;
    struct err err;

    if (store->chunks == NULL) {
        return RAFT_IOERR;
    }
    if (raft_disk_load(store->disk, &loaded, &err) != 0) {
        if (!node->was_write_error && !node->ended) {
            sim_fail(node->sim, "DISK: server %llu: %s", node->id, err.text);
        }
        return RAFT_IOERR;
    }
    check_contents(node, &loaded);
    check_promises(node, &loaded);
    mirror_loaded(node, &loaded);
    if (raft_disk_in_doubt(store->disk)) {
        node->sim->totals.doubts++;
        sim_trace(node->sim, "%llu is in doubt: log %llu..%llu", node->id,
                  node->disk.first, node->disk.last);
    }
    *term = loaded.term;
    *vote = loaded.voted_for;
    *snapshot = loaded.snapshot;
    *start_index = loaded.start_index;
    *entries = loaded.entries;
    *count = loaded.count;
    return 0;
}

/* ---- raft_io ---- */

/* The process of a doomed server would have ended within the call that failed:
 * it changes nothing any more. One that ended elsewhere is not told of failures,
 * as the core does not always survive them. */

static int io_set_term(struct raft_io *io, raft_term term)
{
    struct sim_node *node = node_of(io);
    struct err err;

    if (!node->doomed &&
        raft_disk_set_term(node->store->disk, term, &err) == 0) {
        if (term != node->disk.term) {
            node->disk.vote = 0;
        }
        node->disk.term = term;
        return 0;
    }
    return node->ended ? 0 : RAFT_IOERR;
}

static int io_set_vote(struct raft_io *io, raft_id id)
{
    struct sim_node *node = node_of(io);
    struct err err;

    if (!node->doomed && raft_disk_set_vote(node->store->disk, id, &err) == 0) {
        node->disk.vote = id;
        return 0;
    }
    return node->ended ? 0 : RAFT_IOERR;
}

static void on_appended(struct raft_io_append *own, int status)
{
    struct sim_append *append = LIST_ITEM(own, struct sim_append, own);
    struct sim_node *node = append->node;
    struct sim_disk *disk = &node->disk;

    if (node->ended) {
        return;
    }
    if (append->index != disk->last + 1) {
        fail_load(node, "appends in disorder", append->index);
        return;
    }
    for (unsigned i = 0; i < append->count; i++) {
        disk->last++;
        disk->entries[disk->last] = append->entries[i];
    }
    if (!node->store->silent) {
        append->cb(append->request, status);
    }
}

static int io_append(struct raft_io *io, struct raft_io_append *request,
                     const struct raft_entry entries[], unsigned count,
                     raft_io_append_cb cb)
{
    struct sim_node *node = node_of(io);
    struct sim *sim = node->sim;
    struct sim_append *append = sim_alloc(sim, sizeof *append);

    if (node->doomed) {
        return node->ended ? 0 : RAFT_IOERR;
    }
    if (node->append_next + count >= SIM_LOG_MAX) {
        sim_fail(sim, "HARNESS: the log is full");
        return RAFT_IOERR;
    }
    append->node = node;
    append->request = request;
    append->cb = cb;
    append->index = node->append_next;
    append->count = count;
    append->entries = sim_alloc(sim, count * sizeof *append->entries);
    for (unsigned i = 0; i < count; i++) {
        append->entries[i].term = entries[i].term;
        append->entries[i].type = entries[i].type;
    }
    sim_oracle_append(node, append->index, entries, count);
    node->append_next += count;
    return raft_disk_append(node->store->disk, &append->own, entries, count,
                            on_appended) == 0
               ? 0
               : RAFT_IOERR;
}

/* Nothing is under way then (guard rule N). It may come back in a crash. */
static int io_truncate(struct raft_io *io, raft_index index)
{
    struct sim_node *node = node_of(io);

    if (node->doomed) {
        return node->ended ? 0 : RAFT_IOERR;
    }
    sim_trace(node->sim, "%llu truncates from %llu", node->id, index);
    node->append_next = index;
    if (node->disk.last >= index) {
        node->disk.last = index - 1;
    }
    return raft_disk_truncate(node->store->disk, index) == 0 ? 0 : RAFT_IOERR;
}

static void on_put(struct raft_io_snapshot_put *own, int status)
{
    struct sim_put *put = LIST_ITEM(own, struct sim_put, own);
    struct sim_node *node = put->node;
    struct sim_disk *disk = &node->disk;

    if (node->ended) {
        return;
    }
    disk->snapshot = put->snapshot;
    if (put->trailing == 0) {
        disk->first = put->snapshot.index + 1;
        disk->last = put->snapshot.index;
    } else if (put->snapshot.index >= disk->first + put->trailing) {
        disk->first = put->snapshot.index - put->trailing + 1;
    }
    if (!node->store->silent) {
        node->store->installed_bufs =
            put->trailing == 0 ? NULL : node->store->installed_bufs;
        put->cb(put->request, status);
    }
}

static void check_put(struct sim_node *node,
                      const struct raft_snapshot *snapshot)
{
    struct sim *sim = node->sim;

    sim_oracle_configuration(node, snapshot->index, &snapshot->configuration);
    if (snapshot->index > sim->committed_last ||
        sim->committed[snapshot->index].term != snapshot->term) {
        sim_fail(sim, "SNAPSHOT of what was not committed: server %llu: %llu",
                 node->id, snapshot->index);
    }
}

static void on_crash(struct sim *sim, struct sim_node *node, void *data)
{
    (void)data;
    if (!sim->healed) {
        sim_node_crash(node);
    }
}

/* An install takes several writes: what it leaves between them is of interest. */
void sim_store_may_crash(struct sim_node *node, uint64_t span_ms)
{
    struct sim *sim = node->sim;

    if (sim->options.bias == SIM_INSTALLS && sim_random(sim, 2) == 0) {
        sim_at(sim, sim->now + 1 + sim_random(sim, span_ms), node, on_crash,
               NULL);
    }
}

static int io_snapshot_put(struct raft_io *io, unsigned trailing,
                           struct raft_io_snapshot_put *request,
                           const struct raft_snapshot *snapshot,
                           raft_io_snapshot_put_cb cb)
{
    struct sim_node *node = node_of(io);
    struct sim_put *put = sim_alloc(node->sim, sizeof *put);

    if (node->ended) {
        if (trailing == 0) {
            node->store->installed_bufs = snapshot->bufs;
        }
        return 0;
    }
    if (node->doomed) {
        return RAFT_IOERR;
    }
    put->node = node;
    put->request = request;
    put->cb = cb;
    put->trailing = trailing;
    put->snapshot.index = snapshot->index;
    put->snapshot.term = snapshot->term;
    sim_trace(node->sim, "%llu puts snapshot %llu, trailing %u", node->id,
              snapshot->index, trailing);
    if (trailing != 0) {
        sim_oracle_commits(node); /* taken in the middle of an apply */
    }
    check_put(node, snapshot);
    if (trailing == 0) {
        node->append_next = snapshot->index + 1;
        if (node->disk.last >= snapshot->index) {
            node->disk.last = snapshot->index - 1;
        }
        node->sim->totals.installs++;
        sim_store_may_crash(node, (uint64_t)node->sim->knobs.snapshot_ms +
                                      2 * node->sim->knobs.disk_ms);
        node->store->installed_bufs = snapshot->bufs;
    }
    return raft_disk_put(node->store->disk, trailing, &put->own, snapshot,
                         on_put) == 0
               ? 0
               : RAFT_IOERR;
}

static void on_got(struct raft_io_snapshot_get *own,
                   struct raft_snapshot *snapshot, int status)
{
    struct sim_get *get = LIST_ITEM(own, struct sim_get, own);

    if (!get->node->store->silent) {
        get->cb(get->request, snapshot, status);
        return;
    }
    if (status == 0) {
        raft_configuration_close(&snapshot->configuration);
        raft_free(snapshot->bufs[0].base);
        raft_free(snapshot->bufs);
        raft_free(snapshot);
    }
}

static int io_snapshot_get(struct raft_io *io,
                           struct raft_io_snapshot_get *request,
                           raft_io_snapshot_get_cb cb)
{
    struct sim_node *node = node_of(io);
    struct sim_get *get = sim_alloc(node->sim, sizeof *get);

    if (node->ended) {
        return 0;
    }
    get->node = node;
    get->request = request;
    get->cb = cb;
    return raft_disk_get(node->store->disk, &get->own, on_got) == 0
               ? 0
               : RAFT_IOERR;
}

void sim_store_fill_io(struct raft_io *io)
{
    io->load = io_load;
    io->set_term = io_set_term;
    io->set_vote = io_set_vote;
    io->append = io_append;
    io->truncate = io_truncate;
    io->snapshot_put = io_snapshot_put;
    io->snapshot_get = io_snapshot_get;
}
