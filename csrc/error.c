/*
 * Error messages without stdio: words, bytes and numbers are appended to a
 * fixed array that is always NUL-terminated and never cut inside a character.
 */
#include "error.h"

#include <string.h>

#include "unicode.h"

harmony_status hm_fail(harmony_error *error, harmony_status status,
                       int64_t position, const char *message)
{
    if (error != NULL) {
        error->status = status;
        error->position = position;
        error->message[0] = '\0';
        hm_say(error, message);
    }
    return status;
}

void hm_say(harmony_error *error, const char *words)
{
    hm_say_bytes(error, words, strlen(words));
}

void hm_say_bytes(harmony_error *error, const void *bytes, size_t length)
{
    static const char ellipsis[] = "...";
    size_t used, room, error_length;

    if (error == NULL)
        return;
    used = strlen(error->message);
    if (used > sizeof error->message - sizeof ellipsis)
        return;
    room = sizeof error->message - sizeof ellipsis - used;
    if (length <= room) {
        memcpy(error->message + used, bytes, length);
        error->message[used + length] = '\0';
        return;
    }
    length = hm_utf8_valid(bytes, room, &error_length);
    memcpy(error->message + used, bytes, length);
    memset(error->message + used + length, '.', room - length);
    memcpy(error->message + used + room, ellipsis, sizeof ellipsis);
}

void hm_say_number(harmony_error *error, int64_t number)
{
    char digits[24];
    size_t at = sizeof digits;
    uint64_t rest = number < 0 ? 0 - (uint64_t)number : (uint64_t)number;

    do {
        digits[--at] = (char)('0' + rest % 10);
        rest /= 10;
    } while (rest != 0);
    if (number < 0)
        digits[--at] = '-';
    hm_say_bytes(error, digits + at, sizeof digits - at);
}
