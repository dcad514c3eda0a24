/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "util/random.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "util/diag.h"
#include "util/text.h"

void random_bytes(void *ret_bytes, size_t len)
{
    uint8_t *at = ret_bytes;

    while (len > 0) {
        ssize_t got = getrandom(at, len, 0);

        if (got < 0) {
            if (errno == EINTR) {
                continue;
            }
            diag_die(EXIT_FAILURE, "getrandom: %s", strerror(errno));
        }
        at += got;
        len -= (size_t)got;
    }
}

uint64_t random_u64(void)
{
    uint64_t value;

    random_bytes(&value, sizeof value);
    return value;
}

void random_uuid(char ret_text[ID_TEXT_LEN + 1])
{
    uint8_t bytes[16];
    char hex[2 * sizeof bytes + 1];
    char *out = ret_text;

    random_bytes(bytes, sizeof bytes);
    bytes[6] = (uint8_t)((bytes[6] & 0x0f) | 0x40); /* version 4 */
    bytes[8] = (uint8_t)((bytes[8] & 0x3f) | 0x80); /* the RFC's variant */
    text_hex(bytes, sizeof bytes, hex, sizeof hex);
    for (size_t i = 0; i < 2 * sizeof bytes; i++) {
        if (i == 8 || i == 12 || i == 16 || i == 20) {
            *out++ = '-';
        }
        *out++ = hex[i];
    }
    *out = '\0';
}
