/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "consensus/peer_gate.h"

#include <arpa/inet.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <uv.h>

#include "consensus/peer_pins.h"
#include "consensus/peer_token.h"
#include "support/cmocka.h"
#include "support/tmpdir.h"
#include "util/file.h"

#define INSTANCE_1 "11111111-2222-4333-8444-555555555555"
#define INSTANCE_2 "22222222-2222-4333-8444-555555555555"

/* Two nodes of one cluster. */
static void fill(struct identity *identity, uint64_t node)
{
    *identity =
        (struct identity){.cluster = "0d9b1c1e-8f0e-4c57-9a3d-5d2f5a6b7c8d",
                          .instance = INSTANCE_1,
                          .node = node};
    memset(identity->secret, 0xA5, SECRET_LEN);
    if (node == 2) {
        strcpy(identity->instance, INSTANCE_2);
    }
    assert_int_equal(members_parse("1=127.0.0.1:7421/127.0.0.1:7420,"
                                   "2=127.0.0.1:7431/127.0.0.1:7430",
                                   identity->members, &identity->members_count,
                                   NULL),
                     0);
}

/* What node 1 says when @shown connects and calls itself node @id. */
static enum peer_refusal check(const struct identity *shown, uint64_t id)
{
    char token[PEER_TOKEN_MAX];
    char instance[ID_TEXT_LEN + 1];
    struct identity door;

    fill(&door, 1);
    peer_token_make(shown, token);
    return peer_token_check(&door, id, token, sizeof token, instance);
}

static void member_of_the_cluster_is_accepted(void **state)
{
    char token[PEER_TOKEN_MAX];
    char instance[ID_TEXT_LEN + 1];
    struct identity door;
    struct identity peer;

    (void)state;
    fill(&door, 1);
    fill(&peer, 2);
    peer_token_make(&peer, token);
    assert_int_equal(peer_token_check(&door, 2, token, sizeof token, instance),
                     PEER_ACCEPTED);
    assert_string_equal(instance, INSTANCE_2);
}

static void token_of_one_member_does_not_serve_another(void **state)
{
    struct identity peer;

    (void)state;
    fill(&peer, 2);
    assert_int_equal(check(&peer, 1), PEER_UNKNOWN);
    assert_int_equal(check(&peer, 3), PEER_UNKNOWN);
    /* Signed for node 1, shown as node 2. */
    fill(&peer, 1);
    assert_int_equal(check(&peer, 2), PEER_SECRET);
}

static void other_cluster_is_named_as_such(void **state)
{
    struct identity peer;

    (void)state;
    fill(&peer, 2);
    peer.cluster[0] = '9';
    memset(peer.secret, 1, SECRET_LEN);
    assert_int_equal(check(&peer, 2), PEER_CLUSTER);
}

static void wrong_secret_is_refused(void **state)
{
    struct identity peer;

    (void)state;
    fill(&peer, 2);
    peer.secret[31] ^= 1;
    assert_int_equal(check(&peer, 2), PEER_SECRET);
}

static void other_member_list_is_refused(void **state)
{
    struct identity peer;

    (void)state;
    fill(&peer, 2);
    strcpy(peer.members[0].client_address, "127.0.0.1:9");
    assert_int_equal(check(&peer, 2), PEER_MEMBERS);
}

static void every_changed_byte_of_a_token_is_refused(void **state)
{
    char token[PEER_TOKEN_MAX];
    char instance[ID_TEXT_LEN + 1];
    struct identity door;
    struct identity peer;

    (void)state;
    fill(&door, 1);
    fill(&peer, 2);
    peer_token_make(&peer, token);
    for (size_t i = 0; token[i] != '\0'; i++) {
        token[i] ^= 1;
        assert_int_not_equal(
            peer_token_check(&door, 2, token, sizeof token, instance),
            PEER_ACCEPTED);
        token[i] ^= 1;
    }
}

/* Each length stands in a block of exactly its size, so that a sanitizer sees
 * the first byte read too far. */
static void cut_token_is_read_no_further_than_it_goes(void **state)
{
    char token[PEER_TOKEN_MAX];
    char instance[ID_TEXT_LEN + 1];
    struct identity door;
    struct identity peer;

    (void)state;
    fill(&door, 1);
    fill(&peer, 2);
    peer_token_make(&peer, token);
    for (size_t len = 1; len <= strlen(token); len++) {
        char *block = malloc(len);

        assert_non_null(block);
        memcpy(block, token, len);
        assert_int_equal(peer_token_check(&door, 2, block, len, instance),
                         PEER_MALFORMED);
        free(block);
    }
}

