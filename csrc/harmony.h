/*
 * harmony.h - conversations to tokens and tokens to messages, in the harmony
 * response format of OpenAI's gpt-oss models, with the o200k_harmony tokenizer.
 *
 *     <|start|>assistant<|channel|>final<|message|>4<|end|>
 *
 * How to read this page: the contract first, then the shapes that cross the
 * border, then the functions: an encoding, text and tokens, conversations,
 * rendering, parsing. docs/embedding.md has a whole program, and how to build.
 *
 * What happens in a server: one encoding is made when it starts. For each
 * request a conversation is rendered to tokens, and a parser takes the tokens
 * that the model samples, one at a time.
 *
 * THE CONTRACT
 *
 * - A function that can fail returns a harmony_status, HARMONY_OK (0) on
 *   success. Those that it can return are listed where it is declared.
 * - `error` may be NULL; if it is not, it is filled when and only when the
 *   status is not HARMONY_OK.
 * - Only `error`, `options`, `cache`, and pointers to nothing (a length or
 *   capacity of 0) may be NULL, and what is said to be.
 * - The caller owns every buffer. Only the ..._new() functions make something
 *   that outlives the call, which belongs to the caller until the matching
 *   ..._free(), which takes NULL. What a call needs for itself is freed before
 *   it returns. Nothing that is passed in is kept, but for the encoding of a
 *   cache or a parser, which must outlive them.
 * - Running out of memory is a status (HARMONY_NO_MEMORY), and every object is
 *   then as it was before. The library never aborts, never prints, reads no
 *   file and no environment, knows no locale.
 * - A function that fills a buffer says in *count (tokens) or *length (bytes)
 *   how much there is. If that is more than the capacity, it returns
 *   HARMONY_SHORT_BUFFER, what it has written is of no use, and a second call
 *   with that much room succeeds. A capacity of 0 with a NULL buffer just
 *   counts. After any other failure *count or *length is 0.
 * - Options begin with their own size in bytes, so that they can grow: what a
 *   smaller struct does not have is as in its ..._INIT. HARMONY_BAD_ARGUMENT
 *   for a struct that is smaller than its first version, or that has anything
 *   but zeros behind what the library knows.
 * - Text is UTF-8 bytes with a length, and need not end in a NUL. Bytes that
 *   are not UTF-8 are encoded as they are.
 *
 * THREADS
 *
 * An encoding and a vocabulary never change once made and may be used by any
 * number of threads at the same time. A cache, a builder and a parser belong to
 * one thread at a time. There is no other state, so functions on different
 * objects never disturb each other.
 *
 * A parser notices a second call while one is under way, from another thread or
 * from within (a signal handler, a malloc of the program's own): the second
 * gets HARMONY_IN_USE and does nothing, the first is not disturbed. It does not
 * notice a thread that reads its view meanwhile, or frees it. A cache and a
 * builder notice nothing: two threads at once in one of them are undefined
 * behaviour. There the check would cost as much as a short call.
 *
 * WHAT IS NOT HERE
 *
 * The contents of messages are text. What a system or developer message says
 * (the date, the tools and their parameters as TypeScript) has to come as ready
 * text; the Python package writes it, from JSON and schemas, and C has neither.
 *
 * COMPATIBILITY
 *
 * A patch version changes no declaration here. A minor version may add
 * functions, values at the end of an enum, and fields at the end of options and
 * of harmony_view, which only the library makes; so take a status, a warning or
 * a kind that you don't know for a failure or for news. A major version may
 * change anything, and so may a minor one before 1.0; if a program that is
 * compiled would break, the number in the name of the shared library
 * (libharmony.so.0) changes, and only then.
 *
 * Tokens are part of this: what harmony_encode and harmony_render give for the
 * same input is the same in every version, but for mistakes that CHANGELOG.md
 * tells of. The words of an error's message may change at any time.
 */
#ifndef HARMONY_H
#define HARMONY_H

#include <stddef.h>
#include <stdint.h>

/* ---- The version ------------------------------------------------------- */

/* The version of this header. */
#define HARMONY_VERSION_MAJOR 0
#define HARMONY_VERSION_MINOR 1
#define HARMONY_VERSION_PATCH 0
#define HARMONY_VERSION "0.1.0"

/* Before each function that the library exports. Define it to change that:
 * as __declspec(dllimport) to use the library as a DLL. */
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

/* The version of the library that is linked, "MAJOR.MINOR.PATCH": a constant
 * string, which may differ from HARMONY_VERSION with a shared library. */
