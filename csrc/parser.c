/*
 * Tokens to records: the state machine.
 *
 *     EXPECT_START --<|start|>--> HEADER --<|message|>--> CONTENT
 *          ^                                                 |
 *          +------------------- a stop token ----------------+
 *
 * What it writes to is in stream.h. A parser with `recover` makes the steps of
 * recover.c instead, where every arrow that is missing above is there.
 */
#include <stdlib.h>
#include <string.h>

#include "conversation.h"
#include "error.h"
#include "harmony.h"
#include "header.h"
#include "options.h"
#include "recover.h"
#include "stream.h"
#include "unicode.h"

/* ---- Headers ----------------------------------------------------------- */

static const char not_text[] = "its bytes are not valid UTF-8";

/* Whether what has been collected is text. Not strict, a header may be asked
 * for again and again: `header_valid` keeps the cost from growing with it. */
static int header_is_text(harmony_parser *parser)
{
    size_t from = parser->header.start + parser->header_valid, error_length;

    parser->header_valid += hm_utf8_valid(
        parser->text.data + from, parser->text.length - from, &error_length);
    return parser->header.start + parser->header_valid == parser->text.length;
}

static void collect(harmony_parser *parser, int32_t token, const char *bytes,
                    size_t length)
{
    hm_count_header(parser, token);
    if (bytes == NULL)
        parser->header_fault = "it has an id that is not in the vocabulary";
    if (token == HARMONY_TOKEN_CHANNEL && parser->header.channel < 0) {
        /* No character may reach across the marker that is taken out. */
        if (parser->header_fault == NULL && !header_is_text(parser))
            parser->header_fault = not_text;
        parser->header.channel = (int64_t)parser->text.length;
        return;
    }
    if (token == HARMONY_TOKEN_CONSTRAIN)
        hm_append(&parser->text, " ", 1);
    hm_append(&parser->text, bytes, length);
}

static harmony_status read_header(harmony_parser *parser,
                                  harmony_message *message,
                                  harmony_error *error)
{
    const char *fault = parser->header_fault;

    if (fault == NULL && !header_is_text(parser))
        fault = not_text;
    if (fault != NULL) {
        hm_fail(error, HARMONY_HEADER_NOT_UTF8, -1,
                "could not decode header: ");
        hm_say(error, fault);
        return HARMONY_HEADER_NOT_UTF8;
    }
    *message = hm_no_message(parser->role);
    return hm_take_channel(&parser->header, &parser->text, &message->channel,
                           error);
}

/* Where the words of a header end: before the channel that was moved behind. */
static size_t words_end(const harmony_parser *parser,
                        const harmony_message *message)
{
    return parser->text.length - (size_t)message->channel.length;
}

/* At its <|message|>. A header that can't be read is gone. */
static harmony_status end_header(harmony_parser *parser, harmony_error *error)
{
    harmony_message message;
    harmony_status status = read_header(parser, &message, error);

    if (status == HARMONY_OK)
        status = hm_read_words(parser->text.data, parser->header.start,
                               words_end(parser, &message), &message, error);
    if (status != HARMONY_OK) {
        hm_drop_header(parser);
        return status;
    }
    hm_count_header(parser, HARMONY_TOKEN_MESSAGE);
    parser->view.current = message;
    hm_begin_content(parser);
    return HARMONY_OK;
}

/* Not strict: a stop token makes a message of the words of a header, and
 * nothing of one that has none or that is by nobody knows whom. If the header
 * can't be read, it stays open. */
static harmony_status stop_in_header(harmony_parser *parser, int32_t token,
                                     harmony_error *error)
{
    harmony_message message;
    harmony_status status;
    int is_empty = parser->view.open_start + 1 == hm_token_count(parser);

    if (parser->role == HARMONY_ROLE_NONE || is_empty) {
        parser->role = HARMONY_ROLE_NONE;
        hm_drop_header(parser);
        return HARMONY_OK;
    }
    status = read_header(parser, &message, error);
    if (status != HARMONY_OK) {
        hm_count_header(parser, token);
        return status;
    }
    hm_count_content(parser, token);
    message.content.start = (int32_t)parser->header.start;
    message.content.length
        = (int32_t)hm_join_words(parser->text.data, parser->header.start,
                                 words_end(parser, &message), parser->role);
    parser->role = HARMONY_ROLE_NONE;
    parser->view.current = message;
    if (message.content.length > 0)
        parser->view.delta = message.content;
    hm_finish_message(parser, token);
    return HARMONY_OK;
}

