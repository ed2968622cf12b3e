/*
 * The library as a WebAssembly module: js/build.py says what it exports.
 * A call into WebAssembly costs little, so JavaScript calls the functions of
 * harmony.h themselves; it only has to know where in memory things are.
 */
#include "wasm.h"

#include <stddef.h>

const int32_t *harmony_layout(void)
{
    static const int32_t layout[] = {
        offsetof(harmony_view, finished.text),
        offsetof(harmony_view, finished.message_count),
        offsetof(harmony_view, finished.messages),
        offsetof(harmony_view, current),
        offsetof(harmony_view, delta),
        offsetof(harmony_view, state),
        offsetof(harmony_view, tokens),
        offsetof(harmony_view, token_count),
        offsetof(harmony_view, open_start),
        offsetof(harmony_view, tallies),
        offsetof(harmony_view, open),
        offsetof(harmony_view, warnings),
        offsetof(harmony_view, warning_count),
        offsetof(harmony_view, warning_text),
        offsetof(harmony_view, segments),
        offsetof(harmony_view, segment_count),
        offsetof(harmony_view, next_role),
        offsetof(harmony_error, position),
        offsetof(harmony_error, message),
        sizeof(harmony_error),
        sizeof(harmony_render_options),
        sizeof(harmony_parser_options),
    };

    return layout;
}
