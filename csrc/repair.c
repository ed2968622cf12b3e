/*
 * Reading a header whatever it holds. A header that is written as render.c
 * writes it is read by its grammar:
 *
 *     author [" to=" recipient] [<|channel|> channel] [" " content type]
 *
 * and never repaired. Any other is read word by word, from left to right:
 *
 * - the word behind <|channel|> is a channel; the last known one counts;
 * - `to=` begins a recipient, which ends where no tool's name goes on;
 * - the word behind <|constrain|> is the content type, unless a single word
 *   follows the last recipient or channel: then it is that;
 * - the first word is the role, if none is given: a role, a role and a name, a
 *   channel (of the assistant), or a tool;
 * - what is left over goes to a warning, if a content follows; if none does, it
 *   is the content, from its first word on, as it was.
 */
#include "repair.h"

#include <string.h>

#include "conversation.h"
#include "header.h"
#include "unicode.h"

static const char constrain[] = "<|constrain|>";
#define CONSTRAIN_LENGTH (sizeof constrain - 1)

static const char *const channels[] = {"analysis", "commentary", "final"};
static const char *const types[] = {"json", "code"};

#define COUNT(array) (sizeof(array) / sizeof *(array))

/* ---- Warnings ----------------------------------------------------------- */

void hm_warn(hm_warnings *warnings, harmony_warning_kind kind, const void *text,
             size_t length)
{
    harmony_warning *last = NULL, added;

    if (warnings->list.length > 0)
        last = (harmony_warning *)(warnings->list.data + warnings->list.length)
               - 1;
    if (last != NULL && last->kind == (int32_t)kind
        && last->position == warnings->position) {
        hm_append(&warnings->text, " ", 1);
        hm_append(&warnings->text, text, length);
        last->text.length += 1 + (int32_t)length;
        return;
    }
    added.position = warnings->position;
    added.kind = (int32_t)kind;
    added.text.start = (int32_t)warnings->text.length;
    added.text.length = (int32_t)length;
    hm_append(&warnings->text, text, length);
    hm_append(&warnings->list, &added, sizeof added);
}

/* ---- Words -------------------------------------------------------------- */

/* Bytes of the header: from `start` to `end`, offsets into the text. */
struct word {
    uint8_t mark; /* the mark before it, or 0 */
    size_t start;
    size_t end;
};

struct repair {
    hm_buffer *text;
    size_t at;  /* where reading goes on */
    size_t end; /* of the header; what is added to the text lies behind */
    hm_header_end how;
    int marked; /* there is a mark in the header */
    harmony_message *message;
    hm_warnings *warnings;
    int32_t given_role;
    size_t read;         /* words that have been read, marked or not */
    struct word channel; /* the last that is known, or that is not */
    int channel_known;
    struct word recipient;   /* the last, from its `to=` on */
    struct word constrained; /* the last word behind <|constrain|> */
    struct word stranger;    /* a first word that is no role and no name */
    int counting;            /* whether words since `single` may be a type */
    struct word single;      /* the last word since channel or recipient */
    size_t strangers;        /* how many there were */
    struct word content;     /* HM_ENDED_BY_STOP: where the content begins */
};

static const struct word no_word = {0, 0, 0};

static const uint8_t *bytes_of(const struct repair *r, struct word word)
{
    return r->text->data + word.start;
}

static size_t length_of(struct word word)
{
    return word.end - word.start;
}

static int is_none(struct word word)
{
    return word.end == 0;
}

static harmony_span span_of(struct word word)
{
    harmony_span span = {(int32_t)word.start, (int32_t)length_of(word)};

    return span;
}

static int is_mark(uint8_t byte)
{
    return byte == HM_CHANNEL_MARK || byte == HM_CONSTRAIN_MARK;
}

static void skip_space(struct repair *r)
{
    const uint8_t *end = r->text->data + r->end;
    size_t size;

    while (r->at < r->end && hm_space_at(r->text->data + r->at, end, &size))
        r->at += size;
}

