/*
 * Streams as a model writes them, then damaged as a model damages them: what
 * holds for every sequence of tokens is checked on each. Case number i is made
 * of the seed plus i alone, so `damage VOCABULARY 1 SEED` makes it again.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "guarantees.h"
#include "support.h"

#define COUNT(array) ((uint32_t)(sizeof(array) / sizeof *(array)))
#define MESSAGES 4
#define TEXT_ROOM 4000
#define TOKEN_ROOM 4000

static const char *const contents[] = {
    "",
    "4",
    "Hello there.",
    "{\"a\": [1, 2.5e-3]}",
    "Gr\xC3\xBC\xC3\x9F dich",
    "\xE4\xB8\x96\xE7\x95\x8C",
    "\xF0\x9F\x98\x80",
    " ",
    "\n\n",
    "assistant",
    " to=functions.f",
    "<|channel|>final",
    "<|end|>",
    "analysis",
    "json",
    "\xE2\x80\x8B",
    "e\xCC\x81",
    "\xC2\xA0",
    "user:bob",
    "\t- a\r\n\t- b\r\n",
    "print('<|start|>')",
    "\xF0\x9F\x91\xA9\xE2\x80\x8D\xF0\x9F\x92\xBB",
    "<|",
    "We need to answer briefly, so: final.",
    "\xF0\x9F",
    "\xED\xA0\x80",
    "<",
};
static const char *const words[] = {
    "assistant",
    "user",
    "tool",
    "system",
    "developer",
    "analysis",
    "final",
    "commentary",
    " to=functions.f",
    "to=",
    " to=",
    "functions.f",
    " json",
    "json",
    "code",
    "{\"a\":1}",
    "assistantfinal",
    "assistantassistant",
    "python",
    "browser.search",
    " ",
    "\n",
    "  \n",
    "\xC2\xA0",
    "<|channel|>",
    "<|message|>",
    ":bob",
    ".",
    "\xF0\x9F",
    "\xE4\xB8\x96",
    "Hello",
    " there",
    "to=all",
    " to=x y",
    "comment",
    "!",
    "<",
    "ary",
    "\xFF",
    "",
};
static const char *const channels[] = {
    "analysis", "commentary", "final", "final", "summary", "analysis?",
};
static const char *const recipients[] = {
    "functions.get_weather",
    "python",
    "browser.search",
    "all",
    "assistant",
    "functions.f",
    "user",
    "x",
    "functions.",
    "mcp/a:b",
    "a@b+c#d$e",
    "functions.gr\xC3\xB6\xC3\x9F"
    "e",
    "\xE5\x90\x8D\xE5\x89\x8D",
    "a\xC2\xA0"
    "b",
};
static const char *const types[] = {
    "json",
    "code",
    "<|constrain|>json",
    "<|constrain|>code",
    "text",
    "<|constrain|>",
    "<|constrain|>application/json",
    "user",
    "assistant",
};
static const char *const names[] = {
    "functions.get_weather",
    "python",
    "browser.search",
    "x",
    "bob",
    "\xE5\x90\x8D",
    "a\xE3\x80\x80"
    "b",
};

static const harmony_encoding *encoding;

/* ---- Streams ------------------------------------------------------------ */

struct stream {
    int32_t role;
    int32_t tokens[TOKEN_ROOM];
    size_t count;
};

struct talk {
    char text[TEXT_ROOM];
    size_t length;
    harmony_message messages[MESSAGES];
};

static harmony_span say(struct talk *talk, const char *text)
{
    size_t length = strlen(text);
    harmony_span span;

    span.start = (int32_t)talk->length;
    span.length = (int32_t)length;
    memcpy(talk->text + talk->length, text, length);
    talk->length += length;
    return span;
}

/* One of some texts, or, as often as not, none. */
static harmony_span maybe(struct talk *talk, uint64_t *seed,
                          const char *const *texts, uint32_t count)
{
    harmony_span none = {-1, 0};

    if (random_below(seed, 2))
        return none;
    return say(talk, texts[random_below(seed, count)]);
}

