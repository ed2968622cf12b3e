/*
 * The straight way of JSON forms: objects of the model from the dicts and lists
 * that JSON has, and back, in one pass. What the form of a class has is said in
 * Python, in a shape (harmony/_model/forms.py). What is exactly of its shape is
 * read and written here; anything else is left to Python.
 */
#include "cpython.h"

#if HM_DIRECT

#include <stdlib.h>
#include <string.h>

static const char shape_name[] = "harmony.shape";

/* What a field is, as forms.py says it. */
enum {
    TEXT = 't',
    FLAG = 'f',
    CHOICE = 'c', /* of: members by value, and values by member */
    JSON = 'j',
    OBJECT = 'o', /* of: one shape; or some whose first fields are NAMED */
    INLINE = 'i', /* of: a shape whose fields stand in the same form */
    UNSAID = 'n', /* not in the form; the attribute is what is meant by none */
    NAMED = '=',  /* no attribute; of: what the form calls itself */
};

/* How many of it. */
enum {
    ONE = '1',
    LIST = '[',
    TEXTS = 's', /* a list; read from a string, too, that is one text of it */
    DICT = '{',
};

struct field {
    PyObject *name;
    int kind;
    PyObject *of;
    PyObject *absent; /* a tuple: what an absent key means, or nothing */
    int many;
    int may_be_none;
    int is_none_written;
};

struct shape {
    PyObject *class;
    newfunc make;
    Py_ssize_t count;
    struct field fields[];
};

/* How forms are read or written in one call. */
struct job {
    int is_own; /* JSON values need no copy: nobody changes them */
    int levels; /* of nesting that JSON values may have */
};

typedef PyObject *step(const struct job *job, const struct field *field,
                       PyObject *value);

static PyObject *another(PyObject *value)
{
    Py_INCREF(value);
    return value;
}

static PyObject *copy_of_list(PyObject *list)
{
    return PyList_GetSlice(list, 0, PyList_Size(list));
}

/* ---- Shapes ------------------------------------------------------------- */

static void free_shape(PyObject *capsule)
{
    struct shape *shape = PyCapsule_GetPointer(capsule, shape_name);
    Py_ssize_t i;

    for (i = 0; i < shape->count; i++) {
        Py_XDECREF(shape->fields[i].name);
        Py_XDECREF(shape->fields[i].of);
        Py_XDECREF(shape->fields[i].absent);
    }
    Py_XDECREF(shape->class);
    free(shape);
}

static int take_field(struct field *field, PyObject *args)
{
    if (!PyArg_ParseTuple(args, "UCOO!Cpp", &field->name, &field->kind,
                          &field->of, &PyTuple_Type, &field->absent,
                          &field->many, &field->may_be_none,
                          &field->is_none_written)) {
        memset(field, 0, sizeof *field);
        return 0;
    }
    Py_INCREF(field->name);
    Py_INCREF(field->of);
    Py_INCREF(field->absent);
    return 1;
}

PyObject *hm_new_shape(PyObject *module, PyObject *args)
{
    PyObject *class, *fields, *capsule;
    struct shape *shape;
    Py_ssize_t i, count;
    void *make;

    (void)module;
    if (!PyArg_ParseTuple(args, "O!O!", &PyType_Type, &class, &PyTuple_Type,
                          &fields))
        return NULL;
    count = PyTuple_Size(fields);
    shape = calloc(1, sizeof *shape + (size_t)count * sizeof *shape->fields);
    if (shape == NULL)
        return PyErr_NoMemory();
    capsule = PyCapsule_New(shape, shape_name, free_shape);
    if (capsule == NULL) {
        free(shape);
        return NULL;
    }
    shape->class = another(class);
    make = PyType_GetSlot((PyTypeObject *)class, Py_tp_new);
    memcpy(&shape->make, &make, sizeof make);
    shape->count = count;
    for (i = 0; i < count; i++)
        if (!take_field(shape->fields + i, PyTuple_GetItem(fields, i))) {
            Py_DECREF(capsule);
            return NULL;
        }
    return capsule;
}

