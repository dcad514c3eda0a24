/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "qb_progress.h"

#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "qb_clock.h"
#include "qb_worker.h"

#define DRAW_NS (200u * QB_NS_PER_MS)
#define BAR_LEN 20u
#define LINE_CLEAR "\r\033[K"
#define LINE_LEN 256u
#define COLUMNS_OTHERWISE 80u

static void say_line(const char *label, double done, const char *now);
static bool look(const struct qb_progress *progress, struct histogram *ret,
                 double *ret_seconds);

void qb_progress_begin(struct qb_progress *progress, const struct qb_load *load,
                       struct qb_worker *workers, size_t count)
{
    *progress = (struct qb_progress){.shown = !load->bench->options.quiet &&
                                              isatty(STDERR_FILENO) == 1,
                                     .load = load,
                                     .workers = workers,
                                     .worker_count = count};
}

void qb_progress_draw(struct qb_progress *progress, uint64_t now_ns)
{
    static struct histogram recent;
    const struct qb_worker *worker = &progress->workers[0];
    char now[LINE_LEN] = "";
    double done = 0;
    double seconds;

    if (!progress->shown || now_ns < progress->drawn_ns + DRAW_NS) {
        return;
    }
    progress->drawn_ns = now_ns;
    if (now_ns > worker->start_ns) {
        done = (double)(now_ns - worker->start_ns) /
               (double)(worker->end_ns - worker->start_ns);
    }
    if (now_ns < worker->begin_ns) {
        (void)snprintf(now, sizeof now, "warm-up");
    } else if (now_ns >= worker->end_ns) {
        (void)snprintf(now, sizeof now, "waiting for the last");
    } else if (look(progress, &recent, &seconds)) {
        char p50[16];
        char p99[16];

        qb_format_ns((double)histogram_percentile(&recent, 50), p50,
                     sizeof p50);
        qb_format_ns((double)histogram_percentile(&recent, 99), p99,
                     sizeof p99);
        (void)snprintf(now, sizeof now, "%.0f/s  p50 %s  p99 %s",
                       (double)recent.count / seconds, p50, p99);
    }
    say_line(progress->load->label, done < 1 ? done : 1, now);
}

void qb_progress_end(struct qb_progress *progress)
{
    if (progress->shown) {
        (void)fputs(LINE_CLEAR, stderr);
    }
}

void qb_progress_say(bool quiet, const char *text)
{
    if (!quiet && isatty(STDERR_FILENO) == 1) {
        (void)fprintf(stderr, LINE_CLEAR "%s", text);
    }
}

void qb_format_ns(double ns, char *ret_text, size_t room)
{
    static const char *const units[] = {"ns", "us", "ms", "s"};
    size_t unit = 0;

    while (unit + 1 < sizeof units / sizeof *units && ns >= 999.5) {
        ns /= 1000;
        unit++;
    }
    (void)snprintf(ret_text, room, "%.*f %s",
                   unit == 0 || ns >= 99.95 ? 0
                   : ns >= 9.995            ? 1
                                            : 2,
                   ns, units[unit]);
}

/* A line that wraps cannot be cleared: in a narrow terminal the bar is what becomes
 * shorter, then the line is cut. */
static void say_line(const char *label, double done, const char *now)
{
    struct winsize size = {.ws_col = 0};
    size_t columns = COLUMNS_OTHERWISE;
    size_t others = strlen(label) + strlen(now) + strlen("  []  ");
    char line[2 * LINE_LEN];
    char bar[BAR_LEN + 1] = "";
    size_t bar_len;

    if (ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 1) {
        columns = size.ws_col;
    }
    bar_len = columns > others ? columns - 1 - others : 0;
    bar_len = bar_len < BAR_LEN ? bar_len : BAR_LEN;
    memset(bar, ' ', bar_len);
    memset(bar, '=', (size_t)(done * (double)bar_len));
    (void)snprintf(line, sizeof line, bar_len > 0 ? "%s  [%s]  %s" : "%s%s  %s",
                   label, bar, now);
    (void)fprintf(stderr, LINE_CLEAR "%.*s", (int)(columns - 1), line);
    (void)fflush(stderr);
}

/* The last slice that all have left, of all kinds of calls. */
static bool look(const struct qb_progress *progress, struct histogram *ret,
                 double *ret_seconds)
{
    size_t done = SIZE_MAX;

    histogram_init(ret);
    for (size_t i = 0; i < progress->worker_count; i++) {
        size_t own = qb_recorder_done(&progress->workers[i].tracks[0].recorder);

        done = own < done ? own : done;
    }
    if (done == 0) {
        return false;
    }
    for (size_t i = 0; i < progress->worker_count; i++) {
        for (size_t j = 0; j < progress->workers[i].track_count; j++) {
            const struct qb_recorder *recorder =
                &progress->workers[i].tracks[j].recorder;

            if (qb_recorder_done(recorder) >= done) {
                qb_recorder_look(recorder, done - 1, ret);
            }
        }
    }
    *ret_seconds =
        (double)progress->workers[0].tracks[0].recorder.slice_ns / 1e9;
    return true;
}
