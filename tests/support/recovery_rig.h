/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* A service that leads, over a machine with small chunks, a chunk store and a
 * backup store without disks, and an operator's connection. */
#pragma once

#include "support/fake_backups.h"
#include "support/fake_chunks.h"
#include "support/recorder.h"
#include "wire/args_recovery.h"

/* Entries of this many fill a chunk: their values are "LOG-POSITION-xxx...". */
#define RECOVERY_RIG_CHUNK_ENTRIES 4u

struct recovery_rig {
    struct rig rig;
    struct recorder client;
    struct chunk_store *chunks;
    struct backup_store *backups;
    bool holds_loads; /* the test ends the loads of chunks */
};

/* *state is a struct recovery_rig. */
int recovery_rig_setup(void **state);
int recovery_rig_teardown(void **state);

/* Until nothing happens any more. */
void recovery_rig_settle(struct recovery_rig *rig);
/* Sends, settles, and takes the answer out. */
struct bytes recovery_rig_call(struct recovery_rig *rig, const char *method,
                               const char *params);
struct rpc_error recovery_rig_refused(struct recovery_rig *rig, int code,
                                      const char *method, const char *params);

/* Applied at once, also while the node is held. */
void recovery_rig_create(struct recovery_rig *rig, const char *log);
void recovery_rig_delete(struct recovery_rig *rig, const char *log);
void recovery_rig_trim(struct recovery_rig *rig, const char *log,
                       unsigned before);
/* @count entries behind the tail, with the keys "k0" to "k2" in turn. */
void recovery_rig_append(struct recovery_rig *rig, const char *log,
                         unsigned count);

/* A backup of what is live now. */
void recovery_rig_backup(struct recovery_rig *rig, const char *name);
/* Stages it whole. Returns the stage's id. */
uint64_t recovery_rig_stage(struct recovery_rig *rig, const char *name);
struct recovery_status_result recovery_rig_status(struct recovery_rig *rig);
struct machine_part_info recovery_rig_part(const struct recovery_rig *rig,
                                           enum machine_part part);
