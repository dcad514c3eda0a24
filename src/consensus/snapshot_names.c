/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "consensus/snapshot_names.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NAME_PREFIX "snapshot-"
#define NAME_DIGITS 16u

static void on_name(void *data, const char *name);
static int compare_index(const void *left, const void *right);

int snapshot_names_list(struct disk *disk, struct snapshot_names *ret,
                        struct err *err)
{
    struct snapshot_names names = {0};
    int rv;

    rv = disk->ops->list(disk, on_name, &names, err);
    if (rv == 0 && names.no_memory) {
        rv = err_set(err, QL_NO_MEMORY, "list snapshots: out of memory");
    }
    if (rv != 0) {
        free(names.items);
        return rv;
    }
    if (names.count > 0) {
        qsort(names.items, names.count, sizeof(*names.items), compare_index);
    }
    *ret = names;
    return 0;
}

static void on_name(void *data, const char *name)
{
    struct snapshot_names *names = data;
    char canonical[DISK_NAME_MAX];
    raft_index index;
    raft_index *items;

    if (strncmp(name, NAME_PREFIX, strlen(NAME_PREFIX)) != 0 ||
        strlen(name) != strlen(NAME_PREFIX) + NAME_DIGITS) {
        return;
    }
    index = strtoull(name + strlen(NAME_PREFIX), NULL, 16);
    snapshot_name(index, canonical);
    if (strcmp(name, canonical) != 0) {
        return;
    }
    if (names->count == names->room) {
        names->room = names->room == 0 ? 8 : names->room * 2;
        items = realloc(names->items, names->room * sizeof(*items));
        if (items == NULL) {
            names->no_memory = true;
            names->room = names->count;
            return;
        }
        names->items = items;
    }
    names->items[names->count++] = index;
}

static int compare_index(const void *left, const void *right)
{
    const raft_index *a = left;
    const raft_index *b = right;

    return *a < *b ? -1 : *a > *b;
}

void snapshot_name(raft_index index, char ret_name[DISK_NAME_MAX])
{
    (void)snprintf(ret_name, DISK_NAME_MAX, NAME_PREFIX "%016" PRIx64,
                   (uint64_t)index);
}
