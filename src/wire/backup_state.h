/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* How far a node is with a backup. */
#pragma once

#include "util/buf.h"

/* On the link between nodes: never renumber. */
enum backup_state {
    BACKUP_MISSING = 0,  /* nothing of it is here, and nothing is under way */
    BACKUP_WAITING = 1,  /* its turn comes */
    BACKUP_WRITING = 2,  /* from this node's own logs */
    BACKUP_FETCHING = 3, /* from a peer */
    BACKUP_VERIFIED = 4, /* whole, and read back */
    BACKUP_DAMAGED = 5,  /* a part of it is bad or gone */
    BACKUP_STATES        /* how many there are */
};

/* "missing"; static storage. */
const char *backup_state_word(enum backup_state state);
/* QL_INVALID: no such word. */
int backup_state_parse(struct bytes word, enum backup_state *ret);
