/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * Names of the files in a backup directory, and putting one there whole. Blocking;
 * for work threads.
 *
 *     NAME.manifest         a backup
 *     chunks/%016x.pack     chunks of backups (store/pack.h)
 *     checked               when which file was read last
 *     quarantine/           what was found damaged
 *     quorlog-*.tmp         what is being written: three names
 *     intake-*              what comes in from elsewhere
 */
#pragma once

#include "store/disk.h"
#include "util/limits.h"
#include "wire/args_backup.h"

#define BACKUP_MANIFEST_SUFFIX ".manifest"
#define BACKUP_POOL "chunks/"
#define BACKUP_PACK_SUFFIX ".pack"
#define BACKUP_QUARANTINE "quarantine/"
#define BACKUP_CHECKED "checked"
#define BACKUP_MANIFEST_ASIDE "quorlog-manifest.tmp"
#define BACKUP_PACK_ASIDE "quorlog-pack.tmp"
#define BACKUP_CHECKED_ASIDE "quorlog-checked.tmp"

/* @prefix is "" or BACKUP_QUARANTINE. */
void backup_manifest_name(const char *prefix, const char *name,
                          char ret_file[DISK_NAME_MAX]);
/* The name of a backup out of that of its file; false when it is none. */
bool backup_manifest_parse(const char *file,
                           char ret_name[BACKUP_NAME_MAX + 1]);
/* @prefix is BACKUP_POOL or BACKUP_QUARANTINE. */
void backup_pack_name(const char *prefix, uint64_t number,
                      char ret_file[DISK_NAME_MAX]);
bool backup_pack_parse(const char *file, uint64_t *ret_number);

/* The file @name becomes @runs one after the other: written as @aside, synced,
 * read back (unless the caller checks it by itself), renamed. What @name was before is replaced. The first run has at
 * least 8 bytes. QL_CORRUPT: it reads back differently. */
int backup_file_put(struct disk *disk, const char *aside, const char *name,
                    const struct bytes *runs, size_t count, bool reads_back,
                    struct err *err);
/* QL_EXISTS: there is something of that name. */
int backup_file_absent(struct disk *disk, const char *name, struct err *err);
/* QL_NO_SPACE: with @bytes more the disk would have less than BACKUP_SPARE_BYTES
 * free. It may be the one that the node's log is on, which must go on. */
int backup_file_room(struct disk *disk, uint64_t bytes, struct err *err);
/* Exactly @len bytes at @at to the end of @ret. QL_CORRUPT: it is too short. */
int backup_file_read(struct disk *disk, struct disk_file *file, uint64_t at,
                     size_t len, struct buf *ret, struct err *err);
/* Reads of @file ask the disk from now on. */
void backup_file_uncache(struct disk *disk, struct disk_file *file);
