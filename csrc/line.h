/*
 * The cache lines of the two large tables, of tokens by their bytes and of
 * merges by their two tokens. A line is compared as a whole, without a branch,
 * for whether a piece is a token, or two tokens merge, can't be foreseen. A
 * column holds one token or merge; what a full line has no room for is in the
 * next one that has.
 */
#ifndef HM_LINE_H
#define HM_LINE_H

#include "four.h"

/* ---- Tokens ------------------------------------------------------------- */

/* The bytes of a piece of up to HM_SHORT_TOKEN, zero-padded and little-endian,
 * with its length behind them, in the highest byte of the third quarter; the
 * last quarter is 0, and is not for longer pieces. */
typedef struct hm_key {
    uint64_t halves[2];
} hm_key;

#define HM_SHORT_TOKEN 11

#define HM_COLUMNS 4

/* The first three quarters of a key, and the rank plus one, which is 0 where a
 * column is free. */
typedef struct hm_line {
    uint32_t keys[3][HM_COLUMNS];
    uint32_t ranks[HM_COLUMNS];
} hm_line;

/* The rank of the token with this key, or -1. */
static inline int32_t hm_rank_in_line(const hm_line *line, const hm_key *key)
{
    hm_four own = hm_halves(key->halves);
    hm_four first = hm_same(HM_SPREAD(own, 0), hm_load(line->keys[0]));
    hm_four second = hm_same(HM_SPREAD(own, 1), hm_load(line->keys[1]));
    hm_four third = hm_same(HM_SPREAD(own, 2), hm_load(line->keys[2]));
    hm_four is_short = hm_same(HM_SPREAD(own, 3), hm_all(0));
    hm_four same = hm_and(hm_and(first, second), hm_and(third, is_short));

    return (int32_t)hm_only(hm_and(same, hm_load(line->ranks))) - 1;
}

static inline int hm_is_full(const hm_line *line)
{
    return line->ranks[HM_COLUMNS - 1] != 0;
}

/* ---- Merges ------------------------------------------------------------- */

#define HM_RANK_BITS 21

/* Two tokens as one number of 42 bits. */
static inline uint64_t hm_pair_of(int32_t left, int32_t right)
{
    return (uint64_t)left << HM_RANK_BITS | (uint64_t)right;
}

#define HM_MERGES 8

/* The lower 32 bits of a pair, and the others above HM_PAIR_SHIFT, over the
 * rank of what it merges into plus one, which is 0 where a column is free. */
#define HM_PAIR_SHIFT 22

typedef struct hm_merge_line {
    uint32_t pairs[HM_MERGES];
    uint32_t ranks[HM_MERGES];
} hm_merge_line;

/* The rank in one of four columns, with what is above it, or 0. */
static inline hm_four hm_merge_of_four(const hm_merge_line *line, int first,
                                       uint64_t pair)
{
    hm_four ranks = hm_load(line->ranks + first);
    hm_four low = hm_same(hm_load(line->pairs + first), hm_all((uint32_t)pair));
    hm_four high = hm_same(hm_above(ranks, HM_PAIR_SHIFT),
                           hm_all((uint32_t)(pair >> 32)));

    return hm_and(hm_and(low, high), ranks);
}

/* The rank of what a pair merges into, or -1. */
static inline int32_t hm_merge_in_line(const hm_merge_line *line, uint64_t pair)
{
    uint32_t found = hm_only(hm_or(hm_merge_of_four(line, 0, pair),
                                   hm_merge_of_four(line, 4, pair)));

    return (int32_t)(found & ((1u << HM_PAIR_SHIFT) - 1)) - 1;
}

static inline int hm_is_full_of_merges(const hm_merge_line *line)
{
    return line->ranks[HM_MERGES - 1] != 0;
}

#endif
