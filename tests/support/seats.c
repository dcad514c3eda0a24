/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "support/seats.h"

#include <arpa/inet.h>
#include <ftw.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "support/cmocka.h"
#include "util/file.h"
#include "util/random.h"

#define WAIT_MAX_NS (60ull * 1000000000ull)
#define ELECTION_MS 300u
#define BEAT_MS 30u

struct await {
    struct seats *seats;
    size_t place;
    uint64_t index;
};

static void fill_members(struct seats *seats, struct identity *identity);
static bool somebody_is_ready(void *data);
static bool all_have_applied(void *data);

void seats_open(struct seats *seats, size_t count)
{
    struct identity identity = {0};
    struct err err;

    /* As the daemon does: a peer may go away while it is written to. */
    (void)signal(SIGPIPE, SIG_IGN);
    *seats = (struct seats){.count = count};
    seats->options.election_timeout_ms = ELECTION_MS;
    seats->options.heartbeat_ms = BEAT_MS;
    (void)snprintf(seats->dir, sizeof seats->dir, "/tmp/quorlog-test-XXXXXX");
    assert_non_null(mkdtemp(seats->dir));
    assert_int_equal(uv_loop_init(&seats->loop), 0);
    random_uuid(identity.cluster);
    random_bytes(identity.secret, SECRET_LEN);
    fill_members(seats, &identity);
    for (size_t i = 0; i < count; i++) {
        struct seat *seat = &seats->seats[i];
        char name[32];

        seat->identity = identity;
        seat->identity.node = i + 1;
        random_uuid(seat->identity.instance);
        (void)snprintf(name, sizeof name, "node%zu", i + 1);
        assert_int_equal(
            path_join(seat->dir, sizeof seat->dir, seats->dir, name, &err), 0);
        if (identity_init(&seat->identity, seat->dir, &err) != 0) {
            fail_msg("init: %s", err.text);
        }
    }
}

static int remove_one(const char *path, const struct stat *status, int kind,
                      struct FTW *place)
{
    (void)status;
    (void)kind;
    (void)place;
    return remove(path);
}

void seats_close(struct seats *seats)
{
    for (size_t i = 0; i < seats->count; i++) {
        if (seats->seats[i].node != NULL) {
            seats_stop(seats, i);
        }
    }
    (void)uv_run(&seats->loop, UV_RUN_DEFAULT);
    assert_int_equal(uv_loop_close(&seats->loop), 0);
    assert_int_equal(nftw(seats->dir, remove_one, 16, FTW_DEPTH | FTW_PHYS), 0);
}

static void seat_on_state(void *data)
{
    struct seat *seat = data;

    seat->states_told++;
}

void seats_start(struct seats *seats, size_t place)
{
    struct seat *seat = &seats->seats[place];
    struct node_options options = seats->options;
    struct err err;

    assert_int_equal(identity_load(&seat->identity, seat->dir, &err), 0);
    options.loop = &seats->loop;
    options.identity = &seat->identity;
    options.dir = seat->dir;
    options.on_state = seat_on_state;
    options.data = seat;
    if (node_start(&seat->node, &options, &err) != 0) {
        fail_msg("start: %s", err.text);
    }
}

static void seat_on_stopped(void *data)
{
    struct seat *seat = data;

    seat->stopped = true;
}

static bool has_stopped(void *data)
{
    const struct seat *seat = data;

    return seat->stopped;
}

void seats_stop(struct seats *seats, size_t place)
{
    struct seat *seat = &seats->seats[place];

    seat->stopped = false;
    node_stop(seat->node, seat_on_stopped, seat);
    assert_false(seat->stopped);
    seats_run_until(seats, has_stopped, seat);
    seats_end(seats, place);
}

void seats_end(struct seats *seats, size_t place)
{
    struct seat *seat = &seats->seats[place];

    seat->stopped = false;
    node_close(seat->node, seat_on_stopped, seat);
    assert_false(seat->stopped);
    seats_run_until(seats, has_stopped, seat);
    node_free(seat->node);
    seat->node = NULL;
}

void seats_run_until(struct seats *seats, bool (*is_true)(void *data),
                     void *data)
{
    uint64_t deadline = uv_hrtime() + WAIT_MAX_NS;

    while (!is_true(data)) {
        if (uv_hrtime() > deadline) {
            fail_msg("it did not come true");
        }
        (void)uv_run(&seats->loop, UV_RUN_ONCE);
    }
}

size_t seats_await_leader(struct seats *seats)
{
    struct await await = {.seats = seats};

    seats_run_until(seats, somebody_is_ready, &await);
    return await.place;
}

void seats_await_equal(struct seats *seats, size_t place)
{
    struct await await = {.seats = seats, .place = place};
    struct node_status status;
    uint8_t expected[16];
    uint8_t found[16];

    node_status(seats->seats[place].node, &status);
    await.index = status.applied_index;
    seats_run_until(seats, all_have_applied, &await);
    machine_digest(node_machine(seats->seats[place].node), expected);
    for (size_t i = 0; i < seats->count; i++) {
        if (seats->seats[i].node != NULL) {
            machine_digest(node_machine(seats->seats[i].node), found);
            assert_memory_equal(expected, found, sizeof found);
        }
    }
}

static bool somebody_is_ready(void *data)
{
    struct await *await = data;
    struct node_status status;

    for (size_t i = 0; i < await->seats->count; i++) {
        if (await->seats->seats[i].node == NULL) {
            continue;
        }
        node_status(await->seats->seats[i].node, &status);
        if (status.ready) {
            await->place = i;
            return true;
        }
    }
    return false;
}

/* The same, too: the leader has ideas of its own, such as comparing states. */
static bool all_have_applied(void *data)
{
    struct await *await = data;
    struct node_status status;
    uint64_t same = 0;

    for (size_t i = 0; i < await->seats->count; i++) {
        if (await->seats->seats[i].node == NULL) {
            continue;
        }
        node_status(await->seats->seats[i].node, &status);
        if (status.applied_index < await->index ||
            (same != 0 && status.applied_index != same)) {
            return false;
        }
        same = status.applied_index;
    }
    return true;
}

/* Ports that were free a moment ago: all are held until all are found. */
static void fill_members(struct seats *seats, struct identity *identity)
{
    int sockets[2 * SEATS_MAX];
    char text[2 * SEATS_MAX][ADDRESS_MAX];

    for (size_t i = 0; i < 2 * seats->count; i++) {
        struct sockaddr_in address = {.sin_family = AF_INET};
        socklen_t len = sizeof address;

        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        sockets[i] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        assert_true(sockets[i] >= 0);
        assert_int_equal(
            bind(sockets[i], (struct sockaddr *)&address, sizeof address), 0);
        assert_int_equal(
            getsockname(sockets[i], (struct sockaddr *)&address, &len), 0);
        (void)snprintf(text[i], sizeof text[i], "127.0.0.1:%u",
                       (unsigned)ntohs(address.sin_port));
    }
    identity->members_count = seats->count;
    for (size_t i = 0; i < seats->count; i++) {
        identity->members[i].id = i + 1;
        strcpy(identity->members[i].peer_address, text[2 * i]);
        strcpy(identity->members[i].client_address, text[2 * i + 1]);
        (void)close(sockets[2 * i]);
        (void)close(sockets[2 * i + 1]);
    }
}
