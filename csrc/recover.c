/*
 * Tokens to records, whatever they are: the machine of parser.c with every
 * arrow that is missing there. What would be an error is a warning, and a step
 * that goes on.
 *
 * A header is collected with its markers in it and with its bytes repaired, for
 * repair.c to read. Text where <|start|> is due is collected like a header: it
 * is `bare` until a marker shows that it is one, or its end that it is not.
 */
#include "recover.h"

#include <string.h>

#include "unicode.h"

static void warn(harmony_parser *parser, harmony_warning_kind kind,
                 const void *text, size_t length)
{
    hm_warn(&parser->warnings, kind, text, length);
}

/* ---- Collecting a header ------------------------------------------------ */

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

static void collect(harmony_parser *parser, int32_t token, const char *bytes,
                    size_t length)
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

/* ---- Where a header ends ------------------------------------------------ */

/* At its <|message|>, whatever is in it. */
static void end_header(harmony_parser *parser)
{
    harmony_message message = hm_no_message(parser->role);

    flush_header(parser);
    if (parser->bare)
        warn(parser, HARMONY_WARNING_MISSING_START, "", 0);
    hm_repair_header(&parser->text, parser->header.start,
                     parser->unstarted ? HM_ENDED_UNSTARTED
                                       : HM_ENDED_BY_MESSAGE,
                     &message, &parser->warnings);
    parser->view.current = message;
    hm_begin_content(parser);
}

static int is_white_space(const harmony_parser *parser)
{
    const uint8_t *at = parser->text.data + parser->header.start;
    const uint8_t *end = parser->text.data + parser->text.length;
    size_t size;

    for (; at < end; at += size)
        if (!hm_space_at(at, end, &size))
            return 0;
    return 1;
}

/* Text without any header around it: a message, unless it is white space. */
static harmony_message bare_message(harmony_parser *parser)
{
    harmony_message message = hm_no_message(HARMONY_ROLE_ASSISTANT);
    harmony_tally *tally = &parser->view.open;

    if (is_white_space(parser)) {
        warn_of_header(parser, HARMONY_WARNING_WHITE_SPACE);
        return message;
    }
    warn(parser, HARMONY_WARNING_BARE_TEXT, "", 0);
    message.content.start = (int32_t)parser->header.start;
    message.content.length
        = (int32_t)(parser->text.length - parser->header.start);
    tally->content_tokens += tally->header_tokens;
    tally->content_special += tally->header_special;
    tally->header_tokens = tally->header_special = 0;
    return message;
}

/* What a header without a <|message|> has of a message. If it has no content,
 * all of it goes to one warning. */
static harmony_message message_in_header(harmony_parser *parser)
{
    harmony_message message = hm_no_message(parser->role);
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

/* Without a <|message|>, at a stop token or none. */
static void end_without_message(harmony_parser *parser, int32_t end_token)
{
    harmony_message message;

    flush_header(parser);
    message = parser->bare ? bare_message(parser) : message_in_header(parser);
    parser->role = HARMONY_ROLE_NONE;
    if (message.content.start < 0) {
        hm_drop_header(parser);
        return;
    }
    parser->view.current = message;
    parser->view.delta = message.content;
    hm_finish_message(parser, end_token);
}

/* At <|start|>: it begins again, with its own role. */
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
        hm_drop_header(parser);
    }
    hm_begin_header(parser);
}

/* ---- The machine --------------------------------------------------------- */

/* Another token than <|start|> begins a header, but a stop token doesn't. */
static void without_start(harmony_parser *parser, int32_t token,
                          const char *bytes, size_t length)
{
    if (hm_is_stop_token(token)) {
        warn(parser, HARMONY_WARNING_STRAY_STOP, "", 0);
        return;
    }
    hm_begin_header(parser);
    parser->view.open_start--;
    parser->bare = parser->unstarted = 1;
    if (token == HARMONY_TOKEN_MESSAGE)
        end_header(parser);
    else
        collect(parser, token, bytes, length);
}

static void header_step(harmony_parser *parser, int32_t token,
                        const char *bytes, size_t length)
{
    if (token == HARMONY_TOKEN_START) {
        restart_header(parser);
    } else if (hm_is_stop_token(token)) {
        hm_count_content(parser, token);
        end_without_message(parser, token);
    } else {
        hm_count_header(parser, token);
        if (token == HARMONY_TOKEN_MESSAGE)
            end_header(parser);
        else
            collect(parser, token, bytes, length);
    }
}

