/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* Our codes as libraft has them. */
#pragma once

/* RAFT_IOERR for what libraft has no code for. */
int raft_code(int code);
