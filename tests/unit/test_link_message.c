/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "consensus/link_message.h"

#include <stdlib.h>
#include <string.h>

#include "support/cmocka.h"
#include "util/mem.h"

#define NODE 2u

/* The whole payload of @message's frame, in one run. */
static struct buf encode(const struct raft_message *message)
{
    struct bytes parts[8];
    struct buf head = BUF_INIT;
    struct buf all = BUF_INIT;
    size_t count = link_message_parts(message);

    assert_in_range(count, 1, 8);
    assert_int_equal(link_message_encode(message, &head, parts), 0);
    for (size_t i = 0; i < count; i++) {
        assert_int_equal(buf_add(&all, parts[i].data, parts[i].len), 0);
    }
    buf_close(&head);
    return all;
}

/* Decodes from a block of exactly that size. */
static int decode(const uint8_t *bytes, size_t len, struct raft_message *ret)
{
    uint8_t *block = mem_must_alloc(len + 1);
    int rv;

    memcpy(block + 1, bytes, len);
    rv = link_message_decode(block + 1, len, NODE, ret);
    free(block);
    return rv;
}

static void decode_again(const struct raft_message *message,
                         struct raft_message *ret)
{
    struct buf bytes = encode(message);

    assert_int_equal(decode(bytes.data, bytes.len, ret), 0);
    assert_int_equal(ret->type, message->type);
    assert_int_equal(ret->server_id, NODE);
    buf_close(&bytes);
}

/* No shorter and no longer input is a message. */
static void assert_exact(const struct raft_message *message)
{
    struct buf bytes = encode(message);
    struct raft_message got;

    for (size_t len = 0; len < bytes.len; len++) {
        assert_int_equal(decode(bytes.data, len, &got), QL_PROTOCOL);
    }
    assert_int_equal(buf_add(&bytes, "", 1), 0);
    assert_int_equal(decode(bytes.data, bytes.len, &got), QL_PROTOCOL);
    buf_close(&bytes);
}

static struct raft_message vote_request(void)
{
    return (struct raft_message){.type = RAFT_IO_REQUEST_VOTE,
                                 .request_vote = {.term = UINT64_MAX,
                                                  .candidate_id = NODE,
                                                  .last_log_index = 3,
                                                  .last_log_term = 4,
                                                  .disrupt_leader = true,
                                                  .pre_vote = false}};
}

static uint64_t command[2] = {0x1111, 0x2222};
static uint64_t barrier = 0;
/* libraft's encoding of one voter, 1 at "a", padded to a multiple of 8. */
static uint8_t configuration[24] = {1, 1, 0, 0, 0, 0, 0, 0,   0, 1,
                                    0, 0, 0, 0, 0, 0, 0, 'a', 0, RAFT_VOTER};

static struct raft_message append_of(struct raft_entry entries[3])
{
    entries[0] = (struct raft_entry){
        .term = 5, .type = RAFT_COMMAND, .buf = {command, sizeof command}};
    entries[1] = (struct raft_entry){
        .term = 6, .type = RAFT_BARRIER, .buf = {&barrier, sizeof barrier}};
    entries[2] =
        (struct raft_entry){.term = 7,
                            .type = RAFT_CHANGE,
                            .buf = {configuration, sizeof configuration}};
    return (struct raft_message){.type = RAFT_IO_APPEND_ENTRIES,
                                 .append_entries = {.term = 7,
                                                    .prev_log_index = 8,
                                                    .prev_log_term = 5,
                                                    .leader_commit = 9,
                                                    .entries = entries,
                                                    .n_entries = 3}};
}

static struct raft_message install_of(struct raft_server servers[2])
{
    servers[0] =
        (struct raft_server){.id = 1, .address = "[::1]:1", .role = RAFT_VOTER};
    servers[1] =
        (struct raft_server){.id = 9, .address = "db:2", .role = RAFT_STANDBY};
    return (struct raft_message){
        .type = RAFT_IO_INSTALL_SNAPSHOT,
        .install_snapshot = {.term = 3,
                             .last_index = 100,
                             .last_term = 2,
                             .conf = {.servers = servers, .n = 2},
                             .conf_index = 50,
                             .data = {command, sizeof command}}};
}

static void plain_messages_arrive_as_they_were(void **state)
{
    struct raft_message sent = vote_request();
    struct raft_message got;

    (void)state;
    decode_again(&sent, &got);
    assert_true(got.request_vote.term == UINT64_MAX);
    assert_int_equal(got.request_vote.candidate_id, NODE);
    assert_int_equal(got.request_vote.last_log_index, 3);
    assert_int_equal(got.request_vote.last_log_term, 4);
    assert_true(got.request_vote.disrupt_leader);
    assert_false(got.request_vote.pre_vote);
    assert_exact(&sent);

    sent = (struct raft_message){
        .type = RAFT_IO_APPEND_ENTRIES_RESULT,
        .append_entries_result = {
            .term = 1, .rejected = 2, .last_log_index = 3}};
    decode_again(&sent, &got);
    assert_int_equal(got.append_entries_result.term, 1);
    assert_int_equal(got.append_entries_result.rejected, 2);
    assert_int_equal(got.append_entries_result.last_log_index, 3);
    assert_exact(&sent);

    sent = (struct raft_message){
        .type = RAFT_IO_TIMEOUT_NOW,
        .timeout_now = {.term = 4, .last_log_index = 5, .last_log_term = 6}};
    decode_again(&sent, &got);
    assert_int_equal(got.timeout_now.term, 4);
    assert_int_equal(got.timeout_now.last_log_index, 5);
    assert_int_equal(got.timeout_now.last_log_term, 6);
    assert_exact(&sent);
}

