/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "daemon/inspect_print.h"

#include <inttypes.h>

#include "consensus/wal_segment.h"

static void print_identity(const struct inspection *inspection, FILE *out);
static void print_vote(const struct inspection *inspection, FILE *out);
static void print_snapshots(const struct inspection *inspection, FILE *out);
static void print_log(const struct inspection *inspection, FILE *out);
static void print_segment(const struct inspection *inspection,
                          const struct wal_view *view, FILE *out);
static void print_terms(const struct inspect_terms *terms, FILE *out);
static void print_doubt(const struct inspection *inspection, FILE *out);
static void print_aside(const struct inspection *inspection, FILE *out);
static void print_reserve(const struct inspection *inspection, FILE *out);
static void print_chunks(const struct inspect_chunks *chunks, FILE *out);
static void print_range(uint64_t first, uint64_t last, FILE *out);
static void print_name(const char *name, FILE *out);

void inspect_print(const struct inspection *inspection, FILE *out)
{
    print_identity(inspection, out);
    print_vote(inspection, out);
    print_snapshots(inspection, out);
    print_log(inspection, out);
    print_terms(&inspection->log.terms, out);
    print_doubt(inspection, out);
    print_aside(inspection, out);
    print_reserve(inspection, out);
    print_chunks(&inspection->chunks, out);
}

void inspect_print_findings(const struct inspection *inspection, FILE *out)
{
    static const char *const weights[] = {
        [INSPECT_NOTE] = "note",
        [INSPECT_DAMAGE] = "DAMAGE",
        [INSPECT_UNUSABLE] = "UNUSABLE",
    };

    fputs("findings\n", out);
    for (size_t i = 0; i < inspection->findings_count; i++) {
        const struct inspect_finding *finding = &inspection->findings[i];

        fprintf(out, "  %s: %s\n", weights[finding->weight], finding->text);
    }
    if (inspect_weight(inspection) == INSPECT_NOTE) {
        fputs("  All is well: every checksum fits, and nothing is missing.\n",
              out);
    }
}

/* Not the secret. */
static void print_identity(const struct inspection *inspection, FILE *out)
{
    const struct identity *identity = &inspection->identity;

    fputs("identity\n", out);
    if (inspection->identity_code != 0) {
        fputs("  none that can be read\n", out);
        return;
    }
    fprintf(out, "  cluster %s\n  node %" PRIu64 "\n  instance %s\n",
            identity->cluster, identity->node, identity->instance);
    for (size_t i = 0; i < identity->members_count; i++) {
        const struct member *member = &identity->members[i];

        fprintf(out, "  member %" PRIu64 "  peers %s  clients %s\n", member->id,
                member->peer_address, member->client_address);
    }
}

static void print_vote(const struct inspection *inspection, FILE *out)
{
    const struct vote_view *vote = &inspection->vote;

    fputs("vote\n", out);
    if (inspection->vote_code == QL_NOT_FOUND) {
        fputs("  none\n", out);
        return;
    }
    if (inspection->vote_code == 0) {
        fprintf(out, "  term %" PRIu64 "\n", (uint64_t)vote->term);
        if (vote->voted_for == 0) {
            fputs("  voted for nobody\n", out);
        } else {
            fprintf(out, "  voted for node %" PRIu64 "\n",
                    (uint64_t)vote->voted_for);
        }
    }
    if (vote->good[0] && vote->good[1]) {
        fprintf(out, "  both copies good%s\n",
                inspection->vote_code == 0 ? "" : ", but they contradict");
    } else {
        fprintf(out, "  first copy %s, second copy %s\n",
                vote->good[0] ? "good" : "DAMAGED",
                vote->good[1] ? "good" : "DAMAGED");
    }
}

static void print_snapshots(const struct inspection *inspection, FILE *out)
{
    fputs("snapshots\n", out);
    for (size_t i = 0; i < inspection->snapshots_count; i++) {
        const struct snapshot_view *view = &inspection->snapshots[i];

        fprintf(out, "  index %" PRIu64 "  ", (uint64_t)view->index);
        if (view->good) {
            fprintf(out, "term %" PRIu64 "  ", (uint64_t)view->term);
        }
        fprintf(out, "%" PRIu64 " bytes  %s\n", view->size,
                view->good ? "good" : "DAMAGED");
    }
    if (inspection->snapshots_count == 0) {
        fputs("  none\n", out);
    }
}

/* ---- The log ---- */

static void print_log(const struct inspection *inspection, FILE *out)
{
    const struct inspect_log *log = &inspection->log;

    fputs("raft log\n", out);
    if (log->segments_count == 0) {
        fputs("  none\n", out);
        return;
    }
    fputs("  ", out);
    print_range(log->report.first_index, log->report.last_index, out);
    fputc('\n', out);
    for (size_t i = 0; i < log->segments_count; i++) {
        print_segment(inspection, &log->segments[i], out);
    }
}

