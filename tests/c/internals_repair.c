/*
 * Headers and what is read of them: a line each, with `@` for <|channel|> and
 * `%` for <|constrain|>. Behind the message stands how many bytes were added to
 * the text, and then the warnings, each with the number of its kind. The rows
 * were chosen, of many that were made of words at random, because each tells
 * the code from a mutant of it that nothing else did (mutants.py). So they pin
 * what is done, sensible or not; what should be done is in api_recovery.c.
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
    {HARMONY_ROLE_NONE, "z.", "tool name=z. +0"},
    {HARMONY_ROLE_NONE, "0.a", "tool name=0.a +0"},
    {HARMONY_ROLE_ASSISTANT, "%to=", "assistant to= +0; 12 <|constrain|>to="},
    {HARMONY_ROLE_NONE, "json[", "assistant +0; 9 json[; 10"},
    {HARMONY_ROLE_ASSISTANT, "to= .", "assistant to=. +0; 12"},
    {HARMONY_ROLE_NONE, "to= <|", "assistant to= +0; 12 <|; 10"},
    {HARMONY_ROLE_NONE, "tool:t", "tool name=t +0; 9"},
    {HARMONY_ROLE_NONE, "user:\xC3\xBC", "user name=\xC3\xBC +0"},
    {HARMONY_ROLE_ASSISTANT,
     "@a\xC2\xA0"
     "b \t",
     "assistant channel=a type=b +0; 12 b"},
    {HARMONY_ROLE_NONE, "to=x<|y", "assistant to=x +0; 12 <|y; 10"},
    {HARMONY_ROLE_NONE, "tool %'", "tool name=tool +0; 13; 9 '"},
    {HARMONY_ROLE_NONE, "- to=f -", "tool name=- to=f type=- +0"},
    {HARMONY_ROLE_ASSISTANT, "% text+x",
     "assistant type=<|constrain|>text+x +19; 12 <|constrain|>"},
    {HARMONY_ROLE_ASSISTANT, "%to=f(x%b",
     "assistant type=<|constrain|>b +14; 9 to=f(x"},
    {HARMONY_ROLE_ASSISTANT, "@x to=f(y@z",
     "assistant to=f channel=z +0; 12 (y; 11 x"},
    {HARMONY_ROLE_ASSISTANT, "final final",
     "assistant channel=final type=final +0; 10 final"},
    {HARMONY_ROLE_ASSISTANT, "to=f text+x", "assistant to=f type=text+x +0"},
    {HARMONY_ROLE_NONE, "search: to=f", "tool name=search: to=f +0"},
    {HARMONY_ROLE_ASSISTANT, "python json[",
     "assistant to=python +0; 12 python; 9 json["},
    {HARMONY_ROLE_NONE, "tool: to=x<|y",
     "tool name=tool to=x +4; 10 :; 12 <|y; 10"},
    {HARMONY_ROLE_ASSISTANT, "\xF0\x9F\x98\x80to=assistant",
     "assistant +0; 9 \xF0\x9F\x98\x80to=assistant"},
    {HARMONY_ROLE_ASSISTANT, "@final %json x",
     "assistant channel=final type=<|constrain|>json +17; 9 x"},
    {HARMONY_ROLE_ASSISTANT, "to='q' .a code",
     "assistant to=q type=code +0; 12 ' '; 9 .a"},
    {HARMONY_ROLE_NONE, "Usertool\t to= '",
     "assistant to=' +0; 9 Usertool; 10"},
    {HARMONY_ROLE_ASSISTANT, "%code to=f json",
     "assistant to=f type=json +0; 13 code"},
    {HARMONY_ROLE_ASSISTANT, "@final to=f a?b",
     "assistant to=f channel=final type=a?b +-1"},
    {HARMONY_ROLE_NONE, "0 \x7F to= \"q tool:t",
     "assistant to=q +0; 9 0 \x7F; 12 \"; 10; 9 tool:t"},
    {HARMONY_ROLE_ASSISTANT, ".a analysis final",
     "assistant channel=analysis type=final +0; 9 .a; 10 analysis"},
    {HARMONY_ROLE_NONE, "User to=functions.",
     "user +0; 10 User; 12 to=functions."},
    {HARMONY_ROLE_NONE, "analysis @.a to=f(",
     "assistant to=f( channel=analysis +0; 10 analysis; 11 .a"},
    {HARMONY_ROLE_USER, "userfinal analysis",
     "user channel=final +0; 10 userfinal; 9 analysis"},
    {HARMONY_ROLE_NONE, "t to=assistant z to",
     "tool name=t to=assistant +0; 9 z; 10 t; 9 to"},
    {HARMONY_ROLE_NONE, "\xC3\xBCto=assistant to= %",
     "tool name=\xC3\xBCto=assistant to= type=<|constrain|> +13"},
    {HARMONY_ROLE_NONE, "assistant \xE3\x80\x80@ a.bxjson",
     "assistant channel=a.bxjson +0; 9"},
    {HARMONY_ROLE_TOOL, "@ to=functions. _ to=",
     "tool name=tool +4; 11; 12 to=functions.; 9 _ to=; 10"},
    {HARMONY_ROLE_NONE, "@ *final* x<|y text+x @",
     "assistant channel=final +0; 11 *final*; 9 x<|y text+x; 11; 10"},
    {HARMONY_ROLE_NONE, "to=a/b commentary code json",
     "assistant to=a channel=commentary type=json +0; 12 /b; 10 commentary; 9 "
     "code; 10"},
    {HARMONY_ROLE_NONE, "functions.f to=assistant@final",
     "tool name=functions.f to=assistant channel=final +-1"},
    {HARMONY_ROLE_TOOL, "to=f(to=functions. @analysistext/x",
     "tool name=tool to=f(to=functions. channel=analysis type=text/x +4; 10"},
};

static const struct row unstarted[] = {
    {HARMONY_ROLE_NONE, ".a", "tool name=.a +0; 10 .a"},
    {HARMONY_ROLE_TOOL, "@0", "tool name=tool channel=0 +4; 10"},
    {HARMONY_ROLE_ASSISTANT, "@to=", "assistant channel=to= +-1"},
    {HARMONY_ROLE_TOOL, "% .a\x7F",
     "tool name=tool type=<|constrain|>.a +19; 9 \x7F; 10"},
    {HARMONY_ROLE_NONE, "FINALZ9", "tool name=FINALZ9 +0; 10 FINALZ9"},
    {HARMONY_ROLE_TOOL, "% \xC2\xA0 \t0{}",
     "tool name=tool type=<|constrain|>0 +18; 9 {}; 10"},
    {HARMONY_ROLE_NONE, "@\n z@ codex", "assistant channel=codex +0; 11 z; 10"},
    {HARMONY_ROLE_NONE, "analysis Z9",
     "assistant channel=analysis type=Z9 +0; 10 analysis"},
    {HARMONY_ROLE_NONE, "functions.\xF0\x9F\x98\x80",
     "tool name=tool +4; 10 functions.; 9 \xF0\x9F\x98\x80; 10"},
    {HARMONY_ROLE_NONE, "z to=assistant", "tool name=z to=assistant +0; 10 z"},
    {HARMONY_ROLE_ASSISTANT, "to=\xC3\xBC json\"a%to=f",
     "assistant +0; 9 to=\xC3\xBC json\"a to=f"},
    {HARMONY_ROLE_USER, "json[@ *final* final\xE3\x80\x80",
     "user channel=final type=final +0; 9 json[; 11 *final*"},
    {HARMONY_ROLE_NONE, "assistantfinal analysis",
     "assistant channel=final +0; 10 assistantfinal; 9 analysis"},
    {HARMONY_ROLE_NONE, "assistantassistant\xE3\x80\x80json\"a to='q'",
     "assistant to=q +0; 10 assistantassistant; 9 json\"a; 12 ' '"},
};

static const struct row at_stop[] = {
    {HARMONY_ROLE_USER,
     "@a\xC2\xA0"
     "b",
     "user: a\xC2\xA0"
     "b +4"},
    {HARMONY_ROLE_ASSISTANT, "to@\xC2\xA0", "assistant: to\xC2\xA0 +4"},
    {HARMONY_ROLE_USER, "user:@", "user +0; 9 user:; 11"},
    {HARMONY_ROLE_ASSISTANT, "% json[",
     "assistant type=<|constrain|>json: [ +18"},
    {HARMONY_ROLE_NONE, "% json{}",
     "assistant type=<|constrain|>json: {} +19; 10"},
    {HARMONY_ROLE_ASSISTANT, "% json\"a",
     "assistant type=<|constrain|>json: \"a +19"},
    {HARMONY_ROLE_ASSISTANT, "%jsoncode", "assistant: jsoncode +8; 13"},
    {HARMONY_ROLE_NONE, "tool: to=f(", "tool name=tool to=f: ( +5; 10 :"},
    {HARMONY_ROLE_USER, "tool:ta:b@\x7F", "user: tool:ta:b \x7F +11"},
    {HARMONY_ROLE_NONE, "functions.{}",
     "assistant: {} +2; 12 functions. functions.{}; 10"},
    {HARMONY_ROLE_ASSISTANT, "Hello %there", "assistant: Hello there +11"},
    {HARMONY_ROLE_ASSISTANT, "Hello\xC2\xA0%there",
     "assistant: Hello\xC2\xA0there +12"},
    {HARMONY_ROLE_ASSISTANT, "Hello\xE3\x80\x80%there",
     "assistant: Hello\xE3\x80\x80there +13"},
    {HARMONY_ROLE_USER, "browser.x json",
     "user to=browser.x type=json +0; 12 browser.x"},
    {HARMONY_ROLE_ASSISTANT, "to=f json code",
     "assistant to=f type=json: code +4"},
    {HARMONY_ROLE_TOOL, "tool final<x%- '",
     "tool name=tool: final<x - ' +15; 10 tool"},
    {HARMONY_ROLE_ASSISTANT, "to=assistant json[",
     "assistant to=assistant type=json: [ +1"},
    {HARMONY_ROLE_NONE, "commentary @tool:<|",
     "assistant channel=commentary: <| +2; 10 commentary; 11 tool:"},
    {HARMONY_ROLE_NONE, "to=x<|y @ final x<|y",
     "assistant to=x channel=final: <|y  x<|y +9; 10"},
    {HARMONY_ROLE_ASSISTANT, "Hello @final@final x",
     "assistant channel=final: Hello  x +8; 11 final"},
    {HARMONY_ROLE_ASSISTANT, "(user) '%FINALfinal<x",
     "assistant: ' FINALfinal<x +14; 9 (user)"},
    {HARMONY_ROLE_TOOL, "assistant final . %Z9",
     "tool name=tool: . Z9 +8; 9 assistant final; 10"},
    {HARMONY_ROLE_TOOL, "tool browser.x json[(user).",
     "tool name=tool to=browser.x type=json: [(user). +12; 10 tool; 12 "
     "browser.x; 10"},
    {HARMONY_ROLE_ASSISTANT, "@final Hello @analysis there",
     "assistant channel=analysis: Hello  there +12; 11 final"},
};

/* ---- Reading ------------------------------------------------------------- */