static void votes_arrive_in_all_their_forms(void **state)
{
    static const raft_tribool forms[] = {raft_tribool_unknown,
                                         raft_tribool_true, raft_tribool_false};

    (void)state;
    for (size_t i = 0; i < 6; i++) {
        struct raft_message sent = {
            .type = RAFT_IO_REQUEST_VOTE_RESULT,
            .request_vote_result = {.term = 7,
                                    .vote_granted = i % 2 == 1,
                                    .pre_vote = forms[i / 2]}};
        struct raft_message got;

        decode_again(&sent, &got);
        assert_int_equal(got.request_vote_result.vote_granted, i % 2 == 1);
        assert_int_equal(got.request_vote_result.pre_vote, forms[i / 2]);
        assert_int_equal(got.request_vote_result.term, 7);
        assert_exact(&sent);
    }
}

static void entries_arrive_in_one_batch(void **state)
{
    struct raft_entry entries[3];
    struct raft_message sent = append_of(entries);
    struct raft_message got;
    const struct raft_append_entries *append = &got.append_entries;

    (void)state;
    decode_again(&sent, &got);
    assert_int_equal(append->term, 7);
    assert_int_equal(append->prev_log_index, 8);
    assert_int_equal(append->prev_log_term, 5);
    assert_int_equal(append->leader_commit, 9);
    assert_int_equal(append->n_entries, 3);
    for (unsigned i = 0; i < 3; i++) {
        const struct raft_entry *entry = &append->entries[i];

        assert_ptr_equal(entry->batch, append->entries[0].batch);
        assert_int_equal(entry->term, entries[i].term);
        assert_int_equal(entry->type, entries[i].type);
        assert_int_equal(entry->buf.len, entries[i].buf.len);
        assert_memory_equal(entry->buf.base, entries[i].buf.base,
                            entry->buf.len);
    }
    link_message_free(&got);
    assert_exact(&sent);
}

static void heartbeats_and_empty_entries_are_messages(void **state)
{
    struct raft_entry entry = {.term = 1, .type = RAFT_COMMAND};
    struct raft_message sent = {.type = RAFT_IO_APPEND_ENTRIES,
                                .append_entries = {.term = 1}};
    struct raft_message got;

    (void)state;
    decode_again(&sent, &got);
    assert_int_equal(got.append_entries.n_entries, 0);
    assert_null(got.append_entries.entries);
    link_message_free(&got);
    assert_exact(&sent);

    sent.append_entries.entries = &entry;
    sent.append_entries.n_entries = 1;
    decode_again(&sent, &got);
    assert_int_equal(got.append_entries.n_entries, 1);
    assert_int_equal(got.append_entries.entries[0].buf.len, 0);
    assert_null(got.append_entries.entries[0].buf.base);
    link_message_free(&got);
}

static void snapshot_arrives_with_its_configuration(void **state)
{
    struct raft_server servers[2];
    struct raft_message sent = install_of(servers);
    struct raft_message got;
    const struct raft_install_snapshot *install = &got.install_snapshot;
    struct buf bytes;

    (void)state;
    assert_int_equal(link_message_frame(&sent), LINK_SNAPSHOT);
    decode_again(&sent, &got);
    assert_int_equal(install->last_index, 100);
    assert_int_equal(install->conf_index, 50);
    assert_int_equal(install->conf.n, 2);
    assert_int_equal(install->conf.servers[1].id, 9);
    assert_string_equal(install->conf.servers[1].address, "db:2");
    assert_int_equal(install->conf.servers[1].role, RAFT_STANDBY);
    assert_int_equal(install->data.len, sizeof command);
    assert_memory_equal(install->data.base, command, sizeof command);
    link_message_free(&got);

    /* What follows the table is the snapshot, of which there is some. */
    bytes = encode(&sent);
    for (size_t len = 0; len <= bytes.len - sizeof command; len++) {
        assert_int_equal(decode(bytes.data, len, &got), QL_PROTOCOL);
    }
    buf_close(&bytes);
}

static void nobody_asks_for_votes_for_another(void **state)
{
    struct raft_message sent = vote_request();
    struct raft_message got;
    struct buf bytes;

    (void)state;
    sent.request_vote.candidate_id = NODE + 1;
    bytes = encode(&sent);
    assert_int_equal(decode(bytes.data, bytes.len, &got), QL_PROTOCOL);
    buf_close(&bytes);
}

