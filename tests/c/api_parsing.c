/*
 * Tokens to messages. What a parser makes of them is written as a log, a line
 * for each message and each error, in the order in which they come. Every
 * sequence is fed one by one, appended where that can be, all at once and in
 * random portions: the logs have to be the same. Fed one by one, the view is
 * checked after each token.
 */
#include "api.h"

static char log_text[20000];

static void say(const char *words, size_t length)
{
    size_t used = strlen(log_text);

    if (length > sizeof log_text - 1 - used)
        length = sizeof log_text - 1 - used;
    CHECK(length == 0 || memchr(words, '\0', length) == NULL);
    memcpy(log_text + used, words, length);
    log_text[used + length] = '\0';
}

static void say_field(const char *text, const char *name, harmony_span span)
{
    if (span.start < 0)
        return;
    say(name, strlen(name));
    say(text + span.start, (size_t)span.length);
}

static void say_message(const char *text, const harmony_message *message)
{
    static const char *const roles[]
        = {"user", "assistant", "system", "developer", "tool"};

    say(roles[message->role], strlen(roles[message->role]));
    say_field(text, " name=", message->name);
    say_field(text, " to=", message->recipient);
    say_field(text, " channel=", message->channel);
    say_field(text, " type=", message->content_type);
    say_field(text, ": ", message->content);
    say("\n", 1);
}

static void say_new_messages(const harmony_view *view, size_t *said)
{
    for (; *said < view->finished.message_count; ++*said)
        say_message(view->finished.text, view->finished.messages + *said);
}

static void say_error(harmony_status status, const harmony_error *error)
{
    char line[80];

    sprintf(line, "error %d at %ld\n", (int)status, (long)error->position);
    say(line, strlen(line));
    CHECK_EQUAL(error->status, status);
}

/* ---- The view ---------------------------------------------------------- */

/* What was seen before: finished messages and their text never change, and the
 * deltas of a message are its content. */
static struct {
    size_t text_length, message_count, delta_length;
    char text[20000];
    harmony_message messages[1000];
} seen;

static void check_span(const harmony_view *view, harmony_span span)
{
    CHECK(span.start < 0
          || (span.length >= 0
              && (size_t)span.start + (size_t)span.length
                     <= view->finished.text_length));
}

static void check_message(const harmony_view *view,
                          const harmony_message *message)
{
    check_span(view, message->name);
    check_span(view, message->recipient);
    check_span(view, message->channel);
    check_span(view, message->content_type);
    check_span(view, message->content);
    CHECK(message->name.start < 0 || message->role == HARMONY_ROLE_TOOL);
}

static int is_empty(const harmony_message *message)
{
    return message->name.start < 0 && message->recipient.start < 0
           && message->channel.start < 0 && message->content_type.start < 0
           && message->content.start < 0;
}

static void check_open(const harmony_view *view)
{
    CHECK(view->state >= HARMONY_STATE_EXPECT_START
          && view->state <= HARMONY_STATE_CONTENT);
    CHECK(view->open_start <= view->token_count);
    if (view->state == HARMONY_STATE_CONTENT) {
        CHECK(view->current.role >= HARMONY_ROLE_USER
              && view->current.role <= HARMONY_ROLE_TOOL);
        CHECK(view->current.content.start >= 0);
        CHECK_EQUAL(view->current.content.start + view->current.content.length,
                    view->finished.text_length);
        check_message(view, &view->current);
    } else {
        CHECK(view->current.role >= HARMONY_ROLE_NONE
              && view->current.role <= HARMONY_ROLE_TOOL);
        CHECK(is_empty(&view->current));
    }
}

/* The delta is the end of the open message's content, or of the message that
 * it finished. */
static void check_delta(const harmony_view *view)
{
    const harmony_conversation *finished = &view->finished;
    harmony_span content = view->current.content;

    check_span(view, view->delta);
    if (finished->message_count > seen.message_count)
        content = finished->messages[finished->message_count - 1].content;
    if (view->delta.start >= 0) {
        CHECK(view->delta.length > 0);
        CHECK_EQUAL(view->delta.start + view->delta.length,
                    content.start + content.length);
        seen.delta_length += (size_t)view->delta.length;
    }
    if (view->state == HARMONY_STATE_CONTENT)
        CHECK_EQUAL(seen.delta_length, content.length);
    if (finished->message_count > seen.message_count && seen.delta_length > 0)
        CHECK_EQUAL(seen.delta_length, content.length);
    if (view->state != HARMONY_STATE_CONTENT)
        seen.delta_length = 0;
}

