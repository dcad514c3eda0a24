/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "cli/progress.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "util/clock.h"
#include "util/text.h"

#define DRAW_EVERY_MS 100u
#define BAR_WIDTH 20
#define TEXT_MAX 128
#define ERASE_LINE "\r\033[K"

static bool is_due(struct progress *progress, uint64_t *ret_elapsed_ms);
static void draw(const char *text);
static unsigned percent_of(uint64_t bytes, uint64_t bytes_total);
static void bar_text(unsigned percent, char ret_bar[BAR_WIDTH + 1]);

void progress_init(struct progress *progress, uint64_t bytes_total)
{
    progress->shown = isatty(STDERR_FILENO) != 0;
    progress->started_ms = clock_monotonic_ms();
    progress->drawn_ms = 0;
    progress->bytes_total = bytes_total;
    progress->bytes_begun = 0;
}

void progress_update(struct progress *progress, uint64_t lines, uint64_t bytes)
{
    uint64_t elapsed_ms;
    char text[TEXT_MAX];

    if (is_due(progress, &elapsed_ms)) {
        progress_text(lines, bytes, progress->bytes_total, elapsed_ms, text,
                      sizeof text);
        draw(text);
    }
}

void progress_bytes(struct progress *progress, const char *what, uint64_t bytes)
{
    uint64_t elapsed_ms;
    char text[TEXT_MAX];

    if (progress->drawn_ms == 0) {
        progress->bytes_begun = bytes;
    }
    if (is_due(progress, &elapsed_ms)) {
        progress_bytes_text(what, bytes, progress->bytes_begun,
                            progress->bytes_total, elapsed_ms, text,
                            sizeof text);
        draw(text);
    }
}

void progress_steps(struct progress *progress, const char *what, uint64_t done,
                    uint64_t total)
{
    uint64_t elapsed_ms;
    char bar[BAR_WIDTH + 1];
    char text[TEXT_MAX];

    if (is_due(progress, &elapsed_ms)) {
        bar_text(percent_of(done, total), bar);
        (void)snprintf(text, sizeof text,
                       "%s  [%s]  %" PRIu64 " of %" PRIu64 "  %" PRIu64 " s",
                       what, bar, done, total, elapsed_ms / 1000);
        draw(text);
    }
}

void progress_clear(struct progress *progress)
{
    if (progress->shown && progress->drawn_ms != 0) {
        (void)fputs(ERASE_LINE, stderr);
        (void)fflush(stderr);
        progress->drawn_ms = 0;
    }
}

void progress_text(uint64_t lines, uint64_t bytes, uint64_t bytes_total,
                   uint64_t elapsed_ms, char *ret_text, size_t room)
{
    uint64_t rate = 0;
    char bar[BAR_WIDTH + 1];
    char size[32];

    if (elapsed_ms > 0) {
        rate = (uint64_t)((double)lines * 1000.0 / (double)elapsed_ms);
    }
    text_bytes_human(bytes, size, sizeof size);
    if (bytes_total == 0) {
        (void)snprintf(ret_text, room,
                       "%" PRIu64 " lines  %s  %" PRIu64 " lines/s", lines,
                       size, rate);
        return;
    }
    bar_text(percent_of(bytes, bytes_total), bar);
    (void)snprintf(ret_text, room,
                   "%" PRIu64 " lines  %s  [%s] %3u%%  %" PRIu64 " lines/s",
                   lines, size, bar, percent_of(bytes, bytes_total), rate);
}

void progress_bytes_text(const char *what, uint64_t bytes, uint64_t bytes_begun,
                         uint64_t bytes_total, uint64_t elapsed_ms,
                         char *ret_text, size_t room)
{
    char bar[BAR_WIDTH + 1];
    char size[32];
    char total[32];
    char rate[32] = "0 B";

    text_bytes_human(bytes, size, sizeof size);
    text_bytes_human(bytes_total, total, sizeof total);
    if (elapsed_ms > 0 && bytes > bytes_begun) {
        text_bytes_human((uint64_t)((double)(bytes - bytes_begun) * 1000.0 /
                                    (double)elapsed_ms),
                         rate, sizeof rate);
    }
    if (bytes_total == 0) {
        (void)snprintf(ret_text, room, "%s  %s  %s/s", what, size, rate);
        return;
    }
    bar_text(percent_of(bytes, bytes_total), bar);
    (void)snprintf(ret_text, room, "%s  %s of %s  [%s] %3u%%  %s/s", what, size,
                   total, bar, percent_of(bytes, bytes_total), rate);
}

/* At most ten times a second. */
static bool is_due(struct progress *progress, uint64_t *ret_elapsed_ms)
{
    uint64_t now_ms;

    if (!progress->shown) {
        return false;
    }
    now_ms = clock_monotonic_ms();
    if (now_ms - progress->drawn_ms < DRAW_EVERY_MS) {
        return false;
    }
    progress->drawn_ms = now_ms;
    *ret_elapsed_ms = now_ms - progress->started_ms;
    return true;
}

static void draw(const char *text)
{
    (void)fprintf(stderr, ERASE_LINE "%s", text);
    (void)fflush(stderr);
}

/* A file may grow while it is read. */
static unsigned percent_of(uint64_t bytes, uint64_t bytes_total)
{
    if (bytes >= bytes_total) {
        return 100;
    }
    return (unsigned)((double)bytes * 100.0 / (double)bytes_total);
}

static void bar_text(unsigned percent, char ret_bar[BAR_WIDTH + 1])
{
    size_t filled = (size_t)percent * BAR_WIDTH / 100;

    memset(ret_bar, ' ', BAR_WIDTH);
    memset(ret_bar, '=', filled);
    if (filled < BAR_WIDTH) {
        ret_bar[filled] = '>';
    }
    ret_bar[BAR_WIDTH] = '\0';
}
