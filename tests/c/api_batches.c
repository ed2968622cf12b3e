/*
 * What is trained on, and many conversations in one call. The masks are drawn:
 * a message is its header, content and stop token, one letter a token.
 */
#include "api.h"

enum { ROOM = 400, MOST = 8 };

static const char text[] = "analysisfinalcommentaryfunctions.fhi there";
static const harmony_span absent = {-1, 0}, analysis = {0, 8}, final = {8, 5};
static const harmony_span commentary = {13, 10}, tool = {23, 11}, hi = {34, 8};

static harmony_message message_of(int32_t role, harmony_span channel)
{
    harmony_message message = {role, {-1, 0}, {-1, 0}, {-1, 0}, {-1, 0}, hi};

    message.channel = channel;
    if (role == HARMONY_ROLE_TOOL)
        message.name = tool;
    return message;
}

static harmony_conversation conversation_of(const harmony_message *messages,
                                            size_t count)
{
    harmony_conversation conversation = {text, sizeof text - 1, NULL, 0};

    conversation.messages = messages;
    conversation.message_count = count;
    return conversation;
}

/* Two turns: u (think, answer) u (think, call) result (answer). */
static size_t talk(harmony_message *messages)
{
    const harmony_message all[MOST] = {
        message_of(HARMONY_ROLE_USER, absent),
        message_of(HARMONY_ROLE_ASSISTANT, analysis),
        message_of(HARMONY_ROLE_ASSISTANT, final),
        message_of(HARMONY_ROLE_USER, absent),
        message_of(HARMONY_ROLE_CONTINUED, absent),
        message_of(HARMONY_ROLE_ASSISTANT, analysis),
        message_of(HARMONY_ROLE_TOOL, commentary),
        message_of(HARMONY_ROLE_ASSISTANT, final),
    };

    memcpy(messages, all, sizeof all);
    return MOST;
}

static char *drawn(const int8_t *mask, size_t count)
{
    static char picture[ROOM + 1];
    size_t i;

    for (i = 0; i < count; i++)
        picture[i] = mask[i] ? '#' : '.';
    picture[count] = '\0';
    return picture;
}

static void check_mask(const harmony_mask_options *options, int32_t drop,
                       const char *wanted)
{
    harmony_message messages[MOST];
    harmony_conversation conversation
        = conversation_of(messages, talk(messages));
    harmony_render_options how = HARMONY_RENDER_OPTIONS_INIT;
    harmony_part parts[MOST];
    int32_t tokens[ROOM];
    size_t count;
    int8_t *mask;

    how.drop_analysis = drop;
    how.training = 1;
    CHECK_EQUAL(harmony_render_parts(encoding, NULL, &conversation, &how,
                                     tokens, ROOM, &count, parts, NULL),
                HARMONY_OK);
    mask = room(count);
    CHECK_EQUAL(harmony_mask(encoding, &conversation, parts, options, mask,
                             count, NULL),
                HARMONY_OK);
    CHECK_STRING(drawn(mask, count), wanted);
    free(mask);
}

/* A user's message is <|start|> user <|message|> hi there <|end|>, one by the
 * assistant <|start|> assistant <|channel|> final <|message|> hi there <|end|>,
 * a tool's <|start|> functions .f <|channel|> comment ary <|message|> hi there
 * <|end|>. */
#define USER "......"
#define TWICE "........"
#define TOOL ".........."

static void test_masks(void)
{
    static const char *const final_alone[] = {"final", "other"};
    harmony_mask_options options = HARMONY_MASK_OPTIONS_INIT;

    check_mask(NULL, HARMONY_DROP_NONE,
               USER "..######"
                    "########" TWICE "..######" TOOL "..######");
    check_mask(&options, HARMONY_DROP_PER_TURN,
               USER "..######" TWICE TOOL "..######");
    options.last_turn = 1;
    check_mask(&options, HARMONY_DROP_NONE,
               USER "........"
                    "........" TWICE "..######" TOOL "..######");
    options.last_turn = 0;
    options.channels = final_alone;
    options.channel_count = 2;
    check_mask(&options, HARMONY_DROP_NONE,
               USER "........"
                    "########" TWICE "........" TOOL "..######");
    options.channel_count = 0;
    check_mask(&options, HARMONY_DROP_NONE,
               USER "........"
                    "........" TWICE "........" TOOL "........");
    options.channels = NULL;
    options.kind = HARMONY_MASK_MESSAGES;
    check_mask(&options, HARMONY_DROP_NONE,
               USER "########"
                    "########" TWICE "########" TOOL "########");
    options.kind = HARMONY_MASK_CONTENT;
    check_mask(&options, HARMONY_DROP_NONE,
               USER ".....###"
                    ".....###" TWICE ".....###" TOOL ".....###");
}

