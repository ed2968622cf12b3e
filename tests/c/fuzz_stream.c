/*
 * libFuzzer on parsers of all kinds, with hardly a check on the way, so that it
 * comes far. The first byte chooses role, strict and recover, the next four say
 * how the tokens are split over calls, the rest are tokens. What is fed in
 * portions is what is fed one by one, errors and all.
 */
#include "fuzz.h"

#define PORTIONS 4

struct stream {
    harmony_parser *parser;
    const harmony_view *view;
    uint64_t errors; /* a sum over them, with their places */
};

static void begin(struct stream *stream, uint8_t kind)
{
    harmony_parser_options options = HARMONY_PARSER_OPTIONS_INIT;

    options.role = kind % 6 - 1;
    options.strict = kind / 6 % 2;
    options.recover = kind / 12 % 2;
    stream->errors = 0;
    if (harmony_parser_new(fuzz_encoding(), &options, &stream->parser, NULL)
        != HARMONY_OK)
        abort();
    stream->view = harmony_parser_view(stream->parser);
}

static void note(struct stream *stream, harmony_status status,
                 const harmony_error *error)
{
    if (status == HARMONY_OK)
        return;
    fuzz_require(error->status == status && error->message[0] != 0,
                 "the error is filled");
    stream->errors = stream->errors * 31 + (uint64_t)status;
    stream->errors = stream->errors * 31 + (uint64_t)error->position;
}

static void feed_one_by_one(struct stream *stream, const int32_t *tokens,
                            size_t count)
{
    harmony_error error;
    size_t i;

    for (i = 0; i < count; i++)
        if (harmony_parser_append(stream->parser, tokens[i])
            == HARMONY_NOT_APPENDED)
            note(stream,
                 harmony_parser_process(stream->parser, tokens[i], &error),
                 &error);
    note(stream, harmony_parser_finish(stream->parser, &error), &error);
}

/* A call stops behind an error; the next one begins there. */
static void feed_portions(struct stream *stream, const int32_t *tokens,
                          size_t count, const uint8_t *portions)
{
    harmony_error error;
    size_t turn;

    for (turn = 0; stream->view->token_count < count; turn++) {
        size_t at = stream->view->token_count;
        size_t size = portions[turn % PORTIONS] % 80u + turn % 2;

        if (size > count - at)
            size = count - at;
        note(stream,
             harmony_parser_feed(stream->parser, tokens + at, size, &error),
             &error);
    }
    note(stream, harmony_parser_finish(stream->parser, &error), &error);
}

static int same(const void *a, const void *b, size_t size)
{
    return size == 0 || memcmp(a, b, size) == 0;
}

/* Both keep their text in the same order, so even the spans are the same. */
static void compare(const harmony_view *a, const harmony_view *b)
{
    size_t count = a->finished.message_count;

    fuzz_require(count == b->finished.message_count
                     && a->token_count == b->token_count
                     && a->warning_count == b->warning_count
                     && a->finished.text_length == b->finished.text_length
                     && a->state == b->state && a->next_role == b->next_role,
                 "as many of all in portions");
    fuzz_require(
        same(a->finished.messages, b->finished.messages,
             count * sizeof *a->finished.messages)
            && same(a->tallies, b->tallies, count * sizeof *a->tallies)
            && same(a->finished.text, b->finished.text, a->finished.text_length)
            && same(a->warnings, b->warnings,
                    a->warning_count * sizeof *a->warnings),
        "the same in portions");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct stream one, other;
    int32_t *tokens;
    size_t count;

    if (size < 1 + PORTIONS)
        return 0;
    tokens = room(size * sizeof *tokens);
    count = fuzz_tokens(data + 1 + PORTIONS, size - 1 - PORTIONS, tokens);
    begin(&one, data[0]);
    begin(&other, data[0]);
    feed_one_by_one(&one, tokens, count);
    feed_portions(&other, tokens, count, data + 1);
    compare(one.view, other.view);
    fuzz_require(one.errors == other.errors, "the same errors in portions");
    harmony_parser_free(one.parser);
    harmony_parser_free(other.parser);
    free(tokens);
    return 0;
}
