/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* What becomes of an InstallSnapshot before the core hears of it: over two real
 * chunk stores on fake disks, with a link that is a list of requests. */
#include "consensus/install.h"

#include <stdlib.h>
#include <string.h>

#include "store/snapshot.h"
#include "support/chunk_rig.h"
#include "support/cmocka.h"
#include "util/diag.h"
#include "util/mem.h"

#define REQUESTS_MAX 256u
#define TERM 5u
#define LEADER 2u

struct rig {
    struct chunk_rig own;
    struct chunk_rig peer; /* of the leader */
    struct chunk_fetch *fetch;
    struct install *install;
    struct link_chunk_request requests[REQUESTS_MAX];
    size_t requests_count;
    size_t requests_done;
    size_t told; /* of own.absent */
    bool is_alone;
    uint64_t now_ms;
    uint64_t applied;
    unsigned passed; /* messages that went on */
    raft_index passed_index;
    raft_term passed_term;
    char passed_address[64];
    struct machine *prepared;
    uint64_t prepared_index;
};

/* ---- What stands around it ---- */

static uint64_t rig_now_ms(void *data)
{
    return ((struct rig *)data)->now_ms;
}

static bool rig_is_connected(void *data, uint64_t node)
{
    (void)node;
    return !((struct rig *)data)->is_alone;
}

static bool rig_send(void *data, uint64_t node,
                     const struct link_chunk_request *request)
{
    struct rig *rig = data;

    (void)node;
    assert_true(rig->requests_count < REQUESTS_MAX);
    rig->requests[rig->requests_count++] = *request;
    return true;
}

static int rig_supply(void *data, struct chunk_supply *supply,
                      struct chunk *chunk, const uint8_t *row,
                      struct bytes frame, chunk_supply_cb cb)
{
    return chunk_store_supply(((struct rig *)data)->own.store, supply, chunk,
                              row, frame, cb);
}

static void rig_cancel_supply(void *data, struct chunk_supply *supply)
{
    (void)data;
    chunk_store_supply_cancel(supply);
}

static void rig_give_up(void *data, struct chunk *chunk)
{
    chunk_store_give_up(((struct rig *)data)->own.store, chunk);
}

static bool rig_is_needed(void *data, const struct chunk *chunk)
{
    (void)data;
    return chunk->home == NULL && chunk->parts == NULL && chunk->refs > 2;
}

static void rig_adopt(void *data, struct machine *machine)
{
    (void)chunk_store_adopt(((struct rig *)data)->own.store, machine);
}

static void rig_flush(void *data, struct chunk_flush *flush, chunk_flush_cb cb)
{
    chunk_store_flush(((struct rig *)data)->own.store, flush, cb);
}

static void rig_cancel_flush(void *data, struct chunk_flush *flush)
{
    (void)data;
    chunk_store_flush_cancel(flush);
}

static void rig_prepare(void *data, uint64_t index, struct machine *machine)
{
    struct rig *rig = data;

    machine_free(rig->prepared);
    rig->prepared = machine;
    rig->prepared_index = index;
}

static void free_message(struct raft_message *message)
{
    raft_configuration_close(&message->install_snapshot.conf);
    raft_free(message->install_snapshot.data.base);
}

static void rig_pass_on(void *data, struct raft_message *message)
{
    struct rig *rig = data;

    assert_int_equal(message->type, RAFT_IO_INSTALL_SNAPSHOT);
    rig->passed++;
    rig->passed_index = message->install_snapshot.last_index;
    rig->passed_term = message->install_snapshot.term;
    strcpy(rig->passed_address, message->server_address);
    free_message(message);
}

static void rig_begun(void *data)
{
    (void)data;
}

static uint64_t rig_applied(void *data)
{
    return ((struct rig *)data)->applied;
}

static void open_fetch(struct rig *rig)
{
    static const uint64_t nodes[] = {LEADER};
    const struct chunk_fetch_options options = {.nodes = nodes,
                                                .nodes_count = 1,
                                                .now_ms = rig_now_ms,
                                                .is_connected =
                                                    rig_is_connected,
                                                .send = rig_send,
                                                .supply = rig_supply,
                                                .cancel = rig_cancel_supply,
                                                .give_up = rig_give_up,
                                                .is_needed = rig_is_needed,
                                                .data = rig};

    rig->fetch = chunk_fetch_new(&options);
}

