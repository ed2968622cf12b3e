/*
 * Conversations built from texts in many places.
 */
#include "api.h"

enum { FIELDS = 4 };

/* What a message should be; NULL for what is absent. */
struct wanted {
    int32_t role;
    const char *fields[FIELDS]; /* by harmony_field */
    const char *content;
};

static harmony_builder *new_builder(void)
{
    harmony_builder *builder = NULL;

    CHECK_EQUAL(harmony_builder_new(&builder, NULL), HARMONY_OK);
    return builder;
}

static harmony_status add(harmony_builder *builder, int32_t role,
                          const char *content, harmony_error *error)
{
    return harmony_builder_add(builder, role, content, HARMONY_NUL_TERMINATED,
                               error);
}

static harmony_status set(harmony_builder *builder, int32_t field,
                          const char *text, harmony_error *error)
{
    return harmony_builder_set(builder, field, text, HARMONY_NUL_TERMINATED,
                               error);
}

static void check_span(const harmony_conversation *conversation,
                       harmony_span span, const char *wanted)
{
    if (wanted == NULL)
        CHECK(span.start < 0);
    else if (CHECK(span.start >= 0))
        CHECK_BYTES(conversation->text + span.start, (size_t)span.length,
                    wanted, strlen(wanted));
}

static void check_conversation(const harmony_builder *builder,
                               const struct wanted *wanted, size_t count)
{
    const harmony_conversation *found = harmony_builder_conversation(builder);
    size_t i;

    if (!CHECK_EQUAL(found->message_count, count))
        return;
    for (i = 0; i < count; i++) {
        const harmony_message *message = found->messages + i;

        CHECK_EQUAL(message->role, wanted[i].role);
        check_span(found, message->name, wanted[i].fields[0]);
        check_span(found, message->recipient, wanted[i].fields[1]);
        check_span(found, message->channel, wanted[i].fields[2]);
        check_span(found, message->content_type, wanted[i].fields[3]);
        check_span(found, message->content, wanted[i].content);
    }
}

static const struct wanted chat[] = {
    {HARMONY_ROLE_SYSTEM, {NULL, NULL, NULL, NULL}, "You are a test."},
    {HARMONY_ROLE_USER, {"ann", NULL, NULL, NULL}, ""},
    {HARMONY_ROLE_CONTINUED, {NULL, NULL, NULL, NULL}, "a second item"},
    {HARMONY_ROLE_ASSISTANT,
     {NULL, "functions.f", "commentary", "<|constrain|>json"},
     "{}"},
    {HARMONY_ROLE_TOOL, {"functions.f", "", NULL, NULL}, NULL},
};
enum { CHAT = sizeof chat / sizeof *chat };

/* Build it; the first status that is not HARMONY_OK. */
static harmony_status build_chat(harmony_builder *builder, harmony_error *error)
{
    harmony_status status = HARMONY_OK;
    int32_t field;
    size_t i;

    for (i = 0; i < CHAT && status == HARMONY_OK; i++) {
        status = add(builder, chat[i].role, chat[i].content, error);
        for (field = 0; field < FIELDS && status == HARMONY_OK; field++)
            if (chat[i].fields[field] != NULL)
                status = set(builder, field, chat[i].fields[field], error);
    }
    return status;
}

static void test_chat(void)
{
    harmony_builder *builder = new_builder();
    const harmony_conversation *conversation
        = harmony_builder_conversation(builder);

    CHECK_EQUAL(conversation->message_count, 0);
    CHECK_EQUAL(conversation->text_length, 0);
    CHECK_EQUAL(build_chat(builder, NULL), HARMONY_OK);
    check_conversation(builder, chat, CHAT);
    harmony_builder_reset(builder);
    CHECK_EQUAL(conversation->message_count, 0);
    CHECK_EQUAL(conversation->text_length, 0);
    CHECK_EQUAL(build_chat(builder, NULL), HARMONY_OK);
    check_conversation(builder, chat, CHAT);
    CHECK(harmony_builder_conversation(builder) == conversation);
    harmony_builder_free(builder);
    harmony_builder_free(NULL);
}

