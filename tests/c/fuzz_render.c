/*
 * libFuzzer on rendering: three bytes of options, messages of a byte for the
 * role and two for each span, and then the text. What can't be rendered is
 * refused. What is rendered decodes to what the frame, written naively, says,
 * part by part; its special tokens are those of the frame, whatever the text
 * spells.
 */
#include "fuzz.h"

#define MOST 12

struct page {
    harmony_conversation conversation;
    harmony_message messages[MOST];
    harmony_render_options options;
};

static harmony_span read_span(fuzz_input *input)
{
    harmony_span span;

    span.start = (int8_t)fuzz_byte(input);
    span.length = (int8_t)fuzz_byte(input);
    return span;
}

static void read_page(fuzz_input *input, struct page *page)
{
    static const harmony_render_options plain = HARMONY_RENDER_OPTIONS_INIT;
    uint8_t bits;
    size_t i;

    page->options = plain;
    page->options.drop_analysis = fuzz_byte(input) % 4;
    bits = fuzz_byte(input);
    page->options.training = bits & 1;
    page->options.channel_first = bits >> 1 & 1;
    page->options.open_last = bits >> 2 & 1;
    page->options.next_role = fuzz_byte(input) % 8 - 2;
    page->conversation.message_count = fuzz_byte(input) % (MOST + 1);
    for (i = 0; i < page->conversation.message_count; i++) {
        harmony_message *message = page->messages + i;

        message->role = fuzz_byte(input) % 8 - 1;
        message->name = read_span(input);
        message->recipient = read_span(input);
        message->channel = read_span(input);
        message->content_type = read_span(input);
        message->content = read_span(input);
    }
}

/* ---- Written naively --------------------------------------------------- */

struct frame {
    const struct page *page;
    char *bytes;
    size_t length;
    size_t specials;
    harmony_part parts[MOST]; /* in bytes */
};

static void write_words(struct frame *frame, const char *words)
{
    memcpy(frame->bytes + frame->length, words, strlen(words));
    frame->length += strlen(words);
}

static void write_special(struct frame *frame, const char *words)
{
    write_words(frame, words);
    frame->specials++;
}

static void write_span(struct frame *frame, const char *before,
                       harmony_span span)
{
    if (span.start < 0)
        return;
    write_words(frame, before);
    memcpy(frame->bytes + frame->length,
           frame->page->conversation.text + span.start, (size_t)span.length);
    frame->length += (size_t)span.length;
}

static int is(const struct page *page, harmony_span span, const char *words)
{
    return span.start >= 0 && (size_t)span.length >= strlen(words)
           && memcmp(page->conversation.text + span.start, words, strlen(words))
                  == 0;
}

static int is_all(const struct page *page, harmony_span span, const char *words)
{
    return is(page, span, words) && (size_t)span.length == strlen(words);
}

static void write_recipient(struct frame *frame, const harmony_message *message)
{
    if (!is_all(frame->page, message->recipient, "all"))
        write_span(frame, " to=", message->recipient);
}

static void write_channel(struct frame *frame, const harmony_message *message)
{
    if (message->channel.start >= 0)
        write_special(frame, "<|channel|>");
    write_span(frame, "", message->channel);
}

static void write_header(struct frame *frame, const harmony_message *message)
{
    static const char *const roles[]
        = {"user", "assistant", "system", "developer", ""};
    const struct page *page = frame->page;

    write_special(frame, "<|start|>");
    write_words(frame, roles[message->role]);
    write_span(frame, message->role == HARMONY_ROLE_TOOL ? "" : ":",
               message->name);
    if (page->options.channel_first
        && message->role == HARMONY_ROLE_ASSISTANT) {
        write_channel(frame, message);
        write_recipient(frame, message);
    } else {
        write_recipient(frame, message);
        write_channel(frame, message);
    }
    write_span(frame, " ", message->content_type);
    frame->specials += is(page, message->content_type, "<|constrain|>") != 0;
    write_special(frame, "<|message|>");
}

static void write_stop(struct frame *frame, const harmony_message *message,
                       int is_last)
{
    const struct page *page = frame->page;

    if (is_last && page->options.open_last)
        return;
    if (message->role != HARMONY_ROLE_ASSISTANT)
        write_special(frame, "<|end|>");
    else if (is_last && page->options.training
             && is_all(page, message->channel, "final"))
        write_special(frame, "<|return|>");
    else
        write_special(frame,
                      message->recipient.start < 0 ? "<|end|>" : "<|call|>");
}

/* Whether a message is on channel final, and that of an author who counts. */
static int is_final(const struct page *page, size_t index, int by_whom)
{
    const harmony_message *message = page->messages + index;

    return message->role != HARMONY_ROLE_CONTINUED
           && (by_whom < 0 || message->role == by_whom)
           && is_all(page, message->channel, "final");
}

/* The rules as sentences, about one message. */
static int is_left_out(const struct page *page, size_t index)
{
    size_t i, count = page->conversation.message_count;
    int ends_final = 0, before = 1, behind = 0;

    for (i = 0; i < count; i++) {
        if (page->messages[i].role == HARMONY_ROLE_ASSISTANT)
            ends_final = is_final(page, i, HARMONY_ROLE_ASSISTANT);
        if (i <= index && is_final(page, i, -1))
            before = 0;
        if (i > index && is_final(page, i, HARMONY_ROLE_ASSISTANT))
            behind = 1;
    }
    if (!is_all(page, page->messages[index].channel, "analysis"))
        return 0;
    if (page->options.drop_analysis == HARMONY_DROP_UPSTREAM)
        return ends_final && before;
    return page->options.drop_analysis == HARMONY_DROP_PER_TURN && behind;
}