/* Whether a token in a content is structure; then its step is made. */
static int interrupts(harmony_parser *parser, int32_t token)
{
    if (token == HARMONY_TOKEN_MESSAGE) {
        if (parser->view.open.content_tokens > 0)
            return 0;
        warn(parser, HARMONY_WARNING_REPEATED_MESSAGE, "", 0);
        hm_count_header(parser, token);
        parser->view.open_start = hm_token_count(parser);
        return 1;
    }
    if (token != HARMONY_TOKEN_START && token != HARMONY_TOKEN_CHANNEL)
        return 0;
    hm_end_content(parser, HARMONY_NO_TOKEN);
    warn(parser, HARMONY_WARNING_CUT_MESSAGE, "", 0);
    hm_begin_header(parser);
    if (token == HARMONY_TOKEN_CHANNEL) {
        parser->view.open_start--;
        collect_mark(parser, HM_CHANNEL_MARK);
    }
    return 1;
}

static void content_step(harmony_parser *parser, int32_t token,
                         const char *bytes, size_t length)
{
    if (interrupts(parser, token))
        return;
    hm_count_content(parser, token);
    if (hm_is_stop_token(token)) {
        hm_end_content(parser, token);
        return;
    }
    hm_add_content(parser, bytes, length);
    if (bytes == NULL)
        warn(parser, HARMONY_WARNING_UNKNOWN_TOKEN, "", 0);
}

/* ---- Behind the end ------------------------------------------------------ */

/* How many bytes of what is pending are not the beginning of a character. */
static size_t settled_length(const hm_buffer *pending)
{
    size_t at = 0, error_length = 1;

    while (error_length > 0) {
        at += hm_utf8_valid(pending->data + at, pending->length - at,
                            &error_length);
        at += error_length;
    }
    return at;
}

/* A token behind <|endoftext|>; its warning has the characters that it
 * completes. */
static void ignore_token(harmony_parser *parser, const char *bytes,
                         size_t length)
{
    hm_buffer *pending = &parser->pending;
    size_t settled;

    if (bytes != NULL)
        hm_append(pending, bytes, length);
    settled = settled_length(pending);
    warn(parser, HARMONY_WARNING_AFTER_END, pending->data, settled);
    pending->length -= settled;
    memmove(pending->data, pending->data + settled, pending->length);
}

/* The rest of a character does not come. */
static void end_ignoring(harmony_parser *parser)
{
    if (parser->pending.length > 0)
        warn(parser, HARMONY_WARNING_AFTER_END, parser->pending.data,
             parser->pending.length);
    parser->pending.length = 0;
}

/* At <|endoftext|>. It is no stop token: a message that it ends has none. */
static void end_stream(harmony_parser *parser)
{
    if (parser->view.state == HARMONY_STATE_EXPECT_START)
        warn(parser, HARMONY_WARNING_STRAY_STOP, "", 0);
    else if (parser->view.state == HARMONY_STATE_CONTENT)
        warn(parser, HARMONY_WARNING_CUT_MESSAGE, "", 0);
    else if (parser->view.open.header_tokens == 0)
        warn(parser, HARMONY_WARNING_DROPPED_HEADER, "", 0);
    hm_recover_end(parser);
    parser->ended = 1;
}

void hm_recover_end(harmony_parser *parser)
{
    if (parser->ended)
        end_ignoring(parser);
    else if (parser->view.state == HARMONY_STATE_HEADER)
        end_without_message(parser, HARMONY_NO_TOKEN);
    else if (parser->view.state == HARMONY_STATE_CONTENT)
        hm_end_content(parser, HARMONY_NO_TOKEN);
}

void hm_recover_step(harmony_parser *parser, int32_t token, const char *bytes,
                     size_t length)
{
    if (parser->ended) {
        ignore_token(parser, bytes, length);
        return;
    }
    if (token == HARMONY_TOKEN_ENDOFTEXT) {
        end_stream(parser);
        return;
    }
    switch ((harmony_state)parser->view.state) { /* GCOVR_EXCL_BR_LINE: all */
    case HARMONY_STATE_EXPECT_START:
        if (token == HARMONY_TOKEN_START)
            hm_begin_header(parser);
        else
            without_start(parser, token, bytes, length);
        break;
    case HARMONY_STATE_HEADER:
        header_step(parser, token, bytes, length);
        break;
    case HARMONY_STATE_CONTENT:
        content_step(parser, token, bytes, length);
        break;
    }
}
