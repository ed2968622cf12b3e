/*
 * Eight threads that share one encoding, each with its own cache, find what
 * one finds alone.
 */
#include "api.h"

#include "guarded.h"

#if defined(HAS_POSIX)
#include <pthread.h>

#define THREADS 8
#define ROUNDS 20

/* A sum over all that was found, so that two runs can be compared. */
struct work {
    uint64_t seed;
    uint64_t sum;
    harmony_cache *own;
};

static void add(struct work *work, const void *bytes, size_t size)
{
    const uint8_t *at = bytes;

    while (size-- > 0)
        work->sum = (work->sum ^ *at++) * 0x100000001B3u;
}

static void parse(struct work *work, const int32_t *ids, size_t count)
{
    const harmony_parser_options options
        = {sizeof options, HARMONY_ROLE_ASSISTANT, 0, 0};
    harmony_parser *parser;
    const harmony_view *view;
    harmony_error error;
    size_t i;

    harmony_parser_new(encoding, &options, &parser, NULL);
    view = harmony_parser_view(parser);
    for (i = 0; i < count; i++)
        if (harmony_parser_process(parser, ids[i], &error) != HARMONY_OK)
            add(work, error.message, strlen(error.message));
    harmony_parser_finish(parser, NULL);
    add(work, view->finished.text, view->finished.text_length);
    harmony_parser_free(parser);
}

static void encode_and_decode(struct work *work, const char *text,
                              size_t length)
{
    int32_t *ids = room(length * sizeof *ids);
    char *back = room(length);
    size_t count, back_length;

    work->sum += (uint64_t)harmony_encode(encoding, work->own, text, length,
                                          NULL, 0, ids, length, &count, NULL);
    add(work, ids, count * sizeof *ids);
    work->sum += (uint64_t)harmony_decode(encoding, ids, count, back, length,
                                          &back_length, NULL);
    add(work, back, back_length);
    free(back);
    free(ids);
}

static void render(struct work *work, const char *text, int32_t length)
{
    harmony_message message
        = {HARMONY_ROLE_USER, {0, 9}, {-1, 0}, {9, 9}, {-1, 0}, {0, 0}};
    harmony_conversation conversation = {text, (size_t)length, &message, 1};
    int32_t ids[600];
    harmony_part part;
    size_t count;

    message.content.length = length;
    work->sum
        += (uint64_t)harmony_render_parts(encoding, work->own, &conversation,
                                          NULL, ids, 600, &count, &part, NULL);
    add(work, ids, count * sizeof *ids);
    work->sum += part.stop;
}

static void *run(void *argument)
{
    struct work *work = argument;
    uint64_t seed = work->seed;
    char text[500];
    int32_t ids[100];
    size_t i;
    int round;

    work->sum += (uint64_t)harmony_cache_new(encoding, &work->own, NULL);
    for (round = 0; round < ROUNDS; round++) {
        for (i = 0; i < sizeof text; i++)
            text[i] = (char)('a' + random_below(&seed, round % 2 ? 26 : 2));
        for (i = 0; i < 100; i++)
            ids[i] = random_id(&seed);
        encode_and_decode(work, text, sizeof text);
        render(work, text, sizeof text);
        parse(work, ids, 100);
    }
    harmony_cache_free(work->own);
    return NULL;
}

void test_threads(void)
{
    struct work together[THREADS], alone;
    pthread_t threads[THREADS];
    int i;

    refuse_memory(DONT_COUNT);
    for (i = 0; i < THREADS; i++) {
        together[i].seed = (uint64_t)i;
        together[i].sum = 0;
        CHECK_EQUAL(pthread_create(threads + i, NULL, run, together + i), 0);
    }
    for (i = 0; i < THREADS; i++)
        CHECK_EQUAL(pthread_join(threads[i], NULL), 0);
    refuse_memory(REFUSE_NONE);
    for (i = 0; i < THREADS; i++) {
        alone.seed = (uint64_t)i;
        alone.sum = 0;
        run(&alone);
        CHECK(alone.sum == together[i].sum);
    }
}
#else
void test_threads(void)
{
}
#endif
