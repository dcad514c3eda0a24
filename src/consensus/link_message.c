/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "consensus/link_message.h"

#include <assert.h>
#include <string.h>

#include "consensus/link_message_format.h"
#include "util/cursor.h"

static int add_preamble(struct buf *head, const struct raft_message *message);
static int add_numbers(struct buf *head, const uint64_t *numbers, size_t count);
static int encode_append(const struct raft_append_entries *append,
                         struct buf *head, struct bytes *ret_parts);
static int encode_install(const struct raft_install_snapshot *install,
                          struct buf *head, struct bytes *ret_parts);

enum link_frame link_message_frame(const struct raft_message *message)
{
    return message->type == RAFT_IO_INSTALL_SNAPSHOT ? LINK_SNAPSHOT
                                                     : LINK_RAFT;
}

size_t link_message_parts(const struct raft_message *message)
{
    if (message->type == RAFT_IO_APPEND_ENTRIES) {
        unsigned count = message->append_entries.n_entries;

        return count < LINK_PARTS_MAX ? 1u + count : 0;
    }
    return message->type == RAFT_IO_INSTALL_SNAPSHOT ? 2 : 1;
}

int link_message_encode(const struct raft_message *message, struct buf *head,
                        struct bytes *ret_parts)
{
    const struct raft_request_vote *vote = &message->request_vote;
    const struct raft_append_entries_result *result =
        &message->append_entries_result;
    const struct raft_timeout_now *now = &message->timeout_now;
    int rv = add_preamble(head, message);

    if (rv != 0) {
        return rv;
    }
    switch (message->type) {
    case RAFT_IO_REQUEST_VOTE:
        rv =
            add_numbers(head,
                        (uint64_t[]){vote->term, vote->candidate_id,
                                     vote->last_log_index, vote->last_log_term},
                        4);
        break;
    case RAFT_IO_REQUEST_VOTE_RESULT:
        rv = buf_add_u64(head, message->request_vote_result.term);
        break;
    case RAFT_IO_APPEND_ENTRIES:
        rv = encode_append(&message->append_entries, head, ret_parts + 1);
        break;
    case RAFT_IO_APPEND_ENTRIES_RESULT:
        rv = add_numbers(head,
                         (uint64_t[]){result->term, result->rejected,
                                      result->last_log_index},
                         3);
        break;
    case RAFT_IO_INSTALL_SNAPSHOT:
        rv = encode_install(&message->install_snapshot, head, ret_parts + 1);
        break;
    case RAFT_IO_TIMEOUT_NOW:
        rv = add_numbers(
            head,
            (uint64_t[]){now->term, now->last_log_index, now->last_log_term},
            3);
        break;
    default:
        rv = QL_INVALID;
        break;
    }
    ret_parts[0].data = head->data;
    ret_parts[0].len = head->len;
    return rv;
}

static int add_preamble(struct buf *head, const struct raft_message *message)
{
    uint8_t bytes[8];
    uint16_t flags = 0;
    uint32_t count = 0;

    switch (message->type) {
    case RAFT_IO_REQUEST_VOTE:
        flags =
            (uint16_t)((message->request_vote.disrupt_leader ? FLAG_DISRUPT
                                                             : 0u) |
                       (message->request_vote.pre_vote ? FLAG_PRE_VOTE : 0u));
        break;
    case RAFT_IO_REQUEST_VOTE_RESULT:
        flags =
            (uint16_t)((message->request_vote_result.vote_granted ? FLAG_GRANTED
                                                                  : 0u) |
                       ((unsigned)message->request_vote_result.pre_vote
                        << PRE_VOTE_SHIFT));
        break;
    case RAFT_IO_APPEND_ENTRIES:
        count = message->append_entries.n_entries;
        break;
    case RAFT_IO_INSTALL_SNAPSHOT:
        count = message->install_snapshot.conf.n;
        break;
    default:
        break;
    }
    put_u16(bytes, message->type);
    put_u16(bytes + 2, flags);
    put_u32(bytes + 4, count);
    return buf_add(head, bytes, sizeof bytes);
}

static int add_numbers(struct buf *head, const uint64_t *numbers, size_t count)
{
    int rv = buf_reserve(head, count * sizeof(uint64_t));

    for (size_t i = 0; rv == 0 && i < count; i++) {
        rv = buf_add_u64(head, numbers[i]);
    }
    return rv;
}

static int encode_append(const struct raft_append_entries *append,
                         struct buf *head, struct bytes *ret_parts)
{
    int rv =
        add_numbers(head,
                    (uint64_t[]){append->term, append->prev_log_index,
                                 append->prev_log_term, append->leader_commit},
                    4);

    assert(append->n_entries < LINK_PARTS_MAX);
    if (rv == 0) {
        rv = buf_reserve(head, append->n_entries * (size_t)ENTRY_LEN);
    }
    for (unsigned i = 0; rv == 0 && i < append->n_entries; i++) {
        const struct raft_entry *entry = &append->entries[i];
        uint8_t line[ENTRY_LEN] = {0};

        if (entry->buf.len > LINK_FRAME_MAX) {
            return QL_TOO_LARGE;
        }
        put_u64(line, entry->term);
        put_u32(line + 8, (uint32_t)entry->buf.len);
        put_u16(line + 12, entry->type);
        rv = buf_add(head, line, sizeof line);
        ret_parts[i].data = entry->buf.base;
        ret_parts[i].len = entry->buf.len;
    }
    return rv;
}

static int encode_install(const struct raft_install_snapshot *install,
                          struct buf *head, struct bytes *ret_parts)
{
    int rv = add_numbers(head,
                         (uint64_t[]){install->term, install->last_index,
                                      install->last_term, install->conf_index},
                         4);

    for (unsigned i = 0; rv == 0 && i < install->conf.n; i++) {
        const struct raft_server *server = &install->conf.servers[i];
        size_t address_len = strlen(server->address);
        uint8_t line[SERVER_LEN] = {0};

        if (address_len >= ADDRESS_MAX) {
            return QL_INVALID;
        }
        put_u64(line, server->id);
        put_u16(line + 8, (uint16_t)server->role);
        put_u16(line + 10, (uint16_t)address_len);
        rv = buf_add(head, line, sizeof line);
        if (rv == 0) {
            rv = buf_add(head, server->address, address_len);
        }
    }
    ret_parts[0].data = install->data.base;
    ret_parts[0].len = install->data.len;
    return rv;
}

void link_message_free(struct raft_message *message)
{
    struct raft_append_entries *append = &message->append_entries;

    if (message->type == RAFT_IO_APPEND_ENTRIES && append->n_entries > 0) {
        raft_free(append->entries[0].batch);
        raft_free(append->entries);
    } else if (message->type == RAFT_IO_INSTALL_SNAPSHOT) {
        raft_configuration_close(&message->install_snapshot.conf);
        raft_free(message->install_snapshot.data.base);
    }
}
