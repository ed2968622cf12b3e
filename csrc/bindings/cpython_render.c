/*
 * The straight way of rendering: what messages say, as tuples of strings, to
 * tokens, in one call. What is known of a message already is taken as it is;
 * the others are rendered one by one, for the tokens of a message depend on
 * nothing but itself.
 */
#include "cpython.h"

#if HM_DIRECT

#include <stdlib.h>
#include <string.h>

#include "render.h"

/* The tokens of a message, as a stretch of those in the room. */
struct stretch {
    size_t start;
    size_t stop;
    int is_known; /* it has none: they are in job.known */
    int is_left_out;
};

struct job {
    hm_pool *pool;
    hm_room *room;
    PyObject *said;  /* a list of tuples */
    PyObject *known; /* a list: None, int32 as bytes, or a tuple of ints */
    PyObject *roles; /* a tuple of what stands for each harmony_role */
    size_t count;
    harmony_render_options options;
    harmony_conversation conversation;
    harmony_message *messages; /* with further items of contents */
    size_t *first;             /* of the records of each message, and the end */
    struct stretch *stretches;
    char *text;
    size_t length; /* of the text that the records need */
};

/* ---- What messages say -------------------------------------------------- */

static PyObject *parts_of(const struct job *job, size_t i)
{
    return PyList_GetItem(job->said, (Py_ssize_t)i);
}

static int is_known(const struct job *job, size_t i)
{
    return PyList_GetItem(job->known, (Py_ssize_t)i) != Py_None;
}

/* Add the length of texts from one part to before another. 0 if one of them is
 * for the way written in Python, or if they are too long together. */
static int measure_parts(struct job *job, PyObject *parts, Py_ssize_t part,
                         Py_ssize_t stop)
{
    for (; part < stop; part++) {
        PyObject *text = PyTuple_GetItem(parts, part);
        size_t length;

        if (text == Py_None && part < HM_SAID_TEXTS)
            continue;
        if (hm_utf8(text, &length) == NULL
            || length > INT32_MAX - 1 - job->length)
            return 0;
        job->length += length;
    }
    return 1;
}

/* How many records messages have at most, and how long what is put into them
 * is; 0 if one is for the way written in Python. */
static int measure(struct job *job, size_t *records)
{
    size_t i;

    *records = 0;
    for (i = 0; i < job->count; i++) {
        PyObject *parts = parts_of(job, i);
        Py_ssize_t size;

        if (!PyTuple_CheckExact(parts) || PyTuple_Size(parts) < HM_SAID_TEXTS)
            return 0;
        size = PyTuple_Size(parts);
        job->stretches[i].is_known = is_known(job, i);
        if (job->stretches[i].is_known
                ? !measure_parts(job, parts, HM_SAID_CHANNEL,
                                 HM_SAID_CHANNEL + 1)
                : !measure_parts(job, parts, HM_SAID_NAME, size))
            return 0;
        *records
            += size > HM_SAID_TEXTS + 1 ? (size_t)(size - HM_SAID_TEXTS) : 1;
    }
    return *records < SIZE_MAX / sizeof *job->messages;
}

static harmony_span put_text(struct job *job, PyObject *text)
{
    harmony_span span = {-1, 0};
    const char *data;
    size_t length;

    if (text == Py_None)
        return span;
    data = hm_utf8(text, &length);
    span.start = (int32_t)job->conversation.text_length;
    span.length = (int32_t)length;
    memcpy(job->text + span.start, data, length);
    job->conversation.text_length += length;
    return span;
}

static int32_t role_of(const struct job *job, PyObject *parts)
{
    PyObject *role = PyTuple_GetItem(parts, HM_SAID_ROLE);
    Py_ssize_t i;

    for (i = 0; i < PyTuple_Size(job->roles); i++)
        if (PyTuple_GetItem(job->roles, i) == role)
            return (int32_t)i;
    return HARMONY_ROLE_NONE;
}

