/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "wire/args_cluster.h"

#include <string.h>

#include "quorlog.h"
#include "support/cmocka.h"
#include "support/notation.h"
#include "support/wire_check.h"

static int decode_hello(struct bytes encoded, struct err *err)
{
    struct hello_args args;

    return hello_args_decode(&args, encoded, err);
}

static int decode_hello_result(struct bytes encoded, struct err *err)
{
    struct hello_result result;

    return hello_result_decode(&result, encoded, err);
}

static int decode_status(struct bytes encoded, struct err *err)
{
    struct status_result result;

    return status_result_decode(&result, encoded, err);
}

static int decode_transfer(struct bytes encoded, struct err *err)
{
    struct transfer_args args;

    return transfer_args_decode(&args, encoded, err);
}

static void hello_comes_back_as_it_went(void **state)
{
    const struct hello_args args = {bytes_of("feeder"), PROTOCOL_VERSION};
    const struct hello_result result = {
        .cluster = bytes_of("c"),
        .version = bytes_of("0.1.0"),
        .protocol = 1,
        .node = 2,
        .role = QL_ROLE_CANDIDATE,
        .leader = 3,
        .leader_address = bytes_of("h:7420"),
        .request_bytes_max = REQUEST_BYTES_MAX,
        .calls_max = SESSION_CALLS_MAX,
    };
    struct hello_args got;
    struct hello_result got_result;
    struct buf buf = BUF_INIT;

    (void)state;
    assert_int_equal(hello_args_encode(&args, &buf), 0);
    assert_int_equal(hello_args_decode(&got, view_of(&buf), NULL), 0);
    assert_bytes(got.name, "feeder");
    assert_int_equal(got.protocol, PROTOCOL_VERSION);
    buf_close(&buf);

    assert_int_equal(hello_result_encode(&result, &buf), 0);
    assert_int_equal(hello_result_decode(&got_result, view_of(&buf), NULL), 0);
    assert_bytes(got_result.cluster, "c");
    assert_bytes(got_result.version, "0.1.0");
    assert_int_equal(got_result.protocol, 1);
    assert_int_equal(got_result.node, 2);
    assert_int_equal(got_result.role, QL_ROLE_CANDIDATE);
    assert_int_equal(got_result.leader, 3);
    assert_bytes(got_result.leader_address, "h:7420");
    assert_int_equal(got_result.request_bytes_max, REQUEST_BYTES_MAX);
    assert_int_equal(got_result.calls_max, SESSION_CALLS_MAX);
    buf_close(&buf);
}

#define HELLO_TAIL                                                             \
    "'cluster': 'c', 'version': '1', 'protocol': 1, 'node': 1, 'leader': 0, "  \
    "'leader_address': '', 'request_bytes_max': 1, 'calls_max': 1}"

static void hello_refuses_what_is_wrong(void **state)
{
    static const struct refusal rows[] = {
        {"{'protocol': 1}", 0, NULL},
        {"{'protocol': 1, 'name': ''}", 0, NULL},
        {"{}", QL_INVALID, "server.hello: 'protocol' is missing"},
        {"{'protocol': 0}", QL_INVALID,
         "server.hello: 'protocol' must be at least 1"},
        {"{'protocol': 2}", QL_INVALID,
         "server.hello: 'protocol' must be at most 1"},
        {"{'protocol': 4294967297}", QL_INVALID, NULL},
        {"{'protocol': 1, 'name': '\x1b[2J'}", QL_INVALID,
         "server.hello: 'name' must be UTF-8 without control characters"},
        {"{'protocol': 1, 'name': 1}", QL_INVALID, NULL},
    };
    static const struct refusal result_rows[] = {
        {"{'role': 'leader', " HELLO_TAIL, 0, NULL},
        {"{'role': 'follower', " HELLO_TAIL, 0, NULL},
        {"{'role': 'king', " HELLO_TAIL, QL_INVALID,
         "hello answer: 'role' must be follower, candidate or leader"},
        {"{'role': 2, " HELLO_TAIL, QL_INVALID,
         "hello answer: 'role' must be a string"},
        {"{" HELLO_TAIL, QL_INVALID, "hello answer: 'role' is missing"},
    };

    (void)state;
    refusals_check(decode_hello, rows, COUNT_OF(rows));
    refusals_check(decode_hello_result, result_rows, COUNT_OF(result_rows));
    cuts_check(decode_hello, "{'protocol': 1, 'name': 'n'}");
    cuts_check(decode_hello_result, "{'role': 'leader', " HELLO_TAIL);
}

