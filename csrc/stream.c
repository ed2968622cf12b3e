/*
 * What a parser holds, and the changes to it that both machines make.
 *
 * Content arrives in pieces of characters. Bytes that don't make whole ones are
 * `pending` until they do, or until it is certain that they won't. One invalid
 * sequence is replaced per token, as in the reference, so some bytes may be
 * pending behind it; they come with the next tokens, or with the end of the
 * message. What was replaced is not looked at again: `pending_start` moves on.
 */
#include "stream.h"

#include <string.h>

#include "conversation.h"
#include "error.h"
#include "unicode.h"

/* ---- The view ----------------------------------------------------------- */

/* The role that the stream asks to go on: a header that <|start|> began, with a
 * role's word and nothing else. */
static int32_t next_role(const harmony_parser *parser)
{
    const harmony_view *view = &parser->view;
    size_t start = parser->header.start;

    if (view->state != HARMONY_STATE_HEADER
        || view->open_start != (size_t)view->open.start + 1
        || parser->header.channel >= 0 || parser->header_fault != NULL
        || parser->pending.length > 0)
        return HARMONY_ROLE_NONE;
    return hm_role_of_word(parser->text.data + start,
                           parser->text.length - start);
}

/* What grows with a content. */
static void refresh_text(harmony_parser *parser)
{
    harmony_view *view = &parser->view;

    view->finished.text = (const char *)parser->text.data;
    view->finished.text_length = parser->text.length;
    view->tokens = (const int32_t *)parser->tokens.data;
    view->token_count = hm_token_count(parser);
}

void hm_refresh(harmony_parser *parser)
{
    harmony_view *view = &parser->view;

    refresh_text(parser);
    view->next_role = next_role(parser);
    view->finished.messages = (const harmony_message *)parser->messages.data;
    view->finished.message_count = hm_message_count(parser);
    view->tallies = (const harmony_tally *)parser->tallies.data;
    view->warnings = (const harmony_warning *)parser->warnings.list.data;
    view->warning_count
        = parser->warnings.list.length / sizeof(harmony_warning);
    view->warning_text = (const char *)parser->warnings.text.data;
    view->segments = (const harmony_segment *)parser->segments.data;
    view->segment_count = parser->segments.length / sizeof(harmony_segment);
}

harmony_message hm_no_message(int32_t role)
{
    harmony_message message;

    message.role = role;
    message.name = message.recipient = message.channel = hm_absent();
    message.content_type = message.content = hm_absent();
    return message;
}

