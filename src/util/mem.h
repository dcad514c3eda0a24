/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* Allocation for the daemon: out of memory says so and exits (a replica that
 * cannot apply must not go on). util, wire and client use plain malloc. */
#pragma once

#include <stddef.h>

void *mem_must_alloc(size_t len);                    /* not zeroed */
void *mem_must_zalloc(size_t len);                   /* zeroed */
void *mem_must_array(size_t count, size_t item_len); /* zeroed, checked */
void *mem_must_resize(void *memory, size_t len);
void *mem_must_dup(const void *bytes, size_t len);
char *mem_must_strdup(const char *text);
