/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "consensus/rebuild.h"

#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "consensus/guard_view.h"
#include "consensus/link_message.h"
#include "util/diag.h"
#include "util/mem.h"

#define VERSION 1u
#define LEAST_AT 8u
#define REQUEST_LEN 16u

/* A request on its way. */
struct asking {
    struct link_send send;
    struct bytes part;
    uint8_t bytes[REQUEST_LEN];
};

/* Our snapshot on its way to @to. */
struct rebuild_giving {
    struct rebuild *rebuild;
    uint64_t to;
    struct raft_io_snapshot_get get;
    struct raft_snapshot *snapshot;
    struct link_send send;
    struct buf head;
    struct bytes parts[2];
};

static void ask(struct rebuild *rebuild, uint64_t now_ms);
static void on_asked(struct link_send *send, int status);
static int on_state(struct rebuild *rebuild, uint64_t from,
                    const uint8_t *bytes, size_t len);
static bool is_of_use(const struct rebuild *rebuild,
                      const struct raft_install_snapshot *snapshot);
static void on_staged(struct raft_disk_stage *stage, int status);
static void fail(struct rebuild *rebuild);
static int give(struct rebuild *rebuild, uint64_t to, const uint8_t *bytes,
                size_t len);
static void on_got(struct raft_io_snapshot_get *get,
                   struct raft_snapshot *snapshot, int status);
static void send_snapshot(struct rebuild_giving *giving, struct link *link);
static void on_given(struct link_send *send, int status);
static void giving_free(struct rebuild_giving *giving);
static struct link *link_of(const struct rebuild *rebuild);

void rebuild_init(struct rebuild *rebuild, struct core *core, uint64_t self)
{
    *rebuild = (struct rebuild){.core = core, .self = self};
}

/* ---- Taking ---- */

void rebuild_begin(struct rebuild *rebuild, const uint64_t *peers, size_t count,
                   uint64_t now_ms)
{
    assert(count <= MEMBERS_MAX);
    memcpy(rebuild->peers, peers, count * sizeof(*peers));
    rebuild->peers_count = count;
    if (!rebuild->active) {
        rebuild->active = true;
        rebuild->begun_ms = now_ms;
        rebuild->asked_ms = 0;
        fsm_hold(&rebuild->core->fsm, true);
    }
    rebuild_tick(rebuild, now_ms);
}

void rebuild_end(struct rebuild *rebuild)
{
    rebuild->active = false;
    fsm_hold(&rebuild->core->fsm, false);
}

void rebuild_tick(struct rebuild *rebuild, uint64_t now_ms)
{
    if (!rebuild->active || rebuild->staging) {
        return;
    }
    if (now_ms - rebuild->begun_ms > REBUILD_MS_MAX) {
        diag_warning("no node has given this one a snapshot in time");
        fail(rebuild);
        return;
    }
    if (rebuild->peers_count > 0 &&
        (rebuild->asked_ms == 0 ||
         now_ms - rebuild->asked_ms >= REBUILD_ANSWER_MS)) {
        ask(rebuild, now_ms);
    }
}

int rebuild_on_frame(struct rebuild *rebuild, uint64_t from,
                     enum link_frame type, const uint8_t *bytes, size_t len,
                     bool gives)
{
    if (type == LINK_STATE) {
        return on_state(rebuild, from, bytes, len);
    }
    assert(type == LINK_STATE_REQUEST);
    if (len < REQUEST_LEN || get_u32(bytes) < VERSION) {
        return QL_PROTOCOL;
    }
    return gives && rebuild->giving == NULL ? give(rebuild, from, bytes, len)
                                            : 0;
}

static void ask(struct rebuild *rebuild, uint64_t now_ms)
{
    struct link *link = link_of(rebuild);
    uint64_t peer = rebuild->peers[rebuild->next % rebuild->peers_count];
    struct asking *asking;

    rebuild->asked_ms = now_ms;
    rebuild->next++;
    if (link == NULL) {
        return;
    }
    asking = mem_must_zalloc(sizeof *asking);
    put_u32(asking->bytes, VERSION);
    put_u64(asking->bytes + LEAST_AT, rebuild->core->raft.log.offset);
    asking->part = (struct bytes){asking->bytes, REQUEST_LEN};
    if (link_send(link, &asking->send, peer, LINK_STATE_REQUEST, &asking->part,
                  1, on_asked) != 0) {
        free(asking);
    }
}

static void on_asked(struct link_send *send, int status)
{
    (void)status; /* Another is asked soon. */
    free(LIST_ITEM(send, struct asking, send));
}

