/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "consensus/read_index.h"

#include <assert.h>
#include <string.h>

/* What both frames say. */
struct round {
    uint64_t term;
    uint64_t nonce;
    uint64_t number;
};

static void notice_term(struct read_index *reads,
                        const struct read_facts *facts);
static bool is_round_due(const struct read_index *reads, uint64_t now_ms);
static void begin_round(struct read_index *reads,
                        const struct read_facts *facts, uint64_t now_ms);
static void confirm(struct read_index *reads, const struct read_facts *facts);
static bool has_majority(const struct read_index *reads,
                         const struct read_facts *facts, uint64_t round);
static uint64_t round_of(const struct read_index *reads,
                         const struct read_facts *facts, uint64_t voter);
static void tell_good(struct read_index *reads, uint64_t applied_index);
static void tell(struct read_index *reads, struct list *list, int status);
static void answer(const struct read_index *reads,
                   const struct read_facts *facts, uint64_t from,
                   const struct round *round);
static int take_yes(struct read_index *reads, const struct read_facts *facts,
                    uint64_t from, const struct round *round);
static struct read_index_yes *find_yes(struct read_index *reads,
                                       const struct raft_configuration *latest,
                                       uint64_t voter);
static bool is_voter(const struct raft_configuration *latest, uint64_t node);
static void round_encode(uint8_t ret_bytes[READ_INDEX_FRAME_LEN],
                         const struct round *round);
static int round_decode(struct round *ret_round, const uint8_t *bytes,
                        size_t len);

void read_index_init(struct read_index *reads,
                     const struct read_index_options *options)
{
    *reads = (struct read_index){.options = *options};
    list_init(&reads->waiting);
    list_init(&reads->lost);
}

int read_index_add(struct read_index *reads, const struct read_facts *facts,
                   struct node_read *read, node_read_cb cb)
{
    if (facts->role != NODE_LEADER) {
        return QL_NOT_LEADER;
    }
    if (!facts->ready) {
        return QL_NO_LEADER;
    }
    if (reads->count >= READS_WAITING_MAX) {
        return QL_BUSY;
    }
    notice_term(reads, facts);
    read->cb = cb;
    read->index = facts->commit_index;
    /* Those that are under way were begun before it came. */
    read->round = reads->begun + 1;
    list_push_back(&reads->waiting, &read->link);
    reads->count++;
    return 0;
}

bool read_index_is_empty(const struct read_index *reads)
{
    return reads->count == 0;
}

void read_index_step(struct read_index *reads, const struct read_facts *facts,
                     uint64_t now_ms, int lost)
{
    notice_term(reads, facts);
    tell(reads, &reads->lost, lost);
    if (facts->role != NODE_LEADER || list_empty(&reads->waiting)) {
        return;
    }
    confirm(reads, facts);
    if (facts->may_ask && is_round_due(reads, now_ms)) {
        begin_round(reads, facts, now_ms);
        /* A sole voter has asked nobody and has its majority. */
        confirm(reads, facts);
    }
    tell_good(reads, facts->applied_index);
}

void read_index_refuse(struct read_index *reads, int status)
{
    tell(reads, &reads->lost, status);
    tell(reads, &reads->waiting, status);
}

int read_index_on_frame(struct read_index *reads,
                        const struct read_facts *facts, uint64_t from,
                        enum link_frame type, const uint8_t *bytes, size_t len)
{
    struct round round;
    int rv = round_decode(&round, bytes, len);

    if (rv != 0) {
        return rv;
    }
    if (type == LINK_READ_INDEX) {
        answer(reads, facts, from, &round);
        return 0;
    }
    assert(type == LINK_READ_INDEX_OK);
    return take_yes(reads, facts, from, &round);
}

/* ---- Leader ---- */

/* Reads belong to one term of leadership: what waits for another is lost, and
 * what was said in another does not count. */
static void notice_term(struct read_index *reads,
                        const struct read_facts *facts)
{
    uint64_t term = facts->role == NODE_LEADER ? facts->term : 0;

    if (term == reads->term) {
        return;
    }
    list_move_all(&reads->lost, &reads->waiting);
    memset(reads->yes, 0, sizeof reads->yes);
    reads->term = term;
    reads->confirmed = reads->begun;
}

/* While rounds are under way reads gather for the next, so that rounds serve
 * more reads under load. When nothing is heard, frames were lost or a majority
 * is away: a new round also serves all that waited for the lost ones. */
static bool is_round_due(const struct read_index *reads, uint64_t now_ms)
{
    const struct node_read *newest =
        LIST_ITEM(reads->waiting.prev, struct node_read, link);

    if (newest->round <= reads->confirmed) {
        return false;
    }
    if (now_ms - reads->begun_ms >= reads->options.heartbeat_ms) {
        return true;
    }
    return newest->round > reads->begun &&
           reads->begun - reads->confirmed < READ_ROUNDS_IN_FLIGHT;
}

static void begin_round(struct read_index *reads,
                        const struct read_facts *facts, uint64_t now_ms)
{
    const struct raft_configuration *latest = facts->configuration;
    uint8_t bytes[READ_INDEX_FRAME_LEN];

    reads->begun++;
    reads->begun_ms = now_ms;
    round_encode(bytes, &(struct round){.term = reads->term,
                                        .nonce = reads->options.nonce,
                                        .number = reads->begun});
    for (unsigned i = 0; i < latest->n; i++) {
        const struct raft_server *server = &latest->servers[i];

        if (server->role == RAFT_VOTER && server->id != facts->node) {
            reads->options.send(reads->options.data, server->id,
                                LINK_READ_INDEX, bytes);
        }
    }
}

