/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "machine/chunk.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "machine/chunk_entry.h"
#include "machine/chunk_memory.h"
#include "util/mem.h"

/* Where there are many logs an open chunk has few entries, and what they do not
 * use of their room is as much as they use, if it doubles. So a short one grows by
 * an eighth, to a multiple of this, which another chunk's block fits into. */
#define ROOM_STEP 256u
#define ROOM_DOUBLES (64u * KIB) /* from here on: few are so long */
/* A shorter chunk keeps its unused room when it is sealed: its bytes leave memory
 * soon, and giving back the ends of many small blocks leaves holes that nothing
 * fits, which took as much memory again as all open chunks. */
#define GIVE_BACK_MIN (64u * KIB)

static void make_room(struct chunk *chunk, size_t more);
static void set_facts(struct chunk *chunk, const struct chunk_facts *facts);
static size_t leaves(struct chunk *const *parts, size_t count,
                     struct chunk **ret);

bool chunk_name_equal(const struct chunk_name *a, const struct chunk_name *b)
{
    return a->uid == b->uid && a->first == b->first && a->last == b->last &&
           memcmp(a->chain, b->chain, sizeof(a->chain)) == 0;
}

/* ---- Chunks -------------------------------------------------------------- */

struct chunk *chunk_new(uint64_t uid, uint64_t first)
{
    struct chunk *chunk = mem_must_zalloc(sizeof(*chunk));

    assert(first >= 1);
    chunk->refs = 1;
    chunk->name.uid = uid;
    chunk->name.first = first;
    chunk->name.last = first - 1;
    return chunk;
}

struct chunk *chunk_stub(const struct chunk_facts *facts)
{
    struct chunk *chunk = mem_must_zalloc(sizeof(*chunk));

    chunk->refs = 1;
    chunk->sealed = true;
    set_facts(chunk, facts);
    return chunk;
}

struct chunk *chunk_merge(struct chunk *const *parts, size_t count)
{
    struct chunk_facts facts;
    struct chunk *chunk;
    size_t i;

    assert(count >= 2);
    facts = chunk_facts(parts[count - 1]);
    facts.name.first = parts[0]->name.first;
    for (i = 0; i + 1 < count; i++) {
        facts.len += parts[i]->len;
        facts.entries += parts[i]->entries;
        facts.payload += parts[i]->payload;
    }
    assert(facts.len <= CHUNK_BYTES_MAX);
    chunk = chunk_stub(&facts);
    chunk_set_parts(chunk, parts, count);
    return chunk;
}

struct chunk *chunk_ref(struct chunk *chunk)
{
    chunk->refs++;
    return chunk;
}

void chunk_drop(struct chunk *chunk)
{
    if (chunk == NULL) {
        return;
    }
    assert(chunk->refs > 0);
    chunk->refs--;
    if (chunk->refs > 0) {
        return;
    }
    if (chunk->home != NULL) {
        chunk->home->on_unused(chunk->home, chunk);
    }
    chunk_clear_parts(chunk);
    chunk_clear_memory(chunk);
    free(chunk);
}

struct chunk_facts chunk_facts(const struct chunk *chunk)
{
    return (struct chunk_facts){chunk->name, chunk->last_time_ms, chunk->len,
                                chunk->entries, chunk->payload};
}

bool chunk_has_facts(const struct chunk *chunk, const struct chunk_facts *facts)
{
    return chunk->sealed && chunk_name_equal(&chunk->name, &facts->name) &&
           chunk->last_time_ms == facts->last_time_ms &&
           chunk->len == facts->len && chunk->entries == facts->entries &&
           chunk->payload == facts->payload;
}

bool chunk_is_here(const struct chunk *chunk)
{
    return chunk->memory != NULL || chunk->parts != NULL || chunk->home != NULL;
}

int chunk_load(struct chunk **ret, uint64_t uid, struct bytes bytes,
               uint8_t chain[HASH128_LEN], struct err *err)
{
    struct chunk_facts facts;
    struct chunk *chunk;
    int rv;

    rv = chunk_entry_walk(bytes, &facts, chain, err);
    if (rv != 0) {
        return rv;
    }
    facts.name.uid = uid;
    memset(facts.name.chain, 0, sizeof(facts.name.chain));
    chunk = chunk_new(uid, facts.name.first);
    set_facts(chunk, &facts);
    chunk->memory = chunk_memory_new(bytes.len);
    memcpy(chunk->memory->bytes, bytes.data, bytes.len);
    rv = chunk_memory_mark(chunk->memory);
    assert(rv == 0);
    *ret = chunk;
    return 0;
}

void chunk_add(struct chunk *chunk, const struct read_entry *entry)
{
    struct chunk_facts facts = chunk_facts(chunk);

    assert(!chunk->sealed);
    assert(entry->position > chunk->name.last);
    assert(entry->time_ms >= chunk->last_time_ms);
    make_room(chunk, chunk_entry_room(entry));
    chunk_entry_write(chunk->memory->bytes + chunk->len, entry);
    chunk_memory_note(chunk->memory, chunk->len);
    chunk_entry_count(&facts, entry);
    set_facts(chunk, &facts);
}

void chunk_seal(struct chunk *chunk, const uint8_t chain[HASH128_LEN])
{
    assert(!chunk->sealed);
    assert(chunk->entries > 0);
    if (chunk->len >= GIVE_BACK_MIN && chunk->memory->room > chunk->len) {
        chunk->memory =
            chunk_memory_resize(chunk->memory, chunk->len, chunk->len);
    }
    memcpy(chunk->name.chain, chain, HASH128_LEN);
    chunk->sealed = true;
}

