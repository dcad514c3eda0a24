/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * Which instance each peer had when it was first accepted, in DIR/peers
 * (docs/formats.md, "Peers"). A node whose directory was wiped may have
 * forgotten votes and entries it acknowledged, so it must not come back under
 * its old id.
 */
#pragma once

#include "consensus/identity.h"

struct peer_pins {
    const struct identity *identity;
    char path[PATH_LEN_MAX];
    char instances[MEMBERS_MAX][ID_TEXT_LEN + 1]; /* "": not seen yet */
};

/* A missing file means that nobody was seen. QL_CORRUPT. */
int peer_pins_load(struct peer_pins *ret, const struct identity *identity,
                   const char *dir, struct err *err);
/* "" when it was never accepted; @id is a member. */
const char *peer_pins_get(const struct peer_pins *pins, uint64_t id);
/* On disk before it returns 0. */
int peer_pins_set(struct peer_pins *pins, uint64_t id, const char *instance,
                  struct err *err);
