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
#include "options.h"
#include "render.h"

static const char constrain[] = "<|constrain|>";
#define CONSTRAIN_LENGTH (sizeof constrain - 1)

/* Tokens that the frame of one message can have: six special tokens, and the
 * role word, ":", " to=" and " ", at most a token a byte. */
#define FRAME_BOUND 24

/* The size of the first harmony_render_options: a number, once they grow. */
#define FIRST_SIZE sizeof(harmony_render_options)

struct output {
    const harmony_encoding *encoding;
    harmony_cache *cache;
    const harmony_conversation *conversation;
    harmony_render_options options;
    int32_t *tokens;
    size_t capacity;
    size_t count;
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
    harmony_status status
        = harmony_encode(output->encoding, output->cache, text, length, NULL, 0,
                         room > 0 ? output->tokens + output->count : NULL, room,
                         &count, output->error);

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
                           (int64_t)index,
                           "Tools should have a name! That of a tool's message "
                           "is its author's, as in functions.get_weather");
        return put_span(output, message->name);
    }
    word = hm_role_word(message->role);
    status = put_text(output, word, strlen(word));
    if (status == HARMONY_OK && message->name.start >= 0)
        status = put_run(output, ":", message->name);
    return status;
}

static harmony_status put_content_type(struct output *output, harmony_span type)
{
    const char *text = output->conversation->text + type.start;

    if ((size_t)type.length < CONSTRAIN_LENGTH
        || memcmp(text, constrain, CONSTRAIN_LENGTH) != 0)
        return put_run(output, " ", type);
    put_text(output, " ", 1); /* a token, for which no memory is needed */
    put_token(output, HARMONY_TOKEN_CONSTRAIN);
    return put_text(output, text + CONSTRAIN_LENGTH,
                    (size_t)type.length - CONSTRAIN_LENGTH);
}

static harmony_status put_recipient(struct output *output,
                                    harmony_span recipient)
{
    if (recipient.start < 0 || is_text(output, recipient, "all"))
        return HARMONY_OK;
    return put_run(output, " to=", recipient);
}

static harmony_status put_channel(struct output *output, harmony_span channel)
{
    if (channel.start < 0)
        return HARMONY_OK;
    put_token(output, HARMONY_TOKEN_CHANNEL);
    return put_span(output, channel);
}

static harmony_status put_header(struct output *output,
                                 const harmony_message *message, size_t index)
{
    int channel_first = output->options.channel_first
                        && message->role == HARMONY_ROLE_ASSISTANT;
    harmony_status status = put_author(output, message, index);

    if (status == HARMONY_OK && channel_first)
        status = put_channel(output, message->channel);
    if (status == HARMONY_OK)
        status = put_recipient(output, message->recipient);
    if (status == HARMONY_OK && !channel_first)
        status = put_channel(output, message->channel);
    if (status == HARMONY_OK && message->content_type.start >= 0)
        status = put_content_type(output, message->content_type);
    return status;
}

/* ---- Messages ---------------------------------------------------------- */

static int is_answer(const harmony_conversation *conversation,
                     const harmony_message *message)
{
    return message->role == HARMONY_ROLE_ASSISTANT
           && harmony_span_equals(conversation->text, message->channel,
                                  "final");
}

