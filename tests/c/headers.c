/*
 * Headers whose names have the letters of all scripts, written as render.c
 * writes them, in either order: what the strict parser takes of them, a parser
 * that recovers reads in the same way. Case number i is made of the seed plus i
 * alone, so `headers VOCABULARY 1 SEED` makes it again.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "guarantees.h"
#include "support.h"

#define COUNT(array) ((uint32_t)(sizeof(array) / sizeof *(array)))
#define TEXT_ROOM 1000
#define TOKEN_ROOM 1000

/* Code points that names are made of; the last are any. */
static const struct {
    uint32_t first;
    uint32_t last;
} scripts[] = {{'!', '/'},         {'!', '~'},         {'a', 'z'},
               {'0', ':'},         {'A', 'Z'},         {0xA0, 0xFF},
               {0x100, 0x24F},     {0x300, 0x36F},     {0x370, 0x3FF},
               {0x400, 0x4FF},     {0x530, 0x58F},     {0x590, 0x6FF},
               {0x900, 0x97F},     {0xE00, 0xE7F},     {0x10A0, 0x10FF},
               {0x1200, 0x137F},   {0x1680, 0x1680},   {0x2000, 0x206F},
               {0x3000, 0x30FF},   {0x4E00, 0x9FFF},   {0xAC00, 0xD7A3},
               {0xFE00, 0xFFEF},   {0x10300, 0x103FF}, {0x1F300, 0x1FAFF},
               {0x20000, 0x2A6DF}, {0x80, 0x7FF},      {0x800, 0xD7FF},
               {0xE000, 0xFFFF},   {0x10000, 0x10FFFF}};
static const char *const words[] = {
    "functions.",
    "browser.search",
    "python",
    "assistant",
    "user",
    "tool",
    "System",
    "analysis",
    "commentary",
    "final",
    "json",
    "code",
    "to=",
    "all",
    "application/json",
    "mcp:",
    "<",
    "|>",
};

static const harmony_encoding *encoding;

struct talk {
    char text[TEXT_ROOM];
    size_t length;
    harmony_message message;
};

static void say(struct talk *talk, const char *text)
{
    memcpy(talk->text + talk->length, text, strlen(text));
    talk->length += strlen(text);
}

static void say_character(struct talk *talk, uint32_t code_point)
{
    static const unsigned char heads[] = {0, 0, 0xC0, 0xE0, 0xF0};
    int size = code_point < 0x80      ? 1
               : code_point < 0x800   ? 2
               : code_point < 0x10000 ? 3
                                      : 4;
    int i;

    for (i = size - 1; i > 0; i--) {
        talk->text[talk->length + (size_t)i]
            = (char)(0x80 | (code_point & 0x3F));
        code_point >>= 6;
    }
    talk->text[talk->length] = (char)(heads[size] | code_point);
    talk->length += (size_t)size;
}

static harmony_span say_name(struct talk *talk, uint64_t *seed)
{
    uint32_t left = 1 + random_below(seed, 6), script;
    harmony_span name;

    name.start = (int32_t)talk->length;
    if (random_below(seed, 3) == 0)
        say(talk, words[random_below(seed, COUNT(words))]);
    script = random_below(seed, COUNT(scripts));
    for (; left > 0; left--) {
        uint32_t first = scripts[script].first;
        uint32_t count = scripts[script].last - first + 1;

        say_character(talk, first + random_below(seed, count));
        if (random_below(seed, 3) == 0)
            script = random_below(seed, COUNT(scripts));
    }
    name.length = (int32_t)talk->length - name.start;
    return name;
}

/* One of `some`, or any name. */
static harmony_span say_one(struct talk *talk, uint64_t *seed,
                            const char *const *some, uint32_t count)
{
    uint32_t which = random_below(seed, 2 * count);
    harmony_span span;

    if (which >= count)
        return say_name(talk, seed);
    span.start = (int32_t)talk->length;
    say(talk, some[which]);
    span.length = (int32_t)talk->length - span.start;
    return span;
}

