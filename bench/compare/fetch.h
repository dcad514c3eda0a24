/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* Servers from PATH, or from Debian's packages, unpacked and not installed. */
#pragma once

#include "compare/options.h"

/* Finds the server of @kind. False: it is not to be had, and that was said. */
bool fetch_server(const struct options *options, const struct peer_kind *kind,
                  char ret_program[PATH_LEN_MAX]);
