/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "consensus/peer_pins.h"

#include <assert.h>
#include <inttypes.h>
#include <string.h>

#include "consensus/checked_text.h"
#include "util/file.h"

#define PEERS_NAME "peers"
#define PEERS_LEN_MAX (4u * KIB)
#define FORMAT_KEY "quorlog-peers"
#define FORMAT_VERSION "1"

static int decode(struct peer_pins *pins, const struct buf *text,
                  struct err *err);
static size_t slot(const struct peer_pins *pins, uint64_t id);

int peer_pins_load(struct peer_pins *ret, const struct identity *identity,
                   const char *dir, struct err *err)
{
    struct buf text = BUF_INIT;
    int rv;

    *ret = (struct peer_pins){.identity = identity};
    rv = path_join(ret->path, sizeof ret->path, dir, PEERS_NAME, err);
    if (rv != 0) {
        return rv;
    }
    rv = file_read(ret->path, PEERS_LEN_MAX, &text, err);
    if (rv == QL_NOT_FOUND) {
        rv = 0;
        goto close_text;
    }
    if (rv == 0) {
        rv = decode(ret, &text, err);
        if (rv != 0) {
            err_wrap(err, "%s cannot be trusted", ret->path);
        }
    }

close_text:
    buf_close(&text);
    return rv;
}

const char *peer_pins_get(const struct peer_pins *pins, uint64_t id)
{
    return pins->instances[slot(pins, id)];
}

int peer_pins_set(struct peer_pins *pins, uint64_t id, const char *instance,
                  struct err *err)
{
    struct peer_pins next = *pins;
    struct buf text = BUF_INIT;
    int rv;

    assert(strlen(instance) == ID_TEXT_LEN);
    memcpy(next.instances[slot(pins, id)], instance, ID_TEXT_LEN + 1);
    checked_text_add(&text, FORMAT_KEY, "%s", FORMAT_VERSION);
    for (size_t i = 0; i < pins->identity->members_count; i++) {
        if (next.instances[i][0] != '\0') {
            checked_text_add(&text, "peer", "%" PRIu64 " %s",
                             pins->identity->members[i].id, next.instances[i]);
        }
    }
    checked_text_seal(&text);
    rv = file_replace(pins->path, text.data, text.len, 0600, err);
    buf_close(&text);
    if (rv == 0) {
        *pins = next;
    }
    return rv;
}

static int decode(struct peer_pins *pins, const struct buf *text,
                  struct err *err)
{
    char value[CHECKED_TEXT_LINE_MAX];
    struct checked_text lines;
    int rv = checked_text_open(&lines, text->data, text->len, err);

    if (rv != 0) {
        return rv;
    }
    rv = checked_text_next(&lines, FORMAT_KEY, value, sizeof value, err);
    if (rv == 0 && strcmp(value, FORMAT_VERSION) != 0) {
        rv = err_set(err, QL_CORRUPT, "format %s is not known", value);
    }
    while (rv == 0 && checked_text_more(&lines)) {
        char *space;
        uint64_t id = 0;

        rv = checked_text_next(&lines, "peer", value, sizeof value, err);
        if (rv != 0) {
            break;
        }
        space = strchr(value, ' ');
        if (space != NULL) {
            *space = '\0';
        }
        if (space == NULL || strlen(space + 1) != ID_TEXT_LEN ||
            text_u64(value, UINT64_MAX, &id, NULL) != 0 ||
            identity_member(pins->identity, id) == NULL) {
            rv = err_set(err, QL_CORRUPT, "a line \"peer\" is malformed");
            break;
        }
        memcpy(pins->instances[slot(pins, id)], space + 1, ID_TEXT_LEN + 1);
    }
    return rv;
}

/* A peer's place, the same as in the list of members. */
static size_t slot(const struct peer_pins *pins, uint64_t id)
{
    const struct member *member = identity_member(pins->identity, id);

    assert(member != NULL);
    return (size_t)(member - pins->identity->members);
}
