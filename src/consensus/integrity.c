/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "consensus/integrity.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "consensus/digest_report.h"
#include "consensus/guard_view.h"
#include "consensus/integrity_text.h"
#include "consensus/node_internal.h"
#include "util/clock.h"
#include "util/diag.h"
#include "util/mem.h"
#include "wire/args_freeze.h"

#define HANDOVERS_MAX 3u

/* One frame on its way. */
struct outgoing {
    struct link_send send;
    struct bytes part;
    uint8_t bytes[DIGEST_REPORT_LEN_MAX];
};

static void on_timer(uv_timer_t *timer);
static void tell_all(struct integrity *integrity);
static void on_told(struct link_send *send, int status);
static int hear(struct integrity *integrity, uint64_t from,
                const uint8_t *bytes, size_t len);
static void consider(struct integrity *integrity);
static void note_freeze(struct integrity *integrity);
static void lead(struct integrity *integrity);
static bool somebody_wants(const struct integrity *integrity, uint64_t now_ms);
static void propose_freeze(struct integrity *integrity);
static void propose(struct integrity *integrity, enum command_kind kind,
                    struct bytes params);
static void on_applied(struct node_submit *submit, int status,
                       const struct outcome *outcome);
static void mend(struct integrity *integrity);
static void mend_by_restart(struct integrity *integrity);
static void mend_by_rebuild(struct integrity *integrity);
static void on_staged(void *data, uint64_t index);
static void on_rebuild_failed(void *data);
static bool leads_no_more(struct integrity *integrity);
static void on_handed_over(struct node_transfer *transfer, int status);
static void remember(const struct integrity *integrity);
static size_t list_voters(const struct integrity *integrity,
                          uint64_t ret[DIGEST_PEERS_MAX]);

void integrity_start(struct integrity *integrity, struct node *node,
                     struct core *core, const struct node_options *options)
{
    struct err err;
    int rv;

    if (mend_load(&integrity->mend, options->dir, &err) != 0) {
        diag_die(1, "what is known of this node's state cannot be read: %s",
                 err.text);
    }
    rv = uv_timer_init(options->loop, &integrity->timer);
    assert(rv == 0); /* Neither can fail (libuv's manual). */
    integrity->node = node;
    integrity->core = core;
    integrity->identity = options->identity;
    integrity->dir = options->dir;
    digest_watch_init(&integrity->watch, options->identity->node);
    rebuild_init(&integrity->rebuild, core, options->identity->node);
    integrity->rebuild.on_staged = on_staged;
    integrity->rebuild.on_failed = on_rebuild_failed;
    integrity->rebuild.data = integrity;
    guard_stand_back(core->guard, integrity->mend.stage != MEND_GOOD);
    rv = uv_timer_start(&integrity->timer, on_timer, DIGEST_SEND_MS,
                        DIGEST_SEND_MS);
    assert(rv == 0);
}

void integrity_on_digest(struct integrity *integrity, uint64_t index,
                         const uint8_t digest[HASH128_LEN])
{
    struct digest taken = {.index = index,
                           .term = view_term_of(&integrity->core->raft, index)};

    memcpy(taken.bytes, digest, sizeof taken.bytes);
    digest_watch_take(&integrity->watch, &taken);
    integrity->taken_ms = clock_monotonic_ms();
    integrity->fresh = true;
}

void integrity_on_restored(struct integrity *integrity, uint64_t index)
{
    digest_watch_on_restore(&integrity->watch, index);
    integrity->fresh = true;
}

void integrity_step(struct integrity *integrity)
{
    if (integrity->fresh) {
        integrity->fresh = false;
        tell_all(integrity);
        consider(integrity);
    }
    note_freeze(integrity);
}

int integrity_on_frame(struct integrity *integrity, uint64_t from,
                       enum link_frame type, const uint8_t *bytes, size_t len)
{
    if (type == LINK_DIGESTS) {
        return hear(integrity, from, bytes, len);
    }
    return rebuild_on_frame(&integrity->rebuild, from, type, bytes, len,
                            !integrity_is_suspect(integrity));
}

