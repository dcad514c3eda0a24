/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* server.hello and the cluster.* messages. */
#pragma once

#include <stdbool.h>

#include "quorlog.h"
#include "util/buf.h"
#include "util/err.h"
#include "util/limits.h"

#define PROTOCOL_VERSION 1u

/* server.hello {name?, protocol} -> server_info. Optional: a client may call
 * anything without it. A protocol of 0 or above ours is QL_INVALID. */
struct hello_args {
    struct bytes name;
    uint32_t protocol;
};
int hello_args_decode(struct hello_args *ret, struct bytes params,
                      struct err *err);
int hello_args_encode(const struct hello_args *args, struct buf *buf);

/* Keys: cluster, version, protocol, node, role ("leader", "follower",
 * "candidate"), leader (id), leader_address, request_bytes_max, calls_max. */
struct hello_result {
    struct bytes cluster;
    struct bytes version;
    uint32_t protocol;
    uint64_t node;
    uint32_t role;               /* enum ql_role */
    uint64_t leader;             /* 0: none known */
    struct bytes leader_address; /* client address, or len 0 */
    uint64_t request_bytes_max;
    uint64_t calls_max;
};
int hello_result_decode(struct hello_result *ret, struct bytes result,
                        struct err *err);
int hello_result_encode(const struct hello_result *result, struct buf *buf);

struct status_member {
    uint64_t id;
    struct bytes peer_address;
    struct bytes client_address;
    bool voter;
    bool known; /* the two below are the leader's knowledge */
    bool reachable;
    uint64_t match_index;
    bool space_known; /* the rest is what that node said last of its disk */
    bool space_low;
    uint64_t free_bytes;
    uint64_t total_bytes;
    uint64_t digest_index; /* see struct node_peer_status */
    bool digest_same;
};

/* How the answering node fares with its backups. */
struct backups_status {
    uint64_t last_success_ms;
    uint64_t last_verified_ms;
    uint64_t failures;
    uint64_t saved;
    struct bytes problem; /* len 0: none */
};

/* cluster.status {} -> a map with these names as keys. */
struct status_result {
    struct bytes cluster_id;
    struct bytes version;
    uint64_t node_id;
    uint32_t role; /* enum ql_role; on the wire as in hello */
    uint64_t leader_id;
    uint64_t term;
    uint64_t last_index;
    uint64_t commit_index;
    uint64_t applied_index;
    uint64_t snapshot_index;
    uint64_t state_index;
    uint64_t logs;
    uint64_t entries;
    uint64_t bytes;
    uint64_t sessions;
    uint64_t uptime_ms;
    uint64_t quorum_size;
    bool quorum_size_ok;
    bool age_suspended;     /* the clock jumped: see cluster.confirm_clock */
    bool no_space;          /* what would grow is refused: QL_NO_SPACE */
    struct bytes integrity; /* a word; len 0: not told */
    uint64_t agreed_index;  /* see struct node_status */
    uint64_t mend_attempts;
    bool frozen; /* see cluster.freeze (args_freeze.h) */
    uint64_t frozen_at_ms;
    struct bytes frozen_reason;
    struct bytes frozen_by;   /* len 0: not told */
    struct bytes disk_writer; /* "io_uring, direct"; len 0: not told */
    /* Of the link to the other nodes, see struct link_counts. */
    uint64_t peers_refused;
    uint64_t peers_refusing;
    uint64_t peers_unfinished;
    uint64_t peers_bad_frames;
    uint64_t peers_lost_frames;
    struct ql_store_status store;
    struct ql_snapshots_status snapshots;
    struct ql_install_status install;
    struct backups_status backups;
    size_t members_count;
    struct status_member members[MEMBERS_MAX];
};
int status_result_decode(struct status_result *ret, struct bytes result,
                         struct err *err);
int status_result_encode(const struct status_result *status, struct buf *buf);

/* Not a method: what the leader proposes by itself (COMMAND_SPACE). */
struct space_args {
    bool low;
};
int space_args_decode(struct space_args *ret, struct bytes params,
                      struct err *err);
int space_args_encode(const struct space_args *args, struct buf *buf);

/* cluster.transfer {to?}: 0 or absent: whoever is ready. Answers {} when
 * another node leads or a new term began. cluster.confirm_clock {} -> {}. */
struct transfer_args {
    uint64_t to;
};
int transfer_args_decode(struct transfer_args *ret, struct bytes params,
                         struct err *err);
int transfer_args_encode(const struct transfer_args *args, struct buf *buf);