static void open_install(struct rig *rig)
{
    const struct install_options options = {
        .fetch = rig->fetch,
        .disk = fake_disk_disk(rig->own.fake),
        .limits = &rig->own.limits,
        .source = chunk_store_source(rig->own.store),
        .adopt = rig_adopt,
        .flush = rig_flush,
        .cancel = rig_cancel_flush,
        .prepare = rig_prepare,
        .pass_on = rig_pass_on,
        .begun = rig_begun,
        .applied = rig_applied,
        .now_ms = rig_now_ms,
        .data = rig};

    rig->install = install_new(&options);
}

/* The peer has @chunks chunks, of which this node has the first @own. */
static struct rig *setup(size_t chunks, size_t own)
{
    struct rig *rig = mem_must_zalloc(sizeof *rig);

    diag_set_level(DIAG_ERROR);
    rig->now_ms = 1000;
    chunk_rig_open(&rig->own);
    chunk_rig_open(&rig->peer);
    if (own > 0) {
        chunk_rig_fill(&rig->own, own);
    }
    chunk_rig_fill(&rig->peer, chunks);
    open_fetch(rig);
    open_install(rig);
    return rig;
}

static void teardown(struct rig *rig)
{
    install_stop(rig->install);
    chunk_fetch_free(rig->fetch);
    chunk_rig_settle(&rig->own);
    assert_false(install_is_busy(rig->install));
    install_free(rig->install);
    machine_free(rig->prepared);
    chunk_rig_close(&rig->own);
    chunk_rig_close(&rig->peer);
    free(rig);
}

/* ---- Messages ---- */

/* The peer's state as it is, as a snapshot at @index. */
static struct raft_message make_message(struct rig *rig, raft_index index,
                                        raft_term term)
{
    struct raft_message message = {.type = RAFT_IO_INSTALL_SNAPSHOT,
                                   .server_id = LEADER,
                                   .server_address = "leader:1"};
    struct raft_install_snapshot *install = &message.install_snapshot;
    struct view *view = machine_freeze(rig->peer.driver.machine);
    struct buf bytes = BUF_INIT;

    assert_int_equal(snapshot_encode(view, index, &bytes, NULL), 0);
    view_free(view);
    install->term = term;
    install->last_index = index;
    install->last_term = TERM;
    raft_configuration_init(&install->conf);
    assert_int_equal(
        raft_configuration_add(&install->conf, LEADER, "leader:1", RAFT_VOTER),
        0);
    install->data.base = raft_malloc(bytes.len);
    assert_non_null(install->data.base);
    memcpy(install->data.base, bytes.data, bytes.len);
    install->data.len = bytes.len;
    buf_close(&bytes);
    return message;
}

/* False: it went on at once. */
static bool take_at(struct rig *rig, raft_index index, raft_term term)
{
    struct raft_message message = make_message(rig, index, term);

    if (install_take(rig->install, &message)) {
        return true;
    }
    free_message(&message);
    return false;
}

static void hear(struct rig *rig, raft_term term)
{
    const struct raft_message message = {.type = RAFT_IO_APPEND_ENTRIES,
                                         .server_id = 3,
                                         .append_entries = {.term = term}};

    assert_false(install_take(rig->install, &message));
}

/* ---- Time ---- */

static void tell_missing(struct rig *rig)
{
    while (rig->told < rig->own.missing) {
        chunk_fetch_missing(rig->fetch, rig->own.absent[rig->told++]);
    }
}

/* All that is under way on this node's disk ends. */
static void settle(struct rig *rig)
{
    chunk_rig_settle(&rig->own);
    tell_missing(rig);
    rig->now_ms++;
    chunk_fetch_step(rig->fetch, LEADER);
    install_step(rig->install);
    chunk_rig_settle(&rig->own);
    tell_missing(rig);
}

struct answering {
    struct rig *rig;
    uint64_t id;
    bool damage;
};

