/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* Servers over real nodes: what a client sees of a cluster on loopback. */
#include "server/server.h"

#include <string.h>

#include "consensus/metrics.h"
#include "support/cmocka.h"
#include "support/peer_client.h"
#include "support/seats.h"
#include "support/wire_check.h"
#include "wire/args_log.h"
#include "wire/args_metrics.h"
#include "wire/args_read.h"
#include "wire/args_writer.h"
#include "wire/method.h"

struct place {
    struct service *service;
    struct server *server;
    struct peer_client client;
};

struct fixture {
    struct seats seats;
    struct place places[SEATS_MAX];
};

static void on_state(void *data)
{
    service_on_state(((struct place *)data)->service);
}

static void on_applied(void *data)
{
    service_on_applied(((struct place *)data)->service);
}

static void on_stopped(void *data)
{
    struct place *place = data;

    server_free(place->server);
    place->server = NULL;
}

static void place_open(struct fixture *fixture, size_t index)
{
    struct place *place = &fixture->places[index];
    struct seat *seat = &fixture->seats.seats[index];
    struct address listen = {.host = "127.0.0.1"};
    struct service_options service = {.identity = &seat->identity};
    struct node_options node = fixture->seats.options;
    struct server_options server = {
        .loop = &fixture->seats.loop, .listen = &listen, .listen_count = 1};
    struct err err;

    assert_int_equal(identity_load(&seat->identity, seat->dir, &err), 0);
    place->service = service_new(&service);
    node.loop = &fixture->seats.loop;
    node.identity = &seat->identity;
    node.dir = seat->dir;
    node.on_state = on_state;
    node.on_applied = on_applied;
    node.data = place;
    assert_int_equal(node_start(&seat->node, &node, &err), 0);
    service_set_node(place->service, seat->node);
    server.service = place->service;
    assert_int_equal(server_start(&place->server, &server, &err), 0);
    peer_client_open_tcp(&place->client, &fixture->seats.loop,
                         server_port(place->server, 0));
}

static void place_close(struct fixture *fixture, size_t index)
{
    struct place *place = &fixture->places[index];

    server_stop(place->server, on_stopped, place);
    while (place->server != NULL) {
        uv_run(&fixture->seats.loop, UV_RUN_NOWAIT);
    }
    peer_client_close(&place->client);
    seats_stop(&fixture->seats, index);
    service_free(place->service);
}

static void open_places(struct fixture *fixture, size_t count)
{
    memset(fixture, 0, sizeof(*fixture));
    seats_open(&fixture->seats, count);
    for (size_t i = 0; i < count; i++) {
        place_open(fixture, i);
    }
    seats_await_leader(&fixture->seats);
}

static void close_places(struct fixture *fixture)
{
    for (size_t i = 0; i < fixture->seats.count; i++) {
        place_close(fixture, i);
    }
    seats_close(&fixture->seats);
}

static struct bytes call(struct peer_client *client, const char *method,
                         const char *params)
{
    peer_client_request(client, 5, method, params);
    return peer_client_result(client, 5);
}

static void single_node_serves_a_thousand_pipelined_appends(void **state)
{
    struct fixture fixture;
    struct peer_client *client;
    struct read_result read;
    struct log_stat stat;
    struct err err;
    uint32_t i;

    (void)state;
    open_places(&fixture, 1);
    client = &fixture.places[0].client;
    call(client, "log.create", "{'log': 'orders'}");
    for (i = 0; i < 1000; i++) {
        peer_client_request(client, i, "log.append",
                            "{'appends': [{'log': 'orders', "
                            "'entries': [b'entry']}]}");
    }
    for (i = 0; i < 1000; i++) {
        peer_client_result(client, i);
    }
    assert_int_equal(read_result_decode(&read,
                                        call(client, "log.read",
                                             "{'log': 'orders', 'from': 1}"),
                                        &err),
                     0);
    assert_int_equal(read.count, 1000);
    assert_int_equal(read.next, 1001);
    read_result_free(&read);
    call(client, "log.trim", "{'log': 'orders', 'before': 1000}");
    assert_int_equal(
        log_stat_decode(&stat, call(client, "log.stat", "{'log': 'orders'}"),
                        &err),
        0);
    assert_int_equal(stat.head, 1000);
    call(client, "log.delete", "{'log': 'orders'}");
    close_places(&fixture);
}

static uint64_t counted(const struct metrics_result *metrics, const char *name)
{
    for (size_t i = 0; i < metrics->counters_count; i++) {
        if (strncmp((const char *)metrics->counters[i].name.data, name,
                    metrics->counters[i].name.len) == 0) {
            return metrics->counters[i].value;
        }
    }
    fail_msg("no counter %s", name);
    return 0;
}

