/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * Where the bytes of sealed chunks are. A chunk that the machine seals is written
 * into a pack (pack.h) by the compactor, then its bytes leave the memory; who
 * reads it later has it loaded through a bounded cache. What no state and no kept
 * snapshot refers to any more is removed.
 *
 * A chunk is known by its name (struct chunk_name): equal names mean equal bytes,
 * on every node, and bytes from a disk or a peer are proven against it. Which pack
 * a chunk lies in is this node's matter and may change at any time.
 *
 * Everything here is of the loop thread and does not block, except for open. The
 * callbacks come later, never from inside a call of this header. Writing, merging
 * and removing are one compactor, one work at a time on options.disk; reading is
 * several works on options.readers.
 *
 * A crash at any moment leaves whole packs or none: a pack is written aside,
 * synced, read back and renamed before anything relies on it, and one is removed
 * only after what was still needed of it is durable elsewhere.
 */
#pragma once

#include <stdbool.h>

#include "machine/machine.h"
#include "store/disk.h"
#include "store/pack.h"

struct chunk_store;

struct chunk_store_options {
    struct disk *disk;    /* the compactor's; stays the caller's */
    struct disk *readers; /* the same directory; works may run side by side */
    const char *where;    /* the directory, for messages; copied */
    uint8_t cluster[PACK_CLUSTER_LEN];
    uint64_t cache_bytes; /* loaded bytes kept when nobody uses them */
    uint64_t scrub_bytes; /* read again in a second; 0: no scrub */
    /* A write failed and will not be repeated, or memory lies: the node must not
     * go on. Called once; afterwards the store begins nothing any more. */
    void (*on_fatal)(void *data, const char *reason);
    /* @chunk (borrowed, alive until its fate is told) is nowhere on this node and
     * somebody needs it: a state refers to it, or its copy is damaged. Told once
     * until chunk_store_supply() has given it or chunk_store_give_up(), and once
     * more when a load begins to wait for it; after that again when it is asked
     * for, and every STORE_RETELL_MS. NULL: as if given up at once. */
    void (*on_missing)(void *data, struct chunk *chunk);
    void *data;
};

/* Blocking: removes what was being written, reads the front of every pack. One
 * with a damaged front is moved to quarantine/ and said. QL_INVALID: one is
 * of a newer version, or of another cluster. */
int chunk_store_open(struct chunk_store **ret_store,
                     const struct chunk_store_options *options,
                     struct err *err);
/* Begins nothing any more; callbacks that are due may still come. */
void chunk_store_stop(struct chunk_store *store);
/* Is a work under way on either disk? */
bool chunk_store_is_busy(const struct chunk_store *store);
/* Nothing is under way (or a disk that died has forgotten it). Requests that were
 * not called back never are. Chunks that others still refer to stay theirs, but
 * have no home any more; nothing on the disk changes. Fine with NULL. */
void chunk_store_free(struct chunk_store *store);
/* About once a second, with a monotonic clock: batches that waited long enough,
 * another try after a full disk, the scrub, leases. */
void chunk_store_tick(struct chunk_store *store, uint64_t now_ms);

/* ---- With the machine ---- */

/* What @machine seals or merges from now on is the store's to keep. */
void chunk_store_attach(struct chunk_store *store, struct machine *machine);
/* For machine_restore(): finds a chunk this node has, is about to write, or
 * already misses. Valid as long as the store. */
struct chunk_source chunk_store_source(struct chunk_store *store);
/* After a restore of @machine (live, or a scratch one that prepares a state):
 * looks at its chunks that are not on this disk. Those that packs have in parts
 * become merges of them and are queued; the others are missing, and on_missing
 * tells of each. Returns how many are missing. */
size_t chunk_store_adopt(struct chunk_store *store, struct machine *machine);
/* How many chunks are missing now. One that nobody else refers to any more counts
 * until a tick has come across it. */
size_t chunk_store_missing(const struct chunk_store *store);

/* ---- The compactor ---- */

/* So much waits to be written that no more should be taken in: leaders propose
 * nothing, others take no entries. */
bool chunk_store_is_crowded(const struct chunk_store *store);

/* The waiting_bytes and merges_bytes of the status, without the rest of it. */
uint64_t chunk_store_waiting_bytes(const struct chunk_store *store);

struct chunk_flush;
typedef void (*chunk_flush_cb)(struct chunk_flush *flush);
struct chunk_flush {
    struct list link; /* the store's */
    uint64_t until;   /* the store's */
    chunk_flush_cb cb;
    void *data; /* the caller's */
};
/* @cb comes when every byte sealed before this call is durable in a pack. Merges
 * need not be done: their parts are. On a full disk that may take long; after
 * on_fatal it never comes. */
void chunk_store_flush(struct chunk_store *store, struct chunk_flush *flush,
                       chunk_flush_cb cb);
/* Forgets a flush that was not called back; fine when it was. */
void chunk_store_flush_cancel(struct chunk_flush *flush);

/* ---- What snapshots keep ---- */

/* @takes (one reference, taken) are the chunks that the snapshot at @index names:
 * they stay until it is unpinned. The first one after open is the snapshot that
 * was loaded, or the first ever taken. */
void chunk_store_pin(struct chunk_store *store, uint64_t index,
                     struct chunk_set *takes);