/* ---- The machine ------------------------------------------------------- */

static harmony_status unexpected_token(int32_t token, harmony_error *error)
{
    hm_fail(error, HARMONY_UNEXPECTED_TOKEN, -1, "Unexpected token ");
    hm_say_number(error, token);
    hm_say(error, " while expecting start token ");
    hm_say_number(error, HARMONY_TOKEN_START);
    return HARMONY_UNEXPECTED_TOKEN;
}

/* One step; `token` is in parser->tokens already. */
static harmony_status step(harmony_parser *parser, int32_t token,
                           const char *bytes, size_t length,
                           harmony_error *error)
{
    switch ((harmony_state)parser->view.state) { /* GCOVR_EXCL_BR_LINE: all */
    case HARMONY_STATE_EXPECT_START:
        if (token != HARMONY_TOKEN_START)
            return unexpected_token(token, error);
        hm_begin_header(parser);
        break;
    case HARMONY_STATE_HEADER:
        if (token == HARMONY_TOKEN_MESSAGE)
            return end_header(parser, error);
        if (!parser->strict && hm_is_stop_token(token))
            return stop_in_header(parser, token, error);
        collect(parser, token, bytes, length);
        break;
    case HARMONY_STATE_CONTENT:
        hm_count_content(parser, token);
        if (hm_is_stop_token(token))
            hm_end_content(parser, token);
        else
            hm_add_content(parser, bytes, length);
        break;
    }
    return HARMONY_OK;
}

static harmony_status end(harmony_parser *parser, harmony_error *error)
{
    if (parser->view.state == HARMONY_STATE_HEADER)
        return hm_fail(error, HARMONY_UNEXPECTED_END,
                       (int64_t)hm_token_count(parser),
                       "Unexpected EOS while waiting for message header to "
                       "complete");
    if (parser->view.state == HARMONY_STATE_CONTENT)
        hm_end_content(parser, HARMONY_NO_TOKEN);
    return HARMONY_OK;
}

/* ---- Feeding it ---------------------------------------------------------- */

static harmony_status take(harmony_parser *parser, int32_t token,
                           harmony_error *error)
{
    size_t length;
    const char *bytes = harmony_token_bytes(parser->encoding, token, &length);
    harmony_status status;

    parser->view.delta = hm_absent();
    if (hm_token_count(parser) >= INT32_MAX)
        return hm_fail(error, HARMONY_TOO_LARGE, -1,
                       "the stream has 2 147 483 647 tokens");
    status = hm_make_room(parser, token, length, error);
    if (status != HARMONY_OK)
        return status;
    parser->warnings.position = (int32_t)hm_token_count(parser);
    hm_append(&parser->tokens, &token, sizeof token);
    if (parser->recover)
        hm_recover_step(parser, token, bytes, length);
    else
        status = step(parser, token, bytes, length, error);
    if (status != HARMONY_OK && error != NULL)
        error->position = (int64_t)hm_token_count(parser) - 1;
    return status;
}

static harmony_status process(harmony_parser *parser, int32_t token,
                              harmony_error *error)
{
    harmony_status status;

    if (hm_take_whole(parser, token))
        return HARMONY_OK;
    status = take(parser, token, error);
    hm_refresh(parser);
    return status;
}

static int append(harmony_parser *parser, int32_t token)
{
    harmony_status status;

    if (hm_take_whole(parser, token))
        return HARMONY_APPENDED_TOKEN;
    if (parser->view.state != HARMONY_STATE_CONTENT || !hm_is_ordinary(token))
        return HARMONY_NOT_APPENDED;
    status = take(parser, token, NULL);
    hm_refresh(parser);
    return status == HARMONY_OK ? HARMONY_APPENDED_OTHER : HARMONY_NOT_APPENDED;
}

