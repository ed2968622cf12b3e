/*
 * Conversations to tokens. What is wanted is written as a list of runs: one
 * that is the name of a special token is that token, all else is text that is
 * encoded by itself.
 */
#include "api.h"

#include <stdarg.h>

/* ---- Conversations ----------------------------------------------------- */

static char text[2000];
static harmony_message messages[40];
static harmony_conversation conversation;

static harmony_span span_of(const char *words)
{
    harmony_span span = {-1, 0};

    if (words == NULL)
        return span;
    span.start = (int32_t)conversation.text_length;
    span.length = (int32_t)strlen(words);
    memcpy(text + span.start, words, strlen(words));
    conversation.text_length += strlen(words);
    return span;
}

static void begin(void)
{
    conversation.text = text;
    conversation.messages = messages;
    conversation.text_length = conversation.message_count = 0;
}

static harmony_message *add(int32_t role, const char *name,
                            const char *recipient, const char *channel,
                            const char *content_type, const char *content)
{
    harmony_message *message = messages + conversation.message_count++;

    message->role = role;
    message->name = span_of(name);
    message->recipient = span_of(recipient);
    message->channel = span_of(channel);
    message->content_type = span_of(content_type);
    message->content = span_of(content);
    return message;
}

static harmony_span *field_of(harmony_message *message, int field)
{
    harmony_span *const fields[]
        = {&message->name, &message->recipient, &message->channel,
           &message->content_type, &message->content};

    return fields[field];
}

static void add_plain(int32_t role, const char *channel, const char *content)
{
    add(role, NULL, NULL, channel, NULL, content);
}

/* ---- Comparing --------------------------------------------------------- */

/* Render from exact copies, once for each capacity that matters. */
static id_list rendered(const harmony_render_options *options)
{
    harmony_conversation exact = conversation;
    void *bytes = exact_copy(text, conversation.text_length);
    void *records
        = exact_copy(messages, conversation.message_count * sizeof *messages);
    size_t bound = harmony_render_bound(&conversation), count = 99, again;
    id_list list = {NULL, 0};
    harmony_status status;
    harmony_error error;

    exact.text = bytes;
    exact.messages = records;
    status = harmony_render(encoding, NULL, &exact, options, NULL, 0, &count,
                            NULL);
    CHECK_EQUAL(status, count > 0 ? HARMONY_SHORT_BUFFER : HARMONY_OK);
    CHECK(count <= bound);
    for (again = 0; again < count; again += count > 40 ? count / 8 : 1) {
        list.ids = room(again * sizeof *list.ids);
        CHECK_EQUAL(harmony_render(encoding, NULL, &exact, options, list.ids,
                                   again, &list.count, &error),
                    HARMONY_SHORT_BUFFER);
        CHECK_EQUAL(error.status, HARMONY_SHORT_BUFFER);
        CHECK_EQUAL(error.position, -1);
        CHECK_EQUAL(list.count, count);
        free(list.ids);
    }
    list.ids = room(count * sizeof *list.ids);
    CHECK_EQUAL(harmony_render(encoding, NULL, &exact, options, list.ids, count,
                               &list.count, &error),
                HARMONY_OK);
    CHECK_EQUAL(list.count, count);
    free(bytes);
    free(records);
    return list;
}

static harmony_part part_at(size_t header, size_t content, size_t end,
                            size_t stop)
{
    harmony_part part;

    part.header = header;
    part.content = content;
    part.end = end;
    part.stop = stop;
    return part;
}

/* The parts of all messages. There is room for no more of them. */
static void check_parts(const harmony_render_options *options,
                        const harmony_part *wanted, size_t number)
{
    id_list list = rendered(options);
    harmony_part *parts = room(number * sizeof *parts);
    int32_t *ids = room(list.count * sizeof *ids);
    size_t count, i;
    int enough;

    for (enough = 0; enough < 2; enough++) {
        memset(parts, 0x55, number * sizeof *parts);
        CHECK_EQUAL(
            harmony_render_parts(encoding, NULL, &conversation, options, ids,
                                 enough ? list.count : 0, &count, parts, NULL),
            enough || list.count == 0 ? HARMONY_OK : HARMONY_SHORT_BUFFER);
        CHECK_EQUAL(count, list.count);
        for (i = 0; i < number; i++) {
            CHECK_EQUAL(parts[i].header, wanted[i].header);
            CHECK_EQUAL(parts[i].content, wanted[i].content);
            CHECK_EQUAL(parts[i].end, wanted[i].end);
            CHECK_EQUAL(parts[i].stop, wanted[i].stop);
        }
    }
    CHECK(memcmp(ids, list.ids, count * sizeof *ids) == 0);
    free(parts);
    free(ids);
    free(list.ids);
}

