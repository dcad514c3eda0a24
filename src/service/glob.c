/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "service/glob.h"

/* When what follows a '*' does not match, only the last '*' has to take one more
 * byte: an earlier one could gain nothing that the later could not. */
bool glob_match(struct bytes pattern, struct bytes text)
{
    size_t star = pattern.len; /* behind the last '*' there is @star_text */
    size_t star_text = 0;
    size_t at = 0;
    size_t i = 0;

    while (i < text.len) {
        if (at < pattern.len && pattern.data[at] == '*') {
            star = at++;
            star_text = i;
        } else if (at < pattern.len && (pattern.data[at] == '?' ||
                                        pattern.data[at] == text.data[i])) {
            at++;
            i++;
        } else if (star < pattern.len) {
            at = star + 1;
            i = ++star_text;
        } else {
            return false;
        }
    }
    while (at < pattern.len && pattern.data[at] == '*') {
        at++;
    }
    return at == pattern.len;
}
