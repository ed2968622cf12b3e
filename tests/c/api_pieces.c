/*
 * Other vocabularies: pieces to tokens, with no splitting of the library's own.
 */
#include "api.h"

/* All single bytes by their own rank, and the merges "ab", "abc"; rank 258 is
 * used by none. */
static char *small_file(size_t *size)
{
    char *file = room(300 * 24), *to = file, *exact;
    int byte;

    for (byte = 0; byte < 256; byte++) {
        char c = (char)byte;

        to = write_line(to, &c, 1, byte, "\n");
    }
    to = write_line(to, "ab", 2, 256, "\n");
    to = write_line(to, "abc", 3, 257, "\n");
    to = write_line(to, "cc", 2, 259, "\n");
    *size = (size_t)(to - file);
    exact = exact_copy(file, *size);
    free(file);
    return exact;
}

static harmony_vocabulary *small_vocabulary(void)
{
    size_t size;
    char *file = small_file(&size);
    harmony_vocabulary *made = NULL;

    CHECK_EQUAL(harmony_vocabulary_new(file, size, &made, NULL), HARMONY_OK);
    free(file);
    return made;
}

static void test_new(void)
{
    static const char bad[] = "no vocabulary at all";
    size_t size;
    char *file = small_file(&size);
    harmony_vocabulary *made = (harmony_vocabulary *)file;
    harmony_error error;
    long request;

    CHECK_EQUAL(harmony_vocabulary_new(bad, sizeof bad - 1, &made, NULL),
                HARMONY_BAD_VOCABULARY);
    CHECK(made == NULL);
    CHECK_EQUAL(harmony_vocabulary_new(bad, sizeof bad - 1, &made, &error),
                HARMONY_BAD_VOCABULARY);
    CHECK_EQUAL(error.status, HARMONY_BAD_VOCABULARY);
    CHECK_EQUAL(harmony_vocabulary_new(NULL, 0, &made, &error),
                HARMONY_BAD_VOCABULARY);
    for (request = 0; request < 100; request++) {
        refuse_memory(request);
        if (harmony_vocabulary_new(file, size, &made, &error) == HARMONY_OK)
            break;
        CHECK_EQUAL(error.status, HARMONY_NO_MEMORY);
        CHECK(made == NULL);
    }
    refuse_memory(REFUSE_NONE);
    CHECK(request > 4 && request < 100);
    harmony_vocabulary_free(made);
    harmony_vocabulary_free(NULL);
    free(file);
}

static void test_tokens(void)
{
    harmony_vocabulary *made = small_vocabulary();
    static const int32_t none[] = {-1, 258, 260, INT32_MAX, INT32_MIN};
    const char *bytes;
    size_t length, i;

    CHECK_EQUAL(harmony_vocabulary_size(made), 260);
    bytes = harmony_vocabulary_token(made, 257, &length);
    CHECK_BYTES(bytes, length, "abc", 3);
    bytes = harmony_vocabulary_token(made, 0, &length);
    CHECK_BYTES(bytes, length, "\0", 1);
    for (i = 0; i < sizeof none / sizeof *none; i++) {
        length = 9;
        CHECK(harmony_vocabulary_token(made, none[i], &length) == NULL);
        CHECK_EQUAL(length, 0);
    }
    harmony_vocabulary_free(made);
}

/* Encode, for each capacity up to what is needed. */
static void check_encode(const harmony_vocabulary *vocabulary, const char *text,
                         const int32_t *ends, size_t pieces,
                         const int32_t *wanted, size_t wanted_count)
{
    size_t length = strlen(text), capacity, count;
    char *exact = exact_copy(text, length);
    int32_t *exact_ends = exact_copy(ends, pieces * sizeof *ends);
    harmony_error error;

    for (capacity = 0; capacity <= wanted_count; capacity++) {
        int32_t *tokens = room(capacity * sizeof *tokens);
        int enough = capacity == wanted_count;

        CHECK_EQUAL(harmony_vocabulary_encode(
                        vocabulary, exact, length, exact_ends, pieces, tokens,
                        capacity, &count, enough ? NULL : &error),
                    enough ? HARMONY_OK : HARMONY_SHORT_BUFFER);
        CHECK_EQUAL(count, wanted_count);
        if (enough)
            CHECK_BYTES((char *)tokens, count * sizeof *tokens, (char *)wanted,
                        wanted_count * sizeof *tokens);
        else
            CHECK_EQUAL(error.status, HARMONY_SHORT_BUFFER);
        free(tokens);
    }
    free(exact_ends);
    free(exact);
}

static void test_encode(void)
{
    static const int32_t whole[] = {6}, split[] = {0, 1, 1, 5, 6, 6};
    static const int32_t as_whole[] = {257, 99, 'b', 'a'};
    static const int32_t as_split[] = {'a', 'b', 259, 'b', 'a'};
    harmony_vocabulary *made = small_vocabulary();

    check_encode(made, "abccba", whole, 1, as_whole, 4);
    check_encode(made, "abccba", split, 6, as_split, 5);
    check_encode(made, "abccba", NULL, 0, NULL, 0);
    check_encode(made, "", NULL, 0, NULL, 0);
    harmony_vocabulary_free(made);
}

static void test_bad_ends(void)
{
    static const int32_t bad[][3] = {
        {-1, 2, 3}, {2, 1, 3}, {1, 2, 7}, {INT32_MIN, 0, 0}, {INT32_MAX, 1, 1},
    };
    static const int position[] = {0, 1, 2, 0, 0};
    harmony_vocabulary *made = small_vocabulary();
    int32_t tokens[6];
    harmony_error error;
    size_t i, count;

    for (i = 0; i < sizeof bad / sizeof *bad; i++) {
        CHECK_EQUAL(harmony_vocabulary_encode(made, "abccba", 6, bad[i], 3,
                                              tokens, 6, &count, NULL),
                    HARMONY_BAD_ARGUMENT);
        CHECK_EQUAL(harmony_vocabulary_encode(made, "abccba", 6, bad[i], 3,
                                              tokens, 6, &count, &error),
                    HARMONY_BAD_ARGUMENT);
        CHECK_EQUAL(error.position, position[i]);
        CHECK_EQUAL(count, 0);
    }
    harmony_vocabulary_free(made);
}

/* A long piece needs memory of its own. */
static void test_no_memory(void)
{
    enum { LONG = 5000 };
    harmony_vocabulary *made = small_vocabulary();
    const int32_t end = LONG;
    char *text = room(LONG);
    int32_t *tokens = room(LONG * sizeof *tokens);
    harmony_error error;
    size_t count;
    long request;

    memset(text, 'c', LONG);
    for (request = 0; request < 100; request++) {
        refuse_memory(request);
        if (harmony_vocabulary_encode(made, text, LONG, &end, 1, tokens, LONG,
                                      &count, &error)
            == HARMONY_OK)
            break;
        CHECK_EQUAL(error.status, HARMONY_NO_MEMORY);
    }
    refuse_memory(REFUSE_NONE);
    CHECK(request > 0 && request < 100);
    CHECK_EQUAL(count, LONG / 2);
    free(tokens);
    free(text);
    harmony_vocabulary_free(made);
}

void test_pieces(void)
{
    test_new();
    test_tokens();
    test_encode();
    test_bad_ends();
    test_no_memory();
}
