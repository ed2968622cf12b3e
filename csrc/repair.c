/*
 * Reading a header whatever it holds. One that the strict parser takes, and
 * that render.c would write so,
 *
 *     author [" to=" recipient] [<|channel|> channel] [" " content type]
 *     author [<|channel|> channel] [" to=" recipient] [" " content type]
 *
 * is the strict parser's to read, but for what is_excepted() lists. Any other
 * is read word by word, from left to right:
 *
 * - the word behind <|channel|> is a channel; the last known one counts;
 * - `to=` begins a recipient, which ends where no tool's name goes on, if the
 *   strict parser does not take the header;
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
        if (length == 0)
            return;
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
    size_t start;
    size_t at;  /* where reading goes on */
    size_t end; /* of the header; what is added to the text lies behind */
    hm_header_end how;
    int whole;  /* the strict parser takes the header: no recipient is cut */
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

/* Of something that is missing. */
static void warn_empty(struct repair *r, harmony_warning_kind kind)
{
    hm_warn(r->warnings, kind, "", 0);
}

/* Words where there is no place for any. */
static void leave_over(struct repair *r, struct word word)
{
    warn(r, HARMONY_WARNING_HEADER_WORDS, word);
}

/* ---- As the strict parser reads it -------------------------------------- */

/* Of a word that is not empty. */
static int begins_in_space(const struct repair *r, struct word word)
{
    size_t size;

    return hm_space_at(bytes_of(r, word), r->text->data + word.end, &size);
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

static struct word word_of(harmony_span span)
{
    struct word word = {0, 0, 0};

    if (span.start >= 0) {
        word.start = (size_t)span.start;
        word.end = word.start + (size_t)span.length;
    }
    return word;
}

/* Copy the header to the end of the text as the strict parser collects it. 0 if
 * it has a marker twice: no such header is taken but with a marker in a word.
 */
static int collect_strictly(struct repair *r, hm_header *header)
{
    size_t at, from = r->start;
    int constrained = 0;

    header->start = r->text->length;
    header->channel = -1;
    for (at = r->start; at < r->end; at++) {
        uint8_t byte = r->text->data[at];

        if (!is_mark(byte))
            continue;
        hm_append(r->text, r->text->data + from, at - from);
        from = at + 1;
        if (byte == HM_CHANNEL_MARK ? header->channel >= 0 : constrained)
            return 0;
        if (byte == HM_CHANNEL_MARK) {
            header->channel = (int64_t)r->text->length;
        } else {
            hm_append(r->text, " ", 1);
            hm_append(r->text, constrain, CONSTRAIN_LENGTH);
            constrained = 1;
        }
    }
    hm_append(r->text, r->text->data + from, r->end - from);
    return 1;
}

/* What the strict parser makes of the header, by a copy of it at the end of the
 * text, whose start *copy is; 0 if it refuses it. */
static int read_strictly(struct repair *r, harmony_message *message,
                         size_t *copy)
{
    hm_header header;

    *copy = r->text->length;
    *message = *r->message;
    message->role = r->given_role;
    message->name = message->recipient = message->channel = hm_absent();
    message->content_type = hm_absent();
    return collect_strictly(r, &header)
           && hm_take_channel(&header, r->text, &message->channel, NULL)
                  == HARMONY_OK
           && hm_read_words(r->text->data, header.start,
                            r->text->length - (size_t)message->channel.length,
                            message, NULL)
                  == HARMONY_OK;
}

/* Whether the header goes on at *at with these bytes; then *at moves on. */
static int goes_on(const struct repair *r, size_t *at, const void *bytes,
                   size_t length)
{
    if (length > r->end - *at
        || memcmp(r->text->data + *at, bytes, length) != 0)
        return 0;
    *at += length;
    return 1;
}

static int goes_on_with(const struct repair *r, size_t *at, harmony_span span)
{
    return goes_on(r, at, r->text->data + span.start, (size_t)span.length);
}

/* Nothing is written of an author whose role is given. */
static int is_author_written(const struct repair *r,
                             const harmony_message *message, size_t *at)
{
    const char *role = hm_role_word(message->role);

    if (r->given_role != HARMONY_ROLE_NONE)
        return r->given_role != HARMONY_ROLE_TOOL;
    if (message->role == HARMONY_ROLE_TOOL)
        return goes_on_with(r, at, message->name);
    return goes_on(r, at, role, strlen(role))
           && (message->name.start < 0
               /* GCOVR_EXCL_START: a name was read behind its role and colon */
               || (goes_on(r, at, ":", 1)
                   && goes_on_with(r, at, message->name)));
    /* GCOVR_EXCL_STOP */
}

static int is_recipient_written(const struct repair *r,
                                const harmony_message *message, size_t *at)
{
    return message->recipient.start < 0
           || (goes_on(r, at, " to=", 4)
               && goes_on_with(r, at, message->recipient));
}

static int is_channel_written(const struct repair *r,
                              const harmony_message *message, size_t *at)
{
    static const uint8_t mark = HM_CHANNEL_MARK;

    return message->channel.start < 0
           || (goes_on(r, at, &mark, 1)
               && goes_on_with(r, at, message->channel));
}

static int is_type_written(const struct repair *r,
                           const harmony_message *message, size_t *at)
{
    static const uint8_t mark = HM_CONSTRAIN_MARK;
    struct word type = word_of(message->content_type);

    if (message->content_type.start < 0)
        return 1;
    if (!goes_on(r, at, " ", 1))
        return 0;
    if (begins_with(r, type, constrain)) {
        type.start += CONSTRAIN_LENGTH;
        if (!goes_on(r, at, &mark, 1))
            return 0;
    }
    return goes_on_with(r, at, span_of(type));
}

/* Whether the header is what render.c writes of a message, with the channel
 * behind the recipient or, as models write it, before. */
static int is_written(const struct repair *r, const harmony_message *message)
{
    size_t author = r->start, at, first;

    if (!is_author_written(r, message, &author))
        return 0;
    at = first = author;
    if (is_recipient_written(r, message, &at)
        && is_channel_written(r, message, &at)
        && is_type_written(r, message, &at) && at == r->end)
        return 1;
    return is_channel_written(r, message, &first)
           && is_recipient_written(r, message, &first)
           && is_type_written(r, message, &first) && first == r->end;
}

/* A word without the punctuation around it. */
static struct word without_punctuation(const struct repair *r, struct word word)
{
    const uint8_t *at = bytes_of(r, word), *end = r->text->data + word.end;
    size_t size;

    word.end = word.start;
    for (; at < end; at += size) {
        if (hm_class_at(at, end, &size) != HM_OTHER)
            word.end = (size_t)(at - r->text->data) + size;
        else if (word.end == word.start)
            word.start = word.end = word.end + size;
    }
    return word;
}

/* A channel like `analysis?`. */
static int is_spoiled_channel(const struct repair *r, struct word word)
{
    return !is_channel(r, word) && is_channel(r, without_punctuation(r, word));
}

/* Quotes before a recipient are no part of its name. */
static int is_quoted(const struct repair *r, struct word word)
{
    return length_of(word) > 1 && memchr("\"'`", *bytes_of(r, word), 3) != NULL;
}

/* `functions.` alone: it says that a tool is meant, but not which. */
static int is_bare_namespace(const struct repair *r, struct word word)
{
    return is_text(r, word, "functions.");
}

/* A role with a colon and no name behind it. */
static int is_bare_role(const struct repair *r, struct word word)
{
    if (length_of(word) == 0 || r->text->data[word.end - 1] != ':')
        return 0;
    word.end--;
    return role_of(r, word) != HARMONY_ROLE_NONE;
}

/* What is read otherwise though the strict parser takes it: the closed list in
 * docs/python.md. Without <|start|> a name may be anything. */
static int is_excepted(const struct repair *r, const harmony_message *message)
{
    struct word name = word_of(message->name);
    struct word recipient = word_of(message->recipient);
    struct word channel = word_of(message->channel);
    struct word type = word_of(message->content_type);

    if (begins_with(r, type, constrain))
        type.start += CONSTRAIN_LENGTH;
    return (r->how == HM_ENDED_UNSTARTED && length_of(name) > 0)
           || has_marker_text(r, recipient) || has_marker_text(r, type)
           || begins_with(r, name, "to=") || is_bare_role(r, name)
           || is_bare_namespace(r, recipient) || is_quoted(r, recipient)
           || is_spoiled_channel(r, channel);
}

static void move_back(harmony_span *span, size_t by)
{
    if (span->start >= 0)
        span->start -= (int32_t)by;
}

/* The copy takes the place of the header. */
static void keep_copy(struct repair *r, harmony_message *message, size_t copy)
{
    size_t by = copy - r->start;

    memmove(r->text->data + r->start, r->text->data + copy,
            r->text->length - copy);
    r->text->length -= by;
    move_back(&message->name, by);
    move_back(&message->recipient, by);
    move_back(&message->channel, by);
    move_back(&message->content_type, by);
    *r->message = *message;
}

/* Read the header as the strict parser does, if it is written as it should be;
 * otherwise 0. */
static int as_written(struct repair *r)
{
    harmony_message message;
    size_t copy;

    if (r->how == HM_ENDED_BY_STOP)
        return 0;
    r->whole = read_strictly(r, &message, &copy);
    if (r->whole && is_written(r, &message) && !is_excepted(r, &message)) {
        keep_copy(r, &message, copy);
        return 1;
    }
    r->text->length = copy;
    return 0;
}

static int is_same(const struct repair *r, harmony_span a, harmony_span b)
{
    if (a.start < 0 || b.start < 0)
        return (a.start < 0) == (b.start < 0);
    /* GCOVR_EXCL_BR_START: no header is known that only the bytes tell apart */
    return a.length == b.length
           && memcmp(r->text->data + a.start, r->text->data + b.start,
                     (size_t)a.length)
                  == 0;
    /* GCOVR_EXCL_BR_STOP */
}

/* One warning of where the message is another than the strict parser's. */
static void warn_of_difference(struct repair *r, const harmony_message *strict)
{
    const harmony_message *message = r->message;
    struct word recipient = word_of(strict->recipient);

    if (message->role != strict->role
        || !is_same(r, message->name, strict->name))
        warn_empty(r, HARMONY_WARNING_ROLE);
    else if (!is_same(r, message->channel, strict->channel))
        warn_empty(r, HARMONY_WARNING_CHANNEL);
    else if (!is_same(r, message->recipient, strict->recipient))
        hm_warn(r->warnings, HARMONY_WARNING_RECIPIENT, bytes_of(r, recipient),
                length_of(recipient));
    else if (!is_same(r, message->content_type, strict->content_type))
        warn_empty(r, HARMONY_WARNING_CONTENT_TYPE);
}

/* No repair is silent: a header that was read without a warning is read as the
 * strict parser reads it, or is what render.c writes of the message. */
static void break_silence(struct repair *r)
{
    harmony_message strict;
    size_t copy;

    if (read_strictly(r, &strict, &copy))
        warn_of_difference(r, &strict);
    else if (!is_written(r, r->message))
        warn_empty(r, HARMONY_WARNING_HEADER_WORDS);
    r->text->length = copy;
}

/* ---- Word by word ------------------------------------------------------- */

/* Add a content type with its marker to the text. */
static harmony_span constrained_type(struct repair *r, struct word word)
{
    struct word type = {0, r->text->length, 0};

    hm_append(r->text, constrain, CONSTRAIN_LENGTH);
    hm_append(r->text, bytes_of(r, word), length_of(word));
    type.end = r->text->length;
    return span_of(type);
}

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

/* A tool's whole name where a recipient without `to=` may stand. */
static int is_tool(const struct repair *r, struct word word)
{
    return r->message->recipient.start < 0
           && (begins_with(r, word, "functions.")
               || begins_with(r, word, "browser.")
               || (r->how != HM_ENDED_BY_STOP && is_text(r, word, "python")));
}

/* Whether an unknown word in a channel's place begins a text: other words
 * follow it at once, and then the end. */
static int begins_text(struct repair *r, struct word word)
{
    size_t at = r->at;
    struct word next;
    int found = r->how == HM_ENDED_BY_STOP && length_of(word) > 0
                && !begins_with(r, word, "to=") && next_word(r, &next)
                && next.mark == 0 && !begins_with(r, next, "to=")
                && !is_tool(r, next);

    r->at = at;
    return found;
}

static void read_channel(struct repair *r, struct word word)
{
    const char *known = beginning(r, word, channels, COUNT(channels));
    struct word channel = word;
    size_t n;

    stop_expecting_type(r);
    if (known == NULL && begins_text(r, word)) {
        begin_content(r, word);
        return;
    }
    if (r->how != HM_ENDED_BY_STOP && is_spoiled_channel(r, word)) {
        warn(r, HARMONY_WARNING_CHANNEL, word);
        take_channel(r, without_punctuation(r, word), 1);
        expect_type(r);
        return;
    }
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
        warn_empty(r, HARMONY_WARNING_CHANNEL);
    expect_type(r);
    read_rest(r, word, length_of(channel));
}

/* A recipient, whose name is the beginning of `name`; `word` is all of it, from
 * its `to=` on. What follows the name is no part of it. */
static void take_recipient(struct repair *r, struct word word, struct word name)
{
    struct word rest = name;

    stop_expecting_type(r);
    if (!r->whole || has_marker_text(r, name))
        name.end = name.start + name_length(r, name);
    rest.start = word.end = name.end;
    if (is_bare_namespace(r, name)) {
        warn(r, HARMONY_WARNING_RECIPIENT, word);
    } else {
        warn(r, HARMONY_WARNING_RECIPIENT, r->recipient);
        r->recipient = word;
        r->message->recipient = span_of(name);
    }
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
    if (length_of(name) == 0)
        next_word(r, &name);
    quote = name;
    quote.end = quote.start;
    if (is_quoted(r, name)) {
        name.start++;
        quote.end++;
        r->whole = 0;
    }
    if (name.mark != 0 || (!r->whole && name_length(r, name) == 0)) {
        stop_expecting_type(r);
        r->at = at;
        leave_over(r, word);
        return;
    }
    warn(r, HARMONY_WARNING_RECIPIENT, quote);
    take_recipient(r, word, name);
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
        warn_empty(r, HARMONY_WARNING_CONTENT_TYPE);
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
    if (is_bare_role(r, word)) {
        role.start = role.end;
        role.end = word.end;
        warn(r, HARMONY_WARNING_ROLE, role);
        return 1;
    }
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

/* A tool is known by a dot in its name; the word does not begin with `to=`. */
static int read_tool(struct repair *r, struct word word)
{
    size_t n = name_length(r, word);
    struct word name = word, rest = word;

    if (r->how == HM_ENDED_BY_STOP && n < length_of(word))
        return 0;
    if (!is_text(r, word, "python")
        && (n < 2 || memchr(bytes_of(r, word) + 1, '.', n - 1) == NULL))
        return 0;
    r->message->role = HARMONY_ROLE_TOOL;
    name.end = rest.start = word.start + n;
    if (is_bare_namespace(r, name))
        warn(r, HARMONY_WARNING_ROLE, name);
    else
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
        if (!is_bare_namespace(r, word))
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
            warn(r, HARMONY_WARNING_ROLE, r->stranger);
        } else {
            leave_over(r, r->stranger);
        }
    }
    if (message->role == HARMONY_ROLE_NONE) {
        warn_empty(r, HARMONY_WARNING_ROLE);
        message->role = HARMONY_ROLE_ASSISTANT;
    }
    if (message->role == HARMONY_ROLE_TOOL && message->name.start < 0) {
        name.start = r->text->length;
        hm_append(r->text, "tool", 4);
        name.end = r->text->length;
        message->name = span_of(name);
        warn_empty(r, HARMONY_WARNING_ROLE);
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

/* Add a part of the content to the text, from where the content starts in it. A
 * marker that parted two words leaves a space between them. */
static void add_content(struct repair *r, size_t start, struct word part)
{
    struct word before = {0, start, r->text->length};

    if (length_of(part) > 0 && length_of(before) > 0
        && !ends_in_space(r, before) && !begins_in_space(r, part))
        hm_append(r->text, " ", 1);
    hm_append(r->text, bytes_of(r, part), length_of(part));
}

/* The content is the rest of the header, without marks and channels in it,
 * added to the text. */
static void settle_content(struct repair *r)
{
    size_t start = r->text->length, at;
    struct word word, part = r->content;

    if (is_none(r->content))
        return;
    for (at = part.start; at < r->end; at++) {
        if (!is_mark(r->text->data[at]))
            continue;
        part.end = at;
        add_content(r, start, part);
        part.start = at + 1;
        r->at = at;
        next_word(r, &word);
        if (word.mark == HM_CHANNEL_MARK && is_channel(r, word)) {
            take_channel(r, word, 1);
            part.start = word.end;
            at = word.end - 1;
        }
    }
    part.end = r->end;
    add_content(r, start, part);
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

/* The content or the author, and the content type, are copied; and the header,
 * with its channel once more. */
uint64_t hm_repair_text(size_t length)
{
    return 4 * (uint64_t)length + 2 * CONSTRAIN_LENGTH + 9;
}

void hm_repair_header(hm_buffer *text, size_t start, hm_header_end how,
                      harmony_message *message, hm_warnings *warnings)
{
    struct repair repair = {0};
    size_t i, warned = warnings->text.length + warnings->list.length;

    repair.text = text;
    repair.start = repair.at = start;
    repair.end = text->length;
    repair.how = how;
    repair.message = message;
    repair.warnings = warnings;
    repair.given_role = message->role;
    if (as_written(&repair))
        return;
    for (i = start; i < repair.end; i++)
        repair.marked |= is_mark(text->data[i]);
    word_by_word(&repair);
    if (how == HM_ENDED_BY_MESSAGE
        && warned == warnings->text.length + warnings->list.length)
        break_silence(&repair);
}