/* Take a run of tokens, or else the first one. *refused is how many, from the
 * first, are known to be no run; *taken is how many were taken. */
static harmony_status feed_some(harmony_parser *parser, const int32_t *tokens,
                                size_t count, size_t *refused, size_t *taken,
                                harmony_error *error)
{
    harmony_status status = hm_make_room_for_segment(parser, error);
    size_t index = hm_message_count(parser);
    harmony_span added;

    *taken = 0;
    if (status != HARMONY_OK)
        return status;
    if (*refused == 0) {
        size_t run = hm_ordinary_tokens(tokens, count);

        *taken = hm_take_run(parser, tokens, run, &added);
        *refused = *taken > 0 ? 0 : run > 0 ? run : 1;
    }
    if (*taken == 0) {
        status = take(parser, tokens[0], error);
        added = parser->view.delta;
        *taken = 1;
        --*refused;
    }
    if (status == HARMONY_OK)
        hm_add_segment(parser, index, added);
    return status;
}

static harmony_status feed(harmony_parser *parser, const int32_t *tokens,
                           size_t count, harmony_error *error)
{
    harmony_status status = HARMONY_OK;
    size_t i, taken, refused = 0;

    parser->segments.length = 0;
    parser->view.delta = hm_absent();
    for (i = 0; i < count && status == HARMONY_OK; i += taken)
        status
            = feed_some(parser, tokens + i, count - i, &refused, &taken, error);
    hm_refresh(parser);
    return status;
}

static harmony_status finish(harmony_parser *parser, harmony_error *error)
{
    harmony_status status = hm_make_room(parser, HARMONY_NO_TOKEN, 0, error);
    size_t index = hm_message_count(parser);

    parser->view.delta = hm_absent();
    parser->segments.length = 0;
    if (status == HARMONY_OK)
        status = hm_make_room_for_segment(parser, error);
    parser->warnings.position = (int32_t)hm_token_count(parser);
    if (status == HARMONY_OK && parser->recover)
        hm_recover_end(parser);
    else if (status == HARMONY_OK)
        status = end(parser, error);
    if (status == HARMONY_OK)
        hm_add_segment(parser, index, parser->view.delta);
    hm_refresh(parser); /* in any case: what there is room for may have moved */
    return status;
}

/* ---- One call at a time -------------------------------------------------- */

static harmony_status in_use(harmony_error *error)
{
    return hm_fail(error, HARMONY_IN_USE, -1,
                   "the parser is in use by another call: one at a time");
}

harmony_status harmony_parser_process(harmony_parser *parser, int32_t token,
                                      harmony_error *error)
{
    harmony_status status;

    if (!hm_take_mark(&parser->in_use))
        return in_use(error);
    status = process(parser, token, error);
    hm_give_mark(&parser->in_use);
    return status;
}

int harmony_parser_append(harmony_parser *parser, int32_t token)
{
    int appended;

    if (!hm_take_mark(&parser->in_use))
        return HARMONY_NOT_APPENDED;
    appended = append(parser, token);
    hm_give_mark(&parser->in_use);
    return appended;
}

harmony_status harmony_parser_feed(harmony_parser *parser,
                                   const int32_t *tokens, size_t count,
                                   harmony_error *error)
{
    harmony_status status;

    if (!hm_take_mark(&parser->in_use))
        return in_use(error);
    status = feed(parser, tokens, count, error);
    hm_give_mark(&parser->in_use);
    return status;
}

harmony_status harmony_parser_finish(harmony_parser *parser,
                                     harmony_error *error)
{
    harmony_status status;

    if (!hm_take_mark(&parser->in_use))
        return in_use(error);
    status = finish(parser, error);
    hm_give_mark(&parser->in_use);
    return status;
}

/* ---- Making one -------------------------------------------------------- */

/* What the first version of harmony_parser_options had: up to `recover`. */
#define FIRST_OPTIONS                                                          \
    (offsetof(harmony_parser_options, recover) + sizeof(int32_t))

