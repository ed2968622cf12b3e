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
    PyObject *capsule; /* that holds the forms */
    const hm_forms *forms;
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
    PyObject *role = NULL;

    if (message->role != HARMONY_ROLE_NONE) {
        role = PyTuple_GetItem(reader->forms->roles, message->role);
        Py_XINCREF(role);
    }
    replace(reader, &reader->role, role);
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
    PyObject *state = PyTuple_GetItem(reader->forms->states, view->state);

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

/* What the last call added to contents, as objects. */
static PyObject *segments(PyObject *self, PyObject *const *args,
                          Py_ssize_t given, PyObject *names)
{
    reader *reader = (struct reader *)self;
    PyObject *found;

    if (given != 0 || names != NULL || reader->parser == NULL
        || !hm_take_mark(&reader->parser->in_use))
        return hm_in_full(self, "segments", args, given, names);
    found = hm_new_segments(reader->forms, reader->parser);
    hm_give_mark(&reader->parser->in_use);
    return found;
}

static PyObject *feed_all(PyObject *self, PyObject *const *args,
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
        return hm_in_full(self, "feed", args, given, names);
    count = hm_take_ids(reader->base.pool, args[0], &room);
    if (count < 0)
        return hm_in_full(self, "feed", args, given, names);
    Py_INCREF(owner);
    status = feed(reader->parser, room->tokens, (size_t)count, &error);
    hm_give_room(room);
    is_done = look(reader);
    Py_DECREF(owner);
    if (!is_done)
        return NULL;
    if (status != HARMONY_OK)
        return fail(self, &error);
    return segments(self, NULL, 0, NULL);
}

static PyObject *finish(PyObject *self, PyObject *const *args, Py_ssize_t given,
                        PyObject *names)
{
    reader *reader = (struct reader *)self;
    harmony_status status;
    harmony_error error;

    if (given != 0 || names != NULL || reader->parser == NULL)
        return hm_in_full(self, "process_eos", args, given, names);
    status = harmony_parser_finish(reader->parser, &error);
    if (!look(reader))
        return NULL;
    if (status != HARMONY_OK)
        return fail(self, &error);
    Py_INCREF(self);
    return self;
}

/* list = _with_new(list of messages): the same if there are no further ones,
 * else a new list. */