/* The next word; it may be empty if it has a mark. 0 at the end. */
static int next_word(struct repair *r, struct word *word)
{
    const uint8_t *end = r->text->data + r->end;
    size_t size = 1;

    skip_space(r);
    word->mark = 0;
    if (r->at < r->end && is_mark(r->text->data[r->at])) {
        word->mark = r->text->data[r->at++];
        skip_space(r);
    }
    word->start = r->at;
    while (r->at < r->end && !is_mark(r->text->data[r->at])
           && !hm_space_at(r->text->data + r->at, end, &size))
        r->at += size;
    word->end = r->at;
    return word->mark != 0 || word->end > word->start;
}

static int begins_with(const struct repair *r, struct word word,
                       const char *text)
{
    size_t length = strlen(text);

    return length_of(word) >= length
           && memcmp(bytes_of(r, word), text, length) == 0;
}

static int is_text(const struct repair *r, struct word word, const char *text)
{
    return length_of(word) == strlen(text) && begins_with(r, word, text);
}

/* A letter or digit of ASCII, or part of any other character. */
static int is_letter(uint8_t byte)
{
    return (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z')
           || (byte >= '0' && byte <= '9') || byte >= 0x80;
}

static int is_name_byte(uint8_t byte)
{
    return (is_letter(byte) && byte < 0x80) || byte == '_' || byte == '-'
           || byte == '.';
}

/* How many bytes of a word, from the first, can be a tool's name. */
static size_t name_length(const struct repair *r, struct word word)
{
    size_t n = 0;

    while (n < length_of(word) && is_name_byte(bytes_of(r, word)[n]))
        n++;
    return n;
}

/* How many bytes of a word, from the first, can be a content type. */
static size_t type_word_length(const struct repair *r, struct word word)
{
    size_t n = 0;

    while (n < length_of(word)
           && (is_name_byte(bytes_of(r, word)[n]) || bytes_of(r, word)[n] == '/'
               || bytes_of(r, word)[n] == '+'))
        n++;
    return n;
}

/* The first of some texts that the word begins with, or is; or NULL. */
static const char *beginning(const struct repair *r, struct word word,
                             const char *const *texts, size_t count)
{
    size_t i;

    for (i = 0; i < count; i++)
        if (begins_with(r, word, texts[i]))
            return texts[i];
    return NULL;
}

static int is_one_of(const struct repair *r, struct word word,
                     const char *const *texts, size_t count)
{
    const char *text = beginning(r, word, texts, count);

    return text != NULL && is_text(r, word, text);
}

static int is_channel(const struct repair *r, struct word word)
{
    return is_one_of(r, word, channels, COUNT(channels));
}

/* The role that a word is, in any case, or none. */
static int32_t role_of(const struct repair *r, struct word word)
{
    int32_t role;
    size_t i;

    for (role = HARMONY_ROLE_USER; role <= HARMONY_ROLE_TOOL; role++) {
        const char *text = hm_role_word(role);

        for (i = 0; i < length_of(word) && text[i] != '\0'; i++)
            if ((bytes_of(r, word)[i] | 0x20) != (uint8_t)text[i])
                break;
        if (i == length_of(word) && text[i] == '\0')
            return role;
    }
    return HARMONY_ROLE_NONE;
}

static void warn(struct repair *r, harmony_warning_kind kind, struct word word)
{
    if (length_of(word) > 0)
        hm_warn(r->warnings, kind, bytes_of(r, word), length_of(word));
}

/* Words where there is no place for any. */
static void leave_over(struct repair *r, struct word word)
{
    warn(r, HARMONY_WARNING_HEADER_WORDS, word);
}

/* ---- As it is written --------------------------------------------------- */

/* A word up to a mark, white space or the end. */
static struct word plain_word(const struct repair *r, size_t at)
{
    struct word word = {0, at, at};

    while (word.end < r->end && !is_mark(r->text->data[word.end])
           && !hm_is_gap(r->text->data[word.end]))
        word.end++;
    return word;
}

/* Whether there is white space of any kind in a word, from `at` to `limit`. */
static int has_space(const struct repair *r, size_t at, size_t limit)
{
    const uint8_t *end = r->text->data + limit;
    size_t size;

    for (; at < limit; at += size)
        if (hm_space_at(r->text->data + at, end, &size))
            return 1;
    return 0;
}

static int begins_in_space(const struct repair *r, struct word word)
{
    size_t size;

    return length_of(word) > 0
           && hm_space_at(bytes_of(r, word), r->text->data + word.end, &size);
}

static int ends_in_space(const struct repair *r, struct word word)
{
    const uint8_t *end = r->text->data + word.end;
    size_t back, size;

    for (back = 1; back <= 4 && back <= length_of(word); back++)
        if (hm_space_at(end - back, end, &size) && size == back)
            return 1;
    return 0;
}

static int has_marker_text(const struct repair *r, struct word word)
{
    size_t i;

    for (i = word.start; i + 1 < word.end; i++)
        if (r->text->data[i] == '<' && r->text->data[i + 1] == '|')
            return 1;
    return 0;
}

/* Whether a header's text at `at` goes on with some words. */
static int goes_on(const struct repair *r, size_t at, const char *words)
{
    struct word rest = {0, at, r->end};

    return begins_with(r, rest, words);
}

/* The author's part of a header by the grammar, up to *at; 0 if it is none.
 * Nothing is needed where the role is given. */
static int written_author(struct repair *r, harmony_message *message,
                          size_t *at)
{
    struct word word;

    if (message->role != HARMONY_ROLE_NONE)
        return message->role != HARMONY_ROLE_TOOL;
    word = plain_word(r, *at);
    *at = word.end;
    if (begins_in_space(r, word))
        return 0;
    message->role = role_of(r, word);
    if (message->role != HARMONY_ROLE_NONE) {
        if (message->role == HARMONY_ROLE_TOOL)
            message->name = span_of(word);
        return is_text(r, word, hm_role_word(message->role));
    }
    message->role = HARMONY_ROLE_TOOL;
    message->name = span_of(word);
    return r->how != HM_ENDED_UNSTARTED && length_of(word) > 0
           && !begins_with(r, word, "to=") && goes_on(r, *at, " to=");
}

/* ` to=X`, if it is there; 0 if it can't be one. */
static int written_recipient(struct repair *r, harmony_message *message,
                             size_t *at)
{
    struct word word;

    if (!goes_on(r, *at, " to="))
        return 1;
    word = plain_word(r, *at + 4);
    *at = word.end;
    message->recipient = span_of(word);
    return !has_marker_text(r, word);
}

/* A channel behind its mark, if it is there; 0 if it can't be one. */
static int written_channel(struct repair *r, harmony_message *message,
                           size_t *at)
{
    struct word word;

    if (*at == r->end || r->text->data[*at] != HM_CHANNEL_MARK)
        return 1;
    word = plain_word(r, *at + 1);
    *at = word.end;
    message->channel = span_of(word);
    return length_of(word) > 0 && !has_space(r, word.start, word.end)
           && memchr(bytes_of(r, word), '<', length_of(word)) == NULL;
}

/* Add a content type with its marker to the text. */
static harmony_span constrained_type(struct repair *r, struct word word)
{
    struct word type = {0, r->text->length, 0};

    hm_append(r->text, constrain, CONSTRAIN_LENGTH);
    hm_append(r->text, bytes_of(r, word), length_of(word));
    type.end = r->text->length;
    return span_of(type);
}

/* ` TYPE`, at the end, which is only known to be one behind a recipient. */
static int written_type(struct repair *r, harmony_message *message, size_t *at)
{
    struct word word;
    int constrained;

    if (*at == r->end)
        return 1;
    if (message->recipient.start < 0 || r->text->data[*at] != ' ')
        return 0;
    word = plain_word(r, *at + 1);
    constrained = length_of(word) == 0 && word.end < r->end
                  && r->text->data[word.end] == HM_CONSTRAIN_MARK;
    if (constrained)
        word = plain_word(r, word.end + 1);
    *at = word.end;
    if (word.end < r->end || has_marker_text(r, word))
        return 0;
    message->content_type
        = constrained ? constrained_type(r, word) : span_of(word);
    return constrained
           || (length_of(word) > 0 && !begins_with(r, word, "to=")
               && role_of(r, word) < 0);
}

/* White space of another kind than separates words is part of a word, but not
 * at the end of a header, where the channel does not count. */
static int is_trimmed(const struct repair *r, const harmony_message *message)
{
    struct word word = {0, r->at, r->end};

    if (ends_in_space(r, word))
        return 0;
    if (message->recipient.start < 0 || message->content_type.start >= 0)
        return 1;
    word.start = (size_t)message->recipient.start;
    word.end = word.start + (size_t)message->recipient.length;
    return !ends_in_space(r, word);
}

/* Read a header by the grammar; 0 if it is not written so. */
static int as_written(struct repair *r)
{
    harmony_message message = *r->message;
    size_t at = r->at;

    if (r->how == HM_ENDED_BY_STOP || !written_author(r, &message, &at)
        || !written_recipient(r, &message, &at)
        || !written_channel(r, &message, &at) || !written_type(r, &message, &at)
        || !is_trimmed(r, &message))
        return 0;
    *r->message = message;
    return 1;
}

/* ---- Word by word ------------------------------------------------------- */

/* A channel or a recipient was read: a single word that follows is a type. */
static void expect_type(struct repair *r)
{
    r->counting = 1;
    r->strangers = 0;
    r->single.start = r->single.end = 0;
}

/* What has been taken for a possible type is none. */
static void stop_expecting_type(struct repair *r)
{
    if (r->strangers > 0)
        leave_over(r, r->single);
    r->counting = 0;
    r->strangers = 0;
}

/* The rest of the header is content, from this word on. */
static void begin_content(struct repair *r, struct word word)
{
    r->content.start = word.start;
    r->content.end = r->end;
    r->at = word.start;
}

static void read_plain(struct repair *r, struct word word);

/* What follows a header word without a space: a word of its own. */
static void read_rest(struct repair *r, struct word word, size_t skipped)
{
    word.mark = 0;
    word.start += skipped;
    if (length_of(word) > 0)
        read_plain(r, word);
}

/* A channel, behind its marker or in the role's place. */
static void take_channel(struct repair *r, struct word word, int known)
{
    if (!is_none(r->channel)) {
        if (r->channel_known && !known) {
            warn(r, HARMONY_WARNING_CHANNEL, word);
            return;
        }
        warn(r, HARMONY_WARNING_CHANNEL, r->channel);
    }
    r->channel = word;
    r->channel_known = known;
}

static void read_channel(struct repair *r, struct word word)
{
    const char *known = beginning(r, word, channels, COUNT(channels));
    struct word channel = word;
    size_t n;

    stop_expecting_type(r);
    if (known != NULL) {
        channel.end = channel.start + strlen(known);
    } else if (begins_with(r, word, "to=")) {
        channel.end = channel.start;
    } else {
        for (n = 0; n < length_of(word) && bytes_of(r, word)[n] != '<'; n++)
            ;
        channel.end = channel.start + n;
    }
    if (length_of(channel) > 0)
        take_channel(r, channel, known != NULL);
    else
        hm_warn(r->warnings, HARMONY_WARNING_CHANNEL, "", 0);
    expect_type(r);
    read_rest(r, word, length_of(channel));
}

/* A recipient, whose name is the beginning of `name`; `word` is all of it, from
 * its `to=` on. What follows the name is no part of it. */
static void take_recipient(struct repair *r, struct word word, struct word name)
{
    struct word rest = name;

    stop_expecting_type(r);
    warn(r, HARMONY_WARNING_RECIPIENT, r->recipient);
    rest.start = name.end = name.start + name_length(r, name);
    word.end = name.end;
    r->recipient = word;
    r->message->recipient = span_of(name);
    expect_type(r);
    if (length_of(rest) == 0)
        return;
    if (r->how == HM_ENDED_BY_STOP)
        read_plain(r, rest);
    else
        warn(r, HARMONY_WARNING_RECIPIENT, rest);
}

/* What follows `to=`, with or without a space, perhaps in quotes. Of a
 * recipient that does not count, the warning has the `to=` too. */
static void read_recipient(struct repair *r, struct word word)
{
    struct word name = word, quote;
    size_t at = r->at;

    name.start += 3;
    if (length_of(name) == 0 && !next_word(r, &name))
        name.mark = 0;
    quote = name;
    quote.end = quote.start;
    if (length_of(name) > 1 && strchr("\"'`", *bytes_of(r, name)) != NULL) {
        name.start++;
        quote.end++;
    }
    if (name.mark != 0 || name_length(r, name) == 0) {
        stop_expecting_type(r);
        r->at = at;
        leave_over(r, word);
        return;
    }
    warn(r, HARMONY_WARNING_RECIPIENT, quote);
    take_recipient(r, word, name);
}

/* A tool's whole name where a recipient without `to=` may stand. */
static int is_tool(const struct repair *r, struct word word)
{
    return r->message->recipient.start < 0
           && (begins_with(r, word, "functions.")
               || begins_with(r, word, "browser."));
}

static int begins_json(uint8_t byte)
{
    return byte == '{' || byte == '[' || byte == '"';
}

/* How many bytes of a word are a known type, which ends at the end of the word
 * or where JSON begins. */
static size_t type_length(const struct repair *r, struct word word)
{
    const char *type = beginning(r, word, types, COUNT(types));
    size_t length = type == NULL ? 0 : strlen(type);

    if (length == length_of(word)
        || (length > 0 && begins_json(bytes_of(r, word)[length])))
        return length;
    return 0;
}

static void read_constrained(struct repair *r, struct word word)
{
    size_t length = length_of(word);

    stop_expecting_type(r);
    if (begins_with(r, word, "to=")) {
        read_recipient(r, word);
        return;
    }
    if (r->how == HM_ENDED_BY_STOP)
        length = type_length(r, word);
    else
        length = type_word_length(r, word);
    if (length > 0) {
        warn(r, HARMONY_WARNING_CONTENT_TYPE, r->constrained);
        r->constrained = word;
        r->constrained.end = word.start + length;
    } else {
        hm_warn(r->warnings, HARMONY_WARNING_CONTENT_TYPE, "", 0);
    }
    read_rest(r, word, length);
}

/* `assistant`, perhaps repeated, perhaps with a channel right behind it. */
static int read_assistant(struct repair *r, struct word word)
{
    struct word rest = word;

    while (begins_with(r, rest, "assistant"))
        rest.start += strlen("assistant");
    if (rest.start == word.start
        || (length_of(rest) > 0 && !is_channel(r, rest)))
        return 0;
    r->message->role = HARMONY_ROLE_ASSISTANT;
    if (!is_text(r, word, "assistant"))
        warn(r, HARMONY_WARNING_ROLE, word);
    if (length_of(rest) > 0)
        take_channel(r, rest, 1);
    return 1;
}

/* A role, in any case, perhaps with a name behind a colon. */
static int read_known_role(struct repair *r, struct word word)
{
    harmony_message *message = r->message;
    struct word role = word, name = word;

    role.end = role.start;
    while (role.end < word.end && r->text->data[role.end] != ':')
        role.end++;
    message->role = role_of(r, role);
    if (message->role == HARMONY_ROLE_NONE)
        return 0;
    if (!is_text(r, role, hm_role_word(message->role)))
        warn(r, HARMONY_WARNING_ROLE, role);
    if (role.end < word.end)
        name.start = role.end + 1;
    if (role.end < word.end || message->role == HARMONY_ROLE_TOOL)
        message->name = span_of(name);
    return 1;
}

static int read_channel_as_role(struct repair *r, struct word word)
{
    if (!is_channel(r, word))
        return 0;
    r->message->role = HARMONY_ROLE_ASSISTANT;
    warn(r, HARMONY_WARNING_ROLE, word);
    take_channel(r, word, 1);
    expect_type(r);
    return 1;
}

/* A tool is known by a dot in its name. */
static int read_tool(struct repair *r, struct word word)
{
    size_t n = name_length(r, word);
    struct word name = word, rest = word;

    if (begins_with(r, word, "to=")
        || (r->how == HM_ENDED_BY_STOP && n < length_of(word)))
        return 0;
    if (!is_text(r, word, "python")
        && (n < 2 || memchr(bytes_of(r, word) + 1, '.', n - 1) == NULL))
        return 0;
    r->message->role = HARMONY_ROLE_TOOL;
    name.end = rest.start = word.start + n;
    r->message->name = span_of(name);
    leave_over(r, rest);
    return 1;
}

/* A word in the role's place; 0 if it has nothing to do with one. */
static int read_role(struct repair *r, struct word word)
{
    return read_assistant(r, word) || read_known_role(r, word)
           || read_channel_as_role(r, word) || read_tool(r, word);
}

/* Whether a word is a role or a channel, but for marks around it. */
static int is_header_word(const struct repair *r, struct word word)
{
    while (length_of(word) > 0 && !is_letter(*bytes_of(r, word)))
        word.start++;
    while (length_of(word) > 0 && !is_letter(r->text->data[word.end - 1]))
        word.end--;
    return length_of(word) > 0
           && (is_channel(r, word) || role_of(r, word) >= 0);
}

/* A word without a marker that is not in the role's place. */
static void read_plain(struct repair *r, struct word word)
{
    size_t length;

    if (begins_with(r, word, "to=")) {
        read_recipient(r, word);
        return;
    }
    if (is_tool(r, word)) {
        take_recipient(r, word, word);
        warn(r, HARMONY_WARNING_RECIPIENT, word);
        return;
    }
    if (r->how == HM_ENDED_BY_STOP) {
        length = r->message->recipient.start >= 0 ? type_length(r, word) : 0;
        if (length > 0 && r->counting) {
            r->single = word;
            r->single.end = word.start + length;
            r->strangers = 1;
            r->counting = 0;
            word.start += length;
            if (length_of(word) > 0)
                begin_content(r, word);
        } else if (r->marked && is_header_word(r, word)) {
            leave_over(r, word);
        } else {
            begin_content(r, word);
        }
        return;
    }
    if (!r->channel_known && is_channel(r, word)) {
        stop_expecting_type(r);
        warn(r, HARMONY_WARNING_ROLE, word);
        take_channel(r, word, 1);
        expect_type(r);
        return;
    }
    if (!r->counting) {
        leave_over(r, r->stranger);
        r->stranger = no_word;
        leave_over(r, word);
        return;
    }
    if (r->strangers > 0)
        leave_over(r, r->single);
    r->single = word;
    r->strangers++;
}

/* The first word, which is in the role's place. */
static void read_first(struct repair *r, struct word word)
{
    harmony_message *message = r->message;
    struct word part = word;
    int in_header = r->marked || r->how != HM_ENDED_BY_STOP;

    if (begins_with(r, word, "to=")) {
        read_recipient(r, word);
        return;
    }
    if (r->given_role != HARMONY_ROLE_NONE) {
        const char *given = hm_role_word(r->given_role);

        while (begins_with(r, part, given))
            part.start += strlen(given);
        if (part.start > word.start
            && (length_of(part) == 0 || (in_header && is_channel(r, part)))) {
            warn(r, HARMONY_WARNING_ROLE, word);
            if (length_of(part) > 0)
                take_channel(r, part, 1);
            return;
        }
        if (in_header && is_channel(r, word)) {
            warn(r, HARMONY_WARNING_ROLE, word);
            take_channel(r, word, 1);
            expect_type(r);
            return;
        }
        read_plain(r, word);
        return;
    }
    if (read_role(r, word))
        return;
    message->role = HARMONY_ROLE_NONE;
    if (r->how == HM_ENDED_BY_STOP)
        read_plain(r, word);
    else
        r->stranger = word;
}

/* ---- What was found ----------------------------------------------------- */

static int is_recipient(const struct repair *r, const char *text)
{
    harmony_span span = r->message->recipient;

    return span.start >= 0 && (size_t)span.length == strlen(text)
           && memcmp(r->text->data + span.start, text, strlen(text)) == 0;
}

/* A first word that could not be placed is a tool if nothing else is in the
 * header, or if it speaks to the assistant. */
static void settle_author(struct repair *r)
{
    harmony_message *message = r->message;
    struct word name = {0, 0, 0};

    if (!is_none(r->stranger)) {
        if ((r->read == 1 || is_recipient(r, "assistant"))
            && name_length(r, r->stranger) == length_of(r->stranger)) {
            message->role = HARMONY_ROLE_TOOL;
            message->name = span_of(r->stranger);
        } else {
            leave_over(r, r->stranger);
        }
    }
    if (message->role == HARMONY_ROLE_NONE) {
        hm_warn(r->warnings, HARMONY_WARNING_ROLE, "", 0);
        message->role = HARMONY_ROLE_ASSISTANT;
    }
    if (message->role == HARMONY_ROLE_TOOL && message->name.start < 0) {
        name.start = r->text->length;
        hm_append(r->text, "tool", 4);
        name.end = r->text->length;
        message->name = span_of(name);
        hm_warn(r->warnings, HARMONY_WARNING_ROLE, "", 0);
    }
}

/* One word since the last recipient or channel is the type; of several, the
 * last if it is a known one, and there is a recipient. */
static void settle_type(struct repair *r)
{
    harmony_message *message = r->message;
    int is_type = type_word_length(r, r->single) == length_of(r->single);

    if ((r->strangers == 1 && is_type)
        || (r->strangers > 1 && message->recipient.start >= 0
            && is_one_of(r, r->single, types, COUNT(types)))) {
        warn(r, HARMONY_WARNING_CONTENT_TYPE, r->constrained);
        message->content_type = span_of(r->single);
        return;
    }
    stop_expecting_type(r);
    if (!is_none(r->constrained))
        message->content_type = constrained_type(r, r->constrained);
}

/* The content is the rest of the header, without marks and channels in it,
 * added to the text. */
static void settle_content(struct repair *r)
{
    size_t start = r->text->length, from = r->content.start, at;
    struct word word;

    if (is_none(r->content))
        return;
    for (at = from; at < r->end; at++) {
        if (!is_mark(r->text->data[at]))
            continue;
        hm_append(r->text, r->text->data + from, at - from);
        from = at + 1;
        r->at = at;
        if (r->text->data[at] == HM_CHANNEL_MARK && next_word(r, &word)
            && is_channel(r, word)) {
            take_channel(r, word, 1);
            from = word.end;
            at = word.end - 1;
        }
    }
    hm_append(r->text, r->text->data + from, r->end - from);
    r->message->content.start = (int32_t)start;
    r->message->content.length = (int32_t)(r->text->length - start);
}

/* An unknown channel counts if a message follows, or a text. */
static void settle_channel(struct repair *r)
{
    if (!is_none(r->channel))
        r->message->channel = span_of(r->channel);
}

static void word_by_word(struct repair *r)
{
    struct word word;

    while (is_none(r->content) && next_word(r, &word)) {
        r->read++;
        if (word.mark == HM_CHANNEL_MARK)
            read_channel(r, word);
        else if (word.mark == HM_CONSTRAIN_MARK)
            read_constrained(r, word);
        else if (r->read == 1)
            read_first(r, word);
        else
            read_plain(r, word);
    }
    settle_content(r);
    settle_author(r);
    settle_type(r);
    settle_channel(r);
}

/* A warning takes a word; words are separated. */
size_t hm_repair_warnings(size_t length)
{
    return length + 8;
}

/* The content or the author, and the content type, are copied. */
uint64_t hm_repair_text(size_t length)
{
    return 2 * (uint64_t)length + CONSTRAIN_LENGTH + 8;
}

void hm_repair_header(hm_buffer *text, size_t start, hm_header_end how,
                      harmony_message *message, hm_warnings *warnings)
{
    struct repair repair = {0};
    size_t i;

    repair.text = text;
    repair.at = start;
    repair.end = text->length;
    repair.how = how;
    repair.message = message;
    repair.warnings = warnings;
    repair.given_role = message->role;
    for (i = start; i < text->length; i++)
        repair.marked |= is_mark(text->data[i]);
    if (!as_written(&repair))
        word_by_word(&repair);
}
