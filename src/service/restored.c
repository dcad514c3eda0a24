/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "service/restored.h"

#include <string.h>

#include "machine/machine_parts.h"

static uint64_t last_same(const struct machine *machine, uint64_t uid_now,
                          uint64_t uid_before);
static bool ends_alike(const struct chunk *a, const struct chunk *b);

uint64_t restored_from(const struct machine *machine,
                       const struct log_stat *stat, uint64_t incarnation)
{
    struct log_stat before;

    if (machine_part_stat(machine, MACHINE_UNDO, stat->name, &before) != 0 ||
        before.incarnation != incarnation) {
        return 1;
    }
    return last_same(machine, stat->uid, before.uid) + 1;
}

int restored_check(const struct machine *machine, const struct log_stat *stat,
                   uint64_t incarnation, struct err *err)
{
    if (incarnation == 0 || incarnation == stat->incarnation) {
        return 0;
    }
    if (incarnation > stat->incarnation) {
        return err_set(err, QL_BUSY,
                       "this node has not applied yet what made incarnation "
                       "%llu of the log",
                       (unsigned long long)incarnation);
    }
    (void)err_set(err, QL_RESTORED,
                  "the log was replaced by that of a backup and is incarnation "
                  "%llu now, not %llu",
                  (unsigned long long)stat->incarnation,
                  (unsigned long long)incarnation);
    err->position = restored_from(machine, stat, incarnation);
    return QL_RESTORED;
}

/* The last position at which a chunk of both ends with the same chain, so that all
 * before it is the same; 0: there is none. Both lists are in order, and chains that
 * have parted do not meet again, so the last pair that is found will do. */
static uint64_t last_same(const struct machine *machine, uint64_t uid_now,
                          uint64_t uid_before)
{
    size_t now_count;
    size_t before_count;
    struct chunk *const *now =
        machine_part_chunks(machine, MACHINE_LIVE, uid_now, &now_count);
    struct chunk *const *before =
        machine_part_chunks(machine, MACHINE_UNDO, uid_before, &before_count);

    while (now_count > 0 && before_count > 0) {
        const struct chunk *a = now[now_count - 1];
        const struct chunk *b = before[before_count - 1];

        if (ends_alike(a, b)) {
            return a->name.last;
        }
        if (a->name.last >= b->name.last) {
            now_count--;
        }
        if (b->name.last >= a->name.last) {
            before_count--;
        }
    }
    return 0;
}

static bool ends_alike(const struct chunk *a, const struct chunk *b)
{
    return a->name.last == b->name.last &&
           memcmp(a->name.chain, b->name.chain, sizeof(a->name.chain)) == 0;
}
