/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "consensus/link.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "support/cmocka.h"
#include "support/dice.h"
#include "support/link_rig.h"
#include "util/crc32c.h"
#include "util/mem.h"

static void every_node_reaches_every_other(void **state)
{
    struct link_rig *rig = *state;

    link_rig_start_all(rig);
    for (uint64_t from = 1; from <= LINK_RIG_NODES; from++) {
        for (uint64_t to = 1; to <= LINK_RIG_NODES; to++) {
            struct link_rig_node *node = link_rig_node(rig, to);

            if (from == to) {
                continue;
            }
            link_rig_meet(rig, from, to);
            node->frames = 0;
            assert_int_equal(
                link_rig_send(rig, from, to, LINK_REPORT, "hello", 5), 0);
            link_rig_wait_frames(rig, to, 1);
            assert_int_equal(node->from, from);
            assert_int_equal(node->type, LINK_REPORT);
            assert_int_equal(node->last.len, 5);
            assert_memory_equal(node->last.data, "hello", 5);
        }
    }
    assert_int_equal(link_rig_send(rig, 1, 1, LINK_RAFT, "", 0), QL_NOT_FOUND);
    assert_int_equal(link_rig_send(rig, 1, 4, LINK_RAFT, "", 0), QL_NOT_FOUND);
    assert_int_equal(link_rig_counts(rig, 1).refused, 0);
}

/* ---- Order and bounds ---- */

#define MANY 3000u

struct burst {
    struct link_send sends[MANY];
    uint64_t numbers[MANY];
    struct bytes parts[MANY][2];
    size_t done;
    size_t lost;
    int last_status;
};

static void on_burst(struct link_send *send, int status)
{
    struct burst *burst = send->data;

    burst->done++;
    burst->lost += status != 0;
    burst->last_status = status;
}

static bool is_over(void *data)
{
    const struct burst *burst = data;

    return burst->done == MANY;
}

static void frames_keep_their_order(void **state)
{
    struct link_rig *rig = *state;
    struct burst *burst = mem_must_zalloc(sizeof *burst);
    uint8_t *filler = mem_must_zalloc(64u * KIB);
    struct dice dice = {.state = 7};
    uint32_t crc = 0;

    link_rig_start_all(rig);
    link_rig_meet(rig, 1, 2);
    for (size_t i = 0; i < MANY; i++) {
        struct bytes *parts = burst->parts[i];
        size_t len = dice_roll(&dice, dice_one_in(&dice, 20) ? 64u * KIB : 99);

        burst->numbers[i] = i;
        parts[0] = (struct bytes){(uint8_t *)&burst->numbers[i], 8};
        parts[1] = (struct bytes){filler, len};
        crc = crc32c(crc, parts[0].data, parts[0].len);
        crc = crc32c(crc, parts[1].data, parts[1].len);
        burst->sends[i].data = burst;
        assert_int_equal(link_send(link_rig_node(rig, 1)->link,
                                   &burst->sends[i], 2, LINK_RAFT, parts, 2,
                                   on_burst),
                         0);
        if (i % 50 == 0) {
            (void)uv_run(&rig->loop, UV_RUN_NOWAIT);
        }
    }
    link_rig_run_until(rig, is_over, burst);
    link_rig_wait_frames(rig, 2, MANY);
    assert_int_equal(burst->lost, 0);
    assert_int_equal(link_rig_node(rig, 2)->crc, crc);
    assert_int_equal(link_queued(link_rig_node(rig, 1)->link, 2), 0);
    free(filler);
    free(burst);
}

static void frames_of_a_turn_leave_before_the_loop_waits(void **state)
{
    struct link_rig *rig = *state;
    struct link_send sends[3] = {0};
    struct burst burst = {.done = 0};
    struct bytes part = {(const uint8_t *)"x", 1};
    struct link_counts before;
    struct link_counts after;
    struct link *link;

    link_rig_start_all(rig);
    link_rig_meet(rig, 1, 2);
    link = link_rig_node(rig, 1)->link;
    link_counts(link, &before);
    for (size_t i = 0; i < 3; i++) {
        sends[i].data = &burst;
        assert_int_equal(
            link_send(link, &sends[i], 2, LINK_RAFT, &part, 1, on_burst), 0);
        link_counts(link, &after);
        assert_int_equal(after.frames_out - before.frames_out, i / 2 * 2);
        assert_int_equal(burst.done, i / 2 * 2);
        if (i == 1) {
            link_flush(link);
        }
    }
    (void)uv_run(&rig->loop, UV_RUN_NOWAIT);
    link_counts(link, &after);
    assert_int_equal(after.frames_out - before.frames_out, 3);
    assert_int_equal(burst.done, 3);
    link_rig_wait_frames(rig, 2, 3);
}