static void print_segment(const struct inspection *inspection,
                          const struct wal_view *view, FILE *out)
{
    static const char *const states[] = {
        [WAL_VIEW_CLEAN] = "clean",
        [WAL_VIEW_TORN] = "torn tail",
        [WAL_VIEW_CORRUPT] = "CORRUPT",
        [WAL_VIEW_BEHIND] = "not read, as what is before it is damaged",
        [WAL_VIEW_FREE] = "not needed any more",
        [WAL_VIEW_SPARE] = "prepared, to be the next one",
        [WAL_VIEW_UNKNOWN] = "its start is DAMAGED",
    };
    char name[DISK_NAME_MAX];

    wal_name(view->number, name);
    fprintf(out, "  %s  ", name);
    if (view->state > WAL_VIEW_CORRUPT) {
        fprintf(out, "%" PRIu64 " bytes  %s\n", view->size,
                states[view->state]);
        return;
    }
    print_range(view->begin, view->end - 1, out);
    fprintf(out, "  %" PRIu64 " of %" PRIu64 " bytes  %s", view->used,
            view->size, states[view->state]);
    if (view->state == WAL_VIEW_TORN) {
        fprintf(out, " of %" PRIu64 " bytes", view->torn);
    }
    if (view->state == WAL_VIEW_CORRUPT) {
        fprintf(out, ": %s", inspection->log.report.corrupt_at);
    }
    fputc('\n', out);
}

static void print_terms(const struct inspect_terms *terms, FILE *out)
{
    fputs("terms\n", out);
    if (terms->dropped_last != 0) {
        fprintf(out, "  those up to entry %" PRIu64 " are too many to list\n",
                (uint64_t)terms->dropped_last);
    }
    for (size_t i = 0; i < terms->count; i++) {
        const struct inspect_range *range = &terms->items[i];

        fprintf(out, "  term %" PRIu64 "  ", (uint64_t)range->term);
        print_range(range->first, range->last, out);
        fputc('\n', out);
    }
    if (terms->count == 0) {
        fputs("  none\n", out);
    }
}

/* ---- The rest ---- */

static void print_doubt(const struct inspection *inspection, FILE *out)
{
    fputs("doubt\n", out);
    if (inspection->doubt_code == 0) {
        fprintf(out, "  since term %" PRIu64 "\n",
                (uint64_t)inspection->doubt_term);
    } else {
        fprintf(out, "  %s\n",
                inspection->doubt_code == QL_NOT_FOUND
                    ? "none"
                    : "a mark that cannot be read");
    }
}

static void print_aside(const struct inspection *inspection, FILE *out)
{
    fputs("kept aside\n", out);
    for (size_t i = 0; i < inspection->aside_count; i++) {
        fputs("  ", out);
        print_name(inspection->aside[i].name, out);
        fprintf(out, "  %" PRIu64 " bytes\n", inspection->aside[i].size);
    }
    if (inspection->aside_count == 0) {
        fputs("  nothing\n", out);
    }
}

static void print_reserve(const struct inspection *inspection, FILE *out)
{
    const struct inspect_file *rest = &inspection->reserve_rest;

    fputs("reserve\n", out);
    if (inspection->reserve.name[0] == '\0') {
        fputs("  none\n", out);
    } else {
        fprintf(out, "  %" PRIu64 " bytes\n", inspection->reserve.size);
    }
    if (rest->name[0] != '\0') {
        fprintf(out, "  %" PRIu64 " bytes of one that was not finished (%s)\n",
                rest->size, rest->name);
    }
}

static void print_chunks(const struct inspect_chunks *chunks, FILE *out)
{
    size_t listed = chunks->bad_count < INSPECT_PACKS_MAX ? chunks->bad_count
                                                          : INSPECT_PACKS_MAX;

    fputs("chunks\n", out);
    if (chunks->code != 0) {
        fputs("  none\n", out);
    } else {
        fprintf(out,
                "  %" PRIu64 " in %" PRIu64 " files of %" PRIu64
                " bytes, %" PRIu64 " damaged\n",
                chunks->chunks, chunks->packs, chunks->bytes,
                chunks->bad_chunks);
    }
    for (size_t i = 0; i < listed; i++) {
        fprintf(out, "  %s  BAD: %s\n", chunks->bad[i].name,
                chunks->bad[i].text);
    }
    if (listed < chunks->bad_count) {
        fprintf(out, "  and %zu more\n", chunks->bad_count - listed);
    }
    if (chunks->rests > 0) {
        fprintf(out, "  %" PRIu64 " that were not finished\n", chunks->rests);
    }
    if (chunks->aside > 0) {
        fprintf(out, "  %" PRIu64 " files of %" PRIu64 " bytes in quarantine\n",
                chunks->aside, chunks->aside_bytes);
    }
    if (chunks->named_code == 0) {
        fprintf(out,
                "  %" PRIu64 " named by the newest snapshot, %" PRIu64
                " missing\n",
                chunks->named, chunks->missing);
    }
}

static void print_range(uint64_t first, uint64_t last, FILE *out)
{
    if (last < first) {
        fprintf(out, "no entries, next %" PRIu64, first);
    } else {
        fprintf(out, "entries %" PRIu64 " to %" PRIu64, first, last);
    }
}

/* Anybody may have given it. */
static void print_name(const char *name, FILE *out)
{
    for (; *name != '\0'; name++) {
        fputc(*name > ' ' && *name < 0x7f ? *name : '?', out);
    }
}
