/*
 * Parsers for what comes behind a prompt, and the options that they take.
 */
#include "api.h"

#include <time.h>

static const char asked[] = "<|start|>user<|message|>hi<|end|>";

/* Text in place of a whole prompt: `asked` and what follows it. */
static id_list prompt_of(const char *rest)
{
    char text[200];

    strcpy(text, asked);
    strcat(text, rest);
    return encode_framed(text);
}

static harmony_parser *parser_after(const char *rest, int32_t recover)
{
    harmony_parser_options options = HARMONY_PARSER_OPTIONS_INIT;
    id_list list = prompt_of(rest);
    harmony_parser *parser = NULL;
    harmony_error error;

    options.recover = recover;
    CHECK_EQUAL(harmony_parser_after(encoding, list.ids, list.count, &options,
                                     &parser, &error),
                HARMONY_OK);
    CHECK(parser != NULL);
    free(list.ids);
    return parser;
}

static void check_content(const harmony_view *view, const char *wanted)
{
    harmony_span content = view->current.content;

    CHECK_EQUAL(view->state, HARMONY_STATE_CONTENT);
    CHECK_BYTES(view->finished.text + content.start, (size_t)content.length,
                wanted, strlen(wanted));
}

/* ---- Behind a prompt ----------------------------------------------------- */

static void check_after(const char *rest, int32_t recover, harmony_state state,
                        int32_t role, size_t token_count)
{
    harmony_parser *parser = parser_after(rest, recover);
    const harmony_view *view = harmony_parser_view(parser);

    CHECK_EQUAL(view->state, state);
    CHECK_EQUAL(view->current.role, role);
    CHECK_EQUAL(view->token_count, token_count);
    CHECK_EQUAL(view->finished.message_count, 0);
    CHECK_EQUAL(view->warning_count, 0);
    harmony_parser_free(parser);
}

static void test_wherever_a_prompt_ends(void)
{
    int32_t recover;

    for (recover = 0; recover < 2; recover++) {
        check_after("", recover, HARMONY_STATE_EXPECT_START, -1, 0);
        check_after("a", recover, HARMONY_STATE_EXPECT_START, -1, 0);
        check_after("<|start|>", recover, HARMONY_STATE_HEADER, -1, 1);
        check_after("<|start|>assistant", recover, HARMONY_STATE_HEADER,
                    HARMONY_ROLE_ASSISTANT, 0);
        check_after("<|start|>x<|start|>developer", recover,
                    HARMONY_STATE_HEADER, HARMONY_ROLE_DEVELOPER, 0);
        check_after("<|start|>user<|channel|>", recover, HARMONY_STATE_HEADER,
                    -1, 3);
        check_after("<|start|>assistant assistant", recover,
                    HARMONY_STATE_HEADER, -1, 3);
        check_after("<|start|>assistant<|message|>a", recover,
                    HARMONY_STATE_CONTENT, HARMONY_ROLE_ASSISTANT, 4);
        check_after("<|start|>assistant<|message|>a<|call|>", recover,
                    HARMONY_STATE_EXPECT_START, -1, 0);
        check_after("<|start|>assistant<|message|>a<|return|>", recover,
                    HARMONY_STATE_EXPECT_START, -1, 0);
    }
    check_after("<|start|>a header that is longer than the word of a role", 1,
                HARMONY_STATE_HEADER, -1, 12);
}

static void test_a_prefill(void)
{
    harmony_parser *parser
        = parser_after("<|start|>assistant<|message|>2 +", 1);
    const harmony_view *view = harmony_parser_view(parser);
    id_list list = encode_framed(" 2");

    check_content(view, "2 +");
    CHECK_EQUAL(view->open.start, 0);
    CHECK_EQUAL(harmony_parser_feed(parser, list.ids, list.count, NULL),
                HARMONY_OK);
    check_content(view, "2 + 2");
    harmony_parser_free(parser);
    free(list.ids);
}

/* The position of an error is that in the prompt. */
static void test_an_open_message_that_can_not_be_read(void)
{
    id_list list = prompt_of("<|start|>assistant one two three<|message|>hi");
    harmony_parser *parser = (harmony_parser *)list.ids;
    harmony_parser_options options = HARMONY_PARSER_OPTIONS_INIT;
    harmony_error error;

    CHECK_EQUAL(harmony_parser_after(encoding, list.ids, list.count, NULL,
                                     &parser, NULL),
                HARMONY_HEADER_EXTRA_WORDS);
    CHECK_EQUAL(harmony_parser_after(encoding, list.ids, list.count, NULL,
                                     &parser, &error),
                HARMONY_HEADER_EXTRA_WORDS);
    CHECK(parser == NULL);
    CHECK_EQUAL(error.position, list.count - 2);
    CHECK_EQUAL(list.ids[error.position], HARMONY_TOKEN_MESSAGE);
    options.recover = 1;
    CHECK_EQUAL(harmony_parser_after(encoding, list.ids, list.count, &options,
                                     &parser, &error),
                HARMONY_OK);
    check_content(harmony_parser_view(parser), "hi");
    CHECK_EQUAL(harmony_parser_view(parser)->warning_count, 1);
    harmony_parser_free(parser);
    free(list.ids);
}

