/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "cli/cluster_view.h"

#include <stddef.h>
#include <string.h>

#include "cli/store_view.h"

#define STATUS(name) offsetof(struct ql_cluster_status, name)
#define MEMBER(name) offsetof(struct member_row, name)
#define ANSWER(name) offsetof(struct answer_row, name)

/* What is derived from a status, beside it. */
struct status_row {
    struct ql_cluster_status status; /* first: STATUS() counts from it */
    const char *role;
};

struct member_row {
    struct ql_member member;
    const char *role;
    const char *reachable;
    const char *space;
    const char *state;
    bool leader;
};

struct answer_row {
    struct ql_cluster_status status; /* first: STATUS() counts from it */
    const char *endpoint;
    const char *role;
    const char *error;
};

static const struct column status_columns[] = {
    {"cluster_id", "cluster", COLUMN_TEXT, STATUS(cluster_id)},
    {"node_id", "answered by node", COLUMN_U64, STATUS(node_id)},
    {"role", "its role", COLUMN_POINTER, offsetof(struct status_row, role)},
    {"version", "version", COLUMN_TEXT, STATUS(version)},
    {"leader_id", "leader", COLUMN_ID, STATUS(leader_id)},
    {"term", "term", COLUMN_U64, STATUS(term)},
    {"quorum_size", "quorum", COLUMN_U64, STATUS(quorum_size)},
    {"quorum_size_ok", "quorum as stated", COLUMN_BOOL, STATUS(quorum_size_ok)},
    {"age_suspended", "age suspended", COLUMN_BOOL, STATUS(age_suspended)},
    {"no_space", "appends refused", COLUMN_BOOL, STATUS(no_space)},
    {"integrity", "integrity", COLUMN_TEXT, STATUS(integrity)},
    {"agreed_index", "state agreed at", COLUMN_ID, STATUS(agreed_index)},
    {"mend_attempts", NULL, COLUMN_U64, STATUS(mend_attempts)},
    {"frozen", "frozen", COLUMN_BOOL, STATUS(frozen)},
    {"frozen_at_ms", "frozen at", COLUMN_TIME, STATUS(frozen_at_ms)},
    {"frozen_reason", "frozen because", COLUMN_TEXT, STATUS(frozen_reason)},
    {"frozen_by", "frozen by", COLUMN_TEXT, STATUS(frozen_by)},
    {"last_index", "last index", COLUMN_U64, STATUS(last_index)},
    {"commit_index", "commit index", COLUMN_U64, STATUS(commit_index)},
    {"applied_index", "applied index", COLUMN_U64, STATUS(applied_index)},
    {"snapshot_index", "snapshot index", COLUMN_U64, STATUS(snapshot_index)},
    {"state_index", "state index", COLUMN_U64, STATUS(state_index)},
    {"logs", "logs", COLUMN_U64, STATUS(logs)},
    {"entries", "entries", COLUMN_U64, STATUS(entries)},
    {"bytes", "bytes", COLUMN_SIZE, STATUS(bytes)},
    {"sessions", "sessions", COLUMN_U64, STATUS(sessions)},
    {"uptime_ms", NULL, COLUMN_DURATION, STATUS(uptime_ms)},
    {"disk_writer", "disk writer", COLUMN_TEXT, STATUS(disk_writer)},
    {"peers_refused", "peers refused", COLUMN_U64, STATUS(peers_refused)},
    {"peers_refusing", "refused by peers", COLUMN_U64, STATUS(peers_refusing)},
    {"peers_unfinished", NULL, COLUMN_U64, STATUS(peers_unfinished)},
    {"peers_bad_frames", "bad peer frames", COLUMN_U64,
     STATUS(peers_bad_frames)},
    {"peers_lost_frames", NULL, COLUMN_U64, STATUS(peers_lost_frames)},
    COLUMNS_END,
};

