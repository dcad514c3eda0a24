/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* The command line of a program that measures a cluster, and the directory that
 * it works in. */
#pragma once

#include "scale.h"

typedef void scale_run_fn(struct scale *scale);

/* Takes options into @scale, which has what holds without them, makes a directory
 * below options.dir, calls @run in a process of its own with that as options.dir,
 * and removes it. The exit code. Without a number of bytes there and in the
 * options it takes 10 GiB where the disk has room for that three times, 2 GiB
 * elsewhere. */
int scale_main(struct scale *scale, scale_run_fn *run, int argc, char **argv);
