/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "consensus/core.h"

#include "consensus/core_heap.h"
#include "util/file.h"

static void fill_guard_options(struct core *core, struct guard_options *ret);
static void fill_fsm_options(struct core *core,
                             const struct node_options *options,
                             struct machine *machine, struct fsm_options *ret);
static void part_entries(struct raft_log *log);
static unsigned place_of(const struct identity *identity);
static int check_timeouts(const struct node_options *options, struct err *err);
static void set_options(struct raft *raft, const struct node_options *options);
static void on_disk_fatal(void *data, const char *reason);
static void on_stored(void *data, uint64_t index);
static void on_healed(void *data);
static void on_gone(void *data, uint64_t node);
static void on_encoded(void *data);
static void on_snapshot_time(void *data, uint64_t ns);
static int on_frame(void *data, uint64_t node, enum link_frame type,
                    const uint8_t *bytes, size_t len);
static int start_failed(const struct core *core, int raft_rv, struct err *err);

void core_fill_options(struct node_options *options)
{
    if (options->election_timeout_ms == 0) {
        options->election_timeout_ms = ELECTION_TIMEOUT_MS;
    }
    if (options->heartbeat_ms == 0) {
        options->heartbeat_ms = HEARTBEAT_MS;
    }
    if (options->snapshot_entries == 0) {
        options->snapshot_entries = SNAPSHOT_ENTRIES;
    }
    if (options->snapshot_bytes_min == 0) {
        options->snapshot_bytes_min = SNAPSHOT_BYTES_MIN;
    }
}

int core_open(struct core *core, const struct node_options *options,
              struct machine *machine, struct chunks_real *chunks,
              const struct core_events *events, struct err *err)
{
    const struct identity *identity = options->identity;
    const struct raft_io_real_options disk = {
        .loop = options->loop,
        .identity = identity,
        .dir = options->dir,
        .listen_peer = options->listen_peer,
        .writer = options->wal_writer,
        .reserve_bytes = options->reserve_bytes,
        .chunks = chunks_real_store(chunks),
        .metrics = events->metrics,
        .on_fatal = on_disk_fatal,
        .on_stored = on_stored,
        .on_healed = on_healed,
        .on_encoded = on_encoded,
        .on_snapshot_time = on_snapshot_time,
        .on_frame = on_frame,
        .on_gone = on_gone,
        .data = core};
    struct fsm_options fsm;
    struct guard_options guard;
    struct raft_io *io;
    int rv = check_timeouts(options, err);

    if (rv != 0) {
        return rv;
    }
    core_heap_install();
    core->events = *events;
    core->chunks = chunks;
    rv = path_join(core->dir, sizeof core->dir, options->dir, RAFT_DIR_NAME,
                   err);
    if (rv != 0) {
        return rv;
    }
    rv = raft_io_real_new(&core->disk, &disk, err);
    if (rv != 0) {
        return rv;
    }
    fill_guard_options(core, &guard);
    rv = guard_new(&core->guard, &io, &guard, err);
    if (rv != 0) {
        goto free_disk;
    }
    fill_fsm_options(core, options, machine, &fsm);
    fsm_init(&core->fsm, &fsm);
    rv = raft_init(&core->raft, io, &core->fsm.raft, identity->node,
                   identity_member(identity, identity->node)->peer_address);
    if (rv != 0) {
        rv = err_set(err, QL_IO, "open %s: %s", core->dir, core->raft.errmsg);
        goto free_guard;
    }
    set_options(&core->raft, options);
    return 0;

free_guard:
    guard_free(core->guard);
free_disk:
    raft_io_real_free(core->disk);
    return rv;
}

static void fill_guard_options(struct core *core, struct guard_options *ret)
{
    const struct core_events *events = &core->events;

    *ret = (struct guard_options){.raft = &core->raft,
                                  .inner = raft_io_real_io(core->disk),
                                  .rules = GUARD_ALL,
                                  .defer = events->on_defer,
                                  .fatal = events->on_fatal,
                                  .restart = events->on_restart,
                                  .entered = events->on_entered,
                                  .tick_within = raft_io_real_tick_within,
                                  .data = events->data};
}

static void fill_fsm_options(struct core *core,
                             const struct node_options *options,
                             struct machine *machine, struct fsm_options *ret)
{
    const struct core_events *events = &core->events;

    *ret = (struct fsm_options){
        .core = &core->raft,
        .guard = core->guard,
        .machine = machine,
        .chunks = chunks_real_store(core->chunks),
        .snapshot_entries = options->snapshot_entries,
        .snapshot_bytes_min = options->snapshot_bytes_min,
        .place = place_of(options->identity),
        .places = (unsigned)options->identity->members_count,
        .events = {.on_committed = events->on_committed,
                   .on_outcome = events->on_outcome,
                   .on_applied = events->on_applied,
                   .on_restored = events->on_restored,
                   .on_digest = events->on_digest,
                   .data = events->data}};
}