/* Write the message at `first`; the number of its records. */
static size_t write_message(struct frame *frame, size_t first,
                            harmony_part *part)
{
    const struct page *page = frame->page;
    size_t i = first, count = page->conversation.message_count;
    int left_out = is_left_out(page, first);

    part->header = part->content = part->end = part->stop = frame->length;
    if (!left_out)
        write_header(frame, page->messages + first);
    part->content = frame->length;
    do {
        if (!left_out)
            write_span(frame, "", page->messages[i].content);
        i++;
    } while (i < count && page->messages[i].role == HARMONY_ROLE_CONTINUED);
    part->end = frame->length;
    if (!left_out)
        write_stop(frame, page->messages + first, i == count);
    part->stop = frame->length;
    return i - first;
}

static void write_page(struct frame *frame)
{
    static const char *const next[]
        = {"user", "assistant", "system", "developer", "tool"};
    const struct page *page = frame->page;
    harmony_part *part = frame->parts;
    size_t i = 0;

    while (i < page->conversation.message_count)
        i += write_message(frame, i, part++);
    if (page->options.next_role == HARMONY_ROLE_NONE)
        return;
    write_special(frame, "<|start|>");
    write_words(frame, next[page->options.next_role]);
}

/* ---- What must hold ----------------------------------------------------- */

/* The bytes of the first so many tokens. */
static size_t bytes_of(const int32_t *tokens, size_t count)
{
    size_t length;

    harmony_decode(fuzz_encoding(), tokens, count, NULL, 0, &length, NULL);
    return length;
}

static void check_parts(const struct frame *frame, const int32_t *tokens,
                        const harmony_part *parts)
{
    const struct page *page = frame->page;
    const harmony_part *wanted = frame->parts;
    size_t i;

    for (i = 0; i < page->conversation.message_count; i++) {
        if (page->messages[i].role == HARMONY_ROLE_CONTINUED)
            continue;
        fuzz_require(bytes_of(tokens, parts->header) == wanted->header
                         && bytes_of(tokens, parts->content) == wanted->content
                         && bytes_of(tokens, parts->end) == wanted->end
                         && bytes_of(tokens, parts->stop) == wanted->stop,
                     "parts are those of the frame");
        parts++;
        wanted++;
    }
}

static void check_frame(const struct page *page, const int32_t *tokens,
                        size_t count, const harmony_part *parts)
{
    size_t room_for = 16 * harmony_render_bound(&page->conversation), length, i;
    char *bytes = room(room_for);
    struct frame frame;

    frame.page = page;
    frame.bytes = room(room_for);
    frame.length = frame.specials = 0;
    write_page(&frame);
    fuzz_require(harmony_decode(fuzz_encoding(), tokens, count, bytes, room_for,
                                &length, NULL)
                         == HARMONY_OK
                     && length == frame.length
                     && memcmp(bytes, frame.bytes, length) == 0,
                 "it decodes to the frame");
    for (i = 0; i < count; i++)
        frame.specials -= (size_t)harmony_is_special_token(tokens[i]);
    fuzz_require(frame.specials == 0, "special tokens are the frame's");
    check_parts(&frame, tokens, parts);
    free(frame.bytes);
    free(bytes);
}

static void check_render(const struct page *page, size_t count)
{
    size_t found, capacity;
    harmony_part *parts
        = room(page->conversation.message_count * sizeof *parts);
    int32_t *tokens = room(count * sizeof *tokens), *less;

    fuzz_require(harmony_render_parts(fuzz_encoding(), fuzz_cache(),
                                      &page->conversation, &page->options,
                                      tokens, count, &found, parts, NULL)
                         == HARMONY_OK
                     && found == count,
                 "there is room for what was counted");
    for (capacity = 0; capacity < count; capacity += 1 + count / 4) {
        less = room(capacity * sizeof *less);
        fuzz_require(harmony_render(fuzz_encoding(), NULL, &page->conversation,
                                    &page->options, less, capacity, &found,
                                    NULL)
                             == HARMONY_SHORT_BUFFER
                         && found == count,
                     "less room, the same number");
        free(less);
    }
    check_frame(page, tokens, count, parts);
    free(tokens);
    free(parts);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    fuzz_input input = {data, data + size};
    struct page page;
    harmony_status status;
    size_t count;
    char *text;

    read_page(&input, &page);
    page.conversation.messages = page.messages;
    page.conversation.text_length = (size_t)(input.end - input.at);
    text = exact_copy(input.at, page.conversation.text_length);
    page.conversation.text = text;
    status = harmony_render(fuzz_encoding(), NULL, &page.conversation,
                            &page.options, NULL, 0, &count, NULL);
    fuzz_require(count <= harmony_render_bound(&page.conversation),
                 "the bound holds");
    if (status == HARMONY_SHORT_BUFFER || status == HARMONY_OK)
        check_render(&page, count);
    else
        fuzz_require((status == HARMONY_BAD_ARGUMENT
                      || status == HARMONY_TOOL_WITHOUT_NAME)
                         && count == 0,
                     "what can't be rendered is refused");
    free(text);
    return 0;
}
