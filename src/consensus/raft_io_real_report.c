/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "consensus/raft_io_real_report.h"

#include <inttypes.h>

#include "util/diag.h"

void raft_io_real_say(const struct raft_disk_report *report, const char *where,
                      const char *writer)
{
    const struct wal_report *wal = &report->wal;

    if (report->vote_repaired) {
        diag_warning("one of the two copies in %s/vote was damaged; written "
                     "again from the other",
                     where);
    }
    if (report->snapshots_aside > 0) {
        diag_warning("%u snapshots in %s are damaged; they are kept as "
                     "*.corrupt",
                     report->snapshots_aside, where);
    }
    if (report->lost[0] != '\0') {
        diag_error("the raft log in %s is damaged: %s; damaged files are kept "
                   "as *.corrupt",
                   where, report->lost);
    }
    if (wal->torn_bytes > 0) {
        diag_warning("the raft log in %s ended in a write that was cut off; "
                     "dropped its %" PRIu64 " bytes, which nobody was told of",
                     where, wal->torn_bytes);
    }
    if (report->in_doubt) {
        diag_warning("this node has lost entries that it may have "
                     "acknowledged: it neither votes nor leads until the other "
                     "nodes have given them back");
    }
    diag_info("raft log in %s: entries %" PRIu64 " to %" PRIu64 " in %" PRIu64
              " segments%s; written by %s",
              where, (uint64_t)wal->first_index, (uint64_t)wal->last_index,
              wal->segments,
              report->lost[0] == '\0' && wal->torn_bytes == 0 ? ", clean" : "",
              writer);
}

void raft_io_real_say_fallback(const char *why)
{
    if (why[0] != '\0') {
        diag_info("the raft log could be written faster: %s", why);
    }
}

void raft_io_real_say_healed(void)
{
    diag_info("this node has everything back that it had lost: it votes "
              "again");
}