static void on_served(struct chunk_serve *serve, int status, const uint8_t *row,
                      struct bytes frame)
{
    struct answering *answering = serve->data;
    struct buf bytes = BUF_INIT;
    uint8_t head[LINK_CHUNK_HEAD_LEN];

    link_chunk_head_encode(
        answering->id, status == 0 ? LINK_CHUNK_GIVEN : LINK_CHUNK_NOT_FOUND,
        head);
    assert_int_equal(buf_add(&bytes, head, sizeof head), 0);
    if (status == 0) {
        assert_int_equal(buf_add(&bytes, row, PACK_ROW_LEN), 0);
        assert_int_equal(buf_add(&bytes, frame.data, frame.len), 0);
        bytes.data[bytes.len / 2] ^= answering->damage ? 1 : 0;
    }
    assert_int_equal(chunk_fetch_on_frame(answering->rig->fetch, LEADER,
                                          bytes.data, bytes.len),
                     0);
    buf_close(&bytes);
}

/* The peer answers the oldest request; false when there is none. */
static bool answer_one(struct rig *rig, bool damage)
{
    struct answering answering = {rig, 0, damage};
    struct chunk_serve serve = {.data = &answering};

    if (rig->requests_done == rig->requests_count) {
        return false;
    }
    answering.id = rig->requests[rig->requests_done].id;
    assert_int_equal(chunk_store_serve(rig->peer.store, &serve,
                                       &rig->requests[rig->requests_done].name,
                                       on_served),
                     0);
    rig->requests_done++;
    chunk_rig_settle(&rig->peer);
    settle(rig);
    return true;
}

static void answer_all(struct rig *rig)
{
    while (answer_one(rig, false)) {
        continue;
    }
    chunk_rig_tick(&rig->own, 1000);
    settle(rig);
}

static struct install_progress progress(const struct rig *rig)
{
    struct install_progress progress;

    install_progress(rig->install, &progress);
    return progress;
}

/* The state that is prepared is the peer's, and all its chunks are here. */
static void assert_prepared(struct rig *rig)
{
    uint8_t expected[16];
    uint8_t got[16];

    assert_non_null(rig->prepared);
    machine_digest(rig->peer.driver.machine, expected);
    machine_digest(rig->prepared, got);
    assert_memory_equal(got, expected, sizeof got);
    assert_int_equal(chunk_store_adopt(rig->own.store, rig->prepared), 0);
}

/* ---- Tests ---- */

static void message_goes_on_when_all_chunks_are_here(void **state)
{
    struct rig *rig = setup(10, 0);

    (void)state;
    assert_true(take_at(rig, 100, TERM));
    settle(rig);
    assert_int_equal(progress(rig).index, 100);
    assert_int_equal(progress(rig).chunks, 10);
    assert_int_equal(progress(rig).missing, 10);
    assert_int_equal(rig->requests_count, 10);
    for (unsigned i = 0; i < 9; i++) {
        assert_true(answer_one(rig, false));
        assert_int_equal(rig->passed, 0);
    }
    answer_all(rig);
    assert_int_equal(progress(rig).missing, 0);
    assert_int_equal(rig->passed, 1);
    assert_int_equal(rig->passed_index, 100);
    assert_string_equal(rig->passed_address, "leader:1");
    assert_int_equal(rig->prepared_index, 100);
    assert_prepared(rig);
    teardown(rig);
}

static void chunks_that_are_here_are_not_fetched(void **state)
{
    struct rig *rig = setup(10, 7);

    (void)state;
    assert_true(take_at(rig, 100, TERM));
    settle(rig);
    assert_int_equal(progress(rig).chunks, 10);
    assert_int_equal(rig->requests_count, 3);
    answer_all(rig);
    assert_int_equal(rig->passed, 1);
    assert_prepared(rig);
    teardown(rig);
}

static void manifest_of_nothing_new_goes_on_at_once(void **state)
{
    struct rig *rig = setup(5, 5);

    (void)state;
    assert_true(take_at(rig, 100, TERM));
    assert_int_equal(rig->passed, 0);
    settle(rig);
    chunk_rig_tick(&rig->own, 1000);
    settle(rig);
    assert_int_equal(rig->requests_count, 0);
    assert_int_equal(rig->passed, 1);
    teardown(rig);
}

