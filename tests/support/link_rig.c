/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "support/link_rig.h"

#include <arpa/inet.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "consensus/link_frame.h"
#include "support/cmocka.h"
#include "util/crc32c.h"
#include "util/diag.h"
#include "util/mem.h"

#define ALARM_MS 20000u
#define RETRY_MS 5u

static uint16_t free_port(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET};
    socklen_t len = sizeof address;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    assert_true(fd >= 0);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof address), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &len), 0);
    (void)close(fd);
    return ntohs(address.sin_port);
}

static void on_alarm(uv_timer_t *timer)
{
    (void)timer;
    fail_msg("waited too long");
}

static int on_frame(void *data, uint64_t from, enum link_frame type,
                    const uint8_t *bytes, size_t len)
{
    struct link_rig_node *node = data;

    node->frames++;
    node->crc = crc32c(node->crc, bytes, len);
    node->from = from;
    node->type = type;
    node->last.len = 0;
    assert_int_equal(buf_add(&node->last, bytes, len), 0);
    return node->answer;
}

static void on_gone(void *data, uint64_t id)
{
    struct link_rig_node *node = data;

    node->gone[id - 1]++;
}

int link_rig_setup(void **state)
{
    struct link_rig *rig = mem_must_zalloc(sizeof *rig);
    void *dir = NULL;

    if (tmpdir_setup(&dir) != 0) {
        free(rig);
        return -1;
    }
    link_rig_open(rig, dir, "127.0.0.1");
    *state = rig;
    return 0;
}

int link_rig_teardown(void **state)
{
    struct link_rig *rig = *state;
    void *dir = rig->dir;

    link_rig_close(rig);
    free(rig);
    return tmpdir_teardown(&dir);
}

void link_rig_open(struct link_rig *rig, struct tmpdir *dir, const char *host)
{
    char members[512] = "";
    size_t at = 0;

    (void)signal(SIGPIPE, SIG_IGN);
    diag_set_level(DIAG_WARNING);
    *rig = (struct link_rig){.dir = dir};
    assert_int_equal(uv_loop_init(&rig->loop), 0);
    assert_int_equal(uv_timer_init(&rig->loop, &rig->alarm), 0);
    for (unsigned i = 1; i <= LINK_RIG_NODES; i++) {
        at += (size_t)snprintf(members + at, sizeof members - at,
                               "%s%u=%s:%u/client%u:7420", i > 1 ? "," : "", i,
                               host, free_port(), i);
    }
    for (unsigned i = 0; i < LINK_RIG_NODES; i++) {
        struct link_rig_node *node = &rig->nodes[i];
        struct identity *identity = &node->identity;

        node->rig = rig;
        *identity = (struct identity){
            .cluster = "0d9b1c1e-8f0e-4c57-9a3d-5d2f5a6b7c8d",
            .instance = "11111111-2222-4333-8444-555555555555",
            .node = i + 1};
        identity->instance[0] = (char)('1' + i);
        memset(identity->secret, 0xA5, SECRET_LEN);
        assert_int_equal(members_parse(members, identity->members,
                                       &identity->members_count, NULL),
                         0);
        (void)snprintf(node->dir, sizeof node->dir, "%s/%u", dir->path, i);
        assert_true(mkdir(node->dir, 0700) == 0 || errno == EEXIST);
    }
}

void link_rig_close(struct link_rig *rig)
{
    for (uint64_t id = 1; id <= LINK_RIG_NODES; id++) {
        link_rig_stop(rig, id);
        buf_close(&link_rig_node(rig, id)->last);
    }
    uv_close((uv_handle_t *)&rig->alarm, NULL);
    assert_int_equal(uv_run(&rig->loop, UV_RUN_DEFAULT), 0);
    assert_int_equal(uv_loop_close(&rig->loop), 0);
}

struct link_rig_node *link_rig_node(struct link_rig *rig, uint64_t id)
{
    return &rig->nodes[id - 1];
}

