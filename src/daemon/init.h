/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* `quorlogd init`: makes a directory a node's, once. */
#pragma once

/* @argv without the command word. Returns the exit status. */
int init_main(int argc, char **argv);