static const struct column member_columns[] = {
    {"id", "NODE", COLUMN_U64, MEMBER(member.id)},
    {"role", "ROLE", COLUMN_POINTER, MEMBER(role)},
    {"leader", NULL, COLUMN_BOOL, MEMBER(leader)},
    {"voter", NULL, COLUMN_BOOL, MEMBER(member.voter)},
    {"known", NULL, COLUMN_BOOL, MEMBER(member.known)},
    {"reachable", NULL, COLUMN_BOOL, MEMBER(member.reachable)},
    {"match_index", "MATCH INDEX", COLUMN_ID, MEMBER(member.match_index)},
    {"space_known", NULL, COLUMN_BOOL, MEMBER(member.space_known)},
    {"space_low", NULL, COLUMN_BOOL, MEMBER(member.space_low)},
    {"free_bytes", "FREE", COLUMN_SIZE, MEMBER(member.free_bytes)},
    {"total_bytes", NULL, COLUMN_SIZE, MEMBER(member.total_bytes)},
    {"digest_index", NULL, COLUMN_ID, MEMBER(member.digest_index)},
    {"digest_same", NULL, COLUMN_BOOL, MEMBER(member.digest_same)},
    {"client_address", "CLIENTS", COLUMN_TEXT, MEMBER(member.client_address)},
    {"peer_address", "PEERS", COLUMN_TEXT, MEMBER(member.peer_address)},
    COLUMNS_END,
};

/* "reachable" means nothing where the leader was not asked. */
static const struct column member_table_columns[] = {
    {"id", "NODE", COLUMN_U64, MEMBER(member.id)},
    {"role", "ROLE", COLUMN_POINTER, MEMBER(role)},
    {"reachable", "REACHABLE", COLUMN_POINTER, MEMBER(reachable)},
    {"match_index", "MATCH INDEX", COLUMN_ID, MEMBER(member.match_index)},
    {"free_bytes", "FREE", COLUMN_SIZE, MEMBER(member.free_bytes)},
    {"space", "SPACE", COLUMN_POINTER, MEMBER(space)},
    {"state", "STATE", COLUMN_POINTER, MEMBER(state)},
    {"client_address", "CLIENTS", COLUMN_TEXT, MEMBER(member.client_address)},
    {"peer_address", "PEERS", COLUMN_TEXT, MEMBER(member.peer_address)},
    COLUMNS_END,
};

static const struct column answer_columns[] = {
    {"endpoint", "ENDPOINT", COLUMN_POINTER, ANSWER(endpoint)},
    {"node_id", "NODE", COLUMN_ID, STATUS(node_id)},
    {"role", "ROLE", COLUMN_POINTER, ANSWER(role)},
    {"leader_id", "LEADER", COLUMN_ID, STATUS(leader_id)},
    {"term", "TERM", COLUMN_ID, STATUS(term)},
    {"last_index", "LAST", COLUMN_ID, STATUS(last_index)},
    {"commit_index", "COMMIT", COLUMN_ID, STATUS(commit_index)},
    {"applied_index", "APPLIED", COLUMN_ID, STATUS(applied_index)},
    {"state_index", "STATE", COLUMN_ID, STATUS(state_index)},
    {"frozen", NULL, COLUMN_BOOL, STATUS(frozen)},
    {"integrity", NULL, COLUMN_TEXT, STATUS(integrity)},
    {"cluster_id", NULL, COLUMN_TEXT, STATUS(cluster_id)},
    {"version", NULL, COLUMN_TEXT, STATUS(version)},
    {"disk_writer", NULL, COLUMN_TEXT, STATUS(disk_writer)},
    {"error", "ERROR", COLUMN_POINTER, ANSWER(error)},
    COLUMNS_END,
};

static const char *role_name(enum ql_role role);
static struct member_row member_row_of(const struct ql_cluster_status *status,
                                       size_t index);

