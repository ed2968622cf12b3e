/*
 * What holds for every sequence of tokens that a recovering parser is fed:
 * the six guarantees of docs/python.md, checked by code.
 */
#ifndef GUARANTEES_H
#define GUARANTEES_H

#include "harmony.h"

/* NULL if all hold, else the first that does not, in words. `portion` chooses
 * how the tokens are split over calls. */
const char *broken_guarantee(const harmony_encoding *encoding, int32_t role,
                             const int32_t *tokens, size_t count,
                             uint64_t portion);

#endif
