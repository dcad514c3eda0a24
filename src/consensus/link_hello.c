/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "consensus/link_hello.h"

#include <assert.h>
#include <nettle/hmac.h>
#include <nettle/memops.h>
#include <string.h>

#include "util/buf.h"

#define MAGIC "quorlink"
#define MAGIC_LEN 8u
#define DIGEST_TEXT_LEN 32u
#define HMAC_LEN 32u
#define LABEL_LEN 16u

/* Where things stand in the messages. */
#define AT_KIND 8u
#define AT_MIN 10u
#define AT_MAX 12u
#define AT_NODE 16u
#define AT_TO 24u
#define AT_CLUSTER 32u
#define AT_INSTANCE 68u
#define AT_MEMBERS 104u
#define AT_NONCE 136u
#define AT_ANSWER_PROOF LINK_CALL_LEN
#define AT_PROOF 16u
#define AT_CODE 10u

enum { KIND_CALL = 1, KIND_ANSWER, KIND_PROOF, KIND_VERDICT };

enum {
    STATE_CALLED,   /* the caller waits for the answer */
    STATE_LISTENS,  /* the answerer waits for the call */
    STATE_ANSWERED, /* the answerer waits for the proof */
    STATE_JUDGES,
    STATE_PROVED, /* the caller waits for the verdict */
    STATE_ENDED
};

static void fill(struct link_hello *hello, uint8_t *message, uint8_t kind,
                 const uint8_t nonce[LINK_NONCE_LEN]);
static bool has_kind(const uint8_t *bytes, size_t len, uint8_t kind,
                     size_t kind_len);
static enum link_hello_step take_call(struct link_hello *hello,
                                      const uint8_t *bytes, size_t len,
                                      struct link_hello_reply *ret_reply);
static enum link_hello_step take_answer(struct link_hello *hello,
                                        const uint8_t *bytes, size_t len,
                                        struct link_hello_reply *ret_reply);
static enum link_hello_step take_proof(struct link_hello *hello,
                                       const uint8_t *bytes, size_t len,
                                       struct link_hello_reply *ret_reply);
static enum link_hello_step take_verdict(struct link_hello *hello,
                                         const uint8_t *bytes);
static enum link_refusal check_names(const struct link_hello *hello,
                                     const uint8_t *message);
static enum link_hello_step judge(struct link_hello *hello,
                                  const uint8_t *message,
                                  struct link_hello_reply *ret_reply);
static void prove(const struct link_hello *hello, bool caller,
                  uint8_t ret_proof[HMAC_LEN]);
static void make_verdict(enum link_refusal refusal,
                         struct link_hello_reply *ret_reply);

void link_hello_open(struct link_hello *hello, const struct identity *identity,
                     uint64_t wanted, const uint8_t nonce[LINK_NONCE_LEN])
{
    *hello = (struct link_hello){.identity = identity, .wanted = wanted};
    if (wanted != 0) {
        hello->state = STATE_CALLED;
        fill(hello, hello->call, KIND_CALL, nonce);
        put_u16(hello->call + AT_MIN, LINK_PROTOCOL_MIN);
        put_u16(hello->call + AT_MAX, LINK_PROTOCOL_MAX);
        put_u64(hello->call + AT_TO, wanted);
    } else {
        hello->state = STATE_LISTENS;
        fill(hello, hello->answer, KIND_ANSWER, nonce);
    }
}

void link_hello_call(const struct link_hello *hello,
                     struct link_hello_reply *ret_reply)
{
    assert(hello->state == STATE_CALLED);
    memcpy(ret_reply->bytes, hello->call, LINK_CALL_LEN);
    ret_reply->len = LINK_CALL_LEN;
}

enum link_hello_step link_hello_take(struct link_hello *hello,
                                     const uint8_t *bytes, size_t len,
                                     struct link_hello_reply *ret_reply)
{
    ret_reply->len = 0;
    /* A caller says something first; a stranger's verdict would be noise. */
    if (hello->state != STATE_LISTENS &&
        has_kind(bytes, len, KIND_VERDICT, LINK_VERDICT_LEN)) {
        return take_verdict(hello, bytes);
    }
    switch (hello->state) {
    case STATE_LISTENS:
        return take_call(hello, bytes, len, ret_reply);
    case STATE_CALLED:
        return take_answer(hello, bytes, len, ret_reply);
    case STATE_ANSWERED:
        return take_proof(hello, bytes, len, ret_reply);
    default:
        return link_hello_refuse(hello, LINK_MALFORMED, ret_reply);
    }
}

