/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "backup/backup_locations.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "machine/must.h"
#include "util/crc32c.h"
#include "util/mem.h"

#define SKIPPABLE_MAGIC 0x184D2A53u
#define LOCATIONS_MAGIC "QLKL"
#define COVERED_AT 4u /* by the checksum, but for itself */
#define MAGIC_AT 8u
#define VERSION_AT 12u
#define CRC_AT 16u
#define FRONT_CRC_AT 20u
#define CLUSTER_AT 24u
#define NEW_BYTES_AT 40u
#define STORED_BYTES_AT 48u
#define PACKS_AT 56u
#define CHUNKS_AT 60u

static uint32_t crc_of(const uint8_t *bytes, size_t len);
static size_t packs_of(const struct backup_location *items, uint32_t count,
                       uint64_t **ret_packs);
static uint32_t index_of(const uint64_t *packs, size_t count, uint64_t pack);
static int check_items(struct bytes bytes,
                       const struct backup_locations *locations,
                       struct err *err);
static int compare_u64(const void *a, const void *b);

void backup_locations_encode(struct backup_locations *header,
                             const struct backup_location *items,
                             struct buf *ret)
{
    uint64_t *packs = NULL;
    size_t count = packs_of(items, header->chunks, &packs);
    size_t len;
    uint8_t *at;

    header->packs = (uint32_t)count;
    len = (size_t)backup_locations_len(header);
    (void)must_have_memory(buf_reserve(ret, len));
    at = ret->data + ret->len;
    put_u32(at, SKIPPABLE_MAGIC);
    put_u32(at + 4, (uint32_t)len - MAGIC_AT);
    memcpy(at + MAGIC_AT, LOCATIONS_MAGIC, 4);
    put_u32(at + VERSION_AT, BACKUP_LOCATIONS_VERSION);
    put_u32(at + FRONT_CRC_AT, header->front_crc);
    memcpy(at + CLUSTER_AT, header->cluster, PACK_CLUSTER_LEN);
    put_u64(at + NEW_BYTES_AT, header->new_bytes);
    put_u64(at + STORED_BYTES_AT, header->stored_bytes);
    put_u32(at + PACKS_AT, header->packs);
    put_u32(at + CHUNKS_AT, header->chunks);
    for (size_t i = 0; i < count; i++) {
        put_u64(at + BACKUP_LOCATIONS_HEADER_LEN + i * 8, packs[i]);
    }
    for (uint32_t i = 0; i < header->chunks; i++) {
        uint8_t *item = at + BACKUP_LOCATIONS_HEADER_LEN + count * 8 +
                        (size_t)i * BACKUP_LOCATION_LEN;

        put_u32(item, index_of(packs, count, items[i].pack));
        put_u32(item + 4, items[i].row);
    }
    put_u32(at + CRC_AT, crc_of(at, len));
    ret->len += len;
    free(packs);
}

int backup_locations_measure(const uint8_t *header,
                             struct backup_locations *ret, struct err *err)
{
    struct backup_locations locations;
    uint32_t version = get_u32(header + VERSION_AT);

    if (get_u32(header) != SKIPPABLE_MAGIC ||
        memcmp(header + MAGIC_AT, LOCATIONS_MAGIC, 4) != 0) {
        return err_set(err, QL_CORRUPT, "these are no locations of chunks");
    }
    if (version != BACKUP_LOCATIONS_VERSION) {
        return err_set(err, QL_INVALID,
                       "its locations have format version %u and this program "
                       "knows only %u: a newer quorlog wrote it, use that one",
                       version, BACKUP_LOCATIONS_VERSION);
    }
    locations.front_crc = get_u32(header + FRONT_CRC_AT);
    memcpy(locations.cluster, header + CLUSTER_AT, PACK_CLUSTER_LEN);
    locations.new_bytes = get_u64(header + NEW_BYTES_AT);
    locations.stored_bytes = get_u64(header + STORED_BYTES_AT);
    locations.packs = get_u32(header + PACKS_AT);
    locations.chunks = get_u32(header + CHUNKS_AT);
    if (locations.chunks > CHUNKS_MAX || locations.packs > locations.chunks ||
        get_u32(header + 4) != backup_locations_len(&locations) - MAGIC_AT) {
        return err_set(err, QL_CORRUPT, "the lengths of its locations are off");
    }
    *ret = locations;
    return 0;
}

int backup_locations_check(struct bytes bytes, struct backup_locations *ret,
                           struct err *err)
{
    struct backup_locations locations = {.packs = 0};
    int rv;

