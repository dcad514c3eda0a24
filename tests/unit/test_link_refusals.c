/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* Nodes and strangers that a link must not let pass. */
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "support/cmocka.h"
#include "support/dice.h"
#include "support/link_rig.h"
#include "util/file.h"

/* Node 2 is wrong in some way; both it and node 1 say so, and none passes. */
static void expect_refused(struct link_rig *rig)
{
    link_rig_start(rig, 1);
    link_rig_start(rig, 2);
    link_rig_wait_count(rig, 1, LINK_COUNT(refused_us), 2);
    link_rig_wait_count(rig, 2, LINK_COUNT(refused), 2);
    link_rig_wait_count(rig, 1, LINK_COUNT(refused), 1);
    assert_false(link_connected(link_rig_node(rig, 1)->link, 2));
    assert_false(link_connected(link_rig_node(rig, 2)->link, 1));
    assert_int_equal(link_rig_counts(rig, 1).connections, 0);
    assert_int_equal(link_rig_counts(rig, 1).bad_frames, 0);
    link_rig_stop(rig, 1);
    link_rig_stop(rig, 2);
}

static void node_of_another_cluster_is_refused(void **state)
{
    struct link_rig *rig = *state;

    link_rig_node(rig, 2)->identity.cluster[0] = '9';
    expect_refused(rig);
}

static void node_with_another_secret_is_refused(void **state)
{
    struct link_rig *rig = *state;

    link_rig_node(rig, 2)->identity.secret[0] ^= 1;
    expect_refused(rig);
}

static void node_with_another_member_list_is_refused(void **state)
{
    struct link_rig *rig = *state;

    strcpy(link_rig_node(rig, 2)->identity.members[2].client_address, "x:1");
    expect_refused(rig);
}

static void node_under_a_wrong_address_is_refused(void **state)
{
    struct link_rig *rig = *state;
    struct link_rig_node *node = link_rig_node(rig, 2);

    node->identity.node = 3;
    node->listen = node->identity.members[1].peer_address;
    link_rig_start(rig, 1);
    link_rig_start(rig, 2);
    link_rig_wait_count(rig, 1, LINK_COUNT(refused_us), 1);
    assert_false(link_connected(link_rig_node(rig, 1)->link, 2));
    /* The other way it is who it says. */
    link_rig_meet(rig, 2, 1);
}

static void wiped_node_is_refused_by_both_sides(void **state)
{
    struct link_rig *rig = *state;
    struct link_rig_node *node = link_rig_node(rig, 2);
    char instance[ID_TEXT_LEN + 1];

    link_rig_start(rig, 1);
    link_rig_start(rig, 2);
    link_rig_meet(rig, 1, 2);
    link_rig_meet(rig, 2, 1);
    link_rig_stop(rig, 2);

    strcpy(instance, node->identity.instance);
    node->identity.instance[0] = 'f';
    link_rig_start(rig, 2);
    link_rig_wait_count(rig, 1, LINK_COUNT(refused), 2);
    link_rig_wait_count(rig, 2, LINK_COUNT(refused_us), 2);
    assert_false(link_connected(link_rig_node(rig, 1)->link, 2));
    link_rig_stop(rig, 2);

    /* And it is remembered over a restart of who refuses. */
    link_rig_stop(rig, 1);
    link_rig_start(rig, 1);
    link_rig_start(rig, 2);
    link_rig_wait_count(rig, 1, LINK_COUNT(refused), 1);
    link_rig_stop(rig, 2);
    strcpy(node->identity.instance, instance);
    link_rig_start(rig, 2);
    link_rig_meet(rig, 1, 2);
}

static size_t lines_of(int fd)
{
    char text[4096];
    ssize_t len = pread(fd, text, sizeof text, 0);
    size_t lines = 0;

    assert_in_range(len, 1, sizeof text - 1);
    for (ssize_t i = 0; i < len; i++) {
        lines += text[i] == '\n';
    }
    return lines;
}

