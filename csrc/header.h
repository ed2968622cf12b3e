/*
 * The words of a header.
 */
#ifndef HM_HEADER_H
#define HM_HEADER_H

#include "buffer.h"
#include "harmony.h"

/* A header as it was collected: text->data[start ...) to the end of the text,
 * with each <|constrain|> preceded by a space, and the first <|channel|> taken
 * out; `channel` is where it stood, or -1. */
typedef struct hm_header {
    size_t start;
    int64_t channel;
} hm_header;

/* Move the word behind the channel marker to the end of the text, so that the
 * other words stand together from `start` on. *channel becomes its span, or
 * absent. There has to be room in the text for a second copy of the header.
 * Errors: HARMONY_HEADER_NO_CHANNEL. */
harmony_status hm_take_channel(const hm_header *header, hm_buffer *text,
                               harmony_span *channel, harmony_error *error);

/* The role whose word this is, or HARMONY_ROLE_NONE. */
int32_t hm_role_of_word(const uint8_t *word, size_t length);

/* Whether a byte is a gap: white space between the words of a header. */
static inline int hm_is_gap(uint8_t byte)
{
    return byte == ' ' || byte == '\t' || byte == '\n' || byte == '\f'
           || byte == '\r';
}

/* Read the words text[start ... end) into `message`: its role, if that is not
 * yet given, name, recipient and content type.
 * Errors: HARMONY_HEADER_NO_ROLE, _UNKNOWN_ROLE, _EXTRA_WORDS. */
harmony_status hm_read_words(const uint8_t *text, size_t start, size_t end,
                             harmony_message *message, harmony_error *error);

/* The words text[start ... end) without a leading one that is the role, joined
 * by single spaces, in place. The length of what is left. */
size_t hm_join_words(uint8_t *text, size_t start, size_t end, int32_t role);

#endif
