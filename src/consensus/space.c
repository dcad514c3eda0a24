/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "consensus/space.h"

static struct space_peer *place_for(struct space *space, uint64_t node);
static uint64_t add(uint64_t a, uint64_t b);

void space_init(struct space *space, uint64_t self, uint64_t low_bytes)
{
    *space = (struct space){.self = self, .low_bytes = low_bytes};
}

uint64_t space_clear_bytes(const struct space *space)
{
    return add(space->low_bytes, space->low_bytes / 2);
}

bool space_take_sample(struct space *space, const struct space_sample *sample)
{
    uint64_t mark = space->below ? space_clear_bytes(space) : space->low_bytes;
    bool was_low = space->own.low;
    bool is_first = !space->sampled;

    space->below = space->low_bytes > 0 &&
                   sample->free_bytes < add(mark, sample->needed_bytes);
    space->lean = space->low_bytes > 0 &&
                  sample->free_bytes <
                      add(add(space_clear_bytes(space), sample->needed_bytes),
                          sample->ahead_bytes);
    space->sampled = true;
    space->own = (struct space_report){
        .low = space->below || sample->reserve_missing,
        .free_bytes = sample->free_bytes,
        .total_bytes = sample->total_bytes,
    };
    if (space->own.free_bytes > space->own.total_bytes) {
        space->own.free_bytes = space->own.total_bytes;
    }
    return is_first || space->own.low != was_low;
}

bool space_is_lean(const struct space *space)
{
    return space->lean;
}

const struct space_report *space_own(const struct space *space)
{
    return space->sampled ? &space->own : NULL;
}

uint64_t space_reserve_needs(const struct space *space, uint64_t reserve_bytes,
                             uint64_t needed_bytes)
{
    uint64_t mark = space->below ? space_clear_bytes(space) : space->low_bytes;

    return add(add(mark, needed_bytes), reserve_bytes);
}

void space_hear(struct space *space, uint64_t node,
                const struct space_report *report, uint64_t now_ms)
{
    *place_for(space, node) = (struct space_peer){
        .node = node, .report = *report, .heard_ms = now_ms};
}

const struct space_report *space_of(const struct space *space, uint64_t node)
{
    if (node == space->self) {
        return space_own(space);
    }
    for (size_t i = 0; i < SPACE_PEERS_MAX; i++) {
        if (space->peers[i].node == node) {
            return &space->peers[i].report;
        }
    }
    return NULL;
}

enum space_wish space_wish(const struct space *space, const uint64_t *voters,
                           size_t voters_count, bool refusing, uint64_t now_ms)
{
    size_t majority = voters_count / 2 + 1;
    size_t low = 0;
    size_t roomy = 0;

    for (size_t i = 0; i < voters_count; i++) {
        const struct space_report *report = space_of(space, voters[i]);

        if (report != NULL && report->low) {
            low++;
        } else if (report != NULL) {
            roomy++;
        }
    }
    if (refusing && roomy >= majority) {
        return SPACE_ADMIT;
    }
    if (!refusing) {
        return voters_count - low < majority ? SPACE_REFUSE : SPACE_NOTHING;
    }
    if (space->wished && now_ms - space->wished_ms < SPACE_NUDGE_MS) {
        return SPACE_NOTHING;
    }
    return SPACE_REFUSE;
}

void space_wished(struct space *space, uint64_t now_ms)
{
    space->wished = true;
    space->wished_ms = now_ms;
}

/* Its own, a free one, or the one that was silent longest. */
static struct space_peer *place_for(struct space *space, uint64_t node)
{
    struct space_peer *best = &space->peers[0];

    for (size_t i = 0; i < SPACE_PEERS_MAX; i++) {
        struct space_peer *peer = &space->peers[i];

        if (peer->node == node) {
            return peer;
        }
        if (best->node != 0 &&
            (peer->node == 0 || peer->heard_ms < best->heard_ms)) {
            best = peer;
        }
    }
    return best;
}

/* No disk is so large, but an option may say so. */
static uint64_t add(uint64_t a, uint64_t b)
{
    return a > UINT64_MAX - b ? UINT64_MAX : a + b;
}
