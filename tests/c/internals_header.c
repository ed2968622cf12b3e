/*
 * The words of a header, without tokens.
 */
#include "header.h"

#include "check.h"
#include "conversation.h"
#include "internals.h"
#include "support.h"

/* A header in a buffer that has exactly the room that it may need. */
static hm_buffer header_text(const char *text)
{
    hm_buffer buffer = {NULL, 0, 0};
    size_t length = strlen(text);

    buffer.capacity = 2 * length;
    buffer.data = room(buffer.capacity);
    hm_append(&buffer, text, length);
    return buffer;
}

/* With the channel marker at `marker`: what is left of the text, and what is
 * the channel. NULL: there is an error, and the text is as it was. */
static void check_channel(const char *text, int64_t marker, const char *left,
                          const char *channel)
{
    hm_header header = {0, marker};
    hm_buffer buffer = header_text(text);
    harmony_error error = {HARMONY_OK, 0, ""};
    harmony_span span;
    harmony_status status = hm_take_channel(&header, &buffer, &span, &error);

    CHECK_EQUAL(buffer.length, strlen(text));
    if (channel == NULL) {
        CHECK_EQUAL(status,
                    marker < 0 ? HARMONY_OK : HARMONY_HEADER_NO_CHANNEL);
        CHECK_EQUAL(span.start, -1);
        CHECK_EQUAL(error.status, status);
        CHECK_EQUAL(error.position, marker < 0 ? 0 : -1);
        CHECK_BYTES(buffer.data, buffer.length, text, strlen(text));
    } else {
        CHECK_EQUAL(status, HARMONY_OK);
        CHECK_EQUAL(span.length, strlen(channel));
        CHECK_BYTES(buffer.data + span.start, strlen(channel), channel,
                    strlen(channel));
        CHECK_BYTES(buffer.data, (size_t)span.start, left, strlen(left));
    }
    hm_release(&buffer);
}

static void test_take_channel(void)
{
    check_channel("assistant", -1, NULL, NULL);
    check_channel("assistantfinal", 9, "assistant", "final");
    check_channel("final", 0, "", "final");
    check_channel("userfinal json", 4, "user json", "final");
    check_channel("userfinal<x", 4, "user<x", "final");
    check_channel("userfinal\xE3\x80\x80x", 4, "user\xE3\x80\x80x", "final");
    check_channel("userfinal\nx", 4, "user\nx", "final");
    check_channel("user", 4, NULL, NULL);
    check_channel("user final", 4, NULL, NULL);
    check_channel("user<final", 4, NULL, NULL);
}

static char words_read[300];

static void add_field(const char *text, const char *name, harmony_span span)
{
    char *to = words_read + strlen(words_read);

    if (span.start >= 0)
        sprintf(to, " %s=%.*s", name, (int)span.length, text + span.start);
}

/* The words of a text, with this role given, as a line. */
static const char *read_words(const char *text, int32_t role)
{
    size_t length = strlen(text);
    char *bytes = exact_copy(text, length);
    harmony_message message;
    harmony_status status;

    message.role = role;
    message.name = message.recipient = message.channel = hm_absent();
    message.content_type = message.content = hm_absent();
    status = hm_read_words((const uint8_t *)bytes, 0, length, &message, NULL);
    sprintf(words_read, "%d",
            status == HARMONY_OK ? (int)message.role : -(int)status);
    if (status == HARMONY_OK) {
        add_field(bytes, "name", message.name);
        add_field(bytes, "to", message.recipient);
        add_field(bytes, "type", message.content_type);
        CHECK_EQUAL(message.channel.start, -1);
        CHECK_EQUAL(message.content.start, -1);
    }
    free(bytes);
    return words_read;
}

static void test_no_role_given(void)
{
    static const char *const table[][2] = {
        {"", "-11"},
        {" \t\xE3\x80\x80\n", "-11"},
        {"user", "0"},
        {" user ", "0"},
        {"assistant", "1"},
        {"system", "2"},
        {"developer", "3"},
        {"tool", "4 name=tool"},
        {"use", "-12"},
        {"users", "-12"},
        {"functions.f", "-12"},
        {"functions.f to=assistant", "4 name=functions.f to=assistant"},
        {"functions.f\tassistant", "4 name=functions.f to=assistant"},
        {"to=x", "4 name=to=x"},
        {"assistant to=f", "1 to=f"},
        {"assistant to=", "1 to="},
        {"assistant f", "1 to=f"},
        {"assistant to=f json", "1 to=f type=json"},
        {"assistant f json", "1 to=f type=json"},
        {"assistant json to=f", "-14"},
        {"assistant assistant", "1 to=assistant"},
        {"assistant a b c", "-14"},
        {"assistant\r\nto=f\f<|constrain|>json",
         "1 to=f type=<|constrain|>json"},
        {"\xC2\xA0user\xC2\xA0", "0"},
        {"\xE2\x80\x83user\xE2\x80\x83", "0"},
        {"user\xC2\xA0x", "-12"},
    };
    size_t i;

    for (i = 0; i < sizeof table / sizeof *table; i++)
        CHECK_STRING(read_words(table[i][0], HARMONY_ROLE_NONE), table[i][1]);
}