/* The runs that are wanted, up to NULL, and what is rendered. */
static void check_render(const harmony_render_options *options, ...)
{
    id_list list = rendered(options), run;
    const char *words;
    int32_t wanted[500];
    size_t count = 0, position, length;
    va_list arguments;

    va_start(arguments, options);
    while ((words = va_arg(arguments, const char *)) != NULL) {
        wanted[count] = harmony_find_special_token(words, strlen(words), 0,
                                                   &position, &length);
        if (wanted[count] >= 0 && length == strlen(words)) {
            count++;
            continue;
        }
        run = encode_plain(words);
        memcpy(wanted + count, run.ids, run.count * sizeof *run.ids);
        count += run.count;
        free(run.ids);
    }
    va_end(arguments);
    CHECK_EQUAL(list.count, count);
    CHECK(list.count == count
          && memcmp(list.ids, wanted, count * sizeof *wanted) == 0);
    free(list.ids);
}

static void check_refused(const harmony_render_options *options,
                          harmony_status status, int64_t position,
                          const char *message)
{
    harmony_error error;
    size_t count = 99;
    int32_t ids[300];

    CHECK_EQUAL(harmony_render(encoding, NULL, &conversation, options, NULL, 0,
                               &count, NULL),
                status);
    CHECK_EQUAL(count, 0);
    CHECK_EQUAL(harmony_render(encoding, NULL, &conversation, options, ids, 300,
                               &count, &error),
                status);
    CHECK_EQUAL(count, 0);
    CHECK_EQUAL(error.status, status);
    CHECK_EQUAL(error.position, position);
    CHECK_STRING(error.message, message);
}

/* Options that differ from the defaults in one thing. */
static harmony_render_options dropping(int32_t rule)
{
    harmony_render_options options = HARMONY_RENDER_OPTIONS_INIT;

    options.drop_analysis = rule;
    return options;
}

static harmony_render_options followed_by(int32_t role)
{
    harmony_render_options options = HARMONY_RENDER_OPTIONS_INIT;

    options.next_role = role;
    return options;
}

static harmony_render_options for_training(void)
{
    harmony_render_options options = HARMONY_RENDER_OPTIONS_INIT;

    options.training = 1;
    return options;
}

static harmony_render_options channel_first(void)
{
    harmony_render_options options = HARMONY_RENDER_OPTIONS_INIT;

    options.channel_first = 1;
    return options;
}

static harmony_render_options left_open(void)
{
    harmony_render_options options = HARMONY_RENDER_OPTIONS_INIT;

    options.open_last = 1;
    return options;
}

/* ---- The frame --------------------------------------------------------- */

static void test_roles(void)
{
    begin();
    add_plain(HARMONY_ROLE_USER, NULL, "2+2?");
    add_plain(HARMONY_ROLE_SYSTEM, NULL, "Be\nbrief");
    add_plain(HARMONY_ROLE_DEVELOPER, NULL, "");
    add_plain(HARMONY_ROLE_ASSISTANT, NULL, NULL);
    add(HARMONY_ROLE_TOOL, "functions.f", NULL, NULL, NULL, "4");
    add(HARMONY_ROLE_USER, "bob", NULL, NULL, NULL, "hi");
    add(HARMONY_ROLE_TOOL, "", NULL, NULL, NULL, "4");
    check_render(NULL, "<|start|>", "user", "<|message|>", "2+2?", "<|end|>",
                 "<|start|>", "system", "<|message|>", "Be\nbrief", "<|end|>",
                 "<|start|>", "developer", "<|message|>", "<|end|>",
                 "<|start|>", "assistant", "<|message|>", "<|end|>",
                 "<|start|>", "functions.f", "<|message|>", "4", "<|end|>",
                 "<|start|>", "user", ":bob", "<|message|>", "hi", "<|end|>",
                 "<|start|>", "<|message|>", "4", "<|end|>", (char *)NULL);
}

static void test_header_fields(void)
{
    begin();
    add(HARMONY_ROLE_ASSISTANT, NULL, "functions.f", "commentary",
        "<|constrain|>json", "{}");
    add(HARMONY_ROLE_TOOL, "functions.f", "assistant", "commentary", "json",
        "4");
    add(HARMONY_ROLE_ASSISTANT, NULL, "all", "final", "<|constrain|>", "x");
    add(HARMONY_ROLE_USER, NULL, "al", "", "", "x");
    add(HARMONY_ROLE_USER, NULL, "", NULL, "<|constrain|", "x");
    check_render(
        NULL, "<|start|>", "assistant", " to=functions.f", "<|channel|>",
        "commentary", " ", "<|constrain|>", "json", "<|message|>", "{}",
        "<|call|>", "<|start|>", "functions.f", " to=assistant", "<|channel|>",
        "commentary", " json", "<|message|>", "4", "<|end|>", "<|start|>",
        "assistant", "<|channel|>", "final", " ", "<|constrain|>",
        "<|message|>", "x", "<|call|>", "<|start|>", "user", " to=al",
        "<|channel|>", " ", "<|message|>", "x", "<|end|>", "<|start|>", "user",
        " to=", " <|constrain|", "<|message|>", "x", "<|end|>", (char *)NULL);
}

