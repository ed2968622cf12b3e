/*
 * What a parser holds of its stream: tokens, text, and the messages in it.
 *
 * Two machines make the steps, parser.c by the grammar and recover.c with any
 * token in any state. Both do it with what is here, which never fails: room for
 * all that a token can add is got before its step is made.
 *
 * All text goes to the end of one buffer. A header is collected there, and its
 * words stay where they are when it is read; the content follows behind it. So
 * spans are offsets, nothing is copied when a message is finished, and no
 * question costs more as a message grows.
 */
#ifndef HM_STREAM_H
#define HM_STREAM_H

#include "buffer.h"
#include "harmony.h"
#include "header.h"
#include "repair.h"

struct harmony_parser {
    const harmony_encoding *encoding;
    harmony_view view;
    hm_buffer text;     /* view.finished.text */
    hm_buffer messages; /* view.finished.messages */
    hm_buffer tokens;   /* view.tokens */
    hm_buffer tallies;  /* view.tallies */
    hm_buffer segments; /* view.segments */
    hm_buffer pending;  /* bytes that are not yet characters */
    size_t pending_start;
    hm_header header; /* in HARMONY_STATE_HEADER: what is collected */
    int32_t role;     /* the role given for the next header, or none */
    int32_t strict;
    int32_t recover;
    /* Of parser.c: */
    size_t header_valid; /* how many bytes of the header are known as UTF-8 */
    const char *header_fault; /* why it can't be read, or NULL */
    /* Of recover.c: */
    int bare;      /* the open header is only text, without <|start|> */
    int unstarted; /* the open header began without <|start|> */
    int ended;     /* <|endoftext|> has been fed */
    hm_warnings warnings;
};

static inline size_t hm_token_count(const harmony_parser *parser)
{
    return parser->tokens.length / sizeof(int32_t);
}

static inline size_t hm_message_count(const harmony_parser *parser)
{
    return parser->messages.length / sizeof(harmony_message);
}

/* Whether a token is text and nothing else. */
static inline int hm_is_ordinary(int32_t token)
{
    return token >= 0 && token < HARMONY_TOKEN_STARTOFTEXT;
}

static inline int hm_is_stop_token(int32_t token)
{
    return token == HARMONY_TOKEN_RETURN || token == HARMONY_TOKEN_CALL
           || token == HARMONY_TOKEN_END;
}

/* ---- The view ----------------------------------------------------------- */

/* Bring the view up to date. */
void hm_refresh(harmony_parser *parser);

/* A message of which no more is known than its role. */
harmony_message hm_no_message(int32_t role);

/* Add to the segments what the message with this index has got: more text,
 * which may be absent, or an end. There has to be room for one more. */
void hm_add_segment(harmony_parser *parser, size_t index, harmony_span text);

/* ---- From state to state ------------------------------------------------ */

void hm_expect_start(harmony_parser *parser);

/* At the token that was fed last, which is the first of the header; or before
 * any token. */
void hm_begin_header(harmony_parser *parser);

/* Forget the header; the role that was given for it is still given. */
void hm_drop_header(harmony_parser *parser);

void hm_begin_content(harmony_parser *parser);

/* What is pending when a message ends: nothing more comes, so an unfinished
 * character is replaced too. Then finish the message, as below. */
void hm_end_content(harmony_parser *parser, int32_t end_token);

/* Finish the message in view.current, at a token or at none. */
void hm_finish_message(harmony_parser *parser, int32_t end_token);

/* Count a token for the header, or the content, of the open message. */
void hm_count_header(harmony_parser *parser, int32_t token);
void hm_count_content(harmony_parser *parser, int32_t token);

/* ---- Text of a content -------------------------------------------------- */

/* Add what a token says; NULL, with any length, for an id outside the
 * vocabulary. */
void hm_add_content(harmony_parser *parser, const char *bytes, size_t length);

/* How many tokens, from the first, can be asked for as one run. */
size_t hm_ordinary_tokens(const int32_t *tokens, size_t count);

/* Take ordinary tokens at once, if they are whole characters of a content; how
 * many, from the first. If 0, nothing has changed. The delta is that of the
 * last one, and *added what all of them are. Gets its room itself. */
size_t hm_take_run(harmony_parser *parser, const int32_t *tokens, size_t count,
                   harmony_span *added);

/* Take one token, if it is such a run, and bring the view up to date. Nearly
 * every token comes this way. */
int hm_take_whole(harmony_parser *parser, int32_t token);

/* ---- Room ---------------------------------------------------------------- */

/* Get room for all that one token of `length` bytes (or the end, which is no
 * token) can add. Errors: HARMONY_TOO_LARGE, HARMONY_NO_MEMORY. */
harmony_status hm_make_room(harmony_parser *parser, int32_t token,
                            size_t length, harmony_error *error);

/* Get room for one more segment. Errors: HARMONY_NO_MEMORY. */
harmony_status hm_make_room_for_segment(harmony_parser *parser,
                                        harmony_error *error);

/* Free what a parser holds, but not the parser. */
void hm_release_stream(harmony_parser *parser);

#endif