static void check_view(const harmony_view *view, const int32_t *ids,
                       size_t count)
{
    const harmony_conversation *finished = &view->finished;
    size_t i, end = 0;

    CHECK_BYTES((const char *)view->tokens, view->token_count * sizeof *ids,
                (const char *)ids, count * sizeof *ids);
    check_open(view);
    check_delta(view);
    CHECK(finished->message_count >= seen.message_count);
    CHECK_BYTES((const char *)finished->messages,
                seen.message_count * sizeof *seen.messages,
                (const char *)seen.messages,
                seen.message_count * sizeof *seen.messages);
    CHECK_BYTES(finished->text, seen.text_length, seen.text, seen.text_length);
    for (i = seen.message_count; i < finished->message_count; i++) {
        harmony_span content = finished->messages[i].content;

        check_message(view, finished->messages + i);
        CHECK(content.start >= 0);
        end = (size_t)(content.start + content.length);
        seen.messages[i] = finished->messages[i];
        seen.message_count = i + 1;
        seen.text_length = end;
        memcpy(seen.text, finished->text, end);
    }
}

/* ---- Feeding ----------------------------------------------------------- */

enum portions { ONE_BY_ONE, APPENDED, ALL_AT_ONCE, AT_RANDOM };

/* Append a token to the open content, or else process it. When it is appended,
 * of the view only the delta and what grows may have changed. */
static harmony_status append(harmony_parser *parser, int32_t token,
                             harmony_error *error)
{
    const harmony_view *view = harmony_parser_view(parser);
    harmony_view before = *view;
    int appended = harmony_parser_append(parser, token);
    const char *bytes;
    size_t length;

    if (appended == HARMONY_NOT_APPENDED) {
        CHECK_EQUAL(view->token_count, before.token_count);
        CHECK_EQUAL(view->finished.text_length, before.finished.text_length);
        return harmony_parser_process(parser, token, error);
    }
    CHECK_EQUAL(before.state, HARMONY_STATE_CONTENT);
    CHECK_EQUAL(view->state, before.state);
    CHECK_EQUAL(view->open_start, before.open_start);
    CHECK_EQUAL(view->open.content_tokens, before.open.content_tokens + 1);
    before.current.content.length = view->current.content.length;
    CHECK_BYTES(&view->current, sizeof view->current, &before.current,
                sizeof before.current);
    CHECK_EQUAL(view->finished.message_count, before.finished.message_count);
    if (appended == HARMONY_APPENDED_TOKEN) {
        bytes = harmony_token_bytes(encoding, token, &length);
        CHECK_BYTES(view->finished.text + view->delta.start,
                    (size_t)view->delta.length, bytes, length);
    } else {
        CHECK_EQUAL(appended, HARMONY_APPENDED_OTHER);
    }
    return HARMONY_OK;
}

static harmony_status take(harmony_parser *parser, enum portions portions,
                           const int32_t *ids, size_t count,
                           harmony_error *error)
{
    if (portions == ONE_BY_ONE)
        return harmony_parser_process(parser, *ids, error);
    if (portions == APPENDED)
        return append(parser, *ids, error);
    return harmony_parser_feed(parser, ids, count, error);
}

static void finish(harmony_parser *parser, size_t count)
{
    const harmony_view *view = harmony_parser_view(parser);
    int32_t state = view->state;
    harmony_error error;
    harmony_status status = harmony_parser_finish(parser, &error);

    if (status != HARMONY_OK) {
        say_error(status, &error);
        CHECK_EQUAL(status, HARMONY_UNEXPECTED_END);
        CHECK_EQUAL(state, HARMONY_STATE_HEADER);
        CHECK_EQUAL(error.position, count);
    }
    CHECK_EQUAL(view->state, status == HARMONY_OK ? HARMONY_STATE_EXPECT_START
                                                  : HARMONY_STATE_HEADER);
}