void hm_add_segment(harmony_parser *parser, size_t index, harmony_span text)
{
    int32_t is_finished = index < hm_message_count(parser);
    harmony_segment *last = NULL, added;

    if (text.start < 0 && !is_finished)
        return;
    if (parser->segments.length > 0)
        last = (harmony_segment *)(parser->segments.data
                                   + parser->segments.length)
               - 1;
    if (last != NULL && last->message == (int32_t)index) {
        last->finished = is_finished;
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

/* ---- From state to state ------------------------------------------------ */

static harmony_tally no_tally(size_t start)
{
    harmony_tally tally = {HARMONY_NO_TOKEN, 0, 0, 0, 0, 0};

    tally.start = (int32_t)start;
    return tally;
}

void hm_count_header(harmony_parser *parser, int32_t token)
{
    parser->view.open.header_tokens++;
    parser->view.open.header_special += harmony_is_special_token(token);
}

void hm_count_content(harmony_parser *parser, int32_t token)
{
    parser->view.open.content_tokens++;
    parser->view.open.content_special += harmony_is_special_token(token);
}

void hm_expect_start(harmony_parser *parser)
{
    parser->view.state = HARMONY_STATE_EXPECT_START;
    parser->view.current = hm_no_message(parser->role);
    parser->view.open_start = hm_token_count(parser);
    parser->view.open = no_tally(parser->view.open_start);
}

void hm_begin_header(harmony_parser *parser)
{
    const int32_t *tokens = (const int32_t *)parser->tokens.data;
    size_t count = hm_token_count(parser);

    parser->view.state = HARMONY_STATE_HEADER;
    parser->view.open_start = count;
    parser->view.open = no_tally(count > 0 ? count - 1 : 0);
    if (count > 0)
        hm_count_header(parser, tokens[count - 1]);
    parser->header.start = parser->text.length;
    parser->header.channel = -1;
    parser->header_valid = 0;
    parser->header_fault = NULL;
    parser->bare = parser->unstarted = 0;
}

void hm_drop_header(harmony_parser *parser)
{
    parser->text.length = parser->header.start;
    hm_expect_start(parser);
}

void hm_begin_content(harmony_parser *parser)
{
    parser->view.state = HARMONY_STATE_CONTENT;
    parser->view.open_start = hm_token_count(parser);
    parser->view.current.content.start = (int32_t)parser->text.length;
    parser->view.current.content.length = 0;
    parser->role = HARMONY_ROLE_NONE;
}

void hm_finish_message(harmony_parser *parser, int32_t end_token)
{
    parser->view.open.end_token = end_token;
    hm_append(&parser->tallies, &parser->view.open, sizeof parser->view.open);
    hm_append(&parser->messages, &parser->view.current,
              sizeof parser->view.current);
    hm_expect_start(parser);
}

/* ---- Text of a content -------------------------------------------------- */

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

void hm_add_content(harmony_parser *parser, const char *said, size_t length)
{
    const uint8_t *bytes = (const uint8_t *)said;
    size_t from = parser->text.length, used;
    hm_buffer *pending = &parser->pending;

    if (bytes == NULL) {
        bytes = (const uint8_t *)"\xFF";
        length = 1;
    }
    if (pending->length == 0) {
        used = take_characters(parser, bytes, length);
        hm_append(pending, bytes + used, length - used);
    } else {
        hm_append(pending, bytes, length);
        parser->pending_start
            += take_characters(parser, pending->data + parser->pending_start,
                               pending->length - parser->pending_start);
        if (parser->pending_start == pending->length)
            parser->pending_start = pending->length = 0;
    }
    grow_content(parser, from);
}

void hm_end_content(harmony_parser *parser, int32_t end_token)
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
    hm_finish_message(parser, end_token);
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

size_t hm_ordinary_tokens(const int32_t *tokens, size_t count)
{
    size_t n = 0;

    if (count > RUN_TOKENS)
        count = RUN_TOKENS;
    while (n < count && hm_is_ordinary(tokens[n]))
        n++;
    return n;
}

/* Write the bytes of tokens behind the text, as long as there is room, which
 * is counted as in hm_make_room(). */
static struct run write_run(const harmony_parser *parser, const int32_t *tokens,
                            size_t count)
{
    struct run run = {0, 0, 0};
    uint8_t *to = parser->text.data + parser->text.length;
    size_t room
        = parser->text.capacity < INT32_MAX ? parser->text.capacity : INT32_MAX;

    room -= parser->text.length;
    for (; run.count < count; run.count++) {
        size_t length;
        const char *bytes
            = harmony_token_bytes(parser->encoding, tokens[run.count], &length);

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

/* Inline, because for one token it comes to little code. */
static inline size_t take_run(harmony_parser *parser, const int32_t *tokens,
                              size_t count, harmony_span *added)
{
    struct run run;
    const uint8_t *text;

    if (parser->view.state != HARMONY_STATE_CONTENT
        || parser->pending.length > 0
        || hm_token_count(parser) + count > INT32_MAX
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

size_t hm_take_run(harmony_parser *parser, const int32_t *tokens, size_t count,
                   harmony_span *added)
{
    return take_run(parser, tokens, count, added);
}

int hm_take_whole(harmony_parser *parser, int32_t token)
{
    harmony_span added;

    if (!hm_is_ordinary(token) || take_run(parser, &token, 1, &added) == 0)
        return 0;
    refresh_text(parser);
    return 1;
}

/* ---- Room ---------------------------------------------------------------- */

/* Whether a token can end a header. */
static int may_end_header(int32_t token)
{
    return token == HARMONY_TOKEN_MESSAGE || token == HARMONY_TOKEN_START
           || token == HARMONY_TOKEN_ENDOFTEXT || token == HARMONY_NO_TOKEN
           || hm_is_stop_token(token);
}

/* Of a token: its bytes, each of which may be replaced by three; what is
 * pending, likewise; copies of the header; a message; warnings. */
harmony_status hm_make_room(harmony_parser *parser, int32_t token,
                            size_t length, harmony_error *error)
{
    size_t waiting = parser->pending.length - parser->pending_start;
    size_t header = 0;
    uint64_t text = 3 * ((uint64_t)length + 1 + waiting);
    int warns = parser->recover
                && (parser->view.state != HARMONY_STATE_CONTENT
                    || !hm_is_ordinary(token));

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

harmony_status hm_make_room_for_segment(harmony_parser *parser,
                                        harmony_error *error)
{
    if (hm_reserve(&parser->segments, sizeof(harmony_segment)))
        return HARMONY_OK;
    return hm_fail(error, HARMONY_NO_MEMORY, -1, "no memory for the segments");
}

void hm_release_stream(harmony_parser *parser)
{
    hm_release(&parser->text);
    hm_release(&parser->messages);
    hm_release(&parser->tokens);
    hm_release(&parser->tallies);
    hm_release(&parser->segments);
    hm_release(&parser->pending);
    hm_release(&parser->warnings.list);
    hm_release(&parser->warnings.text);
}
