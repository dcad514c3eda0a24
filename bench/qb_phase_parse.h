/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * What --phase says: AT:WHAT, for example
 *
 *     2s:kill-leader          5s:kill-leader=4s
 *     2s:pause-leader=1s      2s:snapshot         2s:backup
 *     2s:slow-disk=2:20ms     2s:slow-disk=leader:5ms:3s
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "util/err.h"

#define QB_PHASE_LASTS_MS 2000u

enum qb_phase_kind {
    QB_PHASE_KILL_LEADER,
    QB_PHASE_PAUSE_LEADER,
    QB_PHASE_SNAPSHOT,
    QB_PHASE_BACKUP,
    QB_PHASE_SLOW_DISK,
    QB_PHASE_KINDS
};

struct qb_phase {
    enum qb_phase_kind kind;
    uint64_t at_ms;    /* since the measurement began */
    uint64_t lasts_ms; /* 0: it ends by itself */
    uint64_t delay_ms; /* from one write of a slow disk to the next */
    unsigned node;     /* with the slow disk; 0: the leader */
};

/* "kill-leader". Static storage. */
const char *qb_phase_name(enum qb_phase_kind kind);
/* Only for nodes that this process has started itself. */
bool qb_phase_needs_own(enum qb_phase_kind kind);
/* QL_INVALID, with a sentence that says what is wrong with @text. */
int qb_phase_parse(struct qb_phase *ret, const char *text, struct err *err);
