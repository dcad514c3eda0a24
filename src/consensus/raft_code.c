/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "consensus/raft_code.h"

#include <raft.h>

#include "quorlog.h"

int raft_code(int code)
{
    switch (code) {
    case 0:
        return 0;
    case QL_NO_MEMORY:
        return RAFT_NOMEM;
    case QL_CORRUPT:
        return RAFT_CORRUPT;
    case QL_NO_SPACE:
        return RAFT_NOSPACE;
    case QL_TOO_LARGE:
        return RAFT_TOOBIG;
    case QL_BUSY:
        return RAFT_BUSY;
    case QL_NOT_FOUND:
    case QL_SHUTTING_DOWN:
        return RAFT_NOCONNECTION;
    default:
        return RAFT_IOERR;
    }
}
