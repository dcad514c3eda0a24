/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "consensus/backups.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "consensus/backups_link.h"
#include "machine/machine_parts.h"
#include "util/clock.h"
#include "util/diag.h"
#include "util/file.h"
#include "util/mem.h"

#define NEWS_MS 1000u /* between reports, when there is news */

static void on_backup(void *data, const struct backup_row *row);
static void on_changed(void *data);
static void on_timer(uv_timer_t *timer);
static void follow_table(struct backups *backups);
static void report(struct backups *backups);
static void say_problem(struct backups *backups);
static void on_dir_closed(void *data);
static enum backup_state own_state(const struct backups *backups,
                                   const struct backup_info *info);
static const struct backup_info *find_own(const struct backups *backups,
                                          uint64_t id);

int backups_open(struct backups *backups, const struct node_options *options,
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
                                     .data = backups};
    int rv;

    if (dir.path == NULL) {
        rv = path_join(path, sizeof path, options->dir, BACKUP_DIR_NAME, err);
        if (rv != 0) {
            return rv;
        }
        dir.path = path;
    }
    rv = backup_dir_open(&backups->dir, &dir, err);
    if (rv != 0) {
        return rv;
    }
    backups->machine = machine;
    backups->identity = options->identity;
    backups->table_changed = true;
    backup_reports_init(&backups->reports, options->identity);
    machine_on_backup(machine, on_backup, backups);
    return 0;
}

void backups_start(struct backups *backups, struct node *node,
                   struct core *core, const struct node_options *options)
{
    int rv = uv_timer_init(options->loop, &backups->timer);

    assert(rv == 0); /* Neither can fail (libuv's manual). */
    backups->core = core;
    backup_leader_init(&backups->leader, node, core, &backups->reports,
                       options);
    backups->fetch = backups_link_fetch(backups, options->fetch_bytes);
    backups->answers = backups_link_answers(backups);
    rv = uv_timer_start(&backups->timer, on_timer, BACKUP_LOOK_MS,
                        BACKUP_LOOK_MS);
    assert(rv == 0);
}

void backups_stop(struct backups *backups)
{
    if (backups->fetch == NULL) {
        return;
    }
    (void)uv_timer_stop(&backups->timer);
    backup_fetch_free(backups->fetch);
    backups->fetch = NULL;
    backup_answers_free(backups->answers);
    backups->answers = NULL;
    machine_on_backup(backups->machine, NULL, NULL);
}

void backups_close(struct backups *backups, void (*cb)(void *data), void *data)
{
    machine_on_backup(backups->machine, NULL, NULL);
    backup_reports_close(&backups->reports);
    backups->on_closed = cb;
    backups->on_closed_data = data;
    backup_dir_close(backups->dir, on_dir_closed, backups);
}

static void on_dir_closed(void *data)
{
    struct backups *backups = data;

    backups->dir = NULL;
    backups->on_closed(backups->on_closed_data);
}

struct backup_store *backups_store(const struct backups *backups)
{
    return backups->dir == NULL ? NULL : backup_dir_store(backups->dir);
}

struct backup_intakes *backups_intakes(const struct backups *backups)
{
    return backups->dir == NULL ? NULL : backup_dir_intakes(backups->dir);
}

struct disk *backups_disk(const struct backups *backups)
{
    return backups->dir == NULL ? NULL : backup_dir_disk(backups->dir);
}

/* ---- The table ---- */

/* Inside machine_apply(). */
static void on_backup(void *data, const struct backup_row *row)
{
    struct backups *backups = data;

    backup_store_begin(backups_store(backups), row,
                       machine_freeze_logs(backups->machine));
}

void backups_on_outcome(struct backups *backups, const struct outcome *outcome)
{
    switch (outcome->kind) {
    case COMMAND_BACKUP_CREATE:
    case COMMAND_BACKUP_DELETE:
    case COMMAND_BACKUP_ADD:
        backups->table_changed = true;
        return;
    default:
        return;
    }
}

void backups_on_restored(struct backups *backups)
{
    backups->table_changed = true;
}

void backups_on_applied(struct backups *backups)
{
    if (backups->table_changed) {
        follow_table(backups);
    }
}

static void follow_table(struct backups *backups)
{
    size_t count;
    const struct backup_row *rows = machine_backups(backups->machine, &count);

    backups->table_changed = false;
    backups->has_news = true;
    backup_store_set_table(backups_store(backups), rows, count);
}

/* ---- Time ---- */

static void on_changed(void *data)
{
    struct backups *backups = data;

    backups->has_news = true;
}

