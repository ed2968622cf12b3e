/*
 * Most pieces of a text have come before, so their tokens are remembered, in
 * two tables of a cache:
 *
 * - words: pieces of up to 15 bytes that make up to 3 tokens, which is nearly
 *   all. Two of them share a slot, which is a cache line; the older one goes.
 * - others: pieces of up to 31 bytes that make up to 7 tokens, but for the
 *   words that are one token, which cost little. A new one takes the slot.
 *
 * What costs time is waiting for memory. So pieces are taken many at a time,
 * and what will be read is asked for some steps before: first the slots of all
 * pieces, then, with hardly a branch, the tokens of the words that are known,
 * then the tokens of the rest; and pieces are merged side by side. Then all is
 * written in order.
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
#define LOAD 16 /* bytes that are read of a word */

/* The bytes of a piece, zero-padded; its length is in the highest byte, of
 * `high` for a word and of more[1] for the others. */
struct key {
    uint64_t low;
    uint64_t high;
    uint64_t more[2];
};

/* A free slot has a length of 0, and so no piece's key. */
struct known_word {
    uint64_t low;
    uint64_t high;
    int32_t tokens[WORD_TOKENS + 1]; /* the last one is their number */
};

struct other {
    struct key key;
    int32_t tokens[OTHER_TOKENS + 1]; /* the last one is their number */
};

/* A word that is looked for, and its slot. */
struct probe {
    uint64_t low;
    uint64_t high;
    struct known_word *words;
};

/* A piece that is not among the known words. */
struct miss {
    size_t start;
    size_t length;
    size_t before; /* tokens of known words before it */
    struct key key;
    struct known_word *words; /* its slot; NULL if it is too long */
    struct other *other;      /* its slot; NULL if it is too long */
    int is_new;               /* it is not there */
    hm_piece piece;
};

/* What is made of some pieces. Tokens are copied four at a time, so there are
 * some to spare. */
struct batch {
    struct probe probes[HM_PIECES];
    struct miss misses[HM_PIECES];
    size_t miss_count;
    hm_piece *merged[HM_PIECES];
    size_t merged_count;
    int32_t known[HM_PIECES * WORD_TOKENS + 4];
    size_t known_count;
    int32_t found[HM_PIECES][OTHER_LENGTH + 1]; /* the tokens of each miss */
};

struct harmony_cache {
    const harmony_encoding *encoding;
    void *memory;
    struct known_word (*words)[2];
    struct other *others;
    struct batch *batch;
};

/* ---- Making one -------------------------------------------------------- */

harmony_status harmony_cache_new(const harmony_encoding *encoding,
                                 harmony_cache **out, harmony_error *error)
{
    harmony_cache *cache = calloc(1, sizeof *cache);
    size_t words = sizeof *cache->words << WORD_BITS;
    size_t others = sizeof *cache->others << OTHER_BITS;
    uint8_t *memory = calloc(1, LINE + words + others + sizeof *cache->batch);

    *out = NULL;
    if (cache == NULL || memory == NULL) {
        free(cache);
        free(memory);
        return hm_fail(error, HARMONY_NO_MEMORY, -1, "no memory for the cache");
    }
    cache->encoding = encoding;
    cache->memory = memory;
    memory += LINE - (uintptr_t)memory % LINE;
    cache->words = (void *)memory;
    cache->others = (void *)(memory + words);
    cache->batch = (void *)(memory + words + others);
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

/* ---- Keys and slots ---------------------------------------------------- */

/* The first `n` bytes of eight. */
#define FIRST(n) (~(uint64_t)0 >> (64 - 8 * (n)))

static const uint64_t low_bytes[WORD_LENGTH + 1]
    = {0,        FIRST(1), FIRST(2), FIRST(3), FIRST(4), FIRST(5),
       FIRST(6), FIRST(7), FIRST(8), FIRST(8), FIRST(8), FIRST(8),
       FIRST(8), FIRST(8), FIRST(8), FIRST(8)};
static const uint64_t high_bytes[WORD_LENGTH + 1]
    = {0, 0,        0,        0,        0,        0,        0,        0,
       0, FIRST(1), FIRST(2), FIRST(3), FIRST(4), FIRST(5), FIRST(6), FIRST(7)};

/* A piece that is too long gets a key that no word has. LOAD bytes can be
 * read. */
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
    uint64_t hash
        = hm_hash(key->low ^ key->more[0] >> 7, key->high ^ key->more[1] >> 11);

    return cache->others + (hash >> (64 - OTHER_BITS));
}

