/*
 * What a server does with the library: worker threads share one encoding; each
 * has a cache, a builder, and a parser for every stream that it has open.
 *
 *     serve VOCABULARY COMPLETIONS THREADS ROUNDS
 *
 * COMPLETIONS stands for the models: each line is the text of a completion,
 * from which a stream of tokens is made before the clock starts. A worker holds
 * up to 64 streams open and takes one token of each in turn, as they come from
 * a batch. For each it renders a prompt and writes, to standard output, what
 * happens as server-sent events, one fwrite for each:
 *
 *     event: begin    data: {"stream": 7, "prompt_tokens": 13}
 *     event: delta    data: {"stream": 7, "channel": "final", "text": " look"}
 *     event: message  data: {"stream": 7, "channel": "commentary",
 *                            "recipient": "functions.f", "text": "{}"}
 *
 * How long that took goes to standard error. ROUNDS is how often each line is a
 * stream. Build: cc -O2 -I.. -pthread serve.c ../build/libharmony.a
 */
#define _POSIX_C_SOURCE 200809L

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "harmony.h"

enum { OPEN_STREAMS = 64, MAX_COMPLETIONS = 1000, PROMPT_ROOM = 1000 };

/* ---- What all threads share -------------------------------------------- */

struct completion {
    int32_t *tokens;
    size_t count;
};

static const harmony_encoding *encoding;
static struct completion completions[MAX_COMPLETIONS];
static size_t completion_count, stream_count;

/* Which stream is next: the only thing here that changes. */
static pthread_mutex_t next_lock = PTHREAD_MUTEX_INITIALIZER;
static size_t next_stream;

static int take_stream(size_t *number)
{
    pthread_mutex_lock(&next_lock);
    *number = next_stream;
    if (next_stream < stream_count)
        next_stream++;
    pthread_mutex_unlock(&next_lock);
    return *number < stream_count;
}

static void fail(const char *what)
{
    fprintf(stderr, "serve: %s\n", what);
    exit(EXIT_FAILURE);
}

static void check(harmony_status status, const harmony_error *error)
{
    if (status != HARMONY_OK)
        fail(error->message);
}

static void *grown(void *memory, size_t size)
{
    memory = realloc(memory, size);
    if (memory == NULL)
        fail("no memory");
    return memory;
}

/* ---- Events ------------------------------------------------------------ */

/* One event, put together here and written at once. */
struct event {
    char *text;
    size_t length;
    size_t capacity;
};

static void put(struct event *event, const char *text, size_t length)
{
    if (event->length + length > event->capacity) {
        event->capacity = 2 * (event->length + length);
        event->text = grown(event->text, event->capacity);
    }
    memcpy(event->text + event->length, text, length);
    event->length += length;
}

static void put_words(struct event *event, const char *words)
{
    put(event, words, strlen(words));
}

static void put_number(struct event *event, size_t number)
{
    char digits[24];

    put(event, digits, (size_t)sprintf(digits, "%lu", (unsigned long)number));
}

/* A string in JSON. The text of a parser is UTF-8, so only this needs care. */
static void put_string(struct event *event, const char *text, size_t length)
{
    size_t i, start = 0;
    char escape[8];

    put(event, "\"", 1);
    for (i = 0; i < length; i++) {
        unsigned char c = (unsigned char)text[i];

        if (c >= 0x20 && c != '"' && c != '\\')
            continue;
        put(event, text + start, i - start);
        put(event, escape, (size_t)sprintf(escape, "\\u%04x", (unsigned)c));
        start = i + 1;
    }
    put(event, text + start, length - start);
    put(event, "\"", 1);
}

static void put_span(struct event *event, const char *name, const char *text,
                     harmony_span span)
{
    if (span.start < 0)
        return;
    put_words(event, ", \"");
    put_words(event, name);
    put_words(event, "\": ");
    put_string(event, text + span.start, (size_t)span.length);
}

