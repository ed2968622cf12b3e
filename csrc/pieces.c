/*
 * Most pieces of a text have come before, so their tokens are remembered, in two
 * tables that are small enough for the caches of a processor:
 *
 * - words: pieces of up to 15 bytes that make up to 3 tokens, which is nearly
 *   all. Two of them fill a cache line and share a slot; the older one goes.
 * - others: pieces of up to 31 bytes that make up to 7 tokens, but for the words
 *   that are one token, which cost little. A new one takes the slot.
 *
 * Pieces are taken many at a time, in two passes. The first finds the words that
 * are known, with hardly a branch, and asks for the memory that the rest will
 * need. The second, when that has come, looks up or merges the rest.
 */
#include "pieces.h"

#include <stdlib.h>
#include <string.h>

#include "error.h"

#define WORD_LENGTH 15
#define WORD_TOKENS 3
#define WORD_BITS 15
#define OTHER_LENGTH 31
#define OTHER_TOKENS 7
#define OTHER_BITS 14
#define LINE 64 /* bytes of a cache line */
#define ROOM (OTHER_LENGTH + 3)

/* The bytes of a piece, zero-padded, as numbers; its length is in the highest
 * byte, of `high` for a word and of `more[1]` for others. */
struct key {
    uint64_t low;
    uint64_t high;
    uint64_t more[2];
};

struct word {
    uint64_t low;
    uint64_t high; /* 0: there is none */
    int32_t tokens[WORD_TOKENS];
    int32_t count;
};

struct other {
    struct key key;
    int32_t tokens[OTHER_TOKENS]; /* and one to spare */
    int32_t count;
};

struct harmony_cache {
    const harmony_encoding *encoding;
    void *memory;
    struct word (*words)[2];
    struct other *others;
    struct batch *batch;
};

/* A word that is looked for, and its slot. */
struct probe {
    uint64_t low;
    uint64_t high;
    struct word *words;
};

/* ---- Keys -------------------------------------------------------------- */

/* The first `n` bytes of eight. */
#define FIRST(n) (~(uint64_t)0 >> (64 - 8 * (n)))

static const uint64_t low_bytes[WORD_LENGTH + 1] = {
    0, FIRST(1), FIRST(2), FIRST(3), FIRST(4), FIRST(5), FIRST(6), FIRST(7),
    FIRST(8), FIRST(8), FIRST(8), FIRST(8), FIRST(8), FIRST(8), FIRST(8),
    FIRST(8)
};
static const uint64_t high_bytes[WORD_LENGTH + 1] = {
    0, 0, 0, 0, 0, 0, 0, 0, 0, FIRST(1), FIRST(2), FIRST(3), FIRST(4),
    FIRST(5), FIRST(6), FIRST(7)
};

/* The key and the slot of a word; LOAD bytes can be read. For a piece that is
 * too long to be a word, a key that no word has. */
#define LOAD 16

static inline void find_slot(const harmony_cache *cache, const uint8_t *bytes,
                             size_t length, struct probe *probe)
{
    size_t kept = length & WORD_LENGTH;

    probe->low = hm_little64(bytes) & low_bytes[kept];
    probe->high = (hm_little64(bytes + 8) & high_bytes[kept])
                  | (uint64_t)(length <= WORD_LENGTH ? length : LOAD) << 56;
    probe->words
        = cache->words[hm_hash(probe->low, probe->high) >> (64 - WORD_BITS)];
    HM_PREFETCH(probe->words);
}

static struct key other_key(const uint8_t *bytes, size_t length)
{
    uint8_t padded[OTHER_LENGTH + 1] = {0};
    struct key key;

    memcpy(padded, bytes, length);
    padded[OTHER_LENGTH] = (uint8_t)length;
    key.low = hm_little64(padded);
    key.high = hm_little64(padded + 8);
    key.more[0] = hm_little64(padded + 16);
    key.more[1] = hm_little64(padded + 24);
    return key;
}

static struct other *other_slot(const harmony_cache *cache,
                                const struct key *key)
{
    uint64_t hash = hm_hash(key->low ^ key->more[0] >> 7,
                            key->high ^ key->more[1] >> 11);

    return cache->others + (hash >> (64 - OTHER_BITS));
}

static int same_key(const struct key *a, const struct key *b)
{
    return ((a->low ^ b->low) | (a->high ^ b->high)
            | (a->more[0] ^ b->more[0]) | (a->more[1] ^ b->more[1])) == 0;
}

/* ---- One piece --------------------------------------------------------- */

int hm_encode_piece(const hm_vocabulary *vocabulary, const uint8_t *piece,
                    size_t length, hm_tokens *out)
{
    int32_t rank = hm_rank(vocabulary, piece, length);

    if (rank < 0)
        return hm_bpe(vocabulary, piece, length, out);
    hm_push(out, rank);
    return 1;
}