/* Text that spells special tokens is text, wherever it stands. */
static void test_no_structure_in_text(void)
{
    begin();
    add(HARMONY_ROLE_TOOL, "a<|start|>", "b<|end|>", "c<|call|>",
        "d<|constrain|>", "e<|end|>");
    check_render(NULL, "<|start|>", "a<|start|>", " to=b<|end|>", "<|channel|>",
                 "c<|call|>", " d<|constrain|>", "<|message|>", "e<|end|>",
                 "<|end|>", (char *)NULL);
}

static void test_continued(void)
{
    begin();
    add_plain(HARMONY_ROLE_USER, NULL, "un");
    add_plain(HARMONY_ROLE_CONTINUED, NULL, "der");
    add_plain(HARMONY_ROLE_CONTINUED, NULL, NULL);
    add_plain(HARMONY_ROLE_CONTINUED, NULL, "stand");
    add(HARMONY_ROLE_ASSISTANT, NULL, "x", NULL, NULL, NULL);
    add_plain(HARMONY_ROLE_CONTINUED, NULL, "ing");
    check_render(NULL, "<|start|>", "user", "<|message|>", "un", "der", "stand",
                 "<|end|>", "<|start|>", "assistant", " to=x", "<|message|>",
                 "ing", "<|call|>", (char *)NULL);
}

/* Of a further item only the content is used, whatever else is in the record.
 * A channel there used to count where analysis is dropped, and a span outside
 * the text was refused. */
static void test_continued_has_no_header(void)
{
    const harmony_render_options drop = dropping(HARMONY_DROP_UPSTREAM);
    harmony_message *item;

    begin();
    add_plain(HARMONY_ROLE_USER, NULL, "a");
    item = add(HARMONY_ROLE_CONTINUED, "n", "r", "final", "t", "b");
    item->recipient.start = INT32_MAX;
    add_plain(HARMONY_ROLE_ASSISTANT, "analysis", "c");
    add_plain(HARMONY_ROLE_ASSISTANT, "final", "d");
    check_render(&drop, "<|start|>", "user", "<|message|>", "a", "b", "<|end|>",
                 "<|start|>", "assistant", "<|channel|>", "final",
                 "<|message|>", "d", "<|end|>", (char *)NULL);
}

/* All of a message left out is where the one before it stops, the next role is
 * part of none, and further items have no part of their own. */
static void test_parts(void)
{
    harmony_render_options options = dropping(HARMONY_DROP_UPSTREAM);
    harmony_part all[4], some[4];

    all[0] = part_at(0, 5, 6, 7);
    all[1] = part_at(7, 10, 12, 13);
    all[2] = part_at(13, 18, 19, 20);
    all[3] = part_at(20, 25, 26, 27);
    some[0] = part_at(0, 0, 0, 0);
    some[1] = part_at(0, 3, 5, 6);
    some[2] = part_at(6, 6, 6, 6);
    some[3] = part_at(6, 11, 12, 13);
    begin();
    check_parts(NULL, NULL, 0);
    add_plain(HARMONY_ROLE_ASSISTANT, "analysis", "a");
    add_plain(HARMONY_ROLE_USER, NULL, "a");
    add(HARMONY_ROLE_CONTINUED, NULL, NULL, NULL, NULL, "b");
    add_plain(HARMONY_ROLE_ASSISTANT, "analysis", "c");
    add_plain(HARMONY_ROLE_ASSISTANT, "final", "d");
    check_parts(NULL, all, 4);
    options.next_role = HARMONY_ROLE_ASSISTANT;
    check_parts(&options, some, 4);
    options = for_training();
    check_parts(&options, all, 4);
    options = left_open();
    all[3].stop = 26;
    check_parts(&options, all, 4);
}

static void test_nothing(void)
{
    size_t count = 99;

    begin();
    check_render(NULL, (char *)NULL);
    conversation.messages = NULL;
    CHECK(harmony_render_bound(&conversation) > 0);
    CHECK_EQUAL(harmony_render(encoding, NULL, &conversation, NULL, NULL, 0,
                               &count, NULL),
                HARMONY_OK);
    CHECK_EQUAL(count, 0);
}

