/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "consensus/recover_plan.h"

#include <inttypes.h>
#include <string.h>

#include "machine/machine_parts.h"
#include "machine/recovered.h"

static int choose(struct recover_plan *plan, struct err *err);
static bool is_better(const struct recover_source *a,
                      const struct recover_source *b);
static void take_identity(struct recover_plan *plan);
static int check_others(const struct recover_plan *plan, struct err *err);
static bool is_of(const struct recover_plan *plan,
                  const struct recover_source *source);
static void count_voters(struct recover_plan *plan);
static bool is_voter_here(const struct recover_plan *plan, uint64_t id);
static int use_result(struct recover_plan *plan, const struct member *members,
                      size_t count, struct recover_result *ret,
                      struct err *err);
static bool are_members(const struct recover_result *result,
                        const struct member *members, size_t count);
static void add_ancestors(const struct identity *old,
                          struct recover_result *result);

int recover_plan_make(struct recover_plan *ret, const char *const *paths,
                      size_t count, struct err *err)
{
    int rv = 0;

    memset(ret, 0, sizeof *ret);
    if (count == 0 || count > RECOVER_SOURCES_MAX) {
        return err_set(err, QL_INVALID, "name 1 to %u sources",
                       RECOVER_SOURCES_MAX);
    }
    for (size_t i = 0; i < count && rv == 0; i++) {
        ret->count = i + 1;
        rv = recover_source_open(&ret->sources[i], paths[i], err);
    }
    if (rv == 0) {
        rv = choose(ret, err);
    }
    if (rv == 0) {
        take_identity(ret);
        rv = check_others(ret, err);
    }
    if (rv != 0) {
        return rv;
    }
    count_voters(ret);
    ret->machine = machine_new(NULL);
    rv = recover_source_restore(&ret->sources[ret->best], ret->machine, err);
    if (rv == 0) {
        recover_plan_count(ret);
    }
    return rv;
}

void recover_plan_close(struct recover_plan *plan)
{
    machine_free(plan->machine);
    plan->machine = NULL;
    for (size_t i = 0; i < plan->count; i++) {
        recover_source_close(&plan->sources[i]);
    }
    plan->count = 0;
}

/* ---- Which one ---- */

static int choose(struct recover_plan *plan, struct err *err)
{
    const struct recover_source *best = NULL;

    for (size_t i = 0; i < plan->count; i++) {
        const struct recover_source *source = &plan->sources[i];

        if (source->code == 0 && (best == NULL || is_better(source, best))) {
            best = source;
            plan->best = i;
        }
        if (source->code == 0 && source->has_result && plan->count > 1) {
            return err_set(err, QL_INVALID,
                           "%s is what a recovery has made: give it alone",
                           source->path);
        }
    }
    if (best == NULL) {
        return err_set(err, QL_CORRUPT, "%s cannot be used as a %s: %s",
                       plan->sources[0].path,
                       plan->sources[0].kind == RECOVER_DIR ? "data directory"
                                                            : "backup",
                       plan->sources[0].err.text);
    }
    return 0;
}

static bool is_better(const struct recover_source *a,
                      const struct recover_source *b)
{
    bool a_dir = a->kind == RECOVER_DIR;
    bool b_dir = b->kind == RECOVER_DIR;

    if (a_dir != b_dir) {
        return a_dir;
    }
    if (a->term != b->term) {
        return a->term > b->term;
    }
    return a->index > b->index;
}

/* ---- Do they belong together? ---- */

static void take_identity(struct recover_plan *plan)
{
    const struct recover_source *best = &plan->sources[plan->best];

    if (best->has_identity) {
        plan->old = best->identity;
    } else {
        identity_id_text(best->cluster, plan->old.cluster);
    }
}

