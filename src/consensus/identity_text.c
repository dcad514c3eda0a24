/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "consensus/identity_text.h"

#include <inttypes.h>
#include <string.h>

#include "consensus/checked_text.h"
#include "consensus/member_list.h"

#define FORMAT_KEY "quorlog-identity"
#define FORMAT_VERSION "1"
#define SECRET_TEXT_LEN (2u * SECRET_LEN)

static int decode_fields(struct identity *ret, struct checked_text *text,
                         struct err *err);
static int decode_members(struct identity *ret, struct checked_text *text,
                          struct err *err);
static int decode_ancestors(struct identity *ret, struct checked_text *text,
                            struct err *err);
static int check_id(const char *id, const char *what, struct err *err);

int identity_check(const struct identity *identity, struct err *err)
{
    int rv = check_id(identity->cluster, "cluster", err);

    if (rv != 0) {
        return rv;
    }
    rv = check_id(identity->instance, "instance", err);
    if (rv != 0) {
        return rv;
    }
    for (size_t i = 0; i < identity->ancestors_count && rv == 0; i++) {
        rv = check_id(identity->ancestors[i], "ancestor's", err);
    }
    if (rv != 0) {
        return rv;
    }
    rv = members_check(identity->members, identity->members_count, err);
    if (rv != 0) {
        return rv;
    }
    if (identity_member(identity, identity->node) == NULL) {
        return err_set(err, QL_INVALID,
                       "node %" PRIu64 " is not in the list of members",
                       identity->node);
    }
    return 0;
}

void identity_encode(const struct identity *identity, struct buf *buf)
{
    char secret[SECRET_TEXT_LEN + 1];

    text_hex(identity->secret, SECRET_LEN, secret, sizeof secret);
    checked_text_add(buf, FORMAT_KEY, "%s", FORMAT_VERSION);
    checked_text_add(buf, "cluster", "%s", identity->cluster);
    checked_text_add(buf, "instance", "%s", identity->instance);
    checked_text_add(buf, "node", "%" PRIu64, identity->node);
    checked_text_add(buf, "secret", "%s", secret);
    for (size_t i = 0; i < identity->members_count; i++) {
        const struct member *member = &identity->members[i];

        checked_text_add(buf, "member", "%" PRIu64 "=%s/%s", member->id,
                         member->peer_address, member->client_address);
    }
    for (size_t i = 0; i < identity->ancestors_count; i++) {
        checked_text_add(buf, "ancestor", "%s", identity->ancestors[i]);
    }
    checked_text_seal(buf);
}

int identity_decode(struct identity *ret, const void *bytes, size_t len,
                    struct err *err)
{
    struct identity identity = {0};
    struct checked_text text;
    struct err why;
    struct buf again = BUF_INIT;
    int rv = checked_text_open(&text, bytes, len, err);

    if (rv != 0) {
        return rv;
    }
    rv = decode_fields(&identity, &text, err);
    if (rv != 0) {
        return rv;
    }
    if (identity_check(&identity, &why) != 0) {
        return err_set(err, QL_CORRUPT, "%s", why.text);
    }
    /* One text for one identity: nothing can hide in spelling or order. */
    identity_encode(&identity, &again);
    if (again.len != len || memcmp(again.data, bytes, len) != 0) {
        rv = err_set(err, QL_CORRUPT, "it is not written the way we write it");
        goto close_again;
    }
    *ret = identity;

close_again:
    buf_close(&again);
    return rv;
}

static int decode_fields(struct identity *ret, struct checked_text *text,
                         struct err *err)
{
    char value[CHECKED_TEXT_LINE_MAX];
    int rv = checked_text_next(text, FORMAT_KEY, value, sizeof value, err);

    if (rv != 0) {
        return rv;
    }
    if (strcmp(value, FORMAT_VERSION) != 0) {
        return err_set(err, QL_CORRUPT,
                       "format %s was written by another version of quorlogd; "
                       "this one reads format %s",
                       value, FORMAT_VERSION);
    }
    rv = checked_text_next(text, "cluster", ret->cluster, sizeof ret->cluster,
                           err);
    if (rv != 0) {
        return rv;
    }
    rv = checked_text_next(text, "instance", ret->instance,
                           sizeof ret->instance, err);
    if (rv != 0) {
        return rv;
    }
    rv = checked_text_next(text, "node", value, sizeof value, err);
    if (rv != 0) {
        return rv;
    }
    if (text_u64(value, UINT64_MAX, &ret->node, NULL) != 0) {
        return err_set(err, QL_CORRUPT, "\"node\" is no number");
    }
    rv = checked_text_next(text, "secret", value, sizeof value, err);
    if (rv != 0) {
        return rv;
    }
    if (text_unhex(value, ret->secret, SECRET_LEN, NULL) != 0) {
        return err_set(err, QL_CORRUPT, "\"secret\" is not %u bytes of hex",
                       SECRET_LEN);
    }
    return decode_members(ret, text, err);
}

static int decode_members(struct identity *ret, struct checked_text *text,
                          struct err *err)
{
    char value[CHECKED_TEXT_LINE_MAX];
    struct member members[MEMBERS_MAX];
    size_t count;
    int rv;

    while (checked_text_is(text, "member")) {
        if (ret->members_count == MEMBERS_MAX) {
            return err_set(err, QL_CORRUPT, "it has too many members");
        }
        rv = checked_text_next(text, "member", value, sizeof value, err);
        if (rv != 0) {
            return rv;
        }
        if (members_parse(value, members, &count, err) != 0 || count != 1) {
            return err_set(err, QL_CORRUPT, "\"%s\" is no member", value);
        }
        ret->members[ret->members_count++] = members[0];
    }
    return decode_ancestors(ret, text, err);
}

static int decode_ancestors(struct identity *ret, struct checked_text *text,
                            struct err *err)
{
    int rv = 0;

    while (rv == 0 && checked_text_more(text)) {
        if (ret->ancestors_count == LINEAGE_MAX) {
            return err_set(err, QL_CORRUPT, "it has too many ancestors");
        }
        rv = checked_text_next(text, "ancestor",
                               ret->ancestors[ret->ancestors_count],
                               sizeof ret->ancestors[0], err);
        ret->ancestors_count += rv == 0;
    }
    return rv;
}

static int check_id(const char *id, const char *what, struct err *err)
{
    size_t len = strlen(id);
    bool well_formed = len == ID_TEXT_LEN;

    for (size_t i = 0; well_formed && i < len; i++) {
        bool dash = i == 8 || i == 13 || i == 18 || i == 23;

        well_formed =
            dash ? id[i] == '-' : strchr("0123456789abcdef", id[i]) != NULL;
    }
    if (!well_formed) {
        return err_set(err, QL_INVALID,
                       "the %s id \"%s\" is not a UUID in lower case", what,
                       id);
    }
    return 0;
}
