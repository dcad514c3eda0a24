/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "client/cluster.h"

#include <stdlib.h>
#include <string.h>

#include "client/client.h"
#include "client/op.h"
#include "wire/args_cluster.h"
#include "wire/args_freeze.h"

struct status_call {
    struct request request;
    ql_cluster_cb cb;
    void *data;
};

/* A call that is answered by success or failure alone. */
struct plain_call {
    struct request request;
    cluster_done_cb cb;
    void *data;
};

static void on_status(struct request *request, const struct answer *answer);
static struct plain_call *plain_call_new(struct ql_client *client,
                                         enum method method, cluster_done_cb cb,
                                         void *data);
static int plain_call_start(struct plain_call *call, int encoded,
                            struct ql_error *error);
static void on_plain(struct request *request, const struct answer *answer);
static int export_status(struct ql_cluster_status *ret,
                         const struct status_result *status, struct err *err);
static int export_texts(struct ql_cluster_status *ret,
                        const struct status_result *status, struct err *err);
static int export_member(struct ql_member *ret,
                         const struct status_member *member, struct err *err);
static int copy_text(char *ret_text, size_t room, struct bytes text,
                     struct err *err);
static struct bytes bytes_of(const char *text);

_Static_assert(QL_MEMBERS_MAX == MEMBERS_MAX, "one limit, two names");
_Static_assert(QL_FREEZE_REASON_MAX == FREEZE_REASON_MAX, "as above");
_Static_assert(QL_FREEZE_BY_MAX == FREEZE_BY_MAX, "as above");

int ql_cluster_status_async(struct ql_client *client, const char *endpoint,
                            ql_cluster_cb cb, void *data,
                            struct ql_error *error)
{
    struct status_call *call = calloc(1, sizeof(*call));
    int rv;

    if (call == NULL) {
        return error_set(error, QL_NO_MEMORY, "out of memory");
    }
    request_init(&call->request, client, METHOD_CLUSTER_STATUS, on_status);
    call->request.any_node = true;
    call->cb = cb;
    call->data = data;
    if (endpoint != NULL) {
        rv = op_start_at(&call->request, endpoint, 0, error);
    } else {
        rv = request_start(&call->request, 0, error);
    }
    if (rv != 0) {
        request_close(&call->request);
        free(call);
    }
    return rv;
}

int cluster_transfer_start(struct ql_client *client, uint64_t to,
                           cluster_done_cb cb, void *data,
                           struct ql_error *error)
{
    const struct transfer_args args = {to};
    struct plain_call *call =
        plain_call_new(client, METHOD_CLUSTER_TRANSFER, cb, data);
    int rv;

    if (call == NULL) {
        return error_set(error, QL_NO_MEMORY, "out of memory");
    }
    /* Asked twice, it could hand leadership on a second time. */
    call->request.send_once = true;
    rv = transfer_args_encode(&args, &call->request.params);
    return plain_call_start(call, rv, error);
}

int cluster_confirm_clock_start(struct ql_client *client, cluster_done_cb cb,
                                void *data, struct ql_error *error)
{
    struct plain_call *call =
        plain_call_new(client, METHOD_CLUSTER_CONFIRM_CLOCK, cb, data);

    if (call == NULL) {
        return error_set(error, QL_NO_MEMORY, "out of memory");
    }
    return plain_call_start(call, 0, error);
}

int cluster_freeze_start(struct ql_client *client, const char *reason,
                         const char *by, cluster_done_cb cb, void *data,
                         struct ql_error *error)
{
    const struct freeze_args args = {bytes_of(reason), bytes_of(by)};
    struct plain_call *call;

    if (args.reason.len == 0 || args.reason.len > FREEZE_REASON_MAX ||
        args.by.len > FREEZE_BY_MAX) {
        return error_set(error, QL_INVALID,
                         "the reason must have 1 to %u bytes, and who gives "
                         "it at most %u",
                         FREEZE_REASON_MAX, FREEZE_BY_MAX);
    }
    call = plain_call_new(client, METHOD_CLUSTER_FREEZE, cb, data);
    if (call == NULL) {
        return error_set(error, QL_NO_MEMORY, "out of memory");
    }
    return plain_call_start(
        call, freeze_args_encode(&args, &call->request.params), error);
}

int cluster_thaw_start(struct ql_client *client, cluster_done_cb cb, void *data,
                       struct ql_error *error)
{
    struct plain_call *call =
        plain_call_new(client, METHOD_CLUSTER_THAW, cb, data);

    if (call == NULL) {
        return error_set(error, QL_NO_MEMORY, "out of memory");
    }
    return plain_call_start(call, 0, error);
}

static struct plain_call *plain_call_new(struct ql_client *client,
                                         enum method method, cluster_done_cb cb,
                                         void *data)
{
    struct plain_call *call = calloc(1, sizeof(*call));

    if (call != NULL) {
        request_init(&call->request, client, method, on_plain);
        call->cb = cb;
        call->data = data;
    }
    return call;
}

/* @encoded is what encoding the params returned. Frees @call on failure. */
static int plain_call_start(struct plain_call *call, int encoded,
                            struct ql_error *error)
{
    int rv = encoded == 0 ? request_start(&call->request, 0, error)
                          : error_set(error, encoded, "out of memory");

    if (rv != 0) {
        request_close(&call->request);
        free(call);
    }
    return rv;
}