static void begin_event(struct event *event, const char *kind, size_t stream)
{
    event->length = 0;
    put_words(event, "event: ");
    put_words(event, kind);
    put_words(event, "\ndata: {\"stream\": ");
    put_number(event, stream);
}

static void send_event(struct event *event)
{
    put_words(event, "}\n\n");
    fwrite(event->text, 1, event->length, stdout);
}

/* ---- Streams ----------------------------------------------------------- */

struct worker {
    pthread_t thread;
    harmony_cache *cache;
    harmony_builder *builder;
    struct event event;
    size_t tokens;
};

struct stream {
    size_t number;
    size_t at;
    harmony_parser *parser; /* NULL: none is open */
};

/* Render the prompt, which goes to the model. */
static void begin_stream(struct worker *worker, struct stream *stream)
{
    harmony_render_options asking = HARMONY_RENDER_OPTIONS_INIT;
    harmony_parser_options reading = HARMONY_PARSER_OPTIONS_INIT;
    int32_t prompt[PROMPT_ROOM];
    char question[60];
    harmony_error error;
    size_t count;

    asking.drop_analysis = HARMONY_DROP_PER_TURN;
    asking.next_role = HARMONY_ROLE_ASSISTANT;
    sprintf(question, "What is %lu times two?", (unsigned long)stream->number);
    harmony_builder_reset(worker->builder);
    check(harmony_builder_add(worker->builder, HARMONY_ROLE_USER, question,
                              HARMONY_NUL_TERMINATED, &error),
          &error);
    check(harmony_render(encoding, worker->cache,
                         harmony_builder_conversation(worker->builder), &asking,
                         prompt, PROMPT_ROOM, &count, &error),
          &error);
    reading.recover = 1;
    check(harmony_parser_after(encoding, prompt, count, &reading,
                               &stream->parser, &error),
          &error);
    stream->at = 0;
    begin_event(&worker->event, "begin", stream->number);
    put_words(&worker->event, ", \"prompt_tokens\": ");
    put_number(&worker->event, count);
    send_event(&worker->event);
}

/* Send what the last call added: text, and the end of messages. */
static void send_segments(struct worker *worker, const struct stream *stream)
{
    const harmony_view *view = harmony_parser_view(stream->parser);
    const char *text = view->finished.text;
    size_t i;

    for (i = 0; i < view->segment_count; i++) {
        const harmony_segment *added = view->segments + i;
        const harmony_message *message
            = added->finished ? view->finished.messages + added->message
                              : &view->current;

        if (added->text.length > 0) {
            begin_event(&worker->event, "delta", stream->number);
            put_span(&worker->event, "channel", text, message->channel);
            put_span(&worker->event, "text", text, added->text);
            send_event(&worker->event);
        }
        if (added->finished) {
            begin_event(&worker->event, "message", stream->number);
            put_span(&worker->event, "channel", text, message->channel);
            put_span(&worker->event, "recipient", text, message->recipient);
            put_span(&worker->event, "text", text, message->content);
            send_event(&worker->event);
        }
    }
}

/* Take the next token of a stream, or its end. */
static void advance(struct worker *worker, struct stream *stream)
{
    const struct completion *completion
        = completions + stream->number % completion_count;
    harmony_error error;

    if (stream->at < completion->count) {
        check(harmony_parser_feed(stream->parser,
                                  completion->tokens + stream->at++, 1, &error),
              &error);
        send_segments(worker, stream);
        worker->tokens++;
        return;
    }
    check(harmony_parser_finish(stream->parser, &error), &error);
    send_segments(worker, stream);
    harmony_parser_free(stream->parser);
    stream->parser = NULL;
}

static void *work(void *argument)
{
    struct worker *worker = argument;
    struct stream streams[OPEN_STREAMS] = {{0, 0, NULL}};
    int open, i;

    do {
        open = 0;
        for (i = 0; i < OPEN_STREAMS; i++) {
            if (streams[i].parser == NULL && take_stream(&streams[i].number))
                begin_stream(worker, streams + i);
            if (streams[i].parser == NULL)
                continue;
            advance(worker, streams + i);
            open++;
        }
    } while (open > 0);
    return NULL;
}

