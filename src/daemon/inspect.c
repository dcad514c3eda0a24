/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "daemon/inspect.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "consensus/disk_reader.h"
#include "consensus/inspect.h"
#include "daemon/inspect_entry.h"
#include "daemon/inspect_print.h"
#include "util/file.h"
#include "util/mem.h"
#include "util/options.h"
#include "util/text.h"

#define EXIT_FAILED 1
#define EXIT_USAGE 2
#define EXIT_DAMAGED 7

struct inspect_options {
    const char *entries;
    bool values;
    bool help;
    const char *dir;
    uint64_t first; /* of what entries says */
    uint64_t last;
};

#define ROW(name, letter, kind, field, argument, help)                         \
    {                                                                          \
        name, letter, kind, offsetof(struct inspect_options, field), argument, \
            help                                                               \
    }

static const struct option_row rows[] = {
    ROW("entries", 'e', OPTION_TEXT, entries, "FROM..TO",
        "list these entries of the raft log, too (\"all\": every one)"),
    ROW("values", 0, OPTION_FLAG, values, NULL,
        "with --entries: show appended keys and values, 64 bytes of each"),
    ROW("help", 'h', OPTION_FLAG, help, NULL, "print this help"),
    {0},
};

/* To whom entries are told. */
struct lister {
    bool values;
    FILE *out;
    uint64_t next; /* 0: any */
};

static int read_options(struct inspect_options *options, struct option_set *set,
                        int argc, char **argv, struct err *err);
static int parse_entries(struct inspect_options *options, struct err *err);
static int inspect(const struct inspect_options *options, int *ret_status,
                   struct err *err);
static int lock_out(const char *dir, int *ret_lock, struct err *err);
static int inspect_open(const struct inspect_options *options,
                        struct inspection *inspection, struct disk *disk,
                        struct err *err);
static int open_chunks(const char *dir, struct disk_reader **ret_chunks,
                       struct disk_reader **ret_aside, struct err *err);
static int open_if_there(const char *dir, const char *name,
                         struct disk_reader **ret_reader, struct err *err);
static int list_entries(const struct inspect_options *options,
                        const struct inspection *inspection, struct disk *disk,
                        struct err *err);
static int lister_entry(void *data, const struct inspect_entry *entry);

int inspect_main(int argc, char **argv)
{
    struct inspect_options options = {0};
    struct option_set *set = option_set_new(rows, &options, "QUORLOGD_");
    int status = EXIT_FAILED;
    struct err err = {0};
    int rv;

    if (set == NULL) {
        fprintf(stderr, "quorlogd inspect: out of memory\n");
        return EXIT_FAILED;
    }
    rv = read_options(&options, set, argc, argv, &err);
    if (rv == 0 && options.help) {
        printf("usage: quorlogd inspect [options] DIR\n\n"
               "Shows what is in the data directory of a node that does not "
               "run, and what is wrong\nwith it. Changes nothing. Exits with "
               "7 when something is damaged.\n\n");
        option_set_print_help(set, stdout);
        status = 0;
        goto free_set;
    }
    if (rv != 0) {
        status = EXIT_USAGE;
    } else {
        rv = inspect(&options, &status, &err);
    }
    if (rv == 0 && (fflush(stdout) != 0 || ferror(stdout))) {
        rv = err_set(&err, QL_IO, "standard output takes no more");
        status = EXIT_FAILED;
    }
    if (rv != 0) {
        fprintf(stderr, "quorlogd inspect: %s\n", err.text);
    }

free_set:
    option_set_free(set);
    return status;
}

static int read_options(struct inspect_options *options, struct option_set *set,
                        int argc, char **argv, struct err *err)
{
    int words = 0;
    int rv = option_set_arguments(set, argc, argv, false, &words, err);

    if (rv != 0 || options->help) {
        return rv;
    }
    if (words != 1) {
        return err_set(err, QL_INVALID,
                       "name one data directory: quorlogd inspect DIR");
    }
    options->dir = argv[0];
    if (options->values && options->entries == NULL) {
        return err_set(err, QL_INVALID, "--values goes with --entries");
    }
    return options->entries == NULL ? 0 : parse_entries(options, err);
}

/* "all", "N", "N..", "..N", "N..N" */
static int parse_entries(struct inspect_options *options, struct err *err)
{
    const char *text = options->entries;
    const char *dots = strstr(text, "..");
    char from[24] = "";
    const char *to = dots == NULL ? text : dots + 2;
    size_t len = dots == NULL ? strlen(text) : (size_t)(dots - text);
    uint64_t first = 1;
    uint64_t last = UINT64_MAX;
    int rv = 0;

    if (strcmp(text, "all") != 0) {
        if (len >= sizeof from || (len == 0 && *to == '\0')) {
            return err_set(err, QL_INVALID, "--entries '%.60s': use FROM..TO",
                           text);
        }
        memcpy(from, text, len);
        if (len > 0) {
            rv = text_u64(from, UINT64_MAX, &first, err);
        }
        if (rv == 0 && *to != '\0') {
            rv = text_u64(to, UINT64_MAX, &last, err);
        }
    }
    if (rv == 0 && first > last) {
        rv = err_set(err, QL_INVALID, "the first is behind the last");
    }
    options->first = first;
    options->last = last;
    return rv == 0 ? 0 : err_wrap(err, "--entries");
}

