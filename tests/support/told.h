/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* What a node told its callers, and calls that are made over and over. */
#pragma once

#include "support/seats.h"

/* What became of some submits, reads or a transfer: their data. */
struct told {
    size_t calls;
    size_t applied; /* with outcome code 0 */
    int last_status;
};

void told_on_submit(struct node_submit *submit, int status,
                    const struct outcome *outcome);
void told_on_read(struct node_read *read, int status);
void told_on_transfer(struct node_transfer *transfer, int status);

/* For seats_run_until(), with a struct told: was there a call? */
bool is_told(void *data);

struct expected {
    const struct told *told;
    size_t calls;
};
/* With a struct expected: were there so many? */
bool told_is_enough(void *data);

/* node_submit() of a creation of the log "log", and of one entry for it.
 * @bytes_kept 0: all. */
int told_submit_create(struct node *node, struct node_submit *submit,
                       uint64_t bytes_kept);
int told_submit_append(struct node *node, struct node_submit *submit,
                       size_t value_len);

/* The same until it is applied. Appends go one after the other, so that each is
 * a raft entry of its own. */
void seats_create(struct seats *seats, size_t place);
void seats_create_keeping(struct seats *seats, size_t place,
                          uint64_t bytes_kept);
void seats_append(struct seats *seats, size_t place, size_t count,
                  size_t value_len);
uint64_t seats_tail(const struct seats *seats, size_t place);