enum link_hello_step link_hello_accept(struct link_hello *hello,
                                       struct link_hello_reply *ret_reply)
{
    assert(hello->state == STATE_JUDGES);
    if (hello->wanted == 0) {
        hello->state = STATE_ENDED;
        make_verdict(LINK_ACCEPTED, ret_reply);
        return LINK_HELLO_DONE;
    }
    hello->state = STATE_PROVED;
    memset(ret_reply->bytes, 0, LINK_PROOF_LEN);
    memcpy(ret_reply->bytes, MAGIC, MAGIC_LEN);
    ret_reply->bytes[AT_KIND] = KIND_PROOF;
    prove(hello, true, ret_reply->bytes + AT_PROOF);
    ret_reply->len = LINK_PROOF_LEN;
    return LINK_HELLO_WAIT;
}

enum link_hello_step link_hello_refuse(struct link_hello *hello,
                                       enum link_refusal refusal,
                                       struct link_hello_reply *ret_reply)
{
    assert(refusal != LINK_ACCEPTED);
    hello->state = STATE_ENDED;
    hello->refusal = refusal;
    ret_reply->len = 0;
    /* Whoever does not speak our protocol would not understand. */
    if (refusal != LINK_MALFORMED) {
        make_verdict(refusal, ret_reply);
    }
    return LINK_HELLO_REFUSED;
}

/* All that does not depend on the other side. */
static void fill(struct link_hello *hello, uint8_t *message, uint8_t kind,
                 const uint8_t nonce[LINK_NONCE_LEN])
{
    const struct identity *identity = hello->identity;
    char members[DIGEST_TEXT_LEN + 1];

    identity_members_digest(identity, members);
    memcpy(message, MAGIC, MAGIC_LEN);
    message[AT_KIND] = kind;
    put_u64(message + AT_NODE, identity->node);
    memcpy(message + AT_CLUSTER, identity->cluster, ID_TEXT_LEN);
    memcpy(message + AT_INSTANCE, identity->instance, ID_TEXT_LEN);
    memcpy(message + AT_MEMBERS, members, DIGEST_TEXT_LEN);
    memcpy(message + AT_NONCE, nonce, LINK_NONCE_LEN);
}

static bool has_kind(const uint8_t *bytes, size_t len, uint8_t kind,
                     size_t kind_len)
{
    return len == kind_len && memcmp(bytes, MAGIC, MAGIC_LEN) == 0 &&
           bytes[AT_KIND] == kind;
}

static enum link_hello_step take_call(struct link_hello *hello,
                                      const uint8_t *bytes, size_t len,
                                      struct link_hello_reply *ret_reply)
{
    enum link_refusal refusal;
    uint16_t protocol;

    /* The range stands at the same place in every version; the rest need not. */
    if (len < AT_MAX + 2 || memcmp(bytes, MAGIC, MAGIC_LEN) != 0 ||
        bytes[AT_KIND] != KIND_CALL) {
        return link_hello_refuse(hello, LINK_MALFORMED, ret_reply);
    }
    protocol = get_u16(bytes + AT_MAX);
    if (protocol > LINK_PROTOCOL_MAX) {
        protocol = LINK_PROTOCOL_MAX;
    }
    if (protocol < LINK_PROTOCOL_MIN || protocol < get_u16(bytes + AT_MIN)) {
        return link_hello_refuse(hello, LINK_VERSION, ret_reply);
    }
    if (len != LINK_CALL_LEN) {
        return link_hello_refuse(hello, LINK_MALFORMED, ret_reply);
    }
    memcpy(hello->call, bytes, LINK_CALL_LEN);
    hello->node = get_u64(bytes + AT_NODE);
    hello->protocol = protocol;
    refusal = check_names(hello, bytes);
    if (refusal != LINK_ACCEPTED) {
        return link_hello_refuse(hello, refusal, ret_reply);
    }
    put_u16(hello->answer + AT_MIN, protocol);
    put_u16(hello->answer + AT_MAX, protocol);
    put_u64(hello->answer + AT_TO, hello->node);
    prove(hello, false, hello->answer + AT_ANSWER_PROOF);
    memcpy(ret_reply->bytes, hello->answer, LINK_ANSWER_LEN);
    ret_reply->len = LINK_ANSWER_LEN;
    hello->state = STATE_ANSWERED;
    return LINK_HELLO_WAIT;
}

