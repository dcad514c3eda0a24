/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * The mark of a directory that was recovered from: a result, then a line for each
 * member that was made of it, both with a checksum of their own. It is written
 * before the first member can run, and is there whatever happens to that one.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "consensus/checked_text.h"
#include "consensus/recover_result.h"
#include "util/file.h"

#define MARK_BYTES_MAX (64u * KIB)
#define RESULT_END "crc32c = XXXXXXXX\n" /* the length counts */

static int decode_mark(struct recover_mark *ret, const struct buf *text,
                       struct err *err);
static const char *end_of_result(const struct buf *text);
static int read_made(struct recover_mark *ret, struct checked_text *text,
                     struct err *err);

int recover_mark_read(struct recover_mark *ret, const char *dir,
                      struct err *err)
{
    struct buf text = BUF_INIT;
    char path[PATH_LEN_MAX];
    int rv = path_join(path, sizeof path, dir, RECOVERED_TO_NAME, err);

    if (rv == 0) {
        rv = file_read_plain(path, MARK_BYTES_MAX, &text, err);
    }
    if (rv == 0) {
        rv = decode_mark(ret, &text, err);
        rv = rv == 0 ? 0 : err_wrap(err, "%s", path);
    }
    buf_close(&text);
    return rv;
}

int recover_mark_write(const struct recover_mark *mark, const char *dir,
                       struct err *err)
{
    struct buf text = BUF_INIT;
    struct buf made = BUF_INIT;
    char path[PATH_LEN_MAX];
    int rv = path_join(path, sizeof path, dir, RECOVERED_TO_NAME, err);

    recover_result_encode(&mark->result, &text);
    for (size_t i = 0; i < mark->count; i++) {
        checked_text_add(&made, "made", "%" PRIu64 " %s", mark->made[i].node,
                         mark->made[i].dir);
    }
    checked_text_seal(&made);
    if (rv == 0) {
        rv = buf_add(&text, made.data, made.len);
    }
    if (rv == 0) {
        rv = file_replace(path, text.data, text.len, 0600, err);
    }
    buf_close(&made);
    buf_close(&text);
    return rv;
}

int recover_mark_add(struct recover_mark *mark,
                     const struct recover_result *result, uint64_t node,
                     const char *dir, struct err *err)
{
    size_t at = 0;

    if (mark->count == 0) {
        mark->result = *result;
    }
    if (!recover_result_is_same(&mark->result, result)) {
        return err_set(err, QL_EXISTS,
                       "it was recovered from before, to cluster %s: two "
                       "clusters that go on from the same entries would each "
                       "acknowledge what the other does not have. For another "
                       "member of that cluster give the same sources and "
                       "--members",
                       mark->result.cluster);
    }
    while (at < mark->count && mark->made[at].node < node) {
        at++;
    }
    if (at < mark->count && mark->made[at].node == node) {
        return strcmp(mark->made[at].dir, dir) == 0
                   ? 0
                   : err_set(err, QL_EXISTS,
                             "node %" PRIu64 " was made of it already, in %s: "
                             "two with the same id would vote twice",
                             node, mark->made[at].dir);
    }
    if (mark->count == MEMBERS_MAX) {
        return err_set(err, QL_EXISTS, "all members were made of it already");
    }
    memmove(&mark->made[at + 1], &mark->made[at],
            (mark->count - at) * sizeof mark->made[0]);
    mark->made[at].node = node;
    (void)snprintf(mark->made[at].dir, sizeof mark->made[at].dir, "%s", dir);
    mark->count++;
    return 0;
}

int recover_mark_refuse(const char *dir, struct err *err)
{
    struct recover_mark *mark = calloc(1, sizeof *mark);
    struct err why;
    int rv;

    if (mark == NULL) {
        return err_set(err, QL_NO_MEMORY, "out of memory");
    }
    rv = recover_mark_read(mark, dir, &why);
    if (rv == 0) {
        rv = err_set(err, QL_EXISTS,
                     "%.300s was recovered from: cluster %s goes on with its "
                     "logs, and a node of the old one must not run beside it. "
                     "Run the directories that were made (%.100s)",
                     dir, mark->result.cluster,
                     mark->count == 0 ? "none yet" : mark->made[0].dir);
    } else if (rv == QL_NOT_FOUND) {
        rv = 0;
    } else {
        rv = err_set(err, QL_EXISTS,
                     "%.300s was recovered from, or may have been (%.150s): it "
                     "must not run beside a cluster that goes on with its logs",
                     dir, why.text);
    }
    free(mark);
    return rv;
}

static int decode_mark(struct recover_mark *ret, const struct buf *text,
                       struct err *err)
{
    const char *start = (const char *)text->data;
    const char *end = end_of_result(text);
    struct checked_text made;
    int rv;

    memset(ret, 0, sizeof *ret);
    if (end == NULL) {
        return err_set(err, QL_CORRUPT, "it is cut short");
    }
    rv = recover_result_decode(&ret->result, start, (size_t)(end - start), err);
    if (rv == 0) {
        rv = checked_text_open(&made, end, text->len - (size_t)(end - start),
                               err);
    }
    while (rv == 0 && checked_text_more(&made)) {
        rv = read_made(ret, &made, err);
    }
    return rv;
}

/* Behind the first line with a checksum. */
static const char *end_of_result(const struct buf *text)
{
    static const char key[] = "\ncrc32c = ";
    const char *found =
        text->len == 0 ? NULL
                       : memmem(text->data, text->len, key, sizeof key - 1);
    size_t end;

    if (found == NULL) {
        return NULL;
    }
    end =
        (size_t)(found + 1 - (const char *)text->data) + sizeof RESULT_END - 1;
    return end > text->len ? NULL : (const char *)text->data + end;
}

static int read_made(struct recover_mark *ret, struct checked_text *text,
                     struct err *err)
{
    char value[CHECKED_TEXT_LINE_MAX];
    struct recover_made *made;
    char *space;
    int rv = checked_text_next(text, "made", value, sizeof value, err);

    if (rv != 0) {
        return rv;
    }
    space = strchr(value, ' ');
    if (space == NULL || ret->count == MEMBERS_MAX) {
        return err_set(err, QL_CORRUPT, "\"%.80s\" is no member", value);
    }
    *space = '\0';
    made = &ret->made[ret->count];
    if (text_u64(value, UINT64_MAX, &made->node, NULL) != 0) {
        return err_set(err, QL_CORRUPT, "\"%.80s\" is no node", value);
    }
    (void)snprintf(made->dir, sizeof made->dir, "%s", space + 1);
    ret->count++;
    return 0;
}
