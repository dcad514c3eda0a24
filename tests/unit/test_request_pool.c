/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "client/request_pool.h"

#include <string.h>

#include "client/client.h"
#include "support/cmocka.h"
#include "util/limits.h"

#define MORE (CLIENT_CALLS_SPARE + 10)

struct one {
    struct request request;
    uint64_t number;
};

static struct ql_client client;
static struct request_pool pool;

static void on_done(struct request *request, const struct answer *answer)
{
    (void)request;
    (void)answer;
    fail();
}

static int setup(void **state)
{
    (void)state;
    memset(&client, 0, sizeof(client));
    request_pool_init(&pool, sizeof(struct one));
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    request_pool_close(&pool);
    return 0;
}

static struct one *take(void)
{
    struct request *request =
        request_pool_take(&pool, &client, METHOD_LOG_READ, on_done);

    assert_non_null(request);
    return LIST_ITEM(request, struct one, request);
}

static void calls_are_kept_up_to_a_bound(void **state)
{
    static struct one *calls[MORE];
    size_t i;

    (void)state;
    for (i = 0; i < MORE; i++) {
        calls[i] = take();
    }
    for (i = 0; i < MORE; i++) {
        request_pool_give(&pool, &calls[i]->request);
        assert_true(pool.count <= CLIENT_CALLS_SPARE);
    }
}

static void nothing_of_a_call_is_left_in_the_next(void **state)
{
    struct one *one = take();
    struct ql_error error;

    (void)state;
    client.calls_max = 1;
    client.bytes_max = 100;
    assert_int_equal(buf_add(&one->request.params, "abc", 3), 0);
    assert_int_equal(request_admit(&one->request, &error), 0);
    assert_int_equal(client.calls, 1);
    assert_int_equal(client.bytes, 3);
    assert_int_equal(client.pending, 1);
    one->number = 7;
    one->request.attempts = 3;
    one->request.send_once = true;
    request_pool_give(&pool, &one->request);
    assert_int_equal(client.calls, 0);
    assert_int_equal(client.bytes, 0);
    assert_int_equal(client.pending, 0);

    one = take();
    assert_int_equal(one->number, 0);
    assert_int_equal(one->request.params.len, 0);
    assert_int_equal(one->request.attempts, 0);
    assert_false(one->request.send_once);
    assert_false(one->request.counted);
    assert_int_equal(one->request.deadline_ms, REQUEST_NO_DEADLINE);
    request_pool_give(&pool, &one->request);
}

static void large_parameters_are_not_kept(void **state)
{
    struct one *one = take();

    (void)state;
    assert_int_equal(buf_reserve(&one->request.params, CLIENT_PARAMS_SPARE + 1),
                     0);
    request_pool_give(&pool, &one->request);
    one = take();
    assert_int_equal(one->request.params.room, 0);
    request_pool_give(&pool, &one->request);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
        TEST(calls_are_kept_up_to_a_bound),
        TEST(nothing_of_a_call_is_left_in_the_next),
        TEST(large_parameters_are_not_kept),
#undef TEST
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
