/*
 * Tokens to records: the state machine.
 *
 *     EXPECT_START --<|start|>--> HEADER --<|message|>--> CONTENT
 *          ^                                                 |
 *          +------------------- a stop token ----------------+
 *
 * All text goes to the end of one buffer. A header is collected there, and its
 * words stay where they are when it is read; the content follows behind it. So
 * spans are offsets, nothing is copied when a message is finished, and no
 * question costs more as a message grows.
 *
 * Content arrives in pieces of characters. Bytes that don't make whole ones are
 * `pending` until they do, or until it is certain that they won't. One invalid
 * sequence is replaced per token, as in the reference, so some bytes may be
 * pending behind it; they come with the next tokens, or with the end of the
 * message. What was replaced is not looked at again: `pending_start` moves on.
 */
#include <stdlib.h>
#include <string.h>

#include "buffer.h"
#include "error.h"
#include "harmony.h"
#include "header.h"
#include "unicode.h"

struct harmony_parser {
    const harmony_encoding *encoding;
    harmony_view view;
    hm_buffer text;      /* view.finished.text */
    hm_buffer messages;  /* view.finished.messages */
    hm_buffer tokens;    /* view.tokens */
    hm_buffer pending;   /* bytes of the content, not yet characters */
    size_t pending_start;
    hm_header header;    /* in HARMONY_STATE_HEADER: what is collected */
    size_t header_valid; /* how many bytes of it are known to be UTF-8 */
    const char *header_fault; /* why it can't be read, or NULL */
    int32_t role;        /* the role given for the next header, or none */
    int32_t strict;
};

/* ---- Keeping the view -------------------------------------------------- */

static size_t token_count(const harmony_parser *parser)
{
    return parser->tokens.length / sizeof(int32_t);
}

static void refresh(harmony_parser *parser)
{
    harmony_view *view = &parser->view;

    view->finished.text = (const char *)parser->text.data;
    view->finished.text_length = parser->text.length;
    view->finished.messages = (const harmony_message *)parser->messages.data;
    view->finished.message_count
        = parser->messages.length / sizeof(harmony_message);
    view->tokens = (const int32_t *)parser->tokens.data;
    view->token_count = token_count(parser);
}

static harmony_message no_message(int32_t role)
{
    harmony_message message;

    message.role = role;
    message.name = message.recipient = message.channel = hm_absent();
    message.content_type = message.content = hm_absent();
    return message;
}

static void expect_start(harmony_parser *parser)
{
    parser->view.state = HARMONY_STATE_EXPECT_START;
    parser->view.current = no_message(parser->role);
    parser->view.open_start = token_count(parser);
}

static void begin_header(harmony_parser *parser)
{
    parser->view.state = HARMONY_STATE_HEADER;
    parser->view.open_start = token_count(parser);
    parser->header.start = parser->text.length;
    parser->header.channel = -1;
    parser->header_valid = 0;
    parser->header_fault = NULL;
}

static void begin_content(harmony_parser *parser)
{
    parser->view.state = HARMONY_STATE_CONTENT;
    parser->view.open_start = token_count(parser);
    parser->view.current.content.start = (int32_t)parser->text.length;
    parser->view.current.content.length = 0;
    parser->role = HARMONY_ROLE_NONE;
}

/* The delta and the content grow by what has been added to the text. */
static void grow_content(harmony_parser *parser, size_t from)
{
    harmony_span *delta = &parser->view.delta;

    if (parser->text.length == from)
        return;
    delta->start = (int32_t)from;
    delta->length = (int32_t)(parser->text.length - from);
    parser->view.current.content.length += delta->length;
}

static void finish_message(harmony_parser *parser)
{
    hm_append(&parser->messages, &parser->view.current,
              sizeof parser->view.current);
    expect_start(parser);
}

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
    *message = no_message(parser->role);
    return hm_take_channel(&parser->header, &parser->text, &message->channel,
                           error);
}

/* Forget the header; the role that was given for it is still given. */
static harmony_status drop_header(harmony_parser *parser, harmony_status status)
{
    parser->text.length = parser->header.start;
    expect_start(parser);
    return status;
}

/* Where the words of a header end: before the channel that was moved behind. */
static size_t words_end(const harmony_parser *parser,
                        const harmony_message *message)
{
    return parser->text.length - (size_t)message->channel.length;
}

