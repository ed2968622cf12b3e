"""Our classes as pydantic field types, without depending on pydantic.

Servers declare fields such as ``list[Message | dict]`` and call ``model_dump()`` on
messages. ``Model`` gives a class both, by its JSON form. pydantic is imported only when
it asks itself, or a JSON schema is asked for; ``schema.py`` then answers.
"""

from __future__ import annotations

import copy
import dataclasses
import typing
from collections.abc import Collection, Iterator, Mapping
from typing import TYPE_CHECKING, Any, TypeVar

from harmony._model.checks import instance
from harmony._model.jsontext import dump, load, read_json, write_json

if TYPE_CHECKING:
    from pydantic_core import CoreSchema

M = TypeVar("M", bound="Model")


class Model:
    """Base of classes that have a JSON form: ``to_dict`` and ``from_dict``."""

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON form."""
        raise NotImplementedError(f"{type(self).__name__} has no JSON form")

    @classmethod
    def from_dict(cls: type[M], data: dict[str, Any]) -> M:
        """Read the JSON form. Raises ``ValueError`` naming what is wrong."""
        raise NotImplementedError(f"{cls.__name__} has no JSON form")

    def __iter__(self) -> Iterator[Any]:
        """Give the name and the value of each field, as pydantic does for ``dict``."""
        for field in dataclasses.fields(self):  # type: ignore[arg-type]
            if field.init:
                yield field.name, getattr(self, field.name)

    def model_dump(
        self,
        *,
        include: Collection[str] | None = None,
        exclude: Collection[str] | None = None,
        exclude_none: bool = False,
        **_options: Any,
    ) -> dict[str, Any]:
        """Return the JSON form, whole or with some keys included or excluded.

        ``exclude_none`` leaves out keys that are None, wherever in it; a system prompt
        whose fields are None is then read back with their defaults. Other options of
        pydantic have no effect: the form is of plain JSON values and has no aliases.
        """
        form = _without_none(self.to_dict()) if exclude_none else self.to_dict()
        return {
            key: value
            for key, value in form.items()
            if (include is None or key in include)
            and (exclude is None or key not in exclude)
        }

    def model_dump_json(self, *, indent: int | None = None, **options: Any) -> str:
        """Return the form of ``model_dump`` as JSON text, indented by 2 if at all."""
        text = write_json(self.model_dump(**options))
        return text if indent is None else dump(load(text), indent=True)

    @classmethod
    def model_validate(cls: type[M], obj: Any, **_options: Any) -> M:
        """Return an object of this class, given itself or its JSON form.

        Raises ``ValueError`` for anything else.
        """
        return instance(cls.__name__, obj, cls, cls.from_dict)

    @classmethod
    def model_validate_json(cls: type[M], json_data: str | bytes, **_options: Any) -> M:
        """Return an object of this class, given its JSON form as text."""
        return cls.model_validate(read_json(cls.__name__, json_data))

    def model_copy(
        self: M, *, update: Mapping[str, Any] | None = None, deep: bool = False
    ) -> M:
        """Return a copy with some fields set to other values, which are not checked.

        Raises ``ValueError`` for a name that is no field.
        """
        result = copy.deepcopy(self) if deep else copy.copy(self)
        for name, value in (update or {}).items():
            if name not in result.__dict__:
                raise ValueError(f"{type(self).__name__} has no field {name!r}")
            setattr(result, name, value)
        return result

    @classmethod
    def model_json_schema(cls, mode: str = "validation") -> dict[str, Any]:
        """Return the JSON schema of the JSON form. Needs pydantic.

        ``mode``: as in pydantic; what is read and what is written have the same.
        """
        from pydantic import TypeAdapter

        schema: dict[str, Any] = TypeAdapter(cls).json_schema(mode=mode)  # type: ignore[arg-type]
        return schema

    @classmethod
    def _json_fields(cls) -> dict[str, tuple[Any, Any]]:
        """Return the type and the default of each key of the JSON form.

        The default is ``...`` if the key has to be there.
        """
        types = typing.get_type_hints(cls)
        return {
            field.name: (types[field.name], _default(field))
            for field in dataclasses.fields(cls)  # type: ignore[arg-type]
            if field.init
        }

    @classmethod
    def __get_pydantic_core_schema__(cls, _source: Any, _handler: Any) -> CoreSchema:
        """Tell pydantic how to check and how to write objects of this class."""
        from harmony._model.schema import validation_schema

        return validation_schema(cls)

    @classmethod
    def __get_pydantic_json_schema__(cls, _schema: Any, handler: Any) -> dict[str, Any]:
        """Tell pydantic what the JSON form looks like."""
        from harmony._model.schema import json_schema

        return json_schema(cls, handler)


def _default(field: dataclasses.Field[Any]) -> Any:
    """Return the default of a field, or ``...`` if it has none."""
    if field.default_factory is not dataclasses.MISSING:
        return field.default_factory()
    return ... if field.default is dataclasses.MISSING else field.default


def _without_none(value: Any) -> Any:
    """Return a JSON form without keys that are None; schemas of tools stay whole."""
    if isinstance(value, list):
        return [_without_none(item) for item in value]
    if not isinstance(value, dict):
        return value
    return {
        key: item if key == "parameters" else _without_none(item)
        for key, item in value.items()
        if item is not None
    }
