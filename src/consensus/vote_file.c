/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "consensus/vote_file.h"

#include <assert.h>
#include <string.h>

#include "util/buf.h"
#include "util/crc32c.h"

#define VOTE_NAME "vote"
#define VOTE_NEW_NAME "vote.new"
#define VOTE_MAGIC "QLV1"
#define VOTE_COPIES 2u
#define VOTE_BYTES (VOTE_COPIES * DISK_BLOCK)
#define VOTE_CRC_AT 32u

struct vote_copy {
    uint64_t changes;
    raft_term term;
    raft_id voted_for;
    bool good;
};

static void copy_encode(const struct vote_copy *copy, uint32_t which,
                        uint8_t *ret_block);
static struct vote_copy copy_decode(const uint8_t *block, size_t len,
                                    uint32_t which);
static int copies_read(struct disk *disk, struct disk_file *file,
                       struct vote_copy ret[2], struct err *err);
static int copy_write(struct disk *disk, struct disk_file *file,
                      const struct vote_copy *copy, uint32_t which,
                      struct err *err);
static bool same(const struct vote_copy *a, const struct vote_copy *b);
static int newer_of(const struct vote_copy copies[2], uint32_t *ret_which,
                    struct err *err);

int vote_file_open(struct vote_file *ret, struct disk *disk, struct err *err)
{
    struct vote_copy copies[VOTE_COPIES];
    struct disk_file *file;
    uint32_t which = 0;
    bool repaired;
    int rv;

    rv = disk->ops->open(disk, VOTE_NAME, false, &file, err);
    if (rv != 0) {
        return rv;
    }
    rv = copies_read(disk, file, copies, err);
    if (rv == 0) {
        rv = newer_of(copies, &which, err);
    }
    if (rv != 0) {
        goto close_file;
    }
    repaired = !copies[0].good || !copies[1].good;
    if (!same(&copies[0], &copies[1])) {
        /* The newer one may be readable and not durable: both are written. */
        rv = copy_write(disk, file, &copies[which], which, err);
        if (rv == 0) {
            rv = copy_write(disk, file, &copies[which], 1 - which, err);
        }
        if (rv != 0) {
            goto close_file;
        }
    }
    ret->disk = disk;
    ret->file = file;
    ret->changes = copies[which].changes;
    ret->term = copies[which].term;
    ret->voted_for = copies[which].voted_for;
    ret->repaired = repaired;
    return 0;

close_file:
    disk->ops->close(file);
    return rv;
}

int vote_file_create(struct disk *disk, raft_term term, struct err *err)
{
    struct vote_copy copy = {0, term, 0, true};
    struct disk_file *file;
    uint32_t which;
    int rv;

    rv = disk->ops->open(disk, VOTE_NAME, false, &file, err);
    if (rv == 0) {
        disk->ops->close(file);
        return err_set(err, QL_EXISTS, "there is a vote file already");
    }
    if (rv != QL_NOT_FOUND) {
        return rv;
    }
    rv = disk->ops->open(disk, VOTE_NEW_NAME, true, &file, err);
    if (rv != 0) {
        return rv;
    }
    rv = disk->ops->fill(file, VOTE_BYTES, err);
    for (which = 0; which < VOTE_COPIES && rv == 0; which++) {
        rv = copy_write(disk, file, &copy, which, err);
    }
    disk->ops->close(file);
    if (rv != 0) {
        return rv;
    }
    return disk->ops->rename(disk, VOTE_NEW_NAME, VOTE_NAME, err);
}

int vote_file_read(struct disk *disk, raft_term *ret_term,
                   raft_id *ret_voted_for, struct err *err)
{
    struct vote_view view;
    int rv = vote_file_view(disk, &view, err);

    if (rv == 0) {
        *ret_term = view.term;
        *ret_voted_for = view.voted_for;
    }
    return rv;
}

int vote_file_view(struct disk *disk, struct vote_view *ret, struct err *err)
{
    struct vote_copy copies[VOTE_COPIES];
    struct disk_file *file;
    uint32_t which = 0;
    int rv;

    rv = disk->ops->open(disk, VOTE_NAME, false, &file, err);
    if (rv != 0) {
        return rv;
    }
    rv = copies_read(disk, file, copies, err);
    disk->ops->close(file);
    if (rv != 0) {
        return rv;
    }
    rv = newer_of(copies, &which, err);
    *ret = (struct vote_view){.good = {copies[0].good, copies[1].good},
                              .term = copies[which].term,
                              .voted_for = copies[which].voted_for};
    return rv;
}