static void log_parse(const harmony_parser_options *options, const int32_t *ids,
                      size_t count, enum portions portions)
{
    static uint64_t seed = 41;
    const harmony_view *view;
    harmony_parser *parser = NULL;
    harmony_error error;
    harmony_status status;
    size_t at = 0, said = 0, portion;

    log_text[0] = '\0';
    memset(&seen, 0, sizeof seen);
    CHECK_EQUAL(harmony_parser_new(encoding, options, &parser, &error),
                HARMONY_OK);
    view = harmony_parser_view(parser);
    while (at < count) {
        portion = portions == ALL_AT_ONCE ? count - at
                  : portions == AT_RANDOM ? random_below(&seed, 5)
                                          : 1;
        if (portion > count - at)
            portion = count - at;
        status = take(parser, portions, ids + at, portion, &error);
        if (status == HARMONY_OK)
            CHECK_EQUAL(view->token_count, at + portion);
        else
            CHECK_EQUAL(view->token_count, (size_t)error.position + 1);
        at = view->token_count;
        say_new_messages(view, &said);
        if (status != HARMONY_OK)
            say_error(status, &error);
        if (portions == ONE_BY_ONE || portions == APPENDED)
            check_view(view, ids, at);
    }
    finish(parser, count);
    say_new_messages(view, &said);
    if (portions == ONE_BY_ONE)
        check_view(view, ids, count);
    CHECK(harmony_parser_view(parser) == view);
    harmony_parser_free(parser);
}

/* The log, which is the same however the tokens are fed. */
static const char *parsed(int32_t role, int32_t strict, const int32_t *ids,
                          size_t count)
{
    static char one_by_one[sizeof log_text];
    int32_t *exact = exact_copy(ids, count * sizeof *ids);
    harmony_parser_options options = HARMONY_PARSER_OPTIONS_INIT;

    options.role = role;
    options.strict = strict;
    log_parse(&options, exact, count, ONE_BY_ONE);
    memcpy(one_by_one, log_text, sizeof log_text);
    log_parse(&options, exact, count, APPENDED);
    CHECK_STRING(log_text, one_by_one);
    log_parse(&options, exact, count, ALL_AT_ONCE);
    CHECK_STRING(log_text, one_by_one);
    log_parse(&options, exact, count, AT_RANDOM);
    CHECK_STRING(log_text, one_by_one);
    free(exact);
    return log_text;
}

static void check_parse(int32_t role, int32_t strict, const char *framed,
                        const char *wanted)
{
    id_list list = encode_framed(framed);

    CHECK_STRING(parsed(role, strict, list.ids, list.count), wanted);
    free(list.ids);
}

/* ---- What is parsed ---------------------------------------------------- */

struct example {
    const char *framed;
    const char *log;
};

static void test_without_a_role(void)
{
    static const struct example table[] = {
        {"", ""},
        {"<|start|>user<|message|>2+2?<|end|>", "user: 2+2?\n"},
        {"<|start|>user<|message|>2+2?", "user: 2+2?\n"},
        {"<|start|>user<|message|>", "user: \n"},
        {"<|start|>assistant<|channel|>final<|message|>4<|return|>"
         "<|start|>assistant to=f<|channel|>commentary <|constrain|>json"
         "<|message|>{}<|call|><|start|>f to=assistant<|message|>x<|end|>",
         "assistant channel=final: 4\n"
         "assistant to=f channel=commentary type=<|constrain|>json: {}\n"
         "tool name=f to=assistant: x\n"},
        {"<|start|>system<|message|>a<|start|>b<|channel|><|end|>",
         "system: a<|start|>b<|channel|>\n"},
        {"<|start|>", "error 9 at 1\n"},
        {"<|start|>user", "error 9 at 2\n"},
        {"user<|start|>user<|message|>a<|end|>", "error 8 at 0\nuser: a\n"},
        {"<|end|><|end|><|start|>user<|message|>a<|end|>b",
         "error 8 at 0\nerror 8 at 1\nuser: a\nerror 8 at 7\n"},
        {"<|start|><|message|><|start|>user<|message|>a",
         "error 11 at 1\nuser: a\n"},
        {"<|start|>nobody<|message|>", "error 12 at 3\n"},
        {"<|start|>user<|channel|><|message|>", "error 13 at 3\n"},
        {"<|start|>user a b c<|message|>", "error 14 at 5\n"},
        {"<|start|>user\xFF<|message|><|start|>user<|message|>a",
         "error 10 at 3\nuser: a\n"},
        {"<|start|>user\xE4\xB8<|message|>", "error 10 at 3\n"},
        {"<|start|>user<|channel|>a<|channel|>b<|message|>", "error 12 at 6\n"},
        {"<|start|>user<|channel|>a <|channel|>b<|message|>",
         "user to=<|channel|>b channel=a: \n"},
        {"<|start|>user<|end|><|message|>", "error 12 at 3\n"},
    };
    size_t i;

    for (i = 0; i < sizeof table / sizeof *table; i++)
        check_parse(HARMONY_ROLE_NONE, 1, table[i].framed, table[i].log);
}

