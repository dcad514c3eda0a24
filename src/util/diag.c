/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "util/diag.h"

#include <errno.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "quorlog.h"

/* One write(2) of at most PIPE_BUF bytes is not mixed with others' lines. */
#define DIAG_LINE_MAX 4096

struct diag_level_row {
    const char *name;
    int priority; /* syslog(3)'s number, as journald reads it */
};

static const struct diag_level_row level_table[] = {
    [DIAG_ERROR] = {"error", 3},
    [DIAG_WARNING] = {"warning", 4},
    [DIAG_INFO] = {"info", 6},
    [DIAG_DEBUG] = {"debug", 7},
};

static _Atomic int diag_level_now = DIAG_INFO;

static void diag_line(enum diag_level level, const char *format, va_list args)
    __attribute__((format(printf, 2, 0)));
static size_t prefix_print(char *line, size_t room, enum diag_level level);
static void spaces_for_controls(char *text);

int diag_level_parse(const char *text, enum diag_level *ret_level)
{
    for (int i = DIAG_ERROR; i <= DIAG_DEBUG; i++) {
        if (strcmp(text, level_table[i].name) == 0) {
            *ret_level = (enum diag_level)i;
            return 0;
        }
    }
    return QL_INVALID;
}

void diag_set_level(enum diag_level level)
{
    atomic_store(&diag_level_now, (int)level);
}

void diag_error(const char *format, ...)
{
    va_list args;

    va_start(args, format);
    diag_line(DIAG_ERROR, format, args);
    va_end(args);
}

void diag_warning(const char *format, ...)
{
    va_list args;

    va_start(args, format);
    diag_line(DIAG_WARNING, format, args);
    va_end(args);
}

void diag_info(const char *format, ...)
{
    va_list args;

    va_start(args, format);
    diag_line(DIAG_INFO, format, args);
    va_end(args);
}

void diag_debug(const char *format, ...)
{
    va_list args;

    va_start(args, format);
    diag_line(DIAG_DEBUG, format, args);
    va_end(args);
}

void diag_die(int status, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    diag_line(DIAG_ERROR, format, args);
    va_end(args);
    _exit(status);
}

static void diag_line(enum diag_level level, const char *format, va_list args)
{
    char line[DIAG_LINE_MAX];
    size_t used;
    ssize_t written;
    int saved_errno = errno;

    if ((int)level > atomic_load(&diag_level_now)) {
        return;
    }
    used = prefix_print(line, sizeof line, level);
    line[used] = '\0';
    (void)vsnprintf(line + used, sizeof line - used - 1, format, args);
    spaces_for_controls(line + used);
    used += strlen(line + used);
    line[used] = '\n';
    /* Nobody is left to tell when standard error does not work. */
    do {
        written = write(STDERR_FILENO, line, used + 1);
    } while (written < 0 && errno == EINTR);
    errno = saved_errno;
}

static size_t prefix_print(char *line, size_t room, enum diag_level level)
{
    struct timespec now;
    struct tm utc;
    size_t used;

    if (getenv("JOURNAL_STREAM") != NULL) {
        return (size_t)snprintf(line, room, "<%d>",
                                level_table[level].priority);
    }
    (void)clock_gettime(CLOCK_REALTIME, &now);
    (void)gmtime_r(&now.tv_sec, &utc);
    used = strftime(line, room, "%Y-%m-%dT%H:%M:%S", &utc);
    used += (size_t)snprintf(line + used, room - used,
                             ".%03ldZ %s: ", now.tv_nsec / 1000000,
                             level_table[level].name);
    return used;
}

/* Texts may hold bytes from outside: they must not forge a second line. */
static void spaces_for_controls(char *text)
{
    for (char *at = text; *at != '\0'; at++) {
        if ((unsigned char)*at < ' ' || *at == 0x7f) {
            *at = ' ';
        }
    }
}
