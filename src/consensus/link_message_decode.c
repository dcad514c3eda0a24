/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include <string.h>

#include "consensus/link_message.h"
#include "consensus/link_message_format.h"
#include "util/cursor.h"

/* What every message begins with. */
struct preamble {
    uint16_t type;
    uint16_t flags;
    uint32_t count; /* of entries or servers */
};

static bool decode_plain(struct cursor *cursor, const struct preamble *preamble,
                         struct raft_message *ret);
static int decode_append(struct cursor *cursor, const struct preamble *preamble,
                         struct raft_append_entries *ret);
static bool decode_entries(struct cursor *cursor, struct cursor *data,
                           struct raft_entry *entries, unsigned count);
static bool is_configuration(const uint8_t *bytes, size_t len);
static int decode_install(struct cursor *cursor,
                          const struct preamble *preamble,
                          struct raft_install_snapshot *ret);
static int decode_servers(struct cursor *cursor, unsigned count,
                          struct raft_configuration *ret);

int link_message_decode(const uint8_t *bytes, size_t len, uint64_t node,
                        struct raft_message *ret_message)
{
    struct raft_message message = {.server_id = node};
    struct preamble preamble;
    struct cursor cursor;
    int rv = 0;

    cursor_init(&cursor, bytes, len);
    preamble.type = cursor_u16(&cursor);
    preamble.flags = cursor_u16(&cursor);
    preamble.count = cursor_u32(&cursor);
    message.type = preamble.type;
    if (preamble.type == RAFT_IO_APPEND_ENTRIES) {
        rv = decode_append(&cursor, &preamble, &message.append_entries);
    } else if (preamble.type == RAFT_IO_INSTALL_SNAPSHOT) {
        rv = decode_install(&cursor, &preamble, &message.install_snapshot);
    } else if (!decode_plain(&cursor, &preamble, &message)) {
        rv = QL_PROTOCOL;
    }
    if (rv != 0) {
        return rv;
    }
    if (preamble.type == RAFT_IO_REQUEST_VOTE &&
        message.request_vote.candidate_id != node) {
        return QL_PROTOCOL;
    }
    *ret_message = message;
    return 0;
}

/* The messages of fixed length; everything that they have must be there and
 * nothing else. */
static bool decode_plain(struct cursor *cursor, const struct preamble *preamble,
                         struct raft_message *ret)
{
    unsigned flags_max = 0;
    unsigned pre_vote;

    switch (preamble->type) {
    case RAFT_IO_REQUEST_VOTE:
        flags_max = FLAG_DISRUPT | FLAG_PRE_VOTE;
        ret->request_vote.disrupt_leader =
            (preamble->flags & FLAG_DISRUPT) != 0;
        ret->request_vote.pre_vote = (preamble->flags & FLAG_PRE_VOTE) != 0;
        ret->request_vote.term = cursor_u64(cursor);
        ret->request_vote.candidate_id = cursor_u64(cursor);
        ret->request_vote.last_log_index = cursor_u64(cursor);
        ret->request_vote.last_log_term = cursor_u64(cursor);
        break;
    case RAFT_IO_REQUEST_VOTE_RESULT:
        flags_max = FLAG_GRANTED | (raft_tribool_false << PRE_VOTE_SHIFT);
        pre_vote = (unsigned)preamble->flags >> PRE_VOTE_SHIFT;
        ret->request_vote_result.vote_granted =
            (preamble->flags & FLAG_GRANTED) != 0;
        ret->request_vote_result.pre_vote = (raft_tribool)pre_vote;
        ret->request_vote_result.term = cursor_u64(cursor);
        break;
    case RAFT_IO_APPEND_ENTRIES_RESULT:
        ret->append_entries_result.term = cursor_u64(cursor);
        ret->append_entries_result.rejected = cursor_u64(cursor);
        ret->append_entries_result.last_log_index = cursor_u64(cursor);
        break;
    case RAFT_IO_TIMEOUT_NOW:
        ret->timeout_now.term = cursor_u64(cursor);
        ret->timeout_now.last_log_index = cursor_u64(cursor);
        ret->timeout_now.last_log_term = cursor_u64(cursor);
        break;
    default:
        return false;
    }
    return cursor_ok(cursor) && cursor_left(cursor) == 0 &&
           preamble->count == 0 && preamble->flags <= flags_max;
}

static int decode_append(struct cursor *cursor, const struct preamble *preamble,
                         struct raft_append_entries *ret)
{
    unsigned count = preamble->count;
    struct cursor data;
    struct raft_entry *entries;
    uint8_t *batch;
    size_t table_len = (size_t)count * ENTRY_LEN;
    size_t data_len;

