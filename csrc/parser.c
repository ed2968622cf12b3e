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
 *
 * With `recover`, every arrow that is missing above is there: what would be an
 * error becomes a warning, and a step that goes on. Headers are then collected
 * with their markers in them, for repair.c.
 */
#include <stdlib.h>
#include <string.h>

#include "buffer.h"
#include "conversation.h"
#include "error.h"
#include "harmony.h"
#include "header.h"
#include "repair.h"
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
    int32_t recover;
    int bare;            /* the open header is only text, without <|start|> */
    int unstarted;       /* the open header began without <|start|> */
    int ended;           /* <|endoftext|> has been fed */
    hm_warnings warnings;
    hm_buffer tallies;   /* view.tallies */
    hm_buffer segments;  /* view.segments */
};

/* ---- Keeping the view -------------------------------------------------- */

static size_t token_count(const harmony_parser *parser)
{
    return parser->tokens.length / sizeof(int32_t);
}

static size_t message_count(const harmony_parser *parser)
{
    return parser->messages.length / sizeof(harmony_message);
}

/* What grows with a content. */
static void refresh_text(harmony_parser *parser)
{
    harmony_view *view = &parser->view;

    view->finished.text = (const char *)parser->text.data;
    view->finished.text_length = parser->text.length;
    view->tokens = (const int32_t *)parser->tokens.data;
    view->token_count = token_count(parser);
}

static void refresh(harmony_parser *parser)
{
    harmony_view *view = &parser->view;

    refresh_text(parser);
    view->finished.messages = (const harmony_message *)parser->messages.data;
    view->finished.message_count = message_count(parser);
    view->tallies = (const harmony_tally *)parser->tallies.data;
    view->warnings = (const harmony_warning *)parser->warnings.list.data;
    view->warning_count
        = parser->warnings.list.length / sizeof(harmony_warning);
    view->warning_text = (const char *)parser->warnings.text.data;
    view->segments = (const harmony_segment *)parser->segments.data;
    view->segment_count = parser->segments.length / sizeof(harmony_segment);
}

static harmony_message no_message(int32_t role)
{
    harmony_message message;

    message.role = role;
    message.name = message.recipient = message.channel = hm_absent();
    message.content_type = message.content = hm_absent();
    return message;
}

static const harmony_tally no_tally = {HARMONY_NO_TOKEN, 0, 0};

static void expect_start(harmony_parser *parser)
{
    parser->view.open = no_tally;
    parser->view.state = HARMONY_STATE_EXPECT_START;
    parser->view.current = no_message(parser->role);
    parser->view.open_start = token_count(parser);
}

