/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "daemon/recover_print.h"

#include <inttypes.h>
#include <string.h>

#include "machine/machine_parts.h"
#include "machine/recovered.h"

static void print_source(const struct recover_plan *plan, size_t at, FILE *out);
static void print_directory(const struct recover_source *source, FILE *out);
static void print_backup(const struct recover_source *source, FILE *out);
static void print_taken(const struct recover_plan *plan, FILE *out);
static void print_part(const struct recover_plan *plan, enum machine_part part,
                       const char *what, FILE *out);
static void print_lost(const struct recover_plan *plan, FILE *out);
static void print_voters(const struct recover_plan *plan, FILE *out);
static void print_others(const struct recover_plan *plan, FILE *out);
static void print_chunks(const struct recover_plan *plan, FILE *out);

static const struct recover_source *best_of(const struct recover_plan *plan)
{
    return &plan->sources[plan->best];
}

void recover_print_plan(const struct recover_plan *plan, FILE *out)
{
    fputs("sources\n", out);
    for (size_t i = 0; i < plan->count; i++) {
        print_source(plan, i, out);
    }
    print_taken(plan, out);
    print_lost(plan, out);
}

bool recover_loses(const struct recover_plan *plan)
{
    const struct recover_source *best = best_of(plan);

    return plan->missing > 0 || best->damage[0] != '\0' ||
           !(best->has_result || recover_plan_has_quorum(plan));
}

/* ---- Sources ---- */

static void print_source(const struct recover_plan *plan, size_t at, FILE *out)
{
    const struct recover_source *source = &plan->sources[at];

    fprintf(out, "  %s%s\n", source->path,
            at == plan->best ? " (this one is taken)" : "");
    if (source->kind == RECOVER_DIR) {
        print_directory(source, out);
    } else {
        print_backup(source, out);
    }
    if (source->code != 0) {
        fprintf(out, "    cannot be used:  %s\n", source->err.text);
    }
    if (source->damage[0] != '\0') {
        fprintf(out, "    damage:          %s\n", source->damage);
    }
    fprintf(out, "    chunks:          %zu good, %" PRIu64 " damaged\n",
            source->have_count, source->bad_chunks);
}

static void print_directory(const struct recover_source *source, FILE *out)
{
    if (source->has_identity) {
        fprintf(out, "    directory:       of node %" PRIu64 ", cluster %s\n",
                source->identity.node, source->identity.cluster);
    } else {
        fputs("    directory:       of an unknown node\n", out);
    }
    fprintf(out,
            "    last entry:      index %" PRIu64 " of term %" PRIu64
            " (snapshot at %" PRIu64 ")\n",
            source->index, source->term, source->snapshot_index);
    if (source->has_mark) {
        fprintf(out, "    recovered from:  already, to cluster %s\n",
                source->mark->result.cluster);
    }
    if (source->lock_fd < 0) {
        fputs("    not locked:      make sure that no node uses it\n", out);
    }
}

static void print_backup(const struct recover_source *source, FILE *out)
{
    if (source->has_result) {
        fprintf(out,
                "    recovery:        cluster %s at index %" PRIu64
                " of term %" PRIu64 "\n",
                source->result.cluster, source->index, source->term);
        return;
    }
    fprintf(out, "    backup:          %s of raft index %" PRIu64 "%s\n",
            source->row.name, source->index,
            source->kind == RECOVER_MANIFEST ? ", in a backup directory" : "");
}

/* ---- What is taken ---- */

static void print_taken(const struct recover_plan *plan, FILE *out)
{
    const struct recover_source *best = best_of(plan);
    struct machine_counts counts;

    machine_counts(plan->machine, &counts);
    fprintf(out,
            "taken\n  %s up to index %" PRIu64 ": logs: %" PRIu64
            ", entries: %" PRIu64 ", bytes: %" PRIu64 "\n",
            best->path, best->index, counts.logs, counts.entries, counts.bytes);
    if (best->kind == RECOVER_DIR) {
        fputs("  also entries that nobody was told of yet, if there are any at "
              "its end\n",
              out);
    }
    if (plan->others > 0) {
        fprintf(out,
                "  %" PRIu64 " of %" PRIu64
                " chunks are not there, and come from other sources\n",
                plan->others, plan->chunks);
    }
}

