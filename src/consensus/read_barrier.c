/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "consensus/read_barrier.h"

#include <assert.h>

void read_barrier_init(struct read_barrier *barrier)
{
    list_init(&barrier->waiting);
    barrier->count = 0;
}

int read_barrier_add(struct read_barrier *barrier, struct node_read *read,
                     node_read_cb cb)
{
    if (barrier->count >= READS_WAITING_MAX) {
        return QL_BUSY;
    }
    read->cb = cb;
    list_push_back(&barrier->waiting, &read->link);
    barrier->count++;
    return 0;
}

void read_barrier_attach(struct read_barrier *barrier, struct list *reads)
{
    list_move_all(reads, &barrier->waiting);
}

void read_barrier_finish(struct read_barrier *barrier, struct list *reads,
                         int status)
{
    struct list due;

    /* A callback may add a new read, which is none of these. */
    list_init(&due);
    list_move_all(&due, reads);
    while (!list_empty(&due)) {
        struct node_read *read = LIST_ITEM(due.next, struct node_read, link);

        assert(barrier->count > 0);
        barrier->count--;
        list_remove(&read->link);
        read->cb(read, status);
    }
}
