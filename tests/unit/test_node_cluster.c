/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "consensus/node.h"

#include <dirent.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "support/cmocka.h"
#include "support/told.h"
#include "util/file.h"

static void three_nodes_go_on_when_their_leader_stops(void **state)
{
    struct seats seats;
    struct told told = {0};
    struct node_submit submit = {.data = &told};
    struct node_read read = {.data = &told};
    size_t first;
    size_t second;

    (void)state;
    seats_open(&seats, 3);
    for (size_t i = 0; i < 3; i++) {
        seats_start(&seats, i);
    }
    first = seats_await_leader(&seats);
    seats_create(&seats, first);
    seats_append(&seats, first, 20, 100);
    seats_await_equal(&seats, first);
    assert_int_equal(
        told_submit_append(seats.seats[(first + 1) % 3].node, &submit, 1),
        QL_NOT_LEADER);
    assert_int_equal(
        node_read(seats.seats[(first + 1) % 3].node, &read, told_on_read),
        QL_NOT_LEADER);
    seats_stop(&seats, first);

    second = seats_await_leader(&seats);
    assert_int_not_equal(first, second);
    seats_append(&seats, second, 20, 100);
    seats_await_equal(&seats, second);

    seats_start(&seats, first);
    seats_append(&seats, second, 5, 100);
    seats_await_equal(&seats, second);
    assert_int_equal(seats_tail(&seats, first), 46);
    seats_close(&seats);
}

static void leadership_goes_to_the_node_that_was_named(void **state)
{
    struct seats seats;
    struct told told = {0};
    struct node_transfer transfer = {.data = &told};
    struct node_status status;
    struct node *leader;
    size_t first;
    size_t next;

    (void)state;
    seats_open(&seats, 3);
    for (size_t i = 0; i < 3; i++) {
        seats_start(&seats, i);
    }
    first = seats_await_leader(&seats);
    next = (first + 1) % 3;
    leader = seats.seats[first].node;
    assert_int_equal(node_transfer(leader, &transfer, 9, told_on_transfer),
                     QL_INVALID);
    assert_int_equal(
        node_transfer(leader, &transfer, first + 1, told_on_transfer),
        QL_INVALID);
    assert_int_equal(
        node_transfer(seats.seats[next].node, &transfer, 0, told_on_transfer),
        QL_NOT_LEADER);
    assert_int_equal(
        node_transfer(leader, &transfer, next + 1, told_on_transfer), 0);
    assert_int_equal(node_transfer(leader, &transfer, 0, told_on_transfer),
                     QL_BUSY);
    seats_run_until(&seats, is_told, &told);
    assert_int_equal(told.last_status, 0);
    /* Whoever asked can be told where to go on. */
    node_status(leader, &status);
    assert_int_equal(status.leader, next + 1);
    assert_int_equal(seats_await_leader(&seats), next);
    seats_close(&seats);
}

static void leader_that_steps_down_is_followed_by_another(void **state)
{
    struct seats seats;
    struct told told = {0};
    struct told again = {0};
    struct node_transfer down = {.data = &told};
    struct node_transfer second = {.data = &again};
    struct node_submit submit = {.data = &told};
    struct node_status status;
    struct node *leader;
    uint64_t term;
    size_t first;

    (void)state;
    seats_open(&seats, 3);
    for (size_t i = 0; i < 3; i++) {
        seats_start(&seats, i);
    }
    first = seats_await_leader(&seats);
    leader = seats.seats[first].node;
    seats_create(&seats, first);
    node_status(leader, &status);
    term = status.term;
    assert_int_equal(node_step_down(seats.seats[(first + 1) % 3].node, &down,
                                    told_on_transfer),
                     QL_NOT_LEADER);
    assert_int_equal(node_step_down(leader, &down, told_on_transfer), 0);
    assert_int_equal(node_step_down(leader, &second, told_on_transfer),
                     QL_BUSY);
    assert_int_equal(told_submit_append(leader, &submit, 10), QL_NO_LEADER);
    seats_run_until(&seats, is_told, &told);
    assert_int_equal(told.last_status, 0);
    node_status(leader, &status);
    assert_true(status.term > term);
    assert_int_not_equal(status.role, NODE_LEADER);
    first = seats_await_leader(&seats);
    seats_append(&seats, first, 3, 10);
    seats_await_equal(&seats, first);
    seats_close(&seats);
}

