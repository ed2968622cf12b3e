/*
 * Headers that real models write: read one whatever it holds.
 */
#ifndef HM_REPAIR_H
#define HM_REPAIR_H

#include "buffer.h"
#include "harmony.h"

/* A header to repair is UTF-8 with these two bytes, which UTF-8 never has,
 * where <|channel|> and <|constrain|> stood. */
#define HM_CHANNEL_MARK 0xFE
#define HM_CONSTRAIN_MARK 0xFF

/* The warnings of a parser. Room is got before anything is changed. */
typedef struct hm_warnings {
    hm_buffer list;   /* harmony_warning */
    hm_buffer text;   /* what their spans point into */
    int32_t position; /* of the token that is being read */
} hm_warnings;

/* Get room for `count` warnings with `length` bytes of text in all; 0 if there
 * is no memory. */
static inline int hm_reserve_warnings(hm_warnings *warnings, size_t count,
                                      size_t length)
{
    return count <= SIZE_MAX / 2 / sizeof(harmony_warning)
           && hm_reserve(&warnings->list, count * sizeof(harmony_warning))
           && hm_reserve(&warnings->text, length + count);
}

/* Add a warning; or its text, if any, behind a space, to the last one, if that
 * is of the same kind and at the same position. */
void hm_warn(hm_warnings *warnings, harmony_warning_kind kind, const void *text,
             size_t length);

/* How a header came to its end. */
typedef enum hm_header_end {
    HM_ENDED_BY_MESSAGE, /* at <|message|>: the content follows */
    HM_ENDED_UNSTARTED,  /* the same, but it began without <|start|> */
    HM_ENDED_BY_STOP     /* without one: the content is in the header */
} hm_header_end;

/* How many warnings, and bytes of further text, a header of some length can
 * need at the most. */
size_t hm_repair_warnings(size_t length);
uint64_t hm_repair_text(size_t length);

/* Read the header text->data[start ...) to the end of the text into `message`,
 * whose role is the one given, or HARMONY_ROLE_NONE. Its spans point into the
 * text, to which something may be added. For HM_ENDED_BY_STOP, `content` is
 * what of the header is no header, and absent if there is nothing. Never fails;
 * there has to be room, see above. */
void hm_repair_header(hm_buffer *text, size_t start, hm_header_end end,
                      harmony_message *message, hm_warnings *warnings);

#endif