void link_rig_start(struct link_rig *rig, uint64_t id)
{
    struct link_rig_node *node = link_rig_node(rig, id);
    struct link_options options = {
        .loop = &rig->loop,
        .identity = &node->identity,
        .dir = node->dir,
        .listen = node->listen,
        .retry_ms = node->retry_ms != 0 ? node->retry_ms : RETRY_MS,
        .hello_ms = node->hello_ms,
        .on_frame = on_frame,
        .on_gone = on_gone,
        .data = node};
    struct err err = {0};

    if (link_start(&node->link, &options, &err) != 0) {
        fail_msg("%s", err.text);
    }
}

void link_rig_start_all(struct link_rig *rig)
{
    for (uint64_t id = 1; id <= LINK_RIG_NODES; id++) {
        link_rig_start(rig, id);
    }
}

static void on_stopped(void *data)
{
    struct link_rig_node *node = data;

    link_free(node->link);
    node->link = NULL;
}

static bool is_stopped(void *data)
{
    const struct link_rig_node *node = data;

    return node->link == NULL;
}

void link_rig_stop(struct link_rig *rig, uint64_t id)
{
    struct link_rig_node *node = link_rig_node(rig, id);

    if (node->link != NULL) {
        link_stop(node->link, on_stopped, node);
        link_rig_run_until(rig, is_stopped, node);
    }
}

void link_rig_run_until(struct link_rig *rig, bool (*is_so)(void *data),
                        void *data)
{
    (void)uv_timer_start(&rig->alarm, on_alarm, ALARM_MS, 0);
    while (!is_so(data)) {
        (void)uv_run(&rig->loop, UV_RUN_ONCE);
    }
    (void)uv_timer_stop(&rig->alarm);
}

struct meeting {
    struct link *link;
    uint64_t to;
};

static bool have_met(void *data)
{
    const struct meeting *meeting = data;

    return link_connected(meeting->link, meeting->to);
}

void link_rig_meet(struct link_rig *rig, uint64_t from, uint64_t to)
{
    struct meeting meeting = {link_rig_node(rig, from)->link, to};

    link_rig_run_until(rig, have_met, &meeting);
}

struct frames_wanted {
    struct link_rig_node *node;
    size_t frames;
};

static bool have_come(void *data)
{
    const struct frames_wanted *wanted = data;

    return wanted->node->frames >= wanted->frames;
}

void link_rig_wait_frames(struct link_rig *rig, uint64_t id, size_t frames)
{
    struct frames_wanted wanted = {link_rig_node(rig, id), frames};

    link_rig_run_until(rig, have_come, &wanted);
}

struct link_counts link_rig_counts(struct link_rig *rig, uint64_t id)
{
    struct link_counts counts;

    link_counts(link_rig_node(rig, id)->link, &counts);
    return counts;
}

struct awaited {
    struct link *link;
    size_t offset;
    uint64_t least;
};

static bool is_counted(void *data)
{
    const struct awaited *awaited = data;
    struct link_counts counts;
    uint64_t count;

    link_counts(awaited->link, &counts);
    memcpy(&count, (const uint8_t *)&counts + awaited->offset, sizeof count);
    return count >= awaited->least;
}

void link_rig_wait_count(struct link_rig *rig, uint64_t id, size_t offset,
                         uint64_t least)
{
    struct awaited awaited = {link_rig_node(rig, id)->link, offset, least};

    link_rig_run_until(rig, is_counted, &awaited);
}

struct sending {
    struct link_send send;
    bool done;
    int status;
};

static void on_sent(struct link_send *send, int status)
{
    struct sending *sending = send->data;

    assert_false(sending->done);
    sending->done = true;
    sending->status = status;
}

static bool is_sent(void *data)
{
    const struct sending *sending = data;

    return sending->done;
}

int link_rig_send(struct link_rig *rig, uint64_t from, uint64_t to,
                  enum link_frame type, const void *bytes, size_t len)
{
    struct sending sending = {.done = false};
    struct bytes part = {bytes, len};
    int rv;

    sending.send.data = &sending;
    rv = link_send(link_rig_node(rig, from)->link, &sending.send, to, type,
                   &part, 1, on_sent);
    if (rv != 0) {
        return rv;
    }
    assert_false(sending.done);
    link_rig_run_until(rig, is_sent, &sending);
    return sending.status;
}

