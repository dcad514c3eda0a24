/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * SIGTERM and SIGINT while a node loads. The loop that takes them later does not
 * run yet, and reading gigabytes takes a while: a thread waits for them instead
 * and ends the process, with a word and status 0. That may happen in the middle
 * of a write, which a start must survive anyway: it repeats what a crash cut off.
 * SIGHUP waits for the loop.
 */
#pragma once

/* The signals wait for the loop, all of them, until early_stop_end(): for a start
 * that has something to clear away. Also for the moments of a process that becomes
 * another one: they wait across exec. Makes early_stop_begin() do nothing. */
void early_stop_hold(void);
/* To be called before any other thread is made. Threads that are made from then
 * on leave these signals to the main thread, for good. */
void early_stop_begin(void);
/* To be called when the loop takes them: none is lost in between. Fine without
 * a begin. */
void early_stop_end(void);
