/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* Moments, as people type them. */
#pragma once

#include <stdint.h>

#include "util/err.h"

/* Unix milliseconds of "2026-01-02T03:04:05.678Z" or another offset from UTC
 * (RFC 3339), or of so long before @now_ms: "2h". QL_INVALID otherwise. */
int moment_parse(const char *text, uint64_t now_ms, uint64_t *ret_ms,
                 struct err *err);
