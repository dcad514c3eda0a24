/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* What a node says about itself and the cluster, and what operators may do. */
#include <string.h>

#include "machine/must.h"
#include "service/envelope.h"
#include "service/service_parts.h"
#include "util/clock.h"
#include "wire/args_cluster.h"
#include "wire/args_freeze.h"

static void status_fill(const struct service *service,
                        struct status_result *ret);
static void status_fill_standstill(const struct service *service,
                                   struct status_result *ret);
static void status_fill_store(const struct node_status *node,
                              struct status_result *ret);
static void status_fill_members(const struct service *service,
                                const struct node_status *node,
                                struct status_result *ret);
static void on_transferred(struct node_transfer *transfer, int status);
static struct bytes bytes_of(const char *text);

int service_hello(struct call *call, struct bytes params, struct err *err)
{
    const struct service *service = call->service;
    struct channel *channel = call->channel;
    struct hello_result result = {0};
    struct buf message = BUF_INIT;
    struct node_status node;
    struct hello_args args;
    size_t len;
    int rv = hello_args_decode(&args, params, err);

    if (rv != 0) {
        return rv;
    }
    len =
        args.name.len < CHANNEL_NAME_MAX ? args.name.len : CHANNEL_NAME_MAX - 1;
    if (len > 0) {
        memcpy(channel->name, args.name.data, len);
    }
    channel->name[len] = '\0';
    node_status(service->node, &node);
    result.cluster = bytes_of(service->identity->cluster);
    result.version = bytes_of(QUORLOG_VERSION);
    result.protocol = PROTOCOL_VERSION;
    result.node = service->identity->node;
    result.role = (uint32_t)node.role;
    result.leader = node.leader;
    result.leader_address = service_member_address(service, node.leader);
    result.request_bytes_max = service->options.request_bytes_max;
    result.calls_max = SESSION_CALLS_MAX;
    envelope_open_result(&message, call->id);
    must_have_memory(hello_result_encode(&result, &message));
    call_finish(call, &message);
    return 0;
}

int service_ping(struct call *call, struct bytes params, struct err *err)
{
    (void)params;
    (void)err;
    call_finish_empty(call);
    return 0;
}

int service_cluster_status(struct call *call, struct bytes params,
                           struct err *err)
{
    struct status_result result = {0};
    struct buf message = BUF_INIT;

    (void)params;
    (void)err;
    status_fill(call->service, &result);
    envelope_open_result(&message, call->id);
    must_have_memory(status_result_encode(&result, &message));
    call_finish(call, &message);
    return 0;
}

int service_cluster_transfer(struct call *call, struct bytes params,
                             struct err *err)
{
    struct transfer_args args;
    int rv = transfer_args_decode(&args, params, err);

    if (rv != 0) {
        return rv;
    }
    call->node.transfer.data = call;
    rv = node_transfer(call->service->node, &call->node.transfer, args.to,
                       on_transferred);
    switch (rv) {
    case 0:
        return 0;
    case QL_INVALID:
        return err_set(err, rv, "node %llu is no other voter of this cluster",
                       (unsigned long long)args.to);
    case QL_NOT_FOUND:
        return err_set(err, rv, "there is no other voter to lead");
    case QL_BUSY:
        return err_set(err, rv, "a transfer is under way already");
    default:
        return call_node_refusal(rv, err);
    }
}

int service_cluster_confirm_clock(struct call *call, struct bytes params,
                                  struct err *err)
{
    return call_write(call, COMMAND_CONFIRM_CLOCK, params, NULL, err);
}

int service_cluster_freeze(struct call *call, struct bytes params,
                           struct err *err)
{
    struct freeze_args args;
    int rv = freeze_args_decode(&args, params, err);

    return rv == 0 ? call_write(call, COMMAND_FREEZE, params, NULL, err) : rv;
}

int service_cluster_thaw(struct call *call, struct bytes params,
                         struct err *err)
{
    return call_write(call, COMMAND_THAW, params, NULL, err);
}

static void on_transferred(struct node_transfer *transfer, int status)
{
    struct call *call = transfer->data;
    struct err err = {0};

    if (status == 0) {
        call_finish_empty(call);
        return;
    }
    if (status == QL_TIMEOUT) {
        err_set(&err, status,
                "no other voter took over in time; node %llu "
                "still leads",
                (unsigned long long)call->service->identity->node);
    } else {
        call_node_refusal(status, &err);
    }
    call_fail(call, status, &err);
}

static void status_fill(const struct service *service,
                        struct status_result *ret)
{
    const struct service_options *options = &service->options;
    uint64_t majority = identity_quorum(service->identity);
    struct machine_counts counts;
    struct node_status node;

