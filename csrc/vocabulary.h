/*
 * A vocabulary: which byte strings are tokens, the rank (id) of each, and which
 * two tokens merge into which.
 *
 * Two kinds of file are read. A .tiktoken file has a line "BASE64 RANK" for
 * each token. The compact file, which harmony ships, says the same as a list
 * of merges. All numbers are little-endian:
 *
 *     offset  size   what
 *     0       8      "harmvoc1"
 *     8       4      number of tokens, N
 *     12      4      CRC-32 (that of zlib) of all that follows
 *     16      32     SHA-256 of the .tiktoken file it was made from
 *     48      6 * N  for each rank, from 0: the ranks of the two tokens that
 *                    merge into it, 3 bytes each; for a token of a single
 *                    byte, that byte and FFFFFF
 *
 * The tokens of a merge have lower ranks than what they merge into.
 */
#ifndef HM_VOCABULARY_H
#define HM_VOCABULARY_H

#include "harmony.h"

/* A token of up to HM_SHORT_TOKEN bytes: its bytes, zero-padded, in `low` and
 * the low half of `high`, its length above them and its rank above that. A
 * longer one: a hash of its bytes in `low`, HM_SHORT_TOKEN + 1 for the length,
 * and its bytes have to be compared. One comparison of 128 bits, no pointer. */
typedef struct hm_entry {
    uint64_t low;
    uint64_t high;
} hm_entry;

#define HM_SHORT_TOKEN 12

/* What a token merges from. right < 0: it is a single byte. left < 0 too:
 * nothing merges into it, it is only ever a whole piece. */
typedef struct hm_pair {
    int32_t left;
    int32_t right;
} hm_pair;

/* A merge is looked up mostly in vain, so one bit for each of many hashes says
 * first whether there can be one. */
#define HM_MERGE_BITS (1u << 21)

typedef struct hm_vocabulary {
    int32_t size;            /* ranks are below this; some may be unused */
    int32_t longest;         /* bytes of the longest token */
    uint8_t *bytes;          /* the bytes of all tokens, by rank */
    uint32_t *offsets;       /* rank r is bytes[offsets[r] .. offsets[r + 1]) */
    hm_entry *entries;       /* open addressing; high == 0 is free */
    size_t entry_mask;
    uint64_t *merges;        /* open addressing; 0 is free */
    size_t merge_mask;
    uint8_t *merge_bits;     /* HM_MERGE_BITS of them */
    hm_pair *merged_from;    /* by rank */
    int merges_known;        /* 0: a .tiktoken file, see hm_find_merges */
    int32_t rank_of_byte[256];
} hm_vocabulary;

/* Read either kind of file. On failure there is nothing to free. */
harmony_status hm_vocabulary_load(hm_vocabulary *vocabulary,
                                  const uint8_t *data, size_t size,
                                  harmony_error *error);
void hm_vocabulary_free(hm_vocabulary *vocabulary);

static inline uint64_t hm_hash(uint64_t low, uint64_t high, size_t length)
{
    return low * 0x9E3779B97F4A7C15u + (high ^ length) * 0xC2B2AE3D27D4EB4Fu;
}
/* The rank of the token with these bytes, or -1. */
int32_t hm_rank(const hm_vocabulary *vocabulary, const uint8_t *bytes,
                size_t length);

/* The rank of what two tokens merge into, or -1. */
int32_t hm_merge(const hm_vocabulary *vocabulary, int32_t left, int32_t right);

/* Say that two tokens merge into a third. There is room for a merge a rank. */
void hm_add_merge(hm_vocabulary *vocabulary, int32_t left, int32_t right,
                  int32_t rank);

static inline uint64_t hm_mix(uint64_t low, uint64_t high)
{
    uint64_t hash = low * 0x9E3779B97F4A7C15u ^ high * 0xC2B2AE3D27D4EB4Fu;

    hash ^= hash >> 32;
    hash *= 0x9E3779B97F4A7C15u;
    return hash ^ hash >> 32;
}
static inline void hm_prefetch(const hm_vocabulary *vocabulary, uint64_t low, uint64_t high, size_t length)
{
    if (length > HM_SHORT_TOKEN) return;
    high = (high & 0xffffffffu) | (uint64_t)length << 32;
    __builtin_prefetch(vocabulary->entries + (hm_mix(low, high) & vocabulary->entry_mask & ~(size_t)3));
}

/* The bytes of a token; no bytes for a rank that is not used. */
static inline const uint8_t *hm_token(const hm_vocabulary *vocabulary,
                                      int32_t rank, size_t *length)
{
    *length = vocabulary->offsets[rank + 1] - vocabulary->offsets[rank];
    return vocabulary->bytes + vocabulary->offsets[rank];
}

#endif
