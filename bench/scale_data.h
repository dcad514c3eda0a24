/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* Values that LZ4 makes half as long. */
#pragma once

#include <stddef.h>
#include <stdint.h>

struct scale_data {
    uint64_t random; /* any seed at first */
};

/* Another one each time. */
void scale_data_fill(struct scale_data *data, void *ret_value, size_t len);
