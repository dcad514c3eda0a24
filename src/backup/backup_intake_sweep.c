/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * Files of streams that were begun by an earlier process and that nobody goes on
 * with: they go when this one has waited as long as for one of its own. While they
 * are looked for nobody can begin.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "backup/backup_intake_internal.h"
#include "util/mem.h"

struct sweeping {
    const struct intake_sweep *sweep;
    char (*names)[DISK_NAME_MAX];
    size_t count;
    size_t room;
};

static int run(struct disk_work *work);
static void on_name(void *data, const char *name);
static bool is_kept(const struct intake_sweep *sweep, const char *name);
static void on_done(struct disk_work *work, int status);

void intake_sweep_tick(struct backup_intakes *intakes)
{
    struct intake_sweep *sweep = &intakes->sweep;
    struct disk *disk = intakes->options.disk;

    if (sweep->due_ms == 0) {
        sweep->due_ms = intakes->now_ms + INTAKE_IDLE_MS;
    }
    if (sweep->busy || intakes->stopped || intakes->now_ms < sweep->due_ms) {
        return;
    }
    sweep->due_ms = intakes->now_ms + INTAKE_IDLE_MS;
    sweep->kept = 0;
    for (const struct list *at = intakes->items.next; at != &intakes->items;
         at = at->next) {
        (void)snprintf(sweep->keep[sweep->kept++], DISK_NAME_MAX, "%s",
                       LIST_ITEM(at, struct backup_intake, link)->name);
    }
    sweep->disk = disk;
    sweep->work = (struct disk_work){.run = run, .cb = on_done, .data = sweep};
    sweep->busy = disk->ops->work(disk, &sweep->work) == 0;
}

/* Off the loop. What cannot be removed now is looked for again. */
static int run(struct disk_work *work)
{
    struct intake_sweep *sweep = work->data;
    struct sweeping sweeping = {.sweep = sweep};
    int rv = sweep->disk->ops->list(sweep->disk, on_name, &sweeping, NULL);

    for (size_t i = 0; i < sweeping.count; i++) {
        (void)sweep->disk->ops->remove(sweep->disk, sweeping.names[i], NULL);
    }
    free(sweeping.names);
    return rv;
}

static void on_name(void *data, const char *name)
{
    struct sweeping *sweeping = data;
    size_t len = strlen(name);
    size_t prefix = strlen(INTAKE_FILE_PREFIX);
    size_t suffix = strlen(INTAKE_FILE_SUFFIX);

    if (len >= DISK_NAME_MAX || len <= prefix + suffix ||
        memcmp(name, INTAKE_FILE_PREFIX, prefix) != 0 ||
        strcmp(name + len - suffix, INTAKE_FILE_SUFFIX) != 0 ||
        is_kept(sweeping->sweep, name)) {
        return;
    }
    if (sweeping->count == sweeping->room) {
        sweeping->room = sweeping->room == 0 ? 16 : sweeping->room * 2;
        sweeping->names = mem_must_resize(
            sweeping->names, sweeping->room * sizeof(*sweeping->names));
    }
    memcpy(sweeping->names[sweeping->count++], name, len + 1);
}

static bool is_kept(const struct intake_sweep *sweep, const char *name)
{
    for (size_t i = 0; i < sweep->kept; i++) {
        if (strcmp(sweep->keep[i], name) == 0) {
            return true;
        }
    }
    return false;
}

static void on_done(struct disk_work *work, int status)
{
    struct intake_sweep *sweep = work->data;

    (void)status;
    sweep->busy = false;
}
