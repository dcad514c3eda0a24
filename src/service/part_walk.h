/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * Walks the entries of a log of one part of the state, over many turns of the loop:
 * at most PART_WALK_BYTES in one turn, and whenever bytes have to come from the
 * disk. It holds the bytes of one chunk and asks for those of the next. Between
 * turns it knows nothing but a position, so that the state may change meanwhile.
 */
#pragma once

#include "machine/machine_parts.h"
#include "service/service.h"

struct part_walk;
/* It may go on, in this turn: part_walk_open(). @status: as of a chunk_load; the
 * bytes may be asked for again. */
typedef void (*part_walk_cb)(struct part_walk *walk, int status);

enum part_walk_found {
    PART_WALK_ENTRY, /* *ret is the entry, until the next call */
    PART_WALK_END,   /* there is no further one */
    PART_WALK_WAIT,  /* the turn is over; @cb comes */
};

struct part_walk {
    struct service *service;
    enum machine_part part;
    uint64_t uid;
    uint64_t
        at; /* the next position to look for; may be changed between turns */
    uint64_t to; /* stop before it; 0: the tail */
    part_walk_cb cb;
    void *data;                   /* the caller's */
    struct machine_reader reader; /* of this turn */
    size_t walked;                /* bytes, in this turn */
    struct chunk_load load;
    bool waits; /* for the load */
};

/* All zero is a walk that was never begun: it may be stopped. */
void part_walk_init(struct part_walk *walk, struct service *service,
                    enum machine_part part, uint64_t uid, uint64_t from,
                    uint64_t to);
/* At the begin of each turn; from the head on, when that is behind walk->at. Of
 * another walk in the same turn only the positions may be used any more once this
 * one has waited. QL_NOT_FOUND: there is no such log (any more). */
int part_walk_open(struct part_walk *walk);
enum part_walk_found part_walk_next(struct part_walk *walk,
                                    struct read_entry *ret, part_walk_cb cb,
                                    void *data);
/* May be called at any time; then nothing comes. */
void part_walk_stop(struct part_walk *walk);
/* What is the matter when @status came; returns the code to answer. */
int part_walk_refusal(const struct part_walk *walk, int status,
                      struct err *err);
