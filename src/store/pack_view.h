/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * What packs a directory has, for somebody who looks at it and changes nothing.
 * Every byte is read and checked.
 */
#pragma once

#include "store/disk.h"
#include "store/pack.h"

struct pack_view {
    uint64_t number; /* as its name says */
    uint64_t size;   /* of the file */
    uint32_t chunks; /* 0: nothing in it can be used */
    uint32_t bad;    /* of them */
    int code;        /* 0; QL_CORRUPT; QL_INVALID: of a newer version */
    bool foreign;    /* of another cluster, whatever else */
    struct err err;  /* why */
};

struct pack_viewer {
    void (*on_pack)(void *data, const struct pack_view *view);
    /* One that is good. Before the pack it is in is told. */
    void (*on_chunk)(void *data, const struct chunk_facts *facts);
    /* Something that was being written when a node was killed. */
    void (*on_rest)(void *data, const char *name);
    void *data;
};

/* By rising numbers. @cluster NULL: any. Takes memory for one pack; one that is
 * longer than any can be is not read. QL_IO, QL_NO_MEMORY. */
int pack_view_all(struct disk *disk, const uint8_t *cluster,
                  const struct pack_viewer *viewer, struct err *err);