static void test_role_given(void)
{
    static const char *const table[][2] = {
        {"", "1"},
        {"assistant", "1"},
        {"user", "1 to=user"},
        {"to=f", "1 to=f"},
        {" f ", "1 to=f"},
        {"f json", "1 to=f type=json"},
        {"assistant f json", "1 to=f type=json"},
        {"assistant a b c", "-14"},
    };
    size_t i;

    for (i = 0; i < sizeof table / sizeof *table; i++)
        CHECK_STRING(read_words(table[i][0], HARMONY_ROLE_ASSISTANT),
                     table[i][1]);
    CHECK_STRING(read_words("f to=assistant", HARMONY_ROLE_TOOL), "-14");
}

static void test_words_errors(void)
{
    static const uint8_t text[] = "developer a b  c d";
    harmony_message message;
    harmony_error error;

    message.role = HARMONY_ROLE_NONE;
    hm_read_words(text, 0, sizeof text - 1, &message, &error);
    CHECK_EQUAL(error.status, HARMONY_HEADER_EXTRA_WORDS);
    CHECK_EQUAL(error.position, -1);
    CHECK_STRING(error.message, "unexpected tokens remaining in message "
                                "header: \"a b\"");
    message.role = HARMONY_ROLE_NONE;
    hm_read_words(text, 12, 13, &message, &error);
    CHECK_EQUAL(error.position, -1);
    CHECK_STRING(error.message, "Unknown role: b");
    hm_read_words(text, 13, 13, &message, &error);
    CHECK_EQUAL(error.position, -1);
    CHECK_STRING(error.message, "message header did not contain a role");
}

static void test_join_words(void)
{
    static const char *const table[][2] = {
        {"", ""},
        {"  ", ""},
        {"user", ""},
        {"user a", "a"},
        {" a\t\n b  c ", "a b c"},
        {"a user", "a user"},
    };
    uint8_t behind[] = "and  a   b";
    size_t i;

    for (i = 0; i < sizeof table / sizeof *table; i++) {
        size_t length = strlen(table[i][0]);
        uint8_t *text = exact_copy(table[i][0], length);

        length = hm_join_words(text, 0, length, HARMONY_ROLE_USER);
        CHECK_BYTES(text, length, table[i][1], strlen(table[i][1]));
        free(text);
    }
    CHECK_EQUAL(hm_join_words(behind, 4, 10, HARMONY_ROLE_USER), 3);
    CHECK_BYTES(behind, sizeof behind - 1, "and a b  b", 10);
}

static void test_role_of_word(void)
{
    static const struct {
        const char *word;
        int32_t role;
    } table[] = {
        {"user", HARMONY_ROLE_USER},
        {"assistant", HARMONY_ROLE_ASSISTANT},
        {"system", HARMONY_ROLE_SYSTEM},
        {"tool", HARMONY_ROLE_TOOL},
        {"developer", HARMONY_ROLE_DEVELOPER},
        {"", HARMONY_ROLE_NONE},
        {"use", HARMONY_ROLE_NONE},
        {"users", HARMONY_ROLE_NONE},
        {"User", HARMONY_ROLE_NONE},
        {"tool ", HARMONY_ROLE_NONE},
    };
    size_t i;

    for (i = 0; i < sizeof table / sizeof *table; i++) {
        size_t length = strlen(table[i].word);
        uint8_t *word = exact_copy(table[i].word, length);

        CHECK_EQUAL(hm_role_of_word(word, length), table[i].role);
        free(word);
    }
}

/* A vertical tab, too, is white space, but separates no words. */
static void test_gaps(void)
{
    int byte;

    for (byte = 0; byte < 256; byte++)
        CHECK_EQUAL(hm_is_gap((uint8_t)byte),
                    byte != 0 && strchr(" \t\n\f\r", byte) != NULL);
}

void test_header(void)
{
    test_role_of_word();
    test_gaps();
    test_take_channel();
    test_no_role_given();
    test_role_given();
    test_words_errors();
    test_join_words();
}
