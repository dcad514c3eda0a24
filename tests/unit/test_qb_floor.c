/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include <dirent.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "qb_floor.h"
#include "support/cmocka.h"
#include "support/tmpdir.h"

#define MESSAGE_LEN 200u

static const struct qb_floor_options quick = {
    .nodes = 3, .write_len = 1, .message_len = MESSAGE_LEN, .budget_ms = 60};

static void assert_near(double left, double right)
{
    assert_true(left - right < 0.001);
    assert_true(right - left < 0.001);
}

static size_t files_in(const char *path)
{
    DIR *dir = opendir(path);
    size_t count = 0;

    while (readdir(dir) != NULL) {
        count++;
    }
    (void)closedir(dir);
    return count - 2; /* itself and its parent */
}

static void three_nodes_wait_for_the_fastest_follower(void **state)
{
    const double disks[] = {50, 90, 70};

    (void)state;
    assert_near(qb_floor_quorum(disks, 3, 20), 90);
}

static void slow_disk_of_the_leader_is_the_floor(void **state)
{
    const double disks[] = {500, 90, 70};

    (void)state;
    assert_near(qb_floor_quorum(disks, 3, 20), 500);
}

static void five_nodes_wait_for_the_second_follower(void **state)
{
    const double disks[] = {10, 90, 30, 70, 50};

    (void)state;
    assert_near(qb_floor_quorum(disks, 5, 20), 70);
}

static void four_nodes_need_two_followers(void **state)
{
    const double disks[] = {10, 90, 30, 70};

    (void)state;
    assert_near(qb_floor_quorum(disks, 4, 20), 90);
}

static void node_alone_waits_for_its_disk_only(void **state)
{
    const double disk = 40;

    (void)state;
    assert_near(qb_floor_quorum(&disk, 1, 20), 40);
}

static void measurement_is_the_formula_of_its_parts(void **state)
{
    const struct tmpdir *dir = *state;
    const char *const dirs[] = {dir->path, dir->path, dir->path};
    struct qb_floor_options options = quick;
    struct qb_floor floor;
    double disks[3];

    options.dirs = dirs;
    options.dir_count = 3;
    options.write_len = 10000;
    assert_int_equal(qb_floor_measure(&options, &floor, NULL), 0);
    assert_true(floor.disks_known);
    assert_true(floor.peers_known);
    assert_int_equal(floor.write_len, 12288);
    for (size_t i = 0; i < 3; i++) {
        const struct qb_floor_dir *found = &floor.dirs[i];

        assert_string_equal(found->path, dir->path);
        assert_true(found->ways[found->best].count > 0);
        assert_true(found->write.count > 0);
        assert_true(found->together.count > 0);
        for (size_t way = 0; way < QB_DISK_WAYS; way++) {
            assert_true(found->ways[way].count == 0 ||
                        found->ways[way].p50_us >=
                            found->ways[found->best].p50_us);
        }
        disks[i] = found->together.p50_us;
    }
    assert_true(floor.client_trip.count > 0);
    assert_near(floor.p50_us,
                floor.client_trip.p50_us +
                    qb_floor_quorum(disks, 3, floor.peer_trip.p50_us));
    assert_near(qb_floor_times(&floor, 3 * floor.p50_us), 3);
}

static void measurement_leaves_no_file_behind(void **state)
{
    const struct tmpdir *dir = *state;
    const char *const dirs[] = {dir->path};
    struct qb_floor_options options = quick;
    struct qb_floor floor;

    options.dirs = dirs;
    options.dir_count = 1;
    assert_int_equal(qb_floor_measure(&options, &floor, NULL), 0);
    assert_int_equal(files_in(dir->path), 0);
}

static void directory_that_is_missing_is_refused_by_name(void **state)
{
    const struct tmpdir *dir = *state;
    char missing[128];
    const char *const dirs[] = {dir->path, missing};
    struct qb_floor_options options = quick;
    struct qb_floor floor;
    struct err err;

    (void)snprintf(missing, sizeof missing, "%s/missing", dir->path);
    options.dirs = dirs;
    options.dir_count = 2;
    assert_int_equal(qb_floor_measure(&options, &floor, &err), QL_NOT_FOUND);
    assert_non_null(strstr(err.text, missing));
    assert_int_equal(files_in(dir->path), 0);
}

