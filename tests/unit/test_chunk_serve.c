/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* What a peer gets that asks for a chunk by name. */
#include <string.h>

#include "store/chunk_store_internal.h"
#include "support/chunk_rig.h"
#include "support/cmocka.h"
#include "util/limits.h"

struct answer {
    struct chunk_serve serve;
    unsigned calls;
    int status;
    struct pack_row row;
    uint8_t raw[64 * 1024];
    bool is_proven; /* frame, hash and chain */
};

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
    return setup_limited(state, 0);
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

static void on_served(struct chunk_serve *serve, int status, const uint8_t *row,
                      struct bytes frame)
{
    struct answer *answer = serve->data;

    answer->calls++;
    answer->status = status;
    if (status != 0) {
        assert_null(row);
        return;
    }
    assert_int_equal(pack_row_decode(row, &answer->row, NULL), 0);
    assert_true(answer->row.facts.len <= sizeof(answer->raw));
    answer->is_proven =
        pack_chunk_decompress(&answer->row, frame, answer->raw, NULL) == 0 &&
        chunk_memory_check((struct bytes){answer->raw, answer->row.facts.len},
                           &answer->row.facts, answer->row.from, NULL) == 0;
}

static int ask(struct chunk_rig *rig, struct answer *answer,
               const struct chunk_name *name)
{
    int rv;

    memset(answer, 0, sizeof(*answer));
    answer->status = -1;
    answer->serve.data = answer;
    rv = chunk_store_serve(rig->store, &answer->serve, name, on_served);
    assert_int_equal(answer->calls, 0);
    return rv;
}

/* The answer is that chunk, and proven. */
static void is_served(struct chunk_rig *rig, const struct chunk_name *name)
{
    static struct answer answer;

    assert_int_equal(ask(rig, &answer, name), 0);
    chunk_rig_settle(rig);
    assert_int_equal(answer.calls, 1);
    assert_int_equal(answer.status, 0);
    assert_true(answer.is_proven);
    assert_true(chunk_name_equal(&answer.row.facts.name, name));
}

static void is_not_found(struct chunk_rig *rig, const struct chunk_name *name)
{
    static struct answer answer;

    assert_int_equal(ask(rig, &answer, name), 0);
    chunk_rig_settle(rig);
    assert_int_equal(answer.calls, 1);
    assert_int_equal(answer.status, QL_NOT_FOUND);
}

static void a_chunk_on_disk_is_served_as_it_lies_there(void **state)
{
    struct chunk_rig *rig = *state;
    static struct answer answer;
    const struct chunk *chunk;

    chunk_rig_fill(rig, 3);
    chunk = chunk_rig_chunk(rig, 1 + CHUNK_RIG_ENTRIES);
    is_served(rig, &chunk->name);
    assert_int_equal(ask(rig, &answer, &chunk->name), 0);
    chunk_rig_settle(rig);
    assert_true(answer.row.frame_at > pack_front_len(3));
    assert_null(chunk->memory);
}

static void a_chunk_in_memory_is_served(void **state)
{
    struct chunk_rig *rig = *state;
    struct chunk *first;

    chunk_rig_append(rig, "a", 2 * (size_t)CHUNK_RIG_ENTRIES, CHUNK_RIG_ENTRY);
    first = chunk_rig_chunk(rig, 1);
    assert_null(first->home);
    is_served(rig, &first->name);
    is_served(rig, &chunk_rig_chunk(rig, 1 + CHUNK_RIG_ENTRIES)->name);
    assert_null(first->home);
}

static void a_merge_is_put_together(void **state)
{
    struct chunk_rig *rig = *state;
    struct chunk *chunk = chunk_rig_merge(rig);

    is_served(rig, &chunk->name);
    assert_null(chunk->home);
    for (size_t i = 0; i < chunk->parts->count; i++) {
        is_served(rig, &chunk->parts->chunks[i]->name);
    }
}

