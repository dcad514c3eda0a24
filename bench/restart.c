/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * What a start costs that finds a long raft log and no snapshot: a process makes
 * the directory, another one loads it as the daemon does. Segments are read
 * directly where the file system allows it, so the page cache does not help.
 *
 *     bench/restart [--dir DIR] [--mib N] [--entry BYTES]
 */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "consensus/disk_real.h"
#include "consensus/raft_disk.h"

#define AT_ONCE 8u
#define TURNS 5u

struct making {
    uv_loop_t loop;
    struct disk_real *real;
    struct raft_disk *disk;
    struct raft_io_append requests[AT_ONCE];
    struct raft_entry entry;
    uint64_t left; /* entries to be appended */
    size_t under_way;
    bool made;
};

/* What the start needs of the configuration: nobody reads it here. */
static const uint8_t first_configuration[16];

static void fail(const char *what)
{
    (void)fprintf(stderr, "bench/restart: %s\n", what);
    _exit(1);
}

static double now_s(void)
{
    struct timespec time;

    (void)clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

static double peak_mib(void)
{
    struct rusage usage;

    (void)getrusage(RUSAGE_SELF, &usage);
    return (double)usage.ru_maxrss / 1024;
}

/* Says what a busy machine would hide. */
static double cpu_s(void)
{
    struct rusage usage;

    (void)getrusage(RUSAGE_SELF, &usage);
    return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
           (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
}

static void on_fatal(void *data, const char *reason)
{
    (void)data;
    fail(reason);
}

static void on_stopped(void *data)
{
    (void)data;
}

static void open_disk(struct making *making, const char *dir)
{
    const struct disk_real_options files = {.loop = &making->loop, .dir = dir};
    struct raft_disk_options options = {
        .where = dir,
        .first_configuration = {first_configuration,
                                sizeof first_configuration},
        .on_fatal = on_fatal};
    struct err err;

    (void)uv_loop_init(&making->loop);
    if (disk_real_start(&making->real, &files, &err) != 0) {
        fail(err.text);
    }
    options.disk = disk_real_disk(making->real);
    making->disk = raft_disk_new(&options);
}

static void close_disk(struct making *making)
{
    while (raft_disk_is_busy(making->disk)) {
        (void)uv_run(&making->loop, UV_RUN_ONCE);
    }
    raft_disk_free(making->disk);
    disk_real_stop(making->real, on_stopped, NULL);
    (void)uv_run(&making->loop, UV_RUN_DEFAULT);
    (void)uv_loop_close(&making->loop);
}

/* ---- A long log ---- */

static void on_appended(struct raft_io_append *request, int status);

static void append_one(struct making *making, struct raft_io_append *request)
{
    request->data = making;
    making->left--;
    making->under_way++;
    if (raft_disk_append(making->disk, request, &making->entry, 1,
                         on_appended) != 0) {
        fail("append");
    }
}

static void on_appended(struct raft_io_append *request, int status)
{
    struct making *making = request->data;

    (void)status;
    making->under_way--;
    if (making->left > 0) {
        append_one(making, request);
    }
}

static void on_made(void *data)
{
    struct making *making = data;

    making->made = true;
}

static void make_log(const char *dir, uint64_t bytes, size_t entry_len)
{
    struct making making = {.left = bytes / entry_len};
    struct err err;

    open_disk(&making, dir);
    if (raft_disk_make(making.disk, on_made, &making, &err) != 0) {
        fail(err.text);
    }
    while (!making.made) {
        (void)uv_run(&making.loop, UV_RUN_ONCE);
    }
    making.entry.term = 1;
    making.entry.type = RAFT_COMMAND;
    making.entry.buf.len = entry_len;
    making.entry.buf.base = malloc(entry_len);
    if (making.entry.buf.base == NULL) {
        fail("no memory for an entry");
    }
    memset(making.entry.buf.base, 7, entry_len);
    for (size_t i = 0; i < AT_ONCE && making.left > 0; i++) {
        append_one(&making, &making.requests[i]);
    }
    while (making.under_way > 0) {
        (void)uv_run(&making.loop, UV_RUN_ONCE);
    }
    free(making.entry.buf.base);
    close_disk(&making);
}

/* ---- The start ---- */

static void load_log(const char *dir)
{
    struct making making = {0};
    struct raft_loaded loaded;
    uint64_t payload = 0;
    double begun;
    double seconds;
    double cpu;
    struct err err;

    open_disk(&making, dir);
    cpu = cpu_s();
    begun = now_s();
    if (raft_disk_load(making.disk, &loaded, &err) != 0) {
        fail(err.text);
    }
    seconds = now_s() - begun;
    cpu = cpu_s() - cpu;
    for (size_t i = 0; i < loaded.count; i++) {
        payload += loaded.entries[i].buf.len;
    }
    (void)printf("%zu entries, %.0f MiB of payload; %.0f MiB read in %.2f s "
                 "(%.2f s of CPU); peak %.0f MiB above the payload\n",
                 loaded.count, (double)payload / MIB,
                 (double)raft_disk_report(making.disk)->wal.bytes / MIB,
                 seconds, cpu, peak_mib() - (double)payload / MIB);
    (void)fflush(stdout);
    close_disk(&making);
}

static void in_a_process(void (*run)(const void *data), const void *data)
{
    pid_t pid = fork();
    int status;

    if (pid == 0) {
        run(data);
        _exit(0);
    }
    if (pid < 0 || waitpid(pid, &status, 0) != pid || status != 0) {
        fail("a process failed");
    }
}

struct settings {
    const char *dir;
    uint64_t bytes;
    size_t entry_len;
};

static void run_make(const void *data)
{
    const struct settings *settings = data;

    make_log(settings->dir, settings->bytes, settings->entry_len);
}

static void run_load(const void *data)
{
    const struct settings *settings = data;

    load_log(settings->dir);
}

int main(int argc, char **argv)
{
    static const struct option options[] = {
        {"dir", required_argument, NULL, 'd'},
        {"mib", required_argument, NULL, 'm'},
        {"entry", required_argument, NULL, 'e'},
        {NULL, 0, NULL, 0}};
    struct settings settings = {.bytes = 1024ull * MIB,
                                .entry_len = BATCH_BYTES};
    const char *parent = ".";
    char dir[PATH_LEN_MAX];
    char command[PATH_LEN_MAX + 16];
    int letter = getopt_long(argc, argv, "", options, NULL);

    while (letter != -1) {
        switch (letter) {
        case 'd':
            parent = optarg;
            break;
        case 'm':
            settings.bytes = strtoull(optarg, NULL, 10) * MIB;
            break;
        case 'e':
            settings.entry_len = strtoul(optarg, NULL, 10);
            break;
        default:
            return 2;
        }
        letter = getopt_long(argc, argv, "", options, NULL);
    }
    if (settings.entry_len < 8 || settings.entry_len % 8 != 0) {
        fail("--entry takes a multiple of 8");
    }
    (void)snprintf(dir, sizeof dir, "%s/bench-restart.XXXXXX", parent);
    if (mkdtemp(dir) == NULL) {
        fail("no directory can be made there");
    }
    settings.dir = dir;
    in_a_process(run_make, &settings);
    for (unsigned i = 0; i < TURNS; i++) {
        in_a_process(run_load, &settings);
    }
    (void)snprintf(command, sizeof command, "rm -r '%s'", dir);
    return system(command) == 0 ? 0 : 1;
}
