/*
 * Making an encoding: of both kinds of file, of bad ones, without memory.
 */
#include "api.h"

/* Of an exact copy of these bytes: *made is set on success and else NULL. */
static harmony_status make(const char *bytes, size_t size,
                           harmony_encoding **made, harmony_error *error)
{
    char *exact = exact_copy(bytes, size);
    harmony_status status;

    *made = (harmony_encoding *)exact;
    status = harmony_encoding_new(exact, size, made, error);
    CHECK((*made != NULL) == (status == HARMONY_OK));
    free(exact);
    return status;
}

static void check_bad(const char *bytes, size_t size, const char *message)
{
    harmony_encoding *made;
    harmony_error error;

    CHECK_EQUAL(make(bytes, size, &made, NULL), HARMONY_BAD_VOCABULARY);
    CHECK_EQUAL(make(bytes, size, &made, &error), HARMONY_BAD_VOCABULARY);
    CHECK_EQUAL(error.status, HARMONY_BAD_VOCABULARY);
    if (message != NULL)
        CHECK_STRING(error.message, message);
}

static void test_truncated_or_altered(void)
{
    static const size_t sizes[]
        = {8, 9, 11, 12, 15, 16, 47, 48, 49, 53, 54, 100, 1584, 600000};
    char *altered = room(vocabulary_size + 1);
    uint64_t seed = 11;
    size_t i, at;

    check_bad("", 0, NULL);
    check_bad(NULL, 0, NULL);
    check_bad("harmvoc", 7, NULL);
    check_bad("harmvoc2 and more", 17, NULL);
    for (i = 0; i < sizeof sizes / sizeof *sizes; i++)
        check_bad(vocabulary_file, sizes[i], NULL);
    for (i = 1; i < 8; i++)
        check_bad(vocabulary_file, vocabulary_size - i, NULL);
    memcpy(altered, vocabulary_file, vocabulary_size);
    altered[vocabulary_size] = 0;
    check_bad(altered, vocabulary_size + 1,
              "altered: it has 1200037 bytes, its header says 1200036");
    for (i = 0; i < 20; i++) {
        at = i < 10 ? i * 5 : random_below(&seed, (uint32_t)vocabulary_size);
        altered[at] ^= 4;
        check_bad(altered, vocabulary_size, NULL);
        altered[at] ^= 4;
    }
    altered[vocabulary_size - 1] ^= 1;
    check_bad(altered, vocabulary_size,
              "altered: its checksum is not that of its contents");
    free(altered);
}

/* The vocabulary in the other form, without the token `left_out`. */
static char *as_lines(int32_t left_out, const char *end, size_t *size)
{
    char *lines = room(5u << 20), *to = lines, *exact;
    int32_t token;
    size_t length;

    for (token = 0; token < harmony_encoding_size(encoding); token++)
        if (token != left_out) {
            const char *bytes = harmony_token_bytes(encoding, token, &length);

            to = write_line(to, bytes, length, token, end);
        }
    *size = (size_t)(to - lines);
    exact = exact_copy(lines, *size);
    free(lines);
    return exact;
}

static const char prose[]
    = "We'll see: the quick br\xC3\xB6wn fox, 12345 times.\n\n  "
      "\xE4\xB8\x96\xE7"
      "\x95\x8C \xF0\x9F\x98\x80\xF0\x9F\x98\x80 \xFF\xFE{\"a\": [1, 2.5e-3]}";

static void check_same_tokens(const harmony_encoding *other, const char *text,
                              size_t length)
{
    id_list list = encode_bytes(text, length, NULL, 0);
    int32_t *ids = room(list.count * sizeof *ids);
    size_t count;

    CHECK_EQUAL(harmony_encode(other, NULL, text, length, NULL, 0, ids,
                               list.count, &count, NULL),
                HARMONY_OK);
    CHECK_BYTES((char *)ids, count * sizeof *ids, (char *)list.ids,
                list.count * sizeof *ids);
    free(list.ids);
    free(ids);
}

static void test_lines(void)
{
    size_t size, i;
    char *lines = as_lines(-1, "\r\n", &size), text[1000];
    harmony_encoding *made;
    uint64_t seed = 12;
    long request;

    CHECK_EQUAL(make(lines, size, &made, NULL), HARMONY_OK);
    CHECK_EQUAL(harmony_encoding_size(made), 199998);
    check_same_tokens(made, prose, sizeof prose - 1);
    for (i = 0; i < sizeof text; i++)
        text[i] = (char)('a' + random_below(&seed, 26));
    check_same_tokens(made, text, sizeof text);
    harmony_encoding_free(made);
    for (request = 0; request < 7; request++) {
        refuse_memory(request);
        CHECK_EQUAL(make(lines, size, &made, NULL), HARMONY_NO_MEMORY);
    }
    refuse_memory(REFUSE_NONE);
    for (i = size - 2; lines[i - 1] != '\n'; i--)
        ;
    check_bad(lines, i,
              "another vocabulary: it has 199997 tokens, "
              "o200k_harmony has 199998");
    free(lines);
}

/* A rank that a file leaves out is no token. It used to be one without bytes,
 * and was copied to the caller's NULL. */
static void test_unused_rank(void)
{
    const int32_t unused = 150000;
    size_t size, length = 99;
    char *lines = as_lines(unused, "\n", &size);
    harmony_encoding *made;
    harmony_error error;

    CHECK_EQUAL(make(lines, size, &made, NULL), HARMONY_OK);
    CHECK(harmony_token_bytes(made, unused, &length) == NULL);
    CHECK_EQUAL(length, 0);
    CHECK_EQUAL(harmony_decode(made, &unused, 1, NULL, 0, &length, &error),
                HARMONY_UNKNOWN_TOKEN);
    CHECK_STRING(error.message, "Invalid token for decoding: 150000");
    harmony_encoding_free(made);
    free(lines);
}

static void test_no_memory(void)
{
    harmony_encoding *made = NULL;
    harmony_error error;
    harmony_status status = HARMONY_NO_MEMORY;
    long i;

    for (i = 0; status == HARMONY_NO_MEMORY; i++) {
        refuse_memory(i);
        status = make(vocabulary_file, vocabulary_size, &made, &error);
        if (status != HARMONY_OK)
            CHECK_EQUAL(error.status, HARMONY_NO_MEMORY);
    }
    refuse_memory(REFUSE_NONE);
    CHECK_EQUAL(status, HARMONY_OK);
    CHECK(i > 4);
    check_same_tokens(made, prose, sizeof prose - 1);
    harmony_encoding_free(made);
}

void test_vocabularies(void)
{
    CHECK_EQUAL(harmony_encoding_size(encoding), 199998);
    test_truncated_or_altered();
    test_lines();
    test_unused_rank();
    test_no_memory();
}
