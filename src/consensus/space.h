/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * Whether the disks of the cluster have room: this node's by samples, the others'
 * by what they report, and what a leader should have the machine do about it
 * (COMMAND_SPACE). Pure: no clock, no disk, no network of its own.
 *
 * A node is low when what it has free, less what its next snapshots will take, is
 * below the low mark, and stays so until it is above the clear mark; and while its
 * reserve file is missing (reserve.h). Marks are a node's own business: they
 * decide what it reports, never what the machine does.
 *
 * Appends are to be refused when the voters that are not low are no majority: then
 * no quorum could go on writing if those that are low fill up. (With an odd number
 * of voters that is the same as a majority being low; of two or four voters one or
 * two are enough.) They are to be taken again when a majority is known to have
 * room. A voter that says nothing keeps its last word, however old: silence alone
 * neither refuses (a node that is down takes no space) nor clears (it may come back
 * as full as it was). One that was never heard counts for neither.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "util/limits.h"

/* What a node says of its disk. */
struct space_report {
    bool low;
    uint64_t free_bytes; /* of the file system with the raft log */
    uint64_t total_bytes;
};

struct space_peer {
    uint64_t node; /* 0: none */
    struct space_report report;
    uint64_t heard_ms;
};

struct space {
    uint64_t self;
    uint64_t low_bytes; /* 0: never low by the marks */
    bool below; /* the low mark, and not yet above the clear mark again */
    bool lean;
    bool sampled;
    struct space_report own;
    struct space_peer peers[SPACE_PEERS_MAX];
    bool wished;        /* space_wished() was called, */
    uint64_t wished_ms; /* then */
};

/* @low_bytes: the low mark; 0: this node never reports low for its marks. The
 * clear mark is half as much again. */
void space_init(struct space *space, uint64_t self, uint64_t low_bytes);
uint64_t space_clear_bytes(const struct space *space);

struct space_sample {
    uint64_t free_bytes;
    uint64_t total_bytes;
    uint64_t needed_bytes; /* for what is certain to come: the next snapshots,
                              a segment that will be needed soon */
    uint64_t ahead_bytes;  /* for what is better made before it is needed */
    bool reserve_missing;
};
/* Returns true when others should hear of it at once: low or not has changed. */
bool space_take_sample(struct space *space, const struct space_sample *sample);
/* Nothing should be made ahead: it would bring the node near its mark. */
bool space_is_lean(const struct space *space);
/* What this node reports; NULL: it has not looked yet. */
const struct space_report *space_own(const struct space *space);
/* So much must be free before the reserve of @reserve_bytes may be made: making
 * it must not bring the node back below its mark. */
uint64_t space_reserve_needs(const struct space *space, uint64_t reserve_bytes,
                             uint64_t needed_bytes);

/* Node @node has reported. Of more nodes than there is room for the one heard
 * longest ago is forgotten. */
void space_hear(struct space *space, uint64_t node,
                const struct space_report *report, uint64_t now_ms);
/* The last word of @node, this one included; NULL: none yet. */
const struct space_report *space_of(const struct space *space, uint64_t node);

enum space_wish {
    SPACE_NOTHING,
    SPACE_REFUSE, /* propose {low: true} */
    SPACE_ADMIT   /* propose {low: false} */
};
/* What a leader should propose. @voters: of the latest configuration; @refusing:
 * what the machine does now. While it refuses and has to, SPACE_REFUSE comes again
 * every SPACE_NUDGE_MS: an idle cluster applies nothing, and it is by applying
 * that nodes come to take the snapshots that free their disks. */
enum space_wish space_wish(const struct space *space, const uint64_t *voters,
                           size_t voters_count, bool refusing, uint64_t now_ms);
/* The wish was proposed. */
void space_wished(struct space *space, uint64_t now_ms);
