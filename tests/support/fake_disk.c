/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "support/fake_disk.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support/dice.h"
#include "support/fake_disk_internal.h"
#include "util/mem.h"

static void crash(struct fake_disk *fake, enum fake_crash how, bool tears);
static void pending_scatter(struct fake_disk *fake, bool tears);
static void power_lost(struct fake_disk *fake, struct fake_inode *inode);

/* ---- A disk ---- */

struct fake_disk *fake_disk_new(uint64_t seed)
{
    struct fake_disk *fake = mem_must_zalloc(sizeof(*fake));

    fake->disk.ops = &fake_disk_ops;
    fake->dice.state = seed;
    list_init(&fake->inodes);
    list_init(&fake->files);
    list_init(&fake->writes);
    list_init(&fake->works);
    return fake;
}

void fake_disk_free(struct fake_disk *fake)
{
    if (fake == NULL) {
        return;
    }
    while (!list_empty(&fake->files)) {
        fake_file_free(LIST_ITEM(fake->files.next, struct disk_file, link));
    }
    while (!list_empty(&fake->inodes)) {
        fake_inode_free(LIST_ITEM(fake->inodes.next, struct fake_inode, link));
    }
    free(fake);
}

struct disk *fake_disk_disk(struct fake_disk *fake)
{
    return &fake->disk;
}

struct fake_disk *fake_disk_copy(const struct fake_disk *fake, uint64_t seed)
{
    struct fake_disk *copy = fake_disk_new(seed);
    const struct list *link;

    for (link = fake->inodes.next; link != &fake->inodes; link = link->next) {
        const struct fake_inode *inode =
            LIST_ITEM(link, struct fake_inode, link);

        if (inode->durable_name[0] != '\0') {
            size_t len;
            const uint8_t *durable = fake_inode_durable(inode, &len);

            fake_disk_put(copy, inode->durable_name, durable, len);
        }
    }
    return copy;
}

struct fake_stats fake_disk_stats(const struct fake_disk *fake)
{
    return fake->stats;
}

/* ---- What is under way ---- */

void fake_disk_on_begin(struct fake_disk *fake,
                        void (*hook)(void *data, bool is_work, size_t len),
                        void *data)
{
    fake->hook = hook;
    fake->hook_data = data;
}

static size_t list_count(const struct list *head)
{
    const struct list *link;
    size_t count = 0;

    for (link = head->next; link != head; link = link->next) {
        count++;
    }
    return count;
}

size_t fake_disk_writes(const struct fake_disk *fake)
{
    return list_count(&fake->writes);
}

size_t fake_disk_works(const struct fake_disk *fake)
{
    return list_count(&fake->works);
}

bool fake_disk_end_write(struct fake_disk *fake)
{
    struct disk_write *write;

    if (fake->dead || list_empty(&fake->writes)) {
        return false;
    }
    write = LIST_ITEM(fake->writes.next, struct disk_write, link);
    list_remove(&write->link);
    if (write->status == 0) {
        fake_inode_write_sync(write->file->inode, write->offset, write->bytes,
                              write->len);
    }
    write->cb(write, write->status);
    return true;
}

bool fake_disk_end_work(struct fake_disk *fake)
{
    struct disk_work *work;
    int status;

    if (fake->dead || list_empty(&fake->works)) {
        return false;
    }
    work = LIST_ITEM(fake->works.next, struct disk_work, link);
    list_remove(&work->link);
    status = work->run(work);
    /* A crash inside it: nobody is there to be called back. */
    if (!fake->dead) {
        work->cb(work, status);
    }
    return true;
}

void fake_disk_drain(struct fake_disk *fake)
{
    while (fake_disk_end_write(fake) || fake_disk_end_work(fake)) {
    }
}

/* ---- Faults ---- */

void fake_disk_crash_at(struct fake_disk *fake, uint64_t nth)
{
    fake->crash_at = nth == 0 ? 0 : fake->stats.operations + nth;
}

void fake_disk_stop(struct fake_disk *fake)
{
    fake->dead = true;
}

void fake_disk_on_death(struct fake_disk *fake, void (*hook)(void *data),
                        void *data)
{
    fake->death_hook = hook;
    fake->death_data = data;
}

void fake_disk_fail_at(struct fake_disk *fake, uint64_t nth, int code)
{
    fake->fail_at = nth == 0 ? 0 : fake->stats.operations + nth;
    fake->fail_code = code;
}

void fake_disk_capacity(struct fake_disk *fake, uint64_t bytes)
{
    fake->capacity = bytes;
}

bool fake_disk_is_dead(const struct fake_disk *fake)
{
    return fake->dead;
}

void fake_disk_crash(struct fake_disk *fake, enum fake_crash how)
{
    crash(fake, how, true);
}