/* A piece that is not among the known words. */
struct miss {
    size_t start;
    size_t length;
    size_t before; /* tokens of known words before it */
    struct key key;
    struct word *words;  /* its slot; NULL if it is too long */
    struct other *other; /* its slot; NULL if it is too long */
    size_t at;           /* where its tokens are in `found` */
    size_t count;
    int is_new;
};

/* What is made of some pieces. */
struct batch {
    int32_t known[HM_PIECES * WORD_TOKENS + 3]; /* tokens of known words */
    size_t known_count;
    struct miss misses[HM_PIECES];
    size_t miss_count;
    int32_t found[HM_PIECES * ROOM];            /* tokens of the misses */
    size_t found_count;
    hm_piece merged[HM_PIECES];
    struct miss *merged_of[HM_PIECES];
    size_t merged_count;
    struct probe probes[HM_PIECES];
};

/* ---- Making one -------------------------------------------------------- */

harmony_status harmony_cache_new(const harmony_encoding *encoding,
                                 harmony_cache **out, harmony_error *error)
{
    harmony_cache *cache = calloc(1, sizeof *cache);
    size_t words = sizeof *cache->words << WORD_BITS;
    size_t others = sizeof *cache->others << OTHER_BITS;
    uint8_t *memory = calloc(1, words + others + LINE + sizeof(struct batch));

    *out = NULL;
    if (cache == NULL || memory == NULL) {
        free(cache);
        free(memory);
        return hm_fail(error, HARMONY_NO_MEMORY, -1,
                       "no memory for the cache");
    }
    cache->encoding = encoding;
    cache->memory = memory;
    memory += LINE - (uintptr_t)memory % LINE;
    cache->words = (struct word(*)[2])(void *)memory;
    cache->others = (struct other *)(void *)(memory + words);
    cache->batch = (struct batch *)(void *)(memory + words + others);
    *out = cache;
    return HARMONY_OK;
}

void harmony_cache_free(harmony_cache *cache)
{
    if (cache == NULL)
        return;
    free(cache->memory);
    free(cache);
}

const harmony_encoding *hm_cache_owner(const harmony_cache *cache)
{
    return cache->encoding;
}

/* Four tokens are copied at a time, so `tokens` has three to spare. */
static inline void push_all(hm_tokens *out, const int32_t *tokens, size_t count)
{
    size_t i;

    if (out->count + count + 3 > out->capacity) {
        for (i = 0; i < count; i++)
            hm_push(out, tokens[i]);
        return;
    }
    for (i = 0; i < count; i += 4)
        memcpy(out->tokens + out->count + i, tokens + i, 4 * sizeof *tokens);
    out->count += count;
}

/* ---- The first pass: known words ---------------------------------------- */

static void add_miss(const hm_vocabulary *vocabulary,
                     const harmony_cache *cache, const uint8_t *text,
                     struct miss *miss)
{
    if (miss->words != NULL) {
        hm_entry entry;

        entry.low = miss->key.low;
        entry.high = (miss->key.high & UINT32_MAX) | (uint64_t)miss->length << 32;
        miss->key.more[0] = miss->key.more[1] = 0;
        if (miss->length <= HM_SHORT_TOKEN)
            HM_PREFETCH(vocabulary->entries
                        + hm_entry_line(vocabulary, entry));
    } else if (miss->length <= OTHER_LENGTH) {
        miss->key = other_key(text + miss->start, miss->length);
    } else {
        miss->other = NULL;
        return;
    }
    miss->other = other_slot(cache, &miss->key);
    HM_PREFETCH(miss->other);
}

/* Find the slots of all pieces, so that their memory is there when it is read.
 * The last ones may have too few bytes behind them, and are copied. */
static void find_slots(const harmony_cache *cache, const uint8_t *text,
                       size_t length, size_t start, const uint32_t *ends,
                       size_t count, struct probe *probes)
{
    size_t i, size;

    for (i = 0; i < count && start + LOAD <= length; start = ends[i++])
        find_slot(cache, text + start, ends[i] - start, probes + i);
    for (; i < count; start = ends[i++]) {
        uint8_t padded[LOAD] = {0};

        size = ends[i] - start;
        memcpy(padded, text + start, size < LOAD ? size : LOAD);
        find_slot(cache, padded, size, probes + i);
    }
}