/* Texts by pointer and length: NULs and all, exact, and gone after the call. */
static void test_lengths(void)
{
    harmony_builder *builder = new_builder();
    const harmony_conversation *conversation
        = harmony_builder_conversation(builder);
    char *text = exact_copy("a\0b", 3);

    CHECK_EQUAL(harmony_builder_add(builder, HARMONY_ROLE_USER, text, 3, NULL),
                HARMONY_OK);
    CHECK_EQUAL(harmony_builder_set(builder, HARMONY_FIELD_NAME, text, 1, NULL),
                HARMONY_OK);
    free(text);
    CHECK_EQUAL(harmony_builder_add(builder, HARMONY_ROLE_USER, NULL, 7, NULL),
                HARMONY_OK);
    CHECK_BYTES(conversation->text, conversation->text_length, "a\0ba", 4);
    CHECK_EQUAL(conversation->messages[0].content.length, 3);
    CHECK(conversation->messages[1].content.start < 0);
    harmony_builder_free(builder);
}

static void test_last_value_counts(void)
{
    static const struct wanted once[]
        = {{HARMONY_ROLE_USER, {NULL, NULL, "final", NULL}, NULL}};
    harmony_builder *builder = new_builder();

    add(builder, HARMONY_ROLE_USER, NULL, NULL);
    set(builder, HARMONY_FIELD_NAME, "ann", NULL);
    CHECK_EQUAL(set(builder, HARMONY_FIELD_NAME, NULL, NULL), HARMONY_OK);
    set(builder, HARMONY_FIELD_CHANNEL, "analysis", NULL);
    CHECK_EQUAL(set(builder, HARMONY_FIELD_CHANNEL, "final", NULL), HARMONY_OK);
    check_conversation(builder, once, 1);
    harmony_builder_free(builder);
}

static void check_refused(harmony_status status, harmony_status wanted,
                          const harmony_error *error)
{
    CHECK_EQUAL(status, wanted);
    CHECK_EQUAL(error->status, wanted);
    CHECK_EQUAL(error->position, -1);
}

static void test_bad_arguments(void)
{
    static const int32_t roles[] = {-1, 6, INT32_MAX, INT32_MIN};
    static const int32_t fields[] = {-1, 4, INT32_MAX, INT32_MIN};
    harmony_builder *builder = new_builder();
    harmony_error error;
    size_t i;

    check_refused(add(builder, HARMONY_ROLE_CONTINUED, "x", &error),
                  HARMONY_BAD_ARGUMENT, &error);
    check_refused(set(builder, HARMONY_FIELD_NAME, "x", &error),
                  HARMONY_BAD_ARGUMENT, &error);
    build_chat(builder, NULL);
    for (i = 0; i < 4; i++) {
        check_refused(add(builder, roles[i], "x", &error), HARMONY_BAD_ARGUMENT,
                      &error);
        check_refused(set(builder, fields[i], "x", &error),
                      HARMONY_BAD_ARGUMENT, &error);
    }
    check_conversation(builder, chat, CHAT);
    add(builder, HARMONY_ROLE_CONTINUED, "x", NULL);
    check_refused(set(builder, HARMONY_FIELD_NAME, "x", &error),
                  HARMONY_BAD_ARGUMENT, &error);
    harmony_builder_free(builder);
}

/* What is too long is never read. */
static void test_too_large(void)
{
    harmony_builder *builder = new_builder();
    harmony_error error;

    build_chat(builder, NULL);
    check_refused(
        harmony_builder_add(builder, HARMONY_ROLE_USER, "x", INT32_MAX, &error),
        HARMONY_TOO_LARGE, &error);
    check_refused(harmony_builder_set(builder, HARMONY_FIELD_NAME, "x",
                                      (size_t)-2, &error),
                  HARMONY_TOO_LARGE, &error);
    check_conversation(builder, chat, CHAT);
    harmony_builder_free(builder);
}