/* At the token that has just been fed, which counts as part of the header. */
static void begin_header(harmony_parser *parser)
{
    parser->view.state = HARMONY_STATE_HEADER;
    parser->view.open.header_tokens = 1;
    parser->view.open_start = token_count(parser);
    parser->header.start = parser->text.length;
    parser->header.channel = -1;
    parser->header_valid = 0;
    parser->header_fault = NULL;
    parser->bare = parser->unstarted = 0;
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

/* End the open message, at a token or at none. */
static void finish_message(harmony_parser *parser, int32_t end_token)
{
    parser->view.open.end_token = end_token;
    hm_append(&parser->tallies, &parser->view.open, sizeof parser->view.open);
    hm_append(&parser->messages, &parser->view.current,
              sizeof parser->view.current);
    expect_start(parser);
}

static void warn(harmony_parser *parser, harmony_warning_kind kind,
                 const void *text, size_t length)
{
    hm_warn(&parser->warnings, kind, text, length);
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
static harmony_status stop_in_header(harmony_parser *parser, int32_t token,
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
    if (status != HARMONY_OK) {
        parser->view.open.header_tokens++;
        return status;
    }
    parser->view.open.content_tokens = 1;
    message.content.start = (int32_t)parser->header.start;
    message.content.length = (int32_t)hm_join_words(
        parser->text.data, parser->header.start, words_end(parser, &message),
        parser->role);
    parser->role = HARMONY_ROLE_NONE;
    parser->view.current = message;
    if (message.content.length > 0)
        parser->view.delta = message.content;
    finish_message(parser, token);
    return HARMONY_OK;
}

/* ---- Content ----------------------------------------------------------- */

/* Whether a token is text and nothing else. */
static int is_ordinary(int32_t token)
{
    return token >= 0 && token < HARMONY_TOKEN_STARTOFTEXT;
}

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
static void end_content(harmony_parser *parser, int32_t end_token)
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
    finish_message(parser, end_token);
}

/* ---- Runs of text ------------------------------------------------------- */

/* Nearly every token is text of a content. Some at once are written behind the
 * text first and looked at then: if together they are whole characters, they
 * are the content they would be one by one. If not, or if there is anything
 * else about them, nothing has happened, and they are taken one by one. */
#define RUN_TOKENS 64
#define RUN_TEXT 1024 /* bytes: what such tokens hardly ever exceed */

struct run {
    size_t count;  /* tokens */
    size_t length; /* bytes of them all */
    size_t last;   /* bytes of all but the last */
};

/* How many tokens, from the first, are ordinary. */
static size_t ordinary_tokens(const int32_t *tokens, size_t count)
{
    size_t n = 0;

    if (count > RUN_TOKENS)
        count = RUN_TOKENS;
    while (n < count && is_ordinary(tokens[n]))
        n++;
    return n;
}

/* Write the bytes of tokens behind the text, as long as there is room, which
 * is counted as in prepare(). */
static struct run write_run(const harmony_parser *parser, const int32_t *tokens,
                            size_t count)
{
    struct run run = {0, 0, 0};
    uint8_t *to = parser->text.data + parser->text.length;
    size_t room = parser->text.capacity < INT32_MAX ? parser->text.capacity
                                                    : INT32_MAX;

    room -= parser->text.length;
    for (; run.count < count; run.count++) {
        size_t length;
        const char *bytes = harmony_token_bytes(
            parser->encoding, tokens[run.count], &length);

        if (bytes == NULL || length > room / 3
            || run.length + 3 * (length + 2) > room)
            break;
        memcpy(to + run.length, bytes, length);
        run.last = run.length;
        run.length += length;
    }
    return run;
}

static int is_whole(const uint8_t *bytes, size_t length)
{
    size_t at = 0, error_length;
    uint64_t word;

    for (; length - at >= sizeof word; at += sizeof word) {
        memcpy(&word, bytes + at, sizeof word);
        if (word & UINT64_C(0x8080808080808080))
            break;
    }
    return hm_utf8_valid(bytes + at, length - at, &error_length) == length - at;
}

/* Take tokens at once, none of them special; how many, from the first. The
 * delta is that of the last one, and *added what all of them are. */
static size_t take_run(harmony_parser *parser, const int32_t *tokens,
                       size_t count, harmony_span *added)
{
    struct run run;
    const uint8_t *text;

    if (parser->view.state != HARMONY_STATE_CONTENT
        || parser->pending.length > 0
        || token_count(parser) + count > INT32_MAX
        || !hm_reserve(&parser->tokens, count * sizeof *tokens)
        || !hm_reserve(&parser->text, RUN_TEXT))
        return 0;
    run = write_run(parser, tokens, count);
    text = parser->text.data + parser->text.length;
    if (run.count == 0 || !is_whole(text, run.length))
        return 0;
    while (run.last > 0 && (text[run.last] & 0xC0) == 0x80)
        run.last--; /* to the first byte of the character it completed */
    added->start = (int32_t)parser->text.length;
    added->length = (int32_t)run.length;
    parser->view.delta.start = added->start + (int32_t)run.last;
    parser->view.delta.length = added->length - (int32_t)run.last;
    parser->view.current.content.length += added->length;
    parser->view.open.content_tokens += (int32_t)run.count;
    parser->text.length += run.length;
    hm_append(&parser->tokens, tokens, run.count * sizeof *tokens);
    return run.count;
}

/* ---- Headers to repair -------------------------------------------------- */

/* Bytes of a header that wait for the rest of their character: none comes. */
static void flush_header(harmony_parser *parser)
{
    if (parser->pending.length == 0)
        return;
    hm_append(&parser->text, HM_REPLACEMENT, HM_REPLACEMENT_LENGTH);
    warn(parser, HARMONY_WARNING_NOT_UTF8, parser->pending.data,
         parser->pending.length);
    parser->pending.length = 0;
}

/* Add the characters of some bytes; those that are none are replaced. */
static void collect_text(harmony_parser *parser, const char *bytes,
                         size_t length)
{
    hm_buffer *pending = &parser->pending;
    size_t at = 0, used, error_length;

    hm_append(pending, bytes, length);
    while (at < pending->length) {
        const uint8_t *from = pending->data + at;

        used = hm_utf8_valid(from, pending->length - at, &error_length);
        hm_append(&parser->text, from, used);
        if (error_length > 0) {
            hm_append(&parser->text, HM_REPLACEMENT, HM_REPLACEMENT_LENGTH);
            warn(parser, HARMONY_WARNING_NOT_UTF8, from + used, error_length);
        }
        at += used + error_length;
        if (error_length == 0)
            break;
    }
    pending->length -= at;
    memmove(pending->data, pending->data + at, pending->length);
}

static void collect_mark(harmony_parser *parser, uint8_t mark)
{
    flush_header(parser);
    hm_append(&parser->text, &mark, 1);
    if (parser->bare)
        warn(parser, HARMONY_WARNING_MISSING_START, "", 0);
    parser->bare = 0;
}

static void collect_anything(harmony_parser *parser, int32_t token,
                             const char *bytes, size_t length)
{
    if (token == HARMONY_TOKEN_CHANNEL) {
        collect_mark(parser, HM_CHANNEL_MARK);
    } else if (token == HARMONY_TOKEN_CONSTRAIN) {
        collect_mark(parser, HM_CONSTRAIN_MARK);
    } else if (bytes != NULL) {
        collect_text(parser, bytes, length);
    } else {
        flush_header(parser);
        hm_append(&parser->text, HM_REPLACEMENT, HM_REPLACEMENT_LENGTH);
        warn(parser, HARMONY_WARNING_UNKNOWN_TOKEN, "", 0);
    }
}

/* The text of the open header, for a warning: its marks are spaces in it. */
static void warn_of_header(harmony_parser *parser, harmony_warning_kind kind)
{
    uint8_t *text = parser->text.data;
    size_t i;

    for (i = parser->header.start; i < parser->text.length; i++)
        if (text[i] == HM_CHANNEL_MARK || text[i] == HM_CONSTRAIN_MARK)
            text[i] = ' ';
    warn(parser, kind, text + parser->header.start,
         parser->text.length - parser->header.start);
}

/* A header ends at its <|message|>, whatever is in it. */
static void repair_header(harmony_parser *parser)
{
    harmony_message message = no_message(parser->role);

    flush_header(parser);
    if (parser->bare)
        warn(parser, HARMONY_WARNING_MISSING_START, "", 0);
    hm_repair_header(
        &parser->text, parser->header.start,
        parser->unstarted ? HM_ENDED_UNSTARTED : HM_ENDED_BY_MESSAGE, &message,
        &parser->warnings);
    parser->view.current = message;
    begin_content(parser);
}

static int is_white_space(const harmony_parser *parser)
{
    const uint8_t *at = parser->text.data + parser->header.start;
    const uint8_t *end = parser->text.data + parser->text.length;
    size_t size;

    for (; at < end; at += size) {
        enum hm_class class = hm_class_at(at, end, &size);

        if (class != HM_SPACE && class != HM_NEWLINE)
            return 0;
    }
    return 1;
}

/* Text without any header around it: a message, unless it is white space. */
static harmony_message bare_message(harmony_parser *parser)
{
    harmony_message message = no_message(HARMONY_ROLE_ASSISTANT);

    if (is_white_space(parser)) {
        warn_of_header(parser, HARMONY_WARNING_WHITE_SPACE);
        return message;
    }
    warn(parser, HARMONY_WARNING_BARE_TEXT, "", 0);
    message.content.start = (int32_t)parser->header.start;
    message.content.length
        = (int32_t)(parser->text.length - parser->header.start);
    return message;
}

/* What a header without a <|message|> has of a message. If it has no content,
 * all of it goes to one warning. */
static harmony_message message_in_header(harmony_parser *parser)
{
    harmony_message message = no_message(parser->role);
    hm_buffer *list = &parser->warnings.list, *text = &parser->warnings.text;
    size_t end = parser->text.length, warnings = list->length;
    size_t warned = text->length;

    hm_repair_header(&parser->text, parser->header.start, HM_ENDED_BY_STOP,
                     &message, &parser->warnings);
    if (message.content.start >= 0) {
        warn(parser, HARMONY_WARNING_MISSING_MESSAGE, "", 0);
        return message;
    }
    parser->text.length = end;
    list->length = warnings;
    text->length = warned;
    if (parser->view.open.header_tokens + parser->view.open.content_tokens > 0)
        warn_of_header(parser, HARMONY_WARNING_DROPPED_HEADER);
    return message;
}

/* A header ends without a <|message|>, at a stop token or none. */
static void end_without_message(harmony_parser *parser, int32_t end_token)
{
    harmony_message message;

    flush_header(parser);
    message = parser->bare ? bare_message(parser) : message_in_header(parser);
    parser->role = HARMONY_ROLE_NONE;
    if (message.content.start < 0) {
        drop_header(parser, HARMONY_OK);
        return;
    }
    if (parser->bare) {
        parser->view.open.content_tokens += parser->view.open.header_tokens;
        parser->view.open.header_tokens = 0;
    }
    parser->view.current = message;
    parser->view.delta = message.content;
    finish_message(parser, end_token);
}

/* <|start|> in a header: it begins again, with its own role. */
static void restart_header(harmony_parser *parser)
{
    if (parser->bare) {
        end_without_message(parser, HARMONY_NO_TOKEN);
    } else {
        flush_header(parser);
        if (parser->view.open.header_tokens > 0)
            warn_of_header(parser, HARMONY_WARNING_RESTARTED_HEADER);
        else
            warn(parser, HARMONY_WARNING_ROLE, "", 0); /* the one given */
        parser->role = HARMONY_ROLE_NONE;
        drop_header(parser, HARMONY_OK);
    }
    begin_header(parser);
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

/* The stream is over, though tokens may follow. */
static void end_stream(harmony_parser *parser)
{
    if (parser->view.state == HARMONY_STATE_HEADER)
        end_without_message(parser, HARMONY_NO_TOKEN);
    else if (parser->view.state == HARMONY_STATE_CONTENT)
        end_content(parser, HARMONY_NO_TOKEN);
}

/* With `recover`, another token where <|start|> is due. */
static void without_start(harmony_parser *parser, int32_t token,
                          const char *bytes, size_t length)
{
    if (is_stop_token(token)) {
        warn(parser, HARMONY_WARNING_STRAY_STOP, "", 0);
        return;
    }
    begin_header(parser);
    parser->view.open_start--;
    parser->bare = parser->unstarted = 1;
    if (token == HARMONY_TOKEN_MESSAGE)
        repair_header(parser);
    else
        collect_anything(parser, token, bytes, length);
}

/* With `recover`, whether a token in a content is structure; then its step is
 * made. */
static int interrupts(harmony_parser *parser, int32_t token)
{
    if (token == HARMONY_TOKEN_MESSAGE) {
        if (parser->view.open.content_tokens > 0)
            return 0;
        warn(parser, HARMONY_WARNING_REPEATED_MESSAGE, "", 0);
        parser->view.open.header_tokens++;
        parser->view.open_start = token_count(parser);
        return 1;
    }
    if (token != HARMONY_TOKEN_START && token != HARMONY_TOKEN_CHANNEL)
        return 0;
    end_content(parser, HARMONY_NO_TOKEN);
    warn(parser, HARMONY_WARNING_CUT_MESSAGE, "", 0);
    begin_header(parser);
    if (token == HARMONY_TOKEN_CHANNEL) {
        parser->view.open_start--;
        collect_mark(parser, HM_CHANNEL_MARK);
    }
    return 1;
}

static void content_step(harmony_parser *parser, int32_t token,
                         const char *bytes, size_t length)
{
    if (parser->recover && !is_ordinary(token) && interrupts(parser, token))
        return;
    parser->view.open.content_tokens++;
    if (is_stop_token(token)) {
        end_content(parser, token);
    } else if (bytes != NULL) {
        add_content(parser, (const uint8_t *)bytes, length);
    } else {
        add_content(parser, (const uint8_t *)"\xFF", 1);
        if (parser->recover)
            warn(parser, HARMONY_WARNING_UNKNOWN_TOKEN, "", 0);
    }
}

static harmony_status header_step(harmony_parser *parser, int32_t token,
                                  const char *bytes, size_t length,
                                  harmony_error *error)
{
    if (!parser->recover && !parser->strict && is_stop_token(token))
        return stop_in_header(parser, token, error);
    if (parser->recover && token == HARMONY_TOKEN_START) {
        restart_header(parser);
        return HARMONY_OK;
    }
    if (parser->recover && is_stop_token(token)) {
        parser->view.open.content_tokens = 1;
        end_without_message(parser, token);
        return HARMONY_OK;
    }
    parser->view.open.header_tokens++;
    if (token == HARMONY_TOKEN_MESSAGE && parser->recover)
        repair_header(parser);
    else if (token == HARMONY_TOKEN_MESSAGE)
        return end_header(parser, error);
    else if (parser->recover)
        collect_anything(parser, token, bytes, length);
    else
        collect(parser, token, bytes, length);
    return HARMONY_OK;
}

/* One step; `token` is in parser->tokens already. */
static harmony_status step(harmony_parser *parser, int32_t token,
                           const char *bytes, size_t length,
                           harmony_error *error)
{
    if (parser->ended) {
        warn(parser, HARMONY_WARNING_AFTER_END, bytes, length);
        return HARMONY_OK;
    }
    if (token == HARMONY_TOKEN_ENDOFTEXT && parser->recover) {
        end_stream(parser);
        parser->ended = 1;
        return HARMONY_OK;
    }
    switch ((harmony_state)parser->view.state) {
    case HARMONY_STATE_EXPECT_START:
        if (token == HARMONY_TOKEN_START)
            begin_header(parser);
        else if (parser->recover)
            without_start(parser, token, bytes, length);
        else
            return unexpected_token(token, error);
        return HARMONY_OK;
    case HARMONY_STATE_HEADER:
        return header_step(parser, token, bytes, length, error);
    case HARMONY_STATE_CONTENT:
        content_step(parser, token, bytes, length);
        return HARMONY_OK;
    }
    return HARMONY_OK;
}

/* Whether a token can end a header. */
static int may_end_header(int32_t token)
{
    return token == HARMONY_TOKEN_MESSAGE || token == HARMONY_TOKEN_START
           || token == HARMONY_TOKEN_ENDOFTEXT || token == HARMONY_NO_TOKEN
           || is_stop_token(token);
}

/* Get room for all that one token (or the end, which is none) can add, so that
 * nothing fails half-way: its bytes, each of which may be replaced by three;
 * what is pending, likewise; copies of the header; a message; warnings. */
static harmony_status prepare(harmony_parser *parser, int32_t token,
                              size_t length, harmony_error *error)
{
    size_t waiting = parser->pending.length - parser->pending_start;
    size_t header = 0;
    uint64_t text = 3 * ((uint64_t)length + 1 + waiting);
    int warns = parser->recover
                && (parser->view.state != HARMONY_STATE_CONTENT
                    || parser->ended || !is_ordinary(token));

    if (parser->view.state == HARMONY_STATE_HEADER && may_end_header(token))
        header = parser->text.length - parser->header.start
                 + HM_REPLACEMENT_LENGTH;
    text += HM_REPLACEMENT_LENGTH + hm_repair_text(header);
    if (parser->text.length + text > INT32_MAX
        || (warns
            && parser->warnings.text.length + 2 * (uint64_t)header + length
                   > INT32_MAX / 2))
        return hm_fail(error, HARMONY_TOO_LARGE, -1,
                       "the messages have 2 GiB of text");
    if (!hm_reserve(&parser->text, (size_t)text)
        || !hm_reserve(&parser->pending, length + 1)
        || !hm_reserve(&parser->tokens, sizeof(int32_t))
        || !hm_reserve(&parser->messages, sizeof(harmony_message))
        || !hm_reserve(&parser->tallies, sizeof(harmony_tally))
        || (warns
            && !hm_reserve_warnings(
                &parser->warnings,
                length + waiting + 4 + hm_repair_warnings(header),
                length + waiting + 2 * header)))
        return hm_fail(error, HARMONY_NO_MEMORY, -1,
                       "no memory for the messages");
    return HARMONY_OK;
}

static harmony_status take(harmony_parser *parser, int32_t token,
                           harmony_error *error)
{
    size_t length;
    const char *bytes = harmony_token_bytes(parser->encoding, token, &length);
    harmony_status status;

    parser->view.delta = hm_absent();
    if (token_count(parser) >= INT32_MAX)
        return hm_fail(error, HARMONY_TOO_LARGE, -1,
                       "the stream has 2 147 483 647 tokens");
    status = prepare(parser, token, length, error);
    if (status != HARMONY_OK)
        return status;
    parser->warnings.position = (int32_t)token_count(parser);
    hm_append(&parser->tokens, &token, sizeof token);
    status = step(parser, token, bytes, length, error);
    if (status != HARMONY_OK && error != NULL)
        error->position = (int64_t)token_count(parser) - 1;
    return status;
}

static int take_whole(harmony_parser *parser, int32_t token)
{
    harmony_span added;

    if (!is_ordinary(token) || take_run(parser, &token, 1, &added) == 0)
        return 0;
    refresh_text(parser);
    return 1;
}

harmony_status harmony_parser_process(harmony_parser *parser, int32_t token,
                                      harmony_error *error)
{
    harmony_status status;

    if (take_whole(parser, token))
        return HARMONY_OK;
    status = take(parser, token, error);
    refresh(parser);
    return status;
}

int harmony_parser_append(harmony_parser *parser, int32_t token)
{
    harmony_status status;

    if (take_whole(parser, token))
        return HARMONY_APPENDED_TOKEN;
    if (parser->view.state != HARMONY_STATE_CONTENT || !is_ordinary(token))
        return HARMONY_NOT_APPENDED;
    status = take(parser, token, NULL);
    refresh(parser);
    return status == HARMONY_OK ? HARMONY_APPENDED_OTHER : HARMONY_NOT_APPENDED;
}

/* Add to the segments what the message with this index has got: more text,
 * which may be absent, or an end. There is room for one more segment. */
static void add_segment(harmony_parser *parser, size_t index, harmony_span text)
{
    int32_t is_finished = index < message_count(parser);
    harmony_segment *last = NULL, added;

    if (text.start < 0 && !is_finished)
        return;
    if (parser->segments.length > 0)
        last = (harmony_segment *)(parser->segments.data
                                   + parser->segments.length) - 1;
    if (last != NULL && last->message == (int32_t)index) {
        last->finished = is_finished;
        if (last->text.length == 0 && text.length > 0)
            last->text.start = text.start;
        last->text.length += text.length;
        return;
    }
    added.message = (int32_t)index;
    added.finished = is_finished;
    added.text = text;
    if (text.start < 0) {
        harmony_span content
            = ((harmony_message *)parser->messages.data)[index].content;

        added.text.start = content.start + content.length;
    }
    hm_append(&parser->segments, &added, sizeof added);
}

/* Get room for one more segment. */
static harmony_status prepare_segment(harmony_parser *parser,
                                      harmony_error *error)
{
    if (hm_reserve(&parser->segments, sizeof(harmony_segment)))
        return HARMONY_OK;
    return hm_fail(error, HARMONY_NO_MEMORY, -1, "no memory for the segments");
}

/* Take a run of tokens, or else the first one. *refused is how many, from the
 * first, are known to be no run; *taken is how many were taken. */
static harmony_status feed_some(harmony_parser *parser, const int32_t *tokens,
                                size_t count, size_t *refused, size_t *taken,
                                harmony_error *error)
{
    harmony_status status = prepare_segment(parser, error);
    size_t index = message_count(parser);
    harmony_span added;

    *taken = 0;
    if (status != HARMONY_OK)
        return status;
    if (*refused == 0) {
        size_t run = ordinary_tokens(tokens, count);

        *taken = take_run(parser, tokens, run, &added);
        *refused = *taken > 0 ? 0 : run > 0 ? run : 1;
    }
    if (*taken == 0) {
        status = take(parser, tokens[0], error);
        added = parser->view.delta;
        *taken = 1;
        --*refused;
    }
    if (status == HARMONY_OK)
        add_segment(parser, index, added);
    return status;
}

harmony_status harmony_parser_feed(harmony_parser *parser,
                                   const int32_t *tokens, size_t count,
                                   harmony_error *error)
{
    harmony_status status = HARMONY_OK;
    size_t i, taken, refused = 0;

    parser->segments.length = 0;
    parser->view.delta = hm_absent();
    for (i = 0; i < count && status == HARMONY_OK; i += taken)
        status = feed_some(parser, tokens + i, count - i, &refused, &taken,
                           error);
    refresh(parser);
    return status;
}

harmony_status harmony_parser_finish(harmony_parser *parser,
                                     harmony_error *error)
{
    harmony_status status = prepare(parser, HARMONY_NO_TOKEN, 0, error);
    size_t index = message_count(parser);

    parser->view.delta = hm_absent();
    parser->segments.length = 0;
    if (status == HARMONY_OK)
        status = prepare_segment(parser, error);
    parser->warnings.position = (int32_t)token_count(parser);
    if (status == HARMONY_OK && !parser->recover
        && parser->view.state == HARMONY_STATE_HEADER)
        status = hm_fail(error, HARMONY_UNEXPECTED_END,
                         (int64_t)parser->view.token_count,
                         "Unexpected EOS while waiting for message header to "
                         "complete");
    if (status == HARMONY_OK) {
        end_stream(parser);
        add_segment(parser, index, parser->view.delta);
    }
    refresh(parser); /* in any case: what is prepared may have moved */
    return status;
}

/* ---- Making one -------------------------------------------------------- */

harmony_status harmony_parser_new(const harmony_encoding *encoding,
                                  const harmony_parser_options *options,
                                  harmony_parser **out, harmony_error *error)
{
    static const harmony_parser_options plain = {HARMONY_ROLE_NONE, 1, 0};
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
    parser->recover = options->recover;
    parser->view.delta = hm_absent();
    expect_start(parser);
    if (parser->role != HARMONY_ROLE_NONE)
        begin_header(parser);
    parser->view.open.header_tokens = 0;
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
    hm_release(&parser->tallies);
    hm_release(&parser->segments);
    hm_release(&parser->warnings.list);
    hm_release(&parser->warnings.text);
    free(parser);
}

const harmony_view *harmony_parser_view(const harmony_parser *parser)
{
    return &parser->view;
}
