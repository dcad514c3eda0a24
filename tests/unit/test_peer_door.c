/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "consensus/peer_door.h"

#include <arpa/inet.h>
#include <errno.h>
#include <raft.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "consensus/peer_token.h"
#include "support/cmocka.h"
#include "util/buf.h"

#define HEAD_LEN 24u

/* A door, and what came through it. */
struct entry {
    uv_loop_t loop;
    struct peer_door door;
    struct sockaddr_in address;
    size_t count;
    uint64_t id;
    char token[PEER_TOKEN_MAX + 1];
    size_t room;
    struct uv_stream_s *stream; /* the last one */
    bool closed;
};

static void free_stream(uv_handle_t *handle)
{
    raft_free(handle);
}

static void on_enter(void *data, uint64_t id, const char *token, size_t room,
                     struct uv_stream_s *stream)
{
    struct entry *entry = data;

    assert_true(room <= PEER_TOKEN_MAX);
    memcpy(entry->token, token, room);
    entry->token[room] = '\0';
    entry->count++;
    entry->id = id;
    entry->room = room;
    if (entry->stream != NULL) {
        uv_close((uv_handle_t *)entry->stream, free_stream);
    }
    entry->stream = stream;
}

static void on_closed(void *data)
{
    struct entry *entry = data;

    entry->closed = true;
}

/* A port that was free a moment ago. */
static void find_address(struct sockaddr_in *ret)
{
    socklen_t len = sizeof *ret;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    *ret = (struct sockaddr_in){.sin_family = AF_INET};
    ret->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    assert_true(fd >= 0);
    assert_int_equal(bind(fd, (struct sockaddr *)ret, sizeof *ret), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)ret, &len), 0);
    close(fd);
}

static int open_door(struct entry *entry, struct peer_door *door,
                     struct err *err)
{
    char address[64];

    (void)snprintf(address, sizeof address, "127.0.0.1:%u",
                   ntohs(entry->address.sin_port));
    return peer_door_open(door, &entry->loop, address, on_enter, entry, err);
}

static int setup(void **state)
{
    static struct entry entry;
    struct err err;

    entry = (struct entry){0};
    assert_int_equal(uv_loop_init(&entry.loop), 0);
    find_address(&entry.address);
    assert_int_equal(open_door(&entry, &entry.door, &err), 0);
    *state = &entry;
    return 0;
}

static int teardown(void **state)
{
    struct entry *entry = *state;

    if (entry->stream != NULL) {
        uv_close((uv_handle_t *)entry->stream, free_stream);
    }
    peer_door_close(&entry->door, on_closed, entry);
    assert_int_equal(uv_run(&entry->loop, UV_RUN_DEFAULT), 0);
    assert_true(entry->closed);
    assert_int_equal(uv_loop_close(&entry->loop), 0);
    return 0;
}

/* Connects; the kernel does that without the loop. */
static int knock(const struct entry *entry)
{
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    assert_true(fd >= 0);
    assert_int_equal(connect(fd, (const struct sockaddr *)&entry->address,
                             sizeof entry->address),
                     0);
    return fd;
}

static void wait_for_entering(struct entry *entry, size_t count)
{
    while (entry->door.entering_count != count) {
        (void)uv_run(&entry->loop, UV_RUN_ONCE);
    }
}

static void wait_for_count(struct entry *entry, size_t count)
{
    while (entry->count < count) {
        (void)uv_run(&entry->loop, UV_RUN_ONCE);
    }
}

/* Runs the loop until the door has closed its end. */
static void expect_end(struct entry *entry, int fd)
{
    char byte;

    for (;;) {
        ssize_t got = recv(fd, &byte, 1, MSG_DONTWAIT);

        assert_true(got <= 0);
        if (got == 0 || (errno != EAGAIN && errno != EWOULDBLOCK)) {
            return;
        }
        (void)uv_run(&entry->loop, UV_RUN_ONCE);
    }
}

static void say(int fd, const void *bytes, size_t len)
{
    assert_int_equal(send(fd, bytes, len, MSG_NOSIGNAL), len);
}

static void say_head(int fd, uint64_t protocol, uint64_t id, uint64_t len)
{
    uint8_t head[HEAD_LEN];

    put_u64(head, protocol);
    put_u64(head + 8, id);
    put_u64(head + 16, len);
    say(fd, head, sizeof head);
}

static void a_token_may_come_byte_by_byte(void **state)
{
    struct entry *entry = *state;
    uint8_t bytes[HEAD_LEN + 8] = {0};
    int fd = knock(entry);

    put_u64(bytes, 1);
    put_u64(bytes + 8, 7);
    put_u64(bytes + 16, 8);
    memcpy(bytes + HEAD_LEN, "token", 6);
    for (size_t i = 0; i < sizeof bytes; i++) {
        assert_int_equal(entry->count, 0);
        say(fd, bytes + i, 1);
        (void)uv_run(&entry->loop, UV_RUN_NOWAIT);
    }
    wait_for_count(entry, 1);
    assert_int_equal(entry->id, 7);
    assert_int_equal(entry->room, 8);
    assert_string_equal(entry->token, "token");
    assert_int_equal(entry->door.entering_count, 0);
    close(fd);
}

