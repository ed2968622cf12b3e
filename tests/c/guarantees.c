#include "guarantees.h"

#include <stdlib.h>
#include <string.h>

#include "support.h"

static const char *const roles[] = {
    "user", "assistant", "system", "developer", "tool",
};

static harmony_parser *new_parser(const harmony_encoding *encoding,
                                  int32_t role, int32_t strict, int32_t recover)
{
    harmony_parser_options options = HARMONY_PARSER_OPTIONS_INIT;
    harmony_parser *parser;

    options.role = role;
    options.strict = strict;
    options.recover = recover;
    if (harmony_parser_new(encoding, &options, &parser, NULL) != HARMONY_OK)
        abort();
    return parser;
}

static int same_span(const harmony_view *a, harmony_span x,
                     const harmony_view *b, harmony_span y)
{
    if (x.start < 0 || y.start < 0)
        return (x.start < 0) == (y.start < 0);
    return x.length == y.length
           && memcmp(a->finished.text + x.start, b->finished.text + y.start,
                     (size_t)x.length)
                  == 0;
}

static int same_message(const harmony_view *a, const harmony_message *x,
                        const harmony_view *b, const harmony_message *y)
{
    return x->role == y->role && same_span(a, x->name, b, y->name)
           && same_span(a, x->recipient, b, y->recipient)
           && same_span(a, x->channel, b, y->channel)
           && same_span(a, x->content_type, b, y->content_type)
           && same_span(a, x->content, b, y->content);
}

static int same_messages(const harmony_view *a, const harmony_view *b)
{
    size_t i;

    if (a->finished.message_count != b->finished.message_count)
        return 0;
    for (i = 0; i < a->finished.message_count; i++)
        if (!same_message(a, a->finished.messages + i, b,
                          b->finished.messages + i)
            || a->tallies[i].end_token != b->tallies[i].end_token)
            return 0;
    return 1;
}

/* ---- 3: what is finished stays, and the deltas are the contents ---------- */

struct history {
    char *deltas; /* of all messages, joined */
    size_t length;
    harmony_message *messages; /* as they were when they were finished */
    size_t count;
};

static void remember(struct history *history, const harmony_view *view)
{
    harmony_span delta = view->delta;

    if (delta.start >= 0) {
        history->deltas = realloc(history->deltas,
                                  history->length + (size_t)delta.length + 1);
        memcpy(history->deltas + history->length,
               view->finished.text + delta.start, (size_t)delta.length);
        history->length += (size_t)delta.length;
    }
    while (history->count < view->finished.message_count) {
        history->messages
            = realloc(history->messages,
                      (history->count + 1) * sizeof *history->messages);
        history->messages[history->count]
            = view->finished.messages[history->count];
        history->count++;
    }
}

static void forget(struct history *history)
{
    free(history->deltas);
    free(history->messages);
}

static const char *check_history(const struct history *history,
                                 const harmony_view *view)
{
    size_t i, at = 0;

    for (i = 0; i < history->count; i++) {
        const harmony_message *message = view->finished.messages + i;

        if (memcmp(message, history->messages + i, sizeof *message) != 0)
            return "3: a finished message has changed";
        if (message->content.start < 0)
            return "3: a finished message has no content";
        if (at + (size_t)message->content.length > history->length
            || (message->content.length > 0
                && memcmp(history->deltas + at,
                          view->finished.text + message->content.start,
                          (size_t)message->content.length)
                       != 0))
            return "3: the deltas are not the contents";
        at += (size_t)message->content.length;
    }
    return at == history->length ? NULL : "3: there is more in the deltas";
}

/* ---- 2: no text is lost -------------------------------------------------- */

/* How often each byte of ASCII that is not white space occurs. */
static void tell(long *counts, const char *text, size_t length, long times)
{
    size_t i;

    for (i = 0; i < length; i++) {
        unsigned char byte = (unsigned char)text[i];

        if (byte > ' ' && byte < 128)
            counts[byte] += times;
    }
}