static void same_one_again_is_dropped(void **state)
{
    struct rig *rig = setup(10, 0);

    (void)state;
    assert_true(take_at(rig, 100, TERM));
    assert_true(take_at(rig, 100, TERM)); /* while it is decoded */
    settle(rig);
    assert_true(take_at(rig, 100, TERM));
    settle(rig);
    assert_int_equal(rig->requests_count, 10);
    answer_all(rig);
    assert_int_equal(rig->passed, 1);
    /* The core may not have taken it: now it can have it at once. */
    assert_false(take_at(rig, 100, TERM));
    assert_int_equal(rig->prepared_index, 100);
    teardown(rig);
}

static void newer_one_keeps_what_came_for_the_one_before(void **state)
{
    struct rig *rig = setup(10, 0);

    (void)state;
    assert_true(take_at(rig, 100, TERM));
    settle(rig);
    for (unsigned i = 0; i < 6; i++) {
        assert_true(answer_one(rig, false));
    }
    chunk_rig_fill(&rig->peer, 5);
    assert_true(take_at(rig, 200, TERM));
    settle(rig);
    settle(rig);
    assert_int_equal(progress(rig).index, 200);
    assert_int_equal(progress(rig).chunks, 15);
    assert_int_equal(progress(rig).missing, 9);
    assert_int_equal(rig->requests_count, 15);
    answer_all(rig);
    assert_int_equal(rig->passed, 1);
    assert_int_equal(rig->passed_index, 200);
    assert_prepared(rig);
    teardown(rig);
}

static void chunks_that_only_the_older_one_names_are_wanted_no_more(
    void **state)
{
    struct rig *rig = setup(10, 0);
    struct chunk_fetch_counts counts;

    (void)state;
    assert_true(take_at(rig, 100, TERM));
    settle(rig);
    assert_int_equal(
        driver_trim(&rig->peer.driver, "a", 5 * CHUNK_RIG_ENTRIES + 1), 0);
    assert_true(take_at(rig, 200, TERM));
    settle(rig);
    chunk_fetch_counts(rig->fetch, &counts);
    assert_int_equal(counts.wanted, 5);
    answer_all(rig);
    assert_int_equal(rig->passed, 1);
    assert_prepared(rig);
    teardown(rig);
}

static void older_one_of_the_same_leader_is_dropped(void **state)
{
    struct rig *rig = setup(10, 0);

    (void)state;
    assert_true(take_at(rig, 200, TERM));
    settle(rig);
    assert_true(take_at(rig, 100, TERM));
    settle(rig);
    assert_int_equal(progress(rig).index, 200);
    answer_all(rig);
    assert_int_equal(rig->passed_index, 200);
    teardown(rig);
}

static void newer_term_drops_the_message_and_nothing_else(void **state)
{
    struct rig *rig = setup(10, 0);

    (void)state;
    assert_true(take_at(rig, 100, TERM));
    settle(rig);
    assert_true(answer_one(rig, false));
    hear(rig, TERM);
    hear(rig, TERM + 1);
    answer_all(rig);
    assert_int_equal(progress(rig).missing, 0);
    assert_int_equal(rig->passed, 0);
    /* The new leader sends the same one: nothing has to be fetched. */
    assert_true(take_at(rig, 100, TERM + 1));
    settle(rig);
    assert_int_equal(rig->requests_count, 10);
    assert_int_equal(rig->passed, 1);
    assert_int_equal(rig->passed_term, TERM + 1);
    teardown(rig);
}

static void newer_term_while_it_is_decoded_drops_the_message_too(void **state)
{
    struct rig *rig = setup(10, 0);

    (void)state;
    assert_true(take_at(rig, 100, TERM));
    hear(rig, TERM + 1);
    settle(rig);
    answer_all(rig);
    assert_int_equal(rig->passed, 0);
    chunk_rig_fill(&rig->peer, 1);
    /* Of an older index than the one before, but of the leader that counts. */
    assert_true(take_at(rig, 90, TERM + 1));
    settle(rig);
    answer_all(rig);
    assert_int_equal(rig->requests_count, 11);
    assert_int_equal(rig->passed, 1);
    assert_int_equal(rig->passed_index, 90);
    teardown(rig);
}