static int on_state(struct rebuild *rebuild, uint64_t from,
                    const uint8_t *bytes, size_t len)
{
    struct raft_disk *disk = raft_io_real_disk(rebuild->core->disk);
    struct raft_message *message = &rebuild->message;
    bool expected = false;
    int rv;

    for (size_t i = 0; i < rebuild->peers_count; i++) {
        expected = expected || rebuild->peers[i] == from;
    }
    if (!rebuild->active || rebuild->staging || !expected || disk == NULL) {
        return 0;
    }
    rv = link_message_decode(bytes, len, from, message);
    if (rv == QL_NO_MEMORY) {
        diag_die(1, "out of memory for a snapshot of node %" PRIu64, from);
    }
    if (rv != 0) {
        return rv;
    }
    if (message->type != RAFT_IO_INSTALL_SNAPSHOT) {
        link_message_free(message);
        return QL_PROTOCOL;
    }
    if (!is_of_use(rebuild, &message->install_snapshot)) {
        link_message_free(message);
        return 0;
    }
    rebuild->stage.data = rebuild;
    rebuild->staging =
        raft_disk_stage(disk, &rebuild->stage, &message->install_snapshot,
                        on_staged) == 0;
    if (!rebuild->staging) {
        link_message_free(message);
    }
    return 0;
}

/* The raft log must reach back to it, and have what it ends with: then nothing
 * of what this node has acknowledged is given up. */
static bool is_of_use(const struct rebuild *rebuild,
                      const struct raft_install_snapshot *snapshot)
{
    const struct raft *raft = &rebuild->core->raft;
    raft_index index = snapshot->last_index;
    raft_term term = view_term_of(raft, index);

    return !view_is_storing_snapshot(raft) && index >= raft->log.offset &&
           index <= raft->last_stored && index <= raft->last_applied &&
           (term == snapshot->last_term ||
            (term == 0 && index == raft->log.offset));
}

static void on_staged(struct raft_disk_stage *stage, int status)
{
    struct rebuild *rebuild = stage->data;
    const struct raft_install_snapshot *snapshot =
        &rebuild->message.install_snapshot;
    raft_index index = snapshot->last_index;
    bool is_still = is_of_use(rebuild, snapshot);
    int rv = status;

    link_message_free(&rebuild->message);
    rebuild->staging = false;
    if (!rebuild->active || (rv == 0 && !is_still)) {
        return;
    }
    if (rv == 0) {
        rv = raft_disk_stage_commit(stage->disk, &stage->err);
    }
    if (rv != 0) {
        diag_error("the snapshot of another node cannot be stored: %s",
                   stage->err.text);
        fail(rebuild);
        return;
    }
    rebuild->on_staged(rebuild->data, index);
}

static void fail(struct rebuild *rebuild)
{
    rebuild_end(rebuild);
    rebuild->on_failed(rebuild->data);
}

/* ---- Giving ---- */

static int give(struct rebuild *rebuild, uint64_t to, const uint8_t *bytes,
                size_t len)
{
    struct raft_disk *disk = raft_io_real_disk(rebuild->core->disk);
    raft_index newest = rebuild->core->raft.log.snapshot.last_index;
    struct rebuild_giving *giving;

    (void)len;
    if (disk == NULL) {
        return 0;
    }
    if (newest == 0 || newest < get_u64(bytes + LEAST_AT)) {
        fsm_press(&rebuild->core->fsm);
        return 0;
    }
    giving = mem_must_zalloc(sizeof *giving);
    giving->rebuild = rebuild;
    giving->to = to;
    giving->get.data = giving;
    if (raft_disk_get(disk, &giving->get, on_got) != 0) {
        free(giving);
        return 0;
    }
    rebuild->giving = giving;
    return 0;
}

static void on_got(struct raft_io_snapshot_get *get,
                   struct raft_snapshot *snapshot, int status)
{
    struct rebuild_giving *giving = get->data;
    struct link *link = link_of(giving->rebuild);

    giving->snapshot = status == 0 ? snapshot : NULL;
    if (giving->snapshot == NULL || link == NULL) {
        giving_free(giving);
        return;
    }
    send_snapshot(giving, link);
}

static void send_snapshot(struct rebuild_giving *giving, struct link *link)
{
    const struct raft_snapshot *snapshot = giving->snapshot;
    const struct raft_message message = {
        .type = RAFT_IO_INSTALL_SNAPSHOT,
        .install_snapshot = {.term = giving->rebuild->core->raft.current_term,
                             .last_index = snapshot->index,
                             .last_term = snapshot->term,
                             .conf = snapshot->configuration,
                             .conf_index = snapshot->configuration_index,
                             .data = snapshot->bufs[0]}};

    assert(snapshot->n_bufs == 1);
    if (link_message_encode(&message, &giving->head, giving->parts) != 0 ||
        link_send(link, &giving->send, giving->to, LINK_STATE, giving->parts,
                  link_message_parts(&message), on_given) != 0) {
        giving_free(giving);
        return;
    }
    diag_info("node %" PRIu64 " is given the snapshot at raft index %" PRIu64,
              giving->to, (uint64_t)snapshot->index);
}

static void on_given(struct link_send *send, int status)
{
    (void)status; /* It asks again. */
    giving_free(LIST_ITEM(send, struct rebuild_giving, send));
}

static void giving_free(struct rebuild_giving *giving)
{
    giving->rebuild->giving = NULL;
    if (giving->snapshot != NULL) {
        raft_disk_free_snapshot(giving->snapshot);
    }
    buf_close(&giving->head);
    free(giving);
}

static struct link *link_of(const struct rebuild *rebuild)
{
    struct raft_net *net = raft_io_real_net(rebuild->core->disk);

    return net == NULL ? NULL : raft_net_link(net);
}