/* ---- What a caller could get wrong ------------------------------------- */

static harmony_status masked(const harmony_part *parts,
                             const harmony_mask_options *options,
                             harmony_error *error)
{
    harmony_message messages[2];
    harmony_conversation conversation;
    int8_t mask[20];

    messages[0] = message_of(HARMONY_ROLE_USER, absent);
    messages[1] = message_of(HARMONY_ROLE_ASSISTANT, final);
    conversation = conversation_of(messages, 2);
    return harmony_mask(encoding, &conversation, parts, options, mask, 20,
                        error);
}

static void test_wrong_parts(void)
{
    static const harmony_part good[2] = {{0, 3, 5, 6}, {6, 11, 13, 14}};
    static const harmony_part bad[] = {
        {6, 11, 13, 21},  {6, 11, 15, 14}, {6, 14, 13, 14},
        {12, 11, 13, 14}, {9, 11, 13, 14}, {21, 21, 21, 21},
    };
    harmony_part parts[2];
    harmony_error error;
    size_t i;

    CHECK_EQUAL(masked(good, NULL, &error), HARMONY_OK);
    parts[0] = good[0];
    for (i = 0; i < sizeof bad / sizeof *bad; i++) {
        parts[1] = bad[i];
        CHECK_EQUAL(masked(parts, NULL, &error), HARMONY_BAD_ARGUMENT);
        CHECK_EQUAL(error.position, 1);
    }
}

static void test_wrong_mask_options(void)
{
    static const harmony_part parts[2] = {{0, 3, 5, 6}, {6, 11, 13, 14}};
    harmony_message lost = message_of(HARMONY_ROLE_CONTINUED, absent);
    harmony_conversation conversation = conversation_of(&lost, 1);
    harmony_mask_options options = HARMONY_MASK_OPTIONS_INIT;
    harmony_error error;

    for (options.kind = -1; options.kind <= 3; options.kind += 4) {
        CHECK_EQUAL(masked(parts, &options, &error), HARMONY_BAD_ARGUMENT);
        CHECK_EQUAL(error.position, -1);
    }
    options.kind = 0;
    options.size = 4;
    CHECK_EQUAL(masked(parts, &options, &error), HARMONY_BAD_ARGUMENT);
    CHECK_EQUAL(
        harmony_mask(encoding, &conversation, parts, NULL, NULL, 0, &error),
        HARMONY_BAD_ARGUMENT);
    CHECK_EQUAL(error.position, 0);
}

/* ---- Batches ----------------------------------------------------------- */

struct batch {
    harmony_message messages[3 * MOST];
    harmony_conversation all;
    size_t ends[4];
    size_t offsets[5];
    harmony_part parts[3 * MOST];
    int32_t tokens[4 * ROOM];
    int8_t mask[4 * ROOM];
};

/* Four conversations: a talk, nothing, one message, a talk. */
static void make(struct batch *batch)
{
    size_t count = talk(batch->messages);

    batch->ends[0] = batch->ends[1] = count;
    batch->messages[count++] = message_of(HARMONY_ROLE_USER, absent);
    batch->ends[2] = count;
    batch->ends[3] = count + talk(batch->messages + count);
    batch->all = conversation_of(batch->messages, batch->ends[3]);
}

static harmony_status render(struct batch *batch, size_t capacity,
                             const harmony_mask_options *mask_options,
                             harmony_error *error)
{
    harmony_render_options options = HARMONY_RENDER_OPTIONS_INIT;

    options.training = 1;
    return harmony_render_batch(encoding, cache, &batch->all, batch->ends, 4,
                                &options, mask_options, batch->tokens, capacity,
                                batch->offsets, batch->parts, batch->mask,
                                error);
}