void fake_disk_crash_untorn(struct fake_disk *fake, enum fake_crash how)
{
    crash(fake, how, false);
}

static void crash(struct fake_disk *fake, enum fake_crash how, bool tears)
{
    struct list *link;
    struct list *next;

    pending_scatter(fake, tears);
    list_init(&fake->works);
    for (link = fake->files.next; link != &fake->files; link = link->next) {
        fake_file_abandon(LIST_ITEM(link, struct disk_file, link));
    }
    if (how == FAKE_POWER) {
        bool names_kept = dice_one_in(&fake->dice, 2);

        for (link = fake->inodes.next; link != &fake->inodes; link = next) {
            struct fake_inode *inode = LIST_ITEM(link, struct fake_inode, link);

            next = link->next;
            if (inode->renamed) {
                if (!names_kept) {
                    fake_inode_name(inode, inode->durable_name);
                }
                memcpy(inode->durable_name, inode->name, DISK_NAME_MAX);
                inode->renamed = false;
            }
            if (inode->unsynced) {
                power_lost(fake, inode);
            }
        }
    }
    fake_inodes_collect(fake);
    fake->dead = false;
    fake->crash_at = 0;
    fake->fail_at = 0;
}

/* Each sector of a write under way arrived or not, or all of them. */
static void pending_scatter(struct fake_disk *fake, bool tears)
{
    while (!list_empty(&fake->writes)) {
        struct disk_write *write =
            LIST_ITEM(fake->writes.next, struct disk_write, link);

        list_remove(&write->link);
        if (write->status == 0 && (tears || dice_one_in(&fake->dice, 2))) {
            (void)fake_inode_write(write->file->inode, write->offset,
                                   write->bytes, write->len,
                                   tears ? &fake->dice : NULL);
        }
    }
}

static void power_lost(struct fake_disk *fake, struct fake_inode *inode)
{
    size_t at;

    /* The length goes with the first sync that needs it. */
    if (inode->len != inode->durable_len) {
        fake_inode_resize(inode, inode->durable_len);
    }
    for (at = 0; at < inode->durable_len; at += DISK_SECTOR) {
        size_t len = inode->durable_len - at < DISK_SECTOR
                         ? inode->durable_len - at
                         : DISK_SECTOR;

        if (memcmp(inode->bytes + at, inode->durable + at, len) != 0) {
            if (dice_one_in(&fake->dice, 2)) {
                memcpy(inode->bytes + at, inode->durable + at, len);
            } else {
                memcpy(inode->durable + at, inode->bytes + at, len);
            }
        }
    }
    inode->unsynced = false;
}

/* ---- Files, for tests ---- */

bool fake_disk_has(const struct fake_disk *fake, const char *name)
{
    return fake_inode_find(fake, name) != NULL;
}

const uint8_t *fake_disk_bytes(const struct fake_disk *fake, const char *name,
                               size_t *ret_len)
{
    const struct fake_inode *inode = fake_inode_find(fake, name);

    if (inode == NULL) {
        return NULL;
    }
    *ret_len = inode->len;
    return inode->bytes;
}

void fake_disk_put(struct fake_disk *fake, const char *name, const void *bytes,
                   size_t len)
{
    struct fake_inode *inode = fake_inode_find(fake, name);

    if (inode == NULL) {
        inode = fake_inode_new(fake, name);
    }
    (void)snprintf(inode->durable_name, DISK_NAME_MAX, "%s", name);
    fake_inode_resize(inode, len);
    if (len > 0) {
        memcpy(inode->bytes, bytes, len);
    }
    fake_inode_sync(inode, 0, len);
    fake_inode_sync_len(inode);
}

void fake_disk_delete(struct fake_disk *fake, const char *name)
{
    struct fake_inode *inode = fake_inode_find(fake, name);

    assert(inode != NULL);
    fake_inode_name(inode, "");
    inode->durable_name[0] = '\0';
    fake_inodes_collect(fake);
}

void fake_disk_flip(struct fake_disk *fake, const char *name, uint64_t bit)
{
    struct fake_inode *inode = fake_inode_find(fake, name);

    assert(inode != NULL);
    inode->bytes[bit / 8] ^= (uint8_t)(1u << (bit % 8));
    if (inode->unsynced) {
        inode->durable[bit / 8] = inode->bytes[bit / 8];
    }
}

void fake_disk_each(const struct fake_disk *fake,
                    void (*each)(void *data, const char *name), void *data)
{
    const struct list *link;

    for (link = fake->inodes.next; link != &fake->inodes; link = link->next) {
        const struct fake_inode *inode =
            LIST_ITEM(link, struct fake_inode, link);

        if (inode->name[0] != '\0') {
            each(data, inode->name);
        }
    }
}