void chunk_set_memory(struct chunk *chunk, struct chunk_memory *memory)
{
    assert(chunk->sealed);
    assert(chunk->memory == NULL);
    assert(memory->room == chunk->len);
    chunk->memory = memory;
}

void chunk_clear_memory(struct chunk *chunk)
{
    chunk_memory_drop(chunk->memory);
    chunk->memory = NULL;
}

void chunk_set_parts(struct chunk *chunk, struct chunk *const *parts,
                     size_t count)
{
    struct chunk_parts *kept;
    size_t all = leaves(parts, count, NULL);
    size_t i;

    assert(chunk->parts == NULL);
    assert(parts[0]->name.first == chunk->name.first);
    assert(parts[count - 1]->name.last == chunk->name.last);
    kept = mem_must_alloc(sizeof(*kept) + all * sizeof(kept->chunks[0]));
    kept->count = leaves(parts, count, kept->chunks);
    for (i = 0; i < all; i++) {
        assert(kept->chunks[i]->sealed);
        (void)chunk_ref(kept->chunks[i]);
    }
    chunk->parts = kept;
}

void chunk_clear_parts(struct chunk *chunk)
{
    struct chunk_parts *parts = chunk->parts;
    size_t i;

    if (parts == NULL) {
        return;
    }
    chunk->parts = NULL;
    for (i = 0; i < parts->count; i++) {
        chunk_drop(parts->chunks[i]);
    }
    free(parts);
}

/* ---- Entries ------------------------------------------------------------- */

struct chunk *chunk_leaf(struct chunk *chunk, uint64_t position)
{
    size_t from = 0;
    size_t to;

    assert(position <= chunk->name.last);
    if (chunk->memory != NULL || chunk->parts == NULL) {
        return chunk;
    }
    to = chunk->parts->count - 1;
    while (from < to) {
        size_t middle = from + (to - from) / 2;

        if (chunk->parts->chunks[middle]->name.last < position) {
            from = middle + 1;
        } else {
            to = middle;
        }
    }
    return chunk->parts->chunks[from];
}

const uint8_t *chunk_bytes(const struct chunk *chunk)
{
    return chunk->memory == NULL ? NULL : chunk->memory->bytes;
}

bool chunk_next(const struct chunk *chunk, size_t *offset,
                struct read_entry *ret)
{
    const uint8_t *at;

    if (*offset >= chunk->len) {
        return false;
    }
    at = chunk->memory->bytes + *offset;
    assert(chunk->len - *offset >= CHUNK_ENTRY_HEADER_LEN);
    assert(chunk_entry_len(at) <= chunk->len - *offset);
    chunk_entry_view(at, ret);
    *offset += chunk_entry_len(at);
    return true;
}

size_t chunk_find(const struct chunk *chunk, uint64_t position)
{
    size_t offset;

    if (position > chunk->name.last) {
        return chunk->len;
    }
    offset = chunk_memory_near(chunk->memory, position);
    while (offset < chunk->len) {
        const uint8_t *at = chunk->memory->bytes + offset;

        if (get_u64(at) >= position) {
            break;
        }
        offset += chunk_entry_len(at);
    }
    return offset;
}

struct chunk_share chunk_share(const struct chunk *chunk)
{
    struct chunk_share share = {chunk->memory,
                                {chunk_bytes(chunk), chunk->len}};

    if (share.memory == NULL) {
        share.bytes.len = 0;
    } else {
        (void)chunk_memory_ref(share.memory);
    }
    return share;
}

void chunk_share_drop(struct chunk_share *share)
{
    chunk_memory_drop(share->memory);
    *share = (struct chunk_share){NULL, {NULL, 0}};
}

/* ---- Helpers ------------------------------------------------------------- */

static void make_room(struct chunk *chunk, size_t more)
{
    size_t room = chunk->memory == NULL ? 0 : chunk->memory->room;
    size_t needed = chunk->len + more;

    if (needed <= room) {
        return;
    }
    room = room >= ROOM_DOUBLES ? room * 2 : needed + needed / 8;
    room += ROOM_STEP - 1 - (room + ROOM_STEP - 1) % ROOM_STEP;
    if (room > CHUNK_BYTES) {
        room = CHUNK_BYTES;
    }
    chunk->memory = chunk_memory_resize(chunk->memory, chunk->len,
                                        room > needed ? room : needed);
}

static void set_facts(struct chunk *chunk, const struct chunk_facts *facts)
{
    chunk->name = facts->name;
    chunk->last_time_ms = facts->last_time_ms;
    chunk->len = facts->len;
    chunk->entries = facts->entries;
    chunk->payload = facts->payload;
}

/* The chunks that have the bytes of @parts: into @ret, unless it is NULL.
 * Returns their count. */
static size_t leaves(struct chunk *const *parts, size_t count,
                     struct chunk **ret)
{
    size_t all = 0;
    size_t i;

    for (i = 0; i < count; i++) {
        struct chunk *const *from = &parts[i];
        size_t more = 1;

        if (parts[i]->parts != NULL) {
            from = parts[i]->parts->chunks;
            more = parts[i]->parts->count;
        }
        if (ret != NULL) {
            memcpy(ret + all, from, more * sizeof(*ret));
        }
        all += more;
    }
    return all;
}