static void tell_span(long *counts, const harmony_view *view, harmony_span span)
{
    if (span.start >= 0)
        tell(counts, view->finished.text + span.start, (size_t)span.length, 1);
}

static const char *check_text(const harmony_encoding *encoding,
                              const harmony_view *view)
{
    long counts[128] = {0};
    size_t i, length;

    for (i = 0; i < view->finished.message_count; i++) {
        const harmony_message *message = view->finished.messages + i;

        tell(counts, roles[message->role], strlen(roles[message->role]), 1);
        tell(counts, ":to=", 4, 1);
        tell_span(counts, view, message->name);
        tell_span(counts, view, message->recipient);
        tell_span(counts, view, message->channel);
        tell_span(counts, view, message->content_type);
        tell_span(counts, view, message->content);
    }
    for (i = 0; i < view->warning_count; i++) {
        tell(counts, "to=", 3, 1);
        tell(counts, view->warning_text + view->warnings[i].text.start,
             (size_t)view->warnings[i].text.length, 1);
    }
    for (i = 0; i < view->token_count; i++)
        if (!harmony_is_special_token(view->tokens[i])) {
            const char *text
                = harmony_token_bytes(encoding, view->tokens[i], &length);

            tell(counts, text, length, -1);
        }
    for (i = 0; i < 128; i++)
        if (counts[i] < 0)
            return "2: text is lost";
    return NULL;
}

/* ---- 6: what comes out can be rendered, and has no markers in it --------- */

static int has_marker(const harmony_view *view, harmony_span span, int32_t from)
{
    int32_t i;

    for (i = from; span.start >= 0 && i + 1 < span.length; i++)
        if (memcmp(view->finished.text + span.start + i, "<|", 2) == 0)
            return 1;
    return 0;
}

static int32_t behind_constrain(const harmony_view *view, harmony_span span)
{
    static const char marker[] = "<|constrain|>";
    const int32_t length = sizeof marker - 1;

    return span.start >= 0 && span.length >= length
                   && memcmp(view->finished.text + span.start, marker,
                             (size_t)length)
                          == 0
               ? length
               : 0;
}

static int32_t *rendered(const harmony_encoding *encoding,
                         const harmony_conversation *conversation,
                         int32_t channel_first, size_t *count)
{
    size_t capacity = harmony_render_bound(conversation);
    int32_t *tokens = room(capacity * sizeof *tokens);
    harmony_render_options options = HARMONY_RENDER_OPTIONS_INIT;

    options.channel_first = channel_first;
    if (harmony_render(encoding, NULL, conversation, &options, tokens, capacity,
                       count, NULL)
        != HARMONY_OK) {
        free(tokens);
        return NULL;
    }
    return tokens;
}

static const char *check_render(const harmony_encoding *encoding,
                                const harmony_view *view)
{
    size_t i, count;
    int32_t *tokens = rendered(encoding, &view->finished, 0, &count);

    free(tokens);
    if (tokens == NULL)
        return "6: what was parsed can't be rendered";
    for (i = 0; i < view->finished.message_count; i++) {
        const harmony_message *message = view->finished.messages + i;

        if (has_marker(view, message->recipient, 0)
            || has_marker(view, message->channel, 0)
            || has_marker(view, message->content_type,
                          behind_constrain(view, message->content_type)))
            return "6: there is a marker in a field";
    }
    return NULL;
}

/* ---- 5: what is written as it should be is read as it always is ---------- */

static int is_text(const harmony_view *view, harmony_span span,
                   const char *text)
{
    return span.start >= 0 && (size_t)span.length == strlen(text)
           && memcmp(view->finished.text + span.start, text, strlen(text)) == 0;
}

static int begins_with(const harmony_view *view, harmony_span span,
                       const char *text)
{
    if (span.start < 0 || (size_t)span.length < strlen(text))
        return 0;
    span.length = (int32_t)strlen(text);
    return is_text(view, span, text);
}