static void garbage_is_malformed_and_other_versions_are_named(void **state)
{
    char instance[ID_TEXT_LEN + 1];
    char longest[2 * PEER_TOKEN_MAX];
    struct identity door;

    (void)state;
    fill(&door, 1);
    assert_int_equal(peer_token_check(&door, 2, "", 1, instance),
                     PEER_MALFORMED);
    assert_int_equal(peer_token_check(&door, 2, "127.0.0.1:7431", 15, instance),
                     PEER_MALFORMED);
    assert_int_equal(peer_token_check(&door, 2, "|||||", 6, instance),
                     PEER_VERSION);
    assert_int_equal(peer_token_check(&door, 2, "||||||", 7, instance),
                     PEER_MALFORMED);
    assert_int_equal(peer_token_check(&door, 2, "a|2|c|m|i|p", 12, instance),
                     PEER_VERSION);
    memset(longest, '|', sizeof longest);
    longest[sizeof longest - 1] = '\0';
    assert_int_equal(
        peer_token_check(&door, 2, longest, sizeof longest, instance),
        PEER_MALFORMED);
}

static void pinned_instance_is_there_after_a_restart(void **state)
{
    const struct tmpdir *dir = *state;
    struct identity door;
    struct peer_pins pins;
    struct err err;

    fill(&door, 1);
    assert_int_equal(peer_pins_load(&pins, &door, dir->path, &err), 0);
    assert_string_equal(peer_pins_get(&pins, 2), "");
    assert_int_equal(peer_pins_set(&pins, 2, INSTANCE_2, &err), 0);
    assert_int_equal(peer_pins_load(&pins, &door, dir->path, &err), 0);
    assert_string_equal(peer_pins_get(&pins, 2), INSTANCE_2);
    assert_string_equal(peer_pins_get(&pins, 1), "");
}

static void damaged_file_of_pins_is_not_trusted(void **state)
{
    const struct tmpdir *dir = *state;
    char path[PATH_LEN_MAX];
    struct identity door;
    struct peer_pins pins;
    struct buf text = BUF_INIT;
    struct err err;

    fill(&door, 1);
    assert_int_equal(peer_pins_load(&pins, &door, dir->path, &err), 0);
    assert_int_equal(peer_pins_set(&pins, 2, INSTANCE_2, &err), 0);
    assert_int_equal(path_join(path, sizeof path, dir->path, "peers", &err), 0);
    assert_int_equal(file_read(path, 4096, &text, &err), 0);
    for (size_t i = 0; i < text.len; i++) {
        text.data[i] ^= 4;
        assert_int_equal(file_replace(path, text.data, text.len, 0600, &err),
                         0);
        assert_int_equal(peer_pins_load(&pins, &door, dir->path, &err),
                         QL_CORRUPT);
        text.data[i] ^= 4;
    }
    buf_close(&text);
}

/* ---- Two gates that meet ---- */

struct meeting {
    uv_loop_t loop;
    struct identity identity[2];
    struct peer_gate *gates[2];
    struct raft_uv_connect connect;
    struct uv_stream_s *streams[4]; /* both ends of what was made */
    size_t streams_count;
    size_t accepted;
    size_t connected;
    size_t closed;
    char address[ADDRESS_MAX]; /* as the last accepted one was said to have */
};

static void keep(struct meeting *meeting, struct uv_stream_s *stream)
{
    assert_true(meeting->streams_count < 4);
    meeting->streams[meeting->streams_count++] = stream;
}

static void on_accept(struct raft_uv_transport *transport, raft_id id,
                      const char *address, struct uv_stream_s *stream)
{
    struct meeting *meeting = transport->data;

    assert_int_equal(id, 2);
    strcpy(meeting->address, address);
    meeting->accepted++;
    keep(meeting, stream);
}

static void on_connect(struct raft_uv_connect *request,
                       struct uv_stream_s *stream, int status)
{
    struct meeting *meeting = request->data;

    assert_int_equal(status, 0);
    meeting->connected++;
    keep(meeting, stream);
}

static void on_transport_closed(struct raft_uv_transport *transport)
{
    struct meeting *meeting = transport->data;

    meeting->closed++;
}

static void free_stream(uv_handle_t *handle)
{
    raft_free(handle);
}

/* A port that was free a moment ago. */
static void find_address(char ret_address[ADDRESS_MAX])
{
    struct sockaddr_in address = {.sin_family = AF_INET};
    socklen_t len = sizeof address;
    struct address found = {.host = "127.0.0.1"};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    assert_true(fd >= 0);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof address), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &len), 0);
    found.port = ntohs(address.sin_port);
    address_format(&found, ret_address);
    (void)close(fd);
}

/* Node 1 listens, node 2, of instance @instance, connects; both close. */
static void meet(struct meeting *meeting, const char *dir, const char *instance)
{
    struct err err;

    (void)signal(SIGPIPE, SIG_IGN);
    *meeting = (struct meeting){0};
    assert_int_equal(uv_loop_init(&meeting->loop), 0);
    fill(&meeting->identity[0], 1);
    find_address(meeting->identity[0].members[0].peer_address);
    find_address(meeting->identity[0].members[1].peer_address);
    meeting->identity[1] = meeting->identity[0];
    meeting->identity[1].node = 2;
    strcpy(meeting->identity[1].instance, instance);
    for (size_t i = 0; i < 2; i++) {
        struct raft_uv_transport *transport;

        assert_int_equal(peer_gate_new(&meeting->gates[i], &meeting->loop,
                                       &meeting->identity[i], dir, NULL, &err),
                         0);
        transport = peer_gate_transport(meeting->gates[i]);
        transport->data = meeting;
        assert_int_equal(transport->init(transport, i + 1, "unused"), 0);
        if (i == 0) {
            assert_int_equal(transport->listen(transport, on_accept), 0);
        } else {
            meeting->connect.data = meeting;
            assert_int_equal(transport->connect(transport, &meeting->connect, 1,
                                                "unused", on_connect),
                             0);
        }
    }
    while (meeting->connected == 0 ||
           meeting->accepted +
                   peer_gate_refused(meeting->gates[0], PEER_INSTANCE) ==
               0) {
        (void)uv_run(&meeting->loop, UV_RUN_ONCE);
    }
}

