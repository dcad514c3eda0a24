/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "wire/append_number.h"

#include <string.h>

#include "quorlog.h"

/* The first bytes of the map: its head, then both fields with an integer of 64
 * bits each. What stands for the integers is not compared. */
#define NUMBER_LEN 8
static const uint8_t head[] = "\x83\xa8producer\xcf";
static const uint8_t between[] = "\xa8sequence\xcf";
#define HEAD_LEN (sizeof(head) - 1)
#define BETWEEN_LEN (sizeof(between) - 1)

static void put_big_endian(uint8_t *at, uint64_t value);

int append_number_set(uint8_t *params, size_t len, uint64_t producer,
                      uint64_t sequence)
{
    uint8_t *second = params + HEAD_LEN + NUMBER_LEN;

    if (len < HEAD_LEN + BETWEEN_LEN + 2 * (size_t)NUMBER_LEN ||
        memcmp(params, head, HEAD_LEN) != 0 ||
        memcmp(second, between, BETWEEN_LEN) != 0) {
        return QL_INVALID;
    }
    put_big_endian(params + HEAD_LEN, producer);
    put_big_endian(second + BETWEEN_LEN, sequence);
    return 0;
}

static void put_big_endian(uint8_t *at, uint64_t value)
{
    int i;

    for (i = NUMBER_LEN - 1; i >= 0; i--) {
        at[i] = (uint8_t)value;
        value >>= 8;
    }
}
