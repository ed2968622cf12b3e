/*
 * Recovery as its users see it: warnings, tallies, segments; that it is linear;
 * that nothing is lost where memory is refused. What holds for every sequence
 * of tokens is checked elsewhere (guarantees.h); here are the examples.
 */
#include "api.h"

#include <time.h>

/* The smaller of two numbers of tokens; the larger is four times that. */
#ifndef LENGTH
#define LENGTH 20000
#endif

static harmony_parser *new_parser(int32_t role, int32_t recover)
{
    harmony_parser_options options = {sizeof options, HARMONY_ROLE_NONE, 1, 0};
    harmony_parser *parser = NULL;

    options.role = role;
    options.recover = recover;
    CHECK_EQUAL(harmony_parser_new(encoding, &options, &parser, NULL),
                HARMONY_OK);
    return parser;
}

/* ---- Logs ---------------------------------------------------------------- */

static char log_text[2000];

static void say(const char *words, size_t length)
{
    size_t used = strlen(log_text);

    if (length > sizeof log_text - 1 - used)
        length = sizeof log_text - 1 - used;
    CHECK(length == 0 || memchr(words, '\0', length) == NULL);
    memcpy(log_text + used, words, length);
    log_text[used + length] = '\0';
}

static void say_span(const char *name, const char *text, harmony_span span)
{
    if (span.start < 0)
        return;
    say(name, strlen(name));
    say(text + span.start, (size_t)span.length);
}

static void say_message(const harmony_view *view, size_t index)
{
    static const char *const roles[]
        = {"user", "assistant", "system", "developer", "tool"};
    const harmony_message *message = view->finished.messages + index;
    const harmony_tally *tally = view->tallies + index;
    const char *text = view->finished.text;
    char numbers[60];

    say(roles[message->role], strlen(roles[message->role]));
    say_span(" name=", text, message->name);
    say_span(" to=", text, message->recipient);
    say_span(" channel=", text, message->channel);
    say_span(" type=", text, message->content_type);
    say_span(": ", text, message->content);
    sprintf(numbers, " (%d+%d, %d)\n", (int)tally->header_tokens,
            (int)tally->content_tokens, (int)tally->end_token);
    say(numbers, strlen(numbers));
}

/* Messages, with their tallies, and warnings, a line for each. */
static void say_all(const harmony_view *view)
{
    char numbers[40];
    size_t i;

    log_text[0] = '\0';
    for (i = 0; i < view->finished.message_count; i++)
        say_message(view, i);
    for (i = 0; i < view->warning_count; i++) {
        const harmony_warning *warning = view->warnings + i;

        sprintf(numbers, "%d at %d", (int)warning->kind,
                (int)warning->position);
        say(numbers, strlen(numbers));
        say_span(": ", view->warning_text, warning->text);
        say("\n", 1);
    }
}

static void check_log(int32_t role, const char *framed, const char *wanted)
{
    id_list list = encode_framed(framed);
    harmony_parser *parser = new_parser(role, 1);

    CHECK_EQUAL(harmony_parser_feed(parser, list.ids, list.count, NULL),
                HARMONY_OK);
    CHECK_EQUAL(harmony_parser_finish(parser, NULL), HARMONY_OK);
    say_all(harmony_parser_view(parser));
    CHECK_STRING(log_text, wanted);
    harmony_parser_free(parser);
    free(list.ids);
}

/* ---- Warnings and tallies ------------------------------------------------ */

/* Here and below in the order of harmony_warning_kind, whose numbers begin the
 * lines. */
