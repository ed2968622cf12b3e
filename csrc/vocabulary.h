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
#include "line.h"
#include "machine.h"

/* What a token merges from. right < 0: it is a single byte. left < 0 too:
 * nothing merges into it, it is only ever a whole piece. */
typedef struct hm_pair {
    int32_t left;
    int32_t right;
} hm_pair;

#define HM_CHARS 0x10000

/* What may stand behind the border of a character: a byte from C0 on, or ASCII,
 * which is all one. */
#define HM_BORDERS 65

typedef struct hm_vocabulary {
    int32_t size;      /* ranks are below this; some may be unused */
    int32_t longest;   /* bytes of the longest token */
    uint8_t *bytes;    /* the bytes of all tokens, by rank */
    uint32_t *offsets; /* rank r is bytes[offsets[r] .. offsets[r + 1]); the
                          memory is that of merged_from */
    hm_line *lines;    /* bytes to rank; what a line has no room for is in the
                          next one */
    size_t line_mask;
    int line_shift;                 /* a hash without its low bits is a line */
    hm_pair *merged_from;           /* by rank */
    hm_merge_line *merges;          /* NULL: the merges are not known */
    size_t merge_mask;              /* lines of them, less one */
    int merge_shift;                /* a hash without its low bits is a line */
    int32_t (*ascii_merges)[128];   /* what two bytes merge into, or -1 */
    int32_t *rank_of_char;          /* by code point below HM_CHARS; 0: none */
    int32_t (*borders)[HM_BORDERS]; /* see hm_border */
    void *line_block;               /* the memory of lines */
    void *merge_block;              /* that of merges */
    int32_t rank_of_byte[256];
} hm_vocabulary;

/* Read either kind of file. On failure there is nothing to free. */
harmony_status hm_vocabulary_load(hm_vocabulary *vocabulary,
                                  const uint8_t *data, size_t size,
                                  harmony_error *error);
void hm_vocabulary_free(hm_vocabulary *vocabulary);

/* ---- Making the tables -------------------------------------------------- */

#define HM_RANK_LIMIT (1 << HM_RANK_BITS)

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

/* The line where the search for a merge begins. */
static inline const hm_merge_line *hm_merge_line_of(
    const hm_vocabulary *vocabulary, uint64_t pair)
{
    return vocabulary->merges
           + (pair * 0x9E3779B97F4A7C15u >> vocabulary->merge_shift);
}

/* The search in the lines behind a full one. */
int32_t hm_merge_further_on(const hm_vocabulary *vocabulary,
                            const hm_merge_line *line, uint64_t pair);

/* The rank of what two tokens merge into, or -1. `line` is hm_merge_line_of. */
static inline int32_t hm_merge_from(const hm_vocabulary *vocabulary,
                                    const hm_merge_line *line, uint64_t pair)
{
    int32_t rank = hm_merge_in_line(line, pair);

    if (HM_LIKELY(!hm_is_full_of_merges(line)))
        return rank;
    return rank >= 0 ? rank : hm_merge_further_on(vocabulary, line, pair);
}

static inline int32_t hm_merge(const hm_vocabulary *vocabulary, int32_t left,
                               int32_t right)
{
    uint64_t pair = hm_pair_of(left, right);

    return hm_merge_from(vocabulary, hm_merge_line_of(vocabulary, pair), pair);
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
    return (low ^ (high << 27 | high >> 37)) * 0x9E3779B97F4A7C15u;
}

/* The line where the search for a token begins. */
static inline const hm_line *hm_line_of(const hm_vocabulary *vocabulary,
                                        const hm_key *key)
{
    return vocabulary->lines
           + (hm_hash(key->halves[0], key->halves[1])
              >> vocabulary->line_shift);
}

#endif
