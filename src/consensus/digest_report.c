/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "consensus/digest_report.h"

#include <string.h>

#include "quorlog.h"

#define VERSION 1u
#define FLAG_WANTS 1u
#define HEAD_LEN 24u
#define ITEM_LEN 32u
#define FLAGS_AT 4u
#define COUNT_AT 8u
#define SINCE_AT 16u

size_t digest_report_encode(const struct digest_report *report,
                            uint8_t ret[DIGEST_REPORT_LEN_MAX])
{
    const struct digest_list *list = &report->list;

    put_u32(ret, VERSION);
    put_u32(ret + FLAGS_AT, report->wants ? FLAG_WANTS : 0);
    put_u32(ret + COUNT_AT, (uint32_t)list->count);
    put_u32(ret + COUNT_AT + 4, 0);
    put_u64(ret + SINCE_AT, list->since);
    for (size_t i = 0; i < list->count; i++) {
        uint8_t *at = ret + HEAD_LEN + i * ITEM_LEN;

        put_u64(at, list->items[i].index);
        put_u64(at + 8, list->items[i].term);
        memcpy(at + 16, list->items[i].bytes, HASH128_LEN);
    }
    return HEAD_LEN + list->count * ITEM_LEN;
}

int digest_report_decode(struct digest_report *ret, const uint8_t *bytes,
                         size_t len)
{
    struct digest_report report = {0};
    uint64_t before;

    if (len < HEAD_LEN || len > SPACE_REPORT_LEN_MAX ||
        get_u32(bytes) < VERSION) {
        return QL_PROTOCOL;
    }
    report.wants = (get_u32(bytes + FLAGS_AT) & FLAG_WANTS) != 0;
    report.list.count = get_u32(bytes + COUNT_AT);
    report.list.since = get_u64(bytes + SINCE_AT);
    if (report.list.count > DIGESTS_KEPT ||
        len < HEAD_LEN + report.list.count * ITEM_LEN) {
        return QL_PROTOCOL;
    }
    before = report.list.since;
    for (size_t i = 0; i < report.list.count; i++) {
        const uint8_t *at = bytes + HEAD_LEN + i * ITEM_LEN;
        struct digest *item = &report.list.items[i];

        item->index = get_u64(at);
        item->term = get_u64(at + 8);
        memcpy(item->bytes, at + 16, HASH128_LEN);
        if (item->index <= before) {
            return QL_PROTOCOL;
        }
        before = item->index;
    }
    *ret = report;
    return 0;
}