static void test_warnings(void)
{
    check_log(-1, "<|end|><|start|>user<|message|>a<|end|><|call|>",
              "user: a (3+2, 200007)\n"
              "0 at 0: \n"
              "0 at 6: \n");
    check_log(-1, " \n<|start|>user<|message|>a<|end|>",
              "user: a (3+2, 200007)\n"
              "1 at 1:  \n\n");
    check_log(-1, "<|start|>user<|message|>a<|end|> <|start|>user<|message|>b",
              "user: a (3+2, 200007)\n"
              "user: b (3+1, -1)\n"
              "1 at 6:  \n");
    check_log(-1, "user<|message|>a<|end|>",
              "user: a (2+2, 200007)\n"
              "2 at 1: \n");
    check_log(-1, "Hello.<|start|>user<|message|>a<|end|>",
              "assistant: Hello. (0+2, -1)\n"
              "user: a (3+2, 200007)\n"
              "3 at 2: \n");
    check_log(1, "<|channel|>final<|start|>user<|message|>a<|end|>",
              "user: a (3+2, 200007)\n"
              "4 at 2:  final\n");
    check_log(-1, "<|start|>user<|message|><|message|>a<|end|>",
              "user: a (4+2, 200007)\n"
              "5 at 3: \n");
    check_log(-1, "<|start|>user<|message|>a<|start|>user<|message|>",
              "user: a (3+1, -1)\n"
              "user:  (3+0, -1)\n"
              "6 at 4: \n");
    check_log(1, "Hello.<|return|>",
              "assistant: Hello. (2+1, 200002)\n"
              "7 at 2: \n");
    check_log(0, "Hello.<|return|><|start|>assistant<|message|>a<|end|>",
              "user: Hello. (2+1, 200002)\n"
              "assistant: a (3+2, 200007)\n"
              "7 at 2: \n");
    check_log(1, "<|channel|>analysis<|end|>", "8 at 2:  analysis\n");
    check_log(-1, "<|start|>tool<|end|>", "8 at 2: tool\n");
    check_log(4, "<|channel|>final<|end|>", "8 at 2:  final\n");
    check_log(1, "<|channel|>final<|message|>a<|endoftext|>b<|end|>",
              "assistant channel=final: a (3+1, -1)\n"
              "6 at 4: \n"
              "16 at 5: b\n"
              "16 at 6: <|end|>\n");
}

static void test_warnings_of_headers(void)
{
    check_log(1, "<|channel|>final more words<|message|>a<|return|>",
              "assistant channel=final: a (5+2, 200002)\n"
              "9 at 4: more words\n");
    check_log(1, "<|start|>user<|message|>a<|end|>",
              "user: a (3+2, 200007)\n"
              "10 at 0: \n");
    check_log(-1, "<|start|>assistantassistant<|message|>a<|end|>",
              "assistant: a (4+2, 200007)\n"
              "10 at 3: assistantassistant\n");
    check_log(1, "<|channel|>x<|channel|>final<|message|>a<|end|>",
              "assistant channel=final: a (5+2, 200007)\n"
              "11 at 4: x\n");
    check_log(1, " to=a to=b(<|message|>a<|call|>",
              "assistant to=b: a (6+2, 200012)\n"
              "12 at 5: to=a (\n");
    check_log(1, " to=a <|constrain|>x <|constrain|>y<|message|>a<|call|>",
              "assistant to=a type=<|constrain|>y: a (9+2, 200012)\n"
              "13 at 8: x\n");
    check_log(1, "<|channel|>some\xE4\xB8<|message|>a<|end|>",
              "assistant channel=some\xEF\xBF\xBD: a (4+2, 200007)\n"
              "14 at 3: \xE4\xB8\n");
    check_log(-1, "<|start|>user<|channel|>x <|constrain|>y<|start|>",
              "4 at 7: user x  y\n"
              "8 at 8: \n");
    check_log(-1, "<|start|>user\xE4\xB8<|channel|>x<|message|>a<|end|>",
              "assistant channel=x: a (6+2, 200007)\n"
              "14 at 3: \xE4\xB8\n"
              "9 at 5: user\xEF\xBF\xBD\n"
              "10 at 5: \n");
}

/* An id outside the vocabulary, in a content and in a header. */
static void test_unknown_ids(void)
{
    static const int32_t ids[] = {
        HARMONY_TOKEN_START,
        HARMONY_TOKEN_CHANNEL,
        HARMONY_TOKEN_LIMIT,
        HARMONY_TOKEN_MESSAGE,
        -1,
        HARMONY_TOKEN_END,
    };
    harmony_parser *parser = new_parser(HARMONY_ROLE_NONE, 1);

    CHECK_EQUAL(harmony_parser_feed(parser, ids, 6, NULL), HARMONY_OK);
    say_all(harmony_parser_view(parser));
    CHECK_STRING(log_text, "assistant channel=\xEF\xBF\xBD: \xEF\xBF\xBD "
                           "(4+2, 200007)\n15 at 2: \n10 at 3: \n15 at 4: \n");
    harmony_parser_free(parser);
}

/* The beginning of a character in a header is not completed behind such an id.
 */
