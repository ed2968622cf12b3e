/*
 * A parser that another call is using; and where its text would grow beyond
 * what an int32 can say. A token of 800 MB stands in for gigabytes of text: the
 * room for it is refused before a byte of it is looked at.
 */
#include "check.h"
#include "harmony.h"
#include "internals.h"
#include "stream.h"
#include "support.h"
#include "vocabulary.h"

static harmony_encoding *load_encoding(const char *path)
{
    harmony_encoding *encoding = NULL;
    size_t size;
    char *file = read_file(path, &size);

    CHECK_EQUAL(harmony_encoding_new(file, size, &encoding, NULL), HARMONY_OK);
    free(file);
    return encoding;
}

static void check_too_large(harmony_parser *parser, int32_t token,
                            size_t token_count)
{
    const harmony_view *view = harmony_parser_view(parser);
    int32_t state = view->state;
    size_t text_length = view->finished.text_length;
    harmony_error error;

    CHECK_EQUAL(harmony_parser_process(parser, token, NULL), HARMONY_TOO_LARGE);
    CHECK_EQUAL(harmony_parser_process(parser, token, &error),
                HARMONY_TOO_LARGE);
    CHECK_EQUAL(error.status, HARMONY_TOO_LARGE);
    CHECK_EQUAL(view->token_count, token_count);
    CHECK_EQUAL(view->finished.text_length, text_length);
    CHECK_EQUAL(view->state, state);
}

/* One that recovers refuses it likewise, in each state, and goes on. */
static void test_recovering(const harmony_encoding *encoding, int32_t huge)
{
    const harmony_parser_options options
        = {sizeof options, HARMONY_ROLE_NONE, 1, 1};
    harmony_parser *parser;

    harmony_parser_new(encoding, &options, &parser, NULL);
    check_too_large(parser, huge, 0);
    harmony_parser_process(parser, 'a', NULL);
    check_too_large(parser, huge, 1);
    harmony_parser_process(parser, HARMONY_TOKEN_MESSAGE, NULL);
    check_too_large(parser, huge, 2);
    harmony_parser_process(parser, HARMONY_TOKEN_ENDOFTEXT, NULL);
    check_too_large(parser, huge, 3);
    CHECK_EQUAL(harmony_parser_process(parser, 'a', NULL), HARMONY_OK);
    CHECK_EQUAL(harmony_parser_finish(parser, NULL), HARMONY_OK);
    CHECK_EQUAL(harmony_parser_view(parser)->finished.message_count, 1);
    harmony_parser_free(parser);
}

/* A call from within another one, or from another thread, does nothing. */
static void test_in_use(const harmony_encoding *encoding)
{
    const int32_t tokens[] = {'a', HARMONY_TOKEN_END};
    const harmony_parser_options options
        = {sizeof options, HARMONY_ROLE_USER, 1, 0};
    harmony_parser *parser;
    const harmony_view *view;
    harmony_view before;
    harmony_error error;

    harmony_parser_new(encoding, &options, &parser, NULL);
    view = harmony_parser_view(parser);
    harmony_parser_process(parser, HARMONY_TOKEN_MESSAGE, NULL);
    harmony_parser_process(parser, 'b', NULL);
    before = *view;
    CHECK(hm_take_mark(&parser->in_use));
    CHECK_EQUAL(harmony_parser_process(parser, 'a', &error), HARMONY_IN_USE);
    CHECK_EQUAL(error.status, HARMONY_IN_USE);
    CHECK_EQUAL(error.position, -1);
    CHECK_EQUAL(harmony_parser_process(parser, 'a', NULL), HARMONY_IN_USE);
    CHECK_EQUAL(harmony_parser_feed(parser, tokens, 2, &error), HARMONY_IN_USE);
    CHECK_EQUAL(harmony_parser_finish(parser, &error), HARMONY_IN_USE);
    CHECK_EQUAL(harmony_parser_append(parser, 'a'), HARMONY_NOT_APPENDED);
    CHECK(memcmp(&before, view, sizeof before) == 0);
    hm_give_mark(&parser->in_use);
    CHECK(harmony_parser_append(parser, 'a') != HARMONY_NOT_APPENDED);
    CHECK_EQUAL(harmony_parser_feed(parser, tokens, 2, NULL), HARMONY_OK);
    CHECK_EQUAL(harmony_parser_finish(parser, NULL), HARMONY_OK);
    CHECK_EQUAL(view->finished.message_count, 1);
    harmony_parser_free(parser);
}