static harmony_status read_options(const harmony_parser_options *given,
                                   harmony_parser_options *options,
                                   harmony_error *error)
{
    static const harmony_parser_options plain = HARMONY_PARSER_OPTIONS_INIT;

    *options = plain;
    if (given != NULL
        && !hm_read_options(options, sizeof *options, FIRST_OPTIONS, given))
        return hm_fail(error, HARMONY_BAD_ARGUMENT, -1,
                       "the options of the parser are not of a known size");
    if (options->role < HARMONY_ROLE_NONE || options->role > HARMONY_ROLE_TOOL)
        return hm_fail(error, HARMONY_BAD_ARGUMENT, -1,
                       "the role of the parser is an unknown role");
    return HARMONY_OK;
}

/* With options that have been read. */
static harmony_status make(const harmony_encoding *encoding,
                           const harmony_parser_options *options,
                           harmony_parser **out, harmony_error *error)
{
    harmony_parser *parser = calloc(1, sizeof *parser);

    if (parser == NULL)
        return hm_fail(error, HARMONY_NO_MEMORY, -1, "no memory for a parser");
    parser->encoding = encoding;
    parser->role = options->role;
    parser->strict = options->strict;
    parser->recover = options->recover;
    parser->view.delta = hm_absent();
    hm_expect_start(parser);
    if (parser->role != HARMONY_ROLE_NONE)
        hm_begin_header(parser);
    hm_refresh(parser);
    *out = parser;
    return HARMONY_OK;
}

harmony_status harmony_parser_new(const harmony_encoding *encoding,
                                  const harmony_parser_options *options,
                                  harmony_parser **out, harmony_error *error)
{
    harmony_parser_options known;
    harmony_status status = read_options(options, &known, error);

    *out = NULL;
    if (status == HARMONY_OK)
        status = make(encoding, &known, out, error);
    return status;
}

/* Where the message that a prompt leaves open begins, at its <|start|>; `count`
 * if there is none. */
static size_t open_message(const int32_t *tokens, size_t count)
{
    size_t at = count;

    while (at > 0 && !hm_is_stop_token(tokens[at - 1]))
        if (tokens[--at] == HARMONY_TOKEN_START)
            return at;
    return count;
}

/* The role whose word is all that some tokens say, or none. */
static int32_t role_of(const harmony_encoding *encoding, const int32_t *tokens,
                       size_t count)
{
    uint8_t word[16]; /* longer than any role's word */
    size_t i, length = 0, size;

    for (i = 0; i < count; i++) {
        const char *bytes = harmony_token_bytes(encoding, tokens[i], &size);

        if (bytes == NULL || size > sizeof word - length)
            return HARMONY_ROLE_NONE;
        memcpy(word + length, bytes, size);
        length += size;
    }
    return hm_role_of_word(word, length);
}

harmony_status harmony_parser_after(const harmony_encoding *encoding,
                                    const int32_t *tokens, size_t count,
                                    const harmony_parser_options *options,
                                    harmony_parser **out, harmony_error *error)
{
    size_t start = open_message(tokens, count);
    harmony_parser_options known;
    harmony_status status = read_options(options, &known, error);

    *out = NULL;
    if (status != HARMONY_OK)
        return status;
    if (known.role != HARMONY_ROLE_NONE)
        return hm_fail(error, HARMONY_BAD_ARGUMENT, -1,
                       "the role of the parser is the prompt's to say");
    if (start < count)
        known.role = role_of(encoding, tokens + start + 1, count - start - 1);
    status = make(encoding, &known, out, error);
    if (status != HARMONY_OK || start == count
        || known.role != HARMONY_ROLE_NONE)
        return status;
    status = feed(*out, tokens + start, count - start, error);
    if (status == HARMONY_OK)
        return HARMONY_OK;
    harmony_parser_free(*out);
    *out = NULL;
    if (error != NULL && error->position >= 0)
        error->position += (int64_t)start;
    return status;
}

void harmony_parser_free(harmony_parser *parser)
{
    if (parser == NULL)
        return;
    hm_release_stream(parser);
    free(parser);
}

const harmony_view *harmony_parser_view(const harmony_parser *parser)
{
    return &parser->view;
}
