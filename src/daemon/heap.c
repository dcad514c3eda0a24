/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * Chunks, packs and answers are blocks of 1 to 8 MiB that one thread makes and
 * another frees. Left to itself glibc gives each thread an arena of its own, which
 * keeps what was freed in it, and each large block that is freed raises the size
 * from which blocks go back to the system, to 32 MiB in the end. Then a node takes
 * two to three times the memory that it uses.
 */
#include "daemon/heap.h"

#include <malloc.h>

#define ARENAS 2
#define OWN_MAPPING_BYTES                                                      \
    (512 * 1024)                     /* of a block: then it goes back at once */
#define TRIM_BYTES (4 * 1024 * 1024) /* free at the end of an arena: likewise */

void heap_arrange(void)
{
    /* Each returns whether it was understood; if not, nothing is lost but room. */
    (void)mallopt(M_ARENA_MAX, ARENAS);
    (void)mallopt(M_MMAP_THRESHOLD, OWN_MAPPING_BYTES);
    (void)mallopt(M_TRIM_THRESHOLD, TRIM_BYTES);
}