static void on_timer(uv_timer_t *timer)
{
    struct backups *backups = (struct backups *)(void *)timer;
    uint64_t now_ms = clock_monotonic_ms();

    backup_fetch_step(backups->fetch);
    backup_leader_step(&backups->leader, now_ms, clock_wall_ms());
    say_problem(backups);
    if (now_ms - backups->reported_ms >= BACKUP_REPORT_MS ||
        (backups->has_news && now_ms - backups->reported_ms >= NEWS_MS)) {
        backups->has_news = false;
        backups->reported_ms = now_ms;
        report(backups);
    }
}

static void report(struct backups *backups)
{
    struct backup_report_item *items;
    size_t count;
    size_t told = 0;
    const struct backup_info *infos =
        backup_store_infos(backups_store(backups), &count);

    items = mem_must_zalloc((count + 1) * sizeof *items);
    for (size_t i = 0; i < count && told < BACKUPS_MAX; i++) {
        if (infos[i].in_table) {
            items[told].backup = infos[i].row.id;
            items[told].verified_at_ms = infos[i].verified_at_ms;
            items[told].state = own_state(backups, &infos[i]);
            told++;
        }
    }
    backups_link_report(backups, items, told);
    free(items);
}

/* Once each, and once that it is over. */
static void say_problem(struct backups *backups)
{
    struct backup_store_status status;

    backup_store_get_status(backups_store(backups), &status);
    if (strncmp(status.problem, backups->said, sizeof backups->said - 1) == 0) {
        return;
    }
    if (status.problem[0] != '\0') {
        diag_warning("backups: %s; appends go on", status.problem);
    } else {
        diag_info("backups: the trouble is over");
    }
    backups->said[0] = '\0';
    strncat(backups->said, status.problem, sizeof backups->said - 1);
}

/* ---- What is known ---- */

static enum backup_state own_state(const struct backups *backups,
                                   const struct backup_info *info)
{
    if (backups->fetch != NULL && info->state != BACKUP_VERIFIED &&
        backup_fetch_current(backups->fetch) == info->row.id) {
        return BACKUP_FETCHING;
    }
    return info->state;
}

static const struct backup_info *find_own(const struct backups *backups,
                                          uint64_t id)
{
    size_t count;
    const struct backup_info *infos =
        backup_store_infos(backups_store(backups), &count);

    for (size_t i = 0; i < count; i++) {
        if (infos[i].in_table && infos[i].row.id == id) {
            return &infos[i];
        }
    }
    return NULL;
}

size_t backups_holders(const struct backups *backups, uint64_t id,
                       struct node_backup_holder ret[MEMBERS_MAX])
{
    const struct identity *identity = backups->identity;
    const struct backup_info *own;
    struct backup_report_item item;
    size_t count = 0;

    if (backups->dir == NULL) {
        return 0;
    }
    own = find_own(backups, id);
    for (size_t i = 0; i < identity->members_count; i++) {
        uint64_t node = identity->members[i].id;

        if (node == identity->node && own != NULL) {
            ret[count++] = (struct node_backup_holder){
                node, own_state(backups, own), own->verified_at_ms};
        } else if (backup_reports_find(&backups->reports, node, id,
                                       clock_monotonic_ms(), &item)) {
            ret[count++] = (struct node_backup_holder){node, item.state,
                                                       item.verified_at_ms};
        }
    }
    return count;
}

void backups_fill(const struct backups *backups,
                  struct node_backups_status *ret)
{
    struct backup_store_status status;
    uint64_t fetched = 0;
    uint64_t failed = 0;

    *ret = (struct node_backups_status){.problem = ""};
    if (backups->dir == NULL) {
        return;
    }
    if (backups->fetch != NULL) {
        backup_fetch_counts(backups->fetch, &fetched, &failed);
    }
    backup_store_get_status(backups_store(backups), &status);
    ret->last_success_ms = status.last_success_ms;
    ret->last_verified_ms = status.last_verified_ms;
    ret->failures = status.failures + failed;
    ret->saved = status.saved;
    ret->problem = status.problem;
}

/* ---- Peers ---- */

int backups_on_frame(struct backups *backups, uint64_t from,
                     enum link_frame type, const uint8_t *bytes, size_t len)
{
    if (backups->fetch == NULL) {
        return 0;
    }
    switch (type) {
    case LINK_BACKUP_REPORT:
        return backup_reports_hear(&backups->reports, from, bytes, len,
                                   clock_monotonic_ms());
    case LINK_BACKUP_REQUEST:
        return backup_answers_on_frame(backups->answers, from, bytes, len);
    default:
        assert(type == LINK_BACKUP_PIECE);
        return backup_fetch_on_frame(backups->fetch, from, bytes, len);
    }
}