static harmony_status end_header(harmony_parser *parser, harmony_error *error)
{
    harmony_message message;
    harmony_status status = read_header(parser, &message, error);

    if (status == HARMONY_OK)
        status = hm_read_words(parser->text.data, parser->header.start,
                               words_end(parser, &message), &message, error);
    if (status != HARMONY_OK)
        return drop_header(parser, status);
    parser->view.current = message;
    begin_content(parser);
    return HARMONY_OK;
}

/* Not strict: a stop token makes a message of the words of a header, and
 * nothing of one that has none or that is by nobody knows whom. If the header
 * can't be read, it stays open. */
static harmony_status stop_in_header(harmony_parser *parser,
                                     harmony_error *error)
{
    harmony_message message;
    harmony_status status;
    int is_empty = parser->view.open_start + 1 == token_count(parser);

    if (parser->role == HARMONY_ROLE_NONE || is_empty) {
        parser->role = HARMONY_ROLE_NONE;
        return drop_header(parser, HARMONY_OK);
    }
    status = read_header(parser, &message, error);
    if (status != HARMONY_OK)
        return status;
    message.content.start = (int32_t)parser->header.start;
    message.content.length = (int32_t)hm_join_words(
        parser->text.data, parser->header.start, words_end(parser, &message),
        parser->role);
    parser->role = HARMONY_ROLE_NONE;
    parser->view.current = message;
    finish_message(parser);
    return HARMONY_OK;
}

/* ---- Content ----------------------------------------------------------- */

static int is_stop_token(int32_t token)
{
    return token == HARMONY_TOKEN_RETURN || token == HARMONY_TOKEN_CALL
           || token == HARMONY_TOKEN_END;
}

/* Move whole characters from `bytes` to the text, up to the first sequence
 * that is no character. If it can't become one, a replacement is written for
 * it. How many bytes were used up; the rest wait for more. */
static size_t take_characters(harmony_parser *parser, const uint8_t *bytes,
                              size_t length)
{
    size_t error_length;
    size_t valid = hm_utf8_valid(bytes, length, &error_length);

    hm_append(&parser->text, bytes, valid);
    if (error_length > 0)
        hm_append(&parser->text, HM_REPLACEMENT, HM_REPLACEMENT_LENGTH);
    return valid + error_length;
}

static void add_content(harmony_parser *parser, const uint8_t *bytes,
                        size_t length)
{
    size_t from = parser->text.length, used;
    hm_buffer *pending = &parser->pending;

    if (pending->length == 0) {
        used = take_characters(parser, bytes, length);
        hm_append(pending, bytes + used, length - used);
    } else {
        hm_append(pending, bytes, length);
        parser->pending_start += take_characters(
            parser, pending->data + parser->pending_start,
            pending->length - parser->pending_start);
        if (parser->pending_start == pending->length)
            parser->pending_start = pending->length = 0;
    }
    grow_content(parser, from);
}

/* What is pending when a message ends: nothing more comes, so an unfinished
 * character is replaced too. */
static void end_content(harmony_parser *parser)
{
    size_t from = parser->text.length, used;
    hm_buffer *pending = &parser->pending;

    while (parser->pending_start < pending->length) {
        used = take_characters(parser, pending->data + parser->pending_start,
                               pending->length - parser->pending_start);
        if (used == 0) {
            hm_append(&parser->text, HM_REPLACEMENT, HM_REPLACEMENT_LENGTH);
            break;
        }
        parser->pending_start += used;
    }
    parser->pending_start = pending->length = 0;
    grow_content(parser, from);
    finish_message(parser);
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
    switch ((harmony_state)parser->view.state) {
    case HARMONY_STATE_EXPECT_START:
        if (token != HARMONY_TOKEN_START)
            return unexpected_token(token, error);
        begin_header(parser);
        return HARMONY_OK;
    case HARMONY_STATE_HEADER:
        if (token == HARMONY_TOKEN_MESSAGE)
            return end_header(parser, error);
        if (!parser->strict && is_stop_token(token))
            return stop_in_header(parser, error);
        collect(parser, token, bytes, length);
        return HARMONY_OK;
    case HARMONY_STATE_CONTENT:
        if (is_stop_token(token))
            end_content(parser);
        else if (bytes != NULL)
            add_content(parser, (const uint8_t *)bytes, length);
        else
            add_content(parser, (const uint8_t *)"\xFF", 1);
        return HARMONY_OK;
    }
    return HARMONY_OK;
}

