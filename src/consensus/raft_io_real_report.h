/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* What a start says about the raft log it found, for the operator. */
#pragma once

#include "consensus/raft_disk.h"

/* @writer: see disk_real_writer(). */
void raft_io_real_say(const struct raft_disk_report *report, const char *where,
                      const char *writer);
/* @why: see disk_real_fallback(). */
void raft_io_real_say_fallback(const char *why);
void raft_io_real_say_healed(void);