static enum link_hello_step take_answer(struct link_hello *hello,
                                        const uint8_t *bytes, size_t len,
                                        struct link_hello_reply *ret_reply)
{
    uint8_t proof[HMAC_LEN];
    enum link_refusal refusal;

    if (!has_kind(bytes, len, KIND_ANSWER, LINK_ANSWER_LEN)) {
        return link_hello_refuse(hello, LINK_MALFORMED, ret_reply);
    }
    memcpy(hello->answer, bytes, LINK_ANSWER_LEN);
    hello->node = get_u64(bytes + AT_NODE);
    hello->protocol = get_u16(bytes + AT_MIN);
    if (hello->protocol != get_u16(bytes + AT_MAX) ||
        hello->protocol < LINK_PROTOCOL_MIN ||
        hello->protocol > LINK_PROTOCOL_MAX) {
        return link_hello_refuse(hello, LINK_VERSION, ret_reply);
    }
    refusal = check_names(hello, bytes);
    if (refusal != LINK_ACCEPTED) {
        return link_hello_refuse(hello, refusal, ret_reply);
    }
    prove(hello, false, proof);
    /* In constant time: how far a guess fits must not be measurable. */
    if (memeql_sec(proof, bytes + AT_ANSWER_PROOF, HMAC_LEN) == 0) {
        return link_hello_refuse(hello, LINK_SECRET, ret_reply);
    }
    return judge(hello, bytes, ret_reply);
}

static enum link_hello_step take_proof(struct link_hello *hello,
                                       const uint8_t *bytes, size_t len,
                                       struct link_hello_reply *ret_reply)
{
    uint8_t proof[HMAC_LEN];

    if (!has_kind(bytes, len, KIND_PROOF, LINK_PROOF_LEN)) {
        return link_hello_refuse(hello, LINK_MALFORMED, ret_reply);
    }
    prove(hello, true, proof);
    if (memeql_sec(proof, bytes + AT_PROOF, HMAC_LEN) == 0) {
        return link_hello_refuse(hello, LINK_SECRET, ret_reply);
    }
    return judge(hello, hello->call, ret_reply);
}

static enum link_hello_step take_verdict(struct link_hello *hello,
                                         const uint8_t *bytes)
{
    uint16_t code = get_u16(bytes + AT_CODE);

    if (code == LINK_ACCEPTED && hello->state == STATE_PROVED) {
        hello->state = STATE_ENDED;
        return LINK_HELLO_DONE;
    }
    hello->state = STATE_ENDED;
    /* A reason that a later version may have, or none where one is due. */
    hello->refusal = code == LINK_ACCEPTED || code >= LINK_REFUSALS
                         ? LINK_MALFORMED
                         : (enum link_refusal)code;
    return LINK_HELLO_TOLD;
}

/* What can be said before a proof. The cluster comes first because another one
 * has another secret and other nodes: the person who mixed them up should read
 * the real reason. */
static enum link_refusal check_names(const struct link_hello *hello,
                                     const uint8_t *message)
{
    const struct identity *identity = hello->identity;

    if (memcmp(message + AT_CLUSTER, identity->cluster, ID_TEXT_LEN) != 0) {
        return LINK_CLUSTER;
    }
    if (hello->wanted != 0 && hello->node != hello->wanted) {
        return LINK_TARGET;
    }
    if (get_u64(message + AT_TO) != identity->node) {
        return LINK_TARGET;
    }
    if (hello->node == identity->node ||
        identity_member(identity, hello->node) == NULL) {
        return LINK_UNKNOWN;
    }
    return LINK_ACCEPTED;
}

/* The proof fits @message, so what is in it is so. */
static enum link_hello_step judge(struct link_hello *hello,
                                  const uint8_t *message,
                                  struct link_hello_reply *ret_reply)
{
    char members[DIGEST_TEXT_LEN + 1];

