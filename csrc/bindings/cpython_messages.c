/*
 * Messages as Python has them: read to tuples of what they say, and made of
 * what a parser has found.
 */
#include "cpython.h"

#if HM_DIRECT

#include <stdlib.h>
#include <string.h>

#include "stream.h"

static const char capsule_name[] = "harmony.forms";

/* In the order of hm_name. */
static const char *const names[HM_NAME_COUNT] = {
    "author",
    "role",
    "name",
    "content",
    "text",
    "recipient",
    "channel",
    "content_type",
    "end_token",
    "model_identity",
    "knowledge_cutoff",
    "conversation_start_date",
    "reasoning_effort",
    "_value_",
    "tools",
    "channel_config",
    "valid_channels",
    "channel_required",
    "message",
    "finished",
    "end",
    "call",
    "return",
};

/* ---- Forms -------------------------------------------------------------- */

hm_forms *hm_forms_of(PyObject *capsule)
{
    return PyCapsule_GetPointer(capsule, capsule_name);
}

static void free_forms(PyObject *capsule)
{
    hm_forms *forms = hm_forms_of(capsule);
    size_t i;

    Py_XDECREF(forms->message);
    Py_XDECREF(forms->author);
    Py_XDECREF(forms->text);
    Py_XDECREF(forms->roles);
    Py_XDECREF(forms->system);
    Py_XDECREF(forms->channels);
    Py_XDECREF(forms->effort);
    Py_XDECREF(forms->prompt);
    Py_XDECREF(forms->segment);
    Py_XDECREF(forms->states);
    for (i = 0; i < HM_NAME_COUNT; i++)
        Py_XDECREF(forms->names[i]);
    free(forms);
}

/* A copy that keeps what it has; NULL if there is no memory. */
static PyObject *keep_forms(const hm_forms *given)
{
    hm_forms *forms = malloc(sizeof *forms);
    PyObject *capsule
        = forms == NULL ? NULL : PyCapsule_New(forms, capsule_name, free_forms);

    if (capsule == NULL) {
        free(forms);
        return PyErr_NoMemory();
    }
    *forms = *given;
    Py_INCREF(forms->message);
    Py_INCREF(forms->author);
    Py_INCREF(forms->text);
    Py_INCREF(forms->roles);
    Py_XINCREF(forms->system);
    Py_XINCREF(forms->channels);
    Py_XINCREF(forms->effort);
    Py_XINCREF(forms->prompt);
    Py_XINCREF(forms->segment);
    Py_XINCREF(forms->states);
    return capsule;
}

PyObject *hm_new_forms(PyObject *module, PyObject *args, PyObject *given)
{
    static const char *const keywords[]
        = {"message", "author", "text",    "roles",  "system", "channels",
           "effort",  "prompt", "segment", "states", NULL};
    hm_forms forms = {0};
    PyObject *capsule;
    size_t i;

    (void)module;
    if (!PyArg_ParseTupleAndKeywords(
            args, given, "OOOO!|OOOOOO!", (char **)keywords, &forms.message,
            &forms.author, &forms.text, &PyTuple_Type, &forms.roles,
            &forms.system, &forms.channels, &forms.effort, &forms.prompt,
            &forms.segment, &PyTuple_Type, &forms.states))
        return NULL;
    capsule = keep_forms(&forms);
    for (i = 0; capsule != NULL && i < HM_NAME_COUNT; i++) {
        PyObject *name = PyUnicode_InternFromString(names[i]);

        hm_forms_of(capsule)->names[i] = name;
        if (name == NULL) {
            Py_DECREF(capsule);
            return NULL;
        }
    }
    return capsule;
}

int hm_role_number(const hm_forms *forms, PyObject *role, int32_t *number)
{
    Py_ssize_t i, count = PyTuple_Size(forms->roles);

    *number = HARMONY_ROLE_NONE;
    if (role == Py_None)
        return 1;
    for (i = 0; i < count; i++)
        if (PyTuple_GetItem(forms->roles, i) == role) {
            *number = (int32_t)i;
            return 1;
        }
    return 0;
}

/* ---- Messages read ------------------------------------------------------ */

static PyObject *get(const hm_forms *forms, PyObject *from, hm_name name)
{
    return PyObject_GetAttr(from, forms->names[name]);
}

static PyObject *none(void)
{
    Py_INCREF(Py_None);
    return Py_None;
}

/* Put a field into a tuple; 0 if it is no plain str, or no None. */
static int take_word(const hm_forms *forms, PyObject *tuple, Py_ssize_t place,
                     PyObject *from, hm_name name)
{
    PyObject *word = get(forms, from, name);

    if (word == NULL || (word != Py_None && !PyUnicode_CheckExact(word))) {
        Py_XDECREF(word);
        return 0;
    }
    PyTuple_SetItem(tuple, place, word);
    return 1;
}

