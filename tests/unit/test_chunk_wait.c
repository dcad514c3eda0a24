/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* Loading neighbours together where chunks are small. */
#include "service/chunk_wait.h"

#include <stdio.h>
#include <string.h>

#include "support/cmocka.h"
#include "support/fake_chunks.h"
#include "support/recorder.h"
#include "wire/args_read.h"

#define VALUE_BYTES 10000u
#define ENTRIES 40u
#define RUN                                                                    \
    (LOAD_RUN_BYTES / (VALUE_BYTES + 24u) < LOAD_RUN_MAX                       \
         ? LOAD_RUN_BYTES / (VALUE_BYTES + 24u)                                \
         : LOAD_RUN_MAX)

/* "orders" has ENTRIES entries, each in a chunk of its own that is put away. */
struct fixture {
    struct rig rig;
    struct recorder client;
    struct chunk_store *chunks;
};

static int setup(void **state)
{
    static const struct machine_limits limits = {.chunk_bytes = CHUNK_BYTES,
                                                 .open_bytes = 1};
    static struct fixture fixture;
    static char params[VALUE_BYTES + 200];
    unsigned i;
    int len;

    fake_node_limits = &limits;
    rig_open(&fixture.rig);
    fake_node_limits = NULL;
    recorder_open(&fixture.client, &fixture.rig, false);
    fixture.chunks = node_chunks(fixture.rig.node);
    recorder_call(&fixture.client, "log.create", "{'log': 'orders'}");
    len = snprintf(params, sizeof(params),
                   "{'appends': [{'log': 'orders', 'entries': [b'");
    memset(params + len, 'x', VALUE_BYTES);
    strcpy(params + len + VALUE_BYTES, "']}]}");
    for (i = 0; i < ENTRIES; i++) {
        rig_replicate(&fixture.rig, COMMAND_LOG_APPEND, params);
    }
    fake_chunks_put_away(fixture.chunks);
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

static void send_read(struct fixture *fixture, const char *params)
{
    assert_int_equal(recorder_send(&fixture->client, 1, "log.read", params), 0);
    rig_settle(&fixture->rig);
}

static void expect_read(struct fixture *fixture, uint64_t first, uint64_t next)
{
    struct read_result read;
    struct err err;

    assert_int_equal(
        read_result_decode(&read, recorder_result(&fixture->client, 1), &err),
        0);
    assert_int_equal(read.entries[0].position, first);
    assert_int_equal(read.count, next - first);
    assert_int_equal(read.next, next);
    read_result_free(&read);
    assert_int_equal(fake_chunks_held(fixture->chunks), 0);
    assert_int_equal(fake_chunks_waiting(fixture->chunks), 0);
}

static void neighbours_are_loaded_together_in_any_order(void **state)
{
    struct fixture *fixture = *state;
    size_t i;

    send_read(fixture, "{'log': 'orders', 'from': 3}");
    assert_int_equal(fake_chunks_waiting(fixture->chunks), RUN);
    for (i = 0; i < RUN; i++) {
        assert_int_equal(fake_chunks_wanted(fixture->chunks, i), 3 + i);
    }
    for (i = RUN; i > 0; i--) {
        recorder_expect_nothing(&fixture->client);
        fake_chunks_finish(fixture->chunks, i - 1, 0);
    }
    expect_read(fixture, 3, 3 + RUN);
}

static void no_more_is_loaded_than_the_read_may_have(void **state)
{
    struct fixture *fixture = *state;

    send_read(fixture, "{'log': 'orders', 'from': 3, 'entries_max': 2}");
    assert_int_equal(fake_chunks_waiting(fixture->chunks), 2);
    fake_chunks_finish(fixture->chunks, 0, 0);
    fake_chunks_finish(fixture->chunks, 0, 0);
    expect_read(fixture, 3, 5);
    send_read(fixture, "{'log': 'orders', 'from': 3, 'to': 6}");
    assert_int_equal(fake_chunks_waiting(fixture->chunks), 3);
    fake_chunks_finish(fixture->chunks, 2, 0);
    fake_chunks_finish(fixture->chunks, 1, 0);
    fake_chunks_finish(fixture->chunks, 0, 0);
    expect_read(fixture, 3, 6);
}

static void answer_ends_before_a_neighbour_that_is_not_to_be_had(void **state)
{
    struct fixture *fixture = *state;

    send_read(fixture, "{'log': 'orders', 'from': 3, 'entries_max': 3}");
    fake_chunks_finish(fixture->chunks, 1, QL_NOT_FOUND);
    fake_chunks_finish(fixture->chunks, 1, 0);
    fake_chunks_finish(fixture->chunks, 0, 0);
    expect_read(fixture, 3, 4);
}

static void read_fails_with_its_first_chunk_whatever_the_others_do(void **state)
{
    struct fixture *fixture = *state;

    send_read(fixture, "{'log': 'orders', 'from': 3, 'entries_max': 3}");
    fake_chunks_finish(fixture->chunks, 2, 0);
    fake_chunks_finish(fixture->chunks, 0, QL_NOT_FOUND);
    recorder_error(&fixture->client, 1, QL_CORRUPT);
    assert_int_equal(fake_chunks_waiting(fixture->chunks), 0);
    assert_int_equal(fake_chunks_held(fixture->chunks), 0);
}

static void neighbours_that_are_late_are_not_waited_for(void **state)
{
    struct fixture *fixture = *state;
    unsigned i;

    send_read(fixture, "{'log': 'orders', 'from': 3, 'entries_max': 3}");
    fake_chunks_finish(fixture->chunks, 0, 0);
    recorder_expect_nothing(&fixture->client);
    for (i = 0; i <= SERVICE_LOAD_MS / SERVER_TICK_MS; i++) {
        service_tick(fixture->rig.service);
    }
    expect_read(fixture, 3, 4);
}

static void little_in_memory_is_not_answered_alone(void **state)
{
    struct fixture *fixture = *state;

    fake_chunks_bring(fixture->chunks, 3);
    send_read(fixture, "{'log': 'orders', 'from': 3, 'to': 6}");
    assert_int_equal(fake_chunks_waiting(fixture->chunks), 2);
    assert_int_equal(fake_chunks_wanted(fixture->chunks, 0), 4);
    fake_chunks_finish(fixture->chunks, 0, 0);
    fake_chunks_finish(fixture->chunks, 0, 0);
    expect_read(fixture, 3, 6);
    /* But it is when the rest does not come. */
    send_read(fixture, "{'log': 'orders', 'from': 3, 'to': 6}");
    fake_chunks_finish(fixture->chunks, 0, QL_NOT_FOUND);
    expect_read(fixture, 3, 4);
}

static void nothing_is_kept_back_for_what_another_node_has(void **state)
{
    struct fixture *fixture = *state;
    struct machine *machine = node_machine(fixture->rig.node);
    struct chunk_home *home;
    struct chunk *chunk;
    struct log_stat stat;

    assert_int_equal(
        machine_log_stat(machine, (struct bytes){(const uint8_t *)"orders", 6},
                         &stat),
        0);
    chunk = chunk_leaf(machine_find_chunk(machine, stat.uid, 4), 4);
    home = chunk->home;
    chunk->home = NULL; /* it is missing here */
    fake_chunks_bring(fixture->chunks, 3);
    send_read(fixture, "{'log': 'orders', 'from': 3}");
    expect_read(fixture, 3, 4);
    fake_chunks_put_away(fixture->chunks);
    send_read(fixture, "{'log': 'orders', 'from': 3}");
    assert_int_equal(fake_chunks_waiting(fixture->chunks), 1);
    fake_chunks_finish(fixture->chunks, 0, 0);
    expect_read(fixture, 3, 4);
    chunk->home = home;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
        TEST(neighbours_are_loaded_together_in_any_order),
        TEST(no_more_is_loaded_than_the_read_may_have),
        TEST(answer_ends_before_a_neighbour_that_is_not_to_be_had),
        TEST(read_fails_with_its_first_chunk_whatever_the_others_do),
        TEST(neighbours_that_are_late_are_not_waited_for),
        TEST(little_in_memory_is_not_answered_alone),
        TEST(nothing_is_kept_back_for_what_another_node_has),
#undef TEST
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
