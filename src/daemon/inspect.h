/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* `quorlogd inspect`: what is in the directory of a node that does not run. */
#pragma once

/* @argv without the command word. Returns the exit status: 0 all is well, 1 it
 * could not be read, 2 usage, 7 something is damaged. */
int inspect_main(int argc, char **argv);
