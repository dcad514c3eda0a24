/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "consensus/space_report.h"

#include "quorlog.h"

#define VERSION 1u
#define FLAG_LOW 1u
#define FLAGS_AT 4u
#define FREE_AT 8u
#define TOTAL_AT 16u

void space_report_encode(const struct space_report *report,
                         uint8_t ret[SPACE_REPORT_LEN])
{
    put_u32(ret, VERSION);
    put_u32(ret + FLAGS_AT, report->low ? FLAG_LOW : 0);
    put_u64(ret + FREE_AT, report->free_bytes);
    put_u64(ret + TOTAL_AT, report->total_bytes);
}

int space_report_decode(struct space_report *ret, const uint8_t *bytes,
                        size_t len)
{
    struct space_report report;

    if (len < SPACE_REPORT_LEN || len > SPACE_REPORT_LEN_MAX ||
        get_u32(bytes) < VERSION) {
        return QL_PROTOCOL;
    }
    report.low = (get_u32(bytes + FLAGS_AT) & FLAG_LOW) != 0;
    report.free_bytes = get_u64(bytes + FREE_AT);
    report.total_bytes = get_u64(bytes + TOTAL_AT);
    if (report.free_bytes > report.total_bytes) {
        return QL_PROTOCOL;
    }
    *ret = report;
    return 0;
}
