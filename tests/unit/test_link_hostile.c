/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* Who does wrong again and again costs one line for each cause, and is counted
 * each time; who reads nothing costs a bounded queue. */
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "consensus/link_frame.h"
#include "support/cmocka.h"
#include "support/link_rig.h"
#include "util/file.h"
#include "util/mem.h"

#define TIMES 1000u
#define AT_MIN 10u /* in a call, docs/formats.md, "Hello" */
#define AT_MAX 12u
#define AT_CLUSTER 32u

/* ---- What is said ---- */

struct said {
    int kept; /* the real stderr */
    int fd;
};

static struct said said_begin(struct link_rig *rig)
{
    struct said said = {.kept = dup(STDERR_FILENO)};
    char path[PATH_LEN_MAX];

    assert_int_equal(
        path_join(path, sizeof path, rig->dir->path, "stderr", NULL), 0);
    said.fd = open(path, O_CREAT | O_RDWR | O_TRUNC | O_CLOEXEC, 0600);
    assert_true(said.fd >= 0);
    assert_true(dup2(said.fd, STDERR_FILENO) >= 0);
    return said;
}

/* How many lines, and that @text is in exactly one of them. */
static size_t said_end(struct said *said, const char *text)
{
    char bytes[16384];
    ssize_t len = pread(said->fd, bytes, sizeof bytes - 1, 0);
    const char *found;
    size_t lines = 0;

    assert_true(dup2(said->kept, STDERR_FILENO) >= 0);
    (void)close(said->kept);
    (void)close(said->fd);
    assert_in_range(len, 1, sizeof bytes - 2);
    bytes[len] = '\0';
    found = strstr(bytes, text);
    if (found == NULL || strstr(found + 1, text) != NULL) {
        fail_msg("'%s' is not said once:\n%s", text, bytes);
    }
    for (ssize_t i = 0; i < len; i++) {
        lines += bytes[i] == '\n';
    }
    return lines;
}

/* ---- Strangers ---- */

static void garbage_is_said_once_in_a_thousand(void **state)
{
    static const char http[] = "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n";
    static const uint8_t claim[12] = {0xFF, 0xFF, 0xFF, 0xFF, LINK_HELLO};
    struct link_rig *rig = *state;
    struct said said;

    link_rig_start(rig, 1);
    said = said_begin(rig);
    for (unsigned i = 0; i < TIMES; i++) {
        int fd = link_rig_call(rig, 1);

        if (i % 2 == 0) {
            link_rig_tell(rig, fd, http, sizeof http - 1);
        } else {
            link_rig_tell(rig, fd, claim, sizeof claim);
        }
        link_rig_expect_end(rig, fd);
    }
    assert_int_equal(said_end(&said, "does not speak"), 1);
    assert_int_equal(link_rig_counts(rig, 1).refused, TIMES);
}

/* A call of node 2 to node 1 with other bytes in it, so many times. */
static void call_wrongly(struct link_rig *rig, size_t at, const void *bytes,
                         size_t len)
{
    static const uint8_t nonce[LINK_NONCE_LEN] = {0};
    struct link_hello hello;
    struct link_hello_reply call;

    link_hello_open(&hello, &link_rig_node(rig, 2)->identity, 1, nonce);
    link_hello_call(&hello, &call);
    memcpy(call.bytes + at, bytes, len);
    for (unsigned i = 0; i < TIMES; i++) {
        int fd = link_rig_call(rig, 1);

        link_rig_tell_frame(rig, fd, LINK_HELLO, call.bytes, call.len);
        link_rig_expect_end(rig, fd);
    }
    assert_int_equal(link_rig_counts(rig, 1).refused, TIMES);
}

static void another_cluster_is_said_once_in_a_thousand(void **state)
{
    struct link_rig *rig = *state;
    struct said said;

    link_rig_start(rig, 1);
    said = said_begin(rig);
    call_wrongly(rig, AT_CLUSTER, "9", 1);
    assert_int_equal(said_end(&said, "another cluster"), 1);
}

static void another_version_is_said_once_in_a_thousand(void **state)
{
    static const uint8_t versions[4] = {100, 0, 200, 0};
    struct link_rig *rig = *state;
    struct said said;

    assert_int_equal(AT_MAX, AT_MIN + 2);
    link_rig_start(rig, 1);
    said = said_begin(rig);
    call_wrongly(rig, AT_MIN, versions, sizeof versions);
    assert_int_equal(said_end(&said, "another version"), 1);
}

/* ---- Nodes that are what they say ---- */

