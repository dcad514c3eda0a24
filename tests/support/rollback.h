/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * Rule J's restart on demand: programs that are linked with
 * --wrap=guard_judge_rollback have this in front of the guard's judgement.
 * A change of membership that is rolled back is rare; a restart has to work.
 */
#pragma once

#include <raft.h>

/* The server @id takes the next AppendEntries message as one that truncates its
 * last entry, and a configuration with it. 0: none does. */
void rollback_next(raft_id id);
/* SIGUSR1 means rollback_next() for every server of this process. */
void rollback_on_signal(void);