/* The records of a message. Of one that is known, role and channel count. */
static int put_message(struct job *job, size_t i)
{
    static const harmony_message nothing
        = {HARMONY_ROLE_CONTINUED, {-1, 0}, {-1, 0}, {-1, 0}, {-1, 0}, {-1, 0}};
    PyObject *parts = parts_of(job, i);
    harmony_message *record = job->messages + job->first[i];
    Py_ssize_t part, size = PyTuple_Size(parts);

    *record = nothing;
    record->role = role_of(job, parts);
    record->channel = put_text(job, PyTuple_GetItem(parts, HM_SAID_CHANNEL));
    job->first[i + 1] = job->first[i] + 1;
    if (job->stretches[i].is_known)
        return record->role != HARMONY_ROLE_NONE;
    record->name = put_text(job, PyTuple_GetItem(parts, HM_SAID_NAME));
    record->recipient
        = put_text(job, PyTuple_GetItem(parts, HM_SAID_RECIPIENT));
    record->content_type
        = put_text(job, PyTuple_GetItem(parts, HM_SAID_CONTENT_TYPE));
    if (size > HM_SAID_TEXTS)
        record->content = put_text(job, PyTuple_GetItem(parts, HM_SAID_TEXTS));
    for (part = HM_SAID_TEXTS + 1; part < size; part++) {
        record = job->messages + job->first[i + 1]++;
        *record = nothing;
        record->content = put_text(job, PyTuple_GetItem(parts, part));
    }
    return job->messages[job->first[i]].role != HARMONY_ROLE_NONE;
}

/* Put all messages into one block of text and records. */
static int put_messages(struct job *job)
{
    size_t i, records;

    job->first = calloc(job->count + 1, sizeof *job->first);
    job->stretches = calloc(job->count + 1, sizeof *job->stretches);
    if (job->first == NULL || job->stretches == NULL || !measure(job, &records))
        return 0;
    job->messages = malloc((records + 1) * sizeof *job->messages);
    if (job->messages == NULL || !hm_make_text_room(job->room, job->length + 1))
        return 0;
    job->text = job->room->text;
    for (i = 0; i < job->count; i++)
        if (!put_message(job, i))
            return 0;
    job->conversation.text = job->text;
    job->conversation.messages = job->messages;
    job->conversation.message_count = job->first[job->count];
    return 1;
}

/* ---- Tokens ------------------------------------------------------------- */

/* Render one message behind others; nothing of it depends on these. */
static int render_one(struct job *job, size_t i, size_t *at)
{
    harmony_render_options options = job->options;
    harmony_conversation one = job->conversation;
    size_t count;

    one.messages += job->first[i];
    one.message_count = job->first[i + 1] - job->first[i];
    options.drop_analysis = HARMONY_DROP_NONE;
    options.open_last = options.open_last && i + 1 == job->count;
    options.training = options.training && i + 1 == job->count;
    if (harmony_render(job->pool->encoding, job->room->cache, &one, &options,
                       job->room->tokens + *at, job->room->capacity - *at,
                       &count, NULL)
        != HARMONY_OK)
        return 0;
    job->stretches[i].start = *at;
    job->stretches[i].stop = *at += count;
    return 1;
}

/* Render what is neither known nor left out. */
static int render_new(struct job *job)
{
    size_t kept_from
        = hm_kept_from(&job->conversation, job->options.drop_analysis);
    size_t i, at = 0;

    for (i = 0; i < job->count; i++) {
        job->stretches[i].is_left_out
            = job->first[i] < kept_from
              && hm_is_analysis(&job->conversation, job->first[i]);
        if (!job->stretches[i].is_known && !job->stretches[i].is_left_out
            && !render_one(job, i, &at))
            return 0;
    }
    return 1;
}

static int render(struct job *job)
{
    size_t bound = harmony_render_bound(&job->conversation);
    PyThreadState *state;
    int is_done;

    if (bound == SIZE_MAX || !hm_grow_room(job->room, bound))
        return 0;
    state
        = job->conversation.text_length >= HM_LONG ? PyEval_SaveThread() : NULL;
    is_done = render_new(job);
    if (state != NULL)
        PyEval_RestoreThread(state);
    return is_done;
}

/* ---- What is given ------------------------------------------------------ */

static int extend(PyObject *list, PyObject *by)
{
    Py_ssize_t end = PyList_Size(list);

    return by != NULL && PyList_SetSlice(list, end, end, by) == 0;
}