static int same_key(const struct key *a, const struct key *b)
{
    return ((a->low ^ b->low) | (a->high ^ b->high) | (a->more[0] ^ b->more[0])
            | (a->more[1] ^ b->more[1]))
           == 0;
}

/* ---- Known words ------------------------------------------------------- */

/* The last pieces of a text have too few bytes behind them, and are copied. */
static void find_slots(const harmony_cache *cache, const uint8_t *text,
                       size_t length, size_t start, const uint32_t *ends,
                       size_t count)
{
    struct probe *probe = cache->batch->probes;
    size_t i;

    for (i = 0; i < count && start + LOAD <= length; start = ends[i++])
        find_slot(cache, text + start, ends[i] - start, probe++);
    for (; i < count; start = ends[i++]) {
        uint8_t padded[LOAD] = {0};
        size_t size = ends[i] - start;

        memcpy(padded, text + start, size < LOAD ? size : LOAD);
        find_slot(cache, padded, size, probe++);
    }
}

/* Note a piece that is not known, and ask for the memory where it may be. */
static void add_miss(const hm_vocabulary *vocabulary,
                     const harmony_cache *cache, const uint8_t *bytes,
                     struct miss *miss)
{
    miss->other = NULL;
    if (miss->length > OTHER_LENGTH)
        return;
    if (miss->length > WORD_LENGTH) {
        miss->words = NULL;
        miss->key = other_key(bytes, miss->length);
    } else {
        hm_entry entry;

        miss->key.more[0] = miss->key.more[1] = 0;
        entry.low = miss->key.low;
        entry.high
            = (miss->key.high & UINT32_MAX) | (uint64_t)miss->length << 32;
        HM_PREFETCH(vocabulary->entries + hm_entry_line(vocabulary, entry));
    }
    miss->other = other_slot(cache, &miss->key);
    HM_PREFETCH(miss->other);
}

static void find_known(const hm_vocabulary *vocabulary,
                       const harmony_cache *cache, const uint8_t *text,
                       size_t start, const uint32_t *ends, size_t count)
{
    struct batch *batch = cache->batch;
    struct miss *miss = batch->misses;
    int32_t *to = batch->known;
    size_t i;

    for (i = 0; i < count; start = ends[i++]) {
        const struct probe *probe = batch->probes + i;
        struct known_word *words = probe->words;
        uint64_t first
            = (words[0].low ^ probe->low) | (words[0].high ^ probe->high);
        uint64_t second
            = (words[1].low ^ probe->low) | (words[1].high ^ probe->high);

        /* 1 if they differ, without a branch that can't be foreseen */
        first = (first | (0 - first)) >> 63;
        second = (second | (0 - second)) >> 63;
        if (HM_LIKELY(!(first & second))) {
            memcpy(to, words[first].tokens, sizeof words->tokens);
            to += words[first].tokens[WORD_TOKENS];
            continue;
        }
        miss->start = start;
        miss->length = ends[i] - start;
        miss->before = (size_t)(to - batch->known);
        miss->key.low = probe->low;
        miss->key.high = probe->high;
        miss->words = words;
        add_miss(vocabulary, cache, text + start, miss++);
    }
    batch->known_count = (size_t)(to - batch->known);
    batch->miss_count = (size_t)(miss - batch->misses);
}

/* ---- The rest ---------------------------------------------------------- */

/* Find a piece among the others or the tokens, or else put it to those that are
 * merged. */
static void find_other(const hm_vocabulary *vocabulary, struct batch *batch,
                       struct miss *miss)
{
    const struct other *other = miss->other;
    hm_piece *piece = &miss->piece;