HARMONY_API const char *harmony_version(void);

/* ---- Status and errors ------------------------------------------------- */

typedef enum harmony_status {
    HARMONY_OK = 0,
    HARMONY_NO_MEMORY,         /* malloc refused; nothing has changed */
    HARMONY_SHORT_BUFFER,      /* *count says how much room is needed */
    HARMONY_TOO_LARGE,         /* text of 2 GiB or more, or 2^31 tokens in a
                                  stream; nothing has changed */
    HARMONY_BAD_ARGUMENT,      /* a span outside its text, an unknown role;
                                  nothing has changed */
    HARMONY_BAD_VOCABULARY,    /* truncated, altered, or no vocabulary at all */
    HARMONY_UNKNOWN_TOKEN,     /* an id that is not in the vocabulary */
    HARMONY_TOOL_WITHOUT_NAME, /* a message by a tool that has no name */
    HARMONY_UNEXPECTED_TOKEN,  /* another token where <|start|> is due */
    HARMONY_UNEXPECTED_END,    /* the stream ended inside a header */
    HARMONY_HEADER_NOT_UTF8,   /* a header that is not text */
    HARMONY_HEADER_NO_ROLE,    /* a header without a word for the role */
    HARMONY_HEADER_UNKNOWN_ROLE,
    HARMONY_HEADER_NO_CHANNEL,  /* <|channel|> with no word behind it */
    HARMONY_HEADER_EXTRA_WORDS, /* more words than a header has places for */
    HARMONY_IN_USE /* another call uses the parser; nothing has changed */
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

/* A stretch of some text: `length` bytes from byte `start`. Absent if
 * start < 0, which is not the same as present and empty; the library's absent
 * spans are {-1, 0}, so that printing `length` bytes prints nothing. */
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

/* A conversation: one block of text and messages whose spans point into it. It
 * owns neither. Make one by hand, if the texts lie in one block already, or
 * let a builder do it (below). Text is less than 2 GiB. */
typedef struct harmony_conversation {
    const char *text;
    size_t text_length;
    const harmony_message *messages;
    size_t message_count;
} harmony_conversation;

/* 1 if a span of `text` is present and the same as a NUL-terminated word, else
 * 0: harmony_span_equals(view->finished.text, message->channel, "final"). */
HARMONY_API int harmony_span_equals(const char *text, harmony_span span,
                                    const char *word);

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
 * harmony ships as o200k_base.vocabulary (its format is described in
 * vocabulary.h), or o200k_base.tiktoken, a file of lines "BASE64 RANK". The
 * `size` bytes are not needed after the call. A compact file takes some
 * milliseconds, a .tiktoken file more than a hundred, because its merges have
 * to be found. An encoding takes about 12 MB.
 *
 * *encoding is set on success, and to NULL otherwise.
 * Errors: HARMONY_BAD_VOCABULARY (position: the entry or line, or -1),
 * HARMONY_NO_MEMORY. */
HARMONY_API harmony_status harmony_encoding_new(const void *vocabulary,
                                                size_t size,
                                                harmony_encoding **encoding,
                                                harmony_error *error);

/* Free an encoding, after everything that was made with it; NULL is nothing. */
HARMONY_API void harmony_encoding_free(harmony_encoding *encoding);

/* The number of ordinary tokens: ids from 0 to this, not included. */
HARMONY_API int32_t harmony_encoding_size(const harmony_encoding *encoding);

/* The compact vocabulary as a part of the program, for harmony_encoding_new:
 * 1.2 MB of constants, and no file when it runs. Never fails; *size is set to
 * their number of bytes. It is the one function that is not in libharmony:
 * link libharmony_vocabulary.a as well (docs/embedding.md). */
const void *harmony_builtin_vocabulary(size_t *size);

/* ---- Text to tokens and back ------------------------------------------- */

/* 1 if the id is that of a special token, else 0. */
HARMONY_API int harmony_is_special_token(int32_t token);

/* Find the first special token that is spelled in text[start ... length).
 * Returns its id and sets *position to the byte where its text begins; its
 * text ends at *position + *token_length. If there is none, returns
 * HARMONY_NO_TOKEN with *position = length and *token_length = 0. */
HARMONY_API int32_t harmony_find_special_token(const char *text, size_t length,
                                               size_t start, size_t *position,
                                               size_t *token_length);

/* The bytes of one token, special tokens included; they belong to the
 * encoding, live as long as it does, and need not be whole characters. NULL,
 * with *length 0, for an id outside the vocabulary. */
HARMONY_API const char *harmony_token_bytes(const harmony_encoding *encoding,
                                            int32_t token, size_t *length);

/* A cache remembers pieces of text that were encoded before, and their tokens.
 * It makes encoding several times as fast; the tokens are the same. It takes
 * up to 3.9 MB and never grows. A cache belongs to one encoding and to one
 * thread at a time: give each thread its own, or NULL where text is rarely
 * encoded. A pool of them does as well; which one a call gets makes no
 * difference to what it gives. */
typedef struct harmony_cache harmony_cache;

/* Make an empty cache for this encoding, which must outlive it. *cache is set
 * on success, and to NULL otherwise. Errors: HARMONY_NO_MEMORY. */
HARMONY_API harmony_status harmony_cache_new(const harmony_encoding *encoding,
                                             harmony_cache **cache,
                                             harmony_error *error);

/* Free a cache; NULL is nothing. */
HARMONY_API void harmony_cache_free(harmony_cache *cache);

/* Encode `length` bytes of text; *count is set to the number of tokens. Text
 * that spells one of the `allowed_count` special tokens in `allowed` becomes
 * that token; any other is ordinary text, whatever it spells. There are never
 * more tokens than bytes of text, so a capacity of `length` is always enough.
 * `cache` may be NULL.
 * Errors: HARMONY_SHORT_BUFFER, HARMONY_TOO_LARGE, HARMONY_NO_MEMORY, and
 * HARMONY_BAD_ARGUMENT for the cache of another encoding. */
HARMONY_API harmony_status harmony_encode(
    const harmony_encoding *encoding, harmony_cache *cache, const char *text,
    size_t length, const int32_t *allowed, size_t allowed_count,
    int32_t *tokens, size_t capacity, size_t *count, harmony_error *error);

/* Decode tokens to the bytes they stand for; *length is set to their number.
 * They are UTF-8 if the tokens are those of a whole text, but any sequence of
 * tokens is taken. No NUL is added.
 * Errors: HARMONY_UNKNOWN_TOKEN (position: index of the token),
 * HARMONY_SHORT_BUFFER, and HARMONY_TOO_LARGE for more bytes than a size_t
 * counts. */
HARMONY_API harmony_status harmony_decode(const harmony_encoding *encoding,
                                          const int32_t *tokens,
                                          size_t token_count, char *bytes,
                                          size_t capacity, size_t *length,
                                          harmony_error *error);

/* ---- Other vocabularies ------------------------------------------------ */

/* Any byte-pair vocabulary, for text that the caller splits into pieces: the
 * merging of this library without its splitting and its special tokens. */
typedef struct harmony_vocabulary harmony_vocabulary;

/* Make one from the bytes of a vocabulary file of either kind, with up to
 * 2 097 151 ranks. Every single byte must be a token, and every token merge
 * from tokens of lower rank; one that merges from none is used only for a whole
 * piece. The bytes are not needed after the call. *vocabulary is set on
 * success, and to NULL otherwise.
 * Errors: HARMONY_BAD_VOCABULARY (position: the entry or line, or -1),
 * HARMONY_NO_MEMORY. */
HARMONY_API harmony_status
harmony_vocabulary_new(const void *file, size_t size,
                       harmony_vocabulary **vocabulary, harmony_error *error);

/* Free a vocabulary; NULL is nothing. */
HARMONY_API void harmony_vocabulary_free(harmony_vocabulary *vocabulary);

/* Ranks are below this; some may be unused. */
HARMONY_API int32_t
harmony_vocabulary_size(const harmony_vocabulary *vocabulary);

/* The bytes of a token; they belong to the vocabulary and live as long as it
 * does. NULL, with *length 0, for a rank that is no token. */
HARMONY_API const char *harmony_vocabulary_token(
    const harmony_vocabulary *vocabulary, int32_t rank, size_t *length);

/* Encode `piece_count` pieces that follow one another in text; ends[i] is
 * where piece i ends, in bytes from the start of the text, and never less than
 * the one before. There are never more tokens than bytes of text.
 * Errors: HARMONY_BAD_ARGUMENT (position: index of the piece),
 * HARMONY_SHORT_BUFFER, HARMONY_NO_MEMORY. */
HARMONY_API harmony_status harmony_vocabulary_encode(
    const harmony_vocabulary *vocabulary, const char *text, size_t length,
    const int32_t *ends, size_t piece_count, int32_t *tokens, size_t capacity,
    size_t *count, harmony_error *error);

/* ---- Building a conversation ------------------------------------------- */

/* A builder copies texts from wherever they are into one block and keeps the
 * messages, so the texts need not live longer than the call. It belongs to one
 * thread at a time. Add what each message says, then set what its header has:
 *
 *     harmony_builder_add(builder, HARMONY_ROLE_USER, text, length, &error);
 *     harmony_builder_add(builder, HARMONY_ROLE_TOOL, "18 C",
 *                         HARMONY_NUL_TERMINATED, &error);
 *     harmony_builder_set(builder, HARMONY_FIELD_NAME, "functions.get_weather",
 *                         HARMONY_NUL_TERMINATED, &error);
 *     harmony_render(encoding, cache, harmony_builder_conversation(builder),
 *                    NULL, tokens, capacity, &count, &error);
 *
 * A failure changes nothing: the builder can be used on, and after
 * HARMONY_NO_MEMORY the same call can be made again. */
typedef struct harmony_builder harmony_builder;

/* As a length: the text ends before its first NUL. */
#define HARMONY_NUL_TERMINATED ((size_t)-1)

/* What the header of a message can have besides its role. */
typedef enum harmony_field {
    HARMONY_FIELD_NAME = 0,        /* of the author: "functions.get_weather" */
    HARMONY_FIELD_RECIPIENT = 1,   /* "functions.get_weather", "assistant" */
    HARMONY_FIELD_CHANNEL = 2,     /* "analysis", "commentary", "final" */
    HARMONY_FIELD_CONTENT_TYPE = 3 /* "<|constrain|>json" */
} harmony_field;

/* Make an empty builder. *builder is set on success, and to NULL otherwise.
 * Errors: HARMONY_NO_MEMORY. */
HARMONY_API harmony_status harmony_builder_new(harmony_builder **builder,
                                               harmony_error *error);

/* Free a builder and all it holds; NULL is nothing. */
HARMONY_API void harmony_builder_free(harmony_builder *builder);

/* Forget all messages and keep the memory, for the next conversation. */
HARMONY_API void harmony_builder_reset(harmony_builder *builder);

/* Add a message of this harmony_role with a content of `length` bytes, and no
 * more in its header than the role. HARMONY_ROLE_CONTINUED adds a further
 * content item to the message before it. A `content` of NULL is an absent one,
 * whatever the length. The texts of system and developer messages are taken as
 * they are. `content` must not be in the builder's own text.
 * Errors: HARMONY_BAD_ARGUMENT for an unknown role, or a further item of
 * nothing; HARMONY_TOO_LARGE if all texts are 2 GiB or more;
 * HARMONY_NO_MEMORY. */
HARMONY_API harmony_status harmony_builder_add(harmony_builder *builder,
                                               int32_t role,
                                               const char *content,
                                               size_t length,
                                               harmony_error *error);

/* Set a harmony_field of the message that was added last; if it was set
 * before, the last one counts. A `text` of NULL makes it absent. `text` must
 * not be in the builder's own text.
 * Errors: HARMONY_BAD_ARGUMENT for an unknown field, before the first message,
 * or if a further content item was added last; HARMONY_TOO_LARGE and
 * HARMONY_NO_MEMORY as above. */
HARMONY_API harmony_status harmony_builder_set(harmony_builder *builder,
                                               int32_t field, const char *text,
                                               size_t length,
                                               harmony_error *error);

/* Add all messages of another conversation, such as those that a parser has
 * finished, to answer them: &view->finished. Errors: HARMONY_BAD_ARGUMENT
 * (position: index of a message with an unknown role or with a span outside of
 * the text), HARMONY_TOO_LARGE, HARMONY_NO_MEMORY. */
HARMONY_API harmony_status harmony_builder_extend(
    harmony_builder *builder, const harmony_conversation *conversation,
    harmony_error *error);

/* The conversation so far. It belongs to the builder: one pointer, the same
 * for the builder's life, with texts and messages that are good until the
 * builder is next changed. */
HARMONY_API const harmony_conversation *harmony_builder_conversation(
    const harmony_builder *builder);

/* ---- Rendering --------------------------------------------------------- */

/* Which messages on channel "analysis" are left out, whoever wrote them. */
typedef enum harmony_drop {
    HARMONY_DROP_NONE = 0, /* none */
    /* As openai-harmony: if the last message by the assistant is on channel
     * "final", those before the first message on channel "final". */
    HARMONY_DROP_UPSTREAM = 1,
    /* Those before the last message by the assistant on channel "final": the
     * thoughts of turns that are over. */
    HARMONY_DROP_PER_TURN = 2
} harmony_drop;

/* How to render. Begin with HARMONY_RENDER_OPTIONS_INIT and set what is to
 * differ:
 *
 *     harmony_render_options options = HARMONY_RENDER_OPTIONS_INIT;
 *
 *     options.next_role = HARMONY_ROLE_ASSISTANT; */
typedef struct harmony_render_options {
    size_t size;           /* sizeof(harmony_render_options) */
    int32_t drop_analysis; /* a harmony_drop */
    /* Append <|start|> and this role, for the model to go on; or
     * HARMONY_ROLE_NONE. */
    int32_t next_role;
    /* 1: if the very last message is the assistant's on channel "final", end
     * it with <|return|> in place of <|end|>. */
    int32_t training;
    /* 1: in the header of a message by the assistant, the channel comes before
     * the recipient, as the model writes it:
     *     <|start|>assistant<|channel|>commentary to=functions.f
     * 0: the recipient comes first, as for all other authors:
     *     <|start|>assistant to=functions.f<|channel|>commentary */
    int32_t channel_first;
    /* 1: the very last message goes on: it has no stop token. There is no next
     * role then, and nothing to end for training. */
    int32_t open_last;
} harmony_render_options;

/* Every message, as the prompt has it, and no next role. */
#define HARMONY_RENDER_OPTIONS_INIT                                            \
    {sizeof(harmony_render_options),                                           \
     HARMONY_DROP_NONE,                                                        \
     HARMONY_ROLE_NONE,                                                        \
     0,                                                                        \
     0,                                                                        \
     0}

/* Render a conversation; *count is set to the number of tokens. Each run of
 * text between special tokens is encoded on its own as ordinary text: what a
 * user writes can't become a special token. `options` NULL means
 * HARMONY_RENDER_OPTIONS_INIT; `cache` may be NULL.
 * Errors, with the index of the message as position:
 * HARMONY_TOOL_WITHOUT_NAME, HARMONY_BAD_ARGUMENT (an unknown role, a span
 * outside of the text; or, at -1, options of a wrong size, an unknown drop
 * rule or next role, a next role behind an open message, the cache of another
 * encoding); and HARMONY_SHORT_BUFFER, HARMONY_TOO_LARGE, HARMONY_NO_MEMORY,
 * at -1. */
HARMONY_API harmony_status
harmony_render(const harmony_encoding *encoding, harmony_cache *cache,
               const harmony_conversation *conversation,
               const harmony_render_options *options, int32_t *tokens,
               size_t capacity, size_t *count, harmony_error *error);

/* Which tokens are whose, as indexes: a message's header, from <|start|> to
 * <|message|>, is tokens[header ... content), its content [content ... end),
 * its stop token [end ... stop), which is empty for one left open. */
typedef struct harmony_part {
    size_t header;
    size_t content;
    size_t end;
    size_t stop;
} harmony_part;

/* As harmony_render, and tell which tokens are whose: parts[i] is message i,
 * counting messages from 0 without the further items of a content. All four
 * numbers of a message that is left out are where the one before it stops. The
 * tokens of the next role come after all of them. There is room in `parts` for
 * message_count of them; or it is NULL. It is filled with HARMONY_SHORT_BUFFER
 * too. Errors: those of harmony_render. */
HARMONY_API harmony_status harmony_render_parts(
    const harmony_encoding *encoding, harmony_cache *cache,
    const harmony_conversation *conversation,
    const harmony_render_options *options, int32_t *tokens, size_t capacity,
    size_t *count, harmony_part *parts, harmony_error *error);

/* A number of tokens that harmony_render can't exceed for this conversation, a
 * few times as many as there will be: a buffer of that capacity is never
 * short. It costs next to nothing. SIZE_MAX if a size_t does not count so many:
 * then harmony_render says HARMONY_TOO_LARGE. */
HARMONY_API size_t
harmony_render_bound(const harmony_conversation *conversation);

/* ---- Training ---------------------------------------------------------- */

/* Which tokens of messages by the assistant are trained on. */
typedef enum harmony_mask_kind {
    /* What the model writes itself. A prompt ends with <|start|>assistant, so
     * these are not trained on where a message comes first, or behind one by
     * anyone else. */
    HARMONY_MASK_SAMPLED = 0,
    HARMONY_MASK_MESSAGES = 1, /* all of them */
    HARMONY_MASK_CONTENT = 2   /* contents and stop tokens */
} harmony_mask_kind;

/* What is trained on. Begin with HARMONY_MASK_OPTIONS_INIT and set what is to
 * differ. */
typedef struct harmony_mask_options {
    size_t size;       /* sizeof(harmony_mask_options) */
    int32_t kind;      /* a harmony_mask_kind */
    int32_t last_turn; /* 1: only what is behind the last message by a user */
    /* Only messages on one of these channels, each NUL-terminated; NULL: on
     * any, or on none. */
    const char *const *channels;
    size_t channel_count;
} harmony_mask_options;

/* What the model writes, in all turns and on all channels. */
#define HARMONY_MASK_OPTIONS_INIT                                              \
    {sizeof(harmony_mask_options), HARMONY_MASK_SAMPLED, 0, NULL, 0}

/* Set mask[i] to 1 for each of `count` tokens that is trained on, and to 0 for
 * all others. `parts`: what harmony_render_parts told of the conversation.
 * `options` NULL means HARMONY_MASK_OPTIONS_INIT.
 * Errors: HARMONY_BAD_ARGUMENT (position: index of a message whose part is out
 * of order or beyond `count`; or -1, for options of a wrong size or an unknown
 * kind), HARMONY_NO_MEMORY. */
HARMONY_API harmony_status harmony_mask(
    const harmony_encoding *encoding, const harmony_conversation *conversation,
    const harmony_part *parts, const harmony_mask_options *options,
    int8_t *mask, size_t count, harmony_error *error);

/* Render many conversations in one call. `all` has the messages of all of them
 * one after the other; conversation i ends before all->messages[ends[i]]. The
 * tokens of conversation i are tokens[offsets[i] ... offsets[i + 1]): there is
 * room in `offsets` for one more than there are conversations. `parts` has room
 * for all->message_count: one for each message of each conversation, as of
 * harmony_render_parts, but counted in all tokens; it may be NULL if `mask` is.
 * `mask` has room for `capacity` and is filled as by harmony_mask; or it is
 * NULL. harmony_render_batch_bound gives a capacity that is never short.
 * Errors: those of harmony_render and harmony_mask, with the index in `all` of
 * the message; HARMONY_BAD_ARGUMENT at -1 if an end is less than the one before
 * or beyond all messages, or `parts` is missing. */
HARMONY_API harmony_status harmony_render_batch(
    const harmony_encoding *encoding, harmony_cache *cache,
    const harmony_conversation *all, const size_t *ends,
    size_t conversation_count, const harmony_render_options *options,
    const harmony_mask_options *mask_options, int32_t *tokens, size_t capacity,
    size_t *offsets, harmony_part *parts, int8_t *mask, harmony_error *error);

/* A number of tokens that harmony_render_batch can't exceed. */
HARMONY_API size_t harmony_render_batch_bound(const harmony_conversation *all,
                                              size_t conversation_count);

/* ---- Parsing ----------------------------------------------------------- */

typedef enum harmony_state {
    HARMONY_STATE_EXPECT_START = 0, /* between messages: <|start|> is due */
    HARMONY_STATE_HEADER = 1,       /* up to <|message|> */
    HARMONY_STATE_CONTENT = 2       /* up to a stop token */
} harmony_state;

/* A parser takes the tokens of one stream: a completion, or whole messages.
 * Make one for each stream, feed it with harmony_parser_process or
 * harmony_parser_feed, call harmony_parser_finish at the end, and read what it
 * has found, at any time, from its view. */
typedef struct harmony_parser harmony_parser;

/* How to read. Begin with HARMONY_PARSER_OPTIONS_INIT and set what differs:
 * `role` and `recover`, for what a model samples after a prompt. */
typedef struct harmony_parser_options {
    size_t size; /* sizeof(harmony_parser_options), as the program knows it */
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

/* No role, strict, no recovery: what NULL means, too. */
#define HARMONY_PARSER_OPTIONS_INIT                                            \
    {sizeof(harmony_parser_options), HARMONY_ROLE_NONE, 1, 0}

/* RECOVERY. A parser with `recover` takes every sequence of tokens. No text is
 * lost: it is in a content, in the fields of a header, or in a warning.
 * Finished messages never change and deltas are never taken back. What is
 * written as harmony_render writes it is read as always, but for a few things
 * that docs/python.md lists. Every repair is a warning. Of anything else:
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
    HARMONY_WARNING_STRAY_STOP = 0,   /* a stop, or end, outside of messages */
    HARMONY_WARNING_WHITE_SPACE,      /* white space where <|start|> is due */
    HARMONY_WARNING_MISSING_START,    /* a header without <|start|> */
    HARMONY_WARNING_BARE_TEXT,        /* text without a header is a message */
    HARMONY_WARNING_RESTARTED_HEADER, /* what stood before another <|start|> */
    HARMONY_WARNING_REPEATED_MESSAGE, /* a second <|message|> in a row */
    HARMONY_WARNING_CUT_MESSAGE,      /* a message without a stop token */
    HARMONY_WARNING_MISSING_MESSAGE,  /* the content was in the header */
    HARMONY_WARNING_DROPPED_HEADER,   /* a header without a content */
    HARMONY_WARNING_HEADER_WORDS,     /* words without a place */
    HARMONY_WARNING_ROLE,             /* missing, repeated, misplaced, guess */
    HARMONY_WARNING_CHANNEL,          /* one that does not count, or is empty */
    HARMONY_WARNING_RECIPIENT,        /* none; its bad end; without `to=` */
    HARMONY_WARNING_CONTENT_TYPE,     /* a content type that does not count */
    HARMONY_WARNING_NOT_UTF8,         /* header bytes replaced by U+FFFD */
    HARMONY_WARNING_UNKNOWN_TOKEN,    /* an id replaced by U+FFFD */
    HARMONY_WARNING_AFTER_END         /* a token after <|endoftext|> */
} harmony_warning_kind;

/* One repair: at which token it was made (an index into view->tokens), and the
 * text that it left out, a span in view->warning_text, perhaps empty. That
 * text need not be whole characters. */
typedef struct harmony_warning {
    int32_t position;
    int32_t kind; /* a harmony_warning_kind */
    harmony_span text;
} harmony_warning;

/* Which tokens a message has, and how it ended. Its header's tokens are those
 * from <|start|> to <|message|>, as far as they were fed; its content's are the
 * others, with the one that ended it. They stand together, header first: a
 * message is exactly view->tokens[start ... start + header_tokens +
 * content_tokens), and messages follow one another. What is in none of them was
 * refused, or left out with a warning. */
typedef struct harmony_tally {
    int32_t end_token; /* <|end|>, <|call|>, <|return|>, or HARMONY_NO_TOKEN */
    int32_t start;     /* <|start|>, or what else its header or text began with;
                          0 if the parser was given the role of its header */
    int32_t header_tokens;
    int32_t content_tokens;
    int32_t header_special;  /* how many of them are special tokens, see */
    int32_t content_special; /* harmony_is_special_token */
} harmony_tally;

/* Text that one call of harmony_parser_feed or harmony_parser_finish added to
 * the content of a message: `message` is its index among the finished ones, or
 * their number for the open one; `finished` whether that call ended it. */
typedef struct harmony_segment {
    int32_t message;
    int32_t finished;
    harmony_span text;
} harmony_segment;

/* What a parser has found so far, updated in place by every call. Spans are
 * offsets into finished.text, but for those of warnings, and stay good for the
 * parser's life; pointers are good until the next call, and belong to the
 * parser. So this is the text that the last token added to a content:
 *
 *     if (view->delta.start >= 0)
 *         write(view->finished.text + view->delta.start, view->delta.length);
 */
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
    /* A tally for each finished message, and that of the open one, which has
     * no tokens between messages. */
    const harmony_tally *tallies;
    harmony_tally open;
    /* What was repaired, in the order of position. */
    const harmony_warning *warnings;
    size_t warning_count;
    const char *warning_text;
    /* What the last harmony_parser_feed or harmony_parser_finish added to
     * contents, message by message. */
    const harmony_segment *segments;
    size_t segment_count;
    /* Who is to write the open message, if that is all that is known of it: the
     * role, if its header is <|start|> and a role's word, as at the end of a
     * prompt with this harmony_render_options.next_role; or
     * HARMONY_ROLE_NONE. */
    int32_t next_role;
} harmony_view;

