/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * libraft's memory: there is always some, or the process says so and ends, as
 * everywhere in the daemon (util/mem.h). The core itself does not always survive
 * an allocation that fails: it may free what it has not allocated, or fall silent.
 */
#pragma once

/* For the whole process, from now on. raft_free() frees what malloc() gave, too;
 * what raft_malloc() gave only raft_free() frees. */
void core_heap_install(void);