static bool has_good_state(const struct ql_cluster_status *status)
{
    static const char *const good[] = {"", "agreed", "alone", "unknown"};

    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        if (strcmp(status->integrity, good[i]) == 0) {
            return true;
        }
    }
    return false;
}

bool cluster_is_healthy(const struct cluster_answer *answer)
{
    const struct ql_cluster_status *status = &answer->status;

    if (answer->code != 0 || status->leader_id == 0 ||
        !status->quorum_size_ok || status->age_suspended || status->no_space ||
        status->frozen || !has_good_state(status) || status->store.full ||
        status->store.missing > 0 || status->backups.problem[0] != '\0') {
        return false;
    }
    for (size_t i = 0; i < status->member_count; i++) {
        if (status->members[i].space_low) {
            return false;
        }
        if (status->members[i].known && !status->members[i].reachable) {
            return false;
        }
    }
    return true;
}

int cluster_view_status(struct output *output,
                        const struct ql_cluster_status *status, struct err *err)
{
    struct status_row row = {.status = *status,
                             .role = role_name(status->role)};
    struct output_list list;
    json_t *json;
    json_t *members;
    int rv;

    if (output->format != OUTPUT_TABLE) {
        json = output_object(status_columns, &row);
        members = json_array();
        for (size_t i = 0; i < status->member_count; i++) {
            struct member_row member = member_row_of(status, i);

            (void)json_array_append_new(members,
                                        output_object(member_columns, &member));
        }
        (void)json_object_set_new(json, "members", members);
        store_view_json(status, json);
        return output_document(output, json, err);
    }

    rv = output_record(output, status_columns, &row, err);
    if (rv == 0) {
        rv = store_view_table(output, status, err);
    }
    if (rv == 0) {
        rv = output_bytes(output, "\n", 1, err);
    }
    output_list_begin(&list, output, member_table_columns);
    for (size_t i = 0; i < status->member_count && rv == 0; i++) {
        struct member_row member = member_row_of(status, i);

        rv = output_list_row(&list, &member, err);
    }
    if (rv == 0) {
        rv = output_list_end(&list, err);
    }
    output_list_close(&list);
    return rv;
}

int cluster_view_answers(struct output *output,
                         const struct cluster_answer *answers, size_t count,
                         struct err *err)
{
    struct output_list list;
    int rv = 0;

    output_list_begin(&list, output, answer_columns);
    for (size_t i = 0; i < count && rv == 0; i++) {
        struct answer_row row = {.status = answers[i].status,
                                 .endpoint = answers[i].endpoint};

        if (answers[i].code == 0) {
            row.role = role_name(answers[i].status.role);
        } else {
            row.error = answers[i].text;
        }
        rv = output_list_row(&list, &row, err);
    }
    if (rv == 0) {
        rv = output_list_end(&list, err);
    }
    output_list_close(&list);
    return rv;
}

static const char *role_name(enum ql_role role)
{
    switch (role) {
    case QL_ROLE_FOLLOWER:
        return "follower";
    case QL_ROLE_CANDIDATE:
        return "candidate";
    case QL_ROLE_LEADER:
        return "leader";
    }
    return "unknown";
}

static struct member_row member_row_of(const struct ql_cluster_status *status,
                                       size_t index)
{
    struct member_row row = {.member = status->members[index]};

    row.leader = row.member.id == status->leader_id;
    row.role = row.member.voter ? "voter" : "standby";
    if (row.leader) {
        row.role = "leader";
    }
    row.reachable = "-";
    if (row.member.known) {
        row.reachable = row.member.reachable ? "yes" : "NO";
    }
    row.state = "-";
    if (row.member.digest_index != 0) {
        row.state = row.member.digest_same ? "same" : "OTHER";
    }
    if (row.member.space_known) {
        row.space = row.member.space_low ? "LOW" : "ok";
    } else {
        row.space = "-";
        row.member.free_bytes = CELL_NO_SIZE;
        row.member.total_bytes = CELL_NO_SIZE;
    }
    return row;
}