/* Each request for memory is refused in turn; then the same call succeeds. */
static void test_no_memory(void)
{
    char content[700];
    struct wanted wanted[CHAT + 1];
    harmony_builder *builder = NULL;
    harmony_error error;
    int round, refused = 0;

    memset(content, 'x', sizeof content - 1);
    content[sizeof content - 1] = '\0';
    refuse_memory(0);
    CHECK_EQUAL(harmony_builder_new(&builder, &error), HARMONY_NO_MEMORY);
    CHECK_EQUAL(error.status, HARMONY_NO_MEMORY);
    CHECK(builder == NULL);
    refuse_memory(REFUSE_NONE);
    builder = new_builder();
    build_chat(builder, NULL);
    for (round = 0; round < 20; round++) {
        size_t before = harmony_builder_conversation(builder)->message_count;

        refuse_memory(round % 2);
        if (add(builder, HARMONY_ROLE_USER, content, &error) != HARMONY_OK) {
            refused++;
            CHECK_EQUAL(error.status, HARMONY_NO_MEMORY);
            CHECK_EQUAL(harmony_builder_conversation(builder)->message_count,
                        before);
            check_span(harmony_builder_conversation(builder),
                       harmony_builder_conversation(builder)->messages->content,
                       chat->content);
            refuse_memory(REFUSE_NONE);
            CHECK_EQUAL(add(builder, HARMONY_ROLE_USER, content, NULL),
                        HARMONY_OK);
        }
        refuse_memory(0);
        if (set(builder, HARMONY_FIELD_NAME, content, &error) != HARMONY_OK) {
            refused++;
            CHECK_EQUAL(error.status, HARMONY_NO_MEMORY);
        }
        refuse_memory(REFUSE_NONE);
    }
    CHECK(refused >= 4);
    harmony_builder_reset(builder);
    CHECK_EQUAL(build_chat(builder, NULL), HARMONY_OK);
    memcpy(wanted, chat, sizeof chat);
    wanted[CHAT].role = HARMONY_ROLE_USER;
    memset(wanted[CHAT].fields, 0, sizeof wanted[CHAT].fields);
    wanted[CHAT].content = content;
    CHECK_EQUAL(add(builder, HARMONY_ROLE_USER, content, NULL), HARMONY_OK);
    check_conversation(builder, wanted, CHAT + 1);
    harmony_builder_free(builder);
}

static void test_extend(void)
{
    struct wanted twice[2 * CHAT];
    harmony_builder *builder = new_builder(), *other = new_builder();
    harmony_error error;
    long request;

    memcpy(twice, chat, sizeof chat);
    memcpy(twice + CHAT, chat, sizeof chat);
    build_chat(builder, NULL);
    build_chat(other, NULL);
    for (request = 0; request < 9; request++) {
        refuse_memory(request);
        if (harmony_builder_extend(builder, harmony_builder_conversation(other),
                                   &error)
            == HARMONY_OK)
            break;
        CHECK_EQUAL(error.status, HARMONY_NO_MEMORY);
        check_conversation(builder, chat, CHAT);
    }
    refuse_memory(REFUSE_NONE);
    CHECK(request > 0 && request < 9);
    check_conversation(builder, twice, 2 * CHAT);
    harmony_builder_free(other);
    harmony_builder_free(builder);
}

