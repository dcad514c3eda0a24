/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* One turn of one product: its three servers start on empty directories, are
 * loaded, tell what they have and are ended. */
#pragma once

#include "compare/load.h"
#include "compare/options.h"

struct turn {
    bool is_done; /* false: it failed, and the rest says nothing */
    char version[64];
    double seconds; /* all of it took */
    uint64_t acknowledged;
    uint64_t refused;
    uint64_t stored; /* what the servers have in the end */
    struct load_result points[OPTIONS_POINTS_MAX];
    double failover_seconds; /* of turn_run_failover() only */
};

/* In a process of its own, so that nothing of it, not its failure either, is
 * there for the next. @dir is made and removed. */
void turn_run(const struct options *options, const struct peer_kind *kind,
              const char *program, const char *dir, struct turn *ret_turn);
/* The same, but the leader is killed instead: see failover.h. */
void turn_run_failover(const struct options *options,
                       const struct peer_kind *kind, const char *program,
                       const char *dir, struct turn *ret_turn);
/* Ends the turn that is under way, from a signal's handler. */
void turn_interrupt(void);
/* Is stored what was acknowledged, and no more than may be? */
bool turn_is_true(const struct turn *turn);
