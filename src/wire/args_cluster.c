/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "wire/args_cluster.h"

#include <assert.h>
#include <stddef.h>

#include "quorlog.h"
#include "wire/fields.h"
#include "wire/store_fields.h"
#include "wire/pack.h"

#define VERSION_MAX (sizeof(((struct ql_cluster_status *)0)->version) - 1)
#define INTEGRITY_MAX (sizeof(((struct ql_cluster_status *)0)->integrity) - 1)
#define DISK_WRITER_MAX                                                        \
    (sizeof(((struct ql_cluster_status *)0)->disk_writer) - 1)

/* By enum ql_role. */
static const char *const roles[] = {"follower", "candidate", "leader"};
static const struct words role_words = {
    .words = roles,
    .count = sizeof(roles) / sizeof(roles[0]),
    .refusal = "must be follower, candidate or leader",
};

static const struct field hello_fields[] = {
    {FIELD_KEY("name"), .kind = FIELD_NAME, .max = WRITER_NAME_MAX,
     .offset = offsetof(struct hello_args, name)},
    {FIELD_KEY("protocol"), .kind = FIELD_U32, .required = true, .min = 1,
     .max = PROTOCOL_VERSION, .offset = offsetof(struct hello_args, protocol)},
};
static const struct message hello_message =
    FIELD_MESSAGE("server.hello", hello_fields);

int hello_args_decode(struct hello_args *ret, struct bytes params,
                      struct err *err)
{
    struct hello_args args = {0};
    int rv = fields_decode(&hello_message, params, &args, err);

    if (rv == 0) {
        *ret = args;
    }
    return rv;
}

int hello_args_encode(const struct hello_args *args, struct buf *buf)
{
    return fields_encode(&hello_message, args, buf);
}

static const struct field hello_result_fields[] = {
    {FIELD_KEY("cluster"), .kind = FIELD_NAME, .required = true,
     .max = ID_TEXT_LEN, .offset = offsetof(struct hello_result, cluster)},
    {FIELD_KEY("version"), .kind = FIELD_NAME, .required = true,
     .max = VERSION_MAX, .offset = offsetof(struct hello_result, version)},
    {FIELD_KEY("protocol"), .kind = FIELD_U32, .required = true, .min = 1,
     .offset = offsetof(struct hello_result, protocol)},
    {FIELD_KEY("node"), .kind = FIELD_U64, .required = true,
     .offset = offsetof(struct hello_result, node)},
    {FIELD_KEY("role"), .kind = FIELD_WORD, .required = true,
     .words = &role_words, .offset = offsetof(struct hello_result, role)},
    {FIELD_KEY("leader"), .kind = FIELD_U64, .required = true,
     .offset = offsetof(struct hello_result, leader)},
    {FIELD_KEY("leader_address"), .kind = FIELD_NAME, .required = true,
     .max = ADDRESS_MAX - 1,
     .offset = offsetof(struct hello_result, leader_address)},
    {FIELD_KEY("request_bytes_max"), .kind = FIELD_U64, .required = true,
     .offset = offsetof(struct hello_result, request_bytes_max)},
    {FIELD_KEY("calls_max"), .kind = FIELD_U64, .required = true,
     .offset = offsetof(struct hello_result, calls_max)},
};
static const struct message hello_result_message =
    FIELD_MESSAGE("hello answer", hello_result_fields);

int hello_result_decode(struct hello_result *ret, struct bytes result,
                        struct err *err)
{
    struct hello_result hello = {0};
    int rv = fields_decode(&hello_result_message, result, &hello, err);

    if (rv == 0) {
        *ret = hello;
    }
    return rv;
}

int hello_result_encode(const struct hello_result *result, struct buf *buf)
{
    return fields_encode(&hello_result_message, result, buf);
}

