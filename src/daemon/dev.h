/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* `quorlogd dev`: one node in a temporary directory, for trying things out. */
#pragma once

/* @argv without the command word. Returns the exit status. */
int dev_main(int argc, char **argv);
