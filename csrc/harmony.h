/*
 * harmony.h - conversations to tokens and tokens to messages, in the harmony
 * response format of OpenAI's gpt-oss models, with the o200k_harmony tokenizer.
 *
 *     <|start|>assistant<|channel|>final<|message|>4<|end|>
 *
 * How to read this page: the contract first, then the shapes that cross the
 * border, then the functions: an encoding, text and tokens, rendering, parsing.
 *
 * THE CONTRACT
 *
 * - A function that can fail returns a harmony_status, HARMONY_OK (0) on
 *   success. `error` may be NULL; if it is not, it is filled when and only when
 *   the status is not HARMONY_OK.
 * - The caller owns every buffer. Only the ..._new() functions allocate
 *   something that outlives the call; the matching ..._free() takes NULL.
 *   Scratch memory that a call needs for itself is freed before it returns.
 * - Running out of memory is a status (HARMONY_NO_MEMORY). The library never
 *   aborts, never prints, reads no file and no environment, knows no locale.
 * - A function that fills a buffer says in *count (or *length) how much there
 *   is. If that is more than the capacity, it returns HARMONY_SHORT_BUFFER,
 *   what it has written is of no use, and a second call with that much room
 *   succeeds. A capacity of 0 with a NULL buffer just counts.
 * - Text is UTF-8 bytes with a length, never NUL-terminated. Bytes that are
 *   not UTF-8 are encoded as they are.
 * - An encoding never changes once made and may be shared by any number of
 *   threads. A cache and a parser belong to one thread at a time. There is no
 *   other state.
 */
#ifndef HARMONY_H
#define HARMONY_H

#include <stddef.h>
#include <stdint.h>

#ifndef HARMONY_API
#if defined(__GNUC__) && __GNUC__ >= 4
#define HARMONY_API __attribute__((visibility("default")))
#else
#define HARMONY_API
#endif
#endif

