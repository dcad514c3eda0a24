/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "consensus/space_watch.h"

#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>

#include "consensus/node_internal.h"
#include "consensus/space_report.h"
#include "util/clock.h"
#include "util/diag.h"
#include "util/mem.h"
#include "wire/args_cluster.h"

/* What entries take in the WAL beyond their length. */
#define PRESS_SLACK (4u * MIB)

/* One frame on its way. */
struct outgoing {
    struct link_send send;
    struct bytes part;
    uint8_t bytes[SPACE_REPORT_LEN];
};

static void on_timer(uv_timer_t *timer);
static void look(struct space_watch *watch);
static void on_look(void *data, const struct reserve_look *found);
static void on_grown(void *data);
static void judge(struct space_watch *watch);
static void press(struct space_watch *watch, const struct wal_room *room);
static void report(struct space_watch *watch);
static void send_to(struct link *link, uint64_t node,
                    const struct space_report *report);
static void on_sent(struct link_send *send, int status);
static void consider(struct space_watch *watch);
static size_t list_voters(const struct space_watch *watch,
                          uint64_t ret[SPACE_PEERS_MAX]);
static void propose(struct space_watch *watch, bool low);
static void on_applied(struct node_submit *submit, int status,
                       const struct outcome *outcome);
static bool is_refusing(const struct space_watch *watch);
static void say_low(struct space_watch *watch,
                    const struct space_sample *sample);
static void say_refused(struct space_watch *watch);

void space_watch_start(struct space_watch *watch, struct node *node,
                       struct core *core, const struct node_options *options)
{
    int rv = uv_timer_init(options->loop, &watch->timer);

    assert(rv == 0); /* Neither can fail (libuv's manual). */
    watch->node = node;
    watch->core = core;
    watch->identity = options->identity;
    watch->reserve_bytes = options->reserve_bytes;
    space_init(&watch->space, options->identity->node,
               options->low_space_bytes);
    rv = uv_timer_start(&watch->timer, on_timer, 0, SPACE_REPORT_MS);
    assert(rv == 0);
}

int space_watch_on_frame(struct space_watch *watch, uint64_t from,
                         const uint8_t *bytes, size_t len)
{
    struct space_report heard;
    int rv = space_report_decode(&heard, bytes, len);

    if (rv != 0) {
        return rv;
    }
    space_hear(&watch->space, from, &heard, clock_monotonic_ms());
    consider(watch);
    return 0;
}

void space_watch_fill(const struct space_watch *watch,
                      struct node_peer_status ret[MEMBERS_MAX])
{
    for (size_t i = 0; i < watch->identity->members_count; i++) {
        const struct space_report *last =
            space_of(&watch->space, watch->identity->members[i].id);

        if (last != NULL) {
            ret[i].space_known = true;
            ret[i].space_low = last->low;
            ret[i].free_bytes = last->free_bytes;
            ret[i].total_bytes = last->total_bytes;
        }
    }
}

static void on_timer(uv_timer_t *timer)
{
    struct space_watch *watch = (struct space_watch *)(void *)timer;
    const struct space_report *own = space_own(&watch->space);

    say_refused(watch);
    look(watch);
    report(watch);
    consider(watch);
    if (own != NULL && own->low) {
        node_on_low(watch->node);
    }
}

/* ---- This node's disk ---- */

static void look(struct space_watch *watch)
{
    struct raft_disk *disk = raft_io_real_disk(watch->core->disk);
    uint64_t needs = space_reserve_needs(&watch->space, watch->reserve_bytes,
                                         fsm_snapshot_needs(&watch->core->fsm));

    if (disk == NULL) {
        return;
    }
    if (!watch->listening) {
        watch->listening = true;
        raft_disk_on_grown(disk, on_grown, watch);
    }
    raft_disk_set_held(disk, raft_io_real_holds(watch->core->disk));
    watch->look_again = watch->looking;
    if (!watch->looking) {
        watch->looking = raft_disk_look(disk, needs, on_look, watch) == 0;
    }
}

static void on_look(void *data, const struct reserve_look *found)
{
    struct space_watch *watch = data;

    watch->looking = false;
    watch->found = *found;
    watch->found_any = true;
    judge(watch);
    if (watch->look_again) {
        look(watch);
    }
}

/* What was found is no longer so, and the last word stands until there is news. A
 * look under way will do: works take turns, so it comes behind what has grown. */
static void on_grown(void *data)
{
    struct space_watch *watch = data;

    watch->found_any = false;
    look(watch);
}

void space_watch_on_applied(struct space_watch *watch)
{
    judge(watch);
}

/* What is free is known from the last look: only segments and snapshots take more
 * of the disk, after which there is another. What is needed grows all the time. */
static void judge(struct space_watch *watch)
{
    struct raft_disk *disk = raft_io_real_disk(watch->core->disk);
    struct space_sample sample = {
        .free_bytes = watch->found.free_bytes,
        .total_bytes = watch->found.total_bytes,
        .needed_bytes = fsm_snapshot_needs(&watch->core->fsm),
        .reserve_missing = watch->found.missing,
    };
    struct wal_room room;
    bool is_new;

    if (disk == NULL || !watch->found_any) {
        return;
    }
    raft_disk_room(disk, &room);
    sample.ahead_bytes = room.segment_bytes;
    if (room.lacks && room.written_bytes > room.segment_bytes / 2) {
        sample.needed_bytes += room.segment_bytes;
        sample.ahead_bytes = 0;
    }
    is_new = space_take_sample(&watch->space, &sample);
    raft_disk_set_lean(disk, space_is_lean(&watch->space));
    press(watch, &room);
    if (is_new) {
        say_low(watch, &sample);
        report(watch);
    }
    consider(watch);
}