static void test_with_a_role(void)
{
    static const struct example table[] = {
        {"", "error 9 at 0\n"},
        {"<|message|>a<|end|>", "assistant: a\n"},
        {"<|channel|>final<|message|>a<|end|><|start|>user<|message|>b",
         "assistant channel=final: a\nuser: b\n"},
        {"assistant<|message|>a", "assistant: a\n"},
        {"<|channel|><|channel|>final<|message|>", "error 13 at 3\n"},
        {" to=f<|channel|>final<|message|>a",
         "assistant to=f channel=final: a\n"},
        {" a b c<|message|><|start|>assistant<|message|>a<|end|>",
         "error 14 at 3\nassistant: a\n"},
    };
    size_t i;

    for (i = 0; i < sizeof table / sizeof *table; i++)
        check_parse(HARMONY_ROLE_ASSISTANT, 1, table[i].framed, table[i].log);
}

static void test_not_strict(void)
{
    static const struct example table[] = {
        {"<|message|>a<|end|>", "assistant: a\n"},
        {"Hello  there<|end|><|start|>user<|message|>b",
         "assistant: Hello there\nuser: b\n"},
        {"assistant<|channel|>final Hi<|return|>",
         "assistant channel=final: Hi\n"},
        {"<|call|>", ""},
        {"<|end|><|start|>a<|end|><|start|>user<|message|>b", "user: b\n"},
        {"a<|channel|><|end|>b<|message|>",
         "error 13 at 2\nassistant to=a channel=b: \n"},
        {"\xFF<|end|>a<|end|>", "error 10 at 1\nerror 10 at 3\nerror 9 at 4\n"},
        {"a", "error 9 at 1\n"},
        {"<|channel|>final<|end|>", "assistant channel=final: \n"},
    };
    size_t i;

    for (i = 0; i < sizeof table / sizeof *table; i++)
        check_parse(HARMONY_ROLE_ASSISTANT, 0, table[i].framed, table[i].log);
    check_parse(HARMONY_ROLE_NONE, 0, "<|start|>user<|end|>", "");
    check_parse(HARMONY_ROLE_NONE, 0, "<|end|>", "error 8 at 0\n");
}

#define REPLACED "\xEF\xBF\xBD"

static void test_repaired_content(void)
{
    static const struct example table[] = {
        {"\xFF", REPLACED},
        {"a\xFFz", "a" REPLACED "z"},
        {"\xE4\xB8", REPLACED},
        {"\xE4\xB8z", REPLACED "z"},
        {"\xE4\xB8\x96", "\xE4\xB8\x96"},
        {"\xF0\x9F\x98\x80", "\xF0\x9F\x98\x80"},
        {"\xF0\x9F\x98\xF0\x9F\x98", REPLACED REPLACED},
        {"\xED\xA0\x80", REPLACED REPLACED REPLACED},
        {"\xC0\x80", REPLACED REPLACED},
        {"\xFF\xFE\xFD\xFC", REPLACED REPLACED REPLACED REPLACED},
        {"\x80\xF4\x90", REPLACED REPLACED REPLACED},
        {"\xE2\xE2\xE2z", REPLACED REPLACED REPLACED "z"},
        {"\xE2\xE2\xE2\xE2", REPLACED REPLACED REPLACED REPLACED},
    };
    char framed[100], wanted[100];
    size_t i;

    for (i = 0; i < sizeof table / sizeof *table; i++) {
        sprintf(framed, "<|start|>user<|message|>%s<|end|>", table[i].framed);
        sprintf(wanted, "user: %s\n", table[i].log);
        check_parse(HARMONY_ROLE_NONE, 1, framed, wanted);
        sprintf(framed, "<|start|>user<|message|>%s", table[i].framed);
        check_parse(HARMONY_ROLE_NONE, 1, framed, wanted);
    }
}

/* However much is waiting, there is room for an unknown id as well. */
static void test_unknown_id_behind_bytes(void)
{
    enum { MOST = 260 };
    int32_t ids[MOST + 2] = {HARMONY_TOKEN_MESSAGE};
    id_list part = encode_plain("\xE2");
    char wanted[3 * MOST + 20];
    size_t count;

    CHECK_EQUAL(part.count, 1);
    strcpy(wanted, "user: " REPLACED "\n");
    for (count = 1; count <= MOST; count++) {
        ids[count] = part.ids[0];
        ids[count + 1] = HARMONY_TOKEN_LIMIT;
        strcpy(strchr(wanted, '\n'), REPLACED "\n");
        CHECK_STRING(parsed(HARMONY_ROLE_USER, 1, ids, count + 2), wanted);
    }
    free(part.ids);
}

