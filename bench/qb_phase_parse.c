/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "qb_phase_parse.h"

#include <stdio.h>
#include <string.h>

#include "util/limits.h"
#include "util/text.h"

#define WORD_MAX 32u

static const struct kind_row {
    const char *name;
    bool needs_own;
    bool lasts; /* and takes "=TIME" */
    bool has_node;
} kinds[QB_PHASE_KINDS] = {
    {"kill-leader", true, true, false}, {"pause-leader", true, true, false},
    {"snapshot", false, false, false},  {"backup", false, false, false},
    {"slow-disk", true, true, true},
};

static int take_word(const char **at, char end, char ret[WORD_MAX],
                     struct err *err);
static int find_kind(const char *name, enum qb_phase_kind *ret,
                     struct err *err);
static int parse_disk(struct qb_phase *phase, const char **at, struct err *err);
static int parse_time(const char *text, uint64_t *ret_ms, struct err *err);

const char *qb_phase_name(enum qb_phase_kind kind)
{
    return kinds[kind].name;
}

bool qb_phase_needs_own(enum qb_phase_kind kind)
{
    return kinds[kind].needs_own;
}

int qb_phase_parse(struct qb_phase *ret, const char *text, struct err *err)
{
    struct qb_phase phase = {.lasts_ms = 0};
    const char *at = text;
    char word[WORD_MAX];
    int rv;

    rv = take_word(&at, ':', word, err);
    if (rv == 0 && at == NULL) {
        rv = err_set(err, QL_INVALID, "it is AT:WHAT, as in 2s:kill-leader");
    }
    if (rv == 0) {
        rv = text_duration_ms(word, &phase.at_ms, err);
    }
    if (rv == 0) {
        rv = take_word(&at, '=', word, err);
    }
    if (rv == 0) {
        rv = find_kind(word, &phase.kind, err);
    }
    if (rv == 0 && kinds[phase.kind].lasts) {
        phase.lasts_ms = QB_PHASE_LASTS_MS;
    }
    if (rv == 0 && kinds[phase.kind].has_node) {
        rv = parse_disk(&phase, &at, err);
    }
    if (rv == 0 && at != NULL) {
        rv = kinds[phase.kind].lasts
                 ? parse_time(at, &phase.lasts_ms, err)
                 : err_set(err, QL_INVALID, "%s takes nothing behind '='",
                           kinds[phase.kind].name);
    }
    if (rv != 0) {
        (void)err_wrap(err, "--phase %s", text);
        return rv;
    }
    *ret = phase;
    return 0;
}

/* What is before the next @end; *at goes behind that, or becomes NULL where there
 * is none. */
static int take_word(const char **at, char end, char ret[WORD_MAX],
                     struct err *err)
{
    const char *found = strchr(*at, end);
    size_t len = found != NULL ? (size_t)(found - *at) : strlen(*at);

    if (len == 0 || len >= WORD_MAX) {
        return err_set(err, QL_INVALID,
                       "it is AT:WHAT, as in 2s:kill-leader or "
                       "2s:slow-disk=1:20ms");
    }
    memcpy(ret, *at, len);
    ret[len] = '\0';
    *at = found != NULL ? found + 1 : NULL;
    return 0;
}

static int find_kind(const char *name, enum qb_phase_kind *ret, struct err *err)
{
    const char *names[QB_PHASE_KINDS + 1] = {NULL};
    const char *nearest;

    for (size_t i = 0; i < QB_PHASE_KINDS; i++) {
        names[i] = kinds[i].name;
        if (strcmp(name, names[i]) == 0) {
            *ret = (enum qb_phase_kind)i;
            return 0;
        }
    }
    nearest = text_nearest(name, names);
    return err_set(err, QL_INVALID,
                   "no phase is called %s%s%s; there are kill-leader, "
                   "pause-leader, snapshot, backup and slow-disk",
                   name, nearest != NULL ? ": did you mean " : "",
                   nearest != NULL ? nearest : "");
}

/* NODE:DELAY, and the time it lasts stays in *at. */
static int parse_disk(struct qb_phase *phase, const char **at, struct err *err)
{
    char word[WORD_MAX];
    uint64_t node = 0;
    int rv;

    if (*at == NULL || strchr(*at, ':') == NULL) {
        return err_set(err, QL_INVALID, "it is slow-disk=NODE:DELAY");
    }
    rv = take_word(at, ':', word, err);
    if (rv == 0 && strcmp(word, "leader") != 0) {
        rv = text_u64(word, MEMBERS_MAX, &node, err);
        if (rv == 0 && node == 0) {
            rv = err_set(err, QL_INVALID, "nodes are numbered from 1");
        }
    }
    if (rv == 0) {
        rv = take_word(at, ':', word, err);
    }
    if (rv == 0) {
        rv = parse_time(word, &phase->delay_ms, err);
    }
    phase->node = (unsigned)node;
    return rv;
}

static int parse_time(const char *text, uint64_t *ret_ms, struct err *err)
{
    int rv = text_duration_ms(text, ret_ms, err);

    if (rv == 0 && *ret_ms == 0) {
        rv = err_set(err, QL_INVALID, "a time of 0 is none");
    }
    return rv;
}
