/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "cli/moment.h"

#include <ctype.h>
#include <stdbool.h>
#include <string.h>
#include <time.h>

#include "util/text.h"

#define DATE_LEN 10 /* "2026-01-02" */

static bool parse_utc(const char *text, uint64_t *ret_ms);
static bool take_number(const char **at, int digits, int *ret_number);
static bool take_char(const char **at, const char *which);
static bool take_fraction(const char **at, int *ret_ms);
static bool take_zone(const char **at, int *ret_minutes);

int moment_parse(const char *text, uint64_t now_ms, uint64_t *ret_ms,
                 struct err *err)
{
    uint64_t ago_ms;

    if (strlen(text) > DATE_LEN && text[4] == '-') {
        if (!parse_utc(text, ret_ms)) {
            return err_set(err, QL_INVALID,
                           "\"%s\" is no time such as 2026-01-02T03:04:05Z "
                           "(since 1970; Z or an offset stands behind it)",
                           text);
        }
        return 0;
    }
    if (text_duration_ms(text, &ago_ms, NULL) != 0 || ago_ms > now_ms) {
        return err_set(err, QL_INVALID,
                       "\"%s\" is neither a time such as "
                       "2026-01-02T03:04:05Z nor how long ago, such as 2h",
                       text);
    }
    *ret_ms = now_ms - ago_ms;
    return 0;
}

static bool parse_utc(const char *text, uint64_t *ret_ms)
{
    struct tm tm = {.tm_isdst = 0};
    struct tm normal;
    const char *at = text;
    int64_t seconds;
    int minutes = 0;
    int ms = 0;

    if (!take_number(&at, 4, &tm.tm_year) || !take_char(&at, "-") ||
        !take_number(&at, 2, &tm.tm_mon) || !take_char(&at, "-") ||
        !take_number(&at, 2, &tm.tm_mday) || !take_char(&at, "Tt ") ||
        !take_number(&at, 2, &tm.tm_hour) || !take_char(&at, ":") ||
        !take_number(&at, 2, &tm.tm_min) || !take_char(&at, ":") ||
        !take_number(&at, 2, &tm.tm_sec) || !take_fraction(&at, &ms) ||
        !take_zone(&at, &minutes) || *at != '\0') {
        return false;
    }
    tm.tm_year -= 1900;
    tm.tm_mon -= 1;
    /* A day that there is not would become one of the next month. */
    normal = tm;
    seconds = (int64_t)timegm(&normal);
    if (normal.tm_mon != tm.tm_mon || normal.tm_mday != tm.tm_mday ||
        normal.tm_hour != tm.tm_hour || normal.tm_min != tm.tm_min ||
        normal.tm_sec != tm.tm_sec) {
        return false;
    }
    seconds -= (int64_t)minutes * 60;
    if (seconds < 0) {
        return false;
    }
    *ret_ms = (uint64_t)seconds * 1000 + (uint64_t)ms;
    return true;
}

static bool take_number(const char **at, int digits, int *ret_number)
{
    int number = 0;

    for (int i = 0; i < digits; i++) {
        if (!isdigit((unsigned char)**at)) {
            return false;
        }
        number = number * 10 + (**at - '0');
        (*at)++;
    }
    *ret_number = number;
    return true;
}

static bool take_char(const char **at, const char *which)
{
    if (**at == '\0' || strchr(which, **at) == NULL) {
        return false;
    }
    (*at)++;
    return true;
}

/* There need be none. What is smaller than a millisecond is cut off. */
static bool take_fraction(const char **at, int *ret_ms)
{
    int weight = 100;

    if (!take_char(at, ".")) {
        return true;
    }
    if (!isdigit((unsigned char)**at)) {
        return false;
    }
    while (isdigit((unsigned char)**at)) {
        *ret_ms += (**at - '0') * weight;
        weight /= 10;
        (*at)++;
    }
    return true;
}

/* How far east of UTC. */
static bool take_zone(const char **at, int *ret_minutes)
{
    bool west = **at == '-';
    int hours;
    int minutes;

    if (take_char(at, "Zz")) {
        return true;
    }
    if (!take_char(at, "+-") || !take_number(at, 2, &hours) ||
        !take_char(at, ":") || !take_number(at, 2, &minutes) || hours > 23 ||
        minutes > 59) {
        return false;
    }
    *ret_minutes = (hours * 60 + minutes) * (west ? -1 : 1);
    return true;
}
