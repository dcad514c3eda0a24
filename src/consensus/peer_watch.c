/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "consensus/peer_watch.h"

#include <assert.h>

static bool reachable(const struct peer_watch *watch, size_t place,
                      uint64_t now_ms);
static uint64_t match_index(const struct peer_watch *watch, size_t place);
static const struct raft_progress *progress_of(const struct peer_watch *watch,
                                               size_t place);

/* The core forgets once every election timeout who answered, and answers come
 * with every heartbeat: what was true a few heartbeats ago still counts. */
void peer_watch_look(struct peer_watch *watch, uint64_t now_ms)
{
    if (watch->core->state != RAFT_LEADER) {
        return;
    }
    for (size_t i = 0; i < watch->identity->members_count; i++) {
        const struct raft_progress *progress = progress_of(watch, i);

        if (progress != NULL && progress->recent_recv) {
            watch->seen_ms[i] = now_ms;
        }
    }
}

void peer_watch_status(const struct peer_watch *watch, uint64_t now_ms,
                       struct node_peer_status ret[MEMBERS_MAX])
{
    for (size_t i = 0; i < watch->identity->members_count; i++) {
        ret[i] = (struct node_peer_status){0};
        if (watch->core->state == RAFT_LEADER) {
            ret[i].known = true;
            ret[i].reachable = reachable(watch, i, now_ms);
            ret[i].match_index = match_index(watch, i);
        }
    }
}

uint64_t peer_watch_best_voter(const struct peer_watch *watch, uint64_t now_ms)
{
    uint64_t best = 0;
    uint64_t best_match = 0;
    bool best_answers = false;

    for (size_t i = 0; i < watch->identity->members_count; i++) {
        uint64_t id = watch->identity->members[i].id;
        uint64_t match;
        bool answers;

        if (!peer_watch_is_other_voter(watch, id)) {
            continue;
        }
        match = match_index(watch, i);
        answers = reachable(watch, i, now_ms);
        if (best == 0 || answers > best_answers ||
            (answers == best_answers && match > best_match)) {
            best = id;
            best_match = match;
            best_answers = answers;
        }
    }
    return best;
}

bool peer_watch_is_other_voter(const struct peer_watch *watch, uint64_t id)
{
    const struct raft_configuration *configuration =
        &watch->core->configuration;

    for (unsigned i = 0; i < configuration->n; i++) {
        const struct raft_server *server = &configuration->servers[i];

        if (server->id == id) {
            return server->role == RAFT_VOTER && id != watch->core->id;
        }
    }
    return false;
}

/* Heard from within about an election timeout. */
static bool reachable(const struct peer_watch *watch, size_t place,
                      uint64_t now_ms)
{
    uint64_t seen = watch->seen_ms[place];

    if (watch->identity->members[place].id == watch->core->id) {
        return true;
    }
    return seen != 0 && now_ms - seen <= 3u * watch->core->heartbeat_timeout;
}

static uint64_t match_index(const struct peer_watch *watch, size_t place)
{
    const struct raft_progress *progress = progress_of(watch, place);

    return progress == NULL ? 0 : progress->match_index;
}

/* The core's array goes by the order of its configuration. */
static const struct raft_progress *progress_of(const struct peer_watch *watch,
                                               size_t place)
{
    const struct raft *core = watch->core;
    uint64_t id = watch->identity->members[place].id;

    assert(core->state == RAFT_LEADER);
    for (unsigned i = 0; i < core->configuration.n; i++) {
        if (core->configuration.servers[i].id == id) {
            return &core->leader_state.progress[i];
        }
    }
    return NULL;
}