/* A round that was confirmed once stays so, whatever becomes of the
 * configuration: it says that no newer leader had been elected when it began. */
static void confirm(struct read_index *reads, const struct read_facts *facts)
{
    const struct raft_configuration *latest = facts->configuration;

    for (unsigned i = 0; i < latest->n; i++) {
        uint64_t round = round_of(reads, facts, latest->servers[i].id);

        if (round > reads->confirmed && has_majority(reads, facts, round)) {
            reads->confirmed = round;
        }
    }
}

static bool has_majority(const struct read_index *reads,
                         const struct read_facts *facts, uint64_t round)
{
    const struct raft_configuration *latest = facts->configuration;
    unsigned voters = 0;
    unsigned yes = 0;

    for (unsigned i = 0; i < latest->n; i++) {
        const struct raft_server *server = &latest->servers[i];

        if (server->role == RAFT_VOTER) {
            voters++;
            yes += round_of(reads, facts, server->id) >= round ? 1 : 0;
        }
    }
    return yes > voters / 2;
}

/* The last round to which @voter has said yes. */
static uint64_t round_of(const struct read_index *reads,
                         const struct read_facts *facts, uint64_t voter)
{
    if (voter == facts->node) {
        /* It leads now. has_majority() counts it only if it is a voter. */
        return reads->begun;
    }
    for (size_t i = 0; i < GUARD_PEERS_MAX; i++) {
        if (reads->yes[i].node == voter) {
            return reads->yes[i].round;
        }
    }
    return 0;
}

/* Rounds and noted indexes rise along the list. */
static void tell_good(struct read_index *reads, uint64_t applied_index)
{
    struct list good;

    list_init(&good);
    while (!list_empty(&reads->waiting)) {
        struct node_read *read =
            LIST_ITEM(reads->waiting.next, struct node_read, link);

        if (read->round > reads->confirmed || read->index > applied_index) {
            break;
        }
        list_remove(&read->link);
        list_push_back(&good, &read->link);
    }
    tell(reads, &good, 0);
}

static void tell(struct read_index *reads, struct list *list, int status)
{
    struct list due;

    /* A callback may add a new read, which is none of these. */
    list_init(&due);
    list_move_all(&due, list);
    while (!list_empty(&due)) {
        struct node_read *read = LIST_ITEM(due.next, struct node_read, link);

        assert(reads->count > 0);
        reads->count--;
        list_remove(&read->link);
        read->cb(read, status);
    }
}

static int take_yes(struct read_index *reads, const struct read_facts *facts,
                    uint64_t from, const struct round *round)
{
    struct read_index_yes *yes;

    notice_term(reads, facts);
    if (round->nonce != reads->options.nonce || round->term != reads->term) {
        return 0; /* Meant for an earlier run or another leadership. */
    }
    if (round->number > reads->begun) {
        return QL_PROTOCOL;
    }
    if (from == facts->node || !is_voter(facts->configuration, from)) {
        return 0;
    }
    yes = find_yes(reads, facts->configuration, from);
    if (yes->round < round->number) {
        yes->round = round->number;
    }
    return 0;
}

/* The place of @voter, if need be that of one who votes no more. */
static struct read_index_yes *find_yes(struct read_index *reads,
                                       const struct raft_configuration *latest,
                                       uint64_t voter)
{
    struct read_index_yes *unused = NULL;

    for (size_t i = 0; i < GUARD_PEERS_MAX; i++) {
        struct read_index_yes *yes = &reads->yes[i];

        if (yes->node == voter) {
            return yes;
        }
        if (unused == NULL && !is_voter(latest, yes->node)) {
            unused = yes;
        }
    }
    assert(unused != NULL); /* There are twice as many as members. */
    *unused = (struct read_index_yes){.node = voter};
    return unused;
}

static bool is_voter(const struct raft_configuration *latest, uint64_t node)
{
    for (unsigned i = 0; i < latest->n; i++) {
        if (latest->servers[i].id == node) {
            return latest->servers[i].role == RAFT_VOTER;
        }
    }
    return false;
}

/* ---- Follower ---- */

/* Anything but a yes is silence: the asker goes on asking while it leads. */
static void answer(const struct read_index *reads,
                   const struct read_facts *facts, uint64_t from,
                   const struct round *round)
{
    uint8_t bytes[READ_INDEX_FRAME_LEN];

    if (facts->in_doubt || facts->role != NODE_FOLLOWER ||
        facts->term != round->term || facts->leader != from) {
        return;
    }
    round_encode(bytes, round);
    reads->options.send(reads->options.data, from, LINK_READ_INDEX_OK, bytes);
}

/* ---- Frames: docs/formats.md, "Read index" ---- */

static void round_encode(uint8_t ret_bytes[READ_INDEX_FRAME_LEN],
                         const struct round *round)
{
    put_u64(ret_bytes, round->term);
    put_u64(ret_bytes + 8, round->nonce);
    put_u64(ret_bytes + 16, round->number);
}

static int round_decode(struct round *ret_round, const uint8_t *bytes,
                        size_t len)
{
    if (len != READ_INDEX_FRAME_LEN) {
        return QL_PROTOCOL;
    }
    ret_round->term = get_u64(bytes);
    ret_round->nonce = get_u64(bytes + 8);
    ret_round->number = get_u64(bytes + 16);
    return ret_round->term != 0 && ret_round->number != 0 ? 0 : QL_PROTOCOL;
}