static void queue_is_bounded_and_says_so(void **state)
{
    struct link_rig *rig = *state;
    struct link_send sends[6] = {0};
    struct burst burst = {.done = 0};
    uint8_t *bytes = mem_must_zalloc(LINK_FRAME_MAX);
    struct bytes part = {bytes, LINK_FRAME_MAX};
    struct link *link;

    link_rig_start_all(rig);
    link_rig_meet(rig, 1, 2);
    link = link_rig_node(rig, 1)->link;
    for (size_t i = 0; i < 6; i++) {
        sends[i].data = &burst;
        assert_int_equal(
            link_send(link, &sends[i], 2, LINK_RAFT, &part, 1, on_burst), 0);
        /* One more may be on its way to the kernel. */
        assert_true(link_queued(link, 2) <=
                    LINK_QUEUE_MAX + LINK_FRAME_MAX + 12);
    }
    assert_int_equal(burst.done, 0);
    link_rig_wait_frames(rig, 2, 2);
    while (burst.done < 6) {
        (void)uv_run(&rig->loop, UV_RUN_ONCE);
    }
    assert_true(burst.lost >= 2);
    assert_int_equal(link_rig_counts(rig, 1).dropped, burst.lost);
    part.len++;
    assert_int_equal(link_send(link, &sends[0], 2, LINK_RAFT, &part, 1, NULL),
                     QL_TOO_LARGE);
    free(bytes);
}

static void heartbeats_overtake_a_snapshot(void **state)
{
    struct link_rig *rig = *state;
    size_t len = 40u * MIB;
    uint8_t *bytes = mem_must_zalloc(len);
    struct burst burst = {.done = 0};
    struct link_send send = {.data = &burst};
    struct bytes part = {bytes, len};

    link_rig_start_all(rig);
    link_rig_meet(rig, 1, 2);
    bytes[len - 1] = 9;
    assert_int_equal(link_send(link_rig_node(rig, 1)->link, &send, 2,
                               LINK_SNAPSHOT, &part, 1, on_burst),
                     0);
    assert_int_equal(link_rig_send(rig, 1, 2, LINK_RAFT, "beat", 4), 0);
    link_rig_wait_frames(rig, 2, 1);
    assert_int_equal(link_rig_node(rig, 2)->type, LINK_RAFT);
    link_rig_wait_frames(rig, 2, 2);
    assert_int_equal(link_rig_node(rig, 2)->type, LINK_SNAPSHOT);
    assert_int_equal(link_rig_node(rig, 2)->last.len, len);
    assert_int_equal(link_rig_node(rig, 2)->last.data[len - 1], 9);
    while (burst.done == 0) {
        (void)uv_run(&rig->loop, UV_RUN_ONCE);
    }
    assert_int_equal(burst.last_status, 0);
    free(bytes);
}

/* ---- Connections that end ---- */

static void peer_that_comes_back_is_reached_again(void **state)
{
    struct link_rig *rig = *state;

    link_rig_start_all(rig);
    for (int i = 0; i < 3; i++) {
        link_rig_meet(rig, 1, 2);
        link_rig_meet(rig, 2, 1);
        assert_true(link_heard(link_rig_node(rig, 1)->link, 2));
        assert_int_equal(link_rig_send(rig, 1, 2, LINK_RAFT, "x", 1), 0);
        link_rig_wait_frames(rig, 2, (size_t)i + 1);
        link_rig_stop(rig, 2);
        while (link_connected(link_rig_node(rig, 1)->link, 2) ||
               link_heard(link_rig_node(rig, 1)->link, 2)) {
            (void)uv_run(&rig->loop, UV_RUN_ONCE);
        }
        assert_int_equal(link_rig_send(rig, 1, 2, LINK_RAFT, "x", 1),
                         QL_DISCONNECTED);
        link_rig_start(rig, 2);
    }
    assert_int_equal(link_rig_counts(rig, 1).connections >= 3, true);
    assert_int_equal(link_rig_counts(rig, 1).dropped, 3);
}