/* A role in any case, and a colon. */
static int is_bare_role(const harmony_view *view, harmony_span name)
{
    char word[16];
    size_t i;
    int32_t at;

    if (name.start < 0 || name.length > 15)
        return 0;
    for (at = 0; at < name.length; at++)
        word[at] = (char)(view->finished.text[name.start + at] | 0x20);
    word[name.length] = '\0';
    for (i = 0; i < 5; i++)
        if (strlen(word) == strlen(roles[i]) + 1
            && memcmp(word, roles[i], strlen(roles[i])) == 0
            && view->finished.text[name.start + name.length - 1] == ':')
            return 1;
    return 0;
}

/* Letters and digits of ASCII in a part of the text. */
static int has_letters(const harmony_view *view, int32_t start, int32_t length)
{
    const char *text = view->finished.text + start;
    int32_t i;

    for (i = 0; i < length; i++)
        if ((text[i] >= '0' && text[i] <= '9')
            || ((text[i] | 0x20) >= 'a' && (text[i] | 0x20) <= 'z'))
            return 1;
    return 0;
}

/* A known channel with something around it that may be punctuation: in other
 * scripts it is not told apart from letters here. */
static int is_spoiled_channel(const harmony_view *view, harmony_span channel)
{
    static const char *const known[] = {"analysis", "commentary", "final"};
    int32_t from, length;
    size_t i;

    for (i = 0; channel.start >= 0 && i < 3; i++) {
        length = (int32_t)strlen(known[i]);
        for (from = 0; from <= channel.length - length; from++) {
            harmony_span part;

            part.start = channel.start + from;
            part.length = length;
            if (channel.length > length && is_text(view, part, known[i])
                && !has_letters(view, channel.start, from)
                && !has_letters(view, part.start + length,
                                channel.length - from - length))
                return 1;
        }
    }
    return 0;
}

/* The closed list of docs/python.md: what is read otherwise although the strict
 * parser takes it, and it is written as it should be. */
static int is_excepted(const harmony_view *view, const harmony_message *message)
{
    return begins_with(view, message->name, "to=")
           || is_bare_role(view, message->name)
           || is_text(view, message->recipient, "functions.")
           || (message->recipient.length > 1
               && (begins_with(view, message->recipient, "\"")
                   || begins_with(view, message->recipient, "'")
                   || begins_with(view, message->recipient, "`")))
           || is_spoiled_channel(view, message->channel);
}

/* Whether tokens are a rendering of what the strict parser makes of them; with
 * a role, they follow `<|start|>` and the role. */
static int is_rendering(const harmony_encoding *encoding, int32_t role,
                        const int32_t *tokens, size_t count,
                        const harmony_view *view, int32_t channel_first)
{
    size_t length, skipped = role == HARMONY_ROLE_NONE ? 0 : 2;
    int32_t *own = rendered(encoding, &view->finished, channel_first, &length);
    int same = own != NULL && length == count + skipped
               && memcmp(own + skipped, tokens, count * sizeof *own) == 0;

    free(own);
    return same;
}

/* Text in a field that looks like a marker is not written as it should be (6).
 */
static int is_canonical(const harmony_encoding *encoding, int32_t role,
                        const int32_t *tokens, size_t count,
                        const harmony_view *view)
{
    size_t i;

    for (i = 0; i < view->finished.message_count; i++)
        if (is_excepted(view, view->finished.messages + i))
            return 0;
    return (is_rendering(encoding, role, tokens, count, view, 0)
            || is_rendering(encoding, role, tokens, count, view, 1))
           && check_render(encoding, view) == NULL;
}

/* ---- 4: no repair is silent ---------------------------------------------- */

/* Names that render writes and the strict parser refuses: a role's, behind a
 * colon; a tool's with a dot in it, and python, that speaks to nobody. */
static int is_written_name(const harmony_view *view,
                           const harmony_message *message)
{
    harmony_span name = message->name;

    if (message->role != HARMONY_ROLE_TOOL)
        return name.start >= 0;
    return is_text(view, name, "python")
           || (name.start >= 0
               && memchr(view->finished.text + name.start, '.',
                         (size_t)name.length)
                      != NULL);
}