static int check_others(const struct recover_plan *plan, struct err *err)
{
    for (size_t i = 0; i < plan->count; i++) {
        const struct recover_source *source = &plan->sources[i];

        if (!is_of(plan, source)) {
            char id[ID_TEXT_LEN + 1];

            identity_id_text(source->cluster, id);
            return err_set(err, QL_INVALID,
                           "%.200s is of cluster %s, and %.200s of %s: give "
                           "what is left of one cluster",
                           source->path, id, plan->sources[plan->best].path,
                           plan->old.cluster);
        }
        for (size_t j = 0; j < i; j++) {
            if (source->has_identity && plan->sources[j].has_identity &&
                source->identity.node == plan->sources[j].identity.node) {
                return err_set(err, QL_INVALID,
                               "%.200s and %.200s are both of node %" PRIu64
                               ": give the newer one of them alone",
                               plan->sources[j].path, source->path,
                               source->identity.node);
            }
        }
    }
    return 0;
}

static bool is_of(const struct recover_plan *plan,
                  const struct recover_source *source)
{
    static const uint8_t unknown[CLUSTER_ID_LEN];

    return source == &plan->sources[plan->best] ||
           memcmp(source->cluster, unknown, sizeof unknown) == 0 ||
           identity_is_of(&plan->old, source->cluster);
}

static void count_voters(struct recover_plan *plan)
{
    const struct recover_source *best = &plan->sources[plan->best];

    plan->voters = best->voters.count;
    for (size_t i = 0; i < best->voters.count; i++) {
        plan->voters_here += is_voter_here(plan, best->voters.ids[i]);
    }
}

static bool is_voter_here(const struct recover_plan *plan, uint64_t id)
{
    for (size_t i = 0; i < plan->count; i++) {
        const struct recover_source *source = &plan->sources[i];

        if (source->kind == RECOVER_DIR && source->code == 0 &&
            source->damage[0] == '\0' && source->has_identity &&
            source->identity.node == id) {
            return true;
        }
    }
    return false;
}

bool recover_plan_has_quorum(const struct recover_plan *plan)
{
    return plan->voters > 0 && plan->voters_here > plan->voters / 2;
}

/* ---- What it comes to ---- */

int recover_plan_result(struct recover_plan *plan, const struct member *members,
                        size_t count, struct recover_result *ret,
                        struct err *err)
{
    const struct recover_source *best = &plan->sources[plan->best];
    uint8_t cluster[CLUSTER_ID_LEN];

    if (best->has_result) {
        return use_result(plan, members, count, ret, err);
    }
    identity_cluster_bytes(&plan->old, cluster);
    memset(ret, 0, sizeof *ret);
    ret->term = best->term + 1;
    ret->index = best->index + RECOVER_GAP_INDEXES;
    machine_recover(plan->machine, ret->index, cluster);
    machine_digest(plan->machine, ret->digest);
    ret->members_count = count;
    memcpy(ret->members, members, count * sizeof *members);
    add_ancestors(&plan->old, ret);
    recover_result_derive(ret);
    return 0;
}

static int use_result(struct recover_plan *plan, const struct member *members,
                      size_t count, struct recover_result *ret, struct err *err)
{
    const struct recover_source *best = &plan->sources[plan->best];
    uint8_t digest[HASH128_LEN];

    machine_digest(plan->machine, digest);
    if (memcmp(digest, best->result.digest, sizeof digest) != 0) {
        return err_set(err, QL_CORRUPT,
                       "the state in %s is not the one that it was made with",
                       best->path);
    }
    if (!are_members(&best->result, members, count)) {
        return err_set(err, QL_INVALID,
                       "%s was made for other members: give --members as it "
                       "was given then",
                       best->path);
    }
    *ret = best->result;
    return 0;
}

static bool are_members(const struct recover_result *result,
                        const struct member *members, size_t count)
{
    bool same = result->members_count == count;

    for (size_t i = 0; same && i < count; i++) {
        const struct member *member = &result->members[i];

        same = member->id == members[i].id &&
               strcmp(member->peer_address, members[i].peer_address) == 0 &&
               strcmp(member->client_address, members[i].client_address) == 0;
    }
    return same;
}

static void add_ancestors(const struct identity *old,
                          struct recover_result *result)
{
    memcpy(result->ancestors[0], old->cluster, sizeof result->ancestors[0]);
    result->ancestors_count = 1;
    for (size_t i = 0;
         i < old->ancestors_count && result->ancestors_count < LINEAGE_MAX;
         i++) {
        memcpy(result->ancestors[result->ancestors_count], old->ancestors[i],
               sizeof result->ancestors[0]);
        result->ancestors_count++;
    }
}
