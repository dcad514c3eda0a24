/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "consensus/member_list.h"

#include <arpa/inet.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* An id, two addresses, "=" and "/". */
#define MEMBER_TEXT_MAX (20u + 2u * ADDRESS_MAX + 2u)

static int member_parse(const char *text, size_t len, struct member *ret,
                        struct err *err);
static int client_address_parse(const char *text, char ret_address[ADDRESS_MAX],
                                struct err *err);
static bool is_v4(const char *host);
static bool looks_like_v4(const char *host);
static void lower(char *host);
static int check_canonical(const struct member *member, struct err *err);
static int check_distinct(const struct member *one, const struct member *other,
                          struct err *err);
static int by_id(const void *left, const void *right);

int members_parse(const char *text, struct member *ret_members,
                  size_t *ret_count, struct err *err)
{
    struct member members[MEMBERS_MAX];
    const char *at = text;
    size_t count = 0;
    int rv;

    for (;;) {
        size_t len = strcspn(at, ",");

        if (count == MEMBERS_MAX) {
            return err_set(err, QL_INVALID, "a cluster has at most %u members",
                           MEMBERS_MAX);
        }
        rv = member_parse(at, len, &members[count], err);
        if (rv != 0) {
            return rv;
        }
        count++;
        if (at[len] == '\0') {
            break;
        }
        at += len + 1;
    }
    qsort(members, count, sizeof members[0], by_id);
    rv = members_check(members, count, err);
    if (rv != 0) {
        return rv;
    }
    memcpy(ret_members, members, count * sizeof members[0]);
    *ret_count = count;
    return 0;
}

int peer_address_parse(const char *text, char ret_address[ADDRESS_MAX],
                       struct err *err)
{
    struct address address;
    struct in6_addr v6;
    int rv = address_parse(text, 0, &address, err);

    if (rv != 0) {
        return rv;
    }
    if (address.is_unix) {
        return err_set(err, QL_INVALID,
                       "peer address \"%s\": a unix socket cannot be reached "
                       "from other nodes",
                       text);
    }
    if (strchr(address.host, '%') != NULL) {
        return err_set(err, QL_INVALID,
                       "peer address \"%s\": a zone means something on one "
                       "machine only",
                       text);
    }
    if (looks_like_v4(address.host) && !is_v4(address.host)) {
        return err_set(err, QL_INVALID,
                       "peer address \"%s\": %s is no IPv4 address", text,
                       address.host);
    }
    if (inet_pton(AF_INET6, address.host, &v6) == 1) {
        (void)inet_ntop(AF_INET6, &v6, address.host, sizeof address.host);
    }
    lower(address.host);
    address_format(&address, ret_address);
    return 0;
}

static bool is_v4(const char *host)
{
    struct in_addr v4;

    return inet_pton(AF_INET, host, &v4) == 1;
}

/* The resolver takes "127.1" and "0x7f.1" for addresses; as texts they would be
 * other ones than 127.0.0.1. No name's last part is a number. */
static bool looks_like_v4(const char *host)
{
    const char *dot = strrchr(host, '.');
    const char *last = dot == NULL ? host : dot + 1;

    return strspn(last, "0123456789") == strlen(last) ||
           strncmp(last, "0x", 2) == 0 || strncmp(last, "0X", 2) == 0;
}

static void lower(char *host)
{
    for (; *host != '\0'; host++) {
        if (*host >= 'A' && *host <= 'Z') {
            *host = (char)(*host + ('a' - 'A'));
        }
    }
}

int members_check(const struct member *members, size_t count, struct err *err)
{
    int rv;

    if (count < 1 || count > MEMBERS_MAX) {
        return err_set(err, QL_INVALID, "a cluster has 1 to %u members",
                       MEMBERS_MAX);
    }
    for (size_t i = 0; i < count; i++) {
        rv = check_canonical(&members[i], err);
        if (rv != 0) {
            return rv;
        }
        for (size_t j = 0; j < i; j++) {
            rv = check_distinct(&members[j], &members[i], err);
            if (rv != 0) {
                return rv;
            }
        }
        if (i > 0 && members[i - 1].id > members[i].id) {
            return err_set(err, QL_INVALID, "the members are not in order");
        }
    }
    return 0;
}

static int member_parse(const char *text, size_t len, struct member *ret,
                        struct err *err)
{
    char copy[MEMBER_TEXT_MAX + 1];
    char *peer;
    char *client;
    int rv;

    if (len > MEMBER_TEXT_MAX) {
        return err_set(err, QL_INVALID, "a member's text is too long");
    }
    memcpy(copy, text, len);
    copy[len] = '\0';
    peer = strchr(copy, '=');
    client = peer == NULL ? NULL : strchr(peer, '/');
    if (client == NULL) {
        return err_set(err, QL_INVALID,
                       "member \"%s\": write ID=PEER_ADDRESS/CLIENT_ADDRESS",
                       copy);
    }
    *peer++ = '\0';
    *client++ = '\0';
    *ret = (struct member){0};
    rv = text_u64(copy, UINT64_MAX, &ret->id, err);
    if (rv != 0) {
        err_wrap(err, "member id \"%s\"", copy);
        return rv;
    }
    rv = peer_address_parse(peer, ret->peer_address, err);
    if (rv == 0) {
        rv = client_address_parse(client, ret->client_address, err);
    }
    if (rv != 0) {
        err_wrap(err, "member %s", copy);
    }
    return rv;
}

static int client_address_parse(const char *text, char ret_address[ADDRESS_MAX],
                                struct err *err)
{
    struct address address;
    int rv = address_parse(text, 0, &address, err);

    if (rv != 0) {
        return rv;
    }
    if (address.is_unix) {
        return err_set(err, QL_INVALID,
                       "client address \"%s\": a unix socket cannot be "
                       "reached from other nodes' clients",
                       text);
    }
    address_format(&address, ret_address);
    return 0;
}

/* Digests are made of the text, so equal addresses must be equal texts. */
static int check_canonical(const struct member *member, struct err *err)
{
    char peer[ADDRESS_MAX];
    char client[ADDRESS_MAX];
    int rv;

    if (member->id == 0) {
        return err_set(err, QL_INVALID, "member ids start at 1");
    }
    rv = peer_address_parse(member->peer_address, peer, err);
    if (rv != 0) {
        return rv;
    }
    rv = client_address_parse(member->client_address, client, err);
    if (rv != 0) {
        return rv;
    }
    if (strcmp(peer, member->peer_address) != 0 ||
        strcmp(client, member->client_address) != 0) {
        return err_set(err, QL_INVALID,
                       "the addresses of member %" PRIu64
                       " are not in their canonical form",
                       member->id);
    }
    return 0;
}

static int check_distinct(const struct member *one, const struct member *other,
                          struct err *err)
{
    if (one->id == other->id) {
        return err_set(err, QL_INVALID, "member id %" PRIu64 " stands twice",
                       one->id);
    }
    if (strcmp(one->peer_address, other->peer_address) == 0) {
        return err_set(err, QL_INVALID,
                       "members %" PRIu64 " and %" PRIu64
                       " have the same peer address %s",
                       one->id, other->id, one->peer_address);
    }
    if (strcmp(one->client_address, other->client_address) == 0) {
        return err_set(err, QL_INVALID,
                       "members %" PRIu64 " and %" PRIu64
                       " have the same client address %s",
                       one->id, other->id, one->client_address);
    }
    return 0;
}

static int by_id(const void *left, const void *right)
{
    const struct member *one = left;
    const struct member *other = right;

    return (one->id > other->id) - (one->id < other->id);
}