static void bad_frames_are_said_once_for_each_kind(void **state)
{
    static const uint8_t claim[12] = {0xFF, 0xFF, 0xFF, 0xFF, LINK_RAFT};
    static const uint8_t damaged[13] = {1, 0, 0, 0, LINK_RAFT};
    struct link_rig *rig = *state;
    const struct identity *identity = &link_rig_node(rig, 2)->identity;
    struct said said;

    link_rig_start(rig, 1);
    said = said_begin(rig);
    for (unsigned i = 0; i < TIMES; i++) {
        int fd = link_rig_call_as(rig, identity, 1);

        if (i % 2 == 0) {
            link_rig_tell(rig, fd, claim, sizeof claim);
        } else {
            link_rig_tell(rig, fd, damaged, sizeof damaged);
        }
        link_rig_expect_end(rig, fd);
    }
    assert_int_equal(said_end(&said, "too large"), 2);
    assert_int_equal(link_rig_counts(rig, 1).bad_frames, TIMES);
    assert_int_equal(link_rig_node(rig, 1)->frames, 0);
}

/* Of one node they hide nothing about another. */
static void bad_frames_are_said_for_each_node(void **state)
{
    static const uint8_t damaged[13] = {1, 0, 0, 0, LINK_RAFT};
    struct link_rig *rig = *state;
    struct said said;

    link_rig_start(rig, 1);
    said = said_begin(rig);
    for (uint64_t id = 2; id <= 3; id++) {
        int fd = link_rig_call_as(rig, &link_rig_node(rig, id)->identity, 1);

        link_rig_tell(rig, fd, damaged, sizeof damaged);
        link_rig_expect_end(rig, fd);
    }
    assert_int_equal(said_end(&said, "node 3 "), 2);
}

/* Calls node 1, and is refused after both are proved. */
static void call_with_instance(struct link_rig *rig, char first)
{
    static const uint8_t nonce[LINK_NONCE_LEN] = {0};
    struct identity identity = link_rig_node(rig, 2)->identity;
    struct link_hello_reply message;
    struct link_hello hello;
    uint8_t answer[LINK_ANSWER_LEN];
    int fd = link_rig_call(rig, 1);
    size_t len;

    identity.instance[0] = first;
    link_hello_open(&hello, &identity, 1, nonce);
    link_hello_call(&hello, &message);
    link_rig_tell_frame(rig, fd, LINK_HELLO, message.bytes, message.len);
    len = link_rig_hear(rig, fd, answer, sizeof answer);
    assert_int_equal(link_hello_take(&hello, answer, len, &message),
                     LINK_HELLO_JUDGE);
    (void)link_hello_accept(&hello, &message);
    link_rig_tell_frame(rig, fd, LINK_HELLO, message.bytes, message.len);
    link_rig_expect_end(rig, fd);
}

/* Two directories that both claim to be node 2 beside the real one. */
static void nodes_that_take_turns_do_not_fill_the_log(void **state)
{
    struct link_rig *rig = *state;
    struct said said;

    link_rig_start(rig, 1);
    (void)close(link_rig_call_as(rig, &link_rig_node(rig, 2)->identity, 1));
    said = said_begin(rig);
    for (unsigned i = 0; i < 100; i++) {
        call_with_instance(rig, i % 2 == 0 ? 'a' : 'b');
    }
    assert_int_equal(said_end(&said, "is b1111111"), 2);
    assert_int_equal(link_rig_counts(rig, 1).refused, 100);
}

static void node_of_many_instances_is_said_to_be_so_a_few_times(void **state)
{
    struct link_rig *rig = *state;
    struct said said;

    link_rig_start(rig, 1);
    (void)close(link_rig_call_as(rig, &link_rig_node(rig, 2)->identity, 1));
    said = said_begin(rig);
    for (char first = '3'; first <= '9'; first++) {
        call_with_instance(rig, first);
    }
    assert_int_equal(said_end(&said, "is 41111111"), 4);
    assert_int_equal(link_rig_counts(rig, 1).refused, 7);
}

/* ---- Who reads nothing ---- */

#define FRAME_LEN (1u * MIB)
#define FRAMES 200u

static int listen_as(struct link_rig *rig, uint64_t id)
{
    struct sockaddr_in own = {.sin_family = AF_INET};
    const struct identity *identity = &link_rig_node(rig, id)->identity;
    struct address address;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    int on = 1;

    assert_int_equal(address_parse(identity->members[id - 1].peer_address, 0,
                                   &address, NULL),
                     0);
    own.sin_port = htons(address.port);
    own.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    assert_true(fd >= 0);
    assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on),
                     0);
    assert_int_equal(bind(fd, (struct sockaddr *)&own, sizeof own), 0);
    assert_int_equal(listen(fd, 4), 0);
    return fd;
}