/* Spans that are present and empty may point into no text at all. */
static void test_no_text(void)
{
    int32_t ids[20];
    size_t count = 99;

    begin();
    add(HARMONY_ROLE_USER, "", "", "", "", "");
    add(HARMONY_ROLE_TOOL, "", "", "", "", "");
    add(HARMONY_ROLE_CONTINUED, "", "", "", "", "");
    conversation.text = NULL;
    CHECK_EQUAL(harmony_render(encoding, NULL, &conversation, NULL, ids, 20,
                               &count, NULL),
                HARMONY_OK);
    CHECK_EQUAL(count, 16);
}

/* ---- Options ----------------------------------------------------------- */

static void test_next_role(void)
{
    static const char *const words[]
        = {"user", "assistant", "system", "developer", "tool"};
    harmony_render_options options = HARMONY_RENDER_OPTIONS_INIT;

    begin();
    for (options.next_role = 0; options.next_role < 5; options.next_role++)
        check_render(&options, "<|start|>", words[options.next_role],
                     (char *)NULL);
    check_refused(&options, HARMONY_BAD_ARGUMENT, -1,
                  "the next role is an unknown role");
    options.next_role = -2;
    check_refused(&options, HARMONY_BAD_ARGUMENT, -1,
                  "the next role is an unknown role");
    options.next_role = HARMONY_ROLE_ASSISTANT;
    add_plain(HARMONY_ROLE_USER, NULL, "a");
    check_render(&options, "<|start|>", "user", "<|message|>", "a", "<|end|>",
                 "<|start|>", "assistant", (char *)NULL);
}

static void test_drop_analysis(void)
{
    const harmony_render_options drop = dropping(HARMONY_DROP_UPSTREAM);

    begin();
    add_plain(HARMONY_ROLE_ASSISTANT, "analysis", "a");
    add_plain(HARMONY_ROLE_CONTINUED, NULL, "b");
    add_plain(HARMONY_ROLE_USER, "analysis", "c");
    add_plain(HARMONY_ROLE_ASSISTANT, "commentary", "d");
    check_render(&drop, "<|start|>", "assistant", "<|channel|>", "analysis",
                 "<|message|>", "a", "b", "<|end|>", "<|start|>", "user",
                 "<|channel|>", "analysis", "<|message|>", "c", "<|end|>",
                 "<|start|>", "assistant", "<|channel|>", "commentary",
                 "<|message|>", "d", "<|end|>", (char *)NULL);
    add_plain(HARMONY_ROLE_ASSISTANT, "final", "e");
    add_plain(HARMONY_ROLE_ASSISTANT, "analysis", "f");
    add_plain(HARMONY_ROLE_ASSISTANT, "final", "g");
    add_plain(HARMONY_ROLE_CONTINUED, NULL, "h");
    add_plain(HARMONY_ROLE_USER, NULL, "i");
    check_render(
        &drop, "<|start|>", "assistant", "<|channel|>", "commentary",
        "<|message|>", "d", "<|end|>", "<|start|>", "assistant", "<|channel|>",
        "final", "<|message|>", "e", "<|end|>", "<|start|>", "assistant",
        "<|channel|>", "analysis", "<|message|>", "f", "<|end|>", "<|start|>",
        "assistant", "<|channel|>", "final", "<|message|>", "g", "h", "<|end|>",
        "<|start|>", "user", "<|message|>", "i", "<|end|>", (char *)NULL);
    begin();
    add_plain(HARMONY_ROLE_USER, "analysis", "a");
    add_plain(HARMONY_ROLE_USER, "final", "b");
    check_render(&drop, "<|start|>", "user", "<|channel|>", "analysis",
                 "<|message|>", "a", "<|end|>", "<|start|>", "user",
                 "<|channel|>", "final", "<|message|>", "b", "<|end|>",
                 (char *)NULL);
}

/* ---- Dropping analysis, by rule ---------------------------------------- */

/* Messages, by the letter that is their content. */
static const struct {
    int32_t role;
    const char *channel;
    const char *content;
} turns[] = {
    {HARMONY_ROLE_USER, NULL, "a"},
    {HARMONY_ROLE_ASSISTANT, "analysis", "b"},
    {HARMONY_ROLE_USER, "analysis", "c"},
    {HARMONY_ROLE_ASSISTANT, "final", "d"},
    {HARMONY_ROLE_USER, "final", "e"},
    {HARMONY_ROLE_ASSISTANT, "analysis", "f"},
    {HARMONY_ROLE_CONTINUED, "final", "g"},
    {HARMONY_ROLE_ASSISTANT, "final", "h"},
    {HARMONY_ROLE_CONTINUED, "analysis", "i"},
    {HARMONY_ROLE_USER, "final", "j"},
    {HARMONY_ROLE_ASSISTANT, "analysis", "k"},
    {HARMONY_ROLE_ASSISTANT, "commentary", "l"},
};

