/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* A file of the fake disk: what readers see of it, and what a loss of power
 * leaves. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support/fake_disk_internal.h"
#include "util/mem.h"

/* FNV-1a. */
static uint64_t hash_name(const char *name)
{
    uint64_t hash = 1469598103934665603u;

    for (; *name != '\0'; name++) {
        hash = (hash ^ (uint8_t)*name) * 1099511628211u;
    }
    return hash;
}

struct fake_inode *fake_inode_find(const struct fake_disk *fake,
                                   const char *name)
{
    uint64_t hash = hash_name(name);
    const struct list *link;

    for (link = fake->inodes.next; link != &fake->inodes; link = link->next) {
        struct fake_inode *inode = LIST_ITEM(link, struct fake_inode, link);

        if (inode->name_hash == hash && strcmp(inode->name, name) == 0) {
            return inode;
        }
    }
    return NULL;
}

void fake_inode_name(struct fake_inode *inode, const char *name)
{
    (void)snprintf(inode->name, DISK_NAME_MAX, "%s", name);
    inode->name_hash = hash_name(name);
    inode->renamed = true;
}

struct fake_inode *fake_inode_new(struct fake_disk *fake, const char *name)
{
    struct fake_inode *inode = mem_must_zalloc(sizeof(*inode));

    fake_inode_name(inode, name);
    list_push_back(&fake->inodes, &inode->link);
    return inode;
}

void fake_inode_free(struct fake_inode *inode)
{
    list_remove(&inode->link);
    free(inode->bytes);
    free(inode->durable);
    free(inode);
}

void fake_inodes_collect(struct fake_disk *fake)
{
    struct list *link;
    struct list *next;

    for (link = fake->inodes.next; link != &fake->inodes; link = next) {
        struct fake_inode *inode = LIST_ITEM(link, struct fake_inode, link);

        next = link->next;
        if (inode->name[0] == '\0' && inode->durable_name[0] == '\0' &&
            inode->opened == 0) {
            fake_inode_free(inode);
        }
    }
}

void fake_file_abandon(struct disk_file *file)
{
    if (file->inode != NULL) {
        file->inode->opened--;
        file->inode = NULL;
    }
}

void fake_file_free(struct disk_file *file)
{
    fake_file_abandon(file);
    list_remove(&file->link);
    free(file);
}

const uint8_t *fake_inode_durable(const struct fake_inode *inode,
                                  size_t *ret_len)
{
    *ret_len = inode->unsynced ? inode->durable_len : inode->len;
    return inode->unsynced ? inode->durable : inode->bytes;
}

/* From here on bytes and durable are two. */
static void part(struct fake_inode *inode)
{
    if (inode->durable_room < inode->room) {
        inode->durable = mem_must_resize(inode->durable, inode->room);
        if (inode->unsynced) {
            memset(inode->durable + inode->durable_room, 0,
                   inode->room - inode->durable_room);
        }
        inode->durable_room = inode->room;
    }
    if (!inode->unsynced && inode->durable_room > 0) {
        memcpy(inode->durable, inode->bytes, inode->len);
        memset(inode->durable + inode->len, 0,
               inode->durable_room - inode->len);
    }
    if (!inode->unsynced) {
        inode->durable_len = inode->len;
        inode->unsynced = true;
    }
}

void fake_inode_resize(struct fake_inode *inode, size_t len)
{
    part(inode);
    if (len > inode->room) {
        inode->bytes = mem_must_resize(inode->bytes, len);
        inode->room = len;
        part(inode);
    }
    if (len > inode->len) {
        memset(inode->bytes + inode->len, 0, len - inode->len);
    }
    inode->len = len;
}

int fake_inode_write(struct fake_inode *inode, uint64_t offset,
                     const void *bytes, size_t len, struct dice *dice)
{
    const uint8_t *from = bytes;
    size_t at = (size_t)offset;
    size_t end = at + len;

    part(inode);
    if (end > inode->len) {
        fake_inode_resize(inode, end);
    }
    while (at < end) {
        size_t step = DISK_SECTOR - at % DISK_SECTOR;

        step = step < end - at ? step : end - at;
        if (dice == NULL || dice_one_in(dice, 2)) {
            memcpy(inode->bytes + at, from, step);
        }
        from += step;
        at += step;
    }
    return 0;
}

void fake_inode_write_sync(struct fake_inode *inode, uint64_t offset,
                           const void *bytes, size_t len)
{
    if (!inode->unsynced && offset + len <= inode->len) {
        memcpy(inode->bytes + offset, bytes, len);
        return;
    }
    (void)fake_inode_write(inode, offset, bytes, len, NULL);
    fake_inode_sync(inode, offset, len);
}

void fake_inode_sync(struct fake_inode *inode, uint64_t offset, size_t len)
{
    if (!inode->unsynced) {
        return;
    }
    if (len == inode->len && len >= inode->durable_len) {
        inode->unsynced = false;
        return;
    }
    if (len > 0) {
        memcpy(inode->durable + offset, inode->bytes + offset, len);
    }
    if (offset + len > inode->durable_len) {
        fake_inode_sync_len(inode);
    }
}

void fake_inode_sync_len(struct fake_inode *inode)
{
    inode->durable_len = inode->len;
}

void fake_inode_fill(struct fake_inode *inode, size_t len)
{
    if (len > inode->room) {
        inode->bytes = mem_must_resize(inode->bytes, len);
        inode->room = len;
    }
    memset(inode->bytes, 0, len);
    inode->len = len;
    inode->unsynced = false;
}
