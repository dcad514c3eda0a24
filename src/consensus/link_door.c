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

static bool said_before(char said[ID_TEXT_LEN + 1], const char *instance);
static const char *bad_frame_text(int code);

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
    if (said_before(peer->said[refusal],
                    proved ? hello->instance : NOT_PROVED)) {
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

void link_door_bad_frame(struct link_stream *stream, int code)
{
    struct link *link = stream->owner;

    link->counts.bad_frames++;
    if (link->said_bad_frame) {
        return;
    }
    link->said_bad_frame = true;
    diag_warning("node %" PRIu64 " (%s) sent %s; closed the connection (said "
                 "once, counted from now on)",
                 stream->peer->member->id, stream->remote,
                 bad_frame_text(code));
}

static bool said_before(char said[ID_TEXT_LEN + 1], const char *instance)
{
    if (strcmp(said, instance) == 0) {
        return true;
    }
    memcpy(said, instance, strlen(instance) + 1);
    return false;
}

static const char *bad_frame_text(int code)
{
    switch (code) {
    case QL_CORRUPT:
        return "a frame whose checksum does not fit";
    case QL_TOO_LARGE:
        return "a frame that is too large";
    default:
        return "what makes no sense";
    }
}
