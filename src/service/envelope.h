/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* Messages begun in place, so that a large result is written once: whoever opens
 * one appends exactly one encoded value. See wire/rpc.h for the envelopes. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "util/buf.h"

void envelope_open_result(struct buf *message, uint32_t id);
void envelope_open_notification(struct buf *message, const char *method);
/* The id of the request that @bytes begin, though the rest may be missing or
 * wrong. False when they do not tell. */
bool envelope_request_id(const uint8_t *bytes, size_t len, uint32_t *ret_id);
