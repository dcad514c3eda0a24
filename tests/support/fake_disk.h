/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * A disk in memory (struct disk) that forgets what was not synced, tears, flips
 * bits, fills up and fails: the same for the same seed. It has no time of its
 * own: what is under way ends when the caller says so.
 *
 * What a reader sees and what survives a loss of power are kept apart, in
 * sectors of 512 bytes, each of which is written whole or not at all.
 */
#pragma once

#include "store/disk.h"

struct fake_disk;

enum fake_crash {
    FAKE_KILL, /* the process ends; what reached the kernel stays readable */
    FAKE_POWER /* of what was not synced, each sector is there or not */
};

struct fake_stats {
    uint64_t operations; /* blocking ones, and writes and works begun */
    uint64_t writes;
    uint64_t bytes;
};

struct fake_disk *fake_disk_new(uint64_t seed);
void fake_disk_free(struct fake_disk *fake);
struct disk *fake_disk_disk(struct fake_disk *fake);

/* ---- What is under way; writes and works each end in their order ---- */
/* @hook is called when a write (or work) was taken, with its length; never from
 * inside a completion that it could disturb. May be NULL. */
void fake_disk_on_begin(struct fake_disk *fake,
                        void (*hook)(void *data, bool is_work, size_t len),
                        void *data);
size_t fake_disk_writes(const struct fake_disk *fake);
size_t fake_disk_works(const struct fake_disk *fake);
/* Ends the oldest one: it becomes durable and its callback runs. False if there
 * is none, or the disk is dead. */
bool fake_disk_end_write(struct fake_disk *fake);
bool fake_disk_end_work(struct fake_disk *fake);
/* Until nothing is under way. */
void fake_disk_drain(struct fake_disk *fake);

/* ---- Faults ---- */
/* The @nth operation from now (1: the next) is cut in the middle, and the disk
 * is dead from then on: calls fail with QL_IO, nothing ends. 0: never. */
void fake_disk_crash_at(struct fake_disk *fake, uint64_t nth);
/* As if that operation were now: the process ends in the middle of what it does,
 * and nothing of that reaches the disk any more. */
void fake_disk_stop(struct fake_disk *fake);
/* @hook hears that the disk has died, within the operation. May be NULL. */
void fake_disk_on_death(struct fake_disk *fake, void (*hook)(void *data),
                        void *data);
/* The @nth operation from now fails with @code (QL_IO, QL_NO_SPACE). */
void fake_disk_fail_at(struct fake_disk *fake, uint64_t nth, int code);
/* All files together; fills and growing writes beyond it fail with
 * QL_NO_SPACE. 0: no limit. */
void fake_disk_capacity(struct fake_disk *fake, uint64_t bytes);
/* The process ends here: handles can only be closed any more, writes under way
 * reach the disk or not, sector by sector, and works are forgotten. To be called
 * before what wrote is freed. Afterwards the disk works again. */
void fake_disk_crash(struct fake_disk *fake, enum fake_crash how);
/* As fake_disk_crash(); writes under way arrive as a whole or not at all. */
void fake_disk_crash_untorn(struct fake_disk *fake, enum fake_crash how);
bool fake_disk_is_dead(const struct fake_disk *fake);

/* ---- Files, for tests; durable at once ---- */
bool fake_disk_has(const struct fake_disk *fake, const char *name);
/* NULL when there is none; valid until the file changes. */
const uint8_t *fake_disk_bytes(const struct fake_disk *fake, const char *name,
                               size_t *ret_len);
void fake_disk_put(struct fake_disk *fake, const char *name, const void *bytes,
                   size_t len);
void fake_disk_delete(struct fake_disk *fake, const char *name);
void fake_disk_flip(struct fake_disk *fake, const char *name, uint64_t bit);
void fake_disk_each(const struct fake_disk *fake,
                    void (*each)(void *data, const char *name), void *data);
/* A disk with the same durable files. */
struct fake_disk *fake_disk_copy(const struct fake_disk *fake, uint64_t seed);
struct fake_stats fake_disk_stats(const struct fake_disk *fake);