static void say_message(struct talk *talk, uint64_t *seed,
                        harmony_message *message)
{
    uint32_t pieces = random_below(seed, 4);
    harmony_span none = {-1, 0}, piece;

    message->role = random_below(seed, 2) ? HARMONY_ROLE_ASSISTANT
                                          : (int32_t)random_below(seed, 5);
    message->name = none;
    if (message->role == HARMONY_ROLE_TOOL || random_below(seed, 8) == 0)
        message->name = say(talk, names[random_below(seed, COUNT(names))]);
    message->recipient = maybe(talk, seed, recipients, COUNT(recipients));
    message->channel = maybe(talk, seed, channels, COUNT(channels));
    message->content_type = maybe(talk, seed, types, COUNT(types));
    message->content = say(talk, "");
    for (; pieces > 0; pieces--) {
        piece = say(talk, contents[random_below(seed, COUNT(contents))]);
        message->content.length += piece.length;
    }
}

/* A conversation, rendered; sometimes what follows the role that is given. */
static void write_stream(struct stream *stream, uint64_t *seed)
{
    struct talk talk;
    harmony_conversation conversation;
    harmony_render_options options = HARMONY_RENDER_OPTIONS_INIT;
    size_t i, skipped;

    talk.length = 0;
    conversation.text = talk.text;
    conversation.messages = talk.messages;
    conversation.message_count = 1 + random_below(seed, MESSAGES);
    for (i = 0; i < conversation.message_count; i++)
        say_message(&talk, seed, talk.messages + i);
    conversation.text_length = talk.length;
    options.training = (int32_t)random_below(seed, 2);
    options.channel_first = (int32_t)random_below(seed, 2);
    if (harmony_render(encoding, NULL, &conversation, &options, stream->tokens,
                       TOKEN_ROOM / 2, &stream->count, NULL)
        != HARMONY_OK)
        abort();
    stream->role = HARMONY_ROLE_NONE;
    if (random_below(seed, 2))
        return;
    stream->role = talk.messages[0].role;
    skipped = stream->role == HARMONY_ROLE_TOOL ? 1 : 2;
    if (random_below(seed, 16) == 0)
        stream->role = (int32_t)random_below(seed, 5);
    stream->count -= skipped;
    memmove(stream->tokens, stream->tokens + skipped,
            stream->count * sizeof *stream->tokens);
}

/* ---- Damages ------------------------------------------------------------ */

static void delete(struct stream *stream, size_t at, size_t count)
{
    if (count > stream->count - at)
        count = stream->count - at;
    stream->count -= count;
    memmove(stream->tokens + at, stream->tokens + at + count,
            (stream->count - at) * sizeof *stream->tokens);
}

static void insert(struct stream *stream, size_t at, const int32_t *tokens,
                   size_t count)
{
    if (stream->count + count > TOKEN_ROOM)
        return;
    memmove(stream->tokens + at + count, stream->tokens + at,
            (stream->count - at) * sizeof *stream->tokens);
    memcpy(stream->tokens + at, tokens, count * sizeof *tokens);
    stream->count += count;
}

static void insert_words(struct stream *stream, size_t at, uint64_t *seed)
{
    int32_t tokens[32];
    const char *text = words[random_below(seed, COUNT(words))];
    size_t count;

    if (harmony_encode(encoding, NULL, text, strlen(text), NULL, 0, tokens, 32,
                       &count, NULL)
        == HARMONY_OK)
        insert(stream, at, tokens, count);
}

static int32_t special_token(uint64_t *seed)
{
    static const int32_t tokens[] = {
        HARMONY_TOKEN_START,
        HARMONY_TOKEN_CHANNEL,
        HARMONY_TOKEN_MESSAGE,
        HARMONY_TOKEN_CONSTRAIN,
        HARMONY_TOKEN_END,
        HARMONY_TOKEN_CALL,
        HARMONY_TOKEN_RETURN,
        HARMONY_TOKEN_START,
        HARMONY_TOKEN_CHANNEL,
        HARMONY_TOKEN_MESSAGE,
        HARMONY_TOKEN_ENDOFTEXT,
        HARMONY_TOKEN_STARTOFTEXT,
        200013,
        201088,
    };

    return tokens[random_below(seed, COUNT(tokens))];
}

/* Any id, of the vocabulary more often than not. */
static int32_t any_token(uint64_t *seed)
{
    uint32_t id = random_below(seed, UINT32_MAX);

    switch (random_below(seed, 4)) {
    case 0:
        return special_token(seed);
    case 1:
        return (int32_t)(id & INT32_MAX) - (id > INT32_MAX ? INT32_MAX : 0);
    default:
        return (int32_t)random_below(seed, 199998);
    }
}