static const struct shape *shape_of(PyObject *capsule)
{
    return PyCapsule_GetPointer(capsule, shape_name);
}

/* ---- Values ------------------------------------------------------------- */

/* What a dict has under a key, to be given back; or NULL. */
static PyObject *look_up(PyObject *dict, PyObject *key)
{
    PyObject *value;

#ifdef Py_GIL_DISABLED
    if (PyDict_GetItemRef(dict, key, &value) <= 0)
        return NULL;
#else
    value = PyDict_GetItemWithError(dict, key);
    Py_XINCREF(value);
#endif
    return value;
}

static PyObject *json_value(const struct job *job, PyObject *value, int depth);

/* Whether a value is JSON that holds nothing and is always the same. */
static int is_scalar(PyObject *value)
{
    return PyUnicode_CheckExact(value) || value == Py_None
           || PyLong_CheckExact(value) || PyBool_Check(value);
}

static PyObject *json_dict(const struct job *job, PyObject *given, int depth)
{
    PyObject *dict = job->is_own ? another(given) : PyDict_Copy(given);
    PyObject *key, *item;
    Py_ssize_t at = 0;

    while (dict != NULL && PyDict_Next(dict, &at, &key, &item)) {
        PyObject *value;

        if (PyUnicode_CheckExact(key) && is_scalar(item))
            continue;
        value = PyUnicode_CheckExact(key) ? json_value(job, item, depth) : NULL;
        if (value == NULL
            || (value != item && PyDict_SetItem(dict, key, value) < 0))
            Py_CLEAR(dict);
        Py_XDECREF(value);
    }
    return dict;
}

static PyObject *json_list(const struct job *job, PyObject *given, int depth)
{
    PyObject *list = job->is_own ? another(given) : copy_of_list(given);
    Py_ssize_t i;

    for (i = 0; list != NULL && i < PyList_Size(list); i++) {
        PyObject *item = PyList_GetItem(list, i), *value;

        if (is_scalar(item))
            continue;
        value = json_value(job, item, depth);
        if (value == NULL || PyList_SetItem(list, i, value) < 0)
            Py_CLEAR(list);
    }
    return list;
}

/* A JSON value, or a copy of it; NULL if it isn't one in plain types. */
static PyObject *json_value(const struct job *job, PyObject *value, int depth)
{
    if (is_scalar(value))
        return another(value);
    if (depth > job->levels)
        return NULL;
    if (PyDict_CheckExact(value))
        return json_dict(job, value, depth + 1);
    if (PyList_CheckExact(value))
        return json_list(job, value, depth + 1);
    if (PyFloat_CheckExact(value)) {
        double number = PyFloat_AsDouble(value);

        return number - number == 0 ? another(value) : NULL; /* finite */
    }
    return NULL;
}

/* A new dict with what a step makes of each value. */
static PyObject *each_in_dict(step *take, const struct job *job,
                              const struct field *field, PyObject *given)
{
    PyObject *dict = PyDict_Copy(given), *key, *item;
    Py_ssize_t at = 0;

    while (dict != NULL && PyDict_Next(dict, &at, &key, &item)) {
        PyObject *value
            = PyUnicode_CheckExact(key) ? take(job, field, item) : NULL;

        if (value == NULL || PyDict_SetItem(dict, key, value) < 0)
            Py_CLEAR(dict);
        Py_XDECREF(value);
    }
    return dict;
}

/* A new list with what a step makes of each item. */
static PyObject *each_in_list(step *take, const struct job *job,
                              const struct field *field, PyObject *given)
{
    PyObject *list = copy_of_list(given);
    Py_ssize_t i;

    for (i = 0; list != NULL && i < PyList_Size(list); i++) {
        PyObject *value = take(job, field, PyList_GetItem(list, i));

        if (value == NULL || PyList_SetItem(list, i, value) < 0)
            Py_CLEAR(list);
    }
    return list;
}

/* What a step makes of the value of a field, or of all that it holds. */
static PyObject *all_of(step *take, const struct job *job,
                        const struct field *field, PyObject *value)
{
    if (value == Py_None)
        return field->may_be_none ? another(value) : NULL;
    if (field->many == ONE)
        return take(job, field, value);
    if (field->many == DICT)
        return PyDict_CheckExact(value) ? each_in_dict(take, job, field, value)
                                        : NULL;
    return PyList_CheckExact(value) ? each_in_list(take, job, field, value)
                                    : NULL;
}