/* ---- What is lost ---- */

static void print_lost(const struct recover_plan *plan, FILE *out)
{
    const struct recover_source *best = best_of(plan);

    fputs("lost\n", out);
    if (best->has_result) {
        fputs("  nothing of what was recovered\n", out);
        print_chunks(plan, out);
        return;
    }
    print_voters(plan, out);
    print_others(plan, out);
    print_chunks(plan, out);
    fputs("  producers and writers: all are void, as after a restore\n", out);
    print_part(plan, MACHINE_DRAFT, "a draft", out);
    print_part(plan, MACHINE_STAGED, "a staged state", out);
    print_part(plan, MACHINE_UNDO, "the state that a commit replaced (undo)",
               out);
}

static void print_voters(const struct recover_plan *plan, FILE *out)
{
    const struct recover_source *best = best_of(plan);

    if (best->kind != RECOVER_DIR) {
        fputs("  everything that was written after the backup\n", out);
    } else if (recover_plan_has_quorum(plan)) {
        fprintf(out,
                "  nothing that was acknowledged is missing in the raft log: "
                "%zu of %zu voters are here\n",
                plan->voters_here, plan->voters);
    } else {
        fprintf(out,
                "  entries that were acknowledged by others alone, if there "
                "were any behind index %" PRIu64
                ": only %zu of %zu voters are here, whole\n",
                best->index, plan->voters_here, plan->voters);
    }
}

/* Of an older term, or they would have been taken. */
static void print_others(const struct recover_plan *plan, FILE *out)
{
    const struct recover_source *best = best_of(plan);

    for (size_t i = 0; i < plan->count; i++) {
        const struct recover_source *source = &plan->sources[i];

        if (source->kind == RECOVER_DIR && source->code == 0 &&
            source->index > best->index) {
            fprintf(out,
                    "  entries up to index %" PRIu64 " in %s: of term %" PRIu64
                    ", which term %" PRIu64 " replaced; no majority had them\n",
                    source->index, source->path, source->term, best->term);
        }
    }
}

static void print_chunks(const struct recover_plan *plan, FILE *out)
{
    if (plan->missing > 0) {
        fprintf(out,
                "  %" PRIu64 " of %" PRIu64 " chunks with %" PRIu64
                " entries: they are in none of the sources. Name more: other "
                "directories, damaged ones too, backups, manifests\n",
                plan->missing, plan->chunks, plan->missing_entries);
    }
}

static void print_part(const struct recover_plan *plan, enum machine_part part,
                       const char *what, FILE *out)
{
    struct machine_part_info info;

    if (machine_part_info(plan->machine, part, &info)) {
        fprintf(out,
                "  %s is not taken: logs: %" PRIu64 ", entries: %" PRIu64 "\n",
                what, info.logs, info.entries);
    }
}

/* ---- What was made ---- */

void recover_print_made(const struct recover_make *make,
                        const struct identity *identity, const char *dir,
                        const char *export, FILE *out)
{
    fprintf(out,
            "made\n  %s: node %" PRIu64 " of cluster %s, at index %" PRIu64
            " of term %" PRIu64 ", with %" PRIu64 " chunks (%" PRIu64
            " bytes)\n",
            dir, identity->node, identity->cluster, make->result->index,
            make->result->term, make->chunks, make->raw_bytes);
    if (export != NULL) {
        fprintf(out, "  %s: the same, to make other members of\n", export);
    }
    fputs("next\n", out);
    if (identity->members_count > 1) {
        fprintf(out,
                "  Make each of the %zu members in this way, and none in any "
                "other, before you run two of them.\n",
                identity->members_count);
    }
    fprintf(out,
            "  Then: quorlogd run --data-dir %s; look; quorlog cluster thaw "
            "(it is frozen: \"%s\").\n",
            dir, RECOVERED_REASON);
}
