/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "consensus/recover_result.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "consensus/checked_text.h"
#include "consensus/member_list.h"
#include "machine/must.h"
#include "util/hash128.h"

#define FORMAT_KEY "quorlog-recovered"
#define FORMAT_VERSION "1"

static void add_lines(const struct recover_result *result, struct buf *buf);
static int read_lines(struct recover_result *ret, struct checked_text *text,
                      struct err *err);
static int read_number(struct checked_text *text, const char *key,
                       uint64_t *ret, struct err *err);
static int read_digest(struct checked_text *text, uint8_t ret[16],
                       struct err *err);
static int read_members(struct recover_result *ret, struct checked_text *text,
                        struct err *err);
static int read_ancestors(struct recover_result *ret, struct checked_text *text,
                          struct err *err);

/* A UUID of version 8 (RFC 9562): its bits are the maker's own. */
void recover_result_derive(struct recover_result *result)
{
    struct buf text = BUF_INIT;
    uint8_t id[CLUSTER_ID_LEN];

    result->cluster[0] = '\0';
    add_lines(result, &text);
    hash128(text.data, text.len, id);
    id[6] = (uint8_t)((id[6] & 0x0fu) | 0x80u);
    id[8] = (uint8_t)((id[8] & 0x3fu) | 0x80u);
    identity_id_text(id, result->cluster);
    buf_close(&text);
}

bool recover_result_is_same(const struct recover_result *a,
                            const struct recover_result *b)
{
    return strcmp(a->cluster, b->cluster) == 0;
}

void recover_result_encode(const struct recover_result *result, struct buf *buf)
{
    struct buf text = BUF_INIT;

    add_lines(result, &text);
    checked_text_seal(&text);
    (void)must_have_memory(buf_add(buf, text.data, text.len));
    buf_close(&text);
}

static void add_lines(const struct recover_result *result, struct buf *buf)
{
    char digest[33];

    text_hex(result->digest, sizeof result->digest, digest, sizeof digest);
    checked_text_add(buf, FORMAT_KEY, "%s", FORMAT_VERSION);
    checked_text_add(buf, "cluster", "%s", result->cluster);
    checked_text_add(buf, "term", "%" PRIu64, result->term);
    checked_text_add(buf, "index", "%" PRIu64, result->index);
    checked_text_add(buf, "digest", "%s", digest);
    for (size_t i = 0; i < result->members_count; i++) {
        const struct member *member = &result->members[i];

        checked_text_add(buf, "member", "%" PRIu64 "=%s/%s", member->id,
                         member->peer_address, member->client_address);
    }
    for (size_t i = 0; i < result->ancestors_count; i++) {
        checked_text_add(buf, "ancestor", "%s", result->ancestors[i]);
    }
}

int recover_result_decode(struct recover_result *ret, const void *bytes,
                          size_t len, struct err *err)
{
    struct recover_result result = {0};
    struct recover_result again;
    struct checked_text text;
    int rv = checked_text_open(&text, bytes, len, err);

    if (rv == 0) {
        rv = read_lines(&result, &text, err);
    }
    if (rv == 0 && checked_text_more(&text)) {
        rv = err_set(err, QL_CORRUPT, "it says more than it should");
    }
    if (rv != 0) {
        return rv;
    }
    again = result;
    recover_result_derive(&again);
    if (!recover_result_is_same(&again, &result)) {
        return err_set(err, QL_CORRUPT, "its cluster id is not that of it");
    }
    *ret = result;
    return 0;
}

static int read_lines(struct recover_result *ret, struct checked_text *text,
                      struct err *err)
{
    char version[16];
    int rv = checked_text_next(text, FORMAT_KEY, version, sizeof version, err);

    if (rv == 0 && strcmp(version, FORMAT_VERSION) != 0) {
        rv = err_set(err, QL_CORRUPT,
                     "format %s was written by another version of quorlogd",
                     version);
    }
    if (rv == 0) {
        rv = checked_text_next(text, "cluster", ret->cluster,
                               sizeof ret->cluster, err);
    }
    if (rv == 0) {
        rv = read_number(text, "term", &ret->term, err);
    }
    if (rv == 0) {
        rv = read_number(text, "index", &ret->index, err);
    }
    if (rv == 0) {
        rv = read_digest(text, ret->digest, err);
    }
    if (rv == 0) {
        rv = read_members(ret, text, err);
    }
    return rv == 0 ? read_ancestors(ret, text, err) : rv;
}

static int read_number(struct checked_text *text, const char *key,
                       uint64_t *ret, struct err *err)
{
    char value[24];
    int rv = checked_text_next(text, key, value, sizeof value, err);

    if (rv == 0 && text_u64(value, UINT64_MAX, ret, NULL) != 0) {
        rv = err_set(err, QL_CORRUPT, "\"%s\" is no number", key);
    }
    return rv;
}

static int read_digest(struct checked_text *text, uint8_t ret[16],
                       struct err *err)
{
    char value[33];
    int rv = checked_text_next(text, "digest", value, sizeof value, err);

    if (rv == 0 && text_unhex(value, ret, 16, NULL) != 0) {
        rv = err_set(err, QL_CORRUPT, "\"digest\" is not 16 bytes of hex");
    }
    return rv;
}

static int read_members(struct recover_result *ret, struct checked_text *text,
                        struct err *err)
{
    char value[CHECKED_TEXT_LINE_MAX];
    struct member members[MEMBERS_MAX];
    size_t count;

    while (checked_text_is(text, "member")) {
        int rv = checked_text_next(text, "member", value, sizeof value, err);

        if (rv != 0) {
            return rv;
        }
        if (ret->members_count == MEMBERS_MAX ||
            members_parse(value, members, &count, NULL) != 0 || count != 1) {
            return err_set(err, QL_CORRUPT, "\"%s\" is one member too many",
                           value);
        }
        ret->members[ret->members_count++] = members[0];
    }
    return members_check(ret->members, ret->members_count, err) == 0
               ? 0
               : QL_CORRUPT;
}

static int read_ancestors(struct recover_result *ret, struct checked_text *text,
                          struct err *err)
{
    while (checked_text_is(text, "ancestor")) {
        size_t at = ret->ancestors_count;
        int rv;

        if (at == LINEAGE_MAX) {
            return err_set(err, QL_CORRUPT, "it has too many ancestors");
        }
        rv = checked_text_next(text, "ancestor", ret->ancestors[at],
                               sizeof ret->ancestors[at], err);
        if (rv != 0) {
            return rv;
        }
        ret->ancestors_count++;
    }
    return 0;
}