/* One line of each node that refuses, one of each that is refused. */
static void refusal_is_said_once_and_counted_each_time(void **state)
{
    struct link_rig *rig = *state;
    char path[PATH_LEN_MAX];
    int kept = dup(STDERR_FILENO);
    int fd;

    assert_int_equal(
        path_join(path, sizeof path, rig->dir->path, "stderr", NULL), 0);
    fd = open(path, O_CREAT | O_RDWR | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    assert_true(dup2(fd, STDERR_FILENO) >= 0);
    link_rig_node(rig, 2)->identity.cluster[0] = '9';
    link_rig_start(rig, 1);
    link_rig_start(rig, 2);
    link_rig_wait_count(rig, 1, LINK_COUNT(refused), 4);
    link_rig_wait_count(rig, 1, LINK_COUNT(refused_us), 4);
    assert_true(dup2(kept, STDERR_FILENO) >= 0);
    assert_int_equal(lines_of(fd), 4);
    (void)close(fd);
    (void)close(kept);
}

/* ---- Strangers ---- */

static void garbage_is_refused_and_does_no_harm(void **state)
{
    static const char http[] = "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n";
    struct link_rig *rig = *state;
    struct dice dice = {.state = 1};
    uint8_t bytes[300];

    link_rig_start(rig, 1);
    for (int i = 0; i < 50; i++) {
        size_t len = 12 + dice_roll(&dice, sizeof bytes - 12);
        int fd = link_rig_call(rig, 1);

        for (size_t j = 0; j < sizeof bytes; j++) {
            bytes[j] = (uint8_t)dice_u64(&dice);
        }
        if (i == 0) {
            link_rig_tell(rig, fd, http, sizeof http - 1);
        } else if (i % 5 == 0) {
            /* A right frame around it. */
            link_rig_tell_frame(rig, fd, LINK_HELLO, bytes, len % 256);
        } else {
            link_rig_tell(rig, fd, bytes, len);
        }
        link_rig_expect_end(rig, fd);
    }
    assert_int_equal(link_rig_counts(rig, 1).refused, 50);
    link_rig_start(rig, 2);
    link_rig_meet(rig, 2, 1);
}

static void claim_of_4_gib_is_refused_from_strangers_and_peers(void **state)
{
    struct link_rig *rig = *state;
    uint8_t claim[12] = {0xFF, 0xFF, 0xFF, 0xFF, LINK_HELLO};
    int fd;

    link_rig_start(rig, 1);
    fd = link_rig_call(rig, 1);
    link_rig_tell(rig, fd, claim, sizeof claim);
    link_rig_expect_end(rig, fd);
    assert_int_equal(link_rig_counts(rig, 1).refused, 1);

    claim[4] = LINK_RAFT;
    fd = link_rig_call_as(rig, &link_rig_node(rig, 2)->identity, 1);
    link_rig_tell(rig, fd, claim, sizeof claim);
    link_rig_expect_end(rig, fd);
    assert_int_equal(link_rig_counts(rig, 1).bad_frames, 1);
}

static void frame_with_a_wrong_checksum_is_not_delivered(void **state)
{
    struct link_rig *rig = *state;
    uint8_t frame[13] = {1, 0, 0, 0, LINK_RAFT};
    int fd;

    link_rig_start(rig, 1);
    fd = link_rig_call_as(rig, &link_rig_node(rig, 2)->identity, 1);
    link_rig_tell_frame(rig, fd, LINK_RAFT, "x", 1);
    link_rig_tell(rig, fd, frame, sizeof frame);
    link_rig_expect_end(rig, fd);
    assert_int_equal(link_rig_node(rig, 1)->frames, 1);
    assert_int_equal(link_rig_counts(rig, 1).bad_frames, 1);
}

static void other_version_is_told_so(void **state)
{
    static const uint8_t nonce[LINK_NONCE_LEN] = {0};
    struct link_rig *rig = *state;
    struct link_hello hello;
    struct link_hello_reply message;
    uint8_t verdict[LINK_VERDICT_LEN];
    int fd;

    link_rig_start(rig, 1);
    link_hello_open(&hello, &link_rig_node(rig, 2)->identity, 1, nonce);
    link_hello_call(&hello, &message);
    put_u16(message.bytes + 10, 100);
    put_u16(message.bytes + 12, 200);
    fd = link_rig_call(rig, 1);
    link_rig_tell_frame(rig, fd, LINK_HELLO, message.bytes, message.len);
    assert_int_equal(link_rig_hear(rig, fd, verdict, sizeof verdict),
                     LINK_VERDICT_LEN);
    assert_int_equal(link_hello_take(&hello, verdict, sizeof verdict, &message),
                     LINK_HELLO_TOLD);
    assert_int_equal(hello.refusal, LINK_VERSION);
    link_rig_expect_end(rig, fd);
    assert_int_equal(link_rig_counts(rig, 1).refused, 1);
}

static void half_open_hello_is_closed_in_time(void **state)
{
    static const uint8_t nonce[LINK_NONCE_LEN] = {0};
    struct link_rig *rig = *state;
    struct link_hello hello;
    struct link_hello_reply call;
    uint8_t answer[LINK_ANSWER_LEN];
    int silent;
    int fd;

    link_rig_node(rig, 1)->hello_ms = 50;
    link_rig_start(rig, 1);
    silent = link_rig_call(rig, 1);
    fd = link_rig_call(rig, 1);
    link_hello_open(&hello, &link_rig_node(rig, 2)->identity, 1, nonce);
    link_hello_call(&hello, &call);
    link_rig_tell_frame(rig, fd, LINK_HELLO, call.bytes, call.len);
    assert_int_equal(link_rig_hear(rig, fd, answer, sizeof answer),
                     LINK_ANSWER_LEN);
    link_rig_expect_end(rig, fd);
    link_rig_expect_end(rig, silent);
    assert_int_equal(link_rig_counts(rig, 1).unfinished, 2);
}

static void strangers_are_few_and_keep_no_member_out(void **state)
{
    struct link_rig *rig = *state;
    int fds[3 * LINK_STRANGERS_MAX];
    size_t count = sizeof fds / sizeof fds[0];

    link_rig_start(rig, 1);
    for (size_t i = 0; i < count; i++) {
        fds[i] = link_rig_call(rig, 1);
        link_rig_tell(rig, fds[i], "\1", 1);
    }
    assert_int_equal(link_rig_counts(rig, 1).unfinished,
                     count - LINK_STRANGERS_MAX);
    link_rig_start(rig, 2);
    link_rig_meet(rig, 2, 1);
    for (size_t i = 0; i < count; i++) {
        (void)close(fds[i]);
    }
    link_rig_wait_count(rig, 1, LINK_COUNT(unfinished), count);
}

static void newer_connection_of_a_node_replaces_the_older(void **state)
{
    struct link_rig *rig = *state;
    const struct identity *identity = &link_rig_node(rig, 2)->identity;
    int first;
    int second;

    link_rig_start(rig, 1);
    first = link_rig_call_as(rig, identity, 1);
    second = link_rig_call_as(rig, identity, 1);
    link_rig_expect_end(rig, first);
    link_rig_tell_frame(rig, second, LINK_RAFT, "x", 1);
    link_rig_wait_frames(rig, 1, 1);
    (void)close(second);
}

#define IN_RIG(test)                                                           \
    cmocka_unit_test_setup_teardown(test, link_rig_setup, link_rig_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_RIG(node_of_another_cluster_is_refused),
        IN_RIG(node_with_another_secret_is_refused),
        IN_RIG(node_with_another_member_list_is_refused),
        IN_RIG(node_under_a_wrong_address_is_refused),
        IN_RIG(wiped_node_is_refused_by_both_sides),
        IN_RIG(refusal_is_said_once_and_counted_each_time),
        IN_RIG(garbage_is_refused_and_does_no_harm),
        IN_RIG(claim_of_4_gib_is_refused_from_strangers_and_peers),
        IN_RIG(frame_with_a_wrong_checksum_is_not_delivered),
        IN_RIG(other_version_is_told_so),
        IN_RIG(half_open_hello_is_closed_in_time),
        IN_RIG(strangers_are_few_and_keep_no_member_out),
        IN_RIG(newer_connection_of_a_node_replaces_the_older),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
