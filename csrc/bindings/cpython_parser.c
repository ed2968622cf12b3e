/*
 * Straight ways of a parser: a token, and what servers read after each.
 *
 * What is read with every token is kept as Python's objects in fields of the
 * object, whose type has members for them. After an error the parser is no
 * longer as it was, so nothing can be done once more in Python: there errors
 * are raised by the method _fail, given all that C says.
 */
#include "cpython.h"

#if HM_DIRECT

#include <stdlib.h>
#include <string.h>

#include "stream.h"

typedef struct reader {
    hm_pooled base;
    PyObject *owner; /* of the parser */
    harmony_parser *parser;
    PyObject *states; /* one for each harmony_state */
    PyObject *roles;  /* one for each harmony_role */
    int recover;
    Py_ssize_t count; /* of finished messages, when it was last looked */
    PyObject *delta;
    PyObject *state;
    PyObject *role;
    PyObject *channel;
    PyObject *recipient;
    PyObject *content_type;
} reader;

/* Put an object, which may be NULL for None, in the place of another. Without
 * the GIL two calls that meet must not both give back the other. */
static void replace(reader *reader, PyObject **place, PyObject *by)
{
    PyObject *before;
#ifdef Py_GIL_DISABLED
    PyCriticalSection section;

    PyCriticalSection_Begin(&section, (PyObject *)reader);
#else
    (void)reader;
#endif
    before = *place;
    *place = by;
#ifdef Py_GIL_DISABLED
    PyCriticalSection_End(&section);
#endif
    Py_XDECREF(before);
}

/* ---- What the view says ------------------------------------------------- */

/* Put the text of a span in the place of another. 0 after an error. */
static int replace_text(reader *reader, PyObject **place, harmony_span span)
{
    const char *text = reader->parser->view.finished.text;
    PyObject *by = NULL;

    if (span.start >= 0) {
        by = PyUnicode_DecodeUTF8(text + span.start, span.length, NULL);
        if (by == NULL)
            return 0;
    }
    replace(reader, place, by);
    return 1;
}

/* The message that the members speak of: the open one; and with recovery, that
 * which the last token has ended. */
static const harmony_message *shown(const reader *reader)
{
    const harmony_view *view = &reader->parser->view;
    size_t count = view->finished.message_count;

    if (reader->recover && view->delta.start >= 0 && count > 0
        && view->state != HARMONY_STATE_CONTENT)
        return view->finished.messages + count - 1;
    return &view->current;
}

static int look_at_message(reader *reader)
{
    const harmony_message *message = shown(reader);
    int32_t role = message->role;
    PyObject *found = NULL;

    if (role >= 0 && role < PyTuple_Size(reader->roles)) {
        found = PyTuple_GetItem(reader->roles, role);
        Py_XINCREF(found);
    }
    replace(reader, &reader->role, found);
    return replace_text(reader, &reader->channel, message->channel)
           && replace_text(reader, &reader->recipient, message->recipient)
           && replace_text(reader, &reader->content_type,
                           message->content_type);
}

/* See what has become of the open message, and what was added to it. Each
 * message that ends is counted, so with the same count it is the same. */
static int look_closely(reader *reader)
{
    const harmony_view *view = &reader->parser->view;
    Py_ssize_t count = (Py_ssize_t)view->finished.message_count;
    PyObject *state = PyTuple_GetItem(reader->states, view->state);

    if (state == NULL || !replace_text(reader, &reader->delta, view->delta))
        return 0;
    if (view->state == HARMONY_STATE_CONTENT && state == reader->state
        && count == reader->count)
        return 1;
    reader->count = count;
    Py_INCREF(state);
    replace(reader, &reader->state, state);
    return look_at_message(reader);
}

/* The view holds still while the parser is marked. If another call has it, all
 * stays as it was: that call looks when it is done. */
static int look(reader *reader)
{
    int is_done;

    if (!hm_take_mark(&reader->parser->in_use))
        return 1;
    is_done = look_closely(reader);
    hm_give_mark(&reader->parser->in_use);
    return is_done;
}

/* ---- Steps -------------------------------------------------------------- */

static PyObject *fail(PyObject *self, const harmony_error *error)
{
    return PyObject_CallMethod(self, "_fail", "iLy", (int)error->status,
                               (long long)error->position, error->message);
}

/* The delta of harmony_parser_append. */
static int take_delta(reader *reader, int appended, int32_t token)
{
    PyObject *text;
    int is_done;

    if (appended == HARMONY_APPENDED_TOKEN) {
        text = hm_token_text(reader->base.pool, token);
        if (text != NULL)
            replace(reader, &reader->delta, text);
        return text != NULL;
    }
    if (!hm_take_mark(&reader->parser->in_use))
        return 1;
    is_done = replace_text(reader, &reader->delta, reader->parser->view.delta);
    hm_give_mark(&reader->parser->in_use);
    return is_done;
}

static PyObject *step(PyObject *self, int32_t token)
{
    reader *reader = (struct reader *)self;
    harmony_error error;
    harmony_status status
        = harmony_parser_process(reader->parser, token, &error);

    if (!look(reader))
        return NULL;
    if (status != HARMONY_OK)
        return fail(self, &error);
    Py_INCREF(self);
    return self;
}

static PyObject *process(PyObject *self, PyObject *const *args,
                         Py_ssize_t given, PyObject *names)
{
    reader *reader = (struct reader *)self;
    int appended, overflow;
    long token;

    if (given != 1 || names != NULL || reader->parser == NULL
        || !PyLong_CheckExact(args[0]))
        return hm_in_full(self, "process", args, given, names);
    token = PyLong_AsLongAndOverflow(args[0], &overflow);
    if (overflow || token < INT32_MIN || token > INT32_MAX)
        return hm_in_full(self, "process", args, given, names);
    appended = harmony_parser_append(reader->parser, (int32_t)token);
    if (appended == HARMONY_NOT_APPENDED)
        return step(self, (int32_t)token);
    if (!take_delta(reader, appended, (int32_t)token))
        return NULL;
    Py_INCREF(self);
    return self;
}

