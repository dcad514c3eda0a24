/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "service/call.h"

#include "service/service_parts.h"
#include "support/cmocka.h"
#include "support/recorder.h"
#include "util/limits.h"

struct fixture {
    struct rig rig;
    struct recorder client;
};

static int setup(void **state)
{
    static struct fixture fixture;

    rig_open(&fixture.rig);
    recorder_open(&fixture.client, &fixture.rig, false);
    *state = &fixture;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *fixture = *state;

    recorder_close(&fixture->client);
    rig_close(&fixture->rig);
    return 0;
}

static void make_log(struct fixture *fixture)
{
    recorder_call(&fixture->client, "log.create", "{'log': 'orders'}");
    recorder_call(&fixture->client, "log.append",
                  "{'appends': [{'log': 'orders', 'entries': [b'a', b'b']}]}");
}

static void ended_calls_are_kept_up_to_a_bound_and_used_again(void **state)
{
    struct fixture *fixture = *state;
    const struct service *service = fixture->rig.service;
    struct recorder clients[2];
    uint32_t id;
    size_t i;

    make_log(fixture);
    fake_node_hold(fixture->rig.node, true);
    for (i = 0; i < 2; i++) {
        recorder_open(&clients[i], &fixture->rig, false);
        for (id = 1; id <= SESSION_CALLS_MAX; id++) {
            assert_int_equal(recorder_send(&clients[i], id, "log.read",
                                           "{'log': 'orders', 'from': 2}"),
                             0);
        }
    }
    fake_node_hold(fixture->rig.node, false);
    rig_settle(&fixture->rig);
    for (i = 0; i < 2; i++) {
        for (id = 1; id <= SESSION_CALLS_MAX; id++) {
            recorder_result(&clients[i], id);
        }
        recorder_close(&clients[i]);
    }
    assert_int_equal(service->calls_count, 0);
    assert_true(service->spare_count <= SERVICE_CALLS_SPARE);
    /* Nothing of what it was is left in one that is used again. */
    recorder_refused(&fixture->client, QL_INVALID, "log.read", "{'from': 2}");
    recorder_refused(&fixture->client, QL_NOT_FOUND, "log.stat",
                     "{'log': 'other'}");
    recorder_call(&fixture->client, "log.append",
                  "{'appends': [{'log': 'orders', 'entries': [b'd']}]}");
    assert_true(service->spare_count <= SERVICE_CALLS_SPARE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
        TEST(ended_calls_are_kept_up_to_a_bound_and_used_again),
#undef TEST
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