/* Make a parser. The encoding must outlive it; the options need not. `options`
 * NULL means HARMONY_PARSER_OPTIONS_INIT. *parser is set on success, and to
 * NULL otherwise.
 * Errors: HARMONY_NO_MEMORY, HARMONY_BAD_ARGUMENT (an unknown role; options
 * that are not of a size that this library knows). */
HARMONY_API harmony_status harmony_parser_new(
    const harmony_encoding *encoding, const harmony_parser_options *options,
    harmony_parser **parser, harmony_error *error);

/* Make the parser for what a model writes after a prompt. The prompt may end
 * behind a message, with <|start|> and a role, inside a header, or inside a
 * content (a prefill). Its finished messages are not read, however long they
 * are. If nothing but a role's word follows its last <|start|>, the parser is
 * given that role, as by harmony_parser_new; else it has been fed with the open
 * message, if there is one, by harmony_parser_feed. The role of the options is
 * HARMONY_ROLE_NONE. *parser is set on success, and to NULL otherwise.
 * Errors: those of harmony_parser_new and, with their position in the prompt,
 * of harmony_parser_process; with `recover` only the former and
 * HARMONY_TOO_LARGE. */
HARMONY_API harmony_status
harmony_parser_after(const harmony_encoding *encoding, const int32_t *tokens,
                     size_t count, const harmony_parser_options *options,
                     harmony_parser **parser, harmony_error *error);