static void metrics_tell_what_a_node_did(void **state)
{
    const uint64_t samples = 1000 / STAGES_EVERY;
    struct fixture fixture;
    struct peer_client *client;
    struct metrics_result got;
    struct err err;
    uint64_t sum = 0;

    (void)state;
    open_places(&fixture, 1);
    client = &fixture.places[0].client;
    call(client, "log.create", "{'log': 'orders'}");
    for (uint32_t i = 0; i < 1000; i++) {
        peer_client_request(client, i, "log.append",
                            "{'appends': [{'log': 'orders', "
                            "'entries': [b'entry', b'entry']}]}");
    }
    for (uint32_t i = 0; i < 1000; i++) {
        peer_client_result(client, i);
    }
    peer_client_request(client, 7, "log.stat", "{'log': 'other'}");
    (void)peer_client_error(client, 7, QL_NOT_FOUND);
    call(client, "log.read", "{'log': 'orders', 'from': 1998}");
    assert_int_equal(
        metrics_result_decode(&got, call(client, "server.metrics", "{}"), &err),
        0);
    assert_int_equal(got.node, 1);
    assert_int_equal(got.role, QL_ROLE_LEADER);
    assert_int_equal(counted(&got, "appends"), 1000);
    assert_int_equal(counted(&got, "append_entries"), 2000);
    assert_int_equal(counted(&got, "reads"), 1);
    assert_int_equal(counted(&got, "read_entries"), 3);
    assert_int_equal(counted(&got, "read_bytes"), 15);
    assert_int_equal(counted(&got, "terms_led"), 1);
    assert_in_range(counted(&got, "commands"), 1001, 1010);
    assert_in_range(counted(&got, "wal_writes"), 1, 1010);
    assert_int_equal(got.refusals_count, 1);
    assert_bytes(got.refusals[0].name, "NOT_FOUND");
    assert_int_equal(got.refusals[0].value, 1);
    for (unsigned i = HISTOGRAM_DECODE; i <= HISTOGRAM_TOTAL; i++) {
        assert_int_equal(got.histograms[i].histogram->count, samples);
        if (i != HISTOGRAM_WAL && i != HISTOGRAM_TOTAL) {
            sum += got.histograms[i].histogram->sum;
        }
    }
    assert_int_equal(got.histograms[HISTOGRAM_TOTAL].histogram->sum, sum);
    metrics_result_close(&got);
    close_places(&fixture);
}

static void follower_redirects_and_serves_stale_reads(void **state)
{
    struct fixture fixture;
    struct peer_client *follower;
    struct rpc_error error;
    struct read_result read;
    struct err err;
    size_t leader;

    (void)state;
    open_places(&fixture, 3);
    leader = seats_await_leader(&fixture.seats);
    call(&fixture.places[leader].client, "log.create", "{'log': 'orders'}");
    call(&fixture.places[leader].client, "log.append",
         "{'appends': [{'log': 'orders', 'entries': [b'a']}]}");
    seats_await_equal(&fixture.seats, leader);
    follower = &fixture.places[(leader + 1) % 3].client;
    peer_client_request(follower, 1, "log.create", "{'log': 'other'}");
    error = peer_client_error(follower, 1, QL_NOT_LEADER);
    assert_bytes(
        error.leader,
        fixture.seats.seats[leader].identity.members[leader].client_address);
    assert_int_equal(
        read_result_decode(&read,
                           call(follower, "log.read",
                                "{'log': 'orders', 'from': 1, 'stale': true}"),
                           &err),
        0);
    assert_int_equal(read.count, 1);
    read_result_free(&read);
    close_places(&fixture);
}

static void new_leader_ends_follows_and_fences_old_writers(void **state)
{
    struct fixture fixture;
    struct peer_client *old;
    struct rpc_message message;
    struct follow_event event;
    struct writer_fenced fenced;
    struct err err;
    size_t leader;
    size_t next;

    (void)state;
    open_places(&fixture, 3);
    leader = seats_await_leader(&fixture.seats);
    old = &fixture.places[leader].client;
    call(old, "log.create", "{'log': 'orders'}");
    call(old, "log.follow", "{'log': 'orders', 'from': 1, 'credit': 1000}");
    call(old, "writer.acquire", "{'log': 'orders', 'name': 'old'}");
    peer_client_request(old, 9, "cluster.transfer", "{}");
    message = peer_client_next(old);
    if (message.type == RPC_RESPONSE) {
        message = peer_client_next(old);
    }
    assert_int_equal(message.type, RPC_NOTIFICATION);
    assert_int_equal(follow_event_decode(&event, message.params, &err), 0);
    assert_bytes(event.event, FOLLOW_LEADER_CHANGED);

    next = seats_await_leader(&fixture.seats);
    assert_int_not_equal(next, leader);
    call(&fixture.places[next].client, "writer.acquire",
         "{'log': 'orders', 'name': 'new'}");
    do {
        message = peer_client_next(old);
    } while (message.type == RPC_RESPONSE);
    assert_int_equal(writer_fenced_decode(&fenced, message.params, &err), 0);
    assert_int_equal(fenced.epoch, 1);
    assert_int_equal(fenced.newer, 2);
    close_places(&fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(single_node_serves_a_thousand_pipelined_appends),
        cmocka_unit_test(metrics_tell_what_a_node_did),
        cmocka_unit_test(follower_redirects_and_serves_stale_reads),
        cmocka_unit_test(new_leader_ends_follows_and_fences_old_writers),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