static void test_unknown_ids(void)
{
    static const int32_t unknown[]
        = {-1, INT32_MIN, HARMONY_TOKEN_LIMIT, INT32_MAX};
    id_list list = encode_framed("<|start|>user<|message|>ab<|end|>");
    size_t i;

    for (i = 0; i < 4; i++) {
        int32_t ids[]
            = {HARMONY_TOKEN_START, 0, HARMONY_TOKEN_MESSAGE, 0, 64, 0,
               HARMONY_TOKEN_END};

        ids[1] = list.ids[1];
        ids[3] = ids[5] = unknown[i];
        CHECK_STRING(parsed(HARMONY_ROLE_NONE, 1, ids, 7),
                     "user: " REPLACED "a" REPLACED "\n");
        ids[2] = unknown[i];
        ids[3] = HARMONY_TOKEN_MESSAGE;
        CHECK_STRING(parsed(HARMONY_ROLE_NONE, 1, ids, 4), "error 10 at 3\n");
        CHECK_STRING(parsed(HARMONY_ROLE_NONE, 1, unknown + i, 1),
                     "error 8 at 0\n");
        ids[3] = HARMONY_TOKEN_END;
        CHECK_STRING(parsed(HARMONY_ROLE_USER, 0, ids + 1, 3),
                     "error 10 at 2\nerror 9 at 3\n");
    }
    free(list.ids);
}

static void test_random(void)
{
    int32_t ids[200];
    uint64_t seed = 42;
    int round;
    size_t i, count;

    for (round = 0; round < 400; round++) {
        int32_t role = (int32_t)random_below(&seed, 6) - 1;
        int32_t strict = (int32_t)random_below(&seed, 2);

        count = random_below(&seed, 200);
        for (i = 0; i < count; i++)
            ids[i] = random_id(&seed);
        parsed(role, strict, ids, count);
    }
}

/* ---- Long contents ------------------------------------------------------ */

/* Mostly words; now and then a part of a character, or anything. */
static int32_t random_text(uint64_t *seed)
{
    switch (random_below(seed, 60)) {
    case 0:
        return (int32_t)random_below(seed, HARMONY_TOKEN_STARTOFTEXT);
    case 1:
        return (int32_t)random_below(seed, 256);
    case 2:
        return -1;
    default:
        return 256 + (int32_t)random_below(seed, 700);
    }
}

static void check_same_delta(const harmony_view *view,
                             const harmony_view *other)
{
    CHECK_EQUAL(view->delta.start, other->delta.start);
    CHECK_EQUAL(view->delta.length, other->delta.length);
    CHECK_EQUAL(view->current.content.length, other->current.content.length);
    CHECK_EQUAL(view->open.content_tokens, other->open.content_tokens);
    CHECK_EQUAL(view->open_start, other->open_start);
    CHECK_BYTES(view->finished.text, view->finished.text_length,
                other->finished.text, other->finished.text_length);
    CHECK_BYTES(view->tokens, view->token_count * sizeof *view->tokens,
                other->tokens, other->token_count * sizeof *other->tokens);
}

/* Tokens of a content are looked at many at once, if they are fed so: that
 * makes no difference, wherever a portion ends. */
static void test_long_contents(void)
{
    static const harmony_parser_options options
        = {sizeof options, HARMONY_ROLE_USER, 1, 0};
    harmony_parser *whole, *steps;
    const harmony_view *view, *other;
    int32_t ids[300];
    uint64_t seed = 43;
    size_t round, i, count;
    int32_t from;

    harmony_parser_new(encoding, &options, &whole, NULL);
    harmony_parser_new(encoding, &options, &steps, NULL);
    view = harmony_parser_view(whole);
    other = harmony_parser_view(steps);
    harmony_parser_process(whole, HARMONY_TOKEN_MESSAGE, NULL);
    harmony_parser_process(steps, HARMONY_TOKEN_MESSAGE, NULL);
    for (round = 0; round < 200; round++) {
        from = view->current.content.start + view->current.content.length;
        count = 1 + random_below(&seed, 300);
        for (i = 0; i < count; i++) {
            ids[i] = random_text(&seed);
            CHECK_EQUAL(append(steps, ids[i], NULL), HARMONY_OK);
        }
        CHECK_EQUAL(harmony_parser_feed(whole, ids, count, NULL), HARMONY_OK);
        check_same_delta(view, other);
        CHECK(view->segment_count <= 1);
        if (view->segment_count == 1) {
            CHECK_EQUAL(view->segments->text.start, from);
            CHECK_EQUAL(from + view->segments->text.length,
                        view->finished.text_length);
        }
    }
    harmony_parser_free(whole);
    harmony_parser_free(steps);
}

