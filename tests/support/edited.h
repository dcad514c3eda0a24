/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* Fills the draft of a driven machine record by record, and edits what is
 * staged. */
#pragma once

#include "machine/machine_parts.h"
#include "support/dice.h"
#include "support/driver.h"

/* There must be one. */
struct machine_part_info edited_draft(const struct driver *driver);
/* One record with the next number; each returns the outcome's code. */
int edited_load(struct driver *driver, struct buf *record); /* closes it */
int edited_log(struct driver *driver, const struct load_log *row);
int edited_ref(struct driver *driver, const struct chunk *chunk);
/* The bytes of @chunk from @from on, without the last @less ones. */
int edited_bytes(struct driver *driver, const struct chunk *chunk, size_t from,
                 size_t less);
int edited_done(struct driver *driver, const uint8_t *digest);
int edited_drop(struct driver *driver, uint64_t uid);
int edited_end(struct driver *driver, uint64_t deleted);
/* A log of the staged state, if there is one, loses its last chunks, or goes;
 * sometimes the edit is left in its middle. */
void edited_commands(struct driver *driver, struct dice dice);
