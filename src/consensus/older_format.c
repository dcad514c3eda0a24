/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "consensus/older_format.h"

#include <dirent.h>
#include <string.h>
#include <unistd.h>

#include "consensus/identity.h"
#include "util/file.h"

#define DIGITS "0123456789"
#define SEGMENT_DIGITS 16u

static bool is_older(const char *dir);

/* metadata1 and metadata2, open-N, and closed segments: two indexes of 16
 * digits. Its snapshots need the metadata. */
bool older_format_has_name(const char *name)
{
    const char *end = name + SEGMENT_DIGITS;

    if (strcmp(name, "metadata1") == 0 || strcmp(name, "metadata2") == 0) {
        return true;
    }
    if (strncmp(name, "open-", 5) == 0) {
        return name[5] != '\0' && name[5 + strspn(name + 5, DIGITS)] == '\0';
    }
    return strspn(name, DIGITS) == SEGMENT_DIGITS && *end == '-' &&
           strspn(end + 1, DIGITS) == SEGMENT_DIGITS &&
           end[1 + SEGMENT_DIGITS] == '\0';
}

int older_format_refuse(const char *dir, struct err *err)
{
    char init[PATH_LEN_MAX];
    char raft[PATH_LEN_MAX];

    /* The rest of an init that was cut off was never a node. */
    if (path_join(init, sizeof init, dir, "init", err) == 0 &&
        access(init, F_OK) == 0) {
        return 0;
    }
    if (is_older(dir)) {
        return older_format_error(dir, err);
    }
    if (path_join(raft, sizeof raft, dir, RAFT_DIR_NAME, err) == 0 &&
        is_older(raft)) {
        return older_format_error(raft, err);
    }
    return 0;
}

int older_format_error(const char *where, struct err *err)
{
    return err_set(err, QL_INVALID,
                   "%s holds the raft log of a quorlog from before 0.1, in "
                   "another format, which this version cannot read; nothing "
                   "was changed. To keep what is in it, run the older version "
                   "there, read the logs out with its `quorlog log read`, and "
                   "append them to a new cluster, made by `quorlogd init` in "
                   "another directory",
                   where);
}

static bool is_older(const char *dir)
{
    DIR *stream = opendir(dir);
    struct dirent *entry;
    bool older = false;
    bool ours = false;

    if (stream == NULL) {
        return false;
    }
    while ((entry = readdir(stream)) != NULL) {
        older = older || older_format_has_name(entry->d_name);
        /* In raft/, and beside it. */
        ours = ours || strcmp(entry->d_name, "vote") == 0 ||
               strcmp(entry->d_name, "identity") == 0;
    }
    (void)closedir(stream);
    return older && !ours;
}
