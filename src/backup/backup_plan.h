/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * Which chunks a backup is to have, and where the pool has them already: those of a
 * backup that is there, by name, in good packs. Some 130 bytes for each chunk while
 * a backup is being written, and 1 MiB beside to read the other one. For work
 * threads; one at a time.
 */
#pragma once

#include "backup/backup_manifest.h"
#include "machine/chunk_set.h"

struct backup_plan {
    uint32_t count;
    uint8_t *rows;              /* PACK_ROW_LEN each; of a chunk that has no
                                   place yet only the facts are right */
    struct backup_location *at; /* pack 0: no place yet */
    uint32_t lacking;           /* of them */
    uint64_t raw_bytes;         /* of all */
};

/* The chunks of @set, which may be NULL; they have no place. */
void backup_plan_of_set(struct backup_plan *ret, const struct chunk_set *set);
/* Those of a front that was found good; they have no place. */
void backup_plan_of_front(struct backup_plan *ret, struct bytes front,
                          const struct backup_front *header);
void backup_plan_close(struct backup_plan *plan);

/* Gives chunks that backup @base has the places they have there, but those in one
 * of @bad packs (numbers rising). A base that is gone or damaged gives none.
 * QL_IO. */
int backup_plan_join(struct backup_plan *plan, struct disk *disk,
                     const struct backup_owner *owner, const char *base,
                     const uint64_t *bad, size_t bad_count, struct err *err);
/* The chunk's facts, as they stand in the plan. */
struct chunk_facts backup_plan_facts(const struct backup_plan *plan,
                                     uint32_t number);

/* Is @number among @numbers, which rise? */
bool backup_numbers_have(const uint64_t *numbers, size_t count,
                         uint64_t number);

/* Walks over the rows of a manifest file, some at a time. */
struct backup_rows {
    struct disk *disk;
    struct disk_file *file;
    uint32_t count;
    uint32_t next; /* row */
    struct buf step;
    uint32_t step_first;
    uint32_t step_count;
};
void backup_rows_init(struct backup_rows *rows, struct disk *disk,
                      struct disk_file *file, uint32_t count);
void backup_rows_close(struct backup_rows *rows);
/* QL_NOT_FOUND at the end; QL_CORRUPT. */
int backup_rows_next(struct backup_rows *rows, struct pack_row *ret,
                     struct err *err);
