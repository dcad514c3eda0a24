/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* Changes the numbers of an append that is encoded already. */
#pragma once

#include <stddef.h>
#include <stdint.h>

/* @params were written by append_args_encode() with APPEND_NUMBER_ROOM as both
 * producer and sequence, which leaves room for any other number. Returns 0, or
 * QL_INVALID when they were not. */
#define APPEND_NUMBER_ROOM UINT64_MAX
int append_number_set(uint8_t *params, size_t len, uint64_t producer,
                      uint64_t sequence);