static size_t run(struct worker *workers, size_t count)
{
    size_t i, tokens = 0;
    harmony_error error;

    for (i = 0; i < count; i++) {
        check(harmony_cache_new(encoding, &workers[i].cache, &error), &error);
        check(harmony_builder_new(&workers[i].builder, &error), &error);
        if (pthread_create(&workers[i].thread, NULL, work, workers + i) != 0)
            fail("no thread");
    }
    for (i = 0; i < count; i++) {
        pthread_join(workers[i].thread, NULL);
        tokens += workers[i].tokens;
        harmony_cache_free(workers[i].cache);
        harmony_builder_free(workers[i].builder);
        free(workers[i].event.text);
    }
    return tokens;
}

/* ---- Files ------------------------------------------------------------- */

static char *read_file(const char *path, size_t *size)
{
    FILE *file = fopen(path, "rb");
    size_t capacity = 1u << 16, got;
    char *bytes = grown(NULL, capacity);

    if (file == NULL)
        fail("a file can't be opened");
    *size = 0;
    while ((got = fread(bytes + *size, 1, capacity - *size, file)) > 0) {
        *size += got;
        if (*size == capacity)
            bytes = grown(bytes, capacity *= 2);
    }
    fclose(file);
    return bytes;
}

/* The tokens of each line; every special token that it spells is one. */
static void read_completions(const char *path)
{
    static const int32_t special[] = {
        HARMONY_TOKEN_RETURN, HARMONY_TOKEN_CONSTRAIN, HARMONY_TOKEN_CHANNEL,
        HARMONY_TOKEN_START,  HARMONY_TOKEN_END,       HARMONY_TOKEN_MESSAGE,
        HARMONY_TOKEN_CALL,
    };
    size_t size;
    char *file = read_file(path, &size), *line = file;
    harmony_error error;

    while (line < file + size && completion_count < MAX_COMPLETIONS) {
        struct completion *made = completions + completion_count++;
        char *end = memchr(line, '\n', size - (size_t)(line - file));
        size_t length = (size_t)((end ? end : file + size) - line);

        made->tokens = grown(NULL, (length + 1) * sizeof *made->tokens);
        check(harmony_encode(encoding, NULL, line, length, special,
                             sizeof special / sizeof *special, made->tokens,
                             length, &made->count, &error),
              &error);
        line += length + 1;
    }
    free(file);
    if (completion_count == 0)
        fail("there are no completions");
}

static double now(void)
{
    struct timespec time;

    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

int main(int count, char **arguments)
{
    harmony_encoding *made;
    struct worker *workers;
    size_t size, threads, tokens, i;
    harmony_error error;
    char *vocabulary;
    double start;

    if (count != 5 || atoi(arguments[3]) < 1 || atoi(arguments[4]) < 1)
        fail("usage: serve VOCABULARY COMPLETIONS THREADS ROUNDS");
    vocabulary = read_file(arguments[1], &size);
    check(harmony_encoding_new(vocabulary, size, &made, &error), &error);
    free(vocabulary);
    encoding = made;
    read_completions(arguments[2]);
    stream_count = completion_count * (size_t)atoi(arguments[4]);
    threads = (size_t)atoi(arguments[3]);
    workers = calloc(threads, sizeof *workers);
    if (workers == NULL)
        fail("no memory");
    start = now();
    tokens = run(workers, threads);
    fprintf(stderr, "%lu streams, %lu tokens, %.3f seconds\n",
            (unsigned long)stream_count, (unsigned long)tokens, now() - start);
    free(workers);
    for (i = 0; i < completion_count; i++)
        free(completions[i].tokens);
    harmony_encoding_free(made);
    return EXIT_SUCCESS;
}