static void test_unknown_id_in_a_character(void)
{
    id_list part = encode_plain("\xE4\xB8");
    harmony_parser *parser = new_parser(HARMONY_ROLE_ASSISTANT, 1);

    CHECK_EQUAL(part.count, 1);
    harmony_parser_process(parser, HARMONY_TOKEN_CHANNEL, NULL);
    harmony_parser_process(parser, part.ids[0], NULL);
    harmony_parser_process(parser, HARMONY_TOKEN_LIMIT, NULL);
    harmony_parser_process(parser, HARMONY_TOKEN_MESSAGE, NULL);
    harmony_parser_finish(parser, NULL);
    say_all(harmony_parser_view(parser));
    CHECK_STRING(log_text,
                 "assistant channel=\xEF\xBF\xBD\xEF\xBF\xBD:  (4+0, -1)\n"
                 "14 at 2: \xE4\xB8\n15 at 2: \n");
    harmony_parser_free(parser);
    free(part.ids);
}

/* `<|start|>` behind text without a header used to count for that text, too;
 * and the stop token behind a header for the header. */
static void test_tallies(void)
{
    check_log(-1, "a<|start|>user<|message|>b<|end|>",
              "assistant: a (0+1, -1)\nuser: b (3+2, 200007)\n3 at 1: \n");
    check_log(-1, "a<|return|>", "assistant: a (0+2, 200002)\n3 at 1: \n");
    check_log(1, "a<|return|>", "assistant: a (1+1, 200002)\n7 at 1: \n");
    check_log(1, "a<|start|>", "4 at 1: a\n8 at 2: \n");
    check_log(1, "<|end|>", "8 at 0: \n");
    check_log(1, "", "");
    check_log(1, "<|channel|>final<|message|>a<|start|>assistant",
              "assistant channel=final: a (3+1, -1)\n6 at 4: \n"
              "8 at 6: assistant\n");
    check_log(-1, "a<|channel|>final<|message|>b<|channel|>final<|message|>",
              "assistant channel=final: b (4+1, -1)\n"
              "assistant channel=final:  (3+0, -1)\n"
              "2 at 1: \n9 at 3: a\n10 at 3: \n6 at 5: \n10 at 7: \n");
}

static void check_open_start(const char *framed, size_t open_start,
                             int32_t header_tokens, int32_t content_tokens)
{
    id_list list = encode_framed(framed);
    harmony_parser *parser = new_parser(HARMONY_ROLE_NONE, 1);

    CHECK_EQUAL(harmony_parser_feed(parser, list.ids, list.count, NULL),
                HARMONY_OK);
    CHECK_EQUAL(harmony_parser_view(parser)->open_start, open_start);
    CHECK_EQUAL(harmony_parser_view(parser)->open.header_tokens, header_tokens);
    CHECK_EQUAL(harmony_parser_view(parser)->open.content_tokens,
                content_tokens);
    harmony_parser_free(parser);
    free(list.ids);
}

/* Where the open header or content begins: not with a repeated <|message|>, and
 * with the first token of a header that has no <|start|>. */
static void test_open_start(void)
{
    check_open_start("<|start|>user<|message|><|message|>a", 4, 4, 1);
    check_open_start("<|start|>user<|message|>a<|channel|>final", 4, 2, 0);
    check_open_start("<|start|>user<|message|>a<|start|>user", 5, 2, 0);
    check_open_start("user<|channel|>", 0, 2, 0);
}

/* What <|start|> begins again is forgotten, and so is the role that was given.
 */
static void test_restarted_header(void)
{
    id_list list = encode_framed("<|channel|>final<|start|>");
    harmony_parser *parser = new_parser(HARMONY_ROLE_USER, 1);
    const harmony_view *view = harmony_parser_view(parser);

    CHECK_EQUAL(view->current.role, HARMONY_ROLE_USER);
    harmony_parser_feed(parser, list.ids, list.count, NULL);
    CHECK_EQUAL(view->current.role, HARMONY_ROLE_NONE);
    CHECK_EQUAL(view->finished.text_length, 0);
    harmony_parser_free(parser);
    free(list.ids);
}

/* There is room for a warning of a long header, whatever ends it. */
static void test_long_header(void)
{
    static const int32_t ends[] = {HARMONY_TOKEN_START, HARMONY_TOKEN_ENDOFTEXT,
                                   HARMONY_TOKEN_END, HARMONY_TOKEN_MESSAGE};
    size_t end, i;

    for (end = 0; end < 4; end++) {
        harmony_parser *parser = new_parser(HARMONY_ROLE_NONE, 1);
        const harmony_view *view = harmony_parser_view(parser);

        harmony_parser_process(parser, HARMONY_TOKEN_START, NULL);
        harmony_parser_process(parser, HARMONY_TOKEN_CHANNEL, NULL);
        for (i = 0; i < 5000; i++)
            harmony_parser_process(parser, 64, NULL); /* a */
        CHECK_EQUAL(harmony_parser_process(parser, ends[end], NULL),
                    HARMONY_OK);
        CHECK_EQUAL(view->warning_count, 1);
        if (end < 3)
            CHECK_EQUAL(view->warnings[0].text.length, 5001);
        else
            CHECK_EQUAL(view->current.channel.length, 5000);
        harmony_parser_free(parser);
    }
}