/* Free a parser and its view; NULL is nothing. */
HARMONY_API void harmony_parser_free(harmony_parser *parser);

/* The view of a parser: one pointer, the same for the parser's life, to which
 * it belongs. */
HARMONY_API const harmony_view *harmony_parser_view(
    const harmony_parser *parser);

/* Take one token. Content is repaired as it streams: a byte sequence that can
 * no longer become valid UTF-8 yields U+FFFD, at most one such sequence a
 * token, and what follows it comes with the tokens after; an id outside the
 * vocabulary counts as one invalid byte.
 *
 * Errors: HARMONY_UNEXPECTED_TOKEN, HARMONY_HEADER_NOT_UTF8,
 * HARMONY_HEADER_NO_ROLE, HARMONY_HEADER_UNKNOWN_ROLE,
 * HARMONY_HEADER_NO_CHANNEL, HARMONY_HEADER_EXTRA_WORDS, none of which comes
 * with `recover`; position: index of the token in view->tokens. After an error
 * at the end of a header, at its <|message|>, the parser expects <|start|>
 * again and the header is gone; after any other nothing has changed but that
 * the token is among view->tokens. Finished messages stay, and the parser goes
 * on. And HARMONY_NO_MEMORY, HARMONY_TOO_LARGE, HARMONY_IN_USE: the token has
 * not been taken. */
