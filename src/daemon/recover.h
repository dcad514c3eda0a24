/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* `quorlogd recover`: a new cluster out of what is left of one that has lost its
 * quorum, or of a backup. */
#pragma once

/* @argv without the command word. Returns the exit status: 0 done, 1 failed,
 * 2 usage, 7 planned, and something is lost or may be. */
int recover_main(int argc, char **argv);