    if (bytes.len < BACKUP_LOCATIONS_HEADER_LEN) {
        return err_set(err, QL_CORRUPT, "its locations are cut off");
    }
    /* A version that is only damaged is not a newer one. */
    if (get_u32(bytes.data + VERSION_AT) != BACKUP_LOCATIONS_VERSION &&
        get_u32(bytes.data + CRC_AT) != crc_of(bytes.data, bytes.len)) {
        return err_set(err, QL_CORRUPT, "the checksum of its locations is off");
    }
    rv = backup_locations_measure(bytes.data, &locations, err);
    if (rv != 0) {
        return rv;
    }
    if (bytes.len != backup_locations_len(&locations)) {
        return err_set(err, QL_CORRUPT, "its locations are cut off");
    }
    if (get_u32(bytes.data + CRC_AT) != crc_of(bytes.data, bytes.len)) {
        return err_set(err, QL_CORRUPT, "the checksum of its locations is off");
    }
    rv = check_items(bytes, &locations, err);
    if (rv == 0) {
        *ret = locations;
    }
    return rv;
}

uint64_t backup_locations_pack(struct bytes bytes, uint32_t index)
{
    return get_u64(bytes.data + BACKUP_LOCATIONS_HEADER_LEN +
                   (size_t)index * 8);
}

struct backup_location backup_locations_item(struct bytes bytes,
                                             uint32_t number)
{
    uint32_t packs = get_u32(bytes.data + PACKS_AT);
    const uint8_t *item = bytes.data + BACKUP_LOCATIONS_HEADER_LEN +
                          (size_t)packs * 8 +
                          (size_t)number * BACKUP_LOCATION_LEN;

    return (struct backup_location){backup_locations_pack(bytes, get_u32(item)),
                                    get_u32(item + 4)};
}

uint32_t backup_locations_index(struct bytes bytes, uint32_t number)
{
    uint32_t packs = get_u32(bytes.data + PACKS_AT);

    return get_u32(bytes.data + BACKUP_LOCATIONS_HEADER_LEN +
                   (size_t)packs * 8 + (size_t)number * BACKUP_LOCATION_LEN);
}

static int check_items(struct bytes bytes,
                       const struct backup_locations *locations,
                       struct err *err)
{
    const uint8_t *items =
        bytes.data + BACKUP_LOCATIONS_HEADER_LEN + (size_t)locations->packs * 8;
    bool *named = mem_must_array((size_t)locations->packs + 1, sizeof(*named));
    uint32_t unnamed = locations->packs;
    uint64_t last = 0;
    int rv = 0;

    for (uint32_t i = 0; i < locations->packs && rv == 0; i++) {
        uint64_t number = backup_locations_pack(bytes, i);

        if (number <= last || number > BACKUP_PACK_NUMBER_MAX) {
            rv = err_set(err, QL_CORRUPT, "its packs are out of order");
        }
        last = number;
    }
    for (uint32_t i = 0; i < locations->chunks && rv == 0; i++) {
        uint32_t index = get_u32(items + (size_t)i * BACKUP_LOCATION_LEN);
        uint32_t row = get_u32(items + (size_t)i * BACKUP_LOCATION_LEN + 4);

        if (index >= locations->packs || row >= PACK_CHUNKS_MAX) {
            rv = err_set(err, QL_CORRUPT, "chunk %u has no place", i);
        } else if (!named[index]) {
            named[index] = true;
            unnamed--;
        }
    }
    if (rv == 0 && unnamed > 0) {
        rv = err_set(err, QL_CORRUPT, "it names packs without need");
    }
    free(named);
    return rv;
}

static uint32_t crc_of(const uint8_t *bytes, size_t len)
{
    uint32_t crc = crc32c(0, bytes + COVERED_AT, CRC_AT - COVERED_AT);

    return crc32c(crc, bytes + FRONT_CRC_AT, len - FRONT_CRC_AT);
}

/* Their numbers, each once, rising; to be freed. */
static size_t packs_of(const struct backup_location *items, uint32_t count,
                       uint64_t **ret_packs)
{
    uint64_t *packs = mem_must_array((size_t)count + 1, sizeof(*packs));
    size_t used = 0;

    /* Neighbours mostly lie in one pack. */
    for (uint32_t i = 0; i < count; i++) {
        if (used == 0 || packs[used - 1] != items[i].pack) {
            packs[used] = items[i].pack;
            used++;
        }
    }
    qsort(packs, used, sizeof(*packs), compare_u64);
    count = 0;
    for (size_t i = 0; i < used; i++) {
        if (count == 0 || packs[count - 1] != packs[i]) {
            packs[count] = packs[i];
            count++;
        }
    }
    *ret_packs = packs;
    return count;
}

static uint32_t index_of(const uint64_t *packs, size_t count, uint64_t pack)
{
    const uint64_t *found =
        bsearch(&pack, packs, count, sizeof(*packs), compare_u64);

    assert(found != NULL);
    return (uint32_t)(found - packs);
}

static int compare_u64(const void *a, const void *b)
{
    uint64_t left = *(const uint64_t *)a;
    uint64_t right = *(const uint64_t *)b;

    return left < right ? -1 : left > right;
}
