/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "service/pause.h"

#include <stdlib.h>

#include "util/mem.h"

struct pause {
    struct node_read read;
    pause_cb cb; /* NULL: cancelled, freed when the node gives it back */
    void *data;
};

static void on_readable(struct node_read *read, int status)
{
    struct pause *pause = read->data;
    pause_cb cb = pause->cb;
    void *data = pause->data;

    free(pause);
    if (cb != NULL) {
        cb(data, status);
    }
}

int pause_start(struct pause **ret, struct node *node, pause_cb cb, void *data)
{
    struct pause *pause = mem_must_zalloc(sizeof(*pause));
    int rv;

    pause->cb = cb;
    pause->data = data;
    pause->read.data = pause;
    rv = node_read(node, &pause->read, on_readable);
    if (rv != 0) {
        free(pause);
        return rv;
    }
    *ret = pause;
    return 0;
}

void pause_cancel(struct pause *pause)
{
    if (pause != NULL) {
        pause->cb = NULL;
    }
}
