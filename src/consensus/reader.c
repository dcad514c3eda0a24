/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "consensus/reader.h"

#include <stdlib.h>
#include <string.h>

#include "util/mem.h"
#include "util/random.h"

/* One frame on its way. */
struct outgoing {
    struct link_send send;
    struct bytes part;
    uint8_t bytes[READ_INDEX_FRAME_LEN];
};

static void on_send(void *data, uint64_t to, enum link_frame type,
                    const uint8_t bytes[READ_INDEX_FRAME_LEN]);
static void on_sent(struct link_send *send, int status);

void reader_init(struct reader *reader, struct core *core)
{
    const struct read_index_options options = {.nonce = random_u64(),
                                               .heartbeat_ms =
                                                   core->raft.heartbeat_timeout,
                                               .send = on_send,
                                               .data = reader};

    reader->core = core;
    read_index_init(&reader->index, &options);
}

int reader_add(struct reader *reader, struct node_read *read, node_read_cb cb)
{
    struct read_facts facts;

    read_facts_take(&facts, &reader->core->raft, reader->core->guard);
    return read_index_add(&reader->index, &facts, read, cb);
}

bool reader_is_empty(const struct reader *reader)
{
    return read_index_is_empty(&reader->index);
}

void reader_step(struct reader *reader, bool may_ask, uint64_t now_ms, int lost)
{
    struct read_facts facts;

    read_facts_take(&facts, &reader->core->raft, reader->core->guard);
    facts.may_ask = may_ask;
    read_index_step(&reader->index, &facts, now_ms, lost);
}

void reader_refuse(struct reader *reader, int status)
{
    read_index_refuse(&reader->index, status);
}

int reader_on_frame(struct reader *reader, uint64_t from, enum link_frame type,
                    const uint8_t *bytes, size_t len)
{
    struct read_facts facts;

    if (type != LINK_READ_INDEX && type != LINK_READ_INDEX_OK) {
        return 0;
    }
    read_facts_take(&facts, &reader->core->raft, reader->core->guard);
    facts.in_doubt = raft_io_real_in_doubt(reader->core->disk);
    return read_index_on_frame(&reader->index, &facts, from, type, bytes, len);
}

/* What cannot be sent is lost, and asked again with the next heartbeat. */
static void on_send(void *data, uint64_t to, enum link_frame type,
                    const uint8_t bytes[READ_INDEX_FRAME_LEN])
{
    struct reader *reader = data;
    struct raft_net *net = raft_io_real_net(reader->core->disk);
    struct outgoing *outgoing;

    if (net == NULL || link_queued(raft_net_link(net), to) > READ_QUEUED_MAX) {
        return;
    }
    outgoing = mem_must_zalloc(sizeof *outgoing);
    memcpy(outgoing->bytes, bytes, READ_INDEX_FRAME_LEN);
    outgoing->part =
        (struct bytes){.data = outgoing->bytes, .len = READ_INDEX_FRAME_LEN};
    if (link_send(raft_net_link(net), &outgoing->send, to, type,
                  &outgoing->part, 1, on_sent) != 0) {
        free(outgoing);
    }
}

static void on_sent(struct link_send *send, int status)
{
    (void)status;
    free(LIST_ITEM(send, struct outgoing, send));
}
