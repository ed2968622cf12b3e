/*
 * Filling a harmony_error: begin it, then add to its message piece by piece.
 * Every function takes NULL for "the caller does not want to know".
 */
#ifndef HM_ERROR_H
#define HM_ERROR_H

#include "harmony.h"

/* Begin an error with its first words; returns `status`, for `return`. */
harmony_status hm_fail(harmony_error *error, harmony_status status,
                       int64_t position, const char *message);

/* Add words, bytes (repaired to UTF-8 where the message is cut), a number. */
void hm_say(harmony_error *error, const char *words);
void hm_say_bytes(harmony_error *error, const void *bytes, size_t length);
void hm_say_number(harmony_error *error, int64_t number);

#endif
