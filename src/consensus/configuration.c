/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "consensus/configuration.h"

#include <string.h>

#include "util/cursor.h"

#define ENCODING_VERSION 1

static int decode_servers(struct cursor *cursor,
                          struct raft_configuration *ret);

int configuration_from_identity(const struct identity *identity,
                                struct raft_configuration *ret, struct err *err)
{
    for (size_t i = 0; i < identity->members_count; i++) {
        const struct member *member = &identity->members[i];
        int rv = raft_configuration_add(ret, member->id, member->peer_address,
                                        RAFT_VOTER);

        if (rv != 0) {
            return err_set(err, QL_INTERNAL, "add a member: %s",
                           raft_strerror(rv));
        }
    }
    return 0;
}

int configuration_encode_first(const struct identity *identity,
                               struct raft_buffer *ret, struct err *err)
{
    struct raft_configuration configuration;
    int rv;

    raft_configuration_init(&configuration);
    rv = configuration_from_identity(identity, &configuration, err);
    if (rv == 0 && raft_configuration_encode(&configuration, ret) != 0) {
        rv = err_set(err, QL_NO_MEMORY, "no memory for the members");
    }
    raft_configuration_close(&configuration);
    return rv;
}

int configuration_decode(struct bytes encoded, struct raft_configuration *ret,
                         struct err *err)
{
    struct cursor cursor;
    int rv = QL_CORRUPT;

    cursor_init(&cursor, encoded.data, encoded.len);
    if (cursor_u8(&cursor) == ENCODING_VERSION) {
        rv = decode_servers(&cursor, ret);
    }
    if (rv != 0) {
        raft_configuration_close(ret);
        raft_configuration_init(ret);
        return err_set(err, rv, "read a configuration: %s",
                       rv == QL_CORRUPT ? "it makes no sense" : "no memory");
    }
    return 0;
}

/* How many, then each one's id, address up to a NUL, and role. */
static int decode_servers(struct cursor *cursor, struct raft_configuration *ret)
{
    uint64_t count = cursor_u64(cursor);

    for (uint64_t i = 0; i < count; i++) {
        uint64_t id = cursor_u64(cursor);
        size_t len = strnlen((const char *)cursor->at, cursor_left(cursor));
        const char *address = (const char *)cursor_bytes(cursor, len + 1);
        uint8_t role = cursor_u8(cursor);
        int rv;

        if (!cursor_ok(cursor) || id == 0 || role > RAFT_SPARE) {
            return QL_CORRUPT;
        }
        rv = raft_configuration_add(ret, id, address, role);
        if (rv != 0) {
            return rv == RAFT_NOMEM ? QL_NO_MEMORY : QL_CORRUPT;
        }
    }
    return cursor_ok(cursor) ? 0 : QL_CORRUPT;
}
