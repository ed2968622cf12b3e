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
static const char *const names[HM_NAME_COUNT]
    = {"author",    "role",    "name",         "content",   "text",
       "recipient", "channel", "content_type", "end_token", "message",
       "finished",  "end",     "call",         "return"};

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
    Py_XDECREF(forms->segment);
    Py_XDECREF(forms->states);
    for (i = 0; i < HM_NAME_COUNT; i++)
        Py_XDECREF(forms->names[i]);
    free(forms);
}

static int name_fields(hm_forms *forms)
{
    size_t i;

    for (i = 0; i < HM_NAME_COUNT; i++) {
        forms->names[i] = PyUnicode_InternFromString(names[i]);
        if (forms->names[i] == NULL)
            return 0;
    }
    return 1;
}

PyObject *hm_new_forms(PyObject *module, PyObject *args)
{
    hm_forms given = {0}, *forms;
    PyObject *capsule;

    (void)module;
    if (!PyArg_ParseTuple(args, "OOOO!|OO!", &given.message, &given.author,
                          &given.text, &PyTuple_Type, &given.roles,
                          &given.segment, &PyTuple_Type, &given.states))
        return NULL;
    forms = calloc(1, sizeof *forms);
    if (forms == NULL)
        return PyErr_NoMemory();
    capsule = PyCapsule_New(forms, capsule_name, free_forms);
    if (capsule == NULL) {
        free(forms);
        return NULL;
    }
    *forms = given;
    Py_INCREF(forms->message);
    Py_INCREF(forms->author);
    Py_INCREF(forms->text);
    Py_INCREF(forms->roles);
    Py_XINCREF(forms->segment);
    Py_XINCREF(forms->states);
    if (name_fields(forms))
        return capsule;
    Py_DECREF(capsule);
    return NULL;
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

/* Whether something is a plain str, or None. */
static int is_word(PyObject *word)
{
    return word == Py_None || PyUnicode_CheckExact(word);
}

/* Put an attribute into a tuple; 0 if it is no plain str, or no None. */
static int put_word(PyObject *parts, Py_ssize_t part, PyObject *of,
                    PyObject *name)
{
    PyObject *word = PyObject_GetAttr(of, name);

    if (word == NULL || !is_word(word)) {
        Py_XDECREF(word);
        return 0;
    }
    PyTuple_SetItem(parts, part, word);
    return 1;
}

static int put_author(const hm_forms *forms, PyObject *parts, PyObject *message)
{
    PyObject *author = PyObject_GetAttr(message, forms->names[HM_AUTHOR]),
             *role;
    int32_t number;
    int is_plain
        = author != NULL && (PyObject *)Py_TYPE(author) == forms->author
          && put_word(parts, HM_SAID_NAME, author, forms->names[HM_NAME]);

    if (is_plain) {
        role = PyObject_GetAttr(author, forms->names[HM_ROLE]);
        is_plain = role != NULL && role != Py_None
                   && hm_role_number(forms, role, &number);
        if (is_plain)
            PyTuple_SetItem(parts, HM_SAID_ROLE, role);
        else
            Py_XDECREF(role);
    }
    Py_XDECREF(author);
    return is_plain;
}

/* The one text of a message, to be given back; NULL if its content is anything
 * else. */
static PyObject *text_of(const hm_forms *forms, PyObject *message)
{
    PyObject *content = PyObject_GetAttr(message, forms->names[HM_CONTENT]);
    PyObject *text = NULL;

    if (content != NULL && PyList_CheckExact(content)
        && PyList_Size(content) == 1) {
        PyObject *item = PySequence_GetItem(content, 0);

        if (item != NULL && (PyObject *)Py_TYPE(item) == forms->text)
            text = PyObject_GetAttr(item, forms->names[HM_TEXT]);
        Py_XDECREF(item);
    }
    Py_XDECREF(content);
    if (text == NULL || PyUnicode_CheckExact(text))
        return text;
    Py_DECREF(text);
    return NULL;
}

/* What a message says, if it is plain in everything; NULL if it is not. */
static PyObject *plain_parts(const hm_forms *forms, PyObject *message)
{
    PyObject *text, *parts;

    if ((PyObject *)Py_TYPE(message) != forms->message)
        return NULL;
    text = text_of(forms, message);
    if (text == NULL)
        return NULL;
    parts = PyTuple_New(HM_SAID_TEXTS + 1);
    if (parts == NULL) {
        Py_DECREF(text);
        return NULL;
    }
    PyTuple_SetItem(parts, HM_SAID_TEXTS, text);
    if (put_author(forms, parts, message)
        && put_word(parts, HM_SAID_RECIPIENT, message,
                    forms->names[HM_RECIPIENT])
        && put_word(parts, HM_SAID_CHANNEL, message, forms->names[HM_CHANNEL])
        && put_word(parts, HM_SAID_CONTENT_TYPE, message,
                    forms->names[HM_CONTENT_TYPE]))
        return parts;
    Py_DECREF(parts);
    return NULL;
}

PyObject *hm_plain_parts(PyObject *module, PyObject *args)
{
    PyObject *messages, *capsule, *found;
    const hm_forms *forms;
    Py_ssize_t i, count;

    (void)module;
    if (!PyArg_ParseTuple(args, "O!O", &PyTuple_Type, &messages, &capsule))
        return NULL;
    forms = hm_forms_of(capsule);
    if (forms == NULL)
        return NULL;
    count = PyTuple_Size(messages);
    found = PyList_New(count);
    for (i = 0; found != NULL && i < count; i++) {
        PyObject *parts = plain_parts(forms, PyTuple_GetItem(messages, i));

        if (parts == NULL) {
            PyErr_Clear(); /* for the way written in Python */
            parts = Py_None;
            Py_INCREF(parts);
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

static PyObject *none(void)
{
    Py_INCREF(Py_None);
    return Py_None;
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
