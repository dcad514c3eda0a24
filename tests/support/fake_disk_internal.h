/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* What the files of the fake disk share. */
#pragma once

#include "support/dice.h"
#include "support/fake_disk.h"

struct fake_inode {
    struct list link;
    char name[DISK_NAME_MAX];         /* as readers see it; "": none */
    char durable_name[DISK_NAME_MAX]; /* after a loss of power */
    uint8_t *bytes;                   /* as readers see them */
    uint8_t *durable;                 /* while unsynced; else it is the same */
    size_t len;
    size_t durable_len; /* while unsynced */
    size_t room;
    size_t durable_room;
    unsigned opened;
    uint64_t name_hash;
    bool renamed;  /* the names may differ */
    bool unsynced; /* bytes and durable may differ */
};

/* What a loss of power leaves for sure. */
const uint8_t *fake_inode_durable(const struct fake_inode *inode,
                                  size_t *ret_len);

struct disk_file {
    struct list link;
    struct fake_disk *fake;
    struct fake_inode *inode; /* NULL after a crash: only close is allowed */
};

struct fake_disk {
    struct disk disk; /* first */
    struct dice dice;
    struct list inodes;
    struct list files; /* open */
    struct list writes;
    struct list works;
    void (*hook)(void *data, bool is_work, size_t len);
    void *hook_data;
    void (*death_hook)(void *data);
    void *death_data;
    bool dead;
    uint64_t crash_at; /* numbers of operations, 0: never */
    uint64_t fail_at;
    int fail_code;
    uint64_t capacity;
    struct fake_stats stats;
};

extern const struct disk_ops fake_disk_ops;

struct fake_inode *fake_inode_find(const struct fake_disk *fake,
                                   const char *name);
void fake_inode_name(struct fake_inode *inode, const char *name);
struct fake_inode *fake_inode_new(struct fake_disk *fake, const char *name);
void fake_inode_free(struct fake_inode *inode);
/* Frees those that no name and no handle leads to. */
void fake_inodes_collect(struct fake_disk *fake);
/* The handle leads nowhere any more. */
void fake_file_abandon(struct disk_file *file);
void fake_file_free(struct disk_file *file);
/* What is new is zeros. */
void fake_inode_resize(struct fake_inode *inode, size_t len);
/* With @dice, each sector arrives or not. */
int fake_inode_write(struct fake_inode *inode, uint64_t offset,
                     const void *bytes, size_t len, struct dice *dice);
/* A write and the sync of what it wrote. */
void fake_inode_write_sync(struct fake_inode *inode, uint64_t offset,
                           const void *bytes, size_t len);
void fake_inode_sync(struct fake_inode *inode, uint64_t offset, size_t len);
void fake_inode_sync_len(struct fake_inode *inode);
/* @len zeros, synced. */
void fake_inode_fill(struct fake_inode *inode, size_t len);
