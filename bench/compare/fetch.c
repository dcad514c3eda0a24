/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "compare/fetch.h"

#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define LOG "fetch.log"

static bool is_there(const char *dir, size_t dir_len, const char *name,
                     char *ret_path)
{
    size_t len = (size_t)snprintf(ret_path, PATH_LEN_MAX, "%.*s/%s",
                                  (int)dir_len, dir, name);

    return len < PATH_LEN_MAX && access(ret_path, R_OK) == 0;
}

static bool find_in_path(const char *name, char *ret_path)
{
    const char *dirs = getenv("PATH");

    while (dirs != NULL && *dirs != '\0') {
        size_t len = strcspn(dirs, ":");

        if (len > 0 && is_there(dirs, len, name, ret_path)) {
            return true;
        }
        dirs += len + (dirs[len] == ':');
    }
    return false;
}

/* Where Debian's packages have programs, jars and servers, which are not in
 * everybody's PATH. @root: "" or the cache. */
static bool find_below(const char *root, const char *name, char *ret_path)
{
    static const char *const folders[] = {"usr/bin", "usr/sbin",
                                          "usr/share/java"};

    for (size_t i = 0; i < sizeof folders / sizeof folders[0]; i++) {
        char dir[PATH_LEN_MAX];

        if ((size_t)snprintf(dir, sizeof dir, "%s/%s", root, folders[i]) <
                sizeof dir &&
            is_there(dir, strlen(dir), name, ret_path)) {
            return true;
        }
    }
    return false;
}

/* Runs @words in @dir and keeps what it says in a file there. */
static bool run_in(const char *dir, const char *const *words)
{
    int status = 1;
    pid_t pid = fork();

    if (pid == 0) {
        int out;

        if (chdir(dir) != 0) {
            _exit(126);
        }
        out = open(LOG, O_WRONLY | O_CREAT | O_APPEND, 0600);
        (void)dup2(out, STDOUT_FILENO);
        (void)dup2(out, STDERR_FILENO);
        (void)execvp(words[0], (char *const *)words);
        _exit(127);
    }
    return pid > 0 && waitpid(pid, &status, 0) == pid && status == 0;
}

static bool unpack(const char *cache, const char *package)
{
    char pattern[PATH_LEN_MAX];
    const char *words[] = {"dpkg", "-x", NULL, ".", NULL};
    glob_t found;
    bool is_done = false;

    if ((size_t)snprintf(pattern, sizeof pattern, "%s/%s_*.deb", cache,
                         package) >= sizeof pattern ||
        glob(pattern, 0, NULL, &found) != 0) {
        return false;
    }
    if (found.gl_pathc > 0) {
        words[2] = found.gl_pathv[found.gl_pathc - 1];
        is_done = run_in(cache, words);
    }
    globfree(&found);
    return is_done;
}

static bool fetch_package(const char *cache, const char *package)
{
    const char *const words[] = {"apt-get",  "-q",
                                 "-o",       "Acquire::http::Timeout=20",
                                 "-o",       "Acquire::Retries=1",
                                 "download", package,
                                 NULL};

    return run_in(cache, words) && unpack(cache, package);
}

static bool fetch(const char *cache, const char *const *packages)
{
    if (mkdir(cache, 0755) != 0 && errno != EEXIST) {
        return false;
    }
    for (size_t i = 0; packages[i] != NULL; i++) {
        (void)fprintf(stderr, "fetching Debian's %s\n", packages[i]);
        if (!fetch_package(cache, packages[i])) {
            return false;
        }
    }
    return true;
}

static bool leave_out(const struct peer_kind *kind, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static bool leave_out(const struct peer_kind *kind, const char *format, ...)
{
    va_list args;

    (void)fprintf(stderr, "%s: left out: ", kind->name);
    va_start(args, format);
    (void)vfprintf(stderr, format, args);
    va_end(args);
    (void)fputc('\n', stderr);
    return false;
}

bool fetch_server(const struct options *options, const struct peer_kind *kind,
                  char ret_program[PATH_LEN_MAX])
{
    if (kind->packages[0] == NULL) {
        (void)strcpy(ret_program, options->daemon);
        return access(ret_program, X_OK) == 0 ||
               leave_out(kind, "there is no %s", ret_program);
    }
    if (kind->needs != NULL && !find_in_path(kind->needs, ret_program)) {
        return leave_out(kind, "there is no %s", kind->needs);
    }
    if (find_in_path(kind->program, ret_program) ||
        find_below("", kind->program, ret_program) ||
        find_below(options->cache, kind->program, ret_program)) {
        return true;
    }
    if (options->is_offline) {
        return leave_out(kind, "there is no %s, and nothing is fetched",
                         kind->program);
    }
    return (fetch(options->cache, kind->packages) &&
            find_below(options->cache, kind->program, ret_program)) ||
           leave_out(kind, "Debian's packages do not give it; see %s/" LOG,
                     options->cache);
}