static struct status_result sample_status(void)
{
    struct status_result status = {
        .cluster_id = bytes_of("00000000-0000-4000-8000-000000000000"),
        .version = bytes_of("0.1.0"),
        .node_id = 1,
        .role = QL_ROLE_LEADER,
        .leader_id = 2,
        .term = 3,
        .last_index = 4,
        .commit_index = 5,
        .applied_index = 6,
        .snapshot_index = 7,
        .state_index = 8,
        .logs = 9,
        .entries = 10,
        .bytes = 11,
        .sessions = 12,
        .uptime_ms = 13,
        .quorum_size = 14,
        .quorum_size_ok = true,
        .age_suspended = true,
        .no_space = true,
        .disk_writer = bytes_of("thread, direct"),
        .peers_refused = 15,
        .peers_refusing = 16,
        .peers_unfinished = 17,
        .peers_bad_frames = 18,
        .peers_lost_frames = 19,
        .integrity = bytes_of("agreed"),
        .agreed_index = 21,
        .mend_attempts = 22,
        .frozen = true,
        .frozen_at_ms = 20,
        .frozen_reason = bytes_of("a test"),
        .frozen_by = bytes_of("me"),
        .store = {.packs = 21, .scrubbed_at_ms = 22, .full = true},
        .snapshots = {.taken = 23, .wall_us_max = 24},
        .install = {.index = 25, .fetch_ms = UINT64_MAX},
        .backups = {1, 2, 3, 4, bytes_of("disk full")},
        .members_count = MEMBERS_MAX,
    };
    size_t i;

    for (i = 0; i < MEMBERS_MAX; i++) {
        status.members[i] = (struct status_member){
            .id = i + 1,
            .peer_address = bytes_of("p:7421"),
            .client_address = bytes_of("c:7420"),
            .voter = true,
            .known = i == 0,
            .reachable = i == 1,
            .match_index = UINT64_MAX - i,
            .space_known = i == 2,
            .space_low = i == 3,
            .free_bytes = 100 + i,
            .total_bytes = 200 + i,
            .digest_index = 300 + i,
            .digest_same = i == 4,
        };
    }
    return status;
}

static void status_comes_back_as_it_went(void **state)
{
    const struct status_result status = sample_status();
    struct status_result got;
    struct buf buf = BUF_INIT;
    size_t i;

    (void)state;
    assert_int_equal(status_result_encode(&status, &buf), 0);
    assert_int_equal(status_result_decode(&got, view_of(&buf), NULL), 0);
    assert_bytes(got.cluster_id, "00000000-0000-4000-8000-000000000000");
    assert_bytes(got.version, "0.1.0");
    assert_int_equal(got.role, QL_ROLE_LEADER);
    /* From leader_id to quorum_size the sample counts up. */
    assert_int_equal(got.node_id, 1);
    assert_int_equal(got.leader_id, 2);
    assert_int_equal(got.term, 3);
    assert_int_equal(got.last_index, 4);
    assert_int_equal(got.commit_index, 5);
    assert_int_equal(got.applied_index, 6);
    assert_int_equal(got.snapshot_index, 7);
    assert_int_equal(got.state_index, 8);
    assert_int_equal(got.logs, 9);
    assert_int_equal(got.entries, 10);
    assert_int_equal(got.bytes, 11);
    assert_int_equal(got.sessions, 12);
    assert_int_equal(got.uptime_ms, 13);
    assert_int_equal(got.quorum_size, 14);
    assert_true(got.quorum_size_ok);
    assert_true(got.age_suspended);
    assert_true(got.no_space);
    assert_bytes(got.disk_writer, "thread, direct");
    assert_int_equal(got.peers_refused, 15);
    assert_int_equal(got.peers_refusing, 16);
    assert_int_equal(got.peers_unfinished, 17);
    assert_int_equal(got.peers_bad_frames, 18);
    assert_int_equal(got.peers_lost_frames, 19);
    assert_bytes(got.integrity, "agreed");
    assert_int_equal(got.agreed_index, 21);
    assert_int_equal(got.mend_attempts, 22);
    assert_true(got.frozen);
    assert_int_equal(got.frozen_at_ms, 20);
    assert_bytes(got.frozen_reason, "a test");
    assert_bytes(got.frozen_by, "me");
    assert_int_equal(got.members_count, MEMBERS_MAX);
    for (i = 0; i < MEMBERS_MAX; i++) {
        assert_int_equal(got.members[i].id, i + 1);
        assert_bytes(got.members[i].peer_address, "p:7421");
        assert_bytes(got.members[i].client_address, "c:7420");
        assert_true(got.members[i].voter);
        assert_int_equal(got.members[i].known, i == 0);
        assert_int_equal(got.members[i].reachable, i == 1);
        assert_int_equal(got.members[i].match_index, UINT64_MAX - i);
        assert_int_equal(got.members[i].space_known, i == 2);
        assert_int_equal(got.members[i].space_low, i == 3);
        assert_int_equal(got.members[i].free_bytes, 100 + i);
        assert_int_equal(got.members[i].total_bytes, 200 + i);
        assert_int_equal(got.members[i].digest_index, 300 + i);
        assert_int_equal(got.members[i].digest_same, i == 4);
    }
    buf_close(&buf);
}