/* Where no new segment may be made the oldest has to be used again: soon, but not
 * before it is behind the entries that stay in any case. */
static void press(struct space_watch *watch, const struct wal_room *room)
{
    if (!room->lacks || !room->has_older) {
        watch->pressed = false;
    } else if (!watch->pressed &&
               room->written_bytes > TRAILING_BYTES_MAX + PRESS_SLACK) {
        watch->pressed = true;
        fsm_press(&watch->core->fsm);
    }
}

/* ---- The others ---- */

static void report(struct space_watch *watch)
{
    const struct space_report *own = space_own(&watch->space);
    struct raft_net *net = raft_io_real_net(watch->core->disk);

    if (own == NULL || net == NULL) {
        return;
    }
    for (size_t i = 0; i < watch->identity->members_count; i++) {
        uint64_t id = watch->identity->members[i].id;

        if (id != watch->identity->node) {
            send_to(raft_net_link(net), id, own);
        }
    }
}

/* What cannot be sent is lost: another follows. */
static void send_to(struct link *link, uint64_t node,
                    const struct space_report *report)
{
    struct outgoing *outgoing = mem_must_zalloc(sizeof *outgoing);

    space_report_encode(report, outgoing->bytes);
    outgoing->part =
        (struct bytes){.data = outgoing->bytes, .len = SPACE_REPORT_LEN};
    if (link_send(link, &outgoing->send, node, LINK_REPORT, &outgoing->part, 1,
                  on_sent) != 0) {
        free(outgoing);
    }
}

static void on_sent(struct link_send *send, int status)
{
    (void)status;
    free(LIST_ITEM(send, struct outgoing, send));
}

/* ---- What the leader does about it ---- */

/* Followers are refused by node_submit(). */
static void consider(struct space_watch *watch)
{
    uint64_t voters[SPACE_PEERS_MAX];
    size_t count;

    if (watch->under_way || watch->core->raft.state != RAFT_LEADER) {
        return;
    }
    count = list_voters(watch, voters);
    switch (space_wish(&watch->space, voters, count, is_refusing(watch),
                       clock_monotonic_ms())) {
    case SPACE_NOTHING:
        return;
    case SPACE_REFUSE:
        propose(watch, true);
        return;
    case SPACE_ADMIT:
        propose(watch, false);
        return;
    }
}

static size_t list_voters(const struct space_watch *watch,
                          uint64_t ret[SPACE_PEERS_MAX])
{
    const struct raft_configuration *configuration =
        &watch->core->raft.configuration;
    size_t count = 0;

    for (unsigned i = 0; i < configuration->n && count < SPACE_PEERS_MAX; i++) {
        if (configuration->servers[i].role == RAFT_VOTER) {
            ret[count++] = configuration->servers[i].id;
        }
    }
    return count;
}

/* Refused while the node is busy or not ready: the next look will do. */
static void propose(struct space_watch *watch, bool low)
{
    const struct space_args args = {low};
    struct buf params = BUF_INIT;

    watch->submit.data = watch;
    if (space_args_encode(&args, &params) == 0 &&
        node_submit(watch->node, &watch->submit, COMMAND_SPACE,
                    (struct bytes){params.data, params.len}, on_applied) == 0) {
        watch->under_way = true;
        space_wished(&watch->space, clock_monotonic_ms());
    }
    buf_close(&params);
}

static void on_applied(struct node_submit *submit, int status,
                       const struct outcome *outcome)
{
    struct space_watch *watch = submit->data;

    (void)status;
    (void)outcome;
    watch->under_way = false;
}

static bool is_refusing(const struct space_watch *watch)
{
    struct machine_counts counts;

    machine_counts(node_machine(watch->node), &counts);
    return counts.space_low;
}

/* ---- For the operator ---- */

static void say_low(struct space_watch *watch,
                    const struct space_sample *sample)
{
    const struct space_report *own = space_own(&watch->space);

    if (own->low == watch->said_low) {
        return;
    }
    watch->said_low = own->low;
    if (own->low) {
        diag_warning("low on space: %" PRIu64 " of %" PRIu64
                     " MiB are free in %s, and what is to be written next "
                     "needs %" PRIu64 "%s; make room, delete backups, or trim "
                     "or delete logs",
                     own->free_bytes / MIB, own->total_bytes / MIB,
                     watch->core->dir, sample->needed_bytes / MIB,
                     sample->reserve_missing ? ", the reserve besides" : "");
    } else {
        diag_info("space is back: %" PRIu64 " MiB are free in %s",
                  own->free_bytes / MIB, watch->core->dir);
    }
}

static void say_refused(struct space_watch *watch)
{
    bool refusing = is_refusing(watch);

    if (refusing == watch->said_refused) {
        return;
    }
    watch->said_refused = refusing;
    if (refusing) {
        diag_warning("appends are refused (NO_SPACE): the disks of too many "
                     "nodes are nearly full");
    } else {
        diag_info("appends are taken again");
    }
}
