/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* The frame LINK_REPORT: what a node says of its disk (docs/formats.md, "Report"). */
#pragma once

#include "consensus/space.h"
#include "util/buf.h"

#define SPACE_REPORT_LEN 24u

void space_report_encode(const struct space_report *report,
                         uint8_t ret[SPACE_REPORT_LEN]);
/* QL_PROTOCOL: it makes no sense. What a newer node adds behind is left alone. */
int space_report_decode(struct space_report *ret, const uint8_t *bytes,
                        size_t len);
