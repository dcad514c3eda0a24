/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* Chunks that are nowhere on a node, and who waits for them. */
#include <string.h>

#include "store/chunk_store_internal.h"
#include "support/chunk_rig.h"
#include "support/cmocka.h"
#include "util/limits.h"

static int setup_limited(void **state, uint64_t open_bytes)
{
    static struct chunk_rig rig;

    memset(&rig, 0, sizeof(rig));
    rig.limits.open_bytes = open_bytes;
    chunk_rig_open(&rig);
    *state = &rig;
    return 0;
}

static int setup(void **state)
{
    (void)setup_limited(state, 0);
    chunk_rig_fill(*state, 3);
    return 0;
}

static int setup_merging(void **state)
{
    return setup_limited(state, CHUNK_RIG_OPEN);
}

static int teardown(void **state)
{
    chunk_rig_close(*state);
    return 0;
}

struct reading {
    struct chunk_load load;
    unsigned calls;
    int status;
};

static void on_loaded(struct chunk_load *load, int status)
{
    struct reading *reading = load->data;

    reading->calls++;
    reading->status = status;
}

static void begin(struct chunk_rig *rig, struct reading *reading,
                  struct chunk *chunk)
{
    memset(reading, 0, sizeof(*reading));
    reading->load.data = reading;
    chunk_store_load(rig->store, &reading->load, chunk, on_loaded);
    chunk_rig_settle(rig);
}

static void who_begins_to_wait_has_it_told_again(void **state)
{
    struct chunk_rig *rig = *state;
    struct chunk *chunk = chunk_rig_chunk(rig, 1);
    struct reading reading;
    struct reading other;

    fake_disk_delete(rig->fake, chunk_rig_file(chunk));
    begin(rig, &reading, chunk);
    chunk_store_load_end(rig->store, &reading.load);
    assert_int_equal(rig->missing, 1);
    begin(rig, &reading, chunk);
    assert_int_equal(rig->missing, 2);
    assert_ptr_equal(rig->absent[1], chunk);
    begin(rig, &other, chunk);
    assert_int_equal(rig->missing, 2);
    chunk_store_load_end(rig->store, &reading.load);
    chunk_store_load_end(rig->store, &other.load);
}

/* The only part of a merge that is lost, and a load that waits for it. */
static struct chunk *lose_a_part(struct chunk_rig *rig, struct reading *reading)
{
    struct chunk *chunk = chunk_rig_merge(rig);

    fake_disk_flip(rig->fake, chunk_rig_file(chunk->parts->chunks[2]),
                   8 * 2400);
    begin(rig, reading, chunk);
    assert_int_equal(rig->missing, 1);
    assert_int_equal(reading->calls, 0);
    return chunk;
}

static void what_waits_for_a_part_is_not_read_ahead(void **state)
{
    struct chunk_rig *rig = *state;
    struct reading reading;
    struct chunk *chunk;

    chunk = lose_a_part(rig, &reading);
    rig->store->options.cache_bytes = 1024 * 1024; /* else nothing is */
    chunk_store_ahead(rig->store, chunk);
    chunk_store_ahead(rig->store, chunk);
    chunk_rig_settle(rig);
    chunk_store_give_up(rig->store, rig->absent[0]);
    chunk_rig_settle(rig);
    assert_int_equal(reading.calls, 1);
    assert_int_equal(reading.status, QL_NOT_FOUND);
    chunk_store_load_end(rig->store, &reading.load);
}

static void loads_of_two_wholes_wait_for_the_same_part(void **state)
{
    struct chunk_rig *rig = *state;
    struct reading whole;
    struct reading part;
    struct chunk *chunk = lose_a_part(rig, &whole);

    begin(rig, &part, rig->absent[0]);
    assert_int_equal(part.calls, 0);
    chunk_store_give_up(rig->store, rig->absent[0]);
    assert_int_equal(whole.calls + part.calls, 0);
    chunk_rig_settle(rig);
    assert_int_equal(whole.status, QL_NOT_FOUND);
    assert_int_equal(part.status, QL_NOT_FOUND);
    chunk_store_load_end(rig->store, &part.load);
    chunk_store_load_end(rig->store, &whole.load);
    assert_null(chunk->memory);
}

/* ---- From inside callbacks ----------------------------------------------- */

struct greedy {
    struct chunk_rig *rig;
    struct chunk_load load;
    struct chunk_load next;
    struct chunk *after;
    unsigned calls;
};

static void on_next(struct chunk_load *load, int status)
{
    struct greedy *greedy = load->data;

    assert_int_equal(status, 0);
    greedy->calls++;
    chunk_store_load_end(greedy->rig->store, load);
}

