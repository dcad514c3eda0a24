/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "consensus/raft_io_real_report.h"

#include <inttypes.h>
#include <stdio.h>

#include "util/diag.h"

static void say_log(const struct raft_disk_report *report, const char *where,
                    const char *writer);

void raft_io_real_say(const struct raft_disk_report *report, const char *where,
                      const char *writer)
{
    const struct wal_report *wal = &report->wal;

    if (report->vote_repaired) {
        diag_warning("one of the two copies in %s/vote was damaged and is "
                     "written again from the other: nothing is lost, but look "
                     "at the disk",
                     where);
    }
    if (report->taken > 0) {
        diag_info("this node begins with the snapshot of another one, at raft "
                  "index %" PRIu64 "; its own in %s are kept as *.suspect",
                  (uint64_t)report->taken, where);
    }
    if (report->snapshots_aside > 0) {
        diag_warning("%u damaged snapshot%s in %s set aside as *.corrupt; what "
                     "is missing the raft log has, or the other nodes: look at "
                     "the disk",
                     report->snapshots_aside,
                     report->snapshots_aside == 1 ? " is" : "s are", where);
    }
    if (report->lost[0] != '\0') {
        diag_error("the raft log in %s is damaged: %s; entries from index "
                   "%" PRIu64 " on may be lost here; damaged files are set "
                   "aside as *.corrupt: look at the disk",
                   where, report->lost, (uint64_t)wal->last_index + 1);
    }
    if (wal->torn_bytes > 0) {
        diag_warning("the raft log in %s ended in a write that was cut off, as "
                     "by a power failure; its %" PRIu64 " bytes are dropped: "
                     "nobody was told of them, nothing is lost",
                     where, wal->torn_bytes);
    }
    if (report->in_doubt) {
        diag_warning("this node has lost entries that it may have "
                     "acknowledged: it neither votes nor leads until the other "
                     "nodes have given them back; leave it running, and keep "
                     "the others running");
    }
    say_log(report, where, writer);
}

static void say_log(const struct raft_disk_report *report, const char *where,
                    const char *writer)
{
    const struct wal_report *wal = &report->wal;
    bool clean = report->lost[0] == '\0' && wal->torn_bytes == 0;
    char entries[64];

    if (wal->last_index < wal->first_index) {
        (void)snprintf(entries, sizeof entries, "no entries behind %" PRIu64,
                       (uint64_t)wal->last_index);
    } else {
        (void)snprintf(entries, sizeof entries,
                       "entries %" PRIu64 " to %" PRIu64,
                       (uint64_t)wal->first_index, (uint64_t)wal->last_index);
    }
    diag_info("raft log in %s: %s in %" PRIu64 " segment%s%s; written by %s",
              where, entries, wal->segments, wal->segments == 1 ? "" : "s",
              clean ? ", clean" : "", writer);
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