static const struct field member_fields[] = {
    {FIELD_KEY("id"), .kind = FIELD_U64, .required = true,
     .offset = offsetof(struct status_member, id)},
    {FIELD_KEY("peer_address"), .kind = FIELD_NAME, .required = true,
     .max = ADDRESS_MAX - 1,
     .offset = offsetof(struct status_member, peer_address)},
    {FIELD_KEY("client_address"), .kind = FIELD_NAME, .required = true,
     .max = ADDRESS_MAX - 1,
     .offset = offsetof(struct status_member, client_address)},
    {FIELD_KEY("voter"), .kind = FIELD_BOOL, .required = true,
     .offset = offsetof(struct status_member, voter)},
    {FIELD_KEY("known"), .kind = FIELD_BOOL, .required = true,
     .offset = offsetof(struct status_member, known)},
    {FIELD_KEY("reachable"), .kind = FIELD_BOOL, .required = true,
     .offset = offsetof(struct status_member, reachable)},
    {FIELD_KEY("match_index"), .kind = FIELD_U64, .required = true,
     .offset = offsetof(struct status_member, match_index)},
    {FIELD_KEY("space_known"), .kind = FIELD_BOOL, .required = true,
     .offset = offsetof(struct status_member, space_known)},
    {FIELD_KEY("space_low"), .kind = FIELD_BOOL, .required = true,
     .offset = offsetof(struct status_member, space_low)},
    {FIELD_KEY("free_bytes"), .kind = FIELD_U64, .required = true,
     .offset = offsetof(struct status_member, free_bytes)},
    {FIELD_KEY("total_bytes"), .kind = FIELD_U64, .required = true,
     .offset = offsetof(struct status_member, total_bytes)},
    {FIELD_KEY("digest_index"), .kind = FIELD_U64,
     .offset = offsetof(struct status_member, digest_index)},
    {FIELD_KEY("digest_same"), .kind = FIELD_BOOL,
     .offset = offsetof(struct status_member, digest_same)},
};
static const struct message member_message =
    FIELD_MESSAGE("cluster member", member_fields);

/* A status before its members are decoded. */
struct status_answer {
    struct status_result status;
    struct items members;
};

