/*
 * What JavaScript has to know besides harmony.h. It is part of the WebAssembly
 * module and not of libharmony.
 */
#ifndef HARMONY_WASM_H
#define HARMONY_WASM_H

#include "harmony.h"

/* Where things are, in bytes: JavaScript sees the memory as an array of int32
 * and has no structs. In this order: of a harmony_view text, message_count,
 * messages, current, delta, state, tokens, token_count, open_start, tallies,
 * open, warnings, warning_count, warning_text, segments, segment_count,
 * next_role; of a harmony_error position (of which the low half is enough) and
 * message; then the sizes of harmony_error, harmony_render_options,
 * harmony_parser_options. */
const int32_t *harmony_layout(void);

#endif
