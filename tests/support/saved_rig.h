/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* Driven machines of which a backup was taken, for tests of what becomes of one,
 * and looks into their parts. */
#pragma once

#include "support/driver.h"
#include "support/saved.h"

/* Four entries of 1000 bytes seal a chunk, and it is merged no more. */
#define RIG_ENTRY_BYTES 1000u
#define RIG_CHUNK_ENTRIES 4u
extern const struct machine_limits saved_rig_limits;

struct saved_rig {
    struct driver driver;
    struct saved saved; /* called "before" */
};

/* When the backup was taken there were
 *     a  uid 1, two sealed chunks and an open one: positions 3 to 10
 *     b  uid 2, held by a writer, empty
 *     c  uid 3, one entry
 * and since then a has three entries more, c was deleted and made anew, d is new,
 * b has another writer. */
int saved_rig_setup_changed(void **state);
/* Logs a, b and c of uids 1 to 3: three, one and no sealed chunks, and c has an
 * open one. */
int saved_rig_setup_same(void **state);
int saved_rig_teardown(void **state);

struct machine_part_info rig_part(const struct driver *driver,
                                  enum machine_part part);
/* Entries of @log in @part have these values, NULL behind the last, and there are
 * no others. */
void rig_expect_texts(const struct machine *machine, enum machine_part part,
                      const char *log, const char *const *texts);
/* Of the backup. */
struct load_log rig_log_row(const struct saved_rig *rig, uint64_t uid);
struct chunk *rig_chunk_at(const struct saved_rig *rig, uint64_t uid,
                           size_t index);
/* @rv is a refusal, and the state, with @before its digest, did not change. */
void rig_expect_refused(struct driver *driver, const uint8_t before[16], int rv,
                        int code);
