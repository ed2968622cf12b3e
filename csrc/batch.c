/*
 * Many conversations to tokens in one call: each is rendered on its own, behind
 * the tokens of the one before.
 */
#include <string.h>

#include "error.h"
#include "harmony.h"
#include "mask.h"

struct batch {
    const harmony_encoding *encoding;
    harmony_cache *cache;
    const harmony_render_options *options;
    const hm_mask_rule *rule; /* NULL: no mask */
    int32_t *tokens;
    size_t capacity;
    size_t used;
    harmony_part *parts; /* of the next conversation; or NULL */
    int8_t *mask;
    harmony_error *error;
};

/* Count parts of one conversation in all tokens, and fill its mask. */
static void take_parts(struct batch *batch,
                       const harmony_conversation *conversation, size_t count)
{
    harmony_part *part = batch->parts;
    size_t i;

    for (i = 0; i < conversation->message_count; i++)
        if (conversation->messages[i].role != HARMONY_ROLE_CONTINUED) {
            part->header += batch->used;
            part->content += batch->used;
            part->end += batch->used;
            part->stop += batch->used;
            part++;
        }
    if (batch->rule != NULL) {
        if (count > 0)
            memset(batch->mask + batch->used, 0, count);
        hm_mask(batch->rule, conversation, batch->parts, batch->mask);
    }
    batch->parts = part;
}

static harmony_status put_conversation(struct batch *batch,
                                       const harmony_conversation *conversation)
{
    size_t room = batch->capacity - batch->used, count;
    harmony_status status = harmony_render_parts(
        batch->encoding, batch->cache, conversation, batch->options,
        room > 0 ? batch->tokens + batch->used : NULL, room, &count,
        batch->parts, batch->error);

    if (status != HARMONY_OK)
        return status;
    if (batch->parts != NULL)
        take_parts(batch, conversation, count);
    batch->used += count;
    return HARMONY_OK;
}

static harmony_status check_ends(const size_t *ends, size_t count, size_t limit,
                                 harmony_error *error)
{
    size_t i, before = 0;

    for (i = 0; i < count; i++) {
        if (ends[i] < before || ends[i] > limit)
            return hm_fail(error, HARMONY_BAD_ARGUMENT, -1,
                           "a conversation ends before it begins, or beyond "
                           "all messages");
        before = ends[i];
    }
    return HARMONY_OK;
}

harmony_status harmony_render_batch(
    const harmony_encoding *encoding, harmony_cache *cache,
    const harmony_conversation *all, const size_t *ends,
    size_t conversation_count, const harmony_render_options *options,
    const harmony_mask_options *mask_options, int32_t *tokens, size_t capacity,
    size_t *offsets, harmony_part *parts, int8_t *mask, harmony_error *error)
{
    struct batch batch = {encoding, cache, options, NULL, tokens,
                          capacity, 0,     parts,   mask, error};
    hm_mask_rule rule;
    harmony_status status
        = check_ends(ends, conversation_count, all->message_count, error);
    size_t i, start = 0;

    if (status == HARMONY_OK && mask != NULL && parts == NULL)
        status = hm_fail(error, HARMONY_BAD_ARGUMENT, -1,
                         "there is no mask without parts");
    if (status == HARMONY_OK && mask != NULL) {
        status = hm_read_mask(encoding, mask_options, &rule, error);
        batch.rule = &rule;
    }
    offsets[0] = 0;
    for (i = 0; i < conversation_count && status == HARMONY_OK; i++) {
        harmony_conversation conversation = *all;

        conversation.messages = all->messages + start;
        conversation.message_count = ends[i] - start;
        status = put_conversation(&batch, &conversation);
        if (status != HARMONY_OK && error != NULL && error->position >= 0)
            error->position += (int64_t)start;
        start = ends[i];
        offsets[i + 1] = batch.used;
    }
    return status;
}

size_t harmony_render_batch_bound(const harmony_conversation *all,
                                  size_t conversation_count)
{
    static const harmony_conversation empty;
    size_t bound = harmony_render_bound(all);
    size_t opening = harmony_render_bound(&empty);

    if (conversation_count > (SIZE_MAX - bound) / opening)
        return SIZE_MAX;
    return bound + conversation_count * opening;
}
