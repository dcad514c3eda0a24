/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* Starts `quorlogd run` anew in the same process: the pid stays, and with it
 * what a service manager knows. Everything else is as after any other start. */
#pragma once

/* @argc and @argv as daemon_run() got them, and @more behind them unless NULL. Nothing that is open above standard
 * error is taken along. Does not return: ends the process with status 1 when it
 * cannot. */
void again(int argc, char **argv, const char *more) __attribute__((noreturn));
/* To be called by every process: it is named after what it was started as, in
 * ps(1) and top(1), too, and not after what again() started. */
void again_keep_name(void);