/* Nothing at all is nothing to warn of. */
static int may_be_refused(const harmony_view *view)
{
    size_t i;

    for (i = 0; i < view->finished.message_count; i++)
        if (is_written_name(view, view->finished.messages + i))
            return 1;
    return view->token_count == 0;
}

static const char *check_strict(const harmony_encoding *encoding, int32_t role,
                                const int32_t *tokens, size_t count,
                                const harmony_view *view)
{
    harmony_parser *parser = new_parser(encoding, role, 1, 0);
    const harmony_view *strict = harmony_parser_view(parser);
    const char *broken = NULL;
    int taken = harmony_parser_feed(parser, tokens, count, NULL) == HARMONY_OK
                && harmony_parser_finish(parser, NULL) == HARMONY_OK;

    if (taken && !same_messages(strict, view)) {
        if (is_canonical(encoding, role, tokens, count, strict))
            broken = "5: another result than the strict parser's";
        else if (view->warning_count == 0)
            broken = "4: another result than the strict parser's, in silence";
    }
    if (!taken && view->warning_count == 0 && !may_be_refused(view))
        broken = "4: what the strict parser refuses, in silence";
    harmony_parser_free(parser);
    return broken;
}

/* ---- Tallies ------------------------------------------------------------- */

/* Where the tokens of a message end. */
static size_t tally_end(const harmony_tally *tally)
{
    return (size_t)tally->start + (size_t)tally->header_tokens
           + (size_t)tally->content_tokens;
}

static int32_t special_tokens(const harmony_view *view, int32_t start,
                              int32_t count)
{
    int32_t i, special = 0;

    for (i = start; i < start + count; i++)
        special += harmony_is_special_token(view->tokens[i]);
    return special;
}

static const char *check_tally(const harmony_view *view,
                               const harmony_tally *tally)
{
    int32_t body = tally->start + tally->header_tokens;

    if (tally->header_special
        != special_tokens(view, tally->start, tally->header_tokens))
        return "tallies: special tokens of a header";
    if (tally->content_special
        != special_tokens(view, body, tally->content_tokens))
        return "tallies: special tokens of a content";
    if (tally->end_token != HARMONY_NO_TOKEN
        && (tally->content_tokens < 1
            || view->tokens[tally_end(tally) - 1] != tally->end_token))
        return "tallies: a message does not end at its last token";
    return NULL;
}

/* Messages are ranges of tokens, in order and disjoint. */
static const char *check_tallies(const harmony_view *view)
{
    const char *broken = NULL;
    size_t i, end = 0;

    for (i = 0; i < view->finished.message_count && broken == NULL; i++) {
        const harmony_tally *tally = view->tallies + i;

        if (tally->start < 0 || (size_t)tally->start < end
            || tally->header_tokens < 0 || tally->content_tokens < 0)
            return "tallies: a message begins before another has ended";
        end = tally_end(tally);
        if (end > view->token_count)
            return "tallies: a message has tokens that were not fed";
        broken = check_tally(view, tally);
    }
    return broken;
}

/* Whether the tokens from `start` on say just this word. */
static int says(const harmony_encoding *encoding, const harmony_view *view,
                size_t start, const char *word)
{
    size_t i, length, left = strlen(word);

    for (i = start; i < view->token_count; i++) {
        const char *bytes
            = harmony_token_bytes(encoding, view->tokens[i], &length);

        if (bytes == NULL || length > left || memcmp(word, bytes, length) != 0)
            return 0;
        word += length;
        left -= length;
    }
    return left == 0;
}

/* What the view says of the open message, by another way. */
static const char *check_open(const harmony_encoding *encoding,
                              const harmony_view *view)
{
    int32_t role, next = HARMONY_ROLE_NONE;
    const harmony_tally *open = &view->open;

    if (view->state == HARMONY_STATE_EXPECT_START)
        return open->header_tokens + open->content_tokens > 0
                       || view->next_role != HARMONY_ROLE_NONE
                   ? "open: there is something between messages"
                   : NULL;
    if (tally_end(open) != view->token_count)
        return "open: its tokens are not the last ones";
    if (view->state == HARMONY_STATE_HEADER && view->open_start > 0
        && view->tokens[view->open_start - 1] == HARMONY_TOKEN_START)
        for (role = HARMONY_ROLE_USER; role <= HARMONY_ROLE_TOOL; role++)
            if (says(encoding, view, view->open_start, roles[role]))
                next = role;
    if (view->next_role != next)
        return "open: the next role";
    return check_tally(view, open);
}

