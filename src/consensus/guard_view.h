/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* Reads struct raft, which is public in libraft 0.15, and changes nothing. */
#pragma once

#include <raft.h>
#include <stdbool.h>

/* Values of raft_progress.state; libraft's header keeps them to itself. */
enum { VIEW_PROBE = 0, VIEW_PIPELINE = 1, VIEW_SNAPSHOT = 2 };

raft_index view_last_index(const struct raft *raft);
/* 0: not in the log, and not the last index of the snapshot either. */
raft_term view_term_of(const struct raft *raft, raft_index index);
/* An installed snapshot is being written; the log in memory already says so. */
bool view_is_installing(const struct raft *raft);
/* The same, or one of its own. */
bool view_is_storing_snapshot(const struct raft *raft);
/* The log in memory is ahead of the one on the disk. */
bool view_has_unwritten(const struct raft *raft);

/* The first entry of the message that contradicts the log, as the core will
 * find it; 0: none, or the core will refuse the message. */
raft_index view_first_conflict(const struct raft *raft,
                               const struct raft_append_entries *append);
/* The last configuration in the log that is not applied; 0: none. The core's own
 * two fields do not tell that after a restart. */
raft_index view_unapplied_configuration(const struct raft *raft);

/* NULL: not in the latest configuration. */
const struct raft_server *view_server(const struct raft *raft, raft_id id);
/* Its index in the configuration, or the number of servers. */
unsigned view_server_index(const struct raft *raft, raft_id id);
bool view_is_voter(const struct raft *raft, raft_id id);
unsigned view_voters(const struct raft *raft);
bool view_is_sole_voter(const struct raft_configuration *configuration,
                        raft_id id);
/* As view_is_sole_voter(), on the encoded form of a configuration entry. */
bool view_is_sole_voter_encoded(const struct raft_buffer *encoded, raft_id id);