static void transfer_to_a_dead_node_fails_and_service_goes_on(void **state)
{
    struct seats seats;
    struct told told = {0};
    struct node_transfer transfer = {.data = &told};
    struct node_submit submit = {.data = &told};
    size_t first;
    size_t dead;

    (void)state;
    seats_open(&seats, 3);
    for (size_t i = 0; i < 3; i++) {
        seats_start(&seats, i);
    }
    first = seats_await_leader(&seats);
    seats_create(&seats, first);
    dead = (first + 1) % 3;
    seats_stop(&seats, dead);
    seats_append(&seats, first, 1, 10);
    assert_int_equal(node_transfer(seats.seats[first].node, &transfer, dead + 1,
                                   told_on_transfer),
                     0);
    assert_int_equal(told_submit_append(seats.seats[first].node, &submit, 10),
                     QL_NO_LEADER);
    seats_run_until(&seats, is_told, &told);
    assert_int_equal(told.last_status, QL_TIMEOUT);
    assert_int_equal(seats_await_leader(&seats), first);
    seats_append(&seats, first, 1, 10);
    seats_close(&seats);
}

static bool follows(void *data)
{
    struct node_status status;

    node_status(data, &status);
    return status.role != NODE_LEADER;
}

/* The core has given it up by then, and nobody else will tell. */
static void transfer_that_is_waited_for_ends_with_the_node(void **state)
{
    struct seats seats;
    struct told told = {0};
    struct node_transfer transfer = {.data = &told};
    size_t first;
    size_t next;

    (void)state;
    seats_open(&seats, 3);
    for (size_t i = 0; i < 3; i++) {
        seats_start(&seats, i);
    }
    first = seats_await_leader(&seats);
    next = (first + 1) % 3;
    seats_create(&seats, first);
    seats_stop(&seats, next);
    assert_int_equal(node_transfer(seats.seats[first].node, &transfer, next + 1,
                                   told_on_transfer),
                     0);
    seats_stop(&seats, (first + 2) % 3);
    seats_run_until(&seats, follows, seats.seats[first].node);
    assert_false(is_told(&told));
    seats_stop(&seats, first);
    assert_true(is_told(&told));
    assert_int_equal(told.last_status, QL_SHUTTING_DOWN);
    seats_close(&seats);
}

static void node_that_fell_far_behind_gets_a_snapshot(void **state)
{
    struct seats seats;
    struct node_status status;
    size_t first;
    size_t late;

    (void)state;
    seats_open(&seats, 3);
    seats.options.snapshot_bytes_min = 1 * MIB;
    for (size_t i = 0; i < 3; i++) {
        seats_start(&seats, i);
    }
    first = seats_await_leader(&seats);
    late = (first + 1) % 3;
    seats_create(&seats, first);
    seats_stop(&seats, late);
    first = seats_await_leader(&seats);
    seats_append(&seats, first, 48, 1 * MIB);
    seats_start(&seats, late);
    seats_await_equal(&seats, first);
    node_status(seats.seats[late].node, &status);
    assert_true(status.snapshot_index > 0);
    seats_append(&seats, first, 2, 100);
    seats_await_equal(&seats, first);
    seats_close(&seats);
}

static void leader_without_quorum_says_what_it_does_not_know(void **state)
{
    enum { SENT = BATCHES_IN_FLIGHT, ALL = SENT + 2 };
    static struct node_submit submits[ALL];
    struct seats seats;
    struct told told[ALL] = {{0}};
    struct told read_told = {0};
    struct node_read read = {.data = &read_told};
    struct node *leader;
    size_t first;

    (void)state;
    seats_open(&seats, 3);
    for (size_t i = 0; i < 3; i++) {
        seats_start(&seats, i);
    }
    first = seats_await_leader(&seats);
    leader = seats.seats[first].node;
    seats_create(&seats, first);
    seats_stop(&seats, (first + 1) % 3);
    seats_stop(&seats, (first + 2) % 3);
    /* Each fills a batch; no more than BATCHES_IN_FLIGHT are sent. */
    for (size_t i = 0; i < ALL; i++) {
        submits[i].data = &told[i];
        assert_int_equal(told_submit_append(leader, &submits[i], BATCH_BYTES),
                         0);
    }
    assert_int_equal(node_read(leader, &read, told_on_read), 0);
    seats_run_until(&seats, is_told, &told[ALL - 1]);
    for (size_t i = 0; i < ALL; i++) {
        assert_int_equal(told[i].calls, 1);
        assert_int_equal(told[i].last_status,
                         i < SENT ? QL_OUTCOME_UNKNOWN : QL_NOT_LEADER);
    }
    seats_run_until(&seats, is_told, &read_told);
    assert_int_equal(read_told.last_status, QL_NOT_LEADER);
    seats_close(&seats);
}