/* A number of the status that is always there. */
#define STATUS_U64(name)                                                       \
    {                                                                          \
        FIELD_KEY(#name),                                                      \
            .kind = FIELD_U64, .required = true,                               \
            .offset = offsetof(struct status_answer, status.name)              \
    }

/* One that older nodes do not tell. */
#define STATUS_U64_NEW(name)                                                   \
    {                                                                          \
        FIELD_KEY(#name),                                                      \
            .kind = FIELD_U64,                                                 \
            .offset = offsetof(struct status_answer, status.name)              \
    }

static const struct field status_fields[] = {
    {FIELD_KEY("cluster_id"), .kind = FIELD_NAME, .required = true,
     .max = ID_TEXT_LEN,
     .offset = offsetof(struct status_answer, status.cluster_id)},
    {FIELD_KEY("version"), .kind = FIELD_NAME, .required = true,
     .max = VERSION_MAX,
     .offset = offsetof(struct status_answer, status.version)},
    STATUS_U64(node_id),
    {FIELD_KEY("role"), .kind = FIELD_WORD, .required = true,
     .words = &role_words,
     .offset = offsetof(struct status_answer, status.role)},
    STATUS_U64(leader_id),
    STATUS_U64(term),
    STATUS_U64(last_index),
    STATUS_U64(commit_index),
    STATUS_U64(applied_index),
    STATUS_U64(snapshot_index),
    STATUS_U64(state_index),
    STATUS_U64(logs),
    STATUS_U64(entries),
    STATUS_U64(bytes),
    STATUS_U64(sessions),
    STATUS_U64(uptime_ms),
    STATUS_U64(quorum_size),
    {FIELD_KEY("quorum_size_ok"), .kind = FIELD_BOOL, .required = true,
     .offset = offsetof(struct status_answer, status.quorum_size_ok)},
    {FIELD_KEY("age_suspended"), .kind = FIELD_BOOL, .required = true,
     .offset = offsetof(struct status_answer, status.age_suspended)},
    {FIELD_KEY("disk_writer"), .kind = FIELD_NAME, .max = DISK_WRITER_MAX,
     .offset = offsetof(struct status_answer, status.disk_writer)},
    STATUS_U64_NEW(peers_refused),
    STATUS_U64_NEW(peers_refusing),
    STATUS_U64_NEW(peers_unfinished),
    STATUS_U64_NEW(peers_bad_frames),
    STATUS_U64_NEW(peers_lost_frames),
    {FIELD_KEY("no_space"), .kind = FIELD_BOOL, .required = true,
     .offset = offsetof(struct status_answer, status.no_space)},
    {FIELD_KEY("integrity"), .kind = FIELD_NAME, .max = INTEGRITY_MAX,
     .offset = offsetof(struct status_answer, status.integrity)},
    STATUS_U64_NEW(agreed_index),
    STATUS_U64_NEW(mend_attempts),
    {FIELD_KEY("frozen"), .kind = FIELD_BOOL,
     .offset = offsetof(struct status_answer, status.frozen)},
    STATUS_U64_NEW(frozen_at_ms),
    {FIELD_KEY("frozen_reason"), .kind = FIELD_NAME, .max = FREEZE_REASON_MAX,
     .offset = offsetof(struct status_answer, status.frozen_reason)},
    {FIELD_KEY("frozen_by"), .kind = FIELD_NAME, .max = FREEZE_BY_MAX,
     .offset = offsetof(struct status_answer, status.frozen_by)},
    {FIELD_KEY("store"), .kind = FIELD_MAP, .inner = &store_status_message,
     .offset = offsetof(struct status_answer, status.store)},
    {FIELD_KEY("snapshots"), .kind = FIELD_MAP,
     .inner = &snapshots_status_message,
     .offset = offsetof(struct status_answer, status.snapshots)},
    {FIELD_KEY("install"), .kind = FIELD_MAP, .inner = &install_status_message,
     .offset = offsetof(struct status_answer, status.install)},
    {FIELD_KEY("backups"), .kind = FIELD_MAP, .inner = &backups_status_message,
     .offset = offsetof(struct status_answer, status.backups)},
    {FIELD_KEY("members"), .kind = FIELD_ARRAY, .required = true,
     .offset = offsetof(struct status_answer, members)},
};
static const struct message status_message =
    FIELD_MESSAGE("cluster status", status_fields);

int status_result_decode(struct status_result *ret, struct bytes result,
                         struct err *err)
{
    struct status_answer answer = {0};
    struct status_result *status = &answer.status;
    size_t count;
    size_t i;
    int rv = fields_decode(&status_message, result, &answer, err);

    if (rv != 0) {
        return rv;
    }
    count = answer.members.count;
    if (count > MEMBERS_MAX) {
        rv = err_set(err, QL_INVALID,
                     "cluster status: 'members' has %zu items, more than %u",
                     count, MEMBERS_MAX);
        return fields_refuse(&status_message, result, rv, err);
    }
    for (i = 0; i < count && rv == 0; i++) {
        rv = fields_read_next(&member_message, &answer.members,
                              &status->members[i], err);
    }
    if (rv != 0) {
        return fields_refuse(&status_message, result, rv, err);
    }
    status->members_count = count;
    *ret = *status;
    return 0;
}

int status_result_encode(const struct status_result *status, struct buf *buf)
{
    const struct status_answer answer = {.status = *status};
    size_t len = buf->len;
    size_t i;
    int rv;

    assert(status->members_count <= MEMBERS_MAX);
    rv = fields_pack(&status_message, &answer, 1, buf);
    rv = rv != 0 ? rv : pack_text(buf, "members");
    rv = rv != 0 ? rv : pack_array(buf, (uint32_t)status->members_count);
    for (i = 0; i < status->members_count && rv == 0; i++) {
        rv = fields_encode(&member_message, &status->members[i], buf);
    }
    if (rv != 0) {
        buf->len = len;
    }
    return rv;
}

static const struct field transfer_fields[] = {
    {FIELD_KEY("to"), .kind = FIELD_U64,
     .offset = offsetof(struct transfer_args, to)},
};
static const struct message transfer_message =
    FIELD_MESSAGE("cluster.transfer", transfer_fields);

int transfer_args_decode(struct transfer_args *ret, struct bytes params,
                         struct err *err)
{
    struct transfer_args args = {0};
    int rv = fields_decode(&transfer_message, params, &args, err);

    if (rv == 0) {
        *ret = args;
    }
    return rv;
}

int transfer_args_encode(const struct transfer_args *args, struct buf *buf)
{
    return fields_encode(&transfer_message, args, buf);
}

static const struct field space_fields[] = {
    {FIELD_KEY("low"), .kind = FIELD_BOOL, .required = true,
     .offset = offsetof(struct space_args, low)},
};
static const struct message space_message =
    FIELD_MESSAGE("space command", space_fields);

int space_args_decode(struct space_args *ret, struct bytes params,
                      struct err *err)
{
    struct space_args args = {0};
    int rv = fields_decode(&space_message, params, &args, err);

    if (rv == 0) {
        *ret = args;
    }
    return rv;
}

int space_args_encode(const struct space_args *args, struct buf *buf)
{
    return fields_encode(&space_message, args, buf);
}