static void directory_that_cannot_be_written_is_refused(void **state)
{
    static const char *const dirs[] = {"/proc"};
    struct qb_floor_options options = quick;
    struct qb_floor floor;
    struct err err;

    (void)state;
    options.dirs = dirs;
    options.dir_count = 1;
    assert_int_not_equal(qb_floor_measure(&options, &floor, &err), 0);
    assert_non_null(strstr(err.text, "/proc"));
}

static void without_directories_only_round_trips_are_known(void **state)
{
    struct qb_floor floor;

    (void)state;
    assert_int_equal(qb_floor_measure(&quick, &floor, NULL), 0);
    assert_false(floor.disks_known);
    assert_near(floor.p50_us,
                floor.client_trip.p50_us + floor.peer_trip.p50_us);
}

static void endpoint_that_does_not_answer_is_named(void **state)
{
    static const char *const endpoints[] = {"127.0.0.1:1"};
    struct qb_floor_options options = quick;
    struct qb_floor floor;
    struct err err;

    (void)state;
    options.endpoints = endpoints;
    options.endpoint_count = 1;
    assert_int_equal(qb_floor_measure(&options, &floor, &err), QL_CONNECT);
    assert_non_null(strstr(err.text, "127.0.0.1:1"));
}

/* A node of few words. */
static void *answer_pings(void *data)
{
    static const uint8_t answer[] = {0x94, 1, 1, 0xc0, 0x80};
    const int *listener = data;
    int fd = accept(*listener, NULL, NULL);
    uint8_t bytes[256];

    while (recv(fd, bytes, sizeof bytes, 0) > 0) {
        (void)send(fd, answer, sizeof answer, MSG_NOSIGNAL);
    }
    (void)close(fd);
    return NULL;
}

static void node_that_is_down_costs_nothing(void **state)
{
    const struct tmpdir *dir = *state;
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    char endpoint[sizeof address.sun_path + 8];
    const char *const endpoints[] = {"127.0.0.1:1", endpoint, "127.0.0.1:1"};
    struct qb_floor_options options = quick;
    struct qb_floor floor;
    pthread_t node;
    int listener = socket(AF_UNIX, SOCK_STREAM, 0);

    (void)snprintf(address.sun_path, sizeof address.sun_path, "%s/node",
                   dir->path);
    (void)snprintf(endpoint, sizeof endpoint, "unix:%s", address.sun_path);
    assert_int_equal(
        bind(listener, (struct sockaddr *)&address, sizeof address), 0);
    assert_int_equal(listen(listener, 1), 0);
    assert_int_equal(pthread_create(&node, NULL, answer_pings, &listener), 0);
    options.endpoints = endpoints;
    options.endpoint_count = 3;
    assert_int_equal(qb_floor_measure(&options, &floor, NULL), 0);
    assert_true(floor.trips_real);
    assert_true(floor.client_trip.count > 0);
    assert_int_equal(pthread_join(node, NULL), 0);
    (void)close(listener);
}

static void floor_that_was_not_measured_has_no_multiples(void **state)
{
    const struct qb_floor floor = {0};

    (void)state;
    assert_near(qb_floor_times(&floor, 100), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(three_nodes_wait_for_the_fastest_follower),
        cmocka_unit_test(slow_disk_of_the_leader_is_the_floor),
        cmocka_unit_test(five_nodes_wait_for_the_second_follower),
        cmocka_unit_test(four_nodes_need_two_followers),
        cmocka_unit_test(node_alone_waits_for_its_disk_only),
        cmocka_unit_test_setup_teardown(measurement_is_the_formula_of_its_parts,
                                        tmpdir_setup, tmpdir_teardown),
        cmocka_unit_test_setup_teardown(measurement_leaves_no_file_behind,
                                        tmpdir_setup, tmpdir_teardown),
        cmocka_unit_test_setup_teardown(
            directory_that_is_missing_is_refused_by_name, tmpdir_setup,
            tmpdir_teardown),
        cmocka_unit_test(directory_that_cannot_be_written_is_refused),
        cmocka_unit_test(without_directories_only_round_trips_are_known),
        cmocka_unit_test(endpoint_that_does_not_answer_is_named),
        cmocka_unit_test_setup_teardown(node_that_is_down_costs_nothing,
                                        tmpdir_setup, tmpdir_teardown),
        cmocka_unit_test(floor_that_was_not_measured_has_no_multiples),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