int core_start(struct core *core, struct err *err)
{
    int rv = raft_start(&core->raft);

    if (rv != 0) {
        return start_failed(core, rv, err);
    }
    part_entries(&core->raft.log);
    guard_doubt(core->guard, raft_io_real_in_doubt(core->disk));
    core->disk_writer = raft_io_real_writer(core->disk);
    core->fsm.started = true;
    guard_after(core->guard);
    return 0;
}

void core_free(struct core *core)
{
    guard_free(core->guard);
    raft_io_real_free(core->disk);
    core->disk = NULL;
    fsm_close(&core->fsm);
}

void core_fill_status(const struct core *core, struct node_status *ret)
{
    struct raft *raft =
        (struct raft *)&core->raft; /* its reads take no const */
    raft_id leader;
    const char *address;

    *ret = (struct node_status){.role = NODE_FOLLOWER};
    if (raft->state == RAFT_CANDIDATE) {
        ret->role = NODE_CANDIDATE;
    } else if (raft->state == RAFT_LEADER) {
        ret->role = NODE_LEADER;
    }
    raft_leader(raft, &leader, &address);
    ret->term = raft->current_term;
    ret->leader = leader;
    ret->last_index = raft_last_index(raft);
    ret->commit_index = raft->commit_index;
    ret->applied_index = raft->last_applied;
    ret->snapshot_index = raft->log.snapshot.last_index;
    ret->disk_writer = core->disk_writer;
    ret->snapshots = core->fsm.snapshots;
    if (core->disk != NULL && raft_io_real_net(core->disk) != NULL) {
        link_counts(raft_net_link(raft_io_real_net(core->disk)), &ret->link);
    }
}

/* Each entry that was loaded is a batch of its own, as raft_start() asks. To drop an
 * entry of a batch the core looks through its whole log for others of it; with as
 * many batches as entries a snapshot would take a time that grows with the square of
 * the log. Without a batch the core frees the buffer, which is the same memory. */
static void part_entries(struct raft_log *log)
{
    for (size_t i = log->front; i != log->back; i = (i + 1) % log->size) {
        struct raft_entry *entry = &log->entries[i];

        if (entry->batch == entry->buf.base) {
            entry->batch = NULL;
        }
    }
}

/* Members are in the order of their ids, on all nodes. */
static unsigned place_of(const struct identity *identity)
{
    unsigned place = 0;

    while (identity->members[place].id != identity->node) {
        place++;
    }
    return place;
}

static int check_timeouts(const struct node_options *options, struct err *err)
{
    if (options->heartbeat_ms < options->election_timeout_ms) {
        return 0;
    }
    return err_set(err, QL_INVALID,
                   "the heartbeat (%u ms) must be shorter than the election "
                   "timeout (%u ms)",
                   options->heartbeat_ms, options->election_timeout_ms);
}

static void set_options(struct raft *raft, const struct node_options *options)
{
    raft_set_election_timeout(raft, options->election_timeout_ms);
    raft_set_heartbeat_timeout(raft, options->heartbeat_ms);
    raft_set_install_snapshot_timeout(raft, INSTALL_TIMEOUT_MS);
    raft_set_snapshot_threshold(raft, options->snapshot_entries);
    raft_set_pre_vote(raft, true);
}

static void on_disk_fatal(void *data, const char *reason)
{
    struct core *core = data;

    core->events.on_fatal(core->events.data, reason);
}

static void on_stored(void *data, uint64_t index)
{
    struct core *core = data;

    core->events.on_stored(core->events.data, index);
}

static void on_healed(void *data)
{
    struct core *core = data;

    guard_doubt(core->guard, false);
}

static void on_gone(void *data, uint64_t node)
{
    struct core *core = data;

    guard_leader_gone(core->guard, node);
}

static void on_encoded(void *data)
{
    struct core *core = data;

    fsm_on_encoded(&core->fsm);
}

static void on_snapshot_time(void *data, uint64_t ns)
{
    struct core *core = data;

    fsm_on_snapshot_time(&core->fsm, ns);
}

static int on_frame(void *data, uint64_t node, enum link_frame type,
                    const uint8_t *bytes, size_t len)
{
    struct core *core = data;

    return core->events.on_frame(core->events.data, node, type, bytes, len);
}

static int start_failed(const struct core *core, int raft_rv, struct err *err)
{
    const struct err *reason = raft_io_real_err(core->disk);
    const char *text = core->raft.errmsg;

    if (core->fsm.err.code != 0) {
        return err_set(err, core->fsm.err.code,
                       "restore the snapshot in %s: %s", core->dir,
                       core->fsm.err.text);
    }
    if (reason->code != 0) {
        return err_set(err, reason->code, "%s", reason->text);
    }
    return err_set(err, QL_IO, "load the raft log in %s: %s", core->dir,
                   text[0] != '\0' ? text : raft_strerror(raft_rv));
}
