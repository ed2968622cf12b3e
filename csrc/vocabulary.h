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
#include "machine.h"

/* A token of up to HM_SHORT_TOKEN bytes: its bytes, zero-padded, in `low` and
 * the low half of `high`, its length above them and its rank above that. A
 * longer one: a hash of its bytes in `low`, HM_SHORT_TOKEN + 1 for the length,
 * and its bytes have to be compared. One comparison of 128 bits, no pointer. */
typedef struct hm_entry {
    uint64_t low;
    uint64_t high;
} hm_entry;

#define HM_SHORT_TOKEN 12
#define HM_RANK_SHIFT 36

/* What a token merges from. right < 0: it is a single byte. left < 0 too:
 * nothing merges into it, it is only ever a whole piece. */
typedef struct hm_pair {
    int32_t left;
    int32_t right;
} hm_pair;

/* What a token merges with to its right, plus one, and what they merge into; 0
 * and -1 is a free slot. HM_MORE: other merges would belong here and are
 * further on. */
typedef struct hm_merge_slot {
    uint32_t right;
    int32_t rank;
} hm_merge_slot;

#define HM_MORE 0x80000000u

#define HM_CHARS 0x10000

/* What may stand behind the border of a character: a byte from C0 on, or ASCII,
 * which is all one. */
#define HM_BORDERS 65

typedef struct hm_vocabulary {
    int32_t size;      /* ranks are below this; some may be unused */
    int32_t longest;   /* bytes of the longest token */
    uint8_t *bytes;    /* the bytes of all tokens, by rank */
    uint32_t *offsets; /* rank r is bytes[offsets[r] .. offsets[r + 1]) */
    hm_entry *entries; /* open addressing; high == 0 is free */
    size_t entry_mask;
    int entry_shift;                /* a hash without its low bits is a slot */
    hm_pair *merged_from;           /* by rank */
    uint32_t *merge_tables;         /* by left rank: see hm_merge */
    hm_merge_slot *merges;          /* NULL: the merges are not known */
    int32_t *rank_of_char;          /* by code point below HM_CHARS; 0: none */
    int32_t (*borders)[HM_BORDERS]; /* see hm_border */
    void *tables;      /* the memory of entries, merged_from, offsets
                          and merge_tables */
    void *merge_block; /* that of merges */
    int32_t rank_of_byte[256];
} hm_vocabulary;

/* Read either kind of file. On failure there is nothing to free. */
harmony_status hm_vocabulary_load(hm_vocabulary *vocabulary,
                                  const uint8_t *data, size_t size,
                                  harmony_error *error);
void hm_vocabulary_free(hm_vocabulary *vocabulary);

/* ---- Making the tables -------------------------------------------------- */

#define HM_RANK_LIMIT (1 << 21)

/* Get memory for the tables of `size` ranks, but for their bytes. */
int hm_vocabulary_allocate(hm_vocabulary *vocabulary, int32_t size);

/* Enter all tokens, whose bytes and offsets are in place.
 * Errors: HARMONY_BAD_VOCABULARY. */
harmony_status hm_enter_tokens(hm_vocabulary *vocabulary, harmony_error *error);

/* Make the tables of merges and characters from `merged_from` and the tokens'
 * bytes. 0 if there is no memory. */
int hm_enter_merges(hm_vocabulary *vocabulary);

/* ---- Looking up --------------------------------------------------------- */

/* Bytes that can be read behind those of any token. */
#define HM_TOKEN_SLACK 16

/* The bytes of a token; no bytes for a rank that is not used. */
static inline const uint8_t *hm_token(const hm_vocabulary *vocabulary,
                                      int32_t rank, size_t *length)
{
    *length = vocabulary->offsets[rank + 1] - vocabulary->offsets[rank];
    return vocabulary->bytes + vocabulary->offsets[rank];
}

