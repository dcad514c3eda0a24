/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* The encoding of Protocol Buffers, as far as small messages of numbers, byte
 * strings and messages in messages need it. */
#pragma once

#include "util/buf.h"

#include <stdbool.h>

#define PROTOBUF_NUMBER_MAX 10u
#define PROTOBUF_HEAD_MAX (1u + PROTOBUF_NUMBER_MAX)

/* Fields below 16 only. Return the length. */
size_t protobuf_number_put(uint8_t at[PROTOBUF_HEAD_MAX], unsigned field,
                           uint64_t value);
/* What stands in front of @len bytes. */
size_t protobuf_head_put(uint8_t at[PROTOBUF_HEAD_MAX], unsigned field,
                         size_t len);
/* Looks @field up in @message. False: it is not there (so it has its default),
 * is of another kind, or the message is damaged before it. */
bool protobuf_number_find(struct bytes message, unsigned field,
                          uint64_t *ret_value);
bool protobuf_bytes_find(struct bytes message, unsigned field,
                         struct bytes *ret_bytes);