/* The beginning of a character behind <|endoftext|> goes to one warning. */
static void test_end_after_the_end(void)
{
    harmony_parser *parser = new_parser(HARMONY_ROLE_NONE, 1);
    id_list part = encode_plain("\xE4\xB8"), rest = encode_plain("\xBD");

    harmony_parser_process(parser, HARMONY_TOKEN_ENDOFTEXT, NULL);
    harmony_parser_process(parser, part.ids[0], NULL);
    harmony_parser_finish(parser, NULL);
    harmony_parser_process(parser, rest.ids[0], NULL);
    harmony_parser_finish(parser, NULL);
    say_all(harmony_parser_view(parser));
    CHECK_STRING(log_text, "0 at 0: \n16 at 1: \n16 at 2: \xE4\xB8 \xBD\n");
    harmony_parser_free(parser);
    free(part.ids);
    free(rest.ids);
}

/* A role in capitals used to be lost; NUL used to pass for the beginning of
 * JSON behind a content type. */
static void test_words(void)
{
    static const char nul[] = " to=f json\0 a";
    id_list list = encode_bytes(nul, sizeof nul - 1, NULL, 0);
    harmony_parser *parser = new_parser(HARMONY_ROLE_ASSISTANT, 1);
    const harmony_view *view = harmony_parser_view(parser);

    check_log(-1, "<|start|>User<|message|>a<|end|>",
              "user: a (3+2, 200007)\n10 at 2: User\n");
    check_log(-1, "<|start|>user to=a <|constrain|>to=b<|message|>a<|end|>",
              "user to=a type=<|constrain|>to=b: a (9+2, 200007)\n");
    check_log(-1, "<|start|><| to=b<|message|>a<|end|>",
              "tool name=<| to=b: a (6+2, 200007)\n");
    CHECK_EQUAL(harmony_parser_feed(parser, list.ids, list.count, NULL),
                HARMONY_OK);
    CHECK_EQUAL(harmony_parser_finish(parser, NULL), HARMONY_OK);
    CHECK_EQUAL(view->finished.message_count, 1);
    CHECK_EQUAL(view->finished.messages[0].content_type.start, -1);
    harmony_parser_free(parser);
    free(list.ids);
}

/* A header that the strict parser takes is left as it is. A recipient behind
 * the channel used to be cut at the first character that is unusual in a name,
 * and a role's word as a content type to become the author. */
static void test_what_is_left_alone(void)
{
    check_log(1,
              "<|channel|>commentary to=mcp/a:b@c+d#e$f json<|message|>"
              "<|call|>",
              "assistant to=mcp/a:b@c+d#e$f channel=commentary type=json:  "
              "(16+1, 200012)\n");
    check_log(1, "<|channel|>x to=\xE5\x90\x8D <|constrain|>json<|message|>",
              "assistant to=\xE5\x90\x8D channel=x type=<|constrain|>json:  "
              "(9+0, -1)\n");
    check_log(1,
              " to=a\xC2\xA0"
              "b<|channel|>x<|message|>",
              "assistant to=a\xC2\xA0"
              "b channel=x:  (7+0, -1)\n");
    check_log(1, "<|channel|>x  to=a/b<|message|>",
              "assistant to=a/b channel=x:  (7+0, -1)\n");
    check_log(-1, "<|start|>User to=f user<|message|>",
              "tool name=User to=f type=user:  (6+0, -1)\n");
    check_log(-1, "user to=a/b<|message|>",
              "user to=a/b:  (5+0, -1)\n2 at 4: \n");
}

/* The closed list of what is not. */
static void test_what_is_excepted(void)
{
    check_log(1, "<|channel|>analysis?<|message|>",
              "assistant channel=analysis:  (4+0, -1)\n11 at 3: analysis?\n");
    check_log(1, "<|channel|>*final:<|message|>",
              "assistant channel=final:  (5+0, -1)\n11 at 4: *final:\n");
    check_log(1, " to=functions.<|message|>",
              "assistant:  (5+0, -1)\n12 at 4: to=functions.\n");
    check_log(1, " to=f to=functions.<|message|>",
              "assistant to=f:  (7+0, -1)\n12 at 6: to=functions.\n");
    check_log(1, " to='a'<|message|>",
              "assistant to=a:  (5+0, -1)\n12 at 4: ' '\n");
    check_log(-1, "<|start|>user: to=f<|message|>",
              "user to=f:  (6+0, -1)\n10 at 5: :\n");
    check_log(-1, "<|start|>to=f to=g<|message|>",
              "assistant to=g:  (6+0, -1)\n12 at 5: to=f\n10 at 5: \n");
}

