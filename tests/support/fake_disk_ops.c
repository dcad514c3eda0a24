/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* The operations of the fake disk: each counts, may fail, and may be cut. */
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support/fake_disk_internal.h"
#include "util/mem.h"

static struct fake_disk *fake_of(struct disk *disk)
{
    return (struct fake_disk *)(void *)disk;
}

enum fate { FATE_OK, FATE_FAIL, FATE_CUT };

/* Counts the operation and says what becomes of it. */
static enum fate fate(struct fake_disk *fake, int *ret_code, struct err *err)
{
    *ret_code = QL_IO;
    if (fake->dead) {
        (void)err_set(err, QL_IO, "the disk is dead");
        return FATE_FAIL;
    }
    fake->stats.operations++;
    if (fake->stats.operations == fake->fail_at) {
        *ret_code = fake->fail_code;
        (void)err_set(err, fake->fail_code, "injected failure");
        return FATE_FAIL;
    }
    if (fake->stats.operations == fake->crash_at) {
        fake->dead = true;
        (void)err_set(err, QL_IO, "the process ends here");
        if (fake->death_hook != NULL) {
            fake->death_hook(fake->death_data);
        }
        return FATE_CUT;
    }
    return FATE_OK;
}

static bool fits(const struct fake_disk *fake, const struct fake_inode *grown,
                 uint64_t len)
{
    const struct list *link;
    uint64_t used = len;

    if (fake->capacity == 0 || len <= grown->len) {
        return true;
    }
    for (link = fake->inodes.next; link != &fake->inodes; link = link->next) {
        const struct fake_inode *inode =
            LIST_ITEM(link, struct fake_inode, link);

        used += inode == grown ? 0 : inode->len;
    }
    return used <= fake->capacity;
}

static int op_list(struct disk *disk,
                   void (*each)(void *data, const char *name), void *data,
                   struct err *err)
{
    struct fake_disk *fake = fake_of(disk);
    int code;

    if (fate(fake, &code, err) != FATE_OK) {
        return code;
    }
    fake_disk_each(fake, each, data);
    return 0;
}

static int op_open(struct disk *disk, const char *name, bool create,
                   struct disk_file **ret_file, struct err *err)
{
    struct fake_disk *fake = fake_of(disk);
    struct fake_inode *inode = fake_inode_find(fake, name);
    struct disk_file *file;
    int code;

    assert(strlen(name) < DISK_NAME_MAX);
    if (fate(fake, &code, err) != FATE_OK) {
        return code;
    }
    if (inode == NULL) {
        if (!create) {
            return err_set(err, QL_NOT_FOUND, "%s is missing", name);
        }
        inode = fake_inode_new(fake, name);
    }
    file = mem_must_zalloc(sizeof(*file));
    file->fake = fake;
    file->inode = inode;
    inode->opened++;
    list_push_back(&fake->files, &file->link);
    *ret_file = file;
    return 0;
}

static void op_close(struct disk_file *file)
{
    struct fake_disk *fake = file->fake;
    bool is_last_way = file->inode != NULL && file->inode->name[0] == '\0';

    fake_file_free(file);
    if (is_last_way) {
        fake_inodes_collect(fake);
    }
}

static int op_size(struct disk_file *file, uint64_t *ret_size, struct err *err)
{
    int code;

    if (fate(file->fake, &code, err) != FATE_OK) {
        return code;
    }
    *ret_size = file->inode->len;
    return 0;
}

static int op_read(struct disk_file *file, uint64_t offset, void *ret_bytes,
                   size_t len, size_t *ret_len, struct err *err)
{
    const struct fake_inode *inode = file->inode;
    size_t got = 0;
    int code;

    if (fate(file->fake, &code, err) != FATE_OK) {
        return code;
    }
    if (offset < inode->len) {
        got = inode->len - (size_t)offset;
        got = got < len ? got : len;
        memcpy(ret_bytes, inode->bytes + offset, got);
    }
    *ret_len = got;
    return 0;
}

static int op_write_sync(struct disk_file *file, uint64_t offset,
                         const void *bytes, size_t len, struct err *err)
{
    struct fake_disk *fake = file->fake;
    int code;

    switch (fate(fake, &code, err)) {
    case FATE_FAIL:
        return code;
    case FATE_CUT:
        (void)fake_inode_write(file->inode, offset, bytes, len, &fake->dice);
        return code;
    case FATE_OK:
        break;
    }
    if (!fits(fake, file->inode, offset + len)) {
        return err_set(err, QL_NO_SPACE, "no space");
    }
    fake->stats.bytes += len;
    fake_inode_write_sync(file->inode, offset, bytes, len);
    return 0;
}

static int op_fill(struct disk_file *file, uint64_t len, struct err *err)
{
    struct fake_disk *fake = file->fake;
    size_t filled = (size_t)len;
    int code;

    switch (fate(fake, &code, err)) {
    case FATE_FAIL:
        return code;
    case FATE_CUT:
        fake_inode_resize(file->inode, filled / 2);
        return code;
    case FATE_OK:
        break;
    }
    if (!fits(fake, file->inode, len)) {
        return err_set(err, QL_NO_SPACE, "no space");
    }
    fake_inode_fill(file->inode, filled);
    return 0;
}

