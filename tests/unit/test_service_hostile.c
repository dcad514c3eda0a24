/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* Requests of every method with some of their bytes changed, cut or repeated:
 * whatever gets past the scan is answered or ends its connection, and the
 * service goes on. */
#include <stdlib.h>
#include <string.h>

#include "service/service.h"
#include "support/cmocka.h"
#include "support/dice.h"
#include "support/notation.h"
#include "support/recorder.h"
#include "util/limits.h"
#include "wire/scan.h"

#define ROUNDS 20000u
#define CHANGES_MAX 4u

static const char *const requests[] = {
    "[0, 1, 'server.hello', [{'name': 'x', 'protocol': 1}]]",
    "[0, 2, 'log.create', [{'log': 'a', 'token': 3, "
    "'retention': {'entries': 5, 'bytes': 6, 'age_ms': 7}}]]",
    "[0, 3, 'log.configure', [{'log': 'a', 'retention': {'entries': 1000}}]]",
    "[0, 4, 'log.append', [{'appends': [{'log': 'a', 'entries': "
    "[b'v', [b'k', b'v']], 'expect_position': 1, 'epoch': 1}], "
    "'producer': 1, 'sequence': 1}]]",
    "[0, 5, 'log.append', [{'appends': [{'log': 'a', 'entries': [b'v']}]}]]",
    "[0, 6, 'log.read', [{'log': 'a', 'from': 1, 'to': 9, 'entries_max': 3, "
    "'bytes_max': 99, 'stale': true}]]",
    "[0, 7, 'log.follow', [{'log': 'a', 'from': 1, 'credit': 100}]]",
    "[2, 'log.credit', [{'follow': 1, 'bytes': 100}]]",
    "[0, 8, 'log.unfollow', [{'follow': 1}]]",
    "[0, 9, 'log.list', [{'prefix': 'a', 'after': 'a', 'max': 2}]]",
    "[0, 10, 'log.stat', [{'log': 'a'}]]",
    "[0, 11, 'log.trim', [{'log': 'a', 'before': 2}]]",
    "[0, 12, 'producer.open', [{}]]",
    "[0, 13, 'producer.close', [{'producer': 1}]]",
    "[0, 14, 'append.status', [{'producer': 1, 'sequence': 1}]]",
    "[0, 15, 'writer.acquire', [{'log': 'a', 'name': 'w'}]]",
    "[0, 16, 'writer.release', [{'log': 'a', 'epoch': 1}]]",
    "[0, 17, 'cluster.status', [{}]]",
    "[0, 18, 'cluster.transfer', [{'to': 2}]]",
    "[0, 19, 'cluster.confirm_clock', []]",
    "[0, 20, 'log.delete', [{'log': 'a'}]]",
    "[0, 21, 'cluster.freeze', [{'reason': 'r', 'by': 'b'}]]",
    "[0, 22, 'cluster.thaw', [{}]]",
};
#define REQUESTS (sizeof(requests) / sizeof(requests[0]))

/* Bytes that begin something in MessagePack, or bound it. */
static const uint8_t telling[] = {0x00, 0x01, 0x7f, 0x80, 0x8f, 0x90, 0x9f,
                                  0xa0, 0xbf, 0xc0, 0xc4, 0xc6, 0xcf, 0xd3,
                                  0xd9, 0xdb, 0xdd, 0xdf, 0xe0, 0xff};

static void change(struct buf *message, struct dice *dice)
{
    uint64_t changes = dice_roll(dice, CHANGES_MAX + 1);

    while (changes-- > 0 && message->len > 0) {
        size_t at = (size_t)dice_roll(dice, message->len);

        switch (dice_roll(dice, 4)) {
        case 0:
            message->data[at] = (uint8_t)dice_roll(dice, 256);
            break;
        case 1:
            message->data[at] = telling[dice_roll(dice, sizeof(telling))];
            break;
        case 2:
            message->data[at] ^= (uint8_t)(1u << dice_roll(dice, 8));
            break;
        default:
            memmove(message->data + at, message->data + at + 1,
                    message->len - at - 1);
            message->len--;
            break;
        }
    }
}

/* As a session does; a refused message ends the connection. */
static void deliver(struct recorder *recorder, struct buf *message)
{
    struct rig *rig = recorder->rig;
    struct scan scan;
    struct err err;

    scan_init(&scan, REQUEST_BYTES_MAX);
    if (scan_feed(&scan, message->data, message->len, &err) == 0 && scan.done &&
        service_handle(rig->service, &recorder->channel, message->data, scan.at,
                       &err) == 0) {
        rig_settle(rig);
        while (recorder->count > 0) {
            recorder_next(recorder);
        }
        assert_int_equal(recorder->channel.calls_count, 0);
        return;
    }
    recorder_close(recorder);
    recorder_open(recorder, rig, true);
}

static void changed_requests_do_no_harm(void **state)
{
    struct rig rig;
    struct recorder recorder;
    struct dice dice = {1};
    unsigned round;

    (void)state;
    rig_open(&rig);
    recorder_open(&recorder, &rig, true);
    for (round = 0; round < ROUNDS; round++) {
        struct buf message = BUF_INIT;
        struct buf exact = BUF_INIT;

        notation_pack(&message, requests[dice_roll(&dice, REQUESTS)]);
        change(&message, &dice);
        /* Memory that ends where the message ends, so that a read behind it is
         * seen. */
        exact.data = malloc(message.len == 0 ? 1 : message.len);
        assert_non_null(exact.data);
        memcpy(exact.data, message.data, message.len);
        exact.len = message.len;
        if (exact.len > 0) {
            deliver(&recorder, &exact);
        }
        buf_close(&exact);
        buf_close(&message);
    }
    recorder_close(&recorder);
    rig_close(&rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(changed_requests_do_no_harm),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