/* ---- Strangers ---- */

int link_rig_call(struct link_rig *rig, uint64_t id)
{
    struct sockaddr_in to = {.sin_family = AF_INET};
    struct address address;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    assert_true(fd >= 0);
    assert_int_equal(
        address_parse(rig->nodes[0].identity.members[id - 1].peer_address, 0,
                      &address, NULL),
        0);
    to.sin_port = htons(address.port);
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    assert_int_equal(connect(fd, (struct sockaddr *)&to, sizeof to), 0);
    return fd;
}

void link_rig_tell(struct link_rig *rig, int fd, const void *bytes, size_t len)
{
    const uint8_t *at = bytes;

    while (len > 0) {
        ssize_t sent = send(fd, at, len, MSG_DONTWAIT | MSG_NOSIGNAL);

        if (sent < 0 && errno != EAGAIN) {
            break;
        }
        if (sent > 0) {
            at += sent;
            len -= (size_t)sent;
        }
        (void)uv_run(&rig->loop, UV_RUN_NOWAIT);
    }
    for (int i = 0; i < 3; i++) {
        (void)uv_run(&rig->loop, UV_RUN_NOWAIT);
    }
}

void link_rig_tell_frame(struct link_rig *rig, int fd, enum link_frame type,
                         const void *bytes, size_t len)
{
    uint8_t frame[LINK_HEADER_LEN + 512];
    uint32_t crc = link_header_begin(frame, type, 0, len);

    assert_true(len <= 512);
    link_header_seal(frame, crc32c(crc, bytes, len));
    memcpy(frame + LINK_HEADER_LEN, bytes, len);
    link_rig_tell(rig, fd, frame, LINK_HEADER_LEN + len);
}

/* False: closed. */
static bool hear_all(struct link_rig *rig, int fd, uint8_t *bytes, size_t len)
{
    (void)uv_timer_start(&rig->alarm, on_alarm, ALARM_MS, 0);
    while (len > 0) {
        ssize_t got = recv(fd, bytes, len, MSG_DONTWAIT);

        if (got == 0 || (got < 0 && errno != EAGAIN)) {
            return false;
        }
        if (got > 0) {
            bytes += got;
            len -= (size_t)got;
        }
        (void)uv_run(&rig->loop, UV_RUN_NOWAIT);
    }
    (void)uv_timer_stop(&rig->alarm);
    return true;
}

size_t link_rig_hear(struct link_rig *rig, int fd, uint8_t *ret_bytes,
                     size_t room)
{
    uint8_t header[LINK_HEADER_LEN];
    size_t len;

    if (!hear_all(rig, fd, header, sizeof header)) {
        return 0;
    }
    len = get_u32(header);
    assert_true(len <= room);
    return hear_all(rig, fd, ret_bytes, len) ? len : 0;
}

void link_rig_expect_end(struct link_rig *rig, int fd)
{
    uint8_t bytes[512];

    while (link_rig_hear(rig, fd, bytes, sizeof bytes) > 0) {
        continue;
    }
    (void)close(fd);
}

int link_rig_call_as(struct link_rig *rig, const struct identity *identity,
                     uint64_t to)
{
    static const uint8_t nonce[LINK_NONCE_LEN] = {1, 2, 3};
    struct link_hello_reply message;
    struct link_hello hello;
    uint8_t answer[LINK_ANSWER_LEN];
    int fd = link_rig_call(rig, to);
    size_t len;

    link_hello_open(&hello, identity, to, nonce);
    link_hello_call(&hello, &message);
    link_rig_tell_frame(rig, fd, LINK_HELLO, message.bytes, message.len);
    len = link_rig_hear(rig, fd, answer, sizeof answer);
    assert_int_equal(link_hello_take(&hello, answer, len, &message),
                     LINK_HELLO_JUDGE);
    (void)link_hello_accept(&hello, &message);
    link_rig_tell_frame(rig, fd, LINK_HELLO, message.bytes, message.len);
    len = link_rig_hear(rig, fd, answer, sizeof answer);
    assert_int_equal(link_hello_take(&hello, answer, len, &message),
                     LINK_HELLO_DONE);
    return fd;
}
