/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "consensus/backup_keeper_link.h"

#include <stdlib.h>
#include <string.h>

#include "machine/machine_parts.h"
#include "util/clock.h"
#include "util/mem.h"

/* A frame on its way. */
struct outgoing {
    struct link_send send;
    struct bytes part;
    uint8_t bytes[];
};

static struct link *link_of(const struct backup_keeper *keeper);
static struct outgoing *outgoing_new(size_t len);
static bool outgoing_send(const struct backup_keeper *keeper, uint64_t node,
                          enum link_frame type, struct outgoing *outgoing);
static void on_sent(struct link_send *send, int status);

/* NULL before the core has started. */
static struct link *link_of(const struct backup_keeper *keeper)
{
    struct raft_net *net = raft_io_real_net(keeper->core->disk);

    return net == NULL ? NULL : raft_net_link(net);
}

static struct outgoing *outgoing_new(size_t len)
{
    struct outgoing *outgoing = mem_must_zalloc(sizeof *outgoing + len);

    outgoing->part = (struct bytes){outgoing->bytes, len};
    return outgoing;
}

/* Takes @outgoing. */
static bool outgoing_send(const struct backup_keeper *keeper, uint64_t node,
                          enum link_frame type, struct outgoing *outgoing)
{
    struct link *link = link_of(keeper);

    if (link == NULL || link_send(link, &outgoing->send, node, type,
                                  &outgoing->part, 1, on_sent) != 0) {
        free(outgoing);
        return false;
    }
    return true;
}

static void on_sent(struct link_send *send, int status)
{
    (void)status;
    free(LIST_ITEM(send, struct outgoing, send));
}

void backup_keeper_link_report(struct backup_keeper *keeper,
                               const struct backup_report_item *items,
                               size_t count)
{
    const struct identity *identity = keeper->identity;

    for (size_t i = 0; i < identity->members_count; i++) {
        struct outgoing *outgoing;

        if (identity->members[i].id == identity->node) {
            continue;
        }
        outgoing = outgoing_new(backup_report_len(count));
        backup_report_encode(items, count, outgoing->bytes);
        (void)outgoing_send(keeper, identity->members[i].id, LINK_BACKUP_REPORT,
                            outgoing);
    }
}

uint32_t backup_keeper_link_connected(const struct backup_keeper *keeper)
{
    const struct identity *identity = keeper->identity;
    const struct link *link = link_of(keeper);
    uint32_t connected = 0;

    for (size_t i = 0; link != NULL && i < identity->members_count; i++) {
        uint64_t node = identity->members[i].id;

        if (node != identity->node && link_connected(link, node)) {
            connected |= 1u << i;
        }
    }
    return connected;
}

/* ---- Fetching ---- */

static uint64_t fetch_now(void *data)
{
    (void)data;
    return clock_monotonic_ms();
}

static const struct backup_info *fetch_infos(void *data, size_t *ret_count)
{
    return backup_store_infos(backup_keeper_store(data), ret_count);
}

/* In both directions, as an answer comes by a connection of its own. */
static size_t fetch_holders(void *data, uint64_t backup,
                            uint64_t ret[MEMBERS_MAX])
{
    struct backup_keeper *keeper = data;
    struct link *link = link_of(keeper);
    struct backup_report_item item;
    size_t count = 0;

    for (size_t i = 0; link != NULL && i < keeper->identity->members_count;
         i++) {
        uint64_t node = keeper->identity->members[i].id;

        if (node != keeper->identity->node && link_connected(link, node) &&
            link_heard(link, node) &&
            backup_reports_find(&keeper->reports, node, backup,
                                clock_monotonic_ms(), &item) &&
            item.state == BACKUP_VERIFIED) {
            ret[count++] = node;
        }
    }
    return count;
}

static bool fetch_send(void *data, uint64_t node,
                       const struct backup_request *request)
{
    struct outgoing *outgoing = outgoing_new(BACKUP_REQUEST_LEN);

    backup_request_encode(request, outgoing->bytes);
    return outgoing_send(data, node, LINK_BACKUP_REQUEST, outgoing);
}

static int fetch_begin(void *data, const struct backup_intake_options *options,
                       struct backup_intake **ret_intake, struct err *err)
{
    struct backup_keeper *keeper = data;

    return backup_intake_begin(backup_dir_intakes(keeper->dir), options,
                               ret_intake, err);
}

struct backup_fetch *backup_keeper_link_fetch(struct backup_keeper *keeper,
                                              uint64_t rate_bytes)
{
    struct backup_fetch_options options = {.rate_bytes = rate_bytes,
                                           .now_ms = fetch_now,
                                           .infos = fetch_infos,
                                           .holders = fetch_holders,
                                           .send = fetch_send,
                                           .begin = fetch_begin,
                                           .get = backup_intake_get,
                                           .wants = backup_intake_wants,
                                           .take = backup_intake_take,
                                           .cancel = backup_piece_cancel,
                                           .leave = backup_intake_leave,
                                           .data = keeper};

    identity_cluster_bytes(keeper->identity, options.cluster);
    return backup_fetch_new(&options);
}

/* ---- Answering ---- */

static const char *answers_name(void *data, uint64_t backup)
{
    struct backup_keeper *keeper = data;
    size_t count;
    const struct backup_row *rows = machine_backups(keeper->machine, &count);

    for (size_t i = 0; i < count; i++) {
        if (rows[i].id == backup) {
            return rows[i].name;
        }
    }
    return NULL;
}

static int answers_read(void *data, struct backup_read *read, const char *name,
                        uint64_t offset, uint32_t len, backup_read_cb cb)
{
    return backup_store_read_stream(backup_keeper_store(data), read, name,
                                    offset, len, cb);
}

static void answers_cancel(void *data, struct backup_read *read)
{
    (void)data;
    backup_store_read_cancel(read);
}

static void answers_send(void *data, uint64_t node, const uint8_t *head,
                         struct bytes bytes)
{
    struct outgoing *outgoing = outgoing_new(BACKUP_PIECE_HEAD_LEN + bytes.len);

    memcpy(outgoing->bytes, head, BACKUP_PIECE_HEAD_LEN);
    if (bytes.len > 0) {
        memcpy(outgoing->bytes + BACKUP_PIECE_HEAD_LEN, bytes.data, bytes.len);
    }
    (void)outgoing_send(data, node, LINK_BACKUP_PIECE, outgoing);
}

struct backup_answers *backup_keeper_link_answers(struct backup_keeper *keeper)
{
    const struct backup_answers_options options = {.name = answers_name,
                                                   .read = answers_read,
                                                   .cancel = answers_cancel,
                                                   .send = answers_send,
                                                   .data = keeper};

    return backup_answers_new(&options);
}
