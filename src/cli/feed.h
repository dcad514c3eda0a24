/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* Appends what comes in by lines, several appends at once, and keeps account of
 * every line. */
#pragma once

#include <stdint.h>

#include "cli/command.h"
#include "util/err.h"

#define FEED_BATCH_ENTRIES 512u   /* default of --batch-entries */
#define FEED_BATCH_BYTES 131072u  /* default of --batch-bytes */
#define FEED_BATCHES_IN_FLIGHT 16 /* appends not answered yet */

/* Reads @fd to its end, or until something fails or a signal asks to stop; then
 * waits for the appends in flight and shows what was acknowledged. The options
 * of log append and run->client must be there. Any failure's text says what
 * became of which lines. */
int feed_lines(struct command_run *run, int fd, struct err *err);
