/*
 * A growable array of bytes, used for text and for arrays of plain structs.
 *
 * Room is asked for first (hm_reserve, which can fail) and filled afterwards
 * (which can't), so that a caller can get everything it needs before it changes
 * anything. Lengths are bytes.
 */
#ifndef HM_BUFFER_H
#define HM_BUFFER_H

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

typedef struct hm_buffer {
    uint8_t *data;
    size_t length;
    size_t capacity;
} hm_buffer;

/* Make room for `extra` more bytes; 0 if there is no memory for them. */
static inline int hm_reserve(hm_buffer *buffer, size_t extra)
{
    size_t capacity = buffer->capacity ? buffer->capacity : 256;
    uint8_t *data;

    if (extra <= buffer->capacity - buffer->length)
        return 1;
    if (extra > SIZE_MAX / 2 - buffer->length)
        return 0;
    while (capacity < buffer->length + extra)
        capacity *= 2;
    data = realloc(buffer->data, capacity);
    if (data == NULL)
        return 0;
    buffer->data = data;
    buffer->capacity = capacity;
    return 1;
}

/* Append what room has been reserved for. */
static inline void hm_append(hm_buffer *buffer, const void *bytes, size_t size)
{
    if (size == 0)
        return;
    memcpy(buffer->data + buffer->length, bytes, size);
    buffer->length += size;
}

static inline void hm_release(hm_buffer *buffer)
{
    free(buffer->data);
    buffer->data = NULL;
    buffer->length = buffer->capacity = 0;
}

#endif