static void part(struct meeting *meeting)
{
    for (size_t i = 0; i < meeting->streams_count; i++) {
        uv_close((uv_handle_t *)meeting->streams[i], free_stream);
    }
    for (size_t i = 0; i < 2; i++) {
        struct raft_uv_transport *transport =
            peer_gate_transport(meeting->gates[i]);

        transport->close(transport, on_transport_closed);
    }
    assert_int_equal(uv_run(&meeting->loop, UV_RUN_DEFAULT), 0);
    assert_int_equal(meeting->closed, 2);
    peer_gate_free(meeting->gates[0]);
    peer_gate_free(meeting->gates[1]);
    assert_int_equal(uv_loop_close(&meeting->loop), 0);
}

static void wiped_node_is_turned_away_at_the_door(void **state)
{
    const struct tmpdir *dir = *state;
    struct meeting meeting;

    meet(&meeting, dir->path, INSTANCE_2);
    assert_int_equal(meeting.accepted, 1);
    assert_string_equal(meeting.address,
                        meeting.identity[0].members[1].peer_address);
    part(&meeting);

    meet(&meeting, dir->path, INSTANCE_1);
    assert_int_equal(meeting.accepted, 0);
    assert_int_equal(peer_gate_refused(meeting.gates[0], PEER_INSTANCE), 1);
    part(&meeting);

    meet(&meeting, dir->path, INSTANCE_2);
    assert_int_equal(meeting.accepted, 1);
    part(&meeting);
}

/* Whatever the core does; it would let followers be strangers to each other. */
static void on_greeted(struct raft_uv_transport *transport, raft_id id,
                       const char *address, struct uv_stream_s *stream)
{
    struct meeting *meeting = transport->data;

    (void)id;
    (void)address;
    meeting->accepted++;
    keep(meeting, stream);
}

static void members_that_are_up_have_seen_each_other(void **state)
{
    const struct tmpdir *dir = *state;
    struct meeting meeting = {0};
    struct err err;

    (void)signal(SIGPIPE, SIG_IGN);
    assert_int_equal(uv_loop_init(&meeting.loop), 0);
    fill(&meeting.identity[0], 1);
    fill(&meeting.identity[1], 2);
    for (size_t i = 0; i < 2; i++) {
        find_address(meeting.identity[0].members[i].peer_address);
        strcpy(meeting.identity[1].members[i].peer_address,
               meeting.identity[0].members[i].peer_address);
    }
    for (size_t i = 0; i < 2; i++) {
        struct raft_uv_transport *transport;

        assert_int_equal(peer_gate_new(&meeting.gates[i], &meeting.loop,
                                       &meeting.identity[i], dir->path, NULL,
                                       &err),
                         0);
        transport = peer_gate_transport(meeting.gates[i]);
        transport->data = &meeting;
        assert_int_equal(transport->init(transport, i + 1, "unused"), 0);
        assert_int_equal(transport->listen(transport, on_greeted), 0);
    }
    while (meeting.accepted < 2) {
        (void)uv_run(&meeting.loop, UV_RUN_ONCE);
    }
    part(&meeting);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(member_of_the_cluster_is_accepted),
        cmocka_unit_test(token_of_one_member_does_not_serve_another),
        cmocka_unit_test(other_cluster_is_named_as_such),
        cmocka_unit_test(wrong_secret_is_refused),
        cmocka_unit_test(other_member_list_is_refused),
        cmocka_unit_test(every_changed_byte_of_a_token_is_refused),
        cmocka_unit_test(cut_token_is_read_no_further_than_it_goes),
        cmocka_unit_test(garbage_is_malformed_and_other_versions_are_named),
        cmocka_unit_test_setup_teardown(
            pinned_instance_is_there_after_a_restart, tmpdir_setup,
            tmpdir_teardown),
        cmocka_unit_test_setup_teardown(damaged_file_of_pins_is_not_trusted,
                                        tmpdir_setup, tmpdir_teardown),
        cmocka_unit_test_setup_teardown(wiped_node_is_turned_away_at_the_door,
                                        tmpdir_setup, tmpdir_teardown),
        cmocka_unit_test_setup_teardown(
            members_that_are_up_have_seen_each_other, tmpdir_setup,
            tmpdir_teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
