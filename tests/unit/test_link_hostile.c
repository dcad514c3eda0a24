/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* Who does wrong again and again costs one line for each cause, and is counted
 * each time; who reads nothing costs a bounded queue. */
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

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
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