/* ---- Portions ------------------------------------------------------------ */

static int is_inside(harmony_span part, harmony_span whole)
{
    return part.start >= whole.start
           && part.start + part.length <= whole.start + whole.length;
}

/* The segments of a call, joined, are its deltas, and name the messages. */
static const char *check_segments(const harmony_view *view, size_t before)
{
    size_t i;

    for (i = 0; i < view->segment_count; i++) {
        const harmony_segment *segment = view->segments + i;
        int finished = (size_t)segment->message < view->finished.message_count;

        if ((size_t)segment->message < before
            || (size_t)segment->message > view->finished.message_count)
            return "segments: of a message that was not open";
        if (segment->finished != finished)
            return "segments: finished or not";
        if (!is_inside(segment->text,
                       finished
                           ? view->finished.messages[segment->message].content
                           : view->current.content))
            return "segments: of another text";
        if (i > 0 && segment[-1].message >= segment->message)
            return "segments: not in order";
    }
    return NULL;
}

static const char *check_portions(const harmony_encoding *encoding,
                                  int32_t role, const int32_t *tokens,
                                  size_t count, const harmony_view *view,
                                  uint64_t seed)
{
    harmony_parser *parser = new_parser(encoding, role, 1, 1);
    const harmony_view *other = harmony_parser_view(parser);
    const char *broken = NULL;
    size_t at = 0, i;
    int32_t length = 0;

    while (at < count && broken == NULL) {
        size_t left = count - at, before = other->finished.message_count;
        size_t size = random_below(&seed, left < 9 ? (uint32_t)left + 1 : 9);

        if (harmony_parser_feed(parser, tokens + at, size, NULL) != HARMONY_OK)
            broken = "1: an error";
        else
            broken = check_segments(other, before);
        for (i = 0; i < other->segment_count; i++)
            length += other->segments[i].text.length;
        at += size;
    }
    if (broken == NULL && harmony_parser_finish(parser, NULL) != HARMONY_OK)
        broken = "1: an error at the end";
    length += other->delta.length;
    for (i = 0; i < other->finished.message_count; i++)
        length -= other->finished.messages[i].content.length;
    if (broken == NULL && length != 0)
        broken = "segments: more or less than the contents";
    if (broken == NULL && !same_messages(view, other))
        broken = "portions make a difference";
    harmony_parser_free(parser);
    return broken;
}

/* ---- Parsers that raise -------------------------------------------------- */

/* Feed tokens one at a time, and the end; the errors are let pass if they may
 * come. */
static const char *feed_all(const harmony_encoding *encoding,
                            harmony_parser *parser, const int32_t *tokens,
                            size_t count, int may_raise,
                            struct history *history)
{
    const char *broken = NULL;
    const harmony_view *view = harmony_parser_view(parser);
    size_t i;

    for (i = 0; i <= count && broken == NULL; i++) {
        harmony_status status
            = i < count ? harmony_parser_process(parser, tokens[i], NULL)
                        : harmony_parser_finish(parser, NULL);

        if (status != HARMONY_OK && !may_raise)
            return "1: an error";
        remember(history, view);
        broken = check_open(encoding, view);
    }
    return broken;
}

/* After its errors, too, a parser keeps what is finished, and goes on. */
static const char *check_raising(const harmony_encoding *encoding, int32_t role,
                                 int32_t strict, const int32_t *tokens,
                                 size_t count)
{
    harmony_parser *parser = new_parser(encoding, role, strict, 0);
    const harmony_view *view = harmony_parser_view(parser);
    struct history history = {NULL, 0, NULL, 0};
    const char *broken;

    broken = feed_all(encoding, parser, tokens, count, 1, &history);
    if (broken == NULL)
        broken = check_history(&history, view);
    if (broken == NULL)
        broken = check_tallies(view);
    forget(&history);
    harmony_parser_free(parser);
    return broken;
}

