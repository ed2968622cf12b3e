/*
 * What Python does most often, with as few arguments and results as can be.
 */
#include "python.h"

#include <string.h>

#include "stream.h"

int64_t harmony_scratch_encode(harmony_scratch *scratch, const char *text,
                               size_t length)
{
    size_t count;

    if (harmony_encode(scratch->encoding, scratch->cache, text, length, NULL, 0,
                       scratch->tokens, scratch->capacity, &count,
                       &scratch->error)
        != HARMONY_OK)
        return -1;
    return (int64_t)count;
}

static const hm_buffer *block_of(const harmony_parser *parser, int32_t block)
{
    const hm_buffer *const blocks[]
        = {&parser->text,         &parser->messages, &parser->tallies,
           &parser->tokens,       &parser->segments, &parser->warnings.list,
           &parser->warnings.text};

    return blocks[block];
}

int harmony_copy(harmony_parser *parser, int32_t block, size_t start,
                 size_t size, char *to)
{
    const hm_buffer *from = block_of(parser, block);
    int is_there;

    if (!hm_take_mark(&parser->in_use))
        return 0;
    is_there = start <= from->length && size <= from->length - start;
    if (is_there && size > 0)
        memcpy(to, from->data + start, size);
    hm_give_mark(&parser->in_use);
    return is_there;
}
