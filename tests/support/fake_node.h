/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * A node without consensus and disk, for tests of the floors above it: it
 * implements consensus/node.h over a real machine, commits at once and answers
 * in the next turn of the loop. It starts as the leader. Tests move leadership,
 * hold answers back, and apply what other nodes would have replicated.
 */
#pragma once

#include "consensus/node.h"

/* What nodes started from now on seal by; NULL: as in production. */
extern const struct machine_limits *fake_node_limits;

/* Leadership goes to member @id (0: nobody leads). What was submitted and not
 * applied gets QL_OUTCOME_UNKNOWN, reads QL_NOT_LEADER. */
void fake_node_elect(struct node *node, uint64_t id);
/* While held, nothing is applied and no read is answered. */
void fake_node_hold(struct node *node, bool held);
/* While full, submits and reads are refused with QL_BUSY. */
void fake_node_fill(struct node *node, bool full);
/* What transfers come to: 0 or QL_TIMEOUT. */
void fake_node_transfer_status(struct node *node, int status);
/* What node_backups(), node_intakes() and node_backup_holders() give: the caller's.
 * NULL, NULL and nobody at first. @holders are of every backup. */
void fake_node_set_backups(struct node *node, struct backup_store *store,
                           struct backup_intakes *intakes);
void fake_node_set_holders(struct node *node,
                           const struct node_backup_holder *holders,
                           size_t count);
/* A command that reached this node by replication. Returns its outcome's code. */
int fake_node_apply(struct node *node, enum command_kind kind,
                    struct bytes params);
/* Commands that were submitted here, ever. */
size_t fake_node_submits(const struct node *node);
/* Nothing waits to be applied or answered. */
bool fake_node_idle(const struct node *node);
