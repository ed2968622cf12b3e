/*
 * The words of a header, with no knowledge of tokens.
 *
 *     [role] [to=recipient | recipient] [content type]
 *
 * with `<|channel|>word` anywhere among them. The words are separated by ASCII
 * white space; white space of any kind is taken off both ends, and ends the
 * channel's word.
 */
#include "header.h"

#include <string.h>

#include "conversation.h"
#include "error.h"
#include "unicode.h"

static harmony_span span_of(size_t start, size_t end)
{
    harmony_span span = {(int32_t)start, (int32_t)(end - start)};

    return span;
}

int32_t hm_role_of_word(const uint8_t *word, size_t length)
{
    int32_t role;

    for (role = 0; role < HM_ROLE_COUNT; role++) {
        const char *text = hm_role_word(role);

        if (length == strlen(text) && memcmp(word, text, length) == 0)
            return role;
    }
    return HARMONY_ROLE_NONE;
}

harmony_status hm_take_channel(const hm_header *header, hm_buffer *text,
                               harmony_span *channel, harmony_error *error)
{
    size_t from, to, length, size;
    uint8_t *end = text->data + text->length;

    *channel = hm_absent();
    if (header->channel < 0)
        return HARMONY_OK;
    from = to = (size_t)header->channel;
    while (to < text->length && text->data[to] != '<'
           && !hm_space_at(text->data + to, end, &size))
        to += size;
    length = to - from;
    if (length == 0)
        return hm_fail(
            error, HARMONY_HEADER_NO_CHANNEL, -1,
            "channel marker present but no channel value found in header");
    hm_append(text, text->data + from, length);
    memmove(text->data + from, text->data + to, text->length - to);
    text->length -= length;
    *channel = span_of(text->length - length, text->length);
    return HARMONY_OK;
}

/* The words left to read: text[start ... end), no white space at either end. */
struct words {
    const uint8_t *text;
    size_t start;
    size_t end;
};

static struct words trimmed(const uint8_t *text, size_t start, size_t end)
{
    struct words words = {text, start, end};
    size_t size, last;

    while (words.start < end
           && hm_space_at(text + words.start, text + end, &size))
        words.start += size;
    for (; words.end > words.start; words.end = last) {
        last = words.end - 1;
        while (last > words.start && (text[last] & 0xC0) == 0x80)
            last--;
        if (!hm_space_at(text + last, text + words.end, &size))
            break;
    }
    return words;
}

static harmony_span first_word(const struct words *words)
{
    size_t at = words->start;

    while (at < words->end && !hm_is_gap(words->text[at]))
        at++;
    return span_of(words->start, at);
}

static harmony_span last_word(const struct words *words)
{
    size_t at = words->end;

    while (at > words->start && !hm_is_gap(words->text[at - 1]))
        at--;
    return span_of(at, words->end);
}

static void drop_first(struct words *words)
{
    words->start += (size_t)first_word(words).length;
    while (words->start < words->end && hm_is_gap(words->text[words->start]))
        words->start++;
}

static void drop_last(struct words *words)
{
    words->end -= (size_t)last_word(words).length;
    while (words->end > words->start && hm_is_gap(words->text[words->end - 1]))
        words->end--;
}

static int starts_with(const struct words *words, harmony_span word,
                       const char *start)
{
    size_t length = strlen(start);

    return (size_t)word.length >= length
           && memcmp(words->text + word.start, start, length) == 0;
}

static int is_word(const struct words *words, harmony_span word,
                   const char *other)
{
    return (size_t)word.length == strlen(other)
           && starts_with(words, word, other);
}

/* A recipient's name: what stands behind "to=", or the whole word. */
static harmony_span recipient_of(const struct words *words, harmony_span word)
{
    if (starts_with(words, word, "to=")) {
        word.start += 3;
        word.length -= 3;
    }
    return word;
}

/* The role by the first word; a tool is known by its name. The word of a known
 * role stays, for the next step to drop. */
static harmony_status read_role(struct words *words, harmony_message *message,
                                harmony_error *error)
{
    harmony_span word = first_word(words);

    if (word.length == 0)
        return hm_fail(error, HARMONY_HEADER_NO_ROLE, -1,
                       "message header did not contain a role");
    message->role
        = hm_role_of_word(words->text + word.start, (size_t)word.length);
    if (message->role == HARMONY_ROLE_NONE) {
        if (last_word(words).start == word.start
            && !starts_with(words, word, "to=")) {
            hm_fail(error, HARMONY_HEADER_UNKNOWN_ROLE, -1, "Unknown role: ");
            hm_say_bytes(error, words->text + word.start, (size_t)word.length);
            return HARMONY_HEADER_UNKNOWN_ROLE;
        }
        message->role = HARMONY_ROLE_TOOL;
        drop_first(words);
    }
    if (message->role == HARMONY_ROLE_TOOL)
        message->name = word;
    return HARMONY_OK;
}

static void read_recipient_and_type(struct words *words,
                                    harmony_message *message)
{
    harmony_span last = last_word(words);
    int alone = last.start == (int32_t)words->start;

    drop_last(words);
    if (!alone && !starts_with(words, last, "to=")) {
        message->content_type = last;
        last = last_word(words);
        drop_last(words);
    }
    message->recipient = recipient_of(words, last);
}

static harmony_status extra_words(struct words *words, harmony_error *error)
{
    hm_fail(error, HARMONY_HEADER_EXTRA_WORDS, -1,
            "unexpected tokens remaining in message header: \"");
    while (words->start < words->end) {
        harmony_span word = first_word(words);

        hm_say_bytes(error, words->text + word.start, (size_t)word.length);
        drop_first(words);
        hm_say(error, words->start < words->end ? " " : "\"");
    }
    return HARMONY_HEADER_EXTRA_WORDS;
}

harmony_status hm_read_words(const uint8_t *text, size_t start, size_t end,
                             harmony_message *message, harmony_error *error)
{
    struct words words = trimmed(text, start, end);

    if (message->role == HARMONY_ROLE_NONE) {
        harmony_status status = read_role(&words, message, error);

        if (status != HARMONY_OK)
            return status;
    }
    if (is_word(&words, first_word(&words), hm_role_word(message->role)))
        drop_first(&words);
    if (words.start < words.end)
        read_recipient_and_type(&words, message);
    if (words.start < words.end)
        return extra_words(&words, error);
    return HARMONY_OK;
}

size_t hm_join_words(uint8_t *text, size_t start, size_t end, int32_t role)
{
    struct words words = trimmed(text, start, end);
    size_t to = start;

    if (is_word(&words, first_word(&words), hm_role_word(role)))
        drop_first(&words);
    while (words.start < words.end) {
        harmony_span word = first_word(&words);

        if (to > start)
            text[to++] = ' ';
        memmove(text + to, text + word.start, (size_t)word.length);
        to += (size_t)word.length;
        drop_first(&words);
    }
    return to - start;
}