/* The rank of the token with these bytes, or -1. */
int32_t hm_rank(const hm_vocabulary *vocabulary, const uint8_t *bytes,
                size_t length);

/* Every token has a table of its own in `merges`, of a power of two of slots,
 * so that what is asked about one token lies close together: the place of its
 * first slot, above the number of slots less one, as a logarithm, in
 * HM_TABLE_BITS. */
#define HM_TABLE_BITS 5

static inline uint32_t hm_table_mask(uint32_t table)
{
    return (1u << (table & ((1u << HM_TABLE_BITS) - 1))) - 1;
}

static inline uint32_t hm_merge_hash(int32_t right)
{
    return (uint32_t)right * 0x9E3779B1u >> 11;
}

/* hm_merge for a merge that may not be in its slot. */
int32_t hm_merge_further_on(const hm_merge_slot *slots, uint32_t mask,
                            int32_t right);

/* The rank of what two tokens merge into, or -1. Whether there is such a merge
 * can't be foreseen, so the usual way has no branch. */
static inline int32_t hm_merge(const hm_vocabulary *vocabulary, int32_t left,
                               int32_t right)
{
    uint32_t table = vocabulary->merge_tables[left];
    const hm_merge_slot *slots = vocabulary->merges + (table >> HM_TABLE_BITS);
    uint32_t mask = hm_table_mask(table);
    hm_merge_slot slot = slots[hm_merge_hash(right) & mask];
    uint32_t differ = slot.right ^ ((uint32_t)right + 1);

    if (differ >= HM_MORE && differ != HM_MORE)
        return hm_merge_further_on(slots, mask, right);
    return slot.rank | -(int32_t)((differ & ~HM_MORE) != 0);
}

/* The length of the character of two or three bytes that `bytes` begin with,
 * and its code point; 0 if they begin with none. */
static inline size_t hm_char_at(const uint8_t *bytes, size_t length,
                                uint32_t *code_point)
{
    uint8_t first = bytes[0];

    if (length < 2 || first < 0xC2 || first >= 0xF0 || bytes[1] >> 6 != 2)
        return 0;
    *code_point = (first & 0x1Fu) << 6 | (bytes[1] & 0x3Fu);
    if (first < 0xE0)
        return 2;
    if (length < 3 || bytes[2] >> 6 != 2)
        return 0;
    *code_point
        = (first & 0x0Fu) << 12 | (bytes[1] & 0x3Fu) << 6 | (bytes[2] & 0x3Fu);
    return *code_point < 0x800 ? 0 : 3;
}

/* Of a border between two characters, known by the bytes on both sides of it:
 * the least rank of a token that reaches across it and does not hold whole
 * characters only; INT32_MAX if there is none. `right` is ASCII or from C0
 * on. */
static inline int32_t hm_border(const hm_vocabulary *vocabulary, uint8_t left,
                                uint8_t right)
{
    return vocabulary
        ->borders[left][right < 0x80 ? HM_BORDERS - 1 : right - 0xC0];
}

/* The keys of short byte strings, and where their search begins. */
static inline uint64_t hm_little32(const uint8_t *p)
{
    return (uint64_t)p[0] | (uint64_t)p[1] << 8 | (uint64_t)p[2] << 16
           | (uint64_t)p[3] << 24;
}

static inline uint64_t hm_little64(const uint8_t *p)
{
    return hm_little32(p) | hm_little32(p + 4) << 32;
}

/* The high bits of it are the good ones. */
static inline uint64_t hm_hash(uint64_t low, uint64_t high)
{
    return low * 0x9E3779B97F4A7C15u + high * 0xC2B2AE3D27D4EB4Fu;
}

/* Four entries fill a cache line; a search begins at the first of them. */
static inline size_t hm_entry_line(const hm_vocabulary *vocabulary,
                                   hm_entry key)
{
    return (hm_hash(key.low, key.high) >> vocabulary->entry_shift) & ~(size_t)3;
}

#endif