/* The contents that are left of the first so many records above. */
static void check_left(const harmony_render_options *options, size_t records,
                       const char *wanted)
{
    harmony_part parts[sizeof turns / sizeof *turns];
    size_t count, i, number = 0, length = 0, size;
    char left[sizeof turns / sizeof *turns], *bytes;
    id_list list;

    begin();
    for (i = 0; i < records; i++) {
        number += turns[i].role != HARMONY_ROLE_CONTINUED;
        add_plain(turns[i].role, turns[i].channel, turns[i].content);
    }
    list = rendered(options);
    CHECK_EQUAL(harmony_render_parts(encoding, NULL, &conversation, options,
                                     list.ids, list.count, &count, parts, NULL),
                HARMONY_OK);
    for (i = 0; i < number; i++) {
        bytes = decode_ids(list.ids + parts[i].content,
                           parts[i].end - parts[i].content, &size);
        memcpy(left + length, bytes, size);
        length += size;
        free(bytes);
    }
    CHECK_BYTES(left, length, wanted, strlen(wanted));
    free(list.ids);
}

static void test_drop_rules(void)
{
    static const char all[] = "abcdefghijkl";
    static const char *const upstream[] = {
        "",         "a",           "ab",           "abc",    "ad",
        "ade",      "abcdef",      "abcdefg",      "adefgh", "adefghi",
        "adefghij", "abcdefghijk", "abcdefghijkl",
    };
    static const char *const per_turn[] = {
        "",      "a",    "ab",    "abc",    "ad",      "ade",      "adef",
        "adefg", "adeh", "adehi", "adehij", "adehijk", "adehijkl",
    };
    harmony_render_options options = HARMONY_RENDER_OPTIONS_INIT;
    size_t i, records;
    char some[sizeof all];

    for (i = 0; i < 2 * sizeof all; i++) {
        options.open_last = i % 2;
        records = i / 2;
        memcpy(some, all, records);
        some[records] = '\0';
        options.drop_analysis = HARMONY_DROP_NONE;
        check_left(&options, records, some);
        options.drop_analysis = HARMONY_DROP_UPSTREAM;
        check_left(&options, records, upstream[records]);
        options.drop_analysis = HARMONY_DROP_PER_TURN;
        check_left(&options, records, per_turn[records]);
    }
}

/* The first message on channel final counts, whoever wrote it. */
static void test_upstream_counts_every_author(void)
{
    const harmony_render_options drop = dropping(HARMONY_DROP_UPSTREAM);

    begin();
    add_plain(HARMONY_ROLE_USER, "final", "a");
    add_plain(HARMONY_ROLE_ASSISTANT, "analysis", "b");
    add_plain(HARMONY_ROLE_ASSISTANT, "final", "c");
    check_render(&drop, "<|start|>", "user", "<|channel|>", "final",
                 "<|message|>", "a", "<|end|>", "<|start|>", "assistant",
                 "<|channel|>", "analysis", "<|message|>", "b", "<|end|>",
                 "<|start|>", "assistant", "<|channel|>", "final",
                 "<|message|>", "c", "<|end|>", (char *)NULL);
}

static void test_unknown_rules(void)
{
    static const int32_t rules[] = {-1, 3, INT32_MIN, INT32_MAX};
    harmony_render_options options;
    size_t i;

    begin();
    for (i = 0; i < 4; i++) {
        options = dropping(rules[i]);
        check_refused(&options, HARMONY_BAD_ARGUMENT, -1,
                      "an unknown rule for dropping analysis");
    }
}

/* ---- The header as the model writes it --------------------------------- */

static void test_channel_first(void)
{
    const harmony_render_options options = channel_first();

    begin();
    add(HARMONY_ROLE_ASSISTANT, "bob", "functions.f", "commentary",
        "<|constrain|>json", "{}");
    add(HARMONY_ROLE_TOOL, "functions.f", "assistant", "commentary", "json",
        "4");
    add(HARMONY_ROLE_ASSISTANT, NULL, "all", "final", "code", "x");
    add(HARMONY_ROLE_ASSISTANT, NULL, "f", NULL, "code", "x");
    add(HARMONY_ROLE_USER, "al", "f", "final", NULL, "x");
    check_render(
        &options, "<|start|>", "assistant", ":bob", "<|channel|>", "commentary",
        " to=functions.f", " ", "<|constrain|>", "json", "<|message|>", "{}",
        "<|call|>", "<|start|>", "functions.f", " to=assistant", "<|channel|>",
        "commentary", " json", "<|message|>", "4", "<|end|>", "<|start|>",
        "assistant", "<|channel|>", "final", " code", "<|message|>", "x",
        "<|call|>", "<|start|>", "assistant", " to=f", " code", "<|message|>",
        "x", "<|call|>", "<|start|>", "user", ":al", " to=f", "<|channel|>",
        "final", "<|message|>", "x", "<|end|>", (char *)NULL);
}