    node_status(service->node, &node);
    machine_counts(service->machine, &counts);
    ret->cluster_id = bytes_of(service->identity->cluster);
    ret->version = bytes_of(QUORLOG_VERSION);
    ret->node_id = service->identity->node;
    ret->role = (uint32_t)node.role;
    ret->leader_id = node.leader;
    ret->term = node.term;
    ret->last_index = node.last_index;
    ret->commit_index = node.commit_index;
    ret->applied_index = node.applied_index;
    ret->snapshot_index = node.snapshot_index;
    ret->state_index = counts.state_index;
    ret->logs = counts.logs;
    ret->entries = counts.entries;
    ret->bytes = counts.bytes;
    ret->age_suspended = counts.age_suspended;
    ret->no_space = counts.space_low;
    ret->integrity = bytes_of(node.integrity);
    ret->agreed_index = node.agreed_index;
    ret->mend_attempts = node.mend_attempts;
    status_fill_standstill(service, ret);
    ret->disk_writer = bytes_of(node.disk_writer);
    ret->peers_refused = node.link.refused;
    ret->peers_refusing = node.link.refused_us;
    ret->peers_unfinished = node.link.unfinished;
    ret->peers_bad_frames = node.link.bad_frames;
    ret->peers_lost_frames = node.link.dropped;
    ret->uptime_ms = clock_monotonic_ms() - service->started_ms;
    if (options->sessions != NULL) {
        ret->sessions = options->sessions(options->data);
    }
    ret->quorum_size = options->quorum_size;
    ret->quorum_size_ok = options->quorum_size == majority;
    if (options->quorum_size == 0) {
        ret->quorum_size = majority;
        ret->quorum_size_ok = true;
    }
    status_fill_store(&node, ret);
    status_fill_members(service, &node, ret);
}

/* The store's clock is the monotonic one. */
static void status_fill_store(const struct node_status *node,
                              struct status_result *ret)
{
    const struct chunk_store_status *store = &node->store;
    const struct node_snapshots *snapshots = &node->snapshots;

    ret->store = (struct ql_store_status){.packs = store->packs,
                                          .bytes = store->disk_bytes,
                                          .live_bytes = store->raw_bytes,
                                          .dead_bytes = store->dead_bytes,
                                          .waiting_bytes = store->waiting_bytes,
                                          .merges_bytes = store->merges_bytes,
                                          .cache_bytes = store->cache_bytes,
                                          .cache_hits = store->cache_hits,
                                          .cache_misses = store->cache_misses,
                                          .missing = store->missing,
                                          .damaged = store->damaged,
                                          .quarantined = store->quarantined,
                                          .scrub_rounds = store->scrub_rounds,
                                          .full = store->is_full};
    if (store->scrubbed_ms != 0) {
        ret->store.scrubbed_at_ms =
            clock_wall_ms() - (clock_monotonic_ms() - store->scrubbed_ms);
    }
    ret->snapshots = (struct ql_snapshots_status){
        .taken = snapshots->taken,
        .index = snapshots->index,
        .bytes = snapshots->bytes,
        .loop_us = snapshots->loop_ns / 1000,
        .loop_us_max = snapshots->loop_ns_max / 1000,
        .wall_us = snapshots->wall_ns / 1000,
        .wall_us_max = snapshots->wall_ns_max / 1000};
    ret->install = (struct ql_install_status){
        .index = node->install.index,
        .chunks = node->install.chunks,
        .chunks_missing = node->install.chunks_missing,
        .bytes_fetched = node->install.bytes_fetched,
        .fetch_ms = node->install.fetch_ms};
    ret->backups = (struct backups_status){
        .last_success_ms = node->backups.last_success_ms,
        .last_verified_ms = node->backups.last_verified_ms,
        .failures = node->backups.failures,
        .saved = node->backups.saved};
    if (node->backups.problem != NULL) {
        ret->backups.problem = bytes_of(node->backups.problem);
    }
}

static void status_fill_standstill(const struct service *service,
                                   struct status_result *ret)
{
    struct machine_standstill standstill;

    machine_standstill(service->machine, &standstill);
    ret->frozen = standstill.frozen;
    ret->frozen_at_ms = standstill.since_ms;
    ret->frozen_reason = standstill.reason;
    ret->frozen_by = standstill.by;
}

static void status_fill_members(const struct service *service,
                                const struct node_status *node,
                                struct status_result *ret)
{
    const struct identity *identity = service->identity;
    size_t i;

    ret->members_count = identity->members_count;
    for (i = 0; i < identity->members_count; i++) {
        const struct member *member = &identity->members[i];

        ret->members[i].id = member->id;
        ret->members[i].peer_address = bytes_of(member->peer_address);
        ret->members[i].client_address = bytes_of(member->client_address);
        ret->members[i].voter = true;
        ret->members[i].known = node->peers[i].known;
        ret->members[i].reachable = node->peers[i].reachable;
        ret->members[i].match_index = node->peers[i].match_index;
        ret->members[i].space_known = node->peers[i].space_known;
        ret->members[i].space_low = node->peers[i].space_low;
        ret->members[i].free_bytes = node->peers[i].free_bytes;
        ret->members[i].total_bytes = node->peers[i].total_bytes;
        ret->members[i].digest_index = node->peers[i].digest_index;
        ret->members[i].digest_same = node->peers[i].digest_same;
    }
}

static struct bytes bytes_of(const char *text)
{
    return (struct bytes){(const uint8_t *)text, strlen(text)};
}
