/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * Takes entries out of the staged state: looks once through the logs that can have
 * such. In front of the first that goes a log keeps its chunks; the rest is written
 * anew, because the chain is another from there on. A log that loses all its
 * entries stays, with its tail.
 */
#pragma once

#include "service/recovery_job.h"
#include "wire/args_scan.h"

/* Begins the job; @call is answered when the draft has begun. 0, or a refusal with
 * a sentence. */
int recovery_edit_start(struct call *call,
                        const struct recovery_delete_args *args,
                        struct err *err);
