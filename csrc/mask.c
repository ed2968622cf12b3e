/*
 * Which tokens of rendered messages are trained on: of each message by the
 * assistant one run of tokens, up to its end.
 *
 * Where the run begins is told by the parts of the message alone. Tokens are
 * never looked at: text that spells a special token can't move it.
 */
#include "mask.h"

#include <string.h>

#include "conversation.h"
#include "error.h"
#include "options.h"

/* The size of the first harmony_mask_options: a number, once they grow. */
#define FIRST_SIZE sizeof(harmony_mask_options)

harmony_status hm_read_mask(const harmony_encoding *encoding,
                            const harmony_mask_options *given,
                            hm_mask_rule *rule, harmony_error *error)
{
    static const harmony_mask_options plain = HARMONY_MASK_OPTIONS_INIT;
    const char *word = hm_role_word(HARMONY_ROLE_ASSISTANT);
    int32_t tokens[16];
    harmony_status status;

    rule->options = plain;
    if (given != NULL
        && !hm_read_options(&rule->options, sizeof rule->options, FIRST_SIZE,
                            given))
        return hm_fail(error, HARMONY_BAD_ARGUMENT, -1,
                       "options of a wrong size, or of a newer version");
    if (rule->options.kind < HARMONY_MASK_SAMPLED
        || rule->options.kind > HARMONY_MASK_CONTENT)
        return hm_fail(error, HARMONY_BAD_ARGUMENT, -1,
                       "an unknown kind of mask");
    status
        = harmony_encode(encoding, NULL, word, strlen(word), NULL, 0, tokens,
                         sizeof tokens / sizeof *tokens, &rule->opening, error);
    rule->opening++; /* <|start|> */
    return status;
}

static int is_chosen(const hm_mask_rule *rule, const char *text,
                     harmony_span channel)
{
    size_t i;

    if (rule->options.channels == NULL)
        return 1;
    for (i = 0; i < rule->options.channel_count; i++)
        if (harmony_span_equals(text, channel, rule->options.channels[i]))
            return 1;
    return 0;
}

/* The record of the first message that is trained on. */
static size_t first_record(const hm_mask_rule *rule,
                           const harmony_conversation *conversation)
{
    size_t i = rule->options.last_turn ? conversation->message_count : 0;

    while (i > 0 && conversation->messages[i - 1].role != HARMONY_ROLE_USER)
        i--;
    return i;
}

/* Where the run begins of a message that may follow one by the assistant. */
static size_t beginning(const hm_mask_rule *rule, const harmony_part *part,
                        int goes_on)
{
    if (rule->options.kind == HARMONY_MASK_CONTENT)
        return part->content;
    if (rule->options.kind == HARMONY_MASK_SAMPLED && !goes_on)
        return part->header + rule->opening;
    return part->header;
}

void hm_mask(const hm_mask_rule *rule, const harmony_conversation *conversation,
             const harmony_part *parts, int8_t *mask)
{
    size_t first = first_record(rule, conversation), i;
    int goes_on = 0; /* behind a message by the assistant */

    for (i = 0; i < conversation->message_count; i++) {
        const harmony_message *message = conversation->messages + i;
        const harmony_part *part = parts;
        size_t start;

        if (message->role == HARMONY_ROLE_CONTINUED)
            continue;
        parts++;
        if (part->header == part->stop)
            continue; /* left out */
        if (message->role != HARMONY_ROLE_ASSISTANT) {
            goes_on = 0;
            continue;
        }
        start = beginning(rule, part, goes_on);
        goes_on = 1;
        if (i >= first && is_chosen(rule, conversation->text, message->channel))
            memset(mask + start, 1, part->stop - start);
    }
}

/* The header of a message by the assistant has more tokens than its opening:
 * <|message|> at least. */
static int is_in_order(const hm_mask_rule *rule, const harmony_message *message,
                       const harmony_part *part, size_t count)
{
    size_t least
        = message->role == HARMONY_ROLE_ASSISTANT ? rule->opening + 1 : 0;

    if (part->header == part->stop)
        return part->stop <= count; /* left out */
    return part->stop <= count && part->end <= part->stop
           && part->content <= part->end && part->header <= part->content
           && part->content - part->header >= least;
}

static harmony_status check_parts(const hm_mask_rule *rule,
                                  const harmony_conversation *conversation,
                                  const harmony_part *parts, size_t count,
                                  harmony_error *error)
{
    size_t i, number = 0;

    for (i = 0; i < conversation->message_count; i++) {
        const harmony_message *message = conversation->messages + i;

        if (message->role != HARMONY_ROLE_CONTINUED
            && !is_in_order(rule, message, parts + number++, count))
            return hm_fail(error, HARMONY_BAD_ARGUMENT, (int64_t)i,
                           "a message has a part that can't be one of it");
    }
    return HARMONY_OK;
}

harmony_status harmony_mask(const harmony_encoding *encoding,
                            const harmony_conversation *conversation,
                            const harmony_part *parts,
                            const harmony_mask_options *options, int8_t *mask,
                            size_t count, harmony_error *error)
{
    hm_mask_rule rule;
    harmony_status status = hm_read_mask(encoding, options, &rule, error);

    if (status == HARMONY_OK)
        status = hm_check_conversation(conversation, error);
    if (status == HARMONY_OK)
        status = check_parts(&rule, conversation, parts, count, error);
    if (status != HARMONY_OK)
        return status;
    if (count > 0)
        memset(mask, 0, count);
    hm_mask(&rule, conversation, parts, mask);
    return HARMONY_OK;
}
