/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "support/read_rig.h"

#include <string.h>

#include "support/cmocka.h"

static void on_send(void *data, uint64_t to, enum link_frame type,
                    const uint8_t bytes[READ_INDEX_FRAME_LEN]);
static int receive(struct read_rig *rig, uint64_t from, enum link_frame type,
                   uint64_t term, uint64_t nonce, uint64_t round);

void read_rig_setup(struct read_rig *rig, unsigned voters, unsigned others)
{
    struct read_index_options options = {.nonce = READ_RIG_NONCE,
                                         .heartbeat_ms = READ_RIG_HEARTBEAT_MS,
                                         .send = on_send,
                                         .data = rig};

    assert_true(voters + others <= READ_RIG_SERVERS_MAX);
    memset(rig, 0, sizeof *rig);
    for (unsigned i = 0; i < voters + others; i++) {
        rig->servers[i] = (struct raft_server){
            .id = i + 1, .role = i < voters ? RAFT_VOTER : RAFT_STANDBY};
    }
    rig->configuration = (struct raft_configuration){.servers = rig->servers,
                                                     .n = voters + others};
    rig->facts = (struct read_facts){.node = 1,
                                     .role = NODE_LEADER,
                                     .ready = true,
                                     .may_ask = true,
                                     .term = 7,
                                     .leader = 1,
                                     .commit_index = 10,
                                     .applied_index = 10,
                                     .configuration = &rig->configuration};
    rig->now_ms = 5000;
    read_index_init(&rig->reads, &options);
}

void read_rig_add(struct read_rig *rig, struct node_read *read,
                  struct read_rig_told *told)
{
    read->data = told;
    told->rig = rig;
    assert_int_equal(
        read_index_add(&rig->reads, &rig->facts, read, read_rig_on_read), 0);
}

void read_rig_on_read(struct node_read *read, int status)
{
    struct read_rig_told *told = read->data;
    struct read_rig *rig = told->rig;

    told->count++;
    told->status = status;
    if (told->then != NULL) {
        assert_int_equal(read_index_add(&rig->reads, &rig->facts, told->then,
                                        read_rig_on_read),
                         0);
    }
}

void read_rig_step(struct read_rig *rig)
{
    read_index_step(&rig->reads, &rig->facts, rig->now_ms, QL_NOT_LEADER);
}

int read_rig_say(struct read_rig *rig, uint64_t from, uint64_t term,
                 uint64_t nonce, uint64_t round)
{
    return receive(rig, from, LINK_READ_INDEX_OK, term, nonce, round);
}

void read_rig_say_yes(struct read_rig *rig, uint64_t from, uint64_t round)
{
    assert_int_equal(
        read_rig_say(rig, from, rig->facts.term, READ_RIG_NONCE, round), 0);
    read_rig_step(rig);
}

int read_rig_ask(struct read_rig *rig, uint64_t from, uint64_t term)
{
    return receive(rig, from, LINK_READ_INDEX, term, READ_RIG_NONCE, 33);
}

void read_rig_expect_frame(const struct read_rig *rig, size_t i, uint64_t to,
                           enum link_frame type, uint64_t term, uint64_t round)
{
    assert_true(i < rig->frames_count);
    assert_int_equal(rig->frames[i].to, to);
    assert_int_equal(rig->frames[i].type, type);
    assert_int_equal(get_u64(rig->frames[i].bytes), term);
    assert_true(get_u64(rig->frames[i].bytes + 8) == READ_RIG_NONCE);
    assert_int_equal(get_u64(rig->frames[i].bytes + 16), round);
}

static void on_send(void *data, uint64_t to, enum link_frame type,
                    const uint8_t bytes[READ_INDEX_FRAME_LEN])
{
    struct read_rig *rig = data;
    struct read_rig_frame *frame = &rig->frames[rig->frames_count];

    assert_true(rig->frames_count < READ_RIG_FRAMES_MAX);
    frame->to = to;
    frame->type = type;
    memcpy(frame->bytes, bytes, READ_INDEX_FRAME_LEN);
    rig->frames_count++;
}

static int receive(struct read_rig *rig, uint64_t from, enum link_frame type,
                   uint64_t term, uint64_t nonce, uint64_t round)
{
    uint8_t bytes[READ_INDEX_FRAME_LEN];

    put_u64(bytes, term);
    put_u64(bytes + 8, nonce);
    put_u64(bytes + 16, round);
    return read_index_on_frame(&rig->reads, &rig->facts, from, type, bytes,
                               sizeof bytes);
}