/* The tokens are those of the text that the model writes. */
static void test_channel_first_is_the_models_text(void)
{
    const harmony_render_options options = channel_first();
    id_list list, wanted = encode_framed(
                      "<|start|>assistant<|channel|>commentary "
                      "to=functions.get_weather <|constrain|>json<|message|>"
                      "{\"city\": \"Paris\"}<|call|>");

    begin();
    add(HARMONY_ROLE_ASSISTANT, NULL, "functions.get_weather", "commentary",
        "<|constrain|>json", "{\"city\": \"Paris\"}");
    list = rendered(&options);
    CHECK_BYTES((char *)list.ids, list.count * sizeof *list.ids,
                (char *)wanted.ids, wanted.count * sizeof *wanted.ids);
    free(list.ids);
    free(wanted.ids);
}

/* ---- The last message goes on ------------------------------------------ */

static void test_open_last(void)
{
    harmony_render_options options = left_open();

    begin();
    check_render(&options, (char *)NULL);
    add(HARMONY_ROLE_ASSISTANT, NULL, "f", "commentary", NULL, "a");
    add_plain(HARMONY_ROLE_ASSISTANT, "final", "b");
    add_plain(HARMONY_ROLE_CONTINUED, NULL, "c");
    check_render(&options, "<|start|>", "assistant", " to=f", "<|channel|>",
                 "commentary", "<|message|>", "a", "<|call|>", "<|start|>",
                 "assistant", "<|channel|>", "final", "<|message|>", "b", "c",
                 (char *)NULL);
    options.training = 1;
    check_render(&options, "<|start|>", "assistant", " to=f", "<|channel|>",
                 "commentary", "<|message|>", "a", "<|call|>", "<|start|>",
                 "assistant", "<|channel|>", "final", "<|message|>", "b", "c",
                 (char *)NULL);
    begin();
    add_plain(HARMONY_ROLE_ASSISTANT, NULL, NULL);
    check_render(&options, "<|start|>", "assistant", "<|message|>",
                 (char *)NULL);
}

static void test_open_last_has_no_next_role(void)
{
    harmony_render_options options = left_open();

    begin();
    for (options.next_role = 0; options.next_role < 5; options.next_role++)
        check_refused(&options, HARMONY_BAD_ARGUMENT, -1,
                      "a next role can't follow a message that is left open");
}

/* ---- Options of other versions ----------------------------------------- */

/* Options with a next role, in exactly `size` bytes that say they are `say`;
 * the byte at `at` is 1, if it is behind what the library knows. */
static void check_size(size_t size, size_t say, size_t at, int fine)
{
    const size_t known = sizeof(harmony_render_options);
    harmony_render_options options = followed_by(HARMONY_ROLE_TOOL);
    unsigned char *bytes = room(size);

    memset(bytes, 0, size);
    options.size = say;
    memcpy(bytes, &options, size < known ? size : known);
    if (at >= known)
        bytes[at] = 1;
    begin();
    if (fine)
        check_render((void *)bytes, "<|start|>", "tool", (char *)NULL);
    else
        check_refused((void *)bytes, HARMONY_BAD_ARGUMENT, -1,
                      "options of a wrong size, or of a newer version");
    free(bytes);
}

static void test_option_sizes(void)
{
    const size_t first = sizeof(harmony_render_options);
    size_t i;

    check_size(first, first, 0, 1);
    check_size(first + 1, first + 1, 0, 1);
    check_size(first + 64, first + 64, 0, 1);
    check_size(first, 0, 0, 0);
    check_size(sizeof(size_t), sizeof(size_t), 0, 0);
    check_size(first - 1, first - 1, 0, 0);
    for (i = first; i < first + 64; i++)
        check_size(first + 64, first + 64, i, 0);
    check_size(first + 64, first, first, 1);
}

