/*
 * Each request for memory is refused in turn, for every function that makes
 * any: the status comes back, and says so in the error; nothing is leaked,
 * which a sanitizer or valgrind sees; and what was given can be used as before.
 */
#include "api.h"

#define LENGTH 700 /* of a piece that needs memory of its own */

static char text[3 * LENGTH];
static int32_t ids[3 * LENGTH];

/* Text of three pieces that are merged in windows, with a special token. */
static void make_text(void)
{
    uint64_t seed = 51;
    size_t i;

    for (i = 0; i < sizeof text; i++)
        text[i] = i % LENGTH ? (char)('a' + random_below(&seed, 26)) : ' ';
    memcpy(text + LENGTH, "<|end|>", 7);
}

/* ---- What is tried ------------------------------------------------------ */

static harmony_status load_encoding(harmony_error *error)
{
    harmony_encoding *made = (harmony_encoding *)text;
    harmony_status status
        = harmony_encoding_new(vocabulary_file, vocabulary_size, &made, error);

    CHECK((made != NULL) == (status == HARMONY_OK));
    harmony_encoding_free(made);
    return status;
}

static harmony_status load_vocabulary(harmony_error *error)
{
    harmony_vocabulary *made = (harmony_vocabulary *)text;
    harmony_status status = harmony_vocabulary_new(
        vocabulary_file, vocabulary_size, &made, error);

    CHECK((made != NULL) == (status == HARMONY_OK));
    harmony_vocabulary_free(made);
    return status;
}

static harmony_status make_cache(harmony_error *error)
{
    harmony_cache *made = (harmony_cache *)text;
    harmony_status status = harmony_cache_new(encoding, &made, error);

    CHECK((made != NULL) == (status == HARMONY_OK));
    harmony_cache_free(made);
    return status;
}

static harmony_status encode(harmony_cache *own, harmony_error *error)
{
    const int32_t allowed = HARMONY_TOKEN_END;
    size_t count;

    return harmony_encode(encoding, own, text, sizeof text, &allowed, 1, ids,
                          sizeof ids / sizeof *ids, &count, error);
}

static harmony_status encode_without(harmony_error *error)
{
    return encode(NULL, error);
}

static harmony_status encode_with(harmony_error *error)
{
    return encode(cache, error);
}

static harmony_status render(harmony_error *error)
{
    harmony_message message = {HARMONY_ROLE_USER, {0, 300},    {1, LENGTH},
                               {0, LENGTH},       {2, LENGTH}, {0, 3 * LENGTH}};
    harmony_conversation conversation = {text, sizeof text, &message, 1};
    harmony_part part;
    size_t count;
    harmony_status status = harmony_render_parts(
        encoding, cache, &conversation, NULL, NULL, 0, &count, &part, error);

    return status == HARMONY_SHORT_BUFFER ? HARMONY_OK : status;
}

/* A parser that is refused memory is freed where it stands. */
static harmony_status parse(int32_t recover, harmony_error *error)
{
    static const int32_t header[]
        = {HARMONY_TOKEN_CHANNEL, 17196, HARMONY_TOKEN_MESSAGE};
    const harmony_parser_options options
        = {sizeof options, HARMONY_ROLE_ASSISTANT, 1, recover};
    harmony_parser *parser = (harmony_parser *)text;
    harmony_status status
        = harmony_parser_new(encoding, &options, &parser, error);

    CHECK((parser != NULL) == (status == HARMONY_OK));
    if (status == HARMONY_OK)
        status = harmony_parser_feed(parser, header, 3, error);
    if (status == HARMONY_OK)
        status = harmony_parser_feed(parser, ids, 200, error);
    if (status == HARMONY_OK)
        status = harmony_parser_process(parser, 12, error);
    if (status == HARMONY_OK)
        status = harmony_parser_finish(parser, error);
    harmony_parser_free(parser);
    return status;
}

static harmony_status parse_or_fail(harmony_error *error)
{
    return parse(0, error);
}

static harmony_status parse_and_recover(harmony_error *error)
{
    return parse(1, error);
}

static harmony_status parse_after(harmony_error *error)
{
    static const int32_t prompt[]
        = {HARMONY_TOKEN_START, 173781, HARMONY_TOKEN_MESSAGE, 64};
    harmony_parser *parser = (harmony_parser *)text;
    harmony_status status
        = harmony_parser_after(encoding, prompt, 4, NULL, &parser, error);

    CHECK((parser != NULL) == (status == HARMONY_OK));
    harmony_parser_free(parser);
    return status;
}

/* ---- Refusing ----------------------------------------------------------- */

static const struct {
    harmony_status (*call)(harmony_error *error);
    long requests; /* at least */
} calls[] = {
    {load_encoding, 6},  {load_vocabulary, 6},   {make_cache, 2},
    {encode_without, 3}, {encode_with, 3},       {render, 5},
    {parse_or_fail, 5},  {parse_and_recover, 5}, {parse_after, 4},
};

static void refuse_each(harmony_status (*call)(harmony_error *), long requests)
{
    harmony_status status;
    harmony_error error;
    long request;

    for (request = 0;; request++) {
        error.status = HARMONY_OK;
        refuse_memory(request);
        status = call(&error);
        refuse_memory(REFUSE_NONE);
        if (status != HARMONY_NO_MEMORY)
            break;
        CHECK_EQUAL(error.status, HARMONY_NO_MEMORY);
        refuse_memory(request);
        CHECK_EQUAL(call(NULL), HARMONY_NO_MEMORY);
        refuse_memory(REFUSE_NONE);
        CHECK_EQUAL(call(NULL), HARMONY_OK);
    }
    CHECK_EQUAL(status, HARMONY_OK);
    CHECK(request >= requests);
}

/* What a cache was not given to remember does not come out of it. */
static void test_tokens_afterwards(void)
{
    const int32_t end = HARMONY_TOKEN_END;

    free(encode_bytes(text, sizeof text, &end, 1).ids);
}

void test_memory(void)
{
    size_t i;

    make_text();
    for (i = 0; i < sizeof calls / sizeof *calls; i++)
        refuse_each(calls[i].call, calls[i].requests);
    test_tokens_afterwards();
}