/* It would wait for longer than the test. */
static void peer_that_calls_is_called_back_at_once(void **state)
{
    struct link_rig *rig = *state;

    link_rig_node(rig, 1)->retry_ms = 600000;
    link_rig_start(rig, 1);
    link_rig_start(rig, 3);
    link_rig_meet(rig, 3, 1);
    link_rig_start(rig, 2);
    link_rig_meet(rig, 1, 2);
    link_rig_meet(rig, 1, 3);
}

static void sends_under_way_are_canceled_by_a_stop(void **state)
{
    struct link_rig *rig = *state;
    struct burst burst = {.done = 0};
    struct link_send sends[3] = {0};
    uint8_t *bytes = mem_must_zalloc(LINK_FRAME_MAX);
    struct bytes part = {bytes, LINK_FRAME_MAX};

    link_rig_start_all(rig);
    link_rig_meet(rig, 1, 2);
    for (size_t i = 0; i < 3; i++) {
        sends[i].data = &burst;
        assert_int_equal(link_send(link_rig_node(rig, 1)->link, &sends[i], 2,
                                   i == 2 ? LINK_SNAPSHOT : LINK_RAFT, &part, 1,
                                   on_burst),
                         0);
    }
    link_rig_stop(rig, 1);
    assert_int_equal(burst.done, 3);
    assert_int_equal(burst.lost, 3);
    assert_int_equal(burst.last_status, QL_CANCELED);
    free(bytes);
}

static void link_stops_at_any_moment(void **state)
{
    struct link_rig *rig = *state;

    for (int turns = 0; turns < 40; turns++) {
        link_rig_start_all(rig);
        for (int i = 0; i < turns; i++) {
            (void)uv_run(&rig->loop, UV_RUN_NOWAIT);
        }
        for (uint64_t id = 1; id <= LINK_RIG_NODES; id++) {
            link_rig_stop(rig, id);
        }
    }
}

static void frame_that_makes_no_sense_ends_the_connection(void **state)
{
    struct link_rig *rig = *state;

    link_rig_start_all(rig);
    link_rig_meet(rig, 1, 2);
    link_rig_node(rig, 2)->answer = QL_PROTOCOL;
    assert_int_equal(link_rig_send(rig, 1, 2, LINK_RAFT, "x", 1), 0);
    link_rig_wait_count(rig, 2, LINK_COUNT(bad_frames), 1);
    link_rig_node(rig, 2)->answer = 0;
    link_rig_wait_count(rig, 1, LINK_COUNT(connections), 3);
}

/* ---- Where nodes are ---- */

static void cluster_of_one_has_no_listener(void **state)
{
    struct link_rig *rig = *state;
    struct link_rig_node *node = link_rig_node(rig, 1);

    node->identity.members_count = 1;
    node->listen = "192.0.2.1:1";
    link_rig_start(rig, 1);
    assert_int_equal(link_rig_send(rig, 1, 2, LINK_RAFT, "", 0), QL_NOT_FOUND);
    link_rig_stop(rig, 1);
}

static void address_in_use_is_an_error_that_names_it(void **state)
{
    struct link_rig *rig = *state;
    struct link_options options = {.loop = &rig->loop,
                                   .identity = &rig->nodes[0].identity,
                                   .dir = rig->nodes[0].dir};
    struct link *link = NULL;
    struct err err = {0};

    link_rig_start(rig, 1);
    assert_int_equal(link_start(&link, &options, &err), QL_IO);
    assert_non_null(strstr(err.text, "in use"));
    assert_non_null(
        strstr(err.text, rig->nodes[0].identity.members[0].peer_address));
    options.listen = "no-such-host.invalid:1";
    assert_int_equal(link_start(&link, &options, &err), QL_IO);
    options.listen = "unix:/x";
    assert_int_equal(link_start(&link, &options, &err), QL_INVALID);
    assert_null(link);
}

