/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * Holds an InstallSnapshot back until this node has all that it names. The
 * message carries a manifest only: the machine's image in which sealed chunks are
 * rows. It is decoded off the loop into a state of its own; the chunks that are
 * not here are fetched; when none is missing and all are durable the message goes
 * on to the core, which then only swaps the states. docs/consensus.md, "Install".
 *
 * One is held at a time. The same one again is dropped, a newer one replaces it
 * and keeps the chunks that both name, and what comes of a newer term drops the
 * message but not what was fetched for it. After a restart the chunks that had
 * come are found again.
 *
 * While it is held the core knows nothing of it: it is a follower that hears its
 * leader, refuses its heartbeats, and stays quiet.
 *
 * What it needs comes through the options, so that tests and the simulator drive
 * it. One thread.
 */
#pragma once

#include <raft.h>

#include "consensus/chunk_fetch.h"
#include "store/disk.h"

struct install;

struct install_options {
    struct chunk_fetch *fetch; /* outlives it */
    struct disk *disk;         /* for a work that decodes; outlives it */
    const struct machine_limits *limits; /* those of the machine; or NULL */
    struct chunk_source source;          /* chunk_store_source() */
    /* As chunk_store_adopt(), chunk_store_flush() and
     * chunk_store_flush_cancel(). */
    void (*adopt)(void *data, struct machine *machine);
    void (*flush)(void *data, struct chunk_flush *flush, chunk_flush_cb cb);
    void (*cancel)(void *data, struct chunk_flush *flush);
    /* As fsm_prepare(). */
    void (*prepare)(void *data, uint64_t index, struct machine *machine);
    /* The message goes on; it and what it points to are taken. */
    void (*pass_on)(void *data, struct raft_message *message);
    /* The core has one in hand that it has not restored: another waits, as the
     * state that was prepared for the first must stay. */
    bool (*is_installing)(void *data);
    /* There is something to do: install_step() is due, by and by. */
    void (*begun)(void *data);
    /* What is applied here, and when it is. */
    uint64_t (*applied)(void *data);
    uint64_t (*now_ms)(void *data);
    void *data;
};

struct install *install_new(const struct install_options *options);
/* Lets go of everything; a work may still be under way. */
void install_stop(struct install *install);
bool install_is_busy(const struct install *install);
/* When it is stopped, and not busy or on a disk that died. */
void install_free(struct install *install);

/* Shows it a message from a peer before anybody else. True: it is taken, with
 * what it points to; false: it goes on as it came. */
bool install_take(struct install *install, const struct raft_message *message);
/* Shows it a message on its way out, before it is sent. An idle leader would take
 * the refusal of a heartbeat for a refusal of the snapshot and send that again,
 * ten times a second: then *ret_instead is what is to be sent, and true. */
bool install_alters(const struct install *install,
                    const struct raft_message *message,
                    struct raft_message *ret_instead);
/* Goes on if it can: to be called often while it is active. */
void install_step(struct install *install);
/* Something is held, or was passed on and is not applied. */
bool install_is_active(const struct install *install);

/* Of the last one. */
struct install_progress {
    uint64_t index; /* 0: none since the start */
    size_t chunks;  /* that it names */
    size_t missing; /* of them, still */
    uint64_t bytes; /* fetched since it was begun */
    uint64_t ms;    /* since then, until nothing was missing */
};
void install_progress(const struct install *install,
                      struct install_progress *ret);