    miss->is_new = !same_key(&other->key, &miss->key);
    if (!miss->is_new) {
        memcpy(piece->tokens, other->tokens, sizeof other->tokens);
        piece->count = (size_t)other->tokens[OTHER_TOKENS];
        return;
    }
    *piece->tokens = hm_rank(vocabulary, piece->bytes, piece->length);
    piece->count = 1;
    if (*piece->tokens < 0)
        batch->merged[batch->merged_count++] = piece;
}

static void find_others(const hm_vocabulary *vocabulary, const uint8_t *text,
                        struct batch *batch)
{
    size_t i;

    batch->merged_count = 0;
    for (i = 0; i < batch->miss_count; i++) {
        struct miss *miss = batch->misses + i;

        miss->piece.bytes = text + miss->start;
        miss->piece.length = miss->length;
        miss->piece.tokens = batch->found[i];
        if (miss->other != NULL)
            find_other(vocabulary, batch, miss);
    }
    hm_bpe_together(vocabulary, batch->merged, batch->merged_count);
}

static void remember(const struct miss *miss)
{
    const hm_piece *piece = &miss->piece;
    struct known_word *words = miss->words;

    if (miss->is_new && (piece->count > 1 || words == NULL)
        && piece->count <= OTHER_TOKENS) {
        miss->other->key = miss->key;
        memcpy(miss->other->tokens, piece->tokens, sizeof miss->other->tokens);
        miss->other->tokens[OTHER_TOKENS] = (int32_t)piece->count;
    }
    if (words != NULL && piece->count <= WORD_TOKENS) {
        words[1] = words[0];
        words[0].low = miss->key.low;
        words[0].high = miss->key.high;
        memcpy(words[0].tokens, piece->tokens, sizeof words->tokens);
        words[0].tokens[WORD_TOKENS] = (int32_t)piece->count;
    }
}

/* ---- In order ---------------------------------------------------------- */

int hm_encode_piece(const hm_vocabulary *vocabulary, const uint8_t *piece,
                    size_t length, hm_tokens *out)
{
    int32_t rank = hm_rank(vocabulary, piece, length);

    if (rank < 0)
        return hm_bpe(vocabulary, piece, length, out);
    hm_push(out, rank);
    return 1;
}

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

/* 0 if there is no memory. */
static int write_all(const hm_vocabulary *vocabulary, const struct batch *batch,
                     hm_tokens *out)
{
    size_t i, done = 0;

    for (i = 0; i < batch->miss_count; i++) {
        const struct miss *miss = batch->misses + i;
        const hm_piece *piece = &miss->piece;

        push_all(out, batch->known + done, miss->before - done);
        done = miss->before;
        if (miss->other != NULL) {
            push_all(out, piece->tokens, piece->count);
            remember(miss);
        } else if (!hm_encode_piece(vocabulary, piece->bytes, piece->length,
                                    out)) {
            return 0;
        }
    }
    push_all(out, batch->known + done, batch->known_count - done);
    return 1;
}

int hm_encode_pieces(const hm_vocabulary *vocabulary, harmony_cache *cache,
                     const uint8_t *text, size_t length, size_t start,
                     const uint32_t *ends, size_t count, hm_tokens *out)
{
    size_t i;

    if (cache != NULL) {
        find_slots(cache, text, length, start, ends, count);
        find_known(vocabulary, cache, text, start, ends, count);
        find_others(vocabulary, text, cache->batch);
        return write_all(vocabulary, cache->batch, out);
    }
    for (i = 0; i < count; start = ends[i++])
        if (!hm_encode_piece(vocabulary, text + start, ends[i] - start, out))
            return 0;
    return 1;
}

/* ---- How it ended ------------------------------------------------------ */

harmony_status hm_no_memory_to_merge(harmony_error *error)
{
    return hm_fail(error, HARMONY_NO_MEMORY, -1,
                   "no memory for merging a long piece");
}

harmony_status hm_counted(const hm_tokens *tokens, size_t *count,
                          harmony_error *error)
{
    *count = tokens->count;
    if (tokens->count > tokens->capacity)
        return hm_fail(error, HARMONY_SHORT_BUFFER, -1,
                       "there are more tokens than the buffer has room for");
    return HARMONY_OK;
}
