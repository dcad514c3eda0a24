/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * A manifest that is being decoded on a thread, with the InstallSnapshot it came
 * in. The state it gives has stubs for all chunks, which become those of this
 * node on the loop.
 */
#pragma once

#include <raft.h>

#include "machine/machine.h"
#include "store/disk.h"
#include "util/list.h"

/* A snapshot's header has the length and the checksum of what follows: two with
 * the same one are the same. */
#define INSTALL_HEAD_LEN 36u

/* Which snapshot. */
struct install_subject {
    raft_index index;
    raft_term term; /* of its last entry */
    uint8_t head[INSTALL_HEAD_LEN];
};

void install_subject_fill(struct install_subject *ret,
                          const struct raft_install_snapshot *snapshot);
bool install_subject_equal(const struct install_subject *a,
                           const struct install_subject *b);

struct install_reading;
typedef void (*install_reading_cb)(struct install_reading *reading, int status);
struct install_reading {
    struct list link; /* the owner's */
    struct disk_work work;
    struct install_subject subject;
    struct raft_message message; /* all zero when it was taken out */
    const struct machine_limits *limits;
    struct machine *machine; /* the result, or NULL */
    struct err err;
    install_reading_cb cb;
    void *data;        /* the owner's, as what follows */
    bool is_wanted;    /* the message may still be passed on */
    bool is_overtaken; /* nothing will come of it */
};

/* Takes what @message points to. NULL: @disk takes no work, and @message was
 * freed. @cb comes later; then it must be freed. */
struct install_reading *install_reading_begin(
    struct disk *disk, const struct raft_message *message,
    const struct machine_limits *limits, install_reading_cb cb, void *data);
void install_reading_free(struct install_reading *reading);
