/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* How the C library keeps memory for the daemon. */
#pragma once

/* Before the first thread. */
void heap_arrange(void);
