/*
 * Texts from many places to a conversation: they are copied into one block, and
 * messages point into it. Room is got before anything is changed, so a call
 * that fails has done nothing.
 */
#include <stdlib.h>
#include <string.h>

#include "buffer.h"
#include "conversation.h"
#include "error.h"
#include "harmony.h"

struct harmony_builder {
    harmony_conversation conversation; /* what the buffers hold */
    hm_buffer text;
    hm_buffer messages;
};

static void refresh(harmony_builder *builder)
{
    builder->conversation.text = (const char *)builder->text.data;
    builder->conversation.text_length = builder->text.length;
    builder->conversation.messages
        = (const harmony_message *)builder->messages.data;
    builder->conversation.message_count
        = builder->messages.length / sizeof(harmony_message);
}

/* Make room for so many bytes of text and messages. */
static harmony_status prepare(harmony_builder *builder, size_t text,
                              size_t messages, harmony_error *error)
{
    if (text > INT32_MAX - builder->text.length)
        return hm_fail(error, HARMONY_TOO_LARGE, -1,
                       "the texts of a conversation are 2 GiB or more");
    if (hm_reserve(&builder->text, text)
        && hm_reserve(&builder->messages, messages * sizeof(harmony_message)))
        return HARMONY_OK;
    refresh(builder); /* what there is may have moved */
    return hm_fail(error, HARMONY_NO_MEMORY, -1,
                   "no memory for a conversation");
}

/* How long a text is that a caller gives. */
static size_t length_of(const char *text, size_t length)
{
    if (text == NULL)
        return 0;
    return length == HARMONY_NUL_TERMINATED ? strlen(text) : length;
}

/* Copy a text, for which there is room. */
static harmony_span copied(harmony_builder *builder, const char *text,
                           size_t length)
{
    harmony_span span = hm_absent();

    if (text == NULL)
        return span;
    span.start = (int32_t)builder->text.length;
    span.length = (int32_t)length;
    hm_append(&builder->text, text, length);
    return span;
}

/* ---- Making one -------------------------------------------------------- */

harmony_status harmony_builder_new(harmony_builder **builder,
                                   harmony_error *error)
{
    *builder = calloc(1, sizeof **builder);
    if (*builder == NULL)
        return hm_fail(error, HARMONY_NO_MEMORY, -1, "no memory for a builder");
    return HARMONY_OK;
}

void harmony_builder_free(harmony_builder *builder)
{
    if (builder == NULL)
        return;
    hm_release(&builder->text);
    hm_release(&builder->messages);
    free(builder);
}

void harmony_builder_reset(harmony_builder *builder)
{
    builder->text.length = builder->messages.length = 0;
    refresh(builder);
}

const harmony_conversation *harmony_builder_conversation(
    const harmony_builder *builder)
{
    return &builder->conversation;
}

/* ---- Adding ------------------------------------------------------------ */

harmony_status harmony_builder_add(harmony_builder *builder, int32_t role,
                                   const char *content, size_t length,
                                   harmony_error *error)
{
    harmony_message message;
    harmony_status status;

    if (role < HARMONY_ROLE_USER || role > HARMONY_ROLE_CONTINUED)
        return hm_fail(error, HARMONY_BAD_ARGUMENT, -1, "an unknown role");
    if (role == HARMONY_ROLE_CONTINUED && builder->messages.length == 0)
        return hm_fail(error, HARMONY_BAD_ARGUMENT, -1,
                       "the first message continues nothing");
    length = length_of(content, length);
    status = prepare(builder, length, 1, error);
    if (status != HARMONY_OK)
        return status;
    message.role = role;
    message.name = message.recipient = hm_absent();
    message.channel = message.content_type = hm_absent();
    message.content = copied(builder, content, length);
    hm_append(&builder->messages, &message, sizeof message);
    refresh(builder);
    return HARMONY_OK;
}

/* The field with this number, or NULL. */
static harmony_span *field_of(harmony_message *message, int32_t field)
{
    switch (field) {
    case HARMONY_FIELD_NAME:
        return &message->name;
    case HARMONY_FIELD_RECIPIENT:
        return &message->recipient;
    case HARMONY_FIELD_CHANNEL:
        return &message->channel;
    case HARMONY_FIELD_CONTENT_TYPE:
        return &message->content_type;
    default:
        return NULL;
    }
}

harmony_status harmony_builder_set(harmony_builder *builder, int32_t field,
                                   const char *text, size_t length,
                                   harmony_error *error)
{
    size_t count = builder->conversation.message_count;
    harmony_message *last = NULL;
    harmony_span *span = NULL;
    harmony_status status;

    if (count > 0)
        last = (harmony_message *)builder->messages.data + (count - 1);
    if (last != NULL && last->role != HARMONY_ROLE_CONTINUED)
        span = field_of(last, field);
    if (span == NULL)
        return hm_fail(error, HARMONY_BAD_ARGUMENT, -1,
                       "an unknown field, or no message to set it of");
    length = length_of(text, length);
    status = prepare(builder, length, 0, error);
    if (status != HARMONY_OK)
        return status;
    *span = copied(builder, text, length);
    refresh(builder);
    return HARMONY_OK;
}

/* ---- Adding another conversation --------------------------------------- */

/* A message without what is not used of it. */
static harmony_message used(const harmony_message *message)
{
    harmony_message copy = *message;

    if (copy.role == HARMONY_ROLE_CONTINUED) {
        copy.name = copy.recipient = hm_absent();
        copy.channel = copy.content_type = hm_absent();
    }
    return copy;
}

static uint64_t size_of(harmony_span span)
{
    return span.start < 0 ? 0 : (uint64_t)span.length;
}

/* How much text there is to copy: spans may overlap. */
static uint64_t text_of(const harmony_conversation *conversation)
{
    uint64_t size = 0;
    size_t i;

    for (i = 0; i < conversation->message_count; i++) {
        harmony_message message = used(conversation->messages + i);

        size += size_of(message.name) + size_of(message.recipient)
                + size_of(message.channel) + size_of(message.content_type)
                + size_of(message.content);
    }
    return size;
}

/* Copy a span of another conversation, for which there is room. */
static harmony_span moved(harmony_builder *builder,
                          const harmony_conversation *from, harmony_span span)
{
    if (span.start < 0)
        return hm_absent();
    return copied(builder, from->text == NULL ? "" : from->text + span.start,
                  (size_t)span.length);
}

harmony_status harmony_builder_extend(harmony_builder *builder,
                                      const harmony_conversation *conversation,
                                      harmony_error *error)
{
    harmony_status status = hm_check_conversation(conversation, error);
    uint64_t text;
    size_t i;

    if (status != HARMONY_OK)
        return status;
    text = text_of(conversation);
    status = prepare(builder, text > INT32_MAX ? SIZE_MAX : (size_t)text,
                     conversation->message_count, error);
    if (status != HARMONY_OK)
        return status;
    for (i = 0; i < conversation->message_count; i++) {
        harmony_message message = used(conversation->messages + i);

        message.name = moved(builder, conversation, message.name);
        message.recipient = moved(builder, conversation, message.recipient);
        message.channel = moved(builder, conversation, message.channel);
        message.content_type
            = moved(builder, conversation, message.content_type);
        message.content = moved(builder, conversation, message.content);
        hm_append(&builder->messages, &message, sizeof message);
    }
    refresh(builder);
    return HARMONY_OK;
}
