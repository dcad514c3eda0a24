/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* Drives a machine by commands, each in a batch of its own. Every call returns
 * the outcome's code; the whole outcome stays in driver.outcome. */
#pragma once

#include "machine/machine.h"

struct driver {
    struct machine *machine;
    uint64_t index;   /* of the last batch */
    uint64_t time_ms; /* of the next batches */
    struct outcome outcome;
    const struct machine_limits *limits; /* the machine's; or NULL */
};

void driver_init(struct driver *driver);
/* @limits as machine_new(); they must outlive the driver. */
void driver_init_limited(struct driver *driver,
                         const struct machine_limits *limits);
void driver_close(struct driver *driver);
struct bytes text(const char *text);

int driver_apply(struct driver *driver, enum command_kind kind,
                 struct bytes params);
int driver_create(struct driver *driver, const char *log);
int driver_create_with(struct driver *driver, const char *log,
                       struct retention retention, uint64_t token);
int driver_configure(struct driver *driver, const char *log,
                     struct retention retention);
int driver_delete(struct driver *driver, const char *log);
int driver_trim(struct driver *driver, const char *log, uint64_t before);
int driver_append(struct driver *driver, const char *log, const char *value);
/* @count entries of @len bytes each. */
int driver_append_many(struct driver *driver, const char *log, size_t count,
                       size_t len);
int driver_append_args(struct driver *driver, const struct append_args *args);
/* An append of one small entry with a producer's sequence. */
int driver_append_numbered(struct driver *driver, const char *log,
                           uint64_t producer, uint64_t sequence);
/* An append of one small entry with a writer's epoch. */
int driver_append_as(struct driver *driver, const char *log, uint64_t epoch);
uint64_t driver_open_producer(struct driver *driver);
int driver_close_producer(struct driver *driver, uint64_t producer);
int driver_acquire(struct driver *driver, const char *log, const char *name);
int driver_release(struct driver *driver, const char *log, uint64_t epoch);
int driver_tick(struct driver *driver);
int driver_confirm_clock(struct driver *driver);
int driver_space(struct driver *driver, bool low);

/* The log must exist. */
struct log_stat driver_stat(const struct driver *driver, const char *log);
struct machine_counts driver_counts(const struct driver *driver);

/* All runs of a frozen view, one after the other, appended to @ret. */
void view_image(const struct view *view, struct buf *ret);
void machine_image(const struct machine *machine, struct buf *ret);
/* Replaces the driver's machine by one restored from its image, which finds the
 * chunks of the old one. */
void driver_reborn(struct driver *driver);