static char line[2000];

static void say(const char *before, const hm_buffer *text, harmony_span span)
{
    const char *from = (const char *)text->data + span.start;
    size_t used = strlen(line);

    if (span.start < 0)
        return;
    CHECK((size_t)span.start + (size_t)span.length <= text->length);
    CHECK(memchr(from, '\0', (size_t)span.length) == NULL);
    sprintf(line + used, "%s%.*s", before, (int)span.length, from);
}

static void say_warnings(const hm_warnings *warnings)
{
    const harmony_warning *list = (const harmony_warning *)warnings->list.data;
    size_t i, count = warnings->list.length / sizeof *list;

    for (i = 0; i < count; i++) {
        sprintf(line + strlen(line), "; %d", (int)list[i].kind);
        CHECK_EQUAL(list[i].position, 7);
        if (list[i].text.length > 0)
            say(" ", &warnings->text, list[i].text);
    }
}

/* A header behind so many bytes of text, in buffers with the room that is asked
 * for. What lies there looks like a mark. */
static void make_room(const char *header, size_t start, hm_buffer *text,
                      hm_warnings *warnings)
{
    size_t length = strlen(header), i;

    text->capacity = start + length + (size_t)hm_repair_text(length);
    text->data = room(text->capacity);
    memset(text->data, HM_CHANNEL_MARK, text->capacity);
    text->length = start + length;
    for (i = 0; i < length; i++)
        text->data[start + i] = header[i] == '@'   ? HM_CHANNEL_MARK
                                : header[i] == '%' ? HM_CONSTRAIN_MARK
                                                   : (uint8_t)header[i];
    warnings->list.capacity
        = hm_repair_warnings(length) * sizeof(harmony_warning);
    warnings->list.data = room(warnings->list.capacity);
    warnings->text.capacity = 2 * length + hm_repair_warnings(length);
    warnings->text.data = room(warnings->text.capacity);
    warnings->position = 7;
}

