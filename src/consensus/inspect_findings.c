/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* What was found, in sentences for somebody who has to do something about it. */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

#include "consensus/inspect.h"

static void find_identity(struct inspection *inspection);
static void find_vote(struct inspection *inspection);
static void find_snapshots(struct inspection *inspection);
static void find_log(struct inspection *inspection);
static void find_loss(struct inspection *inspection, raft_index snapshot);
static void find_doubt(struct inspection *inspection);
static void find_contradictions(struct inspection *inspection);
static void find_aside(struct inspection *inspection);
static bool others_elect(const struct inspection *inspection);

void inspect_find(struct inspection *inspection)
{
    if (inspection->older_format && inspection->vote_code == QL_NOT_FOUND) {
        inspect_add(
            inspection, INSPECT_UNUSABLE,
            "This is the raft log of a quorlog from before 0.1, in another "
            "format. Run that version to read its logs out, and append them "
            "to a new cluster.");
        return;
    }
    find_identity(inspection);
    find_vote(inspection);
    find_snapshots(inspection);
    find_log(inspection);
    find_doubt(inspection);
    find_contradictions(inspection);
    find_aside(inspection);
}

enum inspect_weight inspect_weight(const struct inspection *inspection)
{
    enum inspect_weight weight = INSPECT_NOTE;

    for (size_t i = 0; i < inspection->findings_count; i++) {
        if (inspection->findings[i].weight > weight) {
            weight = inspection->findings[i].weight;
        }
    }
    return weight;
}

void inspect_add(struct inspection *inspection, enum inspect_weight weight,
                 const char *format, ...)
{
    struct inspect_finding *finding;
    va_list args;

    if (inspection->findings_count == INSPECT_FINDINGS_MAX) {
        return;
    }
    finding = &inspection->findings[inspection->findings_count++];
    finding->weight = weight;
    va_start(args, format);
    (void)vsnprintf(finding->text, sizeof finding->text, format, args);
    va_end(args);
}

static void find_identity(struct inspection *inspection)
{
    if (inspection->identity_code == 0) {
        return;
    }
    if (inspection->identity_code == QL_NOT_FOUND) {
        inspect_add(
            inspection, INSPECT_UNUSABLE,
            "There is no identity file, without which nobody knows whose "
            "directory this is. Put it back from a copy of this very "
            "directory; no other node's will do.");
        return;
    }
    inspect_add(
        inspection, INSPECT_UNUSABLE,
        "The identity cannot be read (%.300s). Put the file back from a copy "
        "of this very directory; no other node's will do.",
        inspection->identity_err.text);
}

static void find_vote(struct inspection *inspection)
{
    const struct vote_view *vote = &inspection->vote;

    if (inspection->vote_code == QL_NOT_FOUND) {
        inspect_add(
            inspection, INSPECT_UNUSABLE,
            "There is no vote file: files were removed, or the disk is not "
            "the one this node had. Bring that disk back, or give the node "
            "up.");
    } else if (inspection->vote_code != 0) {
        inspect_add(
            inspection, INSPECT_UNUSABLE,
            "Both copies of term and vote are damaged. This node may have "
            "voted and does not know for whom, so it must never vote again: "
            "keep the directory for a look, and give the node up.");
    } else if (!vote->good[0] || !vote->good[1]) {
        inspect_add(
            inspection, INSPECT_DAMAGE,
            "One of the two copies of term and vote is damaged. The other one "
            "holds; the next start writes it again. Nothing is lost, but look "
            "at the disk.");
    }
}

static void find_snapshots(struct inspection *inspection)
{
    size_t damaged = 0;

    for (size_t i = 0; i < inspection->snapshots_count; i++) {
        damaged += !inspection->snapshots[i].good;
    }
    if (damaged == 0) {
        return;
    }
    inspect_add(
        inspection, INSPECT_DAMAGE,
        "%zu of %zu snapshots %s damaged. A start sets them aside and takes "
        "the newest good one, or none, with what the raft log has; see below "
        "whether it reaches back far enough.",
        damaged, inspection->snapshots_count, damaged == 1 ? "is" : "are");
}

/* ---- The log ---- */

static void find_log(struct inspection *inspection)
{
    const struct snapshot_view *snapshot = inspect_snapshot(inspection);
    raft_index index = snapshot == NULL ? 0 : snapshot->index;
    const struct wal_report *needed = &inspection->needed;
    bool nothing = snapshot == NULL && needed->last_index == 0;

    if (needed->torn_bytes > 0) {
        inspect_add(
            inspection, INSPECT_NOTE,
            "The last write was cut off, as by a power failure: %" PRIu64
            " bytes that nobody was told of. The next start drops them; "
            "nothing is lost and nothing is to be done.",
            needed->torn_bytes);
    }
    if (inspection->damaged_at[0] != '\0') {
        inspect_add(inspection, INSPECT_DAMAGE, "The raft log is damaged: %s.",
                    inspection->damaged_at);
    }
    if (needed->segments == 0 || needed->corrupt_at[0] != '\0' || nothing) {
        find_loss(inspection, index);
    } else if (inspection->damaged_at[0] != '\0') {
        inspect_add(
            inspection, INSPECT_DAMAGE,
            "What is damaged is older than the snapshot of index %" PRIu64
            ", so the node starts without it and has lost nothing. Look at "
            "the disk.",
            (uint64_t)index);
    } else if (inspection->log.report.last_index < index) {
        inspect_add(
            inspection, INSPECT_NOTE,
            "The raft log ends before the newest snapshot, which came from "
            "another node: the node was stopped while it was installed. The "
            "next start begins a new log behind the snapshot.");
    }
}