struct waiting {
    int listener;
    int fd;
};

static bool has_called(void *data)
{
    struct waiting *waiting = data;

    waiting->fd = accept4(waiting->listener, NULL, NULL, SOCK_CLOEXEC);
    return waiting->fd >= 0;
}

/* Answers the call of node 1 as node 2, up to where frames may come. */
static int answer_as_node_2(struct link_rig *rig, int listener)
{
    static const uint8_t nonce[LINK_NONCE_LEN] = {7};
    struct waiting waiting = {.listener = listener};
    struct link_hello_reply reply;
    struct link_hello hello;
    uint8_t bytes[LINK_CALL_LEN];
    size_t len;

    link_rig_run_until(rig, has_called, &waiting);
    link_hello_open(&hello, &link_rig_node(rig, 2)->identity, 0, nonce);
    len = link_rig_hear(rig, waiting.fd, bytes, sizeof bytes);
    assert_int_equal(link_hello_take(&hello, bytes, len, &reply),
                     LINK_HELLO_WAIT);
    link_rig_tell_frame(rig, waiting.fd, LINK_HELLO, reply.bytes, reply.len);
    len = link_rig_hear(rig, waiting.fd, bytes, sizeof bytes);
    assert_int_equal(link_hello_take(&hello, bytes, len, &reply),
                     LINK_HELLO_JUDGE);
    (void)link_hello_accept(&hello, &reply);
    link_rig_tell_frame(rig, waiting.fd, LINK_HELLO, reply.bytes, reply.len);
    return waiting.fd;
}

struct sends {
    struct link_send sends[FRAMES];
    size_t done;
    size_t busy;
};

static void on_sent(struct link_send *send, int status)
{
    struct sends *sends = send->data;

    sends->done++;
    sends->busy += status == QL_BUSY;
}

static bool are_done(void *data)
{
    const struct sends *sends = data;

    return sends->done == FRAMES;
}

static void peer_that_reads_nothing_costs_a_bounded_queue(void **state)
{
    struct link_rig *rig = *state;
    struct sends *sends = mem_must_zalloc(sizeof *sends);
    uint8_t *bytes = mem_must_zalloc(FRAME_LEN);
    const struct bytes part = {bytes, FRAME_LEN};
    int listener = listen_as(rig, 2);
    struct link *link;
    int fd;

    link_rig_start(rig, 1);
    fd = answer_as_node_2(rig, listener);
    link_rig_meet(rig, 1, 2);
    link_rig_start(rig, 3); /* only now: it calls node 2, too */
    link_rig_meet(rig, 1, 3);
    link = link_rig_node(rig, 1)->link;
    for (unsigned i = 0; i < FRAMES; i++) {
        sends->sends[i].data = sends;
        assert_int_equal(
            link_send(link, &sends->sends[i], 2, LINK_RAFT, &part, 1, on_sent),
            0);
        assert_true(link_queued(link, 2) <=
                    LINK_QUEUE_MAX + LINK_FRAME_MAX + LINK_HEADER_LEN);
        /* The others notice nothing. */
        assert_int_equal(link_rig_send(rig, 1, 3, LINK_RAFT, "x", 1), 0);
        link_rig_wait_frames(rig, 3, i + 1);
    }
    assert_true(link_connected(link, 2));
    assert_true(sends->busy > FRAMES / 2);
    assert_int_equal(link_rig_counts(rig, 1).dropped, sends->busy);
    (void)close(listener);
    (void)close(fd);
    link_rig_run_until(rig, are_done, sends);
    assert_int_equal(link_queued(link, 2), 0);
    free(bytes);
    free(sends);
}

#define IN_RIG(test)                                                           \
    cmocka_unit_test_setup_teardown(test, link_rig_setup, link_rig_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_RIG(garbage_is_said_once_in_a_thousand),
        IN_RIG(another_cluster_is_said_once_in_a_thousand),
        IN_RIG(another_version_is_said_once_in_a_thousand),
        IN_RIG(bad_frames_are_said_once_for_each_kind),
        IN_RIG(bad_frames_are_said_for_each_node),
        IN_RIG(nodes_that_take_turns_do_not_fill_the_log),
        IN_RIG(node_of_many_instances_is_said_to_be_so_a_few_times),
        IN_RIG(peer_that_reads_nothing_costs_a_bounded_queue),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