static void say_message(struct talk *talk, uint64_t *seed)
{
    static const char *const channels[] = {"analysis", "commentary", "final"};
    static const char *const types[]
        = {"json", "code", "user", "assistant", "<|constrain|>json"};
    static const harmony_span none = {-1, 0};
    harmony_message *message = &talk->message;

    message->role = random_below(seed, 3) ? HARMONY_ROLE_ASSISTANT
                                          : (int32_t)random_below(seed, 5);
    message->name = message->channel = message->content_type = none;
    message->recipient = none;
    if (message->role == HARMONY_ROLE_TOOL)
        message->name = say_name(talk, seed);
    if (random_below(seed, 8))
        message->recipient = say_name(talk, seed);
    if (random_below(seed, 4))
        message->channel = say_one(talk, seed, channels, COUNT(channels));
    if (message->recipient.start >= 0 && random_below(seed, 2))
        message->content_type = say_one(talk, seed, types, COUNT(types));
    message->content.start = (int32_t)talk->length;
    say(talk, "{}");
    message->content.length = 2;
}

/* Render a message; *role is the role that is given, or none. */
static size_t write_stream(int32_t *tokens, int32_t *role, uint64_t *seed)
{
    struct talk talk;
    harmony_conversation conversation;
    harmony_render_options options = HARMONY_RENDER_OPTIONS_INIT;
    size_t count;

    talk.length = 0;
    say_message(&talk, seed);
    conversation.text = talk.text;
    conversation.text_length = talk.length;
    conversation.messages = &talk.message;
    conversation.message_count = 1;
    options.channel_first = (int32_t)random_below(seed, 2);
    if (harmony_render(encoding, NULL, &conversation, &options, tokens,
                       TOKEN_ROOM, &count, NULL)
        != HARMONY_OK)
        abort();
    *role = HARMONY_ROLE_NONE;
    if (talk.message.role == HARMONY_ROLE_TOOL || random_below(seed, 2))
        return count;
    *role = talk.message.role;
    memmove(tokens, tokens + 2, (count - 2) * sizeof *tokens);
    return count - 2;
}

/* Whether the strict parser takes the tokens. */
static int is_taken(int32_t role, const int32_t *tokens, size_t count)
{
    harmony_parser_options options = HARMONY_PARSER_OPTIONS_INIT;
    harmony_parser *parser;
    int taken;

    options.role = role;
    if (harmony_parser_new(encoding, &options, &parser, NULL) != HARMONY_OK)
        abort();
    taken = harmony_parser_feed(parser, tokens, count, NULL) == HARMONY_OK;
    harmony_parser_free(parser);
    return taken;
}

static const char *check_case(uint64_t seed, unsigned long *taken)
{
    int32_t tokens[TOKEN_ROOM], role;
    uint64_t random = seed;
    size_t count = write_stream(tokens, &role, &random);
    const char *broken = broken_guarantee(encoding, role, tokens, count, seed);

    *taken += (unsigned long)is_taken(role, tokens, count);
    if (broken != NULL)
        printf("broken: %s\nseed %lu, role %d\n", broken, (unsigned long)seed,
               (int)role);
    return broken;
}

int main(int count, char **arguments)
{
    unsigned long cases = 20000, seed = 1, taken = 0, i;
    harmony_encoding *made;
    size_t size;
    char *file;

    if (count < 2 || count > 4) {
        printf("usage: headers VOCABULARY [COUNT [SEED]]\n");
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
    for (i = 0; i < cases && check_case(seed + i, &taken) == NULL; i++)
        ;
    harmony_encoding_free(made);
    free(file);
    if (i < cases)
        return EXIT_FAILURE;
    printf("headers: %lu, of which the strict parser takes %lu, read alike\n",
           cases, taken);
    return cases < 100 || taken > cases / 2 ? EXIT_SUCCESS : EXIT_FAILURE;
}
