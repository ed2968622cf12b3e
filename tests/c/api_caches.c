/*
 * Caches: whatever one has seen, forgotten or refused, the tokens are those
 * without a cache.
 */
#include "api.h"

#define LONGEST 4000

/* Encode an exact copy of a text both ways. */
static void check_same(harmony_cache *own, const char *text, size_t length)
{
    char *exact = exact_copy(text, length);
    int32_t *wanted = room(length * sizeof *wanted), *found;
    size_t count, again;

    CHECK_EQUAL(harmony_encode(encoding, NULL, exact, length, NULL, 0, wanted,
                               length, &count, NULL),
                HARMONY_OK);
    found = room(count * sizeof *found);
    CHECK_EQUAL(harmony_encode(encoding, own, exact, length, NULL, 0, found,
                               count, &again, NULL),
                HARMONY_OK);
    CHECK_EQUAL(again, count);
    CHECK(again == count && memcmp(found, wanted, count * sizeof *found) == 0);
    free(found);
    free(wanted);
    free(exact);
}

static harmony_cache *new_cache(void)
{
    harmony_cache *made = NULL;

    CHECK_EQUAL(harmony_cache_new(encoding, &made, NULL), HARMONY_OK);
    return made;
}

/* Words of `least` to `most` letters that no text has had before. */
static size_t make_words(uint64_t *seed, char *text, uint32_t least,
                         uint32_t most)
{
    size_t length = 0;

    while (length + most + 1 <= LONGEST) {
        uint32_t letters = least + random_below(seed, most - least + 1);

        text[length++] = ' ';
        while (letters-- > 0)
            text[length++] = (char)('a' + random_below(seed, 26));
    }
    return length;
}

/* 65536 words and 16384 others fit; here come 105000 and 90000 that are to be
 * remembered, and those that came first come again. */
static void test_forgetting(void)
{
    enum { ROUNDS = 600 };
    harmony_cache *own = new_cache();
    char *text = room(LONGEST);
    uint64_t seed;
    int round;

    for (round = 0; round < ROUNDS + 40; round++) {
        seed = (uint64_t)(round % ROUNDS);
        check_same(own, text,
                   round % 2 ? make_words(&seed, text, 5, 14)
                             : make_words(&seed, text, 15, 18));
    }
    free(text);
    harmony_cache_free(own);
}

/* A text of a few words again and again: copies of a word that is still to be
 * merged. Some are long, some end in bytes that are many tokens. */
static size_t repeat_words(uint64_t *seed, char *text)
{
    static const char *const ends[] = {
        "", "", "\xF0\x9F\xA6\xA5", "\x01\x02\x03\x04", "\xC3", "\x7F\x7F",
    };
    char words[12][60];
    size_t length = 0;
    uint32_t count = 1 + random_below(seed, 12), i, j;

    for (i = 0; i < count; i++) {
        uint32_t letters = 1 + random_below(seed, i % 4 ? 14 : 40);

        words[i][0] = ' ';
        for (j = 1; j <= letters; j++)
            words[i][j] = (char)('a' + random_below(seed, 26));
        strcpy(words[i] + j, ends[random_below(seed, 6)]);
    }
    while (length + 60 < LONGEST) {
        const char *word = words[random_below(seed, count)];

        memcpy(text + length, word, strlen(word));
        length += strlen(word);
    }
    return length;
}

static void test_copies(void)
{
    harmony_cache *own = new_cache();
    char *text = room(LONGEST);
    uint64_t seed = 12;
    int round;

    for (round = 0; round < 200; round++) {
        size_t length = repeat_words(&seed, text);

        check_same(own, text, length);
        check_same(own, text, length);
    }
    free(text);
    harmony_cache_free(own);
}

/* What was under way when there was no memory for a long piece is as if it had
 * not been asked about. */
static void test_no_memory_between(void)
{
    harmony_cache *own = new_cache();
    char *text = room(LONGEST);
    int32_t *found = room(LONGEST * sizeof *found);
    uint64_t seed = 13;
    harmony_error error;
    size_t length, count;
    int round;

    for (round = 0; round < 50; round++) {
        length = repeat_words(&seed, text);
        memset(text + length / 3, 'q', length / 3);
        refuse_memory(0);
        CHECK_EQUAL(harmony_encode(encoding, own, text, length, NULL, 0, found,
                                   LONGEST, &count, &error),
                    HARMONY_NO_MEMORY);
        refuse_memory(REFUSE_NONE);
        check_same(own, text, length);
    }
    free(found);
    free(text);
    harmony_cache_free(own);
}