/* Spans that overlap are copied one by one, and so can be too much. */
static void test_extend_refuses(void)
{
    enum { MANY = 500 };
    static const harmony_message unknown
        = {7, {-1, 0}, {-1, 0}, {-1, 0}, {-1, 0}, {-1, 0}};
    harmony_message *many = room(MANY * sizeof *many);
    harmony_conversation given = {"x", 1, &unknown, 1};
    harmony_builder *builder = new_builder();
    harmony_error error;
    size_t i;

    CHECK_EQUAL(harmony_builder_extend(builder, &given, &error),
                HARMONY_BAD_ARGUMENT);
    CHECK_EQUAL(error.position, 0);
    given.messages = many;
    given.message_count = MANY;
    for (i = 0; i < MANY; i++) {
        many[i] = unknown;
        many[i].role = HARMONY_ROLE_USER;
        many[i].content.start = 0;
        many[i].content.length = 2;
    }
    CHECK_EQUAL(harmony_builder_extend(builder, &given, &error),
                HARMONY_BAD_ARGUMENT);
    given.text_length = INT32_MAX; /* never read */
    for (i = 0; i < MANY; i++)
        many[i].content.length = INT32_MAX;
    CHECK_EQUAL(harmony_builder_extend(builder, &given, &error),
                HARMONY_TOO_LARGE);
    check_conversation(builder, NULL, 0);
    given.text = NULL;
    given.text_length = 0;
    for (i = 0; i < MANY; i++)
        many[i].content.length = 0;
    CHECK_EQUAL(harmony_builder_extend(builder, &given, NULL), HARMONY_OK);
    CHECK_EQUAL(harmony_builder_conversation(builder)->message_count, MANY);
    CHECK_EQUAL(
        harmony_builder_conversation(builder)->messages[9].content.start, 0);
    harmony_builder_free(builder);
    free(many);
}

/* What a parser found goes into the next prompt. */
static void test_parse_and_answer(void)
{
    static const struct wanted wanted[] = {
        {HARMONY_ROLE_ASSISTANT,
         {NULL, "functions.f", "commentary", "<|constrain|>json"},
         "{}"},
        {HARMONY_ROLE_TOOL, {"functions.f", NULL, NULL, NULL}, "1"},
    };
    id_list list = encode_framed("<|start|>assistant<|channel|>commentary to="
                                 "functions.f <|constrain|>json<|message|>{}"
                                 "<|call|>");
    harmony_builder *builder = new_builder();
    harmony_parser *parser = NULL;

    CHECK_EQUAL(harmony_parser_new(encoding, NULL, &parser, NULL), HARMONY_OK);
    CHECK_EQUAL(harmony_parser_feed(parser, list.ids, list.count, NULL),
                HARMONY_OK);
    CHECK_EQUAL(harmony_builder_extend(
                    builder, &harmony_parser_view(parser)->finished, NULL),
                HARMONY_OK);
    harmony_parser_free(parser);
    add(builder, HARMONY_ROLE_TOOL, "1", NULL);
    set(builder, HARMONY_FIELD_NAME, "functions.f", NULL);
    check_conversation(builder, wanted, 2);
    harmony_builder_free(builder);
    free(list.ids);
}

static void test_span_equals(void)
{
    static const harmony_span absent = {-1, 0}, empty = {3, 0}, word = {1, 2};

    CHECK(harmony_span_equals("abc", word, "bc"));
    CHECK(!harmony_span_equals("abc", word, "b"));
    CHECK(!harmony_span_equals("abc", word, "bcd"));
    CHECK(!harmony_span_equals("abc", word, "bd"));
    CHECK(harmony_span_equals("abc", empty, ""));
    CHECK(!harmony_span_equals("abc", absent, ""));
}

static void test_version(void)
{
    char version[40];

    sprintf(version, "%d.%d.%d", HARMONY_VERSION_MAJOR, HARMONY_VERSION_MINOR,
            HARMONY_VERSION_PATCH);
    CHECK_STRING(harmony_version(), version);
    CHECK_STRING(HARMONY_VERSION, version);
}

void test_building(void)
{
    test_version();
    test_span_equals();
    test_chat();
    test_lengths();
    test_last_value_counts();
    test_bad_arguments();
    test_too_large();
    test_no_memory();
    test_extend();
    test_extend_refuses();
    test_parse_and_answer();
}