/* Names become durable all together, as by a sync of the directory. */
static void names_sync(struct fake_disk *fake)
{
    struct list *link;

    for (link = fake->inodes.next; link != &fake->inodes; link = link->next) {
        struct fake_inode *inode = LIST_ITEM(link, struct fake_inode, link);

        if (inode->renamed) {
            memcpy(inode->durable_name, inode->name, DISK_NAME_MAX);
            inode->renamed = false;
        }
    }
    fake_inodes_collect(fake);
}

static int op_rename(struct disk *disk, const char *from, const char *to,
                     struct err *err)
{
    struct fake_disk *fake = fake_of(disk);
    struct fake_inode *inode = fake_inode_find(fake, from);
    struct fake_inode *replaced = fake_inode_find(fake, to);
    int code;
    enum fate what = fate(fake, &code, err);

    if (what == FATE_FAIL) {
        return code;
    }
    if (inode == NULL) {
        return err_set(err, QL_NOT_FOUND, "%s is missing", from);
    }
    if (what == FATE_CUT && dice_one_in(&fake->dice, 2)) {
        return code;
    }
    if (replaced != NULL) {
        fake_inode_name(replaced, "");
    }
    fake_inode_name(inode, to);
    if (what == FATE_CUT) {
        return code;
    }
    names_sync(fake);
    return 0;
}

static int op_remove(struct disk *disk, const char *name, struct err *err)
{
    struct fake_disk *fake = fake_of(disk);
    struct fake_inode *inode = fake_inode_find(fake, name);
    int code;
    enum fate what = fate(fake, &code, err);

    if (what == FATE_FAIL) {
        return code;
    }
    if (inode == NULL) {
        return err_set(err, QL_NOT_FOUND, "%s is missing", name);
    }
    if (what == FATE_CUT && dice_one_in(&fake->dice, 2)) {
        return code;
    }
    fake_inode_name(inode, "");
    if (what == FATE_CUT) {
        return code;
    }
    names_sync(fake);
    return 0;
}

static int op_sync_directory(struct disk *disk, struct err *err)
{
    struct fake_disk *fake = fake_of(disk);
    int code;

    if (fate(fake, &code, err) != FATE_OK) {
        return code;
    }
    names_sync(fake);
    return 0;
}

static int op_renew(struct disk *disk, struct err *err)
{
    struct fake_disk *fake = fake_of(disk);
    int code;

    return fate(fake, &code, err) == FATE_OK ? 0 : code;
}

static int op_space(struct disk *disk, uint64_t *ret_free, uint64_t *ret_total,
                    struct err *err)
{
    struct fake_disk *fake = fake_of(disk);
    const struct list *link;
    uint64_t used = 0;
    int code;

    if (fate(fake, &code, err) != FATE_OK) {
        return code;
    }
    for (link = fake->inodes.next; link != &fake->inodes; link = link->next) {
        used += LIST_ITEM(link, struct fake_inode, link)->len;
    }
    if (fake->capacity == 0) {
        *ret_free = UINT64_MAX;
        *ret_total = UINT64_MAX;
    } else {
        *ret_free = used < fake->capacity ? fake->capacity - used : 0;
        *ret_total = fake->capacity;
    }
    return 0;
}

static int op_write(struct disk *disk, struct disk_write *write)
{
    struct fake_disk *fake = fake_of(disk);
    int code;

    assert(write->offset % DISK_BLOCK == 0);
    assert(write->len % DISK_BLOCK == 0);
    assert((uintptr_t)write->bytes % DISK_BLOCK == 0);
    assert(write->offset + write->len <= write->file->inode->len);
    write->status = 0;
    if (fate(fake, &code, NULL) == FATE_FAIL) {
        write->status = code;
    }
    fake->stats.writes++;
    fake->stats.bytes += write->len;
    list_push_back(&fake->writes, &write->link);
    if (fake->hook != NULL) {
        fake->hook(fake->hook_data, false, write->len);
    }
    return 0;
}

static int op_work(struct disk *disk, struct disk_work *work)
{
    struct fake_disk *fake = fake_of(disk);

    list_push_back(&fake->works, &work->link);
    if (fake->hook != NULL) {
        fake->hook(fake->hook_data, true, 0);
    }
    return 0;
}

const struct disk_ops fake_disk_ops = {
    .list = op_list,
    .open = op_open,
    .close = op_close,
    .size = op_size,
    .read = op_read,
    .write_sync = op_write_sync,
    .fill = op_fill,
    .rename = op_rename,
    .remove = op_remove,
    .sync_directory = op_sync_directory,
    .renew = op_renew,
    .space = op_space,
    .write = op_write,
    .work = op_work,
};
