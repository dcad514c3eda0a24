/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "compare/fetch.h"

#include <errno.h>
#include <fcntl.h>
#include <glob.h>
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

    return len < PATH_LEN_MAX && access(ret_path, X_OK) == 0;
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
    /* Servers are there and not in everybody's PATH. */
    return is_there("/usr/sbin", sizeof "/usr/sbin" - 1, name, ret_path);
}

static bool find_in_cache(const char *cache, const char *name, char *ret_path)
{
    static const char *const folders[] = {"usr/bin", "usr/sbin"};

    for (size_t i = 0; i < sizeof folders / sizeof folders[0]; i++) {
        char dir[PATH_LEN_MAX];

        if ((size_t)snprintf(dir, sizeof dir, "%s/%s", cache, folders[i]) <
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

static bool fetch(const char *cache, const char *package)
{
    const char *const words[] = {"apt-get",  "-q",
                                 "-o",       "Acquire::http::Timeout=20",
                                 "-o",       "Acquire::Retries=1",
                                 "download", package,
                                 NULL};

    if (mkdir(cache, 0755) != 0 && errno != EEXIST) {
        return false;
    }
    return run_in(cache, words) && unpack(cache, package);
}

bool fetch_server(const struct options *options, const struct peer_kind *kind,
                  char ret_program[PATH_LEN_MAX])
{
    if (kind->package == NULL) {
        (void)strcpy(ret_program, options->daemon);
        if (access(ret_program, X_OK) != 0) {
            (void)fprintf(stderr, "%s: left out: there is no %s\n", kind->name,
                          ret_program);
            return false;
        }
        return true;
    }
    if (find_in_path(kind->program, ret_program) ||
        find_in_cache(options->cache, kind->program, ret_program)) {
        return true;
    }
    if (options->is_offline) {
        (void)fprintf(stderr,
                      "%s: left out: there is no %s, and nothing is "
                      "fetched\n",
                      kind->name, kind->program);
        return false;
    }
    (void)fprintf(stderr, "%s: fetching Debian's %s\n", kind->name,
                  kind->package);
    if (!fetch(options->cache, kind->package) ||
        !find_in_cache(options->cache, kind->program, ret_program)) {
        (void)fprintf(stderr,
                      "%s: left out: %s cannot be had from Debian's packages; "
                      "see %s/" LOG "\n",
                      kind->name, kind->package, options->cache);
        return false;
    }
    return true;
}
