/*
 * libFuzzer on rendering: three bytes of options, messages of a byte for the
 * role and two for each span, and then the text. What can't be rendered is
 * refused. What is rendered decodes to what the frame, written naively, says;
 * its special tokens are those of the frame, whatever the text spells.
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
    size_t i;

    page->options.drop_analysis = fuzz_byte(input) % 2;
    page->options.training = fuzz_byte(input) % 2;
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
           && memcmp(page->conversation.text + span.start, words,
                     strlen(words)) == 0;
}

static int is_all(const struct page *page, harmony_span span, const char *words)
{
    return is(page, span, words) && (size_t)span.length == strlen(words);
}

static void write_header(struct frame *frame, const harmony_message *message)
{
    static const char *const roles[] = {"user", "assistant", "system",
                                        "developer", ""};
    const struct page *page = frame->page;

    write_special(frame, "<|start|>");
    write_words(frame, roles[message->role]);
    write_span(frame, message->role == HARMONY_ROLE_TOOL ? "" : ":",
               message->name);
    if (!is_all(page, message->recipient, "all"))
        write_span(frame, " to=", message->recipient);
    if (message->channel.start >= 0)
        write_special(frame, "<|channel|>");
    write_span(frame, "", message->channel);
    write_span(frame, " ", message->content_type);
    frame->specials += is(page, message->content_type, "<|constrain|>") != 0;
    write_special(frame, "<|message|>");
}

static void write_stop(struct frame *frame, const harmony_message *message,
                       int is_last)
{
    const struct page *page = frame->page;

    if (message->role != HARMONY_ROLE_ASSISTANT)
        write_special(frame, "<|end|>");
    else if (is_last && page->options.training
             && is_all(page, message->channel, "final"))
        write_special(frame, "<|return|>");
    else
        write_special(frame, message->recipient.start < 0 ? "<|end|>"
                                                          : "<|call|>");
}

static void write_page(struct frame *frame)
{
    static const char *const next[] = {"user", "assistant", "system",
                                       "developer", "tool"};
    const struct page *page = frame->page;
    size_t i = 0, first, count = page->conversation.message_count;

    while (i < count) {
        first = i;
        write_header(frame, page->messages + first);
        do
            write_span(frame, "", page->messages[i++].content);
        while (i < count && page->messages[i].role == HARMONY_ROLE_CONTINUED);
        write_stop(frame, page->messages + first, i == count);
    }
    if (page->options.next_role == HARMONY_ROLE_NONE)
        return;
    write_special(frame, "<|start|>");
    write_words(frame, next[page->options.next_role]);
}

/* ---- What must hold ----------------------------------------------------- */

static void check_frame(const struct page *page, const int32_t *tokens,
                        size_t count)
{
    size_t room_for = 16 * harmony_render_bound(&page->conversation), length, i;
    char *bytes = room(room_for);
    struct frame frame = {page, NULL, 0, 0};

    frame.bytes = room(room_for);
    write_page(&frame);
    fuzz_require(harmony_decode(fuzz_encoding(), tokens, count, bytes, room_for,
                                &length, NULL) == HARMONY_OK
                     && length == frame.length
                     && memcmp(bytes, frame.bytes, length) == 0,
                 "it decodes to the frame");
    for (i = 0; i < count; i++)
        frame.specials -= (size_t)harmony_is_special_token(tokens[i]);
    fuzz_require(frame.specials == 0, "special tokens are the frame's");
    free(frame.bytes);
    free(bytes);
}

static void check_render(const struct page *page, size_t count)
{
    size_t messages = page->conversation.message_count, i, found;
    size_t *ends = room(messages * sizeof *ends), capacity;
    int32_t *tokens = room(count * sizeof *tokens), *less;

    for (i = 0; i < messages; i++)
        ends[i] = 0;
    fuzz_require(harmony_render_parts(fuzz_encoding(), fuzz_cache(),
                                      &page->conversation, &page->options,
                                      tokens, count, &found, ends, NULL)
                         == HARMONY_OK && found == count,
                 "there is room for what was counted");
    for (i = 0; i < messages; i++)
        fuzz_require(ends[i] <= count
                         && (i == 0 || ends[i] >= ends[i - 1] || ends[i] == 0),
                     "messages end one after the other");
    for (capacity = 0; capacity < count; capacity += 1 + count / 4) {
        less = room(capacity * sizeof *less);
        fuzz_require(harmony_render(fuzz_encoding(), NULL, &page->conversation,
                                    &page->options, less, capacity, &found,
                                    NULL) == HARMONY_SHORT_BUFFER
                         && found == count,
                     "less room, the same number");
        free(less);
    }
    if (!page->options.drop_analysis)
        check_frame(page, tokens, count);
    free(tokens);
    free(ends);
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
                      || status == HARMONY_TOOL_WITHOUT_NAME) && count == 0,
                     "what can't be rendered is refused");
    free(text);
    return 0;
}
