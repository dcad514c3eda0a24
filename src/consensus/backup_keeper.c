/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "consensus/backup_keeper.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "consensus/backup_keeper_link.h"
#include "machine/machine_parts.h"
#include "util/clock.h"
#include "util/file.h"
#include "util/mem.h"

#define NEWS_MS 1000u /* between reports, when there is news */

static void on_backup(void *data, const struct backup_row *row);
static void on_changed(void *data);
static void on_timer(uv_timer_t *timer);
static void follow_table(struct backup_keeper *keeper);
static void look_at_peers(struct backup_keeper *keeper);
static void report(struct backup_keeper *keeper);
static void on_dir_closed(void *data);
static enum backup_state own_state(const struct backup_keeper *keeper,
                                   const struct backup_info *info);
static const struct backup_info *find_own(const struct backup_keeper *keeper,
                                          uint64_t id);

int backup_keeper_open(struct backup_keeper *keeper,
                       const struct node_options *options,
                       struct machine *machine, struct chunk_store *chunks,
                       struct err *err)
{
    char path[PATH_LEN_MAX];
    struct backup_dir_options dir = {.loop = options->loop,
                                     .path = options->backup_dir,
                                     .identity = options->identity,
                                     .chunks = chunks,
                                     .scrub_bytes = options->scrub_bytes,
                                     .on_changed = on_changed,
                                     .data = keeper};
    int rv;

    if (dir.path == NULL) {
        rv = path_join(path, sizeof path, options->dir, BACKUP_DIR_NAME, err);
        if (rv != 0) {
            return rv;
        }
        dir.path = path;
    }
    rv = backup_dir_open(&keeper->dir, &dir, err);
    if (rv != 0) {
        return rv;
    }
    keeper->machine = machine;
    keeper->identity = options->identity;
    keeper->table_changed = true;
    backup_reports_init(&keeper->reports, options->identity);
    machine_on_backup(machine, on_backup, keeper);
    return 0;
}

void backup_keeper_start(struct backup_keeper *keeper, struct node *node,
                         struct core *core, const struct node_options *options)
{
    int rv = uv_timer_init(options->loop, &keeper->timer);

    assert(rv == 0); /* Neither can fail (libuv's manual). */
    keeper->core = core;
    backup_leader_init(&keeper->leader, node, core, &keeper->reports, options);
    keeper->fetch = backup_keeper_link_fetch(keeper, options->fetch_bytes);
    keeper->answers = backup_keeper_link_answers(keeper);
    rv = uv_timer_start(&keeper->timer, on_timer, BACKUP_LOOK_MS,
                        BACKUP_LOOK_MS);
    assert(rv == 0);
}

void backup_keeper_stop(struct backup_keeper *keeper)
{
    if (keeper->fetch == NULL) {
        return;
    }
    (void)uv_timer_stop(&keeper->timer);
    backup_fetch_free(keeper->fetch);
    keeper->fetch = NULL;
    backup_answers_free(keeper->answers);
    keeper->answers = NULL;
    machine_on_backup(keeper->machine, NULL, NULL);
}

void backup_keeper_close(struct backup_keeper *keeper, void (*cb)(void *data),
                         void *data)
{
    machine_on_backup(keeper->machine, NULL, NULL);
    backup_reports_close(&keeper->reports);
    keeper->on_closed = cb;
    keeper->on_closed_data = data;
    backup_dir_close(keeper->dir, on_dir_closed, keeper);
}

static void on_dir_closed(void *data)
{
    struct backup_keeper *keeper = data;

    keeper->dir = NULL;
    keeper->on_closed(keeper->on_closed_data);
}

struct backup_store *backup_keeper_store(const struct backup_keeper *keeper)
{
    return keeper->dir == NULL ? NULL : backup_dir_store(keeper->dir);
}

struct backup_intakes *backup_keeper_intakes(const struct backup_keeper *keeper)
{
    return keeper->dir == NULL ? NULL : backup_dir_intakes(keeper->dir);
}

struct disk *backup_keeper_disk(const struct backup_keeper *keeper)
{
    return keeper->dir == NULL ? NULL : backup_dir_disk(keeper->dir);
}

/* ---- The table ---- */

/* Inside machine_apply(). */
static void on_backup(void *data, const struct backup_row *row)
{
    struct backup_keeper *keeper = data;

    backup_store_begin(backup_keeper_store(keeper), row,
                       machine_freeze_logs(keeper->machine));
}

void backup_keeper_on_outcome(struct backup_keeper *keeper,
                              const struct outcome *outcome)
{
    switch (outcome->kind) {
    case COMMAND_BACKUP_CREATE:
    case COMMAND_BACKUP_DELETE:
    case COMMAND_BACKUP_ADD:
        keeper->table_changed = true;
        return;
    default:
        return;
    }
}

void backup_keeper_on_restored(struct backup_keeper *keeper)
{
    keeper->table_changed = true;
}

void backup_keeper_on_applied(struct backup_keeper *keeper)
{
    if (keeper->table_changed) {
        follow_table(keeper);
    }
}

void backup_keeper_on_low(struct backup_keeper *keeper)
{
    if (keeper->dir == NULL) {
        return;
    }
    /* What came from others can come again. */
    if (backup_intakes_relieve(backup_keeper_intakes(keeper))) {
        backup_store_try_again(backup_keeper_store(keeper));
    } else {
        backup_store_relieve(backup_keeper_store(keeper));
    }
}

