/*
 * A struct of options is read as bytes: it may be shorter or longer than the
 * one that this library knows.
 */
#include "options.h"

#include <stdint.h>
#include <string.h>

int hm_read_options(void *known, size_t known_size, size_t first_size,
                    const void *given)
{
    const uint8_t *from = given;
    uint8_t *to = known;
    size_t size, i;

    memcpy(&size, given, sizeof size);
    if (size < first_size)
        return 0;
    for (i = known_size; i < size; i++)
        if (from[i] != 0)
            return 0;
    if (size > known_size)
        size = known_size;
    memcpy(to + sizeof size, from + sizeof size, size - sizeof size);
    return 1;
}
