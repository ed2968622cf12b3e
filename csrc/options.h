/*
 * Options that callers fill: structs that begin with their size, so that they
 * can grow.
 *
 * A program that was compiled with an older header gives a smaller struct, one
 * that was compiled with a newer header a larger one. Padding at the end of a
 * struct never becomes a field, for callers leave it as it is: a new field
 * begins at the size that the struct had before.
 */
#ifndef HM_OPTIONS_H
#define HM_OPTIONS_H

#include <stddef.h>

/* Read options of the size that `given` begins with over `known`, which comes
 * filled with the defaults and its own size. What a smaller struct does not
 * have stays as it is in `known`. 0, and nothing is read, if the struct is
 * smaller than the first version of its kind, or if it says anything that is
 * not known: if it has bytes other than 0 behind `known_size`. Else 1. */
int hm_read_options(void *known, size_t known_size, size_t first_size,
                    const void *given);

#endif