HARMONY_API harmony_status harmony_parser_process(harmony_parser *parser,
                                                  int32_t token,
                                                  harmony_error *error);

typedef enum harmony_appended {
    HARMONY_NOT_APPENDED = 0,   /* harmony_parser_process is to take it */
    HARMONY_APPENDED_TOKEN = 1, /* the delta is the bytes of the token */
    HARMONY_APPENDED_OTHER = 2  /* the delta is something else, or absent */
} harmony_appended;

/* Take one token if all it does is to add to a content that is open, as nearly
 * every token does: for callers who would rather not read the view after each
 * token, such as bindings. C programs need not bother: harmony_parser_process
 * is as quick. Of the view nothing changes then but the delta and what grows
 * with a content. Returns a harmony_appended; if it is HARMONY_NOT_APPENDED, as
 * when another call uses the parser, nothing has happened. */
HARMONY_API int harmony_parser_append(harmony_parser *parser, int32_t token);

/* Take many tokens, as if one at a time; stop at the first error.
 * view->token_count tells how many were taken, `delta` is that of the last
 * one, `segments` what all of them added. Errors: those of
 * harmony_parser_process. */
HARMONY_API harmony_status harmony_parser_feed(harmony_parser *parser,
                                               const int32_t *tokens,
                                               size_t count,
                                               harmony_error *error);

/* Say that the stream has ended. An open message is finished as by a stop
 * token; `delta` and `segments` are what that added. The parser may be fed on
 * afterwards. Errors: HARMONY_UNEXPECTED_END inside a header (never with
 * `recover`; position: view->token_count), HARMONY_NO_MEMORY,
 * HARMONY_TOO_LARGE, HARMONY_IN_USE. */
HARMONY_API harmony_status harmony_parser_finish(harmony_parser *parser,
                                                 harmony_error *error);

#ifdef __cplusplus
}
#endif

#endif