/* Tokens are counted beyond the room for them, and those before are right. */
static void check_room(harmony_cache *own, const char *text, size_t length,
                       const int32_t *wanted, size_t count)
{
    size_t capacity, counted;

    for (capacity = 0; capacity < count; capacity += 1 + count / 7) {
        int32_t *found = room(capacity * sizeof *found);

        CHECK_EQUAL(harmony_encode(encoding, own, text, length, NULL, 0, found,
                                   capacity, &counted, NULL),
                    HARMONY_SHORT_BUFFER);
        CHECK_EQUAL(counted, count);
        CHECK(memcmp(found, wanted, capacity * sizeof *found) == 0);
        free(found);
    }
}

static void test_little_room(void)
{
    harmony_cache *own = new_cache();
    char *text = room(LONGEST);
    int32_t *wanted = room(LONGEST * sizeof *wanted);
    uint64_t seed = 14;
    size_t count;
    int round;

    for (round = 0; round < 20; round++) {
        size_t length = repeat_words(&seed, text);

        CHECK_EQUAL(harmony_encode(encoding, own, text, length, NULL, 0, wanted,
                                   LONGEST, &count, NULL),
                    HARMONY_OK);
        check_room(own, text, length, wanted, count);
    }
    free(wanted);
    free(text);
    harmony_cache_free(own);
}

/* Pieces of every length up to and beyond what a cache has room for, with few
 * tokens and with many; the text ends right behind the piece, so that the bytes
 * that are read at once aren't all there, or a few bytes further on. */
static void test_ends(void)
{
    static const char letters[] = "eqae\xC3\xA9\xF0\x9F\x98\x80zzzz";
    harmony_cache *own = new_cache();
    char text[120];
    size_t length, behind, kind, i;

    for (kind = 0; kind < 4; kind++)
        for (length = 1; length <= 70; length++)
            for (behind = 0; behind <= 20; behind++) {
                for (i = 0; i < length; i++)
                    text[i] = kind == 0   ? 'a'
                              : kind == 1 ? (char)('a' + i * i % 26)
                              : kind == 2 ? ' '
                                          : letters[i % (sizeof letters - 1)];
                for (; i < length + behind; i++)
                    text[i] = i % 2 ? '.' : ' ';
                check_same(own, text, length + behind);
            }
    harmony_cache_free(own);
}

/* Pieces that differ only in how many zeros they end in; a few tokens, so that
 * they are remembered. */
static void test_zeros(void)
{
    harmony_cache *own = new_cache();
    char piece[32] = {0};
    size_t round, length, zeros;

    for (length = 0; length <= 24; piece[length++] = '=')
        for (round = 0; round < 2; round++)
            for (zeros = 0; zeros < 7; zeros++)
                check_same(own, piece, length + zeros);
    harmony_cache_free(own);
}

static void test_long_pieces(void)
{
    harmony_cache *own = new_cache();
    char *text = room(LONGEST);
    uint64_t seed = 41;
    size_t length, i;

    for (length = 100; length <= LONGEST; length += 650) {
        for (i = 0; i < length; i++)
            text[i] = (char)('a' + random_below(&seed, 26));
        check_same(own, text, length);
        text[length / 2] = ' ';
        check_same(own, text, length);
    }
    free(text);
    harmony_cache_free(own);
}

static void test_another_encoding(void)
{
    static const harmony_message message
        = {HARMONY_ROLE_USER, {-1, 0}, {-1, 0}, {-1, 0}, {-1, 0}, {0, 1}};
    harmony_conversation conversation = {"x", 1, &message, 1};
    harmony_encoding *other = NULL;
    harmony_error error;
    int32_t ids[40];
    size_t count = 99;

    CHECK_EQUAL(
        harmony_encoding_new(vocabulary_file, vocabulary_size, &other, NULL),
        HARMONY_OK);
    CHECK_EQUAL(
        harmony_encode(other, cache, "x", 1, NULL, 0, ids, 40, &count, NULL),
        HARMONY_BAD_ARGUMENT);
    CHECK_EQUAL(
        harmony_encode(other, cache, "x", 1, NULL, 0, ids, 40, &count, &error),
        HARMONY_BAD_ARGUMENT);
    CHECK_EQUAL(error.status, HARMONY_BAD_ARGUMENT);
    CHECK_STRING(error.message, "the cache is that of another encoding");
    CHECK_EQUAL(count, 0);
    CHECK_EQUAL(harmony_render(other, cache, &conversation, NULL, ids, 40,
                               &count, &error),
                HARMONY_BAD_ARGUMENT);
    CHECK_EQUAL(count, 0);
    harmony_encoding_free(other);
}

void test_caches(void)
{
    test_forgetting();
    test_copies();
    test_no_memory_between();
    test_little_room();
    test_ends();
    test_zeros();
    test_long_pieces();
    test_another_encoding();
}
