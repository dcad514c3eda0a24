/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* What the other members say that they have of the backups. Pure: time is told. */
#pragma once

#include "consensus/backup_frame.h"
#include "consensus/identity.h"

/* One member's word. */
struct backup_report {
    struct backup_report_item *items; /* by rising id; owned */
    size_t count;
    uint64_t heard_ms; /* monotonic; 0: never */
};

struct backup_reports {
    const struct identity *identity;         /* borrowed */
    struct backup_report peers[MEMBERS_MAX]; /* by place among the members */
};

void backup_reports_init(struct backup_reports *reports,
                         const struct identity *identity);
void backup_reports_close(struct backup_reports *reports);
/* A LINK_BACKUP_REPORT of @from. QL_PROTOCOL. */
int backup_reports_hear(struct backup_reports *reports, uint64_t from,
                        const uint8_t *bytes, size_t len, uint64_t now_ms);
/* Has @node said something lately? */
bool backup_reports_is_fresh(const struct backup_reports *reports,
                             uint64_t node, uint64_t now_ms);
/* What @node has of @backup, if it has said something lately: false otherwise. */
bool backup_reports_find(const struct backup_reports *reports, uint64_t node,
                         uint64_t backup, uint64_t now_ms,
                         struct backup_report_item *ret);
