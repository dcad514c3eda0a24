/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "consensus/peer_token.h"

#include <assert.h>
#include <inttypes.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdio.h>
#include <string.h>

#include "util/diag.h"

#define PEER_PROTOCOL "1"
#define PROOF_LEN 32u
#define PROOF_TEXT_LEN (2u * PROOF_LEN)

enum {
    FIELD_ADDRESS,
    FIELD_PROTOCOL,
    FIELD_CLUSTER,
    FIELD_MEMBERS,
    FIELD_INSTANCE,
    FIELD_PROOF,
    FIELDS
};

static bool split(char *token, char *ret_fields[FIELDS]);
static bool proof_fits(const struct identity *identity, uint64_t id,
                       char *const fields[FIELDS]);
static void prove(const struct identity *identity, uint64_t id,
                  const char *claim, char ret_proof[PROOF_TEXT_LEN + 1]);

void peer_token_make(const struct identity *identity,
                     char ret_token[PEER_TOKEN_MAX])
{
    const struct member *self = identity_member(identity, identity->node);
    char claim[PEER_TOKEN_MAX - PROOF_TEXT_LEN - 1];
    char proof[PROOF_TEXT_LEN + 1];
    char members[33];
    int len;

    assert(self != NULL);
    identity_members_digest(identity, members);
    len = snprintf(claim, sizeof claim, "%s|" PEER_PROTOCOL "|%s|%s|%s",
                   self->peer_address, identity->cluster, members,
                   identity->instance);
    assert(len < (int)sizeof claim);
    prove(identity, identity->node, claim, proof);
    (void)snprintf(ret_token, PEER_TOKEN_MAX, "%s|%s", claim, proof);
}

enum peer_refusal peer_token_check(const struct identity *identity, uint64_t id,
                                   const char *token, size_t room,
                                   char ret_instance[ID_TEXT_LEN + 1])
{
    char copy[PEER_TOKEN_MAX];
    char *fields[FIELDS];
    char members[33];
    size_t len = strnlen(token, room < sizeof copy ? room : sizeof copy);

    if (id == identity->node || identity_member(identity, id) == NULL) {
        return PEER_UNKNOWN;
    }
    if (len == room || len == sizeof copy) {
        return PEER_MALFORMED;
    }
    memcpy(copy, token, len);
    copy[len] = '\0';
    if (!split(copy, fields)) {
        return PEER_MALFORMED;
    }
    if (strcmp(fields[FIELD_PROTOCOL], PEER_PROTOCOL) != 0) {
        return PEER_VERSION;
    }
    /* Before the proof, because another cluster has another secret: the person
     * who mixed them up should read the real reason. */
    if (strcmp(fields[FIELD_CLUSTER], identity->cluster) != 0) {
        return PEER_CLUSTER;
    }
    if (strlen(fields[FIELD_INSTANCE]) != ID_TEXT_LEN) {
        return PEER_MALFORMED;
    }
    if (!proof_fits(identity, id, fields)) {
        return PEER_SECRET;
    }
    memcpy(ret_instance, fields[FIELD_INSTANCE], ID_TEXT_LEN + 1);
    identity_members_digest(identity, members);
    if (strcmp(fields[FIELD_MEMBERS], members) != 0) {
        return PEER_MEMBERS;
    }
    return PEER_ACCEPTED;
}

const char *peer_refusal_text(enum peer_refusal refusal)
{
    static const char *const texts[PEER_REFUSALS] = {
        [PEER_ACCEPTED] = "is accepted",
        [PEER_UNKNOWN] =
            "is none of the other members of this cluster: check its "
            "id and its member list",
        [PEER_MALFORMED] = "does not speak quorlog's peer protocol",
        [PEER_VERSION] = "speaks another version of the peer protocol: run "
                         "versions of quorlogd that fit together",
        [PEER_CLUSTER] = "belongs to another cluster: check the addresses in "
                         "the member list",
        [PEER_SECRET] = "does not know this cluster's secret: initialise it "
                        "with the secret that the first init printed",
        [PEER_MEMBERS] = "was initialised with another member list: all nodes "
                         "need the same one",
        [PEER_INSTANCE] = "presents another instance: its data directory was "
                          "wiped; remove the member and add it again as a new "
                          "one",
    };

    assert(refusal < PEER_REFUSALS);
    return texts[refusal];
}

/* Cuts at the bars, exactly FIELDS parts. */
static bool split(char *token, char *ret_fields[FIELDS])
{
    char *at = token;

    for (size_t i = 0; i < FIELDS; i++) {
        char *bar = strchr(at, '|');

        ret_fields[i] = at;
        if (i == FIELDS - 1) {
            return bar == NULL;
        }
        if (bar == NULL) {
            return false;
        }
        *bar = '\0';
        at = bar + 1;
    }
    return false;
}

static bool proof_fits(const struct identity *identity, uint64_t id,
                       char *const fields[FIELDS])
{
    char claim[PEER_TOKEN_MAX];
    char proof[PROOF_TEXT_LEN + 1];

    if (strlen(fields[FIELD_PROOF]) != PROOF_TEXT_LEN) {
        return false;
    }
    (void)snprintf(claim, sizeof claim, "%s|%s|%s|%s|%s", fields[FIELD_ADDRESS],
                   fields[FIELD_PROTOCOL], fields[FIELD_CLUSTER],
                   fields[FIELD_MEMBERS], fields[FIELD_INSTANCE]);
    prove(identity, id, claim, proof);
    /* In constant time: how far a guess fits must not be measurable. */
    return CRYPTO_memcmp(fields[FIELD_PROOF], proof, PROOF_TEXT_LEN) == 0;
}

static void prove(const struct identity *identity, uint64_t id,
                  const char *claim, char ret_proof[PROOF_TEXT_LEN + 1])
{
    char text[PEER_TOKEN_MAX + 24];
    uint8_t proof[EVP_MAX_MD_SIZE];
    unsigned proof_len = 0;
    int len = snprintf(text, sizeof text, "%" PRIu64 "|%s", id, claim);

    assert(len < (int)sizeof text);
    if (HMAC(EVP_sha256(), identity->secret, (int)SECRET_LEN,
             (const unsigned char *)text, (size_t)len, proof,
             &proof_len) == NULL) {
        diag_die(1, "OpenSSL cannot compute HMAC-SHA256; check its "
                    "installation and configuration");
    }
    assert(proof_len == PROOF_LEN);
    text_hex(proof, PROOF_LEN, ret_proof, PROOF_TEXT_LEN + 1);
}
