/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "service/hold.h"

#include "support/cmocka.h"
#include "support/recorder.h"
#include "support/wire_check.h"
#include "wire/args_writer.h"
#include "wire/method.h"

struct fixture {
    struct rig rig;
    struct recorder client;
    struct recorder other;
};

static int setup(void **state)
{
    static struct fixture fixture;

    rig_open(&fixture.rig);
    recorder_open(&fixture.client, &fixture.rig, false);
    recorder_open(&fixture.other, &fixture.rig, false);
    recorder_call(&fixture.client, "log.create", "{'log': 'orders'}");
    *state = &fixture;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *fixture = *state;

    recorder_close(&fixture->client);
    recorder_close(&fixture->other);
    rig_close(&fixture->rig);
    return 0;
}

static const char acquire[] = "{'log': 'orders', 'name': 'w'}";

static void expect_fenced(struct recorder *recorder, uint64_t epoch,
                          uint64_t newer)
{
    struct writer_fenced fenced;
    struct err err;

    assert_int_equal(
        writer_fenced_decode(
            &fenced, recorder_notice(recorder, NOTIFY_WRITER_FENCED), &err),
        0);
    assert_bytes(fenced.log, "orders");
    assert_int_equal(fenced.epoch, epoch);
    assert_int_equal(fenced.newer, newer);
}

static void holder_is_told_once_when_another_acquires(void **state)
{
    struct fixture *fixture = *state;

    recorder_call(&fixture->client, "writer.acquire", acquire);
    recorder_call(&fixture->other, "writer.acquire", acquire);
    expect_fenced(&fixture->client, 1, 2);
    recorder_call(&fixture->other, "writer.acquire", acquire);
    expect_fenced(&fixture->other, 2, 3);
    recorder_expect_nothing(&fixture->client);
    recorder_refused(&fixture->client, QL_FENCED, "log.append",
                     "{'appends': [{'log': 'orders', 'entries': [b'x'], "
                     "'epoch': 1}]}");
}

static void holder_is_told_when_the_acquire_came_by_another_node(void **state)
{
    struct fixture *fixture = *state;

    recorder_call(&fixture->client, "writer.acquire", acquire);
    fake_node_elect(fixture->rig.node, 2);
    rig_replicate(&fixture->rig, COMMAND_WRITER_ACQUIRE, acquire);
    expect_fenced(&fixture->client, 1, 2);
}

static void acquires_in_one_batch_fence_each_other(void **state)
{
    struct fixture *fixture = *state;

    fake_node_hold(fixture->rig.node, true);
    recorder_send(&fixture->client, 1, "writer.acquire", acquire);
    recorder_send(&fixture->other, 2, "writer.acquire", acquire);
    fake_node_hold(fixture->rig.node, false);
    rig_settle(&fixture->rig);
    recorder_result(&fixture->client, 1);
    recorder_result(&fixture->other, 2);
    expect_fenced(&fixture->client, 1, 2);
    recorder_expect_nothing(&fixture->other);
}

static void holder_of_a_deleted_log_is_told(void **state)
{
    struct fixture *fixture = *state;

    recorder_call(&fixture->client, "writer.acquire", acquire);
    rig_replicate(&fixture->rig, COMMAND_LOG_DELETE, "{'log': 'orders'}");
    expect_fenced(&fixture->client, 1, 0);
}

static void who_released_a_log_is_not_told(void **state)
{
    struct fixture *fixture = *state;

    recorder_call(&fixture->client, "writer.acquire", acquire);
    recorder_call(&fixture->client, "writer.release",
                  "{'log': 'orders', 'epoch': 1}");
    assert_int_equal(fixture->client.channel.holds_count, 0);
    recorder_call(&fixture->other, "writer.acquire", acquire);
    recorder_expect_nothing(&fixture->client);
}

static void holds_of_a_connection_are_limited(void **state)
{
    struct fixture *fixture = *state;

    fixture->client.channel.holds_count = SESSION_HOLDS_MAX;
    recorder_refused(&fixture->client, QL_TOO_LARGE, "writer.acquire", acquire);
    fixture->client.channel.holds_count = 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
        TEST(holder_is_told_once_when_another_acquires),
        TEST(holder_is_told_when_the_acquire_came_by_another_node),
        TEST(acquires_in_one_batch_fence_each_other),
        TEST(holder_of_a_deleted_log_is_told),
        TEST(who_released_a_log_is_not_told),
        TEST(holds_of_a_connection_are_limited),
#undef TEST
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