/* Snapshots below @index are gone from the disk, but for those leased. Chunks
 * that were found at open and nobody asked for go with the first call that
 * reaches the first pin: until then a snapshot that is older than the loaded one
 * may need them. */
void chunk_store_unpin_before(struct chunk_store *store, uint64_t index);
/* Keeps the chunks of the snapshot at @index for a peer that is being sent it,
 * until STORE_LEASE_MS after the last call or the last chunk_store_serve(). False:
 * no such pin. */
bool chunk_store_lease(struct chunk_store *store, uint64_t index);

/* ---- Reading ---- */

struct chunk_load;
typedef void (*chunk_load_cb)(struct chunk_load *load, int status);
struct chunk_load {
    struct list link;    /* the store's */
    struct chunk *chunk; /* a reference, the store's until load_end() */
    int status;          /* the store's */
    bool holds;          /* the store's: it keeps the bytes in memory */
    chunk_load_cb cb;
    void *data; /* the caller's */
};
/* @cb(0): chunk->memory is there and stays until chunk_store_load_end(). A load
 * of a missing chunk waits until it is supplied; QL_NOT_FOUND: it was given up.
 * Any number of loads of one chunk share one work; above STORE_LOADS_MAX works
 * they queue. */
void chunk_store_load(struct chunk_store *store, struct chunk_load *load,
                      struct chunk *chunk, chunk_load_cb cb);
/* Ends a load, called back or not; then @cb does not come any more. Bytes that no
 * load holds may leave memory here, so not while something walks over such. Fine
 * with one that is all zero or already ended. */
void chunk_store_load_end(struct chunk_store *store, struct chunk_load *load);
/* Bytes of @chunk, of any, that were in memory anyway have been read. */
void chunk_store_used(struct chunk_store *store, const struct chunk *chunk);
/* @chunk will be wanted soon: loads it into the cache if a work is free and it
 * fits. Tells nobody. */
void chunk_store_ahead(struct chunk_store *store, struct chunk *chunk);

/* ---- Peers ---- */

struct chunk_supply;
typedef void (*chunk_supply_cb)(struct chunk_supply *supply, int status);
struct chunk_supply {
    struct list link; /* the store's */
    chunk_supply_cb cb;
    void *data; /* the caller's */
};
/* A peer's copy of the missing @chunk: @row is PACK_ROW_LEN bytes; both are
 * copied. It is proven off the loop and written into a pack as it is. @cb: 0, the
 * chunk is durable here. QL_CORRUPT: these are not its bytes, it is still missing.
 * QL_BUSY is returned at once above STORE_SUPPLY_BYTES under way. */
int chunk_store_supply(struct chunk_store *store, struct chunk_supply *supply,
                       struct chunk *chunk, const uint8_t *row,
                       struct bytes frame, chunk_supply_cb cb);
/* Forgets one that was not called back; the bytes may still be taken. */
void chunk_store_supply_cancel(struct chunk_supply *supply);
/* Nobody has it: loads of @chunk that wait end with QL_NOT_FOUND. It is told
 * again when somebody asks for it again. */
void chunk_store_give_up(struct chunk_store *store, struct chunk *chunk);

struct chunk_serve;
/* @row (PACK_ROW_LEN bytes) and @frame are valid during the call; NULL and empty
 * unless @status is 0. */
typedef void (*chunk_serve_cb)(struct chunk_serve *serve, int status,
                               const uint8_t *row, struct bytes frame);
struct chunk_serve {
    struct list link; /* the store's */
    void *work;       /* the store's */
    chunk_serve_cb cb;
    void *data; /* the caller's */
};
/* For a peer that asks for the chunk called @name: as it lies on disk; compressed
 * when it is in memory; put together or cut out when this node has its parts or
 * what it was merged into. QL_NOT_FOUND. QL_BUSY is returned at once above
 * STORE_SERVES_MAX. */
int chunk_store_serve(struct chunk_store *store, struct chunk_serve *serve,
                      const struct chunk_name *name, chunk_serve_cb cb);
/* Forgets one that was not called back. */
void chunk_store_serve_cancel(struct chunk_serve *serve);

/* ---- Numbers ---- */

struct chunk_store_status {
    uint64_t packs;
    uint64_t disk_bytes; /* of all pack files */
    uint64_t raw_bytes;  /* of the chunks in them that are in use */
    uint64_t dead_bytes; /* raw, of those that are not */
    uint64_t chunks;     /* with a copy on disk */
    uint64_t waiting;    /* chunks to be written, merges too */
    uint64_t waiting_bytes;
    uint64_t merges_bytes;  /* raw, of merges that wait */
    uint64_t written_packs; /* since the start */
    uint64_t written_bytes; /* of them */
    uint64_t missing;
    uint64_t damaged;     /* copies found bad since the start */
    uint64_t quarantined; /* files in quarantine/ */
    bool is_full;         /* the last write had no space, and something waits */
    uint64_t full_tries;  /* writes without space, one behind the other */
    uint64_t cache_bytes;
    uint64_t cache_hits;
    uint64_t cache_misses;
    uint64_t scrub_rounds; /* all packs once, since the start */
    uint64_t scrub_bytes;  /* of this round */
    uint64_t scrubbed_ms; /* when the last round ended, as tick says; 0: none */
};
void chunk_store_get_status(const struct chunk_store *store,
                            struct chunk_store_status *ret);
