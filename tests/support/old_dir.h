/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* Data directories of nodes that do not run: with a snapshot and packs by the very
 * code that makes those of a recovery, and entries behind it. */
#pragma once

#include "consensus/recover_plan.h"
#include "support/driver.h"
#include "support/tmpdir.h"

#define OLD_DIR_CLUSTER "0d9b1c1e-8f0e-4c57-9a3d-5d2f5a6b7c8d"
#define OLD_DIR_STRANGER "1d9b1c1e-8f0e-4c57-9a3d-5d2f5a6b7c8d"
#define OLD_DIR_ENTRIES 400u /* in log "a"; log "b" has one more */

void old_dir_path(const struct tmpdir *dir, const char *name,
                  char ret_path[PATH_LEN_MAX]);
void old_dir_must(int rv, const struct err *err); /* be 0 */
/* Of node 1, 2 or 3; @is_other: of the cluster OLD_DIR_STRANGER. */
void old_dir_identity(struct identity *identity, uint64_t node, bool is_other);
/* A machine with several sealed chunks and two open ones. */
void old_dir_machine(struct driver *driver);
/* A directory of @node whose snapshot is at @driver's index, of @term. */
void old_dir_make(const char *dir, uint64_t node, struct driver *driver,
                  uint64_t term);
void old_dir_make_of(const char *dir, uint64_t node, struct driver *driver,
                     uint64_t term, bool is_other);
/* One more entry of @term: an append to "a". */
void old_dir_append(const char *dir, uint64_t snapshot, uint64_t term,
                    const char *value);

void old_dir_plan(struct recover_plan *plan, const char *const *paths,
                  size_t count);
/* Makes @dir that of @node of the new cluster. */
void old_dir_recover(struct recover_plan *plan, const char *dir, uint64_t node,
                     struct recover_result *ret);