static void what_is_applied_already_goes_on_as_it_comes(void **state)
{
    struct rig *rig = setup(10, 0);

    (void)state;
    rig->applied = 100;
    assert_false(take_at(rig, 100, TERM));
    assert_false(install_is_active(rig->install));
    teardown(rig);
}

static void node_that_catches_up_otherwise_lets_go(void **state)
{
    struct rig *rig = setup(10, 0);
    struct chunk_fetch_counts counts;

    (void)state;
    assert_true(take_at(rig, 100, TERM));
    settle(rig);
    rig->applied = 101;
    settle(rig);
    assert_false(install_is_active(rig->install));
    chunk_fetch_counts(rig->fetch, &counts);
    assert_int_equal(counts.wanted, 0);
    /* The core answers the leader that it has all of it. */
    assert_int_equal(rig->passed, 1);
    assert_null(rig->prepared);
    teardown(rig);
}

static void prepared_state_that_is_not_used_is_let_go(void **state)
{
    struct rig *rig = setup(3, 0);

    (void)state;
    assert_true(take_at(rig, 100, TERM));
    settle(rig);
    answer_all(rig);
    assert_int_equal(rig->prepared_index, 100);
    assert_true(install_is_active(rig->install));
    rig->applied = 100;
    install_step(rig->install);
    assert_null(rig->prepared);
    assert_false(install_is_active(rig->install));
    teardown(rig);
}

static void every_changed_byte_of_a_manifest_is_noticed(void **state)
{
    struct rig *rig = setup(3, 0);
    struct raft_message probe = make_message(rig, 100, TERM);
    size_t len = probe.install_snapshot.data.len;

    (void)state;
    free_message(&probe);
    diag_set_level(DIAG_ERROR);
    for (size_t at = 0; at < len; at++) {
        struct raft_message message = make_message(rig, 100, TERM);

        ((uint8_t *)message.install_snapshot.data.base)[at] ^= 0x10;
        assert_true(install_take(rig->install, &message));
        settle(rig);
        assert_false(install_is_active(rig->install));
    }
    assert_int_equal(rig->requests_count, 0);
    assert_true(take_at(rig, 100, TERM));
    settle(rig);
    answer_all(rig);
    assert_int_equal(rig->passed, 1);
    teardown(rig);
}

static void manifest_that_is_cut_is_dropped(void **state)
{
    struct rig *rig = setup(3, 0);
    struct raft_message probe = make_message(rig, 100, TERM);
    size_t len = probe.install_snapshot.data.len;

    (void)state;
    free_message(&probe);
    for (size_t left = 1; left < len; left += 1 + left / 8) {
        struct raft_message message = make_message(rig, 100, TERM);

        message.install_snapshot.data.len = left;
        assert_true(install_take(rig->install, &message));
        settle(rig);
        assert_false(install_is_active(rig->install));
    }
    teardown(rig);
}

static void manifest_of_another_index_than_said_is_dropped(void **state)
{
    struct rig *rig = setup(3, 0);
    struct raft_message message = make_message(rig, 100, TERM);

    (void)state;
    message.install_snapshot.last_index = 101;
    assert_true(install_take(rig->install, &message));
    settle(rig);
    assert_false(install_is_active(rig->install));
    teardown(rig);
}

static void damaged_newer_one_leaves_the_one_before(void **state)
{
    struct rig *rig = setup(10, 0);
    struct raft_message message;

    (void)state;
    assert_true(take_at(rig, 100, TERM));
    settle(rig);
    assert_true(answer_one(rig, false));
    message = make_message(rig, 200, TERM);
    ((uint8_t *)message.install_snapshot.data.base)[40] ^= 1;
    assert_true(install_take(rig->install, &message));
    settle(rig);
    assert_int_equal(progress(rig).index, 100);
    assert_true(take_at(rig, 200, TERM));
    settle(rig);
    answer_all(rig);
    assert_int_equal(rig->requests_count, 10);
    assert_int_equal(rig->passed, 1);
    assert_int_equal(rig->passed_index, 200);
    teardown(rig);
}

