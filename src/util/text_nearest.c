/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include <string.h>

#include "util/text.h"

/* Longer words are no slips of the finger, and the table stays on the stack. */
#define NEAREST_LEN_MAX 64

/* Inserted, deleted, changed and swapped neighbours each count one: the
 * "optimal string alignment" distance (Damerau, CACM 7:3, 1964). */
static size_t edit_distance(const char *a, size_t a_len, const char *b,
                            size_t b_len)
{
    size_t table[NEAREST_LEN_MAX + 1][NEAREST_LEN_MAX + 1];

    for (size_t i = 0; i <= a_len; i++) {
        table[i][0] = i;
    }
    for (size_t j = 0; j <= b_len; j++) {
        table[0][j] = j;
    }
    for (size_t i = 1; i <= a_len; i++) {
        for (size_t j = 1; j <= b_len; j++) {
            size_t best = table[i - 1][j - 1] + (a[i - 1] != b[j - 1]);

            if (table[i - 1][j] + 1 < best) {
                best = table[i - 1][j] + 1;
            }
            if (table[i][j - 1] + 1 < best) {
                best = table[i][j - 1] + 1;
            }
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] &&
                a[i - 2] == b[j - 1] && table[i - 2][j - 2] + 1 < best) {
                best = table[i - 2][j - 2] + 1;
            }
            table[i][j] = best;
        }
    }
    return table[a_len][b_len];
}

const char *text_nearest(const char *text, const char *const *names)
{
    size_t len = strlen(text);
    size_t nearest_distance = 1 + len / 4; /* more is another word */
    const char *nearest = NULL;

    if (len < 2 || len > NEAREST_LEN_MAX) {
        return NULL;
    }
    for (; *names != NULL; names++) {
        size_t name_len = strlen(*names);
        size_t distance;

        if (name_len > NEAREST_LEN_MAX) {
            continue;
        }
        distance = edit_distance(text, len, *names, name_len);
        if (distance < nearest_distance ||
            (distance == nearest_distance && nearest == NULL)) {
            nearest = *names;
            nearest_distance = distance;
        }
    }
    return nearest;
}