static void test_no_prompt(void)
{
    harmony_parser *parser = NULL;

    CHECK_EQUAL(harmony_parser_after(encoding, NULL, 0, NULL, &parser, NULL),
                HARMONY_OK);
    CHECK_EQUAL(harmony_parser_view(parser)->state, HARMONY_STATE_EXPECT_START);
    harmony_parser_free(parser);
}

/* Where the word of a role is several tokens, and where these are too many. */
static void test_a_role_in_parts(void)
{
    static const char *const words[] = {"user", "assistant", "developer"};
    size_t i, j;

    for (i = 0; i < 3; i++) {
        id_list prompt = prompt_of("<|start|>system");
        harmony_parser *parser;
        int32_t ids[40];
        size_t count = prompt.count - 1;

        memcpy(ids, prompt.ids, count * sizeof *ids);
        for (j = 0; words[i][j] != '\0'; j++) {
            char letter[2] = {words[i][j], '\0'};
            id_list one = encode_plain(letter);

            ids[count++] = one.ids[0];
            free(one.ids);
        }
        CHECK_EQUAL(
            harmony_parser_after(encoding, ids, count, NULL, &parser, NULL),
            HARMONY_OK);
        CHECK_EQUAL(harmony_parser_view(parser)->current.role,
                    i == 2 ? HARMONY_ROLE_DEVELOPER : (int32_t)i);
        CHECK_EQUAL(harmony_parser_view(parser)->token_count, 0);
        harmony_parser_free(parser);
        free(prompt.ids);
    }
}

/* Only the end of a prompt is read, so that a long one costs no more. */
static void test_a_long_prompt(void)
{
    enum { COUNT = 1 << 20, CALLS = 4000 };
    int32_t *ids = room(COUNT * sizeof *ids);
    harmony_parser *parser;
    clock_t began;
    int i;

    for (i = 0; i < COUNT; i++)
        ids[i] = 1000 + i % 10;
    ids[COUNT - 2] = HARMONY_TOKEN_START;
    ids[COUNT - 1] = 1428;
    began = clock();
    for (i = 0; i < CALLS; i++) {
        harmony_parser_after(encoding, ids, COUNT, NULL, &parser, NULL);
        CHECK_EQUAL(harmony_parser_view(parser)->current.role,
                    HARMONY_ROLE_USER);
        harmony_parser_free(parser);
    }
    CHECK(clock() - began < CLOCKS_PER_SEC);
    free(ids);
}

/* ---- The next role ------------------------------------------------------- */

static void check_next_role(int32_t role, const char *framed, int32_t wanted)
{
    harmony_parser_options options = HARMONY_PARSER_OPTIONS_INIT;
    id_list list = encode_framed(framed);
    harmony_parser *parser;
    int32_t recover;

    options.role = role;
    for (recover = 0; recover < 2; recover++) {
        options.recover = recover;
        harmony_parser_new(encoding, &options, &parser, NULL);
        harmony_parser_feed(parser, list.ids, list.count, NULL);
        CHECK_EQUAL(harmony_parser_view(parser)->next_role, wanted);
        harmony_parser_free(parser);
    }
    free(list.ids);
}

static void test_next_role(void)
{
    check_next_role(-1, "", -1);
    check_next_role(-1, "<|start|>", -1);
    check_next_role(-1, "<|start|>user", HARMONY_ROLE_USER);
    check_next_role(-1, "<|start|>assistant", HARMONY_ROLE_ASSISTANT);
    check_next_role(-1, "<|start|>system", HARMONY_ROLE_SYSTEM);
    check_next_role(-1, "<|start|>developer", HARMONY_ROLE_DEVELOPER);
    check_next_role(-1, "<|start|>tool", HARMONY_ROLE_TOOL);
    check_next_role(-1, "<|start|>user<|message|>a<|end|><|start|>assistant",
                    HARMONY_ROLE_ASSISTANT);
    check_next_role(-1, "<|start|>users", -1);
    check_next_role(-1, "<|start|>use", -1);
    check_next_role(-1, "<|start|>User", -1);
    check_next_role(-1, "<|start|>user ", -1);
    check_next_role(-1, "<|start|>user\xE4", -1);
    check_next_role(-1, "<|start|>user<|channel|>", -1);
    check_next_role(-1, "<|start|>user<|constrain|>", -1);
    check_next_role(-1, "<|start|>user<|message|>", -1);
    check_next_role(-1, "<|start|>user<|message|>user", -1);
    check_next_role(-1, "user", -1);
    check_next_role(HARMONY_ROLE_ASSISTANT, "", -1);
    check_next_role(HARMONY_ROLE_ASSISTANT, "user", -1);
}

