/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "service/watch.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "machine/must.h"
#include "quorlog.h"
#include "util/mem.h"
#include "util/random.h"

void watches_init(struct watches *watches)
{
    watches->by_uid = map_new(random_u64());
    if (watches->by_uid == NULL) {
        must_have_memory(QL_NO_MEMORY);
    }
    list_init(&watches->dirty);
}

void watches_close(struct watches *watches)
{
    assert(map_count(watches->by_uid) == 0);
    map_free(watches->by_uid);
    watches->by_uid = NULL;
}

struct watch *watches_get(struct watches *watches, uint64_t uid,
                          struct bytes name)
{
    struct watch *watch = map_get_u64(watches->by_uid, uid);

    if (watch != NULL) {
        return watch;
    }
    assert(name.len <= sizeof(watch->name));
    watch = mem_must_zalloc(sizeof(*watch));
    list_init(&watch->dirty);
    list_init(&watch->follows);
    list_init(&watch->holds);
    watch->uid = uid;
    watch->name_len = name.len;
    memcpy(watch->name, name.data, name.len);
    must_have_memory(map_set_u64(watches->by_uid, uid, watch, NULL));
    return watch;
}

bool watch_finds_log(const struct watch *watch, const struct machine *machine,
                     struct log_stat *ret)
{
    return machine_log_stat_uid(machine, watch->uid, ret) == 0 &&
           ret->name.len == watch->name_len &&
           memcmp(ret->name.data, watch->name, watch->name_len) == 0;
}

void watches_changed(struct watches *watches, uint64_t uid)
{
    struct map_item item;
    struct watch *watch;
    size_t iterator = 0;

    if (uid != 0) {
        watch = map_get_u64(watches->by_uid, uid);
        if (watch != NULL) {
            watch_touch(watches, watch);
        }
        return;
    }
    while (map_next(watches->by_uid, &iterator, &item)) {
        watch_touch(watches, item.value);
    }
}

struct watch *watches_next_dirty(struct watches *watches)
{
    struct watch *watch;

    if (list_empty(&watches->dirty)) {
        return NULL;
    }
    watch = LIST_ITEM(watches->dirty.next, struct watch, dirty);
    list_remove(&watch->dirty);
    return watch;
}

void watch_touch(struct watches *watches, struct watch *watch)
{
    if (list_empty(&watch->dirty)) {
        list_push_back(&watches->dirty, &watch->dirty);
    }
}

void watch_drop_unused(struct watches *watches, struct watch *watch)
{
    if (!list_empty(&watch->follows) || !list_empty(&watch->holds)) {
        return;
    }
    list_remove(&watch->dirty);
    map_remove_u64(watches->by_uid, watch->uid);
    free(watch);
}
