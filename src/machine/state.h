/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * Everything that is replicated, and the machine around it. Private to the
 * floor: others see machine/machine.h.
 */
#pragma once

#include "machine/backups.h"
#include "machine/kept.h"
#include "machine/logs.h"
#include "machine/machine_parts.h"
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
    struct backups backups;
    struct machine_settings settings;
    struct kept
        *kept[MACHINE_PARTS]; /* NULL: there is none; never a live one */
    uint64_t kept_id_last;    /* the last id that a kept state was given */
    /* The highest that logs had which are gone, neither live nor in the undo slot:
     * what a backup brings back must be above. */
    uint64_t gone_incarnation;
    uint64_t gone_epoch;
    struct recovery_last last_recovery;
};

struct state *state_new(const struct machine_limits *limits);
void state_free(struct state *state);
/* The logs of a part, or NULL. */
struct logs *state_logs(const struct state *state, enum machine_part part);
/* A log that was live is about to go for good, or all of a part. */
void state_let_go(struct state *state, const struct log *log);
void state_let_go_all(struct state *state, const struct logs *logs);
/* The sealed chunk of that name in one of the first @parts parts, or NULL.
 * @ret_from as in machine_find_named(). */
struct chunk *state_find_named(const struct state *state,
                               const struct chunk_name *name, unsigned parts,
                               const uint8_t **ret_from);
/* The same with these facts, in any part but the draft. */
struct chunk *state_find_kept(const struct state *state,
                              const struct chunk_facts *facts,
                              const uint8_t **ret_from);
/* The sealed chunks of all parts; a new reference. */
struct chunk_set *state_chunks(const struct state *state);
uint64_t state_rows(const struct state *state); /* their count, part by part */
/* Over the logs alone, what their image says of each. */
void state_logs_digest(struct logs *logs, uint8_t ret[HASH128_LEN]);
/* A new id, at least @index, that of the raft entry. */
uint64_t state_next_kept_id(struct state *state, uint64_t index);

struct machine {
    struct state *state;
    uint64_t index;    /* of the raft entry that is being applied */
    struct log *grave; /* deleted by the last command: its stat is in use */
    machine_changed_cb changed; /* or NULL */
    void *changed_data;
    machine_backup_cb on_backup; /* or NULL */
    void *on_backup_data;
    struct backup_row gone;                   /* deleted by the last command */
    struct machine_chunk_events chunk_events; /* on_sealed may be NULL */
};

/* Makes @state the machine's; returns the one it had. */
struct state *machine_take_state(struct machine *machine, struct state *state);

/* Tells who wants to know. */
void machine_changed(const struct machine *machine, const struct log *log);
void machine_changed_all(const struct machine *machine);
/* The clock shows at least @time_ms: see machine_begin(). */
void machine_set_clock(struct machine *machine, uint64_t time_ms);