/* As a start would take it (raft_disk_load.c). */
static void find_loss(struct inspection *inspection, raft_index snapshot)
{
    const struct wal_report *needed = &inspection->needed;

    if (needed->segments == 0) {
        inspect_add(inspection, INSPECT_DAMAGE,
                    "There is no raft log behind index %" PRIu64
                    ": what this node had is lost here.",
                    (uint64_t)snapshot);
    } else {
        inspect_add(
            inspection, INSPECT_DAMAGE,
            "Entries from index %" PRIu64 " on, which this node may have "
            "acknowledged, are lost here%s%.150s.",
            (uint64_t)needed->last_index + 1,
            needed->corrupt_at[0] == '\0' ? "" : ": ", needed->corrupt_at);
    }
    if (inspection->identity_code != 0) {
        return;
    }
    if (others_elect(inspection)) {
        inspect_add(
            inspection, INSPECT_DAMAGE,
            "The other members can go on without this one. See that they do, "
            "copy this directory away, check the disk, and start the node: it "
            "sets aside what is damaged, gets its entries back from the "
            "others, and neither votes nor leads until it has them. Do not "
            "start a second damaged node before this one is well.");
    } else {
        inspect_add(
            inspection, INSPECT_UNUSABLE,
            "The other members cannot elect a leader without this one, so it "
            "will not start and give out less than was acknowledged. Copy the "
            "directory away, check the disk, and bring back the undamaged "
            "files; without them, begin a new cluster.");
    }
}

static bool others_elect(const struct inspection *inspection)
{
    const struct identity *identity = &inspection->identity;

    return identity->members_count > identity_quorum(identity);
}

static void find_doubt(struct inspection *inspection)
{
    if (inspection->doubt_code == QL_NOT_FOUND) {
        if (inspection->needed.corrupt &&
            inspection->needed.corrupt_at[0] == '\0') {
            inspect_add(
                inspection, INSPECT_NOTE,
                "Entries from index %" PRIu64
                " on were lost once; the node has them back. It forgets that "
                "when it writes again.",
                (uint64_t)inspection->needed.corrupt_index);
        }
        return;
    }
    if (inspection->doubt_code == 0) {
        inspect_add(
            inspection, INSPECT_DAMAGE,
            "The node is in doubt since term %" PRIu64
            ": it has lost entries that it may have acknowledged. Start it "
            "and leave it running: it neither votes nor leads until a leader "
            "of a later term has given them back; then it says so.",
            (uint64_t)inspection->doubt_term);
    } else {
        inspect_add(
            inspection, INSPECT_DAMAGE,
            "The mark of a node that has lost entries is damaged itself. The "
            "next start takes it for one of the present term: start the node "
            "and leave it running until it says that it votes again.");
    }
}

static void find_contradictions(struct inspection *inspection)
{
    const struct snapshot_view *snapshot = inspect_snapshot(inspection);
    const struct inspect_terms *terms = &inspection->log.terms;
    raft_term newest =
        terms->count == 0 ? 0 : terms->items[terms->count - 1].term;
    raft_term term = 0;
    bool lost = inspection->needed.segments == 0 ||
                inspection->needed.corrupt_at[0] != '\0' ||
                inspection->doubt_code != QL_NOT_FOUND;

    if (snapshot != NULL) {
        term = inspect_term_of(terms, snapshot->index);
        newest = snapshot->term > newest ? snapshot->term : newest;
    }
    if (term != 0 && term != snapshot->term && lost) {
        inspect_add(
            inspection, INSPECT_DAMAGE,
            "What is left of the raft log contradicts the newest snapshot, so "
            "a truncation is among what is lost. A node that may start begins "
            "the log anew behind the snapshot, and gets the rest back from "
            "the others.");
    } else if (term != 0 && term != snapshot->term) {
        inspect_add(
            inspection, INSPECT_UNUSABLE,
            "The raft log contradicts the newest snapshot: entry %" PRIu64
            " is of term %" PRIu64 " and not %" PRIu64
            ". Files of different nodes or times were mixed; bring back those "
            "that belong together.",
            (uint64_t)snapshot->index, (uint64_t)term,
            (uint64_t)snapshot->term);
    }
    if (inspection->vote_code == 0 && newest > inspection->vote.term) {
        inspect_add(
            inspection, INSPECT_UNUSABLE,
            "The vote file is of term %" PRIu64
            " and so older than the raft log or the snapshot, which are of "
            "term %" PRIu64
            ". Do not start this node: it could vote twice. Bring back the "
            "vote file that belongs here, or give the node up.",
            (uint64_t)inspection->vote.term, (uint64_t)newest);
    }
}

static void find_aside(struct inspection *inspection)
{
    if (inspection->aside_count > 0) {
        inspect_add(
            inspection, INSPECT_NOTE,
            "%zu file%s from earlier, damaged (*.corrupt) or of a state that "
            "differed from that of the others (*.suspect), %s kept aside. When "
            "the node is well and nobody wants to look at them any more, they "
            "may be removed.",
            inspection->aside_count, inspection->aside_count == 1 ? "" : "s",
            inspection->aside_count == 1 ? "is" : "are");
    }
}
