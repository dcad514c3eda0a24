/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "service/glob.h"

static bool match_one(struct bytes pattern, size_t at, uint8_t byte,
                      size_t *ret_next);
static size_t set_end(struct bytes pattern, size_t at);
static bool set_has(struct bytes pattern, size_t at, size_t end, uint8_t byte);

/* When what follows a '*' does not match, only the last '*' has to take one more
 * byte: an earlier one could gain nothing that the later could not. */
bool glob_match(struct bytes pattern, struct bytes text)
{
    size_t star = pattern.len; /* behind the last '*' there is @star_text */
    size_t star_text = 0;
    size_t at = 0;
    size_t i = 0;

    while (i < text.len) {
        size_t next;

        if (at < pattern.len && pattern.data[at] == '*') {
            star = at++;
            star_text = i;
        } else if (at < pattern.len &&
                   match_one(pattern, at, text.data[i], &next)) {
            at = next;
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

/* Does what stands at @at, which is no '*', match @byte? Behind it: *ret_next. */
static bool match_one(struct bytes pattern, size_t at, uint8_t byte,
                      size_t *ret_next)
{
    uint8_t first = pattern.data[at];
    size_t end;

    *ret_next = at + 1;
    if (first == '?') {
        return true;
    }
    if (first == '[') {
        end = set_end(pattern, at);
        if (end < pattern.len) {
            *ret_next = end + 1;
            return set_has(pattern, at + 1, end, byte);
        }
    }
    if (first == '\\' && at + 1 < pattern.len) {
        *ret_next = at + 2;
        return pattern.data[at + 1] == byte;
    }
    return first == byte;
}

/* Where the ']' of the set that begins at @at is, or pattern.len. One that stands
 * first belongs to the set. */
static size_t set_end(struct bytes pattern, size_t at)
{
    size_t i = at + 1;

    if (i < pattern.len && pattern.data[i] == '!') {
        i++;
    }
    if (i < pattern.len && pattern.data[i] == ']') {
        i++;
    }
    while (i < pattern.len && pattern.data[i] != ']') {
        i++;
    }
    return i;
}

static bool set_has(struct bytes pattern, size_t at, size_t end, uint8_t byte)
{
    bool negated = pattern.data[at] == '!';
    bool has = false;

    if (negated) {
        at++;
    }
    while (at < end) {
        uint8_t low = pattern.data[at];
        uint8_t high = low;

        if (at + 2 < end && pattern.data[at + 1] == '-') {
            high = pattern.data[at + 2];
            at += 2;
        }
        has = has || (low <= byte && byte <= high);
        at++;
    }
    return has != negated;
}