/* No name, where one is begun: it used to be the tool's, or empty. */
static void test_no_name(void)
{
    check_log(-1, "<|start|>user:<|message|>",
              "user:  (4+0, -1)\n10 at 3: :\n");
    check_log(-1, "<|start|>tool:<|message|>",
              "tool name=tool:  (4+0, -1)\n10 at 3: :\n");
    check_log(-1, "<|start|>functions.<|message|>",
              "tool name=tool:  (4+0, -1)\n10 at 3: functions.\n");
    check_log(1, "<|channel|>x functions.<|message|>",
              "assistant channel=x:  (5+0, -1)\n12 at 4: functions.\n");
}

/* What used to be decided in silence. */
static void test_no_silence(void)
{
    check_log(-1, "<|start|>search<|message|>",
              "tool name=search:  (3+0, -1)\n10 at 2: search\n");
    check_log(1, "<|channel|>x json<|message|>",
              "assistant channel=x type=json:  (4+0, -1)\n12 at 3: json\n");
    check_log(1, "<|channel|>x <|constrain|>json<|message|>",
              "assistant channel=x type=<|constrain|>json:  (6+0, -1)\n"
              "12 at 5: <|constrain|>json\n");
    check_log(1, "  to= a<|message|>",
              "assistant to=a:  (5+0, -1)\n12 at 4: \n");
    check_log(1, "<|channel|>analysis python<|message|>",
              "assistant to=python channel=analysis:  (4+0, -1)\n"
              "12 at 3: python\n");
    check_log(-1, "<|endoftext|>", "0 at 0: \n");
    check_log(1, "<|endoftext|>", "8 at 0: \n");
    check_log(-1, "<|start|>user<|message|>a<|end|><|endoftext|>",
              "user: a (3+2, 200007)\n0 at 5: \n");
}

/* What ends without <|message|>: a first word used to be the channel, and a
 * marker used to go without a trace from between two words. */
static void test_text_in_a_header(void)
{
    check_log(1, "<|channel|>Hello there<|end|>",
              "assistant: Hello there (3+1, 200007)\n7 at 3: \n");
    check_log(1, "<|channel|>Hello<|end|>", "8 at 2:  Hello\n");
    check_log(1, "<|channel|>x to=f json{}<|call|>",
              "assistant to=f channel=x type=json: {} (6+1, 200012)\n"
              "7 at 6: \n");
    check_log(1, "<|channel|>x functions.f {}<|call|>",
              "assistant to=functions.f channel=x: {} (5+1, 200012)\n"
              "12 at 5: functions.f\n7 at 5: \n");
    check_log(1, " to=f json[1]<|call|>",
              "assistant to=f type=json: [1] (6+1, 200012)\n7 at 6: \n");
    check_log(1, " to=f json\"a\"<|call|>",
              "assistant to=f type=json: \"a\" (5+1, 200012)\n7 at 5: \n");
    check_log(1, "<|channel|>final Hello<|constrain|>there<|end|>",
              "assistant channel=final: Hello there (5+1, 200007)\n7 at 5: \n");
}

/* The parts of a character used to be replaced one by one; what is left over at
 * the end still is. */
static void test_characters_behind_the_end(void)
{
    check_log(-1, "<|endoftext|>\xF0\x9F\xA6\xB4",
              "0 at 0: \n16 at 1: \n16 at 2: \n16 at 3: \xF0\x9F\xA6\xB4\n");
    check_log(-1, "<|endoftext|>\xF0z",
              "0 at 0: \n16 at 1: \n16 at 2: \xF0z\n");
    check_log(-1, "<|endoftext|>\xF0", "0 at 0: \n16 at 1: \n16 at 2: \xF0\n");
    check_log(-1, "<|endoftext|>\xE2\xF0\x9F\xA6\xB4",
              "0 at 0: \n16 at 1: \n16 at 2: \xE2\n16 at 3: \n"
              "16 at 4: \xF0\x9F\xA6\xB4\n");
    check_log(-1, "<|endoftext|>a\xF0",
              "0 at 0: \n16 at 1: a\n16 at 2: \n16 at 3: \xF0\n");
}