static void test_training(void)
{
    const harmony_render_options training = for_training();
    harmony_render_options all = training;

    all.drop_analysis = HARMONY_DROP_UPSTREAM;
    all.next_role = HARMONY_ROLE_USER;
    begin();
    check_render(&training, (char *)NULL);
    add_plain(HARMONY_ROLE_ASSISTANT, "analysis", "a");
    add_plain(HARMONY_ROLE_ASSISTANT, "final", "b");
    add_plain(HARMONY_ROLE_CONTINUED, NULL, "c");
    check_render(&training, "<|start|>", "assistant", "<|channel|>", "analysis",
                 "<|message|>", "a", "<|end|>", "<|start|>", "assistant",
                 "<|channel|>", "final", "<|message|>", "b", "c", "<|return|>",
                 (char *)NULL);
    check_render(&all, "<|start|>", "assistant", "<|channel|>", "final",
                 "<|message|>", "b", "c", "<|return|>", "<|start|>", "user",
                 (char *)NULL);
    add_plain(HARMONY_ROLE_USER, "final", "d");
    check_render(&all, "<|start|>", "assistant", "<|channel|>", "final",
                 "<|message|>", "b", "c", "<|end|>", "<|start|>", "user",
                 "<|channel|>", "final", "<|message|>", "d", "<|end|>",
                 "<|start|>", "user", (char *)NULL);
    begin();
    add(HARMONY_ROLE_ASSISTANT, NULL, "x", "final", NULL, "a");
    check_render(&training, "<|start|>", "assistant", " to=x", "<|channel|>",
                 "final", "<|message|>", "a", "<|return|>", (char *)NULL);
    begin();
    add_plain(HARMONY_ROLE_ASSISTANT, "analysis", "a");
    check_render(&training, "<|start|>", "assistant", "<|channel|>", "analysis",
                 "<|message|>", "a", "<|end|>", (char *)NULL);
}

/* ---- What is refused --------------------------------------------------- */

static void check_bad_span(int32_t start, int32_t length, int inside)
{
    harmony_span span = {-1, 0};
    int field;

    span.start = start;
    span.length = length;
    for (field = 0; field < 5; field++) {
        harmony_message *message;
        harmony_status status;
        size_t count;

        begin();
        add_plain(HARMONY_ROLE_USER, NULL, "0123456789");
        message = add(HARMONY_ROLE_TOOL, "x", NULL, NULL, NULL, "y");
        *field_of(message, field) = span;
        status = harmony_render(encoding, NULL, &conversation, NULL, NULL, 0,
                                &count, NULL);
        CHECK_EQUAL(status,
                    inside ? HARMONY_SHORT_BUFFER : HARMONY_BAD_ARGUMENT);
        if (!inside)
            check_refused(NULL, HARMONY_BAD_ARGUMENT, 1,
                          "a message has a span outside the text");
    }
}

static void test_spans(void)
{
    check_bad_span(0, 12, 1);
    check_bad_span(12, 0, 1);
    check_bad_span(0, 13, 0);
    check_bad_span(12, 1, 0);
    check_bad_span(13, 0, 0);
    check_bad_span(0, -1, 0);
    check_bad_span(1, INT32_MAX, 0);
    check_bad_span(INT32_MAX, INT32_MAX, 0);
    check_bad_span(0, INT32_MIN, 0);
}

static void test_bad_messages(void)
{
    static const int32_t roles[] = {-1, 6, INT32_MIN, INT32_MAX};
    size_t i;

    for (i = 0; i < 4; i++) {
        begin();
        add_plain(HARMONY_ROLE_USER, NULL, "a");
        add_plain(roles[i], NULL, "b");
        check_refused(NULL, HARMONY_BAD_ARGUMENT, 1,
                      "a message has an unknown role");
    }
    begin();
    add_plain(HARMONY_ROLE_CONTINUED, NULL, "a");
    check_refused(NULL, HARMONY_BAD_ARGUMENT, 0,
                  "the first message continues nothing");
    begin();
    add_plain(HARMONY_ROLE_USER, NULL, "a");
    add_plain(HARMONY_ROLE_TOOL, NULL, "a");
    check_refused(NULL, HARMONY_TOOL_WITHOUT_NAME, 1,
                  "Tools should have a name! That of a tool's message is its "
                  "author's, as in functions.get_weather");
}

/* What is absent, or is no span, counts for nothing. */
static void test_bound_of_odd_spans(void)
{
    static const harmony_span absent = {-1, 0}, odd = {-1, 7}, bad = {0, -7};
    harmony_message message;
    harmony_conversation one = {"text", 4, &message, 1};
    size_t bound;

    message.role = HARMONY_ROLE_USER;
    message.name = message.recipient = message.channel = absent;
    message.content_type = message.content = absent;
    bound = harmony_render_bound(&one);
    message.name = message.channel = odd;
    message.content = bad;
    CHECK_EQUAL(harmony_render_bound(&one), bound);
    message.content.length = 4;
    CHECK_EQUAL(harmony_render_bound(&one), bound + 4);
}