/* Ends all loads, its own and the others that are due, and begins another. */
static struct greedy greedies[3];
static void on_greedy(struct chunk_load *load, int status)
{
    struct greedy *greedy = load->data;

    assert_int_equal(status, 0);
    greedy->calls++;
    for (size_t i = 0; i < 3; i++) {
        chunk_store_load_end(greedy->rig->store, &greedies[i].load);
    }
    greedy->next.data = greedy;
    chunk_store_load(greedy->rig->store, &greedy->next, greedy->after, on_next);
}

static void a_callback_may_end_the_loads_that_are_due_and_begin_others(
    void **state)
{
    struct chunk_rig *rig = *state;

    memset(greedies, 0, sizeof(greedies));
    for (size_t i = 0; i < 3; i++) {
        greedies[i].rig = rig;
        greedies[i].load.data = &greedies[i];
        greedies[i].after =
            chunk_rig_chunk(rig, 1 + ((i + 1) % 3) * CHUNK_RIG_ENTRIES);
        chunk_store_load(rig->store, &greedies[i].load, chunk_rig_chunk(rig, 1),
                         on_greedy);
    }
    chunk_rig_settle(rig);
    assert_int_equal(greedies[0].calls, 2);
    assert_int_equal(greedies[1].calls + greedies[2].calls, 0);
    for (uint64_t i = 0; i < 3; i++) {
        assert_null(chunk_rig_chunk(rig, 1 + i * CHUNK_RIG_ENTRIES)->memory);
    }
}

/* ---- Copies from peers --------------------------------------------------- */

struct answer {
    int status;
    uint8_t row[PACK_ROW_LEN];
    uint8_t frame[16 * 1024];
    size_t len;
};

static void on_served(struct chunk_serve *serve, int status, const uint8_t *row,
                      struct bytes frame)
{
    struct answer *answer = serve->data;

    answer->status = status;
    assert_int_equal(status, 0);
    memcpy(answer->row, row, PACK_ROW_LEN);
    memcpy(answer->frame, frame.data, frame.len);
    answer->len = frame.len;
}

static void on_supplied(struct chunk_supply *supply, int status)
{
    *(int *)supply->data = status;
}

/* It was taken, and another peer's answer comes as well. */
static void a_copy_that_comes_twice_is_taken_once(void **state)
{
    struct chunk_rig *rig = *state;
    struct chunk *chunk = chunk_rig_chunk(rig, 1);
    static struct answer answer;
    struct chunk_serve serve = {.data = &answer};
    int status[2] = {-1, -1};
    struct chunk_supply supplies[2] = {{.data = &status[0]},
                                       {.data = &status[1]}};
    struct reading reading;
    uint64_t packs;

    assert_int_equal(
        chunk_store_serve(rig->store, &serve, &chunk->name, on_served), 0);
    chunk_rig_settle(rig);
    fake_disk_flip(rig->fake, chunk_rig_file(chunk), 8 * 2000);
    begin(rig, &reading, chunk);
    assert_int_equal(rig->missing, 1);
    assert_int_equal(chunk_store_supply(
                         rig->store, &supplies[0], chunk, answer.row,
                         (struct bytes){answer.frame, answer.len}, on_supplied),
                     0);
    assert_int_equal(chunk_store_supply(
                         rig->store, &supplies[1], chunk, answer.row,
                         (struct bytes){answer.frame, answer.len}, on_supplied),
                     QL_BUSY);
    chunk_rig_settle(rig);
    assert_int_equal(status[0], 0);
    assert_int_equal(reading.status, 0);
    packs = chunk_rig_status(rig).written_packs;
    assert_int_equal(chunk_store_supply(
                         rig->store, &supplies[1], chunk, answer.row,
                         (struct bytes){answer.frame, answer.len}, on_supplied),
                     0);
    chunk_rig_settle(rig);
    assert_int_equal(status[1], 0);
    assert_int_equal(chunk_rig_status(rig).written_packs, packs);
    chunk_store_load_end(rig->store, &reading.load);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
#define MERGING(name)                                                          \
    cmocka_unit_test_setup_teardown(name, setup_merging, teardown)
    const struct CMUnitTest tests[] = {
        TEST(who_begins_to_wait_has_it_told_again),
        MERGING(what_waits_for_a_part_is_not_read_ahead),
        MERGING(loads_of_two_wholes_wait_for_the_same_part),
        TEST(a_callback_may_end_the_loads_that_are_due_and_begin_others),
        TEST(a_copy_that_comes_twice_is_taken_once),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
