/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "scale_data.h"

#include <string.h>

#include "util/splitmix64.h"

/* What differs from piece to piece, then words that all have. With what LZ4
 * says about each piece that comes to a half. */
#define PIECE_RANDOM 32u
#define PIECE_WORDS 50u

static const char words[] =
    "{\"user\": \"reader\", \"level\": \"info\", \"message\": \"the page was "
    "shown\", \"host\": \"www.example.org\", \"status\": 200, \"method\": "
    "\"GET\", \"agent\": \"a browser of some kind\", \"took_ms\": ";

void scale_data_fill(struct scale_data *data, void *ret_value, size_t len)
{
    uint8_t *value = ret_value;
    size_t at = 0;

    while (at < len) {
        uint64_t random[PIECE_RANDOM / 8];
        size_t count = len - at < sizeof random ? len - at : sizeof random;
        size_t from;

        for (size_t i = 0; i < PIECE_RANDOM / 8; i++) {
            random[i] = splitmix64(&data->random);
        }
        memcpy(value + at, random, count);
        at += count;
        from = random[0] % (sizeof words - PIECE_WORDS);
        count = len - at < PIECE_WORDS ? len - at : PIECE_WORDS;
        memcpy(value + at, words + from, count);
        at += count;
    }
}