/* ---- Reading ------------------------------------------------------------ */

static PyObject *read_object(const struct job *job, const struct shape *shape,
                             PyObject *form);

/* The shape of a form: the one that it names, or the only one there is. */
static const struct shape *shape_for(PyObject *shapes, PyObject *form)
{
    const struct shape *shape = shape_of(PyTuple_GetItem(shapes, 0));
    PyObject *name;
    Py_ssize_t i;

    if (shape->fields[0].kind != NAMED)
        return shape;
    name = look_up(form, shape->fields[0].name);
    if (name == NULL)
        return NULL;
    for (i = 0, shape = NULL; PyUnicode_CheckExact(name) && shape == NULL
                              && i < PyTuple_Size(shapes);
         i++) {
        shape = shape_of(PyTuple_GetItem(shapes, i));
        if (PyUnicode_Compare(shape->fields[0].of, name) != 0)
            shape = NULL;
    }
    Py_DECREF(name);
    return shape;
}

static PyObject *read_value(const struct job *job, const struct field *field,
                            PyObject *value)
{
    const struct shape *shape;

    switch (field->kind) {
    case TEXT:
        return PyUnicode_CheckExact(value) ? another(value) : NULL;
    case FLAG:
        return PyBool_Check(value) ? another(value) : NULL;
    case CHOICE:
        return PyUnicode_CheckExact(value)
                   ? look_up(PyTuple_GetItem(field->of, 0), value)
                   : NULL;
    case JSON:
        return PyDict_CheckExact(value) ? json_value(job, value, 0) : NULL;
    default:
        shape = PyDict_CheckExact(value) ? shape_for(field->of, value) : NULL;
        return shape == NULL ? NULL : read_object(job, shape, value);
    }
}

/* A list of one text, which a string stands for. */
static PyObject *read_text(const struct job *job, const struct field *field,
                           PyObject *text)
{
    PyObject *forms = Py_BuildValue("[{sssO}]", "type", "text", "text", text);
    PyObject *list
        = forms == NULL ? NULL : each_in_list(read_value, job, field, forms);

    Py_XDECREF(forms);
    return list;
}

static PyObject *read_field(const struct job *job, const struct field *field,
                            PyObject *form)
{
    PyObject *value, *read;

    if (field->kind == INLINE)
        return read_object(job, shape_of(field->of), form);
    value = field->kind == UNSAID ? NULL : look_up(form, field->name);
    if (value == NULL) {
        if (PyErr_Occurred() || PyTuple_Size(field->absent) == 0)
            return NULL;
        value = another(PyTuple_GetItem(field->absent, 0));
    }
    if (field->many == TEXTS && PyUnicode_CheckExact(value))
        read = read_text(job, field, value);
    else
        read = all_of(read_value, job, field, value);
    Py_DECREF(value);
    return read;
}

static PyObject *read_object(const struct job *job, const struct shape *shape,
                             PyObject *form)
{
    PyObject *nothing = PyTuple_New(0), *object;
    Py_ssize_t i;

    if (nothing == NULL)
        return NULL;
    object = shape->make((PyTypeObject *)shape->class, nothing, NULL);
    for (i = 0; object != NULL && i < shape->count; i++) {
        const struct field *field = shape->fields + i;
        PyObject *value;

        if (field->kind == NAMED)
            continue;
        value = read_field(job, field, form);
        if (value == NULL || PyObject_SetAttr(object, field->name, value) < 0)
            Py_CLEAR(object);
        Py_XDECREF(value);
    }
    Py_DECREF(nothing);
    return object;
}

/* ---- Writing ------------------------------------------------------------ */

static int write_object(const struct job *job, const struct shape *shape,
                        PyObject *object, PyObject *form);