static int take_role(const hm_forms *forms, PyObject *parts, PyObject *author)
{
    PyObject *role = get(forms, author, HM_ROLE);
    int32_t number;

    if (role == NULL || role == Py_None
        || !hm_role_number(forms, role, &number)) {
        Py_XDECREF(role);
        return 0;
    }
    PyTuple_SetItem(parts, HM_SAID_ROLE, role);
    return 1;
}

static int take_author(const hm_forms *forms, PyObject *parts,
                       PyObject *message)
{
    PyObject *author = get(forms, message, HM_AUTHOR);
    int is_plain = author != NULL
                   && (PyObject *)Py_TYPE(author) == forms->author
                   && take_word(forms, parts, HM_SAID_NAME, author, HM_NAME)
                   && take_role(forms, parts, author);

    Py_XDECREF(author);
    return is_plain;
}

/* The one content of a message, to be given back; NULL if there is none, or
 * more than one. */
static PyObject *only_content(const hm_forms *forms, PyObject *message)
{
    PyObject *content = get(forms, message, HM_CONTENT), *item = NULL;

    if (content != NULL && PyList_CheckExact(content)
        && PyList_Size(content) == 1)
        item = PySequence_GetItem(content, 0);
    Py_XDECREF(content);
    return item;
}

/* The value of an effort, or a plain str, or None. */
static int take_effort(const hm_forms *forms, PyObject *key, Py_ssize_t place,
                       PyObject *content)
{
    PyObject *effort = get(forms, content, HM_EFFORT);
    int is_plain = 0;

    if (effort != NULL && (PyObject *)Py_TYPE(effort) == forms->effort) {
        is_plain = take_word(forms, key, place, effort, HM_VALUE);
        Py_DECREF(effort);
        return is_plain;
    }
    if (effort == NULL
        || (effort != Py_None && !PyUnicode_CheckExact(effort))) {
        Py_XDECREF(effort);
        return 0;
    }
    PyTuple_SetItem(key, place, effort);
    return 1;
}

/* The channels of a config as a tuple, or None if it has none; NULL if they are
 * not plain. */
static PyObject *channels_of(const hm_forms *forms, PyObject *config)
{
    PyObject *list = get(forms, config, HM_VALID_CHANNELS);
    PyObject *channels
        = list != NULL && PyList_CheckExact(list) ? PyList_AsTuple(list) : NULL;
    Py_ssize_t i, count = channels == NULL ? 0 : PyTuple_Size(channels);

    Py_XDECREF(list);
    for (i = 0; i < count; i++)
        if (!PyUnicode_CheckExact(PyTuple_GetItem(channels, i))) {
            Py_DECREF(channels);
            return NULL;
        }
    if (channels == NULL || count > 0)
        return channels;
    Py_DECREF(channels);
    return none();
}

/* The channels of a prompt, and behind them whether one of them is required. */
static int take_channels(const hm_forms *forms, PyObject *key, Py_ssize_t place,
                         PyObject *content)
{
    PyObject *config = get(forms, content, HM_CHANNEL_CONFIG);
    PyObject *channels = NULL, *required = NULL;

    if (config == Py_None) {
        channels = none();
    } else if (config != NULL
               && (PyObject *)Py_TYPE(config) == forms->channels) {
        channels = channels_of(forms, config);
        required = get(forms, config, HM_CHANNEL_REQUIRED);
    }
    Py_XDECREF(config);
    if (channels == Py_None) {
        Py_XDECREF(required);
        required = PyBool_FromLong(0);
    }
    if (channels == NULL || required == NULL || !PyBool_Check(required)) {
        Py_XDECREF(channels);
        Py_XDECREF(required);
        return 0;
    }
    PyTuple_SetItem(key, place, channels);
    PyTuple_SetItem(key, place + 1, required);
    return 1;
}

/* An object of a class that is based on tuple, which takes over its items. */
static PyObject *named(PyObject *type, PyObject *items)
{
    void *slot = PyType_GetSlot(&PyTuple_Type, Py_tp_new);
    PyObject *args = PyTuple_Pack(1, items), *made = NULL;
    newfunc make;

    memcpy(&make, &slot, sizeof make);
    if (args != NULL)
        made = make((PyTypeObject *)type, args, NULL);
    Py_XDECREF(args);
    Py_DECREF(items);
    return made;
}

/* What a plain system prompt without tools says, as harmony/prompts.py has it;
 * NULL if it is not plain. */
