/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * Stages a backup: for each chunk of it that the state has already, live or to be
 * undone, a reference is proposed, for others their bytes, which this node reads
 * from its own copy of the backup. Nobody else needs one.
 */
#pragma once

#include "service/recovery_job.h"

/* Begins the job; @call is answered with the draft's id. 0, or a refusal with a
 * sentence. */
int recovery_stage_start(struct call *call, const struct backup_row *row,
                         struct err *err);
