/*
 * Most pieces of a text are one token, and most of the others have come before:
 * their tokens are remembered, in two tables of a cache:
 *
 * - words: pieces of up to 15 bytes. Two of them share a slot, which is a cache
 *   line; the older one goes. It has up to 3 tokens, which is nearly always
 *   enough, or says where among the others they are.
 * - others: pieces of up to 31 bytes that make up to 7 tokens. A new one takes
 *   the slot.
 *
 * What costs time is waiting for memory, and branches that can't be foreseen.
 * So many pieces are taken together, in steps, each of which asks for the
 * memory that the next one reads: all are looked for among the tokens, with no
 * branch that depends on what is found; the rest of them among the words, then
 * among the others; and what is fresh is merged side by side. A fresh word
 * takes its slot at once, so that copies of it find out that it is under way.
 * Then all is written in order.
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
#define LINE 64  /* bytes of a cache line */
#define LOAD 16  /* bytes that are read of a word */
#define BLOCK 64 /* pieces that are looked for among the tokens at once */

/* The tokens of a piece and their number. */
struct found {
    int32_t tokens[WORD_TOKENS];
    int32_t count;
};

/* In place of the number: the tokens are elsewhere, and the first one is where.
 */
enum {
    FRESH = -1, /* with this number among what is fresh */
    OTHER = -2, /* in this slot of the others */
    LONG = -3   /* nowhere: the piece is too long to be remembered */
};

/* A free slot has a length of 0, and so no piece's key. */
struct word {
    hm_key key;
    struct found found;
};

/* The bytes of a piece, zero-padded; its length is in the highest byte. */
struct other_key {
    uint64_t parts[(OTHER_LENGTH + 1) / 8];
};

struct other {
    struct other_key key;
    int32_t tokens[OTHER_TOKENS + 1]; /* the last one is their number */
};

/* A missing piece that may be in a slot of the others. */
struct asked {
    uint32_t number;
    int32_t slot;
};

/* A missing piece that no table has. */
struct fresh {
    uint32_t number;
    hm_piece merged;
};

/* Tokens that are copied at once: of a piece, and of pieces side by side. */
#define FEW_TOKENS 4
#define MANY_TOKENS 16

/* What is made of some pieces. Nearly all are short tokens; the others are the
 * missing ones, and are known by their number among these. */
struct batch {
    int32_t ranks[HM_PIECES + MANY_TOKENS]; /* of the short tokens; else -1 */
    uint32_t missing[HM_PIECES];   /* which pieces these are, in order, */
    struct found found[HM_PIECES]; /* and their tokens */
    hm_key keys[HM_PIECES];        /* of all pieces */
    size_t missing_count;
    struct asked asked[HM_PIECES];
    size_t asked_count;
    struct fresh fresh[HM_PIECES];
    size_t fresh_count;
    hm_piece *merged[HM_PIECES]; /* those of the fresh that are no token */
    size_t merged_count;
    int32_t tokens[HM_PIECES * HM_FEW + FEW_TOKENS]; /* of the fresh */
    size_t token_room;
};

struct harmony_cache {
    const harmony_encoding *encoding;
    void *memory;
    struct word (*words)[2];
    struct other *others;
    struct batch *batch;
};

/* What is encoded in one go. */
struct window {
    const hm_vocabulary *vocabulary;
    const harmony_cache *cache;
    const uint8_t *text;
    size_t length;
    const uint32_t *bounds;
    size_t count;
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

/* How a key is made of LOAD bytes, by the length of a piece: the bytes that are
 * kept, and what is added for the length. For a word that may be a short token
 * it is where tokens have it, for others above all bytes; a piece that is too
 * long gets a key that no word has. */
struct recipe {
    hm_key kept;
    uint64_t length;
};

#define OF_8(n) (~(uint64_t)0 >> (64 - 8 * (n))) /* the first `n` bytes */
#define SHORT(n) {{{OF_8(n), 0}}, (uint64_t)(n) << 24}
#define MEDIUM(n) {{{OF_8(8), OF_8((n) - 8)}}, (uint64_t)(n) << 24}
#define ABOVE(n) {{{OF_8(8), OF_8((n) - 8)}}, (uint64_t)(n) << 56}

static const struct recipe recipes[LOAD + 1]
    = {{{{0, 0}}, 0},
       SHORT(1),
       SHORT(2),
       SHORT(3),
       SHORT(4),
       SHORT(5),
       SHORT(6),
       SHORT(7),
       SHORT(8),
       MEDIUM(9),
       MEDIUM(10),
       MEDIUM(11),
       ABOVE(12),
       ABOVE(13),
       ABOVE(14),
       ABOVE(15),
       {{{0, 0}}, (uint64_t)LOAD << 56}};

/* LOAD bytes can be read. */
static inline hm_key key_of_word(const uint8_t *bytes, size_t length)
{
    const struct recipe *recipe = recipes + (length < LOAD ? length : LOAD);
    hm_key key;

    key.halves[0] = hm_little64(bytes) & recipe->kept.halves[0];
    key.halves[1]
        = (hm_little64(bytes + 8) & recipe->kept.halves[1]) | recipe->length;
    return key;
}

static struct word *slot_of_word(const harmony_cache *cache, const hm_key *key)
{
    return cache
        ->words[hm_hash(key->halves[0], key->halves[1]) >> (64 - WORD_BITS)];
}

static struct other_key key_of_other(const uint8_t *bytes, size_t length)
{
    uint8_t padded[OTHER_LENGTH + 1] = {0};
    struct other_key key;
    size_t i;