/* ---- Behind a prompt ----------------------------------------------------- */

/* What harmony_parser_after is to give, the long way: fed with the open
 * message, or given its role if that is all of it. NULL where it is an error.
 */
static harmony_parser *slow_after(const harmony_encoding *encoding,
                                  int32_t recover, const int32_t *tokens,
                                  size_t count, harmony_status *status)
{
    harmony_parser *parser
        = new_parser(encoding, HARMONY_ROLE_NONE, 1, recover);
    size_t i, start = count;
    int32_t role;

    for (i = 0; i < count; i++) {
        if (tokens[i] == HARMONY_TOKEN_START)
            start = i;
        if (tokens[i] == HARMONY_TOKEN_END || tokens[i] == HARMONY_TOKEN_CALL
            || tokens[i] == HARMONY_TOKEN_RETURN)
            start = count;
    }
    *status = HARMONY_OK;
    for (i = start; i < count && *status == HARMONY_OK; i++)
        *status = harmony_parser_process(parser, tokens[i], NULL);
    role = harmony_parser_view(parser)->next_role;
    if (*status == HARMONY_OK && role == HARMONY_ROLE_NONE)
        return parser;
    harmony_parser_free(parser);
    return *status == HARMONY_OK ? new_parser(encoding, role, 1, recover)
                                 : NULL;
}

static int same_open(const harmony_view *a, const harmony_view *b)
{
    return a->state == b->state && a->token_count == b->token_count
           && a->warning_count == b->warning_count
           && a->next_role == b->next_role
           && same_message(a, &a->current, b, &b->current)
           && same_messages(a, b);
}

static const char *check_after(const harmony_encoding *encoding,
                               int32_t recover, const int32_t *tokens,
                               size_t count)
{
    harmony_parser_options options = HARMONY_PARSER_OPTIONS_INIT;
    const char *broken = NULL;
    harmony_parser *parser, *slow;
    harmony_status status, wanted;

    options.recover = recover;
    slow = slow_after(encoding, recover, tokens, count, &wanted);
    status = harmony_parser_after(encoding, tokens, count, &options, &parser,
                                  NULL);
    if (status != wanted || (parser == NULL) != (slow == NULL))
        broken = "after: another status";
    else if (recover && status != HARMONY_OK)
        broken = "1: an error behind a prompt";
    else if (parser != NULL
             && !same_open(harmony_parser_view(parser),
                           harmony_parser_view(slow)))
        broken = "after: another parser";
    harmony_parser_free(parser);
    harmony_parser_free(slow);
    return broken;
}

/* ---- All of them --------------------------------------------------------- */

const char *broken_guarantee(const harmony_encoding *encoding, int32_t role,
                             const int32_t *tokens, size_t count,
                             uint64_t portion)
{
    harmony_parser *parser = new_parser(encoding, role, 1, 1);
    const harmony_view *view = harmony_parser_view(parser);
    struct history history = {NULL, 0, NULL, 0};
    const char *broken = feed_all(encoding, parser, tokens, count, 0, &history);

    if (broken == NULL)
        broken = check_history(&history, view);
    if (broken == NULL)
        broken = check_text(encoding, view);
    if (broken == NULL)
        broken = check_render(encoding, view);
    if (broken == NULL)
        broken = check_tallies(view);
    if (broken == NULL)
        broken = check_strict(encoding, role, tokens, count, view);
    if (broken == NULL)
        broken = check_portions(encoding, role, tokens, count, view, portion);
    if (broken == NULL)
        broken = check_raising(encoding, role, 1, tokens, count);
    if (broken == NULL)
        broken = check_raising(encoding, role, 0, tokens, count);
    if (broken == NULL)
        broken = check_after(encoding, 1, tokens, count);
    if (broken == NULL)
        broken = check_after(encoding, 0, tokens, count);
    forget(&history);
    harmony_parser_free(parser);
    return broken;
}
