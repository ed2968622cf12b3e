/*
 * Records to tokens: the frame of a message, and which messages are left out.
 *
 * A message is <|start|> header <|message|> content and a stop token. Each run
 * of text between special tokens is encoded apart; where the frame adds to a
 * name (" to=" before a recipient), the two are put together in `run` first.
 */
#include <string.h>

#include "buffer.h"
#include "conversation.h"
#include "error.h"
#include "harmony.h"

static const char constrain[] = "<|constrain|>";
#define CONSTRAIN_LENGTH (sizeof constrain - 1)

/* Tokens that the frame of one message can have: six special tokens, and the
 * role word, ":", " to=" and " ", at most a token a byte. */
#define FRAME_BOUND 24

struct output {
    const harmony_encoding *encoding;
    harmony_cache *cache;
    const harmony_conversation *conversation;
    int32_t *tokens;
    size_t capacity;
    size_t count;
    size_t *ends; /* or NULL */
    hm_buffer run;
    harmony_error *error;
};

static void put_token(struct output *output, int32_t token)
{
    if (output->count < output->capacity)
        output->tokens[output->count] = token;
    output->count++;
}

static harmony_status put_text(struct output *output, const void *text,
                               size_t length)
{
    size_t room = output->count < output->capacity
                      ? output->capacity - output->count
                      : 0;
    size_t count;
    harmony_status status = harmony_encode(
        output->encoding, output->cache, text, length, NULL, 0,
        room > 0 ? output->tokens + output->count : NULL, room, &count,
        output->error);

    output->count += count;
    return status == HARMONY_SHORT_BUFFER ? HARMONY_OK : status;
}

/* One run made of a few words of the frame and a span. */
static harmony_status put_run(struct output *output, const char *before,
                              harmony_span span)
{
    size_t length = strlen(before);

    output->run.length = 0;
    if (!hm_reserve(&output->run, length + (size_t)span.length))
        return hm_fail(output->error, HARMONY_NO_MEMORY, -1,
                       "no memory for a header");
    hm_append(&output->run, before, length);
    hm_append(&output->run, output->conversation->text + span.start,
              (size_t)span.length);
    return put_text(output, output->run.data, output->run.length);
}

static harmony_status put_span(struct output *output, harmony_span span)
{
    return put_text(output, output->conversation->text + span.start,
                    (size_t)span.length);
}

static int is_text(const struct output *output, harmony_span span,
                   const char *word)
{
    return harmony_span_equals(output->conversation->text, span, word);
}

static harmony_status put_author(struct output *output,
                                 const harmony_message *message, size_t index)
{
    const char *word;
    harmony_status status;

    if (message->role == HARMONY_ROLE_TOOL) {
        if (message->name.start < 0)
            return hm_fail(output->error, HARMONY_TOOL_WITHOUT_NAME,
                           (int64_t)index, "Tools should have a name!");
        return put_span(output, message->name);
    }
    word = hm_role_word(message->role);
    status = put_text(output, word, strlen(word));
    if (status == HARMONY_OK && message->name.start >= 0)
        status = put_run(output, ":", message->name);
    return status;
}

static harmony_status put_content_type(struct output *output,
                                       harmony_span type)
{
    const char *text = output->conversation->text + type.start;
    harmony_status status;

    if ((size_t)type.length < CONSTRAIN_LENGTH
        || memcmp(text, constrain, CONSTRAIN_LENGTH) != 0)
        return put_run(output, " ", type);
    status = put_text(output, " ", 1);
    if (status != HARMONY_OK)
        return status;
    put_token(output, HARMONY_TOKEN_CONSTRAIN);
    return put_text(output, text + CONSTRAIN_LENGTH,
                    (size_t)type.length - CONSTRAIN_LENGTH);
}

static harmony_status put_header(struct output *output,
                                 const harmony_message *message, size_t index)
{
    harmony_status status = put_author(output, message, index);

    if (status == HARMONY_OK && message->recipient.start >= 0
        && !is_text(output, message->recipient, "all"))
        status = put_run(output, " to=", message->recipient);
    if (status == HARMONY_OK && message->channel.start >= 0) {
        put_token(output, HARMONY_TOKEN_CHANNEL);
        status = put_span(output, message->channel);
    }
    if (status == HARMONY_OK && message->content_type.start >= 0)
        status = put_content_type(output, message->content_type);
    return status;
}

static int32_t stop_token(const harmony_message *message)
{
    return message->role == HARMONY_ROLE_ASSISTANT
                   && message->recipient.start >= 0
               ? HARMONY_TOKEN_CALL
               : HARMONY_TOKEN_END;
}

/* The index behind a message and the further items of its content. */
static size_t behind(const harmony_conversation *conversation, size_t index)
{
    do
        index++;
    while (index < conversation->message_count
           && conversation->messages[index].role == HARMONY_ROLE_CONTINUED);
    return index;
}

static harmony_status put_message(struct output *output, size_t index)
{
    const harmony_message *messages = output->conversation->messages;
    size_t next = behind(output->conversation, index), item;
    harmony_status status;

    put_token(output, HARMONY_TOKEN_START);
    status = put_header(output, messages + index, index);
    put_token(output, HARMONY_TOKEN_MESSAGE);
    for (item = index; item < next && status == HARMONY_OK; item++)
        if (messages[item].content.start >= 0)
            status = put_span(output, messages[item].content);
    put_token(output, stop_token(messages + index));
    return status;
}

