/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "consensus/mend.h"

#include <inttypes.h>
#include <string.h>

#include "consensus/checked_text.h"
#include "util/diag.h"
#include "util/file.h"
#include "util/text.h"

#define NAME "mend"
#define LEN_MAX (4u * KIB)
#define FORMAT_KEY "quorlog-mend"
#define FORMAT_VERSION "1"

static const char *const stages[] = {
    [MEND_GOOD] = "good",
    [MEND_RESTARTED] = "restarted",
    [MEND_REBUILT] = "rebuilt",
};
#define STAGES (sizeof(stages) / sizeof(stages[0]))

static size_t recent_attempts(const struct mend *mend, uint64_t now_ms);
static int decode(struct mend *ret, const struct buf *text, struct err *err);
static int next_number(struct checked_text *lines, const char *key,
                       uint64_t *ret, struct err *err);

enum mend_step mend_judge(const struct mend *mend,
                          const struct digest_verdict *verdict, uint64_t now_ms)
{
    if (mend->stage != MEND_GOOD && verdict->index < mend->index) {
        return MEND_NOTHING;
    }
    switch (verdict->finding) {
    case DIGEST_AGREED:
    case DIGEST_OTHER_ODD:
        return mend->stage == MEND_GOOD ? MEND_NOTHING : MEND_CURED;
    case DIGEST_ODD:
        if (recent_attempts(mend, now_ms) >= REBUILDS_MAX) {
            return MEND_GIVEN_UP;
        }
        return mend->stage == MEND_GOOD ? MEND_RESTART : MEND_REBUILD;
    case DIGEST_UNKNOWN:
    case DIGEST_UNDECIDED:
    case DIGEST_SPLIT:
        break;
    }
    return MEND_NOTHING;
}

void mend_cured(struct mend *mend)
{
    mend->stage = MEND_GOOD;
    mend->index = 0;
}

void mend_attempt(struct mend *mend, enum mend_stage stage, uint64_t index,
                  uint64_t now_ms)
{
    mend->stage = stage;
    mend->index = index;
    mend->attempts++;
    if (mend->times_count == REBUILDS_MAX) {
        mend->times_count--;
        memmove(mend->times_ms, mend->times_ms + 1,
                mend->times_count * sizeof(*mend->times_ms));
    }
    mend->times_ms[mend->times_count++] = now_ms;
}

/* A clock that was set back makes an attempt no older. */
static size_t recent_attempts(const struct mend *mend, uint64_t now_ms)
{
    size_t count = 0;

    for (size_t i = 0; i < mend->times_count; i++) {
        if (mend->times_ms[i] > now_ms ||
            now_ms - mend->times_ms[i] < REBUILD_WINDOW_MS) {
            count++;
        }
    }
    return count;
}

/* ---- The file ---- */

int mend_load(struct mend *ret, const char *dir, struct err *err)
{
    char path[PATH_LEN_MAX];
    struct buf text = BUF_INIT;
    int rv = path_join(path, sizeof path, dir, NAME, err);

    *ret = (struct mend){.stage = MEND_GOOD};
    if (rv != 0) {
        return rv;
    }
    rv = file_read(path, LEN_MAX, &text, err);
    if (rv == 0) {
        rv = decode(ret, &text, err);
    }
    buf_close(&text);
    if (rv == QL_CORRUPT || rv == QL_TOO_LARGE) {
        diag_warning("%s: %s: this node has to show that its state is that of "
                     "the others before it serves",
                     path, err->text);
        *ret = (struct mend){.stage = MEND_RESTARTED};
        return 0;
    }
    return rv == QL_NOT_FOUND ? 0 : rv;
}

int mend_store(const struct mend *mend, const char *dir, struct err *err)
{
    char path[PATH_LEN_MAX];
    struct buf text = BUF_INIT;
    int rv = path_join(path, sizeof path, dir, NAME, err);

    if (rv != 0) {
        return rv;
    }
    checked_text_add(&text, FORMAT_KEY, "%s", FORMAT_VERSION);
    checked_text_add(&text, "stage", "%s", stages[mend->stage]);
    checked_text_add(&text, "index", "%" PRIu64, mend->index);
    checked_text_add(&text, "attempts", "%" PRIu64, mend->attempts);
    for (size_t i = 0; i < mend->times_count; i++) {
        checked_text_add(&text, "attempt", "%" PRIu64, mend->times_ms[i]);
    }
    checked_text_seal(&text);
    rv = file_replace(path, text.data, text.len, 0600, err);
    buf_close(&text);
    return rv;
}

static int decode(struct mend *ret, const struct buf *text, struct err *err)
{
    char value[CHECKED_TEXT_LINE_MAX];
    struct mend mend = {.stage = STAGES};
    struct checked_text lines;
    int rv = checked_text_open(&lines, text->data, text->len, err);

    rv = rv != 0
             ? rv
             : checked_text_next(&lines, FORMAT_KEY, value, sizeof value, err);
    if (rv == 0 && strcmp(value, FORMAT_VERSION) != 0) {
        rv = err_set(err, QL_CORRUPT, "format %s is not known", value);
    }
    rv = rv != 0 ? rv
                 : checked_text_next(&lines, "stage", value, sizeof value, err);
    for (size_t i = 0; rv == 0 && i < STAGES; i++) {
        if (strcmp(value, stages[i]) == 0) {
            mend.stage = (enum mend_stage)i;
        }
    }
    if (rv == 0 && mend.stage == STAGES) {
        rv = err_set(err, QL_CORRUPT, "stage %s is not known", value);
    }
    rv = rv != 0 ? rv : next_number(&lines, "index", &mend.index, err);
    rv = rv != 0 ? rv : next_number(&lines, "attempts", &mend.attempts, err);
    while (rv == 0 && checked_text_more(&lines)) {
        if (mend.times_count == REBUILDS_MAX) {
            return err_set(err, QL_CORRUPT, "it tells of too many attempts");
        }
        rv = next_number(&lines, "attempt", &mend.times_ms[mend.times_count],
                         err);
        mend.times_count++;
    }
    if (rv == 0) {
        *ret = mend;
    }
    return rv;
}

static int next_number(struct checked_text *lines, const char *key,
                       uint64_t *ret, struct err *err)
{
    char value[CHECKED_TEXT_LINE_MAX];
    int rv = checked_text_next(lines, key, value, sizeof value, err);

    if (rv == 0 && text_u64(value, UINT64_MAX, ret, NULL) != 0) {
        rv = err_set(err, QL_CORRUPT, "the line \"%s\" is malformed", key);
    }
    return rv;
}
