/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "consensus/backup_reports.h"

#include <stdlib.h>

#include "util/mem.h"

static const struct backup_report *report_of(
    const struct backup_reports *reports, uint64_t node);

void backup_reports_init(struct backup_reports *reports,
                         const struct identity *identity)
{
    *reports = (struct backup_reports){.identity = identity};
}

void backup_reports_close(struct backup_reports *reports)
{
    for (size_t i = 0; i < MEMBERS_MAX; i++) {
        free(reports->peers[i].items);
        reports->peers[i] = (struct backup_report){0};
    }
}

int backup_reports_hear(struct backup_reports *reports, uint64_t from,
                        const uint8_t *bytes, size_t len, uint64_t now_ms)
{
    struct backup_report *report =
        (struct backup_report *)report_of(reports, from);
    size_t count;
    int rv = backup_report_decode(bytes, len, &count);

    if (rv != 0 || report == NULL) {
        return rv;
    }
    free(report->items);
    report->items = NULL;
    report->count = count;
    report->heard_ms = now_ms;
    if (count > 0) {
        report->items = mem_must_alloc(count * sizeof report->items[0]);
    }
    for (size_t i = 0; i < count; i++) {
        report->items[i] = backup_report_at(bytes, i);
    }
    return 0;
}

bool backup_reports_is_fresh(const struct backup_reports *reports,
                             uint64_t node, uint64_t now_ms)
{
    const struct backup_report *report = report_of(reports, node);

    return report != NULL && report->heard_ms != 0 &&
           now_ms - report->heard_ms < BACKUP_REPORT_AGE_MS;
}

static int compare(const void *key, const void *item)
{
    uint64_t id = *(const uint64_t *)key;
    uint64_t other = ((const struct backup_report_item *)item)->backup;

    return id < other ? -1 : id > other;
}

bool backup_reports_find(const struct backup_reports *reports, uint64_t node,
                         uint64_t backup, uint64_t now_ms,
                         struct backup_report_item *ret)
{
    const struct backup_report *report = report_of(reports, node);
    const struct backup_report_item *item = NULL;

    if (!backup_reports_is_fresh(reports, node, now_ms)) {
        return false;
    }
    if (report->count > 0) {
        item = bsearch(&backup, report->items, report->count, sizeof *item,
                       compare);
    }
    if (item == NULL) {
        *ret = (struct backup_report_item){.backup = backup,
                                           .state = BACKUP_MISSING};
    } else {
        *ret = *item;
    }
    return true;
}

/* NULL: no other member. */
static const struct backup_report *report_of(
    const struct backup_reports *reports, uint64_t node)
{
    const struct identity *identity = reports->identity;

    for (size_t i = 0; i < identity->members_count; i++) {
        if (identity->members[i].id == node && node != identity->node) {
            return &reports->peers[i];
        }
    }
    return NULL;
}
