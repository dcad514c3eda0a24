/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * Everything that is replicated, and the machine around it. Private to the
 * floor: others see machine/machine.h.
 */
#pragma once

#include "machine/logs.h"
#include "machine/machine.h"
#include "machine/producer.h"
#include "machine/standstill.h"

/* What an image holds; equal on all nodes that applied the same commands. */
struct state {
    struct logs logs;
    struct producers producers;
    uint64_t time_ms;     /* the machine's clock; 0: no batch yet */
    uint64_t state_index; /* commands that changed log data */
    bool age_suspended;
    bool space_low;               /* what would grow is refused */
    struct standstill standstill; /* nothing changes log data while frozen */
};

struct state *state_new(const struct machine_limits *limits);
void state_free(struct state *state);

struct machine {
    struct state *state;
    uint64_t index;    /* of the raft entry that is being applied */
    struct log *grave; /* deleted by the last command: its stat is in use */
    machine_changed_cb changed; /* or NULL */
    void *changed_data;
    struct machine_chunk_events chunk_events; /* on_sealed may be NULL */
};

/* Makes @state the machine's; returns the one it had. */
struct state *machine_take_state(struct machine *machine, struct state *state);

/* Tells who wants to know. */
void machine_changed(const struct machine *machine, const struct log *log);
