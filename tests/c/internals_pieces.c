/*
 * Words that share a slot of a cache, and are forgotten while they are under
 * way; test_api has all other words.
 */
#include "pieces.h"

#include "check.h"
#include "internals.h"
#include "support.h"

#define SETS 32768 /* slots of words, as in pieces.c */
#define LETTERS 8
#define SHARING 5 /* words; a slot has room for two */
#define PIECES 40

/* Random words until some share a slot: these, one behind another. */
static void find_sharing(char *words)
{
    static char kept[SETS][SHARING][LETTERS];
    static unsigned counts[SETS];
    uint64_t seed = 1;
    size_t set;

    do {
        char word[LETTERS];
        size_t i;

        for (i = 0; i < LETTERS; i++)
            word[i] = (char)('a' + random_below(&seed, 26));
        set = hm_hash(hm_little64((uint8_t *)word), (uint64_t)LETTERS << 24)
              >> (64 - 15);
        memcpy(kept[set][counts[set]], word, LETTERS);
    } while (++counts[set] < SHARING);
    memcpy(words, kept[set], sizeof kept[set]);
}

/* The tokens of a text of words, each of them a piece. */
static size_t encode(const hm_vocabulary *vocabulary, harmony_cache *cache,
                     const uint8_t *text, int32_t *tokens)
{
    hm_tokens out = {tokens, PIECES * LETTERS, 0};
    uint32_t bounds[PIECES + 1], i;

    for (i = 0; i <= PIECES; i++)
        bounds[i] = i * LETTERS;
    CHECK(hm_encode_pieces(vocabulary, cache, text, PIECES * LETTERS, bounds,
                           PIECES, &out));
    return out.count;
}

void test_pieces(void)
{
    int32_t wanted[PIECES * LETTERS], found[PIECES * LETTERS];
    char words[SHARING * LETTERS], text[PIECES * LETTERS];
    hm_vocabulary vocabulary;
    harmony_cache *cache = NULL;
    uint64_t seed = 2;
    size_t size, i, count, round;
    char *file = read_file(vocabulary_path, &size);

    CHECK_EQUAL(hm_vocabulary_load(&vocabulary, (uint8_t *)file, size, NULL),
                HARMONY_OK);
    CHECK_EQUAL(harmony_cache_new(NULL, &cache, NULL), HARMONY_OK);
    find_sharing(words);
    for (round = 0; round < 20; round++) {
        for (i = 0; i < PIECES; i++)
            memcpy(text + i * LETTERS,
                   words + random_below(&seed, SHARING) * LETTERS, LETTERS);
        count = encode(&vocabulary, NULL, (uint8_t *)text, wanted);
        CHECK_EQUAL(encode(&vocabulary, cache, (uint8_t *)text, found), count);
        CHECK(memcmp(found, wanted, count * sizeof *found) == 0);
    }
    harmony_cache_free(cache);
    hm_vocabulary_free(&vocabulary);
    free(file);
}