/* With 32 bits, messages that share a text can have more tokens than a size_t
 * can count. The bound began again at 0. */
static void test_too_many_tokens(void)
{
#if SIZE_MAX == UINT32_MAX
    enum { LENGTH = 1 << 24, COUNT = 256 };
    harmony_message *many = room(COUNT * sizeof *many);
    harmony_conversation large = {room(LENGTH), LENGTH, many, COUNT};
    harmony_error error;
    size_t count, i;

    begin();
    for (i = 0; i < COUNT; i++) {
        many[i] = *add(HARMONY_ROLE_USER, NULL, NULL, NULL, NULL, NULL);
        conversation.message_count--;
        many[i].content.start = 0;
        many[i].content.length = LENGTH;
    }
    CHECK(harmony_render_bound(&large) == SIZE_MAX);
    CHECK_EQUAL(
        harmony_render(encoding, NULL, &large, NULL, NULL, 0, &count, &error),
        HARMONY_TOO_LARGE);
    CHECK_EQUAL(error.status, HARMONY_TOO_LARGE);
    CHECK_EQUAL(count, 0);
    large.message_count = 2;
    CHECK(harmony_render_bound(&large) < SIZE_MAX);
    free((void *)large.text);
    free(many);
#endif
}

static void check_no_memory(const harmony_render_options *options)
{
    harmony_status status = HARMONY_NO_MEMORY;
    harmony_error error;
    char name[400];
    id_list list;
    size_t count;
    long i;

    memset(name, 'q', sizeof name);
    name[sizeof name - 1] = '\0';
    begin();
    add(HARMONY_ROLE_ASSISTANT, name, name, name, "json", name);
    for (i = 0; status == HARMONY_NO_MEMORY; i++) {
        refuse_memory(i);
        status = harmony_render(encoding, NULL, &conversation, options, NULL, 0,
                                &count, &error);
        CHECK_EQUAL(error.status, status);
    }
    CHECK_EQUAL(status, HARMONY_SHORT_BUFFER);
    CHECK(i > 4);
    refuse_memory(REFUSE_NONE);
    list = rendered(options);
    CHECK_EQUAL(list.count, count);
    free(list.ids);
}

static void test_no_memory(void)
{
    const harmony_render_options options = channel_first();

    check_no_memory(NULL);
    check_no_memory(&options);
}

/* The bound, for whatever can be rendered. */
static void test_random(void)
{
    static const char *const words[] = {
        NULL,
        "",
        "all",
        "final",
        "analysis",
        "\xFF\xFE",
        "<|constrain|>",
        "<|constrain|>json",
        "a b",
        "\xF0\x9F\xA6\x84",
        "\n\n",
        "0 1 2 3 4",
    };
    const uint32_t count = sizeof words / sizeof *words;
    harmony_render_options options = HARMONY_RENDER_OPTIONS_INIT;
    uint64_t seed = 31;
    int round, field;

    for (round = 0; round < 300; round++) {
        int n = 1 + (int)random_below(&seed, 20);

        begin();
        while (n-- > 0) {
            harmony_message *message
                = add(HARMONY_ROLE_USER, "x", NULL, NULL, NULL, NULL);

            message->role = (int32_t)random_below(&seed, 6);
            for (field = 0; field < 5; field++)
                *field_of(message, field)
                    = span_of(words[random_below(&seed, count)]);
            if (message->role == HARMONY_ROLE_TOOL)
                message->name = span_of("tool");
        }
        if (messages[0].role == HARMONY_ROLE_CONTINUED)
            messages[0].role = HARMONY_ROLE_ASSISTANT;
        options.drop_analysis = (int32_t)random_below(&seed, 3);
        options.training = (int32_t)random_below(&seed, 2);
        options.channel_first = (int32_t)random_below(&seed, 2);
        options.open_last = (int32_t)random_below(&seed, 2);
        options.next_role = HARMONY_ROLE_NONE;
        if (!options.open_last)
            options.next_role = (int32_t)random_below(&seed, 6) - 1;
        free(rendered(&options).ids);
    }
}

void test_rendering(void)
{
    test_roles();
    test_header_fields();
    test_no_structure_in_text();
    test_continued();
    test_continued_has_no_header();
    test_parts();
    test_nothing();
    test_no_text();
    test_next_role();
    test_drop_analysis();
    test_drop_rules();
    test_upstream_counts_every_author();
    test_unknown_rules();
    test_channel_first();
    test_channel_first_is_the_models_text();
    test_open_last();
    test_open_last_has_no_next_role();
    test_option_sizes();
    test_training();
    test_spans();
    test_bad_messages();
    test_bound_of_odd_spans();
    test_too_many_tokens();
    test_no_memory();
    test_random();
}
