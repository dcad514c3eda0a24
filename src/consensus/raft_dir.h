/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* Makes the raft log of a new node: DIR/raft with one configuration in it. */
#pragma once

#include "consensus/identity.h"

/* All members of @identity become voters. An existing DIR/raft is the rest of
 * an interrupted init, by the caller's word, and is removed first. */
int raft_dir_make(const struct identity *identity, const char *dir,
                  struct err *err);