static PyObject *prompt_of(const hm_forms *forms, PyObject *content,
                           int function_tools)
{
    PyObject *fields = PyTuple_New(8);

    if (fields == NULL)
        return NULL;
    PyTuple_SetItem(fields, 7, PyBool_FromLong(function_tools));
    if (take_word(forms, fields, 0, content, HM_MODEL_IDENTITY)
        && take_word(forms, fields, 1, content, HM_KNOWLEDGE_CUTOFF)
        && take_word(forms, fields, 2, content, HM_START_DATE)
        && take_effort(forms, fields, 3, content)
        && take_word(forms, fields, 4, content, HM_TOOLS)
        && PyTuple_GetItem(fields, 4) == Py_None
        && take_channels(forms, fields, 5, content))
        return named(forms->prompt, fields);
    Py_DECREF(fields);
    return NULL;
}

static PyObject *plain_text(const hm_forms *forms, PyObject *content)
{
    PyObject *text = get(forms, content, HM_TEXT);

    if (text == NULL || PyUnicode_CheckExact(text))
        return text;
    Py_DECREF(text);
    return NULL;
}

/* The one text of a message by a role, or what its prompt says; NULL if it is
 * not plain. */
static PyObject *text_of(const hm_forms *forms, PyObject *message,
                         PyObject *role, int function_tools)
{
    PyObject *content = only_content(forms, message), *text = NULL;
    PyObject *type = content == NULL ? NULL : (PyObject *)Py_TYPE(content);

    if (type != NULL && type == forms->text)
        text = plain_text(forms, content);
    else if (type != NULL && type == forms->system
             && role == PyTuple_GetItem(forms->roles, HARMONY_ROLE_SYSTEM))
        text = prompt_of(forms, content, function_tools);
    Py_XDECREF(content);
    return text;
}

/* What a message says, if it is plain in everything; NULL if it is not. */
static PyObject *plain_parts(const hm_forms *forms, PyObject *message,
                             int function_tools)
{
    PyObject *parts, *text = NULL;

    if ((PyObject *)Py_TYPE(message) != forms->message)
        return NULL;
    parts = PyTuple_New(HM_SAID_TEXTS + 1);
    if (parts == NULL)
        return NULL;
    if (take_author(forms, parts, message)
        && take_word(forms, parts, HM_SAID_RECIPIENT, message, HM_RECIPIENT)
        && take_word(forms, parts, HM_SAID_CHANNEL, message, HM_CHANNEL)
        && take_word(forms, parts, HM_SAID_CONTENT_TYPE, message,
                     HM_CONTENT_TYPE))
        text = text_of(forms, message, PyTuple_GetItem(parts, HM_SAID_ROLE),
                       function_tools);
    if (text == NULL) {
        Py_DECREF(parts);
        return NULL;
    }
    PyTuple_SetItem(parts, HM_SAID_TEXTS, text);
    return parts;
}

PyObject *hm_plain_parts(PyObject *module, PyObject *args)
{
    PyObject *messages, *capsule, *found;
    const hm_forms *forms;
    int function_tools;
    Py_ssize_t i, count;

    (void)module;
    if (!PyArg_ParseTuple(args, "O!Op", &PyTuple_Type, &messages, &capsule,
                          &function_tools))
        return NULL;
    forms = hm_forms_of(capsule);
    if (forms == NULL)
        return NULL;
    count = PyTuple_Size(messages);
    found = PyList_New(count);
    for (i = 0; found != NULL && i < count; i++) {
        PyObject *parts
            = plain_parts(forms, PyTuple_GetItem(messages, i), function_tools);

        if (parts == NULL) {
            PyErr_Clear(); /* for the way written in Python */
            parts = none();
        }
        PyList_SetItem(found, i, parts);
    }
    return found;
}

/* ---- Messages made ------------------------------------------------------ */

/* What an object is made with. Its class may well have `__init__`, but there is
 * nothing to check about what comes from the parser. */
static PyObject *bare(PyObject *type)
{
    void *slot = PyType_GetSlot((PyTypeObject *)type, Py_tp_new);
    PyObject *nothing = PyTuple_New(0), *made = NULL;
    newfunc make;

    memcpy(&make, &slot, sizeof make);
    if (nothing != NULL)
        made = make((PyTypeObject *)type, nothing, NULL);
    Py_XDECREF(nothing);
    return made;
}

/* Give a field a value, which is taken over; 0 after an error, as when there is
 * no value. What is frozen is no more so than for `object.__setattr__`. */
static int put(const hm_forms *forms, PyObject *to, hm_name name,
               PyObject *value)
{
    int is_done
        = value != NULL
          && PyObject_GenericSetAttr(to, forms->names[name], value) == 0;

    Py_XDECREF(value);
    return is_done;
}

/* An object, if all of its fields have values; else it is given back. */
static PyObject *whole(PyObject *made, int is_whole)
{
    if (is_whole)
        return made;
    Py_XDECREF(made);
    return NULL;
}

/* A span of the text as a str, or None if it is absent. */
static PyObject *word(const harmony_parser *parser, harmony_span span)
{
    const char *text = (const char *)parser->text.data;

    if (span.start < 0)
        return none();
    return PyUnicode_DecodeUTF8(text + span.start, span.length, NULL);
}

