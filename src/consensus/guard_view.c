/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "consensus/guard_view.h"

#include <string.h>

#include "util/buf.h"

static size_t entry_count(const struct raft_log *log);

raft_index view_last_index(const struct raft *raft)
{
    return raft->log.offset + entry_count(&raft->log);
}

raft_term view_term_of(const struct raft *raft, raft_index index)
{
    const struct raft_log *log = &raft->log;
    size_t slot;

    if (index == 0) {
        return 0;
    }
    if (index == log->snapshot.last_index) {
        return log->snapshot.last_term;
    }
    if (index <= log->offset || index > view_last_index(raft)) {
        return 0;
    }
    slot = (log->front + (size_t)(index - 1 - log->offset)) % log->size;
    return log->entries[slot].term;
}

raft_index view_first_conflict(const struct raft *raft,
                               const struct raft_append_entries *append)
{
    raft_index prev = append->prev_log_index;

    if (prev != 0 && view_term_of(raft, prev) != append->prev_log_term) {
        return 0;
    }
    for (unsigned i = 0; i < append->n_entries; i++) {
        raft_term term = view_term_of(raft, prev + 1 + i);

        if (term == 0) {
            return 0;
        }
        if (term != append->entries[i].term) {
            return prev + 1 + i;
        }
    }
    return 0;
}

raft_index view_unapplied_configuration(const struct raft *raft)
{
    const struct raft_log *log = &raft->log;
    raft_index index = view_last_index(raft);

    while (index > raft->last_applied && index > log->offset) {
        size_t slot =
            (log->front + (size_t)(index - 1 - log->offset)) % log->size;

        if (log->entries[slot].type == RAFT_CHANGE) {
            return index;
        }
        index--;
    }
    return 0;
}

bool view_is_installing(const struct raft *raft)
{
    return raft->snapshot.put.data != NULL && raft->snapshot.pending.term == 0;
}

bool view_is_storing_snapshot(const struct raft *raft)
{
    return raft->snapshot.put.data != NULL || raft->snapshot.pending.term != 0;
}

bool view_has_unwritten(const struct raft *raft)
{
    return view_last_index(raft) > raft->last_stored ||
           view_is_installing(raft);
}

const struct raft_server *view_server(const struct raft *raft, raft_id id)
{
    unsigned i = view_server_index(raft, id);

    return i < raft->configuration.n ? &raft->configuration.servers[i] : NULL;
}

unsigned view_server_index(const struct raft *raft, raft_id id)
{
    unsigned i;

    for (i = 0; i < raft->configuration.n; i++) {
        if (raft->configuration.servers[i].id == id) {
            break;
        }
    }
    return i;
}

bool view_is_voter(const struct raft *raft, raft_id id)
{
    const struct raft_server *server = view_server(raft, id);

    return server != NULL && server->role == RAFT_VOTER;
}

unsigned view_voters(const struct raft *raft)
{
    unsigned voters = 0;

    for (unsigned i = 0; i < raft->configuration.n; i++) {
        voters += raft->configuration.servers[i].role == RAFT_VOTER ? 1 : 0;
    }
    return voters;
}

bool view_is_sole_voter(const struct raft_configuration *configuration,
                        raft_id id)
{
    unsigned voters = 0;
    bool votes = false;

    for (unsigned i = 0; i < configuration->n; i++) {
        if (configuration->servers[i].role == RAFT_VOTER) {
            voters++;
            votes = votes || configuration->servers[i].id == id;
        }
    }
    return votes && voters == 1;
}

/* libraft's form: a version byte (1), the number of servers, and for each its
 * id, its address with a NUL, a byte for its role; little-endian. */
bool view_is_sole_voter_encoded(const struct raft_buffer *encoded, raft_id id)
{
    const uint8_t *at = encoded->base;
    const uint8_t *end = at + encoded->len;
    unsigned voters = 0;
    bool votes = false;
    uint64_t servers;

    if (encoded->len < 9 || at[0] != 1) {
        return false;
    }
    servers = get_u64(at + 1);
    at += 9;
    for (; servers > 0; servers--) {
        const uint8_t *nul;
        raft_id server;

        if (end - at < 8) {
            return false;
        }
        server = get_u64(at);
        at += 8;
        nul = memchr(at, 0, (size_t)(end - at));
        if (nul == NULL || end - nul < 2) {
            return false;
        }
        if (nul[1] == RAFT_VOTER) {
            voters++;
            votes = votes || server == id;
        }
        at = nul + 2;
    }
    return votes && voters == 1;
}

/* The log is a ring of `size` slots; it is never full. */
static size_t entry_count(const struct raft_log *log)
{
    if (log->front <= log->back) {
        return log->back - log->front;
    }
    return log->size - log->front + log->back;
}
