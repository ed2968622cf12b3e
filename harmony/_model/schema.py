"""What pydantic is told about our classes: how they are checked, and their JSON schema.

Imported when pydantic asks, and only then.
"""

from __future__ import annotations

import typing
from typing import Any

from pydantic_core import core_schema

REQUIRED: Any = ...
"""In place of a default: the key has to be there."""


def validation_schema(cls: Any) -> core_schema.CoreSchema:
    """Return how objects of a class are checked and written, for pydantic.

    An object of the class is taken as it is, a JSON form is read. Where a field may be
    of several types and one of them takes a dict as it is, that one goes first, as it
    does with openai-harmony: ``list[Message | dict]`` keeps its dicts.
    """
    read = core_schema.no_info_plain_validator_function(cls.model_validate)
    write = core_schema.plain_serializer_function_ser_schema(_form)
    return core_schema.lax_or_strict_schema(
        lax_schema=read,
        strict_schema=core_schema.json_or_python_schema(
            json_schema=read, python_schema=core_schema.is_instance_schema(cls)
        ),
        ref=f"{cls.__module__}.{cls.__qualname__}:{id(cls)}",
        serialization=write,
    )


def _form(model: Any) -> Any:
    return model.to_dict()


def json_schema(cls: Any, handler: Any) -> dict[str, Any]:
    """Return the JSON schema of a class's JSON form, made by pydantic's handler."""
    fields = cls._json_fields()
    schema: dict[str, Any] = handler(
        core_schema.typed_dict_schema(
            {name: _field(kind, default) for name, (kind, default) in fields.items()}
        )
    )
    return {"title": cls.__name__, **schema}


def any_of(cls: Any, kinds: typing.Iterable[Any], handler: Any) -> dict[str, Any]:
    """Return the JSON schema of a class that stands for several others."""
    schema: dict[str, Any] = handler(core_schema.union_schema([*map(_part, kinds)]))
    return {"title": cls.__name__, **schema}


def _field(kind: Any, default: Any) -> core_schema.TypedDictField:
    part = _part(kind)
    if default is REQUIRED:
        return core_schema.typed_dict_field(part, required=True)
    part = core_schema.with_default_schema(part, default=default)
    return core_schema.typed_dict_field(part, required=False)


def _part(kind: Any) -> core_schema.CoreSchema:
    """Return pydantic's schema of the type of a part."""
    from pydantic import TypeAdapter

    return TypeAdapter(kind).core_schema