/* Each conversation has the tokens, parts and mask that it has alone. */
static void check_alone(const struct batch *batch, size_t index,
                        const harmony_part **parts)
{
    size_t start = index > 0 ? batch->ends[index - 1] : 0, count, i;
    size_t from = batch->offsets[index];
    harmony_conversation alone
        = conversation_of(batch->messages + start, batch->ends[index] - start);
    harmony_render_options options = HARMONY_RENDER_OPTIONS_INIT;
    harmony_part known[MOST];
    int32_t tokens[ROOM];
    int8_t mask[ROOM];

    options.training = 1;
    CHECK_EQUAL(harmony_render_parts(encoding, NULL, &alone, &options, tokens,
                                     ROOM, &count, known, NULL),
                HARMONY_OK);
    CHECK_EQUAL(harmony_mask(encoding, &alone, known, NULL, mask, count, NULL),
                HARMONY_OK);
    CHECK_EQUAL(batch->offsets[index + 1] - from, count);
    CHECK(memcmp(batch->tokens + from, tokens, count * sizeof *tokens) == 0);
    CHECK(memcmp(batch->mask + from, mask, count) == 0);
    for (i = 0; i < alone.message_count; i++)
        if (alone.messages[i].role != HARMONY_ROLE_CONTINUED) {
            size_t number = i - (i > 4); /* the talk's record 4 continues */

            CHECK_EQUAL((*parts)->header - from, known[number].header);
            CHECK_EQUAL((*parts)->content - from, known[number].content);
            CHECK_EQUAL((*parts)->end - from, known[number].end);
            CHECK_EQUAL((*parts)->stop - from, known[number].stop);
            (*parts)++;
        }
}

static void test_batch(void)
{
    static struct batch batch;
    const harmony_part *parts = batch.parts;
    harmony_error error;
    size_t bound, count, i;

    make(&batch);
    bound = harmony_render_batch_bound(&batch.all, 4);
    CHECK(bound <= 4 * ROOM);
    CHECK_EQUAL(render(&batch, bound, NULL, NULL), HARMONY_OK);
    CHECK_EQUAL(batch.offsets[0], 0);
    for (i = 0; i < 4; i++)
        check_alone(&batch, i, &parts);
    count = batch.offsets[4];
    CHECK_EQUAL(render(&batch, count, NULL, NULL), HARMONY_OK);
    CHECK_EQUAL(render(&batch, count - 1, NULL, NULL), HARMONY_SHORT_BUFFER);
    CHECK_EQUAL(harmony_render_batch(encoding, NULL, &batch.all, batch.ends, 2,
                                     NULL, NULL, batch.tokens, count,
                                     batch.offsets, NULL, NULL, NULL),
                HARMONY_OK);
    CHECK_EQUAL(harmony_render_batch(encoding, NULL, &batch.all, batch.ends, 0,
                                     NULL, NULL, NULL, 0, batch.offsets, NULL,
                                     NULL, NULL),
                HARMONY_OK);
    CHECK_EQUAL(render(&batch, 0, NULL, &error), HARMONY_SHORT_BUFFER);
    CHECK_EQUAL(error.position, -1);
    memset(batch.parts, 0, sizeof batch.parts);
    CHECK_EQUAL(harmony_render_batch(encoding, NULL, &batch.all, batch.ends, 4,
                                     NULL, NULL, batch.tokens, 4 * ROOM,
                                     batch.offsets, batch.parts, NULL, NULL),
                HARMONY_OK);
    CHECK(batch.parts[0].stop > 0);
    CHECK_EQUAL(harmony_render_batch_bound(&batch.all, SIZE_MAX), SIZE_MAX);
}

static void test_wrong_batches(void)
{
    static struct batch batch;
    harmony_mask_options unknown = HARMONY_MASK_OPTIONS_INIT;
    harmony_error error;

    make(&batch);
    unknown.kind = 9;
    CHECK_EQUAL(render(&batch, 4 * ROOM, &unknown, &error),
                HARMONY_BAD_ARGUMENT);
    batch.messages[batch.ends[2] + 6].name = absent;
    CHECK_EQUAL(render(&batch, 4 * ROOM, NULL, &error),
                HARMONY_TOOL_WITHOUT_NAME);
    CHECK_EQUAL(error.position, batch.ends[2] + 6);
    CHECK_EQUAL(render(&batch, 4 * ROOM, NULL, NULL),
                HARMONY_TOOL_WITHOUT_NAME);
    CHECK_EQUAL(harmony_render_batch(encoding, NULL, &batch.all, batch.ends, 4,
                                     NULL, NULL, batch.tokens, 4 * ROOM,
                                     batch.offsets, NULL, batch.mask, &error),
                HARMONY_BAD_ARGUMENT);
    batch.ends[3] = 3 * MOST;
    CHECK_EQUAL(render(&batch, 4 * ROOM, NULL, &error), HARMONY_BAD_ARGUMENT);
    batch.ends[1] = 1;
    CHECK_EQUAL(render(&batch, 4 * ROOM, NULL, &error), HARMONY_BAD_ARGUMENT);
    CHECK_EQUAL(error.position, -1);
}

void test_batches(void)
{
    test_masks();
    test_wrong_parts();
    test_wrong_mask_options();
    test_batch();
    test_wrong_batches();
}