static void on_status(struct request *request, const struct answer *answer)
{
    struct status_call *call = LIST_ITEM(request, struct status_call, request);
    const struct ql_error *failure = answer->error;
    struct ql_cluster_status public_status;
    struct status_result status;
    struct ql_error error;
    struct err err;
    int rv = 0;

    if (failure == NULL) {
        rv = status_result_decode(&status, answer->result, &err);
        if (rv == 0) {
            rv = export_status(&public_status, &status, &err);
        }
    }
    if (rv != 0) {
        error_set(&error, QL_PROTOCOL, "cluster.status: %s", err.text);
        failure = &error;
    }
    if (call->cb != NULL) {
        call->cb(call->data, failure == NULL ? &public_status : NULL, failure);
    }
    request_close(request);
    free(call);
}

static void on_plain(struct request *request, const struct answer *answer)
{
    struct plain_call *call = LIST_ITEM(request, struct plain_call, request);

    if (call->cb != NULL) {
        call->cb(call->data, answer->error);
    }
    request_close(request);
    free(call);
}

static int export_status(struct ql_cluster_status *ret,
                         const struct status_result *status, struct err *err)
{
    size_t i;
    int rv;

    memset(ret, 0, sizeof(*ret));
    rv = export_texts(ret, status, err);
    for (i = 0; i < status->members_count && rv == 0; i++) {
        rv = export_member(&ret->members[i], &status->members[i], err);
    }
    ret->member_count = status->members_count;
    ret->node_id = status->node_id;
    ret->role = (enum ql_role)status->role;
    ret->leader_id = status->leader_id;
    ret->term = status->term;
    ret->last_index = status->last_index;
    ret->commit_index = status->commit_index;
    ret->applied_index = status->applied_index;
    ret->snapshot_index = status->snapshot_index;
    ret->state_index = status->state_index;
    ret->logs = status->logs;
    ret->entries = status->entries;
    ret->bytes = status->bytes;
    ret->sessions = status->sessions;
    ret->uptime_ms = status->uptime_ms;
    ret->quorum_size = status->quorum_size;
    ret->quorum_size_ok = status->quorum_size_ok;
    ret->age_suspended = status->age_suspended;
    ret->no_space = status->no_space;
    ret->agreed_index = status->agreed_index;
    ret->mend_attempts = status->mend_attempts;
    ret->frozen = status->frozen;
    ret->frozen_at_ms = status->frozen_at_ms;
    ret->peers_refused = status->peers_refused;
    ret->peers_refusing = status->peers_refusing;
    ret->peers_unfinished = status->peers_unfinished;
    ret->peers_bad_frames = status->peers_bad_frames;
    ret->peers_lost_frames = status->peers_lost_frames;
    ret->store = status->store;
    ret->snapshots = status->snapshots;
    ret->install = status->install;
    ret->backups.last_success_ms = status->backups.last_success_ms;
    ret->backups.last_verified_ms = status->backups.last_verified_ms;
    ret->backups.failures = status->backups.failures;
    ret->backups.saved = status->backups.saved;
    error_copy_text(ret->backups.problem, sizeof(ret->backups.problem),
                    status->backups.problem);
    return rv;
}

static int export_texts(struct ql_cluster_status *ret,
                        const struct status_result *status, struct err *err)
{
    int rv = copy_text(ret->cluster_id, sizeof(ret->cluster_id),
                       status->cluster_id, err);

    if (rv == 0) {
        rv =
            copy_text(ret->version, sizeof(ret->version), status->version, err);
    }
    if (rv == 0) {
        rv = copy_text(ret->disk_writer, sizeof(ret->disk_writer),
                       status->disk_writer, err);
    }
    if (rv == 0) {
        rv = copy_text(ret->frozen_reason, sizeof(ret->frozen_reason),
                       status->frozen_reason, err);
    }
    if (rv == 0) {
        rv = copy_text(ret->integrity, sizeof(ret->integrity),
                       status->integrity, err);
    }
    if (rv == 0) {
        rv = copy_text(ret->frozen_by, sizeof(ret->frozen_by),
                       status->frozen_by, err);
    }
    return rv;
}

static int export_member(struct ql_member *ret,
                         const struct status_member *member, struct err *err)
{
    int rv = copy_text(ret->peer_address, sizeof(ret->peer_address),
                       member->peer_address, err);

    if (rv == 0) {
        rv = copy_text(ret->client_address, sizeof(ret->client_address),
                       member->client_address, err);
    }
    ret->id = member->id;
    ret->voter = member->voter;
    ret->reachable = member->reachable;
    ret->known = member->known;
    ret->match_index = member->match_index;
    ret->space_known = member->space_known;
    ret->space_low = member->space_low;
    ret->free_bytes = member->free_bytes;
    ret->total_bytes = member->total_bytes;
    ret->digest_index = member->digest_index;
    ret->digest_same = member->digest_same;
    return rv;
}

static int copy_text(char *ret_text, size_t room, struct bytes text,
                     struct err *err)
{
    if (text.len >= room) {
        return err_set(err, QL_PROTOCOL, "a text of %zu bytes, more than %zu",
                       text.len, room - 1);
    }
    if (text.len > 0) {
        memcpy(ret_text, text.data, text.len);
    }
    ret_text[text.len] = '\0';
    return 0;
}

static struct bytes bytes_of(const char *text)
{
    return (struct bytes){(const uint8_t *)text,
                          text == NULL ? 0 : strlen(text)};
}