/* A bit in the middle of what was written first. */
static void damage_log(const struct seat *seat)
{
    char dir[PATH_LEN_MAX];
    char path[PATH_LEN_MAX];
    struct dirent *entry;
    uint8_t byte;
    unsigned damaged = 0;
    DIR *stream;

    assert_int_equal(path_join(dir, sizeof dir, seat->dir, "raft", NULL), 0);
    stream = opendir(dir);
    assert_non_null(stream);
    for (entry = readdir(stream); entry != NULL; entry = readdir(stream)) {
        int fd;

        if (strncmp(entry->d_name, "wal-", 4) != 0) {
            continue;
        }
        assert_int_equal(path_join(path, sizeof path, dir, entry->d_name, NULL),
                         0);
        fd = open(path, O_RDWR | O_CLOEXEC);
        assert_true(fd >= 0);
        /* The second write of a segment in use. */
        assert_int_equal(pread(fd, &byte, 1, 2 * 4096), 1);
        if (byte != 0) {
            assert_int_equal(pread(fd, &byte, 1, 2 * 4096 + 40), 1);
            byte ^= 1;
            assert_int_equal(pwrite(fd, &byte, 1, 2 * 4096 + 40), 1);
            damaged++;
        }
        (void)close(fd);
    }
    (void)closedir(stream);
    assert_int_equal(damaged, 1);
}

struct later_term {
    struct seats *seats;
    uint64_t term;
};

static bool leads_in_a_later_term(void *data)
{
    struct later_term *later = data;
    struct node_status status;

    for (size_t i = 0; i < 3; i++) {
        node_status(later->seats->seats[i].node, &status);
        if (status.ready && status.term > later->term) {
            return true;
        }
    }
    return false;
}

static void node_that_lost_entries_gets_them_back_and_votes_again(void **state)
{
    struct seats seats;
    struct later_term later = {.seats = &seats};
    struct node_status status;
    size_t leader;
    size_t hurt;

    (void)state;
    seats_open(&seats, 3);
    for (size_t i = 0; i < 3; i++) {
        seats_start(&seats, i);
    }
    leader = seats_await_leader(&seats);
    seats_create(&seats, leader);
    seats_append(&seats, leader, 20, 4000);
    seats_await_equal(&seats, leader);
    hurt = (leader + 1) % 3;
    seats_stop(&seats, hurt);
    damage_log(&seats.seats[hurt]);
    node_status(seats.seats[leader].node, &status);
    later.term = status.term;
    seats_start(&seats, hurt);

    /* The others elect a leader without it; it catches up. */
    seats_run_until(&seats, leads_in_a_later_term, &later);
    leader = seats_await_leader(&seats);
    seats_append(&seats, leader, 3, 100);
    seats_await_equal(&seats, leader);
    assert_int_equal(seats_tail(&seats, hurt), 24);

    /* Two are left, so its vote is needed. */
    leader = seats_await_leader(&seats);
    seats_stop(&seats, leader == hurt ? (hurt + 1) % 3 : leader);
    leader = seats_await_leader(&seats);
    seats_append(&seats, leader, 3, 100);
    seats_await_equal(&seats, leader);
    assert_int_equal(seats_tail(&seats, hurt), 27);
    seats_close(&seats);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(three_nodes_go_on_when_their_leader_stops),
        cmocka_unit_test(leadership_goes_to_the_node_that_was_named),
        cmocka_unit_test(leader_that_steps_down_is_followed_by_another),
        cmocka_unit_test(transfer_to_a_dead_node_fails_and_service_goes_on),
        cmocka_unit_test(transfer_that_is_waited_for_ends_with_the_node),
        cmocka_unit_test(node_that_fell_far_behind_gets_a_snapshot),
        cmocka_unit_test(leader_without_quorum_says_what_it_does_not_know),
        cmocka_unit_test(node_that_lost_entries_gets_them_back_and_votes_again),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
