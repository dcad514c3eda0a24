/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* What the machine gives without us, measured in the same run. MiB/s. */
#pragma once

/* One file written from start to end, synced each 4 MiB. */
double scale_floor_disk(const char *dir);
/* One connection on loopback, a process at each end. */
double scale_floor_loopback(void);
/* Per second of one core, of entries as the benchmark appends them. */
double scale_floor_copy(void);
double scale_floor_decompress(double *ret_ratio);