/* ---- Segments ------------------------------------------------------------ */

static void check_segment(const harmony_view *view, size_t index,
                          int32_t message, int32_t finished, const char *text)
{
    const harmony_segment *segment = view->segments + index;

    if (!CHECK(index < view->segment_count))
        return;
    CHECK_EQUAL(segment->message, message);
    CHECK_EQUAL(segment->finished, finished);
    CHECK_BYTES(view->finished.text + segment->text.start,
                (size_t)segment->text.length, text, strlen(text));
}

static void test_segments(void)
{
    id_list list = encode_framed(
        "<|start|>user<|message|>ab cd<|end|><|start|>user<|message|><|end|>"
        "Hello.<|start|>user<|message|>ef");
    harmony_parser *parser = new_parser(HARMONY_ROLE_NONE, 1);
    const harmony_view *view = harmony_parser_view(parser);

    harmony_parser_feed(parser, list.ids, list.count, NULL);
    CHECK_EQUAL(view->segment_count, 4);
    check_segment(view, 0, 0, 1, "ab cd");
    check_segment(view, 1, 1, 1, "");
    check_segment(view, 2, 2, 1, "Hello.");
    check_segment(view, 3, 3, 0, "ef");
    harmony_parser_feed(parser, NULL, 0, NULL);
    CHECK_EQUAL(view->segment_count, 0);
    CHECK_EQUAL(view->delta.start, -1);
    harmony_parser_feed(parser, list.ids, 2, NULL); /* ends it by <|start|> */
    CHECK_EQUAL(view->segment_count, 1);
    check_segment(view, 0, 3, 1, "");
    harmony_parser_free(parser);
    free(list.ids);
}

/* The end of a stream is a segment too, with what was waiting. */
static void test_segment_of_the_end(void)
{
    id_list list = encode_framed("<|start|>user<|message|>ab\xE2\x98");
    harmony_parser *parser = new_parser(HARMONY_ROLE_NONE, 0);
    const harmony_view *view = harmony_parser_view(parser);
    harmony_error error;
    long request;
    size_t i;

    for (i = 0; i < list.count; i++)
        harmony_parser_process(parser, list.ids[i], NULL);
    for (request = 0; request < 20; request++) {
        refuse_memory(request);
        if (harmony_parser_finish(parser, &error) == HARMONY_OK)
            break;
        CHECK_EQUAL(error.status, HARMONY_NO_MEMORY);
        CHECK_EQUAL(view->segment_count, 0);
    }
    refuse_memory(REFUSE_NONE);
    CHECK(request > 0 && request < 20);
    CHECK_EQUAL(view->segment_count, 1);
    check_segment(view, 0, 0, 1, "\xEF\xBF\xBD");
    CHECK_EQUAL(harmony_parser_finish(parser, NULL), HARMONY_OK);
    CHECK_EQUAL(view->segment_count, 0);
    harmony_parser_free(parser);
    free(list.ids);
}

/* What was added before an error is in the segments; what was fed after it
 * comes with the next call. */
static void test_segments_after_errors(void)
{
    id_list list = encode_framed(
        "<|start|>user<|message|>a<|end|>x<|start|>user<|message|>b");
    harmony_parser *parser = new_parser(HARMONY_ROLE_NONE, 0);
    const harmony_view *view = harmony_parser_view(parser);

    CHECK_EQUAL(harmony_parser_feed(parser, list.ids, list.count, NULL),
                HARMONY_UNEXPECTED_TOKEN);
    CHECK_EQUAL(view->token_count, 6);
    CHECK_EQUAL(view->segment_count, 1);
    check_segment(view, 0, 0, 1, "a");
    CHECK_EQUAL(harmony_parser_feed(parser, list.ids + 6, list.count - 6, NULL),
                HARMONY_OK);
    CHECK_EQUAL(view->segment_count, 1);
    check_segment(view, 0, 1, 0, "b");
    harmony_parser_free(parser);
    free(list.ids);
}

/* ---- Linear time --------------------------------------------------------- */

enum worst {
    ALL_START,
    ALL_WORDS,
    ONE_HEADER,
    ALL_STOPS,
    ALL_CHANNEL,
    CHANNEL_WORD,
    ALL_MESSAGE,
    CUT_HEADER,
    CUT_CONTENT,
    TO_WORDS,
    CONSTRAIN_WORDS,
    UNREADABLE,
    MIXED,
    WORST
};

/* Token number i of the worst streams; `words` are "\xF0", "analysis", " to",
 * "=", " a". The last is random. */