/* The index before which analysis is left out: that of the first message on
 * channel final, if the assistant's last message is on it too; else 0. */
static size_t dropped_before(const struct output *output)
{
    const harmony_conversation *conversation = output->conversation;
    const harmony_message *messages = conversation->messages;
    size_t i = conversation->message_count;

    while (i > 0 && messages[i - 1].role != HARMONY_ROLE_ASSISTANT)
        i--;
    if (i == 0 || !is_text(output, messages[i - 1].channel, "final"))
        return 0;
    i = 0;
    while (!is_text(output, messages[i].channel, "final"))
        i = behind(conversation, i);
    return i;
}

static harmony_status put_messages(struct output *output, size_t keep_from)
{
    const harmony_conversation *conversation = output->conversation;
    harmony_status status = HARMONY_OK;
    size_t i, number = 0;

    for (i = 0; i < conversation->message_count && status == HARMONY_OK;
         i = behind(conversation, i)) {
        if (i >= keep_from
            || !is_text(output, conversation->messages[i].channel, "analysis"))
            status = put_message(output, i);
        if (output->ends != NULL)
            output->ends[number++] = output->count;
    }
    return status;
}

/* Turn the last stop token into <|return|> if the assistant's final answer is
 * the last message, even one that has a recipient and so ended in <|call|>. */
static void end_for_training(struct output *output)
{
    const harmony_conversation *conversation = output->conversation;
    size_t last = conversation->message_count;

    while (last > 0
           && conversation->messages[last - 1].role == HARMONY_ROLE_CONTINUED)
        last--;
    if (last == 0 || output->count == 0 || output->count > output->capacity)
        return;
    if (conversation->messages[last - 1].role == HARMONY_ROLE_ASSISTANT
        && is_text(output, conversation->messages[last - 1].channel, "final"))
        output->tokens[output->count - 1] = HARMONY_TOKEN_RETURN;
}

/* Check what the caller could get wrong, once, before anything is rendered. */
static harmony_status check(const harmony_conversation *conversation,
                            harmony_error *error)
{
    harmony_status status = hm_check_conversation(conversation, error);

    if (status == HARMONY_OK && harmony_render_bound(conversation) == SIZE_MAX)
        status = hm_fail(error, HARMONY_TOO_LARGE, -1,
                         "perhaps more tokens than there can be memory for");
    return status;
}

static harmony_status put_next_role(struct output *output, int32_t role)
{
    const char *word;

    if (role == HARMONY_ROLE_NONE)
        return HARMONY_OK;
    if (role < HARMONY_ROLE_USER || role > HARMONY_ROLE_TOOL)
        return hm_fail(output->error, HARMONY_BAD_ARGUMENT, -1,
                       "the next role is an unknown role");
    put_token(output, HARMONY_TOKEN_START);
    word = hm_role_word(role);
    return put_text(output, word, strlen(word));
}

harmony_status harmony_render(const harmony_encoding *encoding,
                              harmony_cache *cache,
                              const harmony_conversation *conversation,
                              const harmony_render_options *options,
                              int32_t *tokens, size_t capacity, size_t *count,
                              harmony_error *error)
{
    return harmony_render_parts(encoding, cache, conversation, options, tokens,
                                capacity, count, NULL, error);
}

harmony_status harmony_render_parts(const harmony_encoding *encoding,
                                    harmony_cache *cache,
                                    const harmony_conversation *conversation,
                                    const harmony_render_options *options,
                                    int32_t *tokens, size_t capacity,
                                    size_t *count, size_t *ends,
                                    harmony_error *error)
{
    static const harmony_render_options plain = {0, HARMONY_ROLE_NONE, 0};
    harmony_conversation given = *conversation;
    struct output output = {encoding, cache, &given, tokens,       capacity,
                            0,        ends,  {NULL, 0, 0}, error};
    harmony_status status = check(conversation, error);

    *count = 0;
    if (given.text == NULL)
        given.text = ""; /* an empty span may point into no text */
    if (options == NULL)
        options = &plain;
    if (status == HARMONY_OK)
        status = put_messages(
            &output, options->drop_analysis ? dropped_before(&output) : 0);
    if (status == HARMONY_OK && options->training)
        end_for_training(&output);
    if (status == HARMONY_OK)
        status = put_next_role(&output, options->next_role);
    hm_release(&output.run);
    if (status != HARMONY_OK)
        return status;
    *count = output.count;
    if (output.count > capacity)
        return hm_fail(error, HARMONY_SHORT_BUFFER, -1,
                       "there are more tokens than the buffer has room for");
    return HARMONY_OK;
}

static uint64_t length_of(harmony_span span)
{
    return span.start < 0 || span.length < 0 ? 0 : (uint64_t)span.length;
}

/* On a machine of 32 bits the sum can be more than a size_t holds. */
size_t harmony_render_bound(const harmony_conversation *conversation)
{
    uint64_t bound = FRAME_BOUND;
    size_t i;

    for (i = 0; i < conversation->message_count; i++) {
        const harmony_message *message = conversation->messages + i;

        bound += FRAME_BOUND;
        bound += length_of(message->name);
        bound += length_of(message->recipient);
        bound += length_of(message->channel);
        bound += length_of(message->content_type);
        bound += length_of(message->content);
    }
    return bound < SIZE_MAX ? (size_t)bound : SIZE_MAX;
}