static harmony_status feed(harmony_parser *parser, const int32_t *tokens,
                           size_t count, harmony_error *error)
{
    PyThreadState *state = count >= HM_LONG ? PyEval_SaveThread() : NULL;
    harmony_status status = harmony_parser_feed(parser, tokens, count, error);

    if (state != NULL)
        PyEval_RestoreThread(state);
    return status;
}

static PyObject *take_many(PyObject *self, PyObject *const *args,
                           Py_ssize_t given, PyObject *names)
{
    reader *reader = (struct reader *)self;
    PyObject *owner = reader->owner;
    harmony_status status;
    harmony_error error;
    Py_ssize_t count;
    hm_room *room;
    int is_done;

    if (given != 1 || names != NULL || reader->parser == NULL)
        return hm_in_full(self, "take_many", args, given, names);
    count = hm_take_ids(reader->base.pool, args[0], &room);
    if (count < 0)
        return hm_in_full(self, "take_many", args, given, names);
    Py_INCREF(owner);
    status = feed(reader->parser, room->tokens, (size_t)count, &error);
    hm_give_room(room);
    is_done = look(reader);
    Py_DECREF(owner);
    if (!is_done)
        return NULL;
    if (status != HARMONY_OK)
        return fail(self, &error);
    Py_RETURN_NONE;
}

static PyObject *look_again(PyObject *self, PyObject *const *args,
                            Py_ssize_t given, PyObject *names)
{
    reader *reader = (struct reader *)self;

    if (reader->parser == NULL)
        return hm_in_full(self, "look", args, given, names);
    if (!look(reader))
        return NULL;
    Py_RETURN_NONE;
}

/* ---- The type ----------------------------------------------------------- */

/* _read(address of the parser, its owner, states, roles, recover) */
static PyObject *read_from(PyObject *self, PyObject *args)
{
    reader *reader = (struct reader *)self;
    PyObject *address, *owner, *states, *roles;
    harmony_parser *parser;
    int recover;

    if (!PyArg_ParseTuple(args, "OOO!O!p", &address, &owner, &PyTuple_Type,
                          &states, &PyTuple_Type, &roles, &recover))
        return NULL;
    parser = PyLong_AsVoidPtr(address);
    if (parser == NULL || reader->base.pool == NULL) {
        if (!PyErr_Occurred())
            PyErr_SetString(PyExc_ValueError, "no parser, or no pool");
        return NULL;
    }
    Py_INCREF(owner);
    Py_INCREF(states);
    Py_INCREF(roles);
    reader->parser = parser;
    reader->recover = recover;
    reader->count = -1;
    replace(reader, &reader->states, states);
    replace(reader, &reader->roles, roles);
    replace(reader, &reader->owner, owner);
    Py_RETURN_NONE;
}

static void free_reader(PyObject *self)
{
    reader *reader = (struct reader *)self;

    replace(reader, &reader->owner, NULL);
    replace(reader, &reader->states, NULL);
    replace(reader, &reader->roles, NULL);
    replace(reader, &reader->delta, NULL);
    replace(reader, &reader->state, NULL);
    replace(reader, &reader->role, NULL);
    replace(reader, &reader->channel, NULL);
    replace(reader, &reader->recipient, NULL);
    replace(reader, &reader->content_type, NULL);
    hm_free_pooled(self);
}

const PyMethodDef hm_parser_methods[] = {
    {"process", HM_FUNCTION(process), METH_FASTCALL | METH_KEYWORDS, NULL},
    {"_take_many", HM_FUNCTION(take_many), METH_FASTCALL | METH_KEYWORDS, NULL},
    {"_look", HM_FUNCTION(look_again), METH_FASTCALL | METH_KEYWORDS, NULL},
    {NULL, NULL, 0, NULL},
};

static const PyMethodDef own_methods[] = {
    {"_share", hm_take_pool, METH_O, NULL},
    {"_read", read_from, METH_VARARGS, NULL},
    {NULL, NULL, 0, NULL},
};

const PyMemberDef hm_parser_members[] = {
    {"_delta", T_OBJECT, offsetof(reader, delta), 0, NULL},
    {"_state", T_OBJECT, offsetof(reader, state), 0, NULL},
    {"_role", T_OBJECT, offsetof(reader, role), 0, NULL},
    {"_channel", T_OBJECT, offsetof(reader, channel), 0, NULL},
    {"_recipient", T_OBJECT, offsetof(reader, recipient), 0, NULL},
    {"_content_type", T_OBJECT, offsetof(reader, content_type), 0, NULL},
    {"_count", T_PYSSIZET, offsetof(reader, count), 0, NULL},
    {NULL, 0, 0, 0, NULL},
};

PyObject *hm_new_parser_base(void)
{
    PyType_Slot slots[] = {
        {Py_tp_new, hm_slot((void (*)(void))hm_new_pooled)},
        {Py_tp_dealloc, hm_slot((void (*)(void))free_reader)},
        {Py_tp_methods, (void *)own_methods},
        {Py_tp_members, (void *)hm_parser_members},
        {0, NULL},
    };
    PyType_Spec spec = {"harmony._native._ffi.ParserBase", sizeof(reader), 0,
                        Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE, slots};

    return PyType_FromSpec(&spec);
}

#endif