/* The form of an object that is of one of some shapes. */
static PyObject *form_of(const struct job *job, PyObject *shapes,
                         PyObject *object)
{
    Py_ssize_t i;

    for (i = 0; i < PyTuple_Size(shapes); i++) {
        const struct shape *shape = shape_of(PyTuple_GetItem(shapes, i));

        if ((PyObject *)Py_TYPE(object) == shape->class) {
            PyObject *form = PyDict_New();

            if (form != NULL && !write_object(job, shape, object, form))
                Py_CLEAR(form);
            return form;
        }
    }
    return NULL;
}

static PyObject *write_value(const struct job *job, const struct field *field,
                             PyObject *value)
{
    switch (field->kind) {
    case CHOICE:
        return look_up(PyTuple_GetItem(field->of, 1), value);
    case OBJECT:
        return form_of(job, field->of, value);
    default:
        return read_value(job, field, value);
    }
}

/* Put a field of an object into its form. 0 if it is not as it should be. */
static int write_field(const struct job *job, const struct field *field,
                       PyObject *object, PyObject *form)
{
    PyObject *value, *written;
    int is_done;

    if (field->kind == UNSAID)
        return 1;
    if (field->kind == NAMED)
        return PyDict_SetItem(form, field->name, field->of) == 0;
    value = PyObject_GetAttr(object, field->name);
    if (value == NULL)
        return 0;
    if (field->kind == INLINE)
        is_done = write_object(job, shape_of(field->of), value, form);
    else {
        written = all_of(write_value, job, field, value);
        is_done = written != NULL
                  && ((written == Py_None && !field->is_none_written)
                      || PyDict_SetItem(form, field->name, written) == 0);
        Py_XDECREF(written);
    }
    Py_DECREF(value);
    return is_done;
}

static int write_object(const struct job *job, const struct shape *shape,
                        PyObject *object, PyObject *form)
{
    Py_ssize_t i;

    if ((PyObject *)Py_TYPE(object) != shape->class)
        return 0;
    for (i = 0; i < shape->count; i++)
        if (!write_field(job, shape->fields + i, object, form))
            return 0;
    return 1;
}

/* ---- From Python -------------------------------------------------------- */

/* The result, or None for whatever was wrong. */
static PyObject *or_none(PyObject *result)
{
    if (result != NULL)
        return result;
    PyErr_Clear(); /* for the way written in Python */
    Py_RETURN_NONE;
}

/* Without the GIL other threads may change a value that is gone through, but
 * not a copy of it. */
static void take_care(struct job *job)
{
#ifdef Py_GIL_DISABLED
    job->is_own = 0;
#else
    (void)job;
#endif
}

PyObject *hm_read_form(PyObject *module, PyObject *args)
{
    PyObject *capsule, *class, *form, *object = NULL;
    const struct shape *shape;
    struct job job;

    (void)module;
    if (!PyArg_ParseTuple(args, "OOOpi", &capsule, &class, &form, &job.is_own,
                          &job.levels))
        return NULL;
    shape = shape_of(capsule);
    if (shape == NULL)
        return NULL;
    take_care(&job);
    if (class == shape->class && PyDict_CheckExact(form))
        object = read_object(&job, shape, form);
    return or_none(object);
}

PyObject *hm_write_form(PyObject *module, PyObject *args)
{
    PyObject *capsule, *object, *form;
    const struct shape *shape;
    struct job job;

    (void)module;
    if (!PyArg_ParseTuple(args, "OOpi", &capsule, &object, &job.is_own,
                          &job.levels))
        return NULL;
    shape = shape_of(capsule);
    if (shape == NULL)
        return NULL;
    take_care(&job);
    form = PyDict_New();
    if (form != NULL && !write_object(&job, shape, object, form))
        Py_CLEAR(form);
    return or_none(form);
}

PyObject *hm_copy_json(PyObject *module, PyObject *const *args,
                       Py_ssize_t count)
{
    struct job job = {0, 0};

    (void)module;
    if (count != 2 || !PyLong_Check(args[1]))
        return PyErr_Format(PyExc_TypeError, "copy_json(value, levels)");
    job.levels = (int)PyLong_AsLong(args[1]);
    return or_none(json_value(&job, args[0], 0));
}

#endif
