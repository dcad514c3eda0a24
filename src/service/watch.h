/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* A log that somebody here follows or holds, and whether it changed since they
 * last looked. */
#pragma once

#include <stdint.h>

#include "machine/machine.h"
#include "util/buf.h"
#include "util/limits.h"
#include "util/list.h"
#include "util/map.h"

struct watch {
    struct list dirty;   /* in watches.dirty, when changed */
    struct list follows; /* struct follow */
    struct list holds;   /* struct hold */
    uint64_t uid;
    size_t name_len;
    char name[LOG_NAME_MAX];
};

struct watches {
    struct map *by_uid;
    struct list dirty;
};

void watches_init(struct watches *watches);
/* All follows and holds must have ended. */
void watches_close(struct watches *watches);
/* The watch of a log, made if there is none. */
struct watch *watches_get(struct watches *watches, uint64_t uid,
                          struct bytes name);
/* Its log; false: there is none of its uid and name. */
bool watch_finds_log(const struct watch *watch, const struct machine *machine,
                     struct log_stat *ret);
/* The machine says that this log changed; uid 0: any may have. */
void watches_changed(struct watches *watches, uint64_t uid);
/* Takes a changed one off the list; NULL when there is none. */
struct watch *watches_next_dirty(struct watches *watches);
void watch_touch(struct watches *watches, struct watch *watch);
/* Frees @watch when nobody follows or holds its log any more. */
void watch_drop_unused(struct watches *watches, struct watch *watch);