#ifdef __cplusplus
extern "C" {
#endif

/* ---- Status and errors ------------------------------------------------- */

typedef enum harmony_status {
    HARMONY_OK = 0,
    HARMONY_NO_MEMORY,         /* malloc refused; nothing has changed */
    HARMONY_SHORT_BUFFER,      /* *count says how much room is needed */
    HARMONY_TOO_LARGE,         /* text of 2 GiB or more, or 2^31 tokens in a
                                  stream; nothing has changed */
    HARMONY_BAD_ARGUMENT,      /* a span outside its text, an unknown role */
    HARMONY_BAD_VOCABULARY,    /* truncated, altered, or no vocabulary at all */
    HARMONY_UNKNOWN_TOKEN,     /* an id that is not in the vocabulary */
    HARMONY_TOOL_WITHOUT_NAME, /* a message by a tool that has no name */
    HARMONY_UNEXPECTED_TOKEN,  /* another token where <|start|> is due */
    HARMONY_UNEXPECTED_END,    /* the stream ended inside a header */
    HARMONY_HEADER_NOT_UTF8,   /* a header that is not text */
    HARMONY_HEADER_NO_ROLE,    /* a header without a word for the role */
    HARMONY_HEADER_UNKNOWN_ROLE,
    HARMONY_HEADER_NO_CHANNEL, /* <|channel|> with no word behind it */
    HARMONY_HEADER_EXTRA_WORDS /* more words than a header has places for */
} harmony_status;

/* What went wrong. `position` counts from 0 in what the function was given
 * (bytes, tokens, messages or vocabulary entries, as the function says) and is
 * -1 where there is no such place. `message` is UTF-8, one line,
 * NUL-terminated, cut with "..." where it would not fit. */
typedef struct harmony_error {
    harmony_status status;
    int64_t position;
    char message[256];
} harmony_error;

/* ---- The shapes that cross --------------------------------------------- */

/* A stretch of some text: `length` bytes from `start`. Absent if start < 0,
 * which is not the same as present and empty. */
typedef struct harmony_span {
    int32_t start;
    int32_t length;
} harmony_span;

typedef enum harmony_role {
    HARMONY_ROLE_NONE = -1, /* not known (parsing), or none wanted */
    HARMONY_ROLE_USER = 0,
    HARMONY_ROLE_ASSISTANT = 1,
    HARMONY_ROLE_SYSTEM = 2,
    HARMONY_ROLE_DEVELOPER = 3,
    HARMONY_ROLE_TOOL = 4,
    /* Not a message of its own but a further content item of the message
     * before it: only its `content` is used. Items are tokenized apart. */
    HARMONY_ROLE_CONTINUED = 5
} harmony_role;

/* One message. Eleven int32, no padding. A tool's role is HARMONY_ROLE_TOOL
 * and its name is in `name` ("functions.get_weather"). `content_type` is given
 * with its marker, if it has one: "<|constrain|>json". */
typedef struct harmony_message {
    int32_t role;
    harmony_span name;
    harmony_span recipient;
    harmony_span channel;
    harmony_span content_type;
    harmony_span content;
} harmony_message;

/* A conversation: one block of text and messages whose spans point into it. */
typedef struct harmony_conversation {
    const char *text;
    size_t text_length;
    const harmony_message *messages;
    size_t message_count;
} harmony_conversation;

/* ---- Special tokens ---------------------------------------------------- */

enum {
    HARMONY_TOKEN_STARTOFTEXT = 199998, /* <|startoftext|> */
    HARMONY_TOKEN_ENDOFTEXT = 199999,   /* <|endoftext|> */
    HARMONY_TOKEN_RETURN = 200002,      /* <|return|>: the turn is over */
    HARMONY_TOKEN_CONSTRAIN = 200003,   /* <|constrain|> */
    HARMONY_TOKEN_CHANNEL = 200005,     /* <|channel|> */
    HARMONY_TOKEN_START = 200006,       /* <|start|> */
    HARMONY_TOKEN_END = 200007,         /* <|end|>: the message is over */
    HARMONY_TOKEN_MESSAGE = 200008,     /* <|message|> */
    HARMONY_TOKEN_CALL = 200012,        /* <|call|>: a tool is called */
    HARMONY_TOKEN_LIMIT = 201089,       /* every id is below this one */
    HARMONY_NO_TOKEN = -1
};
/* Every other id from 200000 on is a special token too, spelled
 * <|reserved_N|> with N its own id. */

/* ---- An encoding ------------------------------------------------------- */

typedef struct harmony_encoding harmony_encoding;

/* Make an encoding from the bytes of a vocabulary file: the compact one that
 * harmony ships (its format is described in vocabulary.h), or a .tiktoken file
 * of lines "BASE64 RANK". The bytes are not needed after the call. A compact
 * file takes some milliseconds, a .tiktoken file some tens of them, because
 * the order of its merges has to be found.
 *
 * *encoding is set on success, and to NULL otherwise.
 * Errors: HARMONY_BAD_VOCABULARY (position: the entry or line, from 0),
 * HARMONY_NO_MEMORY. */
HARMONY_API harmony_status harmony_encoding_new(
    const void *vocabulary, size_t size, harmony_encoding **encoding,
    harmony_error *error);

HARMONY_API void harmony_encoding_free(harmony_encoding *encoding);

/* The number of ordinary tokens: ids from 0 to this, not included. */
HARMONY_API int32_t harmony_encoding_size(const harmony_encoding *encoding);

/* ---- Text to tokens and back ------------------------------------------- */

/* 1 if the id is that of a special token, else 0. */
HARMONY_API int harmony_is_special_token(int32_t token);

/* Find the first special token that is spelled in text[start ... length).
 * Returns its id and sets *position to where its text begins; its text ends at
 * *position + *token_length. Returns HARMONY_NO_TOKEN if there is none. */
HARMONY_API int32_t harmony_find_special_token(
    const char *text, size_t length, size_t start, size_t *position,
    size_t *token_length);

/* The bytes of one token, special tokens included; they live as long as the
 * encoding. NULL, with *length 0, for an id outside the vocabulary. */
HARMONY_API const char *harmony_token_bytes(
    const harmony_encoding *encoding, int32_t token, size_t *length);

/* A cache remembers pieces of text that were encoded before, and their tokens.
 * It makes encoding several times as fast; the tokens are the same. It takes up
 * to 3.2 MB and never grows. A cache belongs to one encoding and to one thread
 * at a time: give each thread its own, or NULL where text is rarely encoded.
 *
 * *cache is set on success, and to NULL otherwise. Errors: HARMONY_NO_MEMORY. */
typedef struct harmony_cache harmony_cache;

HARMONY_API harmony_status harmony_cache_new(
    const harmony_encoding *encoding, harmony_cache **cache,
    harmony_error *error);

HARMONY_API void harmony_cache_free(harmony_cache *cache);

/* Encode text. Text that spells one of the `allowed_count` special tokens in
 * `allowed` becomes that token; any other is ordinary text, whatever it
 * spells. There are never more tokens than bytes of text. `cache` may be NULL.
 * Errors: HARMONY_SHORT_BUFFER, HARMONY_TOO_LARGE, HARMONY_NO_MEMORY, and
 * HARMONY_BAD_ARGUMENT for the cache of another encoding. */
HARMONY_API harmony_status harmony_encode(
    const harmony_encoding *encoding, harmony_cache *cache, const char *text,
    size_t length,
    const int32_t *allowed, size_t allowed_count, int32_t *tokens,
    size_t capacity, size_t *count, harmony_error *error);

/* Decode tokens to the bytes they stand for. The bytes are UTF-8 if the tokens
 * are those of a whole text, but any sequence of tokens is taken.
 * Errors: HARMONY_UNKNOWN_TOKEN (position: index of the token),
 * HARMONY_SHORT_BUFFER. */
HARMONY_API harmony_status harmony_decode(
    const harmony_encoding *encoding, const int32_t *tokens, size_t token_count,
    char *bytes, size_t capacity, size_t *length, harmony_error *error);

/* ---- Other vocabularies ------------------------------------------------ */

/* Any byte-pair vocabulary, for text that the caller splits into pieces: the
 * merging of this library without its splitting and its special tokens. */
typedef struct harmony_vocabulary harmony_vocabulary;

/* Make one from the bytes of a vocabulary file of either kind, with up to
 * 2 097 151 ranks. Every single byte must be a token, and every token merge
 * from tokens of lower rank; one that merges from none is used only for a whole
 * piece. Errors: HARMONY_BAD_VOCABULARY, HARMONY_NO_MEMORY. */
HARMONY_API harmony_status harmony_vocabulary_new(
    const void *file, size_t size, harmony_vocabulary **vocabulary,
    harmony_error *error);

HARMONY_API void harmony_vocabulary_free(harmony_vocabulary *vocabulary);

/* Ranks are below this; some may be unused. */
HARMONY_API int32_t harmony_vocabulary_size(
    const harmony_vocabulary *vocabulary);

/* The bytes of a token; they live as long as the vocabulary. NULL, with
 * *length 0, for a rank that is no token. */
HARMONY_API const char *harmony_vocabulary_token(
    const harmony_vocabulary *vocabulary, int32_t rank, size_t *length);

/* Encode `piece_count` pieces that follow one another in text; ends[i] is where
 * piece i ends, in bytes from the start of the text, and never less than the
 * one before. There are never more tokens than bytes of text.
 * Errors: HARMONY_BAD_ARGUMENT (position: index of the piece),
 * HARMONY_SHORT_BUFFER, HARMONY_NO_MEMORY. */
HARMONY_API harmony_status harmony_vocabulary_encode(
    const harmony_vocabulary *vocabulary, const char *text, size_t length,
    const int32_t *ends, size_t piece_count, int32_t *tokens, size_t capacity,
    size_t *count, harmony_error *error);

/* ---- Rendering --------------------------------------------------------- */

typedef struct harmony_render_options {
    /* 1: if the last message by the assistant is on channel "final", leave out
     * the messages on channel "analysis" that stand before the first message
     * on channel "final". 0: render every message. */
    int32_t drop_analysis;
    /* Append <|start|> and this role, for the model to go on; or
     * HARMONY_ROLE_NONE. */
    int32_t next_role;
    /* 1: if the very last message is the assistant's on channel "final", end
     * it with <|return|> in place of <|end|>. */
    int32_t training;
} harmony_render_options;

/* Render a conversation. Each run of text between special tokens is encoded on
 * its own as ordinary text: what a user writes can't become a special token.
 * `options` NULL means all zero and no next role; `cache` may be NULL.
 * Errors, with the index of the message as position: HARMONY_TOOL_WITHOUT_NAME,
 * HARMONY_BAD_ARGUMENT; and HARMONY_SHORT_BUFFER, HARMONY_TOO_LARGE,
 * HARMONY_NO_MEMORY. */
HARMONY_API harmony_status harmony_render(
    const harmony_encoding *encoding, harmony_cache *cache,
    const harmony_conversation *conversation,
    const harmony_render_options *options, int32_t *tokens, size_t capacity,
    size_t *count, harmony_error *error);

/* As harmony_render, and tell which tokens are whose: ends[i] is the number of
 * tokens before the end of message i, counting from 0 without the further items
 * of a content. A message that is left out ends where the one before it does.
 * There is room for message_count numbers; or `ends` is NULL. */
HARMONY_API harmony_status harmony_render_parts(
    const harmony_encoding *encoding, harmony_cache *cache,
    const harmony_conversation *conversation,
    const harmony_render_options *options, int32_t *tokens, size_t capacity,
    size_t *count, size_t *ends, harmony_error *error);

/* A number of tokens that harmony_render can't exceed for this conversation. */
HARMONY_API size_t harmony_render_bound(
    const harmony_conversation *conversation);

/* ---- Parsing ----------------------------------------------------------- */

typedef enum harmony_state {
    HARMONY_STATE_EXPECT_START = 0, /* between messages: <|start|> is due */
    HARMONY_STATE_HEADER = 1,       /* up to <|message|> */
    HARMONY_STATE_CONTENT = 2       /* up to a stop token */
} harmony_state;

typedef struct harmony_parser harmony_parser;

typedef struct harmony_parser_options {
    /* The role whose message is under way: the parser begins inside its
     * header, as after a rendered prompt that ends in "<|start|>assistant".
     * HARMONY_ROLE_NONE: it begins before a <|start|>. */
    int32_t role;
    /* 1: a header ends only at <|message|>. 0: a stop token ends it as well;
     * the channel is taken out, the role word dropped, and the other words,
     * joined by a space, are the content. Without a role, or with nothing in
     * the header, no message is made. */
    int32_t strict;
    /* 1: nothing is an error; see RECOVERY below. `strict` has no effect. */
    int32_t recover;
} harmony_parser_options;

/* RECOVERY. A parser with `recover` takes every sequence of tokens. No text is
 * lost: it is in a content, in the fields of a header, or in a warning.
 * Finished messages never change and deltas are never taken back. What is
 * written as harmony_render writes it is read as always. Of anything else:
 *
 * - stop tokens where no message is open are ignored; <|endoftext|> ends the
 *   open message and the stream;
 * - <|start|> in a header begins it again; <|start|> or <|channel|> in a
 *   content ends the message and begins a header; a second <|message|> in a
 *   row is ignored;
 * - in a header, `to=` begins a recipient wherever it stands, the last known
 *   channel counts, and words without a place are left out; a role that is
 *   missing or repeated is the assistant's;
 * - of a header without a <|message|>, what is no header is the content;
 * - text where <|start|> is due is a header if a marker follows in it, and else
 *   a message of the assistant without a channel.
 *
 * Text that may turn out to be a header is held back until it is decided. */
typedef enum harmony_warning_kind {
    HARMONY_WARNING_STRAY_STOP = 0,   /* a stop token outside of messages */
    HARMONY_WARNING_WHITE_SPACE,      /* white space where <|start|> is due */
    HARMONY_WARNING_MISSING_START,    /* a header without <|start|> */
    HARMONY_WARNING_BARE_TEXT,        /* text without a header is a message */
    HARMONY_WARNING_RESTARTED_HEADER, /* what stood before another <|start|> */
    HARMONY_WARNING_REPEATED_MESSAGE, /* a second <|message|> in a row */
    HARMONY_WARNING_CUT_MESSAGE,      /* a message without a stop token */
    HARMONY_WARNING_MISSING_MESSAGE,  /* the content was in the header */
    HARMONY_WARNING_DROPPED_HEADER,   /* a header without a content */
    HARMONY_WARNING_HEADER_WORDS,     /* words without a place */
    HARMONY_WARNING_ROLE,             /* missing, repeated, misplaced, ignored */
    HARMONY_WARNING_CHANNEL,          /* one that does not count, or is empty */
    HARMONY_WARNING_RECIPIENT,        /* one that does not count; its bad end */
    HARMONY_WARNING_CONTENT_TYPE,     /* a content type that does not count */
    HARMONY_WARNING_NOT_UTF8,         /* header bytes replaced by U+FFFD */
    HARMONY_WARNING_UNKNOWN_TOKEN,    /* an id replaced by U+FFFD */
    HARMONY_WARNING_AFTER_END         /* a token after <|endoftext|> */
} harmony_warning_kind;

/* One repair: at which token it was made (an index into view->tokens), and the
 * text that it left out, a span in view->warning_text, perhaps empty. That text
 * need not be whole characters. */
typedef struct harmony_warning {
    int32_t position;
    int32_t kind; /* a harmony_warning_kind */
    harmony_span text;
} harmony_warning;

/* How a message ended, and how many tokens it had. Its header's tokens are
 * those from <|start|> to <|message|>, as far as they were fed; its content's
 * are the others, with the one that ended it. */
typedef struct harmony_tally {
    int32_t end_token; /* <|end|>, <|call|>, <|return|>, or HARMONY_NO_TOKEN */
    int32_t header_tokens;
    int32_t content_tokens;
} harmony_tally;

/* Text that one call of harmony_parser_feed added to the content of a message:
 * `message` is its index among the finished ones, or their number for the open
 * one; `finished` whether that call ended it. */
typedef struct harmony_segment {
    int32_t message;
    int32_t finished;
    harmony_span text;
} harmony_segment;

/* What a parser has found so far, updated in place by every call. Spans are
 * offsets and stay good for the parser's life; pointers are good until the
 * next call. */
typedef struct harmony_view {
    /* The finished messages. `text` goes on behind them with what is known of
     * the open message. */
    harmony_conversation finished;
    /* The open message. In HARMONY_STATE_CONTENT all of it, its content as far
     * as it is whole characters; else just the role, where it is given. */
    harmony_message current;
    /* The text that the last call added to a content; absent if none. */
    harmony_span delta;
    int32_t state; /* a harmony_state */
    /* Every token fed, and the index in it of the first token of the open
     * header or content. */
    const int32_t *tokens;
    size_t token_count;
    size_t open_start;
    /* A tally for each finished message, and that of the open one. */
    const harmony_tally *tallies;
    harmony_tally open;
    /* What was repaired, in the order of position. */
    const harmony_warning *warnings;
    size_t warning_count;
    const char *warning_text;
    /* What the last harmony_parser_feed added, message by message. */
    const harmony_segment *segments;
    size_t segment_count;
} harmony_view;

/* Make a parser. The encoding must outlive it. `options` NULL means no role,
 * strict. Errors: HARMONY_NO_MEMORY, HARMONY_BAD_ARGUMENT (an unknown role). */
HARMONY_API harmony_status harmony_parser_new(
    const harmony_encoding *encoding, const harmony_parser_options *options,
    harmony_parser **parser, harmony_error *error);

HARMONY_API void harmony_parser_free(harmony_parser *parser);

/* The view of a parser: one pointer, the same for the parser's life. */
HARMONY_API const harmony_view *harmony_parser_view(
    const harmony_parser *parser);

/* Take one token. Content is repaired as it streams: a byte sequence that can
 * no longer become valid UTF-8 yields U+FFFD, at most one such sequence a
 * token, and what follows it comes with the tokens after; an id outside the
 * vocabulary counts as one invalid byte.
 *
 * Errors: HARMONY_UNEXPECTED_TOKEN and the HARMONY_HEADER_... ones, position:
 * index of the token in view->tokens. After an error at the end of a header,
 * at its <|message|>, the parser expects <|start|> again and the header is
 * gone; after any other nothing has changed but that the token is among
 * view->tokens. Finished messages stay, and the parser goes on. And
 * HARMONY_NO_MEMORY, HARMONY_TOO_LARGE: the token has not been taken. */
HARMONY_API harmony_status harmony_parser_process(
    harmony_parser *parser, int32_t token, harmony_error *error);

typedef enum harmony_appended {
    HARMONY_NOT_APPENDED = 0,   /* harmony_parser_process is to take it */
    HARMONY_APPENDED_TOKEN = 1, /* the delta is the bytes of the token */
    HARMONY_APPENDED_OTHER = 2  /* the delta is something else, or absent */
} harmony_appended;

/* Take one token if all it does is to add to a content that is open, as nearly
 * every token does: for callers to whom it is dear to read the view, such as
 * bindings. Of the view nothing changes then but the delta and what grows with
 * a content. Returns a harmony_appended; if it is HARMONY_NOT_APPENDED, nothing
 * has happened. */
HARMONY_API int harmony_parser_append(harmony_parser *parser, int32_t token);

/* Take many tokens, as if one at a time; stop at the first error. `delta` is
 * that of the last token, `segments` what all of them added. */
HARMONY_API harmony_status harmony_parser_feed(
    harmony_parser *parser, const int32_t *tokens, size_t count,
    harmony_error *error);

/* Say that the stream has ended. An open message is finished as by a stop
 * token. Errors: HARMONY_UNEXPECTED_END inside a header, HARMONY_NO_MEMORY,
 * HARMONY_TOO_LARGE. The parser may be fed on afterwards. */
HARMONY_API harmony_status harmony_parser_finish(
    harmony_parser *parser, harmony_error *error);

#ifdef __cplusplus
}
#endif

#endif
