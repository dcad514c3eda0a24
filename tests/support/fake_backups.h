/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * A backup store without a disk, for tests of the service: it keeps what the
 * machine freezes when a backup is created, and gives fronts and chunks of it when
 * the test lets it. Chunks must have their bytes in memory when it is created.
 */
#pragma once

#include "backup/backup_store.h"
#include "machine/machine_parts.h"

/* Keeps the backups of @machine from now on. */
struct backup_store *fake_backups_new(struct machine *machine);
void fake_backups_free(struct backup_store *store);

/* One turn: what was asked for before is answered. */
void fake_backups_step(struct backup_store *store);
bool fake_backups_idle(const struct backup_store *store);
/* While held, no read is answered. */
void fake_backups_hold(struct backup_store *store, bool held);
/* Every read of that backup comes to @code from now on; 0: as it should. */
void fake_backups_break(struct backup_store *store, const char *name, int code);
/* This node has no files of it. */
void fake_backups_lose(struct backup_store *store, const char *name);
/* A file that the table does not know of. */
void fake_backups_orphan(struct backup_store *store, const char *name);
/* Chunks that were read, ever. */
size_t fake_backups_reads(const struct backup_store *store);
