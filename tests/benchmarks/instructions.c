/*
 * The fixed jobs whose instructions are counted; instructions.py runs them.
 *
 *     instructions VOCABULARY TEXT JOB
 *
 * Everything a job needs is made before it begins. callgrind collects inside
 * the functions job_... only, so nothing else is counted.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harmony.h"

#define PASSES 10
#define MESSAGES 40

typedef struct bytes {
    char *data;
    size_t length;
} bytes;

typedef struct material {
    bytes vocabulary;
    bytes text;
    harmony_encoding *encoding;
    harmony_cache *cache;
    int32_t *tokens; /* room for PASSES times the text */
    size_t capacity;
    size_t count; /* those of the text, or of the conversation */
    char *decoded;
    harmony_message messages[MESSAGES];
    harmony_conversation conversation;
} material;

static void require(harmony_status status, const harmony_error *error)
{
    if (status != HARMONY_OK) {
        fprintf(stderr, "status %d: %s\n", (int)status, error->message);
        exit(1);
    }
}

static void *allocate(size_t size)
{
    void *memory = malloc(size + 1);

    if (memory == NULL)
        exit(1);
    return memory;
}

static bytes read_file(const char *path)
{
    bytes content;
    FILE *file = fopen(path, "rb");
    long size;

    if (file == NULL || fseek(file, 0, SEEK_END) != 0
        || (size = ftell(file)) < 0 || fseek(file, 0, SEEK_SET) != 0) {
        perror(path);
        exit(1);
    }
    content.length = (size_t)size;
    content.data = allocate(content.length);
    if (fread(content.data, 1, content.length, file) != content.length) {
        perror(path);
        exit(1);
    }
    fclose(file);
    return content;
}

/* ---- The jobs ---------------------------------------------------------- */

static void job_load(material *m)
{
    harmony_encoding *encoding;
    harmony_error error;

    require(harmony_encoding_new(m->vocabulary.data, m->vocabulary.length,
                                 &encoding, &error),
            &error);
    harmony_encoding_free(encoding);
}

static void job_encode(material *m)
{
    harmony_error error;
    int pass;

    for (pass = 0; pass < PASSES; pass++)
        require(harmony_encode(m->encoding, m->cache, m->text.data,
                               m->text.length, NULL, 0, m->tokens, m->capacity,
                               &m->count, &error),
                &error);
}

static void job_decode(material *m)
{
    harmony_error error;
    size_t length;
    int pass;

    for (pass = 0; pass < PASSES; pass++)
        require(harmony_decode(m->encoding, m->tokens, m->count, m->decoded,
                               m->text.length, &length, &error),
                &error);
}

static void job_render(material *m)
{
    harmony_error error;
    int pass;

    for (pass = 0; pass < PASSES; pass++)
        require(harmony_render(m->encoding, m->cache, &m->conversation, NULL,
                               m->tokens, m->capacity, &m->count, &error),
                &error);
}

static void job_parse(material *m)
{
    harmony_parser *parser;
    harmony_error error;
    size_t i;

    require(harmony_parser_new(m->encoding, NULL, &parser, &error), &error);
    for (i = 0; i < m->count; i++)
        require(harmony_parser_process(parser, m->tokens[i], &error), &error);
    harmony_parser_free(parser);
}

/* ---- What they need ---------------------------------------------------- */

static harmony_span span(size_t start, size_t length)
{
    harmony_span made;

    made.start = (int32_t)start;
    made.length = (int32_t)length;
    return made;
}

/* The text, dealt out to a user and an assistant in turn. */
static void make_conversation(material *m)
{
    const harmony_span absent = {-1, 0};
    size_t each = m->text.length / MESSAGES;
    size_t i;

    for (i = 0; i < MESSAGES; i++) {
        harmony_message *message = &m->messages[i];

        message->role = i % 2 == 0 ? HARMONY_ROLE_USER : HARMONY_ROLE_ASSISTANT;
        message->name = message->recipient = absent;
        message->channel = message->content_type = absent;
        message->content = span(i * each, each);
    }
    m->conversation.text = m->text.data;
    m->conversation.text_length = m->text.length;
    m->conversation.messages = m->messages;
    m->conversation.message_count = MESSAGES;
}

static void prepare(material *m, const char *vocabulary, const char *text)
{
    harmony_error error;

    m->vocabulary = read_file(vocabulary);
    m->text = read_file(text);
    require(harmony_encoding_new(m->vocabulary.data, m->vocabulary.length,
                                 &m->encoding, &error),
            &error);
    require(harmony_cache_new(m->encoding, &m->cache, &error), &error);
    make_conversation(m);
    m->capacity = m->text.length + harmony_render_bound(&m->conversation);
    m->tokens = allocate(m->capacity * sizeof *m->tokens);
    m->decoded = allocate(m->text.length);
}

static void release(material *m)
{
    harmony_cache_free(m->cache);
    harmony_encoding_free(m->encoding);
    free(m->vocabulary.data);
    free(m->text.data);
    free(m->tokens);
    free(m->decoded);
}

/* A job, and the one that makes the tokens it takes. */
typedef struct step {
    const char *name;
    void (*run)(material *);
    void (*before)(material *);
} step;

static void nothing(material *m)
{
    (void)m;
}

/* The names differ from job_..., so that these are not counted. */
static void first_encode(material *m)
{
    harmony_error error;

    require(harmony_encode(m->encoding, m->cache, m->text.data, m->text.length,
                           NULL, 0, m->tokens, m->capacity, &m->count, &error),
            &error);
}

static void first_render(material *m)
{
    harmony_error error;

    require(harmony_render(m->encoding, m->cache, &m->conversation, NULL,
                           m->tokens, m->capacity, &m->count, &error),
            &error);
}

static const step steps[] = {
    {"load", job_load, nothing},          {"encode", job_encode, nothing},
    {"decode", job_decode, first_encode}, {"render", job_render, nothing},
    {"parse", job_parse, first_render},
};

int main(int argc, char **argv)
{
    material m;
    size_t i;

    if (argc != 4) {
        fprintf(stderr, "usage: %s VOCABULARY TEXT JOB\n", argv[0]);
        return 2;
    }
    prepare(&m, argv[1], argv[2]);
    for (i = 0; i < sizeof steps / sizeof *steps; i++) {
        if (strcmp(steps[i].name, argv[3]) == 0) {
            steps[i].before(&m);
            steps[i].run(&m);
        }
    }
    release(&m);
    return 0;
}