bool integrity_is_suspect(const struct integrity *integrity)
{
    return integrity->mend.stage != MEND_GOOD ||
           integrity->verdict.finding == DIGEST_ODD;
}

void integrity_fill(const struct integrity *integrity, struct node_status *ret)
{
    const struct identity *identity = integrity->identity;
    struct integrity_view view = {
        .verdict = &integrity->verdict,
        .alone = identity->members_count == 1,
        .is_out = integrity->is_out,
        .is_rebuilding = integrity->rebuild.active,
        .is_checking = integrity->mend.stage != MEND_GOOD,
    };

    ret->integrity = integrity_word(&view);
    ret->agreed_index = integrity->agreed_index;
    ret->mend_attempts = integrity->mend.attempts;
    for (size_t i = 0; i < identity->members_count; i++) {
        struct node_peer_status *peer = &ret->peers[i];

        peer->digest_index = digest_watch_common(
            &integrity->watch, identity->members[i].id, &peer->digest_same);
    }
}

static void on_timer(uv_timer_t *timer)
{
    struct integrity *integrity = (struct integrity *)(void *)timer;

    tell_all(integrity);
    rebuild_tick(&integrity->rebuild, clock_monotonic_ms());
    consider(integrity);
}

/* ---- The others ---- */

static void tell_all(struct integrity *integrity)
{
    const struct identity *identity = integrity->identity;
    struct raft_net *net = raft_io_real_net(integrity->core->disk);
    const struct digest_report report = {
        .wants = integrity->mend.stage != MEND_GOOD && !integrity->is_out,
        .list = *digest_watch_own(&integrity->watch)};

    for (size_t i = 0; net != NULL && i < identity->members_count; i++) {
        struct outgoing *outgoing;

        if (identity->members[i].id == identity->node) {
            continue;
        }
        outgoing = mem_must_zalloc(sizeof *outgoing);
        outgoing->part.data = outgoing->bytes;
        outgoing->part.len = digest_report_encode(&report, outgoing->bytes);
        if (link_send(raft_net_link(net), &outgoing->send,
                      identity->members[i].id, LINK_DIGESTS, &outgoing->part, 1,
                      on_told) != 0) {
            free(outgoing);
        }
    }
}

/* What cannot be sent is lost: another follows. */
static void on_told(struct link_send *send, int status)
{
    (void)status;
    free(LIST_ITEM(send, struct outgoing, send));
}

static int hear(struct integrity *integrity, uint64_t from,
                const uint8_t *bytes, size_t len)
{
    const struct member *member = identity_member(integrity->identity, from);
    struct digest_report report;
    int rv = digest_report_decode(&report, bytes, len);

    if (rv != 0) {
        return rv;
    }
    if (member != NULL) {
        integrity->wants[member - integrity->identity->members] =
            report.wants ? clock_monotonic_ms() + 3 * DIGEST_SEND_MS : 0;
    }
    digest_watch_hear(&integrity->watch, from, &report.list);
    consider(integrity);
    return 0;
}

/* ---- What follows ---- */

static void consider(struct integrity *integrity)
{
    struct digest_verdict *verdict = &integrity->verdict;
    uint64_t voters[DIGEST_PEERS_MAX];
    size_t count = list_voters(integrity, voters);

    digest_watch_judge(&integrity->watch, voters, count, clock_monotonic_ms(),
                       verdict);
    if (verdict->finding == DIGEST_AGREED ||
        verdict->finding == DIGEST_OTHER_ODD) {
        integrity->froze = false;
        if (verdict->index > integrity->agreed_index) {
            integrity->agreed_index = verdict->index;
        }
    }
    note_freeze(integrity);
    if (verdict->finding != integrity->said ||
        (verdict->finding == DIGEST_ODD &&
         verdict->index != integrity->said_index)) {
        integrity_say(integrity->said, verdict, voters, count);
        integrity->said = verdict->finding;
        integrity->said_index = verdict->index;
    }
    if (integrity->core->raft.state == RAFT_LEADER) {
        lead(integrity);
    }
    mend(integrity);
}

