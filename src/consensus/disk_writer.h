/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* Who writes the raft log: the operator's choice (disk_real.h). */
#pragma once

enum disk_writer {
    DISK_WRITER_AUTO, /* io_uring, or else the thread */
    DISK_WRITER_URING,
    DISK_WRITER_THREAD
};