static void damaged_chunk_is_fetched_again(void **state)
{
    struct rig *rig = setup(3, 0);

    (void)state;
    assert_true(take_at(rig, 100, TERM));
    settle(rig);
    assert_true(answer_one(rig, true));
    assert_true(answer_one(rig, false));
    assert_true(answer_one(rig, false));
    assert_int_equal(rig->passed, 0);
    rig->now_ms += FETCH_RETRY_MIN_MS;
    settle(rig);
    answer_all(rig);
    assert_int_equal(rig->requests_count, 4);
    assert_int_equal(rig->passed, 1);
    assert_prepared(rig);
    teardown(rig);
}

static void end_at_any_moment_leaves_nothing(void **state)
{
    (void)state;
    for (unsigned when = 0; when < 8; when++) {
        struct rig *rig = setup(5, 0);

        assert_true(take_at(rig, 100, TERM));
        for (unsigned i = 0; i < when; i++) {
            settle(rig);
            (void)answer_one(rig, false);
        }
        teardown(rig);
    }
}

static struct raft_message refusal(raft_term term, raft_index rejected)
{
    return (struct raft_message){
        .type = RAFT_IO_APPEND_ENTRIES_RESULT,
        .server_id = LEADER,
        .append_entries_result = {
            .term = term, .rejected = rejected, .last_log_index = 7}};
}

/* As it looks in libraft's progressMaybeDecrement(): a refusal of any other index
 * than that of the snapshot is of no meaning while it is sent. */
static void idle_leader_is_kept_from_sending_it_again(void **state)
{
    struct rig *rig = setup(3, 0);
    struct raft_message message = refusal(TERM, 100);
    struct raft_message instead;

    (void)state;
    assert_false(install_alters(rig->install, &message, &instead));
    assert_true(take_at(rig, 100, TERM));
    assert_true(install_alters(rig->install, &message, &instead));
    assert_int_not_equal(instead.append_entries_result.rejected, 100);
    assert_int_not_equal(instead.append_entries_result.rejected, 0);
    assert_int_equal(instead.append_entries_result.last_log_index, 7);
    settle(rig);
    assert_true(install_alters(rig->install, &message, &instead));
    message = refusal(TERM, 99);
    assert_false(install_alters(rig->install, &message, &instead));
    message = refusal(TERM, 0);
    assert_false(install_alters(rig->install, &message, &instead));
    message = refusal(TERM + 1, 100);
    assert_false(install_alters(rig->install, &message, &instead));
    answer_all(rig);
    message = refusal(TERM, 100);
    assert_false(install_alters(rig->install, &message, &instead));
    teardown(rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(message_goes_on_when_all_chunks_are_here),
        cmocka_unit_test(chunks_that_are_here_are_not_fetched),
        cmocka_unit_test(manifest_of_nothing_new_goes_on_at_once),
        cmocka_unit_test(same_one_again_is_dropped),
        cmocka_unit_test(newer_one_keeps_what_came_for_the_one_before),
        cmocka_unit_test(
            chunks_that_only_the_older_one_names_are_wanted_no_more),
        cmocka_unit_test(older_one_of_the_same_leader_is_dropped),
        cmocka_unit_test(newer_term_drops_the_message_and_nothing_else),
        cmocka_unit_test(newer_term_while_it_is_decoded_drops_the_message_too),
        cmocka_unit_test(what_is_applied_already_goes_on_as_it_comes),
        cmocka_unit_test(node_that_catches_up_otherwise_lets_go),
        cmocka_unit_test(prepared_state_that_is_not_used_is_let_go),
        cmocka_unit_test(every_changed_byte_of_a_manifest_is_noticed),
        cmocka_unit_test(manifest_that_is_cut_is_dropped),
        cmocka_unit_test(manifest_of_another_index_than_said_is_dropped),
        cmocka_unit_test(damaged_newer_one_leaves_the_one_before),
        cmocka_unit_test(damaged_chunk_is_fetched_again),
        cmocka_unit_test(end_at_any_moment_leaves_nothing),
        cmocka_unit_test(idle_leader_is_kept_from_sending_it_again),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
