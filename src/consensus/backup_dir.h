/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * The backup directory of a node: what keeps it (backup/backup_store.h), what is
 * taken in there (backup/backup_intake.h), and a real disk of its own under them,
 * whose threads no append and no read of a log waits for. The directory may be
 * missing, full or gone: that is a problem that is told, never an error.
 */
#pragma once

#include <uv.h>

#include "backup/backup_intake.h"
#include "backup/backup_store.h"
#include "consensus/identity.h"

struct backup_dir;

struct backup_dir_options {
    uv_loop_t *loop;
    const char *path; /* copied */
    const struct identity *identity;
    struct chunk_store *chunks; /* outlives it */
    uint64_t scrub_bytes;
    void (*on_changed)(void *data); /* see struct backup_store_options */
    void *data;
};

/* QL_NO_MEMORY, QL_IO: threads cannot be started. */
int backup_dir_open(struct backup_dir **ret_dir,
                    const struct backup_dir_options *options, struct err *err);
struct backup_store *backup_dir_store(struct backup_dir *dir);
struct backup_intakes *backup_dir_intakes(struct backup_dir *dir);
struct disk *backup_dir_disk(struct backup_dir *dir);
/* Waits for what is under way; @cb when it is freed. */
void backup_dir_close(struct backup_dir *dir, void (*cb)(void *data),
                      void *data);