/* A call that failed, or was refused, has given the parser back. */
static void test_given_back(const harmony_encoding *encoding)
{
    const int32_t wrong = HARMONY_TOKEN_END;
    harmony_parser *parser;

    harmony_parser_new(encoding, NULL, &parser, NULL);
    CHECK_EQUAL(harmony_parser_process(parser, wrong, NULL),
                HARMONY_UNEXPECTED_TOKEN);
    CHECK_EQUAL(harmony_parser_feed(parser, &wrong, 1, NULL),
                HARMONY_UNEXPECTED_TOKEN);
    CHECK_EQUAL(harmony_parser_append(parser, wrong), HARMONY_NOT_APPENDED);
    CHECK_EQUAL(harmony_parser_process(parser, HARMONY_TOKEN_START, NULL),
                HARMONY_OK);
    CHECK_EQUAL(harmony_parser_finish(parser, NULL), HARMONY_UNEXPECTED_END);
    CHECK(hm_take_mark(&parser->in_use));
    harmony_parser_free(parser);
}

/* ---- As many as there can be --------------------------------------------- */

#if SIZE_MAX > UINT32_MAX
/* The tokens of a parser are said to be so many, though only the last eight are
 * there. What is counted is not read. */
static void pretend(harmony_parser *parser, size_t count, int32_t *eight)
{
    hm_buffer *tokens = &parser->tokens;

    tokens->data = (uint8_t *)((uintptr_t)eight - (count - 8) * sizeof *eight);
    tokens->length = count * sizeof *eight;
    tokens->capacity = tokens->length + 8 * sizeof *eight;
}
#endif

/* A token that would be one too many is not taken, however it comes. */
static void test_too_many_tokens(const harmony_encoding *encoding)
{
#if SIZE_MAX > UINT32_MAX
    const harmony_parser_options options
        = {sizeof options, HARMONY_ROLE_USER, 1, 0};
    const int32_t two[] = {64, 65}; /* a, b */
    int32_t *sixteen = room(16 * sizeof *sixteen);
    const harmony_view *view;
    harmony_parser *parser;
    harmony_error error;

    harmony_parser_new(encoding, &options, &parser, NULL);
    view = harmony_parser_view(parser);
    harmony_parser_process(parser, HARMONY_TOKEN_MESSAGE, NULL);
    hm_release(&parser->tokens);
    pretend(parser, INT32_MAX - 1, sixteen);
    CHECK_EQUAL(harmony_parser_feed(parser, two, 2, &error), HARMONY_TOO_LARGE);
    CHECK_EQUAL(view->token_count, INT32_MAX);
    CHECK_EQUAL(sixteen[8], 64);
    CHECK_EQUAL(view->current.content.length, 1);
    CHECK_EQUAL(error.status, HARMONY_TOO_LARGE);
    CHECK_EQUAL(error.position, -1);
    CHECK_EQUAL(harmony_parser_process(parser, 'a', NULL), HARMONY_TOO_LARGE);
    CHECK_EQUAL(harmony_parser_append(parser, 'a'), HARMONY_NOT_APPENDED);
    CHECK_EQUAL(view->token_count, INT32_MAX);
    pretend(parser, INT32_MAX - 1, sixteen);
    CHECK_EQUAL(harmony_parser_append(parser, 65), HARMONY_APPENDED_TOKEN);
    CHECK_EQUAL(sixteen[8], 65);
    pretend(parser, INT32_MAX - 2, sixteen);
    CHECK_EQUAL(harmony_parser_feed(parser, two, 2, NULL), HARMONY_OK);
    CHECK_EQUAL(view->token_count, INT32_MAX);
    memset(&parser->tokens, 0, sizeof parser->tokens);
    harmony_parser_free(parser);
    free(sixteen);
#else
    (void)encoding;
#endif
}

/* The text of the warnings has half the room, so that its spans, with what a
 * header can add, are good. In a content, text is taken all the same. */
static void test_full_warnings(const harmony_encoding *encoding)
{
    const harmony_parser_options options
        = {sizeof options, HARMONY_ROLE_USER, 1, 1};
    harmony_parser *parser;
    harmony_error error;

    harmony_parser_new(encoding, &options, &parser, NULL);
    harmony_parser_process(parser, HARMONY_TOKEN_MESSAGE, NULL);
    parser->warnings.text.length = INT32_MAX / 2;
    CHECK_EQUAL(harmony_parser_process(parser, 'a', NULL), HARMONY_OK);
    CHECK_EQUAL(harmony_parser_process(parser, HARMONY_TOKEN_END, &error),
                HARMONY_TOO_LARGE);
    CHECK_EQUAL(error.position, -1);
    parser->warnings.text.length = INT32_MAX / 2 - 50; /* <|end|> adds none */
    CHECK_EQUAL(harmony_parser_process(parser, HARMONY_TOKEN_END, NULL),
                HARMONY_OK);
    harmony_parser_free(parser);
}