static int32_t longest_token(void)
{
    int32_t token, longest = 0;
    size_t length, most = 0;

    for (token = 0; token < HARMONY_TOKEN_STARTOFTEXT; token++) {
        harmony_token_bytes(encoding, token, &length);
        if (length > most) {
            most = length;
            longest = token;
        }
    }
    return longest;
}

/* There is room for many tokens at once, but not for many of the longest. */
static void test_long_tokens(void)
{
    static const harmony_parser_options options
        = {sizeof options, HARMONY_ROLE_USER, 1, 0};
    harmony_parser *whole, *steps;
    int32_t ids[200];
    size_t i;

    ids[0] = HARMONY_TOKEN_MESSAGE;
    ids[1] = longest_token();
    for (i = 2; i < 200; i++)
        ids[i] = ids[1];
    harmony_parser_new(encoding, &options, &whole, NULL);
    harmony_parser_new(encoding, &options, &steps, NULL);
    CHECK_EQUAL(harmony_parser_feed(whole, ids, 200, NULL), HARMONY_OK);
    for (i = 0; i < 200; i++)
        harmony_parser_process(steps, ids[i], NULL);
    check_same_delta(harmony_parser_view(whole), harmony_parser_view(steps));
    CHECK_EQUAL(harmony_parser_view(whole)->segment_count, 1);
    harmony_parser_free(whole);
    harmony_parser_free(steps);
}

/* The delta of the last of many begins with the character that it completed. */
static void test_character_completed_at_the_end(void)
{
    static const harmony_parser_options options
        = {sizeof options, HARMONY_ROLE_USER, 1, 0};
    id_list half = encode_plain("\xE4\xB8"), rest = encode_plain("\x96");
    harmony_parser *parser;
    const harmony_view *view;
    int32_t ids[] = {HARMONY_TOKEN_MESSAGE, 64, 0, 0};

    CHECK_EQUAL(half.count, 1);
    CHECK_EQUAL(rest.count, 1);
    ids[2] = half.ids[0];
    ids[3] = rest.ids[0];
    harmony_parser_new(encoding, &options, &parser, NULL);
    view = harmony_parser_view(parser);
    CHECK_EQUAL(harmony_parser_feed(parser, ids, 4, NULL), HARMONY_OK);
    CHECK_BYTES(view->finished.text + view->delta.start,
                (size_t)view->delta.length, "\xE4\xB8\x96", 3);
    CHECK_EQUAL(view->current.content.length, 4);
    CHECK_EQUAL(harmony_parser_append(parser, half.ids[0]),
                HARMONY_APPENDED_OTHER);
    CHECK_EQUAL(harmony_parser_append(parser, rest.ids[0]),
                HARMONY_APPENDED_OTHER);
    CHECK_EQUAL(harmony_parser_append(parser, 64), HARMONY_APPENDED_TOKEN);
    harmony_parser_free(parser);
    free(half.ids);
    free(rest.ids);
}

/* ---- The view, step by step -------------------------------------------- */

static void check_step(harmony_parser *parser, int32_t token, int32_t state,
                       size_t open_start, const char *delta)
{
    const harmony_view *view = harmony_parser_view(parser);

    CHECK_EQUAL(harmony_parser_process(parser, token, NULL), HARMONY_OK);
    CHECK_EQUAL(view->state, state);
    CHECK_EQUAL(view->open_start, open_start);
    if (delta == NULL)
        CHECK_EQUAL(view->delta.start, -1);
    else
        CHECK_BYTES(view->finished.text + view->delta.start,
                    (size_t)view->delta.length, delta, strlen(delta));
}

