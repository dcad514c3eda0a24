/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* The link under the parts of backup_keeper.h. */
#pragma once

#include "consensus/backup_keeper.h"

struct backup_fetch *backup_keeper_link_fetch(struct backup_keeper *keeper,
                                              uint64_t rate_bytes);
struct backup_answers *backup_keeper_link_answers(struct backup_keeper *keeper);
/* To all other members. What cannot be sent is lost: another follows. */
void backup_keeper_link_report(struct backup_keeper *keeper,
                               const struct backup_report_item *items,
                               size_t count);
/* A bit for the place of each member that can be told something. */
uint32_t backup_keeper_link_connected(const struct backup_keeper *keeper);
