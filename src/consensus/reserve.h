/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * The reserve: a file full of zeros that keeps some of the disk free for the
 * moment in which nothing else is left. It is given up so that one more segment or
 * one more snapshot fits, which is what lets the node drop what it does not need
 * any more, and made again when there is room.
 *
 * Blocking, over struct disk: for the start, and for works of the disk, which run
 * one after the other.
 */
#pragma once

#include <stdbool.h>

#include "store/disk.h"

#define RESERVE_NAME "reserve"
#define RESERVE_NEW_NAME "reserve.new" /* until it is whole */

struct reserve_look {
    uint64_t free_bytes; /* with the reserve as it is now */
    uint64_t total_bytes;
    bool missing; /* it ought to be there, and is not */
};
/* Looks at the disk. Makes a reserve of @bytes when it is missing and @needs bytes
 * are free; with 0 none is wanted, and one that is there goes. A reserve that
 * cannot be made for want of space is no error, only missing. */
int reserve_look(struct disk *disk, uint64_t bytes, uint64_t needs,
                 struct reserve_look *ret, struct err *err);
/* Gives it up. QL_NOT_FOUND: there is none. */
int reserve_give(struct disk *disk, struct err *err);