static void find_known(const hm_vocabulary *vocabulary,
                       const harmony_cache *cache, const uint8_t *text,
                       size_t start, const uint32_t *ends,
                       size_t count, struct batch *batch)
{
    int32_t *to = batch->known;
    struct miss *miss = batch->misses;
    size_t i;

    for (i = 0; i < count; start = ends[i++]) {
        const struct probe *probe = batch->probes + i;
        struct word *words = probe->words;
        uint64_t first = (words[0].low ^ probe->low)
                         | (words[0].high ^ probe->high);
        uint64_t second = (words[1].low ^ probe->low)
                          | (words[1].high ^ probe->high);

        /* 1 if they differ, without a branch that can't be foreseen */
        first = (first | (0 - first)) >> 63;
        second = (second | (0 - second)) >> 63;
        if (HM_LIKELY(!(first & second))) {
            memcpy(to, words[first].tokens, 4 * sizeof *to);
            to += words[first].count;
            continue;
        }
        miss->key.low = probe->low;
        miss->key.high = probe->high;
        miss->start = start;
        miss->length = ends[i] - start;
        miss->words = miss->length <= WORD_LENGTH ? words : NULL;
        miss->before = (size_t)(to - batch->known);
        add_miss(vocabulary, cache, text, miss++);
    }
    batch->known_count = (size_t)(to - batch->known);
    batch->miss_count = (size_t)(miss - batch->misses);
}

/* ---- The second pass: all others ---------------------------------------- */

/* Find a piece among the others, or as a token, or note that it has to be
 * merged. */
static void find_other(const hm_vocabulary *vocabulary, const uint8_t *piece, struct batch *batch, struct miss *miss)
{
    int32_t *to = batch->found + batch->found_count;
    int32_t rank;

    miss->at = batch->found_count;
    batch->found_count += ROOM;
    miss->is_new = !same_key(&miss->other->key, &miss->key);
    if (!miss->is_new) {
        miss->count = (size_t)miss->other->count;
        memcpy(to, miss->other->tokens, sizeof miss->other->tokens);
        return;
    }
    rank = hm_rank(vocabulary, piece, miss->length);
    if (rank >= 0) {
        miss->count = 1;
        *to = rank;
        return;
    }
    batch->merged[batch->merged_count].bytes = piece;
    batch->merged[batch->merged_count].length = miss->length;
    batch->merged[batch->merged_count].tokens = to;
    batch->merged_of[batch->merged_count++] = miss;
}

static void find_others(const hm_vocabulary *vocabulary, const uint8_t *text, struct batch *batch)
{
    size_t i;

    batch->found_count = 0;
    batch->merged_count = 0;
    for (i = 0; i < batch->miss_count; i++)
        if (batch->misses[i].other != NULL)
            find_other(vocabulary, text + batch->misses[i].start, batch, batch->misses + i);
    hm_bpe_together(vocabulary, batch->merged, batch->merged_count);
    for (i = 0; i < batch->merged_count; i++)
        batch->merged_of[i]->count = batch->merged[i].count;
}

static void remember(const struct miss *miss, const int32_t *tokens)
{
    struct word *words = miss->words;

    if (miss->is_new && (miss->count > 1 || words == NULL)
        && miss->count <= OTHER_TOKENS) {
        miss->other->key = miss->key;
        miss->other->count = (int32_t)miss->count;
        memcpy(miss->other->tokens, tokens, sizeof miss->other->tokens);
    }
    if (words != NULL && miss->count <= WORD_TOKENS) {
        words[1] = words[0];
        words[0].low = miss->key.low;
        words[0].high = miss->key.high;
        words[0].count = (int32_t)miss->count;
        memcpy(words[0].tokens, tokens, sizeof words[0].tokens);
    }
}

int hm_encode_pieces(const hm_vocabulary *vocabulary, harmony_cache *cache,
                     const uint8_t *text, size_t length, size_t start,
                     const uint32_t *ends, size_t count, hm_tokens *out)
{
    struct batch *batch;
    size_t i, done = 0;

    if (cache == NULL) {
        for (i = 0; i < count; start = ends[i++])
            if (!hm_encode_piece(vocabulary, text + start, ends[i] - start,
                                 out))
                return 0;
        return 1;
    }
    batch = cache->batch;
    find_slots(cache, text, length, start, ends, count, batch->probes);
    find_known(vocabulary, cache, text, start, ends, count, batch);
    find_others(vocabulary, text, batch);
    for (i = 0; i < batch->miss_count; i++) {
        const struct miss *miss = batch->misses + i;

        push_all(out, batch->known + done, miss->before - done);
        done = miss->before;
        if (miss->other == NULL) {
            if (!hm_encode_piece(vocabulary, text + miss->start, miss->length,
                                 out))
                return 0;
            continue;
        }
        push_all(out, batch->found + miss->at, miss->count);
        remember(miss, batch->found + miss->at);
    }
    push_all(out, batch->known + done, batch->known_count - done);
    return 1;
}