static void follow_table(struct backup_keeper *keeper)
{
    size_t count;
    const struct backup_row *rows = machine_backups(keeper->machine, &count);

    keeper->table_changed = false;
    keeper->has_news = true;
    backup_store_set_table(backup_keeper_store(keeper), rows, count,
                           machine_backups_last(keeper->machine));
}

/* ---- Time ---- */

static void on_changed(void *data)
{
    struct backup_keeper *keeper = data;

    keeper->has_news = true;
}

static void on_timer(uv_timer_t *timer)
{
    struct backup_keeper *keeper = (struct backup_keeper *)(void *)timer;
    uint64_t now_ms = clock_monotonic_ms();

    backup_fetch_step(keeper->fetch);
    backup_leader_step(&keeper->leader, now_ms, clock_wall_ms());
    look_at_peers(keeper);
    if (now_ms - keeper->reported_ms >= BACKUP_REPORT_MS ||
        (keeper->has_news && now_ms - keeper->reported_ms >= NEWS_MS)) {
        keeper->has_news = false;
        keeper->reported_ms = now_ms;
        report(keeper);
    }
}

/* Who has just come knows nothing of what was told before. */
static void look_at_peers(struct backup_keeper *keeper)
{
    uint32_t connected = backup_keeper_link_connected(keeper);

    if ((connected & ~keeper->connected) != 0) {
        keeper->has_news = true;
    }
    keeper->connected = connected;
}

static void report(struct backup_keeper *keeper)
{
    struct backup_report_item *items;
    size_t count;
    size_t told = 0;
    const struct backup_info *infos =
        backup_store_infos(backup_keeper_store(keeper), &count);

    items = mem_must_zalloc((count + 1) * sizeof *items);
    for (size_t i = 0; i < count && told < BACKUPS_MAX; i++) {
        if (infos[i].in_table) {
            items[told].backup = infos[i].row.id;
            items[told].verified_at_ms = infos[i].verified_at_ms;
            items[told].state = own_state(keeper, &infos[i]);
            told++;
        }
    }
    backup_keeper_link_report(keeper, items, told);
    free(items);
}

/* ---- What is known ---- */

static enum backup_state own_state(const struct backup_keeper *keeper,
                                   const struct backup_info *info)
{
    if (keeper->fetch != NULL && info->state != BACKUP_VERIFIED &&
        backup_fetch_current(keeper->fetch) == info->row.id) {
        return BACKUP_FETCHING;
    }
    return info->state;
}

static const struct backup_info *find_own(const struct backup_keeper *keeper,
                                          uint64_t id)
{
    size_t count;
    const struct backup_info *infos =
        backup_store_infos(backup_keeper_store(keeper), &count);

    for (size_t i = 0; i < count; i++) {
        if (infos[i].in_table && infos[i].row.id == id) {
            return &infos[i];
        }
    }
    return NULL;
}

size_t backup_keeper_holders(const struct backup_keeper *keeper, uint64_t id,
                             struct node_backup_holder ret[MEMBERS_MAX])
{
    const struct identity *identity = keeper->identity;
    const struct backup_info *own;
    struct backup_report_item item;
    size_t count = 0;

    if (keeper->dir == NULL) {
        return 0;
    }
    own = find_own(keeper, id);
    for (size_t i = 0; i < identity->members_count; i++) {
        uint64_t node = identity->members[i].id;

        if (node == identity->node && own != NULL) {
            ret[count++] = (struct node_backup_holder){
                node, own_state(keeper, own), own->verified_at_ms};
        } else if (backup_reports_find(&keeper->reports, node, id,
                                       clock_monotonic_ms(), &item)) {
            ret[count++] = (struct node_backup_holder){node, item.state,
                                                       item.verified_at_ms};
        }
    }
    return count;
}

void backup_keeper_fill(const struct backup_keeper *keeper,
                        struct node_backups_status *ret)
{
    struct backup_store_status status;
    uint64_t fetched = 0;
    uint64_t failed = 0;

    *ret = (struct node_backups_status){.problem = ""};
    if (keeper->dir == NULL) {
        return;
    }
    if (keeper->fetch != NULL) {
        backup_fetch_counts(keeper->fetch, &fetched, &failed);
    }
    backup_store_get_status(backup_keeper_store(keeper), &status);
    ret->last_success_ms = status.last_success_ms;
    ret->last_verified_ms = status.last_verified_ms;
    ret->failures = status.failures + failed;
    ret->saved = status.saved;
    ret->problem = status.problem;
}

/* ---- Peers ---- */

int backup_keeper_on_frame(struct backup_keeper *keeper, uint64_t from,
                           enum link_frame type, const uint8_t *bytes,
                           size_t len)
{
    if (keeper->fetch == NULL) {
        return 0;
    }
    switch (type) {
    case LINK_BACKUP_REPORT:
        return backup_reports_hear(&keeper->reports, from, bytes, len,
                                   clock_monotonic_ms());
    case LINK_BACKUP_REQUEST:
        return backup_answers_on_frame(keeper->answers, from, bytes, len);
    default:
        assert(type == LINK_BACKUP_PIECE);
        return backup_fetch_on_frame(keeper->fetch, from, bytes, len);
    }
}
