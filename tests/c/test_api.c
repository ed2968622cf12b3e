/*
 * The library as its users see it, through harmony.h alone.
 */
#include "api.h"

const harmony_encoding *encoding;
harmony_cache *cache;
const char *vocabulary_file;
size_t vocabulary_size;

static const int32_t named[] = {
    HARMONY_TOKEN_STARTOFTEXT, HARMONY_TOKEN_ENDOFTEXT, HARMONY_TOKEN_RETURN,
    HARMONY_TOKEN_CONSTRAIN,   HARMONY_TOKEN_CHANNEL,   HARMONY_TOKEN_START,
    HARMONY_TOKEN_END,         HARMONY_TOKEN_MESSAGE,   HARMONY_TOKEN_CALL,
};

/* Whatever the cache has seen before, the tokens are the same: when it sees the
 * text first, when it sees it again, and when they are only counted. */
static void encode_with_cache(const char *text, size_t length,
                              const int32_t *allowed, size_t allowed_count,
                              const id_list *list)
{
    int32_t *ids = room(list->count * sizeof *ids);
    size_t count;
    int i;

    for (i = 0; i < 2; i++) {
        memset(ids, 0xFF, list->count * sizeof *ids);
        CHECK_EQUAL(harmony_encode(encoding, cache, text, length, allowed,
                                   allowed_count, ids, list->count, &count,
                                   NULL),
                    HARMONY_OK);
        CHECK_EQUAL(count, list->count);
        CHECK(memcmp(ids, list->ids, count * sizeof *ids) == 0);
        CHECK_EQUAL(harmony_encode(encoding, cache, text, length, allowed,
                                   allowed_count, NULL, 0, &count, NULL),
                    count > 0 ? HARMONY_SHORT_BUFFER : HARMONY_OK);
        CHECK_EQUAL(count, list->count);
    }
    free(ids);
}

id_list encode_bytes(const char *text, size_t length, const int32_t *allowed,
                     size_t allowed_count)
{
    char *exact = exact_copy(text, length);
    size_t count = 99, again = 99;
    id_list list = {NULL, 0};
    harmony_error error;
    harmony_status status
        = harmony_encode(encoding, NULL, exact, length, allowed, allowed_count,
                         NULL, 0, &count, NULL);

    CHECK_EQUAL(status, count > 0 ? HARMONY_SHORT_BUFFER : HARMONY_OK);
    CHECK(count <= length);
    if (count > 1) {
        list.ids = room((count - 1) * sizeof *list.ids);
        CHECK_EQUAL(harmony_encode(encoding, NULL, exact, length, allowed,
                                   allowed_count, list.ids, count - 1, &again,
                                   &error),
                    HARMONY_SHORT_BUFFER);
        CHECK_EQUAL(error.status, HARMONY_SHORT_BUFFER);
        CHECK_EQUAL(again, count);
        free(list.ids);
    }
    list.ids = room(count * sizeof *list.ids);
    CHECK_EQUAL(harmony_encode(encoding, NULL, exact, length, allowed,
                               allowed_count, list.ids, count, &list.count,
                               &error),
                HARMONY_OK);
    CHECK_EQUAL(list.count, count);
    encode_with_cache(exact, length, allowed, allowed_count, &list);
    free(exact);
    return list;
}

id_list encode_plain(const char *text)
{
    return encode_bytes(text, strlen(text), NULL, 0);
}

id_list encode_framed(const char *text)
{
    return encode_bytes(text, strlen(text), named,
                        sizeof named / sizeof *named);
}

char *decode_ids(const int32_t *ids, size_t count, size_t *length)
{
    int32_t *exact = exact_copy(ids, count * sizeof *ids);
    size_t again = 99;
    char *bytes;
    harmony_error error;
    harmony_status status
        = harmony_decode(encoding, exact, count, NULL, 0, length, NULL);

    CHECK_EQUAL(status, *length > 0 ? HARMONY_SHORT_BUFFER : HARMONY_OK);
    if (*length > 1) {
        bytes = room(*length - 1);
        CHECK_EQUAL(harmony_decode(encoding, exact, count, bytes, *length - 1,
                                   &again, &error),
                    HARMONY_SHORT_BUFFER);
        CHECK_EQUAL(error.status, HARMONY_SHORT_BUFFER);
        CHECK_EQUAL(again, *length);
        free(bytes);
    }
    bytes = room(*length);
    CHECK_EQUAL(
        harmony_decode(encoding, exact, count, bytes, *length, &again, &error),
        HARMONY_OK);
    CHECK_EQUAL(again, *length);
    free(exact);
    return bytes;
}

int32_t random_id(uint64_t *seed)
{
    static const int32_t none[]
        = {-1, INT32_MIN, HARMONY_TOKEN_LIMIT, INT32_MAX};

    switch (random_below(seed, 16)) {
    case 0:
    case 1:
    case 2:
    case 3:
    case 4:
    case 5:
        return named[random_below(seed, sizeof named / sizeof *named)];
    case 6:
        return none[random_below(seed, 4)];
    case 7:
        return 199998 + (int32_t)random_below(seed, 1091);
    case 8:
    case 9:
    case 10:
    case 11: /* a single byte, mostly */
        return (int32_t)random_below(seed, 256);
    default:
        return (int32_t)random_below(seed, 199998);
    }
}

static harmony_encoding *load_encoding(void)
{
    harmony_encoding *made = NULL;
    harmony_error error;

    if (harmony_encoding_new(vocabulary_file, vocabulary_size, &made, &error)
        != HARMONY_OK) {
        printf("%s\n", error.message);
        exit(EXIT_FAILURE);
    }
    return made;
}

static const struct {
    const char *name;
    void (*test)(void);
} parts[] = {
    {"vocabularies", test_vocabularies},
    {"text", test_text},
    {"building", test_building},
    {"rendering", test_rendering},
    {"batches", test_batches},
    {"parsing", test_parsing},
    {"recovery", test_recovery},
    {"prompts", test_prompts},
    {"pieces", test_pieces},
    {"caches", test_caches},
    {"memory", test_memory},
    {"guarded", test_guarded},
    {"threads", test_threads},
};

/* All parts, or the one that is named. */
static void test_parts(const char *name)
{
    size_t i, tested = 0;

    for (i = 0; i < sizeof parts / sizeof *parts; i++)
        if (name == NULL || strcmp(parts[i].name, name) == 0) {
            parts[i].test();
            tested++;
        }
    CHECK(tested > 0);
}

int main(int count, char **arguments)
{
    harmony_encoding *made;
    char *file;

    if (count != 2 && count != 3) {
        printf("usage: test_api VOCABULARY [PART]\n");
        return EXIT_FAILURE;
    }
    vocabulary_file = file = read_file(arguments[1], &vocabulary_size);
    encoding = made = load_encoding();
    CHECK_EQUAL(harmony_cache_new(encoding, &cache, NULL), HARMONY_OK);
    test_parts(arguments[2]);
    harmony_cache_free(cache);
    harmony_cache_free(NULL);
    harmony_encoding_free(made);
    harmony_encoding_free(NULL);
    free(file);
    return check_summary("test_api");
}