static void what_follows_the_token_is_left_for_the_next_reader(void **state)
{
    struct entry *entry = *state;
    char rest[16] = "";
    uv_os_fd_t inner;
    int fd = knock(entry);

    say_head(fd, 1, 2, 8);
    say(fd, "12345678the rest", 16);
    wait_for_count(entry, 1);
    assert_string_equal(entry->token, "12345678");
    assert_int_equal(uv_fileno((uv_handle_t *)entry->stream, &inner), 0);
    assert_int_equal(recv(inner, rest, sizeof rest, MSG_DONTWAIT), 8);
    assert_memory_equal(rest, "the rest", 8);
    close(fd);
}

static void a_length_that_no_token_has_is_shown_as_nothing(void **state)
{
    static const uint64_t lengths[] = {0, PEER_TOKEN_MAX + 1, 1ull << 32,
                                       UINT64_MAX - 7, UINT64_MAX};
    struct entry *entry = *state;

    for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++) {
        int fd = knock(entry);

        say_head(fd, 1, 2, lengths[i]);
        wait_for_count(entry, i + 1);
        assert_int_equal(entry->room, 0);
        close(fd);
    }
}

static void another_protocol_is_turned_away(void **state)
{
    struct entry *entry = *state;
    int fd = knock(entry);

    say(fd, "GET / HTTP/1.1\r\nHost: example.org\r\n\r\n", 37);
    expect_end(entry, fd);
    assert_int_equal(entry->count, 0);
    close(fd);
}

static void one_that_leaves_early_is_forgotten(void **state)
{
    struct entry *entry = *state;
    int fd = knock(entry);

    wait_for_entering(entry, 1);
    say_head(fd, 1, 2, 8);
    close(fd);
    wait_for_entering(entry, 0);
    assert_int_equal(entry->count, 0);
}

static void silent_ones_do_not_keep_a_member_out(void **state)
{
    struct entry *entry = *state;
    int fds[PEERS_ENTERING_MAX + 8];
    size_t count = sizeof fds / sizeof fds[0];
    int member;

    for (size_t i = 0; i < count; i++) {
        fds[i] = knock(entry);
        (void)uv_run(&entry->loop, UV_RUN_NOWAIT);
    }
    /* The oldest go, one for each that is too many. */
    for (size_t i = 0; i < count - PEERS_ENTERING_MAX; i++) {
        expect_end(entry, fds[i]);
    }
    wait_for_entering(entry, PEERS_ENTERING_MAX);
    member = knock(entry);
    say_head(member, 1, 3, 8);
    say(member, "welcome", 8);
    wait_for_count(entry, 1);
    assert_int_equal(entry->id, 3);
    assert_string_equal(entry->token, "welcome");
    close(member);
    for (size_t i = 0; i < count; i++) {
        close(fds[i]);
    }
}

static void a_silent_one_has_its_time(void **state)
{
    struct entry *entry = *state;
    uint64_t now;
    int fd = knock(entry);

    wait_for_entering(entry, 1);
    now = uv_now(&entry->loop);
    peer_door_expire(&entry->door, now + PEER_ENTER_MS / 2);
    assert_int_equal(entry->door.entering_count, 1);
    peer_door_expire(&entry->door, now + PEER_ENTER_MS);
    assert_int_equal(entry->door.entering_count, 0);
    expect_end(entry, fd);
    close(fd);
}

static void an_address_in_use_is_said(void **state)
{
    struct entry *entry = *state;
    struct peer_door second;
    struct err err;

    assert_int_equal(open_door(entry, &second, &err), QL_IO);
    assert_non_null(strstr(err.text, "listen for peers on 127.0.0.1:"));
    assert_non_null(strstr(err.text, "in use"));
    peer_door_close(&second, on_closed, entry);
    while (!entry->closed) {
        (void)uv_run(&entry->loop, UV_RUN_ONCE);
    }
    entry->closed = false;
}

#define TEST(function)                                                         \
    cmocka_unit_test_setup_teardown(function, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_token_may_come_byte_by_byte),
        TEST(what_follows_the_token_is_left_for_the_next_reader),
        TEST(a_length_that_no_token_has_is_shown_as_nothing),
        TEST(another_protocol_is_turned_away),
        TEST(one_that_leaves_early_is_forgotten),
        TEST(silent_ones_do_not_keep_a_member_out),
        TEST(a_silent_one_has_its_time),
        TEST(an_address_in_use_is_said),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