static PyObject *with_new(PyObject *self, PyObject *const *args,
                          Py_ssize_t given, PyObject *names)
{
    reader *reader = (struct reader *)self;
    PyObject *all = NULL, *added = NULL;
    Py_ssize_t known;

    if (given != 1 || names != NULL || !PyList_CheckExact(args[0])
        || reader->parser == NULL || !hm_take_mark(&reader->parser->in_use))
        return hm_in_full(self, "with_new", args, given, names);
    known = PyList_Size(args[0]);
    if (known < (Py_ssize_t)hm_message_count(reader->parser))
        added = hm_new_messages(reader->forms, reader->parser, (size_t)known);
    else
        Py_INCREF(all = args[0]);
    hm_give_mark(&reader->parser->in_use);
    if (added != NULL)
        all = PySequence_Concat(args[0], added);
    Py_XDECREF(added);
    return all;
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

/* ---- Making one --------------------------------------------------------- */

static const char capsule_name[] = "harmony.parser";

static void free_parser(PyObject *capsule)
{
    harmony_parser_free(PyCapsule_GetPointer(capsule, capsule_name));
}

/* A parser for what follows a list of tokens, or nothing if that is None. NULL
 * if it is to be made in full. */
static harmony_parser *make_parser(hm_pool *pool, PyObject *prompt,
                                   const harmony_parser_options *options)
{
    harmony_parser *parser;
    Py_ssize_t count;
    hm_room *room;

    if (prompt == Py_None) {
        harmony_parser_new(pool->encoding, options, &parser, NULL);
        return parser;
    }
    count = hm_take_ids(pool, prompt, &room);
    if (count < 0)
        return NULL;
    harmony_parser_after(pool->encoding, room->tokens, (size_t)count, options,
                         &parser, NULL);
    hm_give_room(room);
    return parser;
}

/* Read from a parser, which something owns, by the forms in a capsule. */
static int read_from(reader *reader, harmony_parser *parser, PyObject *owner,
                     PyObject *capsule, int recover)
{
    const hm_forms *forms = hm_forms_of(capsule);

    if (forms == NULL)
        return 0;
    if (reader->base.pool == NULL || forms->states == NULL) {
        PyErr_SetString(PyExc_ValueError, "no pool, or no states");
        return 0;
    }
    Py_INCREF(owner);
    Py_INCREF(capsule);
    reader->parser = parser;
    reader->recover = recover;
    reader->count = -1;
    reader->forms = forms;
    replace(reader, &reader->capsule, capsule);
    replace(reader, &reader->owner, owner);
    return 1;
}

/* _read(address of a parser, its owner, forms, recover) */
static PyObject *read_given(PyObject *self, PyObject *args)
{
    PyObject *address, *owner, *capsule;
    harmony_parser *parser;
    int recover;

    if (!PyArg_ParseTuple(args, "OOOp", &address, &owner, &capsule, &recover))
        return NULL;
    parser = PyLong_AsVoidPtr(address);
    if (parser == NULL && !PyErr_Occurred())
        PyErr_SetString(PyExc_ValueError, "no parser");
    if (parser == NULL
        || !read_from((reader *)self, parser, owner, capsule, recover))
        return NULL;
    Py_RETURN_NONE;
}

/* _begin(binding of the encoding, forms, role, strict, recover, prompt) */
static PyObject *begin(PyObject *self, PyObject *const *args, Py_ssize_t given,
                       PyObject *names)
{
    static const harmony_parser_options plain = HARMONY_PARSER_OPTIONS_INIT;
    harmony_parser_options options = plain;
    reader *reader = (struct reader *)self;
    const hm_forms *forms = given == 6 ? hm_forms_of(args[1]) : NULL;
    harmony_parser *parser;
    PyObject *owner;
    int is_done;

    if (forms == NULL && PyErr_Occurred())
        return NULL;
    if (forms == NULL || names != NULL || reader->base.pool == NULL
        || !hm_role_number(forms, args[2], &options.role))
        return hm_in_full(self, "begin", args, given, names);
    options.strict = args[3] == Py_True;
    options.recover = args[4] == Py_True;
    parser = make_parser(reader->base.pool, args[5], &options);
    if (parser == NULL)
        return hm_in_full(self, "begin", args, given, names);
    owner = PyCapsule_New(parser, capsule_name, free_parser);
    if (owner == NULL) {
        harmony_parser_free(parser);
        return NULL;
    }
    is_done = read_from(reader, parser, owner, args[1], options.recover)
              && look(reader);
    Py_DECREF(owner);
    if (!is_done)
        return NULL;
    Py_RETURN_NONE;
}

/* address, owner = _lent() */
static PyObject *lent(PyObject *self, PyObject *nothing)
{
    const reader *reader = (struct reader *)self;

    (void)nothing;
    if (reader->parser == NULL)
        return PyErr_Format(PyExc_ValueError, "no parser");
    return Py_BuildValue("(NO)", PyLong_FromVoidPtr(reader->parser),
                         reader->owner);
}

/* ---- All of a completion ------------------------------------------------ */

static PyObject *parse(hm_pool *pool, const hm_forms *forms, PyObject *tokens,
                       const harmony_parser_options *options)
{
    harmony_parser *parser;
    PyObject *messages = NULL;
    hm_room *room;
    Py_ssize_t count = hm_take_ids(pool, tokens, &room);

    if (count < 0)
        return NULL;
    if (harmony_parser_new(pool->encoding, options, &parser, NULL) == HARMONY_OK
        && feed(parser, room->tokens, (size_t)count, NULL) == HARMONY_OK
        && harmony_parser_finish(parser, NULL) == HARMONY_OK)
        messages = hm_new_messages(forms, parser, 0);
    harmony_parser_free(parser);
    hm_give_room(room);
    return messages;
}

PyObject *hm_parse_messages(PyObject *module, PyObject *args)
{
    static const harmony_parser_options plain = HARMONY_PARSER_OPTIONS_INIT;
    harmony_parser_options options = plain;
    PyObject *pool_capsule, *forms_capsule, *tokens, *role, *messages = NULL;
    const hm_forms *forms;
    hm_pool *pool;
    int strict, recover;

    (void)module;
    if (!PyArg_ParseTuple(args, "OOOOpp", &pool_capsule, &forms_capsule,
                          &tokens, &role, &strict, &recover))
        return NULL;
    pool = hm_pool_of(pool_capsule);
    forms = pool == NULL ? NULL : hm_forms_of(forms_capsule);
    if (forms == NULL)
        return NULL;
    options.strict = strict;
    options.recover = recover;
    if (hm_role_number(forms, role, &options.role))
        messages = parse(pool, forms, tokens, &options);
    if (messages != NULL || PyErr_Occurred())
        return messages;
    Py_RETURN_NONE;
}

/* ---- The type ----------------------------------------------------------- */

static void free_reader(PyObject *self)
{
    reader *reader = (struct reader *)self;

    replace(reader, &reader->owner, NULL);
    replace(reader, &reader->capsule, NULL);
    replace(reader, &reader->delta, NULL);
    replace(reader, &reader->state, NULL);
    replace(reader, &reader->role, NULL);
    replace(reader, &reader->channel, NULL);
    replace(reader, &reader->recipient, NULL);
    replace(reader, &reader->content_type, NULL);
    hm_free_pooled(self);
}

#define FAST (METH_FASTCALL | METH_KEYWORDS)

const PyMethodDef hm_parser_methods[] = {
    {"_begin", HM_FUNCTION(begin), FAST, NULL},
    {"process", HM_FUNCTION(process), FAST, NULL},
    {"feed", HM_FUNCTION(feed_all), FAST, NULL},
    {"process_eos", HM_FUNCTION(finish), FAST, NULL},
    {"_look", HM_FUNCTION(look_again), FAST, NULL},
    {"_segments", HM_FUNCTION(segments), FAST, NULL},
    {"_with_new", HM_FUNCTION(with_new), FAST, NULL},
    {NULL, NULL, 0, NULL},
};

static const PyMethodDef own_methods[] = {
    {"_share", hm_take_pool, METH_O, NULL},
    {"_read", read_given, METH_VARARGS, NULL},
    {"_lent", lent, METH_NOARGS, NULL},
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
