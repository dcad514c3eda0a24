/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * Linearizable reads under test: server 1, which leads term 7 unless the test
 * changes the facts, and whose frames are caught.
 */
#pragma once

#include "consensus/read_index.h"

#define READ_RIG_SERVERS_MAX 6u
#define READ_RIG_FRAMES_MAX 64u
#define READ_RIG_HEARTBEAT_MS 100u
#define READ_RIG_NONCE 0x1122334455667788u

struct read_rig_frame {
    uint64_t to;
    enum link_frame type;
    uint8_t bytes[READ_INDEX_FRAME_LEN];
};

struct read_rig {
    struct read_index reads;
    struct read_facts facts;
    struct raft_server servers[READ_RIG_SERVERS_MAX];
    struct raft_configuration configuration;
    struct read_rig_frame frames[READ_RIG_FRAMES_MAX];
    size_t frames_count;
    uint64_t now_ms;
};

/* What a read, or several, were told. */
struct read_rig_told {
    unsigned count;
    int status; /* the last one */
    struct read_rig *rig;
    struct node_read *then; /* added in the callback */
};

/* Servers 1 to @voters vote; @others more do not. */
void read_rig_setup(struct read_rig *rig, unsigned voters, unsigned others);
void read_rig_add(struct read_rig *rig, struct node_read *read,
                  struct read_rig_told *told);
void read_rig_on_read(struct node_read *read, int status);
/* Reads of a leadership that is over hear QL_NOT_LEADER. */
void read_rig_step(struct read_rig *rig);
/* An answer from @from; returns what read_index_on_frame() does. */
int read_rig_say(struct read_rig *rig, uint64_t from, uint64_t term,
                 uint64_t nonce, uint64_t round);
/* A good answer in the present term, and a step. */
void read_rig_say_yes(struct read_rig *rig, uint64_t from, uint64_t round);
/* @from asks for round 33 of its term. */
int read_rig_ask(struct read_rig *rig, uint64_t from, uint64_t term);
/* The frame that left as number @i is this one. */
void read_rig_expect_frame(const struct read_rig *rig, size_t i, uint64_t to,
                           enum link_frame type, uint64_t term, uint64_t round);
