/*
 * Where a parser's text would grow beyond what an int32 can say. A token of
 * 800 MB stands in for gigabytes of text: the room for it is refused before a
 * byte of it is looked at.
 */
#include "check.h"
#include "harmony.h"
#include "internals.h"
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

void test_parser(const char *path)
{
    harmony_encoding *encoding = load_encoding(path);
    /* The vocabulary is what an encoding begins with. */
    uint32_t *offsets = ((hm_vocabulary *)encoding)->offsets;
    const int32_t huge = 1000;
    const harmony_parser_options options
        = {sizeof options, HARMONY_ROLE_USER, 1, 0};
    harmony_parser *parser;

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
    harmony_encoding_free(encoding);
}
