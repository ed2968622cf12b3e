/*
 * The machine that goes on: it takes every token in every state.
 */
#ifndef HM_RECOVER_H
#define HM_RECOVER_H

#include "stream.h"

/* Take a token, which is in parser->tokens already; `bytes` is NULL for an id
 * outside the vocabulary. Never fails; there has to be room. */
void hm_recover_step(harmony_parser *parser, int32_t token, const char *bytes,
                     size_t length);

/* The stream is over, though tokens may follow. */
void hm_recover_end(harmony_parser *parser);

#endif