static void counts_that_the_bytes_cannot_hold_are_refused(void **state)
{
    static const uint32_t counts[] = {0,        1,          2,         4,
                                      1024,     1025,       0xFFFF,    1u << 28,
                                      1u << 31, 0x10000003, UINT32_MAX};
    struct raft_entry entries[3];
    struct raft_server servers[2];
    struct raft_message append = append_of(entries);
    struct raft_message install = install_of(servers);
    struct buf one = encode(&append);
    struct buf other = encode(&install);
    struct raft_message got;

    (void)state;
    for (size_t i = 0; i < sizeof counts / sizeof counts[0]; i++) {
        put_u32(one.data + 4, counts[i]);
        assert_int_equal(decode(one.data, one.len, &got), QL_PROTOCOL);
        if (counts[i] != 2 && counts[i] != 1) {
            put_u32(other.data + 4, counts[i]);
            assert_int_equal(decode(other.data, other.len, &got), QL_PROTOCOL);
        }
    }
    buf_close(&one);
    buf_close(&other);
}

static void lengths_of_entries_must_add_up(void **state)
{
    static const uint32_t lengths[] = {0, 8, 15, 17, 24, 1u << 31, UINT32_MAX};
    struct raft_entry entries[3];
    struct raft_message append = append_of(entries);
    struct buf bytes = encode(&append);
    struct raft_message got;

    (void)state;
    for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++) {
        put_u32(bytes.data + 40 + 8, lengths[i]);
        assert_int_equal(decode(bytes.data, bytes.len, &got), QL_PROTOCOL);
    }
    buf_close(&bytes);
}

static void message_with_an_overflowing_index_is_refused(void **state)
{
    struct raft_entry entries[3];
    struct raft_message append = append_of(entries);
    struct buf bytes;
    struct raft_message got;

    (void)state;
    append.append_entries.prev_log_index = UINT64_MAX - 2;
    bytes = encode(&append);
    assert_int_equal(decode(bytes.data, bytes.len, &got), QL_PROTOCOL);
    buf_close(&bytes);
}

/* libraft decodes them without looking where they end. */
static void configuration_that_is_none_is_refused(void **state)
{
    struct raft_entry entries[3];
    struct raft_message append = append_of(entries);
    uint8_t kept[sizeof configuration];
    struct raft_message got;
    struct buf bytes;

    (void)state;
    memcpy(kept, configuration, sizeof kept);
    for (size_t i = 0; i < 3; i++) {
        memcpy(configuration, kept, sizeof kept);
        if (i == 0) {
            configuration[0] = 2;
        } else if (i == 1) {
            configuration[1] = 200;
        } else {
            memset(configuration + 17, 'a', sizeof configuration - 17);
        }
        bytes = encode(&append);
        assert_int_equal(decode(bytes.data, bytes.len, &got), QL_PROTOCOL);
        buf_close(&bytes);
    }
    memcpy(configuration, kept, sizeof kept);
}

static void message_with_too_many_entries_is_not_encoded(void **state)
{
    struct raft_message append = {.type = RAFT_IO_APPEND_ENTRIES};

    (void)state;
    append.append_entries.n_entries = PEER_MESSAGE_ENTRIES_MAX;
    assert_int_equal(link_message_parts(&append), LINK_PARTS_MAX);
    append.append_entries.n_entries = PEER_MESSAGE_ENTRIES_MAX + 1;
    assert_int_equal(link_message_parts(&append), 0);
}

/* Each bit of each message turned: decoded as something or refused, never read
 * past the end, and what was allocated can be freed. */
static void changed_messages_do_no_harm(void **state)
{
    struct raft_entry entries[3];
    struct raft_server servers[2];
    struct raft_message messages[3] = {append_of(entries), install_of(servers),
                                       vote_request()};

    (void)state;
    for (size_t i = 0; i < 3; i++) {
        struct buf bytes = encode(&messages[i]);

        for (size_t bit = 0; bit < 8 * bytes.len; bit++) {
            struct raft_message got;

            bytes.data[bit / 8] ^= (uint8_t)(1u << bit % 8);
            if (decode(bytes.data, bytes.len, &got) == 0) {
                link_message_free(&got);
            }
            bytes.data[bit / 8] ^= (uint8_t)(1u << bit % 8);
        }
        buf_close(&bytes);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(plain_messages_arrive_as_they_were),
        cmocka_unit_test(votes_arrive_in_all_their_forms),
        cmocka_unit_test(entries_arrive_in_one_batch),
        cmocka_unit_test(heartbeats_and_empty_entries_are_messages),
        cmocka_unit_test(snapshot_arrives_with_its_configuration),
        cmocka_unit_test(nobody_asks_for_votes_for_another),
        cmocka_unit_test(counts_that_the_bytes_cannot_hold_are_refused),
        cmocka_unit_test(lengths_of_entries_must_add_up),
        cmocka_unit_test(message_with_an_overflowing_index_is_refused),
        cmocka_unit_test(configuration_that_is_none_is_refused),
        cmocka_unit_test(message_with_too_many_entries_is_not_encoded),
        cmocka_unit_test(changed_messages_do_no_harm),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