/* Get room for all that one token can add, so that nothing fails half-way: its
 * bytes, each of which may be replaced by three; what is pending, likewise; a
 * copy of the header; a message. */
static harmony_status prepare(harmony_parser *parser, size_t length,
                              harmony_error *error)
{
    size_t text = 3 * (length + 1 + parser->pending.length
                       - parser->pending_start) + HM_REPLACEMENT_LENGTH;

    if (parser->view.state == HARMONY_STATE_HEADER)
        text += parser->text.length - parser->header.start;
    if (parser->text.length + text > INT32_MAX)
        return hm_fail(error, HARMONY_TOO_LARGE, -1,
                       "the messages have 2 GiB of text");
    if (!hm_reserve(&parser->text, text)
        || !hm_reserve(&parser->pending, length + 1)
        || !hm_reserve(&parser->tokens, sizeof(int32_t))
        || !hm_reserve(&parser->messages, sizeof(harmony_message)))
        return hm_fail(error, HARMONY_NO_MEMORY, -1,
                       "no memory for the messages");
    return HARMONY_OK;
}

harmony_status harmony_parser_process(harmony_parser *parser, int32_t token,
                                      harmony_error *error)
{
    size_t length;
    const char *bytes = harmony_token_bytes(parser->encoding, token, &length);
    harmony_status status = prepare(parser, length, error);

    parser->view.delta = hm_absent();
    if (status == HARMONY_OK) {
        hm_append(&parser->tokens, &token, sizeof token);
        status = step(parser, token, bytes, length, error);
        if (status != HARMONY_OK && error != NULL)
            error->position = (int64_t)parser->view.token_count;
    }
    refresh(parser);
    return status;
}

harmony_status harmony_parser_feed(harmony_parser *parser,
                                   const int32_t *tokens, size_t count,
                                   harmony_error *error)
{
    harmony_status status = HARMONY_OK;
    size_t i;

    for (i = 0; i < count && status == HARMONY_OK; i++)
        status = harmony_parser_process(parser, tokens[i], error);
    return status;
}

harmony_status harmony_parser_finish(harmony_parser *parser,
                                     harmony_error *error)
{
    harmony_status status = prepare(parser, 0, error);

    parser->view.delta = hm_absent();
    if (status == HARMONY_OK && parser->view.state == HARMONY_STATE_HEADER)
        status = hm_fail(error, HARMONY_UNEXPECTED_END,
                         (int64_t)parser->view.token_count,
                         "Unexpected EOS while waiting for message header to "
                         "complete");
    if (status == HARMONY_OK && parser->view.state == HARMONY_STATE_CONTENT)
        end_content(parser);
    refresh(parser); /* in any case: what is prepared may have moved */
    return status;
}

/* ---- Making one -------------------------------------------------------- */

harmony_status harmony_parser_new(const harmony_encoding *encoding,
                                  const harmony_parser_options *options,
                                  harmony_parser **out, harmony_error *error)
{
    static const harmony_parser_options plain = {HARMONY_ROLE_NONE, 1};
    harmony_parser *parser;

    *out = NULL;
    if (options == NULL)
        options = &plain;
    if (options->role < HARMONY_ROLE_NONE || options->role > HARMONY_ROLE_TOOL)
        return hm_fail(error, HARMONY_BAD_ARGUMENT, -1,
                       "the role of the parser is an unknown role");
    parser = calloc(1, sizeof *parser);
    if (parser == NULL)
        return hm_fail(error, HARMONY_NO_MEMORY, -1, "no memory for a parser");
    parser->encoding = encoding;
    parser->role = options->role;
    parser->strict = options->strict;
    parser->view.delta = hm_absent();
    expect_start(parser);
    if (parser->role != HARMONY_ROLE_NONE)
        begin_header(parser);
    refresh(parser);
    *out = parser;
    return HARMONY_OK;
}

void harmony_parser_free(harmony_parser *parser)
{
    if (parser == NULL)
        return;
    hm_release(&parser->text);
    hm_release(&parser->messages);
    hm_release(&parser->tokens);
    hm_release(&parser->pending);
    free(parser);
}

const harmony_view *harmony_parser_view(const harmony_parser *parser)
{
    return &parser->view;
}