/* Add the tokens of a message, and tell what is to be remembered of it: int32
 * when it is new; and a tuple of ints, which a list takes over at once, when it
 * has come again. Ints that are kept are shared; of a new message they are its
 * own, for it may be said only once. Gives None if nothing is remembered, as of
 * training. */
static PyObject *put_tokens(const struct job *job, size_t i, PyObject *tokens)
{
    const struct stretch *stretch = job->stretches + i;
    const int32_t *new = job->room->tokens + stretch->start;
    size_t count = stretch->stop - stretch->start;
    PyObject *known = PyList_GetItem(job->known, (Py_ssize_t)i);
    PyObject *list, *kept = Py_None;

    if (stretch->is_left_out)
        Py_RETURN_NONE;
    if (PyTuple_CheckExact(known)) {
        if (!extend(tokens, known))
            return NULL;
        Py_RETURN_NONE;
    }
    if (known != Py_None) {
        new = (const int32_t *)PyBytes_AsString(known);
        count = (size_t)PyBytes_Size(known) / sizeof *new;
    }
    list = hm_list(known == Py_None ? NULL : job->pool, new, count);
    if (list == NULL || !extend(tokens, list))
        kept = NULL;
    else if (known != Py_None)
        kept = PyList_AsTuple(list);
    else if (job->options.training)
        Py_INCREF(kept);
    else
        kept = PyBytes_FromStringAndSize((const char *)new,
                                         (Py_ssize_t)(count * sizeof *new));
    Py_XDECREF(list);
    return kept;
}

/* The tokens, and for each message what is to be remembered of it; or None, if
 * that is nothing for all of them. */
static PyObject *result_of(const struct job *job)
{
    PyObject *tokens = PyList_New(0);
    PyObject *kept = PyList_New((Py_ssize_t)job->count);
    int are_new = 0;
    size_t i;

    for (i = 0; tokens != NULL && kept != NULL && i < job->count; i++) {
        PyObject *item = put_tokens(job, i, tokens);

        if (item == NULL)
            break;
        are_new |= item != Py_None;
        PyList_SetItem(kept, (Py_ssize_t)i, item);
    }
    if (tokens != NULL && kept != NULL && i == job->count) {
        PyObject *result = PyTuple_Pack(2, tokens, are_new ? kept : Py_None);

        Py_DECREF(tokens);
        Py_DECREF(kept);
        return result;
    }
    Py_XDECREF(tokens);
    Py_XDECREF(kept);
    return NULL;
}

static int are_known_well(PyObject *known)
{
    Py_ssize_t i, count = PyList_Size(known);

    for (i = 0; i < count; i++) {
        PyObject *item = PyList_GetItem(known, i);

        if (item != Py_None && !PyTuple_CheckExact(item)
            && !PyBytes_CheckExact(item))
            return 0;
    }
    return 1;
}

PyObject *hm_render_said(PyObject *module, PyObject *args)
{
    static const harmony_render_options plain = HARMONY_RENDER_OPTIONS_INIT;
    struct job job = {0};
    PyObject *capsule, *result = NULL;
    int drop_analysis, training, channel_first, open_last;

    (void)module;
    if (!PyArg_ParseTuple(args, "OO!O!O!ippp", &capsule, &PyList_Type,
                          &job.said, &PyList_Type, &job.known, &PyTuple_Type,
                          &job.roles, &drop_analysis, &training, &channel_first,
                          &open_last))
        return NULL;
    job.pool = hm_pool_of(capsule);
    job.count = (size_t)PyList_Size(job.said);
    if (job.pool == NULL)
        return NULL;
    if (PyList_Size(job.known) != PyList_Size(job.said)
        || !are_known_well(job.known))
        return PyErr_Format(PyExc_ValueError, "nothing of this is known");
    job.options = plain;
    job.options.drop_analysis = drop_analysis;
    job.options.training = training;
    job.options.channel_first = channel_first;
    job.options.open_last = open_last;
    job.room = hm_take_room(job.pool, 0);
    if (job.room != NULL) {
        if (put_messages(&job) && render(&job))
            result = result_of(&job);
        hm_give_room(job.room);
    }
    free(job.first);
    free(job.stretches);
    free(job.messages);
    if (result != NULL || PyErr_Occurred())
        return result;
    Py_RETURN_NONE;
}

#endif