static void test_steps(void)
{
    id_list list = encode_framed("<|start|>user<|channel|>final<|message|>"
                                 "a\xE4\xB8\xFF");
    harmony_parser *parser;
    const harmony_view *view;

    CHECK_EQUAL(list.count, 8); /* E4 B8 is one token */
    harmony_parser_new(encoding, NULL, &parser, NULL);
    view = harmony_parser_view(parser);
    CHECK_EQUAL(view->state, HARMONY_STATE_EXPECT_START);
    CHECK_EQUAL(view->current.role, HARMONY_ROLE_NONE);
    CHECK_EQUAL(view->delta.start, -1);
    check_step(parser, list.ids[0], HARMONY_STATE_HEADER, 1, NULL);
    check_step(parser, list.ids[1], HARMONY_STATE_HEADER, 1, NULL);
    check_step(parser, list.ids[2], HARMONY_STATE_HEADER, 1, NULL);
    check_step(parser, list.ids[3], HARMONY_STATE_HEADER, 1, NULL);
    CHECK_EQUAL(view->current.role, HARMONY_ROLE_NONE);
    check_step(parser, list.ids[4], HARMONY_STATE_CONTENT, 5, NULL);
    CHECK_EQUAL(view->current.role, HARMONY_ROLE_USER);
    CHECK_BYTES(view->finished.text + view->current.channel.start,
                (size_t)view->current.channel.length, "final", 5);
    check_step(parser, list.ids[5], HARMONY_STATE_CONTENT, 5, "a");
    check_step(parser, list.ids[6], HARMONY_STATE_CONTENT, 5, NULL);
    check_step(parser, list.ids[7], HARMONY_STATE_CONTENT, 5, REPLACED);
    check_step(parser, HARMONY_TOKEN_END, HARMONY_STATE_EXPECT_START, 9,
               REPLACED);
    CHECK_EQUAL(view->finished.message_count, 1);
    CHECK_EQUAL(harmony_parser_finish(parser, NULL), HARMONY_OK);
    CHECK_EQUAL(view->delta.start, -1);
    CHECK_EQUAL(view->finished.message_count, 1);
    harmony_parser_free(parser);
    free(list.ids);
}

/* After the end of the stream a parser may be fed on. */
static void test_fed_on(void)
{
    id_list list = encode_framed("<|start|>user<|message|>a");
    harmony_parser *parser;
    const harmony_view *view;
    int i;

    harmony_parser_new(encoding, NULL, &parser, NULL);
    view = harmony_parser_view(parser);
    for (i = 1; i <= 20; i++) {
        CHECK_EQUAL(harmony_parser_feed(parser, list.ids, list.count, NULL),
                    HARMONY_OK);
        CHECK_EQUAL(harmony_parser_finish(parser, NULL), HARMONY_OK);
        CHECK_EQUAL(view->finished.message_count, i);
    }
    harmony_parser_process(parser, HARMONY_TOKEN_START, NULL);
    CHECK_EQUAL(harmony_parser_finish(parser, NULL), HARMONY_UNEXPECTED_END);
    CHECK_EQUAL(harmony_parser_feed(parser, list.ids + 1, list.count - 1, NULL),
                HARMONY_OK);
    CHECK_EQUAL(harmony_parser_feed(parser, NULL, 0, NULL), HARMONY_OK);
    harmony_parser_free(parser);
    free(list.ids);
}

static void test_bad_role(void)
{
    static const int32_t roles[] = {-2, 5, INT32_MAX};
    harmony_parser_options options = {sizeof options, 0, 1, 0};
    harmony_parser *parser = NULL;
    harmony_error error;
    size_t i;

    for (i = 0; i < 3; i++) {
        options.role = roles[i];
        CHECK_EQUAL(harmony_parser_new(encoding, &options, &parser, NULL),
                    HARMONY_BAD_ARGUMENT);
        CHECK_EQUAL(harmony_parser_new(encoding, &options, &parser, &error),
                    HARMONY_BAD_ARGUMENT);
        CHECK(parser == NULL);
        CHECK_EQUAL(error.position, -1);
        CHECK_STRING(error.message,
                     "the role of the parser is an unknown role");
    }
    harmony_parser_free(NULL);
}

static void test_messages_of_errors(void)
{
    harmony_parser *parser;
    harmony_error error;

    harmony_parser_new(encoding, NULL, &parser, NULL);
    harmony_parser_process(parser, 5, &error);
    CHECK_STRING(error.message,
                 "Unexpected token 5 while expecting start token 200006");
    harmony_parser_process(parser, HARMONY_TOKEN_START, NULL);
    harmony_parser_finish(parser, &error);
    CHECK_STRING(error.message, "Unexpected EOS while waiting for message "
                                "header to complete");
    harmony_parser_free(parser);
}

/* Stop tokens in a header that can't be read: each used to look at the whole
 * header again, half a minute for these and four times that for twice as many.
 */
static void test_long_unreadable_header(void)
{
    const harmony_parser_options options
        = {sizeof options, HARMONY_ROLE_USER, 0, 0};
    const int count = 200000;
    harmony_parser *parser;
    int i;

    harmony_parser_new(encoding, &options, &parser, NULL);
    for (i = 0; i < count; i++)
        harmony_parser_process(parser, 1000 + i % 10, NULL);
    harmony_parser_process(parser, HARMONY_TOKEN_CHANNEL, NULL);
    for (i = 0; i < count; i++)
        if (harmony_parser_process(parser, HARMONY_TOKEN_END, NULL)
            != HARMONY_HEADER_NO_CHANNEL)
            break;
    CHECK_EQUAL(i, count);
    harmony_parser_free(parser);
}

