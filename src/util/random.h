/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* Random bytes from the kernel, and the ids made of them. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "util/limits.h"

/* Ends the process when the kernel has none to give (it never does). */
void random_bytes(void *ret_bytes, size_t len);
uint64_t random_u64(void);
/* A version 4 UUID (RFC 9562) in lower-case text. */
void random_uuid(char ret_text[ID_TEXT_LEN + 1]);