/* An id outside the vocabulary is no text, and yet not nothing. */
static void test_next_role_of_unknown_ids(void)
{
    static const int32_t ids[]
        = {HARMONY_TOKEN_START, 1428, HARMONY_TOKEN_LIMIT};
    harmony_parser *parser;

    harmony_parser_new(encoding, NULL, &parser, NULL);
    harmony_parser_feed(parser, ids, 2, NULL);
    CHECK_EQUAL(harmony_parser_view(parser)->next_role, HARMONY_ROLE_USER);
    harmony_parser_feed(parser, ids + 2, 1, NULL);
    CHECK_EQUAL(harmony_parser_view(parser)->next_role, HARMONY_ROLE_NONE);
    harmony_parser_free(parser);
}

/* ---- Options ------------------------------------------------------------- */

struct wider {
    harmony_parser_options options;
    size_t unknown;
};

static void check_options(const harmony_parser_options *options,
                          harmony_status wanted, const char *message)
{
    int32_t ids[] = {HARMONY_TOKEN_START};
    harmony_parser *parser = (harmony_parser *)ids;
    harmony_error error;

    CHECK_EQUAL(harmony_parser_new(encoding, options, &parser, &error), wanted);
    CHECK((parser != NULL) == (wanted == HARMONY_OK));
    if (wanted != HARMONY_OK) {
        CHECK_STRING(error.message, message);
        CHECK_EQUAL(error.position, -1);
    }
    harmony_parser_free(parser);
    parser = (harmony_parser *)ids;
    CHECK_EQUAL(
        harmony_parser_after(encoding, ids, 1, options, &parser, &error),
        wanted);
    CHECK((parser != NULL) == (wanted == HARMONY_OK));
    harmony_parser_free(parser);
}

static void test_options_of_other_sizes(void)
{
    static const char message[]
        = "the options of the parser are not of a known size";
    struct wider wider = {HARMONY_PARSER_OPTIONS_INIT, 0};
    harmony_parser_options *options = &wider.options;
    /* Up to the end of its last field: what follows may be padding. */
    const size_t first
        = offsetof(harmony_parser_options, recover) + sizeof options->recover;

    check_options(options, HARMONY_OK, NULL);
    options->size = first;
    check_options(options, HARMONY_OK, NULL);
    options->size = first - 1;
    check_options(options, HARMONY_BAD_ARGUMENT, message);
    options->size = 0;
    check_options(options, HARMONY_BAD_ARGUMENT, message);
    options->size = sizeof wider;
    check_options(options, HARMONY_OK, NULL);
    wider.unknown = 1;
    check_options(options, HARMONY_BAD_ARGUMENT, message);
}

/* Who writes what follows a prompt is what the prompt says. */
static void test_a_role_for_a_prompt(void)
{
    harmony_parser_options options = HARMONY_PARSER_OPTIONS_INIT;
    harmony_parser *parser = (harmony_parser *)&options;
    harmony_error error;

    options.role = HARMONY_ROLE_USER;
    CHECK_EQUAL(
        harmony_parser_after(encoding, NULL, 0, &options, &parser, &error),
        HARMONY_BAD_ARGUMENT);
    CHECK(parser == NULL);
    CHECK_EQUAL(error.position, -1);
    CHECK_STRING(error.message,
                 "the role of the parser is the prompt's to say");
}

static void test_strict_is_the_default(void)
{
    const harmony_parser_options options = HARMONY_PARSER_OPTIONS_INIT;

    CHECK_EQUAL(options.size, sizeof options);
    CHECK_EQUAL(options.role, HARMONY_ROLE_NONE);
    CHECK_EQUAL(options.strict, 1);
    CHECK_EQUAL(options.recover, 0);
}

void test_prompts(void)
{
    test_wherever_a_prompt_ends();
    test_a_prefill();
    test_an_open_message_that_can_not_be_read();
    test_no_prompt();
    test_a_role_in_parts();
    test_a_long_prompt();
    test_next_role();
    test_next_role_of_unknown_ids();
    test_options_of_other_sizes();
    test_a_role_for_a_prompt();
    test_strict_is_the_default();
}