static int32_t worst_token(int kind, int i, const int32_t *words,
                           uint64_t *seed)
{
    switch ((enum worst)kind) {
    case ALL_START:
        return HARMONY_TOKEN_START;
    case ALL_WORDS:
        return words[4];
    case ONE_HEADER:
        return i == 0 ? HARMONY_TOKEN_START : words[4];
    case ALL_STOPS:
        return i % 2 ? HARMONY_TOKEN_END : HARMONY_TOKEN_CALL;
    case ALL_CHANNEL:
        return HARMONY_TOKEN_CHANNEL;
    case CHANNEL_WORD:
        return i % 2 ? words[1] : HARMONY_TOKEN_CHANNEL;
    case ALL_MESSAGE:
        return HARMONY_TOKEN_MESSAGE;
    case CUT_HEADER:
        return i == 0 ? HARMONY_TOKEN_START : words[0];
    case CUT_CONTENT:
        return i == 0 ? HARMONY_TOKEN_MESSAGE : words[0];
    case TO_WORDS:
        return i == 0 ? HARMONY_TOKEN_START : words[2 + i % 2];
    case CONSTRAIN_WORDS:
        return i % 2 ? words[1] : HARMONY_TOKEN_CONSTRAIN;
    case UNREADABLE:
        return i == 0       ? HARMONY_TOKEN_START
               : i % 3 == 0 ? HARMONY_TOKEN_CHANNEL
               : i % 3 == 1 ? HARMONY_TOKEN_CONSTRAIN
                            : words[4];
    default:
        return random_id(seed);
    }
}

/* The second time round, the kinds end in <|message|>: whatever is a header is
 * read. */
static double seconds_for(int kind, int length, long *requests)
{
    id_list words = encode_plain("\xF0"
                                 "analysis to= a");
    harmony_parser *parser = new_parser(HARMONY_ROLE_NONE, 1);
    int32_t *ids = room((size_t)length * sizeof *ids);
    uint64_t seed = 7;
    clock_t start;
    int i;

    CHECK_EQUAL(words.count, 5);
    for (i = 0; i < length; i++)
        ids[i] = worst_token(kind % WORST, i, words.ids, &seed);
    if (kind >= WORST)
        ids[length - 1] = HARMONY_TOKEN_MESSAGE;
    start = clock();
    refuse_memory(REFUSE_NONE);
    for (i = 0; i < length / 2; i++)
        if (harmony_parser_process(parser, ids[i], NULL) != HARMONY_OK)
            break;
    CHECK_EQUAL(i, length / 2);
    CHECK_EQUAL(
        harmony_parser_feed(parser, ids + i, (size_t)(length - i), NULL),
        HARMONY_OK);
    CHECK_EQUAL(harmony_parser_finish(parser, NULL), HARMONY_OK);
    start = clock() - start;
    *requests = memory_requests;
    harmony_parser_free(parser);
    free(words.ids);
    free(ids);
    return (double)start / CLOCKS_PER_SEC;
}

/* Four times the tokens take about four times as long; a quarter of a second is
 * let pass for noise. */
static void test_linear(void)
{
    double less, more;
    long few, many;
    int kind;

    for (kind = 0; kind < 2 * WORST; kind++) {
        less = seconds_for(kind, LENGTH, &few);
        more = seconds_for(kind, 4 * LENGTH, &many);
        CHECK(more < 8 * less + 0.25);
        CHECK(many < few + 40);
#ifdef SHOW_TIMES
        printf("kind %2d: %.4f s, %.4f s; %ld, %ld requests\n", kind, less,
               more, few, many);
#endif
    }
}

/* ---- No memory ----------------------------------------------------------- */

#define SAME_ARRAY(a, b, array, count)                                         \
    CHECK_BYTES((const char *)(a)->array, (count) * sizeof *(a)->array,        \
                (const char *)(b)->array, (count) * sizeof *(b)->array)

static void check_same(const harmony_view *a, const harmony_view *b)
{
    CHECK_BYTES(a->finished.text, a->finished.text_length, b->finished.text,
                b->finished.text_length);
    if (!CHECK_EQUAL(a->finished.message_count, b->finished.message_count)
        || !CHECK_EQUAL(a->token_count, b->token_count)
        || !CHECK_EQUAL(a->warning_count, b->warning_count))
        return;
    SAME_ARRAY(a, b, finished.messages, a->finished.message_count);
    SAME_ARRAY(a, b, tallies, a->finished.message_count);
    SAME_ARRAY(a, b, tokens, a->token_count);
    SAME_ARRAY(a, b, warnings, a->warning_count);
    CHECK_EQUAL(a->state, b->state);
    CHECK_EQUAL(a->open_start, b->open_start);
    CHECK(memcmp(&a->current, &b->current, sizeof a->current) == 0);
    CHECK(memcmp(&a->open, &b->open, sizeof a->open) == 0);
}