int hm_is_analysis(const harmony_conversation *conversation, size_t index)
{
    return harmony_span_equals(
        conversation->text, conversation->messages[index].channel, "analysis");
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

/* An answer that is trained on ends in <|return|>, even one that has a
 * recipient. */
static void put_stop(struct output *output, const harmony_message *message,
                     int is_last)
{
    if (is_last && output->options.open_last)
        return;
    if (is_last && output->options.training
        && is_answer(output->conversation, message))
        put_token(output, HARMONY_TOKEN_RETURN);
    else if (message->role == HARMONY_ROLE_ASSISTANT
             && message->recipient.start >= 0)
        put_token(output, HARMONY_TOKEN_CALL);
    else
        put_token(output, HARMONY_TOKEN_END);
}

static harmony_status put_message(struct output *output, size_t index,
                                  harmony_part *part)
{
    const harmony_conversation *conversation = output->conversation;
    const harmony_message *messages = conversation->messages;
    size_t next = behind(conversation, index), item;
    harmony_status status;

    put_token(output, HARMONY_TOKEN_START);
    status = put_header(output, messages + index, index);
    put_token(output, HARMONY_TOKEN_MESSAGE);
    part->content = output->count;
    for (item = index; item < next && status == HARMONY_OK; item++)
        if (messages[item].content.start >= 0)
            status = put_span(output, messages[item].content);
    part->end = output->count;
    put_stop(output, messages + index, next == conversation->message_count);
    part->stop = output->count;
    return status;
}

size_t hm_kept_from(const harmony_conversation *conversation, int32_t rule)
{
    const harmony_message *messages = conversation->messages;
    size_t i = conversation->message_count;

    if (rule == HARMONY_DROP_NONE)
        return 0;
    while (i > 0 && !is_answer(conversation, messages + i - 1)
           && (rule == HARMONY_DROP_PER_TURN
               || messages[i - 1].role != HARMONY_ROLE_ASSISTANT))
        i--;
    if (i == 0 || !is_answer(conversation, messages + i - 1))
        return 0;
    if (rule == HARMONY_DROP_PER_TURN)
        return i - 1;
    i = 0;
    while (
        !harmony_span_equals(conversation->text, messages[i].channel, "final"))
        i = behind(conversation, i);
    return i;
}

/* Put all messages; `parts` may be NULL. */
static harmony_status put_messages(struct output *output, harmony_part *parts)
{
    const harmony_conversation *conversation = output->conversation;
    size_t kept_from
        = hm_kept_from(conversation, output->options.drop_analysis);
    size_t i, number = 0;
    harmony_status status = HARMONY_OK;

    for (i = 0; i < conversation->message_count && status == HARMONY_OK;
         i = behind(conversation, i)) {
        harmony_part part;

        part.header = part.content = part.end = part.stop = output->count;
        if (i >= kept_from || !hm_is_analysis(conversation, i))
            status = put_message(output, i, &part);
        if (parts != NULL)
            parts[number++] = part;
    }
    return status;
}

static harmony_status put_next_role(struct output *output)
{
    const char *word;

    if (output->options.next_role == HARMONY_ROLE_NONE)
        return HARMONY_OK;
    put_token(output, HARMONY_TOKEN_START);
    word = hm_role_word(output->options.next_role);
    return put_text(output, word, strlen(word));
}

/* ---- What the caller could get wrong ----------------------------------- */

static harmony_status read_options(const harmony_render_options *given,
                                   harmony_render_options *options,
                                   harmony_error *error)
{
    static const harmony_render_options plain = HARMONY_RENDER_OPTIONS_INIT;

    *options = plain;
    if (given != NULL
        && !hm_read_options(options, sizeof *options, FIRST_SIZE, given))
        return hm_fail(error, HARMONY_BAD_ARGUMENT, -1,
                       "options of a wrong size, or of a newer version");
    if (options->drop_analysis < HARMONY_DROP_NONE
        || options->drop_analysis > HARMONY_DROP_PER_TURN)
        return hm_fail(error, HARMONY_BAD_ARGUMENT, -1,
                       "an unknown rule for dropping analysis");
    if (options->next_role < HARMONY_ROLE_NONE
        || options->next_role >= HM_ROLE_COUNT)
        return hm_fail(error, HARMONY_BAD_ARGUMENT, -1,
                       "the next role is an unknown role");
    if (options->open_last && options->next_role != HARMONY_ROLE_NONE)
        return hm_fail(error, HARMONY_BAD_ARGUMENT, -1,
                       "a next role can't follow a message that is left open");
    return HARMONY_OK;
}

static harmony_status check_conversation(
    const harmony_conversation *conversation, harmony_error *error)
{
    harmony_status status = hm_check_conversation(conversation, error);

    if (status != HARMONY_OK)
        return status;
    /* GCOVR_EXCL_START: with 32 bits alone */
    if (harmony_render_bound(conversation) == SIZE_MAX)
        return hm_fail(error, HARMONY_TOO_LARGE, -1,
                       "perhaps more tokens than there can be memory for");
    /* GCOVR_EXCL_STOP */
    return HARMONY_OK;
}

/* ---- All of it --------------------------------------------------------- */

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
                                    size_t *count, harmony_part *parts,
                                    harmony_error *error)
{
    harmony_conversation given = *conversation;
    struct output output
        = {encoding, cache,        &given, {0, 0, 0, 0, 0, 0}, tokens, capacity,
           0,        {NULL, 0, 0}, error};
    harmony_status status = read_options(options, &output.options, error);

    *count = 0;
    if (given.text == NULL)
        given.text = ""; /* an empty span may point into no text */
    if (status == HARMONY_OK)
        status = check_conversation(conversation, error);
    if (status == HARMONY_OK)
        status = put_messages(&output, parts);
    if (status == HARMONY_OK)
        status = put_next_role(&output);
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
