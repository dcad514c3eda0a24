/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "fuzz/fuzz_repack.h"

#include <assert.h>
#include <msgpack.h>

#include "quorlog.h"
#include "wire/scan.h"

static int on_write(void *data, const char *bytes, size_t len)
{
    return buf_add(data, bytes, len);
}

int fuzz_repack(struct bytes value, struct buf *ret)
{
    msgpack_unpacked tree;
    msgpack_packer packer;
    size_t len = 0;
    size_t at = 0;
    int rv = scan_value(value.data, value.len, &len, NULL);

    if (rv != 0 || len != value.len) {
        return rv != 0 ? rv : QL_PROTOCOL;
    }
    msgpack_unpacked_init(&tree);
    assert(msgpack_unpack_next(&tree, (const char *)value.data, value.len,
                               &at) == MSGPACK_UNPACK_SUCCESS);
    assert(at == value.len);
    msgpack_packer_init(&packer, ret, on_write);
    assert(msgpack_pack_object(&packer, tree.data) == 0);
    msgpack_unpacked_destroy(&tree);
    return 0;
}