void vote_file_close(struct vote_file *file)
{
    if (file->file != NULL) {
        file->disk->ops->close(file->file);
        file->file = NULL;
    }
}

int vote_file_set_term(struct vote_file *file, raft_term term, struct err *err)
{
    if (term == file->term) {
        return 0;
    }
    return vote_file_set(file, term, 0, err);
}

int vote_file_set_vote(struct vote_file *file, raft_id voted_for,
                       struct err *err)
{
    return vote_file_set(file, file->term, voted_for, err);
}

int vote_file_set(struct vote_file *file, raft_term term, raft_id voted_for,
                  struct err *err)
{
    struct vote_copy copy = {file->changes + 1, term, voted_for, true};
    uint32_t which;
    int rv;

    assert(term >= file->term);
    if (term == file->term) {
        if (voted_for == file->voted_for) {
            return 0;
        }
        assert(file->voted_for == 0);
    }
    for (which = 0; which < VOTE_COPIES; which++) {
        rv = copy_write(file->disk, file->file, &copy, which, err);
        if (rv != 0) {
            (void)err_wrap(err, "write term and vote");
            return rv;
        }
    }
    file->changes = copy.changes;
    file->term = term;
    file->voted_for = voted_for;
    return 0;
}

/* ---- Copies ---- */

static void copy_encode(const struct vote_copy *copy, uint32_t which,
                        uint8_t *ret_block)
{
    memset(ret_block, 0, DISK_BLOCK);
    memcpy(ret_block, VOTE_MAGIC, 4);
    put_u32(ret_block + 4, which);
    put_u64(ret_block + 8, copy->changes);
    put_u64(ret_block + 16, copy->term);
    put_u64(ret_block + 24, copy->voted_for);
    put_u32(ret_block + VOTE_CRC_AT, crc32c(0, ret_block, VOTE_CRC_AT));
}

static struct vote_copy copy_decode(const uint8_t *block, size_t len,
                                    uint32_t which)
{
    struct vote_copy copy = {0};

    if (len < VOTE_CRC_AT + 4 || memcmp(block, VOTE_MAGIC, 4) != 0 ||
        get_u32(block + 4) != which ||
        get_u32(block + VOTE_CRC_AT) != crc32c(0, block, VOTE_CRC_AT)) {
        return copy;
    }
    copy.changes = get_u64(block + 8);
    copy.term = get_u64(block + 16);
    copy.voted_for = get_u64(block + 24);
    copy.good = true;
    return copy;
}

static int copies_read(struct disk *disk, struct disk_file *file,
                       struct vote_copy ret[2], struct err *err)
{
    _Alignas(DISK_BLOCK) uint8_t block[DISK_BLOCK];
    struct vote_copy copies[VOTE_COPIES];
    uint32_t which;

    for (which = 0; which < VOTE_COPIES; which++) {
        size_t len = 0;
        int rv;

        rv = disk->ops->read(file, (uint64_t)which * DISK_BLOCK, block,
                             DISK_BLOCK, &len, err);
        if (rv != 0) {
            return rv;
        }
        copies[which] = copy_decode(block, len, which);
    }
    memcpy(ret, copies, sizeof(copies));
    return 0;
}

static int copy_write(struct disk *disk, struct disk_file *file,
                      const struct vote_copy *copy, uint32_t which,
                      struct err *err)
{
    _Alignas(DISK_BLOCK) uint8_t block[DISK_BLOCK];

    copy_encode(copy, which, block);
    return disk->ops->write_sync(file, (uint64_t)which * DISK_BLOCK, block,
                                 DISK_BLOCK, err);
}

static bool same(const struct vote_copy *a, const struct vote_copy *b)
{
    return a->good && b->good && a->changes == b->changes &&
           a->term == b->term && a->voted_for == b->voted_for;
}

/* Two good copies of one change that differ cannot come from any crash. */
static int newer_of(const struct vote_copy copies[2], uint32_t *ret_which,
                    struct err *err)
{
    if (!copies[0].good && !copies[1].good) {
        return err_set(err, QL_CORRUPT,
                       "both copies of term and vote are damaged");
    }
    if (copies[0].good && copies[1].good &&
        copies[0].changes == copies[1].changes &&
        !same(&copies[0], &copies[1])) {
        return err_set(err, QL_CORRUPT,
                       "the copies of term and vote contradict each other");
    }
    *ret_which = !copies[0].good ||
                 (copies[1].good && copies[1].changes > copies[0].changes);
    return 0;
}