/* Who thaws the logs knows of the split: it is not taken for a new one. */
static void note_freeze(struct integrity *integrity)
{
    struct machine_counts counts;

    if (integrity->verdict.finding == DIGEST_SPLIT) {
        machine_counts(node_machine(integrity->node), &counts);
        integrity->froze = integrity->froze || counts.frozen;
    }
}

/* Followers are refused by node_submit(), and so is a leader that is suspect. */
static void lead(struct integrity *integrity)
{
    const struct digest_list *own = digest_watch_own(&integrity->watch);
    uint64_t now = clock_monotonic_ms();
    uint64_t quiet = now - integrity->taken_ms;
    uint64_t newest = own->count == 0 ? 0 : own->items[own->count - 1].index;

    if (integrity->under_way || integrity->identity->members_count == 1) {
        return;
    }
    if (integrity->verdict.finding == DIGEST_SPLIT && !integrity->froze) {
        propose_freeze(integrity);
    } else if ((quiet >= DIGEST_QUIET_MS &&
                integrity->core->raft.last_applied > newest) ||
               (quiet >= DIGEST_SEND_MS && somebody_wants(integrity, now))) {
        propose(integrity, COMMAND_DIGEST, (struct bytes){0});
    }
}

static bool somebody_wants(const struct integrity *integrity, uint64_t now_ms)
{
    for (size_t i = 0; i < integrity->identity->members_count; i++) {
        if (integrity->wants[i] > now_ms) {
            return true;
        }
    }
    return false;
}

static void propose_freeze(struct integrity *integrity)
{
    char reason[FREEZE_REASON_MAX + 1];
    char by[32];
    uint64_t voters[DIGEST_PEERS_MAX];
    size_t count = list_voters(integrity, voters);
    struct freeze_args args;
    struct buf params = BUF_INIT;

    integrity_reason(&integrity->verdict, voters, count, reason, sizeof reason);
    (void)snprintf(by, sizeof by, "node %" PRIu64, integrity->identity->node);
    args.reason =
        (struct bytes){(const uint8_t *)reason, strnlen(reason, sizeof reason)};
    args.by = (struct bytes){(const uint8_t *)by, strnlen(by, sizeof by)};
    if (freeze_args_encode(&args, &params) == 0) {
        propose(integrity, COMMAND_FREEZE,
                (struct bytes){params.data, params.len});
    }
    buf_close(&params);
}

/* Refused while the node is busy or not ready: the next look will do. */
static void propose(struct integrity *integrity, enum command_kind kind,
                    struct bytes params)
{
    integrity->submit.data = integrity;
    integrity->under_way = node_submit(integrity->node, &integrity->submit,
                                       kind, params, on_applied) == 0;
}

static void on_applied(struct node_submit *submit, int status,
                       const struct outcome *outcome)
{
    struct integrity *integrity = submit->data;

    integrity->under_way = false;
    if (status == 0 && outcome->kind == COMMAND_FREEZE) {
        integrity->froze = true;
    }
}

/* ---- A node that is the odd one ---- */

