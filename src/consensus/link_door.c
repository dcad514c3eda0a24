/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * A refused peer tries again and again; a person needs one line for each node,
 * reason and instance. Whoever has not proved itself shares a line with all who
 * call themselves the same.
 */
#include <inttypes.h>
#include <string.h>

#include "consensus/link_parts.h"
#include "util/diag.h"

#define NOT_PROVED "-"

static bool said_before(struct link_peer *peer, enum link_refusal refusal,
                        const char *instance);
static size_t bad_frame_kind(int code);

enum link_refusal link_door_judge(struct link *link,
                                  const struct link_hello *hello)
{
    const char *pinned = peer_pins_get(&link->pins, hello->node);
    struct err err;

    if (pinned[0] != '\0') {
        return strcmp(pinned, hello->instance) == 0 ? LINK_ACCEPTED
                                                    : LINK_INSTANCE;
    }
    if (peer_pins_set(&link->pins, hello->node, hello->instance, &err) != 0) {
        diag_die(1, "remember the instance of node %" PRIu64 ": %s",
                 hello->node, err.text);
    }
    return LINK_ACCEPTED;
}

void link_door_refused(struct link_stream *stream)
{
    struct link *link = stream->owner;
    const struct link_hello *hello = &stream->hello;
    enum link_refusal refusal = hello->refusal;
    bool proved = hello->instance[0] != '\0';
    struct link_peer *peer =
        stream->outgoing ? stream->peer : link_peer_of(link, hello->node);

    link->counts.refused++;
    if (peer == NULL) {
        if (!link->said_stranger[refusal]) {
            link->said_stranger[refusal] = true;
            diag_warning("whoever connected from %s %s", stream->remote,
                         link_refusal_text(refusal));
        }
        return;
    }
    if (said_before(peer, refusal, proved ? hello->instance : NOT_PROVED)) {
        return;
    }
    if (refusal == LINK_INSTANCE) {
        diag_warning("node %" PRIu64 " %s (was %s, is %s)", peer->member->id,
                     link_refusal_text(refusal),
                     peer_pins_get(&link->pins, peer->member->id),
                     hello->instance);
    } else if (stream->outgoing || proved) {
        diag_warning("node %" PRIu64 " (%s) %s", peer->member->id,
                     stream->remote, link_refusal_text(refusal));
    } else {
        diag_warning("whoever connected from %s as node %" PRIu64 " %s",
                     stream->remote, peer->member->id,
                     link_refusal_text(refusal));
    }
}

void link_door_told(struct link_stream *stream)
{
    struct link *link = stream->owner;
    enum link_refusal refusal = stream->hello.refusal;
    struct link_peer *peer = stream->outgoing
                                 ? stream->peer
                                 : link_peer_of(link, stream->hello.node);

    link->counts.refused_us++;
    if (peer == NULL || peer->told[refusal]) {
        return;
    }
    peer->told[refusal] = true;
    diag_warning("node %" PRIu64 " (%s) refuses this node: %s",
                 peer->member->id, stream->remote,
                 link_refusal_told_text(refusal));
}

/* So that a reason which comes back later is said again. */
void link_door_passed(struct link_peer *peer)
{
    memset(peer->said, 0, sizeof peer->said);
    memset(peer->told, 0, sizeof peer->told);
}

void link_door_bad_frame(struct link_stream *stream, int code)
{
    static const char *const texts[LINK_BAD_FRAMES] = {
        "what makes no sense", "a frame whose checksum does not fit",
        "a frame that is too large"};
    struct link_peer *peer = stream->peer;
    size_t kind = bad_frame_kind(code);

    stream->owner->counts.bad_frames++;
    if (peer->said_bad_frame[kind]) {
        return;
    }
    peer->said_bad_frame[kind] = true;
    diag_warning("node %" PRIu64 " (%s) sent %s; closed the connection (said "
                 "once, counted from now on)",
                 peer->member->id, stream->remote, texts[kind]);
}

static bool said_before(struct link_peer *peer, enum link_refusal refusal,
                        const char *instance)
{
    for (size_t i = 0; i < LINK_SAID_MAX; i++) {
        char *said = peer->said[refusal][i];

        if (said[0] == '\0') {
            memcpy(said, instance, strlen(instance) + 1);
            return false;
        }
        if (strcmp(said, instance) == 0) {
            return true;
        }
    }
    return true;
}

static size_t bad_frame_kind(int code)
{
    if (code == QL_CORRUPT) {
        return 1;
    }
    return code == QL_TOO_LARGE ? 2 : 0;
}