static void what_was_merged_is_cut_out(void **state)
{
    struct chunk_rig *rig = *state;
    struct chunk *chunk = chunk_rig_merge(rig);
    struct chunk_name names[CHUNK_RIG_PARTS];

    for (size_t i = 0; i < CHUNK_RIG_PARTS; i++) {
        names[i] = chunk->parts->chunks[i]->name;
    }
    chunk_rig_flush(rig);
    assert_null(chunk->parts);
    for (size_t i = 0; i < CHUNK_RIG_PARTS; i++) {
        assert_null(chunk_table_find(&rig->store->table, &names[i]));
        is_served(rig, &names[i]);
    }
    /* A run of them that nobody has as a chunk. */
    names[1].last = names[4].last;
    memcpy(names[1].chain, names[4].chain, sizeof(names[1].chain));
    is_served(rig, &names[1]);
}

static void what_is_one_chunk_elsewhere_is_put_together(void **state)
{
    struct chunk_rig *rig = *state;
    struct chunk_name name;

    chunk_rig_fill(rig, 3);
    name = chunk_rig_chunk(rig, 1)->name;
    name.last = 2 * (uint64_t)CHUNK_RIG_ENTRIES;
    memcpy(name.chain, chunk_rig_chunk(rig, name.last)->name.chain,
           sizeof(name.chain));
    is_served(rig, &name);
}

static void another_history_is_not_found(void **state)
{
    struct chunk_rig *rig = *state;
    struct chunk_name name;

    chunk_rig_fill(rig, 2);
    name = chunk_rig_chunk(rig, 1)->name;
    name.chain[3] ^= 1;
    is_not_found(rig, &name);
    name.chain[3] ^= 1;
    name.last--;
    is_not_found(rig, &name);
    name.last++;
    name.uid++;
    is_not_found(rig, &name);
    name.uid--;
    name.last = 1000000;
    is_not_found(rig, &name);
    name.first = UINT64_MAX;
    name.last = UINT64_MAX;
    is_not_found(rig, &name);
    name.first = 0;
    name.last = 0;
    is_not_found(rig, &name);
    assert_int_equal(rig->missing, 0);
    assert_int_equal(chunk_rig_status(rig).damaged, 0);
}

static void a_damaged_copy_is_not_served_and_missed(void **state)
{
    struct chunk_rig *rig = *state;
    struct chunk *chunk;

    chunk_rig_fill(rig, 2);
    chunk = chunk_rig_chunk(rig, 1);
    fake_disk_flip(rig->fake, chunk_rig_file(chunk), 8 * 1000);
    is_not_found(rig, &chunk->name);
    assert_int_equal(rig->missing, 1);
    assert_ptr_equal(rig->absent[0], chunk);
}

static void above_the_limit_a_peer_hears_that_this_node_is_busy(void **state)
{
    struct chunk_rig *rig = *state;
    static struct answer answers[STORE_SERVES_MAX + 1];
    const struct chunk_name *name;

    chunk_rig_fill(rig, 1);
    name = &chunk_rig_chunk(rig, 1)->name;
    for (unsigned i = 0; i < STORE_SERVES_MAX; i++) {
        assert_int_equal(ask(rig, &answers[i], name), 0);
    }
    assert_int_equal(ask(rig, &answers[STORE_SERVES_MAX], name), QL_BUSY);
    chunk_store_serve_cancel(&answers[0].serve);
    chunk_rig_settle(rig);
    assert_int_equal(answers[0].calls, 0);
    for (unsigned i = 1; i < STORE_SERVES_MAX; i++) {
        assert_int_equal(answers[i].calls, 1);
    }
    assert_int_equal(ask(rig, &answers[0], name), 0);
    chunk_rig_settle(rig);
    assert_int_equal(answers[0].status, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(
            a_chunk_on_disk_is_served_as_it_lies_there, setup, teardown),
        cmocka_unit_test_setup_teardown(a_chunk_in_memory_is_served, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(a_merge_is_put_together, setup_merging,
                                        teardown),
        cmocka_unit_test_setup_teardown(what_was_merged_is_cut_out,
                                        setup_merging, teardown),
        cmocka_unit_test_setup_teardown(
            what_is_one_chunk_elsewhere_is_put_together, setup, teardown),
        cmocka_unit_test_setup_teardown(another_history_is_not_found, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(a_damaged_copy_is_not_served_and_missed,
                                        setup, teardown),
        cmocka_unit_test_setup_teardown(
            above_the_limit_a_peer_hears_that_this_node_is_busy, setup,
            teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