static PyObject *text_or_empty(const harmony_parser *parser, harmony_span span)
{
    return span.start < 0 ? PyUnicode_FromStringAndSize(NULL, 0)
                          : word(parser, span);
}

static PyObject *role_of(const hm_forms *forms, int32_t number)
{
    PyObject *role = PyTuple_GetItem(forms->roles, number);

    Py_XINCREF(role);
    return role;
}

static PyObject *new_author(const hm_forms *forms, const harmony_parser *parser,
                            const harmony_message *record)
{
    PyObject *made = bare(forms->author);

    return whole(made,
                 made != NULL
                     && put(forms, made, HM_ROLE, role_of(forms, record->role))
                     && put(forms, made, HM_NAME, word(parser, record->name)));
}

/* A list of the one text that a message has. */
static PyObject *new_content(const hm_forms *forms,
                             const harmony_parser *parser,
                             const harmony_message *record)
{
    PyObject *made = bare(forms->text), *list;

    if (made == NULL
        || !put(forms, made, HM_TEXT, text_or_empty(parser, record->content)))
        return whole(made, 0);
    list = PyList_New(1);
    if (list == NULL)
        return whole(made, 0);
    PyList_SetItem(list, 0, made);
    return list;
}

/* How a message ended: a word, or None. */
static PyObject *new_end(const hm_forms *forms, const harmony_tally *tally)
{
    PyObject *end = Py_None;

    if (tally->end_token == HARMONY_TOKEN_END)
        end = forms->names[HM_END];
    else if (tally->end_token == HARMONY_TOKEN_CALL)
        end = forms->names[HM_CALL];
    else if (tally->end_token == HARMONY_TOKEN_RETURN)
        end = forms->names[HM_RETURN];
    Py_INCREF(end);
    return end;
}

static PyObject *new_message(const hm_forms *forms,
                             const harmony_parser *parser, size_t index)
{
    const harmony_message *record
        = (const harmony_message *)parser->messages.data + index;
    const harmony_tally *tally
        = (const harmony_tally *)parser->tallies.data + index;
    PyObject *made = bare(forms->message);

    return whole(
        made,
        made != NULL
            && put(forms, made, HM_AUTHOR, new_author(forms, parser, record))
            && put(forms, made, HM_CONTENT, new_content(forms, parser, record))
            && put(forms, made, HM_CHANNEL, word(parser, record->channel))
            && put(forms, made, HM_RECIPIENT, word(parser, record->recipient))
            && put(forms, made, HM_CONTENT_TYPE,
                   word(parser, record->content_type))
            && put(forms, made, HM_END_TOKEN, new_end(forms, tally)));
}

PyObject *hm_new_messages(const hm_forms *forms, const harmony_parser *parser,
                          size_t first)
{
    size_t count = hm_message_count(parser), i;
    PyObject *list = PyList_New((Py_ssize_t)(count - first));

    for (i = first; list != NULL && i < count; i++) {
        PyObject *message = new_message(forms, parser, i);

        if (message == NULL)
            return whole(list, 0);
        PyList_SetItem(list, (Py_ssize_t)(i - first), message);
    }
    return list;
}

/* ---- Segments made ------------------------------------------------------ */

static PyObject *new_segment(const hm_forms *forms,
                             const harmony_parser *parser,
                             const harmony_segment *segment)
{
    const harmony_message *record = &parser->view.current;
    PyObject *made = bare(forms->segment);

    if ((size_t)segment->message < hm_message_count(parser))
        record
            = (const harmony_message *)parser->messages.data + segment->message;
    return whole(
        made,
        made != NULL && put(forms, made, HM_ROLE, role_of(forms, record->role))
            && put(forms, made, HM_CHANNEL, word(parser, record->channel))
            && put(forms, made, HM_RECIPIENT, word(parser, record->recipient))
            && put(forms, made, HM_CONTENT_TYPE,
                   word(parser, record->content_type))
            && put(forms, made, HM_TEXT, text_or_empty(parser, segment->text))
            && put(forms, made, HM_MESSAGE, PyLong_FromLong(segment->message))
            && put(forms, made, HM_FINISHED,
                   PyBool_FromLong(segment->finished)));
}

PyObject *hm_new_segments(const hm_forms *forms, const harmony_parser *parser)
{
    const harmony_segment *segments
        = (const harmony_segment *)parser->segments.data;
    size_t count = parser->segments.length / sizeof *segments, i;
    PyObject *list = PyList_New((Py_ssize_t)count);

    for (i = 0; list != NULL && i < count; i++) {
        PyObject *segment = new_segment(forms, parser, segments + i);

        if (segment == NULL)
            return whole(list, 0);
        PyList_SetItem(list, (Py_ssize_t)i, segment);
    }
    return list;
}

#endif
