/*
 * Headers and what is read of them: a line each, with `@` for <|channel|> and
 * `%` for <|constrain|>. Behind the message are the warnings, each with the
 * number of its kind. The rows were chosen, of many that were made of words at
 * random, because each tells the code from a mutant of it that nothing else
 * did (mutants.py). So they pin what is done, sensible or not; what should be
 * done is in api_recovery.c.
 */
#include "repair.h"

#include "check.h"
#include "conversation.h"
#include "internals.h"
#include "support.h"

struct row {
    int32_t role; /* that is given */
    const char *header;
    const char *read;
};

static const struct row at_message[] = {
    {HARMONY_ROLE_NONE, "z.", "tool name=z."},
    {HARMONY_ROLE_NONE, "0.a", "tool name=0.a"},
    {HARMONY_ROLE_ASSISTANT, "to= .", "assistant to=.; 12"},
    {HARMONY_ROLE_NONE, "to= <|", "assistant to=; 12 <|; 10"},
    {HARMONY_ROLE_NONE, "user:\xC3\xBC", "user name=\xC3\xBC"},
    {HARMONY_ROLE_NONE, "tool %'", "tool name=tool; 13; 9 '"},
    {HARMONY_ROLE_ASSISTANT, "% text+x",
     "assistant type=<|constrain|>text+x; 12 <|constrain|>"},
    {HARMONY_ROLE_ASSISTANT, "python json[",
     "assistant to=python; 12 python; 9 json["},
    {HARMONY_ROLE_NONE, "tool: to=x<|y",
     "tool name=tool to=x; 10 :; 12 <|y; 10"},
    {HARMONY_ROLE_ASSISTANT, "\xF0\x9F\x98\x80to=assistant",
     "assistant; 9 \xF0\x9F\x98\x80to=assistant"},
    {HARMONY_ROLE_ASSISTANT, "to='q' .a code",
     "assistant to=q type=code; 12 ' '; 9 .a"},
    {HARMONY_ROLE_NONE, "0 \x7F to= \"q tool:t",
     "assistant to=q; 9 0 \x7F; 12 \"; 10; 9 tool:t"},
    {HARMONY_ROLE_ASSISTANT, ".a analysis final",
     "assistant channel=analysis type=final; 9 .a; 10 analysis"},
    {HARMONY_ROLE_NONE, "\xC3\xBCto=assistant to= %",
     "tool name=\xC3\xBCto=assistant to= type=<|constrain|>"},
    {HARMONY_ROLE_NONE, "assistant \xE3\x80\x80@ a.bxjson",
     "assistant channel=a.bxjson; 9"},
};

static const struct row unstarted[] = {
    {HARMONY_ROLE_TOOL, "@0", "tool name=tool channel=0; 10"},
    {HARMONY_ROLE_ASSISTANT, "@to=", "assistant channel=to="},
    {HARMONY_ROLE_NONE, "analysis Z9",
     "assistant channel=analysis type=Z9; 10 analysis"},
    {HARMONY_ROLE_NONE, "z to=assistant", "tool name=z to=assistant; 10 z"},
    {HARMONY_ROLE_NONE, "assistantfinal analysis",
     "assistant channel=final; 10 assistantfinal; 9 analysis"},
};

static const struct row at_stop[] = {
    {HARMONY_ROLE_USER,
     "@a\xC2\xA0"
     "b",
     "user: a\xC2\xA0"
     "b"},
    {HARMONY_ROLE_USER, "user:@", "user; 9 user:; 11"},
    {HARMONY_ROLE_ASSISTANT, "% json[", "assistant type=<|constrain|>json: ["},
    {HARMONY_ROLE_ASSISTANT, "%jsoncode", "assistant: jsoncode; 13"},
    {HARMONY_ROLE_NONE, "functions.{}",
     "assistant: {}; 12 functions. functions.{}; 10"},
    {HARMONY_ROLE_TOOL, "tool final<x%- '",
     "tool name=tool: final<x - '; 10 tool"},
    {HARMONY_ROLE_NONE, "commentary @tool:<|",
     "assistant channel=commentary: <|; 10 commentary; 11 tool:"},
    {HARMONY_ROLE_NONE, "to=x<|y @ final x<|y",
     "assistant to=x channel=final: <|y  x<|y; 10"},
};

/* ---- Reading ------------------------------------------------------------- */

static char line[2000];

static void say(const char *before, const uint8_t *text, harmony_span span)
{
    size_t used = strlen(line);

    if (span.start < 0)
        return;
    CHECK(memchr(text + span.start, '\0', (size_t)span.length) == NULL);
    sprintf(line + used, "%s%.*s", before, (int)span.length,
            (const char *)text + span.start);
}

static void say_warnings(const hm_warnings *warnings)
{
    const harmony_warning *list = (const harmony_warning *)warnings->list.data;
    size_t i, count = warnings->list.length / sizeof *list;

    for (i = 0; i < count; i++) {
        sprintf(line + strlen(line), "; %d", (int)list[i].kind);
        CHECK_EQUAL(list[i].position, 7);
        if (list[i].text.length > 0)
            say(" ", warnings->text.data, list[i].text);
    }
}

/* A header behind other text, in buffers with the room that is asked for. */
static void make_room(const char *header, hm_buffer *text,
                      hm_warnings *warnings)
{
    size_t length = strlen(header), i;

    text->capacity = 3 + length + (size_t)hm_repair_text(length);
    text->data = room(text->capacity);
    memset(text->data, 'x', text->capacity);
    text->length = 3 + length;
    for (i = 0; i < length; i++)
        text->data[3 + i] = header[i] == '@'   ? HM_CHANNEL_MARK
                            : header[i] == '%' ? HM_CONSTRAIN_MARK
                                               : (uint8_t)header[i];
    warnings->list.capacity
        = hm_repair_warnings(length) * sizeof(harmony_warning);
    warnings->list.data = room(warnings->list.capacity);
    warnings->text.capacity = 2 * length + hm_repair_warnings(length);
    warnings->text.data = room(warnings->text.capacity);
    warnings->position = 7;
}

static void check_row(hm_header_end how, const struct row *row)
{
    hm_buffer text = {NULL, 0, 0};
    hm_warnings warnings = {{NULL, 0, 0}, {NULL, 0, 0}, 0};
    harmony_message message;

    make_room(row->header, &text, &warnings);
    message.role = row->role;
    message.name = message.recipient = message.channel = hm_absent();
    message.content_type = message.content = hm_absent();
    hm_repair_header(&text, 3, how, &message, &warnings);
    CHECK(memcmp(text.data, "xxx", 3) == 0);
    strcpy(line, hm_role_word(message.role));
    say(" name=", text.data, message.name);
    say(" to=", text.data, message.recipient);
    say(" channel=", text.data, message.channel);
    say(" type=", text.data, message.content_type);
    say(": ", text.data, message.content);
    say_warnings(&warnings);
    CHECK_STRING(line, row->read);
    hm_release(&text);
    hm_release(&warnings.list);
    hm_release(&warnings.text);
}

void test_repair(void)
{
    size_t i;

    for (i = 0; i < sizeof at_message / sizeof *at_message; i++)
        check_row(HM_ENDED_BY_MESSAGE, at_message + i);
    for (i = 0; i < sizeof unstarted / sizeof *unstarted; i++)
        check_row(HM_ENDED_UNSTARTED, unstarted + i);
    for (i = 0; i < sizeof at_stop / sizeof *at_stop; i++)
        check_row(HM_ENDED_BY_STOP, at_stop + i);
}