static void meet_at(struct link_rig *rig, const char *host)
{
    struct tmpdir *dir = rig->dir;

    link_rig_close(rig);
    link_rig_open(rig, dir, host);
    link_rig_start_all(rig);
    link_rig_meet(rig, 1, 2);
    link_rig_meet(rig, 3, 1);
    assert_int_equal(link_rig_send(rig, 1, 2, LINK_RAFT, "x", 1), 0);
    link_rig_wait_frames(rig, 2, 1);
}

static void nodes_meet_by_host_names(void **state)
{
    meet_at(*state, "LocalHost");
}

static void nodes_meet_by_ipv6(void **state)
{
    struct sockaddr_in6 address = {.sin6_family = AF_INET6,
                                   .sin6_addr = IN6ADDR_LOOPBACK_INIT};
    int fd = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
    bool has_ipv6 =
        fd >= 0 && bind(fd, (struct sockaddr *)&address, sizeof address) == 0;

    if (fd >= 0) {
        (void)close(fd);
    }
    if (!has_ipv6) {
        skip();
    }
    meet_at(*state, "[0:0::1]");
}

#define IN_RIG(test)                                                           \
    cmocka_unit_test_setup_teardown(test, link_rig_setup, link_rig_teardown)

/* ---- Ends ---- */

static bool both_know_that_2_is_gone(void *data)
{
    struct link_rig *rig = data;

    return link_rig_node(rig, 1)->gone[1] > 0 &&
           link_rig_node(rig, 3)->gone[1] > 0;
}

static void end_of_a_peer_is_known_to_all(void **state)
{
    struct link_rig *rig = *state;

    link_rig_start_all(rig);
    link_rig_meet(rig, 1, 2);
    link_rig_meet(rig, 3, 2);
    link_rig_meet(rig, 2, 1);
    link_rig_meet(rig, 2, 3);
    link_rig_node(rig, 1)->gone[1] = 0; /* before it was started */
    link_rig_node(rig, 3)->gone[1] = 0;
    link_rig_stop(rig, 2);
    link_rig_run_until(rig, both_know_that_2_is_gone, rig);
}

static void connection_that_breaks_is_no_end(void **state)
{
    struct link_rig *rig = *state;
    struct link_rig_node *node = link_rig_node(rig, 2);
    uint64_t connections;

    link_rig_start_all(rig);
    link_rig_meet(rig, 1, 2);
    link_rig_meet(rig, 2, 1);
    link_rig_node(rig, 1)->gone[1] = 0;
    node->gone[0] = 0;
    connections = link_rig_counts(rig, 1).connections;
    node->answer = QL_PROTOCOL;
    assert_int_equal(link_rig_send(rig, 1, 2, LINK_REPORT, "x", 1), 0);
    link_rig_wait_count(rig, 1, LINK_COUNT(connections), connections + 1);
    assert_int_equal(link_rig_node(rig, 1)->gone[1], 0);
    assert_int_equal(node->gone[0], 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_RIG(every_node_reaches_every_other),
        IN_RIG(end_of_a_peer_is_known_to_all),
        IN_RIG(connection_that_breaks_is_no_end),
        IN_RIG(frames_keep_their_order),
        IN_RIG(frames_of_a_turn_leave_before_the_loop_waits),
        IN_RIG(queue_is_bounded_and_says_so),
        IN_RIG(heartbeats_overtake_a_snapshot),
        IN_RIG(peer_that_comes_back_is_reached_again),
        IN_RIG(peer_that_calls_is_called_back_at_once),
        IN_RIG(sends_under_way_are_canceled_by_a_stop),
        IN_RIG(link_stops_at_any_moment),
        IN_RIG(frame_that_makes_no_sense_ends_the_connection),
        IN_RIG(cluster_of_one_has_no_listener),
        IN_RIG(address_in_use_is_an_error_that_names_it),
        IN_RIG(nodes_meet_by_host_names),
        IN_RIG(nodes_meet_by_ipv6),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
