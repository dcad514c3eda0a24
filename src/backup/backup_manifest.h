/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * Reading a manifest file (front, locations, tail), all of it or a part at a time,
 * and writing one. Blocking; for work threads.
 */
#pragma once

#include "backup/backup_front.h"
#include "backup/backup_locations.h"
#include "store/disk.h"

/* Whose directory it is: the ids of the cluster and then of those that it descends
 * from, PACK_CLUSTER_LEN bytes each. */
struct backup_owner {
    const uint8_t *ids;
    size_t count; /* at least 1 */
};
bool backup_owner_is(const struct backup_owner *owner,
                     const uint8_t cluster[PACK_CLUSTER_LEN]);

/* What the headers of one say. */
struct backup_manifest {
    struct backup_front front;
    struct backup_locations locations;
    uint32_t front_crc; /* the last checksum of the front, as it stands there */
    uint64_t locations_at; /* in the file */
    uint64_t tail_at;
    uint64_t len; /* of the file */
};

/* Opens NAME.manifest of the cluster and reads its headers. QL_NOT_FOUND.
 * QL_INVALID: a link, of a newer version... QL_DENIED: it is a stranger:
 * no backup at all, or of another cluster's directory, or of another name.
 * QL_CORRUPT: it is one of ours, or may be, but its headers are damaged. */
int backup_manifest_open(struct disk *disk, const char *name,
                         const struct backup_owner *owner,
                         struct backup_manifest *ret,
                         struct disk_file **ret_file, struct err *err);
/* To the end of @ret, checked: the whole front, all locations (which belong to
 * that front), the tail. */
int backup_manifest_read_front(struct disk *disk, struct disk_file *file,
                               const struct backup_manifest *manifest,
                               struct buf *ret, struct err *err);
int backup_manifest_read_locations(struct disk *disk, struct disk_file *file,
                                   const struct backup_manifest *manifest,
                                   struct buf *ret, struct err *err);
int backup_manifest_read_tail(struct disk *disk, struct disk_file *file,
                              const struct backup_manifest *manifest,
                              struct buf *ret, struct err *err);
/* Where chunk @number is: read alone, and unproven: the row that is found there
 * shows whether it is right. QL_CORRUPT: it cannot be. */
int backup_manifest_read_location(struct disk *disk, struct disk_file *file,
                                  const struct backup_manifest *manifest,
                                  uint32_t number, struct backup_location *ret,
                                  struct err *err);
/* Row @number of the front, read alone; it has its own checksum. */
int backup_manifest_read_row(struct disk *disk, struct disk_file *file,
                             const struct backup_manifest *manifest,
                             uint32_t number, struct pack_row *ret,
                             struct err *err);

/* What a manifest is made of. */
struct backup_parts {
    struct bytes front;                  /* whole and sealed */
    const struct backup_location *items; /* one for each row */
    struct bytes tail;
    uint64_t new_bytes;    /* raw, of chunks that the pool did not have */
    uint64_t stored_bytes; /* of all frames */
};
/* Puts NAME.manifest, in the place of one that is the same backup, or too damaged
 * to tell, which goes to the quarantine. QL_EXISTS: something else has the name,
 * and stays. @ret_len: of the file. */
int backup_manifest_put(struct disk *disk, const struct backup_parts *parts,
                        const struct backup_owner *owner, uint64_t *ret_len,
                        struct err *err);
/* Removes NAME.manifest if it is that backup. QL_NOT_FOUND: there is none.
 * QL_EXISTS: something else has the name, and stays. */
int backup_manifest_remove(struct disk *disk, const struct backup_row *row,
                           const struct backup_owner *owner, struct err *err);
