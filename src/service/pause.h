/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* Long work goes on in a later turn of the loop: when the machine may be read
 * again, so that it ends by itself on a node that does not lead any more. */
#pragma once

#include "consensus/node.h"

struct pause;
/* @status: as of a node_read. */
typedef void (*pause_cb)(void *data, int status);

/* Returns 0 and *ret, or what node_read() returns. */
int pause_start(struct pause **ret, struct node *node, pause_cb cb, void *data);
/* @cb does not come any more. NULL is fine; after @cb the pause is gone. */
void pause_cancel(struct pause *pause);
