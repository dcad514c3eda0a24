/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "backup/backup_file.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "machine/must.h"
#include "store/readback.h"

#define NUMBER_DIGITS 16u
#define PROBED 8u /* bytes compared as such when a file is read back */

static int write_aside(struct disk *disk, const char *aside,
                       const struct bytes *runs, size_t count,
                       struct disk_file **ret_file, struct err *err);
static int read_back(struct disk *disk, struct disk_file *file,
                     const struct bytes *runs, size_t count, struct err *err);
static bool ends_with(const char *text, const char *suffix);

/* ---- Names --------------------------------------------------------------- */

void backup_manifest_name(const char *prefix, const char *name,
                          char ret_file[DISK_NAME_MAX])
{
    (void)snprintf(ret_file, DISK_NAME_MAX, "%s%s%s", prefix, name,
                   BACKUP_MANIFEST_SUFFIX);
}

bool backup_manifest_parse(const char *file, char ret_name[BACKUP_NAME_MAX + 1])
{
    size_t len = strlen(file);

    if (!ends_with(file, BACKUP_MANIFEST_SUFFIX)) {
        return false;
    }
    len -= strlen(BACKUP_MANIFEST_SUFFIX);
    if (len > BACKUP_NAME_MAX || backup_name_check(file, len, NULL) != 0) {
        return false;
    }
    memcpy(ret_name, file, len);
    ret_name[len] = '\0';
    return true;
}

void backup_pack_name(const char *prefix, uint64_t number,
                      char ret_file[DISK_NAME_MAX])
{
    (void)snprintf(ret_file, DISK_NAME_MAX, "%s%016" PRIx64 "%s", prefix,
                   number, BACKUP_PACK_SUFFIX);
}

bool backup_pack_parse(const char *file, uint64_t *ret_number)
{
    size_t prefix = strlen(BACKUP_POOL);
    uint64_t number = 0;

    if (strncmp(file, BACKUP_POOL, prefix) != 0 ||
        strlen(file) != prefix + NUMBER_DIGITS + strlen(BACKUP_PACK_SUFFIX) ||
        !ends_with(file, BACKUP_PACK_SUFFIX)) {
        return false;
    }
    for (size_t i = 0; i < NUMBER_DIGITS; i++) {
        static const char digits[] = "0123456789abcdef";
        const char *digit = strchr(digits, file[prefix + i]);

        if (digit == NULL) {
            return false;
        }
        number = number << 4 | (uint64_t)(digit - digits);
    }
    *ret_number = number;
    return number > 0 && number <= BACKUP_PACK_NUMBER_MAX;
}

static bool ends_with(const char *text, const char *suffix)
{
    size_t len = strlen(text);
    size_t suffix_len = strlen(suffix);

    return len >= suffix_len && strcmp(text + len - suffix_len, suffix) == 0;
}

/* ---- Files --------------------------------------------------------------- */

int backup_file_put(struct disk *disk, const char *aside, const char *name,
                    const struct bytes *runs, size_t count, bool reads_back,
                    struct err *err)
{
    struct disk_file *file;
    int rv = write_aside(disk, aside, runs, count, &file, err);

    if (rv == 0) {
        rv = reads_back ? read_back(disk, file, runs, count, err) : 0;
        disk->ops->close(file);
    }
    if (rv == 0) {
        rv = disk->ops->rename(disk, aside, name, err);
    }
    if (rv != 0) {
        /* As far as it can be done: what is half there takes room. */
        (void)disk->ops->remove(disk, aside, NULL);
        (void)err_wrap(err, "write %s", name);
    }
    return rv;
}

int backup_file_absent(struct disk *disk, const char *name, struct err *err)
{
    struct disk_file *file;
    int rv = disk->ops->open(disk, name, false, &file, err);

    if (rv == QL_NOT_FOUND) {
        return 0;
    }
    if (rv == 0) {
        disk->ops->close(file);
    }
    if (rv == 0 || rv == QL_INVALID) {
        return err_set(err, QL_EXISTS, "%s is in the way: move it elsewhere",
                       name);
    }
    return rv;
}

int backup_file_room(struct disk *disk, uint64_t bytes, struct err *err)
{
    uint64_t room;
    uint64_t size;
    int rv = disk->ops->space(disk, &room, &size, err);

    if (rv == 0 &&
        (room < BACKUP_SPARE_BYTES || room - BACKUP_SPARE_BYTES < bytes)) {
        rv = err_set(err, QL_NO_SPACE,
                     "no space on the disk: %" PRIu64 " bytes more would leave "
                     "less than %u MiB of it free",
                     bytes, BACKUP_SPARE_BYTES / MIB);
    }
    return rv;
}

int backup_file_read(struct disk *disk, struct disk_file *file, uint64_t at,
                     size_t len, struct buf *ret, struct err *err)
{
    size_t got = 0;
    int rv;

    (void)must_have_memory(buf_reserve(ret, len));
    rv = disk->ops->read(file, at, ret->data + ret->len, len, &got, err);
    if (rv == 0 && got != len) {
        rv = err_set(err, QL_CORRUPT, "the file is cut off");
    }
    if (rv == 0) {
        ret->len += len;
    }
    return rv;
}

void backup_file_uncache(struct disk *disk, struct disk_file *file)
{
    if (disk->ops->uncache != NULL) {
        disk->ops->uncache(file);
    }
}

static int write_aside(struct disk *disk, const char *aside,
                       const struct bytes *runs, size_t count,
                       struct disk_file **ret_file, struct err *err)
{
    struct disk_file *file;
    uint64_t at = 0;
    int rv = disk->ops->remove(disk, aside, err);

    if (rv != 0 && rv != QL_NOT_FOUND) {
        return rv;
    }
    rv = disk->ops->open(disk, aside, true, &file, err);
    if (rv != 0) {
        return rv;
    }
    for (size_t i = 0; i < count && rv == 0; i++) {
        if (runs[i].len > 0) {
            rv =
                disk->ops->write_sync(file, at, runs[i].data, runs[i].len, err);
            at += runs[i].len;
        }
    }
    if (rv != 0) {
        disk->ops->close(file);
        return rv;
    }
    *ret_file = file;
    return 0;
}

static int read_back(struct disk *disk, struct disk_file *file,
                     const struct bytes *runs, size_t count, struct err *err)
{
    struct hash128_stream *stream = hash128_stream_new();
    struct bytes probed = {runs[0].data, PROBED};
    uint8_t hash[HASH128_LEN];
    uint64_t len = 0;

    if (stream == NULL) {
        return err_set(err, QL_NO_MEMORY, "no memory to read a file back");
    }
    for (size_t i = 0; i < count; i++) {
        size_t skip = i == 0 ? PROBED : 0;

        if (runs[i].len > skip) {
            hash128_stream_add(stream, runs[i].data + skip, runs[i].len - skip);
            len += runs[i].len - skip;
        }
    }
    hash128_stream_end(stream, hash);
    return readback(disk, file, probed, len, hash, err);
}