static void status_tells_of_files_snapshots_and_installs(void **state)
{
    const struct status_result status = sample_status();
    struct status_result got;
    struct buf buf = BUF_INIT;

    (void)state;
    assert_int_equal(status_result_encode(&status, &buf), 0);
    assert_int_equal(status_result_decode(&got, view_of(&buf), NULL), 0);
    assert_int_equal(got.store.packs, 21);
    assert_int_equal(got.store.scrubbed_at_ms, 22);
    assert_true(got.store.full);
    assert_int_equal(got.snapshots.taken, 23);
    assert_int_equal(got.snapshots.wall_us_max, 24);
    assert_int_equal(got.install.index, 25);
    assert_int_equal(got.install.chunks, 0);
    assert_int_equal(got.install.fetch_ms, UINT64_MAX);
    assert_int_equal(got.backups.last_success_ms, 1);
    assert_int_equal(got.backups.last_verified_ms, 2);
    assert_int_equal(got.backups.failures, 3);
    assert_int_equal(got.backups.saved, 4);
    assert_bytes(got.backups.problem, "disk full");
    buf_close(&buf);
}

#define STATUS_HEAD                                                            \
    "{'cluster_id': 'c', 'version': '1', 'node_id': 1, 'role': 'leader', "     \
    "'leader_id': 1, 'term': 1, 'last_index': 1, 'commit_index': 1, "          \
    "'applied_index': 1, 'snapshot_index': 0, 'state_index': 0, 'logs': 0, "   \
    "'entries': 0, 'bytes': 0, 'sessions': 0, 'uptime_ms': 0, "                \
    "'quorum_size': 1, 'quorum_size_ok': true, 'age_suspended': false, "       \
    "'no_space': false, "
#define MEMBER                                                                 \
    "{'id': 1, 'peer_address': 'p', 'client_address': 'c', 'voter': true, "    \
    "'known': true, 'reachable': true, 'match_index': 1, "                     \
    "'space_known': true, 'space_low': false, 'free_bytes': 1, "               \
    "'total_bytes': 2}"
#define MEMBERS_3 MEMBER ", " MEMBER ", " MEMBER

static void status_refuses_what_would_not_fit_a_client(void **state)
{
    static const struct refusal rows[] = {
        {STATUS_HEAD "'members': []}", 0, NULL},
        {STATUS_HEAD "'members': [" MEMBERS_3 ", " MEMBERS_3 ", " MEMBERS_3
                     "]}",
         0, NULL},
        {STATUS_HEAD "'members': [" MEMBERS_3 ", " MEMBERS_3 ", " MEMBERS_3
                     ", " MEMBER "]}",
         QL_INVALID, "cluster status: 'members' has 10 items, more than 9"},
        {STATUS_HEAD "'members': [1]}", QL_INVALID,
         "cluster member: must be a map"},
        {STATUS_HEAD "'members': [{'id': 1}]}", QL_INVALID,
         "cluster member: 'peer_address' is missing"},
        {STATUS_HEAD "'x': 1}", QL_INVALID,
         "cluster status: 'members' is missing"},
        {"{}", QL_INVALID, "cluster status: 'cluster_id' is missing"},
        {"{'cluster_id': '0123456789012345678901234567890123456'}", QL_INVALID,
         "cluster status: 'cluster_id' must be at most 36 bytes long"},
        {"{'cluster_id': '', 'version': '01234567890123456789012345678901'}",
         QL_INVALID, "cluster status: 'version' must be at most 31 bytes long"},
    };

    (void)state;
    refusals_check(decode_status, rows, COUNT_OF(rows));
    cuts_check(decode_status, STATUS_HEAD "'members': [" MEMBER "]}");
}

static void transfer_names_a_node_or_none(void **state)
{
    static const struct refusal rows[] = {
        {"{}", 0, NULL},
        {"{'to': 0}", 0, NULL},
        {"{'to': 3}", 0, NULL},
        {"{'to': 'n3'}", QL_INVALID,
         "cluster.transfer: 'to' must be an integer"},
    };
    const struct transfer_args args = {3};
    const struct transfer_args none = {0};
    struct transfer_args got;
    struct buf buf = BUF_INIT;

    (void)state;
    refusals_check(decode_transfer, rows, COUNT_OF(rows));
    assert_int_equal(transfer_args_encode(&args, &buf), 0);
    assert_int_equal(transfer_args_decode(&got, view_of(&buf), NULL), 0);
    assert_int_equal(got.to, 3);
    buf_close(&buf);
    assert_int_equal(transfer_args_encode(&none, &buf), 0);
    assert_bytes(view_of(&buf), "\x80");
    buf_close(&buf);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hello_comes_back_as_it_went),
        cmocka_unit_test(hello_refuses_what_is_wrong),
        cmocka_unit_test(status_comes_back_as_it_went),
        cmocka_unit_test(status_tells_of_files_snapshots_and_installs),
        cmocka_unit_test(status_refuses_what_would_not_fit_a_client),
        cmocka_unit_test(transfer_names_a_node_or_none),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