/* ---- Runs ---------------------------------------------------------------- */

/* Tokens are taken many at once, as far as they are text. */
static void test_runs(const harmony_encoding *encoding)
{
    const harmony_parser_options options
        = {sizeof options, HARMONY_ROLE_USER, 1, 0};
    const char text[] = "only words up to here \xF0\x9F\xA6\xB4";
    int32_t many[100], tokens[40];
    harmony_parser *parser;
    harmony_span added;
    size_t i, count;

    for (i = 0; i < 100; i++)
        many[i] = 64;
    CHECK_EQUAL(hm_ordinary_tokens(many, 0), 0);
    CHECK_EQUAL(hm_ordinary_tokens(many, 10), 10);
    CHECK_EQUAL(hm_ordinary_tokens(many, 100), 64);
    many[9] = HARMONY_TOKEN_END;
    CHECK_EQUAL(hm_ordinary_tokens(many, 100), 9);
    harmony_encode(encoding, NULL, text, sizeof text - 1, NULL, 0, tokens, 40,
                   &count, NULL);
    harmony_parser_new(encoding, &options, &parser, NULL);
    CHECK_EQUAL(hm_take_run(parser, many, 9, &added), 0);
    harmony_parser_process(parser, HARMONY_TOKEN_MESSAGE, NULL);
    CHECK_EQUAL(hm_take_run(parser, many, 9, &added), 9);
    CHECK_EQUAL(added.length, 9);
    CHECK_EQUAL(hm_take_run(parser, tokens, count, &added), count);
    CHECK_EQUAL(added.start, 9);
    CHECK_EQUAL(added.length, sizeof text - 1);
    CHECK_EQUAL(hm_take_run(parser, tokens, count - 1, &added), 0);
    harmony_parser_free(parser);
}

/* A vocabulary may lack a token: its id is like one from outside. */
static void test_missing_token(const harmony_encoding *encoding,
                               int32_t missing)
{
    const harmony_parser_options options
        = {sizeof options, HARMONY_ROLE_USER, 1, 0};
    const int32_t tokens[] = {HARMONY_TOKEN_MESSAGE, 64, missing, 65};
    const harmony_view *view;
    harmony_parser *parser;

    harmony_parser_new(encoding, &options, &parser, NULL);
    view = harmony_parser_view(parser);
    CHECK_EQUAL(harmony_parser_feed(parser, tokens, 4, NULL), HARMONY_OK);
    CHECK_EQUAL(view->current.content.length, 5);
    CHECK(memcmp(view->finished.text + view->current.content.start + 1,
                 "\xEF\xBF\xBD", 3)
          == 0);
    harmony_parser_free(parser);
}

void test_parser(void)
{
    harmony_encoding *encoding = load_encoding(vocabulary_path);
    /* The vocabulary is what an encoding begins with. */
    uint32_t *offsets = ((hm_vocabulary *)encoding)->offsets;
    const int32_t huge = 1000;
    const harmony_parser_options options
        = {sizeof options, HARMONY_ROLE_USER, 1, 0};
    harmony_parser *parser;

    test_in_use(encoding);
    test_given_back(encoding);
    test_too_many_tokens(encoding);
    test_full_warnings(encoding);
    test_runs(encoding);
    offsets[huge + 1] = offsets[huge] + 800000000u;
    harmony_parser_new(encoding, &options, &parser, NULL);
    check_too_large(parser, huge, 0);
    CHECK_EQUAL(harmony_parser_process(parser, HARMONY_TOKEN_MESSAGE, NULL),
                HARMONY_OK);
    check_too_large(parser, huge, 1);
    CHECK_EQUAL(harmony_parser_process(parser, 'a', NULL), HARMONY_OK);
    CHECK_EQUAL(harmony_parser_finish(parser, NULL), HARMONY_OK);
    CHECK_EQUAL(harmony_parser_view(parser)->finished.message_count, 1);
    harmony_parser_free(parser);
    test_recovering(encoding, huge);
    offsets[huge + 1] = offsets[huge];
    test_missing_token(encoding, huge);
    harmony_encoding_free(encoding);
}