    memcpy(padded, bytes, length);
    padded[OTHER_LENGTH] = (uint8_t)length;
    for (i = 0; i < sizeof key.parts / sizeof *key.parts; i++)
        key.parts[i] = hm_little64(padded + 8 * i);
    return key;
}

static int32_t slot_of_other(const struct other_key *key)
{
    uint64_t hash = hm_hash(key->parts[0] ^ key->parts[2] >> 7,
                            key->parts[1] ^ key->parts[3] >> 11);

    return (int32_t)(hash >> (64 - OTHER_BITS));
}

/* The missing piece of a number. */
static const uint8_t *piece_of(const struct window *window, uint32_t number,
                               size_t *length)
{
    uint32_t i = window->cache->batch->missing[number];

    *length = window->bounds[i + 1] - window->bounds[i];
    return window->text + window->bounds[i];
}

static const hm_key *key_of_missing(const struct batch *batch, uint32_t number)
{
    return batch->keys + batch->missing[number];
}

/* ---- Tokens ------------------------------------------------------------ */

/* Make the key of a piece and ask for where its token may be; that is in no
 * line if it is not short. */
static inline const hm_line *ask_for_token(const hm_vocabulary *vocabulary,
                                           hm_key *key, const uint8_t *bytes,
                                           size_t length)
{
    const hm_line *line;

    *key = key_of_word(bytes, length);
    line = hm_line_of(vocabulary, key);
    HM_PREFETCH(line);
    return line;
}

/* The last pieces of a text have too few bytes behind them, and are copied. */
static void ask_for_tokens(const struct window *window, size_t from,
                           size_t count, const hm_line **lines)
{
    const hm_vocabulary *vocabulary = window->vocabulary;
    hm_key *keys = window->cache->batch->keys + from;
    const uint32_t *bounds = window->bounds + from;
    const uint8_t *text = window->text;
    size_t i = 0, safe = window->length < LOAD ? 0 : window->length - LOAD;

    for (; i < count && bounds[i] < safe; i++)
        lines[i] = ask_for_token(vocabulary, keys + i, text + bounds[i],
                                 bounds[i + 1] - bounds[i]);
    for (; i < count; i++) {
        uint8_t padded[LOAD] = {0};
        size_t length = bounds[i + 1] - bounds[i];

        memcpy(padded, text + bounds[i], length < LOAD ? length : LOAD);
        lines[i] = ask_for_token(vocabulary, keys + i, padded, length);
    }
}

static void find_tokens(struct batch *batch, size_t from, size_t count,
                        const hm_line *const *lines)
{
    size_t i, missing = batch->missing_count;

    for (i = 0; i < count; i++) {
        int32_t rank = hm_rank_in_line(lines[i], batch->keys + from + i);

        batch->ranks[from + i] = rank;
        batch->missing[missing] = (uint32_t)(from + i);
        missing += (uint32_t)rank >> 31;
    }
    batch->missing_count = missing;
}

/* ---- Words and others -------------------------------------------------- */

/* Take a missing piece as fresh. */
static void take_fresh(const struct window *window, uint32_t number)
{
    struct batch *batch = window->cache->batch;
    struct fresh *fresh = batch->fresh + batch->fresh_count;
    struct found *found = batch->found + number;
    hm_piece *merged = &fresh->merged;

    fresh->number = number;
    merged->bytes = piece_of(window, number, &merged->length);
    merged->tokens = batch->tokens + batch->token_room;
    merged->count = 1;
    batch->token_room += merged->length;
    found->tokens[0] = (int32_t)batch->fresh_count++;
    found->count = FRESH;
    if (merged->length <= WORD_LENGTH) {
        const hm_key *key = key_of_missing(batch, number);
        struct word *words = slot_of_word(window->cache, key);

        words[1] = words[0];
        words[0].key = *key;
        words[0].found = *found;
    }
}

static void ask_for_other(const harmony_cache *cache, uint32_t number,
                          int32_t slot)
{
    struct batch *batch = cache->batch;

    batch->asked[batch->asked_count].number = number;
    batch->asked[batch->asked_count++].slot = slot;
    HM_PREFETCH(cache->others + slot);
}

/* A piece that is no word that is known. */
static void miss_word(const struct window *window, uint32_t number)
{
    size_t length;
    const uint8_t *piece = piece_of(window, number, &length);

    if (length <= WORD_LENGTH) {
        take_fresh(window, number);
    } else if (length <= OTHER_LENGTH) {
        struct other_key key = key_of_other(piece, length);

        ask_for_other(window->cache, number, slot_of_other(&key));
    } else if (length <= HM_FEW) {
        take_fresh(window, number);
    } else {
        window->cache->batch->found[number].count = LONG;
    }
}

/* 0 where two keys are the same, else 1, without a branch. */
static inline uint64_t differ(const hm_key *a, const hm_key *b)
{
    uint64_t bits
        = (a->halves[0] ^ b->halves[0]) | (a->halves[1] ^ b->halves[1]);

    return (bits | (0 - bits)) >> 63;
}

static void find_words(const struct window *window)
{
    const harmony_cache *cache = window->cache;
    struct batch *batch = cache->batch;
    uint32_t i;

    for (i = 0; i < batch->missing_count; i++)
        HM_PREFETCH(slot_of_word(cache, key_of_missing(batch, i)));
    for (i = 0; i < batch->missing_count; i++) {
        const hm_key *key = key_of_missing(batch, i);
        const struct word *words = slot_of_word(cache, key);
        uint64_t first = differ(&words[0].key, key);

        if (HM_LIKELY(!(first & differ(&words[1].key, key)))) {
            struct found *found = batch->found + i;

            *found = words[first].found;
            if (found->count == OTHER)
                ask_for_other(cache, i, found->tokens[0]);
        } else {
            miss_word(window, i);
        }
    }
}

static int same_other(const struct other_key *a, const struct other_key *b)
{
    return ((a->parts[0] ^ b->parts[0]) | (a->parts[1] ^ b->parts[1])
            | (a->parts[2] ^ b->parts[2]) | (a->parts[3] ^ b->parts[3]))
           == 0;
}

static void find_others(const struct window *window)
{
    const harmony_cache *cache = window->cache;
    struct batch *batch = cache->batch;
    size_t i, length;

    for (i = 0; i < batch->asked_count; i++) {
        const struct asked *asked = batch->asked + i;
        const uint8_t *piece = piece_of(window, asked->number, &length);
        struct other_key key = key_of_other(piece, length);

        if (same_other(&cache->others[asked->slot].key, &key)) {
            batch->found[asked->number].tokens[0] = asked->slot;
            batch->found[asked->number].count = OTHER;
        } else {
            take_fresh(window, asked->number);
        }
    }
}

/* ---- What is fresh ----------------------------------------------------- */

static void make_fresh(const struct window *window)
{
    struct batch *batch = window->cache->batch;
    size_t i;

    for (i = 0; i < batch->fresh_count; i++) {
        hm_piece *piece = &batch->fresh[i].merged;

        *piece->tokens
            = hm_rank(window->vocabulary, piece->bytes, piece->length);
        if (*piece->tokens < 0)
            batch->merged[batch->merged_count++] = piece;
    }
    hm_bpe_together(window->vocabulary, batch->merged, batch->merged_count);
}

static int32_t remember_other(const harmony_cache *cache, const hm_piece *piece)
{
    struct other_key key = key_of_other(piece->bytes, piece->length);
    int32_t slot = slot_of_other(&key);
    struct other *other = cache->others + slot;

    other->key = key;
    memcpy(other->tokens, piece->tokens, piece->count * sizeof *piece->tokens);
    other->tokens[OTHER_TOKENS] = (int32_t)piece->count;
    return slot;
}

/* Say in its slot, if it still has one, what a word's tokens are; if they are
 * too many, it gives the slot back. */
static void remember_word(const harmony_cache *cache, const hm_key *key,
                          const hm_piece *piece)
{
    struct word *words = slot_of_word(cache, key);
    struct found *found;

    if (differ(&words[0].key, key) && differ(&words[1].key, key))
        return;
    words += differ(&words[0].key, key);
    found = &words->found;
    found->count = (int32_t)piece->count;
    if (piece->count <= WORD_TOKENS) {
        memcpy(found->tokens, piece->tokens,
               piece->count * sizeof *found->tokens);
    } else if (piece->count <= OTHER_TOKENS) {
        found->tokens[0] = remember_other(cache, piece);
        found->count = OTHER;
    } else {
        words->key.halves[1] = 0;
    }
}

static void remember(const harmony_cache *cache)
{
    const struct batch *batch = cache->batch;
    const struct fresh *fresh = batch->fresh;

    for (; fresh < batch->fresh + batch->fresh_count; fresh++)
        if (fresh->merged.length <= WORD_LENGTH)
            remember_word(cache, key_of_missing(batch, fresh->number),
                          &fresh->merged);
        else if (fresh->merged.length <= OTHER_LENGTH
                 && fresh->merged.count <= OTHER_TOKENS)
            remember_other(cache, &fresh->merged);
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

/* Add tokens, `together` at once, so that as many more are read behind them. */
static inline void push_all(hm_tokens *out, const int32_t *tokens, size_t count,
                            size_t together)
{
    size_t room = out->count < out->capacity ? out->capacity - out->count : 0;
    int32_t *to = room == 0 ? NULL : out->tokens + out->count;
    size_t i;

    if (count + together <= room) {
        for (i = 0; i < count; i += together)
            memcpy(to + i, tokens + i, together * sizeof *to);
    } else {
        for (i = 0; i < count && i < room; i++)
            to[i] = tokens[i];
    }
    out->count += count;
}

/* Add the tokens of a missing piece, wherever they are. 0 if there is no
 * memory. */
static inline int write_found(const struct window *window, uint32_t number,
                              hm_tokens *out)
{
    const harmony_cache *cache = window->cache;
    const struct found *found = cache->batch->found + number;
    const hm_piece *fresh;
    const struct other *other;
    const uint8_t *piece;
    size_t length;

    switch (found->count) {
    case FRESH:
        fresh = &cache->batch->fresh[found->tokens[0]].merged;
        push_all(out, fresh->tokens, fresh->count, FEW_TOKENS);
        return 1;
    case OTHER:
        other = cache->others + found->tokens[0];
        push_all(out, other->tokens, (size_t)other->tokens[OTHER_TOKENS],
                 FEW_TOKENS);
        return 1;
    case LONG:
        piece = piece_of(window, number, &length);
        return hm_encode_piece(window->vocabulary, piece, length, out);
    default:
        push_all(out, (const int32_t *)found, (size_t)found->count, FEW_TOKENS);
        return 1;
    }
}

/* The short tokens between two missing pieces stand side by side already. 0 if
 * there is no memory. */
static int write_all(const struct window *window, hm_tokens *out)
{
    const struct batch *batch = window->cache->batch;
    uint32_t next = 0, i;

    for (i = 0; i < batch->missing_count; i++) {
        push_all(out, batch->ranks + next, batch->missing[i] - next,
                 MANY_TOKENS);
        next = batch->missing[i] + 1;
        if (!write_found(window, i, out))
            return 0;
    }
    push_all(out, batch->ranks + next, window->count - next, MANY_TOKENS);
    return 1;
}

/* A word that is under way must not stay so, whatever happens. */
static int encode_window(const struct window *window, hm_tokens *out)
{
    struct batch *batch = window->cache->batch;
    const hm_line *lines[BLOCK];
    size_t from, count;
    int written;

    batch->missing_count = batch->asked_count = 0;
    batch->fresh_count = batch->merged_count = batch->token_room = 0;
    for (from = 0; from < window->count; from += count) {
        count = window->count - from < BLOCK ? window->count - from : BLOCK;
        ask_for_tokens(window, from, count, lines);
        find_tokens(batch, from, count, lines);
    }
    find_words(window);
    find_others(window);
    make_fresh(window);
    written = write_all(window, out);
    remember(window->cache);
    return written;
}

int hm_encode_pieces(const hm_vocabulary *vocabulary, harmony_cache *cache,
                     const uint8_t *text, size_t length, const uint32_t *bounds,
                     size_t count, hm_tokens *out)
{
    struct window window = {vocabulary, cache, text, length, bounds, count};
    size_t i;

    if (cache != NULL)
        return encode_window(&window, out);
    for (i = 0; i < count; i++)
        if (!hm_encode_piece(vocabulary, text + bounds[i],
                             bounds[i + 1] - bounds[i], out))
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
