/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* Keys and values to append, made once; LZ4 makes them about half as long. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "qb_options.h"

#include "quorlog.h"

struct qb_data {
    uint8_t *values; /* a value begins anywhere in the first 64 KiB */
    size_t value_len;
    char *keys; /* key_count of key_len bytes each */
    size_t key_len;
    size_t key_count;
};

/* QL_NO_MEMORY. */
int qb_data_init(struct qb_data *data, const struct qb_options *options,
                 struct err *err);
void qb_data_close(struct qb_data *data);
/* Points @entry at key and value number @number; both stay @data's. */
void qb_data_entry(const struct qb_data *data, uint64_t number,
                   struct ql_entry *ret_entry);