static void repeat(struct stream *stream, size_t at, size_t count)
{
    int32_t copy[8];

    if (count > stream->count - at)
        count = stream->count - at;
    memcpy(copy, stream->tokens + at, count * sizeof *copy);
    insert(stream, at, copy, count);
}

static void damage(struct stream *stream, uint64_t *seed)
{
    size_t at = random_below(seed, (uint32_t)stream->count + 1);
    size_t few = 1 + random_below(seed, 4);
    int32_t token;

    switch (random_below(seed, 8)) {
    case 0:
        delete(stream, at, few);
        break;
    case 1:
        repeat(stream, at, few);
        break;
    case 2:
        if (at + few < stream->count) {
            token = stream->tokens[at];
            stream->tokens[at] = stream->tokens[at + few];
            stream->tokens[at + few] = token;
        }
        break;
    case 3:
    case 4:
        token = special_token(seed);
        insert(stream, at, &token, 1);
        break;
    case 5:
        delete(stream, random_below(seed, 4) ? at : 0, stream->count - at);
        break;
    case 6:
        if (at < stream->count)
            stream->tokens[at] = any_token(seed);
        break;
    default:
        insert_words(stream, at, seed);
    }
}

/* ---- What is broken ----------------------------------------------------- */

/* In memory of exactly its size. */
static const char *broken_by(const struct stream *stream, uint64_t portion)
{
    size_t size = stream->count * sizeof *stream->tokens;
    int32_t *exact = exact_copy(stream->tokens, size);
    const char *broken = broken_guarantee(encoding, stream->role, exact,
                                          stream->count, portion);

    free(exact);
    return broken;
}

/* Leave out what the failure does not need: long runs first, then shorter ones,
 * down to single tokens. */
static void shorten(struct stream *stream, const char *broken, uint64_t portion)
{
    static struct stream less;
    size_t run = stream->count, at;

    for (; run > 0; run--)
        for (at = 0; at < stream->count;) {
            const char *found;

            less = *stream;
            delete(&less, at, run);
            found = broken_by(&less, portion);
            if (found != NULL && strcmp(found, broken) == 0)
                *stream = less;
            else
                at++;
        }
}

static void report(struct stream *stream, const char *broken, uint64_t seed)
{
    size_t i, length;

    shorten(stream, broken, seed);
    printf("broken: %s\nseed %lu, role %d, tokens:", broken,
           (unsigned long)seed, (int)stream->role);
    for (i = 0; i < stream->count; i++)
        printf(" %ld", (long)stream->tokens[i]);
    printf("\n");
    for (i = 0; i < stream->count; i++) {
        const char *bytes
            = harmony_token_bytes(encoding, stream->tokens[i], &length);

        printf("%.*s", (int)length, bytes != NULL ? bytes : "");
    }
    printf("\n");
}

static int check_case(uint64_t seed)
{
    static struct stream stream;
    uint64_t random = seed;
    uint32_t damages = random_below(&random, 5);
    const char *broken;

    write_stream(&stream, &random);
    for (; damages > 0; damages--)
        damage(&stream, &random);
    broken = broken_by(&stream, seed);
    if (broken != NULL)
        report(&stream, broken, seed);
    return broken == NULL;
}

int main(int count, char **arguments)
{
    unsigned long cases = 20000, seed = 1, i;
    harmony_encoding *made;
    size_t size;
    char *file;

    if (count < 2 || count > 4) {
        printf("usage: damage VOCABULARY [COUNT [SEED]]\n");
        return EXIT_FAILURE;
    }
    if (count > 2)
        cases = strtoul(arguments[2], NULL, 10);
    if (count > 3)
        seed = strtoul(arguments[3], NULL, 10);
    file = read_file(arguments[1], &size);
    if (harmony_encoding_new(file, size, &made, NULL) != HARMONY_OK)
        abort();
    encoding = made;
    for (i = 0; i < cases && check_case(seed + i); i++)
        ;
    harmony_encoding_free(made);
    free(file);
    if (i < cases)
        return EXIT_FAILURE;
    printf("damage: %lu streams, every guarantee holds\n", cases);
    return EXIT_SUCCESS;
}
