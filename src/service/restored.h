/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * Logs that were replaced by those of a backup: what somebody who knows the log
 * before may keep of it. Told from the undo slot, which has the logs that the last
 * recovery replaced.
 */
#pragma once

#include "machine/machine.h"

/* The first position from which on the log of @stat may differ from what a log of
 * that name was in @incarnation: what is before it is the same for certain. 1
 * when nothing is known of that incarnation any more. */
uint64_t restored_from(const struct machine *machine,
                       const struct log_stat *stat, uint64_t incarnation);
/* 0 when a reader that knows @incarnation (0: none) may go on reading the log of
 * @stat. Else QL_RESTORED, with that position. */
int restored_check(const struct machine *machine, const struct log_stat *stat,
                   uint64_t incarnation, struct err *err);
