/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * A state that a new cluster begins with because the one it is of cannot go on
 * (`quorlogd recover`). To whoever knew the logs it is as if they had been
 * restored: entries that some have seen may be gone.
 */
#pragma once

#include "machine/machine.h"

#define RECOVERED_REASON "recovered: thaw when you have looked"

/* Every log gets a new incarnation and a new writer epoch that nobody holds, no
 * producer is left and the ids of all are void, a draft, a staged and an undo state
 * are gone, and the logs stand still for RECOVERED_REASON. Entries, positions,
 * backups and settings stay; backups of its own become those of @cluster, the old
 * one. @index, which the state is said to be of, is behind all that the old cluster
 * may have come to. */
void machine_recover(struct machine *machine, uint64_t index,
                     const uint8_t cluster[16]);
