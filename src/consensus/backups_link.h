/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* The link under the parts of backups.h. */
#pragma once

#include "consensus/backups.h"

struct backup_fetch *backups_link_fetch(struct backups *backups,
                                        uint64_t rate_bytes);
struct backup_answers *backups_link_answers(struct backups *backups);
/* To all other members. What cannot be sent is lost: another follows. */
void backups_link_report(struct backups *backups,
                         const struct backup_report_item *items, size_t count);