/* The end of the stream inside a header used to leave the view's pointers to
 * memory that had moved. */
static void test_view_after_unexpected_end(void)
{
    harmony_parser *parser;
    const harmony_view *view;
    int i;

    harmony_parser_new(encoding, NULL, &parser, NULL);
    view = harmony_parser_view(parser);
    harmony_parser_process(parser, HARMONY_TOKEN_START, NULL);
    for (i = 1; i < 600; i++) {
        harmony_parser_process(parser, i, NULL);
        CHECK_EQUAL(harmony_parser_finish(parser, NULL),
                    HARMONY_UNEXPECTED_END);
        CHECK_EQUAL(view->token_count, i + 1);
        CHECK_EQUAL(view->tokens[i], i);
        CHECK(view->finished.text[0] != '\0');
    }
    harmony_parser_free(parser);
}

/* The same where there was no memory for the end. */
static void test_view_after_no_memory_to_finish(void)
{
    harmony_parser *parser;
    const harmony_view *view;
    int i, j;

    harmony_parser_new(encoding, NULL, &parser, NULL);
    view = harmony_parser_view(parser);
    for (i = 0; i < 700; i++) {
        harmony_parser_process(parser, HARMONY_TOKEN_START, NULL);
        harmony_parser_process(parser, i % 256, NULL);
        harmony_parser_process(parser, HARMONY_TOKEN_END, NULL);
        for (j = 0; j < 4; j++) {
            refuse_memory(j);
            harmony_parser_finish(parser, NULL);
            CHECK_EQUAL(view->tokens[view->token_count - 1], HARMONY_TOKEN_END);
        }
        refuse_memory(REFUSE_NONE);
    }
    harmony_parser_free(parser);
}

/* ---- No memory --------------------------------------------------------- */

/* Refuse each request in turn, and try again after each refusal: nothing has
 * changed, and in the end all is as if there had always been memory. */
static void test_no_memory(void)
{
    id_list list = encode_framed(
        "<|start|>user<|channel|>final<|message|>a\xFF\xFE\xE4\xB8<|end|>");
    harmony_parser *parser = NULL;
    const harmony_view *view;
    harmony_error error;
    size_t i, round;
    long refusals = 0, request;

    refuse_memory(0);
    CHECK_EQUAL(harmony_parser_new(encoding, NULL, &parser, &error),
                HARMONY_NO_MEMORY);
    CHECK_EQUAL(error.position, -1);
    CHECK(parser == NULL);
    refuse_memory(REFUSE_NONE);
    harmony_parser_new(encoding, NULL, &parser, NULL);
    view = harmony_parser_view(parser);
    for (round = 0; round < 40; round++)
        for (i = 0; i < list.count; i++) {
            for (request = 0;; request++, refusals++) {
                refuse_memory(request);
                if (take(parser, round % 2 ? APPENDED : ONE_BY_ONE,
                         list.ids + i, 1, &error)
                    == HARMONY_OK)
                    break;
                CHECK_EQUAL(error.status, HARMONY_NO_MEMORY);
                CHECK_EQUAL(error.position, -1);
                CHECK_EQUAL(view->token_count, round * list.count + i);
                CHECK_BYTES((const char *)view->tokens, i * sizeof *list.ids,
                            (const char *)list.ids, i * sizeof *list.ids);
            }
        }
    refuse_memory(REFUSE_NONE);
    CHECK(refusals > 8);
    CHECK_EQUAL(view->finished.message_count, 40);
    for (i = 0; i < 40; i++)
        CHECK_BYTES(
            view->finished.text + view->finished.messages[i].content.start, 10,
            "a" REPLACED REPLACED REPLACED, 10);
    harmony_parser_free(parser);
    free(list.ids);
}

void test_parsing(void)
{
    test_without_a_role();
    test_with_a_role();
    test_not_strict();
    test_repaired_content();
    test_unknown_ids();
    test_unknown_id_behind_bytes();
    test_random();
    test_long_contents();
    test_long_tokens();
    test_character_completed_at_the_end();
    test_steps();
    test_fed_on();
    test_long_unreadable_header();
    test_view_after_unexpected_end();
    test_view_after_no_memory_to_finish();
    test_bad_role();
    test_messages_of_errors();
    test_no_memory();
}