static int inspect(const struct inspect_options *options, int *ret_status,
                   struct err *err)
{
    struct inspection *inspection = mem_must_zalloc(sizeof *inspection);
    struct disk_reader *reader = NULL;
    char raft[PATH_LEN_MAX];
    int lock = -1;
    int rv = path_join(raft, sizeof raft, options->dir, RAFT_DIR_NAME, err);

    if (rv == 0) {
        rv = disk_reader_open(&reader, raft, err);
        rv = rv == 0 ? 0
                     : err_wrap(err, "%s is no data directory of a node",
                                options->dir);
    }
    if (rv == 0) {
        rv = lock_out(options->dir, &lock, err);
    }
    if (rv == 0) {
        rv = inspect_open(options, inspection, disk_reader_disk(reader), err);
    }
    if (rv == 0) {
        printf("directory\n  %s\n", options->dir);
        inspect_print(inspection, stdout);
        if (options->entries != NULL) {
            rv = list_entries(options, inspection, disk_reader_disk(reader),
                              err);
        }
    }
    if (rv == 0) {
        inspect_print_findings(inspection, stdout);
        *ret_status =
            inspect_weight(inspection) == INSPECT_NOTE ? 0 : EXIT_DAMAGED;
    }
    inspect_close(inspection);
    free(inspection);
    disk_reader_close(reader);
    if (lock >= 0) {
        (void)close(lock);
    }
    return rv;
}

/* Holds the directory for as long as it is read. A copy of a directory may have
 * come without the file, and some file systems lock nothing. */
static int lock_out(const char *dir, int *ret_lock, struct err *err)
{
    char path[PATH_LEN_MAX];
    struct err why;
    int rv = path_join(path, sizeof path, dir, DIR_LOCK_NAME, err);

    if (rv != 0) {
        return rv;
    }
    rv = file_lock_shared(path, ret_lock, &why);
    if (rv == QL_BUSY) {
        return err_set(err, QL_BUSY,
                       "%s is in use (%s): stop its node first, what is read "
                       "while it writes says nothing",
                       dir, why.text);
    }
    if (rv != 0) {
        fprintf(stderr,
                "quorlogd inspect: cannot tell whether a node uses %s (%s): if "
                "one does, do not believe what follows\n",
                dir, why.text);
    }
    return 0;
}

static int inspect_open(const struct inspect_options *options,
                        struct inspection *inspection, struct disk *disk,
                        struct err *err)
{
    struct disk_reader *chunks = NULL;
    struct disk_reader *aside = NULL;
    int rv;

    inspection->identity_code = identity_read(
        &inspection->identity, options->dir, &inspection->identity_err);
    rv = inspect_raft(inspection, disk, err);
    if (rv == 0) {
        rv = open_chunks(options->dir, &chunks, &aside, err);
    }
    if (rv == 0) {
        rv = inspect_chunks(
            inspection, disk, chunks == NULL ? NULL : disk_reader_disk(chunks),
            aside == NULL ? NULL : disk_reader_disk(aside), err);
    }
    disk_reader_close(chunks);
    disk_reader_close(aside);
    return rv;
}

static int open_chunks(const char *dir, struct disk_reader **ret_chunks,
                       struct disk_reader **ret_aside, struct err *err)
{
    int rv = open_if_there(dir, CHUNKS_DIR_NAME, ret_chunks, err);

    if (rv == 0) {
        rv = open_if_there(dir, CHUNKS_DIR_NAME "/" QUARANTINE_DIR_NAME,
                           ret_aside, err);
    }
    return rv;
}

static int open_if_there(const char *dir, const char *name,
                         struct disk_reader **ret_reader, struct err *err)
{
    char path[PATH_LEN_MAX];
    int rv = path_join(path, sizeof path, dir, name, err);

    if (rv == 0) {
        rv = disk_reader_open(ret_reader, path, err);
    }
    return rv == QL_NOT_FOUND ? 0 : rv;
}

static int list_entries(const struct inspect_options *options,
                        const struct inspection *inspection, struct disk *disk,
                        struct err *err)
{
    struct lister lister = {options->values, stdout, 0};
    bool exact = true;
    int rv;

    printf("entries\n");
    rv = inspect_entries(inspection, disk, options->first, options->last,
                         lister_entry, &lister, &exact, err);
    if (!exact) {
        printf("  (with some that were truncated later: there are too many "
               "truncations to tell)\n");
    }
    return rv;
}

static int lister_entry(void *data, const struct inspect_entry *entry)
{
    struct lister *lister = data;

    if (lister->next != 0 && entry->index > lister->next) {
        fputs("  (here some cannot be read)\n", lister->out);
    }
    lister->next = entry->index + 1;
    inspect_entry_print(entry, lister->values, lister->out);
    return ferror(lister->out) ? QL_IO : 0;
}