    for (size_t i = 0; i < ID_TEXT_LEN; i++) {
        uint8_t c = message[AT_INSTANCE + i];

        /* It is going to stand in a file and in diagnostics. */
        if (c != '-' && (c < '0' || c > '9') && (c < 'a' || c > 'f')) {
            return link_hello_refuse(hello, LINK_MALFORMED, ret_reply);
        }
    }
    memcpy(hello->instance, message + AT_INSTANCE, ID_TEXT_LEN);
    identity_members_digest(hello->identity, members);
    if (memcmp(message + AT_MEMBERS, members, DIGEST_TEXT_LEN) != 0) {
        return link_hello_refuse(hello, LINK_MEMBERS, ret_reply);
    }
    hello->state = STATE_JUDGES;
    return LINK_HELLO_JUDGE;
}

/* The answerer's proof cannot cover itself; the caller's covers it too. */
static void prove(const struct link_hello *hello, bool caller,
                  uint8_t ret_proof[HMAC_LEN])
{
    static const char labels[2][LABEL_LEN] = {"quorlink answer",
                                              "quorlink call"};
    uint8_t text[LABEL_LEN + LINK_CALL_LEN + LINK_ANSWER_LEN];
    size_t answer_len = caller ? LINK_ANSWER_LEN : AT_ANSWER_PROOF;
    struct hmac_sha256_ctx hmac;

    memcpy(text, labels[caller], LABEL_LEN);
    memcpy(text + LABEL_LEN, hello->call, LINK_CALL_LEN);
    memcpy(text + LABEL_LEN + LINK_CALL_LEN, hello->answer, answer_len);
    hmac_sha256_set_key(&hmac, SECRET_LEN, hello->identity->secret);
    hmac_sha256_update(&hmac, LABEL_LEN + LINK_CALL_LEN + answer_len, text);
    hmac_sha256_digest(&hmac, HMAC_LEN, ret_proof);
}

static void make_verdict(enum link_refusal refusal,
                         struct link_hello_reply *ret_reply)
{
    memset(ret_reply->bytes, 0, LINK_VERDICT_LEN);
    memcpy(ret_reply->bytes, MAGIC, MAGIC_LEN);
    ret_reply->bytes[AT_KIND] = KIND_VERDICT;
    put_u16(ret_reply->bytes + AT_CODE, (uint16_t)refusal);
    ret_reply->len = LINK_VERDICT_LEN;
}

const char *link_refusal_text(enum link_refusal refusal)
{
    static const char *const texts[LINK_REFUSALS] = {
        [LINK_ACCEPTED] = "is accepted",
        [LINK_MALFORMED] = "does not speak quorlog's peer protocol",
        [LINK_VERSION] = "speaks another version of the peer protocol: run "
                         "versions of quorlogd that fit together",
        [LINK_CLUSTER] = "belongs to another cluster: check the addresses in "
                         "the member list",
        [LINK_TARGET] =
            "and this node disagree on which node an address stands "
            "for: check the addresses in the member list",
        [LINK_UNKNOWN] = "is none of the other members of this cluster: check "
                         "its id and its member list",
        [LINK_SECRET] = "does not know this cluster's secret: initialise it "
                        "with the secret that the first init printed",
        [LINK_MEMBERS] = "was initialised with another member list: all nodes "
                         "need the same one",
        [LINK_INSTANCE] = "presents another instance: its data directory was "
                          "wiped; remove the member and add it again as a new "
                          "one",
    };

    assert(refusal < LINK_REFUSALS);
    return texts[refusal];
}

const char *link_refusal_told_text(enum link_refusal refusal)
{
    static const char *const texts[LINK_REFUSALS] = {
        [LINK_ACCEPTED] = "it accepts this node",
        [LINK_MALFORMED] = "for a reason that this version does not know",
        [LINK_VERSION] = "it speaks another version of the peer protocol: run "
                         "versions of quorlogd that fit together",
        [LINK_CLUSTER] = "it belongs to another cluster: check the addresses "
                         "in the member list",
        [LINK_TARGET] = "they disagree on which node an address stands for: "
                        "check the addresses in the member list",
        [LINK_UNKNOWN] = "this node is not in its member list",
        [LINK_SECRET] = "this node has another secret: initialise it with the "
                        "secret that the first init printed",
        [LINK_MEMBERS] = "this node was initialised with another member list: "
                         "all nodes need the same one",
        [LINK_INSTANCE] = "it has met another instance of this node: was the "
                          "data directory wiped? Remove the member and add it "
                          "again as a new one",
    };

    assert(refusal < LINK_REFUSALS);
    return texts[refusal];
}
