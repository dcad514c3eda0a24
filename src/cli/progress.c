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

static void bar_text(unsigned percent, char ret_bar[BAR_WIDTH + 1]);

void progress_init(struct progress *progress, uint64_t bytes_total)
{
    progress->shown = isatty(STDERR_FILENO) != 0;
    progress->started_ms = clock_monotonic_ms();
    progress->drawn_ms = 0;
    progress->bytes_total = bytes_total;
}

void progress_update(struct progress *progress, uint64_t lines, uint64_t bytes)
{
    uint64_t now_ms;
    char text[TEXT_MAX];

    if (!progress->shown) {
        return;
    }
    now_ms = clock_monotonic_ms();
    if (now_ms - progress->drawn_ms < DRAW_EVERY_MS) {
        return;
    }
    progress->drawn_ms = now_ms;
    progress_text(lines, bytes, progress->bytes_total,
                  now_ms - progress->started_ms, text, sizeof text);
    (void)fprintf(stderr, ERASE_LINE "%s", text);
    (void)fflush(stderr);
}

void progress_clear(struct progress *progress)
{
    if (progress->shown && progress->drawn_ms != 0) {
        (void)fputs(ERASE_LINE, stderr);
        (void)fflush(stderr);
    }
}

void progress_text(uint64_t lines, uint64_t bytes, uint64_t bytes_total,
                   uint64_t elapsed_ms, char *ret_text, size_t room)
{
    uint64_t rate = 0;
    unsigned percent = 100;
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
    /* A file may grow while it is read. */
    if (bytes < bytes_total) {
        percent = (unsigned)((double)bytes * 100.0 / (double)bytes_total);
    }
    bar_text(percent, bar);
    (void)snprintf(ret_text, room,
                   "%" PRIu64 " lines  %s  [%s] %3u%%  %" PRIu64 " lines/s",
                   lines, size, bar, percent, rate);
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
