/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * What a recovery comes to: which cluster begins, with which members, at which
 * place of the old raft log. All members must be made of the very same result, or
 * they would be several clusters: so its id is derived from what it is.
 *
 * It is written down as text in two places: behind the stream of an export that
 * other members are made of, and in the file `recovered-to` of each directory that
 * was recovered from, which never runs again. docs/formats.md, "Recovery".
 */
#pragma once

#include "consensus/identity.h"
#include "util/buf.h"

#define RECOVERED_TO_NAME "recovered-to"

struct recover_result {
    char cluster[ID_TEXT_LEN + 1]; /* the new one */
    uint64_t term;                 /* of its snapshot; the old one's + 1 */
    uint64_t index;
    uint8_t digest[16]; /* machine_digest() of the state it begins with */
    size_t members_count;
    struct member members[MEMBERS_MAX];
    size_t ancestors_count; /* the old one first */
    char ancestors[LINEAGE_MAX][ID_TEXT_LEN + 1];
};

/* Sets result->cluster from all that is in it. */
void recover_result_derive(struct recover_result *result);
bool recover_result_is_same(const struct recover_result *a,
                            const struct recover_result *b);
/* Appends the text. */
void recover_result_encode(const struct recover_result *result,
                           struct buf *buf);
/* QL_CORRUPT. */
int recover_result_decode(struct recover_result *ret, const void *bytes,
                          size_t len, struct err *err);

/* ---- The mark ---- */

/* A member that was made. */
struct recover_made {
    uint64_t node;
    char dir[PATH_LEN_MAX];
};
struct recover_mark {
    struct recover_result result;
    size_t count;
    struct recover_made made[MEMBERS_MAX]; /* by node */
};
/* QL_NOT_FOUND: @dir was not recovered from. QL_CORRUPT: it was, and the file is
 * damaged. */
int recover_mark_read(struct recover_mark *ret, const char *dir,
                      struct err *err);
/* Durable on return. Replaces the one before. */
int recover_mark_write(const struct recover_mark *mark, const char *dir,
                       struct err *err);
/* May @node of @result be made in @dir, as far as @mark knows? QL_EXISTS: with a
 * sentence, no. Notes it then. */
int recover_mark_add(struct recover_mark *mark,
                     const struct recover_result *result, uint64_t node,
                     const char *dir, struct err *err);
/* For `quorlogd run`: QL_EXISTS with a sentence when @dir has a mark, good or
 * not. */
int recover_mark_refuse(const char *dir, struct err *err);