static const char *read_header(hm_header_end how, int32_t role,
                               const char *header, size_t start)
{
    hm_buffer text = {NULL, 0, 0};
    hm_warnings warnings = {{NULL, 0, 0}, {NULL, 0, 0}, 0};
    harmony_message message;

    make_room(header, start, &text, &warnings);
    message.role = role;
    message.name = message.recipient = message.channel = hm_absent();
    message.content_type = message.content = hm_absent();
    hm_repair_header(&text, start, how, &message, &warnings);
    strcpy(line, hm_role_word(message.role));
    say(" name=", &text, message.name);
    say(" to=", &text, message.recipient);
    say(" channel=", &text, message.channel);
    say(" type=", &text, message.content_type);
    say(": ", &text, message.content);
    sprintf(line + strlen(line), " +%d",
            (int)text.length - (int)(start + strlen(header)));
    say_warnings(&warnings);
    hm_release(&text);
    hm_release(&warnings.list);
    hm_release(&warnings.text);
    return line;
}

static void check_rows(hm_header_end how, const struct row *rows, size_t count)
{
    size_t i;

    for (i = 0; i < count; i++) {
        CHECK_STRING(read_header(how, rows[i].role, rows[i].header, 0),
                     rows[i].read);
        CHECK_STRING(read_header(how, rows[i].role, rows[i].header, 3),
                     rows[i].read);
    }
}

#define CHECK_ROWS(how, rows) check_rows(how, rows, sizeof rows / sizeof *rows)

void test_repair(void)
{
    CHECK_ROWS(HM_ENDED_BY_MESSAGE, at_message);
    CHECK_ROWS(HM_ENDED_UNSTARTED, unstarted);
    CHECK_ROWS(HM_ENDED_BY_STOP, at_stop);
}