    ret->term = cursor_u64(cursor);
    ret->prev_log_index = cursor_u64(cursor);
    ret->prev_log_term = cursor_u64(cursor);
    ret->leader_commit = cursor_u64(cursor);
    if (!cursor_ok(cursor) || preamble->flags != 0 ||
        count > PEER_MESSAGE_ENTRIES_MAX || cursor_left(cursor) < table_len ||
        ret->prev_log_index > UINT64_MAX - count) {
        return QL_PROTOCOL;
    }
    if (count == 0) {
        return cursor_left(cursor) == 0 ? 0 : QL_PROTOCOL;
    }
    data_len = cursor_left(cursor) - table_len;
    entries = raft_malloc(count * sizeof *entries);
    /* Never of no length: malloc() may give nothing for that. */
    batch = raft_malloc(data_len + 1);
    if (entries == NULL || batch == NULL) {
        raft_free(entries);
        raft_free(batch);
        return QL_NO_MEMORY;
    }
    memcpy(batch, cursor->at + table_len, data_len);
    cursor_init(&data, batch, data_len);
    if (!decode_entries(cursor, &data, entries, count)) {
        raft_free(entries);
        raft_free(batch);
        return QL_PROTOCOL;
    }
    for (unsigned i = 0; i < count; i++) {
        entries[i].batch = batch;
    }
    ret->entries = entries;
    ret->n_entries = count;
    return 0;
}

/* @data is all of them back to back. */
static bool decode_entries(struct cursor *cursor, struct cursor *data,
                           struct raft_entry *entries, unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        struct raft_entry *entry = &entries[i];
        const uint8_t *bytes;
        bool zero;

        *entry = (struct raft_entry){0};
        entry->term = cursor_u64(cursor);
        entry->buf.len = cursor_u32(cursor);
        entry->type = cursor_u16(cursor);
        zero = cursor_u16(cursor) == 0;
        bytes = cursor_bytes(data, entry->buf.len);
        /* The batch is ours to hand out, writable as the core has it. */
        entry->buf.base = entry->buf.len == 0 ? NULL : (void *)(uintptr_t)bytes;
        if (!zero || !cursor_ok(data) || entry->type < RAFT_COMMAND ||
            entry->type > RAFT_CHANGE) {
            return false;
        }
        if (entry->type == RAFT_CHANGE &&
            !is_configuration(bytes, entry->buf.len)) {
            return false;
        }
    }
    return cursor_ok(cursor) && cursor_left(data) == 0;
}

/* What is inside is libraft's own encoding, which libraft decodes without looking
 * where it ends: version 1, how many, and each one's id, address up to a NUL and
 * role. Padding may follow. */
static bool is_configuration(const uint8_t *bytes, size_t len)
{
    struct cursor cursor;
    uint64_t count;

    cursor_init(&cursor, bytes, len);
    if (cursor_u8(&cursor) != 1) {
        return false;
    }
    count = cursor_u64(&cursor);
    if (count > SERVERS_MAX) {
        return false;
    }
    for (uint64_t i = 0; i < count; i++) {
        size_t address_len;

        (void)cursor_u64(&cursor);
        address_len = strnlen((const char *)cursor.at, cursor_left(&cursor));
        (void)cursor_bytes(&cursor, address_len + 1);
        if (cursor_u8(&cursor) > RAFT_SPARE) {
            return false;
        }
    }
    return cursor_ok(&cursor);
}

static int decode_install(struct cursor *cursor,
                          const struct preamble *preamble,
                          struct raft_install_snapshot *ret)
{
    int rv;

    ret->term = cursor_u64(cursor);
    ret->last_index = cursor_u64(cursor);
    ret->last_term = cursor_u64(cursor);
    ret->conf_index = cursor_u64(cursor);
    if (!cursor_ok(cursor) || preamble->flags != 0 || preamble->count == 0 ||
        preamble->count > SERVERS_MAX) {
        return QL_PROTOCOL;
    }
    raft_configuration_init(&ret->conf);
    rv = decode_servers(cursor, preamble->count, &ret->conf);
    if (rv == 0 && cursor_left(cursor) == 0) {
        rv = QL_PROTOCOL;
    }
    if (rv != 0) {
        goto close_conf;
    }
    ret->data.len = cursor_left(cursor);
    ret->data.base = raft_malloc(ret->data.len);
    if (ret->data.base == NULL) {
        rv = QL_NO_MEMORY;
        goto close_conf;
    }
    memcpy(ret->data.base, cursor->at, ret->data.len);
    return 0;

close_conf:
    raft_configuration_close(&ret->conf);
    return rv;
}

static int decode_servers(struct cursor *cursor, unsigned count,
                          struct raft_configuration *ret)
{
    for (unsigned i = 0; i < count; i++) {
        char address[ADDRESS_MAX];
        uint64_t id = cursor_u64(cursor);
        unsigned role = cursor_u16(cursor);
        size_t address_len = cursor_u16(cursor);
        bool zero = cursor_u32(cursor) == 0;
        const uint8_t *text = cursor_bytes(cursor, address_len);
        int rv;

        if (!cursor_ok(cursor) || !zero || id == 0 || role > RAFT_SPARE ||
            address_len == 0 || address_len >= sizeof address ||
            memchr(text, '\0', address_len) != NULL) {
            return QL_PROTOCOL;
        }
        memcpy(address, text, address_len);
        address[address_len] = '\0';
        rv = raft_configuration_add(ret, id, address, (int)role);
        if (rv != 0) {
            return rv == RAFT_NOMEM ? QL_NO_MEMORY : QL_PROTOCOL;
        }
    }
    return 0;
}
