/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "scale_main.h"

#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "scale_process.h"

#define BYTES_MOST (10240ull * MIB)
#define BYTES_LESS (2048ull * MIB)
#define DISK_SPARE (10240ull * MIB) /* left to others */
#define OTHER_BYTES (8192ull * MIB) /* raft logs, and what the rest appends */
#define ENTRY_LEN_MIN 64u
#define ENTRY_LEN_MAX 65536u

static pid_t worker;

static uint64_t parse_size(const char *text)
{
    char *end;
    uint64_t size = strtoull(text, &end, 10);

    switch (*end) {
    case 'K':
        return size * KIB;
    case 'M':
        return size * MIB;
    case 'G':
        return size * 1024 * MIB;
    default:
        return size;
    }
}

/* Beside the directory of this program. */
static const char *find_daemon(void)
{
    static char path[PATH_LEN_MAX];
    ssize_t len = readlink("/proc/self/exe", path, sizeof path - 16);
    char *at;

    path[len < 0 ? 0 : len] = '\0';
    at = strstr(path, "/bench/");
    if (at == NULL) {
        scale_fail("where is quorlogd? --daemon says it");
    }
    (void)strcpy(at, "/quorlogd");
    return path;
}

/* Each node may have all entries once as they are: what is compressed and what
 * waits to be thrown away. */
static uint64_t disk_wanted(uint64_t bytes)
{
    return SCALE_NODES * bytes + OTHER_BYTES + DISK_SPARE;
}

static void choose_bytes(struct scale_options *options)
{
    uint64_t room = scale_disk_free(options->dir);

    if (options->bytes == 0) {
        options->bytes =
            room >= disk_wanted(BYTES_MOST) ? BYTES_MOST : BYTES_LESS;
        (void)fprintf(stderr, "%llu GiB are free: %llu GiB of entries\n",
                      (unsigned long long)(room / MIB / 1024),
                      (unsigned long long)(options->bytes / MIB / 1024));
    }
    if (room < disk_wanted(options->bytes)) {
        scale_fail("%s has %llu MiB free, %llu MiB are wanted", options->dir,
                   (unsigned long long)(room / MIB),
                   (unsigned long long)(disk_wanted(options->bytes) / MIB));
    }
}

static void on_signal(int number)
{
    (void)kill(worker, number);
}

/* The run is a process of its own, so that its directory is removed however it
 * ends. */
static int run_and_remove(struct scale *scale, scale_run_fn *run)
{
    int status = 1;

    (void)fflush(stdout);
    worker = fork();
    if (worker == 0) {
        (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
        (void)signal(SIGPIPE, SIG_IGN);
        run(scale);
        exit(0);
    }
    (void)signal(SIGINT, on_signal);
    (void)signal(SIGTERM, on_signal);
    while (worker > 0 && waitpid(worker, &status, 0) != worker) {
    }
    if (scale->options.keep) {
        (void)fprintf(stderr, "left behind: %s\n", scale->options.dir);
    } else {
        scale_dir_remove(scale->options.dir);
    }
    return status == 0 ? 0 : 1;
}

static bool take_option(struct scale *scale, int letter, const char *arg)
{
    struct scale_options *options = &scale->options;
    size_t words = 0;

    switch (letter) {
    case 'd':
        options->dir = arg;
        return true;
    case 'b':
        options->bytes = parse_size(arg);
        return true;
    case 'l':
        options->logs = strtoull(arg, NULL, 10);
        return options->logs > 0;
    case 'e':
        options->entry_len = parse_size(arg);
        return options->entry_len >= ENTRY_LEN_MIN &&
               options->entry_len <= ENTRY_LEN_MAX;
    case 'o':
        options->outstanding = strtoull(arg, NULL, 10);
        return options->outstanding > 0;
    case 's':
        options->seconds = strtod(arg, NULL);
        return options->seconds > 0;
    case 't':
        options->turns = (unsigned)strtoul(arg, NULL, 10);
        return options->turns > 0;
    case 'q':
        scale->cluster.daemon = arg;
        return true;
    case 'w':
        while (scale->cluster.options[words] != NULL) {
            words++;
        }
        scale->cluster.options[words] = arg;
        return words + 2 < QB_WORDS_MAX;
    case 'p':
        options->parts = arg;
        return true;
    case 'k':
        options->keep = true;
        return true;
    case 'j':
        options->json = true;
        return true;
    default:
        return false;
    }
}

int scale_main(struct scale *scale, scale_run_fn *run, int argc, char **argv)
{
    static const struct option letters[] = {
        {"dir", required_argument, NULL, 'd'},
        {"bytes", required_argument, NULL, 'b'},
        {"logs", required_argument, NULL, 'l'},
        {"entry", required_argument, NULL, 'e'},
        {"outstanding", required_argument, NULL, 'o'},
        {"seconds", required_argument, NULL, 's'},
        {"turns", required_argument, NULL, 't'},
        {"daemon", required_argument, NULL, 'q'},
        {"option", required_argument, NULL, 'w'},
        {"parts", required_argument, NULL, 'p'},
        {"keep", no_argument, NULL, 'k'},
        {"json", no_argument, NULL, 'j'},
        {NULL, 0, NULL, 0}};
    static char dir[PATH_LEN_MAX];
    int letter;

    if (scale->options.dir == NULL) {
        scale->options.dir = ".";
    }
    while ((letter = getopt_long(argc, argv, "", letters, NULL)) != -1) {
        if (!take_option(scale, letter, optarg)) {
            (void)fprintf(stderr, "see the head of bench/%s.c\n",
                          program_invocation_short_name);
            return 2;
        }
    }
    if (scale->cluster.daemon == NULL) {
        scale->cluster.daemon = find_daemon();
    }
    choose_bytes(&scale->options);
    (void)snprintf(dir, sizeof dir, "%s/bench.XXXXXX", scale->options.dir);
    if (mkdtemp(dir) == NULL) {
        scale_fail("no directory can be made in %s", scale->options.dir);
    }
    scale->options.dir = dir;
    return run_and_remove(scale, run);
}