static void mend(struct integrity *integrity)
{
    bool was_out = integrity->is_out;

    integrity->is_out = false;
    switch (
        mend_judge(&integrity->mend, &integrity->verdict, clock_wall_ms())) {
    case MEND_NOTHING:
        break;
    case MEND_CURED:
        mend_cured(&integrity->mend);
        rebuild_end(&integrity->rebuild);
        remember(integrity);
        diag_info("this node has the state of the others again, at raft index "
                  "%" PRIu64 ": it serves as before",
                  integrity->verdict.index);
        break;
    case MEND_RESTART:
        mend_by_restart(integrity);
        break;
    case MEND_REBUILD:
        mend_by_rebuild(integrity);
        break;
    case MEND_GIVEN_UP:
        integrity->is_out = true;
        rebuild_end(&integrity->rebuild);
        if (!was_out) {
            diag_error("this node's state still differs from that of the "
                       "others after %u attempts in an hour: it serves "
                       "nobody and tries again later; look at its memory "
                       "and its disk, or replace it",
                       REBUILDS_MAX);
        }
        break;
    }
    guard_stand_back(integrity->core->guard, integrity_is_suspect(integrity));
}

static void mend_by_restart(struct integrity *integrity)
{
    if (!leads_no_more(integrity)) {
        return;
    }
    mend_attempt(&integrity->mend, MEND_RESTARTED, integrity->verdict.index,
                 clock_wall_ms());
    remember(integrity);
    node_begin_again(integrity->node,
                     "the state of this node is not that of the others");
}

static void mend_by_rebuild(struct integrity *integrity)
{
    const struct digest_verdict *verdict = &integrity->verdict;
    uint64_t voters[DIGEST_PEERS_MAX];
    uint64_t peers[MEMBERS_MAX];
    size_t count = list_voters(integrity, voters);
    size_t peers_count = 0;

    if (!leads_no_more(integrity)) {
        return;
    }
    for (size_t i = 0; i < count && peers_count < MEMBERS_MAX; i++) {
        if (verdict->groups[i] == verdict->majority &&
            voters[i] != integrity->identity->node) {
            peers[peers_count++] = voters[i];
        }
    }
    rebuild_begin(&integrity->rebuild, peers, peers_count,
                  clock_monotonic_ms());
}

static void on_staged(void *data, uint64_t index)
{
    struct integrity *integrity = data;

    mend_attempt(&integrity->mend, MEND_REBUILT, index + 1, clock_wall_ms());
    remember(integrity);
    node_begin_again(integrity->node,
                     "this node takes the state of another one");
}

static void on_rebuild_failed(void *data)
{
    struct integrity *integrity = data;

    mend_attempt(&integrity->mend, integrity->mend.stage, integrity->mend.index,
                 clock_wall_ms());
    remember(integrity);
}

/* Whoever leads hands over first. If nobody takes over, the end of this process
 * makes the others elect. */
static bool leads_no_more(struct integrity *integrity)
{
    if (integrity->core->raft.state != RAFT_LEADER ||
        integrity->handovers >= HANDOVERS_MAX) {
        return true;
    }
    if (!integrity->handing_over) {
        integrity->transfer.data = integrity;
        integrity->handing_over =
            node_transfer(integrity->node, &integrity->transfer, 0,
                          on_handed_over) == 0;
        integrity->handovers += integrity->handing_over ? 0 : 1;
    }
    return false;
}

static void on_handed_over(struct node_transfer *transfer, int status)
{
    struct integrity *integrity = transfer->data;

    integrity->handing_over = false;
    integrity->handovers += status == 0 ? 0 : 1;
}

/* Without it the next start would not know, and serve: better not at all. */
static void remember(const struct integrity *integrity)
{
    struct err err;

    if (mend_store(&integrity->mend, integrity->dir, &err) != 0) {
        diag_die(1,
                 "what is wrong with this node's state cannot be noted: %s; "
                 "nothing acknowledged is lost; start again when the disk "
                 "takes it",
                 err.text);
    }
}

static size_t list_voters(const struct integrity *integrity,
                          uint64_t ret[DIGEST_PEERS_MAX])
{
    const struct raft_configuration *configuration =
        &integrity->core->raft.configuration;
    size_t count = 0;

    for (unsigned i = 0; i < configuration->n && count < DIGEST_PEERS_MAX;
         i++) {
        if (configuration->servers[i].role == RAFT_VOTER) {
            ret[count++] = configuration->servers[i].id;
        }
    }
    return count;
}
