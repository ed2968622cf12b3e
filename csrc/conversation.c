/*
 * What a conversation is made of: roles and spans. What a caller could get
 * wrong in one made by hand is checked once, before anything is done with it.
 */
#include "conversation.h"

#include <string.h>

#include "error.h"

static const char *const role_words[HM_ROLE_COUNT] = {
    "user", "assistant", "system", "developer", "tool",
};

const char *hm_role_word(int32_t role)
{
    return role_words[role];
}

harmony_span hm_absent(void)
{
    harmony_span span = {-1, 0};

    return span;
}

int harmony_span_equals(const char *text, harmony_span span, const char *word)
{
    return span.start >= 0 && (size_t)span.length == strlen(word)
           && memcmp(text + span.start, word, (size_t)span.length) == 0;
}

static int inside(const harmony_conversation *conversation, harmony_span span)
{
    return span.start < 0
           || (span.length >= 0
               && (size_t)span.start <= conversation->text_length
               && (size_t)span.length
                      <= conversation->text_length - (size_t)span.start);
}

/* Whether all spans that are used are inside: of a further item of a content,
 * that is its content alone. */
static int is_inside(const harmony_conversation *conversation,
                     const harmony_message *message)
{
    return inside(conversation, message->content)
           && (message->role == HARMONY_ROLE_CONTINUED
               || (inside(conversation, message->name)
                   && inside(conversation, message->recipient)
                   && inside(conversation, message->channel)
                   && inside(conversation, message->content_type)));
}

harmony_status hm_check_conversation(const harmony_conversation *conversation,
                                     harmony_error *error)
{
    size_t i;

    for (i = 0; i < conversation->message_count; i++) {
        const harmony_message *message = conversation->messages + i;

        if (message->role < HARMONY_ROLE_USER
            || message->role > HARMONY_ROLE_CONTINUED)
            return hm_fail(error, HARMONY_BAD_ARGUMENT, (int64_t)i,
                           "a message has an unknown role");
        if (i == 0 && message->role == HARMONY_ROLE_CONTINUED)
            return hm_fail(error, HARMONY_BAD_ARGUMENT, 0,
                           "the first message continues nothing");
        if (!is_inside(conversation, message))
            return hm_fail(error, HARMONY_BAD_ARGUMENT, (int64_t)i,
                           "a message has a span outside the text");
    }
    return HARMONY_OK;
}