/* Take a token, or the end (NULL), with each request refused in turn. The other
 * parser has been fed the same, but for this. */
static long refuse_each(harmony_parser *parser, const int32_t *token, int feed,
                        const harmony_view *other)
{
    const harmony_view *view = harmony_parser_view(parser);
    harmony_status status;
    harmony_error error;
    long request;

    for (request = 0;; request++) {
        refuse_memory(request);
        if (token == NULL)
            status = harmony_parser_finish(parser, &error);
        else if (feed)
            status = harmony_parser_feed(parser, token, 1, &error);
        else
            status = harmony_parser_process(parser, *token, &error);
        refuse_memory(REFUSE_NONE);
        if (status == HARMONY_OK)
            return request;
        CHECK_EQUAL(status, HARMONY_NO_MEMORY);
        CHECK_EQUAL(error.status, HARMONY_NO_MEMORY);
        CHECK_EQUAL(view->delta.start, -1);
        check_same(view, other);
    }
}

/* One parser is refused memory, the other is not. */
static void check_refusals(const int32_t *ids, size_t count, int feed)
{
    harmony_parser *parser = new_parser(HARMONY_ROLE_ASSISTANT, 1);
    harmony_parser *plain = new_parser(HARMONY_ROLE_ASSISTANT, 1);
    const harmony_view *view = harmony_parser_view(plain);
    long refusals = 0;
    size_t i;

    for (i = 0; i < count; i++) {
        refusals += refuse_each(parser, ids + i, feed, view);
        harmony_parser_process(plain, ids[i], NULL);
        if (i % 97 == 0) {
            refusals += refuse_each(parser, NULL, 0, view);
            harmony_parser_finish(plain, NULL);
        }
    }
    check_same(harmony_parser_view(parser), view);
    CHECK(refusals > 10);
    harmony_parser_free(parser);
    harmony_parser_free(plain);
}

/* A feed that is refused part of the way has taken the tokens before. */
static void check_refused_feed(const int32_t *ids, size_t count)
{
    harmony_parser *parser = new_parser(HARMONY_ROLE_NONE, 1);
    harmony_parser *plain = new_parser(HARMONY_ROLE_NONE, 1);
    const harmony_view *view = harmony_parser_view(parser);
    harmony_status status = HARMONY_NO_MEMORY;
    long request = 0, rounds;

    for (rounds = 0; rounds < 100 && status != HARMONY_OK; rounds++) {
        size_t at = view->token_count;

        refuse_memory(request++ % 3);
        status = harmony_parser_feed(parser, ids + at, count - at, NULL);
        CHECK(status == HARMONY_OK || status == HARMONY_NO_MEMORY);
    }
    refuse_memory(REFUSE_NONE);
    CHECK(rounds > 3);
    CHECK_EQUAL(status, HARMONY_OK);
    harmony_parser_feed(plain, ids, count, NULL);
    check_same(view, harmony_parser_view(plain));
    harmony_parser_free(parser);
    harmony_parser_free(plain);
}

static void test_no_memory(void)
{
    enum { COUNT = 400 };
    int32_t ids[COUNT];
    uint64_t seed = 5;
    int round, i;

    for (round = 0; round < 20; round++) {
        for (i = 0; i < COUNT; i++) {
            ids[i] = random_id(&seed);
            if (ids[i] == HARMONY_TOKEN_ENDOFTEXT && round % 4 != 0)
                ids[i] = HARMONY_TOKEN_START;
        }
        check_refusals(ids, COUNT, round % 2);
        check_refused_feed(ids, COUNT);
    }
}

void test_recovery(void)
{
    test_warnings();
    test_warnings_of_headers();
    test_unknown_ids();
    test_unknown_id_in_a_character();
    test_tallies();
    test_open_start();
    test_restarted_header();
    test_long_header();
    test_end_after_the_end();
    test_words();
    test_what_is_left_alone();
    test_what_is_excepted();
    test_no_name();
    test_no_silence();
    test_text_in_a_header();
    test_characters_behind_the_end();
    test_segments();
    test_segments_after_errors();
    test_segment_of_the_end();
    test_linear();
    test_no_memory();
}
