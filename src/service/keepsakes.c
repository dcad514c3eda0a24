/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "service/keepsakes.h"

#include <stdlib.h>
#include <string.h>

#include "util/mem.h"

struct keepsake {
    struct keepsake *before;
    uint8_t bytes[];
};

struct bytes keepsakes_add(struct keepsakes *keepsakes, struct bytes bytes)
{
    struct keepsake *keepsake;

    if (bytes.data == NULL) {
        return (struct bytes){NULL, 0};
    }
    keepsake = mem_must_alloc(sizeof(*keepsake) + bytes.len);
    keepsake->before = keepsakes->last;
    keepsakes->last = keepsake;
    if (bytes.len > 0) {
        memcpy(keepsake->bytes, bytes.data, bytes.len);
    }
    return (struct bytes){keepsake->bytes, bytes.len};
}

void keepsakes_close(struct keepsakes *keepsakes)
{
    while (keepsakes->last != NULL) {
        struct keepsake *keepsake = keepsakes->last;

        keepsakes->last = keepsake->before;
        free(keepsake);
    }
}
